/* The stand-ins, a function a kind of value, and what is found by its looks, a row of a table each. */
#include "repl/play/redact_internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY (24 * 60 * 60)

/* ---- stand-ins ---- */

void redact_put_number(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "%" PRIu64, redact_number(redact, kind, strtoull(real, NULL, 10)));
}

void redact_put_name(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    unsigned number = redact_known(redact, kind, real, true);
    snprintf(text, size, number > 1 ? "%s%u" : "%s", kind == REDACT_HOST ? "host" : "lab", number);
}

/* As long as it was. */
static void put_temporary(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "%0*u", (int)strlen(real), redact_known(redact, kind, real, true));
}

/* mktemp(1)'s, in any directory: letters of both cases and digits, as few words have them. */
static void put_mixed(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    bool odd = strpbrk(real, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") && strncmp(real, "sha", 3) != 0;
    if (odd && strspn(real, "0123456789") < strlen(real))
        put_temporary(redact, kind, real, text, size);
    else
        snprintf(text, size, "%s", real);
}

static void put_pointer(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "0x0");
}

/* A whole one begins with its number, so that its beginning does too. */
static void put_digest(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    char begin[13];
    size_t len = strlen(real);
    snprintf(begin, sizeof begin, "%.12s", real);
    unsigned number = redact_known(redact, kind, begin, len == 64);
    if (number)
        snprintf(text, size, "%012x%0*d", number, (int)(len > 12 ? len - 12 : 1), 0);
    else
        snprintf(text, size, "%s", real);
    text[len < size ? len : size - 1] = '\0';
}

static void put_uuid(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "00000000-0000-4000-8000-%012x", redact_known(redact, kind, real, true));
}

static void put_mac(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    unsigned number = redact_known(redact, kind, real, true);
    snprintf(text, size, "02:00:00:00:%02x:%02x", number >> 8 & 0xff, number & 0xff);
}

/* ---- dates of about now ---- */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Is the day one of those around the play, anywhere on earth? */
static bool about_now(const struct redact *redact, int year, int month, int day)
{
    for (int around = -1; around <= 1; around++) {
        time_t when = redact_now(redact) + (time_t)around * DAY;
        struct tm tm;
        if (gmtime_r(&when, &tm) && (year < 0 || tm.tm_year + 1900 == year) && tm.tm_mon + 1 == month &&
            tm.tm_mday == day)
            return true;
    }
    return false;
}

/* 2026-11-27, 2026-11-27T21:14:50.123456789Z */
static void put_iso(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    int year, month, day;
    if (sscanf(real, "%d-%d-%d", &year, &month, &day) != 3 || !about_now(redact, year, month, day)) {
        snprintf(text, size, "%s", real);
        return;
    }
    const char *rest = real + strlen("2000-01-01");
    size_t colons = 0;
    for (const char *c = rest; *c; c++)
        colons += *c == ':';
    snprintf(text, size, "2000-01-01%.1s%s%s%s%s", rest, *rest ? "00:00" : "", colons > 1 ? ":00" : "",
             strpbrk(rest, ".,") ? ".000000000" : "", strchr(rest, 'Z') ? "Z" : "");
}

/* "Nov 27", "Nov27", "27 Nov" */
static void put_day(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    bool day_first = isdigit((unsigned char)*real);
    const char *name = real + strcspn(real, "JFMASOND");
    const char *digits = real + strcspn(real, "0123456789");
    int month = 0, day = atoi(digits);
    for (int i = 0; i < 12; i++)
        if (strncmp(months + (size_t)i * 3, name, 3) == 0)
            month = i + 1;
    snprintf(text, size, "%s", real);
    if (about_now(redact, -1, month, day))
        snprintf(text, size, day_first ? "01 Jan" : real[3] == ' ' ? "Jan  1" : "Jan01");
}

/* "Fri Nov 27 21:14:50 UTC 2026" */
static void put_date(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    char day[16];
    put_day(redact, kind, real + 4, day, sizeof day);
    snprintf(text, size, "%s", real);
    if (strncmp(day, "Jan  1", 6) == 0)
        snprintf(text, size, "Sat Jan  1 00:00:00 UTC 2000");
}

static void put_epoch(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    long long when = strtoll(real, NULL, 10);
    bool near = llabs(when - (long long)redact_now(redact)) < 2LL * DAY;
    snprintf(text, size, "%s", near ? "946684800" : real);
}

/* 21:14, 21:14:50.12 */
static void put_clock(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "00:00%s%s", strlen(real) > 5 ? ":00" : "", strlen(real) > 8 ? ".00" : "");
}

void redact_put_zero(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "%s", strchr(real, '.') ? "0.0" : "0");
}

static void put_took(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "0m0.000s");
}

static void put_rate(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "copied, 0 s, 0 B/s");
}

static void put_fetched(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "in 0s (0 B/s)");
}

/* ---- what is found by its looks ---- */

#define MONTH "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#define CLOCK "[0-2][0-9]:[0-5][0-9](:[0-6][0-9]([.,][0-9]+)?)?"

const struct redact_rule redact_rules[REDACT_RULES] = {
    { REDACT_NAMESPACE, redact_put_number, 2, "(mnt|pid|net|ipc|uts|user|cgroup|time|_for_children):\\[([0-9]+)\\]" },
    { REDACT_NAMESPACE, redact_put_number, 0, "402653[0-9]{4}" },
    { REDACT_UUID, put_uuid, 0, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" },
    { REDACT_DIGEST, put_digest, 0, "[0-9a-f]{64}" },
    { REDACT_DIGEST, put_digest, 0, "[0-9a-f]{12,63}" },
    { REDACT_MAC, put_mac, 0, "[0-9a-f]{2}(:[0-9a-f]{2}){5}" },
    { REDACT_TIME, put_iso, 0, "20[0-9]{2}-[01][0-9]-[0-3][0-9]([T ]" CLOCK "Z?)?" },
    { REDACT_TIME, put_date, 0, "[MTWFS][a-z]{2} " MONTH " [ 0-3][0-9] " CLOCK " ([A-Z]{3,4} )?20[0-9]{2}" },
    { REDACT_TIME, put_day, 0, MONTH " ?[ 0-3][0-9]" },
    { REDACT_TIME, put_day, 0, "[0-3][0-9] " MONTH },
    { REDACT_TIME, put_clock, 0, CLOCK },
    { REDACT_TIME, put_epoch, 0, "1[0-9]{9}" },
    { REDACT_TIME, put_took, 0, "[0-9]+m[0-9]+\\.[0-9]{3}s" },
    { REDACT_TIME, put_rate, 0, "copied, [0-9.e-]+ s, [0-9.]+ [kMGT]?B/s" },
    { REDACT_MEASURE, put_fetched, 0, "in [0-9]+s \\([0-9.,]+ [kMG]?B/s\\)" },
    { REDACT_MEASURE, redact_put_zero, 1, "Vm[A-Z][A-Za-z]+:[ \t]*([0-9]+) kB" },
    { REDACT_MEASURE, redact_put_zero, 1, "([0-9]+\\.[0-9]+) ?(ms|s|secs?|seconds?)" },
    { REDACT_MEASURE, redact_put_zero, 1, "([0-9]+) ?(ms|milliseconds?|us|microseconds?)" },
    { REDACT_TEMPORARY, put_temporary, 1, "tmp\\.([A-Za-z0-9]{6,10})" },
    { REDACT_TEMPORARY, put_temporary, 1, "/tmp/[A-Za-z0-9_-]+\\.([A-Za-z0-9]{6,10})" },
    { REDACT_TEMPORARY, put_mixed, 1, "[A-Za-z0-9_-]\\.([A-Za-z0-9]{6,10})" },
    { REDACT_MEASURE, put_pointer, 0, "0x[0-9a-f]{9,16}" },
    { REDACT_PID, redact_put_number, 1, "/proc/([0-9]+)" },
    { REDACT_PID, redact_put_number, 1, "[Pp][Ii][Dd][]) :=\t]*([0-9]+)" },
    { REDACT_PID, redact_put_number, 1, "process ([0-9]+)" },
    { REDACT_PID, redact_put_number, 1, "^\\[[0-9]+\\][-+]? +([0-9]+)" },
    { REDACT_PID, redact_put_number, 1, "[a-z]\\(([0-9]+)\\)" },
    { REDACT_MOUNT, redact_put_number, 1, "^([0-9]+) [0-9]+ [0-9]+:[0-9]+ /" }, /* a line of mountinfo: */
    { REDACT_MOUNT, redact_put_number, 1, "^[0-9]+ ([0-9]+) [0-9]+:[0-9]+ /" },
    { REDACT_MOUNT, redact_put_number, 1, " 0:([0-9]+) " },
    { REDACT_INODE, redact_put_number, 1, "[Ii]node[ :=]+([0-9]+)" },
};

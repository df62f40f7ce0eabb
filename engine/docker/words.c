/* Sizes, times and ids in docker's words. */
#include "engine/docker/verbs.h"

#include <string.h>
#include <time.h>

void docker_size(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    size_t unit = 0;
    double value = (double)bytes;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(text, size, "%.3g%s", value >= 999.5 ? 999.0 : value, units[unit]);
}

void docker_since(int64_t when, char *text, size_t size)
{
    static const struct {
        int64_t below, each;
        const char *unit;
    } steps[] = {
        { 60, 1, "seconds" },
        { 3600, 60, "minutes" },
        { (int64_t)48 * 3600, 3600, "hours" },
        { (int64_t)14 * 86400, 86400, "days" },
        { (int64_t)60 * 86400, (int64_t)7 * 86400, "weeks" },
        { (int64_t)730 * 86400, (int64_t)30 * 86400, "months" },
        { INT64_MAX, (int64_t)365 * 86400, "years" },
    };
    int64_t age = (int64_t)time(NULL) - when;
    size_t step = 0;
    if (when <= 0) {
        snprintf(text, size, "%s", "");
    } else if (age < 1) {
        snprintf(text, size, "Less than a second ago");
    } else if (age == 1) {
        snprintf(text, size, "1 second ago");
    } else if (age >= 60 && age < 120) {
        snprintf(text, size, "About a minute ago");
    } else if (age >= 3600 && age < 5400) {
        snprintf(text, size, "About an hour ago");
    } else {
        while (age >= steps[step].below)
            step++;
        int64_t half = step == 2 ? steps[step].each / 2 : 0; /* hours alone are rounded */
        snprintf(text, size, "%lld %s ago", (long long)((age + half) / steps[step].each), steps[step].unit);
    }
}

void docker_when(int64_t when, char *text, size_t size)
{
    struct tm tm;
    time_t seconds = (time_t)when;
    if (!gmtime_r(&seconds, &tm) || strftime(text, size, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm) == 0)
        snprintf(text, size, "%s", "");
}

int64_t docker_time(const char *text)
{
    struct tm tm = { 0 };
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!rest)
        return 0;
    int64_t seconds = timegm(&tm);
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    unsigned hours, minutes;
    if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2u:%2u", &hours, &minutes) == 2)
        seconds -= (*rest == '+' ? 1 : -1) * (int64_t)(hours * 60 + minutes) * 60;
    return seconds;
}

void docker_id(const char *digest, bool whole, char *text, size_t size)
{
    const char *colon = strchr(digest, ':');
    snprintf(text, size, "%.*s", whole ? 256 : 12, whole || !colon ? digest : colon + 1);
}

void docker_cut(const char *from, size_t most, char *text, size_t size)
{
    size_t characters = 0, last = 0, at = 0;
    for (; from[at] && at + 4 < size; at++)
        if (((unsigned char)from[at] & 0xc0) != 0x80 && ++characters == most)
            last = at;
        else if (characters > most)
            break;
    if (characters > most || from[at])
        snprintf(text, size, "%.*s…", (int)(last ? last : at), from);
    else
        snprintf(text, size, "%s", from);
}

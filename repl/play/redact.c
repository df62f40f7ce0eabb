#include "repl/play/redact.h"

#include "engine/base/cleanup.h"
#include "repl/session/job.h"

#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TERMINALS 10 /* numbered from 1; [0] is for text of none */
#define COLUMNS 8
#define NAMES 8
#define DAY (24 * 60 * 60)

/* A real value and its stand-in's number, by kind and value. */
struct known {
    enum redact_kind kind;
    unsigned number;
    char real[];
};

/* What the text of one terminal is to be read by. */
struct context {
    char *command;
    bool pids;         /* its command asks for process ids: a number by itself is one */
    bool inodes;       /* … for inodes */
    bool inodes_first; /* … at the beginning of each line */
    struct column {
        size_t begin, end; /* of the header's word */
        enum redact_kind kind;
    } columns[COLUMNS];
    size_t column_count;
};

struct redact {
    void *known; /* a tree of struct known, tsearch(3) */
    unsigned count[REDACT_KINDS];
    struct {
        enum redact_kind kind;
        char *name;
    } names[NAMES];
    size_t name_count;
    struct context contexts[TERMINALS];
    regex_t *patterns; /* of the rules */
    regex_t asks_pids, asks_inodes, asks_inodes_first;
    time_t now;
};

/* ---- stand-ins ---- */

static int compare(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->real, b->real);
}

/* The number of @real among those of its kind, from 1; with @add it gets the next one if it has none. 0: it has none. */
static unsigned number_of(struct redact *redact, enum redact_kind kind, const char *real, bool add)
{
    size_t size = strlen(real) + 1;
    struct known *key = malloc(sizeof *key + size);
    if (!key)
        return 0;
    *key = (struct known){ .kind = kind };
    memcpy(key->real, real, size);
    struct known *const *found = add ? tsearch(key, &redact->known, compare) : tfind(key, &redact->known, compare);
    if (add && found && *found == key)
        key->number = ++redact->count[kind];
    unsigned number = found ? (*found)->number : 0;
    if (!found || *found != key)
        free(key);
    return number;
}

uint64_t redact_number(struct redact *redact, enum redact_kind kind, uint64_t number)
{
    static const uint64_t first[REDACT_KINDS] = {
        [REDACT_PID] = 1000, [REDACT_INODE] = 9000000, [REDACT_NAMESPACE] = 4000000000
    };
    char real[24];
    if (!redact || number < REDACT_MIN)
        return number;
    snprintf(real, sizeof real, "%" PRIu64, number);
    return first[kind] + number_of(redact, kind, real, true);
}

static void put_number(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "%" PRIu64, redact_number(redact, kind, strtoull(real, NULL, 10)));
}

static void put_name(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    unsigned number = number_of(redact, kind, real, true);
    snprintf(text, size, number > 1 ? "%s%u" : "%s", kind == REDACT_HOST ? "host" : "lab", number);
}

/* As long as it was. */
static void put_temporary(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "%0*u", (int)strlen(real), number_of(redact, kind, real, true));
}

/* A whole one begins with its number, so that its beginning does too. */
static void put_digest(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    char begin[13];
    size_t len = strlen(real);
    snprintf(begin, sizeof begin, "%.12s", real);
    unsigned number = number_of(redact, kind, begin, len == 64);
    if (number)
        snprintf(text, size, "%012x%0*u", number, (int)(len > 12 ? len - 12 : 1), 0);
    else
        snprintf(text, size, "%s", real);
    text[len < size ? len : size - 1] = '\0';
}

static void put_uuid(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "00000000-0000-4000-8000-%012x", number_of(redact, kind, real, true));
}

static void put_mac(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    unsigned number = number_of(redact, kind, real, true);
    snprintf(text, size, "02:00:00:00:%02x:%02x", number >> 8 & 0xff, number & 0xff);
}

/* ---- dates of about now ---- */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Is the day one of those around the play, anywhere on earth? */
static bool about_now(const struct redact *redact, int year, int month, int day)
{
    for (int around = -1; around <= 1; around++) {
        time_t when = redact->now + (time_t)around * DAY;
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
    snprintf(text, size, "2000-01-01%.1s%s%s%s", rest, *rest ? "00:00" : "", colons > 1 ? ":00" : "",
             strpbrk(rest, ".,") ? ".000000000" : "");
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
    bool near = llabs(when - (long long)redact->now) < 2LL * DAY;
    snprintf(text, size, "%s", near ? "946684800" : real);
}

/* 21:14, 21:14:50.12 */
static void put_clock(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "00:00%s%s", strlen(real) > 5 ? ":00" : "", strlen(real) > 8 ? ".00" : "");
}

static void put_took(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "0m0.000s");
}

static void put_rate(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    snprintf(text, size, "copied, 0 s, 0 B/s");
}

/* A shell's own marks: what they tell, a run tells by other means. */
static void put_nothing(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size)
{
    *text = '\0';
}

/* ---- what is found by its looks ---- */

#define MONTH "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#define CLOCK "[0-2][0-9]:[0-5][0-9](:[0-6][0-9]([.,][0-9]+)?)?"

typedef void put_fn(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size);

/* The first one that matches at a place has it. */
static const struct rule {
    enum redact_kind kind;
    put_fn *put;
    unsigned group; /* of the pattern: what is replaced */
    const char *pattern;
} rules[] = {
    { REDACT_KINDS, put_nothing, 0, "\033]133;[^\a]*\a" },
    { REDACT_NAMESPACE, put_number, 2, "(mnt|pid|net|ipc|uts|user|cgroup|time|_for_children):\\[([0-9]+)\\]" },
    { REDACT_NAMESPACE, put_number, 0, "402653[0-9]{4}" },
    { REDACT_UUID, put_uuid, 0, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" },
    { REDACT_DIGEST, put_digest, 0, "[0-9a-f]{64}" },
    { REDACT_DIGEST, put_digest, 0, "[0-9a-f]{12,63}" },
    { REDACT_MAC, put_mac, 0, "[0-9a-f]{2}(:[0-9a-f]{2}){5}" },
    { REDACT_TIME, put_iso, 0, "20[0-9]{2}-[01][0-9]-[0-3][0-9]([T ]" CLOCK ")?" },
    { REDACT_TIME, put_date, 0, "[MTWFS][a-z]{2} " MONTH " [ 0-3][0-9] " CLOCK " ([A-Z]{3,4} )?20[0-9]{2}" },
    { REDACT_TIME, put_day, 0, MONTH " ?[ 0-3][0-9]" },
    { REDACT_TIME, put_day, 0, "[0-3][0-9] " MONTH },
    { REDACT_TIME, put_clock, 0, CLOCK },
    { REDACT_TIME, put_epoch, 0, "1[0-9]{9}" },
    { REDACT_TIME, put_took, 0, "[0-9]+m[0-9]+\\.[0-9]{3}s" },
    { REDACT_TIME, put_rate, 0, "copied, [0-9.e-]+ s, [0-9.]+ [kMGT]?B/s" },
    { REDACT_TEMPORARY, put_temporary, 1, "tmp\\.([A-Za-z0-9]{6,10})" },
    { REDACT_TEMPORARY, put_temporary, 1, "/tmp/[A-Za-z0-9_-]+\\.([A-Za-z0-9]{6,10})" },
    { REDACT_PID, put_number, 1, "/proc/([0-9]+)" },
    { REDACT_PID, put_number, 1, "[Pp][Ii][Dd][]) :=\t]*([0-9]+)" },
    { REDACT_PID, put_number, 1, "process ([0-9]+)" },
    { REDACT_PID, put_number, 1, "^\\[[0-9]+\\][-+]? +([0-9]+)" },
    { REDACT_PID, put_number, 1, "[a-z]\\(([0-9]+)\\)" },
    { REDACT_INODE, put_number, 1, "[Ii]node[ :=]+([0-9]+)" },
};
#define RULES (sizeof rules / sizeof *rules)

/* Header words and what stands below them. */
static const struct {
    const char *word;
    enum redact_kind kind;
} headers[] = {
    { "PID", REDACT_PID },   { "PPID", REDACT_PID }, { "PGID", REDACT_PID },    { "PGRP", REDACT_PID },
    { "SID", REDACT_PID },   { "SESS", REDACT_PID }, { "TGID", REDACT_PID },    { "TPGID", REDACT_PID },
    { "NSPID", REDACT_PID }, { "LWP", REDACT_PID },  { "INODE", REDACT_INODE },
};

/* ---- one ---- */

static void drop_context(struct context *context)
{
    free(context->command);
    *context = (struct context){ 0 };
}

struct redact *redact_new(void)
{
    struct redact *redact = calloc(1, sizeof *redact);
    if (!redact)
        return NULL;
    redact->now = time(NULL);
    redact->patterns = calloc(RULES, sizeof *redact->patterns);
    bool made =
        redact->patterns &&
        regcomp(&redact->asks_pids, "\\$(\\$|!|PPID|BASHPID)|(^|[^a-z])(pgrep|pidof|jobs +-[lp])",
                REG_EXTENDED | REG_NOSUB) == 0 &&
        regcomp(&redact->asks_inodes, "%i|-inum", REG_EXTENDED | REG_NOSUB) == 0 &&
        regcomp(&redact->asks_inodes_first, "(^|[^a-z])ls( +-[A-Za-z]+)* +-[A-Za-z]*i", REG_EXTENDED | REG_NOSUB) == 0;
    for (size_t i = 0; made && i < RULES; i++)
        made = regcomp(&redact->patterns[i], rules[i].pattern, REG_EXTENDED) == 0;
    if (made)
        return redact;
    free(redact->patterns); /* out of memory: what was compiled goes with the program */
    free(redact);
    return NULL;
}

void redact_free(struct redact *redact)
{
    if (!redact)
        return;
    for (size_t i = 0; i < TERMINALS; i++)
        drop_context(&redact->contexts[i]);
    for (size_t i = 0; i < redact->name_count; i++)
        free(redact->names[i].name);
    for (size_t i = 0; i < RULES; i++)
        regfree(&redact->patterns[i]);
    regfree(&redact->asks_pids);
    regfree(&redact->asks_inodes);
    regfree(&redact->asks_inodes_first);
    free(redact->patterns);
    tdestroy(redact->known, free);
    free(redact);
}

void redact_name(struct redact *redact, enum redact_kind kind, const char *name)
{
    if (!redact || !*name || redact->name_count == NAMES)
        return;
    char *copy = strdup(name);
    if (!copy)
        return;
    redact->names[redact->name_count].kind = kind;
    redact->names[redact->name_count++].name = copy;
}

void redact_command(struct redact *redact, unsigned terminal, const char *command)
{
    if (!redact || terminal >= TERMINALS)
        return;
    struct context *context = &redact->contexts[terminal];
    drop_context(context);
    context->command = strdup(command);
    context->pids = regexec(&redact->asks_pids, command, 0, NULL, 0) == 0;
    context->inodes = regexec(&redact->asks_inodes, command, 0, NULL, 0) == 0;
    context->inodes_first = regexec(&redact->asks_inodes_first, command, 0, NULL, 0) == 0;
}

/* ---- one line ---- */

struct reader {
    struct redact *redact;
    struct context *context;
    const char *line;
    size_t at;
    size_t begin;           /* of the line, in out */
    regmatch_t next[RULES]; /* of each rule, in the line; -1: none any more */
    struct text out;
};

/* What ends before @at on the left, or begins there on the right, is a word of its own. An escape sequence is no part of one. */
static bool begins_word(const char *line, size_t at)
{
    if (at == 0 || !(isalnum((unsigned char)line[at - 1]) || strchr("_:", line[at - 1])))
        return true;
    size_t begin = at - 1;
    if (!isalpha((unsigned char)line[begin]))
        return false;
    while (begin > 0 && (isdigit((unsigned char)line[begin - 1]) || line[begin - 1] == ';'))
        begin--;
    return begin > 1 && line[begin - 1] == '[' && line[begin - 2] == '\033';
}

static bool ends_word(const char *line, size_t at)
{
    return !isalnum((unsigned char)line[at]) && line[at] != '_' &&
           !(line[at] == ':' && isxdigit((unsigned char)line[at + 1]));
}

/* The next place where rule @which holds, from @from on. */
static void look(struct reader *reader, size_t which, size_t from)
{
    regmatch_t match[8];
    const struct rule *rule = &rules[which];
    for (;; from++) {
        if (regexec(&reader->redact->patterns[which], reader->line + from, 8, match, from ? REG_NOTBOL : 0) != 0) {
            reader->next[which].rm_so = -1;
            return;
        }
        size_t begin = from + (size_t)match[rule->group].rm_so, end = from + (size_t)match[rule->group].rm_eo;
        bool whole = rule->put == put_nothing ||
                     ((rule->group || begins_word(reader->line, begin)) && ends_word(reader->line, end));
        if (whole) {
            reader->next[which] = (regmatch_t){ (regoff_t)begin, (regoff_t)end };
            return;
        }
        from += (size_t)match[0].rm_so;
    }
}

/* A number that the command itself has is not one that it found out. */
static bool in_command(const struct context *context, const char *number)
{
    size_t len = strlen(number);
    for (const char *at = context->command; at && (at = strstr(at, number)); at++)
        if (!isdigit((unsigned char)at[len]) && (at == context->command || !isdigit((unsigned char)at[-1])))
            return true;
    return false;
}

static const struct column *column_at(const struct context *context, size_t begin, size_t end)
{
    for (size_t i = 0; i < context->column_count; i++)
        if (begin < context->columns[i].end && end > context->columns[i].begin)
            return &context->columns[i];
    return NULL;
}

/* A number that only its place makes a pid or an inode. Returns its length, and its kind; 0: it is none. */
static size_t placed_number(const struct reader *reader, enum redact_kind *kind)
{
    const struct context *context = reader->context;
    const char *number = reader->line + reader->at;
    size_t len = strspn(number, "0123456789");
    char digits[24];
    if (len == 0 || len >= sizeof digits || !begins_word(reader->line, reader->at) ||
        !ends_word(reader->line, reader->at + len) || (number[len] == '.' && isdigit((unsigned char)number[len + 1])) ||
        (reader->at && strchr(".-", reader->line[reader->at - 1])))
        return 0;
    const struct column *column = column_at(context, reader->at, reader->at + len);
    const char *out = reader->out.data + reader->begin; /* what of the line stands there already */
    bool first = strspn(out, " ") == reader->out.len - reader->begin;
    snprintf(digits, sizeof digits, "%.*s", (int)len, number);
    if (column)
        *kind = column->kind;
    else if (in_command(context, digits))
        return 0;
    else if (context->inodes || (context->inodes_first && first))
        *kind = REDACT_INODE;
    else if (context->pids)
        *kind = REDACT_PID;
    else
        return 0;
    return len;
}

static void put(struct text *out, const char *bytes, size_t len)
{
    text_append(out, bytes, len, SIZE_MAX);
}

/* @len bytes become @stand_in. A number keeps the end of its column, if there are blanks to give or take. */
static void replace(struct reader *reader, size_t len, const char *stand_in, bool number)
{
    struct text *out = &reader->out;
    size_t size = strlen(stand_in), blanks = 0;
    while (blanks < out->len && out->data[out->len - 1 - blanks] == ' ')
        blanks++;
    bool padded = number && (blanks > 1 || (blanks && blanks == out->len) ||
                             (blanks && out->data[out->len - 1 - blanks] == '\n'));
    if (padded && size > len)
        out->len -= size - len < blanks - 1 ? size - len : blanks - 1;
    for (size_t i = size; padded && i < len; i++)
        put(out, " ", 1);
    put(out, stand_in, size);
    reader->at += len;
}

static bool replace_name(struct reader *reader)
{
    const struct redact *redact = reader->redact;
    const char *at = reader->line + reader->at;
    for (size_t i = 0; i < redact->name_count; i++) {
        size_t len = strlen(redact->names[i].name);
        char stand_in[32];
        if (strncmp(at, redact->names[i].name, len) != 0 || !begins_word(reader->line, reader->at) ||
            !ends_word(reader->line, reader->at + len))
            continue;
        put_name(reader->redact, redact->names[i].kind, redact->names[i].name, stand_in, sizeof stand_in);
        replace(reader, len, stand_in, false);
        return true;
    }
    return false;
}

static bool replace_by_rule(struct reader *reader)
{
    for (size_t i = 0; i < RULES; i++) {
        regmatch_t *next = &reader->next[i];
        char real[160], stand_in[160];
        if (next->rm_so >= 0 && (size_t)next->rm_so < reader->at)
            look(reader, i, reader->at);
        if (next->rm_so < 0 || (size_t)next->rm_so != reader->at)
            continue;
        size_t len = (size_t)(next->rm_eo - next->rm_so);
        if (len >= sizeof real)
            continue;
        snprintf(real, sizeof real, "%.*s", (int)len, reader->line + reader->at);
        rules[i].put(reader->redact, rules[i].kind, real, stand_in, sizeof stand_in);
        replace(reader, len, stand_in, rules[i].put == put_number);
        return true;
    }
    return false;
}

static bool replace_placed(struct reader *reader)
{
    enum redact_kind kind;
    char real[24], stand_in[24];
    size_t len = placed_number(reader, &kind);
    if (len == 0)
        return false;
    snprintf(real, sizeof real, "%.*s", (int)len, reader->line + reader->at);
    put_number(reader->redact, kind, real, stand_in, sizeof stand_in);
    replace(reader, len, stand_in, true);
    return true;
}

/* A header is a line with several words in capitals, one of which we know. */
static bool read_header(struct context *context, const char *line)
{
    struct context found = { 0 };
    size_t words = 0;
    for (size_t at = strspn(line, " "); line[at]; at += strspn(line + at, " \r")) {
        size_t len = strcspn(line + at, " \r");
        words += strspn(line + at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ%#-_") == len;
        for (size_t i = 0; i < sizeof headers / sizeof *headers && found.column_count < COLUMNS; i++)
            if (strlen(headers[i].word) == len && strncmp(line + at, headers[i].word, len) == 0)
                found.columns[found.column_count++] = (struct column){ at, at + len, headers[i].kind };
        at += len;
    }
    if (words < 2 || !found.column_count)
        return false;
    memcpy(context->columns, found.columns, sizeof found.columns);
    context->column_count = found.column_count;
    return true;
}

/* @line without its newline, NUL-terminated. */
static void read_line(struct reader *reader, const char *line)
{
    reader->line = line;
    reader->at = 0;
    reader->begin = reader->out.len;
    if (line[strspn(line, " \r")] == '\0')
        reader->context->column_count = 0;
    if (read_header(reader->context, line)) {
        put(&reader->out, line, strlen(line));
        return;
    }
    for (size_t i = 0; i < RULES; i++)
        look(reader, i, 0);
    while (line[reader->at])
        if (!replace_name(reader) && !replace_by_rule(reader) && !replace_placed(reader))
            put(&reader->out, &line[reader->at++], 1);
}

/* A NUL byte in a line ends what is looked at, and nothing else. */
char *redact_text(struct redact *redact, unsigned terminal, const char *text, size_t len, size_t *redacted_len)
{
    struct context none = { 0 };
    struct reader reader = { .redact = redact,
                             .context =
                                 redact && terminal && terminal < TERMINALS ? &redact->contexts[terminal] : &none };
    text_append(&reader.out, "", 0, SIZE_MAX);
    if (!redact)
        put(&reader.out, text, len);
    while (redact && len) {
        const char *newline = memchr(text, '\n', len);
        size_t size = newline ? (size_t)(newline - text) : len;
        cleanup_free char *line = strndup(text, size);
        if (!line)
            break;
        size_t seen = strlen(line);
        read_line(&reader, line);
        put(&reader.out, text + seen, size - seen + (newline != NULL));
        size += newline != NULL;
        text += size;
        len -= size;
    }
    if (redacted_len)
        *redacted_len = reader.out.len;
    return reader.out.data;
}

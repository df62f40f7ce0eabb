#include "repl/play/redact_internal.h"

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

unsigned redact_known(struct redact *redact, enum redact_kind kind, const char *real, bool add)
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

time_t redact_now(const struct redact *redact)
{
    return redact->now;
}

uint64_t redact_number(struct redact *redact, enum redact_kind kind, uint64_t number)
{
    static const uint64_t first[REDACT_KINDS] = {
        [REDACT_PID] = 1000, [REDACT_INODE] = 9000000, [REDACT_MOUNT] = 100, [REDACT_NAMESPACE] = 4000000000
    };
    char real[24];
    if (!redact || number < REDACT_MIN)
        return number;
    snprintf(real, sizeof real, "%" PRIu64, number);
    return first[kind] + redact_known(redact, kind, real, true);
}

/* Header words and what stands below them. */
static const struct {
    const char *word;
    enum redact_kind kind;
} headers[] = {
    { "PID", REDACT_PID },      { "PPID", REDACT_PID },    { "PGID", REDACT_PID },    { "PGRP", REDACT_PID },
    { "SID", REDACT_PID },      { "SESS", REDACT_PID },    { "TGID", REDACT_PID },    { "TPGID", REDACT_PID },
    { "NSPID", REDACT_PID },    { "LWP", REDACT_PID },     { "INODE", REDACT_INODE }, { "%CPU", REDACT_MEASURE },
    { "%MEM", REDACT_MEASURE }, { "RSS", REDACT_MEASURE },
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
    redact->patterns = calloc(REDACT_RULES, sizeof *redact->patterns);
    bool made =
        redact->patterns &&
        regcomp(&redact->asks_pids, "\\$(\\$|!|PPID|BASHPID)|(^|[^a-z])(pgrep|pidof|jobs +-[lp])",
                REG_EXTENDED | REG_NOSUB) == 0 &&
        regcomp(&redact->asks_inodes, "%i|-inum", REG_EXTENDED | REG_NOSUB) == 0 &&
        regcomp(&redact->asks_inodes_first, "(^|[^a-z])ls( +-[A-Za-z]+)* +-[A-Za-z]*i", REG_EXTENDED | REG_NOSUB) == 0;
    for (size_t i = 0; made && i < REDACT_RULES; i++)
        made = regcomp(&redact->patterns[i], redact_rules[i].pattern, REG_EXTENDED) == 0;
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
    for (size_t i = 0; i < REDACT_RULES; i++)
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
    size_t len; /* of it */
    size_t at;
    size_t begin;                  /* of the line, in out */
    size_t margin;                 /* of the line: what takes no place on the screen */
    regmatch_t next[REDACT_RULES]; /* of each rule, in the line; -1: none any more */
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
    while (begin > 0 && (isdigit((unsigned char)line[begin - 1]) || strchr(";?", line[begin - 1])))
        begin--;
    return begin > 1 && line[begin - 1] == '[' && line[begin - 2] == '\033';
}

static bool ends_word(const char *line, size_t at)
{
    return !isalnum((unsigned char)line[at]) && line[at] != '_' &&
           !(line[at] == ':' && isxdigit((unsigned char)line[at + 1]));
}

/* Bytes of a line that are looked through at a time, and again with the next ones: longer than what any rule finds. A pattern that begins with a number takes a time that is the square of
 * the longest one's length. */
#define WINDOW 320
#define OVERLAP 128

static bool find(const struct reader *reader, size_t which, size_t from, regmatch_t match[8])
{
    for (;;) {
        size_t end = reader->len - from > WINDOW ? from + WINDOW : reader->len;
        match[0] = (regmatch_t){ (regoff_t)from, (regoff_t)end };
        bool found = regexec(&reader->redact->patterns[which], reader->line, 8, match, REG_STARTEND) == 0;
        if (found && (end == reader->len || match[0].rm_eo < (regoff_t)end))
            return true;
        if (end == reader->len)
            return false;
        /* What reaches the end may go on behind it. */
        from = found && match[0].rm_so > (regoff_t)from ? (size_t)match[0].rm_so : end - OVERLAP;
    }
}

/* The next place where rule @which holds, from @from on. */
static void look(struct reader *reader, size_t which, size_t from)
{
    const struct redact_rule *rule = &redact_rules[which];
    for (;; from++) {
        regmatch_t match[8];
        if (!find(reader, which, from, match)) {
            reader->next[which].rm_so = -1;
            return;
        }
        size_t begin = (size_t)match[rule->group].rm_so, end = (size_t)match[rule->group].rm_eo;
        bool whole = (rule->group || begins_word(reader->line, begin)) && ends_word(reader->line, end);
        if (whole) {
            reader->next[which] = (regmatch_t){ (regoff_t)begin, (regoff_t)end };
            return;
        }
        from = (size_t)match[0].rm_so;
        while (!rule->group && from + 1 < reader->len &&
               !begins_word(reader->line, from + 1)) /* no other place in this word */
            from++;
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

static const struct column *column_at(const struct reader *reader, size_t begin, size_t end)
{
    const struct context *context = reader->context;
    begin -= reader->margin;
    end -= reader->margin;
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
    const struct column *column = column_at(reader, reader->at, reader->at + len);
    if (column && column->kind == REDACT_MEASURE)
        len = strspn(number, "0123456789.");
    char digits[24];
    if (len == 0 || len >= sizeof digits || !begins_word(reader->line, reader->at) ||
        !ends_word(reader->line, reader->at + len) || (number[len] == '.' && isdigit((unsigned char)number[len + 1])) ||
        (reader->at && strchr(".-", reader->line[reader->at - 1])))
        return 0;
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

enum place { IN_TEXT, IN_NUMBERS, IN_COLUMN };

/* @len bytes become @stand_in. A number keeps the end of its column, if there are blanks to give or take. */
static void replace(struct reader *reader, size_t len, const char *stand_in, enum place place)
{
    struct text *out = &reader->out;
    size_t size = strlen(stand_in), blanks = 0;
    while (blanks < out->len - reader->begin && out->data[out->len - 1 - blanks] == ' ')
        blanks++;
    bool first = blanks == out->len - reader->begin;
    size_t spare = blanks > 1 ? blanks - 1 : first ? blanks : 0;
    bool padded = place == IN_COLUMN ? blanks > 0 : place == IN_NUMBERS && spare > 0;
    if (padded && size > len)
        out->len -= size - len < spare ? size - len : spare;
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
        redact_put_name(reader->redact, redact->names[i].kind, redact->names[i].name, stand_in, sizeof stand_in);
        replace(reader, len, stand_in, IN_TEXT);
        return true;
    }
    return false;
}

static bool replace_by_rule(struct reader *reader)
{
    for (size_t i = 0; i < REDACT_RULES; i++) {
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
        redact_rules[i].put(reader->redact, redact_rules[i].kind, real, stand_in, sizeof stand_in);
        bool number = redact_rules[i].put == redact_put_number || redact_rules[i].put == redact_put_zero;
        replace(reader, len, stand_in, number ? IN_NUMBERS : IN_TEXT);
        return true;
    }
    return false;
}

static bool replace_placed(struct reader *reader)
{
    enum redact_kind kind;
    char real[24], stand_in[24] = "";
    size_t len = placed_number(reader, &kind);
    if (len == 0)
        return false;
    bool column = column_at(reader, reader->at, reader->at + len);
    snprintf(real, sizeof real, "%.*s", (int)len, reader->line + reader->at);
    (kind == REDACT_MEASURE ? redact_put_zero : redact_put_number)(reader->redact, kind, real, stand_in,
                                                                   sizeof stand_in);
    replace(reader, len, stand_in, column ? IN_COLUMN : IN_NUMBERS);
    return true;
}

/* The length of the escape sequence that @text begins with; 0: it begins with none. */
static size_t sequence(const char *text)
{
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t len = 2 + strspn(text + 2, "0123456789;?");
    return len + (text[len] != '\0');
}

/* Escape sequences and CRs that a line begins with. */
static size_t margin(const char *line)
{
    size_t len = 0;
    for (size_t step; (step = line[len] == '\r' ? 1 : sequence(line + len)) > 0;)
        len += step;
    return len;
}

/* A shell's own marks are left out: what they tell, a run tells by other means. */
static void drop_marks(char *line)
{
    for (char *mark = line; (mark = strstr(mark, "\033]133;"));) {
        char *end = strchr(mark, '\a');
        if (!end)
            return;
        memmove(mark, end + 1, strlen(end + 1) + 1);
    }
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
    reader->len = strlen(line);
    reader->at = 0;
    reader->begin = reader->out.len;
    reader->margin = margin(line);
    if (line[strspn(line, " \r")] == '\0')
        reader->context->column_count = 0;
    if (read_header(reader->context, line + reader->margin)) {
        put(&reader->out, line, strlen(line));
        return;
    }
    for (size_t i = 0; i < REDACT_RULES; i++)
        look(reader, i, 0);
    while (line[reader->at]) {
        size_t kept = sequence(line + reader->at); /* the numbers in it are colours */
        if (kept == 0 && (replace_name(reader) || replace_by_rule(reader) || replace_placed(reader)))
            continue;
        kept = kept ? kept : 1;
        put(&reader->out, line + reader->at, kept);
        reader->at += kept;
    }
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
        drop_marks(line);
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

/* Does an output match its patterns?
 *
 * The patterns are a small automaton, two states each: 2i, where pattern i comes next, and 2i+1, where it has matched and may match again. All states are
 * carried along together, so the time is lines × patterns whatever they are.
 */
#include "repl/lesson/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static size_t character(const char *s)
{
    size_t len = utf8_length(s, strlen(s));
    return len ? len : 1;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len); /* UTF-8 sorts as its code points do */
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/** Is the character @c of the class whose name the `[:` at *at begins, as in `[[:digit:]]`? Moves *at past it; leaves it if there is none. */
static bool class_matches(const char **at, const char *c, size_t c_len)
{
    char name[16] = "";
    const char *end = strncmp(*at, "[:", 2) == 0 ? strstr(*at + 2, ":]") : NULL;
    size_t len = end ? (size_t)(end - *at - 2) : sizeof name;
    if (len >= sizeof name)
        return false;
    memcpy(name, *at + 2, len);
    wctype_t class = wctype(name);
    if (!class)
        return false;
    *at = end + 2;
    wchar_t wide;
    mbstate_t none = { 0 };
    size_t got = mbrtowc(&wide, c, c_len, &none);
    return got > 0 && got <= c_len && iswctype((wint_t)wide, class);
}

/** Is the character @c one of the bracket expression after the `[` at @at? *end is past its `]`, or NULL if it has none. */
static bool bracket_matches(const char *at, const char *c, size_t c_len, const char **end)
{
    bool negated = *at == '!' || *at == '^', found = false;
    at += negated;
    for (bool first = true; *at && (*at != ']' || first); first = false) {
        const char *class = at;
        found |= class_matches(&at, c, c_len);
        if (at > class)
            continue;
        at += at[0] == '\\' && at[1];
        const char *low = at, *high = at;
        size_t low_len = character(low), high_len = low_len;
        at += low_len;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            high = at + 1 + (at[1] == '\\' && at[2]);
            high_len = character(high);
            at = high + high_len;
        }
        found |= compare(c, c_len, low, low_len) >= 0 && compare(c, c_len, high, high_len) <= 0;
    }
    *end = *at == ']' ? at + 1 : NULL;
    return found != negated;
}

/** Match the character at @text (@len bytes) by the next of @glob, which is not `*` nor the end. Returns the rest of @glob, or NULL. */
static const char *match_character(const char *glob, const char *text, size_t len)
{
    if (*glob == '?')
        return glob + 1;
    if (*glob == '[') {
        const char *end;
        bool found = bracket_matches(glob + 1, text, len, &end);
        if (end)
            return found ? end : NULL;
    }
    glob += glob[0] == '\\' && glob[1];
    return strncmp(glob, text, len) == 0 ? glob + len : NULL;
}

/** Only the last `*` is ever tried again: the earliest way up to each `*` leaves the most for the rest. */
static bool glob_matches(const char *glob, const char *text)
{
    const char *star = NULL, *star_text = NULL;
    while (*text) {
        size_t len = character(text);
        const char *rest;
        if (*glob == '*') {
            star = ++glob;
            star_text = text;
        } else if (*glob && (rest = match_character(glob, text, len))) {
            glob = rest;
            text += len;
        } else if (star) {
            star_text += character(star_text);
            glob = star;
            text = star_text;
        } else {
            return false;
        }
    }
    return glob[strspn(glob, "*")] == '\0';
}

struct matcher {
    const struct output_pattern *patterns;
    size_t count;
    regex_t *regexes; /* one a pattern, where compiled[i] */
    bool *compiled;
    bool *now, *next; /* 2 * count + 1 states; the last: nothing more may come */
};

static bool matcher_new(struct matcher *m, const struct block *block)
{
    size_t n = block->output_count;
    *m = (struct matcher){ .patterns = block->output, .count = n };
    m->regexes = calloc(n + 1, sizeof *m->regexes);
    m->compiled = calloc(n + 1, sizeof *m->compiled);
    m->now = calloc(2 * n + 1, sizeof *m->now);
    m->next = calloc(2 * n + 1, sizeof *m->next);
    if (!m->regexes || !m->compiled || !m->now || !m->next)
        return false;
    char why[128];
    for (size_t i = 0; i < n; i++)
        if (m->patterns[i].kind == OUTPUT_REGEX)
            m->compiled[i] = regex_compile(&m->regexes[i], m->patterns[i].text, true, 0, why, sizeof why);
    return true;
}

static void matcher_free(struct matcher *m)
{
    for (size_t i = 0; m->regexes && m->compiled && i < m->count; i++)
        if (m->compiled[i])
            regfree(&m->regexes[i]);
    free(m->regexes);
    free(m->compiled);
    free(m->now);
    free(m->next);
}

static bool line_matches(const struct matcher *m, size_t i, const char *line)
{
    const struct output_pattern *pattern = &m->patterns[i];
    switch (pattern->kind) {
    case OUTPUT_LITERAL:
        return strcmp(pattern->text, line) == 0;
    case OUTPUT_GLOB:
        return glob_matches(pattern->text, line);
    case OUTPUT_REGEX:
        return m->compiled[i] && regexec(&m->regexes[i], line, 0, NULL, 0) == 0;
    case OUTPUT_ANY_LINES:
        return true;
    }
    return false;
}

static bool may_be_left_out(const struct matcher *m, size_t i)
{
    return m->patterns[i].count == '?' || m->patterns[i].count == '*';
}

/** Every state that is reached without a line. */
static void reach(struct matcher *m, bool *states)
{
    for (size_t i = 0; i < m->count; i++)
        if (states[2 * i + 1] || (states[2 * i] && may_be_left_out(m, i)))
            states[2 * i + 2] = true;
}

/** Take one line. False if no state is left. */
static bool take_line(struct matcher *m, const char *line)
{
    bool any = false;
    memset(m->next, 0, (2 * m->count + 1) * sizeof *m->next);
    for (size_t i = 0; i < m->count; i++) {
        if ((!m->now[2 * i] && !m->now[2 * i + 1]) || !line_matches(m, i, line))
            continue;
        bool again = m->patterns[i].count == '*' || m->patterns[i].count == '+';
        m->next[again ? 2 * i + 1 : 2 * i + 2] = true;
        any = true;
    }
    if (!any)
        return false;
    bool *taken = m->now;
    m->now = m->next;
    m->next = taken;
    reach(m, m->now);
    return true;
}

/** The pattern that must come next: the furthest one reached. NULL if nothing more may come. */
static const struct output_pattern *awaited(const struct matcher *m)
{
    for (size_t i = m->count; i-- > 0;)
        if (m->now[2 * i] && !may_be_left_out(m, i))
            return &m->patterns[i];
    for (size_t i = m->count; i-- > 0 && !m->now[2 * m->count];)
        if (m->now[2 * i] || m->now[2 * i + 1])
            return &m->patterns[i];
    return NULL;
}

static void describe(const struct output_pattern *pattern, char *buf, size_t size)
{
    static const char *const names[] = {
        [OUTPUT_LITERAL] = "literal", [OUTPUT_GLOB] = "glob", [OUTPUT_REGEX] = "re", [OUTPUT_ANY_LINES] = ""
    };
    char count[2] = { pattern->count, '\0' };
    if (pattern->kind == OUTPUT_ANY_LINES)
        snprintf(buf, size, "any lines");
    else if (pattern->kind == OUTPUT_LITERAL && !pattern->count)
        snprintf(buf, size, "`%.200s`", pattern->text);
    else
        snprintf(buf, size, "`%.200s` (%s%s)", pattern->text, names[pattern->kind], count);
}

static bool differs(const struct matcher *m, size_t number, const char *line, struct err *why)
{
    const struct output_pattern *pattern = awaited(m);
    char expected[256] = "no more lines";
    if (pattern)
        describe(pattern, expected, sizeof expected);
    if (line)
        err_say(why, EINVAL, "line %zu of the output is `%.200s`, expected %s", number, line, expected);
    else if (number == 0)
        err_say(why, EINVAL, "there was no output, expected %s", expected);
    else
        err_say(why, EINVAL, "the output ends after line %zu, expected %s next", number, expected);
    return false;
}

static bool match_lines(struct matcher *m, char *text, struct err *why)
{
    m->now[0] = true;
    reach(m, m->now);
    size_t number = 0;
    for (char *line = text, *next; *line; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] == '\n');
        line[len] = '\0';
        number++;
        if (!take_line(m, line))
            return differs(m, number, line, why);
    }
    return m->now[2 * m->count] || differs(m, number, NULL, why);
}

bool block_output_matches(const struct block *block, const char *text, struct err *why)
{
    if (!block->has_output)
        return true;
    struct matcher m;
    struct utf8_locale utf8 = utf8_begin();
    char *lines = strdup(text);
    bool matches = false;
    if (lines && matcher_new(&m, block))
        matches = match_lines(&m, lines, why);
    else
        err_set(why, ENOMEM, "match an output of %zu bytes", strlen(text));
    if (lines)
        matcher_free(&m);
    free(lines);
    utf8_end(&utf8);
    return matches;
}

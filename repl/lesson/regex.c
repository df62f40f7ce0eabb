/* Extended regexes, kept from taking the machine's memory or time. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_PATTERN 512
#define MOST_REPEATS 1000

struct utf8_locale utf8_begin(void)
{
    struct utf8_locale utf8 = { .ours = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0) };
    if (utf8.ours)
        utf8.before = uselocale(utf8.ours);
    return utf8;
}

void utf8_end(struct utf8_locale *utf8)
{
    if (!utf8->ours)
        return;
    uselocale(utf8->before);
    freelocale(utf8->ours);
    utf8->ours = (locale_t)0;
}

/** Past the bracket expression that begins at the `[` at @at; past the `[` alone when it never ends. Nothing in it counts, escapes or refers back. */
static const char *past_bracket(const char *at)
{
    const char *c = at + 1 + (at[1] == '^');
    for (c += *c == ']'; *c && *c != ']';) {
        const char *end =
            c[0] == '[' && c[1] && strchr(":.=", c[1]) ? strstr(c + 2, (char[]){ c[1], ']', '\0' }) : NULL;
        c = end ? end + 2 : c + 1;
    }
    return *c ? c + 1 : at + 1;
}

/** glibc expands `{n,m}` by copying, and nested counts multiply; back references are matched by trying everything. */
static bool is_costly(const char *pattern, char *why, size_t size)
{
    if (strlen(pattern) > LONGEST_PATTERN) {
        snprintf(why, size, "it is longer than %d bytes", LONGEST_PATTERN);
        return true;
    }
    unsigned long repeats = 1;
    for (const char *c = pattern; *c; c++) {
        if (*c == '[') {
            c = past_bracket(c) - 1;
        } else if (*c == '\\' && c[1]) {
            c++;
            if (*c >= '0' && *c <= '9') {
                snprintf(why, size, "back references (`\\%c`) are not allowed", *c);
                return true;
            }
        } else if (*c == '{') {
            unsigned long most = 1;
            for (const char *d = c + 1; *d && *d != '}'; d++)
                if (*d >= '0' && *d <= '9') {
                    char *end;
                    unsigned long n = strtoul(d, &end, 10);
                    if (n > most)
                        most = n;
                    d = end - 1;
                }
            if (most > MOST_REPEATS || (repeats *= most) > MOST_REPEATS) {
                snprintf(why, size, "its counts multiply past %d", MOST_REPEATS);
                return true;
            }
        }
    }
    return false;
}

bool regex_compile(regex_t *regex, const char *pattern, bool whole, int flags, char *why, size_t size)
{
    if (is_costly(pattern, why, size))
        return false;
    char anchored[LONGEST_PATTERN + 8];
    snprintf(anchored, sizeof anchored, whole ? "^(%s)$" : "%s", pattern);
    /* alone first: `a)(b` would be well formed between our own parentheses */
    int failed = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB | flags);
    if (failed == 0 && whole) {
        regfree(regex);
        failed = regcomp(regex, anchored, REG_EXTENDED | REG_NOSUB | flags);
    }
    if (failed)
        regerror(failed, regex, why, size);
    return failed == 0;
}

bool lesson_regex_found(const char *pattern, const char *text)
{
    regex_t regex;
    char why[128];
    struct utf8_locale utf8 = utf8_begin();
    bool compiled = regex_compile(&regex, pattern, false, REG_NEWLINE, why, sizeof why);
    bool found = compiled && regexec(&regex, text, 0, NULL, 0) == 0;
    if (compiled)
        regfree(&regex);
    utf8_end(&utf8);
    return found;
}

bool quiz_typed_right(const struct quiz *quiz, const char *answer)
{
    regex_t regex;
    char why[128];
    struct utf8_locale utf8 = utf8_begin();
    bool compiled = quiz->typed && regex_compile(&regex, quiz->typed, true, REG_ICASE, why, sizeof why);
    char *given = compiled ? trimmed(answer, strlen(answer)) : NULL;
    bool right = given && regexec(&regex, given, 0, NULL, 0) == 0;
    free(given);
    if (compiled)
        regfree(&regex);
    utf8_end(&utf8);
    return right;
}

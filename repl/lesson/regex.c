/* Extended regexes, kept from taking the machine's memory or time. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_PATTERN 512
#define MOST_REPEATS 1000

/** glibc expands `{n,m}` by copying, and nested counts multiply; back references are matched by trying everything. */
static bool is_costly(const char *pattern, char *why, size_t size)
{
    if (strlen(pattern) > LONGEST_PATTERN) {
        snprintf(why, size, "it is longer than %d bytes", LONGEST_PATTERN);
        return true;
    }
    unsigned long repeats = 1;
    for (const char *c = pattern; *c; c++) {
        if (*c == '\\' && c[1]) {
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
    if (!regex_compile(&regex, pattern, false, REG_NEWLINE, why, sizeof why))
        return false;
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

bool quiz_typed_right(const struct quiz *quiz, const char *answer)
{
    regex_t regex;
    char why[128];
    if (!quiz->typed || !regex_compile(&regex, quiz->typed, true, REG_ICASE, why, sizeof why))
        return false;
    char *given = trimmed(answer, strlen(answer));
    bool right = given && regexec(&regex, given, 0, NULL, 0) == 0;
    free(given);
    regfree(&regex);
    return right;
}

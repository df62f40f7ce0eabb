/* Values that front matter, comments and info strings share. */
#include "repl/lesson/parse.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    const char *unit;
    unsigned ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 }, { "", 1000 } };

#define LONGEST_MS (24u * 60 * 60 * 1000)

/** Digits only, at most @limit; moves *s past them. */
static bool number(const char **s, unsigned long limit, unsigned long *value)
{
    size_t digits = strspn(*s, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    *value = strtoul(*s, NULL, 10);
    *s += digits;
    return *value <= limit;
}

bool value_timeout(const char *value, unsigned *ms)
{
    unsigned long n;
    if (!number(&value, LONGEST_MS, &n) || n == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(value, units[i].unit) == 0 && n <= LONGEST_MS / units[i].ms) {
            *ms = (unsigned)n * units[i].ms;
            return true;
        }
    return false;
}

#define SEPARATORS " \t,"

bool value_names(const char *value)
{
    return value[strspn(value, SEPARATORS)] &&
           value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-" SEPARATORS)] ==
               '\0';
}

bool value_lens(const char *value)
{
    return value[strspn(value, SEPARATORS)] &&
           value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_%" SEPARATORS)] == '\0';
}

char *names_list(struct parser *p, const char *value)
{
    struct text list = { 0 };
    while (*(value += strspn(value, SEPARATORS))) {
        size_t len = strcspn(value, SEPARATORS);
        if (list.len)
            text_add(&list, " ", 1);
        text_add(&list, value, len);
        value += len;
    }
    return kept(p, text_take(&list));
}

static int signal_number(const char *name)
{
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 1; i < 32; i++) {
        const char *abbreviation = sigabbrev_np(i);
        if (abbreviation && strcmp(abbreviation, name) == 0)
            return i;
    }
    return -1;
}

#define SIGNAL_PREFIX "signal:"

bool value_exit(const char *value)
{
    if (strcmp(value, "any") == 0)
        return true;
    if (strncmp(value, SIGNAL_PREFIX, strlen(SIGNAL_PREFIX)) == 0)
        return signal_number(value + strlen(SIGNAL_PREFIX)) > 0;
    if (*value == '!')
        value++;
    unsigned long status;
    return number(&value, 255, &status) && *value == '\0';
}

bool block_exit_matches(const struct block *block, int wait_status)
{
    const char *wanted = block->exit ? block->exit : "0";
    int status = WIFEXITED(wait_status)     ? WEXITSTATUS(wait_status)
                 : WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
                                            : -1;
    if (strcmp(wanted, "any") == 0)
        return true;
    if (strncmp(wanted, SIGNAL_PREFIX, strlen(SIGNAL_PREFIX)) == 0)
        return status == 128 + signal_number(wanted + strlen(SIGNAL_PREFIX));
    if (*wanted == '!')
        return status != atoi(wanted + 1);
    return status == atoi(wanted);
}

void check_needs(struct parser *p, int line, const char *value, unsigned step)
{
    static const char expected[] = "expected earlier steps as LESSON.STEP (`2.4`), or LESSON for all of one";
    for (const char *at = value; *(at += strspn(at, SEPARATORS));) {
        const char *name = at;
        int len = (int)strcspn(at, SEPARATORS);
        at += len;
        const char *end = name;
        unsigned long lesson, number_of_step = 0;
        bool whole = true;
        if (!number(&end, 9999, &lesson) ||
            (*end == '.' && (whole = false, end++, !number(&end, 9999, &number_of_step))) || end != name + len ||
            (!whole && number_of_step == 0)) {
            mistake(p, line, "`needs` has `%.*s`, %s", len, name, expected);
            continue;
        }
        long own = p->lesson->number;
        if (own < 0 || (long)lesson < own)
            continue;
        if ((long)lesson > own || whole || number_of_step >= step)
            mistake(p, line, "`needs` names `%.*s`, which is not earlier, %s", len, name, expected);
    }
}

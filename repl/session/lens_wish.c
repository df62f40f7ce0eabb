/* What a step should cause, as its check says it. */
#include "repl/session/lens_internal.h"

#include "repl/session/lens_line.h"

#include <string.h>

/* The next word of a shell's line at *@at, without quotes; "" at the end of the command. */
static void next_word(const char **at, char *word, size_t size)
{
    static const char ends[] = "\n;&|()#";
    size_t len = 0;
    *at += strspn(*at, " \t");
    for (; **at && !strchr(" \t", **at) && !strchr(ends, **at); ++*at)
        if (**at != '"' && **at != '\'' && len + 1 < size)
            word[len++] = **at;
    word[len] = '\0';
}

/* A wish from the words after `assert syscall`. */
static bool read_wish(const char *at, struct lens_wish *wish)
{
    char word[LENS_NAME_MAX];
    *wish = (struct lens_wish){ .outcome = LENS_ANY };
    next_word(&at, wish->name, sizeof wish->name);
    next_word(&at, word, sizeof word);
    if (strcmp(word, "succeeded") == 0) {
        wish->outcome = LENS_SUCCEEDED;
    } else if (strcmp(word, "failed") == 0) {
        wish->outcome = LENS_FAILED;
        next_word(&at, word, sizeof word);
        wish->error = lens_errno(word);
    }
    return wish->name[0];
}

size_t lens_wishes(const char *check, struct lens_wish wishes[LENS_WISHES])
{
    size_t count = 0;
    for (const char *at = check; at && (at = strstr(at, "assert")) && count < LENS_WISHES;) {
        char word[16];
        at += strlen("assert");
        const char *after = at;
        next_word(&after, word, sizeof word);
        bool negated = strcmp(word, "not") == 0 || strcmp(word, "no") == 0;
        if (negated)
            next_word(&after, word, sizeof word);
        if (strcmp(word, "syscall") != 0 || !read_wish(after, &wishes[count]))
            continue;
        if (negated)
            wishes[count].outcome = LENS_NEVER;
        count++;
    }
    return count;
}

/* What a step should cause, as its check says it. */
#include "repl/session/lens_internal.h"

#include "repl/session/lens_line.h"

#include <string.h>

/* The next word of a shell's line at *@at, its quotes taken away; "" at the end of the command. */
static void next_word(const char **at, char *word, size_t size)
{
    size_t len = 0;
    char quote = '\0';
    *at += strspn(*at, " \t");
    for (; **at && (quote || !strchr(" \t\n;&|()#<>", **at)); ++*at) {
        if (**at == quote)
            quote = '\0';
        else if (!quote && (**at == '"' || **at == '\''))
            quote = **at;
        else if (len + 1 < size)
            word[len++] = **at;
    }
    word[len] = '\0';
}

/* A wish from the words after `assert syscall`. */
static bool read_wish(const char *at, struct lens_wish *wish)
{
    char word[LENS_NAME_MAX];
    *wish = (struct lens_wish){ .outcome = LENS_ANY };
    next_word(&at, wish->name, sizeof wish->name);
    for (next_word(&at, word, sizeof word); *word; next_word(&at, word, sizeof word)) {
        int error = lens_errno(word);
        if (strcmp(word, "succeeded") == 0)
            wish->outcome = LENS_SUCCEEDED;
        else if (strcmp(word, "failed") == 0)
            wish->outcome = LENS_FAILED;
        else if (error)
            wish->error = error;
        else if (strcmp(word, "by") == 0)
            next_word(&at, wish->process, sizeof wish->process);
        else if (strcmp(word, "with") == 0)
            next_word(&at, wish->text, sizeof wish->text);
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

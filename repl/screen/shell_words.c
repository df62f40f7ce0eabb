#include "repl/screen/shell_words.h"

#include <stdlib.h>
#include <string.h>

/* Quotes and escapes up to @index; *escaped: the byte there follows a backslash. */
static char scan(const char *line, size_t index, bool *escaped)
{
    char quote = 0;
    *escaped = false;
    for (size_t i = 0; i < index && line[i]; i++) {
        if (*escaped)
            *escaped = false;
        else if (line[i] == '\\' && quote != '\'')
            *escaped = true;
        else if (quote)
            quote = line[i] == quote ? 0 : quote;
        else if (line[i] == '"' || line[i] == '\'')
            quote = line[i];
    }
    return quote;
}

bool shell_is_quoted(const char *line, size_t index)
{
    bool escaped;
    char quote = scan(line, index, &escaped);
    return escaped || (quote && line[index] != quote);
}

char shell_open_quote(const char *line, size_t index)
{
    bool escaped;
    return scan(line, index, &escaped);
}

const char *shell_word_breaks(const char *line, size_t point)
{
    for (size_t i = point; i > 0 && !strchr(" \t\n;|&<>(", line[i - 1]); i--)
        if (line[i - 1] == '=' && !shell_is_quoted(line, i - 1))
            return " \t\n\"'><=;|&(,:";
    return " \t\n\"'><=;|&(";
}

/* What must be escaped outside quotes, and inside double quotes. */
static const char special[] = " \t\n\\\"'`$&|;<>()*?[]{}!#~^=";
static const char special_in_double[] = "\\\"`$";

char *shell_unquote(const char *word, char open)
{
    char *text = malloc(strlen(word) + 1), *out = text;
    if (!text)
        return NULL;
    char quote = open;
    for (const char *p = word; *p; p++) {
        if (*p == '\\' && quote != '\'' && p[1]) {
            p++;
            if (quote == '"' && !strchr("\\\"`$", *p))
                *out++ = '\\';
            *out++ = *p;
        } else if (*p == '\\' && quote != '\'') {
            continue; /* half of an escape: its character is still to come */
        } else if (quote ? *p == quote : *p == '"' || *p == '\'') {
            quote = quote ? 0 : *p;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
    return text;
}

char *shell_quote(const char *text, char open)
{
    char *quoted = malloc(strlen(text) * 4 + 1), *out = quoted;
    if (!quoted)
        return NULL;
    for (const char *p = text; *p; p++) {
        if ((open == '\'' && *p == '\'') ||
            (open == '"' && *p == '!')) { /* neither can stand in its quotes, escaped or not */
            *out++ = open;
            *out++ = '\\';
            *out++ = *p;
            *out++ = open;
            continue;
        }
        /* `#` and `~` mean something only at the beginning; `=` only where it would make the first word an assignment. */
        bool plain = (*p == '#' || *p == '~') && p != text;
        if (open != '\'' && !plain && *p != '=' && strchr(open == '"' ? special_in_double : special, *p))
            *out++ = '\\';
        *out++ = *p;
    }
    *out = '\0';
    return quoted;
}

/* Strings that grow, and UTF-8. */
#include "repl/lesson/parse.h"

#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const char *s, size_t len)
{
    if (text->failed)
        return;
    if (text->len + len + 1 > text->size) {
        size_t size = (text->len + len + 1) * 2;
        char *grown = realloc(text->s, size);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->s = grown;
        text->size = size;
    }
    memcpy(text->s + text->len, s, len);
    text->len += len;
    text->s[text->len] = '\0';
}

void text_add_line(struct text *text, const char *line)
{
    text_add(text, line, strlen(line));
    text_add(text, "\n", 1);
}

char *text_take(struct text *text)
{
    text_add(text, "", 0);
    char *s = text->s;
    if (text->failed) {
        free(s);
        s = NULL;
    }
    *text = (struct text){ 0 };
    return s;
}

char *trimmed(const char *s, size_t len)
{
    while (len > 0 && strchr(" \t\n", s[0])) {
        s++;
        len--;
    }
    while (len > 0 && strchr(" \t\n", s[len - 1]))
        len--;
    return strndup(s, len);
}

size_t utf8_length(const char *s, size_t left)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80)
        return 1;
    size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc2 || u[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
        (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return length;
}

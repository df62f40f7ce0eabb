#include "repl/screen/line_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void put(struct line_text *text, const char *bytes, size_t len, size_t cells)
{
    if (text->len + len + 1 > text->size) {
        size_t size = (text->len + len + 1) * 2;
        char *grown = realloc(text->text, size);
        if (!grown)
            return;
        text->text = grown;
        text->size = size;
    }
    memcpy(text->text + text->len, bytes, len);
    text->len += len;
    text->text[text->len] = '\0';
    text->cells += cells;
}

void line_text_add(struct line_text *text, const char *bytes, size_t len)
{
    mbstate_t state = { 0 };
    put(text, "", 0, 0);
    while (len > 0) {
        char shown[16];
        unsigned char first = (unsigned char)*bytes;
        wchar_t wide = 0;
        size_t n = mbrtowc(&wide, bytes, len, &state);
        if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
            memset(&state, 0, sizeof state);
            wide = 0;
            n = 1;
        }
        int width = first >= 0x20 && first != 0x7f ? wcwidth(wide) : -1;
        if (first < 0x20 || first == 0x7f) {
            shown[0] = '^';
            shown[1] = (char)(first ^ 0x40);
            put(text, shown, 2, 2);
        } else if (wide == 0 || width < 0) {
            int shown_len = snprintf(shown, sizeof shown, "<%02X>", wide ? (unsigned)wide : first);
            put(text, shown, (size_t)shown_len, (size_t)shown_len);
        } else {
            put(text, bytes, n, (size_t)width);
        }
        bytes += n;
        len -= n;
    }
}

void line_text_add_prompt(struct line_text *text, const char *prompt)
{
    while (*prompt) {
        size_t shown = strcspn(prompt, "\001");
        line_text_add(text, prompt, shown);
        prompt += shown;
        prompt += strcspn(prompt, "\002");
        if (*prompt)
            prompt++;
    }
}

void line_text_clear(struct line_text *text)
{
    text->len = text->cells = 0;
    if (text->text)
        text->text[0] = '\0';
}

void line_text_free(struct line_text *text)
{
    free(text->text);
    memset(text, 0, sizeof *text);
}

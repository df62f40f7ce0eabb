#include "repl/tutor/markdown_out.h"

#include <string.h>

/* The longest run of backquotes in @len bytes. */
static int longest_run(const char *text, size_t len)
{
    int longest = 0, run = 0;
    for (size_t i = 0; i < len; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void put_fence(FILE *out, int length)
{
    while (length-- > 0)
        fputc('`', out);
}

void markdown_out_block(FILE *out, const char *info, const char *text)
{
    size_t len = strlen(text);
    int fence = longest_run(text, len) + 1;
    fence = fence < 3 ? 3 : fence;
    put_fence(out, fence);
    fprintf(out, "%s\n%s%s", info, text, len && text[len - 1] != '\n' ? "\n" : "");
    put_fence(out, fence);
    fputc('\n', out);
}

void markdown_out_code(FILE *out, const char *text)
{
    size_t len = strcspn(text, "\n");
    int fence = longest_run(text, len) + 1;
    /* A blank at both ends is taken off again, so that a backquote at an end is not part of the fence. */
    const char *pad = len && (text[0] == '`' || text[len - 1] == '`') ? " " : "";
    put_fence(out, fence);
    fprintf(out, "%s%.*s%s", pad, (int)len, text, pad);
    put_fence(out, fence);
    if (text[len])
        fputs(" …", out);
}

void markdown_out_words(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            fputc(' ', out);
            continue;
        }
        if (strchr("\\`*_[]<>#|&~", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* Explain's lines: any text, whole and cut anywhere, at any place of the cursor. What is said lies in the line and in the width; what comes next is always answered. */
#include "repl/tutor/explain.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void count(const char *word, void *data)
{
    *(size_t *)data += strlen(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 2048)
        return 0;
    char *line = malloc(size - 1), text[300];
    memcpy(line, data + 2, size - 2);
    line[size - 2] = '\0';
    size_t len = strlen(line), point = len ? data[0] * len / 255 : 0, offered = 0;
    unsigned width = data[1];
    struct explanation explanation;
    if (explain_line(line, &explanation) == 0) {
        for (size_t i = 0; i < explanation.count; i++) {
            const struct explain_word *word = &explanation.words[i];
            if (word->len == 0 || word->start + word->len > len || !*word->meaning || strpbrk(word->word, "\n\033"))
                abort();
        }
        explanation_free(&explanation);
    }
    if (explain_at(line, point, width, data[0] & 1, text, sizeof text) && strchr(text, '\n'))
        abort();
    struct explain_place place;
    if (explain_place(line, point, &place) == 0)
        explain_place_free(&place);
    explain_offers(line, point, data[0] & 2, count, &offered);
    free(explain_markdown(line));
    free(line);
    return 0;
}

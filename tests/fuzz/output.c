/* Any patterns against any output: patterns, a line `---`, the output. What the matcher says of the whole is what its own word on each line and pattern adds up to. */
#include "repl/lesson/lesson.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 24 /* patterns and lines that are added up */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool one_matches(const struct output_pattern *pattern, const char *line)
{
    struct output_pattern alone = *pattern;
    struct block block = { .has_output = true, .output = &alone, .output_count = 1 };
    struct err why;
    char text[4096];
    alone.count = '\0';
    snprintf(text, sizeof text, "%s\n", line);
    return block_output_matches(&block, text, &why);
}

/* fits[i][j]: the patterns from i on match the lines from j on. */
static bool adds_up(const struct block *block, char *const *lines, size_t count)
{
    bool fits[MOST + 1][MOST + 1] = { 0 };
    size_t patterns = block->output_count;
    fits[patterns][count] = true;
    for (size_t i = patterns; i-- > 0;)
        for (size_t j = count + 1; j-- > 0;) {
            const struct output_pattern *pattern = &block->output[i];
            bool none = pattern->count == '?' || pattern->count == '*';
            bool again = pattern->count == '+' || pattern->count == '*';
            bool takes = j < count && one_matches(pattern, lines[j]);
            fits[i][j] =
                (none && fits[i + 1][j]) || (takes && fits[i + 1][j + 1]) || (takes && again && fits[i][j + 1]);
        }
    return fits[0][0];
}

static void compare(const struct block *block, const char *output)
{
    char *lines[MOST], *copy = strdup(output);
    struct err why = { 0 };
    size_t count = 0;
    bool matches = block_output_matches(block, output, &why);
    if (!matches && !why.message[0])
        abort();
    for (char *line = copy, *next; line && *line && count < MOST; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] == '\n');
        line[len] = '\0';
        lines[count++] = line;
    }
    if (copy && block->output_count <= MOST && count < MOST && strlen(output) < 4000 &&
        adds_up(block, lines, count) != matches)
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char parting[] = "\n---\n";
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 };
    char *input = calloc(1, size + 1), *text = NULL;
    if (!input)
        return 0;
    for (size_t i = 0; i < size; i++) /* none that would end the block */
        input[i] = data[i] == '~' || data[i] == '\0' ? '-' : (char)data[i];
    char *output = strstr(input, parting);
    if (output) {
        output[1] = '\0';
        output += strlen(parting);
    }
    if (asprintf(&text, "## S\n\n```bash\nx\n```\n~~~output\n%s~~~\n\n<!-- check\ntrue\n-->\n", input) >= 0) {
        struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
        if (lesson && lesson->step_count && lesson->steps[0].block_count)
            compare(&lesson->steps[0].blocks[0], output ? output : "");
        lesson_free(lesson);
        lesson_mistakes_free(&mistakes);
        free(text);
    }
    free(input);
    return 0;
}

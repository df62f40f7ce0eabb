/* Any bytes as a lesson, and as a table of traps: parsed or refused with lines that are in the file, outputs matched, commands diagnosed, everything freed. */
#include "repl/lesson/lesson.h"
#include "repl/tutor/diagnose.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct lesson *lesson, const char *text)
{
    for (size_t i = 0; i < lesson->step_count; i++) {
        const struct step *step = &lesson->steps[i];
        for (size_t j = 0; j < step->prose_count; j++)
            if (step_node_kind(step->prose[j]) == NODE_KIND_BLOCK && !step_node_block(step, step->prose[j]))
                abort();
        for (size_t j = 0; j < step->block_count; j++) {
            const struct block *block = &step->blocks[j];
            struct err why;
            block_output_matches(block, text, &why);
            block_output_matches(block, block->body, &why);
            block_exit_matches(block, 0);
            if (block->quiz)
                quiz_typed_right(block->quiz, block->quiz->question);
            for (size_t k = 0; k < block->key_count; k++)
                if (block->keys[k].kind == KEY_WAIT)
                    lesson_regex_found(block->keys[k].text, text);
            if (block->type == BLOCK_COMMAND && !block->commands)
                abort();
        }
    }
}

static void check_mistakes(bool read, const struct lesson_mistakes *mistakes, int lines, const struct err *err)
{
    if (read ? mistakes->count : !mistakes->count && !err->code)
        abort();
    for (size_t i = 0; i < mistakes->count; i++)
        if (mistakes->list[i].line < 1 || mistakes->list[i].line > lines || !mistakes->list[i].what[0])
            abort();
}

/* The table's own text is the command that is diagnosed by it, and what that printed. */
static void use_traps(const char *text, size_t size, int lines)
{
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    struct diagnosis diagnosis;
    struct traps *traps = traps_parse("fuzz.md", text, size, &mistakes, &err);
    check_mistakes(traps, &mistakes, lines, &err);
    lesson_mistakes_free(&mistakes);
    if (!traps)
        return;
    const struct diagnose_command command = {
        .line = text, .status = 1, .output = text, .shell = getpid(), .lab = getpid()
    };
    if (diagnose(traps, &command, &diagnosis, &err) < 0)
        abort();
    diagnosis_free(&diagnosis);
    traps_free(traps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    char *text = malloc(size + 1);
    int lines = 1;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    struct lesson *lesson = lesson_parse("07-fuzz.md", text, size, &mistakes, &err);
    check_mistakes(lesson, &mistakes, lines, &err);
    if (lesson)
        use(lesson, text);
    lesson_free(lesson);
    lesson_mistakes_free(&mistakes);
    use_traps(text, size, lines);
    free(text);
    return 0;
}

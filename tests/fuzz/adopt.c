/* Any text as a README: what would be made of it is a lesson, or is refused with lines that it has. Whether its steps are those that were planned is asked when it is run: where quotes and lists
 * end fences, cmark's own line numbers leave room for doubt. */
#include "repl/adopt/draft.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_draft(const struct adopt_plan *plan, enum draft_stage stage)
{
    struct adopt_claims *claims = calloc(plan->section_count + 1, sizeof *claims);
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 };
    int lines = 1;
    if (!claims)
        return;
    for (size_t i = 0; i < plan->section_count; i++)
        if (claims_add(&claims[i], CLAIM_FILE, 0, "assert file /%zu", i) == 0)
            claims[i].list[0].after = true;
    char *text = draft_write(plan, claims, stage);
    if (!text)
        abort();
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
    for (size_t i = 0; i < mistakes.count; i++)
        if (mistakes.list[i].line < 1 || mistakes.list[i].line > lines)
            abort();
    lesson_free(lesson);
    lesson_mistakes_free(&mistakes);
    for (size_t i = 0; i < plan->section_count; i++)
        claims_free(&claims[i]);
    free(claims);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lesson_mistakes mistakes = { 0 };
    struct adopt_plan plan;
    struct err err = { 0 };
    char *text = calloc(1, size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    struct lesson *lesson = lesson_parse("README.md", text, size, &mistakes, &err);
    if (lesson && lesson->plain && adopt_plan_read(&plan, lesson, text, &err) == 0) {
        for (enum draft_stage stage = DRAFT_OBSERVE; stage <= DRAFT_LESSON; stage++)
            check_draft(&plan, stage);
        adopt_plan_free(&plan);
    }
    lesson_free(lesson);
    lesson_mistakes_free(&mistakes);
    free(text);
    return 0;
}

#include "repl/lesson/changed.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0 && !a == !b;
}

#define EACH(texts) (sizeof(texts) / sizeof *(texts))

static bool same_output(const struct block *a, const struct block *b)
{
    bool alike = a->has_output == b->has_output && a->output_count == b->output_count;
    for (size_t i = 0; alike && i < a->output_count; i++)
        alike = a->output[i].kind == b->output[i].kind && a->output[i].count == b->output[i].count &&
                same(a->output[i].text, b->output[i].text);
    return alike;
}

static bool same_keys(const struct block *a, const struct block *b)
{
    bool alike = a->key_count == b->key_count;
    for (size_t i = 0; alike && i < a->key_count; i++)
        alike = a->keys[i].kind == b->keys[i].kind && same(a->keys[i].text, b->keys[i].text);
    return alike;
}

static bool same_block(const struct block *a, const struct block *b)
{
    const char *const texts[][2] = { { a->name, b->name }, { a->terminal, b->terminal }, { a->ready, b->ready },
                                     { a->lens, b->lens }, { a->exit, b->exit },         { a->requires, b->requires },
                                     { a->path, b->path }, { a->user, b->user },         { a->body, b->body } };
    if (a->type != b->type)
        return false;
    if (a->type == BLOCK_QUIZ) /* nobody answers it in a run */
        return true;
    for (size_t i = 0; i < EACH(texts); i++)
        if (!same(texts[i][0], texts[i][1]))
            return false;
    return a->background == b->background && a->interactive == b->interactive && a->interrupt == b->interrupt &&
           a->replay_skip == b->replay_skip && a->timeout_ms == b->timeout_ms && same_output(a, b) && same_keys(a, b);
}

static bool same_step(const struct step *a, const struct step *b)
{
    bool alike = same(a->check, b->check) && same(a->setup, b->setup) && same(a->teardown, b->teardown) &&
                 same(a->requires, b->requires) && a->block_count == b->block_count;
    for (size_t i = 0; alike && i < a->block_count; i++)
        alike = same_block(&a->blocks[i], &b->blocks[i]);
    return alike;
}

unsigned lesson_first_change(const struct lesson *before, const struct lesson *now)
{
    if (!same(before->setup, now->setup) || !same(before->teardown, now->teardown) ||
        !same(before->requires, now->requires) || !same(before->lens, now->lens))
        return 1;
    for (size_t i = 0; i < now->step_count; i++)
        if (i >= before->step_count || !same_step(&before->steps[i], &now->steps[i]))
            return (unsigned)i + 1;
    return 0;
}

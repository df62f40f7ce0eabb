#include "repl/play/test.h"

#include "repl/play/formats.h"
#include "repl/play/play.h"

#include <stdio.h>

static void warn(struct run *run, const struct step *step, const char *lacks)
{
    char text[128];
    snprintf(text, sizeof text, "warning: step %u has no %s", step->number, lacks);
    run_message(run, text);
}

/* A wrong answer without a reason teaches nothing. */
static bool inspect(struct run *run, const struct step *step, char *why, size_t size)
{
    if (!step->hints || !step->hints[0].text)
        warn(run, step, "hint");
    if (!step->essence)
        warn(run, step, "essence for the review");
    if (!step->notes)
        warn(run, step, "notes for the presenter");
    for (size_t i = 0; i < step->block_count; i++) {
        const struct quiz *quiz = step->blocks[i].quiz;
        for (size_t k = 0; quiz && k < quiz->count; k++)
            if (!quiz->answers[k].right && (!quiz->answers[k].reason || !*quiz->answers[k].reason)) {
                snprintf(why, size, "line %d: the wrong answer `%.100s` has no reason, expected one after ` — `",
                         step->blocks[i].line, quiz->answers[k].text);
                return false;
            }
    }
    return true;
}

int test_main(int argc, char **argv)
{
    struct run_options options = { .prove = true, .inspect = inspect };
    int first = play_options(argc, argv, "test", &options);
    if (first <= 0)
        return first < 0 ? RUN_MALFORMED : RUN_OK;
    return run_lessons(argv + first, (size_t)(argc - first), &options);
}

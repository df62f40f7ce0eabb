/* How far it is: a line a step, for who waits. */
#include "repl/play/formats.h"

static void on_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    fprintf(sink->out, "  %2u/%zu  %s", step->number, lesson->step_count, step->title);
    fflush(sink->out);
}

static void on_done(struct run_sink *sink, const struct run_step *done)
{
    switch (done->outcome) {
    case RUN_STEP_PASSED:
        fprintf(sink->out, ": %u.%u s\n", done->ms / 1000, done->ms / 100 % 10);
        return;
    case RUN_STEP_FAILED:
        fprintf(sink->out, ": could not be done\n");
        break;
    case RUN_STEP_SKIPPED:
        fprintf(sink->out, "  %2u/%zu  %s: left out on this machine\n", done->step->number, done->lesson->step_count,
                done->step->title);
        break;
    case RUN_STEP_NOT_RUN:
        fprintf(sink->out, "  %2u/%zu  %s: not tried\n", done->step->number, done->lesson->step_count,
                done->step->title);
        break;
    }
    run_print_lines(sink->out, "         ", done->why);
}

static void on_message(struct run_sink *sink, const char *text)
{
    fprintf(sink->out, "\n         %s\n", text);
}

const struct run_format run_progress = { .name = "progress", .step = on_step, .done = on_done, .message = on_message };

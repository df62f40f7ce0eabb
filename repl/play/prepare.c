#include "repl/play/demo.h"

#include "repl/play/run.h"

#include <stdio.h>
#include <unistd.h>

static void on_step(struct run *run, const struct lesson *lesson, const struct step *step)
{
    fprintf(run->out, "  %2u/%zu  %s", step->number, lesson->step_count, step->title);
    fflush(run->out);
}

static void on_done(struct run *run, const struct run_step *done)
{
    switch (done->outcome) {
    case RUN_STEP_PASSED:
        fprintf(run->out, ": %u.%u s\n", done->ms / 1000, done->ms / 100 % 10);
        return;
    case RUN_STEP_FAILED:
        fprintf(run->out, ": could not be done\n");
        break;
    case RUN_STEP_SKIPPED:
        fprintf(run->out, "  %2u/%zu  %s: left out on this machine\n", done->step->number, done->lesson->step_count,
                done->step->title);
        break;
    case RUN_STEP_NOT_RUN:
        fprintf(run->out, "  %2u/%zu  %s: not tried\n", done->step->number, done->lesson->step_count,
                done->step->title);
        break;
    }
    run_print_lines(run->out, "         ", done->why);
}

static void on_message(struct run *run, const char *text)
{
    fprintf(run->out, "\n         %s\n", text);
}

static const struct run_format preparing = {
    .name = "prepare", .step = on_step, .done = on_done, .message = on_message
};

static int play_once(char *lesson, struct lab_options lab, bool offline)
{
    lab.offline |= offline;
    const struct run_options options = { .format = &preparing, .keep_going = true, .lab = lab };
    return run_lessons(&lesson, 1, &options);
}

int demo_prepare(char *lesson, const struct lab_options *lab)
{
    bool network = !lab->offline;
    printf(network ? "Every step once, with the network, in a lab that is thrown away: what is fetched or made stays "
                     "in the cache.\n"
                   : "Without a network, as --offline asks: only what the cache already has can be shown.\n");
    fflush(stdout);
    int fetched = network ? play_once(lesson, *lab, false) : RUN_OK;
    if (fetched != RUN_OK && fetched != RUN_FAILED)
        return fetched;
    if (network)
        puts("And once more with the network unplugged, as it will be shown.");
    fflush(stdout);
    int shown = play_once(lesson, *lab, true);
    if (shown == RUN_OK)
        puts("Prepared: the demo works with the network unplugged.");
    else if (shown == RUN_FAILED)
        puts("Not all of it: the steps above that could not be done will fail in the demo as well, unless there is a "
             "network.");
    return shown;
}

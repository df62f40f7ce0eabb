#include "repl/play/demo.h"

#include "repl/play/formats.h"

#include <stdio.h>
#include <unistd.h>

static int play_once(char *lesson, struct lab_options lab, bool offline)
{
    lab.offline |= offline;
    const struct run_options options = {
        .formats = { &run_progress }, .format_count = 1, .keep_going = true, .lab = lab
    };
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

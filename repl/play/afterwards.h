/** What may follow the last lesson of a run, in its lab: nothing, `--keep` until Ctrl-C, or `--shell`. */
#ifndef REPL_PLAY_AFTERWARDS_H
#define REPL_PLAY_AFTERWARDS_H

#include "repl/play/run.h"

/** Returns when it is over, or at once. What cannot be done is said on stderr. */
void afterwards(const struct run_options *options, struct loop *loop, struct lab *lab);

#endif

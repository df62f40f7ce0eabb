/** Joins this process's own terminal to a program in a lab, as ssh does: raw keys in, output out, window size along. */
#ifndef REPL_PLAY_RELAY_H
#define REPL_PLAY_RELAY_H

#include "engine/base/err.h"
#include "engine/lab/lab.h"

/** Run @argv in @lab and wait for it. With a terminal on standard input and output the program gets a pty of the lab's, else our standard input,
 * output and error as they are. Returns its wait status, or -1. */
int relay_run(struct lab *lab, const char *const *argv, struct err *err);

#endif

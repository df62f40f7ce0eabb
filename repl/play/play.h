/** `teachroot play LESSON…`: the steps headless, in order, in a fresh lab. Progress is not touched. */
#ifndef REPL_PLAY_PLAY_H
#define REPL_PLAY_PLAY_H

#include <stdbool.h>

struct run_options;

int play_main(int argc, char **argv);

/** Read the options that play and test share into @options, which hold what @verb ("play", "test") has beside them. Returns how many lessons are meant, their names in @names: of @argv, or
 * the one that a step named. 0: --help was answered; -1: it makes no sense, which was said on stderr (exit 2). */
int play_lessons(int argc, char **argv, const char *verb, struct run_options *options, char ***names);

/** A whole number from 1 to 1,000,000, as options take it, and nothing behind it. */
bool play_number(const char *text, unsigned *value);

#endif

/** `teachroot play LESSON…`: the steps headless, in order, in a fresh lab. Progress is not touched. */
#ifndef REPL_PLAY_PLAY_H
#define REPL_PLAY_PLAY_H

struct run_options;

int play_main(int argc, char **argv);

/** Read the options that play and test share into @options, which hold what @verb ("play", "test") has beside them, and run the lessons. Returns an exit status: 2 when the options make no
 * sense, which is said on stderr. */
int play_run(int argc, char **argv, const char *verb, struct run_options *options);

#endif

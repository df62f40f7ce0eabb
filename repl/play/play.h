/** `teachroot play LESSON…`: the steps headless, in order, in a fresh lab. Progress is not touched. */
#ifndef REPL_PLAY_PLAY_H
#define REPL_PLAY_PLAY_H

struct run_options;

int play_main(int argc, char **argv);

/** The options that play and test share. Returns the index of the first lesson in @argv (of play it may be @argc: then --from or --until names the lesson), 0 when --help was answered, or -1 when they make no sense (said on
 * stderr: exit 2). @verb is "play" or "test". */
int play_options(int argc, char **argv, const char *verb, struct run_options *options);

#endif

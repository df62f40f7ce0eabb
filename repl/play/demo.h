/** `teachroot demo`: a lesson on the projector, one key an action. */
#ifndef REPL_PLAY_DEMO_H
#define REPL_PLAY_DEMO_H

struct lab_options;

int demo_main(int argc, char **argv);

/** Play the lesson once with the network, so that what is slow is in the cache, and once without, to prove that it is; say how it goes. Returns 0 if the second run had all its steps,
 * else an exit status of enum run_exit. */
int demo_prepare(char *lesson, const struct lab_options *lab);

#endif

/** `teachroot explain LINE`: what the words of a command line mean, and which syscalls they become. */
#ifndef REPL_PLAY_EXPLAIN_H
#define REPL_PLAY_EXPLAIN_H

int explain_verb_main(int argc, char **argv);

#endif

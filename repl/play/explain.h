/** `teachroot explain LINE`: what the words of a command line mean, and which syscalls they become. */
#ifndef REPL_PLAY_EXPLAIN_H
#define REPL_PLAY_EXPLAIN_H

#include "repl/tutor/explain.h"

#include <stdio.h>

/** A word and what it means, as the verb prints it. Needs a UTF-8 LC_CTYPE. */
void explain_print_word(FILE *out, const struct explain_word *word);

int explain_verb_main(int argc, char **argv);

#endif

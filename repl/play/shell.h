/** `teachroot [LESSON]`: the lesson shell, on the screen or plain. */
#ifndef REPL_PLAY_SHELL_H
#define REPL_PLAY_SHELL_H

#include <stdio.h>

/** argv[0] is not looked at. */
int shell_main(int argc, char **argv);
void shell_usage(FILE *out);

#endif

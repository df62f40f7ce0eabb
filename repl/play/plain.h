/** `teachroot --plain`: the lesson shell without a screen, for TERM=dumb, screen readers and slow lines: everything is said in the order it happens.
 *
 * The same session, the same teaching commands. On a terminal the line is edited by readline, and while a program runs its keys go to it untouched (Ctrl-] and a teaching
 * command reaches us). From a pipe, lines are given one by one as the lab's shell is at its prompt; at the end of the input it leaves.
 */
#ifndef REPL_PLAY_PLAIN_H
#define REPL_PLAY_PLAIN_H

#include "repl/screen/screen.h"

/** The exit status as of screen_main. */
int plain_main(const struct screen_options *options);

#endif

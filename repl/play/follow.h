/** `teachroot follow`: see somebody else's session on this machine, without being able to touch it. */
#ifndef REPL_PLAY_FOLLOW_H
#define REPL_PLAY_FOLLOW_H

int follow_main(int argc, char **argv);

#endif

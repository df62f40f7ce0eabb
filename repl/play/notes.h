/** `teachroot notes`: the presenter's notes, on a terminal that the room does not see, live with the demo. */
#ifndef REPL_PLAY_NOTES_H
#define REPL_PLAY_NOTES_H

int notes_main(int argc, char **argv);

#endif

/** `teachroot lab ls | enter | reset | rm | gc`: labs by hand. */
#ifndef REPL_PLAY_LAB_H
#define REPL_PLAY_LAB_H

int lab_main(int argc, char **argv);

#endif

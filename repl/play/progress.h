/** `teachroot progress`: the small file that holds how far one is, taken to another machine and back. */
#ifndef REPL_PLAY_PROGRESS_H
#define REPL_PLAY_PROGRESS_H

int progress_main(int argc, char **argv);

#endif

/** `teachroot notebook`: a lesson as a notebook that has not been run, for our own Jupyter kernel. */
#ifndef REPL_PLAY_NOTEBOOK_H
#define REPL_PLAY_NOTEBOOK_H

int notebook_main(int argc, char **argv);

#endif

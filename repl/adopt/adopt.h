#ifndef REPL_ADOPT_ADOPT_H
#define REPL_ADOPT_ADOPT_H

/** `teachroot adopt`: reports how a README is read, runs it in a lab, and writes a lesson of it. Returns an exit status of run.h. */
int adopt_main(int argc, char **argv);

#endif

/** `teachroot top`: the panel alone on a terminal, or as text. */
#ifndef REPL_PANEL_TOP_H
#define REPL_PANEL_TOP_H

/** argv[0] is "top". Exit status: 0; 1 the scope is not there; 2 wrong usage; 3 this machine cannot. */
int top_main(int argc, char **argv);

#endif

/** `teachroot lessons [--json]`: the curriculum and how far one has come in it. */
#ifndef REPL_PLAY_LESSONS_H
#define REPL_PLAY_LESSONS_H

int lessons_main(int argc, char **argv);

#endif

/** `teachroot test LESSON…`: proves lessons. */
#ifndef REPL_PLAY_TEST_H
#define REPL_PLAY_TEST_H

int test_main(int argc, char **argv);

#endif

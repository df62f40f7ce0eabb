/** `teachroot transcript` and `teachroot review`: what a learner has done, as Markdown and as words. */
#ifndef REPL_PLAY_TRANSCRIPT_H
#define REPL_PLAY_TRANSCRIPT_H

int transcript_main(int argc, char **argv);
int review_main(int argc, char **argv);

#endif

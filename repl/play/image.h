/** `teachroot image`: images of this user, which every lab sees; the work is teachroot-transfer's. */
#ifndef REPL_PLAY_IMAGE_H
#define REPL_PLAY_IMAGE_H

/** Becomes `teachroot-transfer image …`; returns only if that cannot be, after saying why: 3. */
int image_verb_main(int argc, char **argv);

#endif

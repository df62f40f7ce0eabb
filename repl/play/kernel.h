/** `teachroot kernel`: the Jupyter kernel, which is teachroot-kernel's. */
#ifndef REPL_PLAY_KERNEL_H
#define REPL_PLAY_KERNEL_H

/** Becomes `teachroot-kernel …`; returns only if that cannot be, after saying why: 3. */
int kernel_verb_main(int argc, char **argv);

#endif

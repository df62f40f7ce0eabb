/** The environment that makes bash mark its prompts and commands with OSC 133, for itself and for every bash started below it.
 *
 * Plain strings and no functions, so that `bash`, `unshare … bash` and `chroot … bash` inherit them. PS1 and PS2 are never exported.
 *     ESC ] 133 ; A ; k=NONCE ; s=PID.SHLVL BEL      before the prompt
 *     ESC ] 133 ; B ; k=NONCE ; s=PID.SHLVL BEL      after it: the line begins here
 *     ESC ] 133 ; C ; …                              the line was accepted (PS0)
 *     ESC ] 133 ; D ; STATUS ; …                     the command ended (begin of PS1)
 * PROMPT_COMMAND wraps PS1 and PS2 wherever it finds them unwrapped.
 * D counts only when a C of the same shell is open. Any program can forge marks, hence the nonce, and nothing is graded on marks alone.
 */
#ifndef REPL_SESSION_MARKS_H
#define REPL_SESSION_MARKS_H

#include <stddef.h>

/** A random nonce: 16 hex digits and a NUL. */
void marks_nonce(char nonce[17]);

/** The environment strings ("PROMPT_COMMAND=…", "PS0=…") for @nonce, NULL-terminated, malloc'ed as one block: free() it. */
char **marks_environment(const char *nonce);

#endif

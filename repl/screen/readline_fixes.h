/** Commands of readline 8.2 that hang or crash, replaced by ones that do not. Found by fuzzing. */
#ifndef REPL_SCREEN_READLINE_FIXES_H
#define REPL_SCREEN_READLINE_FIXES_H

/** Call after the init file was read. */
void readline_fixes_apply(void);

/** Call after each rl_callback_read_char, and after a search was ended in another way. */
void readline_fixes_after_key(void);

#endif

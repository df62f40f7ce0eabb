/** The terminal the program itself runs in: raw mode and the modes we ask it for, given back whatever happens.
 *
 * ncurses draws and nothing more: no getch, so no key handling of its own. One a process.
 */
#ifndef REPL_SCREEN_TTY_H
#define REPL_SCREEN_TTY_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/** Start ncurses on stdin and stdout, raw mode, bracketed paste, and the mouse where terminfo knows one. From here on until tty_stop
 * every fatal signal first gives the terminal back. Returns 0, or -1: ENOTTY not a terminal; EINVAL a TERM that is not known. */
int tty_start(struct err *err);
void tty_stop(void);

/** Which mouse reports are wanted: 1 clicks and wheel, 2 also dragging, 3 every move. */
void tty_mouse(int level);
/** Give @text to the clipboard of whoever looks at the terminal, where that is allowed to programs (OSC 52). */
void tty_copy(const char *text, size_t len);
/** The size now, after SIGWINCH: tells ncurses. */
void tty_resized(void);

#endif

/** For the tests: a terminal fed without a pty, and text forced through libvterm. */
#ifndef REPL_SESSION_TERMINAL_INTERNAL_H
#define REPL_SESSION_TERMINAL_INTERNAL_H

#include "repl/session/terminal.h"

/** Put @bytes through the terminal as if they had been read from its master, which may be -1 in terminal_options. */
void terminal_feed(struct terminal *terminal, const char *bytes, size_t len);
/** Put every glyph through libvterm instead of straight into the grid: the same cells must come of it. */
void terminal_force_libvterm(struct terminal *terminal, bool force);

#endif

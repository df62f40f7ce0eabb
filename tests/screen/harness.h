/** Runs a full-screen program as a person does: on a terminal of its own, with keys sent to it and its screen read back.
 *
 * The screen is read through the same grid the program itself uses for its panes (repl/session/terminal.h), so what is asserted is what would be seen. Each wait ends as
 * soon as its text is there; one that never comes fails the test with the screen as it is.
 */
#ifndef TESTS_SCREEN_HARNESS_H
#define TESTS_SCREEN_HARNESS_H

#include "repl/session/terminal.h"

struct harness;

/** Start @argv on a terminal of @cols × @rows; @env holds more KEY=VALUE strings, may be NULL. Fails the test if it cannot. */
struct harness *harness_start(const char *const *argv, const char *const *env, unsigned cols, unsigned rows);
/** End the program (SIGKILL if it is still there) and free everything. Returns its wait status. */
int harness_stop(struct harness *harness);

void harness_send(struct harness *harness, const char *bytes);
void harness_resize(struct harness *harness, unsigned cols, unsigned rows);

/** Wait until the extended regex @pattern is found in the screen's text (rows joined by newlines), or fail the test. */
void harness_expect(struct harness *harness, const char *pattern, unsigned timeout_ms);
/** Wait until it is no longer found, or fail the test. */
void harness_expect_gone(struct harness *harness, const char *pattern, unsigned timeout_ms);
/** Is it there now, after what has arrived so far? */
bool harness_shows(struct harness *harness, const char *pattern);
/** Wait for the program's end; fails the test if it does not come. Returns the wait status. */
int harness_wait(struct harness *harness, unsigned timeout_ms);

/** The screen's text; valid until the next call. */
const char *harness_text(struct harness *harness);
struct terminal *harness_terminal(struct harness *harness);
pid_t harness_pid(const struct harness *harness);

#endif

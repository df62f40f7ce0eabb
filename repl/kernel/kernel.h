/** A Jupyter kernel: cells are typed into the terminals of one lab, which is gone when the kernel goes.
 *
 * Messaging protocol 5.3; a client whose messages say 5.5 or later is told so, and gets the iopub_welcome of that version. Requests of the shell channel are answered one after another, those of the
 * control channel (interrupt, shutdown) and the heartbeat at once: nothing in here waits. See "Messaging in Jupyter" and repl/kernel/magics.h for what a cell may hold.
 */
#ifndef REPL_KERNEL_KERNEL_H
#define REPL_KERNEL_KERNEL_H

#include "engine/base/err.h"
#include "repl/kernel/connection.h"

/** Serve @connection until a client's shutdown, SIGTERM, or the end of the process $JPY_PARENT_PID. Returns 0, or -1 when it could not be begun or went wrong. */
int kernel_run(const struct connection *connection, struct err *err);

#endif

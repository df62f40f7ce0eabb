/** The connection file that a client writes for a kernel: where its sockets are, and the key of its messages. */
#ifndef REPL_KERNEL_CONNECTION_H
#define REPL_KERNEL_CONNECTION_H

#include "engine/base/err.h"

enum channel { CHANNEL_SHELL, CHANNEL_CONTROL, CHANNEL_STDIN, CHANNEL_IOPUB, CHANNEL_HEARTBEAT, CHANNELS };
extern const char *const channel_names[CHANNELS]; /* "shell" …, as in the file's "shell_port" */

struct connection {
    char transport[8], ip[96];
    int ports[CHANNELS];
    char key[256];
};

/** Read the file at @path. Returns 0, or -1: it cannot be read, or lacks something (EINVAL, and what). */
int connection_read(const char *path, struct connection *connection, struct err *err);
/** The same from memory. */
int connection_parse(const char *text, struct connection *connection, struct err *err);
/** The address of a channel, as ZeroMQ wants it: "tcp://127.0.0.1:5555", "ipc:///run/kernel-1". */
void connection_address(const struct connection *connection, enum channel channel, char *address, unsigned size);

#endif

/* A client of a Jupyter kernel, for tests and benches: starts a program with a connection file of its own (ipc), and speaks the protocol to it. Speaks no more of it than it needs. */
#ifndef TESTS_UNIT_KERNEL_CLIENT_H
#define TESTS_UNIT_KERNEL_CLIENT_H

#include "repl/kernel/connection.h"
#include "repl/kernel/wire.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#define CLIENT_KEY "a-key-of-the-tests"
#define CLIENT_WAIT_MS 20000

struct client {
    pid_t pid;
    char directory[64], file[96];
    void *context, *sockets[CHANNELS];
    struct wire wire;
    const char *version; /* of the protocol, in its headers */
};

static inline double client_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static inline int client_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

/* Its sockets, which wait for the kernel if it is not there yet. */
static inline void client_connect(struct client *client)
{
    static const int types[CHANNELS] = { ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_SUB, ZMQ_REQ };
    char identity[33], address[160];
    int linger = 0, again_ms = 2;
    client->context = zmq_ctx_new();
    wire_id(identity);
    for (int i = 0; i < CHANNELS; i++) {
        client->sockets[i] = zmq_socket(client->context, types[i]);
        zmq_setsockopt(client->sockets[i], ZMQ_LINGER, &linger, sizeof linger);
        zmq_setsockopt(client->sockets[i], ZMQ_RECONNECT_IVL, &again_ms, sizeof again_ms);
        if (types[i] == ZMQ_DEALER) /* one for all: input_request comes to who asked for the execution */
            zmq_setsockopt(client->sockets[i], ZMQ_IDENTITY, identity, strlen(identity));
        if (types[i] == ZMQ_SUB)
            zmq_setsockopt(client->sockets[i], ZMQ_SUBSCRIBE, "", 0);
        snprintf(address, sizeof address, "ipc://%s/kernel-%d", client->directory, i + 1);
        zmq_connect(client->sockets[i], address);
    }
}

/* @argv: "{connection_file}" in it is put right. */
static inline void client_start(struct client *client, const char *const *argv)
{
    const char *words[16];
    size_t n = 0;
    *client = (struct client){ .version = "5.3" };
    static char key[] = CLIENT_KEY;
    client->wire.key = key;
    wire_id(client->wire.session);
    snprintf(client->directory, sizeof client->directory, "/tmp/teachroot-test.XXXXXX");
    if (!mkdtemp(client->directory))
        abort();
    snprintf(client->file, sizeof client->file, "%s/connection.json", client->directory);
    FILE *file = fopen(client->file, "w");
    if (!file)
        abort();
    fprintf(file,
            "{\"transport\": \"ipc\", \"ip\": \"%s/kernel\", \"key\": \"%s\", \"signature_scheme\": \"hmac-sha256\"",
            client->directory, CLIENT_KEY);
    for (int i = 0; i < CHANNELS; i++)
        fprintf(file, ", \"%s_port\": %d", channel_names[i], i + 1);
    fputs("}\n", file);
    fclose(file);
    for (; argv[n]; n++)
        words[n] = strcmp(argv[n], "{connection_file}") == 0 ? client->file : argv[n];
    words[n] = NULL;
    client->pid = fork();
    if (client->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO); /* that is the test's own */
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    client_connect(client);
}

/* Let go of the kernel, killed if it still runs. Returns its wait status. */
static inline int client_end(struct client *client)
{
    int status = 0;
    kill(client->pid, SIGKILL);
    waitpid(client->pid, &status, 0);
    for (int i = 0; i < CHANNELS; i++)
        zmq_close(client->sockets[i]);
    zmq_ctx_term(client->context);
    nftw(client->directory, client_remove, 8, FTW_DEPTH | FTW_PHYS);
    return status;
}

/* Takes @content. Returns the header as it was sent, malloc'ed. */
static inline char *client_send(struct client *client, enum channel channel, const char *type, json_t *content)
{
    struct wire_frames frames;
    if (wire_compose(&client->wire, NULL, type, NULL, NULL, content, &frames, NULL) < 0)
        abort();
    json_decref(content);
    if (strcmp(client->version, "5.3") != 0) { /* a header of another version, and its signature */
        json_t *header = json_loads(frames.list[2].data, 0, NULL);
        json_object_set_new(header, "version", json_string(client->version));
        free(frames.list[2].data);
        frames.list[2].data = json_dumps(header, JSON_COMPACT);
        frames.list[2].len = strlen(frames.list[2].data);
        json_decref(header);
        wire_sign(
            client->wire.key,
            (const char *const[]){ frames.list[2].data, frames.list[3].data, frames.list[4].data, frames.list[5].data },
            frames.list[1].data);
    }
    for (size_t i = 0; i < frames.count; i++)
        zmq_send(client->sockets[channel], frames.list[i].data, frames.list[i].len,
                 i + 1 < frames.count ? ZMQ_SNDMORE : 0);
    char *header = strdup(frames.list[2].data);
    wire_frames_free(&frames);
    return header;
}

/* The next message of a channel, or NULL when none comes in @ms. */
static inline struct wire_message *client_receive(struct client *client, enum channel channel, long ms)
{
    struct wire_message *message = NULL;
    struct err err;
    zmq_pollitem_t item = { .socket = client->sockets[channel], .events = ZMQ_POLLIN };
    if (zmq_poll(&item, 1, ms) <= 0)
        return NULL;
    if (wire_receive(&client->wire, client->sockets[channel], &message, &err) < 0) {
        fprintf(stderr, "client: %s\n", err.message);
        abort();
    }
    return message;
}

/* Ask who the kernel is: when that is answered it is ready. False: not in time. */
static inline bool client_ready(struct client *client)
{
    free(client_send(client, CHANNEL_SHELL, "kernel_info_request", json_object()));
    struct wire_message *reply = client_receive(client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    wire_message_free(reply);
    return reply;
}

/* … and again, until what it publishes comes here too: a subscription takes its time. */
static inline bool client_subscribed(struct client *client)
{
    for (int i = 0; i < 100 && client_ready(client); i++) {
        struct wire_message *message = client_receive(client, CHANNEL_IOPUB, 50);
        bool heard = message;
        while (message) {
            wire_message_free(message);
            message = client_receive(client, CHANNEL_IOPUB, 50);
        }
        if (heard)
            return true;
    }
    return false;
}

static inline json_t *client_cell(const char *code, bool may_ask)
{
    return json_pack("{s:s, s:b, s:b, s:{}, s:b, s:b}", "code", code, "silent", 0, "store_history", 1,
                     "user_expressions", "allow_stdin", may_ask, "stop_on_error", 1);
}

/* Execute @code and wait until it is idle again: the reply, which the caller frees. */
static inline struct wire_message *client_run(struct client *client, const char *code)
{
    char *header = client_send(client, CHANNEL_SHELL, "execute_request", client_cell(code, false));
    struct wire_message *reply = client_receive(client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    for (bool idle = false; reply && !idle;) {
        struct wire_message *message = client_receive(client, CHANNEL_IOPUB, CLIENT_WAIT_MS);
        if (!message)
            break;
        const char *state = json_string_value(json_object_get(message->content, "execution_state"));
        idle = state && strcmp(state, "idle") == 0;
        wire_message_free(message);
    }
    free(header);
    return reply;
}

#endif

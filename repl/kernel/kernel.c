#include "repl/kernel/kernel.h"

#include "engine/base/cleanup.h"
#include "repl/kernel/kernel_internal.h"

#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include <zmq.h>

#define HIGH_WATER 100000 /* messages that wait for a slow client before any is dropped */
#define LINGER_MS 1000    /* what is still to be sent when the kernel ends */

/* Answers. */

void kernel_publish(struct kernel *kernel, const char *parent, const char *type, json_t *content)
{
    cleanup_free char *topic = strdup(type);
    struct wire_frame frame = { topic, strlen(type) };
    struct err err;
    kernel->sent = true;
    if (content && topic &&
        wire_send(&kernel->wire, kernel->sockets[CHANNEL_IOPUB], &(struct wire_frames){ &frame, 1 }, type, parent, NULL,
                  content, &err) < 0)
        fprintf(stderr, "teachroot kernel: %s\n", err.message);
    json_decref(content);
}

static void status(struct kernel *kernel, const struct wire_message *about, const char *state)
{
    kernel_publish(kernel, about ? about->header_text : NULL, "status", json_pack("{s:s}", "execution_state", state));
}

static void reply(struct kernel *kernel, enum channel channel, const struct wire_message *to, const char *type,
                  json_t *content)
{
    struct err err;
    kernel->sent = true;
    if (content && wire_send(&kernel->wire, kernel->sockets[channel], &to->identities, type, to->header_text, NULL,
                             content, &err) < 0)
        fprintf(stderr, "teachroot kernel: %s\n", err.message);
    json_decref(content);
}

void kernel_answer(struct kernel *kernel, const char *type, json_t *content)
{
    stream_flush(kernel);
    if (type)
        reply(kernel, CHANNEL_SHELL, kernel->current, type, content);
    status(kernel, kernel->current, "idle");
    wire_message_free(take_ptr(&kernel->current));
}

void kernel_ask(struct kernel *kernel, const char *prompt, bool password)
{
    json_t *content = json_pack("{s:s, s:b}", "prompt", prompt, "password", password);
    if (!content) /* the prompt is no UTF-8 */
        content = json_pack("{s:s, s:b}", "prompt", "", "password", password);
    reply(kernel, CHANNEL_STDIN, kernel->current, "input_request", content);
}

/* Requests. */

static void answer_comm_info(struct kernel *kernel)
{
    kernel_answer(kernel, "comm_info_reply", json_pack("{s:s, s:{}}", "status", "ok", "comms"));
}

static json_t *ports(const struct kernel *kernel)
{
    json_t *content = json_pack("{s:s}", "status", "ok");
    char name[32];
    for (int i = 0; i < CHANNELS; i++) {
        snprintf(name, sizeof name, "%s_port", channel_names[i]);
        json_object_set_new(content, name, json_integer(kernel->connection.ports[i]));
    }
    return content;
}

static void answer_connect(struct kernel *kernel)
{
    kernel_answer(kernel, "connect_reply", ports(kernel));
}

/* There is nobody here for a comm to talk to: it is closed. */
static void answer_comm_open(struct kernel *kernel)
{
    json_t *id = json_object_get(kernel->current->content, "comm_id");
    if (json_is_string(id))
        kernel_publish(kernel, kernel->current->header_text, "comm_close",
                       json_pack("{s:O, s:{}}", "comm_id", id, "data"));
    kernel_answer(kernel, NULL, NULL);
}

static json_t *shutdown_content(const struct wire_message *request)
{
    return json_pack("{s:s, s:b}", "status", "ok", "restart",
                     json_is_true(json_object_get(request->content, "restart")));
}

static void answer_shutdown(struct kernel *kernel)
{
    kernel_publish(kernel, kernel->current->header_text, "shutdown_reply", shutdown_content(kernel->current));
    kernel->leave = true;
    kernel_answer(kernel, "shutdown_reply", shutdown_content(kernel->current));
}

static const struct handler {
    const char *type;
    void (*answer)(struct kernel *kernel);
    bool lab; /* it is about the lab, and waits for one */
} handlers[] = {
    { "execute_request", cell_execute, true },        { "complete_request", ask_complete, true },
    { "inspect_request", ask_inspect, false },        { "is_complete_request", ask_is_complete, false },
    { "history_request", ask_history, false },        { "kernel_info_request", ask_kernel_info, false },
    { "comm_info_request", answer_comm_info, false }, { "connect_request", answer_connect, false },
    { "comm_open", answer_comm_open, false },         { "shutdown_request", answer_shutdown, false },
};

static const struct handler *handler_of(const struct wire_message *message)
{
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (strcmp(handlers[i].type, message->type) == 0)
            return &handlers[i];
    return NULL;
}

static void answer_aborted(struct kernel *kernel)
{
    kernel_answer(kernel, "execute_reply",
                  json_pack("{s:s, s:i}", "status", "aborted", "execution_count", (int)kernel->count));
}

static void begin_request(struct kernel *kernel)
{
    struct request *request = kernel->queue;
    const struct handler *handler = handler_of(request->message);
    bool aborted = request->aborted;
    kernel->queue = request->next;
    if (!kernel->queue)
        kernel->queue_end = &kernel->queue;
    kernel->current = request->message;
    free(request);
    status(kernel, kernel->current, "busy");
    if (aborted) {
        answer_aborted(kernel);
        return;
    }
    if (!handler) {
        kernel_answer(kernel, NULL, NULL);
        return;
    }
    if (handler->lab)
        desk_need(&kernel->desk);
    kernel->delayed = handler->lab && !desk_settled(&kernel->desk);
    if (!kernel->delayed)
        handler->answer(kernel);
}

void kernel_abort_queue(struct kernel *kernel)
{
    for (struct request *r = kernel->queue; r; r = r->next)
        if (strcmp(r->message->type, "execute_request") == 0)
            r->aborted = true;
}

/* Is the client one of protocol 5.5 or later? Then it waits to be welcomed. */
static void learn_version(struct kernel *kernel, const struct wire_message *message)
{
    unsigned major = 0, minor = 0;
    const char *version = json_string_value(json_object_get(message->header, "version"));
    if (kernel->welcomes || !version || sscanf(version, "%u.%u", &major, &minor) != 2 || major * 100 + minor < 505)
        return;
    kernel->welcomes = true;
    for (size_t i = 0; i < kernel->pending_count; i++) {
        kernel_publish(kernel, NULL, "iopub_welcome", json_pack("{s:s}", "subscription", kernel->pending[i]));
        free(kernel->pending[i]);
    }
    kernel->pending_count = 0;
}

/* A cell that still waits for the lab has not begun, and is not going to. */
static void interrupt(struct kernel *kernel)
{
    if (!kernel->delayed || handler_of(kernel->current)->answer != cell_execute) {
        cell_interrupt(kernel);
        return;
    }
    kernel->delayed = false;
    kernel_abort_queue(kernel);
    answer_aborted(kernel);
}

/* The control channel is served whatever runs. */
static void control(struct kernel *kernel, struct wire_message *message)
{
    status(kernel, message, "busy");
    if (strcmp(message->type, "interrupt_request") == 0) {
        interrupt(kernel);
        reply(kernel, CHANNEL_CONTROL, message, "interrupt_reply", json_pack("{s:s}", "status", "ok"));
    } else if (strcmp(message->type, "shutdown_request") == 0) {
        kernel_publish(kernel, message->header_text, "shutdown_reply", shutdown_content(message));
        reply(kernel, CHANNEL_CONTROL, message, "shutdown_reply", shutdown_content(message));
        kernel->leave = true;
    } else if (strcmp(message->type, "kernel_info_request") == 0) {
        reply(kernel, CHANNEL_CONTROL, message, "kernel_info_reply", kernel_info(kernel));
    }
    status(kernel, message, "idle");
    wire_message_free(message);
}

static void enqueue(struct kernel *kernel, struct wire_message *message)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request) {
        wire_message_free(message);
        return;
    }
    request->message = message;
    *kernel->queue_end = request;
    kernel->queue_end = &request->next;
}

/* Sockets. */

static bool receive(struct kernel *kernel, enum channel channel, struct wire_message **message)
{
    struct err err;
    int got;
    while ((got = wire_receive(&kernel->wire, kernel->sockets[channel], message, &err)) < 0)
        fprintf(stderr, "teachroot kernel: %s channel: %s\n", channel_names[channel], err.message);
    if (got > 0)
        learn_version(kernel, *message);
    return got > 0;
}

static bool beat(struct kernel *kernel)
{
    struct wire_frames frames;
    void *heart = kernel->sockets[CHANNEL_HEARTBEAT];
    if (wire_receive_frames(heart, &frames, NULL) <= 0)
        return false;
    for (size_t i = 0; i < frames.count; i++)
        zmq_send(heart, frames.list[i].data, frames.list[i].len,
                 ZMQ_DONTWAIT | (i + 1 < frames.count ? ZMQ_SNDMORE : 0));
    wire_frames_free(&frames);
    return true;
}

/* A subscription is a message of one frame: 1, and the topic. */
static bool subscribed(struct kernel *kernel)
{
    struct wire_frames frames;
    if (wire_receive_frames(kernel->sockets[CHANNEL_IOPUB], &frames, NULL) <= 0)
        return false;
    if (frames.count == 1 && frames.list[0].len > 0 && frames.list[0].data[0] == 1) {
        const char *topic = frames.list[0].data + 1;
        if (kernel->welcomes)
            kernel_publish(kernel, NULL, "iopub_welcome", json_pack("{s:s}", "subscription", topic));
        else if (kernel->pending_count < WELCOMES && (kernel->pending[kernel->pending_count] = strdup(topic)))
            kernel->pending_count++;
    }
    wire_frames_free(&frames);
    return true;
}

static bool take_input(struct kernel *kernel)
{
    struct wire_message *message;
    if (!receive(kernel, CHANNEL_STDIN, &message))
        return false;
    const char *value = json_string_value(json_object_get(message->content, "value"));
    if (strcmp(message->type, "input_reply") == 0)
        input_replied(kernel, value ? value : "");
    wire_message_free(message);
    return true;
}

/* The request at hand waited for the lab, which has come or cannot be had. */
static void go_on(struct kernel *kernel)
{
    if (!kernel->delayed || !desk_settled(&kernel->desk))
        return;
    kernel->delayed = false;
    handler_of(kernel->current)->answer(kernel);
}

/* Before each wait: all that came is taken, so that the sockets' fds tell of what comes next. Whatever is sent may take that from them too, so the sockets are read once more after it: see ZMQ_FD in
 * zmq_getsockopt(3). */
static void serve(void *data)
{
    struct kernel *kernel = data;
    struct wire_message *message;
    bool any = true;
    while (any && !kernel->leave) {
        any = kernel->sent = false;
        while (beat(kernel))
            any = true;
        while (subscribed(kernel))
            any = true;
        while (take_input(kernel))
            any = true;
        while (receive(kernel, CHANNEL_SHELL, &message)) {
            enqueue(kernel, message);
            any = true;
        }
        if (!kernel->current && kernel->queue) {
            begin_request(kernel);
            any = true;
        }
        while (!kernel->leave && receive(kernel, CHANNEL_CONTROL, &message)) { /* an interrupt is of what came so far */
            control(kernel, message);
            any = true;
        }
        if (!kernel->leave) {
            go_on(kernel);
            cell_advance(kernel);
        }
        any |= kernel->sent;
    }
    if (kernel->leave)
        loop_quit(kernel->loop);
}

static void on_socket(int fd, uint32_t events, void *data)
{
    /* serve() runs before the next wait. */
}

static const struct {
    int type;
    int priority; /* in the loop */
} sockets[CHANNELS] = {
    [CHANNEL_SHELL] = { ZMQ_ROUTER, 1 }, [CHANNEL_CONTROL] = { ZMQ_ROUTER, 0 }, [CHANNEL_STDIN] = { ZMQ_ROUTER, 1 },
    [CHANNEL_IOPUB] = { ZMQ_XPUB, 1 },   [CHANNEL_HEARTBEAT] = { ZMQ_REP, 0 },
};

static int open_socket(struct kernel *kernel, enum channel channel, struct err *err)
{
    char address[160];
    int linger = LINGER_MS, high_water = HIGH_WATER, on = 1, fd;
    size_t size = sizeof fd;
    void *socket = kernel->sockets[channel] = zmq_socket(kernel->context, sockets[channel].type);
    if (!socket)
        return err_set(err, zmq_errno(), "zmq_socket");
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water, sizeof high_water);
    if (sockets[channel].type == ZMQ_ROUTER) /* a client that comes again takes its identity with it */
        zmq_setsockopt(socket, ZMQ_ROUTER_HANDOVER, &on, sizeof on);
    if (sockets[channel].type == ZMQ_XPUB)
        zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &on, sizeof on);
    connection_address(&kernel->connection, channel, address, sizeof address);
    if (zmq_bind(socket, address) < 0)
        return err_set(err, zmq_errno(), "zmq_bind of the %s channel to `%s`", channel_names[channel], address);
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) < 0)
        return err_set(err, zmq_errno(), "zmq_getsockopt");
    if (!loop_add_fd(kernel->loop, fd, EPOLLIN, sockets[channel].priority, on_socket, kernel))
        return err_set(err, ENOMEM, "watch the %s channel", channel_names[channel]);
    return 0;
}

static void on_signal(int signal, void *data)
{
    struct kernel *kernel = data;
    if (signal == SIGINT)
        interrupt(kernel);
    else
        kernel->leave = true;
}

static void on_parent_gone(int fd, uint32_t events, void *data)
{
    struct kernel *kernel = data;
    kernel->leave = true;
}

/* A client that is killed can send no shutdown. */
static void watch_parent(struct kernel *kernel)
{
    const char *text = getenv("JPY_PARENT_PID");
    pid_t parent = text ? (pid_t)strtol(text, NULL, 10) : 0;
    kernel->parent = parent > 1 ? (int)syscall(SYS_pidfd_open, parent, 0) : -1;
    if (kernel->parent >= 0)
        loop_add_fd(kernel->loop, kernel->parent, EPOLLIN, 0, on_parent_gone, kernel);
}

static int open_all(struct kernel *kernel, struct err *err)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    kernel->loop = loop_new(err);
    if (!kernel->loop)
        return -1;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!loop_add_signal(kernel->loop, signals[i], on_signal, kernel))
            return err_set(err, ENOMEM, "watch for signals");
    kernel->context = zmq_ctx_new();
    if (!kernel->context)
        return err_set(err, zmq_errno(), "zmq_ctx_new");
    for (int i = 0; i < CHANNELS; i++)
        if (open_socket(kernel, (enum channel)i, err) < 0)
            return -1;
    return 0;
}

static void close_all(struct kernel *kernel)
{
    cell_reset(kernel);
    desk_close(&kernel->desk);
    stream_free(kernel);
    for (struct request *r = kernel->queue, *next; r; r = next) {
        next = r->next;
        wire_message_free(r->message);
        free(r);
    }
    wire_message_free(kernel->current);
    for (size_t i = 0; i < kernel->pending_count; i++)
        free(kernel->pending[i]);
    free(kernel->output_parent);
    history_free(&kernel->history);
    curriculum_free(&kernel->desk.curriculum);
    if (kernel->loop)
        loop_free(kernel->loop);
    if (kernel->parent >= 0)
        close(kernel->parent);
    for (int i = 0; i < CHANNELS; i++)
        if (kernel->sockets[i])
            zmq_close(kernel->sockets[i]);
    if (kernel->context)
        zmq_ctx_term(kernel->context);
}

int kernel_run(const struct connection *connection, struct err *err)
{
    struct kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return err_set(err, ENOMEM, "start a kernel");
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths are those of the text */
    kernel->parent = -1;
    kernel->connection = *connection;
    kernel->wire.key = kernel->connection.key;
    wire_id(kernel->wire.session);
    kernel->queue_end = &kernel->queue;
    for (unsigned i = 0; i <= TERMINALS; i++)
        kernel->desk.consoles[i] = (struct console){ .kernel = kernel, .number = i, .filter = { .keep = true } };
    int result = open_all(kernel, err);
    if (result == 0) {
        watch_parent(kernel);
        status(kernel, NULL, "starting");
        result = loop_run(kernel->loop, serve, kernel, err) < 0 ? -1 : 0;
    }
    close_all(kernel);
    free(kernel);
    return result;
}

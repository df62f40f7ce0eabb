#include "repl/share/share_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LISTENERS 4
#define HANGUP EPOLLERR /* nothing but what is always told: that the other side has gone */

struct listener {
    struct share *share;
    int fd;        /* -1: none */
    int directory; /* it is in */
    char *path;
    bool notes;
    char link[32]; /* in the user's own directory, for whoever clears up; "" none */
    struct loop_source *source;
};

struct client {
    struct share *share;
    struct listener *from; /* NULL: nobody */
    int fd;
    struct loop_source *source;
    char *out; /* the message under way */
    size_t out_len, out_sent;
    bool greeted;
    uint64_t screen, notes; /* versions it has */
};

struct share {
    struct loop *loop;
    void (*joined)(void *data);
    void *data;
    struct listener listeners[LISTENERS];
    struct client clients[SHARE_CLIENTS];
    uint64_t version; /* grows by one with each change */
    struct share_cell *cells;
    uint64_t *changed; /* version of each row */
    unsigned rows, cols;
    int cursor_row, cursor_col;
    uint64_t cursor_changed;
    json_t *notes;
    uint64_t notes_changed;
};

struct share *share_new(struct loop *loop, void (*joined)(void *data), void *data)
{
    struct share *share = calloc(1, sizeof *share);
    if (!share)
        return NULL;
    share->loop = loop;
    share->joined = joined;
    share->data = data;
    for (size_t i = 0; i < LISTENERS; i++)
        share->listeners[i] = (struct listener){ .share = share, .fd = -1, .directory = -1 };
    for (size_t i = 0; i < SHARE_CLIENTS; i++)
        share->clients[i] = (struct client){ .share = share, .fd = -1 };
    return share;
}

/* ---- clients ---- */

static void client_leaves(struct client *client)
{
    loop_remove(client->source);
    if (client->fd >= 0)
        close(client->fd);
    free(client->out);
    *client = (struct client){ .share = client->share, .fd = -1 };
}

static json_t *next_screen(struct client *client)
{
    const struct share *share = client->share;
    json_t *lines = json_array();
    bool any = share->cursor_changed > client->screen;
    for (unsigned row = 0; lines && row < share->rows; row++) {
        if (share->changed[row] <= client->screen)
            continue;
        any = true;
        json_array_append_new(
            lines, json_pack("[io]", (int)row, frame_runs(share->cells + (size_t)row * share->cols, share->cols)));
    }
    if (!any) {
        json_decref(lines);
        return NULL;
    }
    client->screen = share->version;
    json_t *cursor = share->cursor_row < 0 ? json_null() : json_pack("[ii]", share->cursor_row, share->cursor_col);
    return json_pack("{s:{s:i, s:i, s:o, s:o}}", "screen", "cols", (int)share->cols, "rows", (int)share->rows, "cursor",
                     cursor, "lines", lines);
}

/* What the client has not got yet, or NULL. */
static json_t *next_message(struct client *client)
{
    const struct share *share = client->share;
    if (!client->greeted) {
        client->greeted = true;
        return json_pack("{s:i}", "share", SHARE_VERSION);
    }
    if (client->from->notes && share->notes && share->notes_changed > client->notes) {
        client->notes = share->version;
        return json_pack("{s:O}", "notes", share->notes);
    }
    return next_screen(client);
}

static bool begin_message(struct client *client)
{
    json_t *message = next_message(client);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text)
        return false;
    client->out_len = strlen(text);
    client->out_sent = 0;
    client->out = text;
    client->out[client->out_len++] = '\n'; /* in the place of the NUL */
    return true;
}

/* Send what the socket takes; the rest, and what comes to be meanwhile, when it takes more. */
static void pump(struct client *client)
{
    while (client->out || begin_message(client)) {
        ssize_t n = send(client->fd, client->out + client->out_sent, client->out_len - client->out_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            client_leaves(client);
            return;
        }
        if (n < 0) {
            loop_set_events(client->source, EPOLLOUT);
            return;
        }
        client->out_sent += (size_t)n;
        if (client->out_sent == client->out_len) {
            free(client->out);
            client->out = NULL;
        }
    }
    loop_set_events(client->source, HANGUP);
}

static void pump_all(struct share *share)
{
    for (size_t i = 0; i < SHARE_CLIENTS; i++)
        if (share->clients[i].from && !share->clients[i].out)
            pump(&share->clients[i]);
}

static void on_client(int fd, uint32_t events, void *data)
{
    struct client *client = data;
    if (events & (EPOLLHUP | EPOLLERR))
        client_leaves(client);
    else
        pump(client);
}

static void on_listener(int fd, uint32_t events, void *data)
{
    struct listener *listener = data;
    struct share *share = listener->share;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    cleanup_close int peer = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *client = NULL;
    for (size_t i = 0; i < SHARE_CLIENTS; i++)
        if (!share->clients[i].from)
            client = &share->clients[i];
    if (peer < 0 || !client || shutdown(peer, SHUT_RD) < 0)
        return;
    client->source = loop_add_fd(share->loop, peer, HANGUP, 3, on_client, client);
    if (!client->source)
        return;
    client->from = listener;
    client->fd = take_fd(&peer);
    pump(client);
    share->joined(share->data);
}

bool share_watched(const struct share *share)
{
    for (size_t i = 0; share && i < SHARE_CLIENTS; i++)
        if (share->clients[i].from)
            return true;
    return false;
}

/* ---- what is shown ---- */

static bool resize(struct share *share, unsigned rows, unsigned cols)
{
    struct share_cell *cells = calloc((size_t)rows * cols, sizeof *cells);
    uint64_t *changed = calloc(rows, sizeof *changed);
    if (!cells || !changed) {
        free(cells);
        free(changed);
        return false;
    }
    free(share->cells);
    free(share->changed);
    share->cells = cells;
    share->changed = changed;
    share->rows = rows;
    share->cols = cols;
    return true;
}

void share_put_screen(struct share *share, const struct share_cell *cells, unsigned rows, unsigned cols, int cursor_row,
                      int cursor_col)
{
    if (rows == 0 || cols == 0 || rows > SHARE_SIDE_MAX || cols > SHARE_SIDE_MAX)
        return;
    if ((rows != share->rows || cols != share->cols) && !resize(share, rows, cols))
        return;
    uint64_t version = share->version + 1;
    for (unsigned row = 0; row < rows; row++) {
        struct share_cell *kept = share->cells + (size_t)row * cols;
        const struct share_cell *now = cells + (size_t)row * cols;
        if (memcmp(kept, now, cols * sizeof *now) == 0)
            continue;
        memcpy(kept, now, cols * sizeof *now);
        share->changed[row] = share->version = version;
    }
    if (cursor_row != share->cursor_row || cursor_col != share->cursor_col) {
        share->cursor_row = cursor_row;
        share->cursor_col = cursor_col;
        share->cursor_changed = share->version = version;
    }
    if (share->version == version)
        pump_all(share);
}

void share_put_notes(struct share *share, struct json_t *notes)
{
    if (!notes || (share->notes && json_equal(share->notes, notes))) {
        json_decref(notes);
        return;
    }
    json_decref(share->notes);
    share->notes = notes;
    share->notes_changed = ++share->version;
    pump_all(share);
}

/* ---- sockets ---- */

static void close_listener(struct listener *listener)
{
    struct share *share = listener->share;
    if (listener->fd < 0)
        return;
    for (size_t i = 0; i < SHARE_CLIENTS; i++)
        if (share->clients[i].from == listener)
            client_leaves(&share->clients[i]);
    loop_remove(listener->source);
    const char *slash = strrchr(listener->path, '/');
    unlinkat(listener->directory, slash ? slash + 1 : listener->path, 0);
    char own[PATH_MAX];
    cleanup_close int directory = listener->link[0] ? place_directory(own, sizeof own, NULL) : -1;
    if (directory >= 0)
        unlinkat(directory, listener->link, 0);
    close(listener->fd);
    close(listener->directory);
    free(listener->path);
    *listener = (struct listener){ .share = share, .fd = -1, .directory = -1 };
}

bool share_close_others(struct share *share)
{
    bool any = false;
    for (size_t i = 0; share && i < LISTENERS; i++)
        if (share->listeners[i].fd >= 0 && !share->listeners[i].notes) {
            close_listener(&share->listeners[i]);
            any = true;
        }
    return any;
}

void share_free(struct share *share)
{
    if (!share)
        return;
    for (size_t i = 0; i < LISTENERS; i++)
        close_listener(&share->listeners[i]);
    json_decref(share->notes);
    free(share->cells);
    free(share->changed);
    free(share);
}

static struct listener *free_listener(struct share *share, struct err *err)
{
    for (size_t i = 0; i < LISTENERS; i++)
        if (share->listeners[i].fd < 0)
            return &share->listeners[i];
    err_say(err, ENOSPC, "share: there are %d sockets already; `share off` closes them", LISTENERS);
    return NULL;
}

/* Begin to serve @fd, which is the socket at @path in @directory. All three belong to the listener then, or are gone. */
static const char *serve(struct listener *listener, int fd, int directory, char *path, bool notes, struct err *err)
{
    listener->fd = fd;
    listener->directory = directory;
    listener->path = path;
    listener->notes = notes;
    listener->source = loop_add_fd(listener->share->loop, fd, EPOLLIN, 3, on_listener, listener);
    if (listener->source)
        return path;
    err_set(err, ENOMEM, "listen at `%s`", path);
    close_listener(listener);
    return NULL;
}

const char *share_listen_own(struct share *share, const char *name, bool notes, struct err *err)
{
    char in[PATH_MAX];
    struct listener *listener = free_listener(share, err);
    cleanup_close int directory = listener ? place_directory(in, sizeof in, err) : -1;
    if (directory < 0)
        return NULL;
    char *path;
    if (asprintf(&path, "%s/%s-%d.sock", in, name, getpid()) < 0) {
        err_set(err, ENOMEM, "listen in `%s`", in);
        return NULL;
    }
    const char *socket_name = path + strlen(in) + 1;
    flock(directory, LOCK_EX); /* between bind and listen a socket looks as one that was left behind */
    place_clear(directory);
    int fd = place_listen(directory, socket_name, 0600, (gid_t)-1);
    flock(directory, LOCK_UN);
    if (fd < 0) {
        err_set(err, errno, "listen at `%s`", path);
        free(path);
        return NULL;
    }
    return serve(listener, fd, take_fd(&directory), path, notes, err);
}

static int group_of(const char *name, gid_t *group, struct err *err)
{
    *group = (gid_t)-1;
    if (!name)
        return 0;
    const struct group *found = getgrnam(name);
    if (!found)
        return err_say(err, ENOENT, "share: there is no group `%s`", name);
    *group = found->gr_gid;
    return 0;
}

/* So that the next start finds it, should this program be killed. */
static void leave_link(struct listener *listener)
{
    char own[PATH_MAX];
    cleanup_close int directory = place_directory(own, sizeof own, NULL);
    if (directory < 0)
        return;
    snprintf(listener->link, sizeof listener->link, "shared-%d-%d", getpid(),
             (int)(listener - listener->share->listeners));
    unlinkat(directory, listener->link, 0);
    if (symlinkat(listener->path, directory, listener->link) < 0)
        listener->link[0] = '\0';
}

const char *share_listen(struct share *share, const char *path, const char *group, struct err *err)
{
    struct listener *listener = free_listener(share, err);
    gid_t gid;
    struct stat st;
    if (!listener || group_of(group, &gid, err) < 0)
        return NULL;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    cleanup_free char *parent = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup("."),
                      *in = parent ? realpath(parent, NULL) : NULL;
    cleanup_close int directory = in ? open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (directory < 0 || !*name) {
        err_set(err, *name ? errno : EISDIR, "share at `%s`", path);
        return NULL;
    }
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid() &&
        place_alive(directory, name) == 0)
        unlinkat(directory, name, 0);
    char *whole;
    if (asprintf(&whole, "%s/%s", strcmp(in, "/") == 0 ? "" : in, name) < 0) {
        err_set(err, ENOMEM, "share at `%s`", path);
        return NULL;
    }
    int fd = place_listen(directory, name, group ? 0660 : 0666, gid);
    if (fd < 0) {
        free(whole);
        if (errno == EADDRINUSE)
            err_say(err, EEXIST, "share at `%s`: there is something already; choose a path that is free", path);
        else
            err_set(err, errno, "share at `%s`", path);
        return NULL;
    }
    const char *served = serve(listener, fd, take_fd(&directory), whole, false, err);
    if (served)
        leave_link(listener);
    return served;
}

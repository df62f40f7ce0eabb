/* Reading and writing fds. What may make us wait for ever (a pipe, a socket, a terminal) is waited for together with an eventfd, by which another thread ends the waiting. */
#include "engine/layers/stream_internal.h"

#include "engine/base/cleanup.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>

struct waiting {
    int fd;
    int wake; /* -1: reading or writing @fd never waits for somebody else */
};

static int waiting_open(struct waiting *waiting, int fd, struct err *err)
{
    struct stat st;
    waiting->fd = fd;
    waiting->wake = -1;
    if (fstat(fd, &st) < 0)
        return err_set(err, errno, "fstat of fd %d", fd);
    if (S_ISREG(st.st_mode))
        return 0;
    waiting->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return waiting->wake < 0 ? err_set(err, errno, "eventfd") : 0;
}

/* Wait until @events of the fd, or until woken. Returns 0 or -1. */
static int wait_for(const struct waiting *waiting, short events, const char *what, struct err *err)
{
    struct pollfd fds[] = { { waiting->fd, events, 0 }, { waiting->wake, POLLIN, 0 } };
    if (waiting->wake < 0)
        return 0;
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "poll");
    return fds[1].revents ? err_say(err, ECANCELED, "%s was called off", what) : 0;
}

static void wake(const struct waiting *waiting)
{
    if (waiting->wake >= 0)
        eventfd_write(waiting->wake, 1);
}

struct fd_source {
    struct source source;
    struct waiting waiting;
};

static ssize_t fd_read(struct source *source, void *buf, size_t size, struct err *err)
{
    const struct fd_source *from = (struct fd_source *)source;
    for (;;) {
        if (wait_for(&from->waiting, POLLIN, "reading", err) < 0)
            return -1;
        ssize_t n = read(from->waiting.fd, buf, size);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return err_set(err, errno, "read");
    }
}

static void fd_source_interrupt(struct source *source)
{
    wake(&((struct fd_source *)source)->waiting);
}

static void fd_source_close(struct source *source)
{
    struct fd_source *from = (struct fd_source *)source;
    cleanup_closep(&from->waiting.wake);
    free(from);
}

struct source *source_fd(int fd, struct err *err)
{
    struct fd_source *from = calloc(1, sizeof *from);
    if (!from) {
        err_set(err, ENOMEM, "read a file");
        return NULL;
    }
    from->source = (struct source){ fd_read, fd_source_close, fd_source_interrupt };
    if (waiting_open(&from->waiting, fd, err) < 0) {
        free(from);
        return NULL;
    }
    return &from->source;
}

struct fd_sink {
    struct sink sink;
    struct waiting waiting;
    bool in_pieces; /* the kernel cannot write as much as there is room for to what this is */
};

/* As write(2), but without waiting for somebody else: EAGAIN. Other programs may have the same pipe, so that it is not made non-blocking. */
static ssize_t write_some(struct fd_sink *to, const void *data, size_t size)
{
    struct iovec all = { .iov_len = size };
    memcpy(&all.iov_base, &data, sizeof data); /* which is only read */
    if (to->waiting.wake < 0)
        return write(to->waiting.fd, data, size);
    ssize_t n = to->in_pieces ? -1 : pwritev2(to->waiting.fd, &all, 1, -1, RWF_NOWAIT);
    to->in_pieces = to->in_pieces || (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL));
    /* Where poll(2) says that there is room, this much never waits (pipe(7)). */
    return to->in_pieces ? write(to->waiting.fd, data, size < PIPE_BUF ? size : PIPE_BUF) : n;
}

static int fd_write(struct sink *sink, const void *data, size_t size, struct err *err)
{
    struct fd_sink *to = (struct fd_sink *)sink;
    const char *at = data;
    while (size) {
        if (wait_for(&to->waiting, POLLOUT, "writing", err) < 0)
            return -1;
        ssize_t n = write_some(to, at, size);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return err_set(err, errno, "write");
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int fd_finish(struct sink *sink, struct err *err)
{
    return 0;
}

static void fd_sink_interrupt(struct sink *sink)
{
    wake(&((struct fd_sink *)sink)->waiting);
}

static void fd_sink_close(struct sink *sink)
{
    struct fd_sink *to = (struct fd_sink *)sink;
    cleanup_closep(&to->waiting.wake);
    free(to);
}

struct sink *sink_fd(int fd, struct err *err)
{
    struct fd_sink *to = calloc(1, sizeof *to);
    if (!to) {
        err_set(err, ENOMEM, "write a file");
        return NULL;
    }
    to->sink = (struct sink){ fd_write, fd_finish, fd_sink_close, fd_sink_interrupt };
    if (waiting_open(&to->waiting, fd, err) < 0) {
        free(to);
        return NULL;
    }
    return &to->sink;
}

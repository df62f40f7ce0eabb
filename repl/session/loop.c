#include "repl/session/loop.h"

#include "engine/base/cleanup.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#define BATCH 64

struct loop_source {
    struct loop *loop;
    struct loop_source *next; /* in the loop's list of all, or of the removed ones */
    int fd;
    int priority;
    bool own_fd, once, removed;
    enum { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL } kind;
    uint32_t events; /* watched; 0: paused, and out of the epoll set, which would report a hang-up for ever */
    uint32_t ready;  /* events of this wake-up, until served */
    union {
        loop_fd_fn *on_fd;
        loop_timer_fn *on_timer;
        loop_signal_fn *on_signal;
    } call;
    void *data;
};

struct loop {
    int epoll;
    bool quit;
    int depth; /* of loop_once within callbacks: only the outermost may free */
    struct loop_source *sources;
    struct loop_source *removed; /* freed once no wake-up can name them any more */
};

uint64_t loop_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct loop *loop_new(struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop)
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!loop || loop->epoll < 0) {
        err_set(err, errno, "make the event loop");
        free(loop);
        return NULL;
    }
    return loop;
}

static void free_removed(struct loop *loop)
{
    while (loop->removed) {
        struct loop_source *source = loop->removed;
        loop->removed = source->next;
        free(source);
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->sources)
        loop_remove(loop->sources);
    free_removed(loop);
    close(loop->epoll);
    free(loop);
}

static struct loop_source *add(struct loop *loop, int fd, uint32_t events, int priority, void *data)
{
    struct loop_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    *source = (struct loop_source){ .loop = loop, .fd = fd, .priority = priority, .events = events, .data = data };
    struct epoll_event event = { .events = events, .data.ptr = source };
    if (events != 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(source);
        return NULL;
    }
    source->next = loop->sources;
    loop->sources = source;
    return source;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, int priority, loop_fd_fn *fn, void *data)
{
    struct loop_source *source = add(loop, fd, events, priority, data);
    if (source)
        source->call.on_fd = fn;
    return source;
}

void loop_set_events(struct loop_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    if (events == source->events)
        return;
    if (events != 0)
        epoll_ctl(source->loop->epoll, source->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, source->fd, &event);
    else if (source->events)
        epoll_ctl(source->loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->events = events;
}

struct loop_source *loop_add_timer(struct loop *loop, unsigned ms, unsigned repeat_ms, loop_timer_fn *fn, void *data)
{
    /* A timerfd of all zeroes is off, so "at once" is one nanosecond from now. */
    struct itimerspec when = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms ? (long)(ms % 1000) * 1000000 : 1 },
                               .it_interval = { .tv_sec = repeat_ms / 1000,
                                                .tv_nsec = (long)(repeat_ms % 1000) * 1000000 } };
    cleanup_close int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || timerfd_settime(fd, 0, &when, NULL) < 0)
        return NULL;
    struct loop_source *source = add(loop, fd, EPOLLIN, 2, data);
    if (!source)
        return NULL;
    source->kind = SOURCE_TIMER;
    source->own_fd = true;
    source->once = repeat_ms == 0;
    source->call.on_timer = fn;
    take_fd(&fd);
    return source;
}

struct loop_source *loop_add_signal(struct loop *loop, int signal, loop_signal_fn *fn, void *data)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    cleanup_close int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return NULL;
    struct loop_source *source = add(loop, fd, EPOLLIN, 1, data);
    if (!source)
        return NULL;
    source->kind = SOURCE_SIGNAL;
    source->own_fd = true;
    source->call.on_signal = fn;
    take_fd(&fd);
    return source;
}

void loop_remove(struct loop_source *source)
{
    if (!source || source->removed)
        return;
    struct loop *loop = source->loop;
    for (struct loop_source **at = &loop->sources; *at; at = &(*at)->next)
        if (*at == source) {
            *at = source->next;
            break;
        }
    if (source->events)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    if (source->own_fd)
        close(source->fd);
    source->removed = true;
    source->next = loop->removed;
    loop->removed = source;
}

static void serve(struct loop_source *source)
{
    uint64_t expirations;
    struct signalfd_siginfo info;
    uint32_t ready = source->ready;
    source->ready = 0;
    switch (source->kind) {
    case SOURCE_FD:
        source->call.on_fd(source->fd, ready, source->data);
        break;
    case SOURCE_TIMER:
        if (read(source->fd, &expirations, sizeof expirations) != (ssize_t)sizeof expirations)
            break;
        source->call.on_timer(source->data);
        if (source->once)
            loop_remove(source);
        break;
    case SOURCE_SIGNAL:
        while (!source->removed && read(source->fd, &info, sizeof info) == (ssize_t)sizeof info)
            source->call.on_signal((int)info.ssi_signo, source->data);
        break;
    }
}

static int by_priority(const void *a, const void *b)
{
    const struct loop_source *const *x = a, *const *y = b;
    return (*x)->priority - (*y)->priority;
}

int loop_once(struct loop *loop, int ms)
{
    struct epoll_event events[BATCH];
    struct loop_source *ready[BATCH];
    int count = epoll_wait(loop->epoll, events, BATCH, ms), served = 0;
    if (count < 0)
        return errno == EINTR ? 0 : -1;
    loop->depth++;
    for (int i = 0; i < count; i++) {
        ready[i] = events[i].data.ptr;
        ready[i]->ready = events[i].events;
    }
    if (count > 1)
        qsort(ready, (size_t)count, sizeof ready[0], by_priority);
    for (int i = 0; i < count; i++)
        if (!ready[i]->removed && ready[i]->events &&
            ready[i]->ready) { /* nor paused or served by an earlier callback */
            serve(ready[i]);
            served++;
        }
    if (--loop->depth == 0)
        free_removed(loop);
    return served;
}

int loop_run(struct loop *loop, void (*before)(void *data), void *data, struct err *err)
{
    loop->quit = false;
    while (!loop->quit) {
        if (before)
            before(data);
        if (loop->quit)
            break;
        if (loop_once(loop, -1) < 0)
            return err_set(err, errno, "wait for events");
    }
    return 0;
}

void loop_quit(struct loop *loop)
{
    loop->quit = true;
}

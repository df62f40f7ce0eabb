/** The one event loop: fds, timers, signals and child exits, on epoll. No busy waiting: loop_run sleeps until something is ready.
 *
 * Callbacks run on the caller's thread and may add and remove sources freely, their own included.
 */
#ifndef REPL_SESSION_LOOP_H
#define REPL_SESSION_LOOP_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_source; /* freed by loop_remove */

typedef void loop_fd_fn(int fd, uint32_t events, void *data);
typedef void loop_timer_fn(void *data);
typedef void loop_signal_fn(int signal, void *data);

struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop); /* removes every source; fds given to loop_add_fd stay the caller's */

/** Watch @fd for EPOLLIN/EPOLLOUT. Sources are served in order of @priority (0 first: the keyboard) within one wake-up. */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, int priority, loop_fd_fn *fn, void *data);
/** Change the events watched (0 pauses: how a pane that is read too fast gets back-pressure). */
void loop_set_events(struct loop_source *source, uint32_t events);

/** Call @fn in @ms milliseconds, then every @repeat_ms (0: once; the source is then removed by itself after @fn returns). */
struct loop_source *loop_add_timer(struct loop *loop, unsigned ms, unsigned repeat_ms, loop_timer_fn *fn, void *data);

/** Block @signal for the process and deliver it here (signalfd). */
struct loop_source *loop_add_signal(struct loop *loop, int signal, loop_signal_fn *fn, void *data);

/** Remove; NULL is fine. Safe from inside any callback. */
void loop_remove(struct loop_source *source);

/** Run @before (may be NULL) and then wait, until loop_quit. @before runs once after every batch of events: drawing belongs there. */
int loop_run(struct loop *loop, void (*before)(void *data), void *data, struct err *err);
void loop_quit(struct loop *loop);
/** One wait of at most @ms (-1: no limit) and its callbacks. Returns the number of sources served, or -1 with errno. May be called from a callback. */
int loop_once(struct loop *loop, int ms);

/** Milliseconds of CLOCK_MONOTONIC. */
uint64_t loop_now(void);

#endif

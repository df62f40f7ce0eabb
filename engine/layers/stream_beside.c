/* A source or a sink in a thread of its own, on the other side of a ring of bytes.
 *
 * One side alone moves @head (it puts), the other alone @tail (it takes), each without the lock while it copies, as the region is its own; under the lock they tell one another. The thread has
 * all signals blocked, so that they reach who waits for them. */
#include "engine/layers/stream_internal.h"

#include "engine/base/cleanup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define RING ((size_t)2 << 20)
/* Who waits for room is woken when this much is free: not for every few bytes. */
#define ROOM (RING / 8)

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t room, data;
    uint64_t head, tail; /* bytes ever put, ever taken */
    atomic_bool ended;   /* nothing more is put */
    atomic_bool broken;  /* the thread failed: @failure says how */
    atomic_bool closed;  /* who reads or writes here is gone: the thread is to end */
    bool wants_room, wants_data;
    struct err failure;
    char *bytes;
};

/* Wait for room to put into. Returns how much there is in one piece at *@at, 0 if nobody takes any more. */
static size_t ring_room(struct ring *ring, char **at)
{
    pthread_mutex_lock(&ring->lock);
    while (RING - (ring->head - ring->tail) < ROOM && !ring->closed && !ring->broken) {
        ring->wants_room = true;
        pthread_cond_wait(&ring->room, &ring->lock);
    }
    ring->wants_room = false;
    size_t start = ring->head % RING, free_ = RING - (size_t)(ring->head - ring->tail);
    bool stop = ring->closed || ring->broken;
    pthread_mutex_unlock(&ring->lock);
    *at = ring->bytes + start;
    if (stop)
        return 0;
    return free_ < RING - start ? free_ : RING - start;
}

static void ring_put(struct ring *ring, size_t n)
{
    pthread_mutex_lock(&ring->lock);
    ring->head += n;
    if (ring->wants_data)
        pthread_cond_signal(&ring->data);
    pthread_mutex_unlock(&ring->lock);
}

/* Wait for what can be taken. Returns how much there is in one piece at *@at, 0 at the end. */
static size_t ring_data(struct ring *ring, char **at)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->head == ring->tail && !ring->ended && !ring->closed) {
        ring->wants_data = true;
        pthread_cond_wait(&ring->data, &ring->lock);
    }
    ring->wants_data = false;
    size_t start = ring->tail % RING, used = ring->closed ? 0 : (size_t)(ring->head - ring->tail);
    pthread_mutex_unlock(&ring->lock);
    *at = ring->bytes + start;
    return used < RING - start ? used : RING - start;
}

static void ring_take(struct ring *ring, size_t n)
{
    pthread_mutex_lock(&ring->lock);
    ring->tail += n;
    if (ring->wants_room && RING - (ring->head - ring->tail) >= ROOM)
        pthread_cond_signal(&ring->room);
    pthread_mutex_unlock(&ring->lock);
}

static void ring_set(struct ring *ring, atomic_bool *what)
{
    pthread_mutex_lock(&ring->lock);
    *what = true;
    pthread_cond_broadcast(&ring->data);
    pthread_cond_broadcast(&ring->room);
    pthread_mutex_unlock(&ring->lock);
}

static int ring_start(struct ring *ring, pthread_t *thread, void *(*run)(void *), void *data, struct err *err)
{
    sigset_t all, before;
    ring->bytes = malloc(RING);
    if (!ring->bytes)
        return err_set(err, ENOMEM, "start a thread");
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->room, NULL);
    pthread_cond_init(&ring->data, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(take_ptr(&ring->bytes));
        return err_set(err, failed, "start a thread");
    }
    return 0;
}

static void ring_free(struct ring *ring)
{
    pthread_mutex_destroy(&ring->lock);
    pthread_cond_destroy(&ring->room);
    pthread_cond_destroy(&ring->data);
    free(ring->bytes);
}

static int ring_failure(const struct ring *ring, struct err *err)
{
    if (err)
        *err = ring->failure;
    return -1;
}

/* --- Reading ahead -------------------------------------------------------------------------------------------------------------------- */

struct source_thread {
    struct source source;
    struct source *from;
    struct ring ring;
    pthread_t thread;
};

static void *read_ahead(void *data)
{
    struct source_thread *beside = data;
    struct ring *ring = &beside->ring;
    for (;;) {
        char *at;
        size_t room = ring_room(ring, &at);
        ssize_t n =
            room ? beside->from->read(beside->from, at, room < STREAM_BLOCK ? room : STREAM_BLOCK, &ring->failure) : 0;
        if (n > 0) {
            ring_put(ring, (size_t)n);
            continue;
        }
        if (n < 0)
            ring_set(ring, &ring->broken);
        ring_set(ring, &ring->ended);
        return NULL;
    }
}

static ssize_t beside_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct source_thread *beside = (struct source_thread *)source;
    char *at;
    if (!size)
        return 0;
    size_t n = ring_data(&beside->ring, &at);
    if (!n) {
        if (beside->ring.closed)
            return err_say(err, ECANCELED, "reading was called off");
        return beside->ring.broken ? ring_failure(&beside->ring, err) : 0;
    }
    if (n > size)
        n = size;
    memcpy(buf, at, n);
    ring_take(&beside->ring, n);
    return (ssize_t)n;
}

static void beside_interrupt(struct source *source)
{
    struct source_thread *beside = (struct source_thread *)source;
    ring_set(&beside->ring, &beside->ring.closed);
    source_interrupt(beside->from);
}

static void beside_close(struct source *source)
{
    struct source_thread *beside = (struct source_thread *)source;
    beside_interrupt(source);
    pthread_join(beside->thread, NULL);
    ring_free(&beside->ring);
    source_close(beside->from);
    free(beside);
}

struct source *source_beside(struct source *from, struct err *err)
{
    if (!from)
        return NULL;
    struct source_thread *beside = calloc(1, sizeof *beside);
    if (!beside)
        err_set(err, ENOMEM, "start a thread");
    if (beside) {
        beside->source = (struct source){ beside_read, beside_close, beside_interrupt };
        beside->from = from;
    }
    if (!beside || ring_start(&beside->ring, &beside->thread, read_ahead, beside, err) < 0) {
        source_close(from);
        free(beside);
        return NULL;
    }
    return &beside->source;
}

/* --- Writing behind ------------------------------------------------------------------------------------------------------------------- */

struct sink_thread {
    struct sink sink;
    struct sink *to;
    struct ring ring;
    pthread_t thread;
    bool joined;
};

static void *write_behind(void *data)
{
    struct sink_thread *beside = data;
    struct ring *ring = &beside->ring;
    for (;;) {
        char *at;
        size_t n = ring_data(ring, &at);
        if (!n)
            return NULL;
        if (n > STREAM_BLOCK)
            n = STREAM_BLOCK;
        if (beside->to->write(beside->to, at, n, &ring->failure) < 0) {
            ring_set(ring, &ring->broken);
            return NULL;
        }
        ring_take(ring, n);
    }
}

static int behind_write(struct sink *sink, const void *data, size_t size, struct err *err)
{
    struct sink_thread *beside = (struct sink_thread *)sink;
    const char *from = data;
    while (size) {
        char *at;
        size_t n = ring_room(&beside->ring, &at);
        if (!n)
            return beside->ring.broken ? ring_failure(&beside->ring, err)
                                       : err_say(err, ECANCELED, "writing was called off");
        if (n > size)
            n = size;
        memcpy(at, from, n);
        ring_put(&beside->ring, n);
        from += n;
        size -= n;
    }
    return 0;
}

static void behind_join(struct sink_thread *beside)
{
    if (!beside->joined)
        pthread_join(beside->thread, NULL);
    beside->joined = true;
}

static int behind_finish(struct sink *sink, struct err *err)
{
    struct sink_thread *beside = (struct sink_thread *)sink;
    ring_set(&beside->ring, &beside->ring.ended);
    behind_join(beside);
    if (beside->ring.broken)
        return ring_failure(&beside->ring, err);
    if (beside->ring.closed)
        return err_say(err, ECANCELED, "writing was called off");
    return beside->to->finish(beside->to, err);
}

static void behind_interrupt(struct sink *sink)
{
    struct sink_thread *beside = (struct sink_thread *)sink;
    ring_set(&beside->ring, &beside->ring.closed);
    sink_interrupt(beside->to);
}

static void behind_close(struct sink *sink)
{
    struct sink_thread *beside = (struct sink_thread *)sink;
    if (!beside->joined)
        behind_interrupt(sink);
    behind_join(beside);
    ring_free(&beside->ring);
    sink_close(beside->to);
    free(beside);
}

struct sink *sink_beside(struct sink *to, struct err *err)
{
    if (!to)
        return NULL;
    struct sink_thread *beside = calloc(1, sizeof *beside);
    if (!beside)
        err_set(err, ENOMEM, "start a thread");
    if (beside) {
        beside->sink = (struct sink){ behind_write, behind_finish, behind_close, behind_interrupt };
        beside->to = to;
    }
    if (!beside || ring_start(&beside->ring, &beside->thread, write_behind, beside, err) < 0) {
        sink_close(to);
        free(beside);
        return NULL;
    }
    return &beside->sink;
}

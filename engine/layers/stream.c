#include "engine/layers/stream_internal.h"

#include "engine/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* --- What all sources and sinks do ---------------------------------------------------------------------------------------------------- */

void source_close(struct source *source)
{
    if (source)
        source->close(source);
}

void source_interrupt(struct source *source)
{
    if (source && source->interrupt)
        source->interrupt(source);
}

void sink_close(struct sink *sink)
{
    if (sink)
        sink->close(sink);
}

void sink_interrupt(struct sink *sink)
{
    if (sink && sink->interrupt)
        sink->interrupt(sink);
}

ssize_t source_read_full(struct source *source, void *buf, size_t size, struct err *err)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = source->read(source, (char *)buf + got, size - got, err);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int64_t stream_copy(struct source *from, struct sink *to, struct err *err)
{
    cleanup_free char *block = malloc(STREAM_BLOCK);
    int64_t bytes = 0;
    if (!block)
        return err_set(err, ENOMEM, "copy a stream");
    for (;;) {
        ssize_t n = from->read(from, block, STREAM_BLOCK, err);
        if (n <= 0)
            return n < 0 ? -1 : bytes;
        if (to->write(to, block, (size_t)n, err) < 0)
            return -1;
        bytes += n;
    }
}

/* What stands on another source: the first members of each struct of that kind. */
struct stacked {
    struct source source;
    struct source *from;
};

static void stacked_interrupt(struct source *source)
{
    source_interrupt(((struct stacked *)source)->from);
}

static void stacked_close(struct source *source)
{
    source_close(((struct stacked *)source)->from);
    free(source);
}

/* Room for a struct of @size bytes that begins with a struct stacked on @from, or NULL with @from closed. */
static void *stack(struct source *from, size_t size, struct err *err)
{
    if (!from)
        return NULL;
    struct stacked *stacked = calloc(1, size);
    if (!stacked) {
        source_close(from);
        err_set(err, ENOMEM, "read a stream");
        return NULL;
    }
    stacked->from = from;
    stacked->source.close = stacked_close;
    stacked->source.interrupt = stacked_interrupt;
    return stacked;
}

/* --- From memory ---------------------------------------------------------------------------------------------------------------------- */

struct memory {
    struct source source;
    const char *data;
    size_t left;
};

static ssize_t memory_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct memory *memory = (struct memory *)source;
    size_t n = size < memory->left ? size : memory->left;
    if (n)
        memcpy(buf, memory->data, n);
    memory->data += n;
    memory->left -= n;
    return (ssize_t)n;
}

static void memory_close(struct source *source)
{
    free(source);
}

struct source *source_memory(const void *data, size_t size, struct err *err)
{
    struct memory *memory = calloc(1, sizeof *memory);
    if (!memory) {
        err_set(err, ENOMEM, "read memory");
        return NULL;
    }
    memory->source.read = memory_read;
    memory->source.close = memory_close;
    memory->data = data;
    memory->left = size;
    return &memory->source;
}

/* --- Limited -------------------------------------------------------------------------------------------------------------------------- */

struct limited {
    struct stacked on;
    uint64_t limit, left;
    bool exact;
    char what[160];
};

static ssize_t limited_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct limited *limited = (struct limited *)source;
    char one_more;
    if (!size)
        return 0;
    bool full = limited->left == 0;
    if (full) {
        buf = &one_more;
        size = 1;
    } else if (size > limited->left) {
        size = (size_t)limited->left;
    }
    ssize_t n = limited->on.from->read(limited->on.from, buf, size, err);
    if (n > 0 && full)
        return err_say(err, EFBIG, "%s is longer than the %llu bytes it %s", limited->what,
                       (unsigned long long)limited->limit, limited->exact ? "should be" : "may be");
    if (n == 0 && !full && limited->exact)
        return err_say(err, EIO, "%s ends after %llu of %llu bytes", limited->what,
                       (unsigned long long)(limited->limit - limited->left), (unsigned long long)limited->limit);
    if (n > 0)
        limited->left -= (uint64_t)n;
    return n;
}

struct source *source_limited(struct source *from, uint64_t limit, bool exact, const char *what, struct err *err)
{
    struct limited *limited = stack(from, sizeof *limited, err);
    if (!limited)
        return NULL;
    limited->on.source.read = limited_read;
    limited->limit = limited->left = limit;
    limited->exact = exact;
    strncpy(limited->what, what, sizeof limited->what - 1);
    return &limited->on.source;
}

/* --- Digested ------------------------------------------------------------------------------------------------------------------------- */

struct digested {
    struct stacked on;
    struct digester *digester; /* NULL after the end */
    struct digest *digest;
    uint64_t bytes, *size;
};

static ssize_t digested_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct digested *digested = (struct digested *)source;
    if (!digested->digester || !size)
        return 0;
    ssize_t n = digested->on.from->read(digested->on.from, buf, size, err);
    if (n > 0) {
        digester_add(digested->digester, buf, (size_t)n);
        digested->bytes += (uint64_t)n;
    }
    if (n == 0) {
        if (digester_end(digested->digester, digested->digest, err) < 0)
            return -1;
        digester_free(take_ptr(&digested->digester));
        if (digested->size)
            *digested->size = digested->bytes;
    }
    return n;
}

static void digested_close(struct source *source)
{
    digester_free(((struct digested *)source)->digester);
    stacked_close(source);
}

struct source *source_digest(struct source *from, struct digest *digest, uint64_t *size, struct err *err)
{
    struct digested *digested = stack(from, sizeof *digested, err);
    if (!digested)
        return NULL;
    digested->on.source.read = digested_read;
    digested->on.source.close = digested_close;
    digested->digest = digest;
    digested->size = size;
    digested->digester = digester_new(err);
    if (!digested->digester) {
        source_close(&digested->on.source);
        return NULL;
    }
    return &digested->on.source;
}

/* --- Copied, watched ------------------------------------------------------------------------------------------------------------------ */

struct copied {
    struct stacked on;
    struct sink *to;
};

static ssize_t copied_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct copied *copied = (struct copied *)source;
    ssize_t n = copied->on.from->read(copied->on.from, buf, size, err);
    if (n > 0 && copied->to->write(copied->to, buf, (size_t)n, err) < 0)
        return -1;
    return n;
}

struct source *source_copied(struct source *from, struct sink *to, struct err *err)
{
    struct copied *copied = stack(from, sizeof *copied, err);
    if (!copied)
        return NULL;
    copied->on.source.read = copied_read;
    copied->to = to;
    return &copied->on.source;
}

struct watched {
    struct stacked on;
    stream_progress_fn *each;
    void *data;
    uint64_t bytes;
};

static ssize_t watched_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct watched *watched = (struct watched *)source;
    ssize_t n = watched->on.from->read(watched->on.from, buf, size, err);
    if (n > 0) {
        watched->bytes += (uint64_t)n;
        watched->each(watched->bytes, watched->data);
    }
    return n;
}

struct source *source_watched(struct source *from, stream_progress_fn *each, void *data, struct err *err)
{
    struct watched *watched = stack(from, sizeof *watched, err);
    if (!watched)
        return NULL;
    watched->on.source.read = watched_read;
    watched->each = each;
    watched->data = data;
    return &watched->on.source;
}

/* --- A sink that digests -------------------------------------------------------------------------------------------------------------- */

struct digesting {
    struct sink sink;
    struct sink *to;
    struct digester *digester;
    struct digest *digest;
    uint64_t bytes, *size;
};

static int digesting_write(struct sink *sink, const void *data, size_t size, struct err *err)
{
    struct digesting *digesting = (struct digesting *)sink;
    digester_add(digesting->digester, data, size);
    digesting->bytes += size;
    return digesting->to->write(digesting->to, data, size, err);
}

static int digesting_finish(struct sink *sink, struct err *err)
{
    struct digesting *digesting = (struct digesting *)sink;
    if (digester_end(digesting->digester, digesting->digest, err) < 0)
        return -1;
    if (digesting->size)
        *digesting->size = digesting->bytes;
    return digesting->to->finish(digesting->to, err);
}

static void digesting_close(struct sink *sink)
{
    struct digesting *digesting = (struct digesting *)sink;
    digester_free(digesting->digester);
    sink_close(digesting->to);
    free(digesting);
}

static void digesting_interrupt(struct sink *sink)
{
    sink_interrupt(((struct digesting *)sink)->to);
}

struct sink *sink_digest(struct sink *to, struct digest *digest, uint64_t *size, struct err *err)
{
    if (!to)
        return NULL;
    struct digesting *digesting = calloc(1, sizeof *digesting);
    if (!digesting) {
        sink_close(to);
        err_set(err, ENOMEM, "write a stream");
        return NULL;
    }
    digesting->sink = (struct sink){ digesting_write, digesting_finish, digesting_close, digesting_interrupt };
    digesting->to = to;
    digesting->digest = digest;
    digesting->size = size;
    digesting->digester = digester_new(err);
    if (!digesting->digester) {
        sink_close(&digesting->sink);
        return NULL;
    }
    return &digesting->sink;
}

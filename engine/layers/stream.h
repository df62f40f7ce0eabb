/** Bytes on their way: sources that are read, sinks that are written, stacked on one another.
 *
 * A layer is downloaded, digested, decompressed, digested again and unpacked in one pass:
 *
 *     struct source *from = source_fd(fd, err);
 *     from = source_digest(from, &compressed, err);     what passes is digested
 *     from = source_beside(from, err);                  …in a thread of its own, all that is below
 *     from = source_decompress(from, NULL, err);
 *     from = source_digest(from, &plain, err);
 *     tar_unpack(from, root, &options, &counts, err);
 *     source_close(from);                               closes all of the stack
 *
 * Each constructor takes over the source or sink it is given, also when it fails (returning NULL, what it was given is closed), and passes NULL through, so that a stack can be built
 * without asking after each. Memory is bounded, whatever the size of what passes.
 */
#ifndef ENGINE_LAYERS_STREAM_H
#define ENGINE_LAYERS_STREAM_H

#include "engine/base/err.h"
#include "engine/layers/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
    /* As read(2), but interrupted never: 0 is the end, -1 an error. Gives at least one byte before the end, perhaps fewer than @size. */
    ssize_t (*read)(struct source *source, void *buf, size_t size, struct err *err);
    void (*close)(struct source *source);
    /* Called by another thread: a read that waits, and each after, fails with ECANCELED. May be NULL, where none waits for long. */
    void (*interrupt)(struct source *source);
};

struct sink {
    /* All of @size bytes, or -1. */
    int (*write)(struct sink *sink, const void *data, size_t size, struct err *err);
    /* The end was reached: what is held back is written, and the sinks below are finished. Nothing may be written after. */
    int (*finish)(struct sink *sink, struct err *err);
    void (*close)(struct sink *sink);     /* also without finish: then what was written is not whole */
    void (*interrupt)(struct sink *sink); /* as a source's, of writes */
};

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ };
/** "none", "gzip", "zstd", "xz". */
const char *compression_name(enum compression compression);
/** Returns 0, or -1 (EINVAL: none of these). */
int compression_parse(const char *name, enum compression *compression, struct err *err);
/** What begins with these bytes (6 are enough) is compressed so; COMPRESSION_NONE: nothing that is known here. */
enum compression compression_detect(const void *start, size_t size);

/** @fd stays the caller's. */
struct source *source_fd(int fd, struct err *err);
/** @size bytes at @data, which stay the caller's. */
struct source *source_memory(const void *data, size_t size, struct err *err);
/** At most @limit bytes of @from; one more is EFBIG, fewer at the end are EIO if @exact. @what names it in the message. */
struct source *source_limited(struct source *from, uint64_t limit, bool exact, const char *what, struct err *err);
/** All that passes is digested into *@digest (and counted into *@size, if not NULL), set when the end of @from has been read. Both belong to the caller and outlive the source. */
struct source *source_digest(struct source *from, struct digest *digest, uint64_t *size, struct err *err);
/** What @from holds decompressed, whatever of enum compression it is; several gzip members or zstd frames follow one another. *@found (may be NULL) is set by the first read.
 * Truncated or damaged input is EIO, and never a shorter result. */
struct source *source_decompress(struct source *from, enum compression *found, struct err *err);
/** @from is read ahead by a thread of its own, at most a few MiB. An error there comes out in its place. Closing ends the thread, also one that waits. */
struct source *source_beside(struct source *from, struct err *err);
/** All that passes is written to @to too. @to stays the caller's, who finishes it. */
struct source *source_copied(struct source *from, struct sink *to, struct err *err);
/** What was read so far goes to @each after every block of it: for progress. */
typedef void stream_progress_fn(uint64_t bytes, void *data);
struct source *source_watched(struct source *from, stream_progress_fn *each, void *data, struct err *err);
/** NULL is fine. */
void source_close(struct source *source);

/** @fd stays the caller's. */
struct sink *sink_fd(int fd, struct err *err);
struct sink *sink_digest(struct sink *to, struct digest *digest, uint64_t *size, struct err *err);
/** Reproducible: the same bytes in, the same bytes out, with no time or name in them. */
struct sink *sink_compress(struct sink *to, enum compression compression, struct err *err);
/** What is written goes on in a thread of its own; an error there comes out at a later write, or at finish. */
struct sink *sink_beside(struct sink *to, struct err *err);
void sink_close(struct sink *sink);

/** Read @from to its end into @to, without finishing it. Returns the number of bytes, or -1. */
int64_t stream_copy(struct source *from, struct sink *to, struct err *err);

#endif

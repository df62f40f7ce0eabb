/** What the verbs of teachroot-transfer share. */
#ifndef ENGINE_TRANSFER_COMMON_H
#define ENGINE_TRANSFER_COMMON_H

#include "engine/image/image.h"
#include "engine/tools/options.h"

#include <time.h>

/** "VERB: FORMATTED" on stderr. Returns 1. */
int transfer_failed(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** What was printed is written. Returns 0, or 1 after saying that it could not be. */
int transfer_printed(const char *verb);

/** Run @run in a child and end as it ended. Whatever kills that, a signal of the user's or its own mistake, what it had under way in the store is cleared away; when this process is
 * killed, so is the child. */
int transfer_supervise(int (*run)(int argc, char **argv), int argc, char **argv);

/* How far it is, on stderr: if that is a terminal, and it takes longer than a second. */
struct progress {
    const char *verb;
    uint64_t total; /* bytes; 0: not known */
    bool shown;
    bool quiet;
    struct timespec start, last;
};
void progress_start(struct progress *progress, const char *verb, uint64_t total, bool quiet);
/** A stream_progress_fn of a struct progress. */
void progress_step(uint64_t bytes, void *progress);
/** Takes the line away. */
void progress_end(struct progress *progress);

/** "12.3 MB" */
const char *bytes_text(uint64_t bytes, char text[32]);

/** The archive @path, or standard input ("-" or NULL). *@size (0: not known) is how long it is. Returns an fd, or -1. */
int transfer_input(const char *path, uint64_t *size, struct err *err);

/** The image gets the name (as the user wrote it; NULL: none). Returns 0 or -1. */
int transfer_name(struct store *store, const char *name, const struct image *image, struct err *err);
/** Is it a name an image can get? Returns 0, or -1 (EINVAL). NULL is. */
int transfer_check_name(const char *name, struct err *err);

/** An image of one layer, as import and from-rootfs make it, named and its id printed. Returns 0 or -1. */
int transfer_make(struct store *store, const struct image_spec *spec, const char *name, struct err *err);

#endif

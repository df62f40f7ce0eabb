/** Tar archives that hold an image's files, read and written through sources and sinks with libarchive. Nothing is unpacked here: names are only looked at. */
#ifndef ENGINE_IMAGE_ARCHIVE_H
#define ENGINE_IMAGE_ARCHIVE_H

#include "engine/layers/stream.h"

#include <archive.h>
#include <archive_entry.h>

struct archive_reading;
/** @from (plain tar) stays the caller's. NULL: no memory. */
struct archive_reading *archive_reading_open(struct source *from, struct err *err);
/** 1: @entry is the next one, until the next call; 0: the end; -1: EINVAL it is no tar archive, EIO it is damaged or ends early, or the source's own error. */
int archive_reading_next(struct archive_reading *reading, struct archive_entry **entry, struct err *err);
/** What the entry holds. The source is valid until the next entry; closing it does nothing. */
struct source *archive_reading_data(struct archive_reading *reading);
/** NULL is fine. */
void archive_reading_close(struct archive_reading *reading);

struct archive_writing;
/** @to stays the caller's, who finishes it. */
struct archive_writing *archive_writing_open(struct sink *to, struct err *err);
/** A directory or, with @size bytes of @data, a file: owned by root, its time the epoch. Returns 0 or -1. */
int archive_writing_directory(struct archive_writing *writing, const char *name, struct err *err);
int archive_writing_file(struct archive_writing *writing, const char *name, uint64_t size, struct source *data,
                         struct err *err);
/** The end mark. Returns 0 or -1. */
int archive_writing_end(struct archive_writing *writing, struct err *err);
/** NULL is fine. */
void archive_writing_close(struct archive_writing *writing);

static inline void cleanup_readingp(struct archive_reading **reading)
{
    archive_reading_close(*reading);
}

static inline void cleanup_writingp(struct archive_writing **writing)
{
    archive_writing_close(*writing);
}

#define cleanup_reading __attribute__((cleanup(cleanup_readingp)))
#define cleanup_writing __attribute__((cleanup(cleanup_writingp)))

#endif

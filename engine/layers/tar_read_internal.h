/** What the files of tar_read.h share. */
#ifndef ENGINE_LAYERS_TAR_READ_INTERNAL_H
#define ENGINE_LAYERS_TAR_READ_INTERNAL_H

#include "engine/layers/stream_internal.h"
#include "engine/layers/tar_read.h"

#include <stdbool.h>

/* More than any entry's names and attributes need (one attribute has at most 64 KiB), and not enough to hurt. */
enum { MOST_EXTENDED = 4 << 20, MOST_ATTRIBUTES = 1024, MOST_SPANS = 1 << 20 };

struct tar_text {
    char *data; /* always one byte more than @size: a NUL */
    size_t size, room;
};

/* What extended headers said about the entry that follows them. */
struct tar_extended {
    const char *path, *link;
    bool has_size, has_uid, has_gid, has_time;
    uint64_t size, uid, gid;
    int64_t seconds;
    uint32_t nanoseconds;
    /* GNU's sparse files */
    const char *sparse_name, *sparse_map;
    bool has_real_size, has_major;
    uint64_t real_size, sparse_major;
    struct tar_attribute attributes[MOST_ATTRIBUTES];
    size_t attribute_count;
};

struct tar_reader {
    struct source *from;
    char *block; /* STREAM_BLOCK bytes, of which those from @at to @end are still to be used */
    size_t at, end;
    uint64_t left;    /* stored bytes of the entry not yet used */
    uint64_t padding; /* then */
    bool ended;

    struct tar_text records, long_name, long_link; /* of the headers before the entry */
    struct tar_extended extended;
    char name[257], link[101]; /* from the header itself */
    struct tar_entry entry;

    struct tar_span *spans;
    size_t span_count, span_room;
    size_t span;     /* the one being read */
    uint64_t inside; /* so far in it */
};

/** The next block, or NULL: *@none says whether that is because nothing at all came (else @err is set). */
const void *tar_reader_block(struct tar_reader *reader, bool *none, struct err *err);
/** At most @size stored bytes of the entry, at *@data: how many, 0 when none are left, or -1. */
ssize_t tar_reader_stored(struct tar_reader *reader, const void **data, uint64_t size, struct err *err);

/** A number of a header's field: octal, or base-256. False: it is none. */
bool tar_number(const char *field, size_t size, int64_t *value);

/** What the records of an extended header say, into @reader->extended. Writes NULs into @records. */
int tar_read_records(struct tar_reader *reader, struct tar_text *records, struct err *err);
bool tar_decimal(const char **text, char end, uint64_t *value);

/** Add a span; ENOMEM, EFBIG. */
int tar_add_span(struct tar_reader *reader, uint64_t offset, uint64_t size, struct err *err);
/** The spans of an entry whose header is @header, of type 'S' or with GNU.sparse records; then all is checked. Also sets the entry's size. */
int tar_read_spans(struct tar_reader *reader, const struct tar_header *header, struct err *err);

#endif

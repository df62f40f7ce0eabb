/* Sparse files, of which GNU tar has four forms: type 'S' with the pieces in header blocks; in pax records one by one (0.0) or as one list (0.1); and before the data (1.0). */
#include "engine/layers/tar_read_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tar_add_span(struct tar_reader *reader, uint64_t offset, uint64_t size, struct err *err)
{
    if (reader->span_count == reader->span_room) {
        size_t room = reader->span_room ? reader->span_room * 2 : 16;
        struct tar_span *more = room <= MOST_SPANS ? realloc(reader->spans, room * sizeof *more) : NULL;
        if (!more)
            return room > MOST_SPANS ? err_say(err, EFBIG, "a sparse file of more than %d pieces", MOST_SPANS)
                                     : err_set(err, ENOMEM, "read an archive");
        reader->spans = more;
        reader->span_room = room;
    }
    reader->spans[reader->span_count++] = (struct tar_span){ offset, size };
    return 0;
}

static int wrong(struct err *err)
{
    return err_say(err, EINVAL, "the list of a sparse file's pieces is damaged");
}

enum { PIECE = 24, IN_HEADER = 4, IN_BLOCK = 21 };

/* Pieces of 12 and 12 bytes, up to @most or an empty one. */
static int add_pieces(struct tar_reader *reader, const char *at, int most, struct err *err)
{
    for (int i = 0; i < most && at[i * PIECE]; i++) {
        int64_t offset, size;
        if (!tar_number(at + i * PIECE, 12, &offset) || !tar_number(at + i * PIECE + 12, 12, &size) || offset < 0 ||
            size < 0)
            return wrong(err);
        if (tar_add_span(reader, (uint64_t)offset, (uint64_t)size, err) < 0)
            return -1;
    }
    return 0;
}

static int old_form(struct tar_reader *reader, const struct tar_header *header, struct err *err)
{
    const char *bytes = (const char *)header;
    int64_t real;
    if (!tar_number(bytes + 483, 12, &real) || real < 0)
        return wrong(err);
    if (add_pieces(reader, bytes + 386, IN_HEADER, err) < 0)
        return -1;
    bool more = bytes[482];
    while (more) {
        bool none;
        const char *block = tar_reader_block(reader, &none, err);
        if (!block || add_pieces(reader, block, IN_BLOCK, err) < 0)
            return -1;
        more = block[IN_BLOCK * PIECE];
    }
    reader->entry.size = (uint64_t)real;
    return 0;
}

static int list_form(struct tar_reader *reader, const char *list, struct err *err)
{
    uint64_t offset, size;
    reader->span_count = 0;
    while (*list) {
        const char *comma = strchr(list, ',');
        comma = comma ? strchr(comma + 1, ',') : NULL;
        if (!tar_decimal(&list, ',', &offset) || !tar_decimal(&list, comma ? ',' : '\0', &size))
            return wrong(err);
        if (tar_add_span(reader, offset, size, err) < 0)
            return -1;
        if (!comma)
            break;
    }
    return 0;
}

/* A number and a newline, from the data. */
static int stored_number(struct tar_reader *reader, uint64_t *used, uint64_t *value, struct err *err)
{
    char text[24];
    for (size_t i = 0; i < sizeof text - 1; i++) {
        const void *byte;
        ssize_t n = tar_reader_stored(reader, &byte, 1, err);
        if (n <= 0)
            return n < 0 ? -1 : wrong(err);
        ++*used;
        text[i] = *(const char *)byte;
        if (text[i] == '\n') {
            const char *at = text;
            return tar_decimal(&at, '\n', value) ? 0 : wrong(err);
        }
    }
    return wrong(err);
}

static int before_data_form(struct tar_reader *reader, struct err *err)
{
    uint64_t used = 0, count = 0, offset = 0, size = 0;
    const void *data;
    if (stored_number(reader, &used, &count, err) < 0)
        return -1;
    for (uint64_t i = 0; i < count; i++)
        if (stored_number(reader, &used, &offset, err) < 0 || stored_number(reader, &used, &size, err) < 0 ||
            tar_add_span(reader, offset, size, err) < 0)
            return -1;
    for (uint64_t rest = (TAR_BLOCK - used % TAR_BLOCK) % TAR_BLOCK; rest;) {
        ssize_t n = tar_reader_stored(reader, &data, rest, err);
        if (n <= 0)
            return n < 0 ? -1 : wrong(err);
        rest -= (uint64_t)n;
    }
    return 0;
}

int tar_read_spans(struct tar_reader *reader, const struct tar_header *header, struct err *err)
{
    const struct tar_extended *extended = &reader->extended;
    struct tar_entry *entry = &reader->entry;
    bool listed = reader->span_count || extended->sparse_map;
    bool before_data = extended->has_major && extended->sparse_major == 1;
    int result = 0;
    if (header->type == 'S')
        result = old_form(reader, header, err);
    else if (before_data)
        result = before_data_form(reader, err);
    else if (extended->sparse_map)
        result = list_form(reader, extended->sparse_map, err);
    else if (!listed && !extended->has_real_size)
        return entry->size ? tar_add_span(reader, 0, entry->size, err) : 0;
    if (result == 0 && extended->has_real_size)
        entry->size = extended->real_size;

    /* In order, within the file, and as long as what is stored. */
    uint64_t at = 0, stored = 0;
    for (size_t i = 0; result == 0 && i < reader->span_count; i++) {
        const struct tar_span *span = &reader->spans[i];
        if (span->offset < at || span->offset > entry->size || span->size > entry->size - span->offset)
            result = wrong(err);
        at = span->offset + span->size;
        stored += span->size;
    }
    if (result == 0 && stored != reader->left)
        result = wrong(err);
    entry->spans = reader->spans;
    entry->span_count = reader->span_count;
    return result < 0 ? err_prefix(err, "`%.200s`", entry->name) : 0;
}

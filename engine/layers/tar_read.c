#include "engine/layers/tar_read_internal.h"

#include "engine/base/cleanup.h"

#include <limits.h>
#include <string.h>

static int ends_early(struct err *err)
{
    return err_say(err, EIO, "the archive ends too early");
}

/* --- Bytes ---------------------------------------------------------------------------------------------------------------------------- */

static int fill(struct tar_reader *reader, size_t wanted, struct err *err)
{
    if (reader->end - reader->at >= wanted)
        return 0;
    memmove(reader->block, reader->block + reader->at, reader->end - reader->at);
    reader->end -= reader->at;
    reader->at = 0;
    while (reader->end < wanted) {
        ssize_t n = reader->from->read(reader->from, reader->block + reader->end, STREAM_BLOCK - reader->end, err);
        if (n < 0)
            return -1;
        if (n == 0)
            return 0;
        reader->end += (size_t)n;
    }
    return 0;
}

const void *tar_reader_block(struct tar_reader *reader, bool *none, struct err *err)
{
    *none = false;
    if (fill(reader, TAR_BLOCK, err) < 0)
        return NULL;
    if (reader->end - reader->at < TAR_BLOCK) {
        *none = reader->end == reader->at;
        ends_early(err);
        return NULL;
    }
    const void *block = reader->block + reader->at;
    reader->at += TAR_BLOCK;
    return block;
}

ssize_t tar_reader_stored(struct tar_reader *reader, const void **data, uint64_t size, struct err *err)
{
    if (size > reader->left)
        size = reader->left;
    if (!size)
        return 0;
    if (reader->at == reader->end && fill(reader, 1, err) < 0)
        return -1;
    size_t there = reader->end - reader->at;
    if (!there)
        return ends_early(err);
    if (size > there)
        size = there;
    *data = reader->block + reader->at;
    reader->at += (size_t)size;
    reader->left -= size;
    return (ssize_t)size;
}

/* What is left of the entry, and its padding. */
static int pass_over(struct tar_reader *reader, struct err *err)
{
    const void *data;
    ssize_t n;
    while ((n = tar_reader_stored(reader, &data, UINT64_MAX, err)) > 0)
        ;
    reader->left = reader->padding;
    reader->padding = 0;
    while (n == 0 && reader->left)
        n = tar_reader_stored(reader, &data, UINT64_MAX, err) < 0 ? -1 : 0;
    return (int)n;
}

static void begin_stored(struct tar_reader *reader, uint64_t size)
{
    reader->left = size;
    reader->padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* Append the stored bytes of an extended header. */
static int keep(struct tar_reader *reader, struct tar_text *text, struct err *err)
{
    if (reader->left > MOST_EXTENDED || text->size + reader->left > MOST_EXTENDED)
        return err_say(err, EFBIG, "an extended header of %llu bytes; at most %d are read",
                       (unsigned long long)reader->left, MOST_EXTENDED);
    size_t need = text->size + (size_t)reader->left + 1;
    if (need > text->room) {
        char *more = realloc(text->data, need);
        if (!more)
            return err_set(err, ENOMEM, "read an archive");
        text->data = more;
        text->room = need;
    }
    const void *data = "";
    ssize_t n;
    while ((n = tar_reader_stored(reader, &data, UINT64_MAX, err)) > 0) {
        memcpy(text->data + text->size, data, (size_t)n);
        text->size += (size_t)n;
    }
    text->data[text->size] = '\0';
    return n < 0 ? -1 : pass_over(reader, err);
}

/* GNU's long names, which end with a NUL: nothing may be hidden behind it. */
static int keep_name(struct tar_reader *reader, struct tar_text *text, struct err *err)
{
    text->size = 0;
    if (reader->left > PATH_MAX)
        return err_say(err, ENAMETOOLONG, "a name of %llu bytes", (unsigned long long)reader->left);
    if (keep(reader, text, err) < 0)
        return -1;
    for (size_t i = strlen(text->data); i < text->size; i++)
        if (text->data[i])
            return err_say(err, EINVAL, "the name `%.100s` has a NUL in it", text->data);
    return 0;
}

/* --- Headers -------------------------------------------------------------------------------------------------------------------------- */

bool tar_number(const char *field, size_t size, int64_t *value)
{
    const unsigned char *bytes = (const unsigned char *)field;
    uint64_t number = 0;
    if (bytes[0] & 0x80) { /* base-256, two's complement, the first bit aside */
        bool negative = bytes[0] & 0x40;
        if (negative)
            number = UINT64_MAX;
        for (size_t i = 0; i < size; i++) {
            unsigned char byte = i ? bytes[i] : (unsigned char)((bytes[0] & 0x7f) | (negative ? 0x80 : 0));
            uint64_t top = number >> 55; /* what the shift would lose, and the sign */
            if (top != (negative ? 0x1ff : 0))
                return false;
            number = number << 8 | byte;
        }
        *value = (int64_t)number;
        return true;
    }
    size_t i = 0;
    while (i < size && (bytes[i] == ' ' || bytes[i] == '\0'))
        i++;
    for (; i < size && bytes[i] >= '0' && bytes[i] <= '7'; i++) {
        if (number >> 60)
            return false;
        number = number << 3 | (uint64_t)(bytes[i] - '0');
    }
    for (; i < size; i++)
        if (bytes[i] != ' ' && bytes[i] != '\0')
            return false;
    *value = (int64_t)number;
    return true;
}

/* Old programs summed chars that have a sign. */
static bool checksum_is_right(const struct tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    int64_t unsigned_sum = 0, signed_sum = 0, said;
    size_t from = offsetof(struct tar_header, checksum), to = from + sizeof header->checksum;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char byte = i >= from && i < to ? ' ' : bytes[i];
        unsigned_sum += byte;
        signed_sum += (signed char)byte;
    }
    return tar_number(header->checksum, sizeof header->checksum, &said) && (said == unsigned_sum || said == signed_sum);
}

static bool is_zero(const void *block)
{
    static const char zeros[TAR_BLOCK];
    return memcmp(block, zeros, TAR_BLOCK) == 0;
}

/* The name from the header itself. Only POSIX's form has a prefix; star's is shorter, as it has times behind it. */
static void header_name(struct tar_reader *reader, const struct tar_header *header)
{
    bool posix = memcmp(header->magic, "ustar\0", 6) == 0;
    bool star = posix && memcmp(header->rest + 8, "tar\0", 4) == 0;
    size_t len = 0;
    if (posix && header->prefix[0]) {
        len = strnlen(header->prefix, star ? 131 : sizeof header->prefix);
        memcpy(reader->name, header->prefix, len);
        reader->name[len++] = '/';
    }
    size_t rest = strnlen(header->name, sizeof header->name);
    memcpy(reader->name + len, header->name, rest);
    reader->name[len + rest] = '\0';
    size_t link = strnlen(header->link, sizeof header->link);
    memcpy(reader->link, header->link, link);
    reader->link[link] = '\0';
}

static int wrong_number(const struct tar_reader *reader, const char *which, struct err *err)
{
    return err_say(err, EINVAL, "`%.200s`: the header's %s is no number, or out of range", reader->entry.name, which);
}

static int read_numbers(struct tar_reader *reader, const struct tar_header *header, struct err *err)
{
    const struct tar_extended *extended = &reader->extended;
    struct tar_entry *entry = &reader->entry;
    int64_t mode, uid = 0, gid = 0, seconds = 0, major = 0, minor = 0;
    bool device = entry->type == TAR_CHARACTER || entry->type == TAR_BLOCK_DEVICE;
    if (!tar_number(header->mode, sizeof header->mode, &mode))
        return wrong_number(reader, "mode", err);
    if (!extended->has_uid && (!tar_number(header->uid, sizeof header->uid, &uid) || uid < 0))
        return wrong_number(reader, "owner", err);
    if (!extended->has_gid && (!tar_number(header->gid, sizeof header->gid, &gid) || gid < 0))
        return wrong_number(reader, "group", err);
    if (!extended->has_time && !tar_number(header->mtime, sizeof header->mtime, &seconds))
        return wrong_number(reader, "time", err);
    if (device && (!tar_number(header->major, sizeof header->major, &major) ||
                   !tar_number(header->minor, sizeof header->minor, &minor) || major < 0 || major >> 12 || minor < 0 ||
                   minor >> 20))
        return wrong_number(reader, "device number", err);
    entry->mode = (uint32_t)mode & 07777;
    entry->uid = extended->has_uid ? extended->uid : (uint64_t)uid;
    entry->gid = extended->has_gid ? extended->gid : (uint64_t)gid;
    entry->seconds = extended->has_time ? extended->seconds : seconds;
    entry->nanoseconds = extended->has_time ? extended->nanoseconds : 0;
    entry->major = (uint32_t)major;
    entry->minor = (uint32_t)minor;
    return 0;
}

static int read_type(struct tar_reader *reader, char type, struct err *err)
{
    size_t len = strlen(reader->entry.name);
    switch (type) {
    case '\0': /* v7 had no type for directories */
    case '0':
    case '7':
    case 'S':
        reader->entry.type = type != 'S' && len && reader->entry.name[len - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
        return 0;
    case 'D': /* GNU's incremental archives list the directory's names */
        reader->entry.type = TAR_DIRECTORY;
        return 0;
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
        reader->entry.type = (enum tar_type)type;
        return 0;
    default:
        return err_say(err, EINVAL, "`%.200s`: an entry of unknown type (%#x)", reader->entry.name,
                       (unsigned char)type);
    }
}

/* An entry that is one: name, numbers, size and where its data is. */
static int read_entry(struct tar_reader *reader, const struct tar_header *header, int64_t stored, struct err *err)
{
    struct tar_extended *extended = &reader->extended;
    struct tar_entry *entry = &reader->entry;
    header_name(reader, header);
    *entry = (struct tar_entry){ .name = reader->name, .link = reader->link };
    memset(extended, 0, offsetof(struct tar_extended, attributes));
    extended->attribute_count = 0;
    reader->span_count = reader->span = 0;
    reader->inside = 0;
    if (reader->records.size && tar_read_records(reader, &reader->records, err) < 0)
        return err_prefix(err, "`%.200s`", reader->name);
    if (reader->long_name.size)
        entry->name = reader->long_name.data;
    if (reader->long_link.size)
        entry->link = reader->long_link.data;
    if (extended->path)
        entry->name = extended->path;
    if (extended->sparse_name)
        entry->name = extended->sparse_name;
    if (extended->link)
        entry->link = extended->link;
    if (!*entry->name)
        return err_say(err, EINVAL, "the archive has an entry without a name");
    if (read_type(reader, header->type, err) < 0 || read_numbers(reader, header, err) < 0)
        return -1;
    entry->attributes = extended->attributes;
    entry->attribute_count = extended->attribute_count;

    /* Only files have data, whatever the header says, but for GNU's lists of names. */
    uint64_t size = extended->has_size ? extended->size : (uint64_t)stored;
    bool has_data = entry->type == TAR_FILE || header->type == 'D';
    begin_stored(reader, has_data ? size : 0);
    if (entry->type != TAR_FILE) {
        reader->span_count = 0;
        return 0;
    }
    entry->size = size;
    return tar_read_spans(reader, header, err);
}

/* One header: 1 if an entry stands in @reader->entry, 0 if it was an extended header or is passed over, -1. */
static int read_header(struct tar_reader *reader, const struct tar_header *block, struct err *err)
{
    struct tar_header header = *block; /* reading on moves what the block is in */
    int64_t size;
    if (!checksum_is_right(&header))
        return err_say(err, EINVAL, "this is no tar archive, or it is damaged: a header's checksum is wrong");
    if (!tar_number(header.size, sizeof header.size, &size) || size < 0)
        return err_say(err, EINVAL, "`%.100s`: the header's size is no number, or negative", header.name);
    switch (header.type) {
    case 'x':
    case 'X':
        begin_stored(reader, (uint64_t)size);
        return keep(reader, &reader->records, err);
    case 'L':
        begin_stored(reader, (uint64_t)size);
        return keep_name(reader, &reader->long_name, err);
    case 'K':
        begin_stored(reader, (uint64_t)size);
        return keep_name(reader, &reader->long_link, err);
    case 'g':
    case 'V': /* GNU's name of a volume */
        begin_stored(reader, (uint64_t)size);
        return pass_over(reader, err);
    default:
        return read_entry(reader, &header, size, err) < 0 ? -1 : 1;
    }
}

int tar_reader_next(struct tar_reader *reader, const struct tar_entry **entry, struct err *err)
{
    if (reader->ended)
        return 0;
    if (pass_over(reader, err) < 0)
        return -1;
    reader->records.size = reader->long_name.size = reader->long_link.size = 0;
    for (;;) {
        bool none;
        const void *block = tar_reader_block(reader, &none, err);
        if (!block)
            return -1;
        if (is_zero(block)) {
            if (reader->records.size || reader->long_name.size || reader->long_link.size)
                return err_say(err, EINVAL, "the archive ends after an extended header");
            reader->ended = true;
            return 0;
        }
        int result = read_header(reader, block, err);
        if (result < 0)
            return -1;
        if (result > 0) {
            *entry = &reader->entry;
            return 1;
        }
    }
}

int tar_reader_data(struct tar_reader *reader, const void **data, size_t *size, uint64_t *offset, struct err *err)
{
    while (reader->span < reader->span_count) {
        const struct tar_span *span = &reader->spans[reader->span];
        if (reader->inside == span->size) {
            reader->span++;
            reader->inside = 0;
            continue;
        }
        ssize_t n = tar_reader_stored(reader, data, span->size - reader->inside, err);
        if (n <= 0)
            return n < 0 ? -1 : ends_early(err);
        *size = (size_t)n;
        *offset = span->offset + reader->inside;
        reader->inside += (uint64_t)n;
        return 1;
    }
    return 0;
}

struct tar_reader *tar_reader_new(struct source *from, struct err *err)
{
    struct tar_reader *reader = calloc(1, sizeof *reader);
    if (reader)
        reader->block = malloc(STREAM_BLOCK);
    if (!reader || !reader->block) {
        tar_reader_free(reader);
        err_set(err, ENOMEM, "read an archive");
        return NULL;
    }
    reader->from = from;
    return reader;
}

void tar_reader_free(struct tar_reader *reader)
{
    if (!reader)
        return;
    free(reader->block);
    free(reader->records.data);
    free(reader->long_name.data);
    free(reader->long_link.data);
    free(reader->spans);
    free(reader);
}

#include "engine/layers/tar_write.h"

#include "engine/base/cleanup.h"
#include "engine/layers/stream_internal.h"
#include "engine/layers/tar_attributes.h"
#include "engine/layers/tar_name.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct tar_writer {
    struct sink *to;
    size_t used;  /* of the block */
    size_t stray; /* bytes of data beyond the last whole tar block */
    char *records;
    size_t size, room; /* of the pax records */
    bool failed;       /* no memory for them */
    char block[STREAM_BLOCK];
};

/* --- Bytes ---------------------------------------------------------------------------------------------------------------------------- */

static int flush(struct tar_writer *writer, struct err *err)
{
    size_t used = writer->used;
    writer->used = 0;
    return used ? writer->to->write(writer->to, writer->block, used, err) : 0;
}

size_t tar_writer_room(struct tar_writer *writer, void **room, struct err *err)
{
    if (writer->used == sizeof writer->block && flush(writer, err) < 0)
        return 0;
    *room = writer->block + writer->used;
    return sizeof writer->block - writer->used;
}

void tar_writer_used(struct tar_writer *writer, size_t size)
{
    writer->used += size;
    writer->stray = (writer->stray + size) % TAR_BLOCK;
}

static int put(struct tar_writer *writer, const void *data, size_t size, struct err *err)
{
    const char *from = data;
    while (size) {
        void *room;
        size_t n = tar_writer_room(writer, &room, err);
        if (!n)
            return -1;
        if (n > size)
            n = size;
        memcpy(room, from, n);
        tar_writer_used(writer, n);
        from += n;
        size -= n;
    }
    return 0;
}

int tar_writer_pad(struct tar_writer *writer, struct err *err)
{
    static const char zeros[TAR_BLOCK];
    return writer->stray ? put(writer, zeros, TAR_BLOCK - writer->stray, err) : 0;
}

/* --- pax records ---------------------------------------------------------------------------------------------------------------------- */

static size_t digits(size_t number)
{
    size_t n = 1;
    while (number /= 10)
        n++;
    return n;
}

/* "LENGTH PREFIXKEY=VALUE\n", the length counting itself. */
static void record(struct tar_writer *writer, const char *prefix, const char *key, const void *value, size_t size)
{
    size_t rest = 1 + strlen(prefix) + strlen(key) + 1 + size + 1;
    size_t length = rest + digits(rest);
    length = rest + digits(length);
    if (writer->size + length + 1 > writer->room) {
        size_t room = 2 * writer->room + length + 1024;
        char *more = realloc(writer->records, room);
        if (!more) {
            writer->failed = true;
            return;
        }
        writer->records = more;
        writer->room = room;
    }
    char *at = writer->records + writer->size;
    int n = snprintf(at, writer->room - writer->size, "%zu %s%s=", length, prefix, key);
    memcpy(at + n, value, size);
    at[length - 1] = '\n';
    writer->size += length;
}

static void number_record(struct tar_writer *writer, const char *key, uint64_t value)
{
    char text[24];
    record(writer, "", key, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

static void time_record(struct tar_writer *writer, const struct tar_entry *entry)
{
    char text[48];
    int64_t seconds = entry->seconds;
    uint32_t part = entry->nanoseconds;
    bool negative = seconds < 0;
    if (negative && part) {
        seconds++;
        part = 1000000000 - part;
    }
    int n = snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "",
                     negative ? -(uint64_t)seconds : (uint64_t)seconds);
    if (part) {
        n += snprintf(text + n, sizeof text - (size_t)n, ".%09u", part);
        while (text[n - 1] == '0')
            n--;
    }
    record(writer, "", "mtime", text, (size_t)n);
}

static bool is_utf8(const char *text)
{
    while (*text) {
        size_t n = tar_utf8_length(text);
        if (!n)
            return false;
        text += n;
    }
    return true;
}

static void acl_record(struct tar_writer *writer, const struct tar_attribute *attribute)
{
    static const struct {
        const char *attribute, *record;
    } lists[] = { { XATTR_ACL_ACCESS, TAR_ACL_ACCESS }, { XATTR_ACL_DEFAULT, TAR_ACL_DEFAULT } };
    char text[8192];
    for (size_t i = 0; i < 2; i++)
        if (strcmp(attribute->name, lists[i].attribute) == 0) {
            ssize_t n = tar_acl_to_text(attribute->value, attribute->size, text, sizeof text);
            if (n > 0)
                record(writer, "", lists[i].record, text, (size_t)n);
        }
}

/* --- Headers -------------------------------------------------------------------------------------------------------------------------- */

/* Octal digits and a NUL. What does not fit is 0 here, and in a pax record. */
static bool octal(char *field, size_t size, uint64_t value)
{
    bool fits = value >> (3 * (size - 1)) == 0;
    if (!fits)
        value = 0;
    field[--size] = '\0';
    for (; size > 0; value >>= 3)
        field[--size] = (char)('0' + (value & 7));
    return fits;
}

static void checksum(struct tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += bytes[i];
    octal(header->checksum, 7, sum); /* six digits, a NUL, a space */
}

/* Into the name, or into prefix and name, parted at a slash. What is too long is cut. */
static bool split_name(struct tar_header *header, const char *name)
{
    size_t len = strlen(name);
    if (len <= sizeof header->name) {
        memcpy(header->name, name, len);
        return true;
    }
    size_t at = len - sizeof header->name - 1;
    while (at < len && (name[at] != '/' || at == 0))
        at++;
    if (at + 1 < len && at <= sizeof header->prefix) {
        memcpy(header->prefix, name, at);
        memcpy(header->name, name + at + 1, len - at - 1);
        return true;
    }
    memcpy(header->name, name, sizeof header->name);
    return false;
}

static void begin_header(struct tar_header *header, char type)
{
    memset(header, 0, sizeof *header);
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    header->type = type;
}

/* The extended header's own header, which has nothing of the machine's. */
static int put_records(struct tar_writer *writer, const char *name, struct err *err)
{
    struct tar_header header;
    const char *base = strrchr(name, '/');
    base = base && base[1] ? base + 1 : name;
    begin_header(&header, 'x');
    snprintf(header.name, sizeof header.name, "PaxHeaders/%.80s", base);
    octal(header.mode, sizeof header.mode, 0644);
    octal(header.uid, sizeof header.uid, 0);
    octal(header.gid, sizeof header.gid, 0);
    octal(header.size, sizeof header.size, writer->size);
    octal(header.mtime, sizeof header.mtime, 0);
    checksum(&header);
    return put(writer, &header, sizeof header, err) < 0 || put(writer, writer->records, writer->size, err) < 0
               ? -1
               : tar_writer_pad(writer, err);
}

/* The list of pieces that stands before a sparse file's data, filled up to whole blocks. */
static char *sparse_map(const struct tar_entry *entry, size_t *size)
{
    size_t room = (entry->span_count + 1) * 42 + TAR_BLOCK, used;
    char *map = calloc(1, room);
    if (!map)
        return NULL;
    used = (size_t)snprintf(map, room, "%zu\n", entry->span_count);
    for (size_t i = 0; i < entry->span_count; i++)
        used += (size_t)snprintf(map + used, room - used, "%" PRIu64 "\n%" PRIu64 "\n", entry->spans[i].offset,
                                 entry->spans[i].size);
    *size = (used + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return map;
}

static void name_record(struct tar_writer *writer, const char *key, const char *name)
{
    if (!is_utf8(name))
        record(writer, "", "hdrcharset", "BINARY", 6);
    record(writer, "", key, name, strlen(name));
}

int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry, struct err *err)
{
    struct tar_header header;
    bool sparse = entry->spans;
    size_t map_size = 0, link = strlen(entry->link ? entry->link : "");
    cleanup_free char *map = sparse ? sparse_map(entry, &map_size) : NULL;
    uint64_t stored = sparse ? map_size : entry->size;
    for (size_t i = 0; sparse && i < entry->span_count; i++)
        stored += entry->spans[i].size;
    writer->size = 0;
    writer->failed = sparse && !map;
    begin_header(&header, (char)entry->type);

    if (sparse) {
        record(writer, "", "GNU.sparse.major", "1", 1);
        record(writer, "", "GNU.sparse.minor", "0", 1);
        name_record(writer, "GNU.sparse.name", entry->name);
        number_record(writer, "GNU.sparse.realsize", entry->size);
    }
    for (size_t i = 0; i < entry->attribute_count; i++)
        acl_record(writer, &entry->attributes[i]);
    for (size_t i = 0; i < entry->attribute_count; i++)
        record(writer, "SCHILY.xattr.", entry->attributes[i].name, entry->attributes[i].value,
               entry->attributes[i].size);
    octal(header.mode, sizeof header.mode, entry->mode);
    if (!octal(header.gid, sizeof header.gid, entry->gid))
        number_record(writer, "gid", entry->gid);
    if (link > sizeof header.link)
        name_record(writer, "linkpath", entry->link);
    if (link)
        memcpy(header.link, entry->link, link < sizeof header.link ? link : sizeof header.link);
    if (!octal(header.mtime, sizeof header.mtime, entry->seconds < 0 ? UINT64_MAX : (uint64_t)entry->seconds) ||
        entry->nanoseconds)
        time_record(writer, entry);
    if (!split_name(&header, entry->name) && !sparse)
        name_record(writer, "path", entry->name);
    if (!octal(header.size, sizeof header.size, stored))
        number_record(writer, "size", stored);
    if (!octal(header.uid, sizeof header.uid, entry->uid))
        number_record(writer, "uid", entry->uid);
    octal(header.major, sizeof header.major, entry->major);
    octal(header.minor, sizeof header.minor, entry->minor);
    checksum(&header);

    if (writer->failed)
        return err_set(err, ENOMEM, "write `%s` to an archive", entry->name);
    if (writer->size && put_records(writer, entry->name, err) < 0)
        return -1;
    return put(writer, &header, sizeof header, err) < 0 || (map && put(writer, map, map_size, err) < 0) ? -1 : 0;
}

int tar_writer_end(struct tar_writer *writer, struct err *err)
{
    static const char zeros[2 * TAR_BLOCK];
    return put(writer, zeros, sizeof zeros, err) < 0 ? -1 : flush(writer, err);
}

struct tar_writer *tar_writer_new(struct sink *to, struct err *err)
{
    struct tar_writer *writer = malloc(sizeof *writer);
    if (!writer) {
        err_set(err, ENOMEM, "write an archive");
        return NULL;
    }
    memset(writer, 0, offsetof(struct tar_writer, block));
    writer->to = to;
    return writer;
}

void tar_writer_free(struct tar_writer *writer)
{
    if (!writer)
        return;
    free(writer->records);
    free(writer);
}

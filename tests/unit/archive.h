/* Making tar archives in memory for tests, also such as no program would write. */
#ifndef TESTS_UNIT_ARCHIVE_H
#define TESTS_UNIT_ARCHIVE_H

#include "engine/layers/tar_entry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct archive {
    char *data;
    size_t size, room;
};

static inline void archive_bytes(struct archive *archive, const void *data, size_t size)
{
    if (archive->size + size > archive->room) {
        archive->room = 2 * archive->room + size + 4096;
        archive->data = realloc(archive->data, archive->room);
        if (!archive->data)
            abort();
    }
    if (size)
        memcpy(archive->data + archive->size, data, size);
    archive->size += size;
}

static inline void archive_zeros(struct archive *archive, size_t size)
{
    static const char zeros[TAR_BLOCK];
    for (; size >= TAR_BLOCK; size -= TAR_BLOCK)
        archive_bytes(archive, zeros, TAR_BLOCK);
    archive_bytes(archive, zeros, size);
}

static inline void archive_pad(struct archive *archive)
{
    archive_zeros(archive, (TAR_BLOCK - archive->size % TAR_BLOCK) % TAR_BLOCK);
}

/* A header of these, mode 0644 and owner 0; fields may be changed before it is summed and added. */
static inline struct tar_header header_of(const char *name, char type, uint64_t size)
{
    struct tar_header header;
    memset(&header, 0, sizeof header);
    memcpy(header.name, name, strnlen(name, sizeof header.name));
    memcpy(header.mode, type == '5' ? "0000755" : "0000644", 8);
    memcpy(header.uid, "0000000", 8);
    memcpy(header.gid, "0000000", 8);
    char digits[24];
    snprintf(digits, sizeof digits, "%011llo", (unsigned long long)size);
    memcpy(header.size, digits, sizeof header.size);
    memcpy(header.mtime, "00000001750", 12);
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    memcpy(header.major, "0000000", 8);
    memcpy(header.minor, "0000000", 8);
    header.type = type;
    return header;
}

static inline void archive_header(struct archive *archive, struct tar_header header)
{
    const unsigned char *bytes = (const unsigned char *)&header;
    unsigned sum = 0;
    memset(header.checksum, ' ', sizeof header.checksum);
    for (size_t i = 0; i < sizeof header; i++)
        sum += bytes[i];
    snprintf(header.checksum, sizeof header.checksum, "%06o", sum);
    archive_bytes(archive, &header, sizeof header);
}

static inline void archive_data(struct archive *archive, const char *name, char type, const void *data, size_t size)
{
    archive_header(archive, header_of(name, type, size));
    archive_bytes(archive, data, size);
    archive_pad(archive);
}

static inline void archive_file(struct archive *archive, const char *name, const char *text)
{
    archive_data(archive, name, '0', text, strlen(text));
}

static inline void archive_directory(struct archive *archive, const char *name)
{
    archive_data(archive, name, '5', "", 0);
}

static inline void archive_link(struct archive *archive, const char *name, char type, const char *target)
{
    struct tar_header header = header_of(name, type, 0);
    memcpy(header.link, target, strnlen(target, sizeof header.link));
    archive_header(archive, header);
}

/* An extended header of one record; several follow one another. */
static inline void archive_record(struct archive *archive, const char *key, const void *value, size_t size)
{
    char start[512];
    size_t rest = strlen(key) + size + 3, length = rest + 1;
    for (size_t digits = 0; length != rest + digits;) {
        digits = (size_t)snprintf(NULL, 0, "%zu", length);
        length = rest + digits;
        digits = (size_t)snprintf(NULL, 0, "%zu", length);
    }
    int n = snprintf(start, sizeof start, "%zu %s=", length, key);
    archive_header(archive, header_of("PaxHeaders/x", 'x', length));
    archive_bytes(archive, start, (size_t)n);
    archive_bytes(archive, value, size);
    archive_bytes(archive, "\n", 1);
    archive_pad(archive);
}

static inline void archive_text_record(struct archive *archive, const char *key, const char *value)
{
    archive_record(archive, key, value, strlen(value));
}

static inline void archive_end(struct archive *archive)
{
    archive_zeros(archive, 2 * TAR_BLOCK);
}

#endif

/* What is in files and on them: data and holes, extended attributes, other names. */
#include "engine/layers/tar_pack_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* --- Data ----------------------------------------------------------------------------------------------------------------------------- */

static int changed(const struct pack *pack, struct err *err)
{
    return err_say(err, EBUSY, "`%s` changed while it was read", pack->path);
}

static int add_span(struct pack *pack, size_t *count, uint64_t offset, uint64_t size, struct err *err)
{
    if (*count == pack->span_room) {
        size_t room = pack->span_room ? 2 * pack->span_room : 64;
        struct tar_span *more = realloc(pack->spans, room * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "pack `%s`", pack->path);
        pack->spans = more;
        pack->span_room = room;
    }
    pack->spans[(*count)++] = (struct tar_span){ offset, size };
    return 0;
}

/* Where the file has data. 0 pieces: it has no holes, or the file system does not say. */
static int find_spans(struct pack *pack, int fd, uint64_t size, size_t *count, struct err *err)
{
    uint64_t at = 0;
    *count = 0;
    while (at < size) {
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        if (hole < 0) {
            *count = 0;
            return errno == EINVAL || errno == EOPNOTSUPP ? 0 : err_set(err, errno, "lseek in `%s`", pack->path);
        }
        if ((uint64_t)data >= size)
            break;
        if (add_span(pack, count, (uint64_t)data, ((uint64_t)hole < size ? (uint64_t)hole : size) - (uint64_t)data,
                     err) < 0)
            return -1;
        at = (uint64_t)hole;
    }
    if (*count == 1 && pack->spans[0].offset == 0 && pack->spans[0].size == size)
        *count = 0;
    /* A hole at the end: a piece of no bytes there says how long the file is. */
    else if (*count == 0 || pack->spans[*count - 1].offset + pack->spans[*count - 1].size < size)
        return add_span(pack, count, size, 0, err);
    return 0;
}

static int copy_span(struct pack *pack, int fd, uint64_t at, uint64_t size, struct err *err)
{
    while (size) {
        void *room;
        size_t n = tar_writer_room(pack->writer, &room, err);
        if (!n)
            return -1;
        ssize_t got = pread(fd, room, n < size ? n : (size_t)size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, errno, "read `%s`", pack->path);
        if (got == 0)
            return changed(pack, err);
        tar_writer_used(pack->writer, (size_t)got);
        at += (uint64_t)got;
        size -= (uint64_t)got;
    }
    return 0;
}

int pack_file(struct pack *pack, int fd, const struct stat *st, struct tar_entry *entry, struct err *err)
{
    struct stat after;
    uint64_t size = (uint64_t)st->st_size;
    size_t count = 0;
    if (!pack->options->dense && (uint64_t)st->st_blocks * 512 < size && find_spans(pack, fd, size, &count, err) < 0)
        return -1;
    entry->size = size;
    entry->spans = count ? pack->spans : NULL;
    entry->span_count = count;
    if (tar_writer_entry(pack->writer, entry, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (copy_span(pack, fd, pack->spans[i].offset, pack->spans[i].size, err) < 0)
            return -1;
    if (!count && copy_span(pack, fd, 0, size, err) < 0)
        return -1;
    if (fstat(fd, &after) < 0 || after.st_size != st->st_size || after.st_mtim.tv_sec != st->st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
        return changed(pack, err);
    pack->counts.bytes += size;
    return tar_writer_pad(pack->writer, err);
}

/* --- Extended attributes -------------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tar_attribute *)a)->name, ((const struct tar_attribute *)b)->name);
}

/* Values are found by their place until all are there, as the buffer may move. */
static int add_attribute(struct pack *pack, const char *name, size_t size, struct err *err)
{
    if (pack->attribute_count == pack->attribute_room) {
        size_t room = pack->attribute_room ? 2 * pack->attribute_room : 16;
        struct tar_attribute *more = realloc(pack->attributes, room * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "pack `%s`", pack->path);
        pack->attributes = more;
        pack->attribute_room = room;
    }
    if (pack->value_size + size > pack->value_room) {
        size_t room = 2 * pack->value_room + size + 256;
        char *more = realloc(pack->values, room);
        if (!more)
            return err_set(err, ENOMEM, "pack `%s`", pack->path);
        pack->values = more;
        pack->value_room = room;
    }
    if (size)
        memcpy(pack->values + pack->value_size, pack->value, size);
    pack->attributes[pack->attribute_count++] = (struct tar_attribute){ name, NULL, size };
    pack->value_size += size;
    return 0;
}

static int read_attribute(struct pack *pack, int fd, const char *path, const char *name, struct err *err)
{
    ssize_t n = path ? lgetxattr(path, name, pack->value, sizeof pack->value)
                     : fgetxattr(fd, name, pack->value, sizeof pack->value);
    if (n < 0 && errno == ENODATA)
        return 0;
    if (n < 0 && errno != EPERM && errno != EACCES && errno != EOPNOTSUPP)
        return err_set(err, errno, "getxattr %s of `%s`", name, pack->path);
    if (n < 0 || strchr(name, '=')) {
        pack_skipped(pack, "attribute %s: %s", name, n < 0 ? strerrordesc_np(errno) : "no pax record can name it");
        return 0;
    }
    size_t size = (size_t)n;
    if (!tar_attribute_shift(name, pack->value, &size, &pack->options->ids, false))
        return err_say(err, EOVERFLOW, "attribute %s of `%s` has an id without a place in the id map", name,
                       pack->path);
    return add_attribute(pack, name, size, err);
}

int pack_attributes(struct pack *pack, int fd, int dir, const char *base, struct err *err)
{
    char path[64 + NAME_MAX];
    pack->attribute_count = 0;
    pack->value_size = 0;
    if (fd < 0)
        snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, base);
    ssize_t size =
        fd < 0 ? llistxattr(path, pack->names, sizeof pack->names) : flistxattr(fd, pack->names, sizeof pack->names);
    if (size < 0)
        return errno == EOPNOTSUPP ? 0 : err_set(err, errno, "listxattr of `%s`", pack->path);
    for (const char *name = pack->names; name < pack->names + size; name += strlen(name) + 1)
        if (!tar_attribute_stays(name) && read_attribute(pack, fd, fd < 0 ? path : NULL, name, err) < 0)
            return -1;
    const char *value = pack->values;
    for (size_t i = 0; i < pack->attribute_count; i++) {
        pack->attributes[i].value = value;
        value += pack->attributes[i].size;
    }
    if (pack->attribute_count)
        qsort(pack->attributes, pack->attribute_count, sizeof *pack->attributes, by_name);
    return 0;
}

/* --- Hard links ----------------------------------------------------------------------------------------------------------------------- */

static struct linked *slot(struct linked *table, size_t room, uint64_t device, uint64_t inode)
{
    size_t at = (size_t)((inode ^ device * 0x9e3779b97f4a7c15U) * 0xd6e8feb86659fd93U >> 16) & (room - 1);
    while (table[at].path && (table[at].inode != inode || table[at].device != device))
        at = (at + 1) & (room - 1);
    return &table[at];
}

const char *pack_first_name(struct pack *pack, const struct stat *st, bool *failed)
{
    *failed = false;
    if (2 * (pack->linked_count + 1) > pack->linked_room) {
        size_t room = pack->linked_room ? 2 * pack->linked_room : 256;
        struct linked *more = calloc(room, sizeof *more);
        *failed = !more;
        if (!more)
            return NULL;
        for (size_t i = 0; i < pack->linked_room; i++)
            if (pack->linked[i].path)
                *slot(more, room, pack->linked[i].device, pack->linked[i].inode) = pack->linked[i];
        free(pack->linked);
        pack->linked = more;
        pack->linked_room = room;
    }
    struct linked *found = slot(pack->linked, pack->linked_room, st->st_dev, st->st_ino);
    if (found->path)
        return found->path;
    *found = (struct linked){ st->st_dev, st->st_ino, strdup(pack->path) };
    *failed = !found->path;
    pack->linked_count++;
    return NULL;
}

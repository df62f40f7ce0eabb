/* An archive that is only kept: read through as tar_unpack reads it, and refused for what that refuses whatever stands in the target. */
#include "engine/layers/tar.h"

#include "engine/base/cleanup.h"
#include "engine/layers/stream_internal.h"
#include "engine/layers/tar_name.h"
#include "engine/layers/tar_read.h"

#include <string.h>

#define ENTRIES ((uint64_t)4 << 20)
#define BYTES ((uint64_t)64 << 30)

/* Whiteouts are of a name, and hold nothing. */
static int check_whiteout(const char *path, struct err *err)
{
    static const size_t prefix = sizeof WHITEOUT_PREFIX - 1;
    for (const char *part = path; *part; part += strspn(part, "/")) {
        size_t len = strcspn(part, "/");
        const char *hidden = part + prefix;
        bool whiteout = len >= prefix && strncmp(part, WHITEOUT_PREFIX, prefix) == 0;
        bool meta = whiteout && strncmp(hidden, WHITEOUT_PREFIX, prefix) == 0;
        if (whiteout && !meta && part[len])
            return err_say(err, EINVAL, "something in a whiteout");
        if (whiteout && !meta && (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0))
            return err_say(err, EINVAL, "a whiteout of `%s` is none", hidden);
        part += len;
    }
    return 0;
}

static int check_entry(const struct tar_entry *entry, uint64_t *bytes, struct err *err)
{
    char path[PATH_MAX], target[PATH_MAX];
    if (tar_name_inside(entry->name, path, err) < 0 || check_whiteout(path, err) < 0)
        return -1;
    if (!*path && entry->type != TAR_DIRECTORY)
        return err_say(err, EINVAL, "the target itself can only be a directory");
    if (entry->type == TAR_HARD_LINK && (tar_name_inside(entry->link, target, err) < 0 || !*target))
        return err_say(err, EINVAL, "it is a hard link to what is not in the target");
    if (entry->type == TAR_SYMLINK && !*entry->link)
        return err_say(err, EINVAL, "a symbolic link to nothing");
    if (entry->size > BYTES - *bytes)
        return err_say(err, EFBIG, "the archive's files have more than %llu bytes", (unsigned long long)BYTES);
    *bytes += entry->size;
    return 0;
}

static int check_all(struct tar_reader *reader, struct tar_counts *counts, struct err *err)
{
    const struct tar_entry *entry;
    int more;
    while ((more = tar_reader_next(reader, &entry, err)) > 0) {
        if (++counts->entries > ENTRIES)
            return err_say(err, EFBIG, "the archive has more than %llu entries", (unsigned long long)ENTRIES);
        if (check_entry(entry, &counts->bytes, err) < 0)
            return err_prefix(err, "`%.300s` of the archive", entry->name);
    }
    return more;
}

int tar_check(struct source *from, struct tar_counts *counts, struct err *err)
{
    struct tar_counts own = { 0 };
    struct tar_reader *reader = tar_reader_new(from, err);
    cleanup_free char *block = malloc(STREAM_BLOCK);
    int result = reader ? check_all(reader, &own, err) : -1;
    if (result == 0 && !block)
        result = err_set(err, ENOMEM, "read an archive");
    for (ssize_t n = 1; result == 0 && n > 0;)
        if ((n = from->read(from, block, STREAM_BLOCK, err)) < 0)
            result = -1;
    if (result < 0)
        tar_name_show(err);
    tar_reader_free(reader);
    if (counts)
        *counts = own;
    return result;
}

/* A layer that is only kept: its entries are read through, and what tar_unpack would refuse whatever stands in the target is refused now. */
#include "engine/image/image_internal.h"

#include "engine/base/cleanup.h"
#include "engine/image/archive.h"
#include "engine/image/store_internal.h"

#include <limits.h>
#include <string.h>

#define MOST_ENTRIES ((uint64_t)4 << 20)
#define MOST_BYTES ((uint64_t)64 << 30)

/* Why @path cannot be an entry's, or NULL. */
static const char *wrong_path(const char *path)
{
    if (!path || !*path)
        return "it has no name";
    if (strlen(path) >= PATH_MAX)
        return "its name is too long";
    for (const char *part = path; *part; part += strspn(part, "/")) {
        size_t len = strcspn(part, "/");
        if (len == 2 && strncmp(part, "..", 2) == 0)
            return "its path has a `..`";
        if (len > NAME_MAX)
            return "a part of its path is too long";
        if (len >= 4 && strncmp(part, WHITEOUT_PREFIX, 4) == 0) {
            const char *hidden = part + 4;
            if (len == 4 || (len == 5 && hidden[0] == '.') || (len == 6 && strncmp(hidden, "..", 2) == 0))
                return "it is a whiteout of no name";
        }
        part += len;
    }
    return NULL;
}

int layer_check(struct source *from, struct err *err)
{
    struct archive_entry *entry;
    uint64_t entries = 0, bytes = 0;
    int result;
    cleanup_reading struct archive_reading *reading = archive_reading_open(from, err);
    if (!reading)
        return -1;
    while ((result = archive_reading_next(reading, &entry, err)) > 0) {
        const char *path = archive_entry_pathname(entry), *target = archive_entry_hardlink(entry);
        const char *why = wrong_path(path);
        if (!why && target && wrong_path(target))
            why = "it is a hard link to what no layer can have";
        if (why)
            return err_say(err, EINVAL, "the layer's entry `%.200s`: %s", path ? path : "", why);
        int64_t size = archive_entry_size(entry);
        if (size < 0 || (uint64_t)size > MOST_BYTES || (bytes += (uint64_t)size) > MOST_BYTES ||
            ++entries > MOST_ENTRIES)
            return err_say(err, EFBIG, "the layer's entry `%.200s`: the layer is larger than any may be", path);
    }
    return result < 0 ? -1 : store_drain(from, err);
}

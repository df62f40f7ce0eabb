#include "engine/layers/tar_names.h"

#include "engine/base/cleanup.h"
#include "engine/layers/stream_internal.h"
#include "engine/layers/tar_name.h"
#include "engine/layers/tar_read.h"
#include "engine/layers/whiteout.h"

#include <string.h>

/* In the order they came; the parents of each, which may have no entry of their own, before it. */
static int add(struct tar_names *names, const char *path, size_t length, enum layer_holds holds, struct err *err)
{
    if (names->count == TAR_NAMES) {
        names->more = true;
        return 0;
    }
    if (names->count % 256 == 0) {
        struct tar_name *more = realloc(names->list, (names->count + 256) * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "keep the names of an archive");
        names->list = more;
    }
    char *copy = strndup(path, length);
    if (!copy)
        return err_set(err, ENOMEM, "keep the names of an archive");
    names->list[names->count++] = (struct tar_name){ copy, holds };
    return 0;
}

/* Is the last one kept that directory, or in it? Then those above have been added. */
static bool follows(const struct tar_names *names, const char *path, size_t length)
{
    const char *last = names->count ? names->list[names->count - 1].path : "";
    return strncmp(last, path, length) == 0 && (!last[length] || last[length] == '/');
}

static int add_entry(struct tar_names *names, const struct tar_entry *entry, struct err *err)
{
    static const size_t prefix = sizeof WHITEOUT_PREFIX - 1;
    char path[PATH_MAX];
    if (tar_name_inside(entry->name, path, NULL) < 0 || !*path)
        return 0;
    char *last = strrchr(path, '/');
    size_t above = last ? (size_t)(last - path) : 0;
    unsigned depth = 0;
    last = last ? last + 1 : path;
    for (size_t end = 0; end < above && depth <= MERGED_DEEPEST; depth++, end++) {
        end += strcspn(path + end, "/");
        if (!follows(names, path, end) && add(names, path, end, LAYER_DIRECTORY, err) < 0)
            return -1;
    }
    if (depth > MERGED_DEEPEST)
        return 0;
    if (strcmp(last, WHITEOUT_OPAQUE) == 0)
        return above ? add(names, path, above, LAYER_OPAQUE, err) : 0;
    bool whiteout = strncmp(last, WHITEOUT_PREFIX, prefix) == 0;
    if (whiteout && (!last[prefix] || strncmp(last + prefix, WHITEOUT_PREFIX, prefix) == 0))
        return 0; /* reserved */
    if (whiteout)
        memmove(last, last + prefix, strlen(last + prefix) + 1);
    return add(names, path, strlen(path),
               whiteout                       ? LAYER_WHITEOUT
               : entry->type == TAR_DIRECTORY ? LAYER_DIRECTORY
                                              : LAYER_FILE,
               err);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct tar_name *)a)->path, ((const struct tar_name *)b)->path);
}

/* What is there twice is what unpacking makes of it: a whiteout takes nothing away that its own archive made, an opaque directory stays one. */
static enum layer_holds both(enum layer_holds a, enum layer_holds b)
{
    if (a == LAYER_WHITEOUT || b == LAYER_WHITEOUT)
        return a == LAYER_WHITEOUT ? b : a;
    return a > b ? a : b;
}

static void sort(struct tar_names *names)
{
    size_t kept = 0;
    if (names->count)
        qsort(names->list, names->count, sizeof *names->list, by_path);
    for (size_t i = 0; i < names->count; i++) {
        struct tar_name *name = &names->list[i], *before = kept ? &names->list[kept - 1] : NULL;
        if (!before || strcmp(before->path, name->path) != 0) {
            names->list[kept++] = *name;
            continue;
        }
        before->holds = both(before->holds, name->holds);
        free(name->path);
    }
    names->count = kept;
}

int tar_names_read(struct source *from, struct tar_names *names, struct err *err)
{
    const struct tar_entry *entry;
    *names = (struct tar_names){ 0 };
    struct tar_reader *reader = tar_reader_new(from, err);
    cleanup_free char *block = malloc(STREAM_BLOCK);
    int more = reader ? 1 : -1;
    while (more > 0 && (more = tar_reader_next(reader, &entry, err)) > 0)
        if (add_entry(names, entry, err) < 0)
            more = -1;
    if (more == 0 && !block)
        more = err_set(err, ENOMEM, "read an archive");
    for (ssize_t n = 1; more == 0 && n > 0;)
        if ((n = from->read(from, block, STREAM_BLOCK, err)) < 0)
            more = -1;
    tar_reader_free(reader);
    sort(names);
    return more;
}

void tar_names_free(struct tar_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].path);
    free(names->list);
    *names = (struct tar_names){ 0 };
}

static enum layer_holds holds(const void *layer, const char *path)
{
    const struct tar_names *names = layer;
    struct tar_name wanted = { .path = (char *)(uintptr_t)path };
    const struct tar_name *found =
        names->count ? bsearch(&wanted, names->list, names->count, sizeof wanted, by_path) : NULL;
    return found ? found->holds : LAYER_NOTHING;
}

static void each_name(const void *layer, const char *directory, bool (*each)(const char *name, void *data), void *data)
{
    const struct tar_names *names = layer;
    size_t length = strlen(directory);
    for (size_t i = 0; i < names->count; i++) {
        const char *path = names->list[i].path;
        if (length && (strncmp(path, directory, length) != 0 || path[length] != '/'))
            continue;
        path += length + (length > 0);
        if (!strchr(path, '/') && !each(path, data))
            return;
    }
}

struct merged_layer tar_names_layer(const struct tar_names *names)
{
    return (struct merged_layer){ holds, each_name, names };
}

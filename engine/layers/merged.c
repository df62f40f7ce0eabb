#include "engine/layers/merged.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAMES_READ 512 /* names looked at for one list */

struct lister {
    const struct merged_layer *layers; /* those that are shown */
    size_t shown;
    bool upper;
    struct layer_entry *list;
    size_t count, max, read;
    bool more;
};

/* The directory that is read. */
struct reading {
    struct lister *lister;
    const struct layer_entry *parent; /* its entry; NULL for the layers themselves */
    const char *directory;
};

static bool is_directory(enum layer_holds holds)
{
    return holds == LAYER_DIRECTORY || holds == LAYER_OPAQUE;
}

/* From the top down a layer's is seen until something ends that. */
static void judge(const struct reading *reading, const char *path, struct layer_entry *entry)
{
    const struct lister *lister = reading->lister;
    bool open = true, directory = false;
    for (size_t i = 0; i < lister->shown; i++) {
        enum layer_holds holds = lister->layers[i].holds(lister->layers[i].layer, path);
        bool above = !reading->parent || reading->parent->seen[i];
        entry->holds[i] = holds;
        entry->seen[i] =
            open && above && holds != LAYER_NOTHING && holds != LAYER_WHITEOUT && (!directory || is_directory(holds));
        /* A file below a directory of its name ends it as well: directories further down belong to another time. */
        if (above && holds != LAYER_NOTHING && holds != LAYER_DIRECTORY)
            open = false;
        directory |= entry->seen[i] && is_directory(holds);
    }
}

static int rank(const struct lister *lister, const struct layer_entry *entry)
{
    return lister->upper && entry->holds[0] != LAYER_NOTHING ? 0 : 1;
}

/* Put @entry where it belongs, if it is not there yet; the last one makes room. */
static void insert(struct lister *lister, const struct layer_entry *entry)
{
    size_t at = 0;
    for (; at < lister->count; at++) {
        int order = rank(lister, entry) - rank(lister, &lister->list[at]);
        if (order == 0)
            order = strcmp(entry->path, lister->list[at].path);
        if (order == 0)
            return;
        if (order < 0)
            break;
    }
    if (lister->count == lister->max) {
        lister->more = true;
        if (at == lister->count)
            return;
        lister->count--;
    }
    memmove(&lister->list[at + 1], &lister->list[at], (lister->count - at) * sizeof *entry);
    lister->list[at] = *entry;
    lister->count++;
}

static bool take_name(const char *name, void *data)
{
    const struct reading *reading = data;
    struct lister *lister = reading->lister;
    struct layer_entry entry = { .cut = false };
    char path[PATH_MAX];
    if (lister->read++ >= NAMES_READ) {
        lister->more = true;
        return false;
    }
    if (snprintf(path, sizeof path, "%s%s%s", reading->directory, *reading->directory ? "/" : "", name) >=
        (int)sizeof path)
        return true;
    size_t length = strlen(path), skip = length < LAYER_PATH ? 0 : length - (LAYER_PATH - 1);
    while (skip && ((unsigned char)path[skip] & 0xC0) == 0x80)
        skip++;
    entry.cut = skip > 0;
    memcpy(entry.path, path + skip, strlen(path + skip) + 1);
    judge(reading, path, &entry);
    insert(lister, &entry);
    return true;
}

/* Everything in @directory of all layers shown, each name once. */
static void read_directory(struct lister *lister, const struct layer_entry *parent, const char *directory)
{
    struct reading reading = { lister, parent, directory };
    for (size_t i = 0; i < lister->shown; i++)
        if (!parent || is_directory(parent->holds[i]))
            lister->layers[i].names(lister->layers[i].layer, directory, take_name, &reading);
}

static bool is_merged(const struct lister *lister, const struct layer_entry *entry)
{
    size_t directories = 0;
    for (size_t i = 0; i < lister->shown; i++)
        directories += is_directory(entry->holds[i]);
    return directories > 1 && !entry->cut;
}

static unsigned depth(const char *path)
{
    unsigned slashes = 0;
    for (; *path; path++)
        slashes += *path == '/';
    return slashes;
}

size_t merged_list(const struct merged_layer *layers, size_t count, bool upper, struct layer_entry *list, size_t max,
                   bool *more)
{
    struct lister lister = { .layers = layers, .upper = upper, .list = list, .max = max };
    lister.shown = count < LAYERS_SHOWN ? count : LAYERS_SHOWN;
    read_directory(&lister, NULL, "");
    /* What is in a directory follows it: the list grows behind the place it is read at. */
    for (size_t i = 0; i < lister.count; i++) {
        if (!is_merged(&lister, &lister.list[i]) || depth(lister.list[i].path) >= MERGED_DEEPEST)
            continue;
        struct lister below = lister;
        struct layer_entry parent = lister.list[i], found[16];
        below.list = found;
        below.max = sizeof found / sizeof *found;
        below.count = 0;
        read_directory(&below, &parent, parent.path);
        size_t room = max - lister.count, fits = below.count < room ? below.count : room;
        memmove(&lister.list[i + 1 + fits], &lister.list[i + 1], (lister.count - i - 1) * sizeof parent);
        memcpy(&lister.list[i + 1], found, fits * sizeof parent);
        lister.count += fits;
        lister.read = below.read;
        lister.more |= below.more || fits < below.count;
    }
    *more = lister.more;
    return lister.count;
}

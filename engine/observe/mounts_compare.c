#include "engine/observe/mounts.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define NONE ((size_t)-1)

/* Which mount of one table is which of the other. */
struct pairing {
    const struct observe_mounts *before, *after;
    size_t *of_before, *of_after; /* index in the other table, or NONE */
    const char **point;           /* of each of @before as @after's process would see it; NULL: not below its root */
};

/* @path as seen from the directory @root, or NULL where it is not below it. */
static const char *seen_from(const char *root, const char *path)
{
    size_t len = strlen(root);
    while (len > 0 && root[len - 1] == '/')
        len--;
    if (strncmp(root, path, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path[len] ? path + len : "/";
}

/* What an overlay shows is its layers: the number of its device is free for the next one as soon as it is unmounted. Behind the first comma, for `ro` and `rw` may change. */
static const char *layers_of(const struct observe_mount *mount)
{
    const char *layers = strcmp(mount->type, "overlay") == 0 ? strchr(mount->super_options, ',') : NULL;
    return layers ? layers : "";
}

static bool same_tree(const struct observe_mount *a, const struct observe_mount *b)
{
    return a->device == b->device && strcmp(a->root, b->root) == 0 && strcmp(a->type, b->type) == 0 &&
           strcmp(layers_of(a), layers_of(b)) == 0;
}

static bool same_id(const struct pairing *pairs, size_t before, size_t after)
{
    return pairs->before->list[before].id == pairs->after->list[after].id;
}

/* A copied namespace has other ids for everything. */
static bool same_point(const struct pairing *pairs, size_t before, size_t after)
{
    return strcmp(pairs->point[before], pairs->after->list[after].point) == 0;
}

static bool any_point(const struct pairing *pairs, size_t before, size_t after)
{
    return true;
}

/* Where one point holds several mounts of the same tree they are paired in their order. */
static void pair(struct pairing *pairs, bool (*fits)(const struct pairing *pairs, size_t before, size_t after))
{
    for (size_t b = 0; b < pairs->before->count; b++) {
        if (pairs->of_before[b] != NONE || !pairs->point[b])
            continue;
        for (size_t a = 0; a < pairs->after->count; a++) {
            if (pairs->of_after[a] != NONE || !same_tree(&pairs->before->list[b], &pairs->after->list[a]) ||
                !fits(pairs, b, a))
                continue;
            pairs->of_before[b] = a;
            pairs->of_after[a] = b;
            break;
        }
    }
}

static bool same_options(const struct observe_mount *a, const struct observe_mount *b)
{
    return strcmp(a->options, b->options) == 0 && strcmp(a->super_options, b->super_options) == 0;
}

static bool changed(const struct observe_mount *before, const struct observe_mount *after)
{
    return !same_options(before, after) || strcmp(observe_propagation(before), observe_propagation(after)) != 0;
}

static bool mounted_before(const struct observe_mounts *before, uint64_t device)
{
    for (size_t i = 0; i < before->count; i++)
        if (before->list[i].device == device)
            return true;
    return false;
}

/* The mount's own end: for what was removed the old one, else the new one. */
static const struct observe_mount *end_of(const struct mount_difference *difference)
{
    return difference->after ? difference->after : difference->before;
}

/* What becomes of a mount becomes of those on it: only the lowest is told, unless one of them went another way. */
static bool went_with(const struct mount_difference *one, const struct mount_difference *carrier)
{
    if (one->change != carrier->change || one->change == MOUNT_ADDED || end_of(one)->parent != end_of(carrier)->id ||
        one == carrier)
        return false;
    if (one->change == MOUNT_CHANGED)
        return strcmp(observe_propagation(one->after), observe_propagation(carrier->after)) == 0 &&
               same_options(one->before, one->after) == same_options(carrier->before, carrier->after);
    if (one->change == MOUNT_REMOVED)
        return true;
    const char *was = seen_from(carrier->before->point, one->before->point);
    const char *is = seen_from(carrier->after->point, one->after->point);
    return was && is && strcmp(was, is) == 0;
}

static size_t fold(struct mount_difference *all, size_t count, struct mount_difference *list, size_t max)
{
    cleanup_free size_t *carrier = malloc((count + 1) * sizeof *carrier);
    for (size_t i = 0; carrier && i < count; i++) {
        carrier[i] = NONE;
        for (size_t k = 0; k < count && carrier[i] == NONE; k++)
            if (went_with(&all[i], &all[k]))
                carrier[i] = k;
    }
    for (size_t i = 0; carrier && i < count; i++) {
        size_t lowest = i;
        for (size_t steps = 0; carrier[lowest] != NONE && steps < count; steps++)
            lowest = carrier[lowest];
        if (lowest != i)
            all[lowest].below++;
    }
    size_t kept = 0;
    for (enum mount_change change = MOUNT_ADDED; change <= MOUNT_CHANGED; change++)
        for (size_t i = 0; i < count && kept < max; i++)
            if (all[i].change == change && (!carrier || carrier[i] == NONE))
                list[kept++] = all[i];
    return kept;
}

static size_t differences(const struct pairing *pairs, struct mount_difference *all)
{
    size_t count = 0;
    for (size_t a = 0; a < pairs->after->count; a++) {
        const struct observe_mount *after = &pairs->after->list[a];
        size_t b = pairs->of_after[a];
        if (b == NONE) {
            all[count++] = (struct mount_difference){ .change = MOUNT_ADDED,
                                                      .after = after,
                                                      .known = mounted_before(pairs->before, after->device) };
            continue;
        }
        const struct observe_mount *before = &pairs->before->list[b];
        if (strcmp(pairs->point[b], after->point) != 0)
            all[count++] = (struct mount_difference){ .change = MOUNT_MOVED, .before = before, .after = after };
        else if (changed(before, after))
            all[count++] = (struct mount_difference){ .change = MOUNT_CHANGED, .before = before, .after = after };
    }
    for (size_t b = 0; b < pairs->before->count; b++)
        if (pairs->of_before[b] == NONE && pairs->point[b])
            all[count++] = (struct mount_difference){ .change = MOUNT_REMOVED, .before = &pairs->before->list[b] };
    return count;
}

ssize_t observe_mounts_compare(const struct observe_mounts *before, const struct observe_mounts *after,
                               const char *root, struct mount_difference *list, size_t max)
{
    cleanup_free size_t *of_before = malloc((before->count + 1) * sizeof *of_before);
    cleanup_free size_t *of_after = malloc((after->count + 1) * sizeof *of_after);
    cleanup_free const char **point = malloc((before->count + 1) * sizeof *point);
    cleanup_free struct mount_difference *all = malloc((before->count + after->count + 1) * sizeof *all);
    if (!of_before || !of_after || !point || !all)
        return -1;
    for (size_t i = 0; i < before->count; i++) {
        of_before[i] = NONE;
        point[i] = seen_from(root, before->list[i].point);
    }
    for (size_t i = 0; i < after->count; i++)
        of_after[i] = NONE;
    struct pairing pairs = { before, after, of_before, of_after, point };
    pair(&pairs, same_id);
    pair(&pairs, same_point);
    pair(&pairs, any_point);
    return (ssize_t)fold(all, differences(&pairs, all), list, max);
}

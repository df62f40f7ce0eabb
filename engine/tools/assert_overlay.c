/* Claims about overlays: what is mounted, which layer holds a file, what hides one. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/observe/layers.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The overlay that is mounted on @path, opened. CLAIM_HOLDS: *@layers is to be closed. */
static enum verdict look(struct claim *claim, const char *path, struct observe_layers *layers)
{
    char real[PATH_MAX];
    struct observe_mounts mounts;
    struct err err;
    *layers = (struct observe_layers){ .root = -1 };
    if (!realpath(path, real))
        return see_missing(claim, path);
    if (observe_mounts(getpid(), &mounts, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "%s", err.message);
    const struct observe_mount *found = NULL;
    for (size_t i = 0; i < mounts.count; i++)
        if (strcmp(mounts.list[i].point, real) == 0)
            found = &mounts.list[i]; /* the last one is on top */
    enum verdict verdict = CLAIM_HOLDS;
    if (!found)
        verdict = see(claim, CLAIM_FAILS, "nothing is mounted on %s", path);
    else if (strcmp(found->type, "overlay") != 0)
        verdict = see(claim, CLAIM_FAILS, "what is mounted on %s is no overlay but of type %s", path, found->type);
    else if (observe_layers_open(getpid(), 0, found, layers, &err) < 0)
        verdict = see(claim, CLAIM_UNKNOWN, "%s", err.message);
    observe_mounts_free(&mounts);
    return verdict;
}

enum verdict claim_overlay(struct claim *claim)
{
    struct observe_layers layers;
    enum verdict verdict = look(claim, claim->words[0], &layers);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    observe_layers_close(&layers);
    return see(claim, CLAIM_HOLDS, "an overlay is mounted on %s", claim->words[0]);
}

enum verdict claim_overlay_lowers(struct claim *claim)
{
    const char *path = claim->words[0], *wanted = claim->words[1];
    char *end;
    unsigned long count = strtoul(wanted, &end, 10);
    if (!*wanted || *end || count == 0)
        return see(claim, CLAIM_WRONG, "`%s` is no number of lower directories", wanted);
    struct observe_layers layers;
    enum verdict verdict = look(claim, path, &layers);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    size_t lowers = layers.count - (layers.stack.upper != NULL);
    verdict = see(claim, lowers == count ? CLAIM_HOLDS : CLAIM_FAILS, "the overlay on %s has %zu lower director%s",
                  path, lowers, lowers == 1 ? "y" : "ies");
    observe_layers_close(&layers);
    return verdict;
}

/* What the first @length bytes of @file are in the layer: a directory of the way to it hides what is below as well as the file itself would. */
static enum layer_holds holds_part(const struct observe_layers *layers, size_t layer, const char *file, size_t length)
{
    char part[PATH_MAX];
    return snprintf(part, sizeof part, "%.*s", (int)length, file) < (int)sizeof part
               ? observe_layers_holds(layers, layer, part)
               : LAYER_NOTHING;
}

/* The layer whose @file the mount shows: from the top down the first that has it, unless something above hides it. */
static enum verdict find(struct claim *claim, const struct observe_layers *layers, const char *path, const char *file,
                         size_t *layer)
{
    for (*layer = 0; *layer < layers->count; ++*layer) {
        const char *name = observe_layers_name(layers, *layer);
        bool opaque = false;
        for (size_t length = 0; file[length];) {
            length += strspn(file + length, "/");
            length += strcspn(file + length, "/");
            enum layer_holds holds = holds_part(layers, *layer, file, length);
            if (holds == LAYER_WHITEOUT)
                return see(claim, CLAIM_FAILS, "%s is deleted in %s: there is a whiteout in %s", file, path, name);
            if (!file[length + strspn(file + length, "/")] && holds != LAYER_NOTHING)
                return CLAIM_HOLDS;
            opaque |= holds == LAYER_OPAQUE || holds == LAYER_FILE;
        }
        if (opaque)
            return see(claim, CLAIM_FAILS, "%s is deleted in %s: what %s has there hides all below it", file, path,
                       name);
    }
    return see(claim, CLAIM_FAILS, "no layer of %s has %s", path, file);
}

static bool is_same_directory(const struct observe_layers *layers, size_t layer, const char *path)
{
    struct stat a, b;
    cleanup_close int fd = observe_layers_directory(layers, layer, NULL);
    return fd >= 0 && fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum verdict claim_overlay_file(struct claim *claim)
{
    const char *path = claim->words[0], *file = claim->words[1], *where = claim->words[2];
    bool upper = strcmp(where, "upper") == 0, lower = strcmp(where, "lower") == 0;
    struct observe_layers layers;
    size_t layer;
    if (!upper && !lower && !strchr(where, '/'))
        return see(claim, CLAIM_WRONG, "`%s` is no layer: upper, lower, or a layer's directory with a slash in it",
                   where);
    enum verdict verdict = look(claim, path, &layers);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    verdict = find(claim, &layers, path, file, &layer);
    if (verdict == CLAIM_HOLDS) {
        bool in_upper = layers.stack.upper && layer == 0;
        bool holds = upper ? in_upper : lower ? !in_upper : is_same_directory(&layers, layer, where);
        verdict = see(claim, holds ? CLAIM_HOLDS : CLAIM_FAILS, "%s of %s is in %s, %s layer", file, path,
                      observe_layers_name(&layers, layer), in_upper ? "the upper" : "a lower");
    }
    observe_layers_close(&layers);
    return verdict;
}

enum verdict claim_whiteout(struct claim *claim)
{
    const char *path = claim->words[0];
    struct stat st;
    if (lstat(path, &st) < 0)
        return see_missing(claim, path);
    if (whiteout_is(&st))
        return see(claim, CLAIM_HOLDS, "%s is a whiteout", path);
    return see(claim, CLAIM_FAILS, "%s is no whiteout but %s", path,
               S_ISDIR(st.st_mode)   ? "a directory"
               : S_ISREG(st.st_mode) ? "a file"
               : S_ISCHR(st.st_mode) ? "another device"
                                     : "something else");
}

enum verdict claim_opaque(struct claim *claim)
{
    const char *path = claim->words[0];
    cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return see(claim, CLAIM_FAILS, "%s is no directory", path);
    if (fd < 0)
        return see_missing(claim, path);
    if (whiteout_is_opaque(fd, WHITEOUT_OVERLAY) || whiteout_is_opaque(fd, WHITEOUT_USERXATTR))
        return see(claim, CLAIM_HOLDS, "%s is opaque", path);
    return see(claim, CLAIM_FAILS, "%s is not opaque: what layers below have in it is seen", path);
}

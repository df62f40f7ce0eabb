/** Into the layers of a mounted overlay: which of them holds what, and what each hides of those below it.
 *
 * The mount table names the directories as whoever mounted them did: relative to a directory that is nowhere recorded, and as seen from a root that may not be a process's own any more. So they
 * are looked for where they can be: in the directory of the mount point and those above it, in the process's working directory; under its root, and under another one the caller names.
 */
#ifndef ENGINE_OBSERVE_LAYERS_H
#define ENGINE_OBSERVE_LAYERS_H

#include "engine/base/err.h"
#include "engine/layers/merged.h"
#include "engine/layers/overlay.h"
#include "engine/observe/mounts.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct observe_layers {
    struct overlay_stack stack;
    size_t count;        /* the upper one, if there is one, then the lowers: layer 0 is on top */
    int root;            /* where absolute names begin */
    char base[PATH_MAX]; /* what relative ones are relative to, as seen from there */
};

/** Find the layers of @mount, an overlay in the table of @pid. @elsewhere: a process whose root they may be seen from where it is not @pid's (0: none). Returns 0, or -1: EINVAL it is no overlay;
 * ENOENT they cannot be found. */
int observe_layers_open(pid_t pid, pid_t elsewhere, const struct observe_mount *mount, struct observe_layers *layers,
                        struct err *err);
void observe_layers_close(struct observe_layers *layers);

/** As the mount table has it: "layer4", "/var/lib/x/upper". */
const char *observe_layers_name(const struct observe_layers *layers, size_t layer);
/** An fd of the layer's directory, or -1. */
int observe_layers_directory(const struct observe_layers *layers, size_t layer, struct err *err);

/** What the layer has by that name, relative to it. */
enum layer_holds observe_layers_holds(const struct observe_layers *layers, size_t layer, const char *path);

/** When it was mounted, or something came into the upper layer's own directory or went out of it since: the kernel's time in ns. 0: it has none. */
int64_t observe_layers_changed(const struct observe_layers *layers);
/** When a file was last changed in any way, in ns. */
int64_t observe_changed(const struct stat *st);

/** What they hold, as merged_list of engine/layers/merged.h gives it. */
size_t observe_layers_list(const struct observe_layers *layers, struct layer_entry *list, size_t max, bool *more);

#endif

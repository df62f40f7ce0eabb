/** Into the layers of a mounted overlay: which of them holds what, and what each hides of those below it.
 *
 * The mount table names the directories as whoever mounted them did: relative to a directory that is nowhere recorded, and as seen from a root that may not be a process's own any more. So they
 * are looked for where they can be: in the directory of the mount point and those above it, in the process's working directory; under its root, and under another one the caller names.
 */
#ifndef ENGINE_OBSERVE_LAYERS_H
#define ENGINE_OBSERVE_LAYERS_H

#include "engine/base/err.h"
#include "engine/layers/overlay.h"
#include "engine/observe/mounts.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

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

enum layer_holds {
    LAYER_NOTHING,
    LAYER_FILE,      /* of any kind but those that follow */
    LAYER_DIRECTORY, /* shown together with those of the same name below it */
    LAYER_OPAQUE,    /* a directory that hides all below it */
    LAYER_WHITEOUT,  /* hides what has its name below it */
};
/** What the layer has by that name, relative to it. */
enum layer_holds observe_layers_holds(const struct observe_layers *layers, size_t layer, const char *path);

#define LAYERS_SHOWN 8 /* layers a list tells of, the uppermost ones */
#define LAYER_PATH 64

struct layer_entry {
    char path[LAYER_PATH]; /* relative to the layers; a longer one is cut, its end kept */
    bool cut;
    enum layer_holds holds[LAYERS_SHOWN];
    bool seen[LAYERS_SHOWN]; /* what this layer holds is what the mount shows, or part of it */
};

/** What the uppermost layers hold, each name once: first what the upper one has, then the rest, sorted; of directories that several layers have also what is in them. At most @max, and no more
 * than some hundred names are read whatever there is: @more says that some were left out. Returns how many. */
size_t observe_layers_list(const struct observe_layers *layers, struct layer_entry *list, size_t max, bool *more);

#endif

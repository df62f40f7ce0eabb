/** Layers seen as one: which of them holds what, and what each hides of those below it. However they are kept: as directories that are mounted, or as archives of an image.
 *
 * A file hides what has its name below it; a directory is shown together with those of its name below it, unless it is opaque; a whiteout is shown as nothing.
 */
#ifndef ENGINE_LAYERS_MERGED_H
#define ENGINE_LAYERS_MERGED_H

#include <stdbool.h>
#include <stddef.h>

enum layer_holds {
    LAYER_NOTHING,
    LAYER_FILE,      /* of any kind but those that follow */
    LAYER_DIRECTORY, /* shown together with those of the same name below it */
    LAYER_OPAQUE,    /* a directory that hides all below it */
    LAYER_WHITEOUT,  /* hides what has its name below it */
    LAYER_HOLDS,     /* how many there are */
};

#define LAYERS_SHOWN 8 /* layers a list tells of, the uppermost ones */
#define LAYER_PATH 64
#define MERGED_DEEPEST 4 /* slashes in the path of what a list tells of */

struct layer_entry {
    char path[LAYER_PATH]; /* relative to the layers; a longer one is cut, its end kept */
    bool cut;
    enum layer_holds holds[LAYERS_SHOWN];
    bool seen[LAYERS_SHOWN]; /* what this layer holds is what is shown, or part of it */
};

/* A layer, by what can be asked of it. Paths are relative to it, without a slash at either end; "" is the layer itself. */
struct merged_layer {
    enum layer_holds (*holds)(const void *layer, const char *path);
    /* Each name in a directory of it, in any order, until @each says no. */
    void (*names)(const void *layer, const char *directory, bool (*each)(const char *name, void *data), void *data);
    const void *layer; /* given to both */
};

/** What the uppermost layers hold, each name once; @layers[0] is on top. First what that one has if it is @upper, then the rest, sorted; of directories that several layers have also what is in them.
 * At most @max, and no more than some hundred names are read whatever there is: @more says that some were left out. Returns how many. */
size_t merged_list(const struct merged_layer *layers, size_t count, bool upper, struct layer_entry *list, size_t max,
                   bool *more);

#endif

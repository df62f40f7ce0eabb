/** An image looked at: its layers with their sizes, what made them and who else has them, and which of them holds which file. For showing it; nothing is unpacked, nothing is changed.
 *
 * The bytes of a layer are read once from beginning to end and compared with its digest, at most LOOK_BYTES of all layers together.
 */
#ifndef ENGINE_IMAGE_LOOK_H
#define ENGINE_IMAGE_LOOK_H

#include "engine/image/store.h"
#include "engine/layers/merged.h"

#define LOOK_BYTES ((uint64_t)256 << 20) /* of decompressed layers */
#define LOOK_ENTRIES 40
#define LOOK_NAME 160

struct look_layer {
    struct digest digest; /* of the blob */
    uint64_t size;
    char made[96];          /* by what, as the image's history says; "": it does not */
    char shared[LOOK_NAME]; /* another image that has it; "": none */
    unsigned sharers;       /* how many others have it */
};

struct image_look {
    char name[LOOK_NAME];      /* as docker shows it; the first digits of its id where it has none */
    char container[LOOK_NAME]; /* the one it was looked at for, set by the caller; "": none */
    struct digest manifest;
    uint64_t size;                          /* of all layers */
    size_t count;                           /* of all layers */
    struct look_layer layers[LAYERS_SHOWN]; /* the uppermost ones, the uppermost first */
    struct layer_entry entries[LOOK_ENTRIES];
    size_t entry_count;
    bool more;        /* not all of them */
    bool known;       /* the entries were left out: the caller has them */
    char damage[256]; /* why it cannot be told which files there are, or, without a manifest, anything; "": it can */
};

/** Look at image @what of @store; NULL: at the one that was named last. Who shares its layers is looked for among the images of @store and of @beside (may be NULL).
 * @known: digests of manifests whose entries the caller has, NULL at the end. Returns 0, or -1: ENOENT there is no such image, or none at all; EINVAL, EIO: its documents are not as they should be. */
int image_look(struct store *store, struct store *beside, const char *what, const char *const *known,
               struct image_look *look, struct err *err);

/** The same as a JSON document, to be handed to another process; NULL: out of memory. */
json_t *image_look_json(const struct image_look *look);
/** Back again; nothing of the document is believed. Returns 0, or -1 (EINVAL). */
int image_look_parse(const json_t *json, struct image_look *look, struct err *err);

#endif

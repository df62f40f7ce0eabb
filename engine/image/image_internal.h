/** What the files that deal with images share: reading documents that nobody vouches for. */
#ifndef ENGINE_IMAGE_IMAGE_INTERNAL_H
#define ENGINE_IMAGE_IMAGE_INTERNAL_H

#include "engine/image/image.h"
#include "engine/layers/tar.h"

#define IMAGE_DOCUMENT ((uint64_t)4 << 20)    /* bytes of a manifest or config */
#define IMAGE_LAYER_BYTES ((uint64_t)1 << 50) /* more than any layer has; IMAGE_LAYERS of them still fit an int64_t */

struct descriptor {
    struct digest digest;
    uint64_t size;
    const char *media; /* "": none given */
};
/** @what names it in messages: "layer 3". @most: the largest size it may have. Returns 0 or -1. */
int descriptor_parse(const json_t *json, const char *what, uint64_t most, struct descriptor *descriptor,
                     struct err *err);

/** Is it an index of several manifests? A document that could be read as an index and as a manifest is EINVAL (CVE-2021-41190): -1. */
int image_is_index(const json_t *json, struct err *err);
/** Fill all of @image but its own digest and size. Takes over neither document, but counts a reference of each. @config may be NULL. */
int image_check(json_t *manifest, json_t *config, struct image *image, struct err *err);
/** The diff ids of a config, into @layers (@count of them, or EINVAL). */
int image_diff_ids(const json_t *config, struct image_layer *layers, size_t count, struct err *err);
/** The media type of a layer as it is written here. */
void image_layer_media(enum compression compression, char *media, size_t size);
json_t *image_make_manifest(const struct image_layer *layers, size_t count, const struct digest *config,
                            uint64_t config_size);

/** Pack the directory @root as a gzip layer of the store. */
int layer_pack(struct store *store, int root, const struct tar_pack *options, struct image_layer *layer,
               struct err *err);

#endif

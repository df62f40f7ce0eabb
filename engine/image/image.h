/** One image: its manifest and its config, read from a store, or made there. See the OCI image specification, manifest.md and config.md. */
#ifndef ENGINE_IMAGE_IMAGE_H
#define ENGINE_IMAGE_IMAGE_H

#include "engine/image/store.h"

struct image_layer {
    struct digest digest;  /* of the blob as it is kept */
    struct digest diff_id; /* of the plain tar */
    enum compression compression;
    uint64_t size; /* of the blob */
    char media[96];
};
#define IMAGE_LAYERS 4096

struct image {
    struct digest manifest, config; /* the config's is what docker calls the image's id */
    uint64_t manifest_size;
    char media[96]; /* of the manifest */
    json_t *manifest_json, *config_json;
    struct image_layer *layers; /* the lowest first */
    size_t layer_count;
    uint64_t size; /* of all layers' blobs */
};

/** The platform of this machine, as images say it: "amd64", "arm64" …; the variant or "". */
const char *image_architecture(void);
const char *image_variant(void);

struct image_platform {
    char os[32], architecture[32], variant[32];
};
/** "linux/arm64/v8", or "arm64" alone; NULL: this machine's. Returns 0, or -1 (EINVAL). */
int image_platform_parse(const char *text, struct image_platform *platform, struct err *err);
/** The manifest of an index for @platform (as above), or for the nearest lower variant that runs there: of amd64/v3 also v2, v1 and none; of arm64/v9 also v8 and none; of arm/v7 also v6 and v5. Returns 0, or -1: ENOENT, naming those there are; EINVAL. */
int image_select(const json_t *index, const char *platform, struct digest *manifest, uint64_t *size, struct err *err);

/** By name ("debian", "debian:12"), by digest, or by the first digits of its id where these are one image's only. ENOENT: no such image (the message is docker's own words); EINVAL: several, or not a
 * name. An index is followed to the manifest of this machine's platform (ENOENT, naming those there are). All that comes from a manifest is checked: types, digests, sizes, that config and manifest
 * have the same number of layers. */
int image_open(struct store *store, const char *what, struct image *image, struct err *err);
/** By its manifest's (or index's) digest. */
int image_open_digest(struct store *store, const struct digest *manifest, struct image *image, struct err *err);
/** From bytes that are in no store yet: for who brings an image in. @config may be NULL: then diff_ids are not known. The same checks. */
int image_parse(const char *manifest, size_t manifest_size, const char *config, size_t config_size, struct image *image,
                struct err *err);
void image_close(struct image *image);

/* What a new image is to have. */
struct image_spec {
    const struct image_layer *layers;
    size_t layer_count;
    json_t *config;         /* the config's "config" object: Cmd, Env …; NULL: none. Borrowed */
    json_t *history;        /* an array; NULL: one made from @created_by. Borrowed */
    const char *created_by; /* "/bin/sh -c #(nop) …" */
    const char *comment;    /* "Imported from -" */
    const char *author;
    int64_t created;      /* seconds since the epoch; -1: now */
    const char *platform; /* "linux/arm64/v8"; NULL: this machine's */
};
/** Write manifest and config of it to the store, whose blobs the layers are. Returns 0 or -1. */
int image_create(struct store *store, const struct image_spec *spec, struct image *image, struct err *err);

/** Bring a layer in from an archive of any compression (@from stays the caller's), in one pass over two threads: kept as it comes (gzip, zstd or plain; xz becomes plain), digested both ways, its entries checked as far as tar_unpack
 * would refuse them, and unpacked to STORE/.layers if @unpack. */
int image_add_layer(struct store *store, struct source *from, bool unpack, struct image_layer *layer,
                    stream_progress_fn *progress, void *data, struct err *err);
/** Pack the directory @root as a layer. @time: of every entry; -1: as they are. */
int image_add_directory(struct store *store, int root, int64_t time, struct image_layer *layer, struct err *err);

/* Archives of images: `docker save` writes one that is both docker's format (manifest.json) and an OCI layout; `docker load` takes either. */
/** @references: names to save under (as given by the user), or ids. */
int image_save(struct store *store, const char *const *references, size_t count, struct sink *to, struct err *err);
/** @loaded is called for each name of each image, and for one without a name with NULL and its id. @from is closed. Nothing is named before all of the archive was found good. */
int image_load(struct store *store, struct source *from,
               void (*loaded)(const char *name, const struct digest *id, void *data), void *data,
               stream_progress_fn *progress, struct err *err);

/** A closure as an image: @programs, with all their loader needs, as one reproducible layer. The first is the image's Cmd. */
int image_from_host(struct store *store, const char *const *programs, size_t count, struct image *image,
                    struct err *err);

#endif

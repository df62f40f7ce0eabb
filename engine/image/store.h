/** The image store: an OCI image layout on disk, and beside it the layers that are unpacked.
 *
 *     STORE/oci-layout  STORE/index.json  STORE/blobs/sha256/HEX   what any OCI tool reads
 *     STORE/.lock                                                  flock: shared while blobs are brought in, exclusive while rubbish is collected
 *     STORE/.ingest/…                                              what is under way, each locked (flock) while its maker lives
 *     STORE/.layers/HEX/                                           layers unpacked for overlay mounts, by the digest of the plain tar (diff id)
 *
 * Several processes may use one store at once, and any may die at any instant: a blob is under its name only when it is whole, its digest checked and on the disk; index.json is
 * replaced whole, under a lock (flock of STORE itself). What a dead process left is taken away by the next that opens the store to write; but a cut download, which has a digest for its name, is
 * kept for a day for who takes it up. Names are whole references ("docker.io/library/debian:12"), so that `skopeo inspect oci:STORE:NAME` and `umoci unpack --image STORE:NAME` find an image.
 *
 * A store may have another one below it that is only read: what is not here is looked for there (a lab's own store over the user's, which all labs share).
 *
 * See the OCI image specification, image-layout.md.
 */
#ifndef ENGINE_IMAGE_STORE_H
#define ENGINE_IMAGE_STORE_H

#include "engine/base/err.h"
#include "engine/layers/digest.h"
#include "engine/layers/stream.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

enum store_access { STORE_READ, STORE_WRITE /* made if it is not there */ };

/** Where this process keeps images: $TEACHROOT_STORE; in a lab /var/lib/docker; else "images" in the user's cache. Returns 0 or -1. */
int store_default_path(char *path, size_t size, struct err *err);
/** The read-only store that is below the default one: in a lab the user's (/var/cache/teachroot/images); elsewhere none, "". */
void store_default_below(char *path, size_t size);

/** @below: path of the store to look in for what is not here; NULL or one that is not there: none. ENOENT: not there (STORE_READ); EINVAL: it is no image layout, or of a version unknown here. */
struct store *store_open(const char *path, enum store_access access, const char *below, struct err *err);
void store_close(struct store *store);
const char *store_path(const struct store *store);

/** Holds back the collecting of rubbish until store_release: from before the first blob of an image is brought in until its name stands in index.json. Returns 0 or -1. */
int store_hold(struct store *store, struct err *err);
void store_release(struct store *store);

/* --- blobs --- */

/** 1: it is here or below, 0: not, -1. *@size (may be NULL) is its length. */
int store_has(struct store *store, const struct digest *digest, uint64_t *size, struct err *err);
/** An fd of it, for reading. ENOENT: it is in no store. */
int store_open_blob(struct store *store, const struct digest *digest, struct err *err);
/** All of a small blob (a manifest, a config) as JSON, its digest checked. EFBIG: over 4 MiB. The caller's to json_decref. */
json_t *store_read_json(struct store *store, const struct digest *digest, struct err *err);

/* A blob being brought in: to be written to `fd` (O_RDWR, at its end), or through blob_sink. */
struct blob;
/** @resume: what an earlier process left of the blob with that digest is taken up, if there is anything; NULL or "": a new one. */
struct blob *blob_begin(struct store *store, const struct digest *resume, struct err *err);
int blob_fd(const struct blob *blob);
/** How many bytes it has already: 0, or what was taken up. */
uint64_t blob_have(const struct blob *blob);
/** The sink stays usable until blob_commit; finishing it only flushes. */
struct sink *blob_sink(struct blob *blob, struct err *err);
/** It is whole: @digest is what its bytes were found to have, by the caller, while they passed. fsync and rename. The blob is freed, also on failure. Returns 0 or -1. */
int blob_commit(struct blob *blob, const struct digest *digest, struct err *err);
/** Given up. @keep: what there is stays for a later blob_begin with the same @resume (a cut download). NULL is fine. */
void blob_abandon(struct blob *blob, bool keep);
/** Bring in @size bytes at @data. Returns 0 or -1. */
int store_add(struct store *store, const void *data, size_t size, struct digest *digest, struct err *err);
/** The same of a JSON document, written compactly with sorted keys. *@size (may be NULL) is its length. */
int store_add_json(struct store *store, const json_t *json, struct digest *digest, uint64_t *size, struct err *err);
/** All of the JSON document @name in the directory @dir, at most @most bytes, as all that comes from outside is read: no link, nothing but a file, no member twice. Also for records kept beside the store.
 * ENOENT; EFBIG; EINVAL: no JSON. The caller's to json_decref. */
json_t *store_load_json(int dir, const char *name, size_t most, struct err *err);

/* --- names --- */

#define MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_LAYER "application/vnd.oci.image.layer.v1.tar" /* +gzip, +zstd */
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct store_name {
    const char *name; /* the whole reference; NULL: an image without a name */
    struct digest manifest;
    const char *media;
    uint64_t size;
    bool below; /* it stands in the store below, which is not ours to change */
};
/** Call @each for all that index.json names, ours first; a name that is in both is ours. Stops when it returns other than 0, and returns that; -1: index.json cannot be read. */
int store_names(struct store *store, int (*each)(const struct store_name *name, void *data), void *data,
                struct err *err);
/** 1: found, 0: nothing has that name, -1. */
int store_find(struct store *store, const char *name, struct digest *manifest, struct err *err);
/** Let @name (NULL: none) be that manifest, which must be here. What had the name until now stays, without one. The name is the last that store_names gives of our own. */
int store_set_name(struct store *store, const char *name, const struct digest *manifest, const char *media,
                   uint64_t size, struct err *err);
/** Take the name away; @manifest: of that one only (an image without a name: @name NULL). @forget: also if it was the image's last, else the image stays without a name.
 * EROFS: it is the store's below. ENOENT: there is none. */
int store_remove_name(struct store *store, const char *name, const struct digest *manifest, bool forget,
                      struct err *err);

#define STORE_PEEK ((size_t)1 << 20)
/** The names in the store at @path below the directory @root, for completion: resolved inside it, nothing waits, no more than STORE_PEEK bytes are read. What cannot be read has no names. */
void store_peek_names(int root, const char *path, void (*each)(const char *name, void *data), void *data);
/** Any JSON document of at most @most bytes in the same way, or NULL. The caller's to json_decref. */
json_t *store_peek_json(int root, const char *path, size_t most);

/* --- unpacked layers --- */

/** An fd of the directory of the layer with that diff id, unpacked now if it is not yet: @compressed is its blob. Its form of whiteouts is the one overlay_probe finds here. */
int store_layer(struct store *store, const struct digest *diff_id, const struct digest *compressed, struct err *err);
/** Its path, "" if it is not unpacked. */
int store_layer_path(struct store *store, const struct digest *diff_id, char *path, size_t size, struct err *err);

/* --- looking after it --- */

struct store_gc {
    uint64_t blobs, layers, bytes; /* removed */
};
/** Remove what no name leads to: blobs, unpacked layers no image here has and @in_use does not claim, ingests that are over. Waits for those who hold it. Returns 0 or -1. */
int store_collect(struct store *store, bool (*in_use)(const struct digest *diff_id, void *data), void *data,
                  struct store_gc *counts, struct err *err);

/** Read everything and check it: every blob against its digest, every reference to a blob that is there, sizes, JSON. @found is called for each thing that is wrong. Returns how many
 * there were, or -1. */
int store_check(struct store *store, void (*found)(const char *what, void *data), void *data, struct err *err);

#endif

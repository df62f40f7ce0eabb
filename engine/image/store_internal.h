/** What the store's own files share. */
#ifndef ENGINE_IMAGE_STORE_INTERNAL_H
#define ENGINE_IMAGE_STORE_INTERNAL_H

#include "engine/image/store.h"
#include "engine/layers/tar.h"

#include <pthread.h>
#include <sys/types.h>

struct store {
    char *path;
    enum store_access access;
    int dir, blobs, ingest, layers; /* directories; the last two are -1 in a store that is only read and has none */
    struct store *below;            /* NULL: none */
    pthread_mutex_t mutex;          /* of the two below */
    int lock;                       /* .lock, held shared; -1 while nobody of this process holds it */
    unsigned holds;
};

#define STORE_DOCUMENT ((size_t)4 << 20) /* the most a manifest, a config or oci-layout may have */
#define STORE_INDEX ((size_t)64 << 20)   /* index.json */

/** ENOENT, or EROFS for a store that is only read. Returns 0 or -1. */
int store_need_write(const struct store *store, const char *what, struct err *err);
/** The digits of @digest as a file's name; NULL and EINVAL if it is no whole digest. */
const char *store_blob_name(const struct digest *digest, struct err *err);
/** JSON of @size bytes, as all that comes from outside is read: no member twice. @what names it in the message. */
json_t *store_parse_json(const char *text, size_t size, const char *what, struct err *err);
int store_write_all(int fd, const void *data, size_t size, struct err *err);

/* --- ingests: what is under way, each locked while its maker lives --- */

#define INGEST_NAME 65
/** A new file for reading and writing, locked. Its name goes to @name. */
int ingest_file(struct store *store, char name[INGEST_NAME], struct err *err);
/** A new directory, locked by the fd that is returned. */
int ingest_directory(struct store *store, char name[INGEST_NAME], struct err *err);
/** Take ingest @name away, whatever it is. */
void ingest_remove(struct store *store, const char *name);
/** Take away what dead processes left; @all: also cut downloads that could be taken up. */
int ingest_sweep(struct store *store, bool all, struct err *err);
/** The file @name in @dir, of which @fd is open, becomes the blob @digest. */
int ingest_commit(struct store *store, int dir, const char *name, int fd, const struct digest *digest, struct err *err);
/** The directory of ingest @name becomes the unpacked layer @diff_id; if that is there already, it goes. */
int ingest_commit_layer(struct store *store, const char *name, int fd, const struct digest *diff_id, struct err *err);

/** A directory, an ingest, to unpack a layer into, and how that is done here. */
int layer_unpack_begin(struct store *store, char name[INGEST_NAME], struct tar_unpack *options, struct err *err);
/** Read @from to its end. Returns 0 or -1. */
int store_drain(struct source *from, struct err *err);

/* --- index.json --- */

/* Beside one another: what skopeo and umoci look for, and what containerd and docker take the whole name from. */
#define NAME_OCI "org.opencontainers.image.ref.name"
#define NAME_CONTAINERD "io.containerd.image.name"

/** As it is, checked as far as the store's own work needs it; an empty one where there is none. */
json_t *index_load(const struct store *store, struct err *err);
/** The whole reference an entry stands under, or NULL. */
const char *index_entry_name(const json_t *entry);

#endif

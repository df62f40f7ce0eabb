/** The files of an archive that is being loaded, each under its name there, kept in a directory below .ingest while it is not known what belongs to an image.
 *
 * A name is only ever a key to look up: no path of the archive becomes a path on disk. Links are followed from name to name, as legacy archives of docker and podman have them for layers.
 */
#ifndef ENGINE_IMAGE_MEMBERS_H
#define ENGINE_IMAGE_MEMBERS_H

#include "engine/image/store_internal.h"

struct member {
    char *name;
    char *target; /* of a link: the name it leads to; else NULL */
    uint64_t size;
    struct digest digest;
    unsigned number; /* the file's name in the directory; 0: a link, or kept already */
    bool wanted;     /* it belongs to an image */
};
struct members {
    struct store *store;
    int dir;
    char name[INGEST_NAME]; /* of the directory, in .ingest */
    struct member *list;
    size_t count, room;
    unsigned files;
    json_t *places; /* in the list, by name */
};

/** Read the archive @from (plain tar; it stays the caller's) to its end. Returns 0, or -1 with nothing left: EINVAL a name with `..`, an absolute one, one that is there twice with
 * different content; EFBIG too much of everything. */
int members_read(struct members *members, struct store *store, struct source *from, struct err *err);
void members_free(struct members *members);
/** Links followed. NULL: there is none (ENOENT), or the links go round (ELOOP). */
struct member *members_find(struct members *members, const char *name, struct err *err);
/** That of a blob in an OCI layout, its bytes what its name says (EINVAL if not); NULL with ENOENT. */
struct member *members_blob(struct members *members, const struct digest *digest, struct err *err);
/** Its bytes: of a document, at most 4 MiB; NUL-terminated, malloc'ed. */
char *member_text(struct members *members, const struct member *member, struct err *err);
int member_open(struct members *members, const struct member *member, struct err *err);
/** All that are wanted become blobs of the store. Returns 0 or -1. */
int members_keep(struct members *members, struct err *err);

#endif

/** What the files of this room share. Nothing outside it includes this. */
#ifndef ENGINE_CONTAINER_CONTAINER_INTERNAL_H
#define ENGINE_CONTAINER_CONTAINER_INTERNAL_H

#include "engine/container/container.h"

#define CONTAINER_RECORD "container.json"
/* Directories under way, whose names no id can be: taken away by who holds the lock next. */
#define CONTAINER_NEW ".new-"
#define CONTAINER_GONE ".gone-"

/** The directory "containers" of the store. @make: if it is not there, with the store's parents as they are. ENOENT. */
int containers_directory(const struct store *store, bool make, struct err *err);
/** Nobody else makes, renames or removes one until the fd is closed. What the dead left is taken away. */
int containers_lock(int containers, struct err *err);

/** Who in @containers is called @name: 1 and the id; 0 nobody; -1. */
int container_find_name(int containers, const char *name, char id[CONTAINER_ID], struct err *err);
/** Read @id's record. EINVAL: it is damaged. */
int container_load(int containers, const char *id, struct container *container, struct err *err);
/** container->name and the rest from container->json, which is taken over. */
int container_read_record(json_t *json, struct container *container, struct err *err);

/** A name that nobody in @containers has. */
int container_make_name(int containers, char name[CONTAINER_NAME], struct err *err);

/* Who the process is: numbers, as the container's own /etc/passwd has them. */
struct container_user {
    unsigned uid, gid;
    unsigned groups[64];
    size_t group_count;
};
/** @text: "", "name", "7", "name:group", "7:8". Names are looked up in the files of @root; @root -1: there are none to look up. EINVAL: there is no such name. */
int container_user_find(int root, const char *text, struct container_user *user, struct err *err);
/** Does @text need the container's files to be understood? */
bool container_user_is_named(const char *text);

/** The OCI runtime specification's config.json for container.json's "Config". A new reference, or NULL. */
json_t *container_bundle_config(const json_t *config, const char *id, const struct container_user *user, bool read_only,
                                struct err *err);

#endif

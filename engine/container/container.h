/** Containers: OCI runtime bundles on disk, without a daemon.
 *
 *     CONTAINERS/HEX/bundle/config.json      the OCI runtime specification's; any OCI runtime reads it
 *     CONTAINERS/HEX/bundle/rootfs/          where the root filesystem is mounted while it is needed
 *     CONTAINERS/HEX/upper/ work/            what the container has written
 *     CONTAINERS/HEX/container.json          what the kernel cannot tell: name, image, diff ids of its layers, command, when it was made
 *
 * CONTAINERS is "containers" beside the store's blobs (/var/lib/docker/containers in a lab). A container is made in a directory under another name and renamed when whole; names are unique, under a lock.
 *
 * The root filesystem is an overlay of the image's unpacked layers with the container's upper directory. It is mounted by who needs it, in a mount namespace of its own, so that nothing is left
 * mounted when that process ends.
 */
#ifndef ENGINE_CONTAINER_CONTAINER_H
#define ENGINE_CONTAINER_CONTAINER_H

#include "engine/base/err.h"
#include "engine/image/image.h"

#include <jansson.h>
#include <stdbool.h>

#define CONTAINER_ID 65 /* 64 hexadecimal digits, the NUL */
#define CONTAINER_NAME 129

enum container_state { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_PAUSED, CONTAINER_EXITED, CONTAINER_DEAD };

struct container {
    char id[CONTAINER_ID];
    char name[CONTAINER_NAME];
    char image[512];        /* as the user named it */
    struct digest image_id; /* the config's digest */
    int64_t created;        /* seconds since the epoch */
    json_t *json;           /* container.json */
    int dir;                /* CONTAINERS/HEX */
    enum container_state state;
};

/* What `docker create` was asked for. Borrowed all. */
struct container_spec {
    const char *image;       /* as the user named it */
    const char *name;        /* NULL: one is made up, "brave_turing" style, free here */
    const char *const *argv; /* NULL-terminated; NULL: the image's own command */
    const char *entrypoint;  /* NULL: the image's; "": none */
    const char *const *env;  /* KEY=VALUE; NULL-terminated; may be NULL */
    const char *workdir, *user, *hostname;
    bool tty, interactive, read_only, remove;
    const char *const *labels; /* KEY=VALUE */
};

/** Make it: layers are unpacked if they are not, the bundle is written. Returns 0, or -1: EEXIST the name is another container's (docker's own words, with its id); ENOENT no such image; EINVAL. */
int container_create(struct store *store, const struct container_spec *spec, struct container *container,
                     struct err *err);
/** By id, the first digits of one, or name. ENOENT: "No such container: x". EINVAL: several; or it is damaged, and then it has nothing but its @container->id, for container_remove. */
int container_open(struct store *store, const char *what, struct container *container, struct err *err);
void container_close(struct container *container);
/** All, newest first. Stops when @each returns other than 0 and returns that. A container that is damaged is given with @damage not NULL. */
int container_each(struct store *store, int (*each)(struct container *container, const char *damage, void *data),
                   void *data, struct err *err);
/** Remove it. EBUSY: it runs. */
int container_remove(struct store *store, struct container *container, struct err *err);

/** Does a container of @store (a struct store *) stand on that layer? For store_collect. */
bool container_uses_layer(const struct digest *diff_id, void *store);

/** A detached mount of its root filesystem; or, where the kernel has no such thing, mounted on bundle/rootfs in the caller's mount namespace, which must then be its own. */
int container_root(struct store *store, const struct container *container, bool read_only, struct err *err);
/* What is done in a root filesystem: @root is an fd of it. */
typedef int container_work_fn(int root, void *data, struct err *err);
/** Call @work with the mounted root filesystem, and return what it returns. The mount is nowhere to be seen; where the kernel has no such mounts, @work runs in a child with a mount namespace
 * of its own: of all it writes to memory only the @size bytes at @data come back. EIO: the child was ended. */
int container_with_root(struct store *store, const struct container *container, bool read_only, container_work_fn *work,
                        void *data, size_t size, struct err *err);

#endif

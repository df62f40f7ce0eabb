/** Mounts for a new root: by fd, every path resolved inside that root. See mount(2), open_tree(2), mount_setattr(2), pivot_root(2). */
#ifndef ENGINE_ISOLATE_MOUNTS_H
#define ENGINE_ISOLATE_MOUNTS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/** Make the whole tree at / MS_PRIVATE, MS_SLAVE or MS_SHARED (@propagation), recursively. */
int isolate_propagation(unsigned long propagation, struct err *err);

/** Mount a file system of @type on @path inside the root @root (resolved in it, whatever links it has there); the directory is made if it is not there. */
int isolate_mount_in(int root, const char *path, const char *source, const char *type, unsigned long flags,
                     const char *data, struct err *err);

/** Show @from/@from_path at @path inside @root. The place is made if it is not there: a directory if @directory, else an empty file. @recursive: with the mounts below it, as
 * a user namespace that did not make them must have it. */
int isolate_bind_in(int root, int from, const char *from_path, const char *path, bool directory, bool recursive,
                    struct err *err);

/** Make @path inside @root and all below it read-only by a bind mount of itself. A path that is not there is left so. */
int isolate_read_only_in(int root, const char *path, struct err *err);

/** Make @path inside @root unreadable: an empty read-only directory, or /dev/null, over it. A path that is not there is left so. */
int isolate_mask_in(int root, const char *path, struct err *err);

/** Make a mount point of the directory @root: a recursive bind of itself. Returns an fd of the mount, for isolate_pivot. */
int isolate_root_mount(int root, struct err *err);

/** pivot_root into the mount @root (an fd of it), let go of the old root, and stand in the new one's `/`. @put_old NULL: the old root is put on the
 * new one and taken from there, which needs no directory; else it is the directory in the new root to put it on, made and removed again. */
int isolate_pivot(int root, const char *put_old, struct err *err);

/* The file systems a root needs, as a table of isolate_spec has them. */
enum isolate_mount_kind {
    ISOLATE_PROC,
    ISOLATE_SYSFS,
    ISOLATE_TMPFS, /* options: "mode=0755,size=64k" */
    ISOLATE_DEVPTS,
    ISOLATE_MQUEUE,
    ISOLATE_BIND, /* source: a path outside, resolved before the root is entered */
    ISOLATE_MASK,
    ISOLATE_READ_ONLY
};
struct isolate_mount {
    enum isolate_mount_kind kind;
    const char *target;  /* inside the root */
    const char *source;  /* of ISOLATE_BIND, else NULL */
    const char *options; /* the file system's own; NULL: those that fit everywhere */
};
/** Do one row of such a table. */
int isolate_mount(int root, const struct isolate_mount *mount, struct err *err);

#endif

/** The mount table of a process, and what makes two of them differ. */
#ifndef ENGINE_OBSERVE_MOUNTS_H
#define ENGINE_OBSERVE_MOUNTS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of /proc/PID/mountinfo; see proc_pid_mountinfo(5). Paths are as the process sees them, their escapes undone. */
struct observe_mount {
    int id, parent;    /* of this mount and of the one it is on */
    uint64_t device;   /* major << 32 | minor: of the file system, whichever mount shows it */
    const char *root;  /* what of the file system is mounted: "/" all of it, else a bind mount or the like */
    const char *point; /* where */
    const char *options;
    const char *propagation; /* "shared:7", "master:7", "unbindable", several with blanks; "" private */
    const char *type, *source, *super_options;
};

struct observe_mounts {
    struct observe_mount *list; /* in the kernel's order */
    size_t count;
    char *text; /* what the strings point into */
};

/** Those of @pid that can be reached from its root directory. Returns 0, or -1 (ESRCH: it has ended) and an empty table. */
int observe_mounts(pid_t pid, struct observe_mounts *mounts, struct err *err);

/** Parse @text, as read from mountinfo and malloc'ed; it is the table's from here on. Lines that are not mounts are left out. Returns 0, or -1 (ENOMEM). */
int observe_mounts_parse(char *text, struct observe_mounts *mounts, struct err *err);

void observe_mounts_free(struct observe_mounts *mounts);

/** "shared", "slave", "unbindable" or "private". */
const char *observe_propagation(const struct observe_mount *mount);

enum mount_change {
    MOUNT_ADDED,
    MOUNT_REMOVED,
    MOUNT_MOVED,   /* to another point: by mount --move, or by pivot_root */
    MOUNT_CHANGED, /* its options or its propagation */
};
struct mount_difference {
    enum mount_change change;
    const struct observe_mount *before, *after; /* NULL where it was added or removed */
    bool known;                                 /* added: its file system was already mounted somewhere before */
    size_t below; /* mounts on it, or on those, that went the same way and are not listed themselves */
};

/** What @after has that @before had not, and so on, at most @max; within each kind of change in the kernel's order. The two may be of different mount
 * namespaces, one copied from the other. @root: the root directory of @after's process in paths of @before ("/" where both have the same one): only what is below it is
 * compared. Returns how many, or -1 (ENOMEM). The result points into both tables. */
ssize_t observe_mounts_compare(const struct observe_mounts *before, const struct observe_mounts *after,
                               const char *root, struct mount_difference *list, size_t max);

#endif

/** Every process that /proc shows and every namespace they are in, read in one walk: what lsns(8) lists.
 *
 * Nothing is opened but one directory and one file a process; a namespace is opened only for what it alone can tell (its parent, its owner, its netnsid),
 * and once, however many processes are in it. A process that ends meanwhile is left out. See namespaces(7), ioctl_ns(2).
 */
#ifndef ENGINE_OBSERVE_SYSTEM_H
#define ENGINE_OBSERVE_SYSTEM_H

#include "engine/observe/observe.h"

#define SYSTEM_NONE SIZE_MAX

struct system_process {
    pid_t pid, ppid;
    uid_t uid;                       /* the effective one; root's where the process is not dumpable */
    char state;                      /* R S D Z T … */
    uint64_t inode[NAMESPACE_KINDS]; /* 0: not asked for, not to be read, or given up by a zombie */
};

/* How one namespace leads to another. */
enum system_relation {
    SYSTEM_PARENT, /* of a pid or user namespace: the one it was made in */
    SYSTEM_OWNER,  /* the user namespace whose capabilities count in it */
    SYSTEM_RELATIONS
};

struct system_namespace {
    uint64_t inode;
    unsigned kind;                      /* index in namespace_kinds */
    size_t processes;                   /* how many are in it; 0: only another namespace leads to it */
    size_t first;                       /* index of the one with the lowest pid, or SYSTEM_NONE */
    uint64_t related[SYSTEM_RELATIONS]; /* inode; 0: it has none, it may not be known, or it was not asked for */
    uid_t owner_uid;                    /* of a user namespace without processes: whose it is; 0 in any other */
};

struct system_view {
    struct system_process *processes; /* by pid */
    size_t process_count;
    struct system_namespace *namespaces; /* by inode */
    size_t namespace_count;
};

#define SYSTEM_ALL_KINDS ((1U << NAMESPACE_KINDS) - 1)
/** Read @kinds (bit i: namespace_kinds[i]) of all processes. @relations: the parents and owners too. Returns 0, or -1 with an empty @view (ENOENT: there is no
 * /proc). */
int system_read(unsigned kinds, bool relations, struct system_view *view, struct err *err);

/** Add the namespaces without a process that @relation leads to from those there are, so that every chain of it is whole as far up as the reader may know.
 * Needs a view with relations. Returns 0, or -1 (ENOMEM). */
int system_complete(struct system_view *view, enum system_relation relation, struct err *err);

void system_free(struct system_view *view);

/** The index of the namespace @inode, or of the process @pid; SYSTEM_NONE if it is not in the view. */
size_t system_namespace(const struct system_view *view, uint64_t inode);
size_t system_process(const struct system_view *view, pid_t pid);

/** An fd of namespace @index, which must have a process; -1 (ESRCH: it has ended). */
int system_namespace_open(const struct system_view *view, size_t index, struct err *err);

#endif

/** Reads the kernel's state of processes: namespaces, root, cgroups, id maps, capabilities. Everything is read anew each time it is asked. */
#ifndef ENGINE_OBSERVE_OBSERVE_H
#define ENGINE_OBSERVE_OBSERVE_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** One table: parsing, help, panes and checks all read it. The order is the order everything shows them in. */
struct namespace_kind {
    const char *name;  /* as in /proc/PID/ns: "mnt" */
    int flag;          /* CLONE_NEWNS … */
    const char *word;  /* "mount" */
    const char *gives; /* "its own mount table" */
};
#define NAMESPACE_KINDS 8
extern const struct namespace_kind namespace_kinds[NAMESPACE_KINDS]; /* mnt pid net ipc uts user cgroup time */

/** The index in namespace_kinds of @kind, by its name or word ("mnt", "mount"); NAMESPACE_KINDS if there is none. */
size_t namespace_find(const char *kind);

/** Inodes of the eight namespaces in table order; 0 where the kernel lacks one or it may not be read. Returns 0, or -1 (ESRCH: gone). */
int observe_namespaces(pid_t pid, uint64_t inodes[NAMESPACE_KINDS], struct err *err);

/** The inode of the pid namespace that children of @pid are born in: after unshare(CLONE_NEWPID) not its own. 0: that one has no process yet. Returns 0, or -1 (ESRCH:
 * gone; EACCES: may not be read). */
int observe_pid_for_children(pid_t pid, uint64_t *inode, struct err *err);

/** The root directory as the caller sees it (readlink of /proc/PID/root), and its device and inode; "/" for an unchrooted process of another
 * mount namespace: compare dev and ino. */
struct observe_root {
    char path[4096];
    uint64_t dev, ino;
};
int observe_root(pid_t pid, struct observe_root *root, struct err *err);

struct id_range {
    uint32_t inside, outside, count;
};
/** uid_map and gid_map; at most @max entries each are stored, the number there are is returned in *uids and *gids. */
int observe_id_maps(pid_t pid, struct id_range *uid, size_t *uids, struct id_range *gid, size_t *gids, size_t max,
                    struct err *err);

struct capability_sets {
    uint64_t inheritable, permitted, effective, bounding, ambient;
};
int observe_capabilities(pid_t pid, struct capability_sets *sets, struct err *err);

#define OBSERVE_PID_DEPTH 32
struct observe_process {
    pid_t pid, ppid, pgrp, session;
    pid_t nspid[OBSERVE_PID_DEPTH]; /* its pid in each nested pid namespace, outermost (the reader's) first */
    unsigned depth;                 /* how many of nspid are set, at least 1 */
    uid_t uid;
    char state; /* R S D Z T … */
    char comm[64];
    char command[256]; /* cmdline with spaces, or [comm] */
};
int observe_process(pid_t pid, struct observe_process *process, struct err *err);

/** Path of its cgroup in the hierarchy that has @controller on v1 ("" for v2), as /proc/PID/cgroup says. */
int observe_cgroup(pid_t pid, const char *controller, char *path, size_t size, struct err *err);

/** Is the pid namespace of @pid that with inode @top, or nested below it? */
bool observe_pid_is_below(pid_t pid, uint64_t top);

/** Host pids of every process whose pid namespace is that of @init or nested below it, found by walking /proc once. Returns how many were stored (at most
 * @max), or -1. */
ssize_t observe_processes_below(pid_t init, pid_t *pids, size_t max, struct err *err);

#endif

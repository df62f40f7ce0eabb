/** One control group: opened, filled, read, written, frozen, emptied. The same calls for v1 and v2; where the two differ a back end of each (backend.h) does the work.
 *
 * See cgroups(7), Documentation/admin-guide/cgroup-v1/ and Documentation/admin-guide/cgroup-v2.rst.
 */
#ifndef ENGINE_LIMIT_GROUP_H
#define ENGINE_LIMIT_GROUP_H

#include "engine/limit/hierarchy.h"

#include <stdint.h>

/* Every hierarchy the machine mounts. On a hybrid machine each controller is in one of them, v1 or v2. */
struct cgroups {
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    size_t count;
};

/** What is mounted now. Returns 0, or -1 (ENOENT: no cgroups at all). */
int cgroups_read(struct cgroups *all, struct err *err);

/** The hierarchy that has @controller, by either version's name of it ("blkio" is "io" on v2): v1's if one is mounted with it, else v2's. What v2 has built in ("freezer",
 * "cpuacct") is found there too. NULL with @err: ENODEV, and what replaces it where something does. */
const struct cgroup_hierarchy *cgroups_find(const struct cgroups *all, const char *controller, struct err *err);

/** @controller as v2 calls it: "io" for "blkio"; NULL: v2 does not switch it on or off ("freezer", "cpuacct"), or has none ("devices"). */
const char *cgroup_v2_controller(const char *controller);

struct cgroup {
    const struct cgroup_hierarchy *hierarchy; /* borrowed */
    char path[1024];                          /* below the mount, without slashes at either end; "" is the root */
    int dir;                                  /* its directory, O_RDONLY; -1: closed */
};

/** Open the group at @path. Returns 0, or -1 (ENOENT: there is none). */
int cgroup_open(struct cgroup *group, const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err);
void cgroup_close(struct cgroup *group);
/** A variable of the type that is closed at the end of its block; start it as CGROUP_CLOSED. */
#define cleanup_cgroup __attribute__((cleanup(cgroup_close)))
#define CGROUP_CLOSED                                                                                                  \
    {                                                                                                                  \
        .dir = -1                                                                                                      \
    }

/** mkdir -p of @path, plain: a new v1 cpuset stays empty, as mkdir leaves it (cgroup_make fills it). On v2, the @count @controllers (by v2's names) are enabled in every group above it.
 * EBUSY there: a group above holds processes of its own, which v2 does not allow together with controllers for its children; the message names it.
 * Returns 1 if it was made, 0 if it was there, or -1. */
int cgroup_create(const struct cgroup_hierarchy *hierarchy, const char *path, const char *const *controllers,
                  size_t count, struct err *err);

/** Remove a group. Its processes go to its parent first, if @evict (EBUSY if not and there are any); groups below it too if @recursive. Returns 0 or -1. */
int cgroup_remove(const struct cgroup_hierarchy *hierarchy, const char *path, bool recursive, bool evict,
                  struct err *err);

/** Move a whole process, or one thread, into the group; 0 is the caller. On v2 EBUSY (a group that hands controllers on takes no processes) is explained. */
int cgroup_move(const struct cgroup *group, pid_t pid, struct err *err);
int cgroup_move_thread(const struct cgroup *group, pid_t tid, struct err *err);

/** The pids of its processes (not of groups below it), or its @threads. At most @size are stored; returns how many there are, or -1. */
ssize_t cgroup_members(const struct cgroup *group, bool threads, pid_t *list, size_t size, struct err *err);

/** One file as it is, by the name the kernel has for it here (translate.h takes both versions' names). cgroup_get returns the length, cgroup_set 0; -1 with @err. */
ssize_t cgroup_get(const struct cgroup *group, const char *file, char *buf, size_t size, struct err *err);
int cgroup_set(const struct cgroup *group, const char *file, const char *value, struct err *err);
/** A number in a file, or behind @key in a flat keyed one ("nr_throttled" of cpu.stat); "max" is UINT64_MAX. Returns 0 or -1. */
int cgroup_number(const struct cgroup *group, const char *file, const char *key, uint64_t *value, struct err *err);

/** Freeze or thaw the group and all below it, and wait until the kernel says it is so, at most @timeout_ms (ETIMEDOUT). */
int cgroup_freeze(const struct cgroup *group, bool frozen, int timeout_ms, struct err *err);
/** 1: frozen, 0: not (or not yet), -1: it cannot be told here. */
int cgroup_frozen(const struct cgroup *group, struct err *err);

/** SIGKILL to everything in the group and below it, again until it stays empty; frozen ones are thawed. At most @timeout_ms (EBUSY then). */
int cgroup_kill_all(const struct cgroup *group, int timeout_ms, struct err *err);

/** Give the group to the user who is root of a user namespace: the directory and the files by which processes move and children are made. Its limits stay whose they were,
 * or the user would raise them. */
int cgroup_delegate(const struct cgroup *group, uid_t uid, gid_t gid, struct err *err);

/** v2: move the group's own processes into its child @leaf (made if needed), so that it may hand controllers on to its children. Nothing to do on v1. */
int cgroup_vacate(const struct cgroup *group, const char *leaf, struct err *err);

/** How often its processes were stopped for having used up their CPU time, and for how long in all. ENODEV where the group has no such limit. */
int cgroup_throttled(const struct cgroup *group, uint64_t *times, uint64_t *usec, struct err *err);
/** How many processes in the group the kernel killed because it was out of memory. */
int cgroup_oom_kills(const struct cgroup *group, uint64_t *kills, struct err *err);

#endif

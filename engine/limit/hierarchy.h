/** The cgroup hierarchies this machine mounts, v1 and v2, and subtrees in them. See cgroups(7), Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst. */
#ifndef ENGINE_LIMIT_HIERARCHY_H
#define ENGINE_LIMIT_HIERARCHY_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroup_hierarchy {
    char mount[256];       /* where it is mounted: "/sys/fs/cgroup/memory" */
    char controllers[128]; /* v1: the mount options that name it ("cpu,cpuacct", "name=systemd"); "" for v2 */
    bool v2;
};
#define CGROUP_HIERARCHIES 24

/** Every cgroup mount in /proc/self/mountinfo, one entry a hierarchy, in mount order. Returns how many (0: none is mounted), or -1. */
ssize_t cgroup_hierarchies(struct cgroup_hierarchy list[CGROUP_HIERARCHIES], struct err *err);

/** Is @controller ("memory") among a v1 hierarchy's, or available in the v2 one? */
bool cgroup_has_controller(const struct cgroup_hierarchy *hierarchy, const char *controller);

/** mkdir -p of @path ("teachroot/lab1") below the mount. On v2 the controllers there are enabled in each parent on the way; on v1 a new cpuset gets its parent's cpus and
 * mems, without which nothing can join it. */
int cgroup_make(const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err);

/** Write one file of a group. */
int cgroup_write(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file, const char *value,
                 struct err *err);

/** Thaw and kill everything in the group whose directory is @dir and below, and wait at most @timeout_ms for the ends of what was in it. Returns how many processes there were. */
int cgroup_kill_below(int dir, int timeout_ms);

/** Thaw and kill everything in @path and below, once, without waiting for it. */
void cgroup_kill(const struct cgroup_hierarchy *hierarchy, const char *path);

/** Thaw and kill everything in @path and below, waiting until it is empty (at most 10 s), and remove the groups deepest first. A group that is not there is fine.
 * Returns 0, or -1 naming what still holds it. */
int cgroup_clear(const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err);

#endif

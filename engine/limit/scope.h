/** A group an ordinary user may divide.
 *
 * In version 2 a user can make groups with limits only below one that was handed over to them (delegated), the processes that go there must come from below it too, and a group that hands
 * controllers down holds no processes itself. A login session's group is not handed over; systemd's user manager gives one for the asking: a transient scope with Delegate=yes. So the
 * calling process asks to be moved into such a scope, and there goes one level down. It keeps its pid, terminal and parent; what it starts afterwards is there too; what it started before
 * stays where it is. The manager removes the scope and all groups in it when the last process in it ends, however that ends.
 *
 * See cgroups(7), "Cgroups delegation"; Documentation/admin-guide/cgroup-v2.rst, "Delegation"; systemd.resource-control(5), Delegate=; org.freedesktop.systemd1(5), StartTransientUnit.
 */
#ifndef ENGINE_LIMIT_SCOPE_H
#define ENGINE_LIMIT_SCOPE_H

#include "engine/limit/hierarchy.h"

/** The group the calling process is in, in version 2: below the mount, without slashes at either end; "" is the root. Returns 0, or -1 (ENOENT: version 2 is not mounted). */
int cgroup_own(char *path, size_t size, struct err *err);

/** Bring the calling process below a group that it may divide, whose controllers are all handed down, and say which: @path as above. Where it already is below one that teachroot divided, or
 * alone in one that systemd handed over, that is it; else a new scope is asked for. At most four seconds go by.
 * Returns 0, or -1 with the process where it was: ENOENT no user manager runs for us, or no busctl(1) to ask it with; ETIMEDOUT it does not answer; EBUSY it said no, and what. */
int cgroup_scope(const struct cgroup_hierarchy *v2, char *path, size_t size, struct err *err);

#endif

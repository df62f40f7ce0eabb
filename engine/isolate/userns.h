/** User namespaces and id maps. See user_namespaces(7), newuidmap(1), subuid(5). */
#ifndef ENGINE_ISOLATE_USERNS_H
#define ENGINE_ISOLATE_USERNS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct id_map {
    uint32_t inside, outside, count;
};

enum userns_ids { USERNS_USERS, USERNS_GROUPS };

/** Write @pid's uid_map or gid_map (@pid 0: the caller's own) in one write, as the kernel wants it. Returns 0 or -1. */
int userns_write_map(pid_t pid, enum userns_ids ids, const struct id_map *map, size_t count, struct err *err);

/** Write "allow" or "deny" to @pid's setgroups (@pid 0: the caller's own). Deny must come before a gid_map that is written without privilege. */
int userns_write_setgroups(pid_t pid, bool allow, struct err *err);

/** Run newuidmap(1) or newgidmap(1) for @pid. What they refuse they also say on stderr. */
int userns_run_helper(pid_t pid, enum userns_ids ids, const struct id_map *map, size_t count, struct err *err);

/** One id and a range, together: the range gives way where it holds the one on either side, so its last ids may get no place. Returns how many of @out are
 * set, the one first. */
size_t userns_punch(const struct id_map *one, const struct id_map *range, struct id_map out[static 4]);

/** Write @pid's uid_map and gid_map, in one write each, as privileged over the ids mapped (root). Returns 0 or -1. */
int userns_write_maps(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                      struct err *err);

/** The same by newuidmap(1) and newgidmap(1), for an ordinary user with a range in /etc/subuid. */
int userns_write_maps_by_helper(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                                struct err *err);

/** Map @uid and @gid alone to 0; setgroups is denied first, as an unprivileged gid_map needs. */
int userns_write_single_map(pid_t pid, uid_t uid, gid_t gid, struct err *err);

/** The first range of at least @count ids that @file ("/etc/subuid") gives to user @uid (by name or number). Returns 0; -1 ENOENT if there is none. */
int userns_sub_range(const char *file, uid_t uid, uint32_t count, struct id_map *range, struct err *err);

/** An fd of a new user namespace with this one range, made without entering it (root only). */
int userns_new(uint32_t outside, uint32_t count, struct err *err);

#endif

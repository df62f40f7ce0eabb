/** Starting a program in namespaces of its own, in a root of its own: one clone3(2), and what must follow it in the right order.
 *
 * The child is born in the new namespaces and waits; the parent writes its id maps, and says go; the child makes its mounts, enters its root, and runs the
 * program. Whichever of the two dies, the other does not wait for it: each holds one end of a socket, and the end of the other is the end of the waiting.
 */
#ifndef ENGINE_ISOLATE_SPAWN_H
#define ENGINE_ISOLATE_SPAWN_H

#include "engine/base/err.h"
#include "engine/isolate/enter.h"
#include "engine/isolate/mounts.h"
#include "engine/isolate/userns.h"

#include <stdint.h>

enum isolate_maps {
    ISOLATE_MAPS_NONE,   /* nobody is mapped: everybody is the overflow id in it */
    ISOLATE_MAPS_DIRECT, /* the ranges given, written by us: for root */
    ISOLATE_MAPS_HELPER, /* the ranges given, by newuidmap and newgidmap: for an ordinary user with a range in /etc/subuid */
    ISOLATE_MAPS_SINGLE, /* the caller alone, as root; setgroups is denied */
    ISOLATE_MAPS_AUTO    /* the caller as root, and above it the first range in /etc/subuid and /etc/subgid */
};

struct isolate_spec {
    int namespaces; /* CLONE_NEW*, any set of the eight, CLONE_NEWTIME too */

    enum isolate_maps maps;
    const struct id_map *users, *groups; /* for ISOLATE_MAPS_DIRECT and _HELPER */
    size_t user_count, group_count;
    bool deny_setgroups; /* written before the maps */

    /* Seconds added to the clocks of a new time namespace. */
    int64_t monotonic, boottime;

    unsigned long propagation; /* of all mounts of a new mount namespace: MS_SHARED …; 0: MS_PRIVATE */
    const char *root;          /* the directory to make the root of; NULL: the mounts go where they are said */
    const char *put_old;       /* as isolate_pivot */
    const struct isolate_mount *mounts;
    size_t mount_count;
    const char *hostname; /* NULL: as it is */

    const char *const *argv; /* found by PATH of @env; NULL-terminated */
    const char *const *env;  /* NULL: the caller's */
    const char *cwd;         /* in the new root; NULL: "/" with a root, else the caller's */
    int stdio[3];            /* -1: /dev/null. Nothing else stays open */
    bool new_session;
    bool die_with_parent; /* SIGKILL when the thread that spawned it ends */
};

/** Start it. Returns its pid as the caller sees it, its exit signal being SIGCHLD; *pidfd (if not NULL) is an fd of it. The program runs when this returns. -1: it
 * does not run, and nothing is left of it; @err has the errno and the step that failed ("mount proc on `/proc`: …"). */
pid_t isolate_spawn(const struct isolate_spec *spec, int *pidfd, struct err *err);

/** Offsets of the clocks in the time namespace the caller's children will be in; before the first one is. */
int isolate_clock_offsets(int64_t monotonic, int64_t boottime, struct err *err);

#endif

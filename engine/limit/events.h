/** What happens in a group, as something to poll.
 *
 *     struct cgroup_watch watch;
 *     cgroup_watch(&watch, &group, CGROUP_OOM, err);
 *     poll on watch.fd for POLLIN, then cgroup_watch_read(&watch, &value, err)
 *
 * The kernel tells of most of it: v1 by an eventfd on memory.oom_control, v2 by inotify on memory.events and cgroup.events; the end of a v1 group's process, by a pidfd.
 * It has no event for throttling, nor for who joins or leaves a v1 group: there, and only there, a timer of CGROUP_LOOK_MS makes watch.fd readable.
 */
#ifndef ENGINE_LIMIT_EVENTS_H
#define ENGINE_LIMIT_EVENTS_H

#include "engine/limit/group.h"

#define CGROUP_LOOK_MS 250

enum cgroup_event {
    CGROUP_OOM,       /* value: how often it ran out of memory; v1 counts from the watch on */
    CGROUP_THROTTLED, /* value: nr_throttled */
    CGROUP_POPULATED, /* value: 1 while a process is in the group or, on v2, below it; else 0 */
};

struct cgroup_watch {
    enum cgroup_event what;
    int fd;         /* poll for POLLIN */
    uint64_t value; /* as last read */
    struct cgroup group;
    int timer, member; /* inside fd; -1: none */
};

/** Begin to watch. The watch has its own fds; the group may be closed. Returns 0, or -1 (ENODEV: the group has no controller that could tell). */
int cgroup_watch(struct cgroup_watch *watch, const struct cgroup *group, enum cgroup_event what, struct err *err);
/** After watch->fd became readable: 1 if the value changed since the last read, 0 if not, -1 (ENODEV: the group is gone). */
int cgroup_watch_read(struct cgroup_watch *watch, uint64_t *value, struct err *err);
void cgroup_unwatch(struct cgroup_watch *watch);

#endif

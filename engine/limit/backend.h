/** Where v1 and v2 differ in how a thing is done: one table of functions each. Private to this room. */
#ifndef ENGINE_LIMIT_BACKEND_H
#define ENGINE_LIMIT_BACKEND_H

#include "engine/limit/events.h"
#include "engine/limit/group.h"

struct cgroup_backend {
    const char *threads;        /* the file that takes and lists threads */
    const char *freeze[2];      /* the freezer's file, and what stops it; */
    const char *thaw;           /* what lets it go on */
    const char *throttled_time; /* its key in cpu.stat */
    unsigned throttled_ns;      /* nanoseconds in one of its units */
    const char *oom_file;       /* where "oom_kill N" is */
    int (*frozen)(const struct cgroup *group, struct err *err);
    /* Why a move failed, where errno alone would mislead; nothing otherwise. */
    void (*explain_move)(const struct cgroup *group, int code, struct err *err);
    /* Wait up to @timeout_ms for the frozen state to change. */
    void (*wait_frozen)(const struct cgroup *group, int timeout_ms);
    /* Hand the controllers on from @parent. */
    int (*enable)(const struct cgroup *parent, const char *const *controllers, size_t count, struct err *err);
    /* Events: set watch->fd, and say what the watch's value is now. */
    int (*watch_oom)(struct cgroup_watch *watch, struct err *err);
    int (*watch_populated)(struct cgroup_watch *watch, struct err *err);
    int (*oom)(struct cgroup_watch *watch, uint64_t *value, struct err *err);
    int (*populated)(struct cgroup_watch *watch, uint64_t *value, struct err *err);
};

extern const struct cgroup_backend cgroup_v1, cgroup_v2;
static inline const struct cgroup_backend *backend_of(const struct cgroup *group)
{
    return group->hierarchy->v2 ? &cgroup_v2 : &cgroup_v1;
}

/** Milliseconds of a clock that only goes on. */
int64_t cgroup_now(void);

/** A timer of CGROUP_LOOK_MS, running. */
int cgroup_timer(struct err *err);

/** Wait until every process in the list of @fd's directory has ended or left: their pidfds. At most @timeout_ms. Returns how many there were at first, or -1. */
int cgroup_wait_members(int dir, int timeout_ms);

#endif

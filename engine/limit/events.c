#include "engine/limit/events.h"

#include "engine/base/cleanup.h"
#include "engine/limit/backend.h"

#include <fcntl.h>
#include <sys/timerfd.h>

int cgroup_timer(struct err *err)
{
    struct itimerspec every = { .it_interval.tv_nsec = CGROUP_LOOK_MS * 1000000L,
                                .it_value.tv_nsec = CGROUP_LOOK_MS * 1000000L };
    cleanup_close int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) < 0)
        return err_set(err, errno, "timerfd_create");
    return take_fd(&fd);
}

static int watch_throttled(struct cgroup_watch *watch, struct err *err)
{
    watch->fd = cgroup_timer(err);
    return watch->fd < 0 ? -1 : 0;
}

static int throttled(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    uint64_t times, usec;
    if (read(watch->fd, &times, sizeof times) < 0 && errno != EAGAIN)
        return err_set(err, errno, "read timerfd");
    return cgroup_throttled(&watch->group, value, &usec, err);
}

static int look(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    const struct cgroup_backend *backend = backend_of(&watch->group);
    switch (watch->what) {
    case CGROUP_OOM:
        return backend->oom(watch, value, err);
    case CGROUP_THROTTLED:
        return throttled(watch, value, err);
    case CGROUP_POPULATED:
        return backend->populated(watch, value, err);
    }
    return err_set(err, EINVAL, "watch cgroup `%s`", watch->group.path);
}

int cgroup_watch(struct cgroup_watch *watch, const struct cgroup *group, enum cgroup_event what, struct err *err)
{
    const struct cgroup_backend *backend = backend_of(group);
    *watch = (struct cgroup_watch){ .what = what, .fd = -1, .group = *group, .timer = -1, .member = -1 };
    watch->group.dir = fcntl(group->dir, F_DUPFD_CLOEXEC, 0);
    int result = watch->group.dir < 0       ? err_set(err, errno, "watch cgroup `%s`", group->path)
                 : what == CGROUP_OOM       ? backend->watch_oom(watch, err)
                 : what == CGROUP_POPULATED ? backend->watch_populated(watch, err)
                                            : watch_throttled(watch, err);
    if (result == 0)
        result = look(watch, &watch->value, err);
    if (result < 0)
        cgroup_unwatch(watch);
    return result;
}

int cgroup_watch_read(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    struct err why = { 0 };
    if (look(watch, value, &why) < 0) {
        if (err)
            *err = why;
        if (err && why.code == ENOENT)
            err->code = ENODEV;
        return -1;
    }
    bool changed = *value != watch->value;
    watch->value = *value;
    return changed;
}

void cgroup_unwatch(struct cgroup_watch *watch)
{
    const int fds[] = { watch->fd, watch->timer, watch->member, watch->group.dir };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    watch->fd = watch->timer = watch->member = watch->group.dir = -1;
}

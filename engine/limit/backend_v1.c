/* cgroup v1: a hierarchy a controller, events by eventfd, no event for a freezer or an empty group. */
#include "engine/limit/backend.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int frozen(const struct cgroup *group, struct err *err)
{
    char state[32];
    if (cgroup_get(group, "freezer.state", state, sizeof state, err) < 0)
        return -1;
    return strcmp(state, "FROZEN\n") == 0;
}

/* The state is worked out anew each time it is read, and nothing tells when that would be worth while. */
static void wait_frozen(const struct cgroup *group, int timeout_ms)
{
    poll(NULL, 0, timeout_ms < 2 ? timeout_ms : 2);
}

static void explain_move(const struct cgroup *group, int code, struct err *err)
{
    char text[4096];
    if (code == ENOSPC && cgroup_get(group, "cpuset.cpus", text, sizeof text, NULL) >= 0)
        err_say(err, code,
                "move into cgroup `%s/%s`: its cpuset.cpus or cpuset.mems is empty, so nothing in it could run "
                "anywhere; write both first",
                group->hierarchy->mount, group->path);
}

static int enable(const struct cgroup *parent, const char *const *controllers, size_t count, struct err *err)
{
    return 0; /* a v1 group has its hierarchy's controllers from the start */
}

static int watch_oom(struct cgroup_watch *watch, struct err *err)
{
    cleanup_close int file = openat(watch->group.dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return err_set(err, ENODEV, "watch for memory of cgroup `%s`", watch->group.path);
    char line[64];
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd < 0)
        return err_set(err, errno, "eventfd");
    snprintf(line, sizeof line, "%d %d", watch->fd, file);
    return cgroup_set(&watch->group, "cgroup.event_control", line, err);
}

static int oom(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    uint64_t more = 0;
    if (read(watch->fd, &more, sizeof more) < 0 && errno != EAGAIN)
        return err_set(err, errno, "read eventfd");
    *value = watch->value + more;
    return 0;
}

/* An epoll of a timer and of one member's pidfd: the group is not empty before that one has ended or left, and the end is told at once. */
static int populated(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    pid_t one;
    uint64_t times;
    struct epoll_event event;
    while (epoll_wait(watch->fd, &event, 1, 0) == 1)
        if (event.data.fd == watch->timer) {
            if (read(watch->timer, &times, sizeof times) < 0)
                break;
        } else {
            close(watch->member);
            watch->member = -1;
        }
    ssize_t count = cgroup_members(&watch->group, false, &one, 1, err);
    if (count < 0)
        return -1;
    *value = count > 0;
    if (count > 0 && watch->member < 0 && (watch->member = sys_pidfd_open(one)) >= 0) {
        event = (struct epoll_event){ .events = EPOLLIN, .data.fd = watch->member };
        if (epoll_ctl(watch->fd, EPOLL_CTL_ADD, watch->member, &event) < 0) { /* a kernel without pidfds */
            close(watch->member);
            watch->member = -1;
        }
    }
    return 0;
}

static int watch_populated(struct cgroup_watch *watch, struct err *err)
{
    watch->fd = epoll_create1(EPOLL_CLOEXEC);
    watch->timer = cgroup_timer(err);
    if (watch->fd < 0 || watch->timer < 0)
        return err_set(err, errno, "epoll_create");
    struct epoll_event event = { .events = EPOLLIN, .data.fd = watch->timer };
    return epoll_ctl(watch->fd, EPOLL_CTL_ADD, watch->timer, &event) < 0 ? err_set(err, errno, "epoll_ctl") : 0;
}

const struct cgroup_backend cgroup_v1 = {
    .threads = "tasks",
    .freeze = { "freezer.state", "FROZEN" },
    .thaw = "THAWED",
    .throttled_time = "throttled_time",
    .throttled_ns = 1,
    .oom_file = "memory.oom_control",
    .frozen = frozen,
    .explain_move = explain_move,
    .wait_frozen = wait_frozen,
    .enable = enable,
    .watch_oom = watch_oom,
    .watch_populated = watch_populated,
    .oom = oom,
    .populated = populated,
};

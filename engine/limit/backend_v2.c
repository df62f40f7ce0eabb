/* cgroup v2: one tree, controllers handed down by subtree_control, events by inotify and poll. */
#include "engine/limit/backend.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

static int frozen(const struct cgroup *group, struct err *err)
{
    uint64_t value;
    return cgroup_number(group, "cgroup.events", "frozen", &value, err) < 0 ? -1 : (int)value;
}

static void wait_frozen(const struct cgroup *group, int timeout_ms)
{
    char text[256];
    cleanup_close int fd = openat(group->dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
    struct pollfd event = { .fd = fd, .events = POLLPRI };
    /* The kernel reports a change since this fd's last read, so it is read, and the state looked at, before the wait. */
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        return;
    uint64_t is, wanted;
    if (cgroup_number(group, "cgroup.events", "frozen", &is, NULL) == 0 &&
        cgroup_number(group, "cgroup.freeze", NULL, &wanted, NULL) == 0 && is != wanted)
        poll(&event, 1, timeout_ms);
}

static void explain_move(const struct cgroup *group, int code, struct err *err)
{
    char text[512];
    if (code == EBUSY && cgroup_get(group, "cgroup.subtree_control", text, sizeof text, NULL) > 1)
        err_say(
            err, code,
            "move into cgroup `%s/%s`: it hands controllers on to groups below it (%.*s in cgroup.subtree_control), "
            "and on v2 such a group holds no processes; move into one below it",
            group->hierarchy->mount, group->path, (int)strcspn(text, "\n"), text);
    else if (code == EOPNOTSUPP)
        err_say(
            err, code,
            "move into cgroup `%s/%s`: it is threaded or an invalid domain (cgroup.type), and takes no whole process",
            group->hierarchy->mount, group->path);
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p += len)
        if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\n' || p[len] == '\0'))
            return true;
    return false;
}

static int enable(const struct cgroup *parent, const char *const *controllers, size_t count, struct err *err)
{
    char on[512];
    if (cgroup_get(parent, "cgroup.subtree_control", on, sizeof on, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char plus[64];
        struct err why = { 0 };
        if (has_word(on, controllers[i]))
            continue;
        snprintf(plus, sizeof plus, "+%s", controllers[i]);
        if (cgroup_set(parent, "cgroup.subtree_control", plus, &why) == 0)
            continue;
        pid_t one;
        ssize_t members = cgroup_members(parent, false, &one, 1, NULL);
        if (why.code == EBUSY && members > 0)
            return err_say(
                err, EBUSY,
                "hand controller `%s` on from cgroup `%s/%s`: %zd processes are in that group itself, and v2 "
                "allows processes or controllers for children, not both; move them into a group below it",
                controllers[i], parent->hierarchy->mount, parent->path, members);
        if (why.code == ENOENT)
            return err_say(err, ENODEV,
                           "hand controller `%s` on from cgroup `%s/%s`: the group does not have it itself "
                           "(cgroup.controllers)",
                           controllers[i], parent->hierarchy->mount, parent->path);
        if (err)
            *err = why;
        return -1;
    }
    return 0;
}

static int watch_file(struct cgroup_watch *watch, const char *file, struct err *err)
{
    char path[PATH_MAX];
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0)
        return err_set(err, errno, "inotify_init1");
    snprintf(path, sizeof path, "%s/%s/%s", watch->group.hierarchy->mount, watch->group.path, file);
    return inotify_add_watch(watch->fd, path, IN_MODIFY) < 0
               ? err_set(err, errno == ENOENT ? ENODEV : errno, "watch `%s`", path)
               : 0;
}

static int watch_oom(struct cgroup_watch *watch, struct err *err)
{
    return watch_file(watch, "memory.events", err);
}

static int watch_populated(struct cgroup_watch *watch, struct err *err)
{
    return watch_file(watch, "cgroup.events", err);
}

static int take(struct cgroup_watch *watch, const char *file, const char *key, uint64_t *value, struct err *err)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch->fd, events, sizeof events) > 0) {
    }
    return cgroup_number(&watch->group, file, key, value, err);
}

static int oom(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    return take(watch, "memory.events", "oom", value, err);
}

static int populated(struct cgroup_watch *watch, uint64_t *value, struct err *err)
{
    return take(watch, "cgroup.events", "populated", value, err);
}

const struct cgroup_backend cgroup_v2 = {
    .threads = "cgroup.threads",
    .freeze = { "cgroup.freeze", "1" },
    .thaw = "0",
    .throttled_time = "throttled_usec",
    .throttled_ns = 1000,
    .oom_file = "memory.events",
    .frozen = frozen,
    .explain_move = explain_move,
    .wait_frozen = wait_frozen,
    .enable = enable,
    .watch_oom = watch_oom,
    .watch_populated = watch_populated,
    .oom = oom,
    .populated = populated,
};

#include "engine/isolate/enter.h"

#include "engine/base/cleanup.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <sched.h>

static bool entered(const struct isolate_namespace *ns)
{
    return ns->fd < 0 || setns(ns->fd, ns->flag) == 0;
}

int isolate_enter(const struct isolate_namespace *list, size_t count, struct err *err)
{
    bool done[NAMESPACE_KINDS * 2] = { false };
    if (count > sizeof done)
        return err_say(err, E2BIG, "setns: %zu namespaces asked for, there are only %d kinds", count, NAMESPACE_KINDS);
    for (size_t i = 0; i < count; i++)
        done[i] = list[i].flag != CLONE_NEWUSER && entered(&list[i]);
    for (size_t i = 0; i < count; i++)
        if (list[i].flag == CLONE_NEWUSER) {
            done[i] = entered(&list[i]);
            if (!done[i] && !list[i].optional)
                return err_set(err, errno, "setns into `%s`", list[i].name);
        }
    for (size_t i = 0; i < count; i++)
        if (!done[i] && !entered(&list[i]) && !list[i].optional)
            return err_set(err, errno, "setns into `%s`", list[i].name);
    return 0;
}

int isolate_enter_process(pid_t pid, int pidfd, int flags, int optional, struct err *err)
{
    if (pidfd >= 0 && (setns(pidfd, flags | optional) == 0 || (optional && setns(pidfd, flags) == 0)))
        return 0;
    struct isolate_namespace list[NAMESPACE_KINDS];
    char paths[NAMESPACE_KINDS][64];
    int result = 0;
    size_t count = 0;
    for (; count < NAMESPACE_KINDS; count++) {
        const struct namespace_kind *kind = &namespace_kinds[count];
        list[count] = (struct isolate_namespace){ kind->flag, -1, paths[count], (optional & kind->flag) != 0 };
        snprintf(paths[count], sizeof paths[count], "/proc/%d/ns/%s", pid, kind->name);
        if (!((flags | optional) & kind->flag))
            continue;
        list[count].fd = open(paths[count], O_RDONLY | O_CLOEXEC);
        bool may_lack = kind->flag == CLONE_NEWTIME || kind->flag == CLONE_NEWCGROUP;
        if (list[count].fd < 0 && !list[count].optional && !(may_lack && errno == ENOENT)) {
            result = err_set(err, errno, "open `%s`", paths[count]);
            break;
        }
    }
    if (result == 0)
        result = isolate_enter(list, count, err);
    for (size_t i = 0; i < count; i++)
        cleanup_closep(&list[i].fd);
    return result;
}

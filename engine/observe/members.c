#include "engine/observe/members.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define PROCESSES_MAX 4096

/* @levels: of pid namespaces above that of the init asked for. */
static bool read_member(pid_t pid, unsigned levels, struct observe_member *member)
{
    struct observe_process process;
    if (observe_process(pid, &process, NULL) < 0 || process.depth <= levels)
        return false;
    *member = (struct observe_member){ .pid = pid, .ppid = process.ppid, .state = process.state };
    for (unsigned i = levels; i < process.depth && member->numbers < MEMBER_NUMBERS; i++)
        member->number[member->numbers++] = process.nspid[i];
    snprintf(member->name, sizeof member->name, "%.*s", (int)sizeof member->name - 1, process.command);
    return observe_namespaces(pid, member->inode, NULL) == 0;
}

static void put_below(const struct observe_member *from, size_t count, bool *taken, pid_t parent, unsigned indent,
                      struct observe_member *to, size_t *at)
{
    for (size_t i = 0; i < count; i++) {
        if (taken[i] || from[i].ppid != parent)
            continue;
        taken[i] = true;
        to[*at] = from[i];
        to[(*at)++].indent = indent;
        put_below(from, count, taken, from[i].pid, indent + 1, to, at);
    }
}

static bool is_listed(const struct observe_member *list, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].pid == pid)
            return true;
    return false;
}

/* By pid as they come; a pid that started anew from small numbers may have a parent with a larger one. */
static int order(struct observe_member *list, size_t count, struct err *err)
{
    cleanup_free struct observe_member *from = malloc((count + 1) * sizeof *from);
    cleanup_free bool *taken = calloc(count + 1, sizeof *taken);
    size_t at = 0;
    if (!from || !taken)
        return err_set(err, ENOMEM, "list processes");
    memcpy(from, list, count * sizeof *from);
    for (size_t i = 0; i < count; i++) {
        if (taken[i] || is_listed(from, count, from[i].ppid))
            continue;
        taken[i] = true;
        list[at] = from[i];
        list[at++].indent = 0;
        put_below(from, count, taken, from[i].pid, 1, list, &at);
    }
    for (size_t i = 0; i < count; i++) /* read at different moments, parents can go round in a ring */
        if (!taken[i])
            list[at++] = from[i];
    return 0;
}

ssize_t observe_members(pid_t init, struct observe_member *list, size_t max, size_t *total, struct err *err)
{
    static const size_t room = PROCESSES_MAX;
    struct observe_process first;
    *total = 0;
    if (observe_process(init, &first, err) < 0)
        return -1;
    cleanup_free pid_t *pids = malloc(room * sizeof *pids);
    if (!pids)
        return err_set(err, ENOMEM, "list processes");
    ssize_t found = observe_processes_below(init, pids, room, err);
    if (found < 0)
        return -1;
    size_t count = 0, gone = 0, all = (size_t)found, skipped = all > max ? all - max : 0;
    for (size_t i = 0; i < all; i++) {
        if (skipped && i == max / 2)
            i += skipped;
        if (i < all && read_member(pids[i], first.depth - 1, &list[count]))
            count++;
        else
            gone++;
    }
    *total = all - gone;
    return order(list, count, err) < 0 ? -1 : (ssize_t)count;
}

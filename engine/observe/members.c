#include "engine/observe/members.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PROCESSES_MAX 4096
#define PROCESSES_FEW 300 /* so many can be looked at in a few ms */
#define CHILDREN_DEEPEST 64

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

/* How many processes the machine has: proc(5) counts one link for each. */
static size_t machine_processes(void)
{
    struct stat st;
    return stat("/proc", &st) == 0 ? st.st_nlink : 0;
}

struct walk {
    pid_t *pids;
    size_t count, max;
    uint64_t seen_below[64], seen_other[64]; /* pid namespaces met: those below the one asked for, and the others */
    size_t below_count, other_count;
    uint64_t top;
};

static bool is_known(const uint64_t *list, size_t count, uint64_t inode)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == inode)
            return true;
    return false;
}

/* In the pid namespace asked for or below it. */
static bool belongs(struct walk *walk, pid_t pid)
{
    char path[32];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
    if (stat(path, &st) < 0 || is_known(walk->seen_other, walk->other_count, st.st_ino))
        return false;
    if (st.st_ino == walk->top || is_known(walk->seen_below, walk->below_count, st.st_ino))
        return true;
    bool below = observe_pid_is_below(pid, walk->top);
    uint64_t *list = below ? walk->seen_below : walk->seen_other;
    size_t *count = below ? &walk->below_count : &walk->other_count;
    if (*count < sizeof walk->seen_below / sizeof *walk->seen_below)
        list[(*count)++] = st.st_ino;
    return below;
}

/* @pid's children and theirs. False where the kernel does not tell them. */
static bool walk_children(struct walk *walk, pid_t pid, unsigned depth)
{
    char path[96], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    cleanup_dir DIR *tasks = opendir(path);
    const struct dirent *task;
    if (!tasks)
        return true; /* it has just ended */
    while ((task = readdir(tasks))) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.32s/children", task->d_name);
        cleanup_close int fd = openat(dirfd(tasks), path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (n < 0) {
            if (errno == ENOENT && faccessat(dirfd(tasks), task->d_name, F_OK, 0) == 0)
                return false;
            continue;
        }
        text[n] = '\0';
        char *at = text;
        for (long child; depth < CHILDREN_DEEPEST && (child = strtol(at, &at, 10)) > 0;) {
            if (walk->count < walk->max && belongs(walk, (pid_t)child))
                walk->pids[walk->count++] = (pid_t)child;
            if (!walk_children(walk, (pid_t)child, depth + 1))
                return false;
        }
    }
    return true;
}

static int by_pid(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

/* On a machine with thousands of processes looking at each takes too long: who made the container and its init have started nearly all that is in it. */
static ssize_t list_family(pid_t init, pid_t maker, pid_t *pids, size_t max)
{
    uint64_t inode[NAMESPACE_KINDS];
    if (maker <= 1 || observe_namespaces(init, inode, NULL) < 0)
        return -1;
    struct walk walk = { .pids = pids, .max = max, .top = inode[namespace_find("pid")] };
    if (!walk.top || !walk_children(&walk, maker, 0))
        return -1;
    qsort(pids, walk.count, sizeof *pids, by_pid);
    return (ssize_t)walk.count;
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
    ssize_t found = machine_processes() > PROCESSES_FEW ? list_family(init, first.ppid, pids, room) : -1;
    if (found <= 0)
        found = observe_processes_below(init, pids, room, err);
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

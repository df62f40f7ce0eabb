#include "engine/observe/observe.h"

#include "engine/base/cleanup.h"
#include "engine/observe/proc.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct namespace_kind namespace_kinds[NAMESPACE_KINDS] = {
    { "mnt", CLONE_NEWNS, "mount", "its own mount table" },
    { "pid", CLONE_NEWPID, "pid", "its own process numbers; the first process is 1" },
    { "net", CLONE_NEWNET, "network", "its own links, addresses, routes and ports" },
    { "ipc", CLONE_NEWIPC, "ipc", "its own message queues, semaphores and shared memory" },
    { "uts", CLONE_NEWUTS, "uts", "its own host name" },
    { "user", CLONE_NEWUSER, "user", "its own user ids: root in it is somebody else outside" },
    { "cgroup", CLONE_NEWCGROUP, "cgroup", "its own cgroup root: the group it is in shows as `/`" },
    { "time", CLONE_NEWTIME, "time", "its own boot and monotonic clocks" },
};

size_t namespace_find(const char *kind)
{
    size_t i = 0;
    while (i < NAMESPACE_KINDS && strcmp(namespace_kinds[i].name, kind) != 0 &&
           strcmp(namespace_kinds[i].word, kind) != 0)
        i++;
    return i;
}

int observe_namespaces(pid_t pid, uint64_t inodes[NAMESPACE_KINDS], struct err *err)
{
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    bool gone = true;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char link[16];
        struct stat st;
        snprintf(link, sizeof link, "ns/%s", namespace_kinds[i].name);
        bool read = fstatat(dir, link, &st, 0) == 0;
        inodes[i] = read ? st.st_ino : 0;
        /* A zombie has given up some of its namespaces (ENOENT); only one that is reaped answers for none. */
        if (read || (errno != ENOENT && errno != ESRCH))
            gone = false;
    }
    return gone ? proc_gone(pid, err) : 0;
}

int observe_pid_for_children(pid_t pid, uint64_t *inode, struct err *err)
{
    struct stat st, own;
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    if (fstatat(dir, "ns/pid_for_children", &st, 0) == 0) {
        *inode = st.st_ino;
        return 0;
    }
    /* ENOENT both of a namespace without an init and of a process that has ended; the latter has no mount namespace either. */
    if (errno == ENOENT && fstatat(dir, "ns/mnt", &own, 0) == 0) {
        *inode = 0;
        return 0;
    }
    return errno == ENOENT ? proc_gone(pid, err) : err_set(err, errno, "read `/proc/%d/ns/pid_for_children`", pid);
}

/* What is known of each pid namespace met on a walk; there are few, and each is asked about once. */
struct known_namespaces {
    struct {
        uint64_t inode;
        bool below;
    } list[256];
    size_t count;
};

/* Is the pid namespace of /proc's entry @name (inode @inode) @top, or below it? Asks for parent after parent; the kernel ends that with EPERM above our
 * own namespace. */
static bool is_below(int proc, const char *name, uint64_t inode, uint64_t top)
{
    char link[32];
    snprintf(link, sizeof link, "%.10s/ns/pid", name);
    cleanup_close int at = openat(proc, link, O_RDONLY | O_CLOEXEC);
    struct stat st;
    /* The number may belong to another process by now. */
    if (at < 0 || fstat(at, &st) < 0 || st.st_ino != inode)
        return false;
    while (st.st_ino != top) {
        int parent = ioctl(at, NS_GET_PARENT);
        if (parent < 0)
            return false;
        close(at);
        at = parent;
        if (fstat(at, &st) < 0)
            return false;
    }
    return true;
}

bool observe_pid_is_below(pid_t pid, uint64_t top)
{
    char name[16];
    struct stat st;
    cleanup_close int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int dir = proc < 0 ? -1 : proc_open(pid, NULL);
    snprintf(name, sizeof name, "%d", pid);
    return dir >= 0 && fstatat(dir, "ns/pid", &st, 0) == 0 && is_below(proc, name, st.st_ino, top);
}

static bool known_below(struct known_namespaces *known, int proc, const char *name, uint64_t inode, uint64_t top)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->list[i].inode == inode)
            return known->list[i].below;
    bool below = is_below(proc, name, inode, top);
    if (known->count < sizeof known->list / sizeof *known->list) {
        known->list[known->count].inode = inode;
        known->list[known->count++].below = below;
    }
    return below;
}

ssize_t observe_processes_below(pid_t init, pid_t *pids, size_t max, struct err *err)
{
    cleanup_close int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return err_set(err, errno, "open `/proc`");
    char link[32];
    struct stat st;
    snprintf(link, sizeof link, "%d/ns/pid", init);
    if (fstatat(proc, link, &st, 0) < 0)
        return err_set(err, errno == ENOENT ? ESRCH : errno, "read `/proc/%d/ns/pid`", init);
    const uint64_t top = st.st_ino;
    struct known_namespaces known = { .count = 0 };
    size_t count = 0;
    /* One fstatat(2) a process decides nearly all of them; a process tree would not do: one that entered by setns has its parent outside. */
    struct proc_walk walk = { .fd = proc };
    const char *name;
    while ((name = proc_walk_next(&walk))) {
        snprintf(link, sizeof link, "%.10s/ns/pid", name);
        if (fstatat(proc, link, &st, 0) < 0)
            continue;
        if (st.st_ino != top && !known_below(&known, proc, name, st.st_ino, top))
            continue;
        if (count == max)
            return (ssize_t)count;
        pids[count++] = (pid_t)strtol(name, NULL, 10);
    }
    return walk.error ? err_set(err, walk.error, "read `/proc`") : (ssize_t)count;
}

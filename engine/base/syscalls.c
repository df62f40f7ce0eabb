#include "engine/base/syscalls.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's structures, spelled here where the distribution's headers may be older than the kernel they run on. */
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 8192
#endif

static pid_t raw_clone3(uint64_t flags, int *pidfd, int cgroupfd)
{
    struct clone_args args = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroupfd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD,
        .cgroup = cgroupfd >= 0 ? (uint64_t)cgroupfd : 0,
    };
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

pid_t sys_fork(uint64_t flags, int *pidfd)
{
    pid_t pid = raw_clone3(flags, pidfd, -1);
    if (pid >= 0 || errno != ENOSYS || (flags & CSIGNAL))
        return pid; /* clone(2) has the exit signal where clone3(2) has CLONE_NEWTIME */
    pid = (pid_t)syscall(SYS_clone, (unsigned long)flags | ((flags & CLONE_PARENT) ? 0 : SIGCHLD), NULL, NULL, NULL,
                         NULL);
    if (pid > 0 && pidfd) {
        *pidfd = sys_pidfd_open(pid);
        if (*pidfd < 0) {
            int saved = errno;
            kill(pid, SIGKILL);
            waitpid(pid, NULL, __WALL);
            errno = saved;
            return -1;
        }
    }
    return pid;
}

pid_t sys_fork_into_cgroup(uint64_t flags, int *pidfd, int cgroupfd)
{
    return raw_clone3(flags, pidfd, cgroupfd);
}

int sys_pidfd_open(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 || errno != ENOSYS)
        return fd;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    /* Not O_PATH: pidfd_send_signal takes a directory of /proc, but none opened so. */
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        errno = ESRCH;
    return fd;
}

int sys_pidfd_signal(int pidfd, int sig)
{
    int r = (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
    if (r == 0 || errno != ENOSYS)
        return r;
    /* What the fd is of: its own pidfd fdinfo, or the /proc directory's name. Reading `stat` through the directory fails once it has gone. */
    char path[64], target[64];
    pid_t pid = -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", pidfd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    if (sscanf(target, "/proc/%d", &pid) == 1) {
        cleanup_close int alive = openat(pidfd, "stat", O_RDONLY | O_CLOEXEC);
        char byte;
        if (alive < 0 || read(alive, &byte, 1) != 1) {
            errno = ESRCH;
            return -1;
        }
    } else {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
        cleanup_file FILE *info = fopen(path, "re");
        char line[128];
        while (info && fgets(line, sizeof line, info))
            if (sscanf(line, "Pid: %d", &pid) == 1)
                break;
    }
    if (pid <= 0) {
        errno = ESRCH;
        return -1;
    }
    return kill(pid, sig);
}

static int close_span(unsigned first, unsigned last)
{
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
        return 0;
    if (errno != ENOSYS)
        return -1;
    cleanup_dir DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char *end;
        unsigned long fd = strtoul(entry->d_name, &end, 10);
        if (end != entry->d_name && *end == '\0' && fd >= first && fd <= last && (int)fd != dirfd(dir))
            close((int)fd);
    }
    return 0;
}

int sys_close_from(int first, const int *keep, size_t keep_count)
{
    unsigned from = (unsigned)first;
    for (size_t i = 0; i < keep_count; i++) {
        if (keep[i] < (int)from)
            continue;
        if (keep[i] > (int)from && close_span(from, (unsigned)keep[i] - 1) < 0)
            return -1;
        from = (unsigned)keep[i] + 1;
    }
    return close_span(from, UINT_MAX);
}

int sys_open_tree(int dirfd, const char *path, bool recursive)
{
    return (int)syscall(SYS_open_tree, dirfd, path,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
}

int sys_move_mount(int mountfd, int dirfd, const char *path)
{
    return (int)syscall(SYS_move_mount, mountfd, "", dirfd, path,
                        MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
}

/* A /proc/self/fd path of @dirfd/@path, for the old mount calls that only take strings. *@fd keeps it open. @flags may hold O_NOFOLLOW. */
static int fd_path(int dirfd, const char *path, int flags, int *fd, char buf[static 64])
{
    *fd = *path ? openat(dirfd, path, O_PATH | O_CLOEXEC | flags) : fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
    if (*fd < 0)
        return -1;
    snprintf(buf, 64, "/proc/self/fd/%d", *fd);
    return 0;
}

int sys_bind(int from, const char *from_path, int to, const char *to_path, bool recursive)
{
    cleanup_close int tree = sys_open_tree(from, from_path, recursive);
    if (tree >= 0 && sys_move_mount(tree, to, to_path) == 0)
        return 0;
    if (errno != ENOSYS)
        return -1;
    cleanup_close int source = -1, target = -1;
    char source_path[64], target_path[64];
    struct stat a, b;
    if (fd_path(from, from_path, 0, &source, source_path) < 0 ||
        fd_path(to, to_path, O_NOFOLLOW, &target, target_path) < 0 || fstat(source, &a) < 0 || fstat(target, &b) < 0)
        return -1;
    if (S_ISDIR(a.st_mode) != S_ISDIR(b.st_mode)) {
        errno = EINVAL; /* as move_mount says; mount would say ENOTDIR */
        return -1;
    }
    return mount(source_path, target_path, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL);
}

static const struct {
    uint64_t attribute;
    unsigned long flag, statvfs;
} mount_flags[] = {
    { MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY },
    { MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID },
    { MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV },
    { MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC },
    { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME },
    { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW, ST_NOSYMFOLLOW },
};

/* Access times are one choice of three, not bits: to change it, all of MOUNT_ATTR__ATIME is to be cleared. */
static unsigned long atime_flag(uint64_t set, uint64_t clear, unsigned long now)
{
    uint64_t choice = set & MOUNT_ATTR__ATIME;
    if (!(clear & MOUNT_ATTR__ATIME))
        return now & ST_NOATIME ? MS_NOATIME : now & ST_RELATIME ? MS_RELATIME : MS_STRICTATIME;
    return choice == MOUNT_ATTR_NOATIME ? MS_NOATIME : choice == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : MS_RELATIME;
}

static int remount(int dirfd, const char *path, uint64_t set, uint64_t clear)
{
    cleanup_close int fd = -1;
    char target[64];
    struct statvfs now;
    if (fd_path(dirfd, path, 0, &fd, target) < 0 || fstatvfs(fd, &now) < 0)
        return -1;
    unsigned long flags = MS_REMOUNT | MS_BIND | atime_flag(set, clear, now.f_flag);
    uint64_t known = MOUNT_ATTR__ATIME;
    for (size_t i = 0; i < sizeof mount_flags / sizeof *mount_flags; i++) {
        known |= mount_flags[i].attribute;
        if ((set & mount_flags[i].attribute) ||
            ((now.f_flag & mount_flags[i].statvfs) && !(clear & mount_flags[i].attribute)))
            flags |= mount_flags[i].flag;
    }
    uint64_t atime = clear & MOUNT_ATTR__ATIME;
    if (((set | clear) & ~known) || (atime && atime != MOUNT_ATTR__ATIME) || ((set & MOUNT_ATTR__ATIME) && !atime)) {
        errno = EINVAL; /* as mount_setattr says */
        return -1;
    }
    return mount(NULL, target, NULL, flags, NULL);
}

static int raw_mount_setattr(int dirfd, const char *path, bool recursive, struct mount_attr *attr)
{
    return (int)syscall(SYS_mount_setattr, dirfd, path, (recursive ? AT_RECURSIVE : 0) | (*path ? 0 : AT_EMPTY_PATH),
                        attr, sizeof *attr);
}

int sys_mount_attr(int dirfd, const char *path, uint64_t set, uint64_t clear, bool recursive)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear };
    if (raw_mount_setattr(dirfd, path, recursive, &attr) == 0)
        return 0;
    if (errno != ENOSYS || recursive)
        return -1;
    return remount(dirfd, path, set, clear);
}

int sys_mount_idmap(int mountfd, int userns, bool recursive)
{
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
    return raw_mount_setattr(mountfd, "", recursive, &attr);
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

#include "engine/base/open.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct policy {
    uint64_t flags, resolve;
} policies[OPEN_POLICIES] = {
    [OPEN_ROOT_DIRECTORY] = { O_PATH | O_DIRECTORY, 0 },
    [OPEN_IN_ROOT_PATH] = { O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_LEAF] = { O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_READ] = { O_RDONLY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_DIRECTORY] = { O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_CREATE] = { O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_STRICT_READ] = { O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV },
};

#define MAX_LINKS 40 /* as the kernel's MAXSYMLINKS */

/* A path still to be walked, in one buffer: components are cut off its front, link targets put before what is left. */
struct walk {
    char rest[PATH_MAX];
    int links;
};

static int walk_push(struct walk *walk, const char *target)
{
    size_t before = strlen(target), left = strlen(walk->rest);
    if (before + 1 + left >= sizeof walk->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(walk->rest + before + 1, walk->rest, left + 1);
    memcpy(walk->rest, target, before);
    walk->rest[before] = '/';
    return 0;
}

/* The parent for `..`: never above the root. Compared by identity, since @at may be the root by another route. */
static int walk_up(int root, int at)
{
    struct stat a, r;
    if (fstat(at, &a) < 0 || fstat(root, &r) < 0)
        return -1;
    if (a.st_dev == r.st_dev && a.st_ino == r.st_ino)
        return openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Links on procfs may be magic: their text is not what they lead to. */
static bool on_procfs(int fd)
{
    char path[64], target[16];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target);
    return n >= 5 && memcmp(target, "/proc", 5) == 0 && (n == 5 || target[5] == '/');
}

/* openat2 by hand, for kernels and filters without it. Only the RESOLVE_ bits the policy table uses. */
static int open_by_walking(int root, const char *path, const struct policy *policy)
{
    struct walk walk = { .links = 0 };
    bool strict = policy->resolve & RESOLVE_NO_SYMLINKS;
    struct stat root_stat;
    if (fstat(root, &root_stat) < 0)
        return -1;
    if (!*path) {
        errno = ENOENT;
        return -1;
    }
    if (strict && path[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    if (snprintf(walk.rest, sizeof walk.rest, "%s", path) >= (int)sizeof walk.rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    cleanup_close int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    char *next = walk.rest;
    for (;;) {
        next = walk.rest + strspn(walk.rest, "/");
        if (!*next) /* the path ends in a directory: reopen it as asked */
            return openat(at, ".", (int)(policy->flags & ~(uint64_t)(O_CREAT | O_TRUNC | O_NOFOLLOW)) | O_CLOEXEC);
        size_t len = strcspn(next, "/");
        char name[NAME_MAX + 1];
        if (len > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, next, len);
        name[len] = '\0';
        bool last = next[len + strspn(next + len, "/")] == '\0';
        bool wants_directory = next[len] == '/';
        memmove(walk.rest, next + len, strlen(next + len) + 1);

        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            if (strict) {
                struct stat here;
                if (fstat(at, &here) == 0 && here.st_dev == root_stat.st_dev && here.st_ino == root_stat.st_ino) {
                    errno = EXDEV;
                    return -1;
                }
            }
            int up = walk_up(root, at);
            if (up < 0)
                return -1;
            close(at);
            at = up;
            continue;
        }
        struct stat entry;
        if (fstatat(at, name, &entry, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT && last && (policy->flags & O_CREAT))
                return openat(at, name, (int)policy->flags | O_CLOEXEC | O_NOFOLLOW | O_EXCL, 0644);
            return -1;
        }
        if (strict && entry.st_dev != root_stat.st_dev) {
            errno = EXDEV;
            return -1;
        }
        if (S_ISLNK(entry.st_mode) && !(last && !wants_directory && (policy->flags & O_NOFOLLOW))) {
            char target[PATH_MAX];
            if (strict || on_procfs(at) || ++walk.links > MAX_LINKS) {
                errno = ELOOP;
                return -1;
            }
            ssize_t n = readlinkat(at, name, target, sizeof target - 1);
            if (n < 0)
                return -1;
            target[n] = '\0';
            if (walk_push(&walk, target) < 0)
                return -1;
            if (target[0] == '/') {
                int again = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (again < 0)
                    return -1;
                close(at);
                at = again;
            }
            continue;
        }
        if (last && !wants_directory)
            return openat(at, name, (int)policy->flags | O_CLOEXEC | O_NOFOLLOW, 0644);
        int down = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (down < 0)
            return -1;
        close(at);
        at = down;
    }
}

int open_policy(int dirfd, const char *path, enum open_policy which, struct err *err)
{
    const struct policy *policy = &policies[which];
    struct open_how how = {
        .flags = policy->flags | O_CLOEXEC,
        .mode = (policy->flags & O_CREAT) ? 0644 : 0,
        .resolve = policy->resolve,
    };
    int fd;
    if (policy->resolve == 0) {
        fd = openat(dirfd, path, (int)how.flags);
    } else {
        /* EAGAIN: a rename raced with a `..`; the kernel asks to be asked again. */
        int tries = 0;
        do
            fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        while (fd < 0 && errno == EAGAIN && ++tries < 32);
        if (fd < 0 && errno == ENOSYS) {
            cleanup_close int here = dirfd == AT_FDCWD ? open(".", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
            fd = open_by_walking(dirfd == AT_FDCWD ? here : dirfd, path, policy);
        }
    }
    if (fd < 0)
        return err_set(err, errno, "open `%s`", path);
    return fd;
}

int make_directories_in(int rootfd, const char *path, mode_t mode, struct err *err)
{
    char upto[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof upto)
        return err_set(err, ENAMETOOLONG, "mkdir `%s`", path);
    cleanup_close int at = open_policy(rootfd, ".", OPEN_IN_ROOT_DIRECTORY, err);
    if (at < 0)
        return -1;
    for (size_t i = 0; i < len;) {
        i += strspn(path + i, "/");
        size_t n = strcspn(path + i, "/");
        if (n == 0)
            break;
        memcpy(upto, path, i + n);
        upto[i + n] = '\0';
        char name[NAME_MAX + 1];
        if (n > NAME_MAX)
            return err_set(err, ENAMETOOLONG, "mkdir `%s`", upto);
        memcpy(name, path + i, n);
        name[n] = '\0';
        /* Never through a symlink made between the two calls: the parent is held by fd, and the open is under the root again. */
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && mkdirat(at, name, mode) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir `%s`", upto);
        int down = open_policy(rootfd, upto, OPEN_IN_ROOT_DIRECTORY, err);
        if (down < 0)
            return -1;
        close(at);
        at = down;
        i += n;
    }
    return 0;
}

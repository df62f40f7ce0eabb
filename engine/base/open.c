#include "engine/base/open.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static const struct policy {
    uint64_t flags, resolve;
} policies[OPEN_POLICIES] = {
    [OPEN_ROOT_DIRECTORY] = { O_PATH | O_DIRECTORY, 0 },
    [OPEN_IN_ROOT_PATH] = { O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_LEAF] = { O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_READ] = { O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_DIRECTORY] = { O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_IN_ROOT_CREATE] = { O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS },
    [OPEN_STRICT_READ] = { O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV },
};

#define MAX_LINKS 40 /* as the kernel's MAXSYMLINKS */

/* A path still to be walked, in one buffer: components are cut off its front, link targets put before what is left. And the way come so far, which holds
 * neither links nor `..`. */
struct walk {
    char rest[2 * PATH_MAX];
    char way[2 * PATH_MAX];
    int root, at; /* @at is where @way leads */
    long mount;   /* strict: everything must be on this mount */
    int links;
};

static int walk_push(struct walk *walk, const char *target)
{
    size_t before = strlen(target), left = strlen(walk->rest);
    if (before + left >= sizeof walk->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(walk->rest + before, walk->rest, left + 1); /* what is left starts with its slash, or is empty */
    memcpy(walk->rest, target, before);
    return 0;
}

static int walk_to(struct walk *walk, int fd)
{
    if (fd < 0)
        return -1;
    if (walk->at >= 0)
        close(walk->at);
    walk->at = fd;
    return 0;
}

static int walk_down(struct walk *walk, const char *name)
{
    return walk_to(walk, openat(walk->at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static int walk_to_root(struct walk *walk)
{
    walk->way[0] = '\0';
    return walk_to(walk, openat(walk->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* The parent for `..`: the way come without its last part, walked again from the root. Never the directory's own `..`, which leads out of the root if
 * somebody has moved the directory out of it meanwhile. */
static int walk_up(struct walk *walk)
{
    char way[sizeof walk->way];
    char *slash = strrchr(walk->way, '/');
    if (slash)
        *slash = '\0';
    memcpy(way, walk->way, sizeof way);
    if (walk_to_root(walk) < 0)
        return -1;
    memcpy(walk->way, way, sizeof way);
    char *rest = way;
    for (const char *name; (name = strsep(&rest, "/"));)
        if (*name && walk_down(walk, name) < 0)
            return -1;
    return 0;
}

/* Links on procfs are magic but for those at its top (`self`, `mounts`): their text is not what they lead to. */
static bool is_magic(int dir)
{
    struct statfs fs;
    struct stat st;
    return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(dir, &st) == 0 && st.st_ino != 1;
}

/* Which mount an fd is on. Not its device: a file bound over another of the same file system has that, too. */
static long mount_of(int fd)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    if (read_file_at(AT_FDCWD, path, text, sizeof text, NULL) < 0)
        return -1;
    const char *line = strstr(text, "mnt_id:");
    return line ? strtol(line + 7, NULL, 10) : -1;
}

static int same_mount(const struct walk *walk, int fd)
{
    if (mount_of(fd) == walk->mount)
        return 0;
    errno = EXDEV;
    return -1;
}

/* Cut the next component off the front. Returns 1, 0 at the end of the path, or -1. */
static int walk_next(struct walk *walk, char name[NAME_MAX + 1], bool *last, bool *wants_directory)
{
    char *next = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(next, "/");
    if (len > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, next, len);
    name[len] = '\0';
    *last = next[len + strspn(next + len, "/")] == '\0';
    *wants_directory = next[len] == '/';
    memmove(walk->rest, next + len, strlen(next + len) + 1);
    return len > 0;
}

static int walk_link(struct walk *walk, const char *name, bool strict)
{
    char target[PATH_MAX];
    if (strict || is_magic(walk->at) || ++walk->links > MAX_LINKS) {
        errno = ELOOP;
        return -1;
    }
    ssize_t n = readlinkat(walk->at, name, target, sizeof target - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    if (walk_push(walk, target) < 0)
        return -1;
    return target[0] == '/' ? walk_to_root(walk) : 0;
}

static int walk_into(struct walk *walk, const char *name, bool strict)
{
    size_t len = strlen(walk->way);
    if (snprintf(walk->way + len, sizeof walk->way - len, "/%s", name) >= (int)(sizeof walk->way - len)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (walk_down(walk, name) < 0)
        return -1;
    return strict ? same_mount(walk, walk->at) : 0;
}

static int walk_all(struct walk *walk, const struct policy *policy)
{
    bool strict = policy->resolve & RESOLVE_NO_SYMLINKS, creates = policy->flags & O_CREAT, last, wants_directory;
    char name[NAME_MAX + 1];
    for (;;) {
        int more = walk_next(walk, name, &last, &wants_directory);
        if (more < 0)
            return -1;
        if (!more) /* the path ends in a directory: reopen it as asked */
            return openat(walk->at, ".",
                          (int)(policy->flags & ~(uint64_t)(O_CREAT | O_TRUNC | O_NOFOLLOW)) | O_CLOEXEC);
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            if (strict && !walk->way[0]) {
                errno = EXDEV;
                return -1;
            }
            if (walk_up(walk) < 0)
                return -1;
            continue;
        }
        if (last && wants_directory && creates) {
            errno = EISDIR;
            return -1;
        }
        struct stat entry;
        if (fstatat(walk->at, name, &entry, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT && last && creates)
                return openat(walk->at, name, (int)policy->flags | O_CLOEXEC, 0644);
            return -1;
        }
        if (S_ISLNK(entry.st_mode) && !(last && !wants_directory && (policy->flags & O_NOFOLLOW))) {
            if (walk_link(walk, name, strict) < 0)
                return -1;
            continue;
        }
        if (last && !wants_directory) {
            cleanup_close int fd = openat(walk->at, name, (int)policy->flags | O_CLOEXEC | O_NOFOLLOW, 0644);
            if (fd < 0 || (strict && same_mount(walk, fd) < 0))
                return -1;
            return take_fd(&fd);
        }
        if (walk_into(walk, name, strict) < 0)
            return -1;
    }
}

/* openat2 by hand, for kernels and filters without it. Only the RESOLVE_ bits the policy table uses. */
static int open_by_walking(int root, const char *path, const struct policy *policy)
{
    struct walk walk = { .root = root, .at = -1 };
    if (!*path) {
        errno = ENOENT;
        return -1;
    }
    if ((policy->resolve & RESOLVE_BENEATH) && path[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(walk.rest, path);
    int fd = walk_to_root(&walk);
    if (fd == 0 && (policy->resolve & RESOLVE_NO_XDEV))
        walk.mount = mount_of(walk.at);
    if (fd == 0)
        fd = walk_all(&walk, policy);
    if (walk.at >= 0) {
        int saved = errno;
        close(walk.at);
        errno = saved;
    }
    return fd;
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

/** Opening paths by named policy, so that no caller spells RESOLVE_ bits. See openat2(2).
 *
 * Paths inside a root filesystem are always resolved by a policy of this table relative to an fd of that root; never by gluing strings.
 * Where the kernel has no openat2 (before 5.6, or a seccomp filter answers ENOSYS) the path is walked component by component, with
 * every symlink resolved by us under the same root: slower, the same answers.
 */
#ifndef ENGINE_BASE_OPEN_H
#define ENGINE_BASE_OPEN_H

#include "engine/base/err.h"

#include <stddef.h>
#include <sys/types.h>

enum open_policy {
    OPEN_ROOT_DIRECTORY, /* the root itself: any directory, symlinks followed, by the host's rules; gives O_PATH|O_DIRECTORY */
    OPEN_IN_ROOT_PATH,      /* O_PATH of anything; absolute paths, `..` and symlinks stay inside @dirfd */
    OPEN_IN_ROOT_LEAF,      /* as OPEN_IN_ROOT_PATH, but a symlink at the end is opened itself */
    OPEN_IN_ROOT_READ,      /* O_RDONLY of a file, resolved inside */
    OPEN_IN_ROOT_DIRECTORY, /* O_RDONLY|O_DIRECTORY, resolved inside */
    OPEN_IN_ROOT_CREATE,    /* O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW mode 0644, resolved inside */
    OPEN_STRICT_READ, /* O_RDONLY, no symlink anywhere, never above @dirfd, no mount crossed: for /proc and /sys */
    OPEN_POLICIES
};

/** Open @path relative to @dirfd by @policy. Always O_CLOEXEC. Returns the fd, or -1 with @err set (the path named, errno kept in code). */
int open_policy(int dirfd, const char *path, enum open_policy policy, struct err *err);

/** mkdir -p of @path inside the root @rootfd (parents resolved inside it). Existing directories are fine. Returns 0 or -1. */
int make_directories_in(int rootfd, const char *path, mode_t mode, struct err *err);

/** Read a whole (small) file into @buf, NUL-terminated; more than @size-1 bytes is ENOSPC. Returns the length or -1. */
ssize_t read_file_at(int dirfd, const char *path, char *buf, size_t size, struct err *err);

/** Write @text to an existing file in one write(2): for /proc and cgroup files. Returns 0 or -1. */
int write_file_at(int dirfd, const char *path, const char *text, struct err *err);

/** Make the directory @path, and those above it, where they are not there. Returns 0 or -1. */
int make_whole_path(const char *path, mode_t mode, struct err *err);
/** Write all @len bytes, however many write(2) takes at a time. Returns 0, or -1 with errno. */
int write_all(int fd, const void *bytes, size_t len);

/** Make the directories above @path that are not there, mode 0700. Returns 0 or -1. */
int make_directories_above(const char *path, struct err *err);
/** Replace @path by @len bytes so that a reader or a crash sees the old file or the new one: temp file beside it, fsync, rename. */
int replace_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err);
/** The same without the fsync: whole for every reader, but not across a power cut. For state that a reboot makes worthless. */
int replace_volatile_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

#endif

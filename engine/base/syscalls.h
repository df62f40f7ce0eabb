/** Thin wrappers of newer syscalls, each with a named fallback for kernels and seccomp filters that answer ENOSYS.
 *
 * All return as the syscall does (-1 and errno) and set O_CLOEXEC on every fd. tests/unit/base_fallback.c runs each under a seccomp
 * filter that makes the newer syscall fail with ENOSYS.
 */
#ifndef ENGINE_BASE_SYSCALLS_H
#define ENGINE_BASE_SYSCALLS_H

#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** fork(2) with namespace @flags (CLONE_NEW*, CLONE_PARENT). The child returns 0 on a copy of the stack. @pidfd may be NULL.
 * clone3(2); without it clone(2), and then pidfd_open(2) for @pidfd; a new time namespace clone(2) cannot make: ENOSYS. */
pid_t sys_fork(uint64_t flags, int *pidfd);

/** As sys_fork, the child born in cgroup v2 directory @cgroupfd (CLONE_INTO_CGROUP). ENOSYS where clone3 is absent: the caller then
 * moves the child by cgroup.procs. */
pid_t sys_fork_into_cgroup(uint64_t flags, int *pidfd, int cgroupfd);

/** pidfd_open(2). Without it: an fd of the directory /proc/PID, which sys_pidfd_signal also takes, and which does not poll. */
int sys_pidfd_open(pid_t pid);
/** pidfd_send_signal(2); for the fallback fd, kill(2) after checking that the directory is still alive. */
int sys_pidfd_signal(int pidfd, int sig);

/** close_range(2) of every fd >= @first except those in @keep (sorted ascending); without it a walk of /proc/self/fd. */
int sys_close_from(int first, const int *keep, size_t keep_count);

/** A detached copy of the mount at @dirfd/@path, AT_RECURSIVE if @recursive: open_tree(2). No fallback (ENOSYS): use sys_bind. */
int sys_open_tree(int dirfd, const char *path, bool recursive);
/** Attach a detached mount at @dirfd/@path ("" for the fd itself): move_mount(2). */
int sys_move_mount(int mountfd, int dirfd, const char *path);
/** Bind @from/@from_path (symlinks followed) at @to/@to_path (a symlink there is not followed) by fd. open_tree + move_mount; without them mount(MS_BIND) through /proc/self/fd. */
int sys_bind(int from, const char *from_path, int to, const char *to_path, bool recursive);

/** mount_setattr(2) on the mount at @dirfd/@path. @set and @clear are MOUNT_ATTR_* bits. Without it: mount(MS_REMOUNT|MS_BIND) with the
 * flags the mount already has (from statvfs), which cannot be recursive: then ENOSYS for @recursive. */
int sys_mount_attr(int dirfd, const char *path, uint64_t set, uint64_t clear, bool recursive);
/** Make the detached mount @mountfd show owners through user namespace @userns: MOUNT_ATTR_IDMAP. No fallback. */
int sys_mount_idmap(int mountfd, int userns, bool recursive);

/** pivot_root(2), which glibc does not wrap. */
int sys_pivot_root(const char *new_root, const char *put_old);

#endif

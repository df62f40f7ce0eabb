/* Namespaces: each is entered inside a user namespace, as in a lab, and something only it allows is done. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/userns.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Into a user namespace, and a namespace of kind @flag in it. */
static int enter(int flag, char *found, size_t size)
{
    if (host_enter_user_namespace(found, size) < 0)
        return -1;
    if (flag && unshare(flag) < 0) {
        host_fails(found, size, "unshare is refused");
        return -1;
    }
    return 0;
}

static enum host_answer try_userns(char *found, size_t size)
{
    if (enter(0, found, size) < 0 || host_enter_scratch(found, size) < 0)
        return HOST_NO;
    return host_say(HOST_YES, found, size, "root in one can mount");
}

static enum host_answer try_mntns(char *found, size_t size)
{
    if (enter(CLONE_NEWNS, found, size) < 0 || host_enter_scratch(found, size) < 0)
        return HOST_NO;
    return host_say(HOST_YES, found, size, "a mount in one stays in it");
}

static enum host_answer try_pidns(char *found, size_t size)
{
    if (enter(CLONE_NEWPID, found, size) < 0)
        return HOST_NO;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return host_fails(found, size, "pipe2");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int failed = getpid() != 1                                                                 ? -1
                     : mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0
                                                                                                   : errno;
        _exit(write(ends[1], &failed, sizeof failed) != (ssize_t)sizeof failed);
    }
    close(ends[1]);
    int failed;
    if (pid < 0 || read(ends[0], &failed, sizeof failed) != (ssize_t)sizeof failed)
        return host_fails(found, size, "the first process of one");
    waitpid(pid, NULL, 0);
    if (failed < 0)
        return host_say(HOST_NO, found, size, "the first process in one is not number 1");
    if (failed > 0)
        return host_say(
            HOST_PARTLY, found, size,
            "the first process is 1, but a fresh /proc is refused: %s (parts of /proc are covered, as in Docker?)",
            strerrordesc_np(failed));
    return host_say(HOST_YES, found, size, "the first process is 1 and gets a fresh /proc");
}

static enum host_answer try_netns(char *found, size_t size)
{
    if (enter(CLONE_NEWNET, found, size) < 0)
        return HOST_NO;
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return host_fails(found, size, "bring its loopback up");
    return host_say(HOST_YES, found, size, "its loopback comes up");
}

static enum host_answer try_ipcns(char *found, size_t size)
{
    if (enter(CLONE_NEWIPC, found, size) < 0)
        return HOST_NO;
    int queue = msgget(IPC_PRIVATE, 0600); /* ends with the namespace */
    if (queue < 0)
        return host_fails(found, size, "make a message queue in it");
    return host_say(HOST_YES, found, size, "a message queue in one stays in it");
}

static enum host_answer try_utsns(char *found, size_t size)
{
    if (enter(CLONE_NEWUTS, found, size) < 0)
        return HOST_NO;
    if (sethostname("teachroot-doctor", 16) < 0)
        return host_fails(found, size, "set its host name");
    return host_say(HOST_YES, found, size, "its host name can be set");
}

static enum host_answer try_cgroupns(char *found, size_t size)
{
    if (enter(CLONE_NEWCGROUP, found, size) < 0)
        return HOST_NO;
    return host_say(HOST_YES, found, size, "can be entered");
}

static enum host_answer try_timens(char *found, size_t size)
{
    if (enter(CLONE_NEWTIME, found, size) < 0)
        return HOST_NO;
    struct err err;
    struct timespec here, there;
    int ends[2];
    if (write_file_at(AT_FDCWD, "/proc/self/timens_offsets", "monotonic 86400 0\n", &err) < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return host_fails(found, size, "pipe2");
    clock_gettime(CLOCK_MONOTONIC, &here);
    pid_t pid = fork();
    if (pid == 0) {
        clock_gettime(CLOCK_MONOTONIC, &there);
        _exit(write(ends[1], &there, sizeof there) != (ssize_t)sizeof there);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], &there, sizeof there) != (ssize_t)sizeof there)
        return host_fails(found, size, "a process in one");
    waitpid(pid, NULL, 0);
    if (there.tv_sec - here.tv_sec < 86000)
        return host_say(HOST_NO, found, size, "its clock cannot be shifted");
    return host_say(HOST_YES, found, size, "its clock can be shifted");
}

#define IN_A_CHILD(name)                                                                                               \
    enum host_answer probe_##name(char *found, size_t size)                                                            \
    {                                                                                                                  \
        return host_try(try_##name, found, size);                                                                      \
    }
IN_A_CHILD(userns)
IN_A_CHILD(mntns)
IN_A_CHILD(pidns)
IN_A_CHILD(netns)
IN_A_CHILD(ipcns)
IN_A_CHILD(utsns)
IN_A_CHILD(cgroupns)
IN_A_CHILD(timens)

/* The map of a rootless lab, really written by newuidmap. */
static enum host_answer try_subuid(char *found, size_t size)
{
    struct id_map uids[2] = { { 0, geteuid(), 1 } }, gids[2] = { { 0, getegid(), 1 } };
    struct err err;
    char path[256];
    for (size_t i = 0; i < 2; i++)
        if (userns_sub_range(i ? "/etc/subgid" : "/etc/subuid", geteuid(), 65535, i ? &gids[1] : &uids[1], &err) < 0)
            return host_say(HOST_NO, found, size, "%.200s", err.message);
    if (!host_program("newuidmap", path, sizeof path) || !host_program("newgidmap", path, sizeof path))
        return host_say(HOST_NO, found, size, "no program newuidmap or newgidmap");
    uids[1].inside = gids[1].inside = 1;
    pid_t pid = sys_fork(CLONE_NEWUSER, NULL);
    if (pid < 0)
        return host_fails(found, size, "clone a user namespace");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    int result = userns_write_maps_by_helper(pid, uids, 2, gids, 2, &err);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (result < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    return host_say(HOST_YES, found, size, "ids %u to %u, mapped by newuidmap", uids[1].outside,
                    uids[1].outside + uids[1].count - 1);
}

enum host_answer probe_subuid(char *found, size_t size)
{
    if (geteuid() == 0)
        return host_say(HOST_YES, found, size, "root needs no range");
    return host_try(try_subuid, found, size);
}

#include "engine/isolate/spawn.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What goes over the barrier, each in one piece. */
struct word {
    enum { WORD_GO, WORD_RUNS_NEXT, WORD_FAILED } kind;
    struct err err; /* WORD_FAILED */
};

/* MSG_NOSIGNAL: the other may have died, and that is no reason to. */
static int say(int barrier, const struct word *word)
{
    ssize_t n;
    while ((n = send(barrier, word, sizeof *word, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
    }
    return n == (ssize_t)sizeof *word ? 0 : -1;
}

/* 1 if there was a word, 0 if the other's end is closed. */
static int hear(int barrier, struct word *word)
{
    ssize_t n;
    while ((n = recv(barrier, word, sizeof *word, 0)) < 0 && errno == EINTR) {
    }
    return n == (ssize_t)sizeof *word;
}

static void __attribute__((noreturn)) fail(int barrier, const struct err *err)
{
    struct word word = { .kind = WORD_FAILED, .err = *err };
    say(barrier, &word);
    _exit(127);
}

int isolate_clock_offsets(int64_t monotonic, int64_t boottime, struct err *err)
{
    /* The kernel takes both in one write, or each in its own; and only what is not 0 need be said. */
    char text[96] = "";
    size_t len = 0;
    if (monotonic)
        len = (size_t)snprintf(text, sizeof text, "monotonic %" PRId64 " 0\n", monotonic);
    if (boottime)
        snprintf(text + len, sizeof text - len, "boottime %" PRId64 " 0\n", boottime);
    return *text ? write_file_at(AT_FDCWD, "/proc/self/timens_offsets", text, err) : 0;
}

/* A time namespace is entered by the children of who made it: its offsets can only be set between the two. */
static int new_clocks(const struct isolate_spec *spec, struct err *err)
{
    if (unshare(CLONE_NEWTIME) < 0)
        return err_set(err, errno, "unshare the time namespace");
    if (isolate_clock_offsets(spec->monotonic, spec->boottime, err) < 0)
        return -1;
    cleanup_close int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
        return err_set(err, errno, "setns into the new time namespace");
    return 0;
}

static int become_root_inside(const struct isolate_spec *spec, struct err *err)
{
    if (!(spec->namespaces & CLONE_NEWUSER) || spec->maps == ISOLATE_MAPS_NONE)
        return 0;
    /* Where setgroups is denied there is nothing to drop them with. */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return err_set(err, errno, "setgroups");
    if ((setresgid(0, 0, 0) < 0 && errno != EINVAL) || (setresuid(0, 0, 0) < 0 && errno != EINVAL))
        return err_set(err, errno,
                       "become root in the user namespace"); /* EINVAL: 0 is not mapped, so it stays as it is */
    return 0;
}

static int make_mounts(const struct isolate_spec *spec, struct err *err)
{
    if (spec->namespaces & CLONE_NEWNS)
        if (isolate_propagation(spec->propagation ? spec->propagation : MS_PRIVATE, err) < 0)
            return -1;
    cleanup_close int place = open_policy(AT_FDCWD, spec->root ? spec->root : "/", OPEN_ROOT_DIRECTORY, err);
    if (place < 0)
        return -1;
    cleanup_close int root = spec->root ? isolate_root_mount(place, err) : take_fd(&place);
    if (root < 0)
        return -1;
    for (size_t i = 0; i < spec->mount_count; i++)
        if (isolate_mount(root, &spec->mounts[i], err) < 0)
            return -1;
    return spec->root ? isolate_pivot(root, spec->put_old, err) : 0;
}

static int set_stdio(const struct isolate_spec *spec, int *barrier, struct err *err)
{
    cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int stdio[3];
    int moved = fcntl(*barrier, F_DUPFD_CLOEXEC, 16);
    for (int i = 0; i < 3; i++) /* out of the way of each other first */
        stdio[i] = fcntl(spec->stdio[i] >= 0 ? spec->stdio[i] : null, F_DUPFD_CLOEXEC, 16);
    for (int i = 0; i < 3; i++)
        if (stdio[i] < 0 || dup2(stdio[i], i) < 0)
            return err_set(err, errno, "standard input and output");
    if (moved < 0)
        return err_set(err, errno, "keep the barrier");
    *barrier = moved;
    return 0;
}

/* Everything of the child between its birth and the program. */
static int prepare(const struct isolate_spec *spec, int *barrier, struct err *err)
{
    struct word word;
    /* The file descriptors are opened before the root, where /dev/null may be missing, is entered. */
    if (set_stdio(spec, barrier, err) < 0)
        return -1;
    if (!hear(*barrier, &word) || word.kind != WORD_GO)
        _exit(127); /* nobody left to tell */
    if (become_root_inside(spec, err) < 0)
        return -1;
    /* Changing ids has cleared what was asked of the kernel at birth. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_set(err, errno, "prctl PR_SET_PDEATHSIG");
    if (spec->namespaces & CLONE_NEWTIME && new_clocks(spec, err) < 0)
        return -1;
    if (spec->new_session && setsid() < 0)
        return err_set(err, errno, "setsid");
    if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
        return err_set(err, errno, "sethostname `%s`", spec->hostname);
    if ((spec->namespaces & CLONE_NEWNS || spec->root || spec->mount_count) && make_mounts(spec, err) < 0)
        return -1;
    if (spec->cwd && chdir(spec->cwd) < 0)
        return err_set(err, errno, "chdir to `%s`", spec->cwd);
    if (!spec->die_with_parent)
        prctl(PR_SET_PDEATHSIG, 0);
    if (sys_close_from(3, barrier, 1) < 0)
        return err_set(err, errno, "close_range");
    return 0;
}

static void __attribute__((noreturn)) child(const struct isolate_spec *spec, int barrier)
{
    struct err err = { 0 };
    struct word word = { .kind = WORD_RUNS_NEXT };
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* By the syscall itself: glibc keeps two signals to itself, which whoever started us may have ignored. All zero is SIG_DFL. */
    const unsigned long by_default[8] = { 0 };
    for (int i = 1; i < NSIG; i++)
        syscall(SYS_rt_sigaction, i, by_default, NULL, _NSIG / 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prepare(spec, &barrier, &err) < 0)
        fail(barrier, &err);
    if (say(barrier, &word) < 0)
        _exit(127);
    if (spec->env) {
        const char *path = NULL;
        for (size_t i = 0; spec->env[i]; i++)
            if (strncmp(spec->env[i], "PATH=", 5) == 0)
                path = spec->env[i] + 5;
        if (path)
            setenv("PATH", path, 1);
    }
    execvpe(spec->argv[0], (char *const *)(uintptr_t)spec->argv,
            spec->env ? (char *const *)(uintptr_t)spec->env : environ);
    err_set(&err, errno, "exec `%s`", spec->argv[0]);
    fail(barrier, &err);
}

static int write_maps(const struct isolate_spec *spec, pid_t pid, struct err *err)
{
    struct id_map one[2] = { { 0, geteuid(), 1 }, { 0, getegid(), 1 } }, range, maps[2][4];
    size_t counts[2];
    if (!(spec->namespaces & CLONE_NEWUSER))
        return 0;
    if (spec->deny_setgroups && spec->maps != ISOLATE_MAPS_SINGLE && userns_write_setgroups(pid, false, err) < 0)
        return -1;
    switch (spec->maps) {
    case ISOLATE_MAPS_NONE:
        return 0;
    case ISOLATE_MAPS_SINGLE:
        return userns_write_single_map(pid, geteuid(), getegid(), err);
    case ISOLATE_MAPS_DIRECT:
        return userns_write_maps(pid, spec->users, spec->user_count, spec->groups, spec->group_count, err);
    case ISOLATE_MAPS_HELPER:
        return userns_write_maps_by_helper(pid, spec->users, spec->user_count, spec->groups, spec->group_count, err);
    case ISOLATE_MAPS_AUTO:
        break;
    }
    for (int i = 0; i < 2; i++) {
        if (userns_sub_range(i == 0 ? "/etc/subuid" : "/etc/subgid", geteuid(), 1, &range, err) < 0)
            return -1;
        counts[i] = userns_punch(&one[i], &range, maps[i]);
    }
    return userns_write_maps_by_helper(pid, maps[0], counts[0], maps[1], counts[1], err);
}

/* The parent's side: let it go on, and hear how far it came. */
static int see_it_run(const struct isolate_spec *spec, pid_t pid, int barrier, struct err *err)
{
    struct word word = { .kind = WORD_GO };
    bool next = false;
    if (write_maps(spec, pid, err) < 0)
        return -1;
    if (say(barrier, &word) < 0)
        return err_say(err, ESRCH, "run `%s`: the new process died before it was let go", spec->argv[0]);
    while (hear(barrier, &word)) {
        if (word.kind == WORD_FAILED) {
            if (err)
                *err = word.err;
            return -1;
        }
        next = word.kind == WORD_RUNS_NEXT;
    }
    /* A closed end after that word is the exec's doing. */
    return next ? 0 : err_say(err, ESRCH, "run `%s`: the new process died on the way to it", spec->argv[0]);
}

pid_t isolate_spawn(const struct isolate_spec *spec, int *pidfd, struct err *err)
{
    int barrier[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, barrier) < 0)
        return err_set(err, errno, "socketpair");
    cleanup_close int ours = barrier[0];
    int own_pidfd = -1;
    /* The clocks of a namespace one is born in are set for good: that one is made by the child. */
    pid_t pid = sys_fork((uint64_t)(spec->namespaces & ~CLONE_NEWTIME), &own_pidfd);
    if (pid == 0) {
        close(barrier[0]);
        child(spec, barrier[1]);
    }
    int saved = errno;
    close(barrier[1]);
    if (pid < 0)
        return err_set(err, saved, "clone3 into new namespaces");
    cleanup_close int fd = own_pidfd;
    if (see_it_run(spec, pid, ours, err) < 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
        }
        return -1;
    }
    if (pidfd)
        *pidfd = take_fd(&fd);
    return pid;
}

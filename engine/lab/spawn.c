#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/enter.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define LAB_PATH LAB_TOOLS_DIR ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENTER_FLAGS (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

/* Built, never inherited. container=lxc is what debootstrap asks for before it does without mknod. */
static const char *const base_environment[] = {
    "PATH=" LAB_PATH,  "HOME=/root",   "USER=root",           "LOGNAME=root",
    "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=xterm-256color", "container=lxc",
};

int lab_root_fd(const struct lab *lab, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", lab->init);
    return open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, err);
}

int lab_open_pty(struct lab *lab, unsigned rows, unsigned cols, int *master, int *slave, struct err *err)
{
    cleanup_close int root = lab_root_fd(lab, err);
    if (root < 0)
        return -1;
    cleanup_close int pts = open_policy(root, "dev/pts", OPEN_IN_ROOT_DIRECTORY, err);
    struct statfs fs;
    if (pts < 0)
        return -1;
    /* The lab's root may have put anything there. */
    if (fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return err_say(err, ENODEV, "the lab's /dev/pts is no devpts any more: `reset` makes a new lab");
    cleanup_close int m = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (m < 0)
        return err_set(err, errno, "open `/dev/pts/ptmx` of the lab");
    int unlock = 0;
    if (ioctl(m, TIOCSPTLCK, &unlock) < 0)
        return err_set(err, errno, "unlock a pty");
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    ioctl(m, TIOCSWINSZ, &size);
    int s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s < 0)
        return err_set(err, errno, "open the pty's other end");
    *slave = s;
    *master = take_fd(&m);
    return 0;
}

/* What the child says when it cannot go on: an errno and where. Nothing at all (the pipe closes on exec) is success. */
struct spawn_failure {
    int code;
    char step[48];
    pid_t pid; /* code 0: the process was started, and this is its host pid */
};

static void __attribute__((noreturn)) spawn_fail(int fd, const char *step)
{
    struct spawn_failure failure = { .code = errno ? errno : EIO };
    snprintf(failure.step, sizeof failure.step, "%s", step);
    ssize_t n = write(fd, &failure, sizeof failure);
    (void)n;
    _exit(127);
}

static void default_signals(void)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static char **build_environment(const struct lab *lab, const char *const *extra)
{
    static char name[LAB_NAME_MAX + 16];
    size_t base = sizeof base_environment / sizeof *base_environment, extras = 0;
    while (extra && extra[extras])
        extras++;
    char **env = calloc(base + extras + 2, sizeof *env);
    if (!env)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < base; i++) {
        size_t key = strcspn(base_environment[i], "=") + 1;
        bool replaced = false;
        for (size_t k = 0; k < extras; k++)
            replaced |= strncmp(extra[k], base_environment[i], key) == 0;
        if (!replaced)
            env[n++] = (char *)(uintptr_t)base_environment[i];
    }
    snprintf(name, sizeof name, "TEACHROOT_LAB=%s", lab->record.name);
    env[n++] = name;
    for (size_t k = 0; k < extras; k++)
        env[n++] = (char *)(uintptr_t)extra[k];
    return env;
}

/* The last leg, in the lab's pid namespace. */
static void __attribute__((noreturn))
run_command(const struct lab *lab, const struct lab_command *command, int failure_fd)
{
    /* Before anything of the lab's can look at us: no leaked fd, no memory of the program's to read. */
    prctl(PR_SET_DUMPABLE, 0);
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        spawn_fail(failure_fd, "setgroups");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        spawn_fail(failure_fd, "become the lab's root");
    if (setsid() < 0)
        spawn_fail(failure_fd, "setsid");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int stdio[3];
    for (int i = 0; i < 3; i++) {
        stdio[i] = fcntl(command->stdio[i] >= 0 ? command->stdio[i] : null, F_DUPFD_CLOEXEC, 16);
        if (stdio[i] < 0)
            spawn_fail(failure_fd, "standard input and output");
    }
    int fail_fd = fcntl(failure_fd, F_DUPFD_CLOEXEC, 16);
    for (int i = 0; i < 3; i++)
        if (dup2(stdio[i], i) < 0)
            spawn_fail(failure_fd, "standard input and output");
    if (command->tty && ioctl(0, TIOCSCTTY, 0) < 0)
        spawn_fail(failure_fd, "take the terminal");
    umask(022);
    if (chdir(command->cwd ? command->cwd : "/root") < 0 && (command->cwd || chdir("/") < 0))
        spawn_fail(failure_fd, "chdir");
    char **env = build_environment(lab, command->env);
    if (!env || fail_fd < 0 || sys_close_from(3, &fail_fd, 1) < 0)
        spawn_fail(failure_fd, "prepare");
    const char *path = NULL;
    for (size_t i = 0; env[i]; i++)
        if (strncmp(env[i], "PATH=", 5) == 0)
            path = env[i] + 5;
    setenv("PATH", path ? path : LAB_PATH, 1);
    execvpe(command->argv[0], (char *const *)(uintptr_t)command->argv, env);
    spawn_fail(fail_fd, "exec");
}

/* Enters the lab, starts the command as a child of the program (CLONE_PARENT), tells its pid, and ends. */
static void __attribute__((noreturn))
go_between(const struct lab *lab, const struct lab_command *command, int failure_fd)
{
    struct err err;
    default_signals();
    if (groups_join(lab, &err) < 0) {
        errno = err.code;
        spawn_fail(failure_fd, "join the lab's cgroups");
    }
    /* A lab without a network namespace of its own shares one that is not ours to enter again. */
    if (isolate_enter_process(lab->init, lab->pidfd, ENTER_FLAGS, CLONE_NEWNET, &err) < 0) {
        errno = err.code;
        spawn_fail(failure_fd, "enter the lab's namespaces");
    }
    /* Into the pid namespace one is only born. */
    pid_t pid = sys_fork(CLONE_PARENT, NULL);
    if (pid < 0)
        spawn_fail(failure_fd, "fork in the lab");
    if (pid == 0)
        run_command(lab, command, failure_fd);
    struct spawn_failure started = { .code = 0, .pid = pid };
    ssize_t n = write(failure_fd, &started, sizeof started);
    _exit(n == (ssize_t)sizeof started ? 0 : 1);
}

/* Has @child been waited for? */
static bool is_reaped(const struct lab_child *child)
{
    siginfo_t info;
    return waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static void forget_reaped(struct lab *lab)
{
    size_t kept = 0;
    for (size_t i = 0; i < lab->child_count; i++)
        if (is_reaped(&lab->children[i]))
            close(lab->children[i].pidfd);
        else
            lab->children[kept++] = lab->children[i];
    lab->child_count = kept;
}

static int remember(struct lab *lab, pid_t pid, struct err *err)
{
    forget_reaped(lab);
    if (lab->child_count == lab->child_room) {
        size_t room = lab->child_room ? lab->child_room * 2 : 16;
        struct lab_child *more = realloc(lab->children, room * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "remember a process of the lab");
        lab->children = more;
        lab->child_room = room;
    }
    int pidfd = sys_pidfd_open(pid);
    if (pidfd < 0)
        return err_set(err, errno, "pidfd_open");
    lab->children[lab->child_count++] = (struct lab_child){ pid, pidfd };
    return 0;
}

void spawn_reap(struct lab *lab)
{
    siginfo_t info;
    for (size_t i = 0; i < lab->child_count; i++) {
        sys_pidfd_signal(lab->children[i].pidfd, SIGKILL);
        while (waitid(P_PIDFD, (id_t)lab->children[i].pidfd, &info, WEXITED) < 0 && errno == EINTR) {
        }
    }
}

pid_t lab_spawn(struct lab *lab, const struct lab_command *command, int *pidfd, struct err *err)
{
    int failure[2];
    struct pollfd dead = { .fd = lab->pidfd, .events = POLLIN };
    if (poll(&dead, 1, 0) > 0)
        return err_say(err, ESRCH, "the lab has ended");
    if (pipe2(failure, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    cleanup_close int from = failure[0];
    pid_t between = fork();
    if (between == 0) {
        close(failure[0]);
        go_between(lab, command, failure[1]);
    }
    int saved = errno;
    close(failure[1]);
    if (between < 0)
        return err_set(err, saved, "fork");

    struct spawn_failure said, bad = { 0 };
    pid_t pid = -1;
    ssize_t n;
    while ((n = read(from, &said, sizeof said)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof said)
            break;
        if (said.code == 0)
            pid = said.pid;
        else
            bad = said;
    }
    lab_reap(between);
    if (bad.code || pid <= 0) {
        if (pid > 0)
            lab_reap(pid);
        if (!bad.code)
            return err_say(err, ESRCH, "run `%s` in the lab: it broke off (has the lab ended?)", command->argv[0]);
        return err_set(err, bad.code, "run `%s` in the lab: %s", command->argv[0], bad.step);
    }
    if (remember(lab, pid, err) == 0) {
        if (!pidfd)
            return pid;
        *pidfd = sys_pidfd_open(pid);
        if (*pidfd >= 0)
            return pid;
        err_set(err, errno, "pidfd_open");
    }
    kill(pid, SIGKILL);
    lab_reap(pid);
    return -1;
}

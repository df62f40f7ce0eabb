/* Starting a command in the lab, and what a command is given: a pty, its parent. The way there is in enter.c. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/lab/enter.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

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

/* From the fork to the lab. */
static void __attribute__((noreturn))
go_between(const struct lab *lab, const struct lab_command *command, int failure_fd)
{
    const struct entrance to = { .name = lab->record.name, .init = lab->init, .pidfd = lab->pidfd };
    struct err err;
    if (groups_join(lab, &err) < 0) {
        errno = err.code;
        spawn_fail(failure_fd, "join the lab's cgroups");
    }
    enter_lab(&to, command, failure_fd);
}

/* What the tracer's program inherits. The tracer keeps them, so none of them is one whose end somebody waits for. */
enum { TRACED_OUTPUT = 1, TRACED_MESSAGES, TRACED_SOCKET, TRACED_PROGRAM, TRACED_FDS };

/* From the fork to the tracer, which lets this very process run the way into the lab and traces it. */
static void __attribute__((noreturn))
become_traced(const struct lab_tracer *tracer, int socket, int program, int failure_fd)
{
    static const char *const enter[] = { "/proc/self/fd/4", "enter", NULL };
    const char *argv[LAB_TRACER_WORDS + 3];
    size_t n = 0;
    default_signals();
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int wanted[TRACED_FDS] = { null, tracer->output, tracer->output, socket, program };
    int high[TRACED_FDS];
    int fail_fd = fcntl(failure_fd, F_DUPFD_CLOEXEC, 16);
    for (int i = 0; i < TRACED_FDS; i++)
        if ((high[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 16)) < 0)
            spawn_fail(failure_fd, "prepare the tracer");
    for (int i = 0; i < TRACED_FDS; i++)
        if (dup2(high[i], i) < 0)
            spawn_fail(fail_fd, "prepare the tracer");
    if (fail_fd < 0 || sys_close_from(TRACED_FDS, &fail_fd, 1) < 0)
        spawn_fail(fail_fd, "prepare the tracer");
    for (; n < LAB_TRACER_WORDS && tracer->argv[n]; n++)
        argv[n] = tracer->argv[n];
    memcpy(argv + n, enter, sizeof enter);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    spawn_fail(fail_fd, argv[0]);
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
    /* First all: a tracer that waits for somebody to read what it says would let none of its own be waited for. */
    for (size_t i = 0; i < lab->child_count; i++)
        sys_pidfd_signal(lab->children[i].pidfd, SIGKILL);
    for (size_t i = 0; i < lab->child_count; i++) {
        while (waitid(P_PIDFD, (id_t)lab->children[i].pidfd, &info, WEXITED) < 0 && errno == EINTR) {
        }
    }
}

static int dup_cloexec(int fd, struct err *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? err_set(err, errno, "fcntl") : copy;
}

/* What is started between the program and the command: under a tracer it waits for what it is told by the socket. */
static pid_t start(struct lab *lab, const struct lab_command *command, int failure_fd, struct err *err)
{
    if (!command->tracer) {
        pid_t between = fork();
        if (between == 0)
            go_between(lab, command, failure_fd);
        return between < 0 ? err_set(err, errno, "fork") : between;
    }
    cleanup_close int program = lab->tools < 0 ? lab_open_program(NULL, LAB_TOOLS, err) : dup_cloexec(lab->tools, err);
    struct entrance to = { .name = lab->record.name, .init = lab->init, .pidfd = lab->pidfd };
    int ends[2];
    if (program < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set(err, errno, "socketpair");
    cleanup_close int ours = ends[0], theirs = ends[1];
    for (size_t i = 0; i < lab->hierarchy_count; i++)
        if (lab->procs[i] >= 0)
            to.procs[to.group_count++] = lab->procs[i];
    if (enter_send(ours, &to, command, failure_fd, err) < 0)
        return -1;
    pid_t between = fork();
    if (between == 0)
        become_traced(command->tracer, theirs, program, failure_fd);
    return between < 0 ? err_set(err, errno, "fork") : between;
}

/* Read what is said until the exec. */
static void hear(int from, struct spawn_report *started, struct spawn_report *failed)
{
    struct spawn_report said;
    ssize_t n;
    while ((n = read(from, &said, sizeof said)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof said)
            break;
        if (said.code)
            *failed = said;
        if (said.pid)
            started->pid = said.pid;
        if (said.tracer)
            started->tracer = said.tracer;
    }
}

static int remember_all(struct lab *lab, const struct lab_command *command, const struct spawn_report *started,
                        int *pidfd, struct err *err)
{
    if (remember(lab, started->pid, err) < 0 || (started->tracer && remember(lab, started->tracer, err) < 0))
        return -1;
    if (pidfd && (*pidfd = sys_pidfd_open(started->pid)) < 0)
        return err_set(err, errno, "pidfd_open");
    if (command->tracer)
        *command->tracer->pid = started->tracer;
    return 0;
}

pid_t lab_spawn(struct lab *lab, const struct lab_command *command, int *pidfd, struct err *err)
{
    int failure[2], subreaper = 0;
    struct pollfd dead = { .fd = lab->pidfd, .events = POLLIN };
    if (poll(&dead, 1, 0) > 0)
        return err_say(err, ESRCH, "the lab has ended");
    if (pipe2(failure, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    cleanup_close int from = failure[0];
    /* A tracer that lets its own parent be traced is an orphan when that one has ended: it is to be ours to wait for. */
    if (command->tracer && prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && !subreaper)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t between = start(lab, command, failure[1], err);
    close(failure[1]);
    struct spawn_report started = { 0 }, bad = { 0 };
    if (between > 0) {
        hear(from, &started, &bad);
        lab_reap(between);
    }
    if (command->tracer && !subreaper)
        prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (between < 0)
        return -1;
    if (command->tracer && !started.tracer)
        err_say(err, ESRCH, "trace with `%s`: %s", command->tracer->argv[0],
                bad.code ? strerrordesc_np(bad.code) : "it ended before it did");
    else if (bad.code)
        err_set(err, bad.code, "run `%s` in the lab: %s", command->argv[0], bad.step);
    else if (started.pid <= 0)
        err_say(err, ESRCH, "run `%s` in the lab: it broke off (has the lab ended?)", command->argv[0]);
    else if (remember_all(lab, command, &started, pidfd, err) == 0)
        return started.pid;
    for (pid_t *pid = (pid_t[]){ started.tracer, started.pid, 0 }, *end = pid + 2; pid < end; pid++)
        if (*pid > 0) {
            kill(*pid, SIGKILL);
            lab_reap(*pid);
        }
    return -1;
}

#include "engine/lab/enter.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/enter.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LAB_PATH LAB_TOOLS_DIR ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENTER_FLAGS (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

/* Built, never inherited. container=lxc is what debootstrap asks for before it does without mknod. */
static const char *const base_environment[] = {
    "PATH=" LAB_PATH,  "HOME=/root",   "USER=root",           "LOGNAME=root",
    "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=xterm-256color", "container=lxc",
};

void spawn_fail(int fd, const char *step)
{
    struct spawn_report failure = { .code = errno ? errno : EIO };
    snprintf(failure.step, sizeof failure.step, "%s", step);
    ssize_t n = write(fd, &failure, sizeof failure);
    (void)n;
    _exit(127);
}

void default_signals(void)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static char **build_environment(const char *lab, const char *const *extra)
{
    static char name[64];
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
    snprintf(name, sizeof name, "TEACHROOT_LAB=%s", lab);
    env[n++] = name;
    for (size_t k = 0; k < extras; k++)
        env[n++] = (char *)(uintptr_t)extra[k];
    return env;
}

/* The last leg, in the lab's pid namespace. */
static void __attribute__((noreturn)) run_command(const char *lab, const struct lab_command *command, int failure_fd)
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

void enter_lab(const struct entrance *to, const struct lab_command *command, int failure_fd)
{
    struct err err;
    default_signals();
    for (size_t i = 0; i < to->group_count; i++)
        if (write(to->procs[i], "0", 1) != 1)
            spawn_fail(failure_fd, "join the lab's cgroups");
    /* A lab without a network namespace of its own shares one that is not ours to enter again. */
    if (isolate_enter_process(to->init, to->pidfd, ENTER_FLAGS, CLONE_NEWNET, &err) < 0) {
        errno = err.code;
        spawn_fail(failure_fd, "enter the lab's namespaces");
    }
    /* Into the pid namespace one is only born. */
    pid_t pid = sys_fork(CLONE_PARENT, NULL);
    if (pid < 0)
        spawn_fail(failure_fd, "fork in the lab");
    if (pid == 0)
        run_command(to->name, command, failure_fd);
    struct spawn_report started = { .code = 0, .pid = pid };
    ssize_t n = write(failure_fd, &started, sizeof started);
    _exit(n == (ssize_t)sizeof started ? 0 : 1);
}

/* The message: this, then the strings, each with its NUL: the lab's name, the directory ("": none given), the words and the environment. Its fds: the pidfd, the pipe for failures, those of
 * stdio that are given, and the groups'. Both ends are programs of one build. */
struct entrance_message {
    pid_t init;
    bool tty, stdio[3];
    size_t group_count, words, variables;
};
#define MESSAGE_MAX 65536
#define MESSAGE_FDS (CGROUP_HIERARCHIES + 5)

static bool add_string(char *bytes, size_t *len, const char *string)
{
    size_t size = strlen(string) + 1;
    if (*len + size > MESSAGE_MAX)
        return false;
    memcpy(bytes + *len, string, size);
    *len += size;
    return true;
}

int enter_send(int socket, const struct entrance *to, const struct lab_command *command, int failure_fd,
               struct err *err)
{
    cleanup_free char *bytes = malloc(MESSAGE_MAX);
    struct entrance_message message = { .init = to->init, .tty = command->tty, .group_count = to->group_count };
    size_t len = sizeof message, fd_count = 0;
    int fds[MESSAGE_FDS];
    if (!bytes)
        return err_set(err, ENOMEM, "tell a process of its lab");
    bool fits = add_string(bytes, &len, to->name) && add_string(bytes, &len, command->cwd ? command->cwd : "");
    for (; fits && command->argv[message.words]; message.words++)
        fits = add_string(bytes, &len, command->argv[message.words]);
    for (; fits && command->env && command->env[message.variables]; message.variables++)
        fits = add_string(bytes, &len, command->env[message.variables]);
    if (!fits)
        return err_set(err, E2BIG, "run `%s` in the lab under a tracer", command->argv[0]);
    fds[fd_count++] = to->pidfd;
    fds[fd_count++] = failure_fd;
    for (int i = 0; i < 3; i++)
        if ((message.stdio[i] = command->stdio[i] >= 0))
            fds[fd_count++] = command->stdio[i];
    for (size_t i = 0; i < to->group_count; i++)
        fds[fd_count++] = to->procs[i];
    memcpy(bytes, &message, sizeof message);

    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fds)];
    struct iovec part = { bytes, len };
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(fd_count * sizeof *fds)
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fd_count * sizeof *fds);
    memcpy(CMSG_DATA(rights), fds, fd_count * sizeof *fds);
    return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? err_set(err, errno, "tell a process of its lab") : 0;
}

/* @count strings from *at; NULL-terminated, or NULL. */
static const char **take_strings(const char **at, const char *end, size_t count)
{
    const char **list = count < MESSAGE_MAX ? calloc(count + 1, sizeof *list) : NULL;
    for (size_t i = 0; list && i < count; i++) {
        const char *nul = memchr(*at, '\0', (size_t)(end - *at));
        if (!nul) {
            free(list);
            return NULL;
        }
        list[i] = *at;
        *at = nul + 1;
    }
    return list;
}

static pid_t tracer_of_self(void)
{
    char line[256];
    int tracer = 0;
    cleanup_file FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    return tracer;
}

int enter_receive(int socket)
{
    static char bytes[MESSAGE_MAX];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
    struct iovec part = { bytes, sizeof bytes };
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct entrance_message message;
    int fds[MESSAGE_FDS];
    size_t fd_count = 0, next = 0;
    ssize_t n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    struct cmsghdr *rights = n < 0 ? NULL : CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        fd_count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(rights), fd_count * sizeof *fds);
    }
    if (n < (ssize_t)sizeof message || fd_count < 2)
        return 2;
    memcpy(&message, bytes, sizeof message);
    struct entrance to = { .init = message.init, .pidfd = fds[next++], .group_count = message.group_count };
    int failure_fd = fds[next++];
    struct lab_command command = { .tty = message.tty };
    size_t given = (size_t)message.stdio[0] + message.stdio[1] + message.stdio[2];
    const char *at = bytes + sizeof message, *end = bytes + n;
    const char **names = take_strings(&at, end, 2);
    command.argv = names ? take_strings(&at, end, message.words) : NULL;
    command.env = command.argv ? take_strings(&at, end, message.variables) : NULL;
    errno = EPROTO;
    if (!command.env || message.words == 0 || message.group_count > CGROUP_HIERARCHIES ||
        fd_count != next + given + message.group_count)
        spawn_fail(failure_fd, "understand what is to be run");
    struct spawn_report traced = { .tracer = tracer_of_self() };
    if (write(failure_fd, &traced, sizeof traced) != sizeof traced)
        return 2;
    to.name = names[0];
    command.cwd = *names[1] ? names[1] : NULL;
    for (int i = 0; i < 3; i++)
        command.stdio[i] = message.stdio[i] ? fds[next++] : -1;
    for (size_t i = 0; i < to.group_count; i++)
        to.procs[i] = fds[next++];
    enter_lab(&to, &command, failure_fd);
}

#include "engine/observe/try.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/isolate/userns.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATIENCE_MS 5000

struct reply {
    enum host_answer answer;
    char found[256];
};

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

enum host_answer host_try(host_probe_fn *probe, char *found, size_t size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return host_fails(found, size, "pipe2");
    cleanup_close int in = ends[0], out = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return host_fails(found, size, "fork");
    if (pid == 0) {
        struct reply reply = { HOST_NO, "" };
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0); /* one kill reaches what the probe has started, too */
        if (getppid() != parent)
            _exit(1);
        reply.answer = probe(reply.found, sizeof reply.found);
        _exit(write(out, &reply, sizeof reply) != (ssize_t)sizeof reply);
    }
    setpgid(pid, pid);
    close(out);
    out = -1;
    struct reply reply;
    struct pollfd ready = { .fd = in, .events = POLLIN };
    int woken;
    while ((woken = poll(&ready, 1, PATIENCE_MS)) < 0 && errno == EINTR) {
    }
    bool answered = woken > 0 && read(in, &reply, sizeof reply) == (ssize_t)sizeof reply;
    kill(-pid, SIGKILL);
    int status = wait_for(pid);
    if (answered)
        return host_say(reply.answer, found, size, "%s", reply.found);
    if (woken == 0)
        return host_say(HOST_NO, found, size, "trying it took over %d s", PATIENCE_MS / 1000);
    return host_say(HOST_NO, found, size, "trying it ended with signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

enum host_answer host_say(enum host_answer answer, char *found, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(found, size, format, args);
    va_end(args);
    return answer;
}

enum host_answer host_fails(char *found, size_t size, const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(found, size, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < size)
        snprintf(found + n, size - (size_t)n, ": %s", strerrordesc_np(saved));
    return HOST_NO;
}

/* What distributions have against user namespaces, for the reason of a refusal. */
static const char *restriction(void)
{
    static const struct {
        const char *file;
        char bad;
        const char *says;
    } table[] = {
        { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
          " (AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1)" },
        { "/proc/sys/kernel/unprivileged_userns_clone", '0', " (kernel.unprivileged_userns_clone is 0)" },
        { "/proc/sys/user/max_user_namespaces", '0', " (user.max_user_namespaces is 0)" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[16];
        if (read_file_at(AT_FDCWD, table[i].file, text, sizeof text, NULL) > 0 && text[0] == table[i].bad)
            return table[i].says;
    }
    return "";
}

int host_enter_user_namespace(char *found, size_t size)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct err err;
    if (unshare(CLONE_NEWUSER) < 0) {
        const char *why = strerrordesc_np(errno);
        host_say(HOST_NO, found, size, "unshare is refused: %s%s", why, restriction());
        return -1;
    }
    if (userns_write_single_map(getpid(), uid, gid, &err) < 0) {
        host_say(HOST_NO, found, size, "%.150s%s", err.message, restriction());
        return -1;
    }
    /* Ubuntu's AppArmor lets us come this far and then denies what the new namespace should allow. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        const char *why = strerrordesc_np(errno);
        host_say(HOST_NO, found, size, "it can be made, but nothing is allowed in it: %s%s", why, restriction());
        return -1;
    }
    return 0;
}

int host_enter_scratch(char *found, size_t size)
{
    static const char *const places[] = { "/mnt", "/tmp", "/var/tmp", "/run" };
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        host_fails(found, size, "a mount namespace");
        return -1;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (mount("none", places[i], "tmpfs", MS_NOSUID | MS_NODEV, "size=16m") == 0 && chdir(places[i]) == 0)
            return 0;
    host_fails(found, size, "mount tmpfs");
    return -1;
}

const char *host_program(const char *program, char *path, size_t size)
{
    const char *own = getenv("PATH");
    char all[PATH_MAX * 2], *rest = all;
    snprintf(all, sizeof all, "%.*s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", PATH_MAX,
             own ? own : "");
    for (const char *dir; (dir = strsep(&rest, ":"));) {
        struct stat st;
        if (dir[0] == '/' && snprintf(path, size, "%s/%s", dir, program) < (int)size && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode) && access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

int host_run(const char *const argv[], char *output, size_t size)
{
    char path[PATH_MAX];
    int ends[2];
    if (!host_program(argv[0], path, sizeof path) || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    cleanup_close int in = ends[0], out = ends[1];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                       NULL };
    pid_t pid;
    int failed = posix_spawn(&pid, path, &actions, NULL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    close(out);
    out = -1;
    if (failed) {
        errno = failed;
        return -1;
    }
    size_t len = 0;
    char rest[4096];
    for (ssize_t n; (n = read(in, rest, sizeof rest)) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        size_t fits = n < 0 ? 0 : len + (size_t)n < size ? (size_t)n : size - 1 - len;
        memcpy(output + len, rest, fits);
        len += fits;
    }
    output[len] = '\0';
    return wait_for(pid);
}

#include "engine/limit/scope.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/backend.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Where the program stands below the group it divides. */
#define LEAF "program"

enum { PATIENCE_MS = 4000 };

int cgroup_own(char *path, size_t size, struct err *err)
{
    char text[8192];
    if (read_file_at(AT_FDCWD, "/proc/self/cgroup", text, sizeof text, err) < 0)
        return -1;
    char *rest = text;
    for (const char *line; (line = strsep(&rest, "\n"));)
        if (strncmp(line, "0::/", 4) == 0) {
            int n = snprintf(path, size, "%s", line + 4);
            return n >= 0 && (size_t)n < size ? 0 : err_set(err, ENAMETOOLONG, "our group `%s`", line + 4);
        }
    return err_say(err, ENOENT, "cgroup version 2 is not mounted");
}

/* A path below the mount; too long a one is cut, and then is no group's. */
struct place {
    char path[PATH_MAX];
};

static struct place in_mount(const struct cgroup_hierarchy *v2, const char *group, const char *below)
{
    struct place place;
    if (snprintf(place.path, sizeof place.path, "%s/%s%s", v2->mount, group, below) >= (int)sizeof place.path)
        place.path[0] = '\0';
    return place;
}

/* Hand all controllers that @group has down to its children: one a write, since one that is refused would refuse them all. False: it holds processes, so it may not. */
static bool hand_down(const struct cgroup_hierarchy *v2, const char *group)
{
    char words[512];
    if (read_file_at(AT_FDCWD, in_mount(v2, group, "/cgroup.controllers").path, words, sizeof words, NULL) < 0)
        return false;
    char *rest = words;
    for (const char *word; (word = strsep(&rest, " \n"));) {
        char enable[64];
        struct err why;
        if (*word && snprintf(enable, sizeof enable, "+%s", word) < (int)sizeof enable &&
            cgroup_write(v2, group, "cgroup.subtree_control", enable, &why) < 0 && why.code == EBUSY)
            return false;
    }
    return true;
}

/* Step down into the leaf, so that @group may hand its controllers down. Where others are in it too, it may not: then all is as before. */
static int divide(const struct cgroup_hierarchy *v2, const char *group, struct err *err)
{
    char leaf[PATH_MAX];
    if (snprintf(leaf, sizeof leaf, "%s/" LEAF, group) >= (int)sizeof leaf)
        return err_set(err, ENAMETOOLONG, "divide our group `%s`", group);
    struct place dir = in_mount(v2, leaf, "");
    if (mkdir(dir.path, 0755) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir `%s`", dir.path);
    if (cgroup_write(v2, leaf, "cgroup.procs", "0", err) < 0) {
        rmdir(dir.path);
        return -1;
    }
    if (hand_down(v2, group))
        return 0;
    cgroup_write(v2, group, "cgroup.procs", "0", NULL);
    rmdir(dir.path);
    return err_say(err, EBUSY, "our group `%s` has other processes in it, so it cannot be divided", group);
}

/* Are we in the leaf of a group that is ours? Cuts @path down to that group. */
static bool is_divided(const struct cgroup_hierarchy *v2, char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || strcmp(slash + 1, LEAF) != 0)
        return false;
    *slash = '\0';
    if (access(in_mount(v2, path, "/cgroup.subtree_control").path, W_OK) == 0)
        return true;
    *slash = '/';
    return false;
}

/* Does a user manager run for us, one that knows processes by the same numbers? From another pid namespace, its socket's peer is process 0. */
static int find_manager(struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!runtime || runtime[0] != '/')
        return err_say(err, ENOENT, "no systemd user manager is known: XDG_RUNTIME_DIR is not set (a login sets it)");
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/systemd/private", runtime) >=
        (int)sizeof address.sun_path)
        return err_set(err, ENAMETOOLONG, "XDG_RUNTIME_DIR `%s`", runtime);
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return err_say(err, ENOENT, "no systemd user manager runs: %s: %s", address.sun_path, strerrordesc_np(errno));
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid == 0 || peer.uid != geteuid())
        return err_say(err, ENOENT, "the systemd user manager at %s is not this system's own", address.sun_path);
    return 0;
}

/* Start @argv, one of systemd's programs, with nothing but what it needs of our environment; *output reads what it prints. posix_spawnp(3)'s own errors: ENOENT there is no such program. */
static pid_t start(const char *const argv[], int *output, struct err *err)
{
    char runtime[PATH_MAX + 32];
    int ends[2];
    /* Without a bus address, the one in XDG_RUNTIME_DIR: the manager's own, not one that a program of the session started for itself. */
    snprintf(runtime, sizeof runtime, "XDG_RUNTIME_DIR=%s", getenv("XDG_RUNTIME_DIR"));
    const char *const env[] = { runtime, "LC_ALL=C", NULL };
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    pid_t pid;
    int failed =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = ends[0];
    if (!failed)
        return pid;
    close(ends[0]);
    return err_set(err, failed, "run `%s`, which asks systemd's user manager for a group", argv[0]);
}

/* Wait until @pid has closed @output, at most until @until, and for its end. Its first line goes to @said. Returns its wait status; -1: killed for taking too long. */
static int finish(pid_t pid, int output, int64_t until, char *said, size_t size)
{
    size_t len = 0;
    char rest[256];
    bool late = false;
    for (ssize_t n = 1; n != 0;) {
        struct pollfd more = { .fd = output, .events = POLLIN };
        int64_t left = until - cgroup_now();
        if (left <= 0) {
            late = true;
            kill(pid, SIGKILL);
            break;
        }
        if (poll(&more, 1, (int)left) <= 0 || (n = read(output, rest, sizeof rest)) < 0) {
            n = 1; /* interrupted, or too late: seen above */
            continue;
        }
        size_t fits = len + (size_t)n < size ? (size_t)n : size - 1 - len;
        memcpy(said + len, rest, fits);
        len += fits;
    }
    said[len] = '\0';
    said[strcspn(said, "\n")] = '\0';
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return late ? -1 : status;
}

/* Ask for the scope @name with us in it. */
static int ask(const char *name, int64_t until, struct err *err)
{
    char pid[16], said[256];
    snprintf(pid, sizeof pid, "%d", getpid());
    const char *const argv[] = { "busctl", "--user", "--quiet", "--timeout=4", "call", "org.freedesktop.systemd1",
                                 "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "StartTransientUnit",
                                 /* name, mode, properties, auxiliary units */
                                 "ssa(sv)a(sa(sv))", name, "fail", "4", "Description", "s", "teachroot and its labs",
                                 "Delegate", "b", "true", "CollectMode", "s", "inactive-or-failed", "PIDs", "au", "1",
                                 pid, "0", NULL };
    int opened = -1;
    pid_t asker = start(argv, &opened, err);
    if (asker < 0)
        return -1;
    cleanup_close int output = opened;
    int status = finish(asker, output, until, said, sizeof said);
    if (status == -1)
        return err_say(err, ETIMEDOUT, "systemd's user manager does not answer");
    if (status != 0)
        return err_say(err, EBUSY, "systemd's user manager gives no group: %s", *said ? said : "busctl failed");
    return 0;
}

/* Is the group the one of a unit that the manager hands over? What is not is no place of ours, even where modes would allow it: the manager goes on using it. */
static bool is_handed_over(const struct cgroup_hierarchy *v2, const char *path, int64_t until)
{
    char said[64];
    const char *slash = strrchr(path, '/'), *unit = slash ? slash + 1 : path, *type = strrchr(unit, '.');
    if (!type || (strcmp(type, ".scope") != 0 && strcmp(type, ".service") != 0) ||
        access(in_mount(v2, path, "/cgroup.subtree_control").path, W_OK) < 0)
        return false;
    const char *const argv[] = { "systemctl", "--user", "show", "--property=Delegate", "--", unit, NULL };
    int opened = -1;
    pid_t asker = start(argv, &opened, NULL);
    if (asker < 0)
        return false;
    cleanup_close int output = opened;
    return finish(asker, output, until, said, sizeof said) == 0 && strcmp(said, "Delegate=yes") == 0;
}

int cgroup_scope(const struct cgroup_hierarchy *v2, char *path, size_t size, struct err *err)
{
    char name[64];
    if (cgroup_own(path, size, err) < 0)
        return -1;
    int64_t until = cgroup_now() + PATIENCE_MS;
    if (is_divided(v2, path))
        return 0;
    if (find_manager(err) < 0)
        return -1;
    if (is_handed_over(v2, path, until) && divide(v2, path, NULL) == 0)
        return 0;
    int n = snprintf(name, sizeof name, "teachroot-%d.scope", getpid());
    if (ask(name, until, err) < 0)
        return -1;
    /* The answer is that it will be done; that it was, nothing tells but the place we are in. */
    for (int wait = 1;; wait = wait < 20 ? wait * 2 : 20) {
        if (cgroup_own(path, size, err) < 0)
            return -1;
        size_t len = strlen(path);
        if (len >= (size_t)n && strcmp(path + len - n, name) == 0)
            return divide(v2, path, err);
        if (cgroup_now() >= until)
            return err_say(err, ETIMEDOUT, "systemd's user manager did not move us into %s", name);
        poll(NULL, 0, wait);
    }
}

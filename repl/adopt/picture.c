/* A picture of the lab: who runs in which namespaces, what is mounted, which groups and links there are. Two of them make claims. */
#include "repl/adopt/claims.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/links.h"
#include "engine/observe/mounts.h"
#include "engine/observe/observe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TERMINALS 9
#define MOST_PROCESSES 256
#define MOST_LINKS 16
#define MOST_GROUPS 128
#define MOST_DIFFERENCES 16
#define DEEPEST_GROUP 4
#define LONGEST_GLOB 60    /* of a command line's beginning */
#define STAYS_NS 250000000 /* a process that is there after so long is there to stay */

static const char *const limits[] = {
    "memory.limit_in_bytes", "memory.max",    "pids.max",     "cpu.cfs_quota_us", "cpu.max", "cpu.shares", "cpu.weight",
    "cpuset.cpus",           "freezer.state", "cgroup.freeze"
};
#define LIMITS (sizeof limits / sizeof *limits)

struct terminal_picture {
    bool open;
    pid_t own; /* its number in its own pid namespace */
    uint64_t inode[NAMESPACE_KINDS];
    struct observe_root root;
    bool rooted;
    char host[HOST_NAME_MAX + 1];
    struct observe_mounts mounts; /* empty where it has the lab's */
    struct observe_link links[MOST_LINKS];
    ssize_t link_count;
};
struct process_picture {
    pid_t pid;
    char command[256];
    uint64_t inode[NAMESPACE_KINDS];
    char root[256]; /* "" the lab's */
};
struct group_picture {
    char controller[32], path[256];
    char value[LIMITS][64];
    char member[64]; /* the command of a process in it */
};
struct lab_picture {
    char name[64];
    uint64_t inode[NAMESPACE_KINDS];
    struct observe_root root;
    struct observe_mounts mounts;
    struct terminal_picture terminals[TERMINALS];
    struct process_picture processes[MOST_PROCESSES];
    size_t process_count;
    struct group_picture *groups;
    size_t group_count;
};

/* The host name is told only to those in its namespace: a child goes there. */
static void read_host(pid_t pid, char *name, size_t size)
{
    int ends[2];
    name[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        char path[64], own[HOST_NAME_MAX + 1] = "";
        snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
        int uts = open(path, O_RDONLY | O_CLOEXEC);
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        int user = open(path, O_RDONLY | O_CLOEXEC);
        if (setns(uts, CLONE_NEWUTS) < 0 && (setns(user, CLONE_NEWUSER) < 0 || setns(uts, CLONE_NEWUTS) < 0))
            _exit(1);
        if (gethostname(own, sizeof own - 1) == 0 && write(ends[1], own, strlen(own)) < 0)
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], name, size - 1) : 0;
    name[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void take_terminal(const struct lab_picture *picture, struct terminal_picture *at, struct terminal *terminal)
{
    size_t mnt = namespace_find("mnt"), net = namespace_find("net"), uts = namespace_find("uts");
    struct observe_process process;
    struct err err;
    bool partly;
    pid_t pid = terminal ? terminal_foreground(terminal) : -1;
    if (pid <= 0 || observe_namespaces(pid, at->inode, &err) < 0 || observe_process(pid, &process, &err) < 0)
        return;
    at->open = true;
    at->own = process.nspid[process.depth - 1];
    at->rooted = observe_root(pid, &at->root, &err) == 0 &&
                 (at->root.dev != picture->root.dev || at->root.ino != picture->root.ino);
    if (at->inode[mnt] != picture->inode[mnt] && observe_mounts(pid, &at->mounts, &err) < 0)
        at->mounts = (struct observe_mounts){ 0 };
    at->link_count = observe_links(pid, at->links, MOST_LINKS, &partly, &err);
    if (at->inode[net] == picture->inode[net] && at->link_count < 0)
        at->link_count = 0;
    if (at->inode[uts])
        read_host(pid, at->host, sizeof at->host);
}

static void take_processes(struct lab_picture *picture, struct session *session)
{
    pid_t pids[MOST_PROCESSES];
    struct err err;
    ssize_t count = observe_processes_below(lab_init_pid(session_lab(session)), pids, MOST_PROCESSES, &err);
    for (ssize_t i = 0; i < count; i++) {
        struct process_picture *at = &picture->processes[picture->process_count];
        struct observe_process process;
        struct observe_root root;
        bool shell = pids[i] == lab_init_pid(session_lab(session));
        for (unsigned k = 1; k <= session_terminals(session); k++)
            shell |= session_shell(session, k) == pids[i];
        if (shell || observe_process(pids[i], &process, &err) < 0 || process.state == 'Z' ||
            process.command[0] == '[' || observe_namespaces(pids[i], at->inode, &err) < 0)
            continue;
        at->pid = pids[i];
        snprintf(at->command, sizeof at->command, "%s", process.command);
        if (observe_root(pids[i], &root, &err) == 0 && (root.dev != picture->root.dev || root.ino != picture->root.ino))
            snprintf(at->root, sizeof at->root, "%.255s", root.path);
        picture->process_count++;
    }
}

static void read_value(int directory, const char *file, char *value, size_t size)
{
    char text[256];
    value[0] = '\0';
    if (read_file_at(directory, file, text, sizeof text, NULL) > 0)
        snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static void read_member(int directory, char *member, size_t size)
{
    char text[4096];
    struct observe_process process;
    struct err err;
    member[0] = '\0';
    if (read_file_at(directory, "cgroup.procs", text, sizeof text, NULL) <= 0)
        return;
    if (observe_process((pid_t)strtol(text, NULL, 10), &process, &err) == 0)
        snprintf(member, size, "%.60s", process.command);
}

/* @fd is closed. */
static int take_groups(struct lab_picture *picture, int fd, const char *controller, const char *path, unsigned depth)
{
    cleanup_dir DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || picture->group_count == MOST_GROUPS)
            continue;
        int below = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            continue;
        struct group_picture *grown = realloc(picture->groups, (picture->group_count + 1) * sizeof *grown);
        if (!grown) {
            close(below);
            return -1;
        }
        picture->groups = grown;
        struct group_picture *at = &grown[picture->group_count++];
        snprintf(at->controller, sizeof at->controller, "%.31s", controller);
        snprintf(at->path, sizeof at->path, "%.120s%s%.120s", path, *path ? "/" : "", entry->d_name);
        for (size_t i = 0; i < LIMITS; i++)
            read_value(below, limits[i], at->value[i], sizeof at->value[i]);
        read_member(below, at->member, sizeof at->member);
        char whole[256];
        memcpy(whole, at->path, sizeof whole);
        if (depth == DEEPEST_GROUP)
            close(below);
        else if (take_groups(picture, below, controller, whole, depth + 1) < 0)
            return -1;
    }
    return 0;
}

/* Each controller's mount below /sys/fs/cgroup, as the lab has it; one alone where version 2 is. */
static int take_hierarchies(struct lab_picture *picture, int root)
{
    struct err err;
    int result = 0;
    for (size_t i = 0; i < picture->mounts.count && result == 0; i++) {
        const struct observe_mount *mount = &picture->mounts.list[i];
        const char *name = strrchr(mount->point, '/');
        bool v2 = strcmp(mount->type, "cgroup2") == 0;
        if ((!v2 && strcmp(mount->type, "cgroup") != 0) || strstr(mount->super_options, "name=") ||
            strcmp(name, "/unified") == 0)
            continue;
        int fd = open_policy(root, mount->point, OPEN_IN_ROOT_DIRECTORY, &err);
        if (fd >= 0)
            result = take_groups(picture, fd, v2 ? "" : name + 1, "", 0);
    }
    return result;
}

struct lab_picture *picture_take(struct session *session, struct err *err)
{
    struct lab_picture *picture = calloc(1, sizeof *picture);
    struct err ignored;
    if (!picture) {
        err_set(err, ENOMEM, "look at the lab");
        return NULL;
    }
    if (!session_lab(session))
        return picture;
    pid_t init = lab_init_pid(session_lab(session));
    char path[64];
    snprintf(picture->name, sizeof picture->name, "%s", lab_name(session_lab(session)));
    snprintf(path, sizeof path, "/proc/%d/root", init);
    cleanup_close int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, &ignored);
    if (root < 0 || observe_namespaces(init, picture->inode, &ignored) < 0 ||
        observe_root(init, &picture->root, &ignored) < 0 || observe_mounts(init, &picture->mounts, &ignored) < 0)
        return picture; /* it has ended */
    for (unsigned i = 1; i <= session_terminals(session) && i <= TERMINALS; i++)
        take_terminal(picture, &picture->terminals[i - 1], session_terminal(session, i));
    take_processes(picture, session);
    if (take_hierarchies(picture, root) == 0)
        return picture;
    picture_free(picture);
    err_set(err, ENOMEM, "look at the lab's control groups");
    return NULL;
}

void picture_free(struct lab_picture *picture)
{
    if (!picture)
        return;
    observe_mounts_free(&picture->mounts);
    for (size_t i = 0; i < TERMINALS; i++)
        observe_mounts_free(&picture->terminals[i].mounts);
    free(picture->groups);
    free(picture);
}

static bool differs(const struct lab_picture *picture, const struct terminal_picture *at, size_t kind)
{
    return at->open && at->inode[kind] && picture->inode[kind] && at->inode[kind] != picture->inode[kind];
}

static int claim_terminal(const struct lab_picture *before, const struct lab_picture *now, unsigned number,
                          struct adopt_claims *claims)
{
    const struct terminal_picture *was = &before->terminals[number - 1], *is = &now->terminals[number - 1];
    int result = 0;
    if (!is->open)
        return 0;
    if (is->rooted && (!was->rooted || was->root.ino != is->root.ino)) {
        cleanup_free char *path = claims_word(is->root.path);
        result = path ? claims_add(claims, CLAIM_TERMINAL, 0, "assert terminal %u root %s", number, path) : -1;
    }
    /* A lab's own name is another one each time. */
    if (result == 0 && is->host[0] && was->open && strcmp(is->host, was->host) != 0 &&
        strcmp(is->host, now->name) != 0) {
        cleanup_free char *name = claims_word(is->host);
        result = name ? claims_add(claims, CLAIM_TERMINAL, 0, "assert hostname of %u %s", number, name) : -1;
    }
    if (result == 0 && is->own == 1 && was->own != 1)
        result = claims_add(claims, CLAIM_TERMINAL, 0, "assert terminal %u pid 1", number);
    for (size_t i = 0; i < NAMESPACE_KINDS && result == 0; i++)
        if (differs(now, is, i) != differs(before, was, i))
            result = claims_add(claims, CLAIM_TERMINAL, 0, "assert namespace %s of %u %s", namespace_kinds[i].name,
                                number, differs(now, is, i) ? "differs" : "same");
    if (result == 0 && differs(now, is, namespace_find("user")) && !differs(before, was, namespace_find("user")))
        result = claims_add(claims, CLAIM_TERMINAL, 0, "assert root of %u mapped", number);
    return result;
}

static size_t count_lowers(const char *options)
{
    const char *lower = strstr(options, "lowerdir=");
    size_t count = lower != NULL;
    for (; lower && *lower && *lower != ','; lower++)
        count += *lower == ':';
    return count;
}

static int claim_mount(const struct mount_difference *change, unsigned terminal, struct adopt_claims *claims)
{
    const struct observe_mount *mount = change->after ? change->after : change->before;
    cleanup_free char *point = claims_word(mount->point);
    char of[16] = "";
    if (terminal)
        snprintf(of, sizeof of, " of %u", terminal);
    if (!point)
        return -1;
    switch (change->change) {
    case MOUNT_ADDED:
    case MOUNT_MOVED:
        if (!terminal && strcmp(mount->type, "overlay") == 0 && !change->known)
            return claims_add(claims, CLAIM_MOUNT, ++claims->groups, "assert overlay %s lowers %zu", point,
                              count_lowers(mount->super_options));
        return change->known ? claims_add(claims, CLAIM_MOUNT, 0, "assert mount %s%s", point, of)
                             : claims_add(claims, CLAIM_MOUNT, 0, "assert mount %s type %s%s", point, mount->type, of);
    case MOUNT_REMOVED:
        return claims_add(claims, CLAIM_MOUNT, 0, "assert not mount %s%s", point, of);
    case MOUNT_CHANGED:
        return claims_add(claims, CLAIM_MOUNT, 0, "assert mount %s propagation %s%s", point,
                          observe_propagation(change->after), of);
    }
    return 0;
}

static int claim_mounts(const struct observe_mounts *before, const struct observe_mounts *now, unsigned terminal,
                        struct adopt_claims *claims)
{
    struct mount_difference changes[MOST_DIFFERENCES];
    ssize_t count = observe_mounts_compare(before, now, "/", changes, MOST_DIFFERENCES);
    int result = count < 0 ? -1 : 0;
    for (ssize_t i = 0; i < count && i < MOST_DIFFERENCES && result == 0; i++)
        result = claim_mount(&changes[i], terminal, claims);
    return result;
}

static bool has_process(const struct lab_picture *picture, const struct process_picture *process, bool same)
{
    for (size_t i = 0; i < picture->process_count; i++)
        if (strcmp(picture->processes[i].command, process->command) == 0 &&
            (!same || picture->processes[i].pid == process->pid))
            return true;
    return false;
}

static int claim_process(const struct lab_picture *now, const struct process_picture *process,
                         struct adopt_claims *claims)
{
    static const char *const shells[] = { "bash", "-bash", "sh", "-sh", "/bin/bash", "/bin/sh" };
    cleanup_free char *pattern = claims_glob(process->command, LONGEST_GLOB, ""), *root = claims_word(process->root);
    unsigned group = ++claims->groups;
    int result = 0;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(process->command, shells[i]) == 0)
            return 0; /* what a terminal's shell has become is said of the terminal */
    if (!pattern || !root)
        return -1;
    for (size_t i = 0; i < NAMESPACE_KINDS && result == 0; i++)
        if (process->inode[i] && process->inode[i] != now->inode[i] &&
            (!now->terminals[0].open || process->inode[i] != now->terminals[0].inode[i]))
            result = claims_add(claims, CLAIM_PROCESS, 0, "assert process %s isolated %s from terminal 1", pattern,
                                namespace_kinds[i].name);
    if (result == 0 && process->root[0])
        result = claims_add(claims, CLAIM_PROCESS, group, "assert process %s root %s", pattern, root);
    return result == 0 ? claims_add(claims, CLAIM_PROCESS, group, "assert process %s", pattern) : -1;
}

/* One that comes and goes all the time, as a `sleep` in a loop, can be asked for only by luck. */
static bool stays(const struct process_picture *process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", process->pid);
    return access(path, F_OK) == 0;
}

static int claim_processes(const struct lab_picture *before, const struct lab_picture *now, struct adopt_claims *claims)
{
    bool waited = false;
    int result = 0;
    for (size_t i = 0; i < now->process_count && result == 0; i++) {
        if (has_process(before, &now->processes[i], true))
            continue;
        if (!waited)
            nanosleep(&(struct timespec){ .tv_nsec = STAYS_NS }, NULL);
        waited = true;
        if (stays(&now->processes[i]))
            result = claim_process(now, &now->processes[i], claims);
    }
    for (size_t i = 0; i < before->process_count && result == 0; i++) {
        if (has_process(now, &before->processes[i], false))
            continue;
        cleanup_free char *pattern = claims_glob(before->processes[i].command, LONGEST_GLOB, "");
        result = pattern ? claims_add(claims, CLAIM_PROCESS, 0, "assert process %s gone", pattern) : -1;
    }
    return result;
}

static const struct group_picture *group_of(const struct lab_picture *picture, const struct group_picture *group)
{
    for (size_t i = 0; i < picture->group_count; i++)
        if (strcmp(picture->groups[i].controller, group->controller) == 0 &&
            strcmp(picture->groups[i].path, group->path) == 0)
            return &picture->groups[i];
    return NULL;
}

/* What the kernel puts into a new group, which says nothing. */
static bool is_default(const char *value)
{
    static const char *const values[] = { "",           "max",    "-1", "1024", "100", "9223372036854771712",
                                          "max 100000", "THAWED", "0" };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(value, values[i]) == 0)
            return true;
    return false;
}

static int claim_group(const struct group_picture *was, const struct group_picture *is, struct adopt_claims *claims)
{
    static const char *const controllers[] = { "memory", "cpu", "pids", "cpuset", "io" };
    cleanup_free char *path = claims_word(is->path), *member = claims_glob(is->member, LONGEST_GLOB, "");
    unsigned group = ++claims->groups;
    int result = path && member ? 0 : -1;
    if (result == 0 && is->member[0] && (!was || strcmp(was->member, is->member) != 0) && is->controller[0])
        result = claims_add(claims, CLAIM_GROUP, group, "assert cgroup %s %s holds %s", is->controller, path, member);
    if (result == 0 && !was && is->controller[0])
        result = claims_add(claims, CLAIM_GROUP, group, "assert cgroup %s %s", is->controller, path);
    for (size_t i = 0; result == 0 && !was && !is->controller[0] && i < sizeof controllers / sizeof *controllers; i++)
        result = claims_add(claims, CLAIM_GROUP, group, "assert cgroup %s %s", controllers[i], path);
    for (size_t i = 0; i < LIMITS && result == 0; i++) {
        bool changed = was ? strcmp(was->value[i], is->value[i]) != 0 : !is_default(is->value[i]);
        cleanup_free char *value = changed ? claims_word(is->value[i]) : NULL;
        if (changed)
            result = value ? claims_add(claims, CLAIM_GROUP, 0, "assert limit %s %s %s", path, limits[i], value) : -1;
    }
    return result;
}

static int claim_groups(const struct lab_picture *before, const struct lab_picture *now, struct adopt_claims *claims)
{
    int result = 0;
    for (size_t i = 0; i < now->group_count && result == 0; i++)
        result = claim_group(group_of(before, &now->groups[i]), &now->groups[i], claims);
    for (size_t i = 0; i < before->group_count && result == 0; i++) {
        cleanup_free char *path = claims_word(before->groups[i].path);
        if (!group_of(now, &before->groups[i]) && before->groups[i].controller[0])
            result = path ? claims_add(claims, CLAIM_GROUP, ++claims->groups, "assert not cgroup %s %s",
                                       before->groups[i].controller, path)
                          : -1;
    }
    return result;
}

static bool has_link(const struct terminal_picture *at, const char *name)
{
    for (ssize_t i = 0; i < at->link_count; i++)
        if (strcmp(at->links[i].name, name) == 0)
            return true;
    return false;
}

/* `assert` knows no links: a line of bash that says what is missing. */
static int claim_links(const struct terminal_picture *was, const struct terminal_picture *is, unsigned number,
                       struct adopt_claims *claims)
{
    int result = 0;
    for (ssize_t i = 0; i < is->link_count && result == 0; i++) {
        cleanup_free char *name = claims_word(is->links[i].name);
        if (has_link(was, is->links[i].name))
            continue;
        result =
            name
                ? claims_add(claims, CLAIM_LINK, 0,
                             "nsenter --target \"$TEACHROOT_TERMINAL_%u\" --net ip link show dev %s >/dev/null 2>&1 || "
                             "{ echo \"Terminal %u has no link %s yet\"; false; }",
                             number, name, number, is->links[i].name)
                : -1;
    }
    return result;
}

int picture_compare(const struct lab_picture *before, const struct lab_picture *now, struct adopt_claims *claims)
{
    size_t mnt = namespace_find("mnt");
    int result = 0;
    if (!now->mounts.count || !before->mounts.count)
        return 0; /* the lab was not there at both times */
    for (unsigned i = 0; i < TERMINALS && result == 0; i++) {
        const struct terminal_picture *was = &before->terminals[i], *is = &now->terminals[i];
        result = claim_terminal(before, now, i + 1, claims);
        if (result == 0 && differs(now, is, mnt))
            result =
                claim_mounts(differs(before, was, mnt) ? &was->mounts : &before->mounts, &is->mounts, i + 1, claims);
        if (result == 0 && was->open && is->open)
            result = claim_links(was, is, i + 1, claims);
    }
    if (result == 0)
        result = claim_mounts(&before->mounts, &now->mounts, 0, claims);
    if (result == 0)
        result = claim_processes(before, now, claims);
    return result == 0 ? claim_groups(before, now, claims) : -1;
}

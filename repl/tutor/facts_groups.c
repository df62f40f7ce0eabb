/* Facts about control groups, as the shell sees them: its own mounts of them, below its own root. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/similar.h"
#include "engine/limit/translate.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#define DEPTH_MAX 4
#define GROUPS_MAX 400
#define GROUPS "/sys/fs/cgroup"

/* 1 or 2 of the tree that @path is in, or would be in; 0: it is in none. */
static unsigned version_of(const struct fact_call *call, const char *path)
{
    struct statfs fs;
    cleanup_close int fd = fact_open_near(call, path);
    if (fd < 0 || fstatfs(fd, &fs) < 0)
        return 0;
    return fs.f_type == CGROUP_SUPER_MAGIC ? 1 : fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : 0;
}

enum fact_answer fact_cgroup_v1(struct fact_call *call)
{
    return fact_says(version_of(call, call->arguments[0]) == 1);
}

enum fact_answer fact_cgroup_v2(struct fact_call *call)
{
    return fact_says(version_of(call, call->arguments[0]) == 2);
}

/* The group that @path names, or is a file of. */
static bool group_of(const struct fact_call *call, const char *path, char group[PATH_MAX])
{
    struct stat st;
    if (!version_of(call, path) || !fact_path(call, path, group))
        return false;
    cleanup_close int fd = fact_open(call, path);
    char *slash = strrchr(group, '/');
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        for (size_t len = strlen(group); len > 1 && group[len - 1] == '/';)
            group[--len] = '\0';
        return true;
    }
    if (slash > group)
        *slash = '\0';
    return true;
}

static ssize_t read_in(const struct fact_call *call, const char *group, const char *file, char *buf, size_t size)
{
    char path[PATH_MAX];
    *buf = '\0';
    return (size_t)snprintf(path, sizeof path, "%s/%s", group, file) < sizeof path ? fact_read(call, path, buf, size)
                                                                                   : -1;
}

enum fact_answer fact_has_processes(struct fact_call *call)
{
    char group[PATH_MAX], list[4096];
    struct observe_process process;
    if (!group_of(call, call->arguments[0], group))
        return FACT_NO;
    if (read_in(call, group, "cgroup.procs", list, sizeof list) < 0)
        return FACT_UNKNOWN;
    for (char *rest = list, *line; (line = strsep(&rest, "\n"));) {
        pid_t pid = atoi(line);
        long inside = pid > 0 ? fact_pid_inside(call, pid) : -1;
        if (inside <= 0 || observe_process(pid, &process, NULL) < 0)
            continue;
        if (fact_give_number(call, "pid", inside) != FACT_YES || fact_give(call, "group", group) != FACT_YES)
            return FACT_UNKNOWN;
        return fact_give(call, "program", process.comm);
    }
    return FACT_NO;
}

enum fact_answer fact_has_children(struct fact_call *call)
{
    char group[PATH_MAX];
    if (!group_of(call, call->arguments[0], group))
        return FACT_NO;
    cleanup_dir DIR *dir = fact_entries(call, group);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            return fact_give(call, "child", entry->d_name);
    return FACT_NO;
}

/* Names of v2 that v1 does not have; the rest are in /proc/cgroups. */
static const char *const more_controllers[] = { "io", "freezer", "cpuacct", "devices" };

/* Call @fits with the name of each controller until it says yes. */
static bool any_controller(bool (*fits)(const char *name, struct fact_call *call), struct fact_call *call)
{
    char text[4096];
    for (size_t i = 0; i < sizeof more_controllers / sizeof *more_controllers; i++)
        if (fits(more_controllers[i], call))
            return true;
    if (read_file_at(AT_FDCWD, "/proc/cgroups", text, sizeof text, NULL) < 0)
        return false;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\t ")] = '\0';
        if (*line && *line != '#' && fits(line, call))
            return true;
    }
    return false;
}

static bool is_named(const char *name, struct fact_call *call)
{
    return strcmp(name, call->arguments[0]) == 0;
}

enum fact_answer fact_controller(struct fact_call *call)
{
    return fact_says(any_controller(is_named, call));
}

static bool is_similar(const char *name, struct fact_call *call)
{
    return words_similar(name, call->arguments[0]) && fact_give(call, "near", name) == FACT_YES;
}

enum fact_answer fact_controller_near(struct fact_call *call)
{
    return fact_says(!any_controller(is_named, call) && any_controller(is_similar, call));
}

enum fact_answer fact_other_version(struct fact_call *call)
{
    const char *name = last_part(call->arguments[0]);
    unsigned version = version_of(call, call->arguments[0]);
    const struct cgroup_name *row = version ? cgroup_name_find(name, version == 1) : NULL;
    const char *here = row ? (version == 1 ? row->v1 : row->v2) : NULL;
    return here && strcmp(here, name) != 0 ? fact_give(call, "here", here) : FACT_NO;
}

static bool has_word(const char *list, const char *word, size_t len)
{
    for (const char *at = list; *at; at += strspn(at, " \n")) {
        size_t n = strcspn(at, " \n");
        if (n == len && memcmp(at, word, len) == 0)
            return true;
        at += n;
    }
    return false;
}

enum fact_answer fact_controller_off(struct fact_call *call)
{
    char group[PATH_MAX], controllers[512], parent[PATH_MAX];
    const char *file = last_part(call->arguments[0]);
    size_t len = strcspn(file, ".");
    if (version_of(call, call->arguments[0]) != 2 || !file[len] || strncmp(file, "cgroup.", 7) == 0 ||
        !group_of(call, call->arguments[0], group))
        return FACT_NO;
    if (read_in(call, group, "cgroup.controllers", controllers, sizeof controllers) < 0)
        return FACT_UNKNOWN;
    if (has_word(controllers, file, len))
        return FACT_NO;
    snprintf(parent, sizeof parent, "%s", group);
    char *last = strrchr(parent, '/');
    if (last > parent)
        *last = '\0';
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)len, file);
    return fact_give(call, "controller", name) == FACT_YES ? fact_give(call, "parent", parent) : FACT_UNKNOWN;
}

static bool is_empty_file(const struct fact_call *call, const char *group, const char *file)
{
    char text[256];
    ssize_t len = read_in(call, group, file, text, sizeof text);
    return len == 0 || (len > 0 && text[strspn(text, " \n")] == '\0');
}

enum fact_answer fact_cpuset_empty(struct fact_call *call)
{
    char group[PATH_MAX];
    return fact_says(version_of(call, call->arguments[0]) == 1 && group_of(call, call->arguments[0], group) &&
                     (is_empty_file(call, group, "cpuset.cpus") || is_empty_file(call, group, "cpuset.mems")));
}

enum fact_answer fact_own_limit(struct fact_call *call)
{
    char group[PATH_MAX];
    if (!group_of(call, call->arguments[0], group))
        return FACT_NO;
    struct fact_call of_group = *call;
    if ((size_t)snprintf(of_group.arguments[0], VALUE_LENGTH, "%s", group) >= VALUE_LENGTH)
        return FACT_UNKNOWN;
    return fact_mount_point(&of_group);
}

/* A walk over the groups below a mount point: @look says yes where it found what it looked for. */
struct walk {
    struct fact_call *call;
    bool (*look)(struct walk *walk, const char *group);
    unsigned left; /* groups that may still be looked at */
    const char *top;
};

static bool walk_groups(struct walk *walk, const char *group, unsigned depth)
{
    char below[PATH_MAX];
    if (walk->left-- == 0 || walk->look(walk, group))
        return walk->left > 0;
    cleanup_dir DIR *dir = depth < DEPTH_MAX ? fact_entries(walk->call, group) : NULL;
    struct dirent *entry;
    while (dir && walk->left && (entry = readdir(dir)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            (size_t)snprintf(below, sizeof below, "%s/%s", group, entry->d_name) < sizeof below &&
            walk_groups(walk, below, depth + 1))
            return true;
    return false;
}

static bool walk_all(struct fact_call *call, const char *const *tops,
                     bool (*look)(struct walk *walk, const char *group))
{
    for (; *tops; tops++) {
        struct walk walk = { .call = call, .look = look, .left = GROUPS_MAX, .top = *tops };
        if (walk_groups(&walk, *tops, 0))
            return true;
    }
    return false;
}

/* The number after @key in a file of lines `key number`; -1: it is not there. */
static long value_of(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncmp(at, key, len) == 0 && at[len] == ' ')
            return strtol(at + len, NULL, 10);
    return -1;
}

static const char *group_name(const struct walk *walk, const char *group)
{
    const char *name = group + strlen(walk->top);
    return *name == '/' ? name + 1 : "/";
}

static bool refused_a_fork(struct walk *walk, const char *group)
{
    char text[256], most[64];
    if (read_in(walk->call, group, "pids.events", text, sizeof text) < 0 || value_of(text, "max") <= 0 ||
        read_in(walk->call, group, "pids.max", most, sizeof most) < 0)
        return false;
    most[strcspn(most, "\n")] = '\0';
    return fact_give(walk->call, "group", group_name(walk, group)) == FACT_YES &&
           fact_give(walk->call, "most", most) == FACT_YES;
}

enum fact_answer fact_fork_refused(struct fact_call *call)
{
    static const char *const tops[] = { GROUPS "/pids", GROUPS, NULL };
    return fact_says(walk_all(call, tops, refused_a_fork));
}

static bool killed_for_memory(struct walk *walk, const char *group)
{
    char text[1024], times[40];
    if (read_in(walk->call, group, "memory.oom_control", text, sizeof text) < 0 &&
        read_in(walk->call, group, "memory.events", text, sizeof text) < 0)
        return false;
    long count = value_of(text, "oom_kill");
    if (count <= 0)
        return false;
    snprintf(times, sizeof times, count == 1 ? "once" : "%ld times", count);
    return fact_give(walk->call, "group", group_name(walk, group)) == FACT_YES &&
           fact_give(walk->call, "times", times) == FACT_YES;
}

enum fact_answer fact_oom_killed(struct fact_call *call)
{
    static const char *const tops[] = { GROUPS "/memory", GROUPS, NULL };
    return fact_says(walk_all(call, tops, killed_for_memory));
}

static bool is_near(struct walk *walk, const char *group)
{
    const char *name = group_name(walk, group);
    return words_similar(name, walk->call->arguments[0]) && fact_give(walk->call, "near", name) == FACT_YES;
}

enum fact_answer fact_group_near(struct fact_call *call)
{
    static const char *const tops[] = {
        GROUPS "/memory", GROUPS "/pids", GROUPS "/cpu", GROUPS "/freezer", GROUPS, NULL
    };
    const char *name = call->arguments[0] + strspn(call->arguments[0], "/");
    if (name != call->arguments[0])
        memmove(call->arguments[0], name, strlen(name) + 1);
    return fact_says(walk_all(call, tops, is_near));
}

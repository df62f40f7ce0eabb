/* Control groups: what is mounted, and whether a group with a limit can be made. Groups are made below teachroot/ only, and removed at once. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/scope.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define GROUP "teachroot"

static const struct cgroup_hierarchy *find_v2(const struct cgroup_hierarchy *list, ssize_t count)
{
    for (ssize_t i = 0; i < count; i++)
        if (list[i].v2)
            return &list[i];
    return NULL;
}

static void v2_controllers(const struct cgroup_hierarchy *v2, char *text, size_t size)
{
    cleanup_close int dir = open(v2->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (read_file_at(dir, "cgroup.controllers", text, size, NULL) < 0)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* Controllers of all v1 hierarchies; a named one (name=systemd) has none. Returns how many hierarchies there are. */
static int v1_controllers(const struct cgroup_hierarchy *list, ssize_t count, char *text, size_t size)
{
    int hierarchies = 0;
    text[0] = '\0';
    for (ssize_t i = 0; i < count; i++) {
        if (list[i].v2)
            continue;
        hierarchies++;
        size_t len = strlen(text);
        if (strncmp(list[i].controllers, "name=", 5) != 0)
            snprintf(text + len, size - len, "%s%s", len ? " " : "", list[i].controllers);
    }
    return hierarchies;
}

enum host_answer probe_cgroup(char *found, size_t size)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES] = { 0 };
    struct err err;
    ssize_t count = cgroup_hierarchies(list, &err);
    if (count < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    char v1[128], v2[128] = "";
    const struct cgroup_hierarchy *unified = find_v2(list, count);
    int old = v1_controllers(list, count, v1, sizeof v1);
    if (unified)
        v2_controllers(unified, v2, sizeof v2);
    if (old && unified)
        return host_say(HOST_YES, found, size, "hybrid: v1 with %.90s; v2 at %.40s with %.60s", *v1 ? v1 : "nothing",
                        unified->mount, *v2 ? v2 : "no controllers");
    if (unified)
        return host_say(HOST_YES, found, size, "v2 at %.60s with %s", unified->mount, *v2 ? v2 : "no controllers");
    if (old)
        return host_say(HOST_YES, found, size, "v1 with %s", *v1 ? v1 : "nothing");
    return host_say(HOST_NO, found, size, "no hierarchy is mounted");
}

enum host_answer probe_cgroup1(char *found, size_t size)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES] = { 0 };
    char controllers[160];
    int old = v1_controllers(list, cgroup_hierarchies(list, NULL), controllers, sizeof controllers);
    if (!old)
        return host_say(HOST_NO, found, size, "no v1 hierarchy is mounted: its commands are translated to v2");
    return host_say(*controllers ? HOST_YES : HOST_PARTLY, found, size, "%d hierarchies: %s", old,
                    *controllers ? controllers : "no controllers");
}

enum host_answer probe_cgroup2(char *found, size_t size)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES] = { 0 };
    const struct cgroup_hierarchy *v2 = find_v2(list, cgroup_hierarchies(list, NULL));
    char controllers[160];
    if (!v2)
        return host_say(HOST_NO, found, size, "no v2 hierarchy is mounted");
    v2_controllers(v2, controllers, sizeof controllers);
    static const char *const wanted[] = { "memory", "cpu", "pids" };
    int has = 0;
    for (size_t i = 0; i < 3; i++)
        has += cgroup_has_controller(v2, wanted[i]);
    if (!has)
        return host_say(HOST_NO, found, size, "at %.100s, without the controllers memory, cpu and pids", v2->mount);
    return host_say(has == 3 ? HOST_YES : HOST_PARTLY, found, size, "at %.60s: %s", v2->mount, controllers);
}

/* One controller: a file that sets a limit, its name in each version, and a value to try. */
struct limit {
    const char *controller, *v2_controller;
    const char *v1_file, *v1_value;
    const char *v2_file, *v2_value;
};

static bool enabled_below(const char *dir, const char *controller)
{
    char path[PATH_MAX], words[512];
    struct cgroup_hierarchy as_if = { .v2 = false };
    snprintf(path, sizeof path, "%.4000s/cgroup.subtree_control", dir);
    if (read_file_at(AT_FDCWD, path, words, sizeof words, NULL) < 0)
        return false;
    for (char *c = words; *c; c++)
        if (*c == ' ' || *c == '\n')
            *c = ',';
    snprintf(as_if.controllers, sizeof as_if.controllers, "%.120s", words);
    return cgroup_has_controller(&as_if, controller);
}

static void hand_down(const char *dir, const char *controller, bool on)
{
    char path[PATH_MAX], word[64];
    snprintf(path, sizeof path, "%.4000s/cgroup.subtree_control", dir);
    snprintf(word, sizeof word, "%c%s", on ? '+' : '-', controller);
    write_file_at(AT_FDCWD, path, word, NULL);
}

/* The number of some block device, for limits that are set for one. */
static void any_block_device(char number[16])
{
    cleanup_dir DIR *dir = opendir("/sys/block");
    const struct dirent *entry;
    strcpy(number, "none");
    while (dir && (entry = readdir(dir))) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/dev", entry->d_name);
        if (entry->d_name[0] != '.' && read_file_at(dirfd(dir), path, number, 16, NULL) > 0)
            break;
    }
    number[strcspn(number, "\n")] = '\0';
}

static enum host_answer try_limit_at(const char *dir, const char *file, const char *value, char *found, size_t size)
{
    cleanup_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct err err;
    char text[64], device[16];
    const char *rest = strncmp(value, "DEVICE", 6) == 0 ? value + 6 : NULL;
    if (rest)
        any_block_device(device);
    snprintf(text, sizeof text, "%s%s", rest ? device : "", rest ? rest : value);
    if (write_file_at(fd, file, text, &err) < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    return host_say(HOST_YES, found, size, "%s can be set", file);
}

static enum host_answer try_limit_1(const struct cgroup_hierarchy *hierarchy, const struct limit *limit, char *found,
                                    size_t size)
{
    char path[64], parent[320], group[384];
    struct err err;
    snprintf(path, sizeof path, GROUP "/doctor-%d", getpid());
    snprintf(group, sizeof group, "%.255s/%s", hierarchy->mount, path);
    snprintf(parent, sizeof parent, "%.255s/" GROUP, hierarchy->mount);
    enum host_answer answer = cgroup_make(hierarchy, path, &err) < 0
                                  ? host_say(HOST_NO, found, size, "%.200s", err.message)
                                  : try_limit_at(group, limit->v1_file, limit->v1_value, found, size);
    rmdir(group);
    rmdir(parent); /* stays where labs are */
    return answer;
}

/* Where groups are made on v2: root's below the mount, a user's below the group that is theirs to divide. Returns 0, or -1 with @found saying why there is none. */
static int find_base(const struct cgroup_hierarchy *hierarchy, char base[PATH_MAX], char *found, size_t size)
{
    char own[PATH_MAX - 256];
    struct err err;
    if (geteuid() != 0 && cgroup_scope(hierarchy, own, sizeof own, &err) < 0) {
        host_say(HOST_NO, found, size, "%.200s", err.message);
        return -1;
    }
    snprintf(base, PATH_MAX, "%s%s%s", hierarchy->mount, geteuid() == 0 ? "" : "/", geteuid() == 0 ? "" : own);
    return 0;
}

/* On v2 the parents have to hand the controller down; what they did before is put back, and refused while a lab uses it. */
static enum host_answer try_limit_2(const struct cgroup_hierarchy *hierarchy, const struct limit *limit, char *found,
                                    size_t size)
{
    char base[PATH_MAX], parent[PATH_MAX + 16], group[PATH_MAX + 48];
    const char *controller = limit->v2_controller;
    if (find_base(hierarchy, base, found, size) < 0)
        return HOST_NO;
    bool enabled = !controller || enabled_below(base, controller);
    if (!enabled && geteuid() != 0) /* cgroup_scope had all handed down that there is */
        return host_say(HOST_NO, found, size, "systemd does not hand %s down to this user", controller);
    snprintf(parent, sizeof parent, "%s/" GROUP, base);
    snprintf(group, sizeof group, "%s/doctor-%d", parent, getpid());
    if (mkdir(parent, 0755) < 0 && errno != EEXIST)
        return host_fails(found, size, "mkdir `%.200s`", parent);
    if (!enabled)
        hand_down(base, controller, true);
    if (controller)
        hand_down(parent, controller, true);
    enum host_answer answer;
    if (mkdir(group, 0755) < 0)
        answer = host_fails(found, size, "mkdir `%.200s`", group);
    else
        answer = try_limit_at(group, limit->v2_file, limit->v2_value, found, size);
    rmdir(group);
    rmdir(parent);
    if (!enabled)
        hand_down(base, controller, false);
    return answer;
}

/* Every v2 group can be frozen: no controller to ask for. */
static bool has_limit(const struct cgroup_hierarchy *hierarchy, const struct limit *limit)
{
    if (!hierarchy->v2)
        return cgroup_has_controller(hierarchy, limit->controller);
    return limit->v2_file && (!limit->v2_controller || cgroup_has_controller(hierarchy, limit->v2_controller));
}

static enum host_answer probe_limit(const struct limit *limit, char *found, size_t size)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES] = { 0 };
    struct err err;
    ssize_t count = cgroup_hierarchies(list, &err);
    if (count < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    for (ssize_t i = 0; i < count; i++) {
        if (!has_limit(&list[i], limit))
            continue;
        enum host_answer answer =
            list[i].v2 ? try_limit_2(&list[i], limit, found, size)
            : geteuid() != 0
                ? host_say(HOST_NO, found, size, "%s is on v1, whose groups are root's alone", limit->controller)
                : try_limit_1(&list[i], limit, found, size);
        size_t len = strlen(found);
        if (answer == HOST_YES)
            snprintf(found + len, size - len, " (v%d)", list[i].v2 ? 2 : 1);
        return answer;
    }
    return host_say(HOST_NO, found, size, "no mounted hierarchy has the controller %s", limit->controller);
}

#define LIMIT(name, ...)                                                                                               \
    enum host_answer probe_##name(char *found, size_t size)                                                            \
    {                                                                                                                  \
        static const struct limit limit = { __VA_ARGS__ };                                                             \
        return probe_limit(&limit, found, size);                                                                       \
    }
LIMIT(memcg, "memory", "memory", "memory.limit_in_bytes", "67108864", "memory.max", "67108864")
LIMIT(pidscg, "pids", "pids", "pids.max", "16", "pids.max", "16")
LIMIT(cpucg, "cpu", "cpu", "cpu.cfs_quota_us", "5000", "cpu.max", "5000 100000")
LIMIT(cpusetcg, "cpuset", "cpuset", "cpuset.memory_migrate", "1", "cpuset.cpus", "0")
LIMIT(iocg, "blkio", "io", "blkio.throttle.read_bps_device", "DEVICE 0", "io.max", "DEVICE rbps=max")
LIMIT(freezercg, "freezer", NULL, "freezer.state", "THAWED", "cgroup.freeze", "0")
LIMIT(devicescg, "devices", NULL, "devices.deny", "c 5:1 rwm", NULL, NULL)

/* A group of our own that we may divide: what systemd gives a user on v2. */
enum host_answer probe_delegation(char *found, size_t size)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES] = { 0 };
    const struct cgroup_hierarchy *v2 = find_v2(list, cgroup_hierarchies(list, NULL));
    char base[PATH_MAX], controllers[160];
    if (geteuid() == 0)
        return host_say(HOST_YES, found, size, "root needs none");
    if (!v2)
        return host_say(HOST_NO, found, size, "no v2 hierarchy is mounted, and v1 groups are root's alone");
    v2_controllers(v2, controllers, sizeof controllers);
    if (!*controllers)
        return host_say(HOST_NO, found, size, "v2 has no controllers here, and v1 groups are root's alone");
    if (find_base(v2, base, found, size) < 0)
        return HOST_NO;
    cleanup_close int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (read_file_at(fd, "cgroup.subtree_control", controllers, sizeof controllers, NULL) < 0)
        controllers[0] = '\0';
    controllers[strcspn(controllers, "\n")] = '\0';
    return host_say(*controllers ? HOST_YES : HOST_PARTLY, found, size,
                    "systemd gives a group (scope) of our own to divide, with %s",
                    *controllers ? controllers : "no controllers");
}

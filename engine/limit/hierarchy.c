#include "engine/limit/hierarchy.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/backend.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* Options of a v1 mount that do not name its hierarchy. */
static bool names_hierarchy(const char *option)
{
    static const char *const others[] = {
        "rw", "ro", "xattr", "noprefix", "clone_children", "none", "seclabel", "all"
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(option, others[i]) == 0)
            return false;
    return strncmp(option, "release_agent=", 14) != 0;
}

static void take_controllers(struct cgroup_hierarchy *hierarchy, char *options)
{
    size_t len = 0;
    for (const char *option; (option = strsep(&options, ",\n"));)
        if (*option && names_hierarchy(option)) {
            int n = snprintf(hierarchy->controllers + len, sizeof hierarchy->controllers - len, "%s%s", len ? "," : "",
                             option);
            if (n > 0 && len + (size_t)n < sizeof hierarchy->controllers)
                len += (size_t)n;
        }
}

ssize_t cgroup_hierarchies(struct cgroup_hierarchy list[CGROUP_HIERARCHIES], struct err *err)
{
    cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f)
        return err_set(err, errno, "open `/proc/self/mountinfo`");
    size_t count = 0;
    cleanup_free char *line = NULL;
    size_t size = 0;
    while (count < CGROUP_HIERARCHIES && getline(&line, &size, f) > 0) {
        char mount[256], type[32], options[512];
        char *after = strstr(line, " - ");
        if (!after || sscanf(line, "%*d %*d %*s %*s %255s", mount) != 1 ||
            sscanf(after, " - %31s %*s %511s", type, options) != 2)
            continue;
        struct cgroup_hierarchy found = { .v2 = strcmp(type, "cgroup2") == 0 };
        if (!found.v2 && strcmp(type, "cgroup") != 0)
            continue;
        memcpy(found.mount, mount, sizeof mount);
        if (!found.v2)
            take_controllers(&found, options);
        size_t seen = 0;
        while (seen < count && (list[seen].v2 != found.v2 || strcmp(list[seen].controllers, found.controllers) != 0))
            seen++;
        if (seen == count)
            list[count++] = found;
    }
    return (ssize_t)count;
}

static bool word_in(const char *words, const char *separators, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = words; *p; p += strspn(p, separators)) {
        size_t n = strcspn(p, separators);
        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n;
    }
    return false;
}

bool cgroup_has_controller(const struct cgroup_hierarchy *hierarchy, const char *controller)
{
    if (!hierarchy->v2)
        return word_in(hierarchy->controllers, ",", controller);
    char path[PATH_MAX], words[512];
    snprintf(path, sizeof path, "%s/cgroup.controllers", hierarchy->mount);
    return read_file_at(AT_FDCWD, path, words, sizeof words, NULL) > 0 && word_in(words, " \n", controller);
}

/* A new v1 cpuset is empty, and an empty one takes no process (ENOSPC). */
static int inherit_cpuset(const char *parent, const char *child, struct err *err)
{
    static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
    for (size_t i = 0; i < 2; i++) {
        char from[PATH_MAX], to[PATH_MAX], value[4096];
        if (snprintf(from, sizeof from, "%s/%s", parent, files[i]) >= (int)sizeof from ||
            snprintf(to, sizeof to, "%s/%s", child, files[i]) >= (int)sizeof to)
            return err_set(err, ENAMETOOLONG, "cpuset `%s`", child);
        if (read_file_at(AT_FDCWD, from, value, sizeof value, err) < 0 || write_file_at(AT_FDCWD, to, value, err) < 0)
            return -1;
    }
    return 0;
}

/* One controller a write: a single one that is refused would refuse them all. */
static void enable_controllers(const char *dir)
{
    char path[PATH_MAX], words[512];
    if (snprintf(path, sizeof path, "%s/cgroup.controllers", dir) >= (int)sizeof path ||
        read_file_at(AT_FDCWD, path, words, sizeof words, NULL) < 0 ||
        snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir) >= (int)sizeof path)
        return;
    char *rest = words;
    for (const char *word; (word = strsep(&rest, " \n"));) {
        char enable[64];
        if (*word && snprintf(enable, sizeof enable, "+%s", word) < (int)sizeof enable)
            write_file_at(AT_FDCWD, path, enable, NULL);
    }
}

static int make_groups(const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err)
{
    char parent[PATH_MAX], child[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", hierarchy->mount);
    for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
        size_t n = strcspn(p, "/");
        if (snprintf(child, sizeof child, "%s/%.*s", parent, (int)n, p) >= (int)sizeof child)
            return err_set(err, ENAMETOOLONG, "mkdir cgroup `%s`", path);
        if (hierarchy->v2)
            enable_controllers(parent);
        bool made = mkdir(child, 0755) == 0;
        if (!made && errno != EEXIST)
            return err_set(err, errno, "mkdir cgroup `%s`", child);
        if (cgroup_has_controller(hierarchy, "cpuset") && !hierarchy->v2 && inherit_cpuset(parent, child, err) < 0)
            return -1;
        memcpy(parent, child, sizeof parent);
        p += n;
    }
    return 0;
}

int cgroup_make(const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err)
{
    /* A parent that others share may be removed by the last of them between two of our calls: then it is made again. */
    struct err why = { 0 };
    for (int tries = 0; tries < 8; tries++) {
        if (make_groups(hierarchy, path, &why) == 0)
            return 0;
        if (why.code != ENOENT)
            break;
    }
    if (err)
        *err = why;
    return -1;
}

int cgroup_write(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file, const char *value,
                 struct err *err)
{
    char full[PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s/%s", hierarchy->mount, path, file) >= (int)sizeof full)
        return err_set(err, ENAMETOOLONG, "write cgroup file `%s`", file);
    return write_file_at(AT_FDCWD, full, value, err);
}

/* Kill every process of the group @dirfd itself. Returns how many there were, -1 if it cannot be read. */
static int kill_members(int dirfd)
{
    cleanup_close int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f)
        return -1;
    fd = -1;
    int count = 0;
    for (long pid; fscanf(f, "%ld", &pid) == 1; count++)
        if (pid > 0)
            kill((pid_t)pid, SIGKILL);
    return count;
}

/* Thaw and kill what is below @dirfd, deepest first, wait for it until @until if that is not 0, and @remove the groups. Returns how many processes were still there. */
static int clear_below(int dirfd, int depth, int64_t until, bool remove)
{
    write_file_at(dirfd, "freezer.state", "THAWED", NULL);
    write_file_at(dirfd, "cgroup.freeze", "0", NULL);
    write_file_at(dirfd, "cgroup.kill", "1", NULL);
    int left = kill_members(dirfd);
    cleanup_close int again = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 || depth == 0 ? NULL : fdopendir(again);
    if (left < 0)
        left = 0;
    if (dir)
        again = -1;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        cleanup_close int child = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (child >= 0)
            left += clear_below(child, depth - 1, until, remove);
        if (remove)
            unlinkat(dirfd, entry->d_name, AT_REMOVEDIR);
    }
    if (until > 0 && left > 0)
        cgroup_wait_members(dirfd, (int)(until - cgroup_now()));
    return left;
}

enum { DEEPEST = 64 };

int cgroup_kill_below(int dir, int timeout_ms)
{
    return clear_below(dir, DEEPEST, cgroup_now() + timeout_ms, false);
}

void cgroup_kill(const struct cgroup_hierarchy *hierarchy, const char *path)
{
    char full[PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s", hierarchy->mount, path) >= (int)sizeof full)
        return;
    cleanup_close int dir = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        clear_below(dir, DEEPEST, 0, true);
}

int cgroup_clear(const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err)
{
    char full[PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s", hierarchy->mount, path) >= (int)sizeof full)
        return err_set(err, ENAMETOOLONG, "clear cgroup `%s`", path);
    int64_t until = cgroup_now() + 10000;
    for (int wait = 1;; wait = wait < 50 ? wait * 2 : 50) {
        cleanup_close int dir = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return errno == ENOENT ? 0 : err_set(err, errno, "open cgroup `%s`", full);
        int left = clear_below(dir, DEEPEST, until, true);
        if (rmdir(full) == 0 || errno == ENOENT)
            return 0;
        if (cgroup_now() >= until)
            return err_say(err, EBUSY, "remove cgroup `%s`: %d processes in it do not end", full, left);
        /* Their ends were waited for above; what is left is a process that another hierarchy freezes, or a group made meanwhile, and nothing tells of either. */
        if (left == 0 || wait > 1)
            poll(NULL, 0, wait);
    }
}

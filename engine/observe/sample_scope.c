#include "engine/observe/sample_internal.h"

#include "engine/base/cleanup.h"
#include "engine/limit/hierarchy.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static int add(struct pid_list *list, pid_t pid)
{
    if (list->count == list->size) {
        size_t size = list->size ? list->size * 2 : 1024;
        pid_t *larger = realloc(list->pids, size * sizeof *larger);
        if (!larger)
            return -1;
        list->pids = larger;
        list->size = size;
    }
    list->pids[list->count++] = pid;
    return 0;
}

static int list_host(int proc, struct pid_list *list)
{
    __attribute__((aligned(8))) char entries[32768];
    if (lseek(proc, 0, SEEK_SET) < 0)
        return -1;
    for (ssize_t n; (n = getdents64(proc, entries, sizeof entries)) != 0;) {
        if (n < 0)
            return -1;
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < n; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)(entries + at);
            if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
                continue;
            pid_t pid = 0;
            for (const char *digit = entry->d_name; *digit >= '0' && *digit <= '9'; digit++)
                pid = pid * 10 + (*digit - '0');
            if (add(list, pid) < 0)
                return -1;
        }
    }
    return 0;
}

static int list_members(int dirfd, struct pid_list *list)
{
    cleanup_close int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    char text[4096];
    pid_t pid = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            if (pid > 0 && add(list, pid) < 0)
                return -1;
            pid = 0;
        }
    return 0;
}

#define DEPTH_MAX 64

static int list_below(int dirfd, struct pid_list *list, int depth)
{
    __attribute__((aligned(8))) char entries[4096];
    if (list_members(dirfd, list) < 0)
        return -1;
    for (ssize_t n; depth > 0 && (n = getdents64(dirfd, entries, sizeof entries)) > 0;) {
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < n; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)(entries + at);
            if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            cleanup_close int child = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (child >= 0 && list_below(child, list, depth - 1) < 0)
                return -1;
        }
    }
    return 0;
}

/* A learner's group may be in one hierarchy alone, so all are asked. */
static int list_cgroup(const char *group, struct pid_list *list)
{
    struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(hierarchies, NULL);
    bool found = false;
    for (ssize_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", hierarchies[i].mount, group) >= (int)sizeof path)
            continue;
        cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            continue;
        found = true;
        if (list_below(dir, list, DEPTH_MAX) < 0)
            return -1;
    }
    if (!found)
        errno = ESRCH;
    return found ? 0 : -1;
}

static int list_namespace(pid_t init, struct pid_list *list)
{
    for (;;) {
        struct err err = { 0 };
        ssize_t n = observe_processes_below(init, list->pids, list->size, &err);
        if (n < 0) {
            errno = err.code;
            return -1;
        }
        list->count = (size_t)n;
        if (list->count < list->size)
            return 0;
        if (add(list, 0) < 0) /* full: there may be more */
            return -1;
    }
}

int scope_list(int proc, const struct sample_scope *scope, struct pid_list *list)
{
    list->count = 0;
    switch (scope->kind) {
    case SAMPLE_HOST:
        return list_host(proc, list);
    case SAMPLE_CGROUP:
        return list_cgroup(scope->path, list);
    case SAMPLE_PID_NS:
        return list_namespace(scope->init, list);
    case SAMPLE_NOBODY:
        break;
    }
    return 0;
}

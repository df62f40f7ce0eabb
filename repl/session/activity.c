#include "repl/session/activity.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/hierarchy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 32

/* cpuacct.usage of v1 is a number of nanoseconds, v1 and v2 alike change with every slice of CPU time; cpu.stat, which every group of v2 has, says usage_usec. */
static bool read_usage(const char *path, uint64_t *usage)
{
    char text[1024];
    if (read_file_at(AT_FDCWD, path, text, sizeof text, NULL) < 0)
        return false;
    const char *usec = strstr(text, "usage_usec ");
    *usage = usec ? strtoull(usec + strlen("usage_usec "), NULL, 10) * 1000 : strtoull(text, NULL, 10);
    return true;
}

void activity_open(struct activity *activity, struct lab *lab)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    const struct lab_facts *facts = lab_facts(lab);
    ssize_t count = cgroup_hierarchies(list, NULL);
    activity->file[0] = '\0';
    for (ssize_t i = 0; i < count; i++) {
        char try[sizeof activity->file];
        uint64_t usage;
        int n;
        if (list[i].v2 && facts->cgroup_v2[0])
            n = snprintf(try, sizeof try, "%s/%s/cpu.stat", list[i].mount, facts->cgroup_v2);
        else if (!list[i].v2 && cgroup_has_controller(&list[i], "cpuacct"))
            n = snprintf(try, sizeof try, "%s/teachroot/%s/cpuacct.usage", list[i].mount, lab_name(lab));
        else
            continue;
        if (n > 0 && (size_t)n < sizeof try && read_usage(try, &usage))
            memcpy(activity->file, try, sizeof try);
    }
}

static void mix(uint64_t *value, uint64_t with)
{
    *value = (*value ^ with) * 0x100000001b3u;
}

/* A process that is born, one that ends, and CPU time of any thread: each changes the value. */
static bool mix_process(pid_t pid, int depth, uint64_t *value)
{
    char path[96], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    cleanup_dir DIR *tasks = opendir(path);
    const struct dirent *task;
    mix(value, (uint64_t)pid);
    if (!tasks)
        return depth > 0; /* it has just ended */
    while ((task = readdir(tasks))) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.32s/schedstat", task->d_name);
        if (read_file_at(dirfd(tasks), path, text, sizeof text, NULL) > 0)
            mix(value, strtoull(text, NULL, 10));
        snprintf(path, sizeof path, "%.32s/children", task->d_name);
        if (read_file_at(dirfd(tasks), path, text, sizeof text, NULL) < 0)
            return false; /* a kernel without, or more children than can be followed */
        char *at = text;
        for (long child; depth < DEEPEST && (child = strtol(at, &at, 10)) > 0;)
            if (!mix_process((pid_t)child, depth + 1, value))
                return false;
    }
    return true;
}

bool activity_read(const struct activity *activity, struct lab *lab, const pid_t *roots, size_t count, uint64_t *value)
{
    if (activity->file[0])
        return read_usage(activity->file, value);
    *value = 0xcbf29ce484222325u;
    bool known = mix_process(lab_init_pid(lab), 0, value);
    for (size_t i = 0; i < count && known; i++)
        if (roots[i] > 0)
            known = mix_process(roots[i], 0, value);
    return known;
}

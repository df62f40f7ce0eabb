/** Which files of a cgroup say what, in both kinds of hierarchy: one table row and one function a file. */
#ifndef ENGINE_OBSERVE_SAMPLE_GROUP_FILES_H
#define ENGINE_OBSERVE_SAMPLE_GROUP_FILES_H

#include "engine/observe/sample_groups.h"

/* What was read of a group in one refresh, before it becomes shares and rates. */
struct group_figures {
    uint64_t cpu_time, quota, period; /* nanoseconds; quota and period in microseconds */
    uint64_t periods, throttled_periods, throttled_time;
    uint64_t memory, memory_limit, memory_and_swap, swap, oom_kills, pids, pids_limit, io_read, io_written;
    bool frozen;
    uint64_t cpu_read_at;
};

struct group_file {
    const char *controller; /* v1: the hierarchy that has it; NULL: v2 */
    const char *name;
    void (*parse)(const char *text, struct group_figures *figures);
};
#define GROUP_FILES 22
extern const struct group_file group_files[GROUP_FILES];

#endif

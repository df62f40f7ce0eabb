/** Samples the cgroup tree: one group a path, its figures from whichever hierarchy has that controller, v1, v2 or both.
 *
 * Files are kept open and read with pread(2); a directory is listed again only when its link count says that it has other children. Where a hierarchy lacks the group or
 * the kernel lacks the file, the figure is not there, which its own value says. See cgroups(7), Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
 */
#ifndef ENGINE_OBSERVE_SAMPLE_GROUPS_H
#define ENGINE_OBSERVE_SAMPLE_GROUPS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SAMPLE_HISTORY 64
#define SAMPLE_NONE UINT64_MAX /* there is no such figure, or no limit */

struct sample_group {
    char *path;                                    /* below the mounts, with a leading slash; "/" for the root */
    const char *name;                              /* its last component */
    unsigned depth;                                /* below the root of what is sampled, which has 0 */
    struct sample_group *parent, *child, *sibling; /* children by name */

    float cpu;                     /* per cent of one CPU since the refresh before; <0: not known */
    float cpu_limit;               /* the same unit; <0: none */
    uint64_t cpu_time;             /* nanoseconds in all; SAMPLE_NONE */
    float throttled;               /* of the periods since the refresh before, the share that was throttled, 0…1 */
    uint64_t throttled_time;       /* nanoseconds in all; SAMPLE_NONE where no quota can be set */
    uint64_t memory, memory_limit; /* bytes */
    uint64_t swap;                 /* bytes beyond memory */
    uint64_t pids, pids_limit;     /* threads, as the kernel counts them */
    uint64_t io_read, io_written;  /* bytes in all */
    uint64_t io_read_rate, io_write_rate; /* bytes a second */
    uint64_t oom_kills;                   /* in all */
    uint64_t oom_at; /* CLOCK_MONOTONIC nanoseconds of the refresh that last saw one more; 0: none since first seen */
    bool frozen;
    bool in_v2, in_v1; /* which kind of hierarchy has it */

    /* The last figures, oldest first from history_first: memory in bytes, CPU in per cent. */
    uint64_t memory_history[SAMPLE_HISTORY];
    float cpu_history[SAMPLE_HISTORY];
    unsigned history_count, history_next;

    struct group_files *files; /* the sampler's own */
};

struct group_sampler;

/** @keep_fds: how many files may be kept open. */
struct group_sampler *group_sampler_new(unsigned keep_fds, struct err *err);
void group_sampler_free(struct group_sampler *sampler);

/** Only the groups at @path and below; NULL or "/": all. */
void group_sampler_set_root(struct group_sampler *sampler, const char *path);

/** Where v1's cpu hierarchy has a group that cpuacct does not know, its CPU share is the sum of its processes' in @processes (refreshed before; borrowed; NULL: not known). */
struct sampler;
void group_sampler_set_processes(struct group_sampler *sampler, const struct sampler *processes);

/** Read everything again. Returns 0, or -1: ENOENT no hierarchy has the root asked for (then there are no groups); ENOMEM. */
int group_sampler_refresh(struct group_sampler *sampler, struct err *err);

/** The root, its children below it; NULL when it is not there. Valid until the next refresh. */
struct sample_group *group_sampler_root(const struct group_sampler *sampler);
size_t group_sampler_count(const struct group_sampler *sampler);

/** The one after @group when the tree is walked from the top (children before siblings), or NULL. */
struct sample_group *sample_group_next(const struct sample_group *group);
/** Figure @back refreshes ago (0: the last one); SAMPLE_NONE before the first. */
uint64_t sample_group_memory(const struct sample_group *group, unsigned back);

#endif

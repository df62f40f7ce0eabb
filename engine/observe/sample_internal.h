/** What the files of the sampler share. */
#ifndef ENGINE_OBSERVE_SAMPLE_INTERNAL_H
#define ENGINE_OBSERVE_SAMPLE_INTERNAL_H

#include "engine/observe/sample.h"

/* One line of /proc/PID/stat, what of it is used. */
struct stat_line {
    char state;
    pid_t ppid;
    unsigned flags;
    uint64_t ticks; /* user and system */
    int priority, nice, threads, processor;
    uint64_t start, virt, rss; /* rss in pages */
    const char *comm;
    size_t comm_len;
};
/** Parse @text (NUL-terminated). False: it is not such a line. */
bool stat_line_parse(const char *text, size_t len, struct stat_line *line);

/** Kept fds of the machine's files, and the counters of the refresh before. */
struct host_sampler;
struct host_sampler *host_sampler_new(struct err *err);
void host_sampler_free(struct host_sampler *sampler);
void host_sampler_refresh(struct host_sampler *sampler);
const struct sample_host *host_sampler_get(const struct host_sampler *sampler);

/** The pids of a scope, in a buffer that is kept. */
struct pid_list {
    pid_t *pids;
    size_t count, size;
};
/** List @scope anew; a pid may come twice. Returns 0, or -1 with errno ESRCH: there is no such cgroup or process; ENOMEM. */
int scope_list(int proc, const struct sample_scope *scope, struct pid_list *list);

/** Read the details of @process. @reference holds the inodes to compare with. */
void detail_command(int proc, struct sample_process *process);
void detail_group(int proc, struct sample_process *process);
void detail_inner(int proc, struct sample_process *process);
void detail_namespaces(int proc, struct sample_process *process, const uint64_t reference[NAMESPACE_KINDS]);
void detail_shared(int proc, struct sample_process *process);

/** Open @name of @process (or of its thread), read it with one read(2), NUL-terminate. Returns the length or -1. */
ssize_t sample_read(int proc, const struct sample_process *process, const char *name, char *buf, size_t size);
/** The path of @name below /proc. */
void sample_path(const struct sample_process *process, const char *name, char *path, size_t size);

/** CLOCK_MONOTONIC in nanoseconds. */
uint64_t sample_now(void);

#endif

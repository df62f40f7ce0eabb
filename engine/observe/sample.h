/** Samples the machine and its processes again and again, cheaply: what a panel that refreshes every second needs.
 *
 * A sampler keeps one fd of each process's stat file open, so that a refresh costs one pread(2) a process and cannot mistake one process for a later one with the same number
 * (ESRCH; without a kept fd the start time tells them apart). What is read of stat is there for every process; the rest (command line, cgroup, namespaces …) only
 * for those it was asked of, and again when it may have changed. In the steady state a refresh allocates nothing. See proc(5), Documentation/accounting/psi.rst.
 */
#ifndef ENGINE_OBSERVE_SAMPLE_H
#define ENGINE_OBSERVE_SAMPLE_H

#include "engine/base/err.h"
#include "engine/observe/observe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- the machine ---- */

/* Shares of the time since the refresh before, 0…1; together at most 1, the rest is idle. */
struct sample_cpu {
    float user, nice, system, irq, steal, iowait;
};
enum sample_resource { SAMPLE_PRESSURE_CPU, SAMPLE_PRESSURE_MEMORY, SAMPLE_PRESSURE_IO, SAMPLE_PRESSURES };
struct sample_pressure {
    bool known;
    float some10, some60, full10, full60; /* per cent of the last 10 and 60 s; the kernel has no full for cpu: 0 */
};
struct sample_host {
    unsigned cpus;          /* that are online */
    struct sample_cpu *cpu; /* [0] all together, [1…cpus] each */
    uint64_t memory_total, memory_used, memory_buffers, memory_cache, memory_shared, memory_available; /* bytes */
    uint64_t swap_total, swap_used;
    float load[3];                 /* runnable and uninterruptible tasks over 1, 5, 15 minutes */
    unsigned tasks_running, tasks; /* threads, as loadavg counts them */
    uint64_t uptime;               /* seconds */
    struct sample_pressure pressure[SAMPLE_PRESSURES];
};

/* ---- processes ---- */

enum sample_detail {
    SAMPLE_COMMAND = 1,    /* .command */
    SAMPLE_GROUP = 2,      /* .group */
    SAMPLE_INNER = 4,      /* .inner, .depth */
    SAMPLE_NAMESPACES = 8, /* .differs, .hidden */
    SAMPLE_SHARED = 16,    /* .shared, and .rss to the page */
};
#define SAMPLE_DETAILS 5
#define SAMPLE_BY_TURNS                                                                                                \
    64 /* where more than SAMPLE_AT_ONCE processes are asked for, each is read anew only every few refreshes */
#define SAMPLE_ANY_AGE 128 /* once read is enough */
#define SAMPLE_AT_ONCE 256

struct sample_process {
    pid_t pid;  /* of a thread: its own number */
    pid_t tgid; /* of its process; the same for a process */
    pid_t ppid;
    uid_t uid;                  /* the effective one */
    uint64_t start;             /* clock ticks since boot; with pid it names the process for good */
    char state;                 /* R S D Z T … */
    bool kernel;                /* a thread of the kernel's */
    bool thread;                /* a thread that is not its process's first */
    unsigned char tag;          /* the caller's; 0 at birth */
    uint32_t place;             /* the caller's, for one refresh */
    float cpu;                  /* per cent of one CPU since the refresh before */
    uint64_t time;              /* CPU time since its birth, nanoseconds (to the clock tick) */
    uint64_t virt, rss, shared; /* bytes */
    int priority, nice, threads, processor;
    char comm[64];
    char *command;         /* arguments parted by spaces, or the name; one line; NULL: not asked for */
    char *group;           /* the longest of its cgroup paths; NULL: not asked for */
    pid_t inner;           /* its number in the pid namespace it lives in */
    unsigned char depth;   /* how many pid namespaces deep, 1: the reader's own */
    unsigned char differs; /* bits by the order of namespace_kinds: not the reference's */
    bool
        hidden; /* it has rights that the reader has not: its namespaces may not be read, and .differs is what was read */

    /* the sampler's own */
    int fd;
    bool alive, fresh;
    unsigned char watch;
    uint32_t seen, next, asked;
    uint64_t ticks, runtime, read_at;
    uint32_t age[SAMPLE_DETAILS];
    size_t command_size, group_size;
};

/* ---- whose processes ---- */

enum sample_scope_kind {
    SAMPLE_HOST,   /* all that /proc shows */
    SAMPLE_CGROUP, /* those in a cgroup and below, in whichever hierarchy has it */
    SAMPLE_PID_NS, /* those in the pid namespace of a process and below */
    SAMPLE_NOBODY,
};
struct sample_scope {
    enum sample_scope_kind kind;
    char path[1024]; /* SAMPLE_CGROUP: below the mounts, with a leading slash */
    pid_t init;      /* SAMPLE_PID_NS */
};

struct sampler;

/** @keep_fds: how many stat files may be kept open; more processes than that cost an open(2) and a close(2) each time. */
struct sampler *sampler_new(unsigned keep_fds, struct err *err);
void sampler_free(struct sampler *sampler);

/** Whose processes the next refresh lists. What is known of those that stay in scope is kept. */
void sampler_set_scope(struct sampler *sampler, const struct sample_scope *scope);
/** Also list the threads of each process. */
void sampler_set_threads(struct sampler *sampler, bool threads);
/** The process whose namespaces .differs compares with. By default the caller itself. Returns 0, or -1: it is gone. */
int sampler_set_reference(struct sampler *sampler, pid_t pid, struct err *err);

/** Read everything again. Returns 0, or -1 when /proc cannot be read at all, or ESRCH: the scope is gone (then it has no processes). */
int sampler_refresh(struct sampler *sampler, struct err *err);

const struct sample_host *sampler_host(const struct sampler *sampler);

/** The processes of the last refresh in no order; pointers are valid until the next refresh. */
size_t sampler_count(const struct sampler *sampler);
struct sample_process *sampler_process(const struct sampler *sampler, size_t index);
/** By number (a thread's own for a thread); NULL: not in scope, or gone. */
struct sample_process *sampler_find(const struct sampler *sampler, pid_t pid);

/** See to it that the details named (enum sample_detail) are there and not old. */
void sampler_detail(struct sampler *sampler, struct sample_process *process, unsigned details);

/** Counts for tests and benches: stat files that are kept open, and births and deaths seen since the sampler was made. */
struct sampler_counts {
    size_t kept_fds, slots;
    uint64_t refreshes, births, deaths;
};
struct sampler_counts sampler_counts(const struct sampler *sampler);

/** A signal for exactly this process: ESRCH if it ended, even where another has its number now. Returns 0 or -1. */
int sample_kill(const struct sample_process *process, int signal, struct err *err);
/** Add @by to its nice value. */
int sample_renice(const struct sample_process *process, int by, struct err *err);

#endif

/** The lab: a real machine that cannot be broken.
 *
 * A copy-on-write view of this machine's own root filesystem in a user namespace, with its own mount, pid, uts, ipc, net and cgroup
 * namespaces, a small init as pid 1, a size-limited disk, and memory and pids limits from the first moment. Root in the lab is nobody
 * on the host. The lab lives exactly as long as the process that made it: init ends when that process's pipe closes (kill -9 included),
 * and what the kernel does not clear by itself (cgroups, a veth end, an nft table, state files) carries the lab's name and is cleared by
 * lab_destroy, or by the next lab_gc.
 *
 * Works as root (the whole of `/`, idmapped, under one overlay) and rootless (an assembled root; see lab_mode).
 */
#ifndef ENGINE_LAB_LAB_H
#define ENGINE_LAB_LAB_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lab;

struct lab_options {
    const char *name;      /* [a-z0-9-]{1,32}; NULL: the first free of lab1, lab2, … */
    uint64_t disk_bytes;   /* what the lab may write; 0: 2 GiB */
    uint64_t memory_bytes; /* memory limit; 0: 1 GiB, or half of the machine's memory if that is less */
    unsigned pids;         /* limit of processes and threads; 0: 1024 */
    bool offline;          /* no network beyond the lab's own loopback */
    bool rootless; /* take the rootless way although we are root's equal (for tests; implied for an ordinary user) */
    const char *tools; /* path of the multi-call program put first in the lab's PATH; NULL: none */
    const char *
        work; /* a directory of this user that the lab may write, at LAB_WORK: for a lab that makes something for the cache.
                       * Not with `rootless` as root: ENOTSUP. NULL: none */
};
#define LAB_TOOLS_DIR "/run/teachroot/bin" /* inside a lab, first in its PATH */
#define LAB_STORE "/var/lib/docker"        /* inside a lab: images and containers of its own, on its disk */
#define LAB_CACHE "/var/cache/teachroot"   /* inside a lab, read-only */
#define LAB_WORK "/var/lib/teachroot"

/** Build a lab and start its init. Dead labs found on the way are cleared first (lab_gc). Returns NULL with @err set:
 * EEXIST a lab of that name is running; ENOTSUP this machine cannot (the message says which part and what would bring it). */
struct lab *lab_create(const struct lab_options *options, struct err *err);

/** Kill everything in the lab, wait for what lab_spawn started and the caller has not waited for, and remove every trace. NULL is fine. */
void lab_destroy(struct lab *lab);

const char *lab_name(const struct lab *lab);

/** The host pid of the lab's init, and a pidfd of it that polls readable when the lab has died. */
pid_t lab_init_pid(const struct lab *lab);
int lab_pidfd(const struct lab *lab);

/** Facts about this lab for doctor and the first screen: what was had, what was done without and why. Strings live as long as the lab. */
struct lab_facts {
    bool rootless;                /* no host root behind it */
    bool whole_root;              /* the lower is all of `/`, idmapped; else an assembled root */
    unsigned id_base, id_count;   /* lab ids 0… are host ids id_base… (id_count 1: a single-id map) */
    uint64_t disk_bytes;          /* 0: not limited by the lab (a directory of the user's) */
    uint64_t memory_bytes;        /* 0: no memory limit could be set */
    unsigned pids;                /* 0: no pids limit */
    bool pids_by_rlimit;          /* the pids limit is RLIMIT_NPROC of the user namespace, for want of a cgroup */
    const char *network;          /* "nat", "host", "offline" */
    const char *real_directories; /* space-separated: those on a real filesystem, where an overlay's upper may live */
    char cgroup_v2[256];          /* path below the v2 mount, "" if none */
    const char *missing[9];       /* one sentence each, NULL-terminated: what was done without and why */
};
const struct lab_facts *lab_facts(struct lab *lab);

/** Microseconds spent in each phase of lab_create, for `make bench`; ends with a NULL name. */
struct lab_phase {
    const char *name;
    uint64_t usec;
};
const struct lab_phase *lab_phases(const struct lab *lab);

/** A new pty in the lab's own devpts, so that tty(1) in the lab names it. Both ends O_CLOEXEC. Returns 0 or -1. */
int lab_open_pty(struct lab *lab, unsigned rows, unsigned cols, int *master, int *slave, struct err *err);

/** A program of ours, for reading and fexecve(3): the multi-call program, the one that moves images, or the notebooks' kernel. @tools: the path of the first, which the others lie beside; NULL:
 * $TEACHROOT_TOOLS, or beside this program, or where they are installed. */
enum lab_program { LAB_TOOLS, LAB_TRANSFER, LAB_KERNEL };
int lab_open_program(const char *tools, enum lab_program program, struct err *err);

/* A tracer that a command is started under: strace -DDD, which lets its own parent be the traced process and is nobody's child then. It stays outside the lab, its groups included. */
#define LAB_TRACER_WORDS 24
struct lab_tracer {
    const char *const *
        argv; /* NULL-terminated, at most LAB_TRACER_WORDS; looked up in our PATH; the program it starts is put behind */
    int output; /* its fds 1 and 2 */
    pid_t *pid; /* set: its host pid. A child of the calling process like the command; lab_destroy ends it */
};

struct lab_command {
    const char *const *argv;         /* NULL-terminated; argv[0] looked up in the lab's PATH */
    const char *const *env;          /* extra KEY=VALUE strings over the lab's built environment; may be NULL */
    const char *cwd;                 /* inside the lab; NULL: /root */
    int stdio[3];                    /* fds for 0, 1, 2; -1: /dev/null */
    bool tty;                        /* stdio[0] is a pty slave: make it the controlling terminal of a new session */
    const struct lab_tracer *tracer; /* NULL: none */
};

/** Start @command in the lab: joined to its cgroups and all its namespaces, environment built and never inherited, every other fd closed,
 * dumpable off until exec, parent is the calling process (so waitpid works). Returns the host pid, *pidfd if not NULL; -1 with @err set
 * when it could not be started: ENOENT no such program in the lab; ESRCH the lab has died, or the tracer could not trace. */
pid_t lab_spawn(struct lab *lab, const struct lab_command *command, int *pidfd, struct err *err);

/** Attach to a lab that another process runs (by its name), for `lab enter`: lab_spawn and lab_open_pty work on it. lab_destroy then
 * only lets go of it. */
struct lab *lab_attach(const char *name, struct err *err);

/** Where slow results (package downloads, debootstrapped trees, pulled images) are kept between labs, for this user: made if it is not there, mode 0700. A lab sees
 * it read-only at /var/cache/teachroot; only the trusted side writes to it. Returns 0 or -1. */
int lab_cache_directory(char *path, size_t size, struct err *err);

/** Remove @path and all below it, where labs of this user wrote: as an ordinary user, files there belong to the sub-ids. Gone already is fine. Returns 0 or -1. */
int lab_remove_files(const char *path, struct err *err);

struct lab_entry {
    const char *name;
    pid_t owner; /* host pid of the program that runs it; 0 if dead */
    pid_t init;
    bool alive;
    uint64_t started; /* seconds since the epoch */
    const char *mode; /* "root" or "rootless" */
};
/** Call @each for every lab of this user (for root: of root). Returns how many, or -1. */
int lab_list(void (*each)(const struct lab_entry *entry, void *data), void *data, struct err *err);

/** Clear every dead lab: thaw v1 freezers, kill by cgroup, remove cgroups deepest first, link, nft table, disk, state. Labs in use are
 * never touched (flock). Returns how many were cleared, or -1 if something could not be (the rest is still done). */
int lab_gc(struct err *err);

#endif

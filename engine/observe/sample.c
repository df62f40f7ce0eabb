#include "engine/observe/sample_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define NO_SLOT UINT32_MAX
#define KERNEL_THREAD 0x00200000u /* PF_KTHREAD of stat's flags */
#define WATCH_REFRESHES 16

struct sampler {
    int proc;
    struct host_sampler *host;
    struct sample_scope scope;
    bool threads;
    uint64_t reference[NAMESPACE_KINDS];
    unsigned keep_fds, kept;

    struct sample_process *slots;
    size_t slot_count, slot_room;
    uint32_t *buckets; /* by pid; chained through .next */
    size_t bucket_count;
    uint32_t free_slot; /* chained through .next, too */
    uint32_t *live;     /* slots of the last refresh */
    size_t live_count;

    struct pid_list pids;
    uint32_t refresh;
    uint64_t last_refresh; /* when, in nanoseconds; 0: never */
    uint64_t births, deaths, page, tick;
    uint32_t asked; /* processes whose details somebody wanted since the last refresh */
    uint32_t turns; /* one in so many of them is read anew each time, for who takes them by turns */
};

uint64_t sample_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- slots ---- */

static uint32_t *bucket_of(const struct sampler *sampler, pid_t pid)
{
    return &sampler->buckets[((uint32_t)pid * 2654435761u >> 7) & (sampler->bucket_count - 1)];
}

/* Twice as many of everything. The slots move: indexes, not pointers, are kept. */
static int grow(struct sampler *sampler)
{
    size_t room = sampler->slot_room ? sampler->slot_room * 2 : 512;
    struct sample_process *slots = realloc(sampler->slots, room * sizeof *slots);
    if (slots)
        sampler->slots = slots;
    uint32_t *live = slots ? realloc(sampler->live, room * sizeof *live) : NULL;
    if (live)
        sampler->live = live;
    uint32_t *buckets = live ? malloc(room * sizeof *buckets) : NULL;
    if (!buckets)
        return -1;
    free(sampler->buckets);
    sampler->buckets = buckets;
    sampler->bucket_count = room;
    sampler->slot_room = room;
    memset(buckets, 0xff, room * sizeof *buckets);
    for (uint32_t i = 0; i < sampler->slot_count; i++)
        if (slots[i].alive) {
            uint32_t *head = bucket_of(sampler, slots[i].pid);
            slots[i].next = *head;
            *head = i;
        }
    return 0;
}

static uint32_t find_slot(const struct sampler *sampler, pid_t pid)
{
    uint32_t slot = sampler->bucket_count ? *bucket_of(sampler, pid) : NO_SLOT;
    while (slot != NO_SLOT && sampler->slots[slot].pid != pid)
        slot = sampler->slots[slot].next;
    return slot;
}

/* A slot for @pid: what strings it has are kept for the memory they hold. */
static uint32_t take_slot(struct sampler *sampler, pid_t pid)
{
    uint32_t slot = sampler->free_slot;
    struct sample_process old = { 0 };
    if (slot != NO_SLOT) {
        sampler->free_slot = sampler->slots[slot].next;
        old = sampler->slots[slot];
    } else {
        if (sampler->slot_count == sampler->slot_room && grow(sampler) < 0)
            return NO_SLOT;
        slot = (uint32_t)sampler->slot_count++;
    }
    uint32_t *head = bucket_of(sampler, pid);
    sampler->slots[slot] = (struct sample_process){ .pid = pid,
                                                    .tgid = pid,
                                                    .fd = -1,
                                                    .alive = true,
                                                    .fresh = true,
                                                    .next = *head,
                                                    .command = old.command,
                                                    .command_size = old.command_size,
                                                    .group = old.group,
                                                    .group_size = old.group_size };
    *head = slot;
    return slot;
}

static void close_fd(struct sampler *sampler, struct sample_process *process)
{
    if (process->fd < 0)
        return;
    close(process->fd);
    process->fd = -1;
    sampler->kept--;
}

static void give_up_slot(struct sampler *sampler, uint32_t slot)
{
    struct sample_process *process = &sampler->slots[slot];
    uint32_t *link = bucket_of(sampler, process->pid);
    while (*link != slot)
        link = &sampler->slots[*link].next;
    *link = process->next;
    close_fd(sampler, process);
    process->alive = false;
    process->next = sampler->free_slot;
    sampler->free_slot = slot;
}

/* ---- one process ---- */

/* stat, through the kept fd if there is one. Returns the length, or -1: there is no such process any more. */
static ssize_t read_stat(struct sampler *sampler, struct sample_process *process, char *buf, size_t size)
{
    if (process->fd >= 0)
        return pread(process->fd, buf, size, 0);
    char path[64];
    sample_path(process, "stat", path, sizeof path);
    int fd = openat(sampler->proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buf, size);
    if (n > 0 && sampler->kept < sampler->keep_fds) {
        process->fd = fd;
        sampler->kept++;
    } else {
        close(fd);
    }
    return n;
}

/* What the scheduler counted, in nanoseconds; stat counts ticks, too coarse for a process that gets 5% of a CPU. Only of the first thread, so only where there is no other. */
static uint64_t read_runtime(const struct sampler *sampler, const struct sample_process *process)
{
    char text[96];
    return sample_read(sampler->proc, process, "schedstat", text, sizeof text) > 0 ? strtoull(text, NULL, 10) : 0;
}

static void take_cpu(struct sampler *sampler, struct sample_process *process, uint64_t ticks, uint64_t now)
{
    uint64_t used = ticks > process->ticks ? (ticks - process->ticks) * sampler->tick : 0;
    uint64_t since = process->read_at, runtime = 0;
    if (process->fresh) {
        /* Born since the refresh before: all it used it used in this window. Else nothing is known yet. */
        uint64_t window = sampler->last_refresh ? now - sampler->last_refresh : 0;
        struct timespec boot;
        clock_gettime(CLOCK_BOOTTIME, &boot);
        uint64_t age = ((uint64_t)boot.tv_sec * 1000000000 + (uint64_t)boot.tv_nsec) - process->start * sampler->tick;
        since = now - window;
        if (age > window + sampler->tick)
            used = 0;
    }
    if (process->threads == 1 || process->thread) {
        if (used || process->state == 'R')
            process->watch = WATCH_REFRESHES;
        if (process->watch) {
            process->watch--;
            runtime = read_runtime(sampler, process);
            now = sample_now();
            if (runtime && process->runtime && runtime >= process->runtime)
                used = runtime - process->runtime;
        }
    }
    process->cpu = now > since ? (float)(100.0 * (double)used / (double)(now - since)) : 0;
    process->runtime = runtime;
    process->ticks = ticks;
    process->read_at = now;
}

/* Returns -1 where the process is gone, or is another one with the same number. */
static int refresh_process(struct sampler *sampler, struct sample_process *process)
{
    char text[1024];
    struct stat_line line;
    ssize_t n = read_stat(sampler, process, text, sizeof text - 1);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    if (!stat_line_parse(text, (size_t)n, &line) || (!process->fresh && line.start != process->start))
        return -1;
    if (process->fresh || process->comm[0] == '\0' || strncmp(process->comm, line.comm, line.comm_len) != 0 ||
        process->comm[line.comm_len] != '\0') {
        /* Another program: its arguments and its owner may be others, too. */
        size_t len = line.comm_len < sizeof process->comm - 1 ? line.comm_len : sizeof process->comm - 1;
        memcpy(process->comm, line.comm, len);
        process->comm[len] = '\0';
        process->age[0] = 0; /* SAMPLE_COMMAND */
        char path[16];
        struct stat st;
        snprintf(path, sizeof path, "%d", process->tgid);
        if (fstatat(sampler->proc, path, &st, 0) == 0)
            process->uid = st.st_uid;
    }
    process->state = line.state;
    process->ppid = process->thread ? process->tgid : line.ppid;
    process->kernel = line.flags & KERNEL_THREAD;
    process->start = line.start;
    process->time = line.ticks * sampler->tick;
    process->virt = line.virt;
    process->rss = line.rss * sampler->page;
    process->priority = line.priority;
    process->nice = line.nice;
    process->threads = line.threads;
    process->processor = line.processor;
    take_cpu(sampler, process, line.ticks, sample_now());
    process->fresh = false;
    return 0;
}

/* Returns the slot of @pid, refreshed, or NO_SLOT: it has ended. */
static uint32_t visit(struct sampler *sampler, pid_t pid, pid_t tgid)
{
    uint32_t slot = find_slot(sampler, pid);
    if (slot != NO_SLOT) {
        struct sample_process *known = &sampler->slots[slot];
        if (known->seen == sampler->refresh)
            return slot;
        if (known->tgid == tgid && refresh_process(sampler, known) == 0) {
            known->seen = sampler->refresh;
            return slot;
        }
        give_up_slot(sampler, slot);
        sampler->deaths++;
    }
    slot = take_slot(sampler, pid);
    if (slot == NO_SLOT)
        return NO_SLOT;
    struct sample_process *born = &sampler->slots[slot];
    born->tgid = tgid;
    born->thread = pid != tgid;
    if (refresh_process(sampler, born) < 0) {
        give_up_slot(sampler, slot);
        return NO_SLOT;
    }
    born->seen = sampler->refresh;
    sampler->births++;
    return slot;
}

static void visit_threads(struct sampler *sampler, pid_t tgid)
{
    __attribute__((aligned(8))) char entries[8192];
    char path[32];
    snprintf(path, sizeof path, "%d/task", tgid);
    cleanup_close int dir = openat(sampler->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (ssize_t n; dir >= 0 && (n = getdents64(dir, entries, sizeof entries)) > 0;) {
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < n; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)(entries + at);
            pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (tid > 0 && tid != tgid)
                visit(sampler, tid, tgid);
        }
    }
}

/* ---- all of them ---- */

static void forget_unseen(struct sampler *sampler)
{
    sampler->live_count = 0;
    for (uint32_t i = 0; i < sampler->slot_count; i++) {
        if (!sampler->slots[i].alive)
            continue;
        if (sampler->slots[i].seen == sampler->refresh) {
            sampler->live[sampler->live_count++] = i;
            continue;
        }
        give_up_slot(sampler, i);
        sampler->deaths++;
    }
}

int sampler_refresh(struct sampler *sampler, struct err *err)
{
    host_sampler_refresh(sampler->host);
    sampler->refresh++;
    sampler->turns = 1 + sampler->asked / SAMPLE_AT_ONCE;
    sampler->asked = 0;
    uint64_t began = sample_now();
    int listed = scope_list(sampler->proc, &sampler->scope, &sampler->pids);
    int why = errno;
    for (size_t i = 0; listed == 0 && i < sampler->pids.count; i++) {
        pid_t pid = sampler->pids.pids[i];
        uint32_t slot = visit(sampler, pid, pid);
        if (sampler->threads && slot != NO_SLOT && sampler->slots[slot].threads > 1)
            visit_threads(sampler, pid);
    }
    forget_unseen(sampler);
    sampler->last_refresh = began;
    if (listed == 0)
        return 0;
    if (sampler->scope.kind == SAMPLE_CGROUP)
        return err_set(err, why, "list the processes of cgroup `%s`", sampler->scope.path);
    if (sampler->scope.kind == SAMPLE_PID_NS)
        return err_set(err, why, "list the processes below pid %d", sampler->scope.init);
    return err_set(err, why, "list `/proc`");
}

/* How many refreshes old each detail may be: 1 is each time anew; a pid in a namespace is for life. In the order of the bits. */
static const uint32_t detail_ages[SAMPLE_DETAILS] = { 5, 1, UINT32_MAX, 2, 1 };

static bool is_due(const struct sampler *sampler, const struct sample_process *process, unsigned detail,
                   unsigned details)
{
    if (!process->age[detail])
        return true;
    if (details & SAMPLE_ANY_AGE)
        return false;
    uint32_t age = sampler->refresh - process->age[detail];
    uint64_t most = (uint64_t)detail_ages[detail] * (details & SAMPLE_BY_TURNS ? sampler->turns : 1);
    /* Its turn goes by its number, so that not all come at once. */
    return age >= most || (age > 0 && ((uint64_t)sampler->refresh + (uint32_t)process->pid) % most == 0);
}

void sampler_detail(struct sampler *sampler, struct sample_process *process, unsigned details)
{
    sampler->asked += process->asked != sampler->refresh;
    process->asked = sampler->refresh;
    for (unsigned i = 0; i < SAMPLE_DETAILS; i++) {
        if (!(details & 1u << i) || !is_due(sampler, process, i, details))
            continue;
        process->age[i] = sampler->refresh;
        switch (1u << i) {
        case SAMPLE_COMMAND:
            detail_command(sampler->proc, process);
            break;
        case SAMPLE_GROUP:
            detail_group(sampler->proc, process);
            break;
        case SAMPLE_INNER:
            detail_inner(sampler->proc, process);
            break;
        case SAMPLE_NAMESPACES:
            detail_namespaces(sampler->proc, process, sampler->reference);
            break;
        default:
            detail_shared(sampler->proc, process);
        }
    }
}

/* ---- the door ---- */

struct sampler *sampler_new(unsigned keep_fds, struct err *err)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) {
        err_set(err, ENOMEM, "sample processes");
        return NULL;
    }
    sampler->keep_fds = keep_fds;
    sampler->free_slot = NO_SLOT;
    sampler->page = (uint64_t)sysconf(_SC_PAGESIZE);
    sampler->tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    sampler->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sampler->proc < 0)
        err_set(err, errno, "open `/proc`");
    else
        sampler->host = host_sampler_new(err);
    if (!sampler->host || sampler_set_reference(sampler, getpid(), err) < 0) {
        sampler_free(sampler);
        return NULL;
    }
    return sampler;
}

void sampler_free(struct sampler *sampler)
{
    if (!sampler)
        return;
    for (size_t i = 0; i < sampler->slot_count; i++) {
        if (sampler->slots[i].alive)
            close_fd(sampler, &sampler->slots[i]);
        free(sampler->slots[i].command);
        free(sampler->slots[i].group);
    }
    host_sampler_free(sampler->host);
    cleanup_closep(&sampler->proc);
    free(sampler->slots);
    free(sampler->buckets);
    free(sampler->live);
    free(sampler->pids.pids);
    free(sampler);
}

void sampler_set_scope(struct sampler *sampler, const struct sample_scope *scope)
{
    sampler->scope = *scope;
}

void sampler_set_threads(struct sampler *sampler, bool threads)
{
    sampler->threads = threads;
}

int sampler_set_reference(struct sampler *sampler, pid_t pid, struct err *err)
{
    for (size_t i = 0; i < sampler->slot_count; i++)
        sampler->slots[i].age[3] = 0; /* compared with another: read anew */
    return observe_namespaces(pid, sampler->reference, err);
}

const struct sample_host *sampler_host(const struct sampler *sampler)
{
    return host_sampler_get(sampler->host);
}

size_t sampler_count(const struct sampler *sampler)
{
    return sampler->live_count;
}

struct sample_process *sampler_process(const struct sampler *sampler, size_t index)
{
    return &sampler->slots[sampler->live[index]];
}

struct sample_process *sampler_find(const struct sampler *sampler, pid_t pid)
{
    uint32_t slot = find_slot(sampler, pid);
    return slot == NO_SLOT ? NULL : &sampler->slots[slot];
}

struct sampler_counts sampler_counts(const struct sampler *sampler)
{
    return (struct sampler_counts){ .kept_fds = sampler->kept,
                                    .slots = sampler->slot_count,
                                    .refreshes = sampler->refresh,
                                    .births = sampler->births,
                                    .deaths = sampler->deaths };
}

/* ---- what is done to a process ---- */

/* Held by a pidfd and still the one that was seen: from here on its number cannot be another's. */
static int hold(const struct sample_process *process, struct err *err)
{
    char path[64], text[1024];
    struct stat_line line;
    cleanup_close int fd = sys_pidfd_open(process->tgid);
    if (fd < 0)
        return err_set(err, errno, "pidfd_open of process %d", process->tgid);
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", process->tgid, process->pid);
    cleanup_close int stat = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = stat < 0 ? -1 : read(stat, text, sizeof text - 1);
    if (n > 0)
        text[n] = '\0';
    if (n <= 0 || !stat_line_parse(text, (size_t)n, &line) || line.start != process->start)
        return err_set(err, ESRCH, "process %d", process->pid);
    return take_fd(&fd);
}

int sample_kill(const struct sample_process *process, int signal, struct err *err)
{
    cleanup_close int fd = hold(process, err);
    if (fd < 0)
        return -1;
    if (sys_pidfd_signal(fd, signal) < 0)
        return err_set(err, errno, "kill process %d with signal %d", process->tgid, signal);
    return 0;
}

int sample_renice(const struct sample_process *process, int by, struct err *err)
{
    cleanup_close int fd = hold(process, err);
    if (fd < 0)
        return -1;
    if (setpriority(PRIO_PROCESS, (id_t)process->pid, process->nice + by) < 0)
        return err_set(err, errno, "setpriority of process %d to %d", process->pid, process->nice + by);
    return 0;
}

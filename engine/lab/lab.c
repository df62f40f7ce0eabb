#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#define MIB ((uint64_t)1 << 20)

void lab_missing(struct lab *lab, const char *format, ...)
{
    va_list args;
    if (lab->missing_count == LAB_MISSING)
        return;
    va_start(args, format);
    vsnprintf(lab->missing[lab->missing_count++], LAB_MISSING_SIZE, format, args);
    va_end(args);
}

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void lab_phase_end(struct lab *lab, const char *name)
{
    uint64_t now = microseconds();
    if (lab->phase_count < LAB_PHASES)
        lab->phases[lab->phase_count++] = (struct lab_phase){ name, now - lab->phase_started };
    lab->phase_started = now;
}

/* A 2 GiB machine's lab should not have all of it. */
static uint64_t default_memory(void)
{
    struct sysinfo info;
    if (sysinfo(&info) < 0)
        return 512 * MIB;
    uint64_t half = (uint64_t)info.totalram * info.mem_unit / 2;
    return half < 1024 * MIB ? half : 1024 * MIB;
}

static struct lab *lab_alloc(struct err *err)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab) {
        err_set(err, ENOMEM, "allocate a lab");
        return NULL;
    }
    lab->lock = lab->life = lab->tools = lab->pidfd = lab->net_result = -1;
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        lab->procs[i] = -1;
    lab->phase_started = microseconds();
    return lab;
}

static struct lab *create(const struct lab_options *options, bool assembled, struct err *err)
{
    struct lab *lab = lab_alloc(err);
    if (!lab)
        return NULL;
    if (registry_claim(options->name, assembled, &lab->record, &lab->lock, err) < 0) {
        free(lab);
        return NULL;
    }
    snprintf(lab->record.cgroup, sizeof lab->record.cgroup, LAB_GROUP "/%s", lab->record.name);
    if (registry_write(&lab->record, err) == 0) {
        lab_phase_end(lab, "name");
        if (lab_build(lab, options, assembled, err) == 0)
            return lab;
    }
    lab_destroy(lab);
    return NULL;
}

struct lab *lab_create(const struct lab_options *given, struct err *err)
{
    struct lab_options options = *given;
    struct err why = { 0 };
    if (!options.disk_bytes)
        options.disk_bytes = 2048 * MIB;
    if (!options.memory_bytes)
        options.memory_bytes = default_memory();
    if (!options.pids)
        options.pids = 1024;
    lab_gc(NULL); /* what cannot be cleared is in nobody's way: it has its own name */
    bool assembled = options.rootless || geteuid() != 0;
    if (options.work && assembled && geteuid() == 0) {
        err_say(err, ENOTSUP,
                "a lab put together of parts shows root's files with other owners: `%s` is none to write in",
                options.work);
        return NULL;
    }
    struct lab *lab = create(&options, assembled, &why);
    if (lab || assembled || options.work || why.code == EEXIST ||
        (why.code == EINVAL && options.name && !lab_name_is_good(options.name))) {
        if (!lab && err)
            *err = why;
        return lab;
    }
    /* Root, but not on a machine that allows the whole root: an overlay `/` cannot be idmapped, a container may have no loop devices. */
    struct err second = { 0 };
    lab = create(&options, true, &second);
    if (lab)
        lab_missing(lab, "not all of / in one piece: %.200s", why.message);
    else
        err_say(err, why.code, "%.400s; and put together of parts: %.400s", why.message, second.message);
    return lab;
}

void lab_reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void lab_destroy(struct lab *lab)
{
    if (!lab)
        return;
    groups_close(lab);
    if (lab->life >= 0)
        close(lab->life);
    if (lab->tools >= 0)
        close(lab->tools);
    if (!lab->attached) {
        if (lab->pidfd >= 0)
            sys_pidfd_signal(lab->pidfd, SIGKILL);
        if (lab->child_count > 0)
            groups_kill(&lab->record);
        spawn_reap(lab);
        if (lab->net_child > 0)
            lab_reap(lab->net_child);
        if (lab->net_result >= 0)
            close(lab->net_result);
        clear_lab(&lab->record, NULL);
        if (lab->init > 0) /* clear_lab waited for its end; should it hang, so shall not we */
            waitpid(lab->init, NULL, WNOHANG);
        close(lab->lock);
    }
    for (size_t i = 0; i < lab->child_count; i++)
        close(lab->children[i].pidfd);
    free(lab->children);
    if (lab->pidfd >= 0)
        close(lab->pidfd);
    free(lab);
}

const char *lab_name(const struct lab *lab)
{
    return lab->record.name;
}

pid_t lab_init_pid(const struct lab *lab)
{
    return lab->init;
}

int lab_pidfd(const struct lab *lab)
{
    return lab->pidfd;
}

const struct lab_facts *lab_facts(struct lab *lab)
{
    network_hear(lab);
    for (size_t i = 0; i < lab->missing_count; i++)
        lab->facts.missing[i] = lab->missing[i];
    lab->facts.missing[lab->missing_count] = NULL;
    return &lab->facts;
}

const struct lab_phase *lab_phases(const struct lab *lab)
{
    return lab->phases;
}

struct lab *lab_attach(const char *name, struct err *err)
{
    char labs[PATH_MAX - 64], dir[PATH_MAX];
    struct lab *lab = lab_alloc(err);
    if (!lab)
        return NULL;
    lab->attached = true;
    if (registry_directory(labs, sizeof labs, err) < 0 ||
        snprintf(dir, sizeof dir, "%s/%s", labs, name) >= (int)sizeof dir || strchr(name, '/') ||
        registry_read(dir, &lab->record, NULL) < 0 || lab->record.init <= 0) {
        err_say(err, ESRCH, "no lab named `%s` is running: `teachroot lab ls` lists them", name);
        free(lab);
        return NULL;
    }
    lab->init = lab->record.init;
    lab->pidfd = sys_pidfd_open(lab->init);
    if (lab->pidfd < 0 || process_start_time(lab->init) != lab->record.init_started) {
        err_say(err, ESRCH, "lab `%s` has ended; `teachroot lab gc` clears what it left", name);
        free(lab);
        return NULL;
    }
    lab->facts.rootless = lab->record.rootless;
    groups_open(lab);
    return lab;
}

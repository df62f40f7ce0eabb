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

/* Where the multi-call program is: beside this program, above it (a test's build directory), or installed. */
static int open_tools(const char *given, struct err *err)
{
    char self[PATH_MAX], path[PATH_MAX + 32];
    const char *from_environment = getenv("TEACHROOT_TOOLS");
    if (!given)
        given = from_environment;
    if (given) {
        int fd = open(given, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_set(err, errno, "open the tools' program `%s`", given) : fd;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    for (int up = 0; n > 0 && up < 4; up++) {
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        if (!slash)
            break;
        n = slash - self;
        snprintf(path, sizeof path, "%.*s/teachroot-tools", (int)n, self);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        snprintf(path, sizeof path, "%.*s/libexec/teachroot/teachroot-tools", (int)n, self);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    int fd = open(TEACHROOT_LIBEXECDIR "/teachroot-tools", O_RDONLY | O_CLOEXEC);
    return fd < 0
               ? err_set(err, errno, "open `" TEACHROOT_LIBEXECDIR "/teachroot-tools`: is teachroot installed whole?")
               : fd;
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
    lab->lock = lab->life = lab->pidfd = lab->net_result = -1;
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        lab->procs[i] = -1;
    lab->phase_started = microseconds();
    return lab;
}

/* The directory of a rootless lab's files, on the user's disk. */
static int make_files(struct lab *lab, struct err *err)
{
    char *files = lab->record.files;
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;
    if (geteuid() == 0)
        n = snprintf(files, PATH_MAX, "/var/lib/teachroot");
    else if (data && data[0] == '/')
        n = snprintf(files, PATH_MAX, "%s/teachroot/labs", data);
    else if (home && home[0] == '/')
        n = snprintf(files, PATH_MAX, "%s/.local/share/teachroot/labs", home);
    else
        return err_say(err, ENOENT, "no place for the lab's files: neither XDG_DATA_HOME nor HOME is set");
    if (n < 0 || n + LAB_NAME_MAX + 2 >= PATH_MAX)
        return err_set(err, ENAMETOOLONG, "the lab's files");
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (make_directories_in(root, files, 0755, err) < 0)
        return -1;
    snprintf(files + n, PATH_MAX - (size_t)n, "/%s", lab->record.name);
    /* Recorded before it is made: whoever clears up after a kill knows of it. */
    if (registry_write(&lab->record, err) < 0)
        return -1;
    if (mkdir(files, 0700) < 0)
        return err_set(err, errno, "mkdir `%s`", files);
    if (geteuid() == 0 && (chown(files, lab->users[0].outside, lab->groups[0].outside) < 0 ||
                           chown(lab->record.dir, lab->users[0].outside, lab->groups[0].outside) < 0))
        return err_set(err, errno, "chown `%s`", files);
    return 0;
}

static int write_maps(const struct lab *lab, pid_t pid, struct err *err)
{
    if (geteuid() == 0)
        return userns_write_maps(pid, lab->users, lab->user_maps, lab->groups, lab->group_maps, err);
    if (lab->user_maps == 1)
        return userns_write_single_map(pid, getuid(), getgid(), err);
    return userns_write_maps_by_helper(pid, lab->users, lab->user_maps, lab->groups, lab->group_maps, err);
}

static unsigned count_own_processes(void)
{
    cleanup_dir DIR *dir = opendir("/proc");
    const struct dirent *entry;
    unsigned count = 0;
    while (dir && (entry = readdir(dir))) {
        char path[300];
        struct stat st;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
            st.st_uid != geteuid())
            continue;
        snprintf(path, sizeof path, "%s/task", entry->d_name);
        if (fstatat(dirfd(dir), path, &st, 0) == 0 && st.st_nlink > 2)
            count += (unsigned)st.st_nlink - 2;
    }
    return count;
}

/* Since Linux 5.14 RLIMIT_NPROC at the birth of a user namespace bounds all processes in it together, its root included: a pids limit that needs no
 * cgroup. Set for the clone alone. */
static pid_t fork_builder(struct lab *lab, const struct lab_options *options, bool assembled)
{
    struct rlimit before, limited;
    bool by_rlimit = assembled && lab->facts.pids == 0 && getrlimit(RLIMIT_NPROC, &before) == 0;
    if (by_rlimit) {
        limited = before;
        limited.rlim_cur = (rlim_t)count_own_processes() + options->pids;
        by_rlimit = limited.rlim_cur < before.rlim_max && setrlimit(RLIMIT_NPROC, &limited) == 0;
    }
    pid_t pid = sys_fork(assembled ? CLONE_NEWUSER | CLONE_NEWNS : 0, NULL);
    if (pid == 0)
        return 0; /* keeps the limit */
    int saved = errno;
    if (by_rlimit) {
        setrlimit(RLIMIT_NPROC, &before);
        lab->facts.pids = options->pids;
        lab->facts.pids_by_rlimit = true;
    }
    errno = saved;
    return pid;
}

static int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Read what the builder and the lab's first process report, until both have let go of the pipe. */
static int hear_reports(struct lab *lab, int report_fd, struct err *err)
{
    struct build_report report;
    ssize_t n;
    int result = 0;
    while ((n = read(report_fd, &report, sizeof report)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof report)
            return err_say(err, EIO, "the lab's builder broke off");
        for (size_t i = 0; i < report.missing_count && i < LAB_MISSING; i++)
            lab_missing(lab, "%s", report.missing[i]);
        if (report.kind == BUILD_INIT_STARTED)
            lab->init = report.init;
        if (report.kind == BUILD_FAILED && result == 0) {
            result = -1;
            if (err)
                *err = report.err;
        }
    }
    if (result == 0 && lab->init <= 0)
        return err_say(err, EIO, "the lab's builder ended without a word");
    return result;
}

struct pipes {
    int life[2], ready[2], report[2], go[2];
};

static int open_pipes(struct pipes *pipes, struct err *err)
{
    if (pipe2(pipes->life, O_CLOEXEC) < 0 || pipe2(pipes->ready, O_CLOEXEC) < 0 ||
        pipe2(pipes->report, O_CLOEXEC) < 0 || pipe2(pipes->go, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    return 0;
}

static void close_pipe(int ends[2], int which)
{
    if (ends[which] >= 0)
        close(ends[which]);
    ends[which] = -1;
}

static int build_lab(struct lab *lab, const struct lab_options *options, bool assembled, const char *device, int userns,
                     int tools, struct pipes *pipes, struct err *err)
{
    struct build build = { .lab = lab,
                           .options = options,
                           .device = device,
                           .userns = userns,
                           .tools = tools,
                           .life = pipes->life[0],
                           .ready = pipes->ready[1],
                           .report = pipes->report[1],
                           .go = pipes->go[0],
                           .assembled = assembled,
                           .own_network = !lab->record.rootless || options->offline };
    pid_t builder = fork_builder(lab, options, assembled);
    if (builder < 0)
        return err_set(err, errno, "clone the lab's builder");
    if (builder == 0) {
        /* Only the program may hold the end whose closing is the lab's death. */
        close(pipes->life[1]);
        close(pipes->ready[0]);
        close(pipes->report[0]);
        close(pipes->go[1]);
        builder_main(&build);
    }
    close_pipe(pipes->life, 0);
    close_pipe(pipes->ready, 1);
    close_pipe(pipes->report, 1);
    close_pipe(pipes->go, 0);
    int mapped = assembled ? write_maps(lab, builder, err) : 0;
    if (mapped == 0 && assembled && write(pipes->go[1], "g", 1) != 1)
        mapped = err_set(err, errno, "start the lab's builder");
    close_pipe(pipes->go, 1);
    struct err why;
    int result = hear_reports(lab, pipes->report[0], mapped < 0 ? &why : err);
    reap(builder);
    if (lab->init > 0)
        lab->pidfd = sys_pidfd_open(lab->init);
    if (mapped < 0 || result < 0)
        return -1;
    lab_phase_end(lab, "mounts and namespaces");
    char byte;
    ssize_t n;
    while ((n = read(pipes->ready[0], &byte, 1)) < 0 && errno == EINTR) {
    }
    if (n != 1)
        return err_say(err, EIO, "the lab's init ended before it was ready");
    lab->life = take_fd(&pipes->life[1]);
    lab_phase_end(lab, "init");
    return lab->pidfd < 0 ? err_set(err, errno, "pidfd_open of the lab's init") : 0;
}

static void fill_facts(struct lab *lab, const struct lab_options *options, bool assembled)
{
    struct lab_facts *facts = &lab->facts;
    facts->rootless = lab->record.rootless;
    facts->whole_root = !assembled;
    facts->id_base = lab->users[0].outside;
    facts->id_count = lab->users[lab->user_maps - 1].inside + lab->users[lab->user_maps - 1].count;
    facts->disk_bytes = assembled ? 0 : options->disk_bytes;
    facts->real_directories = LAB_DIRECTORIES;
    facts->network = options->offline ? "offline" : facts->rootless ? "host" : "starting";
}

/* One try, one way: the whole root, or an assembled one. */
static int create(struct lab *lab, const struct lab_options *options, bool assembled, struct err *err)
{
    struct lab_disk disk = { .file = -1 };
    struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
    char device[64] = "";
    struct err why;
    int result = -1;
    cleanup_close int loop = -1, userns = -1;
    cleanup_close int tools = open_tools(options->tools, err);
    if (tools < 0 || lab_id_maps(lab, assembled, err) < 0 || open_pipes(&pipes, err) < 0)
        goto out;
    if (!assembled &&
        disk_start(&disk, options->disk_bytes, lab->users[0].outside, err) < 0) /* mke2fs works while we do */
        goto out;
    if (assembled && make_files(lab, err) < 0)
        goto out;
    if (!assembled && (userns = userns_new(lab->users[0].outside, lab->users[0].count, err)) < 0)
        goto out;
    lab_phase_end(lab, "user namespace");
    groups_make(lab, options);
    lab_phase_end(lab, "cgroups");
    if (!assembled && (loop = disk_attach(&disk, device, sizeof device, err)) < 0)
        goto out;
    lab_phase_end(lab, "disk");
    if (build_lab(lab, options, assembled, device, userns, tools, &pipes, err) < 0)
        goto out;
    if (groups_leaf(lab, err) < 0)
        goto out;
    lab->record.init = lab->init;
    lab->record.init_started = process_start_time(lab->init);
    fill_facts(lab, options, assembled);
    if (strcmp(lab->facts.network, "starting") == 0 && network_start(lab, &why) < 0) {
        lab->facts.network = "offline";
        lab_missing(lab, "no network: %.180s", why.message);
    }
    if (registry_write(&lab->record, err) < 0)
        goto out;
    lab_phase_end(lab, "record");
    result = 0;
out:
    disk_abandon(&disk);
    for (int i = 0; i < 2; i++) {
        close_pipe(pipes.life, i);
        close_pipe(pipes.ready, i);
        close_pipe(pipes.report, i);
        close_pipe(pipes.go, i);
    }
    return result;
}

struct lab *lab_create(const struct lab_options *given, struct err *err)
{
    struct lab_options options = *given;
    if (!options.disk_bytes)
        options.disk_bytes = 2048 * MIB;
    if (!options.memory_bytes)
        options.memory_bytes = default_memory();
    if (!options.pids)
        options.pids = 1024;
    bool rootless = options.rootless || geteuid() != 0;

    struct lab *lab = lab_alloc(err);
    if (!lab)
        return NULL;
    lab_gc(NULL); /* what cannot be cleared is in nobody's way: it has its own name */
    if (registry_claim(options.name, rootless, &lab->record, &lab->lock, err) < 0) {
        free(lab);
        return NULL;
    }
    snprintf(lab->record.cgroup, sizeof lab->record.cgroup, LAB_GROUP "/%s", lab->record.name);
    if (registry_write(&lab->record, err) == 0) {
        lab_phase_end(lab, "name");
        if (create(lab, &options, rootless, err) == 0)
            return lab;
    }
    lab_destroy(lab);
    return NULL;
}

void lab_destroy(struct lab *lab)
{
    if (!lab)
        return;
    groups_close(lab);
    if (lab->life >= 0)
        close(lab->life);
    if (!lab->attached) {
        if (lab->pidfd >= 0)
            sys_pidfd_signal(lab->pidfd, SIGKILL);
        if (lab->net_child > 0)
            reap(lab->net_child);
        if (lab->net_result >= 0)
            close(lab->net_result);
        clear_lab(&lab->record, NULL);
        if (lab->init > 0)
            reap(lab->init);
        close(lab->lock);
    }
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

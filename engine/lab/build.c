/* From options to a running init: everything the program's own process does while a lab is built. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

static void close_pipes(struct pipes *pipes)
{
    for (int i = 0; i < 2; i++) {
        close_pipe(pipes->life, i);
        close_pipe(pipes->ready, i);
        close_pipe(pipes->report, i);
        close_pipe(pipes->go, i);
    }
}

/* What the program opens for the builder, which may not reach it any more. */
struct sources {
    char device[64];      /* the lab's disk, "" for an assembled root */
    char cache[PATH_MAX]; /* the user's cache, "" for none */
    int loop, userns, tools, transfer;
};

static void close_sources(const struct sources *sources)
{
    const int fds[] = { sources->loop, sources->userns, sources->transfer };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int run_builder(struct lab *lab, const struct lab_options *options, bool assembled,
                       const struct sources *sources, struct pipes *pipes, struct err *err)
{
    struct build build = {
        .lab = lab,
        .options = options,
        .device = sources->device,
        .userns = sources->userns,
        .cache = sources->cache,
        .tools = sources->tools,
        .transfer = sources->transfer,
        .life = pipes->life[0],
        .ready = pipes->ready[1],
        .report = pipes->report[1],
        .go = pipes->go[0],
        .assembled = assembled,
        .own_network = !lab->record.rootless || options->offline,
    };
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
    int mapped = assembled ? lab_write_maps(lab, builder, err) : 0;
    if (mapped == 0 && assembled && write(pipes->go[1], "g", 1) != 1)
        mapped = err_set(err, errno, "start the lab's builder");
    close_pipe(pipes->go, 1);
    struct err why;
    int result = hear_reports(lab, pipes->report[0], mapped < 0 ? &why : err);
    lab_reap(builder);
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

static int build_from(struct lab *lab, const struct lab_options *options, bool assembled, struct sources *sources,
                      struct lab_disk *disk, struct pipes *pipes, struct err *err)
{
    struct err why;
    sources->tools = lab_open_program(options->tools, LAB_TOOLS, err);
    sources->transfer = sources->tools < 0 ? -1 : lab_open_program(options->tools, LAB_TRANSFER, &why);
    if (sources->tools >= 0 && sources->transfer < 0)
        lab_missing(lab, "docker can move no images: %.180s", why.message);
    if (lab_cache_directory(sources->cache, sizeof sources->cache, NULL) < 0)
        sources->cache[0] = '\0';
    if (sources->tools < 0 || lab_id_maps(lab, assembled, err) < 0 || open_pipes(pipes, err) < 0)
        return -1;
    /* mke2fs works while we do. */
    if (assembled ? make_files(lab, err) < 0 : disk_start(disk, options->disk_bytes, lab->users[0].outside, err) < 0)
        return -1;
    if (!assembled && (sources->userns = userns_new(lab->users[0].outside, lab->users[0].count, err)) < 0)
        return -1;
    lab_phase_end(lab, "user namespace");
    groups_make(lab, options);
    lab_phase_end(lab, "cgroups");
    if (!assembled && (sources->loop = disk_attach(disk, sources->device, sizeof sources->device, err)) < 0)
        return -1;
    lab_phase_end(lab, "disk");
    if (run_builder(lab, options, assembled, sources, pipes, err) < 0 || groups_leaf(lab, err) < 0)
        return -1;
    lab->record.init = lab->init;
    lab->record.init_started = process_start_time(lab->init);
    fill_facts(lab, options, assembled);
    if (strcmp(lab->facts.network, "starting") == 0 && network_start(lab, &why) < 0) {
        lab->facts.network = "offline";
        lab_missing(lab, "no network: %.180s", why.message);
    }
    if (registry_write(&lab->record, err) < 0)
        return -1;
    lab_phase_end(lab, "record");
    return 0;
}

int lab_build(struct lab *lab, const struct lab_options *options, bool assembled, struct err *err)
{
    struct lab_disk disk = { .file = -1 };
    struct sources sources = { .loop = -1, .userns = -1, .tools = -1, .transfer = -1 };
    struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
    int result = build_from(lab, options, assembled, &sources, &disk, &pipes, err);
    lab->tools = sources.tools;
    disk_abandon(&disk);
    close_sources(&sources);
    close_pipes(&pipes);
    return result;
}

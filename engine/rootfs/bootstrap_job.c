/* One request for a root filesystem: make it in a throwaway lab, straight into a temporary directory of the cache, and give it its name when it is whole.
 *
 * The temporary directory is its own lock (flock): one that nobody holds is what a killed builder left, and whoever comes next removes it. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/bootstrap.h"
#include "engine/rootfs/bootstrap_service.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

#define MIB ((uint64_t)1 << 20)
enum { REQUEST_MS = 5000, NETWORK_MS = 8000, TICK_MS = 100, ROOM_TO_START = 64, ROOM_TO_GO_ON = 8 /* MiB */ };

struct making {
    struct bootstrap_job *job;
    struct bootstrap_request request;
    char name[256], temporary[PATH_MAX], finished[PATH_MAX];
    int lock; /* of the temporary directory; -1: not ours */
    bool fresh;
    struct lab *lab;
    struct bootstrap_progress progress;
    uint64_t told; /* when progress was last told, ms */
    bool gone;     /* nobody wants it any more */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((format(printf, 3, 4))) static void say(struct making *making, char kind, const char *format, ...)
{
    char line[1400];
    va_list args;
    line[0] = kind;
    line[1] = ' ';
    va_start(args, format);
    vsnprintf(line + 2, sizeof line - 3, format, args);
    va_end(args);
    size_t len = 2 + strcspn(line + 2, "\n");
    line[len++] = '\n';
    if (send(making->job->client, line, len, MSG_NOSIGNAL) != (ssize_t)len)
        making->gone = true;
}

/* Wait for @fd (-1: for nothing) at most @ms, or until nobody wants the result any more. Returns whether @fd is ready. */
static bool wait_for(struct making *making, int fd, int ms)
{
    struct pollfd fds[3] = { { .fd = making->job->client, .events = POLLIN },
                             { .fd = making->job->alive, .events = POLLIN },
                             { .fd = fd, .events = POLLIN } };
    if (making->gone || poll(fds, 3, ms) < 0)
        return false;
    char byte;
    if (fds[1].revents || (fds[0].revents && recv(making->job->client, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN))
        making->gone = true;
    return !making->gone && fds[2].revents;
}

static int read_request(struct making *making, struct err *err)
{
    char text[BOOTSTRAP_TEXT];
    size_t len = 0;
    uint64_t end = now_ms() + REQUEST_MS;
    for (;;) {
        struct pollfd fd = { .fd = making->job->client, .events = POLLIN };
        uint64_t now = now_ms();
        if (now >= end || poll(&fd, 1, (int)(end - now)) <= 0)
            return err_say(err, ETIMEDOUT, "the request did not come in %d s", REQUEST_MS / 1000);
        ssize_t n = recv(making->job->client, text + len, sizeof text - 1 - len, 0);
        if (n <= 0)
            return err_say(err, EINVAL, "the request broke off");
        len += (size_t)n;
        text[len] = '\0';
        char *blank = strstr(text, "\n\n");
        if (memchr(text, '\0', len))
            return err_say(err, EINVAL, "the request is not text");
        if (blank) {
            blank[1] = '\0';
            break;
        }
        if (len == sizeof text - 1)
            return err_say(err, EINVAL, "the request is too long");
    }
    char *rest = strchr(text, '\n');
    *rest++ = '\0';
    making->fresh = strcmp(text, "fresh") == 0;
    if (!making->fresh && strcmp(text, "keep") != 0)
        return err_say(err, EINVAL, "a request begins with `keep` or `fresh`");
    return bootstrap_from_text(&making->request, rest, err);
}

/* Make the temporary directory ours, empty. Returns 1, or 0 if somebody else finished the tree meanwhile. */
static int take_temporary(struct making *making, struct err *err)
{
    bool waited = false;
    while (!making->gone) {
        struct stat st, held;
        if (!making->fresh && stat(making->finished, &st) == 0)
            return 0;
        if (mkdir(making->temporary, 0755) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir `%s`", making->temporary);
        cleanup_close int fd = open(making->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            return err_set(err, errno, "open `%s`", making->temporary);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (!waited)
                say(making, 'M', "the same root filesystem is being made for another lab: waiting for it");
            waited = true;
            if (making->fresh && waited) /* the other one is as fresh */
                making->fresh = false;
            wait_for(making, -1, TICK_MS);
            continue;
        }
        /* It may have been renamed or removed between our opening and our locking. */
        if (fd < 0 || stat(making->temporary, &st) < 0 || fstat(fd, &held) < 0 || st.st_ino != held.st_ino)
            continue;
        char inside[sizeof making->temporary + 16];
        static const char *const parts[] = { "root", "packages" };
        for (size_t i = 0; i < 2; i++) {
            snprintf(inside, sizeof inside, "%s/%s", making->temporary, parts[i]);
            if (lab_remove_files(inside, err) < 0)
                return -1;
        }
        making->lock = take_fd(&fd);
        return 1;
    }
    return err_say(err, EINTR, "not wanted any more");
}

/* What killed builders left, of any name: their locks are free. */
static void clear_left(const struct bootstrap_job *job)
{
    cleanup_dir DIR *dir = opendir(job->trees);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, ".new,", 5) != 0)
            continue;
        cleanup_close int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        char path[PATH_MAX];
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            snprintf(path, sizeof path, "%s/%s", job->trees, entry->d_name) < (int)sizeof path)
            lab_remove_files(path, NULL);
    }
}

static uint64_t room(const struct making *making)
{
    struct statvfs fs;
    return statvfs(making->job->trees, &fs) < 0 ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
}

static int no_room(const struct making *making, struct err *err)
{
    return err_say(
        err, ENOSPC,
        "no space left for the cache: %llu MiB are free on the disk of %s, and a small root filesystem needs 400. "
        "Nothing is left of this try; make room and type the command again",
        (unsigned long long)room(making), making->job->trees);
}

static int write_wgetrc(const struct making *making, struct err *err)
{
    /* wget by itself would wait for a quarter of an hour, twenty times. */
    static const char text[] = "timeout = 30\ntries = 3\n";
    cleanup_close int fd = openat(making->lock, "wgetrc", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 || write(fd, text, sizeof text - 1) < 0 ? err_set(err, errno, "write in `%s`", making->temporary) : 0;
}

/* Packages of earlier times, by links: debootstrap checks each against the signed lists before it takes it. */
static int link_packages(const struct making *making, struct err *err)
{
    if (mkdirat(making->lock, "packages", 0755) < 0)
        return err_set(err, errno, "mkdir in `%s`", making->temporary);
    cleanup_dir DIR *dir = opendir(making->job->packages);
    cleanup_close int to = openat(making->lock, "packages", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char target[320];
        snprintf(target, sizeof target, "/var/cache/teachroot/packages/%.255s", entry->d_name);
        if (entry->d_name[0] != '.' && symlinkat(target, to, entry->d_name) < 0 && errno != EEXIST)
            return err_set(err, errno, "symlink in `%s`", making->temporary);
    }
    return 0;
}

static bool is_package(int dir, const char *name)
{
    size_t len = strlen(name);
    struct stat st;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._+~%-", *at))
            return false;
    return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".deb") == 0 &&
           fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* The new ones are kept, and the directory with the links goes. */
static void keep_packages(const struct making *making)
{
    char path[PATH_MAX + 16];
    cleanup_close int to = open(making->job->packages, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int from = openat(making->lock, "packages", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_dir DIR *dir = from < 0 ? NULL : fdopendir(from);
    const struct dirent *entry;
    while (dir && to >= 0 && (entry = readdir(dir)))
        if (is_package(dirfd(dir), entry->d_name))
            renameat(dirfd(dir), entry->d_name, to, entry->d_name);
    snprintf(path, sizeof path, "%s/packages", making->temporary);
    lab_remove_files(path, NULL);
    unlinkat(making->lock, "wgetrc", 0);
}

struct running {
    pid_t pid;
    int pidfd, output;
};

static int start(struct making *making, const char *const *argv, struct running *running, struct err *err)
{
    static const char *const env[] = { "LC_ALL=C", "WGETRC=" LAB_WORK "/wgetrc",
                                       "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    int output[2];
    if (pipe2(output, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    struct lab_command command = { .argv = argv, .env = env, .cwd = "/", .stdio = { -1, output[1], output[1] } };
    running->pid = lab_spawn(making->lab, &command, &running->pidfd, err);
    close(output[1]);
    running->output = output[0];
    if (running->pid < 0)
        close(output[0]);
    return running->pid < 0 ? -1 : 0;
}

static int finish(struct running *running)
{
    int status = -1;
    while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(running->output);
    close(running->pidfd);
    return status;
}

/* Wait for the end of a short program, without its output. Returns its wait status, or -1 when nobody wants it any more. */
static int run_short(struct making *making, const char *const *argv, int ms, struct err *err)
{
    struct running running = { .pid = -1, .pidfd = -1, .output = -1 };
    if (start(making, argv, &running, err) < 0)
        return -1;
    bool ended = false;
    for (uint64_t end = now_ms() + (uint64_t)ms; !ended && !making->gone && now_ms() < end;)
        ended = wait_for(making, running.pidfd, TICK_MS);
    if (!ended)
        kill(running.pid, SIGKILL);
    int status = finish(&running);
    return making->gone ? err_say(err, EINTR, "not wanted any more") : status;
}

static int wait_network(struct making *making, struct err *err)
{
    const struct lab_facts *facts = lab_facts(making->lab);
    for (uint64_t end = now_ms() + NETWORK_MS;
         strcmp(facts->network, "starting") == 0 && now_ms() < end && !making->gone;) {
        wait_for(making, -1, 20);
        facts = lab_facts(making->lab);
    }
    if (strcmp(facts->network, "nat") == 0 || strcmp(facts->network, "host") == 0)
        return 0;
    size_t last = 0;
    while (facts->missing[last] && strncmp(facts->missing[last], "no network", 10) != 0)
        last++;
    return err_say(err, ENETUNREACH, "there is no network: %.300s cannot be reached (%.300s)", making->request.mirror,
                   facts->missing[last] ? facts->missing[last] : "this machine has none");
}

/* Before anything is begun: does the mirror answer, and has it the suite? */
static int try_mirror(struct making *making, struct err *err)
{
    const struct bootstrap_request *request = &making->request;
    if (strncmp(request->mirror, "file://", 7) == 0) {
        char path[600];
        static const char *const files[] = { "InRelease", "Release" };
        snprintf(path, sizeof path, "/proc/%d/root", lab_init_pid(making->lab));
        cleanup_close int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, err);
        for (size_t i = 0; root >= 0 && i < 2; i++) {
            snprintf(path, sizeof path, "%s/dists/%s/%s", request->mirror + 7, request->suite, files[i]);
            cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, NULL);
            if (fd >= 0)
                return 0;
        }
        return err_say(err, ENOENT, "there is no suite `%s` in %s", request->suite, request->mirror);
    }
    if (wait_network(making, err) < 0)
        return -1;
    char url[600];
    snprintf(url, sizeof url, "%s/dists/%s/Release", request->mirror, request->suite);
    const char *const argv[] = { "wget", "-q", "--spider", "-T", "8", "-t", "1", url, NULL };
    int status = run_short(making, argv, 12000, err);
    if (status < 0)
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 8)
        return err_say(err, ENOENT, "%s answers, but it has no suite `%s`", request->mirror, request->suite);
    return err_say(err, EHOSTUNREACH, "there is no network, or %s does not answer: nothing was begun", request->mirror);
}

static void tell_progress(const struct bootstrap_progress *progress, void *data)
{
    struct making *making = data;
    uint64_t now = now_ms();
    if (now - making->told < 100 && progress->percent != 100)
        return;
    making->told = now;
    say(making, 'P', "%u %u %u %u\t%s\t%s", progress->percent, progress->done, progress->total, progress->phase,
        progress->doing ? progress->doing : "", progress->item);
}

/* The last line of debootstrap's own log: what failed, where it does not say so itself. */
static void last_line(const struct making *making, char *line, size_t size)
{
    char tail[1024];
    cleanup_close int fd = open_policy(making->lock, "root/debootstrap/debootstrap.log", OPEN_IN_ROOT_READ, NULL);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n = end > 0 ? pread(fd, tail, sizeof tail - 1, end > 1023 ? end - 1023 : 0) : 0;
    while (n > 0 && isspace((unsigned char)tail[n - 1]))
        n--;
    tail[n > 0 ? n : 0] = '\0';
    const char *last = strrchr(tail, '\n');
    snprintf(line, size, "%.200s", last ? last + 1 : tail);
}

static int run_debootstrap(struct making *making, struct err *err)
{
    static const char *const places[] = { "/usr/sbin/debootstrap", "/usr/bin/debootstrap" };
    struct bootstrap_argv argv;
    struct running running = { .pid = -1, .pidfd = -1, .output = -1 };
    const char *program = access(places[0], X_OK) == 0 ? places[0] : places[1];
    if (access(program, X_OK) < 0)
        return err_say(err, ENOENT, "this machine has no debootstrap: install the package debootstrap");
    if (bootstrap_argv(&making->request, program, LAB_WORK "/root", LAB_WORK "/packages", &argv, err) < 0 ||
        start(making, argv.words, &running, err) < 0)
        return -1;
    bool full = false, open = true;
    while (open && !making->gone && !full) {
        if (wait_for(making, running.output, 1000)) {
            char bytes[4096];
            ssize_t n = read(running.output, bytes, sizeof bytes);
            open = n > 0;
            bootstrap_progress_feed(&making->progress, bytes, n > 0 ? (size_t)n : 0, tell_progress, making);
        }
        full = room(making) < ROOM_TO_GO_ON;
    }
    if (open)
        kill(running.pid, SIGKILL);
    int status = finish(&running);
    if (making->gone)
        return err_say(err, EINTR, "not wanted any more");
    if (full)
        return no_room(making, err);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char line[300];
    last_line(making, line, sizeof line);
    return err_say(err, EIO, "debootstrap failed%s%s%s%s: %.300s%s%.200s", making->progress.doing ? " while " : "",
                   making->progress.doing ? making->progress.doing : "", making->progress.item[0] ? ", at " : "",
                   making->progress.item, making->progress.error, making->progress.error[0] && line[0] ? "; " : "",
                   line);
}

static int build(struct making *making, struct err *err)
{
    char name[33];
    bool local = strncmp(making->request.mirror, "file://", 7) == 0;
    if (making->job->offline && !local)
        return err_say(err, ENETUNREACH, "this lab was made without a network, and no such root filesystem is kept");
    if (room(making) < ROOM_TO_START)
        return no_room(making, err);
    if (write_wgetrc(making, err) < 0 || link_packages(making, err) < 0)
        return -1;
    snprintf(name, sizeof name, "build-%d", getpid());
    struct lab_options options = { .name = name, .offline = local, .work = making->temporary, .disk_bytes = 512 * MIB };
    making->lab = lab_create(&options, err);
    if (!making->lab)
        return -1;
    if (try_mirror(making, err) < 0)
        return -1;
    say(making, 'M', "%s has `%s`: making it now, outside this lab, to keep it for the next one",
        making->request.mirror, making->request.suite);
    return run_debootstrap(making, err);
}

/* Give the finished tree its name. */
static int keep(struct making *making, struct err *err)
{
    struct stat st;
    if (fstatat(making->lock, "root/bin", &st, 0) < 0)
        return err_say(err, EIO, "debootstrap ended without a root filesystem");
    keep_packages(making);
    if (syncfs(making->lock) < 0)
        return err_set(err, errno, "write `%s` to the disk", making->temporary);
    unsigned flags = stat(making->finished, &st) == 0 ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, making->temporary, AT_FDCWD, making->finished, flags) < 0)
        return err_set(err, errno, "rename `%s`", making->temporary);
    return 0;
}

static int make(struct making *making, struct err *err)
{
    int taken = take_temporary(making, err);
    if (taken <= 0)
        return taken;
    int result = build(making, err);
    lab_destroy(making->lab);
    making->lab = NULL;
    if (result == 0)
        result = keep(making, err);
    /* What is there now is a failed try, or the tree that a fresh one replaced. */
    lab_remove_files(making->temporary, NULL);
    close(making->lock);
    return result;
}

void bootstrap_job_run(struct bootstrap_job *job)
{
    struct making making = { .job = job, .lock = -1 };
    struct err err = { 0 };
    struct timeval patience = { .tv_sec = 10 };
    umask(022);
    setsockopt(job->client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (read_request(&making, &err) < 0) {
        say(&making, 'E', "%s", err.message);
        return;
    }
    if (bootstrap_name(&making.request, making.name, sizeof making.name, &err) < 0 ||
        snprintf(making.temporary, sizeof making.temporary, "%s/.new,%s", job->trees, making.name) >= PATH_MAX ||
        snprintf(making.finished, sizeof making.finished, "%s/%s", job->trees, making.name) >= PATH_MAX) {
        say(&making, 'N', "%s", err.message);
        return;
    }
    clear_left(job);
    if (make(&making, &err) == 0)
        say(&making, 'D', "%s", making.name);
    else
        say(&making, err.code == ENOTSUP ? 'N' : 'E', "%s", err.message);
}

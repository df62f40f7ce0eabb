/* A new tree is made beside its target and renamed when it is whole. A guard, a process of its own, removes it when we end before that, however we end. */
#include "engine/tools/debootstrap.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/rootfs/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#define MIB ((unsigned long long)1 << 20)

static bool is_empty(const char *path)
{
    cleanup_dir DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    return dir != NULL;
}

static void __attribute__((noreturn)) guard_main(struct placing *placing, int fd)
{
    char byte = 0;
    setsid(); /* Ctrl-C is not for us */
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_IGN);
    prctl(PR_SET_NAME, "debootstrap-end");
    while (read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
    /* What still writes there is dying, and its mounts go with it. */
    for (int tries = 0;
         byte != 'k' && rootfs_remove_tree(placing->directory, placing->staging, NULL) < 0 && tries < 100; tries++)
        poll(NULL, 0, 50);
    _exit(0);
}

static int start_guard(struct placing *placing, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    placing->guard = fork();
    if (placing->guard == 0) {
        int keep[2] = { placing->directory, ends[0] };
        if (keep[0] > keep[1]) {
            keep[0] = ends[0];
            keep[1] = placing->directory;
        }
        for (int fd = 0; fd < 3; fd++) /* who reads our output must not wait for the guard */
            close(fd);
        sys_close_from(3, keep, 2);
        guard_main(placing, ends[0]);
    }
    int failed = errno;
    close(ends[0]);
    if (placing->guard < 0) {
        close(ends[1]);
        return err_set(err, failed, "fork");
    }
    placing->guarded = ends[1];
    return 0;
}

int placing_begin(struct placing *placing, const char *target, struct err *err)
{
    struct stat st;
    char name[NAME_MAX + 1];
    *placing = (struct placing){ .guarded = -1, .directory = -1 };
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    if (snprintf(placing->target, sizeof placing->target, "%.*s", (int)len, target) >= (int)sizeof placing->target)
        return err_set(err, ENAMETOOLONG, "`%.80s`…", target);
    if (lstat(placing->target, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            return err_say(err, ENOTDIR, "%s is there, and no directory", placing->target);
        if (!is_empty(placing->target))
            return err_say(err, ENOTEMPTY,
                           "%s is there, and not empty: remove it (rm -rf %s), or choose another directory",
                           placing->target, placing->target);
    }
    const char *slash = strrchr(placing->target, '/');
    snprintf(name, sizeof name, "%.200s", slash ? slash + 1 : placing->target);
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_say(err, EINVAL,
                       "%s cannot be a new root filesystem: give it a directory of its own, such as /better-root",
                       placing->target);
    snprintf(placing->parent, sizeof placing->parent, "%.*s",
             slash ? (int)(slash - placing->target) + (slash == placing->target) : 1, slash ? placing->target : ".");
    snprintf(placing->staging, sizeof placing->staging, ".%.200s.new-%d", name, getpid());
    cleanup_close int at = open(placing->parent[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (stat(placing->parent, &st) < 0 && make_directories_in(at, placing->parent, 0755, err) < 0)
        return -1;
    placing->directory = open(placing->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (placing->directory < 0)
        return err_set(err, errno, "open `%s`", placing->parent);
    if (start_guard(placing, err) == 0) {
        if (mkdirat(placing->directory, placing->staging, 0755) == 0)
            return 0;
        err_set(err, errno, "mkdir in `%s`", placing->parent);
    }
    placing_end(placing);
    return -1;
}

int placing_keep(struct placing *placing, struct err *err)
{
    const char *slash = strrchr(placing->target, '/');
    if (renameat(placing->directory, placing->staging, placing->directory, slash ? slash + 1 : placing->target) < 0)
        return err_set(err, errno, "rename to `%s`", placing->target);
    ssize_t n = write(placing->guarded, "k", 1);
    return n == 1 ? 0 : err_set(err, errno, "keep `%s`", placing->target);
}

void placing_end(struct placing *placing)
{
    if (placing->guarded >= 0)
        close(placing->guarded);
    while (placing->guard > 0 && waitpid(placing->guard, NULL, 0) < 0 && errno == EINTR) {
    }
    if (placing->directory >= 0)
        close(placing->directory);
}

static int full(const struct placing *placing, struct err *err)
{
    struct statvfs fs;
    unsigned long long left = fstatvfs(placing->directory, &fs) < 0 ? 0 : (unsigned long long)fs.f_bavail * fs.f_frsize;
    return err_say(
        err, ENOSPC,
        "no space left for %s: %llu MiB are free there (df -h %s). Nothing is left of this try; make room and "
        "type the command again",
        placing->target, left / MIB, placing->parent);
}

/* What debootstrap itself takes from the machine that it runs on. */
static int make_local(int root, struct err *err)
{
    static const char *const files[] = { "/etc/hostname", "/etc/resolv.conf" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char text[16384];
        ssize_t len = read_file_at(AT_FDCWD, files[i], text, sizeof text, NULL);
        if (i == 0 && gethostname(text, sizeof text - 2) == 0) {
            len = (ssize_t)strlen(text);
            text[len++] = '\n';
        }
        cleanup_close int to = len < 0 ? -1 : open_policy(root, files[i], OPEN_IN_ROOT_CREATE, NULL);
        if (to >= 0 && write(to, text, (size_t)len) != len)
            return err_set(err, errno, "write `%s` of the new root filesystem", files[i]);
    }
    return 0;
}

static int copy_kept(const char *name, struct placing *placing, struct err *err)
{
    char path[PATH_MAX];
    struct copy_tree_counts counts;
    snprintf(path, sizeof path, BOOTSTRAP_TREES "/%s/root", name);
    cleanup_close int from = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_close int to =
        openat(placing->directory, placing->staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || to < 0)
        return err_set(err, errno, "open `%s`", from < 0 ? path : placing->staging);
    if (rootfs_copy_tree(from, to, &counts, err) < 0 || make_local(to, err) < 0)
        return err && (err->code == ENOSPC || err->code == EDQUOT) ? full(placing, err) : -1;
    printf("Copied %zu files and directories, %llu MiB.\n", counts.entries, (unsigned long long)counts.bytes / MIB);
    return placing_keep(placing, err);
}

int place_kept(const char *name, const char *target, struct err *err)
{
    struct placing placing;
    if (placing_begin(&placing, target, err) < 0)
        return -1;
    int result = copy_kept(name, &placing, err);
    placing_end(&placing);
    return result;
}

/* In a pid and a mount namespace of its own: when it or we end, all it started and mounted is gone. */
static pid_t start_own(const struct bootstrap_argv *argv, int output, struct err *err)
{
    pid_t parent = getpid();
    pid_t pid = sys_fork(CLONE_NEWPID | CLONE_NEWNS, NULL);
    if (pid < 0)
        return err_set(err, errno, "clone a pid and a mount namespace");
    if (pid > 0)
        return pid;
    static const char *const env[] = { "LC_ALL=C", "HOME=/root", "container=lxc",
                                       "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)parent;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 || dup2(null, 0) < 0 ||
        dup2(output, 1) < 0)
        _exit(126);
    execve(argv->words[0], (char *const *)(uintptr_t)argv->words, (char *const *)(uintptr_t)env);
    _exit(127);
}

static void show(const struct bootstrap_progress *progress, void *data)
{
    (void)data;
    show_progress(progress->phase, progress->doing, progress->percent, progress->done, progress->total, progress->item);
}

static int try_mirror(const struct bootstrap_request *request, struct err *err)
{
    char url[600];
    if (strncmp(request->mirror, "file:", 5) == 0)
        return 0;
    snprintf(url, sizeof url, "%s/dists/%s/Release", request->mirror, request->suite);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("wget", "wget", "-q", "--spider", "-T", "8", "-t", "1", url, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_say(err, ENOENT, "debootstrap needs wget: apt-get install wget");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 8)
        return err_say(err, ENOENT, "%s answers, but it has no suite `%s`", request->mirror, request->suite);
    return err_say(err, EHOSTUNREACH, "there is no network, or %s does not answer: nothing was begun", request->mirror);
}

static int run_own_debootstrap(const struct bootstrap_request *request, struct placing *placing, struct err *err)
{
    struct bootstrap_progress progress = { .phase = 0 };
    struct bootstrap_argv argv;
    char target[PATH_MAX], real[PATH_MAX];
    const char *program = own_debootstrap();
    int output[2];
    if (!program)
        return err_say(err, ENOENT, "this machine has no debootstrap: apt-get install debootstrap");
    if (!realpath(placing->parent, real) || snprintf(target, sizeof target, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
                                                     placing->staging) >= (int)sizeof target)
        return err_set(err, errno, "find `%s`", placing->parent);
    if (bootstrap_argv(request, program, target, NULL, &argv, err) < 0 || try_mirror(request, err) < 0)
        return -1;
    if (pipe2(output, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    cleanup_close int from = output[0];
    pid_t pid = start_own(&argv, output[1], err);
    close(output[1]);
    if (pid < 0)
        return -1;
    char bytes[4096];
    for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR);)
        bootstrap_progress_feed(&progress, bytes, n > 0 ? (size_t)n : 0, show, NULL);
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    end_progress_line();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return placing_keep(placing, err);
    struct statvfs fs;
    if (fstatvfs(placing->directory, &fs) == 0 && (unsigned long long)fs.f_bavail * fs.f_frsize < 8 * MIB)
        return full(placing, err);
    return err_say(err, EIO, "debootstrap failed while %s: %s", progress.doing ? progress.doing : "it began",
                   progress.error[0] ? progress.error : "it did not say why");
}

int place_by_own(const struct bootstrap_request *request, const char *target, struct err *err)
{
    struct placing placing;
    if (placing_begin(&placing, target, err) < 0)
        return -1;
    int result = run_own_debootstrap(request, &placing, err);
    placing_end(&placing);
    return result;
}

/* What overlays can do here, found out by mounting one and using it. */
#include "engine/layers/overlay_internal.h"

#include "engine/base/cleanup.h"
#include "engine/isolate/userns.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define SCRATCH ".overlay-probe-"
#define REMEMBER 16

/* Of the process: an answer for each file system asked about, from each user namespace. A boot has one kernel, and no file system learns attributes while it is mounted. */
static struct {
    dev_t device;
    ino_t userns;
    struct overlay_abilities abilities;
} remembered[REMEMBER];
static size_t remembered_count;
static pthread_mutex_t remembered_lock = PTHREAD_MUTEX_INITIALIZER;

/* Remove @name of @dir and all below it: no deeper than what is made here and what overlay puts into a work directory. */
static void remove_tree(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0) /* overlay's work/work has mode 0 */
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_dir DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    while (list && (entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_tree(fd, entry->d_name);
    if (fd >= 0 && !list)
        close(fd);
    unlinkat(dir, name, AT_REMOVEDIR);
}

/* A directory of ours in @dir, open and locked: the lock ends with us, so one that is not locked was left by somebody killed. */
static int make_scratch(int dir, char name[static 32], struct err *err)
{
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, 32, SCRATCH "%d.%u", getpid(), i);
        if (mkdirat(dir, name, 0755) < 0 && errno == EEXIST)
            continue;
        cleanup_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 && errno != ENOENT)
            break;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
            return take_fd(&fd);
    }
    return err_set(err, errno, "make a directory to try an overlay in");
}

static void remove_left_behind(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (fd >= 0 && !list)
        close(fd);
    while (list && (entry = readdir(list))) {
        if (strncmp(entry->d_name, SCRATCH, strlen(SCRATCH)) != 0)
            continue;
        cleanup_close int left = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (left >= 0 && flock(left, LOCK_EX | LOCK_NB) == 0)
            remove_tree(dir, entry->d_name);
    }
}

/* A directory can be a layer only in the mount namespace it was opened in. The working directory alone comes along into a new one. */
static int enter_mount_namespace(int scratch, struct err *err)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (fchdir(scratch) < 0)
        return err_set(err, errno, "chdir to the directory to try an overlay in");
    if (unshare(CLONE_NEWNS) < 0 &&
        (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || userns_write_single_map(0, uid, gid, NULL) < 0))
        return err_set(err, errno, "unshare a mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_set(err, errno, "make the mount namespace private");
    return 0;
}

/* Delete a lower file and a lower directory, and make the directory again: it must come up empty. */
static bool can_delete(int at)
{
    return unlinkat(at, "file", 0) == 0 && faccessat(at, "file", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
           unlinkat(at, "dir/sub", AT_REMOVEDIR) == 0 && unlinkat(at, "dir", AT_REMOVEDIR) == 0 &&
           mkdirat(at, "dir", 0755) == 0 && faccessat(at, "dir/sub", F_OK, 0) < 0 && errno == ENOENT;
}

static int open_directory(const char *name)
{
    return open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* In a child of its own: @scratch is empty. */
static void try_it(int scratch, struct overlay_abilities *abilities)
{
    static const char *const directories[] = { "l", "l/dir", "l/dir/sub", "l2", "u", "w", "m" };
    struct err err = { 0 };
    if (enter_mount_namespace(scratch, &err) < 0) {
        snprintf(abilities->why, sizeof abilities->why, "%.250s", err.message);
        return;
    }
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        mkdir(directories[i], 0755);
    cleanup_close int file = open("l/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cleanup_close int lower = open_directory("l"), second = open_directory("l2");
    cleanup_close int upper = open_directory("u"), work = open_directory("w");
    cleanup_close int point = open_directory("m");
    if (file < 0 || lower < 0 || second < 0 || upper < 0 || work < 0 || point < 0) {
        snprintf(abilities->why, sizeof abilities->why, "directories to try it with: %s", strerrordesc_np(errno));
        return;
    }
    /* trusted.* is for those alone who may use it: a user namespace is told from the first one by trying. */
    bool trusted =
        fsetxattr(upper, "trusted.overlay.probe", "", 0, 0) == 0 && fremovexattr(upper, "trusted.overlay.probe") == 0;
    const int lowers[] = { lower, second };
    struct overlay overlay = { lowers, 2, upper, work, trusted ? WHITEOUT_OVERLAY : WHITEOUT_USERXATTR, false };
    cleanup_close int detached = overlay_open(&overlay, &err);
    abilities->lowerdir_plus = detached >= 0;
    if (detached < 0 && err.code == ENOSYS && overlay_mount(&overlay, point, &err) == 0)
        detached = open_directory("m"); /* anew: what is mounted on it */
    if (detached < 0) {
        snprintf(abilities->why, sizeof abilities->why, "%.250s", err.message);
        return;
    }
    cleanup_close int made = openat(detached, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (made < 0) {
        snprintf(abilities->why, sizeof abilities->why, "a file in the mount: %s", strerrordesc_np(errno));
        return;
    }
    abilities->mount = true;
    abilities->form = overlay.form;
    abilities->whiteouts = can_delete(detached);
    if (!abilities->whiteouts)
        snprintf(abilities->why, sizeof abilities->why, "what a lower layer holds cannot be deleted: %s",
                 strerrordesc_np(errno));
}

static int try_in_child(int dir, struct overlay_abilities *abilities, struct err *err)
{
    char name[32];
    int ends[2];
    remove_left_behind(dir);
    cleanup_close int scratch = make_scratch(dir, name, err);
    if (scratch < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        remove_tree(dir, name);
        return err_set(err, errno, "pipe2");
    }
    cleanup_close int in = ends[0], out = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        struct overlay_abilities found = { .form = WHITEOUT_NONE };
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            try_it(scratch, &found);
        _exit(write(out, &found, sizeof found) != (ssize_t)sizeof found);
    }
    int errnum = errno;
    close(out);
    out = -1;
    ssize_t n = pid < 0 ? -1 : read(in, abilities, sizeof *abilities);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    remove_tree(dir, name);
    if (pid < 0)
        return err_set(err, errnum, "fork");
    if (n != (ssize_t)sizeof *abilities)
        return err_say(err, EIO, "trying an overlay: the process that tried was killed");
    return 0;
}

int overlay_probe(int dir, struct overlay_abilities *abilities, struct err *err)
{
    struct stat st, userns;
    if (stat("/proc/self/ns/user", &userns) < 0)
        return err_set(err, errno, "stat `/proc/self/ns/user`");
    if (fstat(dir, &st) < 0)
        return err_set(err, errno, "fstat of the directory to try an overlay in");
    pthread_mutex_lock(&remembered_lock);
    size_t i = 0;
    while (i < remembered_count && (remembered[i].device != st.st_dev || remembered[i].userns != userns.st_ino))
        i++;
    int result = 0;
    if (i == remembered_count) {
        result = try_in_child(dir, abilities, err);
        if (i == REMEMBER)
            i = remembered_count = 0; /* more than anybody has asked about: begin anew */
        if (result == 0) {
            remembered[i].device = st.st_dev;
            remembered[i].userns = userns.st_ino;
            remembered[i].abilities = *abilities;
            remembered_count = i + 1;
        }
    } else {
        *abilities = remembered[i].abilities;
    }
    pthread_mutex_unlock(&remembered_lock);
    return result;
}

#include "engine/rootfs/copy_tree.h"

#include "engine/base/cleanup.h"
#include "engine/rootfs/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_THREADS = 4, MOST_DEPTH = 256, BLOCK = 128 * 1024 };

struct item {
    const char *path;
    struct stat st;
};

struct items {
    struct item *list;
    size_t count, room;
};

struct tree_copy {
    int from, to;
    struct arena arena;
    struct items directories, files, linked; /* linked: files that have several names */
    struct copy_tree_counts counts;
    atomic_size_t next;
    atomic_bool by_hand; /* the kernel does not copy between these file systems: found out once */
    atomic_int failed;   /* errno of the first thread that failed */
    const char *failed_path;
};

static int add(struct items *items, const char *path, const struct stat *st, struct err *err)
{
    if (items->count == items->room) {
        size_t room = items->room ? items->room * 2 : 1024;
        struct item *more = realloc(items->list, room * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "list a root filesystem");
        items->list = more;
        items->room = room;
    }
    items->list[items->count++] = (struct item){ path, *st };
    return 0;
}

static int copy_link(struct tree_copy *copy, const struct item *item, struct err *err)
{
    char target[4096];
    ssize_t n = readlinkat(copy->from, item->path, target, sizeof target - 1);
    if (n < 0)
        return err_set(err, errno, "readlink `%s`", item->path);
    target[n] = '\0';
    const struct timespec times[2] = { item->st.st_atim, item->st.st_mtim };
    if (symlinkat(target, copy->to, item->path) < 0 ||
        fchownat(copy->to, item->path, item->st.st_uid, item->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(copy->to, item->path, times, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(err, errno, "symlink `%s`", item->path);
    return 0;
}

static int copy_node(struct tree_copy *copy, const struct item *item, struct err *err)
{
    if (mknodat(copy->to, item->path, item->st.st_mode, item->st.st_rdev) < 0) {
        if (errno != EPERM)
            return err_set(err, errno, "mknod `%s`", item->path);
        copy->counts.left_out++;
        copy->counts.entries--;
        return 0;
    }
    if (fchownat(copy->to, item->path, item->st.st_uid, item->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(copy->to, item->path, item->st.st_mode & 07777, 0) < 0)
        return err_set(err, errno, "chown `%s`", item->path);
    return 0;
}

/* Everything but the files' contents: these are listed, for the threads. */
static int walk(struct tree_copy *copy, const char *path, int depth, struct err *err)
{
    int fd = openat(copy->from, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!dir)
        return err_set(err, errno, "open `%s`", *path ? path : "the root filesystem");
    if (depth > MOST_DEPTH)
        return err_set(err, ELOOP, "walk `%s`", path);
    while ((entry = readdir(dir))) {
        struct item item;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        item.path = arena_format(&copy->arena, "%s%s%s", path, *path ? "/" : "", entry->d_name);
        if (!item.path)
            return err_set(err, ENOMEM, "list a root filesystem");
        if (fstatat(dirfd(dir), entry->d_name, &item.st, AT_SYMLINK_NOFOLLOW) < 0)
            return err_set(err, errno, "stat `%s`", item.path);
        copy->counts.entries++;
        int result = 0;
        if (S_ISDIR(item.st.st_mode)) {
            if (mkdirat(copy->to, item.path, 0700) < 0)
                return err_set(err, errno, "mkdir `%s`", item.path);
            result = add(&copy->directories, item.path, &item.st, err);
            if (result == 0)
                result = walk(copy, item.path, depth + 1, err);
        } else if (S_ISREG(item.st.st_mode)) {
            result = add(item.st.st_nlink > 1 ? &copy->linked : &copy->files, item.path, &item.st, err);
        } else if (S_ISLNK(item.st.st_mode)) {
            result = copy_link(copy, &item, err);
        } else {
            result = copy_node(copy, &item, err);
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

static int copy_by_hand(int from, int to, off_t size, char *block)
{
    off_t at = 0;
    for (ssize_t n; at < size && (n = pread(from, block, BLOCK, at)) != 0; at += n) {
        if (n < 0)
            return errno;
        ssize_t written = pwrite(to, block, (size_t)n, at);
        if (written != n)
            return written < 0 ? errno : ENOSPC;
    }
    return at == size ? 0 : EIO;
}

static int copy_bytes(struct tree_copy *copy, int from, int to, off_t size, char *block)
{
    off_t in = 0, out = 0;
    while (out < size && !atomic_load(&copy->by_hand)) {
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(size - out), 0);
        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n == 0)
            return EIO;
        if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
            return errno;
        atomic_store(&copy->by_hand, true);
    }
    return out == size ? 0 : copy_by_hand(from, to, size, block);
}

static int copy_one(struct tree_copy *copy, const struct item *item, char *block)
{
    const struct timespec times[2] = { item->st.st_atim, item->st.st_mtim };
    errno = 0;
    cleanup_close int from = openat(copy->from, item->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_close int to =
        from < 0 ? -1 : openat(copy->to, item->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return errno;
    int failed = copy_bytes(copy, from, to, item->st.st_size, block);
    if (failed)
        return failed;
    /* Owner before mode: chown(2) clears the set-id bits. */
    if (((item->st.st_uid || item->st.st_gid) && fchown(to, item->st.st_uid, item->st.st_gid) < 0) ||
        fchmod(to, item->st.st_mode & 07777) < 0 || futimens(to, times) < 0)
        return errno;
    return 0;
}

static void *copy_files(void *data)
{
    struct tree_copy *copy = data;
    char block[BLOCK];
    for (size_t i; atomic_load(&copy->failed) == 0 && (i = atomic_fetch_add(&copy->next, 1)) < copy->files.count;) {
        int failed = copy_one(copy, &copy->files.list[i], block), none = 0;
        if (failed && atomic_compare_exchange_strong(&copy->failed, &none, failed))
            copy->failed_path = copy->files.list[i].path;
    }
    return NULL;
}

static int run_threads(struct tree_copy *copy, struct err *err)
{
    pthread_t threads[MOST_THREADS];
    size_t started = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 1; i < processors && started < MOST_THREADS - 1; i++)
        if (pthread_create(&threads[started], NULL, copy_files, copy) == 0)
            started++;
    copy_files(copy);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return copy->failed ? err_set(err, copy->failed, "copy `%s`", copy->failed_path) : 0;
}

/* A file of several names is copied under its first, the others are linked to that. There are few of them in a root filesystem. */
static int copy_linked(struct tree_copy *copy, struct err *err)
{
    char block[BLOCK];
    for (size_t i = 0; i < copy->linked.count; i++) {
        const struct item *item = &copy->linked.list[i], *first = NULL;
        for (size_t k = 0; k < i && !first; k++)
            if (copy->linked.list[k].st.st_ino == item->st.st_ino && copy->linked.list[k].st.st_dev == item->st.st_dev)
                first = &copy->linked.list[k];
        int failed = first ? (linkat(copy->to, first->path, copy->to, item->path, 0) < 0 ? errno : 0)
                           : copy_one(copy, item, block);
        if (failed)
            return err_set(err, failed, "copy `%s`", item->path);
    }
    return 0;
}

static int set_directory(int at, const char *path, const struct stat *st)
{
    const struct timespec times[2] = { st->st_atim, st->st_mtim };
    return fchownat(at, path, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
                   fchmodat(at, path, st->st_mode & 07777, 0) < 0 || utimensat(at, path, times, 0) < 0
               ? -1
               : 0;
}

static int copy_all(struct tree_copy *copy, struct err *err)
{
    struct stat top;
    if (fstat(copy->from, &top) < 0)
        return err_set(err, errno, "stat the root filesystem");
    if (walk(copy, "", 0, err) < 0 || run_threads(copy, err) < 0 || copy_linked(copy, err) < 0)
        return -1;
    /* Last, as making something in a directory changes its times; the deepest first. */
    for (size_t i = copy->directories.count; i-- > 0;)
        if (set_directory(copy->to, copy->directories.list[i].path, &copy->directories.list[i].st) < 0)
            return err_set(err, errno, "chown `%s`", copy->directories.list[i].path);
    if (set_directory(copy->to, ".", &top) < 0)
        return err_set(err, errno, "chown the new root filesystem");
    return 0;
}

int rootfs_copy_tree(int from, int to, struct copy_tree_counts *counts, struct err *err)
{
    struct tree_copy copy = { .from = from, .to = to };
    int result = copy_all(&copy, err);
    for (size_t i = 0; i < copy.files.count; i++)
        copy.counts.bytes += (uint64_t)copy.files.list[i].st.st_size;
    if (counts)
        *counts = copy.counts;
    free(copy.directories.list);
    free(copy.files.list);
    free(copy.linked.list);
    arena_free(&copy.arena);
    return result;
}

/* Also a directory that its owner, who is not root, may not read. */
static int open_to_empty(int parent, const char *name)
{
    char own[32];
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || errno != EACCES)
        return fd;
    cleanup_close int closed = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    snprintf(own, sizeof own, "/proc/self/fd/%d", closed);
    if (closed < 0 || chmod(own, 0700) < 0)
        return -1;
    return openat(closed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int remove_below(int dirfd_, dev_t device, int depth)
{
    struct stat st;
    if (depth == 0 || fstat(dirfd_, &st) < 0)
        return -1;
    if (st.st_dev != device) {
        errno = EXDEV;
        return -1;
    }
    if ((st.st_mode & 0700) != 0700)
        fchmod(dirfd_, 0700);
    int again = openat(dirfd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    int result = 0;
    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(dirfd_, entry->d_name, 0) == 0)
            continue;
        cleanup_close int child = errno == EISDIR || errno == EPERM ? open_to_empty(dirfd_, entry->d_name) : -1;
        if (child < 0 || remove_below(child, device, depth - 1) < 0 ||
            unlinkat(dirfd_, entry->d_name, AT_REMOVEDIR) < 0)
            result = -1;
    }
    return result;
}

int rootfs_remove_tree(int parent, const char *name, struct err *err)
{
    struct stat st;
    cleanup_close int dir = open_to_empty(parent, name);
    if (dir < 0)
        return errno == ENOENT ? 0 : err_set(err, errno, "open `%s`", name);
    if (fstat(dir, &st) < 0 || remove_below(dir, st.st_dev, MOST_DEPTH) < 0 || unlinkat(parent, name, AT_REMOVEDIR) < 0)
        return err_set(err, errno, "remove `%s`", name);
    return 0;
}

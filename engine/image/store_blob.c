/* Bringing blobs in: a file below .ingest, locked by who writes it, and renamed when it is whole. */
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"
#include "engine/rootfs/copy_tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

/* How long a cut download is kept for who takes it up. */
#define KEPT_SECONDS (24 * 60 * 60)

struct blob {
    struct sink sink;
    struct store *store;
    int fd;
    uint64_t have;
    char name[INGEST_NAME]; /* in .ingest */
};

/* --- ingests --- */

static void random_name(char name[INGEST_NAME])
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid(); /* O_EXCL tells whether it is free */
    snprintf(name, INGEST_NAME, "%016llx", (unsigned long long)number);
}

/* Locked by us, and still what stands under @name: a sweeper that had it locked first has removed it. */
static bool lock_own(const struct store *store, const char *name, int fd)
{
    struct stat st, named;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
           fstatat(store->ingest, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == named.st_ino &&
           st.st_dev == named.st_dev;
}

int ingest_file(struct store *store, char name[INGEST_NAME], struct err *err)
{
    for (;;) {
        random_name(name);
        int fd = openat(store->ingest, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return err_set(err, errno, "create a file in `%s/.ingest`", store->path);
        if (fd >= 0 && lock_own(store, name, fd))
            return fd;
        if (fd >= 0)
            close(fd);
    }
}

int ingest_directory(struct store *store, char name[INGEST_NAME], struct err *err)
{
    for (;;) {
        random_name(name);
        if (mkdirat(store->ingest, name, 0700) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir in `%s/.ingest`", store->path);
        int fd = openat(store->ingest, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            return err_set(err, errno, "open a directory in `%s/.ingest`", store->path);
        if (fd >= 0 && lock_own(store, name, fd))
            return fd;
        if (fd >= 0)
            close(fd);
    }
}

void ingest_remove(struct store *store, const char *name)
{
    int saved = errno;
    if (unlinkat(store->ingest, name, 0) < 0 && (errno == EISDIR || errno == EPERM))
        rootfs_remove_tree(store->ingest, name, NULL);
    errno = saved;
}

/* A cut download is named by the digest it is to have. */
static bool is_kept(const char *name, const struct stat *st)
{
    return strlen(name) == INGEST_NAME - 1 && S_ISREG(st->st_mode) && st->st_size > 0 &&
           time(NULL) - st->st_mtime < KEPT_SECONDS;
}

int ingest_sweep(struct store *store, bool all, struct err *err)
{
    int again = openat(store->ingest, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    if (!dir)
        return err_set(err, errno, "read `%s/.ingest`", store->path);
    while ((entry = readdir(dir))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(store->ingest, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
            ingest_remove(store, entry->d_name);
            continue;
        }
        cleanup_close int fd = openat(store->ingest, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        /* Who has it locked is at work on it; once it is ours, nobody else renames or removes it. */
        if (fd >= 0 && lock_own(store, entry->d_name, fd) && (all || !is_kept(entry->d_name, &st)))
            ingest_remove(store, entry->d_name);
    }
    return 0;
}

int ingest_commit(struct store *store, int dir, const char *name, int fd, const struct digest *digest, struct err *err)
{
    const char *blob = store_blob_name(digest, err);
    if (!blob)
        return -1;
    /* One that is there already is replaced by the same bytes: should it be damaged, it is whole again. */
    if (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || renameat(dir, name, store->blobs, blob) < 0 || fsync(store->blobs) < 0)
        return err_set(err, errno, "keep blob `%s` in `%s`", digest->text, store->path);
    return 0;
}

int ingest_commit_layer(struct store *store, const char *name, int fd, const struct digest *diff_id, struct err *err)
{
    const char *layer = store_blob_name(diff_id, err);
    if (!layer)
        return -1;
    if (syncfs(fd) < 0)
        return err_set(err, errno, "syncfs `%s`", store->path);
    if (renameat(store->ingest, name, store->layers, layer) == 0)
        return fsync(store->layers) < 0 ? err_set(err, errno, "fsync `%s/.layers`", store->path) : 0;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return err_set(err, errno, "keep the unpacked layer `%s` in `%s`", diff_id->text, store->path);
    ingest_remove(store, name); /* another process was first */
    return 0;
}

/* --- blobs --- */

static int sink_write_blob(struct sink *sink, const void *data, size_t size, struct err *err)
{
    return store_write_all(((struct blob *)sink)->fd, data, size, err);
}

static int sink_finish_blob(struct sink *sink, struct err *err)
{
    return 0;
}

static void sink_close_blob(struct sink *sink)
{
}

/* What there is of the blob that is to have the digest @resume; -1: nothing, or another process is at it. */
static int take_up(struct store *store, const char *name, uint64_t *have)
{
    struct stat st;
    cleanup_close int fd = openat(store->ingest, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || !lock_own(store, name, fd) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        lseek(fd, 0, SEEK_END) < 0)
        return -1;
    *have = (uint64_t)st.st_size;
    return take_fd(&fd);
}

struct blob *blob_begin(struct store *store, const struct digest *resume, struct err *err)
{
    const char *name = NULL;
    if (store_need_write(store, "bring a blob in", err) < 0 ||
        (resume && *resume->text && !(name = store_blob_name(resume, err))))
        return NULL;
    struct blob *blob = calloc(1, sizeof *blob);
    if (!blob) {
        err_set(err, ENOMEM, "bring a blob in");
        return NULL;
    }
    blob->sink = (struct sink){ sink_write_blob, sink_finish_blob, sink_close_blob, NULL };
    blob->store = store;
    blob->fd = -1;
    if (name && (blob->fd = take_up(store, name, &blob->have)) >= 0)
        snprintf(blob->name, sizeof blob->name, "%s", name);
    else
        blob->fd = ingest_file(store, blob->name, err);
    if (blob->fd < 0) {
        free(blob);
        return NULL;
    }
    return blob;
}

int blob_fd(const struct blob *blob)
{
    return blob->fd;
}

uint64_t blob_have(const struct blob *blob)
{
    return blob->have;
}

struct sink *blob_sink(struct blob *blob, struct err *err)
{
    return &blob->sink;
}

int blob_commit(struct blob *blob, const struct digest *digest, struct err *err)
{
    int result = ingest_commit(blob->store, blob->store->ingest, blob->name, blob->fd, digest, err);
    if (result == 0)
        *blob->name = '\0'; /* what has the name from now on is another's */
    blob_abandon(blob, false);
    return result;
}

void blob_abandon(struct blob *blob, bool keep)
{
    if (!blob)
        return;
    if (*blob->name && (!keep || strlen(blob->name) != INGEST_NAME - 1))
        ingest_remove(blob->store, blob->name);
    cleanup_closep(&blob->fd);
    free(blob);
}

/* Is it here, and whole? */
static bool is_kept_whole(struct store *store, const struct digest *digest, const void *data, size_t size)
{
    uint64_t has = 0;
    if (store_has(store, digest, &has, NULL) != 1 || has != size)
        return false;
    cleanup_close int fd = store_open_blob(store, digest, NULL);
    cleanup_free char *bytes = malloc(size + 1);
    return fd >= 0 && bytes && pread(fd, bytes, size, 0) == (ssize_t)size && memcmp(bytes, data, size) == 0;
}

int store_add(struct store *store, const void *data, size_t size, struct digest *digest, struct err *err)
{
    if (digest_of(data, size, digest, err) < 0)
        return -1;
    if (is_kept_whole(store, digest, data, size))
        return 0;
    struct blob *blob = blob_begin(store, NULL, err);
    if (!blob)
        return -1;
    if (store_write_all(blob->fd, data, size, err) < 0) {
        blob_abandon(blob, false);
        return -1;
    }
    return blob_commit(blob, digest, err);
}

int store_add_json(struct store *store, const json_t *json, struct digest *digest, uint64_t *size, struct err *err)
{
    cleanup_free char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_set(err, ENOMEM, "write a document to the image store");
    if (size)
        *size = strlen(text);
    return store_add(store, text, strlen(text), digest, err);
}

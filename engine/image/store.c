#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/user.h"
#include "engine/lab/lab.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LAYOUT_VERSION "1.0.0"

/* The lab's shells have its name in their environment; a program with an empty one still sees the lab's own tools. */
static bool in_lab(void)
{
    return getenv("TEACHROOT_LAB") || access(LAB_TOOLS_DIR "/teachroot-tools", F_OK) == 0;
}

int store_default_path(char *path, size_t size, struct err *err)
{
    const char *asked = getenv("TEACHROOT_STORE");
    char cache[PATH_MAX];
    int n;
    if (asked && *asked)
        n = snprintf(path, size, "%s", asked);
    else if (in_lab())
        n = snprintf(path, size, "%s", LAB_STORE);
    else if (user_cache_path(cache, sizeof cache, err) < 0)
        return -1;
    else
        n = snprintf(path, size, "%s/images", cache);
    return n < 0 || (size_t)n >= size ? err_set(err, ENAMETOOLONG, "the image store's path") : 0;
}

void store_default_below(char *path, size_t size)
{
    const char *asked = getenv("TEACHROOT_STORE");
    snprintf(path, size, "%s", (asked && *asked) || !in_lab() ? "" : LAB_CACHE "/images");
}

int store_need_write(const struct store *store, const char *what, struct err *err)
{
    return store->access == STORE_WRITE
               ? 0
               : err_say(err, EROFS, "%s: the image store `%s` was opened for reading only", what, store->path);
}

const char *store_blob_name(const struct digest *digest, struct err *err)
{
    struct digest checked;
    if (digest_parse(digest->text, &checked, err) < 0)
        return NULL;
    return digest_hex(digest);
}

json_t *store_parse_json(const char *text, size_t size, const char *what, struct err *err)
{
    json_error_t why;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        err_say(err, EINVAL, "%s: not JSON as it should be, line %d: %s", what, why.line, why.text);
    return json;
}

/* All of @fd into memory, malloc'ed. */
static char *read_document(int fd, const char *name, size_t most, size_t *size, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        err_set(err, errno, "stat `%s`", name);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > most) {
        err_say(err, S_ISREG(st.st_mode) ? EFBIG : EINVAL, "read `%s`: %s", name,
                S_ISREG(st.st_mode) ? "larger than such a document may be" : "not a regular file");
        return NULL;
    }
    char *text = malloc((size_t)st.st_size + 1);
    size_t len = 0;
    ssize_t n = text ? 1 : -1;
    while (n > 0 && len < (size_t)st.st_size) {
        n = read(fd, text + len, (size_t)st.st_size - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    if (n < 0) {
        err_set(err, errno, "read `%s`", name);
        free(text);
        return NULL;
    }
    text[len] = '\0';
    *size = len;
    return text;
}

json_t *store_load_json(int dir, const char *name, size_t most, struct err *err)
{
    size_t size;
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        err_set(err, errno, "open `%s`", name);
        return NULL;
    }
    cleanup_free char *text = read_document(fd, name, most, &size, err);
    return text ? store_parse_json(text, size, name, err) : NULL;
}

int store_write_all(int fd, const void *data, size_t size, struct err *err)
{
    return write_all(fd, data, size) < 0 ? err_set(err, errno, "write to the image store") : 0;
}

/* --- opening --- */

/* 1: an image layout of a version known here; 0: there is no oci-layout; -1. */
static int look_at_layout(const struct store *store, struct err *err)
{
    struct err why = { 0 };
    json_t *json = store_load_json(store->dir, "oci-layout", STORE_DOCUMENT, &why);
    if (!json && why.code == ENOENT)
        return 0;
    const char *version = json_string_value(json_object_get(json, "imageLayoutVersion"));
    int result = 1;
    if (!json)
        result = err_say(err, why.code, "`%s` is no image layout: %s", store->path, why.message);
    else if (!version)
        result = err_say(err, EINVAL, "`%s` is no image layout: its oci-layout names no version", store->path);
    else if (strcmp(version, LAYOUT_VERSION) != 0)
        result = err_say(err, EINVAL, "`%s` is an image layout of version %.20s; this program knows " LAYOUT_VERSION,
                         store->path, version);
    json_decref(json);
    return result;
}

/* A directory that has something else in it than a store that was being made is somebody else's. */
static int check_ours(const struct store *store, struct err *err)
{
    static const char *const known[] = { ".",     "..",         ".lock",      ".ingest",   ".layers",
                                         "blobs", "containers", "index.json", "lost+found" };
    int again = openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    if (!dir)
        return err_set(err, errno, "read `%s`", store->path);
    while ((entry = readdir(dir))) {
        bool ours = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            ours |= strcmp(entry->d_name, known[i]) == 0;
        if (!ours)
            return err_say(err, EINVAL,
                           "`%s` is no image layout, and not empty (it has `%.60s`): an image store would be mixed "
                           "with it; name another directory",
                           store->path, entry->d_name);
    }
    return 0;
}

/* @text as @name, whole or not at all, unless there is one. */
static int place_document(struct store *store, const char *name, const char *text, struct err *err)
{
    char temp[INGEST_NAME];
    if (faccessat(store->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    cleanup_close int fd = ingest_file(store, temp, err);
    if (fd < 0)
        return -1;
    /* By a link, which never takes the place of what another process has made meanwhile. */
    int result = store_write_all(fd, text, strlen(text), err);
    if (result == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
                        (linkat(store->ingest, temp, store->dir, name, 0) < 0 && errno != EEXIST)))
        result = err_set(err, errno, "write `%s/%s`", store->path, name);
    ingest_remove(store, temp);
    return result;
}

static int make_directory(int dir, const char *name, mode_t mode, const char *path, struct err *err)
{
    return mkdirat(dir, name, mode) < 0 && errno != EEXIST ? err_set(err, errno, "mkdir `%s/%s`", path, name) : 0;
}

/* Those that are there are left; oci-layout comes last, so that a store with one is whole. */
static int make_store(struct store *store, struct err *err)
{
    int known = look_at_layout(store, err);
    if (known < 0 || (known == 0 && check_ours(store, err) < 0))
        return -1;
    /* Unpacked layers hold set-id files: nobody else may reach them. What the images are made of, any OCI tool may read. */
    if (make_directory(store->dir, "blobs", 0755, store->path, err) < 0 ||
        make_directory(store->dir, "blobs/sha256", 0755, store->path, err) < 0 ||
        make_directory(store->dir, ".ingest", 0700, store->path, err) < 0 ||
        make_directory(store->dir, ".layers", 0700, store->path, err) < 0)
        return -1;
    store->ingest = openat(store->dir, ".ingest", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    store->layers = openat(store->dir, ".layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (store->ingest < 0 || store->layers < 0)
        return err_set(err, errno, "open the directories of `%s`", store->path);
    if (known == 0 && (place_document(store, "index.json", "{\"manifests\":[],\"schemaVersion\":2}", err) < 0 ||
                       place_document(store, "oci-layout", "{\"imageLayoutVersion\":\"" LAYOUT_VERSION "\"}", err) < 0))
        return -1;
    return known == 0 && fsync(store->dir) < 0 ? err_set(err, errno, "fsync `%s`", store->path) : 0;
}

static int read_store(struct store *store, struct err *err)
{
    int known = look_at_layout(store, err);
    if (known <= 0)
        return known < 0 ? -1 : err_say(err, ENOENT, "there is no image store in `%s`", store->path);
    store->ingest = openat(store->dir, ".ingest", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    store->layers = openat(store->dir, ".layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return 0;
}

/* The directory, made with its parents if it is to be written. */
static int open_directory(const char *path, enum store_access access, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && access == STORE_WRITE) {
        cleanup_close int from = open(*path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cleanup_free char *made = strdup(path);
        if (from < 0 || !made)
            return err_set(err, errno, "make the image store `%s`", path);
        for (char *at = made + strspn(made, "/"); *at; at += strspn(at, "/")) {
            at += strcspn(at, "/");
            char end = *at;
            *at = '\0';
            if (mkdir(made, 0755) < 0 && errno != EEXIST)
                return err_set(err, errno, "mkdir `%s` for the image store", made);
            *at = end;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return errno == ENOENT ? err_say(err, ENOENT, "there is no image store in `%s`", path)
                               : err_set(err, errno, "open the image store `%s`", path);
    return fd;
}

static int prepare(struct store *store, struct err *err)
{
    if ((store->access == STORE_WRITE ? make_store(store, err) : read_store(store, err)) < 0)
        return -1;
    store->blobs = openat(store->dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->blobs < 0)
        return err_set(err, errno, "open `%s/blobs/sha256`", store->path);
    return store->access == STORE_WRITE ? ingest_sweep(store, false, err) : 0;
}

struct store *store_open(const char *path, enum store_access access, const char *below, struct err *err)
{
    struct err why = { 0 };
    struct store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        free(store);
        err_set(err, ENOMEM, "open the image store `%s`", path);
        return NULL;
    }
    store->access = access;
    store->dir = store->blobs = store->ingest = store->layers = store->lock = -1;
    pthread_mutex_init(&store->mutex, NULL);
    store->dir = open_directory(path, access, err);
    if (store->dir < 0 || prepare(store, err) < 0) {
        store_close(store);
        return NULL;
    }
    /* One that may not be read is not for us: a lab that is rootless though its user is root sees root's cache closed. */
    if (below && *below && !(store->below = store_open(below, STORE_READ, NULL, &why)) && why.code != ENOENT &&
        why.code != EACCES) {
        if (err)
            *err = why;
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_close(store->below);
    const int fds[] = { store->dir, store->blobs, store->ingest, store->layers, store->lock };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cleanup_closep(&fds[i]);
    pthread_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
}

const char *store_path(const struct store *store)
{
    return store->path;
}

/* --- holding --- */

int store_hold(struct store *store, struct err *err)
{
    int result = 0;
    pthread_mutex_lock(&store->mutex);
    if (store->holds == 0) {
        /* A store that may only be read can be on a file system that is read-only. */
        int flags = store->access == STORE_WRITE ? O_RDWR | O_CREAT : O_RDONLY;
        store->lock = openat(store->dir, ".lock", flags | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (store->lock < 0 && !(store->access == STORE_READ && errno == ENOENT))
            result = err_set(err, errno, "open `%s/.lock`", store->path);
        while (store->lock >= 0 && result == 0 && flock(store->lock, LOCK_SH) < 0)
            if (errno != EINTR)
                result = err_set(err, errno, "flock `%s/.lock`", store->path);
    }
    if (result == 0)
        store->holds++;
    pthread_mutex_unlock(&store->mutex);
    return result;
}

void store_release(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    if (store->holds > 0 && --store->holds == 0) {
        cleanup_closep(&store->lock);
        store->lock = -1;
    }
    pthread_mutex_unlock(&store->mutex);
}

/* --- blobs --- */

int store_has(struct store *store, const struct digest *digest, uint64_t *size, struct err *err)
{
    struct stat st;
    const char *name = store_blob_name(digest, err);
    if (!name)
        return -1;
    for (const struct store *at = store; at; at = at->below)
        if (fstatat(at->blobs, name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
            if (size)
                *size = (uint64_t)st.st_size;
            return 1;
        }
    return 0;
}

int store_open_blob(struct store *store, const struct digest *digest, struct err *err)
{
    const char *name = store_blob_name(digest, err);
    if (!name)
        return -1;
    const struct store *at = store;
    do {
        cleanup_close int fd = openat(at->blobs, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        struct stat st;
        /* Whoever reads a pipe waits for who writes. */
        if (fd >= 0)
            return fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
                       ? take_fd(&fd)
                       : err_say(err, EINVAL, "blob `%s` of `%s` is not a regular file", digest->text, at->path);
        if (errno != ENOENT)
            return err_set(err, errno, "open blob `%s` of `%s`", digest->text, at->path);
    } while ((at = at->below));
    return err_say(err, ENOENT, "blob `%s` is not in the image store `%s`", digest->text, store->path);
}

json_t *store_read_json(struct store *store, const struct digest *digest, struct err *err)
{
    struct digest found;
    size_t size;
    cleanup_close int fd = store_open_blob(store, digest, err);
    if (fd < 0)
        return NULL;
    cleanup_free char *text = read_document(fd, digest->text, STORE_DOCUMENT, &size, err);
    if (!text || digest_of(text, size, &found, err) < 0)
        return NULL;
    if (!digest_equal(digest, &found)) {
        err_say(err, EIO, "blob `%s` of the image store `%s` is damaged: its bytes have the digest %s", digest->text,
                store->path, found.text);
        return NULL;
    }
    return store_parse_json(text, size, digest->text, err);
}

int store_layer_path(struct store *store, const struct digest *diff_id, char *path, size_t size, struct err *err)
{
    const char *name = store_blob_name(diff_id, err);
    if (!name)
        return -1;
    *path = '\0';
    if (store->layers < 0 || faccessat(store->layers, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    int n = snprintf(path, size, "%s/.layers/%s", store->path, name);
    return n < 0 || (size_t)n >= size ? err_set(err, ENAMETOOLONG, "the unpacked layer `%s`", diff_id->text) : 0;
}

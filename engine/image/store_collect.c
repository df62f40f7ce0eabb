/* Rubbish: what no name leads to. Everything that a name leads to is found first; only then is anything taken away. */
#include "engine/image/image_internal.h"
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MANIFEST_DEPTH 16

struct marking {
    struct store *store;
    json_t *blobs, *layers; /* objects whose members' names are the digits */
    struct err *err;
};

static bool is_marked(const json_t *set, const char *digits)
{
    return json_object_get(set, digits) != NULL;
}

/* Returns whether it was not marked yet; false also of what is no digest known here. */
static bool mark(json_t *set, const json_t *digest, struct digest *parsed)
{
    const char *text = json_string_value(digest);
    if (!text || digest_parse(text, parsed, NULL) < 0 || is_marked(set, digest_hex(parsed)))
        return false;
    json_object_set_new(set, digest_hex(parsed), json_true());
    return true;
}

static void mark_layers(const struct marking *marking, const struct digest *config)
{
    struct digest diff_id;
    json_t *json = store_read_json(marking->store, config, NULL), *id;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(json, "rootfs"), "diff_ids"), i, id)
    {
        mark(marking->layers, id, &diff_id);
    }
    json_decref(json);
}

/* Whatever kind of document it is, what it refers to by digest is kept: also artifacts, and manifests of a later specification. */
static int mark_manifest(const struct marking *marking, const struct digest *manifest, unsigned depth)
{
    static const char *const lists[] = { "layers", "blobs" };
    struct err why = { 0 };
    struct digest digest;
    json_t *entry, *json = store_read_json(marking->store, manifest, &why);
    size_t i;
    int result = 0;
    if (!json && why.code == ENOENT)
        return 0;
    if (!json || depth == 0) {
        err_say(marking->err, json ? ELOOP : why.code,
                "image `%s` cannot be read, so what belongs to it is not known: remove it first (%s)", manifest->text,
                json ? "too many indexes in one another" : why.message);
        json_decref(json);
        return -1;
    }
    const json_t *config = json_object_get(json_object_get(json, "config"), "digest");
    if (mark(marking->blobs, config, &digest))
        mark_layers(marking, &digest);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        json_array_foreach(json_object_get(json, lists[l]), i, entry)
        {
            mark(marking->blobs, json_object_get(entry, "digest"), &digest);
        }
    }
    json_array_foreach(json_object_get(json, "manifests"), i, entry)
    {
        if (mark(marking->blobs, json_object_get(entry, "digest"), &digest) &&
            mark_manifest(marking, &digest, depth - 1) < 0)
            result = -1;
    }
    json_decref(json);
    return result;
}

static int mark_name(const struct store_name *name, void *data)
{
    const struct marking *marking = data;
    struct digest digest;
    json_t *text = json_string(name->manifest.text);
    bool fresh = mark(marking->blobs, text, &digest);
    json_decref(text);
    return fresh ? mark_manifest(marking, &digest, MANIFEST_DEPTH) : 0;
}

static bool is_digits(const char *name)
{
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

/* Call @each for all in the directory @dir whose name is a digest's. */
static int each_digest(int dir, int (*each)(const char *name, void *data, struct err *err), void *data, struct err *err)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *open = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    int result = 0;
    if (!open)
        return err_set(err, errno, "read a directory of the image store");
    while (result == 0 && (entry = readdir(open)))
        if (is_digits(entry->d_name))
            result = each(entry->d_name, data, err);
    return result;
}

struct collecting {
    struct store *store;
    const struct marking *marking;
    bool (*in_use)(const struct digest *diff_id, void *data);
    void *data;
    struct store_gc *counts;
};

static int collect_blob(const char *name, void *data, struct err *err)
{
    const struct collecting *collecting = data;
    struct stat st;
    if (is_marked(collecting->marking->blobs, name) ||
        fstatat(collecting->store->blobs, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (unlinkat(collecting->store->blobs, name, 0) < 0)
        return errno == ENOENT ? 0 : err_set(err, errno, "remove blob `%s` of `%s`", name, collecting->store->path);
    collecting->counts->blobs++;
    collecting->counts->bytes += (uint64_t)st.st_size;
    return 0;
}

static int collect_layer(const char *name, void *data, struct err *err)
{
    const struct collecting *collecting = data;
    struct store *store = collecting->store;
    struct digest diff_id;
    snprintf(diff_id.text, sizeof diff_id.text, "sha256:%s", name);
    if (is_marked(collecting->marking->layers, name) ||
        (collecting->in_use && collecting->in_use(&diff_id, collecting->data)))
        return 0;
    /* Out of its name first: half a layer must not be found under it. */
    char gone[INGEST_NAME];
    cleanup_close int dir = ingest_directory(store, gone, err);
    if (dir < 0)
        return -1;
    int result = 0;
    if (renameat(store->layers, name, store->ingest, gone) < 0)
        result = err_set(err, errno, "remove the unpacked layer `%s` of `%s`", name, store->path);
    else
        collecting->counts->layers++;
    ingest_remove(store, gone);
    return result;
}

static int collect(struct store *store, struct collecting *collecting, struct marking *marking, struct err *err)
{
    if (!marking->blobs || !marking->layers)
        return err_set(err, ENOMEM, "collect rubbish");
    if (store_names(store, mark_name, marking, err) != 0 || ingest_sweep(store, true, err) < 0 ||
        each_digest(store->blobs, collect_blob, collecting, err) < 0 ||
        each_digest(store->layers, collect_layer, collecting, err) < 0)
        return -1;
    return fsync(store->blobs) < 0 || fsync(store->layers) < 0 ? err_set(err, errno, "fsync `%s`", store->path) : 0;
}

int store_collect(struct store *store, bool (*in_use)(const struct digest *diff_id, void *data), void *data,
                  struct store_gc *counts, struct err *err)
{
    struct marking marking = { store, json_object(), json_object(), err };
    struct collecting collecting = { store, &marking, in_use, data, counts };
    *counts = (struct store_gc){ 0 };
    if (store_need_write(store, "collect rubbish", err) < 0)
        return -1;
    if (store->holds > 0)
        return err_say(err, EDEADLK, "collect rubbish of `%s`: this process itself holds it back", store->path);
    cleanup_close int lock = openat(store->dir, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    int locked = -1;
    while (lock >= 0 && (locked = flock(lock, LOCK_EX)) < 0 && errno == EINTR)
        ;
    int result =
        locked < 0 ? err_set(err, errno, "flock `%s/.lock`", store->path) : collect(store, &collecting, &marking, err);
    json_decref(marking.blobs);
    json_decref(marking.layers);
    return result;
}

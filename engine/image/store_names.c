/* index.json: which names there are. Read whole, changed in memory, replaced whole, under a lock of the store's directory. */
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static json_t *empty_index(void)
{
    return json_pack("{s:i, s:[]}", "schemaVersion", 2, "manifests");
}

const char *index_entry_name(const json_t *entry)
{
    const json_t *annotations = json_object_get(entry, "annotations");
    const char *name = json_string_value(json_object_get(annotations, NAME_CONTAINERD));
    return name ? name : json_string_value(json_object_get(annotations, NAME_OCI));
}

json_t *index_load(const struct store *store, struct err *err)
{
    struct err why = { 0 };
    json_t *index = store_load_json(store->dir, "index.json", STORE_INDEX, &why), *entry;
    size_t i;
    if (!index && why.code == ENOENT)
        return empty_index();
    if (!index) {
        err_say(err, why.code, "index.json of the image store `%s`: %s", store->path, why.message);
        return NULL;
    }
    const json_t *manifests = json_object_get(index, "manifests");
    const char *wrong = json_is_array(manifests) ? NULL : "it has no array `manifests`";
    json_array_foreach(manifests, i, entry)
    {
        const char *digest = json_string_value(json_object_get(entry, "digest"));
        struct digest parsed;
        json_int_t size = json_integer_value(json_object_get(entry, "size"));
        if (!digest || digest_parse(digest, &parsed, NULL) < 0)
            wrong = "an entry has no sha256 digest";
        else if (!json_is_integer(json_object_get(entry, "size")) || size < 0)
            wrong = "an entry has no size";
    }
    if (wrong) {
        err_say(err, EINVAL, "index.json of the image store `%s` is damaged: %s", store->path, wrong);
        json_decref(index);
        return NULL;
    }
    return index;
}

static const char *entry_digest(const json_t *entry)
{
    return json_string_value(json_object_get(entry, "digest"));
}

static bool entry_is(const json_t *entry, const char *name, const struct digest *manifest)
{
    const char *own = index_entry_name(entry);
    return (name ? own && strcmp(own, name) == 0 : !own) &&
           (!manifest || strcmp(entry_digest(entry), manifest->text) == 0);
}

/* The place of the first entry with that name and manifest (NULL: any), or -1. */
static ssize_t find_entry(const json_t *manifests, const char *name, const struct digest *manifest)
{
    for (size_t i = 0; i < json_array_size(manifests); i++)
        if (entry_is(json_array_get(manifests, i), name, manifest))
            return (ssize_t)i;
    return -1;
}

/* --- reading --- */

static int each_of(const struct store *store, const json_t *index, const json_t *above,
                   int (*each)(const struct store_name *name, void *data), void *data)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        const char *media = json_string_value(json_object_get(entry, "mediaType"));
        struct store_name name = { .name = index_entry_name(entry),
                                   .media = media ? media : "",
                                   .size = (uint64_t)json_integer_value(json_object_get(entry, "size")),
                                   .below = above != NULL };
        if (digest_parse(entry_digest(entry), &name.manifest, NULL) < 0 ||
            (above && find_entry(above, name.name, name.name ? NULL : &name.manifest) >= 0))
            continue;
        int result = each(&name, data);
        if (result)
            return result;
    }
    return 0;
}

int store_names(struct store *store, int (*each)(const struct store_name *name, void *data), void *data,
                struct err *err)
{
    json_t *index = index_load(store, err);
    if (!index)
        return -1;
    int result = each_of(store, index, NULL, each, data);
    if (result == 0 && store->below) {
        json_t *below = index_load(store->below, err);
        result = below ? each_of(store->below, below, json_object_get(index, "manifests"), each, data) : -1;
        json_decref(below);
    }
    json_decref(index);
    return result;
}

int store_find(struct store *store, const char *name, struct digest *manifest, struct err *err)
{
    for (const struct store *at = store; at; at = at->below) {
        json_t *index = index_load(at, err);
        if (!index)
            return -1;
        const json_t *manifests = json_object_get(index, "manifests");
        ssize_t place = find_entry(manifests, name, NULL);
        int found = place < 0 ? 0 : digest_parse(entry_digest(json_array_get(manifests, (size_t)place)), manifest, err);
        json_decref(index);
        if (place >= 0)
            return found < 0 ? -1 : 1;
    }
    return 0;
}

/* --- changing --- */

static int index_save(struct store *store, const json_t *index, struct err *err)
{
    char temp[INGEST_NAME];
    cleanup_free char *text = json_dumps(index, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_set(err, ENOMEM, "write index.json of `%s`", store->path);
    cleanup_close int fd = ingest_file(store, temp, err);
    if (fd < 0)
        return -1;
    if (store_write_all(fd, text, strlen(text), err) < 0) {
        ingest_remove(store, temp);
        return -1;
    }
    if (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || renameat(store->ingest, temp, store->dir, "index.json") < 0) {
        int code = errno;
        ingest_remove(store, temp);
        return err_set(err, code, "write `%s/index.json`", store->path);
    }
    return fsync(store->dir) < 0 ? err_set(err, errno, "fsync `%s`", store->path) : 0;
}

/* index.json, locked until the fd is closed. */
static json_t *index_lock(struct store *store, int *lock, struct err *err)
{
    *lock = -1;
    if (store_need_write(store, "change names", err) < 0)
        return NULL;
    *lock = openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int locked = -1;
    while (*lock >= 0 && (locked = flock(*lock, LOCK_EX)) < 0 && errno == EINTR)
        ;
    if (locked < 0) {
        err_set(err, errno, "flock `%s`", store->path);
        return NULL;
    }
    return index_load(store, err);
}

static void name_entry(json_t *entry, const char *name)
{
    json_t *annotations = json_object_get(entry, "annotations");
    if (!json_is_object(annotations)) {
        annotations = json_object();
        json_object_set_new(entry, "annotations", annotations);
    }
    json_object_set_new(annotations, NAME_OCI, json_string(name));
    json_object_set_new(annotations, NAME_CONTAINERD, json_string(name));
}

/* The entry at @place loses its name, and goes if the image stands there a second time. */
static void unname_entry(json_t *manifests, size_t place)
{
    json_t *entry = json_array_get(manifests, place), *other, *annotations = json_object_get(entry, "annotations");
    size_t i;
    json_array_foreach(manifests, i, other)
    {
        if (i != place && strcmp(entry_digest(other), entry_digest(entry)) == 0) {
            json_array_remove(manifests, place);
            return;
        }
    }
    json_object_del(annotations, NAME_OCI);
    json_object_del(annotations, NAME_CONTAINERD);
    if (json_object_size(annotations) == 0)
        json_object_del(entry, "annotations");
}

/* Returns whether anything changed. */
static bool set_name(json_t *manifests, const char *name, const struct digest *manifest, const char *media,
                     uint64_t size)
{
    ssize_t place;
    if (find_entry(manifests, name, manifest) >= 0)
        return false;
    if (!name)
        for (size_t i = 0; i < json_array_size(manifests); i++)
            if (strcmp(entry_digest(json_array_get(manifests, i)), manifest->text) == 0)
                return false;
    while (name && (place = find_entry(manifests, name, NULL)) >= 0)
        unname_entry(manifests, (size_t)place);
    place = find_entry(manifests, NULL, manifest);
    /* In the order in which they were named: the last is the newest. */
    json_t *entry = place < 0 ? json_object() : json_incref(json_array_get(manifests, (size_t)place));
    if (place >= 0)
        json_array_remove(manifests, (size_t)place);
    json_object_set_new(entry, "digest", json_string(manifest->text));
    json_object_set_new(entry, "mediaType", json_string(media));
    json_object_set_new(entry, "size", json_integer((json_int_t)size));
    if (name)
        name_entry(entry, name);
    json_array_append_new(manifests, entry);
    return true;
}

int store_set_name(struct store *store, const char *name, const struct digest *manifest, const char *media,
                   uint64_t size, struct err *err)
{
    cleanup_close int lock = -1;
    int here = store_has(store, manifest, NULL, err);
    if (here <= 0)
        return here < 0 ? -1
                        : err_say(err, ENOENT, "name `%s`: manifest `%s` is not in the image store `%s`",
                                  name ? name : "<none>", manifest->text, store->path);
    json_t *index = index_lock(store, &lock, err);
    if (!index)
        return -1;
    int result =
        set_name(json_object_get(index, "manifests"), name, manifest, media, size) ? index_save(store, index, err) : 0;
    json_decref(index);
    return result;
}

static int remove_name(struct store *store, json_t *index, const char *name, const struct digest *manifest, bool forget,
                       struct err *err)
{
    json_t *manifests = json_object_get(index, "manifests");
    ssize_t place = find_entry(manifests, name, manifest);
    if (place < 0) {
        json_t *below = store->below ? index_load(store->below, NULL) : NULL;
        bool there = find_entry(json_object_get(below, "manifests"), name, manifest) >= 0;
        const char *what = name ? name : manifest->text;
        json_decref(below);
        return there ? err_say(err, EROFS, "`%s` belongs to the image store below, `%s`, which is only read here", what,
                               store->below->path)
                     : err_say(err, ENOENT, "the image store `%s` has no name `%s`", store->path, what);
    }
    if (forget)
        json_array_remove(manifests, (size_t)place);
    else
        unname_entry(manifests, (size_t)place);
    return index_save(store, index, err);
}

int store_remove_name(struct store *store, const char *name, const struct digest *manifest, bool forget,
                      struct err *err)
{
    cleanup_close int lock = -1;
    if (!name && !manifest)
        return err_say(err, EINVAL, "take a name away: neither a name nor a manifest was given");
    json_t *index = index_lock(store, &lock, err);
    if (!index)
        return -1;
    int result = remove_name(store, index, name, manifest, forget, err);
    json_decref(index);
    return result;
}

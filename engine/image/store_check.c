/* fsck: every blob is read and digested, packed and plain, in one pass; then all that names lead to is held against it. */
#include "engine/image/image_internal.h"
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST_DEPTH 16

struct checking {
    struct store *store;
    void (*found)(const char *what, void *data);
    void *data;
    int count;
    json_t *plain;   /* digits of a blob that is whole: digest of what it holds decompressed */
    json_t *checked; /* manifests, by their digits */
    json_t *names;   /* that were met */
};

__attribute__((format(printf, 2, 3))) static void report(struct checking *checking, const char *format, ...)
{
    char text[1400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    checking->count++;
    checking->found(text, checking->data);
}

/* The digest of what @fd holds and of what that holds decompressed. */
static int digest_both(int fd, struct digest *digest, struct digest *plain, struct err *err)
{
    struct source *from = source_beside(source_digest(source_fd(fd, err), digest, NULL, err), err);
    from = source_digest(source_decompress(from, NULL, err), plain, NULL, err);
    int result = from ? store_drain(from, err) : -1;
    source_close(from);
    return result;
}

static int digest_one(int fd, struct digest *digest, struct err *err)
{
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set(err, errno, "read it again");
    struct source *from = source_digest(source_fd(fd, err), digest, NULL, err);
    int result = from ? store_drain(from, err) : -1;
    source_close(from);
    return result;
}

static void check_blob(struct checking *checking, const char *name)
{
    struct err err = { 0 };
    struct digest digest = { "" }, plain = { "" };
    struct stat st;
    cleanup_close int fd = openat(checking->store->blobs, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        report(checking, "blob %s cannot be read: %s", name, fd < 0 ? strerror(errno) : "it is no regular file");
        return;
    }
    /* What only looks compressed may be something else, and whole. */
    if (digest_both(fd, &digest, &plain, &err) < 0 && digest_one(fd, &digest, &err) < 0) {
        report(checking, "blob %s cannot be read: %s", name, err.message);
        return;
    }
    if (strcmp(digest_hex(&digest), name) != 0)
        report(checking, "blob %s is damaged: its bytes have the digest %s", name, digest.text);
    else
        json_object_set_new(checking->plain, name, json_string(plain.text));
}

static int check_blobs(struct checking *checking, struct err *err)
{
    int again = openat(checking->store->blobs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    if (!dir)
        return err_set(err, errno, "read `%s/blobs/sha256`", checking->store->path);
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (strlen(entry->d_name) != 64 || strspn(entry->d_name, "0123456789abcdef") != 64)
            report(checking, "blobs/sha256/%.100s: not the name of a blob", entry->d_name);
        else
            check_blob(checking, entry->d_name);
    }
    return 0;
}

static void check_layer(struct checking *checking, const char *image, const struct image_layer *layer)
{
    uint64_t size;
    if (store_has(checking->store, &layer->digest, &size, NULL) != 1) {
        report(checking, "%s: layer %s is missing", image, layer->digest.text);
        return;
    }
    if (size != layer->size)
        report(checking, "%s: layer %s has %llu bytes, the manifest says %llu", image, layer->digest.text,
               (unsigned long long)size, (unsigned long long)layer->size);
    /* A layer of the store below was not read here. */
    const char *plain = json_string_value(json_object_get(checking->plain, digest_hex(&layer->digest)));
    if (plain && strcmp(plain, layer->diff_id.text) != 0)
        report(checking, "%s: layer %s unpacks to %s, the config says %s", image, layer->digest.text,
               *plain ? plain : "nothing that can be read", layer->diff_id.text);
}

static void check_image(struct checking *checking, const char *name, json_t *manifest)
{
    struct descriptor config;
    struct image image;
    struct err err = { 0 };
    uint64_t size;
    if (descriptor_parse(json_object_get(manifest, "config"), "the config", IMAGE_DOCUMENT, &config, &err) < 0) {
        report(checking, "%s: %s", name, err.message);
        return;
    }
    if (store_has(checking->store, &config.digest, &size, NULL) == 1 && size != config.size)
        report(checking, "%s: the config has %llu bytes, the manifest says %llu", name, (unsigned long long)size,
               (unsigned long long)config.size);
    json_t *json = store_read_json(checking->store, &config.digest, &err);
    if (!json || image_check(manifest, json, &image, &err) < 0) {
        json_decref(json);
        report(checking, "%s: %s", name, err.message);
        return;
    }
    json_decref(json);
    for (size_t i = 0; i < image.layer_count; i++)
        check_layer(checking, name, &image.layers[i]);
    image_close(&image);
}

static void check_manifest(struct checking *checking, const char *name, const struct digest *digest, uint64_t said,
                           unsigned depth);

/* Not all manifests of an index need be here: who pulls takes those of one platform. */
static void check_index(struct checking *checking, const char *name, const json_t *index, unsigned depth)
{
    size_t i, present = 0;
    json_t *entry;
    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        struct descriptor descriptor;
        struct err err = { 0 };
        if (descriptor_parse(entry, "a manifest of the index", IMAGE_DOCUMENT, &descriptor, &err) < 0) {
            report(checking, "%s: %s", name, err.message);
        } else if (store_has(checking->store, &descriptor.digest, NULL, NULL) == 1) {
            present++;
            check_manifest(checking, name, &descriptor.digest, descriptor.size, depth - 1);
        }
    }
    if (present == 0)
        report(checking, "%s: none of the manifests of its index is there", name);
}

static void check_manifest(struct checking *checking, const char *name, const struct digest *digest, uint64_t said,
                           unsigned depth)
{
    struct err err = { 0 };
    uint64_t size;
    if (store_has(checking->store, digest, &size, NULL) != 1) {
        report(checking, "%s: manifest %s is missing", name, digest->text);
        return;
    }
    if (size != said)
        report(checking, "%s: manifest %s has %llu bytes, what leads to it says %llu", name, digest->text,
               (unsigned long long)size, (unsigned long long)said);
    if (json_object_get(checking->checked, digest_hex(digest)))
        return;
    json_object_set_new(checking->checked, digest_hex(digest), json_true());
    json_t *json = store_read_json(checking->store, digest, &err);
    int index = json ? image_is_index(json, &err) : -1;
    if (index < 0)
        report(checking, "%s: %s", name, err.message);
    else if (index > 0 && depth == 0)
        report(checking, "%s: too many indexes in one another", name);
    else if (index > 0)
        check_index(checking, name, json, depth);
    else
        check_image(checking, name, json);
    json_decref(json);
}

static int check_name(const struct store_name *name, void *data)
{
    struct checking *checking = data;
    const char *shown = name->name ? name->name : name->manifest.text;
    if (name->below)
        return 0;
    if (name->name && json_object_get(checking->names, name->name))
        report(checking, "%s: the name stands twice in index.json", name->name);
    if (name->name)
        json_object_set_new(checking->names, name->name, json_true());
    check_manifest(checking, shown, &name->manifest, name->size, MANIFEST_DEPTH);
    return 0;
}

int store_check(struct store *store, void (*found)(const char *what, void *data), void *data, struct err *err)
{
    struct err why = { 0 };
    struct checking checking = { store, found, data, 0, json_object(), json_object(), json_object() };
    /* Nothing may be collected meanwhile: it would be missing. */
    int result = store_hold(store, err);
    if (result == 0) {
        result = check_blobs(&checking, err);
        if (result == 0 && store_names(store, check_name, &checking, &why) < 0)
            report(&checking, "%s", why.message);
        store_release(store);
    }
    json_decref(checking.plain);
    json_decref(checking.checked);
    json_decref(checking.names);
    return result < 0 ? -1 : checking.count;
}

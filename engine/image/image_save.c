/* `docker save`: an archive that is an OCI image layout, and beside it docker's own manifest.json, which leads to the same files. */
#include "engine/image/image_internal.h"
#include "engine/image/reference.h"
#include "engine/image/store_internal.h"
#include "engine/layers/tar_write.h"

#include "engine/base/cleanup.h"

#include <string.h>

struct saving {
    struct store *store;
    struct image *images;
    json_t **names; /* of each image: an array of whole references */
    size_t count;
    struct err *err;
};

static int add_image(struct saving *saving, struct image *image, const char *name)
{
    size_t at = 0;
    while (at < saving->count && !digest_equal(&saving->images[at].manifest, &image->manifest))
        at++;
    if (at == saving->count) {
        struct image *images = reallocarray(saving->images, at + 1, sizeof *images);
        saving->images = images ? images : saving->images;
        json_t **names = images ? reallocarray(saving->names, at + 1, sizeof *names) : NULL;
        if (!names) {
            image_close(image);
            return err_set(saving->err, ENOMEM, "save images");
        }
        saving->names = names;
        images[at] = *image;
        names[at] = json_array();
        saving->count++;
    } else {
        image_close(image);
    }
    size_t i;
    json_t *has;
    json_array_foreach(saving->names[at], i, has)
    {
        if (name && strcmp(json_string_value(has), name) == 0)
            return 0;
    }
    if (name)
        json_array_append_new(saving->names[at], json_string(name));
    return 0;
}

/* --- which images --- */

struct repository {
    struct saving *saving;
    struct reference wanted;
    bool any;
};

static int add_of_repository(const struct store_name *name, void *data)
{
    struct repository *repository = data;
    struct saving *saving = repository->saving;
    struct reference reference;
    struct image image;
    if (!name->name || reference_parse(name->name, &reference, NULL) < 0 ||
        strcmp(reference.registry, repository->wanted.registry) != 0 ||
        strcmp(reference.repository, repository->wanted.repository) != 0)
        return 0;
    repository->any = true;
    return image_open_digest(saving->store, &name->manifest, &image, saving->err) < 0
               ? -1
               : add_image(saving, &image, name->name);
}

static bool has_tag_or_digest(const char *text)
{
    const char *slash = strrchr(text, '/');
    return strchr(text, '@') || strchr(slash ? slash : text, ':');
}

/* A name without a tag means all tags there are, as docker has it. */
static int find_images(struct saving *saving, const char *text)
{
    struct repository repository = { .saving = saving };
    struct image image;
    char name[700];
    bool is_name = reference_parse(text, &repository.wanted, NULL) == 0;
    if (is_name && !has_tag_or_digest(text)) {
        int result = store_names(saving->store, add_of_repository, &repository, saving->err);
        if (result < 0 || repository.any)
            return result;
    }
    if (image_open(saving->store, text, &image, saving->err) < 0)
        return -1;
    reference_full(&repository.wanted, name, sizeof name);
    struct digest found;
    bool named = is_name && !*repository.wanted.digest.text && store_find(saving->store, name, &found, NULL) == 1;
    return add_image(saving, &image, named ? name : NULL);
}

/* --- what is in the archive --- */

static void add_blob(json_t *blobs, const struct digest *digest)
{
    json_object_set_new(blobs, digest->text, json_true());
}

static json_t *list_blobs(const struct saving *saving)
{
    json_t *blobs = json_object();
    for (size_t i = 0; i < saving->count; i++) {
        const struct image *image = &saving->images[i];
        add_blob(blobs, &image->manifest);
        add_blob(blobs, &image->config);
        for (size_t l = 0; l < image->layer_count; l++)
            add_blob(blobs, &image->layers[l].digest);
    }
    return blobs;
}

static json_t *make_entry(const struct image *image, const char *name)
{
    json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", image->media, "digest", image->manifest.text, "size",
                              (json_int_t)image->manifest_size);
    if (name)
        json_object_set_new(entry, "annotations", json_pack("{s:s, s:s}", NAME_CONTAINERD, name, NAME_OCI, name));
    return entry;
}

static json_t *make_index(const struct saving *saving)
{
    json_t *manifests = json_array(), *name;
    size_t n;
    for (size_t i = 0; i < saving->count; i++) {
        if (json_array_size(saving->names[i]) == 0)
            json_array_append_new(manifests, make_entry(&saving->images[i], NULL));
        json_array_foreach(saving->names[i], n, name)
        {
            json_array_append_new(manifests, make_entry(&saving->images[i], json_string_value(name)));
        }
    }
    return json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", MEDIA_INDEX, "manifests", manifests);
}

static json_t *blob_path(const struct digest *digest)
{
    return json_sprintf("blobs/sha256/%s", digest_hex(digest));
}

/* docker's own names are the familiar ones: "debian:12". */
static json_t *make_docker_manifest(const struct saving *saving)
{
    json_t *list = json_array(), *name;
    size_t n;
    for (size_t i = 0; i < saving->count; i++) {
        const struct image *image = &saving->images[i];
        json_t *tags = json_array(), *layers = json_array();
        json_array_foreach(saving->names[i], n, name)
        {
            struct reference reference;
            char familiar[700];
            if (reference_parse(json_string_value(name), &reference, NULL) < 0)
                continue;
            reference_familiar(&reference, familiar, sizeof familiar);
            json_array_append_new(tags, json_string(familiar));
        }
        for (size_t l = 0; l < image->layer_count; l++)
            json_array_append_new(layers, blob_path(&image->layers[l].digest));
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "Config", blob_path(&image->config), "RepoTags", tags,
                                              "Layers", layers));
    }
    return list;
}

/* --- writing --- */

/* All is root's and of the epoch, so that the same images give the same bytes. */
static int write_directory(struct tar_writer *writing, const char *name, struct err *err)
{
    const struct tar_entry entry = { .type = TAR_DIRECTORY, .name = name, .link = "", .mode = 0755 };
    return tar_writer_entry(writing, &entry, err);
}

static int write_file(struct tar_writer *writing, const char *name, uint64_t size, struct source *data, struct err *err)
{
    const struct tar_entry entry = { .type = TAR_FILE, .name = name, .link = "", .mode = 0644, .size = size };
    if (tar_writer_entry(writing, &entry, err) < 0)
        return -1;
    for (uint64_t left = size;;) {
        void *room;
        char one_more;
        size_t n = left ? tar_writer_room(writing, &room, err) : 1;
        if (n == 0)
            return -1;
        ssize_t got = data->read(data, left ? room : &one_more, left && n > left ? (size_t)left : n, err);
        if (got < 0)
            return -1;
        if (got == 0 || left == 0)
            return got == 0 && left == 0
                       ? tar_writer_pad(writing, err)
                       : err_say(err, EIO, "write `%s` to the archive: it is not as long as it was", name);
        tar_writer_used(writing, (size_t)got);
        left -= (uint64_t)got;
    }
}

static int write_json(struct tar_writer *writing, const char *name, json_t *json, struct err *err)
{
    cleanup_free char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    struct source *from = text ? source_memory(text, strlen(text), err) : NULL;
    int result = from ? write_file(writing, name, strlen(text), from, err) : -1;
    source_close(from);
    return result;
}

/* What is damaged is not handed on. */
static int write_blob(const struct saving *saving, struct tar_writer *writing, const char *text)
{
    char name[128];
    struct digest digest, found = { "" };
    uint64_t size;
    struct err *err = saving->err;
    if (digest_parse(text, &digest, err) < 0)
        return -1;
    cleanup_close int fd = store_open_blob(saving->store, &digest, err);
    if (fd < 0 || store_has(saving->store, &digest, &size, err) < 0)
        return -1;
    snprintf(name, sizeof name, "blobs/sha256/%s", digest_hex(&digest));
    struct source *from = source_beside(source_digest(source_fd(fd, err), &found, NULL, err), err);
    int result = from ? write_file(writing, name, size, from, err) : -1;
    source_close(from);
    if (result == 0 && !digest_equal(&found, &digest))
        return err_say(err, EIO, "blob `%s` of the image store `%s` is damaged: its bytes have the digest %s", text,
                       saving->store->path, found.text);
    return result;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int write_blobs(const struct saving *saving, struct tar_writer *writing, json_t *blobs)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    cleanup_free const char **sorted = calloc(json_object_size(blobs) + 1, sizeof *sorted);
    if (!sorted)
        return err_set(saving->err, ENOMEM, "save images");
    json_object_foreach(blobs, key, value)
    {
        sorted[count++] = key;
    }
    qsort(sorted, count, sizeof *sorted, compare_texts);
    for (size_t i = 0; i < count; i++)
        if (write_blob(saving, writing, sorted[i]) < 0)
            return -1;
    return 0;
}

static int write_members(const struct saving *saving, struct tar_writer *writing)
{
    struct err *err = saving->err;
    if (write_directory(writing, "blobs/", err) < 0 || write_directory(writing, "blobs/sha256/", err) < 0)
        return -1;
    json_t *blobs = list_blobs(saving);
    int result = write_blobs(saving, writing, blobs);
    json_decref(blobs);
    return result < 0 || write_json(writing, "index.json", make_index(saving), err) < 0 ||
                   write_json(writing, "manifest.json", make_docker_manifest(saving), err) < 0 ||
                   write_json(writing, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"), err) < 0
               ? -1
               : tar_writer_end(writing, err);
}

static int write_archive(const struct saving *saving, struct sink *to)
{
    struct tar_writer *writing = tar_writer_new(to, saving->err);
    int result = writing ? write_members(saving, writing) : -1;
    tar_writer_free(writing);
    return result;
}

int image_save(struct store *store, const char *const *references, size_t count, struct sink *to, struct err *err)
{
    struct saving saving = { .store = store, .err = err };
    /* What is saved must not be collected meanwhile. */
    int result = store_hold(store, err);
    if (result < 0)
        return -1;
    for (size_t i = 0; i < count && result == 0; i++)
        result = find_images(&saving, references[i]);
    if (result == 0)
        result = write_archive(&saving, to);
    if (result == 0)
        result = to->finish(to, err);
    store_release(store);
    for (size_t i = 0; i < saving.count; i++) {
        image_close(&saving.images[i]);
        json_decref(saving.names[i]);
    }
    free(saving.images);
    free(saving.names);
    return result;
}

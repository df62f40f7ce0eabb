/* `docker load`: images out of an archive that docker, podman, skopeo or umoci wrote. First all of it is read and checked; then what belongs to images is kept, and last they get their names. */
#include "engine/image/image_internal.h"
#include "engine/image/members.h"
#include "engine/image/reference.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define INDEX_DEPTH 4
#define MOST_IMAGES 1024

/* An image that was found whole, and the names it is to have. */
struct found {
    struct digest manifest, config;
    uint64_t manifest_size;
    char media[96];
    json_t *made; /* a manifest that was not in the archive; else NULL */
    json_t *names;
};
struct loading {
    struct store *store;
    struct members members;
    struct found *images;
    size_t count;
    json_t *plain; /* digest of a layer that was checked: the digest of what it holds */
    struct err *err;
};

/* --- layers --- */

/* What the layer unpacks to, once it was found to be one. */
static int check_layer(struct loading *loading, const struct member *member, struct digest *plain)
{
    struct err *err = loading->err;
    const char *known = json_string_value(json_object_get(loading->plain, member->digest.text));
    if (known)
        return digest_parse(known, plain, err);
    cleanup_close int fd = member_open(&loading->members, member, err);
    if (fd < 0)
        return -1;
    struct source *from = source_decompress(source_beside(source_fd(fd, err), err), NULL, err);
    from = source_digest(from, plain, NULL, err);
    int result = from ? tar_check(from, NULL, err) : -1;
    source_close(from);
    if (result < 0)
        return err_prefix(err, "`%.200s` of the archive", member->name);
    json_object_set_new(loading->plain, member->digest.text, json_string(plain->text));
    return 0;
}

static int detect(struct loading *loading, const struct member *member, enum compression *compression)
{
    unsigned char start[6] = { 0 };
    cleanup_close int fd = member_open(&loading->members, member, loading->err);
    ssize_t n = fd < 0 ? -1 : pread(fd, start, sizeof start, 0);
    if (n < 0)
        return -1;
    *compression = compression_detect(start, (size_t)n);
    return 0;
}

static int check_diff_id(struct loading *loading, const struct member *member, const struct image_layer *layer,
                         size_t number)
{
    struct digest plain = { "" };
    if (check_layer(loading, member, &plain) < 0)
        return -1;
    return digest_equal(&plain, &layer->diff_id)
               ? 0
               : err_say(loading->err, EINVAL, "layer %zu is not the image's own: it unpacks to %s, its config says %s",
                         number, plain.text, layer->diff_id.text);
}

/* --- images that were found --- */

static struct found *find_image(struct loading *loading, const struct digest *config)
{
    for (size_t i = 0; i < loading->count; i++)
        if (digest_equal(&loading->images[i].config, config))
            return &loading->images[i];
    return NULL;
}

static struct found *add_image(struct loading *loading, const struct found *image)
{
    for (size_t i = 0; i < loading->count; i++)
        if (*image->manifest.text && digest_equal(&loading->images[i].manifest, &image->manifest))
            return &loading->images[i];
    struct found *images =
        loading->count < MOST_IMAGES ? reallocarray(loading->images, loading->count + 1, sizeof *images) : NULL;
    if (!images) {
        err_say(loading->err, EFBIG, "there are more images in the archive than may be: %d", MOST_IMAGES);
        return NULL;
    }
    loading->images = images;
    images[loading->count] = *image;
    images[loading->count].names = json_array();
    return &images[loading->count++];
}

/* @name as its writer had it; what is none names nothing. */
static void add_name(struct found *image, const char *name)
{
    struct reference reference;
    char whole[700];
    size_t i;
    json_t *has;
    if (!name || reference_parse(name, &reference, NULL) < 0 || !*reference.tag)
        return;
    *reference.digest.text = '\0';
    reference_full(&reference, whole, sizeof whole);
    json_array_foreach(image->names, i, has)
    {
        if (strcmp(json_string_value(has), whole) == 0)
            return;
    }
    json_array_append_new(image->names, json_string(whole));
}

/* --- an OCI layout --- */

static int keep_oci_layers(struct loading *loading, const struct image *image)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct image_layer *layer = &image->layers[i];
        struct err why = { 0 };
        uint64_t size;
        struct member *member = members_blob(&loading->members, &layer->digest, &why);
        if (!member && why.code == ENOENT && store_has(loading->store, &layer->digest, NULL, NULL) == 1)
            continue;
        if (!member)
            return err_say(loading->err, why.code, "layer %zu: %s", i + 1, why.message);
        size = member->size;
        if (size != layer->size)
            return err_say(loading->err, EINVAL, "layer %zu has %llu bytes, its manifest says %llu", i + 1,
                           (unsigned long long)size, (unsigned long long)layer->size);
        if (check_diff_id(loading, member, layer, i + 1) < 0)
            return -1;
        member->wanted = true;
    }
    return 0;
}

static int load_oci_image(struct loading *loading, struct member *manifest, const char *text, struct found **found)
{
    struct err *err = loading->err;
    struct image image;
    /* First without the config: the manifest says which that is. */
    if (image_parse(text, manifest->size, NULL, 0, &image, err) < 0)
        return -1;
    struct member *config = members_blob(&loading->members, &image.config, err);
    image_close(&image);
    cleanup_free char *config_text = config ? member_text(&loading->members, config, err) : NULL;
    if (!config_text || image_parse(text, manifest->size, config_text, config->size, &image, err) < 0)
        return -1;
    struct found new = { .manifest = image.manifest, .config = image.config, .manifest_size = image.manifest_size };
    snprintf(new.media, sizeof new.media, "%s", image.media);
    int result = keep_oci_layers(loading, &image);
    config->wanted = manifest->wanted = true;
    image_close(&image);
    *found = result == 0 ? add_image(loading, &new) : NULL;
    return *found ? 0 : -1;
}

/* A manifest, or an index that leads to this machine's. */
static int load_oci(struct loading *loading, const struct descriptor *descriptor, unsigned depth, struct found **found)
{
    struct err *err = loading->err;
    struct member *member = members_blob(&loading->members, &descriptor->digest, err);
    if (!member)
        return -1;
    if (member->size != descriptor->size)
        return err_say(err, EINVAL, "manifest `%s` has %llu bytes, the index says %llu", descriptor->digest.text,
                       (unsigned long long)member->size, (unsigned long long)descriptor->size);
    cleanup_free char *text = member_text(&loading->members, member, err);
    json_t *json = text ? store_parse_json(text, member->size, descriptor->digest.text, err) : NULL;
    int index = json ? image_is_index(json, err) : -1;
    int result = index < 0 ? -1 : 0;
    if (index == 0)
        result = load_oci_image(loading, member, text, found);
    else if (index > 0 && depth == 0)
        result = err_say(err, ELOOP, "the archive's indexes lead to indexes, more than %d deep", INDEX_DEPTH);
    else if (index > 0) {
        struct descriptor chosen = { .media = "" };
        result = image_select(json, NULL, &chosen.digest, &chosen.size, err);
        if (result == 0)
            result = load_oci(loading, &chosen, depth - 1, found);
    }
    json_decref(json);
    return result;
}

static json_t *read_document(struct loading *loading, const char *name, struct err *err)
{
    struct member *member = members_find(&loading->members, name, err);
    cleanup_free char *text = member ? member_text(&loading->members, member, err) : NULL;
    return text ? store_parse_json(text, member->size, name, err) : NULL;
}

static int load_layout(struct loading *loading, const json_t *index)
{
    size_t i;
    json_t *entry;
    const json_t *manifests = json_object_get(index, "manifests");
    if (!json_is_array(manifests))
        return err_say(loading->err, EINVAL, "the archive's index.json has no list of manifests");
    json_array_foreach(manifests, i, entry)
    {
        struct descriptor descriptor;
        struct found *found = NULL;
        if (descriptor_parse(entry, "an entry of the archive's index.json", IMAGE_DOCUMENT, &descriptor, loading->err) <
                0 ||
            load_oci(loading, &descriptor, INDEX_DEPTH, &found) < 0 || !found)
            return -1;
        add_name(found, index_entry_name(entry));
    }
    return 0;
}

/* --- docker's own form --- */

static void add_tags(struct found *image, const json_t *item)
{
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(item, "RepoTags"), i, tag)
    {
        add_name(image, json_string_value(tag));
    }
}

static int keep_docker_layers(struct loading *loading, const json_t *names, struct image_layer *layers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        struct member *member = name ? members_find(&loading->members, name, loading->err) : NULL;
        if (!name)
            return err_say(loading->err, EINVAL, "layer %zu of the archive's manifest.json has no name", i + 1);
        if (!member || check_diff_id(loading, member, &layers[i], i + 1) < 0 ||
            detect(loading, member, &layers[i].compression) < 0)
            return -1;
        /* In what docker writes a layer is plain or gzip; xz has no media type. */
        if (layers[i].compression == COMPRESSION_XZ)
            return err_say(loading->err, ENOTSUP,
                           "layer %zu of the archive is compressed with xz, which images have not", i + 1);
        layers[i].digest = member->digest;
        layers[i].size = member->size;
        member->wanted = true;
    }
    return 0;
}

static int load_docker_config(struct loading *loading, const json_t *item, struct member *config, json_t *json,
                              struct image_layer *layers, size_t count)
{
    struct err *err = loading->err;
    struct image image;
    struct found new = { .media = MEDIA_MANIFEST };
    if (image_diff_ids(json, layers, count, err) < 0 ||
        keep_docker_layers(loading, json_object_get(item, "Layers"), layers, count) < 0)
        return -1;
    new.made = image_make_manifest(layers, count, &config->digest, config->size);
    if (image_check(new.made, json, &image, err) < 0) {
        json_decref(new.made);
        return -1;
    }
    image_close(&image);
    config->wanted = true;
    new.config = config->digest;
    struct found *found = add_image(loading, &new);
    if (!found)
        json_decref(new.made);
    else
        add_tags(found, item);
    return found ? 0 : -1;
}

static int load_docker_image(struct loading *loading, const json_t *item)
{
    struct err *err = loading->err;
    const char *name = json_string_value(json_object_get(item, "Config"));
    const json_t *names = json_object_get(item, "Layers");
    if (!name || (names && !json_is_null(names) && !json_is_array(names)))
        return err_say(err, EINVAL, "the archive's manifest.json names no config, or no layers");
    if (json_array_size(names) > IMAGE_LAYERS)
        return err_say(err, EFBIG, "an image of the archive has %zu layers; the most is %d", json_array_size(names),
                       IMAGE_LAYERS);
    struct member *config = members_find(&loading->members, name, err);
    if (!config)
        return -1;
    struct found *same = find_image(loading, &config->digest);
    if (same) {
        add_tags(same, item);
        return 0;
    }
    cleanup_free char *text = member_text(&loading->members, config, err);
    json_t *json = text ? store_parse_json(text, config->size, name, err) : NULL;
    cleanup_free struct image_layer *layers = calloc(json_array_size(names) + 1, sizeof *layers);
    int result = json && layers ? load_docker_config(loading, item, config, json, layers, json_array_size(names)) : -1;
    json_decref(json);
    return result;
}

static int load_docker(struct loading *loading, const json_t *manifest)
{
    size_t i;
    json_t *item;
    if (!json_is_array(manifest))
        return err_say(loading->err, EINVAL, "the archive's manifest.json is no list of images");
    json_array_foreach(manifest, i, item)
    {
        if (load_docker_image(loading, item) < 0)
            return -1;
    }
    return 0;
}

/* --- either --- */

/* Of an archive that is neither docker's nor a whole OCI layout. */
static int holds_no_image(struct loading *loading)
{
    if (members_find(&loading->members, "index.json", NULL))
        return err_say(loading->err, EINVAL,
                       "it holds no image: an OCI layout's index.json is in it, but not the file oci-layout that makes "
                       "it one: {\"imageLayoutVersion\":\"1.0.0\"}");
    return err_say(
        loading->err, EINVAL,
        "it holds no image: neither docker's manifest.json nor an OCI layout's oci-layout and index.json are "
        "in it (a root filesystem is taken by `docker import`)");
}

static int load_members(struct loading *loading)
{
    struct err why = { 0 };
    bool layout = members_find(&loading->members, "oci-layout", NULL) != NULL;
    if (layout && !members_find(&loading->members, "index.json", NULL))
        return err_say(loading->err, EINVAL,
                       "it holds no image: an OCI layout's oci-layout is in it, but no index.json, which lists the "
                       "images");
    json_t *index = layout ? read_document(loading, "index.json", loading->err) : NULL;
    if (layout && !index)
        return -1;
    json_t *manifest = read_document(loading, "manifest.json", &why);
    int result = 0;
    if (!manifest && (why.code != ENOENT || !layout))
        result = why.code == ENOENT ? holds_no_image(loading) : err_say(loading->err, why.code, "%s", why.message);
    if (result == 0 && layout)
        result = load_layout(loading, index);
    if (result == 0 && manifest)
        result = load_docker(loading, manifest);
    if (result == 0 && loading->count == 0)
        result = err_say(loading->err, EINVAL, "the archive holds no image: its list of them is empty");
    json_decref(index);
    json_decref(manifest);
    return result;
}

/* All of it was found good: only now does anything come into the store. */
static int keep_images(struct loading *loading)
{
    if (members_keep(&loading->members, loading->err) < 0)
        return -1;
    for (size_t i = 0; i < loading->count; i++) {
        struct found *image = &loading->images[i];
        if (image->made &&
            store_add_json(loading->store, image->made, &image->manifest, &image->manifest_size, loading->err) < 0)
            return -1;
    }
    return 0;
}

static int name_images(struct loading *loading, void (*loaded)(const char *name, const struct digest *id, void *data),
                       void *data)
{
    for (size_t i = 0; i < loading->count; i++) {
        const struct found *image = &loading->images[i];
        size_t n, names = json_array_size(image->names);
        for (n = 0; n < names || n == 0; n++) {
            const char *name = json_string_value(json_array_get(image->names, n));
            if (store_set_name(loading->store, name, &image->manifest, image->media, image->manifest_size,
                               loading->err) < 0)
                return -1;
            if (loaded)
                loaded(name, &image->config, data);
        }
    }
    return 0;
}

int image_load(struct store *store, struct source *from,
               void (*loaded)(const char *name, const struct digest *id, void *data), void *data,
               stream_progress_fn *progress, struct err *err)
{
    struct loading loading = { .store = store, .err = err };
    if (store_need_write(store, "load images", err) < 0 || store_hold(store, err) < 0) {
        source_close(from);
        return -1;
    }
    from = progress ? source_watched(from, progress, data, err) : from;
    from = source_decompress(source_beside(from, err), NULL, err);
    int result = from ? members_read(&loading.members, store, from, err) : -1;
    source_close(from);
    if (result == 0) {
        loading.plain = json_object();
        result = load_members(&loading);
        if (result == 0)
            result = keep_images(&loading);
        if (result == 0)
            result = name_images(&loading, loaded, data);
        members_free(&loading.members);
    }
    json_decref(loading.plain);
    for (size_t i = 0; i < loading.count; i++) {
        json_decref(loading.images[i].made);
        json_decref(loading.images[i].names);
    }
    free(loading.images);
    store_release(store);
    return result;
}

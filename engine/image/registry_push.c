/* Pushing: layers and config first, then the manifest that names them. */
#include "engine/image/registry_push.h"

#include "engine/base/cleanup.h"
#include "engine/image/image_internal.h"
#include "engine/layers/stream_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct push {
    struct http *http;
    struct store *store;
    const struct reference *reference;
    const struct registry_watch *watch;
    struct image image;
    struct push_blob *blobs;
    size_t count;
    struct blob **
        packed; /* as many as layers: a plain one's compressed form, which no name has in the store; NULL: goes as it is */
    json_t *manifest; /* changed for these; NULL: as it is */
};

/* --- layers that are kept plain --- */

static bool stopped(const struct push *push)
{
    return push->watch && push->watch->stop && *push->watch->stop;
}

static int copy(const struct push *push, struct source *from, struct sink *to, struct err *err)
{
    cleanup_free char *block = malloc(STREAM_BLOCK);
    ssize_t n = block ? 1 : err_set(err, ENOMEM, "compress a layer");
    while (n > 0) {
        if (stopped(push))
            return err_say(err, EINTR, "interrupted");
        n = from->read(from, block, STREAM_BLOCK, err);
        if (n > 0 && to->write(to, block, (size_t)n, err) < 0)
            n = -1;
    }
    return n < 0 ? -1 : to->finish(to, err);
}

/* @blob gets what @fd holds, compressed: the same bytes each time, so that what was pushed once is found again. */
static int pack(const struct push *push, int fd, struct blob **packed, struct push_blob *blob, struct err *err)
{
    *packed = blob_begin(push->store, NULL, err);
    if (!*packed)
        return -1;
    struct source *from = source_fd(fd, err);
    struct sink *to = sink_digest(blob_sink(*packed, err), &blob->digest, &blob->size, err);
    to = sink_compress(to, COMPRESSION_GZIP, err);
    int rc = from && to ? copy(push, from, to, err) : -1;
    source_close(from);
    sink_close(to);
    if (rc < 0)
        return -1;
    close(blob->fd);
    blob->fd = dup(blob_fd(*packed));
    return blob->fd < 0 ? err_set(err, errno, "compress a layer") : 0;
}

/* The manifest says what is really sent. */
static int rewrite_layer(struct push *push, size_t layer, const struct push_blob *blob, struct err *err)
{
    bool docker = strcmp(push->image.media, MEDIA_DOCKER_MANIFEST) == 0;
    char oci[64];
    image_layer_media(COMPRESSION_GZIP, oci, sizeof oci);
    if (!push->manifest)
        push->manifest = json_deep_copy(push->image.manifest_json);
    json_t *entry = json_array_get(json_object_get(push->manifest, "layers"), layer);
    if (!entry || json_object_set_new(entry, "mediaType", json_string(docker ? MEDIA_DOCKER_LAYER : oci)) < 0 ||
        json_object_set_new(entry, "digest", json_string(blob->digest.text)) < 0 ||
        json_object_set_new(entry, "size", json_integer((json_int_t)blob->size)) < 0)
        return err_set(err, ENOMEM, "write a manifest");
    return 0;
}

/* --- what is to be sent --- */

static bool listed(const struct push *push, const struct digest *digest)
{
    for (size_t i = 0; i < push->count; i++)
        if (digest_equal(&push->blobs[i].digest, digest))
            return true;
    return false;
}

static int add_layer(struct push *push, size_t which, struct err *err)
{
    const struct image_layer *layer = &push->image.layers[which];
    struct push_blob blob = { .digest = layer->digest, .size = layer->size };
    bool plain = layer->compression == COMPRESSION_NONE;
    if (!plain && listed(push, &layer->digest))
        return 0;
    blob.fd = store_open_blob(push->store, &layer->digest, err);
    if (blob.fd < 0)
        return err_prefix(err, "layer %zu", which + 1);
    if (plain &&
        (pack(push, blob.fd, &push->packed[which], &blob, err) < 0 || rewrite_layer(push, which, &blob, err) < 0)) {
        if (blob.fd >= 0)
            close(blob.fd);
        return err_prefix(err, "layer %zu", which + 1);
    }
    if (listed(push, &blob.digest))
        close(blob.fd);
    else
        push->blobs[push->count++] = blob;
    return 0;
}

static int add_config(struct push *push, struct err *err)
{
    struct push_blob blob = { .digest = push->image.config, .quiet = true };
    if (store_has(push->store, &blob.digest, &blob.size, err) < 0)
        return -1;
    blob.fd = store_open_blob(push->store, &blob.digest, err);
    if (blob.fd < 0)
        return err_prefix(err, "config");
    push->blobs[push->count++] = blob;
    return 0;
}

/* Another image of the same registry may have come from, or gone to, another repository there, with layers of ours: these need not be sent. */
static int find_mounts(const struct store_name *name, void *data)
{
    struct push *push = data;
    struct reference other;
    struct image image;
    if (!name->name || reference_parse(name->name, &other, NULL) < 0 ||
        strcmp(other.registry, push->reference->registry) != 0 ||
        strcmp(other.repository, push->reference->repository) == 0 ||
        image_open_digest(push->store, &name->manifest, &image, NULL) < 0)
        return 0;
    for (size_t i = 0; i < push->count; i++)
        for (size_t layer = 0; layer < image.layer_count; layer++)
            if (!*push->blobs[i].from && digest_equal(&push->blobs[i].digest, &image.layers[layer].digest) &&
                http_also(push->http, other.repository))
                snprintf(push->blobs[i].from, sizeof push->blobs[i].from, "%s", other.repository);
    image_close(&image);
    return 0;
}

static int gather(struct push *push, struct err *err)
{
    size_t layers = push->image.layer_count;
    push->blobs = calloc(layers + 1, sizeof *push->blobs);
    push->packed = calloc(layers + 1, sizeof *push->packed);
    if (!push->blobs || !push->packed)
        return err_set(err, ENOMEM, "push an image");
    for (size_t i = 0; i < layers; i++)
        if (add_layer(push, i, err) < 0)
            return -1;
    if (add_config(push, err) < 0)
        return -1;
    return store_names(push->store, find_mounts, push, err) < 0 ? -1 : 0;
}

/* --- the manifest --- */

static char *manifest_text(const struct push *push, size_t *size, struct err *err)
{
    char *text = NULL;
    if (push->manifest) {
        text = json_dumps(push->manifest, JSON_COMPACT | JSON_SORT_KEYS);
        *size = text ? strlen(text) : 0;
    } else {
        cleanup_close int fd = store_open_blob(push->store, &push->image.manifest, err);
        if (fd < 0)
            return NULL;
        *size = push->image.manifest_size;
        text = malloc(*size + 1);
        if (text && pread(fd, text, *size, 0) != (ssize_t)*size) {
            free(text);
            err_set(err, EIO, "read a manifest");
            return NULL;
        }
    }
    if (!text)
        err_set(err, ENOMEM, "send a manifest");
    return text;
}

static int send_manifest(struct push *push, struct digest *manifest, struct err *err)
{
    size_t size;
    struct digest said;
    cleanup_free char *text = manifest_text(push, &size, err);
    if (!text || digest_of(text, size, manifest, err) < 0)
        return -1;
    struct request request = { .method = "PUT",
                               .url = http_url(push->http, "manifests/%s", push->reference->tag),
                               .type = push->image.media,
                               .send = text,
                               .send_size = size,
                               .limit = 65536 };
    int rc = http_ask(push->http, &request, err);
    if (rc == 0 && request.status != 201 && request.status != 200)
        rc = request_refused(&request, err, "send the manifest");
    if (rc == 0 && request.content_digest && digest_parse(request.content_digest, &said, NULL) == 0 &&
        !digest_equal(&said, manifest))
        rc = err_say(err, EPROTO, "`%s` has made %s of the manifest %s", http_name(push->http), said.text,
                     manifest->text);
    request_clear(&request);
    return rc;
}

static int push_image(struct push *push, const struct registry_config *config, struct digest *manifest, struct err *err)
{
    char full[700];
    struct digest found;
    reference_full(push->reference, full, sizeof full);
    int rc = store_find(push->store, full, &found, err);
    if (rc == 0)
        rc = err_say(err, ENOENT, "no such image: the store has nothing under that name");
    if (rc < 0 || image_open_digest(push->store, &found, &push->image, err) < 0)
        return -1;
    push->http = http_open(config, push->reference, NULL, true, push->watch, err);
    if (!push->http || gather(push, err) < 0 || blobs_push(push->http, push->blobs, push->count, push->watch, err) < 0)
        return -1;
    return send_manifest(push, manifest, err);
}

int registry_push(struct store *store, const struct reference *reference, const struct registry_watch *watch,
                  struct digest *manifest, struct err *err)
{
    struct registry_config config;
    struct push push = { .store = store, .reference = reference, .watch = watch };
    char text[700];
    reference_familiar(reference, text, sizeof text);
    if (*reference->digest.text)
        return err_say(err, EINVAL, "`%s`: a name with a digest cannot be pushed to: give a tag", text);
    if (registry_config_read(&config, err) < 0)
        return -1;
    int rc = store_hold(store, err);
    if (rc == 0) {
        rc = push_image(&push, &config, manifest, err);
        for (size_t i = 0; i < push.count; i++)
            close(push.blobs[i].fd);
        for (size_t i = 0; push.packed && i < push.image.layer_count; i++)
            blob_abandon(push.packed[i], false);
        store_release(store);
    }
    http_close(push.http);
    free(push.blobs);
    free(push.packed);
    json_decref(push.manifest);
    image_close(&push.image);
    registry_config_free(&config);
    return rc < 0 ? err_prefix(err, "`%s`", text) : 0;
}

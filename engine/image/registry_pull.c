/* Pulling: name to manifest, index to manifest, manifest to config and layers, and all of it to a name in the store. */
#include "engine/image/registry_pull.h"

#include "engine/base/cleanup.h"
#include "engine/image/image_internal.h"
#include "engine/image/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCEPT MEDIA_INDEX ", " MEDIA_DOCKER_LIST ", " MEDIA_MANIFEST ", " MEDIA_DOCKER_MANIFEST

/* A manifest, index or config, as it came. */
struct document {
    char *text;
    size_t size;
    struct digest digest;
};

struct pull {
    struct http *http;
    struct store *store;
    const struct reference *reference;
    const struct registry_options *options;
    const struct registry_watch *watch;
    struct document manifest, config;
    struct registry_pulled pulled;
};

static void free_document(struct document *document)
{
    free(document->text);
    *document = (struct document){ 0 };
}

/* 1: the store has it, 0: not, or damaged, -1. */
static int from_store(struct store *store, const struct digest *digest, struct document *document, struct err *err)
{
    uint64_t size;
    int has = store_has(store, digest, &size, err);
    if (has <= 0 || size > IMAGE_DOCUMENT)
        return has < 0 ? -1 : 0;
    cleanup_close int fd = store_open_blob(store, digest, err);
    document->text = fd < 0 ? NULL : malloc(size + 1);
    if (!document->text)
        return fd < 0 ? -1 : err_set(err, ENOMEM, "read a manifest");
    if (pread(fd, document->text, size, 0) == (ssize_t)size &&
        digest_of(document->text, size, &document->digest, err) == 0 && digest_equal(digest, &document->digest)) {
        document->size = size;
        return 1;
    }
    free_document(document);
    return 0;
}

/* Is what came what it says it is, and what was asked for? */
static int check_digest(const struct request *request, const struct digest *wanted, const struct document *document,
                        struct err *err)
{
    struct digest said;
    const char *encoded = request->encoded ? " (sent with a Content-Encoding nobody asked for)" : "";
    if (wanted && !digest_equal(wanted, &document->digest))
        return err_say(err, EPROTO, "`%s` sends something else than `%s`: its digest is %s%s", http_name(request->http),
                       wanted->text, document->digest.text, encoded);
    if (request->content_digest && digest_parse(request->content_digest, &said, NULL) == 0 &&
        !digest_equal(&said, &document->digest))
        return err_say(err, EPROTO, "`%s` says that its digest is %s, and sends %s%s", http_name(request->http),
                       said.text, document->digest.text, encoded);
    return 0;
}

/* GET @what ("manifests/latest"), which is to have the digest @wanted (NULL: any) and @size bytes (0: any). */
static int get(struct pull *pull, const char *kind, const char *what, const struct digest *wanted, uint64_t size,
               struct document *document, struct err *err)
{
    struct request request = { .method = "GET",
                               .url = http_url(pull->http, "%s/%s", kind, what),
                               .accept = strcmp(kind, "manifests") == 0 ? ACCEPT : NULL,
                               .limit = size ? size : IMAGE_DOCUMENT };
    int rc = http_ask(pull->http, &request, err);
    if (rc == 0 && request.status != 200)
        rc = request_refused(&request, err, strcmp(kind, "manifests") == 0 ? "get the manifest" : "get the config");
    if (rc < 0 && request.status == 404 && strcmp(kind, "manifests") == 0)
        err_prefix(err, "there is no such image");
    if (rc == 0) {
        document->text = take_ptr(&request.text);
        document->size = request.text_size;
        rc = digest_of(document->text ? document->text : "", document->size, &document->digest, err);
    }
    if (rc == 0)
        rc = check_digest(&request, wanted, document, err);
    if (rc == 0 && size && document->size != size)
        rc = err_say(err, EPROTO, "`%s` sends %zu bytes of `%s`, %llu were promised", http_name(pull->http),
                     document->size, what, (unsigned long long)size);
    request_clear(&request);
    if (rc < 0)
        free_document(document);
    return rc;
}

/* The document with that digest: from the store, or the registry. */
static int get_by_digest(struct pull *pull, const char *kind, const struct digest *digest, uint64_t size,
                         struct document *document, struct err *err)
{
    int has = from_store(pull->store, digest, document, err);
    if (has != 0)
        return has < 0 ? -1 : 0;
    pull->pulled.fresh = true;
    return get(pull, kind, digest->text, digest, size, document, err);
}

/* What stands under the name; of an index, the manifest for the platform. */
static int get_manifest(struct pull *pull, struct err *err)
{
    const struct reference *reference = pull->reference;
    struct digest chosen;
    uint64_t size;
    int rc = *reference->digest.text ? get_by_digest(pull, "manifests", &reference->digest, 0, &pull->manifest, err)
                                     : get(pull, "manifests", reference->tag, NULL, 0, &pull->manifest, err);
    if (rc < 0)
        return -1;
    pull->pulled.digest = pull->manifest.digest;
    json_t *json =
        store_parse_json(pull->manifest.text ? pull->manifest.text : "", pull->manifest.size, "the manifest", err);
    rc = json ? image_is_index(json, err) : -1;
    if (rc > 0)
        rc = image_select(json, pull->options->platform, &chosen, &size, err) < 0 ? -1 : 1;
    json_decref(json);
    if (rc <= 0)
        return rc;
    free_document(&pull->manifest);
    return get_by_digest(pull, "manifests", &chosen, size, &pull->manifest, err);
}

static int get_config(struct pull *pull, struct image *image, struct err *err)
{
    struct image bare;
    struct descriptor config;
    if (image_parse(pull->manifest.text, pull->manifest.size, NULL, 0, &bare, err) < 0)
        return -1;
    int rc =
        descriptor_parse(json_object_get(bare.manifest_json, "config"), "the config", IMAGE_DOCUMENT, &config, err);
    if (rc == 0 && config.size == 0)
        rc = err_say(err, EINVAL, "its config is empty");
    if (rc == 0)
        rc = get_by_digest(pull, "blobs", &config.digest, config.size, &pull->config, err);
    image_close(&bare);
    return rc < 0 ? -1
                  : image_parse(pull->manifest.text, pull->manifest.size, pull->config.text, pull->config.size, image,
                                err);
}

/* All is there: let it have its name. */
static int name(struct pull *pull, const struct image *image, struct err *err)
{
    char full[700];
    struct digest before, digest;
    reference_full(pull->reference, full, sizeof full);
    int found = store_find(pull->store, full, &before, err);
    if (found < 0 || store_add(pull->store, pull->config.text, pull->config.size, &digest, err) < 0 ||
        store_add(pull->store, pull->manifest.text, pull->manifest.size, &digest, err) < 0)
        return -1;
    if (found && digest_equal(&before, &image->manifest))
        return 0;
    pull->pulled.fresh = true;
    return store_set_name(pull->store, full, &image->manifest, image->media, pull->manifest.size, err);
}

static int pull_image(struct pull *pull, struct err *err)
{
    struct image image = { 0 };
    bool fetched = false;
    int rc = get_manifest(pull, err) < 0 || get_config(pull, &image, err) < 0 ? -1 : 0;
    if (rc == 0)
        rc = layers_pull(pull->http, pull->store, &image, pull->options->unpack, pull->watch, &fetched, err);
    pull->pulled.fresh |= fetched;
    if (rc == 0)
        rc = name(pull, &image, err);
    image_close(&image);
    return rc;
}

/* From one place: a mirror, or the registry itself (NULL). */
static int pull_from(struct pull *pull, const struct registry_config *config, const char *mirror, struct err *err)
{
    pull->http = http_open(config, pull->reference, mirror, false, pull->watch, err);
    int rc = pull->http ? pull_image(pull, err) : -1;
    http_close(pull->http);
    pull->http = NULL;
    return rc;
}

static int pull_from_any(struct pull *pull, const struct registry_config *config, struct err *err)
{
    const char *mirror;
    for (size_t i = 0; (mirror = registry_mirror(config, pull->reference->registry, i)); i++) {
        struct err why = { 0 };
        if (pull_from(pull, config, mirror, &why) == 0)
            return 0;
        if (why.code == EINTR) {
            if (err)
                *err = why;
            return -1;
        }
        if (pull->watch && pull->watch->say) {
            char text[1200];
            snprintf(text, sizeof text, "mirror %s: %s", mirror, why.message);
            pull->watch->say(text, pull->watch->data);
        }
        free_document(&pull->manifest);
        free_document(&pull->config);
    }
    return pull_from(pull, config, NULL, err);
}

int registry_pull(struct store *store, const struct reference *reference, const struct registry_options *options,
                  const struct registry_watch *watch, struct image *image, struct registry_pulled *pulled,
                  struct err *err)
{
    struct registry_config config;
    struct pull pull = { .store = store, .reference = reference, .options = options, .watch = watch };
    char text[700];
    struct digest manifest;
    if (registry_config_read(&config, err) < 0)
        return -1;
    int rc = store_hold(store, err);
    if (rc == 0) {
        rc = pull_from_any(&pull, &config, err);
        if (rc == 0 && image) {
            reference_full(reference, text, sizeof text);
            rc = store_find(store, text, &manifest, err) == 1 ? image_open_digest(store, &manifest, image, err) : -1;
        }
        store_release(store);
    }
    free_document(&pull.manifest);
    free_document(&pull.config);
    registry_config_free(&config);
    if (pulled)
        *pulled = pull.pulled;
    reference_familiar(reference, text, sizeof text);
    return rc < 0 ? err_prefix(err, "`%s`", text) : 0;
}

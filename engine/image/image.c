/* Images of a store: found by name, by digest, by the first digits of an id. */
#include "engine/image/image_internal.h"

#include "engine/base/cleanup.h"
#include "engine/image/reference.h"

#include <string.h>
#include <strings.h>

/* An index may lead to an index; digests make a loop impossible, but not a long way. */
#define INDEX_DEPTH 4

static int check_present_layers(struct store *store, const struct image *image, struct err *err)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        uint64_t size;
        int has = store_has(store, &image->layers[i].digest, &size, err);
        if (has < 0)
            return -1;
        if (has && size != image->layers[i].size)
            return err_say(err, EINVAL, "layer %zu has %llu bytes, its manifest says %llu", i + 1,
                           (unsigned long long)size, (unsigned long long)image->layers[i].size);
    }
    return 0;
}

static int open_manifest(struct store *store, json_t *manifest, struct image *image, struct err *err)
{
    struct descriptor config;
    uint64_t size;
    if (descriptor_parse(json_object_get(manifest, "config"), "the config", IMAGE_DOCUMENT, &config, err) < 0)
        return -1;
    int has = store_has(store, &config.digest, &size, err);
    if (has <= 0)
        return has < 0 ? -1 : err_say(err, ENOENT, "its config `%s` is missing", config.digest.text);
    if (size != config.size)
        return err_say(err, EINVAL, "the config has %llu bytes, its manifest says %llu", (unsigned long long)size,
                       (unsigned long long)config.size);
    json_t *json = store_read_json(store, &config.digest, err);
    if (!json)
        return -1;
    int result = image_check(manifest, json, image, err);
    json_decref(json);
    if (result == 0 && check_present_layers(store, image, err) < 0) {
        image_close(image);
        return -1;
    }
    return result;
}

static int open_at(struct store *store, const struct digest *digest, unsigned depth, struct image *image,
                   struct err *err)
{
    uint64_t size, said;
    struct digest chosen;
    int has = store_has(store, digest, &size, err);
    if (has <= 0)
        return has < 0 ? -1 : err_say(err, ENOENT, "its manifest `%s` is missing", digest->text);
    json_t *json = store_read_json(store, digest, err);
    if (!json)
        return -1;
    int result = image_is_index(json, err);
    if (result == 0) {
        result = open_manifest(store, json, image, err);
        image->manifest = *digest;
        image->manifest_size = size;
    } else if (result > 0 && depth == 0) {
        result = err_say(err, ELOOP, "an index leads to an index, more than %d deep", INDEX_DEPTH);
    } else if (result > 0) {
        result = image_select(json, NULL, &chosen, &said, err);
        if (result == 0 && store_has(store, &chosen, &size, NULL) == 1 && size != said)
            result = err_say(err, EINVAL, "manifest `%s` has %llu bytes, its index says %llu", chosen.text,
                             (unsigned long long)size, (unsigned long long)said);
        if (result == 0)
            result = open_at(store, &chosen, depth - 1, image, err);
    }
    json_decref(json);
    return result;
}

int image_open_digest(struct store *store, const struct digest *manifest, struct image *image, struct err *err)
{
    *image = (struct image){ 0 };
    if (open_at(store, manifest, INDEX_DEPTH, image, err) == 0)
        return 0;
    image_close(image);
    return err_prefix(err, "image `%s`", manifest->text);
}

/* --- by what the user calls it --- */

struct search {
    struct store *store;
    const char *digits;
    size_t length;
    struct digest manifest, id; /* "": none yet */
    bool several;
};

static bool begins(const struct digest *digest, const struct search *search)
{
    return strncmp(digest_hex(digest), search->digits, search->length) == 0;
}

static int search_name(const struct store_name *name, void *data)
{
    struct search *search = data;
    struct image image;
    /* One that is damaged has no id to be found by. */
    if (image_open_digest(search->store, &name->manifest, &image, NULL) < 0)
        return 0;
    if (begins(&image.config, search) || begins(&image.manifest, search) || begins(&name->manifest, search)) {
        search->several |= *search->id.text && !digest_equal(&search->id, &image.config);
        search->id = image.config;
        search->manifest = name->manifest;
    }
    image_close(&image);
    return 0;
}

/* 1: found, 0: no image's id begins so, -1. */
static int find_by_id(struct store *store, const char *what, struct digest *manifest, struct err *err)
{
    const char *digits = strncmp(what, "sha256:", 7) == 0 ? what + 7 : what;
    struct search search = { .store = store, .digits = digits, .length = strlen(digits) };
    if (search.length == 0 || search.length > 64 || strspn(digits, "0123456789abcdef") != search.length)
        return 0;
    if (store_names(store, search_name, &search, err) < 0)
        return -1;
    if (search.several)
        return err_say(err, EINVAL, "several images' ids begin with `%s`: give more digits", digits);
    *manifest = search.manifest;
    return *search.id.text != '\0';
}

static int find_by_name(struct store *store, const struct reference *reference, struct digest *manifest,
                        struct err *err)
{
    char name[700];
    reference_full(reference, name, sizeof name);
    /* Also a name with a digest: it may be that of an index, of which only the image for a platform was pulled. */
    int found = store_find(store, name, manifest, err);
    if (found != 0 || !*reference->digest.text)
        return found;
    *manifest = reference->digest;
    return store_has(store, manifest, NULL, err);
}

int image_open(struct store *store, const char *what, struct image *image, struct err *err)
{
    struct reference reference;
    struct err wrong = { 0 };
    struct digest manifest;
    char name[700];
    *image = (struct image){ 0 };
    bool is_name = strncmp(what, "sha256:", 7) != 0 && reference_parse(what, &reference, &wrong) == 0;
    int found = is_name ? find_by_name(store, &reference, &manifest, err) : 0;
    if (found == 0)
        found = find_by_id(store, what, &manifest, err);
    if (found < 0)
        return -1;
    if (found) {
        if (image_open_digest(store, &manifest, image, err) == 0)
            return 0;
        return err_prefix(err, "`%s`", what);
    }
    if (!is_name && wrong.code)
        return err_say(err, wrong.code, "%s", wrong.message);
    if (is_name)
        reference_familiar(&reference, name, sizeof name);
    return err_say(err, ENOENT, "No such image: %s", is_name ? name : what);
}

/* New images: a manifest and a config written from what they are to have. */
#include "engine/image/image_internal.h"

#include "engine/base/cleanup.h"

#include <string.h>
#include <time.h>

static json_t *time_text(int64_t seconds)
{
    char text[64];
    struct tm tm;
    time_t when = seconds < 0 ? time(NULL) : (time_t)seconds;
    if (!gmtime_r(&when, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return json_string("1970-01-01T00:00:00Z");
    return json_string(text);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

/* A step for each layer; of an image without any, one that made none. */
static json_t *make_history(const struct image_spec *spec, const json_t *created)
{
    json_t *history = json_array();
    for (size_t i = 0; i < spec->layer_count || i == 0; i++) {
        json_t *step = json_object();
        json_object_set(step, "created", (json_t *)(uintptr_t)created);
        set_text(step, "created_by", spec->created_by);
        set_text(step, "author", spec->author);
        set_text(step, "comment", spec->comment);
        if (spec->layer_count == 0)
            json_object_set_new(step, "empty_layer", json_true());
        json_array_append_new(history, step);
    }
    return history;
}

static json_t *make_config(const struct image_spec *spec, const struct image_platform *platform)
{
    json_t *config = json_object(), *created = time_text(spec->created), *ids = json_array();
    for (size_t i = 0; i < spec->layer_count; i++)
        json_array_append_new(ids, json_string(spec->layers[i].diff_id.text));
    set_text(config, "architecture", platform->architecture);
    set_text(config, "os", platform->os);
    set_text(config, "variant", platform->variant);
    set_text(config, "author", spec->author);
    json_object_set_new(config, "config", spec->config ? json_deep_copy(spec->config) : json_object());
    json_object_set_new(config, "history", spec->history ? json_deep_copy(spec->history) : make_history(spec, created));
    json_object_set_new(config, "rootfs", json_pack("{s:s, s:o}", "type", "layers", "diff_ids", ids));
    json_object_set_new(config, "created", created);
    return config;
}

static json_t *make_descriptor(const char *media, const struct digest *digest, uint64_t size)
{
    return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest", digest->text, "size", (json_int_t)size);
}

json_t *image_make_manifest(const struct image_layer *layers, size_t count, const struct digest *config,
                            uint64_t config_size)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char media[sizeof layers->media];
        image_layer_media(layers[i].compression, media, sizeof media);
        json_array_append_new(list, make_descriptor(media, &layers[i].digest, layers[i].size));
    }
    return json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST, "config",
                     make_descriptor(MEDIA_CONFIG, config, config_size), "layers", list);
}

int image_create(struct store *store, const struct image_spec *spec, struct image *image, struct err *err)
{
    struct image_platform platform;
    struct digest config_digest, manifest_digest;
    uint64_t size;
    *image = (struct image){ 0 };
    if (spec->layer_count > IMAGE_LAYERS)
        return err_say(err, EFBIG, "an image of %zu layers; the most is %d", spec->layer_count, IMAGE_LAYERS);
    if (image_platform_parse(spec->platform, &platform, err) < 0)
        return -1;
    json_t *config = make_config(spec, &platform), *manifest = NULL;
    int result = store_add_json(store, config, &config_digest, &size, err);
    if (result == 0) {
        manifest = image_make_manifest(spec->layers, spec->layer_count, &config_digest, size);
        result = store_add_json(store, manifest, &manifest_digest, NULL, err);
    }
    json_decref(config);
    json_decref(manifest);
    /* Read as any other image: what is made here is held to the same rules. */
    return result < 0 ? -1 : image_open_digest(store, &manifest_digest, image, err);
}

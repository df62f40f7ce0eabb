/* An image in the shape that docker inspect gives it. */
#include "engine/docker/verbs.h"

#include "engine/image/reference.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static json_t *copy_of(const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    return value ? json_incref(value) : json_string("");
}

struct naming {
    struct store *store;
    const struct image *image;
    json_t *tags, *digests;
};

static int add_name(const struct store_name *name, void *data)
{
    const struct naming *naming = data;
    struct reference reference;
    struct image image;
    char text[900], repository[600];
    if (!name->name || reference_parse(name->name, &reference, NULL) < 0 ||
        image_open_digest(naming->store, &name->manifest, &image, NULL) < 0)
        return 0;
    if (digest_equal(&image.config, &naming->image->config)) {
        if (*reference.tag) {
            reference_familiar(&reference, text, sizeof text);
            json_array_append_new(naming->tags, json_string(text));
        }
        reference_familiar_repository(&reference, repository, sizeof repository);
        snprintf(text, sizeof text, "%s@%s", repository, name->manifest.text);
        json_array_append_new(naming->digests, json_string(text));
    }
    image_close(&image);
    return 0;
}

/* Where the layers lie, as an overlay would take them; those that are not unpacked yet are left out. */
static json_t *graph_driver(struct store *store, const struct image *image)
{
    json_t *data = json_object();
    char *lower = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&lower, &size);
    bool first = true;
    for (size_t i = image->layer_count; out && i-- > 0;) {
        char path[PATH_MAX];
        if (store_layer_path(store, &image->layers[i].diff_id, path, sizeof path, NULL) < 0 || !*path)
            continue;
        fprintf(out, "%s%s", first ? "" : ":", path);
        first = false;
    }
    if (out && fclose(out) == 0 && !first)
        json_object_set_new(data, "LowerDir", json_string(lower));
    free(lower);
    return json_pack("{s:o, s:s}", "Data", data, "Name", "overlay");
}

/* All that docker's has, also what the image does not say: a template asks for it by name. */
static json_t *whole_config(json_t *from)
{
    json_t *config = json_pack("{s:s, s:n, s:n, s:n, s:s, s:n, s:n, s:n}", "User", "", "Env", "Cmd", "Volumes",
                               "WorkingDir", "", "Entrypoint", "OnBuild", "Labels");
    if (json_is_object(from))
        json_object_update(config, from);
    return config;
}

json_t *docker_image_json(struct store *store, const struct image *image, struct err *err)
{
    struct naming naming = { store, image, json_array(), json_array() };
    const json_t *config = image->config_json;
    if (store_names(store, add_name, &naming, err) < 0) {
        json_decref(naming.tags);
        json_decref(naming.digests);
        return NULL;
    }
    json_t *layers = json_array();
    for (size_t i = 0; i < image->layer_count; i++)
        json_array_append_new(layers, json_string(image->layers[i].diff_id.text));
    const json_t *last = json_object_get(config, "history");
    last = json_array_get(last, json_array_size(last) - 1);
    json_t *comment = json_object_get(config, "comment");
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:{s:s, s:o}, s:{s:s, s:s, s:I}}",
                  "Id", image->config.text, "RepoTags", naming.tags, "RepoDigests", naming.digests, "Parent", "",
                  "Comment", comment ? json_incref(comment) : copy_of(last, "comment"), "Created",
                  copy_of(config, "created"), "Author", copy_of(config, "author"), "Config",
                  whole_config(json_object_get(config, "config")), "Architecture", copy_of(config, "architecture"),
                  "Variant", copy_of(config, "variant"), "Os", copy_of(config, "os"), "Size", (json_int_t)image->size,
                  "GraphDriver", graph_driver(store, image), "RootFS", "Type", "layers", "Layers", layers, "Descriptor",
                  "mediaType", image->media, "digest", image->manifest.text, "size", (json_int_t)image->manifest_size);
    if (!json)
        err_say(err, EINVAL, "the image's settings cannot be shown");
    return json;
}

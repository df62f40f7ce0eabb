/* Manifests, indexes and configs: what they must be like before anything is done by what they say. */
#include "engine/image/image_internal.h"

#include "engine/base/cleanup.h"
#include "engine/image/store_internal.h"

#include <string.h>
#include <sys/utsname.h>

/* OCI and docker's schema 2 in one table; `foreign` ones are layers that may not be handed on, here like any other. */
static const struct layer_media {
    const char *media;
    enum compression compression;
} layer_medias[] = {
    { "application/vnd.oci.image.layer.v1.tar", COMPRESSION_NONE },
    { "application/vnd.oci.image.layer.v1.tar+gzip", COMPRESSION_GZIP },
    { "application/vnd.oci.image.layer.v1.tar+zstd", COMPRESSION_ZSTD },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar", COMPRESSION_NONE },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", COMPRESSION_GZIP },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", COMPRESSION_ZSTD },
    { "application/vnd.docker.image.rootfs.diff.tar", COMPRESSION_NONE },
    { "application/vnd.docker.image.rootfs.diff.tar.gzip", COMPRESSION_GZIP },
    { "application/vnd.docker.image.rootfs.diff.tar.zstd", COMPRESSION_ZSTD },
    { "application/vnd.docker.image.rootfs.foreign.diff.tar", COMPRESSION_NONE },
    { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", COMPRESSION_GZIP },
};

void image_layer_media(enum compression compression, char *media, size_t size)
{
    for (size_t i = 0; i < sizeof layer_medias / sizeof *layer_medias; i++)
        if (layer_medias[i].compression == compression) {
            snprintf(media, size, "%s", layer_medias[i].media);
            return;
        }
    snprintf(media, size, "%s", MEDIA_LAYER);
}

int descriptor_parse(const json_t *json, const char *what, uint64_t most, struct descriptor *descriptor,
                     struct err *err)
{
    struct err why = { 0 };
    const char *digest = json_string_value(json_object_get(json, "digest"));
    const json_t *size = json_object_get(json, "size"), *media = json_object_get(json, "mediaType");
    if (!json_is_object(json) || !digest)
        return err_say(err, EINVAL, "%s: it has no digest", what);
    if (digest_parse(digest, &descriptor->digest, &why) < 0)
        return err_say(err, why.code, "%s: %s", what, why.message);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return err_say(err, EINVAL, "%s: its size is no number", what);
    if ((uint64_t)json_integer_value(size) > most)
        return err_say(err, EFBIG, "%s: its size is said to be %lld bytes; the most is %llu", what,
                       (long long)json_integer_value(size), (unsigned long long)most);
    if (media && (!json_is_string(media) || json_string_length(media) >= sizeof((struct image *)0)->media))
        return err_say(err, EINVAL, "%s: its media type is none", what);
    descriptor->size = (uint64_t)json_integer_value(size);
    descriptor->media = media ? json_string_value(media) : "";
    return 0;
}

static bool is_one_of(const char *media, const char *a, const char *b)
{
    return strcmp(media, a) == 0 || strcmp(media, b) == 0;
}

int image_is_index(const json_t *json, struct err *err)
{
    const json_t *schema = json_object_get(json, "schemaVersion"), *type = json_object_get(json, "mediaType");
    const char *media = json_string_value(type);
    bool manifests = json_object_get(json, "manifests") != NULL;
    bool layers = json_object_get(json, "layers") || json_object_get(json, "config");
    if (!json_is_object(json))
        return err_say(err, EINVAL, "it is no manifest: not a JSON object");
    if (json_integer_value(schema) == 1)
        return err_say(err, ENOTSUP,
                       "it is a manifest of schema 1, which docker gave up; push the image again with a "
                       "newer tool");
    if (!json_is_integer(schema) || json_integer_value(schema) != 2)
        return err_say(err, EINVAL, "it is no manifest: its schemaVersion is not 2");
    if (type && !media)
        return err_say(err, EINVAL, "its media type is none");
    if (manifests == layers)
        return err_say(err, EINVAL, "%s",
                       layers ? "it could be read as an index and as a manifest"
                              : "it is neither a manifest nor an index");
    if (media && !(manifests ? is_one_of(media, MEDIA_INDEX, MEDIA_DOCKER_LIST)
                             : is_one_of(media, MEDIA_MANIFEST, MEDIA_DOCKER_MANIFEST)))
        return err_say(err, EINVAL, "its media type is `%.80s`, which is not that of %s", media,
                       manifests ? "an index" : "a manifest");
    return manifests;
}

/* --- the config --- */

static bool is_strings(const json_t *json)
{
    size_t i;
    json_t *item;
    json_array_foreach(json, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(json);
}

static bool is_map_of_strings(const json_t *json)
{
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)json, key, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_object(json);
}

static bool is_string(const json_t *json)
{
    return json_is_string(json);
}

static bool is_map(const json_t *json)
{
    return json_is_object(json);
}

/* What is used of a config must be of its kind; null is as if it were not there. */
static const struct config_member {
    const char *name;
    bool (*is)(const json_t *json);
    const char *kind;
} config_members[] = {
    { "Cmd", is_strings, "an array of strings" },     { "Entrypoint", is_strings, "an array of strings" },
    { "Env", is_strings, "an array of strings" },     { "Labels", is_map_of_strings, "an object of strings" },
    { "ExposedPorts", is_map, "an object" },          { "Volumes", is_map, "an object" },
    { "User", is_string, "a string" },                { "WorkingDir", is_string, "a string" },
    { "StopSignal", is_string, "a string" },
}, top_members[] = {
    { "architecture", is_string, "a string" }, { "os", is_string, "a string" },
    { "variant", is_string, "a string" },      { "created", is_string, "a string" },
    { "author", is_string, "a string" },       { "config", is_map, "an object" },
};

static int check_members(const json_t *json, const struct config_member *members, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *member = json_object_get(json, members[i].name);
        if (member && !json_is_null(member) && !members[i].is(member))
            return err_say(err, EINVAL, "the config's %s is not %s", members[i].name, members[i].kind);
    }
    return 0;
}

static int check_history(const json_t *config, struct err *err)
{
    const json_t *history = json_object_get(config, "history");
    size_t i;
    json_t *step;
    if (history && !json_is_null(history) && !json_is_array(history))
        return err_say(err, EINVAL, "the config's history is not an array");
    json_array_foreach(history, i, step)
    {
        if (!json_is_object(step))
            return err_say(err, EINVAL, "step %zu of the config's history is not an object", i + 1);
    }
    return 0;
}

int image_diff_ids(const json_t *config, struct image_layer *layers, size_t count, struct err *err)
{
    const json_t *rootfs = json_object_get(config, "rootfs"), *ids = json_object_get(rootfs, "diff_ids");
    const char *type = json_string_value(json_object_get(rootfs, "type"));
    if (!json_is_object(config))
        return err_say(err, EINVAL, "the config is not a JSON object");
    if (!type || strcmp(type, "layers") != 0)
        return err_say(err, EINVAL, "the config's rootfs is not of type `layers`");
    /* Go programs write an empty list as null. */
    if (ids && !json_is_null(ids) && !json_is_array(ids))
        return err_say(err, EINVAL, "the config's rootfs has no list of diff_ids");
    if (json_array_size(ids) != count)
        return err_say(err, EINVAL, "the config has diff_ids of %zu layers, the manifest has %zu layers",
                       json_array_size(ids), count);
    for (size_t i = 0; i < count; i++) {
        struct err why = { 0 };
        const char *id = json_string_value(json_array_get(ids, i));
        if (digest_parse(id ? id : "", &layers[i].diff_id, &why) < 0)
            return err_say(err, why.code, "diff_id %zu of the config: %s", i + 1, why.message);
    }
    return 0;
}

static int check_config(const json_t *config, struct image *image, struct err *err)
{
    return image_diff_ids(config, image->layers, image->layer_count, err) < 0 ||
                   check_members(config, top_members, sizeof top_members / sizeof *top_members, err) < 0 ||
                   check_members(json_object_get(config, "config"), config_members,
                                 sizeof config_members / sizeof *config_members, err) < 0 ||
                   check_history(config, err) < 0
               ? -1
               : 0;
}

/* --- the manifest --- */

static int check_layer(const json_t *json, size_t number, struct image_layer *layer, struct err *err)
{
    char what[64];
    struct descriptor descriptor;
    snprintf(what, sizeof what, "layer %zu", number);
    if (descriptor_parse(json, what, IMAGE_LAYER_BYTES, &descriptor, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof layer_medias / sizeof *layer_medias; i++)
        if (strcmp(layer_medias[i].media, descriptor.media) == 0) {
            layer->digest = descriptor.digest;
            layer->size = descriptor.size;
            layer->compression = layer_medias[i].compression;
            snprintf(layer->media, sizeof layer->media, "%s", descriptor.media);
            return 0;
        }
    return err_say(err, ENOTSUP, "%s: its media type `%.80s` is not that of a layer known here", what,
                   descriptor.media);
}

static int check_manifest(json_t *manifest, struct image *image, struct err *err)
{
    struct descriptor config = { .media = "" };
    const json_t *layers = json_object_get(manifest, "layers");
    const char *media = json_string_value(json_object_get(manifest, "mediaType"));
    int index = image_is_index(manifest, err);
    if (index)
        return index < 0 ? -1 : err_say(err, EINVAL, "it is an index, not a manifest");
    if (!json_object_get(manifest, "config"))
        return err_say(err, EINVAL, "it names no config");
    if (descriptor_parse(json_object_get(manifest, "config"), "the config", IMAGE_DOCUMENT, &config, err) < 0)
        return -1;
    if (!is_one_of(config.media, MEDIA_CONFIG, MEDIA_DOCKER_CONFIG))
        return err_say(err, ENOTSUP, "it is no container image: its config is of type `%.80s`", config.media);
    if (!json_is_array(layers))
        return err_say(err, EINVAL, "its layers are not an array");
    if (json_array_size(layers) > IMAGE_LAYERS)
        return err_say(err, EFBIG, "it has %zu layers; the most is %d", json_array_size(layers), IMAGE_LAYERS);
    image->config = config.digest;
    image->layer_count = json_array_size(layers);
    image->layers = calloc(image->layer_count ? image->layer_count : 1, sizeof *image->layers);
    if (!image->layers)
        return err_set(err, ENOMEM, "read a manifest");
    snprintf(image->media, sizeof image->media, "%s",
             media                                     ? media
             : strcmp(config.media, MEDIA_CONFIG) == 0 ? MEDIA_MANIFEST
                                                       : MEDIA_DOCKER_MANIFEST);
    for (size_t i = 0; i < image->layer_count; i++) {
        if (check_layer(json_array_get(layers, i), i + 1, &image->layers[i], err) < 0)
            return -1;
        image->size += image->layers[i].size;
    }
    return 0;
}

int image_check(json_t *manifest, json_t *config, struct image *image, struct err *err)
{
    *image = (struct image){ 0 };
    if (check_manifest(manifest, image, err) < 0 || (config && check_config(config, image, err) < 0)) {
        image_close(image);
        return -1;
    }
    image->manifest_json = json_incref(manifest);
    image->config_json = json_incref(config);
    return 0;
}

static int parse(const char *manifest, size_t manifest_size, const char *config, size_t config_size,
                 struct image *image, json_t **documents, struct err *err)
{
    struct digest found;
    if (manifest_size > IMAGE_DOCUMENT || config_size > IMAGE_DOCUMENT)
        return err_say(err, EFBIG, "it is larger than such a document may be");
    documents[0] = store_parse_json(manifest, manifest_size, "the manifest", err);
    if (!documents[0] || (config && !(documents[1] = store_parse_json(config, config_size, "the config", err))) ||
        image_check(documents[0], documents[1], image, err) < 0)
        return -1;
    image->manifest_size = manifest_size;
    if (digest_of(manifest, manifest_size, &image->manifest, err) < 0 ||
        (config && digest_of(config, config_size, &found, err) < 0))
        return -1;
    return config && !digest_equal(&found, &image->config)
               ? err_say(err, EINVAL, "the config's digest is %s; the manifest says %s", found.text, image->config.text)
               : 0;
}

int image_parse(const char *manifest, size_t manifest_size, const char *config, size_t config_size, struct image *image,
                struct err *err)
{
    json_t *documents[2] = { NULL, NULL };
    *image = (struct image){ 0 };
    int result = parse(manifest, manifest_size, config, config_size, image, documents, err);
    json_decref(documents[0]);
    json_decref(documents[1]);
    if (result < 0)
        image_close(image);
    return result;
}

void image_close(struct image *image)
{
    json_decref(image->manifest_json);
    json_decref(image->config_json);
    free(image->layers);
    *image = (struct image){ 0 };
}

/* --- platforms --- */

/* The kernel's word for a machine, and the one images use. */
static const struct machine {
    const char *machine, *architecture, *variant;
} machines[] = {
    { "x86_64", "amd64", "" },    { "aarch64", "arm64", "" },   { "armv7l", "arm", "v7" },
    { "armv6l", "arm", "v6" },    { "armv8l", "arm", "v7" },    { "i386", "386", "" },
    { "i686", "386", "" },        { "ppc64le", "ppc64le", "" }, { "s390x", "s390x", "" },
    { "riscv64", "riscv64", "" }, { "mips64", "mips64le", "" }, { "loongarch64", "loong64", "" },
};

static const struct machine *this_machine(void)
{
    struct utsname name;
    if (uname(&name) == 0)
        for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
            if (strcmp(machines[i].machine, name.machine) == 0)
                return &machines[i];
    return &machines[0];
}

const char *image_architecture(void)
{
    return this_machine()->architecture;
}

const char *image_variant(void)
{
    return this_machine()->variant;
}

int image_platform_parse(const char *text, struct image_platform *platform, struct err *err)
{
    *platform = (struct image_platform){ "linux", "", "" };
    if (!text) {
        snprintf(platform->architecture, sizeof platform->architecture, "%s", image_architecture());
        snprintf(platform->variant, sizeof platform->variant, "%s", image_variant());
        return 0;
    }
    char *const parts[] = { platform->os, platform->architecture, platform->variant };
    size_t slashes = 0, at = 0;
    for (const char *c = text; *c; c++)
        slashes += *c == '/';
    /* "arm64" alone is an architecture of Linux. */
    size_t part = slashes == 0 ? 1 : 0;
    for (const char *c = text; slashes < 3; c++) {
        if (*c && *c != '/' && !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *c) && !(*c == '.' && part == 2))
            break;
        if (*c && *c != '/' && at + 1 == sizeof platform->os)
            break;
        if (*c && *c != '/') {
            parts[part][at++] = *c;
            continue;
        }
        if (at == 0)
            break;
        parts[part++][at] = '\0';
        at = 0;
        if (!*c)
            return 0;
    }
    return err_say(err, EINVAL, "platform `%s`: not of the form OS/ARCHITECTURE[/VARIANT], as linux/%s", text,
                   image_architecture());
}

/* Variants of an architecture, each of which runs what was made for those before it. */
static const struct versions {
    const char *architecture;
    int lowest, unnamed; /* unnamed: what an image or a machine is that names none */
} versions[] = { { "amd64", 1, 1 }, { "arm", 5, 7 }, { "arm64", 8, 8 } };

static const struct versions *versions_of(const char *architecture)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(versions[i].architecture, architecture) == 0)
            return &versions[i];
    return NULL;
}

/* "v8", "8" or "v8.2". */
static bool read_variant(const struct versions *of, const char *text, int *major, int *minor)
{
    int end = 0;
    *major = of->unnamed;
    *minor = 0;
    if (!*text)
        return true;
    text += *text == 'v';
    return text[strspn(text, "0123456789.")] == '\0' && strlen(text) <= 4 &&
           (sscanf(text, "%2d%n.%1d%n", major, &end, minor, &end) > 0) && !text[end] && *major >= of->lowest;
}

/* How well what was made for variant @has runs where @wants is: 0 not at all, the highest is best. */
static int variant_suits(const char *architecture, const char *has, const char *wants)
{
    const struct versions *of = versions_of(architecture);
    int major, minor, most, most_minor;
    if (!of || !read_variant(of, has, &major, &minor) || !read_variant(of, wants, &most, &most_minor))
        return strcmp(has, wants) == 0 ? 1000 : 0;
    /* An arm64 v9.0 has what v8.5 has, and so on. */
    if (major > most || minor > most_minor + (major < most ? 5 : 0))
        return 0;
    return 10 * major + minor;
}

/* How well an entry suits: 0 not at all, the highest is best. */
static int suits(const json_t *entry, const struct image_platform *wanted)
{
    const json_t *platform = json_object_get(entry, "platform");
    const char *os = json_string_value(json_object_get(platform, "os"));
    const char *architecture = json_string_value(json_object_get(platform, "architecture"));
    const char *variant = json_string_value(json_object_get(platform, "variant"));
    if (!platform)
        return 1;
    if (!os || !architecture || strcmp(os, wanted->os) != 0 || strcmp(architecture, wanted->architecture) != 0)
        return 0;
    return variant_suits(architecture, variant ? variant : "", wanted->variant);
}

static void list_platforms(const json_t *manifests, char *text, size_t size)
{
    size_t i, len = 0;
    const json_t *entry;
    *text = '\0';
    for (i = 0; i < json_array_size(manifests) && len < size; i++) {
        entry = json_object_get(json_array_get(manifests, i), "platform");
        const char *os = json_string_value(json_object_get(entry, "os"));
        const char *architecture = json_string_value(json_object_get(entry, "architecture"));
        const char *variant = json_string_value(json_object_get(entry, "variant"));
        if (!os || !architecture || strcmp(os, "unknown") == 0)
            continue;
        len += (size_t)snprintf(text + len, size - len, "%s%.20s/%.20s%s%.20s", len ? ", " : "", os, architecture,
                                variant ? "/" : "", variant ? variant : "");
    }
}

int image_select(const json_t *index, const char *platform, struct digest *manifest, uint64_t *size, struct err *err)
{
    struct image_platform wanted;
    const json_t *manifests = json_object_get(index, "manifests"), *best = NULL;
    int best_score = 0;
    if (image_platform_parse(platform, &wanted, err) < 0)
        return -1;
    if (!json_is_array(manifests) || json_array_size(manifests) > IMAGE_LAYERS)
        return err_say(err, EINVAL, "the index has no list of manifests that can be used");
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        int score = suits(json_array_get(manifests, i), &wanted);
        if (score > best_score) {
            best_score = score;
            best = json_array_get(manifests, i);
        }
    }
    if (!best) {
        char there[512];
        list_platforms(manifests, there, sizeof there);
        return err_say(err, ENOENT, "there is none for %s/%s%s%s; there are: %s", wanted.os, wanted.architecture,
                       *wanted.variant ? "/" : "", wanted.variant, *there ? there : "none");
    }
    struct descriptor descriptor = { .media = "" };
    if (descriptor_parse(best, "the index's manifest", IMAGE_DOCUMENT, &descriptor, err) < 0)
        return -1;
    *manifest = descriptor.digest;
    *size = descriptor.size;
    return 0;
}

/* Images: a manifest, an index or a config that is not what it should be is refused with the reason, and nothing is done by what it says. */
#include "engine/image/change.h"
#include "engine/image/image.h"

#include "engine/base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stores.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LAYER "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\""
#define GOOD_LAYER "{" LAYER ",\"digest\":\"" A "\",\"size\":10}"
#define GOOD_CONFIG                                                                                                    \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" B "\"]}}"
/* @ is the config's descriptor. */
#define MANIFEST(layers) "{\"schemaVersion\":2,\"config\":@,\"layers\":[" layers "]}"
#define CONFIG(more) "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" B "\"]}," more "}"

/* The manifest's text with a descriptor of @config for each @. */
static char *expand(const char *manifest, const char *config, const char *media)
{
    struct digest digest;
    char descriptor[512];
    size_t room = strlen(manifest) + 1024, len = 0;
    char *text = calloc(1, room);
    digest_of(config, strlen(config), &digest, NULL);
    snprintf(descriptor, sizeof descriptor, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", media, digest.text,
             strlen(config));
    for (const char *c = manifest; *c; c++)
        if (*c == '@')
            len += (size_t)snprintf(text + len, room - len, "%s", descriptor);
        else
            text[len++] = *c;
    return text;
}

static const struct hostile {
    const char *why, *manifest, *config; /* NULL: the good one */
    int code;
    const char *said;
} hostile[] = {
    { "no JSON", "hello", NULL, EINVAL, "not JSON" },
    { "nothing", "", NULL, EINVAL, "not JSON" },
    { "no object", "[1,2]", NULL, EINVAL, "not a JSON object" },
    { "not UTF-8", "{\"schemaVersion\":2,\"x\":\"\xff\xfe\"}", NULL, EINVAL, "not JSON" },
    { "a NUL in a text", "{\"schemaVersion\":2,\"mediaType\":\"a\\u0000b\"}", NULL, EINVAL, "not JSON" },
    { "a member twice", "{\"schemaVersion\":2,\"config\":@,\"layers\":[],\"layers\":[" GOOD_LAYER "]}", NULL, EINVAL,
      "duplicate" },
    { "a number over 64 bits", MANIFEST("{" LAYER ",\"digest\":\"" A "\",\"size\":99999999999999999999}"), NULL, EINVAL,
      "integer" },
    { "a layer of an exabyte", MANIFEST("{" LAYER ",\"digest\":\"" A "\",\"size\":1152921504606846976}"), NULL, EFBIG,
      "the most is" },
    { "a negative size", MANIFEST("{" LAYER ",\"digest\":\"" A "\",\"size\":-1}"), NULL, EINVAL, "size is no number" },
    { "a size with a fraction", MANIFEST("{" LAYER ",\"digest\":\"" A "\",\"size\":1.5}"), NULL, EINVAL,
      "size is no number" },
    { "no size", MANIFEST("{" LAYER ",\"digest\":\"" A "\"}"), NULL, EINVAL, "size is no number" },
    { "a digest that is a path", MANIFEST("{" LAYER ",\"digest\":\"sha256:../../../../../../etc/passwd\",\"size\":1}"),
      NULL, EINVAL, "no digest" },
    { "a digest that is an absolute path", MANIFEST("{" LAYER ",\"digest\":\"/etc/passwd\",\"size\":1}"), NULL, EINVAL,
      "no digest" },
    { "a short digest", MANIFEST("{" LAYER ",\"digest\":\"sha256:abcd\",\"size\":1}"), NULL, EINVAL, "no digest" },
    { "an unknown algorithm", MANIFEST("{" LAYER ",\"digest\":\"md5:d41d8cd98f00b204e9800998ecf8427e\",\"size\":1}"),
      NULL, ENOTSUP, "only sha256" },
    { "a digest that is a number", MANIFEST("{" LAYER ",\"digest\":7,\"size\":1}"), NULL, EINVAL, "no digest" },
    { "a layer that is a text", MANIFEST("\"layer\""), NULL, EINVAL, "layer 1" },
    { "a layer of an unknown type", MANIFEST("{\"mediaType\":\"text/html\",\"digest\":\"" A "\",\"size\":1}"), NULL,
      ENOTSUP, "text/html" },
    { "an index's type on a manifest",
      "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_INDEX "\",\"config\":@,\"layers\":[" GOOD_LAYER "]}", NULL, EINVAL,
      "not that of a manifest" },
    { "index and manifest at once (CVE-2021-41190)",
      "{\"schemaVersion\":2,\"config\":@,\"layers\":[" GOOD_LAYER "],\"manifests\":[]}", NULL, EINVAL,
      "as an index and as a manifest" },
    { "neither", "{\"schemaVersion\":2}", NULL, EINVAL, "neither a manifest nor an index" },
    { "an index where a manifest belongs", "{\"schemaVersion\":2,\"manifests\":[]}", NULL, EINVAL, "an index" },
    { "no config", "{\"schemaVersion\":2,\"layers\":[]}", NULL, EINVAL, "no config" },
    { "layers that are an object", "{\"schemaVersion\":2,\"config\":@,\"layers\":{}}", NULL, EINVAL, "not an array" },
    { "no layers", "{\"schemaVersion\":2,\"config\":@}", NULL, EINVAL, "not an array" },
    { "schema 1", "{\"schemaVersion\":1,\"config\":@,\"layers\":[]}", NULL, ENOTSUP, "schema 1" },
    { "a schema that is a text", "{\"schemaVersion\":\"2\",\"config\":@,\"layers\":[]}", NULL, EINVAL,
      "schemaVersion" },
    { "fewer diff_ids than layers", MANIFEST(GOOD_LAYER "," GOOD_LAYER), NULL, EINVAL, "diff_ids of 1 layers" },
    { "more diff_ids than layers", MANIFEST(""), NULL, EINVAL, "diff_ids of 1 layers" },
    { "a config that is an array", MANIFEST(GOOD_LAYER), "[]", EINVAL, "config is not a JSON object" },
    { "a config that is no JSON", MANIFEST(GOOD_LAYER),
      "\x7f"
      "ELF",
      EINVAL, "not JSON" },
    { "a config without rootfs", MANIFEST(GOOD_LAYER), "{}", EINVAL, "rootfs" },
    { "a rootfs of another type", MANIFEST(GOOD_LAYER), "{\"rootfs\":{\"type\":\"disk\",\"diff_ids\":[\"" B "\"]}}",
      EINVAL, "rootfs" },
    { "a diff_id that is a path", MANIFEST(GOOD_LAYER),
      "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}", EINVAL, "diff_id 1" },
    { "a diff_id that is null", MANIFEST(GOOD_LAYER), "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[null]}}", EINVAL,
      "diff_id 1" },
    { "a command that is a text", MANIFEST(GOOD_LAYER), CONFIG("\"config\":{\"Cmd\":\"rm -rf /\"}"), EINVAL, "Cmd" },
    { "a command with a number in it", MANIFEST(GOOD_LAYER), CONFIG("\"config\":{\"Entrypoint\":[\"a\",1]}"), EINVAL,
      "Entrypoint" },
    { "labels that are no texts", MANIFEST(GOOD_LAYER), CONFIG("\"config\":{\"Labels\":{\"a\":{}}}"), EINVAL,
      "Labels" },
    { "a user that is a number", MANIFEST(GOOD_LAYER), CONFIG("\"config\":{\"User\":0}"), EINVAL, "User" },
    { "a history of texts", MANIFEST(GOOD_LAYER), CONFIG("\"history\":[\"x\"]"), EINVAL, "history" },
};

static void refused(const char *why, const char *manifest, size_t size, const char *config, int code, const char *said)
{
    struct image image;
    struct err err = { 0 };
    if (image_parse(manifest, size, config, config ? strlen(config) : 0, &image, &err) == 0)
        fail_msg("%s: taken", why);
    if (err.code != code || !strstr(err.message, said))
        fail_msg("%s: %d, `%s`", why, err.code, err.message);
    assert_null(image.layers);
    assert_null(image.manifest_json);
}

static void hostile_documents_are_refused_with_the_reason(void **state)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const char *config = hostile[i].config ? hostile[i].config : GOOD_CONFIG;
        char *text = expand(hostile[i].manifest, config, MEDIA_CONFIG);
        refused(hostile[i].why, text, strlen(text), config, hostile[i].code, hostile[i].said);
        free(text);
    }
}

static void a_document_too_deep_or_too_large_is_refused(void **state)
{
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    refused("deep", deep, 100000, NULL, EINVAL, "depth");
    free(deep);
    char *large = calloc(1, (5 << 20) + 1);
    memset(large, ' ', 5 << 20);
    refused("large", large, 5 << 20, NULL, EFBIG, "larger");
    free(large);
    char *many = malloc(5000 * (sizeof GOOD_LAYER + 1) + 100),
         *at = stpcpy(many, "{\"schemaVersion\":2,\"config\":@,\"layers\":[");
    for (int i = 0; i < 5000; i++)
        at = stpcpy(at, i ? "," GOOD_LAYER : GOOD_LAYER);
    strcpy(at, "]}");
    char *text = expand(many, GOOD_CONFIG, MEDIA_CONFIG);
    refused("many", text, strlen(text), GOOD_CONFIG, EFBIG, "5000 layers");
    free(text);
    free(many);
}

static void what_is_no_image_is_not_taken_for_one(void **state)
{
    char *text = expand(MANIFEST(GOOD_LAYER), GOOD_CONFIG, "application/vnd.cncf.helm.config.v1+json");
    refused("a chart", text, strlen(text), NULL, ENOTSUP, "helm");
    free(text);
    /* The right config under another's digest. */
    text = expand(MANIFEST(GOOD_LAYER), GOOD_CONFIG, MEDIA_CONFIG);
    refused("a swapped config", text, strlen(text), GOOD_CONFIG " ", EINVAL, "the manifest says");
    free(text);
}

static void docker_and_oci_manifests_are_read(void **state)
{
    struct image image;
    struct err err = { 0 };
    static const char *const layers[] = {
        "{\"mediaType\":\"" MEDIA_DOCKER_LAYER "\",\"digest\":\"" A "\",\"size\":10}",
        "{\"mediaType\":\"" MEDIA_LAYER "+zstd\",\"digest\":\"" A "\",\"size\":10}",
        "{\"mediaType\":\"" MEDIA_LAYER "\",\"digest\":\"" A "\",\"size\":10}",
    };
    static const enum compression compressions[] = { COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_NONE };
    for (size_t i = 0; i < 3; i++) {
        char manifest[512];
        snprintf(manifest, sizeof manifest, "{\"schemaVersion\":2,\"config\":@,\"layers\":[%s]}", layers[i]);
        char *text = expand(manifest, GOOD_CONFIG, i ? MEDIA_CONFIG : MEDIA_DOCKER_CONFIG);
        if (image_parse(text, strlen(text), GOOD_CONFIG, strlen(GOOD_CONFIG), &image, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(image.layer_count, 1);
        assert_int_equal(image.layers[0].compression, compressions[i]);
        assert_string_equal(image.layers[0].diff_id.text, B);
        assert_int_equal(image.size, 10);
        assert_string_equal(image.media, i ? MEDIA_MANIFEST : MEDIA_DOCKER_MANIFEST);
        image_close(&image);
        free(text);
    }
}

/* --- platforms --- */

#define ENTRY(os, arch, variant, digit)                                                                                \
    "{\"digest\":\"sha256:" digit digit digit digit digit digit digit digit "\",\"size\":1,\"platform\":{\"os\":\"" os \
    "\",\"architecture\":\"" arch "\"" variant "}}"
#define V(v) ",\"variant\":\"" v "\""

static void an_index_leads_to_the_platforms_manifest(void **state)
{
    static const struct {
        const char *platform, *digit; /* NULL: none */
    } cases[] = {
        { "linux/amd64", "11111111" },    { "amd64", "11111111" },        { "linux/arm64", "22222222" },
        { "linux/arm64/v8", "22222222" }, { "linux/arm/v7", "44444444" }, { "linux/arm", "44444444" },
        { "linux/arm/v6", "33333333" },   { "linux/arm/v8", "44444444" }, { "linux/arm/v5", NULL },
        { "windows/amd64", NULL },        { "linux/s390x", NULL },
    };
    json_t *index =
        json_loads("{\"schemaVersion\":2,\"manifests\":[" ENTRY("linux", "amd64", "", "11111111") "," ENTRY(
                       "linux", "arm64", V("v8"),
                       "22222222") "," ENTRY("linux", "arm", V("v6"),
                                             "33333333") "," ENTRY("linux", "arm", V("v7"),
                                                                   "44444444") "," ENTRY("unknown", "unknown", "",
                                                                                         "55555555") "]}",
                   0, NULL);
    assert_non_null(index);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest digest;
        struct err err = { 0 };
        uint64_t size;
        int found = image_select(index, cases[i].platform, &digest, &size, &err);
        if ((found == 0) != (cases[i].digit != NULL))
            fail_msg("%s: %s", cases[i].platform, err.message);
        if (found == 0)
            assert_memory_equal(digest_hex(&digest), cases[i].digit, 8);
        else
            assert_non_null(strstr(err.message, "there are: linux/amd64, linux/arm64/v8, linux/arm/v6, linux/arm/v7"));
    }
    json_decref(index);
    static const char *const wrong[] = { "",           "/",
                                         "linux/",     "linux//v8",
                                         "a/b/c/d",    "Linux/AMD64",
                                         "linux/../x", "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct image_platform platform;
        assert_int_equal(image_platform_parse(wrong[i], &platform, NULL), -1);
    }
}

static void a_variant_runs_what_was_made_for_a_lower_one(void **state)
{
    static const struct {
        const char *platform, *there, *chosen; /* "": the one without a variant; NULL: none */
    } cases[] = {
        { "linux/amd64/v3", "v4 v3 v2 v1 -", "v3" },
        { "linux/amd64/v3", "v4 - v2 v1", "v2" },
        { "linux/amd64/v3", "v4 v1", "v1" },
        { "linux/amd64/v3", "v4 -", "" },
        { "linux/amd64/v3", "v4", NULL },
        { "linux/amd64", "v2 v1", "v1" },
        { "linux/amd64", "v2", NULL },
        { "linux/amd64", "v2 baseline -", "" },
        { "linux/arm64/v9", "v8 v9 -", "v9" },
        { "linux/arm64/v9", "- v9.1 v8.1", "v8.1" },
        { "linux/arm64/v9", "v8.6 v8.5", "v8.5" },
        { "linux/arm64/v9", "-", "" },
        { "linux/arm64", "v9 v8.1 v8", "v8" },
        { "linux/arm64/v8.2", "v8 v8.3 v8.2 v8.1", "v8.2" },
        { "linux/arm/v7", "v8 v5 v7 v6", "v7" },
        { "linux/arm/v7", "v8 v5 v6", "v6" },
        { "linux/arm/v7", "v8 v5", "v5" },
        { "linux/arm/v7", "v8 v4", NULL },
        { "linux/arm/v6", "v7 -", NULL },
        { "linux/riscv64/rva23", "rva20", NULL },
        { "linux/riscv64/rva23", "rva20 rva23", "rva23" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image_platform platform;
        char there[64], *rest = there;
        const char *variants[8] = { NULL };
        json_t *index = json_pack("{s:[]}", "manifests");
        assert_int_equal(image_platform_parse(cases[i].platform, &platform, NULL), 0);
        snprintf(there, sizeof there, "%s", cases[i].there);
        for (size_t n = 0; rest; n++) {
            char digest[DIGEST_SIZE];
            variants[n] = strsep(&rest, " ");
            snprintf(digest, sizeof digest, "sha256:%064zx", n);
            if (strcmp(variants[n], "-") == 0)
                variants[n] = "";
            json_t *entry = json_pack("{s:s,s:i,s:{s:s,s:s}}", "digest", digest, "size", 1, "platform", "os", "linux",
                                      "architecture", platform.architecture);
            if (*variants[n])
                json_object_set_new(json_object_get(entry, "platform"), "variant", json_string(variants[n]));
            json_array_append_new(json_object_get(index, "manifests"), entry);
        }
        struct digest digest = { "" };
        uint64_t size;
        bool found = image_select(index, cases[i].platform, &digest, &size, NULL) == 0;
        const char *got = found ? variants[digest_hex(&digest)[63] - '0'] : NULL;
        if (found != (cases[i].chosen != NULL) || (found && strcmp(got, cases[i].chosen) != 0))
            fail_msg("%s of %s: %s", cases[i].platform, cases[i].there, found ? got : "none");
        json_decref(index);
    }
}

/* --- images of a store --- */

static struct digest add(struct store *store, const char *text)
{
    struct digest digest;
    assert_int_equal(store_add(store, text, strlen(text), &digest, NULL), 0);
    return digest;
}

/* An image without layers whose label is @label, under @name. */
static struct image make(struct store *store, const char *label, const char *name)
{
    struct image image;
    struct err err = { 0 };
    json_t *config = json_pack("{s:{s:s}}", "Labels", "label", label);
    struct image_spec spec = { .config = config };
    if (image_create(store, &spec, &image, &err) < 0 ||
        store_set_name(store, name, &image.manifest, image.media, image.manifest_size, &err) < 0)
        fail_msg("%s", err.message);
    json_decref(config);
    return image;
}

static void refused_by_digest(struct store *store, const struct digest *digest, int code, const char *said)
{
    struct image image;
    struct err err = { 0 };
    assert_int_equal(image_open_digest(store, digest, &image, &err), -1);
    if (err.code != code || !strstr(err.message, said))
        fail_msg("%d, `%s` and not `%s`", err.code, err.message, said);
}

static void a_store_whose_blobs_do_not_agree_is_not_believed(void **state)
{
    struct store *store = open_store("swapped");
    char *text = expand(MANIFEST(GOOD_LAYER), GOOD_CONFIG, MEDIA_CONFIG), index[512], path[256];
    struct digest manifest = add(store, text);
    refused_by_digest(store, &manifest, ENOENT, "its config");
    struct digest config = add(store, GOOD_CONFIG);
    struct image image;
    assert_int_equal(image_open_digest(store, &manifest, &image, NULL), 0);
    image_close(&image);
    /* A config that is as long as it should be, and another. */
    snprintf(path, sizeof path, "%s/swapped/blobs/sha256/%s", base, digest_hex(&config));
    FILE *file = fopen(path, "r+");
    fputs("{\"architecture\":\"evil!\"", file);
    fclose(file);
    refused_by_digest(store, &manifest, EIO, "damaged");
    file = fopen(path, "w");
    fclose(file);
    refused_by_digest(store, &manifest, EINVAL, "bytes, its manifest says");
    snprintf(index, sizeof index, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":%zu}]}",
             manifest.text, strlen(text) + 1);
    struct digest wrong_size = add(store, index);
    refused_by_digest(store, &wrong_size, EINVAL, "its index says");
    free(text);
    store_close(store);
}

static void indexes_in_indexes_end(void **state)
{
    struct store *store = open_store("deep");
    char text[512];
    struct image image = make(store, "x", "x");
    struct digest at = image.manifest;
    size_t size = image.manifest_size;
    image_close(&image);
    for (int depth = 1; depth <= 8; depth++) {
        snprintf(text, sizeof text, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":%zu}]}", at.text,
                 size);
        at = add(store, text);
        size = strlen(text);
        if (depth <= 4) {
            assert_int_equal(image_open_digest(store, &at, &image, NULL), 0);
            image_close(&image);
        } else {
            refused_by_digest(store, &at, ELOOP, "more than 4 deep");
        }
    }
    store_close(store);
}

static void images_are_found_by_name_and_by_the_first_digits_of_an_id(void **state)
{
    struct store *store = open_store("find");
    struct image images[40], image;
    struct err err = { 0 };
    for (int i = 0; i < 40; i++) {
        char label[32], name[64];
        snprintf(label, sizeof label, "%d", i);
        snprintf(name, sizeof name, "docker.io/library/n%d:latest", i);
        images[i] = make(store, label, name);
    }
    assert_int_equal(image_open(store, "n7", &image, &err), 0);
    assert_true(digest_equal(&image.config, &images[7].config));
    image_close(&image);
    char what[80];
    snprintf(what, sizeof what, "%.16s", digest_hex(&images[9].config));
    assert_int_equal(image_open(store, what, &image, &err), 0);
    assert_true(digest_equal(&image.manifest, &images[9].manifest));
    image_close(&image);
    assert_int_equal(image_open(store, images[9].config.text, &image, &err), 0);
    image_close(&image);
    /* Of forty ids two begin with the same digit. */
    snprintf(what, sizeof what, "%.1s", digest_hex(&images[9].config));
    int found = 0;
    for (int i = 0; i < 40; i++)
        found += digest_hex(&images[i].config)[0] == what[0];
    assert_int_equal(image_open(store, what, &image, &err), found > 1 ? -1 : 0);
    if (found > 1)
        assert_int_equal(err.code, EINVAL);
    assert_int_equal(image_open(store, "nowhere:2", &image, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_string_equal(err.message, "No such image: nowhere:2");
    assert_int_equal(image_open(store, "Not//A name", &image, &err), -1);
    assert_int_equal(err.code, EINVAL);
    for (int i = 0; i < 40; i++)
        image_close(&images[i]);
    store_close(store);
}

static void rubbish_is_what_no_name_leads_to(void **state)
{
    struct store *store = open_store("rubbish");
    struct store_gc counts = { 0 };
    struct err err = { 0 };
    struct image kept = make(store, "kept", "docker.io/library/kept:1"),
                 gone = make(store, "gone", "docker.io/library/gone:1");
    add(store, "of nobody");
    assert_int_equal(store_hold(store, &err), 0);
    assert_int_equal(store_collect(store, NULL, NULL, &counts, &err), -1);
    assert_int_equal(err.code, EDEADLK);
    store_release(store);
    assert_int_equal(store_collect(store, NULL, NULL, &counts, &err), 0);
    assert_int_equal(counts.blobs, 1);
    assert_int_equal(store_remove_name(store, "docker.io/library/gone:1", NULL, true, &err), 0);
    assert_int_equal(store_collect(store, NULL, NULL, &counts, &err), 0);
    assert_int_equal(counts.blobs, 2);
    assert_int_equal(store_has(store, &gone.config, NULL, &err), 0);
    assert_int_equal(store_has(store, &kept.config, NULL, &err), 1);
    /* What cannot be read may lead anywhere: nothing is removed then. */
    struct digest odd = add(store, "no manifest");
    add(store, "of nobody");
    assert_int_equal(store_set_name(store, "odd", &odd, MEDIA_MANIFEST, 11, &err), 0);
    assert_int_equal(store_collect(store, NULL, NULL, &counts, &err), -1);
    assert_non_null(strstr(err.message, "remove it first"));
    assert_int_equal(counts.blobs, 0);
    image_close(&kept);
    image_close(&gone);
    store_close(store);
}

static void count_wrong(const char *what, void *data)
{
    char *text = data;
    snprintf(text + strlen(text), 2048 - strlen(text), "%s\n", what);
}

static void fsck_finds_what_is_wrong(void **state)
{
    char said[2048] = "", path[512];
    struct err err = { 0 };
    struct store *store = open_store("fsck");
    struct image image = make(store, "x", "docker.io/library/x:1"), other = make(store, "y", "docker.io/library/y:1");
    assert_int_equal(store_check(store, count_wrong, said, &err), 0);
    snprintf(path, sizeof path, "%s/fsck/blobs/sha256/%s", base, digest_hex(&image.config));
    assert_int_equal(truncate(path, 5), 0);
    snprintf(path, sizeof path, "%s/fsck/blobs/sha256/%s", base, digest_hex(&other.manifest));
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/fsck/blobs/sha256/hello", base);
    fclose(fopen(path, "w"));
    assert_true(store_check(store, count_wrong, said, &err) >= 4);
    assert_non_null(strstr(said, "is damaged"));
    assert_non_null(strstr(said, "hello: not the name of a blob"));
    assert_non_null(strstr(said, "library/x:1: the config has 5 bytes"));
    assert_non_null(strstr(said, "library/y:1: manifest"));
    image_close(&image);
    image_close(&other);
    store_close(store);
}

/* --- instructions --- */

static void instructions_change_a_config_as_a_dockerfile_would(void **state)
{
    static const char *const instructions[] = {
        "CMD [\"/bin/sh\", \"-c\", \"a b\"]",
        "ENTRYPOINT echo hi",
        "ENV A=1 B=\"two words\"",
        "env A=3 D=\\ x",
        "ENV OLD the  form",
        "EXPOSE 80 443/udp",
        "LABEL a=b \"c d\"='e f'",
        "USER nobody:nogroup",
        "VOLUME [\"/data\"]",
        "VOLUME /x /y",
        "WORKDIR /srv",
        "WORKDIR www",
        "EXPOSE 80\f\v",
    };
    static const char *const wrong[] = {
        "",          "CMD",         "RUN rm -rf /", "ENV",          "ENV A",          "ENV =x",
        "ENV A=\"x", "EXPOSE http", "EXPOSE 0",     "EXPOSE 70000", "EXPOSE 80/icmp", "LABEL a",
        "VOLUME",    "USER ",       "CMDX y",       "ENV A=1 B",    "USER \xff\xfe"
    };
    struct err err = { 0 };
    json_t *config = json_object();
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
        if (image_change(config, instructions[i], &err) < 0)
            fail_msg("%s", err.message);
    char *text = json_dumps(config, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text,
                        "{\"Cmd\":[\"/bin/sh\",\"-c\",\"a b\"],\"Entrypoint\":[\"/bin/sh\",\"-c\",\"echo hi\"],"
                        "\"Env\":[\"A=3\",\"B=two words\",\"D= x\",\"OLD=the  form\"],\"ExposedPorts\":{\"443/udp\":{},"
                        "\"80/tcp\":{}},\"Labels\":{\"a\":\"b\",\"c d\":\"e f\"},\"User\":\"nobody:nogroup\","
                        "\"Volumes\":{\"/data\":{},\"/x\":{},\"/y\":{}},\"WorkingDir\":\"/srv/www\"}");
    free(text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (image_change(config, wrong[i], &err) == 0)
            fail_msg("`%s` was taken", wrong[i]);
    json_decref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_documents_are_refused_with_the_reason),
        cmocka_unit_test(a_document_too_deep_or_too_large_is_refused),
        cmocka_unit_test(what_is_no_image_is_not_taken_for_one),
        cmocka_unit_test(docker_and_oci_manifests_are_read),
        cmocka_unit_test(an_index_leads_to_the_platforms_manifest),
        cmocka_unit_test(a_variant_runs_what_was_made_for_a_lower_one),
        cmocka_unit_test(a_store_whose_blobs_do_not_agree_is_not_believed),
        cmocka_unit_test(indexes_in_indexes_end),
        cmocka_unit_test(images_are_found_by_name_and_by_the_first_digits_of_an_id),
        cmocka_unit_test(rubbish_is_what_no_name_leads_to),
        cmocka_unit_test(fsck_finds_what_is_wrong),
        cmocka_unit_test(instructions_change_a_config_as_a_dockerfile_would),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* docker load: an archive that is not what it should be brings nothing in, touches nothing outside the store, and is refused with the reason. */
#include "engine/image/image.h"

#include "engine/base/cleanup.h"
#include "engine/layers/tar_write.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

/* --- archives --- */

struct archive {
    char path[96];
    int fd;
    struct sink *to;
    struct tar_writer *writer;
};

static void begin(struct archive *archive, const char *name)
{
    snprintf(archive->path, sizeof archive->path, "%s/%s", base, name);
    archive->fd = open(archive->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    archive->to = sink_fd(archive->fd, NULL);
    archive->writer = tar_writer_new(archive->to, NULL);
    assert_non_null(archive->writer);
}

static void put(struct archive *archive, enum tar_type type, const char *name, const void *data, size_t size)
{
    const struct tar_entry entry = { .type = type,
                                     .name = name,
                                     .link = type == TAR_FILE ? "" : data,
                                     .mode = 0644,
                                     .size = type == TAR_FILE ? size : 0 };
    assert_int_equal(tar_writer_entry(archive->writer, &entry, NULL), 0);
    if (type != TAR_FILE)
        return;
    for (size_t done = 0; done < size;) {
        void *room;
        size_t n = tar_writer_room(archive->writer, &room, NULL);
        n = n < size - done ? n : size - done;
        memcpy(room, (const char *)data + done, n);
        tar_writer_used(archive->writer, n);
        done += n;
    }
    assert_int_equal(tar_writer_pad(archive->writer, NULL), 0);
}

static void put_text(struct archive *archive, const char *name, const char *text)
{
    put(archive, TAR_FILE, name, text, strlen(text));
}

static void end(struct archive *archive)
{
    assert_int_equal(tar_writer_end(archive->writer, NULL), 0);
    tar_writer_free(archive->writer);
    sink_close(archive->to);
}

/* A layer of one file, as bytes. */
struct bytes {
    char data[65536];
    size_t size;
    struct digest digest;
};

static void make_layer(struct bytes *layer, const char *name, const char *text)
{
    struct archive archive = { .fd = -1 };
    begin(&archive, "layer.tar");
    put_text(&archive, name, text);
    end(&archive);
    ssize_t n = pread(archive.fd, layer->data, sizeof layer->data, 0);
    assert_true(n > 0);
    layer->size = (size_t)n;
    close(archive.fd);
    digest_of(layer->data, layer->size, &layer->digest, NULL);
}

/* The config of an image of these layers. */
static char *make_config(const struct bytes *a, const struct bytes *b)
{
    char *text = NULL;
    assert_true(asprintf(&text, "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"%s%s%s]}}", a->digest.text,
                         b ? ",\"" : "", b ? b->digest.text : "", b ? "\"" : "") > 0);
    return text;
}

/* --- loading --- */

static struct store *fresh_store(void)
{
    char command[160], path[96];
    struct err err = { 0 };
    snprintf(path, sizeof path, "%s/store", base);
    snprintf(command, sizeof command, "rm -rf %s", path);
    assert_int_equal(system(command), 0);
    struct store *store = store_open(path, STORE_WRITE, NULL, &err);
    if (!store)
        fail_msg("%s", err.message);
    return store;
}

static int count_name(const struct store_name *name, void *data)
{
    ++*(int *)data;
    return 0;
}

static int count_in(const char *name)
{
    char path[160];
    int count = 0;
    snprintf(path, sizeof path, "%s/store/%s", base, name);
    cleanup_dir DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    return count;
}

static int load(struct store *store, struct archive *archive, struct err *err)
{
    assert_int_equal(lseek(archive->fd, 0, SEEK_SET), 0);
    int result = image_load(store, source_fd(archive->fd, err), NULL, NULL, NULL, err);
    close(archive->fd);
    return result;
}

static void refused(const char *why, struct archive *archive, const char *said)
{
    struct err err = { 0 };
    int names = 0;
    struct store *store = fresh_store();
    if (load(store, archive, &err) == 0)
        fail_msg("%s: taken", why);
    if (!strstr(err.message, said))
        fail_msg("%s: `%s` and not `%s`", why, err.message, said);
    store_names(store, count_name, &names, NULL);
    if (names || count_in("blobs/sha256") || count_in(".ingest"))
        fail_msg("%s: something was left in the store", why);
    store_close(store);
}

/* --- manifest.json --- */

static const struct {
    const char *why, *manifest, *said;
} hostile_manifests[] = {
    { "a layer above the archive (CVE-2019-14271's kind)",
      "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"../../etc/passwd\"]}]", "out of the archive" },
    { "an absolute layer", "[{\"Config\":\"c.json\",\"Layers\":[\"/etc/passwd\"]}]", "out of the archive" },
    { "an absolute config", "[{\"Config\":\"/etc/passwd\",\"Layers\":[\"a.tar\"]}]", "out of the archive" },
    { "a layer that is not there", "[{\"Config\":\"c.json\",\"Layers\":[\"b.tar\"]}]", "has no `b.tar`" },
    { "no config", "[{\"Layers\":[\"a.tar\"]}]", "names no config" },
    { "a config that is not there", "[{\"Config\":\"d.json\",\"Layers\":[\"a.tar\"]}]", "has no `d.json`" },
    { "a config that is a layer", "[{\"Config\":\"a.tar\",\"Layers\":[\"a.tar\"]}]", "not JSON" },
    { "a layer that is a config", "[{\"Config\":\"c.json\",\"Layers\":[\"c.json\"]}]", "`c.json` of the archive" },
    { "a layer that is a number", "[{\"Config\":\"c.json\",\"Layers\":[1]}]", "has no name" },
    { "layers that are a text", "[{\"Config\":\"c.json\",\"Layers\":\"a.tar\"}]", "names no config, or no layers" },
    { "fewer layers than diff_ids", "[{\"Config\":\"c.json\",\"Layers\":[]}]", "diff_ids of 1 layers" },
    { "more layers than diff_ids", "[{\"Config\":\"c.json\",\"Layers\":[\"a.tar\",\"a.tar\"]}]",
      "diff_ids of 1 layers" },
    { "another layer than the config's", "[{\"Config\":\"c.json\",\"Layers\":[\"o.tar\"]}]", "not the image's own" },
    { "a layer by links that go round", "[{\"Config\":\"c.json\",\"Layers\":[\"round\"]}]", "go round" },
    { "an object", "{}", "no list of images" },
    { "no image", "[]", "list of them is empty" },
    { "a text", "[\"x\"]", "names no config" },
    { "no JSON", "[{", "not JSON" },
};

static void hostile_docker_archives_bring_nothing_in(void **state)
{
    static struct bytes layer, other;
    make_layer(&layer, "file", "hello");
    make_layer(&other, "file", "other");
    char *config = make_config(&layer, NULL);
    for (size_t i = 0; i < sizeof hostile_manifests / sizeof *hostile_manifests; i++) {
        struct archive archive = { .fd = -1 };
        begin(&archive, "docker.tar");
        put(&archive, TAR_FILE, "a.tar", layer.data, layer.size);
        put(&archive, TAR_FILE, "o.tar", other.data, other.size);
        put_text(&archive, "c.json", config);
        put(&archive, TAR_SYMLINK, "round", "about", 0);
        put(&archive, TAR_SYMLINK, "about", "./round", 0);
        put_text(&archive, "manifest.json", hostile_manifests[i].manifest);
        end(&archive);
        refused(hostile_manifests[i].why, &archive, hostile_manifests[i].said);
    }
    free(config);
}

static void hostile_entries_bring_nothing_in(void **state)
{
    static const struct {
        const char *why;
        enum tar_type type;
        const char *name, *target, *said;
    } cases[] = {
        { "a file above the archive", TAR_FILE, "../evil", "evil", "out of the archive" },
        { "a file above by a detour", TAR_FILE, "a/../../evil", "evil", "out of the archive" },
        { "an absolute file", TAR_FILE, "/tmp/evil", "evil", "out of the archive" },
        { "a link out", TAR_SYMLINK, "layer.tar", "../../etc/passwd", "a link to what is not in the archive" },
        { "an absolute link", TAR_SYMLINK, "layer.tar", "/etc/passwd", "a link to what is not in the archive" },
        { "a hard link out", TAR_HARD_LINK, "layer.tar", "../etc/passwd", "a link to what is not in the archive" },
        { "a device", TAR_CHARACTER, "null", "", "neither a file nor a link" },
        { "a fifo", TAR_FIFO, "fifo", "", "neither a file nor a link" },
        { "a second manifest.json, another", TAR_FILE, "./manifest.json", "[1]", "there twice" },
        { "a link in place of manifest.json", TAR_SYMLINK, "manifest.json", "a", "there twice" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct archive archive = { .fd = -1 };
        begin(&archive, "entries.tar");
        put_text(&archive, "manifest.json", "[]");
        put(&archive, cases[i].type, cases[i].name, cases[i].target, strlen(cases[i].target));
        end(&archive);
        refused(cases[i].why, &archive, cases[i].said);
    }
}

static void hostile_layers_bring_nothing_in(void **state)
{
    static struct bytes layer;
    static const struct {
        const char *entry, *said;
    } cases[] = { { "../../etc/cron.d/x", "`..`" }, { "a/.wh...", "whiteout" }, { ".wh.", "whiteout" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct archive archive = { .fd = -1 };
        make_layer(&layer, cases[i].entry, "evil");
        char *config = make_config(&layer, NULL);
        begin(&archive, "hostile.tar");
        put(&archive, TAR_FILE, "a.tar", layer.data, layer.size);
        put_text(&archive, "c.json", config);
        put_text(&archive, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"a.tar\"]}]");
        end(&archive);
        refused(cases[i].entry, &archive, cases[i].said);
        free(config);
    }
}

/* --- OCI layouts --- */

/* An OCI archive whose parts can be changed one at a time. */
struct layout {
    const char *index, *layer_name, *config_name, *manifest_name; /* NULL: as they should be */
    const char *version;
    int layer_size; /* added to the one the manifest says */
};

static void make_layout(struct archive *archive, const struct layout *layout, const struct bytes *layer)
{
    char *config = make_config(layer, NULL), *manifest = NULL, *index = NULL, name[3][128];
    struct digest config_digest, manifest_digest;
    digest_of(config, strlen(config), &config_digest, NULL);
    assert_true(asprintf(&manifest,
                         "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_CONFIG
                         "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" MEDIA_LAYER
                         "\",\"digest\":\"%s\",\"size\":%zu}]}",
                         config_digest.text, strlen(config), layer->digest.text,
                         layer->size + (size_t)layout->layer_size) > 0);
    digest_of(manifest, strlen(manifest), &manifest_digest, NULL);
    assert_true(asprintf(&index,
                         "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_MANIFEST
                         "\",\"digest\":\"%s\",\"size\":%zu}]}",
                         manifest_digest.text, strlen(manifest)) > 0);
    snprintf(name[0], 128, "blobs/sha256/%s", digest_hex(&layer->digest));
    snprintf(name[1], 128, "blobs/sha256/%s", digest_hex(&config_digest));
    snprintf(name[2], 128, "blobs/sha256/%s", digest_hex(&manifest_digest));
    begin(archive, "oci.tar");
    put(archive, TAR_FILE, layout->layer_name ? layout->layer_name : name[0], layer->data, layer->size);
    put_text(archive, layout->config_name ? layout->config_name : name[1], config);
    put_text(archive, layout->manifest_name ? layout->manifest_name : name[2], manifest);
    put_text(archive, "index.json", layout->index ? layout->index : index);
    put_text(archive, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    end(archive);
    free(config);
    free(manifest);
    free(index);
}

#define WRONG "blobs/sha256/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define INDEX(digest, size) "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"" digest "\",\"size\":" size "}]}"

static void hostile_layouts_bring_nothing_in(void **state)
{
    static struct bytes layer;
    static const struct {
        const char *why;
        struct layout layout;
        const char *said;
    } cases[] = {
        { "no layer", { .layer_name = WRONG }, "layer 1: the archive has no" },
        { "no config", { .config_name = WRONG }, "the archive has no" },
        { "no manifest", { .manifest_name = WRONG }, "the archive has no" },
        { "a layer longer than said", { .layer_size = -1 }, "its manifest says" },
        { "an index that is no JSON", { .index = "\xff" }, "not JSON" },
        { "an index without manifests", { .index = "{}" }, "no list of manifests" },
        { "an index of nothing", { .index = "{\"schemaVersion\":2,\"manifests\":[]}" }, "list of them is empty" },
        { "a digest that is a path", { .index = INDEX("sha256:../../../etc/passwd", "1") }, "no digest" },
        { "a size over 64 bits", { .index = INDEX("sha256:x", "123456789012345678901234567890") }, "integer" },
        { "an entry that is a text", { .index = "{\"schemaVersion\":2,\"manifests\":[\"x\"]}" }, "no digest" },
        { "bytes that are not what their name says",
          { .manifest_name = WRONG,
            .index = INDEX("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1") },
          "not what its name says" },
    };
    struct archive archive = { .fd = -1 };
    make_layer(&layer, "file", "hello");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_layout(&archive, &cases[i].layout, &layer);
        refused(cases[i].why, &archive, cases[i].said);
    }
    /* And as it should be, it is taken. */
    struct err err = { 0 };
    struct store *store = fresh_store();
    make_layout(&archive, &(struct layout){ 0 }, &layer);
    if (load(store, &archive, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(count_in("blobs/sha256"), 3);
    assert_int_equal(count_in(".ingest"), 0);
    store_close(store);
}

static void what_is_no_archive_is_said_to_be_none(void **state)
{
    struct archive archive = { .fd = -1 };
    begin(&archive, "rootfs.tar");
    put_text(&archive, "etc/passwd", "root");
    end(&archive);
    refused("a root filesystem", &archive, "docker import");
    static const struct {
        const char *bytes;
        size_t size;
    } others[] = { { "", 0 }, { "hello, world", 12 }, { "\x1f\x8b\x08", 3 }, { "\x28\xb5\x2f\xfd", 4 } };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        begin(&archive, "none.tar");
        tar_writer_free(archive.writer);
        sink_close(archive.to);
        assert_int_equal(write(archive.fd, others[i].bytes, others[i].size), (ssize_t)others[i].size);
        refused("no archive", &archive, "");
    }
}

/* Cut at every block, it is never taken, and never more than an error. */
static void an_archive_that_ends_early_brings_nothing_in(void **state)
{
    static struct bytes layer;
    struct archive archive = { .fd = -1 };
    make_layer(&layer, "file", "hello");
    make_layout(&archive, &(struct layout){ 0 }, &layer);
    off_t size = lseek(archive.fd, 0, SEEK_END);
    close(archive.fd);
    for (off_t cut = 512; cut + 1024 < size; cut += 512) {
        make_layout(&archive, &(struct layout){ 0 }, &layer);
        assert_int_equal(ftruncate(archive.fd, cut), 0);
        struct err err = { 0 };
        struct store *store = fresh_store();
        int result = load(store, &archive, &err);
        /* What is left out at the very end is only the archive's own padding. */
        if (result == 0 && cut + 10240 < size)
            fail_msg("cut at %lld of %lld: taken", (long long)cut, (long long)size);
        assert_int_equal(count_in(".ingest"), 0);
        assert_true(result == 0 || count_in("blobs/sha256") == 0);
        store_close(store);
    }
}

/* docker's old form: a layer that an earlier image has is a link to it. */
static void layers_that_are_links_are_followed(void **state)
{
    static struct bytes a, b;
    struct archive archive = { .fd = -1 };
    struct err err = { 0 };
    struct image image = { 0 };
    make_layer(&a, "file", "a");
    make_layer(&b, "file", "b");
    char *config = make_config(&a, &b);
    begin(&archive, "legacy.tar");
    put(&archive, TAR_FILE, "1111/layer.tar", a.data, a.size);
    put(&archive, TAR_SYMLINK, "2222/layer.tar", "../1111/layer.tar", 0);
    put(&archive, TAR_FILE, "3333/layer.tar", b.data, b.size);
    put(&archive, TAR_HARD_LINK, "4444/layer.tar", "3333/layer.tar", 0);
    put_text(&archive, "3333/VERSION", "1.0");
    put_text(&archive, "c.json", config);
    put_text(&archive, "manifest.json",
             "[{\"Config\":\"c.json\",\"RepoTags\":[\"team/x:1\",\"localhost:5000/x:2\"],"
             "\"Layers\":[\"2222/layer.tar\",\"4444/layer.tar\"]}]");
    end(&archive);
    struct store *store = fresh_store();
    if (load(store, &archive, &err) < 0 || image_open(store, "team/x:1", &image, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(image.layer_count, 2);
    assert_true(digest_equal(&image.layers[0].diff_id, &a.digest) && digest_equal(&image.layers[1].diff_id, &b.digest));
    struct digest id;
    digest_of(config, strlen(config), &id, NULL);
    assert_true(digest_equal(&image.config, &id));
    image_close(&image);
    assert_int_equal(image_open(store, "localhost:5000/x:2", &image, &err), 0);
    image_close(&image);
    store_close(store);
    free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_docker_archives_bring_nothing_in),
        cmocka_unit_test(hostile_entries_bring_nothing_in),
        cmocka_unit_test(hostile_layers_bring_nothing_in),
        cmocka_unit_test(hostile_layouts_bring_nothing_in),
        cmocka_unit_test(what_is_no_archive_is_said_to_be_none),
        cmocka_unit_test(an_archive_that_ends_early_brings_nothing_in),
        cmocka_unit_test(layers_that_are_links_are_followed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* An image looked at: real stores, made by our own code of real archives, and read back. */
#include "engine/image/look.h"

#include "engine/base/cleanup.h"
#include "engine/image/image.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/stores.h"

/* @names: files, and directories with a / at the end. Compressed if @gzip. */
static struct image_layer add_layer(struct store *store, const char *const *names, bool gzip)
{
    struct archive archive = { 0 };
    struct image_layer layer;
    struct err err = { 0 };
    for (; *names; names++)
        if ((*names)[strlen(*names) - 1] == '/')
            archive_directory(&archive, *names);
        else
            archive_file(&archive, *names, strstr(*names, ".wh.") ? "" : *names);
    archive_end(&archive);
    char path[128];
    snprintf(path, sizeof path, "%s/layer.tar", base);
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct sink *to = gzip ? sink_compress(sink_fd(fd, NULL), COMPRESSION_GZIP, NULL) : sink_fd(fd, NULL);
    assert_int_equal(to->write(to, archive.data, archive.size, NULL), 0);
    assert_int_equal(to->finish(to, NULL), 0);
    sink_close(to);
    lseek(fd, 0, SEEK_SET);
    struct source *from = source_fd(fd, NULL);
    if (image_add_layer(store, from, false, &layer, NULL, NULL, &err) < 0)
        fail_msg("%s", err.message);
    source_close(from);
    free(archive.data);
    return layer;
}

/* Takes @history over. */
static struct digest make(struct store *store, const char *name, const struct image_layer *layers, size_t count,
                          json_t *history)
{
    struct image image;
    struct err err = { 0 };
    struct image_spec spec = {
        .layers = layers, .layer_count = count, .history = history, .created_by = "COPY all /", .created = 1
    };
    char full[200];
    snprintf(full, sizeof full, "docker.io/library/%s", name);
    if (image_create(store, &spec, &image, &err) < 0 ||
        store_set_name(store, name ? full : NULL, &image.manifest, image.media, image.manifest_size, &err) < 0)
        fail_msg("%s", err.message);
    struct digest manifest = image.manifest;
    image_close(&image);
    json_decref(history);
    return manifest;
}

/* "0F* 1F": which layers hold @path, as what, and * where it is seen. */
static const char *line_of(const struct image_look *look, const char *path)
{
    static char text[128];
    size_t length = 0;
    *text = '\0';
    for (size_t i = 0; i < look->entry_count; i++)
        for (size_t k = 0; strcmp(look->entries[i].path, path) == 0 && k < LAYERS_SHOWN; k++)
            if (look->entries[i].holds[k])
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu%c%s", length ? " " : "", k,
                                           "-FDOW"[look->entries[i].holds[k]], look -> entries[i].seen[k] ? "*" : "");
    return text;
}

static const char *const low[] = { "bin/", "bin/sh",   "etc/",          "etc/motd", "gone",
                                   "old/", "old/file", "usr/a/b/c/d/e", NULL };
static const char *const high[] = { "./etc/motd", "etc/.wh.none", ".wh.gone",  "old/.wh..wh..opq",
                                    "old/new",    "again",        ".wh.again", NULL };

static void look_at(struct store *store, const char *what, struct image_look *look)
{
    struct err err = { 0 };
    if (image_look(store, NULL, what, NULL, look, &err) < 0)
        fail_msg("%s", err.message);
    /* All of it comes through the document by which it is handed on. */
    struct image_look back;
    json_t *json = image_look_json(look);
    assert_int_equal(image_look_parse(json, &back, &err), 0);
    json_decref(json);
    assert_memory_equal(&back, look, sizeof back);
}

static void each_file_is_told_of_with_the_layer_that_holds_it(void **state)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        struct store *store = open_store(gzip ? "gzip" : "plain");
        const struct image_layer layers[] = { add_layer(store, low, gzip), add_layer(store, high, gzip) };
        struct image_look look;
        make(store, "base:latest", layers, 1, NULL);
        make(store, "both:v1", layers, 2, NULL);
        look_at(store, NULL, &look);
        assert_string_equal(look.name, "both:v1");
        assert_string_equal(look.damage, "");
        assert_int_equal(look.count, 2);
        assert_int_equal(look.size, layers[0].size + layers[1].size);
        assert_true(digest_equal(&look.layers[0].digest, &layers[1].digest));
        assert_false(look.more);
        assert_string_equal(line_of(&look, "bin"), "1D*");
        assert_string_equal(line_of(&look, "etc"), "0D* 1D*");
        assert_string_equal(line_of(&look, "etc/motd"), "0F* 1F");
        assert_string_equal(line_of(&look, "etc/none"), "0W");
        assert_string_equal(line_of(&look, "gone"), "0W 1F");
        assert_string_equal(line_of(&look, "again"), "0F*"); /* a whiteout takes nothing of its own layer */
        assert_string_equal(line_of(&look, "old"), "0O* 1D");
        assert_string_equal(line_of(&look, "old/file"), "1F");
        assert_string_equal(line_of(&look, "old/new"), "0F*");
        assert_string_equal(line_of(&look, "usr"), "1D*"); /* no entry of its own speaks of it */
        store_close(store);
    }
}

static void who_else_has_a_layer_is_an_image_and_not_a_name(void **state)
{
    struct store *store = open_store("shared"), *beside = open_store("beside");
    const struct image_layer layers[] = { add_layer(store, low, false), add_layer(store, high, false) };
    struct image_look look;
    make(store, "mine:latest", layers, 2, NULL);
    make(store, "mine:again", layers, 2, NULL);
    look_at(store, NULL, &look);
    assert_int_equal(look.layers[1].sharers, 0);
    make(store, "base:latest", layers, 1, NULL);
    make(store, "base:again", layers, 1, NULL);
    look_at(store, "mine", &look);
    assert_int_equal(look.layers[0].sharers, 0);
    assert_int_equal(look.layers[1].sharers, 1);
    assert_string_equal(look.layers[1].shared, "base:latest");
    /* In the store beside, under which a layout that was unpacked is looked at. */
    const struct image_layer other = add_layer(beside, high, false);
    make(beside, "third:1", &other, 1, NULL);
    assert_int_equal(image_look(store, beside, "mine", NULL, &look, NULL), 0);
    assert_string_equal(look.layers[0].shared, "third:1");
    store_close(beside);
    store_close(store);
}

static void a_layer_is_what_the_step_of_the_history_made(void **state)
{
    struct store *store = open_store("history");
    const struct image_layer layers[] = { add_layer(store, low, false), add_layer(store, high, false) };
    struct image_look look;
    make(store, "one:1", layers, 2,
         json_pack("[{s:s},{s:s,s:b},{s:s,s:s}]", "created_by", "/bin/sh -c #(nop) ADD file:1 in / ", "created_by",
                   "ENV X", "empty_layer", 1, "created_by", "", "comment", "Imported\nfrom -"));
    look_at(store, NULL, &look);
    assert_string_equal(look.layers[1].made, "ADD file:1 in / ");
    assert_string_equal(look.layers[0].made, "Imported from -");
    make(store, "two:1", layers, 2, json_pack("[{s:s}]", "created_by", "of one layer alone"));
    look_at(store, NULL, &look);
    assert_string_equal(look.layers[0].made, "");
    assert_string_equal(look.layers[1].made, "");
    store_close(store);
}

static void the_image_in_question_is_the_one_that_was_named_last(void **state)
{
    struct store *store = open_store("last");
    const struct image_layer layers[] = { add_layer(store, low, false), add_layer(store, high, false) };
    struct image_look look;
    struct err err = { 0 };
    assert_int_equal(image_look(store, NULL, NULL, NULL, &look, &err), -1);
    assert_int_equal(err.code, ENOENT);
    struct digest first = make(store, "a:1", layers, 1, NULL), second = make(store, "b:1", layers + 1, 1, NULL);
    look_at(store, NULL, &look);
    assert_string_equal(look.name, "b:1");
    /* One that had lost its name gets one again, where it stands. */
    assert_int_equal(store_set_name(store, "docker.io/library/a:1", &second, MEDIA_MANIFEST, 1, NULL), 0);
    assert_int_equal(store_set_name(store, "docker.io/library/c:1", &first, MEDIA_MANIFEST, 1, NULL), 0);
    look_at(store, NULL, &look);
    assert_string_equal(look.name, "c:1");
    assert_int_equal(store_remove_name(store, "docker.io/library/c:1", NULL, true, NULL), 0);
    look_at(store, NULL, &look);
    assert_string_equal(look.name, "a:1");
    store_close(store);
}

static void blob_path(const struct digest *digest, const char *store, char path[256])
{
    snprintf(path, 256, "%s/%s/blobs/sha256/%s", base, store, digest_hex(digest));
}

static void what_has_not_the_digest_it_should_have_is_not_shown(void **state)
{
    struct store *store = open_store("damaged");
    const struct image_layer layers[] = { add_layer(store, low, false), add_layer(store, high, false) };
    struct image_layer lies = layers[1];
    struct image_look look;
    char path[256];
    make(store, "x:1", layers, 2, NULL);
    blob_path(&layers[0].digest, "damaged", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "X", 1, 2 * TAR_BLOCK), 1); /* of the first file */
    close(fd);
    look_at(store, NULL, &look);
    assert_non_null(strstr(look.damage, "its bytes have the digest sha256:"));
    assert_int_equal(look.entry_count, 0);
    assert_int_equal(look.count, 2);
    unlink(path);
    look_at(store, NULL, &look);
    assert_non_null(strstr(look.damage, "is not in the image store"));
    assert_int_equal(mkfifo(path, 0600), 0); /* it is not waited for */
    look_at(store, NULL, &look);
    assert_non_null(strstr(look.damage, "not a regular file"));
    lies.diff_id = layers[0].diff_id;
    make(store, "y:1", &lies, 1, NULL);
    look_at(store, NULL, &look);
    assert_non_null(strstr(look.damage, "its image says"));
    store_close(store);
}

static void however_much_there_is_little_is_kept(void **state)
{
    struct store *store = open_store("much");
    struct archive archive = { 0 };
    struct image_layer layers[10];
    struct image_look look;
    char name[128];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "d%05d/deep/er/and/deeper/file", i);
        archive_file(&archive, name, "");
    }
    archive_end(&archive);
    struct source *from = source_memory(archive.data, archive.size, NULL);
    assert_int_equal(image_add_layer(store, from, false, &layers[0], NULL, NULL, NULL), 0);
    source_close(from);
    free(archive.data);
    for (int i = 1; i < 10; i++) {
        const char *const names[] = { "both/", "both/x", (snprintf(name, sizeof name, "f%d", i), name), NULL };
        layers[i] = add_layer(store, names, false);
    }
    make(store, "much:1", layers, 1, NULL);
    look_at(store, NULL, &look);
    assert_true(look.more);
    assert_int_equal(look.entry_count, LOOK_ENTRIES);
    assert_string_equal(line_of(&look, "d00000"), "0D*");
    make(store, "many:1", layers, 10, NULL);
    look_at(store, NULL, &look);
    assert_int_equal(look.count, 10);
    assert_string_equal(line_of(&look, "f9"), "0F*");
    assert_string_equal(line_of(&look, "f2"), "7F*");
    assert_string_equal(line_of(&look, "f1"), ""); /* the ninth from above */
    store_close(store);
}

/* Zeros without end, as a file that is as long as a number can be: it is left when enough of it was read. */
static void a_layer_without_end_is_not_read_to_its_end(void **state)
{
    struct store *store = open_store("bomb");
    struct blob *blob = blob_begin(store, NULL, NULL);
    struct image_layer layer = { .compression = COMPRESSION_GZIP, .media = MEDIA_LAYER "+gzip" };
    struct sink *to =
        sink_compress(sink_digest(blob_sink(blob, NULL), &layer.digest, &layer.size, NULL), COMPRESSION_GZIP, NULL);
    struct archive archive = { 0 };
    struct image_look look;
    static char zeros[1 << 20];
    archive_file(&archive, "first", "1");
    archive_header(&archive, header_of("huge", '0', (uint64_t)400 << 20));
    assert_int_equal(to->write(to, archive.data, archive.size, NULL), 0);
    for (int i = 0; i < 400; i++)
        assert_int_equal(to->write(to, zeros, sizeof zeros, NULL), 0);
    assert_int_equal(to->finish(to, NULL), 0);
    sink_close(to);
    free(archive.data);
    assert_int_equal(blob_commit(blob, &layer.digest, NULL), 0);
    layer.diff_id = layer.digest;
    make(store, "bomb:1", &layer, 1, NULL);
    look_at(store, NULL, &look);
    assert_true(look.more);
    assert_string_equal(look.damage, "");
    assert_string_equal(line_of(&look, "first"), "0F*");
    store_close(store);
}

static void what_is_known_is_not_read_again(void **state)
{
    struct store *store = open_store("known");
    const struct image_layer layer = add_layer(store, low, false);
    struct image_look look;
    struct digest manifest = make(store, "k:1", &layer, 1, NULL);
    const char *const known[] = { "sha256:0", manifest.text, NULL };
    char path[256];
    blob_path(&layer.digest, "known", path);
    unlink(path);
    assert_int_equal(image_look(store, NULL, NULL, known, &look, NULL), 0);
    assert_true(look.known);
    assert_string_equal(look.damage, "");
    assert_string_equal(look.name, "k:1");
    store_close(store);
}

/* Whoever looks has read what a lab wrote: its answer is not believed either. */
static void an_answer_that_is_not_as_it_should_be_is_refused(void **state)
{
    struct store *store = open_store("answer");
    const struct image_layer layer = add_layer(store, low, false);
    struct image_look look, back;
    make(store, "a:1", &layer, 1, NULL);
    look_at(store, NULL, &look);
    static const char *const wrong[] = {
        "{\"name\":7}",
        "{\"name\":null}",
        "{\"manifest\":\"../../etc\"}",
        "{\"manifest\":\"\"}",
        "{\"size\":-1}",
        "{\"size\":\"9\"}",
        "{\"count\":2}",
        "{\"count\":-1}",
        "{\"layers\":{}}",
        "{\"layers\":[{}]}",
        "{\"entries\":[1]}",
        "{\"entries\":[{\"path\":\"x\",\"cut\":false,\"holds\":[5,0,0,0,0,0,0,0],\"seen\":[true,true,true,true,true,"
        "true,true,true]}]}",
        "{\"entries\":[{\"path\":\"\",\"cut\":false,\"holds\":[1,0,0,0,0,0,0,0],\"seen\":[true,true,true,true,true,"
        "true,true,true]}]}",
        "{\"entries\":[{\"path\":\"x\",\"cut\":false,\"holds\":[1],\"seen\":[true]}]}",
        "{\"more\":1}",
        "{\"damage\":[]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *json = image_look_json(&look), *change = json_loads(wrong[i], 0, NULL);
        assert_non_null(change);
        json_object_update(json, change);
        if (image_look_parse(json, &back, NULL) == 0)
            fail_msg("taken: %s", wrong[i]);
        json_decref(change);
        json_decref(json);
    }
    json_t *json = image_look_json(&look), *many = json_array();
    for (int i = 0; i < LOOK_ENTRIES + 1; i++)
        json_array_append(many, json_array_get(json_object_get(json, "entries"), 0));
    json_object_set_new(json, "entries", many);
    assert_int_equal(image_look_parse(json, &back, NULL), -1);
    json_decref(json);
    assert_int_equal(image_look_parse(NULL, &back, NULL), -1);
    /* No control character gets to the screen, and no byte that is no text. */
    snprintf(look.entries[0].path, LAYER_PATH, "a\033[2Jb\xff");
    json = image_look_json(&look);
    assert_int_equal(image_look_parse(json, &back, NULL), 0);
    assert_string_equal(back.entries[0].path, "a?[2Jb?");
    json_decref(json);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_told_of_with_the_layer_that_holds_it),
        cmocka_unit_test(who_else_has_a_layer_is_an_image_and_not_a_name),
        cmocka_unit_test(a_layer_is_what_the_step_of_the_history_made),
        cmocka_unit_test(the_image_in_question_is_the_one_that_was_named_last),
        cmocka_unit_test(what_has_not_the_digest_it_should_have_is_not_shown),
        cmocka_unit_test(however_much_there_is_little_is_kept),
        cmocka_unit_test(a_layer_without_end_is_not_read_to_its_end),
        cmocka_unit_test(what_is_known_is_not_read_again),
        cmocka_unit_test(an_answer_that_is_not_as_it_should_be_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

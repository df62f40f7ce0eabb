/* The image store: what is kept is whole, what a dead maker left goes, names are replaced whole, rubbish is what no name leads to. */
#include "engine/image/store.h"

#include "engine/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

static const char *in_base(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", base, name);
    return path;
}

static struct store *open_store(const char *name, enum store_access access, const char *below)
{
    struct err err = { 0 };
    struct store *store = store_open(in_base(name), access, below ? in_base(below) : NULL, &err);
    if (!store)
        fail_msg("%s", err.message);
    return store;
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.' || (entry->d_name[1] && entry->d_name[1] != '.');
    closedir(dir);
    return count;
}

static struct digest add(struct store *store, const char *text)
{
    struct digest digest;
    struct err err = { 0 };
    if (store_add(store, text, strlen(text), &digest, &err) < 0)
        fail_msg("%s", err.message);
    return digest;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_store_is_an_image_layout(void **state)
{
    char text[128];
    struct store *store = open_store("layout", STORE_WRITE, NULL);
    FILE *file = fopen(in_base("layout/oci-layout"), "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "{\"imageLayoutVersion\":\"1.0.0\"}");
    struct digest digest = add(store, "hello\n");
    assert_string_equal(digest.text, "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    assert_int_equal(
        access(in_base("layout/blobs/sha256/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"), R_OK),
        0);
    assert_int_equal(count_entries(in_base("layout/.ingest")), 0);
    store_close(store);
}

static void a_directory_of_something_else_is_refused(void **state)
{
    struct err err = { 0 };
    mkdir(in_base("other"), 0755);
    write_file(in_base("other/thesis.txt"), "years of work");
    assert_null(store_open(in_base("other"), STORE_WRITE, NULL, &err));
    assert_int_equal(err.code, EINVAL);
    assert_non_null(strstr(err.message, "thesis.txt"));
    assert_int_equal(count_entries(in_base("other")), 1);
    mkdir(in_base("future"), 0755);
    write_file(in_base("future/oci-layout"), "{\"imageLayoutVersion\":\"9.0.0\"}");
    assert_null(store_open(in_base("future"), STORE_WRITE, NULL, &err));
    assert_int_equal(err.code, EINVAL);
    assert_null(store_open(in_base("nowhere"), STORE_READ, NULL, &err));
    assert_int_equal(err.code, ENOENT);
}

static void what_a_dead_maker_left_goes_and_a_living_ones_stays(void **state)
{
    int ready[2];
    char byte;
    struct err err = { 0 };
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *store = open_store("dead", STORE_WRITE, NULL);
        struct blob *blob = blob_begin(store, NULL, NULL);
        if (!blob || write(blob_fd(blob), "half", 4) != 4 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct store *store = open_store("dead", STORE_WRITE, NULL);
    struct blob *mine = blob_begin(store, NULL, &err);
    assert_non_null(mine);
    store_close(open_store("dead", STORE_WRITE, NULL));
    assert_int_equal(count_entries(in_base("dead/.ingest")), 2);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    store_close(open_store("dead", STORE_WRITE, NULL));
    assert_int_equal(count_entries(in_base("dead/.ingest")), 1);
    blob_abandon(mine, false);
    assert_int_equal(count_entries(in_base("dead/.ingest")), 0);
    store_close(store);
    close(ready[0]);
    close(ready[1]);
}

static void a_cut_download_is_taken_up(void **state)
{
    struct err err = { 0 };
    struct digest digest;
    struct store *store = open_store("cut", STORE_WRITE, NULL);
    digest_of("whole", 5, &digest, &err);
    struct blob *blob = blob_begin(store, &digest, &err);
    assert_int_equal(blob_have(blob), 0);
    assert_int_equal(blob_sink(blob, &err)->write(blob_sink(blob, &err), "who", 3, &err), 0);
    /* Who wants the same meanwhile begins anew, and disturbs nobody. */
    struct blob *other = blob_begin(store, &digest, &err);
    assert_int_equal(blob_have(other), 0);
    blob_abandon(other, true);
    blob_abandon(blob, true);
    store_close(store);
    store = open_store("cut", STORE_WRITE, NULL);
    blob = blob_begin(store, &digest, &err);
    assert_int_equal(blob_have(blob), 3);
    assert_int_equal(write(blob_fd(blob), "le", 2), 2);
    assert_int_equal(blob_commit(blob, &digest, &err), 0);
    uint64_t size = 0;
    assert_int_equal(store_has(store, &digest, &size, &err), 1);
    assert_int_equal(size, 5);
    assert_int_equal(count_entries(in_base("cut/.ingest")), 0);
    store_close(store);
}

static int collect_name(const struct store_name *name, void *data)
{
    char *text = data;
    snprintf(text + strlen(text), 512 - strlen(text), "%s=%.5s%s;", name->name ? name->name : "-",
             digest_hex(&name->manifest), name->below ? "b" : "");
    return 0;
}

static const char *names(struct store *store)
{
    static char text[512];
    struct err err = { 0 };
    *text = '\0';
    if (store_names(store, collect_name, text, &err) < 0)
        fail_msg("%s", err.message);
    return text;
}

static void a_name_moves_and_leaves_the_image(void **state)
{
    struct err err = { 0 };
    struct digest found;
    struct store *store = open_store("names", STORE_WRITE, NULL);
    struct digest a = add(store, "a"), b = add(store, "b"); /* ca978…, 3e23e… */
    assert_int_equal(store_set_name(store, "x", &a, MEDIA_MANIFEST, 1, &err), 0);
    assert_int_equal(store_set_name(store, "y", &a, MEDIA_MANIFEST, 1, &err), 0);
    assert_string_equal(names(store), "x=ca978;y=ca978;");
    assert_int_equal(store_set_name(store, "x", &b, MEDIA_MANIFEST, 1, &err), 0);
    assert_string_equal(names(store), "y=ca978;x=3e23e;");
    assert_int_equal(store_set_name(store, "y", &b, MEDIA_MANIFEST, 1, &err), 0);
    assert_string_equal(names(store), "-=ca978;x=3e23e;y=3e23e;");
    assert_int_equal(store_find(store, "y", &found, &err), 1);
    assert_true(digest_equal(&found, &b));
    assert_int_equal(store_find(store, "z", &found, &err), 0);
    assert_int_equal(store_remove_name(store, "z", NULL, false, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_int_equal(store_remove_name(store, "x", NULL, false, &err), 0);
    assert_int_equal(store_remove_name(store, "y", NULL, false, &err), 0);
    assert_string_equal(names(store), "-=ca978;-=3e23e;");
    assert_int_equal(store_set_name(store, "w", &a, MEDIA_MANIFEST, 1, &err), 0);
    assert_string_equal(names(store), "-=3e23e;w=ca978;");
    assert_int_equal(store_remove_name(store, NULL, &b, true, &err), 0);
    assert_int_equal(store_remove_name(store, "w", &a, true, &err), 0);
    assert_string_equal(names(store), "");
    digest_of("absent", 6, &a, &err);
    assert_int_equal(store_set_name(store, "x", &a, MEDIA_MANIFEST, 6, &err), -1);
    assert_int_equal(err.code, ENOENT);
    store_close(store);
}

static void the_store_below_is_read_through_and_not_changed(void **state)
{
    struct err err = { 0 };
    struct store *low = open_store("low", STORE_WRITE, NULL);
    struct digest a = add(low, "a"), b = add(low, "b");
    store_set_name(low, "x", &a, MEDIA_MANIFEST, 1, &err);
    store_set_name(low, "y", &b, MEDIA_MANIFEST, 1, &err);
    store_close(low);
    struct store *store = open_store("high", STORE_WRITE, "low");
    assert_string_equal(names(store), "x=ca978b;y=3e23eb;");
    assert_int_equal(store_set_name(store, "x", &b, MEDIA_MANIFEST, 1, &err), 0);
    assert_string_equal(names(store), "x=3e23e;y=3e23eb;");
    assert_int_equal(store_remove_name(store, "y", NULL, true, &err), -1);
    assert_int_equal(err.code, EROFS);
    assert_int_equal(store_remove_name(store, "x", NULL, true, &err), 0);
    assert_string_equal(names(store), "x=ca978b;y=3e23eb;");
    store_close(store);
    store = open_store("high", STORE_READ, "low");
    assert_int_equal(store_add(store, "c", 1, &a, &err), -1);
    assert_int_equal(err.code, EROFS);
    store_close(store);
}

/* Two processes that name a hundred images each lose none. */
static void names_set_at_once_are_all_there(void **state)
{
    pid_t pids[2];
    struct err err = { 0 };
    struct store *store = open_store("both", STORE_WRITE, NULL);
    struct digest a = add(store, "a");
    for (int p = 0; p < 2; p++)
        if ((pids[p] = fork()) == 0) {
            char name[32];
            struct store *own = open_store("both", STORE_WRITE, NULL);
            for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof name, "n%d-%d", p, i);
                if (store_set_name(own, name, &a, MEDIA_MANIFEST, 1, NULL) < 0)
                    _exit(1);
            }
            _exit(0);
        }
    for (int p = 0; p < 2; p++) {
        int status;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 200; i++) {
        char name[32];
        struct digest found;
        snprintf(name, sizeof name, "n%d-%d", i % 2, i / 2);
        assert_int_equal(store_find(store, name, &found, &err), 1);
    }
    store_close(store);
}

static void a_damaged_document_is_not_believed(void **state)
{
    struct err err = { 0 };
    struct store *store = open_store("damaged", STORE_WRITE, NULL);
    struct digest digest = add(store, "{\"a\":1}");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/damaged/blobs/sha256/%s", base, digest_hex(&digest));
    write_file(path, "{\"a\":2}");
    assert_null(store_read_json(store, &digest, &err));
    assert_int_equal(err.code, EIO);
    /* Bringing it in again makes it whole. */
    add(store, "{\"a\":1}");
    json_t *json = store_read_json(store, &digest, &err);
    assert_non_null(json);
    json_decref(json);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_an_image_layout),
        cmocka_unit_test(a_directory_of_something_else_is_refused),
        cmocka_unit_test(what_a_dead_maker_left_goes_and_a_living_ones_stays),
        cmocka_unit_test(a_cut_download_is_taken_up),
        cmocka_unit_test(a_name_moves_and_leaves_the_image),
        cmocka_unit_test(the_store_below_is_read_through_and_not_changed),
        cmocka_unit_test(names_set_at_once_are_all_there),
        cmocka_unit_test(a_damaged_document_is_not_believed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

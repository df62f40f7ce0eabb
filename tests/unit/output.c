/* A file that is written: there whole or not at all, and no other one is lost for it. */
#include "engine/base/cleanup.h"
#include "engine/base/output.h"

#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[96];

static void put(const char *name, const char *text)
{
    cleanup_file FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
}

static void assert_holds(const char *name, const char *text)
{
    char found[64] = "";
    cleanup_file FILE *file = fopen(name, "re");
    assert_non_null(file);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    assert_string_equal(found, text);
}

static size_t entries(void)
{
    size_t count = 0;
    cleanup_dir DIR *directory = opendir(base);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    return count;
}

static void begin(struct output *output, const char *text)
{
    struct err err;
    snprintf(path, sizeof path, "%s/out", base);
    assert_int_equal(output_open(output, path, 0666, &err), 0);
    assert_int_equal(write(output->fd, text, strlen(text)), strlen(text));
}

static void what_is_not_committed_leaves_nothing(void **state)
{
    struct output output;
    begin(&output, "half");
    output_close(&output);
    assert_int_equal(entries(), 0);
}

static void what_is_committed_takes_the_place_of_what_was_there(void **state)
{
    struct err err;
    for (int i = 0; i < 2; i++) {
        struct output output;
        begin(&output, i ? "two" : "one");
        if (i)
            assert_holds(path, "one");
        assert_int_equal(output_commit(&output, &err), 0);
        output_close(&output);
        assert_holds(path, i ? "two" : "one");
        assert_int_equal(entries(), 1);
    }
}

/* The file goes by way of another name: one that is somebody else's is neither taken nor removed. */
static void a_file_that_happens_to_have_the_other_name_stays(void **state)
{
    struct output output;
    struct err err;
    char other[128];
    begin(&output, "three");
    snprintf(other, sizeof other, "%s.%d-0", path, getpid());
    put(other, "not yours");
    assert_int_equal(output_commit(&output, &err), 0);
    output_close(&output);
    assert_holds(path, "three");
    assert_holds(other, "not yours");
    assert_int_equal(entries(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_committed_leaves_nothing),
        cmocka_unit_test(what_is_committed_takes_the_place_of_what_was_there),
        cmocka_unit_test(a_file_that_happens_to_have_the_other_name_stays),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Progress survives two writers, damage and a move to another machine. */
#include "repl/lesson/lesson.h"
#include "repl/lesson/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/teachroot-progress-XXXXXX";
static char file[256];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/deep/er/progress.json", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const names[] = { "deep/er/progress.json",
                                         "deep/er/progress.json.lock",
                                         "deep/er/progress.json.damaged-1",
                                         "deep/er/progress.json.damaged-2",
                                         "deep/er",
                                         "deep",
                                         "teachroot/progress.json",
                                         "teachroot/progress.json.lock",
                                         "teachroot",
                                         "copy.json",
                                         "" };
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
    return access(directory, F_OK) == 0; /* something unexpected was left */
}

static struct progress *load(const char *path)
{
    struct err err = { 0 };
    struct progress *progress = progress_load(path, &err);
    if (!progress || err.code)
        fail_msg("progress_load: %s", err.message);
    return progress;
}

static void pass(struct progress *progress, const char *lesson, unsigned step, const char *hash)
{
    struct err err = { 0 };
    if (progress_pass(progress, lesson, step, hash, &err) < 0)
        fail_msg("progress_pass: %s", err.message);
}

static void what_was_passed_is_there_next_time(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct progress *progress = load(file);
    assert_string_equal(progress_last(progress), "");
    assert_false(progress_passed(progress, "01-a.md", 1, "aa"));
    pass(progress, "01-a.md", 1, "aa");
    pass(progress, "01-a.md", 2, "bb");
    pass(progress, "01-a.md", 10, "cc");
    assert_int_equal(progress_set_last(progress, "01-a.md", &err), 0);
    progress_free(progress);

    progress = load(file);
    assert_true(progress_passed(progress, "01-a.md", 1, "aa"));
    assert_true(progress_passed(progress, "01-a.md", 10, "cc"));
    assert_false(progress_passed(progress, "01-a.md", 3, "aa"));
    assert_false(progress_passed(progress, "02-b.md", 1, "aa"));
    assert_string_equal(progress_last(progress), "01-a.md");
    assert_int_equal(progress_forget(progress, "01-a.md", 2, &err), 0);
    assert_true(progress_passed(progress, "01-a.md", 1, "aa"));
    assert_false(progress_passed(progress, "01-a.md", 10, "cc"));
    assert_int_equal(progress_forget(progress, "01-a.md", 0, &err), 0);
    assert_false(progress_passed(progress, "01-a.md", 1, "aa"));
    progress_free(progress);
}

static void an_edited_step_is_not_ticked(void **state)
{
    (void)state;
    char title[] = "One", check[] = "true", other[] = "false", joined[] = "Onetrue", empty[] = "";
    char hash[17], again[17], edited[17], shifted[17], without[17];
    step_hash(&(struct step){ .title = title, .check = check }, hash);
    step_hash(&(struct step){ .title = title, .check = check }, again);
    step_hash(&(struct step){ .title = title, .check = other }, edited);
    step_hash(&(struct step){ .title = joined, .check = empty }, shifted);
    step_hash(&(struct step){ .title = title }, without);
    assert_int_equal(strspn(hash, "0123456789abcdef"), 16);
    assert_string_equal(hash, again);
    assert_string_not_equal(hash, edited);
    assert_string_not_equal(hash, shifted);
    assert_string_not_equal(hash, without);
    struct progress *progress = load(file);
    pass(progress, "01-a.md", 1, hash);
    assert_false(progress_passed(progress, "01-a.md", 1, edited));
    progress_free(progress);
}

static void two_programs_lose_nothing_of_each_other(void **state)
{
    (void)state;
    enum { WRITERS = 4, STEPS = 25 };
    pid_t writers[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = fork();
        assert_true(writers[w] >= 0);
        if (writers[w] > 0)
            continue;
        char lesson[32];
        struct err err = { 0 };
        snprintf(lesson, sizeof lesson, "%d.md", w);
        struct progress *progress = progress_load(file, &err);
        for (unsigned step = 1; progress && step <= STEPS; step++)
            if (progress_pass(progress, lesson, step, "aa", &err) < 0)
                _exit(1);
        _exit(progress ? 0 : 1);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        assert_int_equal(waitpid(writers[w], &status, 0), writers[w]);
        assert_int_equal(status, 0);
    }
    struct progress *progress = load(file);
    for (int w = 0; w < WRITERS; w++)
        for (unsigned step = 1; step <= STEPS; step++) {
            char lesson[32];
            snprintf(lesson, sizeof lesson, "%d.md", w);
            assert_true(progress_passed(progress, lesson, step, "aa"));
        }
    progress_free(progress);
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void a_damaged_file_is_set_aside_and_said(void **state)
{
    (void)state;
    static const char *const damaged[] = { "{\"version\": 1, \"passed\": {\"01-a.md\": {\"1\"",
                                           "{\"version\": 2, \"passed\": {}}",
                                           "{\"version\": 1, \"passed\": {\"a\": {\"1\": 1}}}", "", "[]" };
    char aside[512];
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct progress *progress = load(file);
        pass(progress, "01-a.md", 1, "aa");
        progress_free(progress);
        write_text(file, damaged[i]);
        struct err err = { 0 };
        progress = progress_load(file, &err);
        assert_non_null(progress);
        assert_int_equal(err.code, EBADMSG);
        snprintf(aside, sizeof aside, "%s.damaged-1", file);
        assert_non_null(strstr(err.message, aside));
        char kept[128] = "";
        int fd = open(aside, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0 && read(fd, kept, sizeof kept - 1) >= 0);
        close(fd);
        assert_string_equal(kept, damaged[i]);
        assert_false(progress_passed(progress, "01-a.md", 1, "aa"));
        pass(progress, "01-a.md", 2, "bb"); /* and it goes on */
        progress_free(progress);
        progress = load(file);
        assert_true(progress_passed(progress, "01-a.md", 2, "bb"));
        progress_free(progress);
        assert_int_equal(unlink(aside), 0);
    }
}

static void damage_while_it_is_open_loses_nothing_held_in_memory(void **state)
{
    (void)state;
    struct progress *progress = load(file);
    pass(progress, "01-a.md", 1, "aa");
    write_text(file, "garbage");
    pass(progress, "01-a.md", 2, "bb");
    progress_free(progress);
    progress = load(file);
    assert_true(progress_passed(progress, "01-a.md", 1, "aa"));
    assert_true(progress_passed(progress, "01-a.md", 2, "bb"));
    progress_free(progress);
}

static void a_copy_of_the_file_is_progress_elsewhere(void **state)
{
    (void)state;
    char copy[256], text[4096];
    struct progress *progress = load(file);
    pass(progress, "01-a.md", 1, "aa");
    progress_free(progress);
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[len] = '\0';
    assert_null(strstr(text, directory)); /* nothing of this machine is in it */
    snprintf(copy, sizeof copy, "%s/copy.json", directory);
    write_text(copy, text);
    progress = load(copy);
    assert_true(progress_passed(progress, "01-a.md", 1, "aa"));
    progress_free(progress);
}

static void put_together_two_files_lose_nothing_and_the_later_place_counts(void **state)
{
    (void)state;
    struct err err = { 0 };
    char copy[256];
    snprintf(copy, sizeof copy, "%s/copy.json", directory);
    write_text(copy,
               "{\"version\": 1, \"last\": \"02-b.md\", \"passed\": {\"01-a.md\": {\"1\": \"old\", \"3\": \"cc\"}, "
               "\"02-b.md\": {\"1\": \"dd\"}}, \"steps\": {\"01-a.md\": 3, \"02-b.md\": 2}, "
               "\"times\": {\"01-a.md\": 1000, \"02-b.md\": 5000000000}}");
    struct progress *progress = load(file), *other = progress_read(copy, &err);
    assert_non_null(other);
    pass(progress, "01-a.md", 1, "aa");
    assert_int_equal(progress_set_last(progress, "01-a.md", &err), 0);
    assert_int_equal(progress_set_step(progress, "01-a.md", 2, &err), 0);
    assert_int_equal(progress_merge(progress, other, &err), 0);
    progress_free(progress);
    progress = load(file);
    assert_true(progress_passed(progress, "01-a.md", 1, "aa")); /* its own, where both have it */
    assert_true(progress_passed(progress, "01-a.md", 3, "cc"));
    assert_true(progress_passed(progress, "02-b.md", 1, "dd"));
    assert_int_equal(progress_step(progress, "01-a.md"), 2); /* it was there later */
    assert_int_equal(progress_step(progress, "02-b.md"), 2);
    assert_string_equal(progress_last(progress), "02-b.md");
    assert_int_equal(progress_time(progress, "02-b.md"), 5000000000);
    progress_free(other);
    assert_int_equal(progress_export(progress, copy, &err), 0);
    other = progress_read(copy, &err);
    assert_non_null(other);
    assert_int_equal(progress_passed_steps(other, "01-a.md"), 2);
    assert_string_equal(progress_lesson(other, 1), "02-b.md");
    assert_null(progress_lesson(other, 2));
    progress_free(other);
    progress_free(progress);
}

static void when_a_lesson_was_worked_on_is_known_and_old_files_do_not_say_it(void **state)
{
    (void)state;
    struct err err = { 0 };
    long long before = (long long)time(NULL);
    struct progress *progress = load(file);
    pass(progress, "01-a.md", 1, "aa");
    progress_free(progress);
    progress = load(file);
    assert_true(progress_time(progress, "01-a.md") >= before && progress_time(progress, "01-a.md") <= time(NULL));
    assert_int_equal(progress_time(progress, "02-b.md"), 0);
    assert_int_equal(progress_set_step(progress, "02-b.md", 1, &err), 0);
    assert_true(progress_time(progress, "02-b.md") >= before);
    progress_free(progress);
    write_text(file, "{\"version\": 1, \"passed\": {\"01-a.md\": {\"1\": \"aa\"}}, \"newer\": [1]}");
    progress = load(file);
    assert_int_equal(progress_time(progress, "01-a.md"), 0);
    pass(progress, "01-a.md", 2, "bb");
    progress_free(progress);
    char text[512] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    assert_non_null(strstr(text, "\"newer\"")); /* what a newer program wrote is kept */
}

static void somebody_elses_file_is_only_read(void **state)
{
    (void)state;
    struct err err = { 0 };
    char copy[256];
    snprintf(copy, sizeof copy, "%s/copy.json", directory);
    write_text(copy, "{\"version\": 1, \"pass");
    assert_null(progress_read(copy, &err));
    assert_int_equal(err.code, EBADMSG);
    assert_int_equal(access(copy, F_OK), 0);
    assert_int_equal(unlink(copy), 0);
    assert_null(progress_read(copy, &err));
    assert_int_equal(err.code, ENOENT);
}

static void the_default_place_is_the_state_directory(void **state)
{
    (void)state;
    char path[512];
    struct stat st;
    setenv("XDG_STATE_HOME", directory, 1);
    struct progress *progress = load(NULL);
    pass(progress, "01-a.md", 1, "aa");
    progress_free(progress);
    unsetenv("XDG_STATE_HOME");
    snprintf(path, sizeof path, "%s/teachroot/progress.json", directory);
    assert_int_equal(stat(path, &st), 0);
}

static void what_cannot_be_saved_is_an_error(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct progress *progress = load("/proc/nonexistent/progress.json");
    assert_int_equal(progress_pass(progress, "01-a.md", 1, "aa", &err), -1);
    assert_true(err.code != 0 && strstr(err.message, "/proc/nonexistent"));
    progress_free(progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_passed_is_there_next_time, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(an_edited_step_is_not_ticked, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(two_programs_lose_nothing_of_each_other, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside_and_said, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(damage_while_it_is_open_loses_nothing_held_in_memory, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_copy_of_the_file_is_progress_elsewhere, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(put_together_two_files_lose_nothing_and_the_later_place_counts, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(when_a_lesson_was_worked_on_is_known_and_old_files_do_not_say_it,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(somebody_elses_file_is_only_read, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(the_default_place_is_the_state_directory, make_directory, remove_directory),
        cmocka_unit_test(what_cannot_be_saved_is_an_error),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

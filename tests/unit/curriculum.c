/* The curriculum: read from lessons.md, found by number, path or title. */
#include "repl/lesson/curriculum.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/teachroot-curriculum-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    char lessons[256];
    snprintf(lessons, sizeof lessons, "%s/lessons", directory);
    assert_int_equal(mkdir(lessons, 0700), 0);
    write_file("lessons/00-lab.md", "");
    write_file("lessons/01-root.md", "");
    write_file("lessons/04-a b.md", "");
    return setenv("TEACHROOT_LESSONS", directory, 1);
}

static int remove_files(void **state)
{
    (void)state;
    static const char *const names[] = { "lessons/00-lab.md", "lessons/01-root.md",
                                         "lessons/04-a b.md", "lessons.md",
                                         "lessons",           "" };
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
    return unsetenv("TEACHROOT_LESSONS");
}

static const char good[] =
    "# Lessons\n\n| a | table |\n|---|---|\n| of | others |\n\n| # | Lesson | What you do |\n|--:|---|---|\n"
    "| 0 | [Your lab](lessons/00-lab.md) | Look around. |\n|  1  | [A new `root`](lessons/01-root.md)|Build one. |\n"
    "| 4 | [Apart](<lessons/04-a b.md>) |  |\n\n## Rows after the table are not lessons\n\n| 7 | x | y |\n";

static void the_table_is_read_in_order(void **state)
{
    (void)state;
    struct curriculum curriculum;
    struct err err = { 0 };
    char path[256];
    write_file("lessons.md", good);
    if (curriculum_load(&curriculum, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(curriculum.count, 3);
    assert_int_equal(curriculum.entries[2].number, 4);
    assert_string_equal(curriculum.entries[0].title, "Your lab");
    assert_string_equal(curriculum.entries[1].title, "A new root");
    assert_string_equal(curriculum.entries[1].summary, "Build one.");
    assert_string_equal(curriculum.entries[2].summary, "");
    snprintf(path, sizeof path, "%s/lessons/04-a b.md", directory);
    assert_string_equal(curriculum.entries[2].path, path);
    curriculum_free(&curriculum);

    snprintf(path, sizeof path, "%s/lessons.md", directory); /* the file itself may be named too */
    setenv("TEACHROOT_LESSONS", path, 1);
    assert_int_equal(curriculum_load(&curriculum, &err), 0);
    curriculum_free(&curriculum);
    setenv("TEACHROOT_LESSONS", directory, 1);
}

static void a_lesson_is_found_by_number_path_or_title(void **state)
{
    (void)state;
    struct curriculum curriculum;
    struct err err = { 0 };
    char path[256];
    write_file("lessons.md", good);
    assert_int_equal(curriculum_load(&curriculum, &err), 0);
    snprintf(path, sizeof path, "%s/lessons/../lessons/00-lab.md", directory);
    const struct {
        const char *name;
        int entry;
    } rows[] = { { "0", 0 }, { "01", 1 }, { "4", 2 }, { "your l", 0 }, { "A new", 1 }, { path, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *found = curriculum_find(&curriculum, rows[i].name, &err);
        if (!found)
            fail_msg("%s", err.message);
        assert_string_equal(found, curriculum.entries[rows[i].entry].path);
        free(found);
    }
    assert_null(curriculum_find(&curriculum, "2", &err));
    assert_non_null(strstr(err.message, "the lessons are 0, 1, 4"));
    assert_null(curriculum_find(&curriculum, "nowhere.md", &err));
    assert_int_equal(err.code, ENOENT);
    assert_null(curriculum_find(&curriculum, "A", &err)); /* two begin so */
    assert_int_equal(err.code, EINVAL);
    assert_null(curriculum_find(&curriculum, "", &err));
    curriculum_free(&curriculum);
}

static void a_wrong_table_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "# Lessons\n", "no table of lessons" },
        { "| 1 | [Gone](lessons/09-gone.md) | x |\n", "lessons/09-gone.md`: No such file" },
        { "\n| 1 | Plain | x |\n", "lessons.md:2: lesson 1 is `Plain`, expected a link" },
        { "| 1 | [A](lessons/01-root.md) | x |\n| 0 | [B](lessons/00-lab.md) | x |\n",
          "lessons.md:2: lesson 0 comes after lesson 1" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct curriculum curriculum;
        struct err err = { 0 };
        write_file("lessons.md", rows[i].text);
        assert_int_equal(curriculum_load(&curriculum, &err), -1);
        if (!strstr(err.message, rows[i].why))
            fail_msg("row %zu says `%s`", i, err.message);
        assert_null(curriculum.entries);
    }
    struct curriculum curriculum;
    struct err err = { 0 };
    setenv("TEACHROOT_LESSONS", "/nonexistent", 1);
    assert_int_equal(curriculum_load(&curriculum, &err), -1);
    assert_non_null(strstr(err.message, "TEACHROOT_LESSONS"));
    setenv("TEACHROOT_LESSONS", directory, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_read_in_order),
        cmocka_unit_test(a_lesson_is_found_by_number_path_or_title),
        cmocka_unit_test(a_wrong_table_is_refused_with_its_line),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}

/* What strace writes becomes rows: each form of its lines, what is folded, what is marked, and nothing but that from anything else. */
#include "repl/screen/lens_text.h"
#include "repl/session/lens_internal.h"
#include "repl/session/lens_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SHELL 4000001 /* above any pid there is: nothing is found in /proc */
#define CHILD 4000002
#define OTHER 4000003

static struct lens *fed;

static void feed(const char *text)
{
    lens_feed(fed, text, strlen(text), 1000);
}

static int begin(void **state)
{
    fed = lens_new();
    lens_begin(fed, SHELL);
    feed("4000001<4> execve(\"/usr/bin/bash\", [\"bash\"], 0x1 /* 9 vars */) = 0\n");
    return 0;
}

static int end(void **state)
{
    lens_free(fed);
    return 0;
}

static const struct lens_call *row(size_t index)
{
    const struct lens_call *call = lens_call_at(fed, index);
    if (!call)
        fail_msg("there are %zu rows, not %zu", lens_count(fed), index + 1);
    return call;
}

static void assert_row(size_t index, const char *words)
{
    char line[LENS_LINE_SIZE];
    lens_line_words(row(index), line, sizeof line);
    assert_string_equal(line, words);
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------ */

static void each_form_of_a_line_is_known(void **state)
{
    static const struct {
        const char *text;
        struct lens_line line;
    } forms[] = {
        { "7<bash> chdir(\"/\") = 0", { LENS_LINE_CALL, 7, "bash", "chdir", "\"/\"", 0, 0, true } },
        { "7  chdir(\"/no\")    = -1 ENOENT (No such file or directory)",
          { LENS_LINE_CALL, 7, "", "chdir", "\"/no\"", -1, ENOENT, true } },
        { "7<a \\76b> getpid() = 12", { LENS_LINE_CALL, 7, "a >b", "getpid", "", 12, 0, true } },
        { "7<sh> write(1, \"a)b\\\" = -1 EIO (\", 9) = 9",
          { LENS_LINE_CALL, 7, "sh", "write", "1, \"a)b\\\" = -1 EIO (\", 9", 9, 0, true } },
        { "7<sh> f({a=(1 << 2), b=\"(\"}) = 0x7f00",
          { LENS_LINE_CALL, 7, "sh", "f", "{a=(1 << 2), b=\"(\"}", 0x7f00, 0, true } },
        { "7<sh> wait4(-1,  <unfinished ...>", { LENS_LINE_UNFINISHED, 7, "sh", "wait4", "-1,", 0, 0, false } },
        { "7<sh> <... wait4 resumed>NULL, 0, NULL) = 8",
          { LENS_LINE_RESUMED, 7, "sh", "wait4", "NULL, 0, NULL", 8, 0, true } },
        { "7<sh> exit_group(3) = ?", { LENS_LINE_CALL, 7, "sh", "exit_group", "3", 0, 0, false } },
        { "7<sh> pause( <unfinished ...>) = ?", { LENS_LINE_CALL, 7, "sh", "pause", "", 0, 0, false } },
        { "7<sh> kill(1<systemd>, SIGTERM) = 0", { LENS_LINE_CALL, 7, "sh", "kill", "1, SIGTERM", 0, 0, true } },
        { "7<sh> f(\"1<a>\", 3<b>) = 0", { LENS_LINE_CALL, 7, "sh", "f", "\"1<a>\", 3", 0, 0, true } },
        { "7<sh> f() = -1 EWHATEVER (New)", { LENS_LINE_CALL, 7, "sh", "f", "", -1, 4095, true } },
        { "7<sh> +++ exited with 0 +++", { LENS_LINE_END, 7, "sh", "", "", 0, 0, false } },
        { "7<sh> +++ killed by SIGKILL +++", { LENS_LINE_END, 7, "sh", "", "", 0, 0, false } },
        { "strace: Can't stat 'x'", { LENS_LINE_SAID, 0, "", "", "Can't stat 'x'", 0, 0, false } },
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[256];
        struct lens_line line;
        const struct lens_line *right = &forms[i].line;
        snprintf(text, sizeof text, "%s", forms[i].text);
        lens_line_parse(text, &line);
        if (line.kind != right->kind || line.pid != right->pid || strcmp(line.process, right->process) != 0 ||
            strcmp(line.name, right->name) != 0 || strcmp(line.arguments, right->arguments) != 0 ||
            line.result != right->result || line.error != right->error || line.ended != right->ended)
            fail_msg("`%s`: kind %d, %d<%s> %s(%s) = %ld, errno %d, ended %d", forms[i].text, (int)line.kind, line.pid,
                     line.process, line.name, line.arguments, line.result, line.error, line.ended);
    }
}

static void what_has_no_form_is_passed_over(void **state)
{
    static const char *const lines[] = { "",
                                         "7",
                                         "x",
                                         "7<",
                                         "7<sh",
                                         "7<sh> ",
                                         "7<sh> f",
                                         "7<sh> f(",
                                         "7 f)",
                                         "7 f() ",
                                         "7 f() = ",
                                         "7 f() = x",
                                         "7 <... f",
                                         "7 <... f resumed>",
                                         "7 (",
                                         "-7 f() = 0",
                                         "99999999999999 f() = 0",
                                         "7 f(\"\\",
                                         "7 f(\") = 0",
                                         "7 --- SIGCHLD {} ---",
                                         "7 +++ superseded by execve in pid 8 +++" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[64];
        struct lens_line line;
        snprintf(text, sizeof text, "%s", lines[i]);
        if (lens_line_parse(text, &line) != LENS_LINE_OTHER)
            fail_msg("`%s` is taken for kind %d", lines[i], (int)line.kind);
    }
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------- */

static void the_way_into_the_lab_is_left_out(void **state)
{
    assert_int_equal(lens_count(fed), 0);
    lens_begin(fed, OTHER);
    feed("4000002<4> setns(4, CLONE_NEWUSER) = 0\n4000003<4> execve(\"/bin/bash\", [\"bash\"], 0x1 /* 9 vars */) = -1 "
         "ENOENT (x)\n"
         "4000003<4> execve(\"/usr/bin/bash\", [\"bash\"], 0x1 /* 9 vars */ <unfinished ...>\n"
         "4000003<4> <... execve resumed>) = 0\n4000003<4> chdir(\"/\") = 0\n");
    assert_int_equal(lens_count(fed), 1);
    assert_row(0, "bash chdir(\"/\") = 0");
}

static void lines_may_come_in_any_pieces(void **state)
{
    static const char text[] =
        "4000001<4> chdir(\"/\") = 0\n4000002<bash> mkdir(\"/a\", 0777) = -1 EEXIST (File exists)\n";
    for (size_t i = 0; i + 1 < sizeof text; i++)
        lens_feed(fed, text + i, 1, 0);
    assert_int_equal(lens_count(fed), 2);
    assert_row(1, "bash mkdir(\"/a\", 0777) = -1 EEXIST (File exists)");
}

static void a_search_along_path_is_the_row_of_what_was_found(void **state)
{
    feed("4000002<bash> execve(\"/usr/bin/env\", [\"env\", \"ls\"], 0x1 /* 9 vars */) = 0\n"
         "4000002<env> execve(\"/usr/sbin/ls\", [\"ls\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n"
         "4000003<bash> mkdir(\"/a\", 0777) = 0\n"
         "4000002<env> execve(\"/sbin/ls\", [\"ls\"], 0x1 /* 9 vars */ <unfinished ...>\n"
         "4000003<bash> mkdir(\"/b\", 0777) = 0\n"
         "4000002<env> <... execve resumed>) = -1 ENOTDIR (x)\n"
         "4000002<env> execve(\"/usr/bin/ls\", [\"ls\"], 0x1 /* 9 vars */) = 0\n"
         "4000002<env> chdir(\"/\") = 0\n");
    assert_int_equal(lens_count(fed), 5);
    assert_row(0, "bash execve(\"/usr/bin/env\", [\"env\", \"ls\"], /* 9 vars */) = 0");
    assert_row(3, "env execve(\"/usr/bin/ls\", [\"ls\"], /* 9 vars */) = 0");
    assert_row(4, "ls chdir(\"/\") = 0");
    assert_int_equal(row(4)->number, 7);
}

static void a_search_that_finds_nothing_is_its_last_row_and_one_that_is_refused_the_refusal(void **state)
{
    const struct lens_call *failures[4];
    lens_command(fed, 1, 1000);
    feed("4000002<env> execve(\"/sbin/a\", [\"a\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n"
         "4000002<env> execve(\"/bin/a\", [\"a\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n"
         "4000003<env> execve(\"/sbin/b\", [\"b\"], 0x1 /* 9 vars */) = -1 EACCES (x)\n"
         "4000003<env> execve(\"/bin/b\", [\"b\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n"
         "4000003<env> execve(\"/opt/b\", [\"b\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n");
    assert_int_equal(lens_failures(fed, 1, failures, 4), 2);
    assert_string_equal(failures[0]->arguments, "\"/bin/a\", [\"a\"], /* 9 vars */");
    assert_int_equal(failures[1]->error, EACCES);
    assert_int_equal(lens_failures(fed, 2, failures, 4), 0);
    /* Two commands of one name that are not there are two failures. */
    lens_command(fed, 2, 1500);
    feed("4000004<bash> execve(\"/a\", [\"a\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n4000004<bash> +++ exited with 127 "
         "+++\n"
         "4000004<bash> execve(\"/b/a\", [\"a\"], 0x1 /* 9 vars */) = -1 ENOENT (x)\n");
    assert_int_equal(lens_failures(fed, 2, failures, 4), 2);
    assert_int_equal(lens_failures(fed, 1, failures, 1), 1); /* the newest */
    assert_int_equal(failures[0]->error, EACCES);
}

static void repeats_are_counted_in_one_row(void **state)
{
    feed("4000001<4> kill(1, 0) = 0\n4000001<4> kill(1, 0) = 0\n4000001<4> kill(1, 0) = 0\n"
         "4000001<4> kill(1, 0) = -1 ESRCH (x)\n4000002<bash> kill(1, 0) = -1 ESRCH (x)\n");
    assert_int_equal(lens_count(fed), 3);
    assert_row(0, "bash kill(1, 0) = 0 (3 times)");
    assert_int_equal(row(1)->repeats, 1);
}

static void a_call_that_sleeps_is_there_and_gets_its_result_when_it_has_one(void **state)
{
    feed("4000001<4> mount(\"x\", \"/m\",  <unfinished ...>\n4000002<bash> mkdir(\"/a\", 0777) = 0\n");
    assert_row(0, "bash mount(\"x\", \"/m\",) = not returned");
    assert_false(row(0)->ended);
    feed("4000001<4> <... mount resumed>\"proc\", 0, NULL) = -1 EBUSY (x)\n");
    assert_row(0, "bash mount(\"x\", \"/m\", \"proc\", 0, NULL) = -1 EBUSY (Device or resource busy)");
    feed("4000001<4> <... mount resumed>\"proc\", 0, NULL) = 0\n"); /* of nothing that is known */
    assert_int_equal(lens_count(fed), 2);
}

static void what_a_step_asks_for_is_marked_once(void **state)
{
    struct lens_wish wishes[LENS_WISHES];
    size_t count =
        lens_wishes("# assert syscalls\nassert syscall mkdir failed EEXIST && assert syscall 'chdir' succeeded\n"
                    "assert not syscall mount || exit 1; assert syscall kill failed\nassert file /a",
                    wishes);
    assert_int_equal(count, 4);
    assert_int_equal(wishes[0].error, EEXIST);
    assert_string_equal(wishes[1].name, "chdir");
    assert_int_equal(wishes[1].outcome, LENS_SUCCEEDED);
    assert_int_equal(wishes[2].outcome, LENS_NEVER);
    assert_int_equal(wishes[3].outcome, LENS_FAILED);
    assert_int_equal(wishes[3].error, 0);
    assert_int_equal(lens_wishes(NULL, wishes), 0);
    assert_int_equal(lens_wishes("assert syscall kill by 'sh' with '1, \"x' failed ESRCH > /dev/null || exit", wishes),
                     1);
    assert_string_equal(wishes[0].process, "sh");
    assert_string_equal(wishes[0].text, "1, \"x");
    assert_int_equal(wishes[0].error, ESRCH);
    count = lens_wishes("assert syscall mkdir failed EEXIST", wishes);
    feed("4000001<4> mkdir(\"/a\", 0777) = -1 EEXIST (x)\n");
    assert_false(row(0)->expected);
    assert_int_equal(lens_expect(fed, wishes, count), 2);
    feed("4000001<4> mkdir(\"/b\", 0777) = -1 EPERM (x)\n4000001<4> mkdir(\"/c\", 0777) = -1 EEXIST (x)\n"
         "4000001<4> mkdir(\"/d\", 0777) = -1 EEXIST (x)\n");
    assert_false(row(1)->expected);
    assert_row(2, "bash mkdir(\"/c\", 0777) = -1 EEXIST (File exists) (asked for by this step)");
    assert_false(row(3)->expected);
}

static void calls_are_of_the_command_that_was_accepted_even_if_they_were_here_before_the_news(void **state)
{
    lens_feed(fed, "4000001<4> kill(1, 0) = 0\n", 26, 1000);
    lens_prompt(fed);
    lens_feed(fed, "4000001<4> kill(2, 0) = 0\n", 26, 1500); /* of a job in the background */
    lens_feed(fed, "4000001<4> kill(3, 0) = 0\n", 26, 1990);
    lens_command(fed, 5, 2000);
    lens_feed(fed, "4000001<4> kill(4, 0) = 0\n", 26, 2010);
    assert_int_equal(row(0)->command, 0);
    assert_int_equal(row(1)->command, 0);
    assert_int_equal(row(2)->command, 5);
    assert_int_equal(row(3)->command, 5);
}

static void the_newest_rows_are_kept_and_the_others_counted(void **state)
{
    char line[128];
    for (int i = 0; i < LENS_ROWS + 10; i++) {
        snprintf(line, sizeof line, "%d<bash> mkdir(\"/%d\",  <unfinished ...>\n", CHILD + i, i);
        feed(line);
    }
    assert_int_equal(lens_count(fed), LENS_ROWS);
    assert_int_equal(lens_dropped(fed), 10);
    assert_string_equal(row(0)->arguments, "\"/10\",");
    snprintf(line, sizeof line, "%d<bash> <... mkdir resumed>0777) = 0\n", CHILD); /* its row has gone */
    feed(line);
    assert_string_equal(row(LENS_ROWS - 1)->arguments, "\"/4105\",");
}

static void a_line_without_an_end_takes_no_more_than_its_room(void **state)
{
    char piece[5000], *line = NULL;
    memset(piece, 'a', sizeof piece);
    for (int i = 0; i < 100; i++)
        lens_feed(fed, piece, sizeof piece, 0);
    feed("\n4000001<4> chdir(\"/\") = 0\n");
    assert_int_equal(lens_count(fed), 1);
    assert_true(asprintf(&line, "4000001<4> chdir(\"%.3000s\") = 0\n", piece) > 0);
    feed(line);
    free(line);
    assert_int_equal(strlen(row(1)->arguments), LENS_ARGUMENTS_MAX - 1);
    assert_string_equal(row(1)->arguments + LENS_ARGUMENTS_MAX - 4, "…");
}

static void a_filter_lets_through_what_has_all_its_words(void **state)
{
    feed("4000001<4> mount(\"proc\", \"/proc\", \"proc\", 0, NULL) = -1 EPERM (x)\n");
    static const struct {
        const char *filter;
        bool passes;
    } filters[] = { { "", true },           { "mount", true },    { "MOUNT /pr", true }, { "failed", true },
                    { "eperm bash", true }, { "umount", false },  { "-bash", false },    { "-umount", true },
                    { "mount x", false },   { "  proc  ", true }, { "-failed", false } };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (lens_matches(row(0), filters[i].filter) != filters[i].passes)
            fail_msg("`%s`", filters[i].filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_a_line_is_known),
        cmocka_unit_test(what_has_no_form_is_passed_over),
        cmocka_unit_test_setup_teardown(the_way_into_the_lab_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(lines_may_come_in_any_pieces, begin, end),
        cmocka_unit_test_setup_teardown(a_search_along_path_is_the_row_of_what_was_found, begin, end),
        cmocka_unit_test_setup_teardown(a_search_that_finds_nothing_is_its_last_row_and_one_that_is_refused_the_refusal,
                                        begin, end),
        cmocka_unit_test_setup_teardown(repeats_are_counted_in_one_row, begin, end),
        cmocka_unit_test_setup_teardown(a_call_that_sleeps_is_there_and_gets_its_result_when_it_has_one, begin, end),
        cmocka_unit_test_setup_teardown(what_a_step_asks_for_is_marked_once, begin, end),
        cmocka_unit_test_setup_teardown(
            calls_are_of_the_command_that_was_accepted_even_if_they_were_here_before_the_news, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_rows_are_kept_and_the_others_counted, begin, end),
        cmocka_unit_test_setup_teardown(a_line_without_an_end_takes_no_more_than_its_room, begin, end),
        cmocka_unit_test_setup_teardown(a_filter_lets_through_what_has_all_its_words, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

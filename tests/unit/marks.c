/* The marks, as a real bash prints them on a real pty. */
#include "tests/unit/pty_session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct pty_session session;
static const char *const bash[] = { "bash", "--norc", "--noprofile", "--noediting", NULL };

static void start(void)
{
    pty_start(&session, 24, 80, bash, NULL);
    assert_true(pty_until_events(&session, "P own\n"));
    pty_forget(&session);
}

static int stop(void **state)
{
    pty_stop(&session);
    return 0;
}

/* Type a line and wait for the events that come of it, exactly. */
static void line_gives(const char *line, const char *events)
{
    struct err err;
    pty_forget(&session);
    if (terminal_send_line(session.terminal, line, &err) < 0)
        fail_msg("%s", err.message);
    if (!pty_until_events(&session, events) || strcmp(session.events, events) != 0)
        fail_msg("`%s` gave\n%snot\n%s", line, session.events, events);
}

static void keys_give(const char *keys, const char *events)
{
    pty_forget(&session);
    terminal_write(session.terminal, keys, strlen(keys));
    if (!pty_until_events(&session, events) || strcmp(session.events, events) != 0)
        fail_msg("keys gave\n%snot\n%s", session.events, events);
}

static const char done_0[] = "C own\nD own 0\nP own\n";
static const char nested_0[] = "C nested\nD nested 0\nP nested\n";

static void every_command_ends_with_its_exit_status(void **state)
{
    start();
    line_gives("true", done_0);
    line_gives("false", "C own\nD own 1\nP own\n");
    line_gives("(exit 37)", "C own\nD own 37\nP own\n");
    line_gives("no-such-command", "C own\nD own 127\nP own\n");
    line_gives("sh -c 'kill -KILL $$'", "C own\nD own 137\nP own\n");
    line_gives("false | true; false; echo $?", done_0);
    assert_true(pty_row_with(&session, "1") >= 0);
}

static void the_shell_still_sees_the_status_itself(void **state)
{
    start();
    line_gives("(exit 37)", "C own\nD own 37\nP own\n");
    line_gives("echo status=$?", done_0);
    assert_true(pty_row_with(&session, "status=37") >= 0);
}

static void what_runs_nothing_ends_nothing(void **state)
{
    start();
    line_gives("false", "C own\nD own 1\nP own\n");
    keys_give("\n", "P own\n");
    line_gives("# a comment", "P own\n");
    line_gives("fi", "P own\n"); /* a syntax error */
    keys_give("half a li\003", "P own\n");
    line_gives("true", done_0);
}

static void each_line_of_a_construct_has_a_prompt_and_the_whole_one_end(void **state)
{
    start();
    line_gives("for i in 1 2", "P own\n");
    line_gives("do echo line$i", "P own\n");
    line_gives("done", done_0);
    line_gives("cat <<end", "P own\n");
    line_gives("text", "P own\n");
    line_gives("end", done_0);
    line_gives("echo 'open", "P own\n");
    keys_give("\003", "P own\n");
}

static void a_nested_bash_has_marks_of_its_own(void **state)
{
    start();
    line_gives("bash --norc", "C own\nP nested\n");
    line_gives("false", "C nested\nD nested 1\nP nested\n");
    line_gives("PS1='inner> '", nested_0);
    line_gives("exit 4", "C nested\nD own 4\nP own\n");
    line_gives("env -i bash --norc", "C own\n"); /* nothing is inherited: no marks, and no confusion */
    assert_true(pty_until_shown(&session, "bash-5"));
    pty_settle(&session, 200);
    pty_forget(&session);
    terminal_write(session.terminal, "exit\r", 5);
    assert_true(pty_until_events(&session, "D own 0\nP own\n"));
}

static void a_shell_in_namespaces_of_its_own_is_told_apart(void **state)
{
    if (geteuid() != 0)
        return;
    start();
    line_gives("unshare --pid --fork --mount-proc bash --norc", "C own\nP nested\n");
    line_gives("echo pid $$", nested_0);
    assert_true(pty_row_with(&session, "pid 1") >= 0);
    line_gives("exit 9", "C nested\nD own 9\nP own\n");
}

static void a_shell_put_in_place_of_the_first_is_the_first(void **state)
{
    start();
    line_gives("exec bash --norc --noediting", "C own\nD own 0\nP own\n");
    line_gives("false", "C own\nD own 1\nP own\n");
}

static void subshells_and_jobs_leave_no_marks(void **state)
{
    start();
    line_gives("(true; (false); echo a | cat); $(false)", "C own\nD own 1\nP own\n");
    line_gives("sleep 0.2 &", done_0);
    line_gives("wait", done_0);
    line_gives("f() { return 7; }", done_0);
    line_gives("f", "C own\nD own 7\nP own\n");
}

/* A root with nothing but bash and its libraries in it. */
static void copy_with_libraries(const char *root)
{
    char script[1024];
    snprintf(script, sizeof(script),
             "for f in /bin/bash $(ldd /bin/bash | grep -o '/[^ ]*'); do mkdir -p %s${f%%/*} && cp -L $f %s$f || exit "
             "1; done",
             root, root);
    assert_int_equal(system(script), 0);
}

static void a_chroot_with_only_bash_has_marks(void **state)
{
    if (geteuid() != 0)
        return;
    char root[] = "/tmp/marks-XXXXXX", command[128];
    assert_non_null(mkdtemp(root));
    copy_with_libraries(root);
    start();
    snprintf(command, sizeof(command), "chroot %s /bin/bash --norc", root);
    line_gives(command, "C own\nP nested\n");
    line_gives("ls", "C nested\nD nested 127\nP nested\n");
    line_gives("exit", "C nested\nD own 127\nP own\n");
    assert_int_equal(session.raw_len ? strstr(session.raw, "bash: /dev/null") != NULL : 1, 0);
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

static void options_of_the_shell_do_not_break_the_marks(void **state)
{
    static const char *const options[] = { "set -u", "set -o posix",    "shopt -s extdebug",
                                           "set -f", "set -o pipefail", "shopt -s nocasematch extglob",
                                           "IFS=5:" };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        start();
        line_gives(options[i], done_0);
        line_gives("(exit 3)", "C own\nD own 3\nP own\n");
        assert_null(strstr(session.raw, "unbound"));
        assert_null(strstr(session.raw, "133;D;%"));
        stop(NULL);
    }
    start();
    line_gives("set -e", done_0);
    line_gives("true", done_0);
    stop(NULL);
    start();
    line_gives("set -u; unset PS2 SHLVL PS1", done_0);
    line_gives("(exit 8)", "C own\nD own 8\nP own\n");
    pty_settle(&session, 300);
    assert_null(strstr(session.raw, "unbound"));
    stop(NULL);
    start();
    line_gives("set -x", done_0); /* our own part is not what the learner wants traced */
    pty_forget(&session);
    line_gives("true", done_0);
    assert_null(strstr(session.raw, "case"));
}

static void a_prompt_set_later_is_wrapped_again(void **state)
{
    start();
    line_gives("PS1='new> '", done_0);
    assert_true(pty_row_with(&session, "new>") >= 0);
    line_gives("PS2='more> '", done_0);
    line_gives("if true", "P own\n");
    line_gives("then false; fi", "C own\nD own 1\nP own\n");
    line_gives("unset PS1", done_0);
    line_gives("false", "C own\nD own 1\nP own\n");
}

static void a_prompt_command_of_the_users_own_is_run_beside_ours(void **state)
{
    start();
    line_gives("PROMPT_COMMAND+=('echo also $?')", done_0);
    line_gives("(exit 3)", "C own\nD own 3\nP own\n");
    assert_true(pty_row_with(&session, "also 3") >= 0);
    line_gives("PROMPT_COMMAND=('echo first' \"${PROMPT_COMMAND[@]}\")", done_0);
    line_gives("(exit 4)", "C own\nD own 4\nP own\n");
    stop(NULL);
    start();
    line_gives("PROMPT_COMMAND=\"$PROMPT_COMMAND; echo also\"", done_0);
    line_gives("(exit 5)", "C own\nD own 5\nP own\n");
    stop(NULL);
    start();
    line_gives("PROMPT_COMMAND=\"echo before; $PROMPT_COMMAND\"", done_0);
    line_gives("(exit 6)", "C own\nD own 6\nP own\n");
    stop(NULL);
    start();
    line_gives("PROMPT_COMMAND='echo alone'", done_0); /* ours is gone, but the prompt it wrapped is there */
    line_gives("(exit 7)", "C own\nD own 7\nP own\n");
}

static void a_forged_mark_is_not_believed(void **state)
{
    start();
    line_gives("printf '\\033]133;D;0;s=%s\\a\\033]133;D;0;k=0000000000000000;s=%s\\a' $$.$SHLVL $$.$SHLVL; false",
               "C own\nD own 1\nP own\n");
}

static void the_marks_show_nothing(void **state)
{
    start();
    line_gives("PS1='prompt> ' PS2='more> '", done_0);
    line_gives("echo \"a", "P own\n");
    line_gives("b\"", done_0);
    assert_int_equal(pty_row_with(&session, "133"), -1);
    assert_int_equal(pty_row_with(&session, "$$"), -1);
    unsigned row, col;
    assert_true(terminal_prompt_position(session.terminal, &row, &col));
    assert_int_equal(col, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_command_ends_with_its_exit_status, stop),
        cmocka_unit_test_teardown(the_shell_still_sees_the_status_itself, stop),
        cmocka_unit_test_teardown(what_runs_nothing_ends_nothing, stop),
        cmocka_unit_test_teardown(each_line_of_a_construct_has_a_prompt_and_the_whole_one_end, stop),
        cmocka_unit_test_teardown(a_nested_bash_has_marks_of_its_own, stop),
        cmocka_unit_test_teardown(a_shell_in_namespaces_of_its_own_is_told_apart, stop),
        cmocka_unit_test_teardown(a_shell_put_in_place_of_the_first_is_the_first, stop),
        cmocka_unit_test_teardown(subshells_and_jobs_leave_no_marks, stop),
        cmocka_unit_test_teardown(a_chroot_with_only_bash_has_marks, stop),
        cmocka_unit_test_teardown(options_of_the_shell_do_not_break_the_marks, stop),
        cmocka_unit_test_teardown(a_prompt_set_later_is_wrapped_again, stop),
        cmocka_unit_test_teardown(a_prompt_command_of_the_users_own_is_run_beside_ours, stop),
        cmocka_unit_test_teardown(a_forged_mark_is_not_believed, stop),
        cmocka_unit_test_teardown(the_marks_show_nothing, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

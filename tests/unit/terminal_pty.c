/* A terminal on a real pty: reading, writing, whole lines, size. */
#include "tests/unit/pty_session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <cmocka.h>

static struct pty_session session;
static const char *const bash[] = { "bash", "--norc", "--noprofile", "--noediting", NULL };
static const char *const bash_editing[] = { "bash", "--norc", "--noprofile", NULL };

static void start(const char *const *argv)
{
    pty_start(&session, 24, 80, argv, NULL);
}

static void start_bash(void)
{
    start(bash);
    assert_true(pty_until_events(&session, "P own\n"));
    pty_forget(&session);
}

static int stop(void **state)
{
    pty_stop(&session);
    return 0;
}

static void run_line(const char *line)
{
    struct err err;
    pty_forget(&session);
    if (terminal_send_line(session.terminal, line, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(pty_until_events(&session, "P own\n"));
}

static void a_read_takes_no_more_than_its_limit(void **state)
{
    const char *const argv[] = { "sh", "-c", "stty -opost; head -c 200000 /dev/zero | tr '\\0' x; sleep 60", NULL };
    start(argv);
    size_t total = 0;
    for (uint64_t end = pty_now() + PTY_DEADLINE_MS; total < 200000 && pty_now() < end;) {
        struct pollfd fd = { .fd = terminal_fd(session.terminal), .events = POLLIN };
        poll(&fd, 1, 100);
        ssize_t got = terminal_read(session.terminal, 1000, NULL);
        assert_in_range(got, 0, 1000);
        total += (size_t)got;
    }
    assert_int_equal(total, 200000);
    assert_int_equal(terminal_read(session.terminal, 1000, NULL), 0);
    assert_false(session.closed);
}

static void the_end_is_told_once_after_the_last_output(void **state)
{
    const char *const argv[] = { "sh", "-c", "echo last words", NULL };
    start(argv);
    for (uint64_t end = pty_now() + PTY_DEADLINE_MS; !session.closed && pty_now() < end;)
        pty_serve(&session, 50);
    assert_true(session.closed);
    assert_true(pty_row_with(&session, "last words") >= 0);
    session.closed = false;
    assert_int_equal(terminal_read(session.terminal, 1000, NULL), 0);
    assert_false(session.closed);
    terminal_write(session.terminal, "x", 1); /* into the void */
    assert_false(terminal_wants_write(session.terminal));
}

static void our_readline_may_have_the_keys_only_at_the_own_shells_prompt(void **state)
{
    start_bash();
    assert_true(terminal_at_own_prompt(session.terminal, session.pid));
    assert_false(terminal_at_own_prompt(session.terminal, session.pid + 1));
    struct err err;
    pty_forget(&session);
    assert_int_equal(terminal_send_line(session.terminal, "cat", &err), 0);
    assert_false(
        terminal_at_own_prompt(session.terminal, session.pid)); /* at once, before the shell has said anything */
    assert_true(pty_until_events(&session, "C own\n"));
    assert_false(terminal_at_prompt(session.terminal));
    for (uint64_t end = pty_now() + PTY_DEADLINE_MS; terminal_foreground(session.terminal) == session.pid;)
        assert_true(pty_now() < end);
    terminal_write(session.terminal, "\004", 1);
    assert_true(pty_until_events(&session, "P own\n"));
    assert_true(terminal_at_own_prompt(session.terminal, session.pid));

    run_line("stty -echo");
    assert_false(terminal_at_own_prompt(session.terminal, session.pid));
    run_line("stty echo");
    assert_true(terminal_at_own_prompt(session.terminal, session.pid));

    pty_forget(&session); /* a nested shell edits for itself */
    assert_int_equal(terminal_send_line(session.terminal, "bash --norc", &err), 0);
    assert_true(pty_until_events(&session, "P nested\n"));
    assert_true(terminal_at_prompt(session.terminal));
    assert_false(terminal_at_own_prompt(session.terminal, session.pid));
    pty_forget(&session);
    assert_int_equal(terminal_send_line(session.terminal, "exec bash --norc", &err),
                     0); /* tabs and controls go to a readline too */
    assert_true(pty_until_events(&session, "P nested\n"));
    pty_forget(&session);
    assert_int_equal(terminal_send_line(session.terminal, "exit", &err), 0);
    assert_true(pty_until_events(&session, "P own\n"));
}

/* The shell has the whole line: its length, its end, and where a tty would have cut it. */
static void check_line(size_t len)
{
    char *line = malloc(len + 64), expect[64];
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    strcpy(line, "v=");
    for (size_t i = 0; i < len; i++)
        line[2 + i] = alphabet[(i * 7 + i / 61) % 62];
    line[2 + len] = '\0';
    run_line(line);
    run_line("clear; echo \"len=${#v}.\"");
    snprintf(expect, sizeof(expect), "len=%zu.", len);
    assert_true(pty_until_shown(&session, expect));
    char tail[32];
    snprintf(tail, sizeof(tail), "tail=%.20s.", line + 2 + len - 20);
    run_line("clear; echo \"tail=${v: -20}.\"");
    assert_true(pty_until_shown(&session, tail));
    char middle[40];
    if (len > 4200) {
        snprintf(middle, sizeof(middle), "mid=%.20s.", line + 2 + 4085);
        run_line("clear; echo \"mid=${v:4085:20}.\"");
        assert_true(pty_until_shown(&session, middle));
    }
    free(line);
}

static void a_line_of_any_length_arrives_whole(void **state)
{
    static const size_t lengths[] = { 100, 1024, 3498, 3499, 4093, 4094, 4095, 4096, 7000, 8192, 10000, 60000 };
    start_bash();
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        check_line(lengths[i]);
    struct termios tty;
    assert_int_equal(tcgetattr(terminal_fd(session.terminal), &tty), 0);
    assert_true(tty.c_lflag & ICANON); /* as it was */
}

static void control_bytes_in_a_line_are_taken_literally(void **state)
{
    start_bash();
    run_line(
        "v=$'a\001b\003c\004d\025e\027f\177g\032h\026i\tj\033k'; printf %s \"$v\" | od -An -tx1 | tr -d ' \\n'; echo");
    assert_true(pty_until_shown(&session, "61016203630464156517667f671a681669096a1b6b"));
}

static void a_line_with_a_newline_in_it_is_refused(void **state)
{
    struct err err;
    start_bash();
    assert_int_equal(terminal_send_line(session.terminal, "a\nb", &err), -1);
    assert_int_equal(err.code, EINVAL);
}

static void a_line_goes_to_a_shell_that_edits_for_itself_too(void **state)
{
    start(bash_editing);
    assert_true(pty_until_events(&session, "P own\n"));
    run_line("printf '%s' 'x\ty' | od -An -c");
    assert_true(pty_until_shown(&session, "x  \\t   y"));
}

static void the_program_is_told_of_a_new_size(void **state)
{
    start_bash();
    run_line("trap 'echo size $(stty size)' WINCH");
    struct err err;
    assert_int_equal(terminal_resize(session.terminal, 30, 100, &err), 0);
    terminal_write(session.terminal, "\n", 1);
    assert_true(pty_until_shown(&session, "size 30 100"));
    assert_int_equal(terminal_resize(session.terminal, 0, 0, &err), 0);
    assert_int_equal(terminal_rows(session.terminal), 1);
    assert_int_equal(terminal_cols(session.terminal), 2);
}

static void writing_to_a_program_that_does_not_read_waits_its_turn(void **state)
{
    const char *const argv[] = { "sh", "-c", "stty raw -echo; echo ready; sleep 1; head -c 300000 | wc -c; sleep 60",
                                 NULL };
    start(argv);
    assert_true(pty_until_shown(&session, "ready"));
    char *bytes = malloc(300000);
    memset(bytes, 'x', 300000);
    terminal_write(session.terminal, bytes, 300000);
    free(bytes);
    assert_true(terminal_wants_write(session.terminal));
    assert_true(pty_until_shown(&session, "300000"));
    assert_false(terminal_wants_write(session.terminal));
}

static void a_paste_is_bracketed_when_asked_for_and_carries_no_controls(void **state)
{
    const char *const argv[] = { "sh", "-c",
                                 "stty raw -echo; printf 'ready\\033[?2004h'; head -c 20 | od -An -c; sleep 60", NULL };
    start(argv);
    assert_true(pty_until_shown(&session, "ready"));
    pty_settle(&session, 200);
    terminal_paste(session.terminal, "a\033[31mb\r\nc\td\177", 14);
    assert_true(pty_until_shown(&session, "033   [   2   0   0   ~   a   [   3   1   m   b  \\r   c  \\t   d"));
}

static void mouse_events_reach_only_a_program_that_asked(void **state)
{
    const char *const argv[] = {
        "sh", "-c",
        "stty raw -echo; echo deaf; sleep 0.5; printf 'ready\\033[?1000;1006h'; head -c 18 | od -An -c; sleep 60", NULL
    };
    start(argv);
    assert_true(pty_until_shown(&session, "deaf"));
    assert_int_equal(terminal_mouse(session.terminal), 0);
    terminal_mouse_event(session.terminal, 1, 1, 1, true, 0);
    assert_true(pty_until_shown(&session, "ready"));
    pty_settle(&session, 200);
    assert_int_equal(terminal_mouse(session.terminal), 1);
    terminal_mouse_event(session.terminal, 4, 9, 1, true, 0);
    terminal_mouse_event(session.terminal, 4, 9, 1, false, 0);
    assert_true(pty_until_shown(&session, "033   [   <   0   ;   1   0   ;   5   M 033   [   <   0   ;   1"));
}

static void a_program_that_asks_where_the_cursor_is_is_answered(void **state)
{
    const char *const argv[] = { "sh", "-c",
                                 "stty raw -echo; printf 'ab\\r\\ncd\\033[6n'; head -c 6 | od -An -c; sleep 60", NULL };
    start(argv);
    assert_true(pty_until_shown(&session, "033   [   2   ;   3   R"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_read_takes_no_more_than_its_limit, stop),
        cmocka_unit_test_teardown(the_end_is_told_once_after_the_last_output, stop),
        cmocka_unit_test_teardown(our_readline_may_have_the_keys_only_at_the_own_shells_prompt, stop),
        cmocka_unit_test_teardown(a_line_of_any_length_arrives_whole, stop),
        cmocka_unit_test_teardown(control_bytes_in_a_line_are_taken_literally, stop),
        cmocka_unit_test_teardown(a_line_with_a_newline_in_it_is_refused, stop),
        cmocka_unit_test_teardown(a_line_goes_to_a_shell_that_edits_for_itself_too, stop),
        cmocka_unit_test_teardown(the_program_is_told_of_a_new_size, stop),
        cmocka_unit_test_teardown(writing_to_a_program_that_does_not_read_waits_its_turn, stop),
        cmocka_unit_test_teardown(a_paste_is_bracketed_when_asked_for_and_carries_no_controls, stop),
        cmocka_unit_test_teardown(mouse_events_reach_only_a_program_that_asked, stop),
        cmocka_unit_test_teardown(a_program_that_asks_where_the_cursor_is_is_answered, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Full-screen programs in a terminal, resized while they run: the same screen as tmux shows of them at the same size, and what each must
 * show. tmux and ours run the same program on the same keys. */
#include "tests/unit/pty_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct pty_session session;
static char directory[] = "/tmp/terminal-programs-XXXXXX";
static unsigned server; /* each test has its own: one that is going down still answers on its socket */

/* A text with long lines, tabs, wide and combining glyphs; a configuration of vi that shows no time. */
static int make_files(void **state)
{
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return -1;
    FILE *file = fopen("text", "w");
    for (int i = 1; file && i <= 300; i++)
        fprintf(
            file, "%d\tline %d %.*s \xe4\xb8\x80\xe4\xba\x8c e\xcc\x81 end%s\n", i, i, i % 130,
            "the quick brown fox jumps over the lazy dog and over the quick brown fox and over the lazy dog, and once "
            "more over both of them together and on",
            i % 10 == 0 ? "\n" : "");
    return file ? fclose(file) : -1;
}

static int remove_files(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return chdir("/") < 0 ? -1 : system(command);
}

static int tmux(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int tmux(const char *format, ...)
{
    char command[1024];
    int len = snprintf(command, sizeof(command), "tmux -u -f /dev/null -S %s/socket%u ", directory, server);
    va_list args;
    va_start(args, format);
    vsnprintf(command + len, sizeof(command) - (size_t)len, format, args);
    va_end(args);
    return system(command);
}

static int stop(void **state)
{
    pty_stop(&session);
    tmux("kill-server 2>/dev/null");
    server++;
    return 0;
}

/* The rows tmux shows, trailing blanks cut; the row and column of its cursor at the end. */
static void capture(char *into, size_t size)
{
    char command[256];
    snprintf(command, sizeof(command),
             "tmux -S %s/socket%u capture-pane -p | sed 's/ *$//'; tmux -S %s/socket%u display-message -p 'cursor "
             "#{cursor_y} #{cursor_x}'",
             directory, server, directory, server);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(into, 1, size - 1, pipe);
    into[len] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static void ours(char *into, size_t size)
{
    size_t len = 0;
    unsigned row, col;
    bool visible;
    for (int i = 0; i < (int)terminal_rows(session.terminal) && len + 8 < size; i++) {
        len += terminal_row_text(session.terminal, i, into + len, size - len - 2);
        into[len++] = '\n';
    }
    terminal_cursor(session.terminal, &row, &col, &visible);
    snprintf(into + len, size - len, "cursor %u %u\n", row, col);
}

static void same_as_tmux(const char *when)
{
    static char theirs[65536], mine[65536];
    for (uint64_t end = pty_now() + PTY_DEADLINE_MS;;) {
        pty_settle(&session, 150);
        capture(theirs, sizeof(theirs));
        ours(mine, sizeof(mine));
        if (strcmp(theirs, mine) == 0)
            return;
        if (pty_now() > end)
            fail_msg("%s: tmux shows\n%s\nand we\n%s", when, theirs, mine);
    }
}

static void start_both(unsigned rows, unsigned cols, const char *command)
{
    const char *const argv[] = { "sh", "-c", command, NULL };
    char quoted[512];
    snprintf(quoted, sizeof(quoted),
             "new-session -d -x %u -y %u 'exec env -i PATH=\"$PATH\" LANG=C.UTF-8 HOME=/nonexistent "
             "TERM=xterm-256color sh -c \"%s\"'",
             cols, rows, command);
    assert_int_equal(tmux("start-server \\; set -g status off \\; set -g remain-on-exit on \\; %s", quoted), 0);
    pty_start(&session, rows, cols, argv, NULL);
}

static void keys_both(const char *keys)
{
    char hex[512] = "";
    for (const char *at = keys; *at; at++)
        snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), " %02x", (unsigned char)*at);
    assert_int_equal(tmux("send-keys -H%s", hex), 0);
    terminal_write(session.terminal, keys, strlen(keys));
}

static void resize_both(unsigned rows, unsigned cols)
{
    struct err err;
    assert_int_equal(tmux("resize-window -x %u -y %u", cols, rows), 0);
    assert_int_equal(terminal_resize(session.terminal, rows, cols, &err), 0);
}

static void less_shows_what_it_shows_in_tmux(void **state)
{
    start_both(24, 80, "less text");
    assert_true(pty_until_shown(&session, "line 2"));
    same_as_tmux("less, at first");
    keys_both(" ");
    same_as_tmux("less, a page on");
    keys_both("/line 150\r");
    same_as_tmux("less, a search");
    keys_both("kkkb");
    same_as_tmux("less, back");
    resize_both(12, 40);
    same_as_tmux("less, smaller");
    keys_both("G");
    same_as_tmux("less, at the end");
    resize_both(50, 132);
    same_as_tmux("less, larger");
    assert_true(terminal_alternate(session.terminal));
}

static void vi_shows_what_it_shows_in_tmux(void **state)
{
    start_both(24, 80, "vim.tiny -u NONE -i NONE -n text");
    assert_true(pty_until_shown(&session, "line 2"));
    same_as_tmux("vi, at first");
    keys_both("5ddp3jA, added\033");
    same_as_tmux("vi, edited");
    keys_both("\006\006\004:set number\r");
    same_as_tmux("vi, paged and numbered");
    resize_both(10, 33);
    same_as_tmux("vi, smaller");
    keys_both("gg10J");
    same_as_tmux("vi, joined");
    resize_both(40, 120);
    same_as_tmux("vi, larger");
    keys_both(":vsplit\r:split\r\005\005");
    same_as_tmux("vi, split");
}

static void a_shell_on_the_main_screen_shows_what_it_shows_in_tmux(void **state)
{
    start_both(20, 70, "PS1=ready: exec bash --norc --noprofile");
    assert_true(pty_until_shown(&session, "ready:"));
    same_as_tmux("bash, at first");
    keys_both("head -5 text; printf '\\033[31mred\\033[m\\t|%40s|\\n' right; seq -s' ' 100\r");
    same_as_tmux("bash, output that wraps");
    keys_both("seq 100; printf 'no newline'; echo\r");
    same_as_tmux("bash, scrolled");
    keys_both("echo a long line that is edited in the middle of it and is certainly longer than the screen is "
              "wide\001\033f\033d\005!");
    same_as_tmux("bash, editing");
    keys_both("\r");
    same_as_tmux("bash, entered");
}

/* Programs whose screen is never twice the same: what must be there, before and after resizes. */
static void shows_through_resizes(const char *command, const char *always, const char *quit)
{
    const char *const argv[] = { "sh", "-c", command, NULL };
    static const unsigned sizes[][2] = { { 30, 100 }, { 12, 60 }, { 45, 140 }, { 14, 50 }, { 24, 80 } };
    pty_start(&session, 24, 80, argv, NULL);
    assert_true(pty_until_shown(&session, always));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct err err;
        assert_int_equal(terminal_resize(session.terminal, sizes[i][0], sizes[i][1], &err), 0);
        pty_settle(&session, 100);
        assert_true(pty_until_shown(&session, always));
    }
    terminal_write(session.terminal, quit, strlen(quit));
    for (uint64_t end = pty_now() + PTY_DEADLINE_MS; !session.closed;) {
        assert_true(pty_now() < end);
        pty_serve(&session, 50);
    }
    pty_stop(&session);
}

static void top_and_htop_live_through_resizes(void **state)
{
    shows_through_resizes("top -d 0.2", "PID", "q");
    shows_through_resizes("htop -d 2", "PID", "q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(less_shows_what_it_shows_in_tmux, stop),
        cmocka_unit_test_teardown(vi_shows_what_it_shows_in_tmux, stop),
        cmocka_unit_test_teardown(a_shell_on_the_main_screen_shows_what_it_shows_in_tmux, stop),
        cmocka_unit_test_teardown(top_and_htop_live_through_resizes, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}

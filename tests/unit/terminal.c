/* The grid a program's bytes make, read through terminal.h; no pty. */
#include "tests/unit/terminal_ways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MARK(letter, rest) "\033]133;" letter ";k=" WAYS_NONCE ";s=" rest "\007"

static struct way screen;

static struct terminal *open_screen(unsigned rows, unsigned cols)
{
    way_open(&screen, rows, cols, 100);
    return screen.terminal;
}

static int close_screen(void **state)
{
    terminal_free(screen.terminal);
    screen.terminal = NULL;
    return 0;
}

static void feed(const char *text)
{
    terminal_feed(screen.terminal, text, strlen(text));
}

static const char *row(int number)
{
    static char text[4][1024];
    static unsigned next;
    char *into = text[next++ % 4];
    terminal_row_text(screen.terminal, number, into, sizeof(text[0]));
    return into;
}

static struct terminal_cell cell(int at_row, unsigned col)
{
    struct terminal_cell read;
    assert_true(terminal_get(screen.terminal, at_row, col, &read));
    return read;
}

#define assert_cursor(want_row, want_col)                                                                              \
    do {                                                                                                               \
        unsigned row_, col_;                                                                                           \
        bool visible_;                                                                                                 \
        terminal_cursor(screen.terminal, &row_, &col_, &visible_);                                                     \
        assert_int_equal(row_, want_row);                                                                              \
        assert_int_equal(col_, want_col);                                                                              \
    } while (0)

static void text_wraps_and_says_which_rows_continue(void **state)
{
    open_screen(5, 10);
    feed("0123456789abc\r\nnext\r\n0123456789");
    assert_string_equal(row(0), "0123456789");
    assert_string_equal(row(1), "abc");
    assert_string_equal(row(2), "next");
    assert_true(terminal_row_continues(screen.terminal, 1));
    assert_false(terminal_row_continues(screen.terminal, 0));
    assert_false(terminal_row_continues(screen.terminal, 2));
    assert_cursor(3, 9); /* waits in the last column */
    feed("\r\nx");
    assert_string_equal(row(4), "x");
    assert_false(terminal_row_continues(screen.terminal, 4));
}

static void lines_scrolled_off_are_kept_newest_first_and_come_back(void **state)
{
    struct terminal *terminal = open_screen(3, 20);
    for (int i = 1; i <= 200; i++) {
        char line[32];
        snprintf(line, sizeof(line), "%sline %d", i > 1 ? "\r\n" : "", i);
        feed(line);
    }
    assert_int_equal(terminal_scrollback(terminal), 100);
    assert_string_equal(row(0), "line 198");
    assert_string_equal(row(-1), "line 197");
    assert_string_equal(row(-100), "line 98");
    struct terminal_cell none;
    assert_false(terminal_get(terminal, -101, 0, &none));
    assert_false(terminal_get(terminal, 3, 0, &none));
    assert_false(terminal_get(terminal, 0, 20, &none));
    assert_int_equal(terminal_resize(terminal, 5, 20, NULL), 0);
    assert_string_equal(row(0), "line 196");
    assert_string_equal(row(4), "line 200");
    assert_int_equal(terminal_scrollback(terminal), 98);
    assert_cursor(4, 8);
    feed("\033[H\033[2J\033[3J");
    assert_int_equal(terminal_scrollback(terminal), 0);
}

static void only_what_leaves_over_the_top_is_kept(void **state)
{
    struct terminal *terminal = open_screen(4, 10);
    feed("one\r\ntwo\r\nthree\r\nfour\033[1;2r\033[2;1H\n");
    assert_int_equal(terminal_scrollback(terminal), 1);
    assert_string_equal(row(-1), "one");
    assert_string_equal(row(0), "two");
    assert_string_equal(row(1), "");
    assert_string_equal(row(3), "four");
    feed("\033[3;4r\033[4;1H\n"); /* a region below the top */
    assert_string_equal(row(2), "four");
    feed("\033[r\033[H\033[M"); /* a deleted line */
    assert_string_equal(row(0), "");
    assert_string_equal(row(1), "four");
    assert_int_equal(terminal_scrollback(terminal), 1);
}

static void the_alternate_screen_keeps_the_main_one_as_it_was(void **state)
{
    struct terminal *terminal = open_screen(4, 12);
    feed("main\r\n\033[31mred\033[?1049h\033[2J\033[H\033[0malt\r\n1\r\n2\r\n3\r\n4\r\n5\0337");
    assert_true(terminal_alternate(terminal));
    assert_int_equal(terminal_scrollback(terminal), 0);
    assert_string_equal(row(3), "5");
    assert_int_equal(terminal_resize(terminal, 2, 12, NULL), 0);
    assert_int_equal(terminal_resize(terminal, 6, 14, NULL), 0);
    feed("\033[?1049l");
    assert_false(terminal_alternate(terminal));
    assert_string_equal(row(0), "main");
    assert_string_equal(row(1), "red");
    assert_cursor(1, 3);
    feed("+");
    assert_int_equal(cell(1, 3).fg, 1); /* the pen of before, too */
}

static void colours_and_attributes_are_read_back(void **state)
{
    open_screen(3, 30);
    feed("\033[1;2;3;4;5;7;9;31;42mA\033[22;23;24;25;27;29;39;49mB\033[95;104mC\033[38;5;200;48:5:17mD"
         "\033[38;2;255;0;0mE\033[38:2::8:8:8mF\033[mG\033[4:3mH\033[4:0mI");
    struct terminal_cell a = cell(0, 0), b = cell(0, 1), c = cell(0, 2), d = cell(0, 3);
    assert_true(a.bold && a.dim && a.italic && a.underline && a.blink && a.reverse && a.strike);
    assert_true(a.fg == 1 && a.bg == 2);
    assert_false(b.bold || b.dim || b.italic || b.underline || b.blink || b.reverse || b.strike);
    assert_true(b.fg == -1 && b.bg == -1);
    assert_true(c.fg == 13 && c.bg == 12);
    assert_true(d.fg == 200 && d.bg == 17);
    assert_int_equal(cell(0, 4).fg, 196);
    assert_int_equal(cell(0, 5).fg, 232);
    assert_true(cell(0, 6).fg == -1 && cell(0, 6).bg == -1);
    assert_true(cell(0, 7).underline);
    assert_false(cell(0, 8).underline);
    feed("\r\n\033[44m\033[K");
    assert_int_equal(cell(1, 29).bg, 4); /* erased with the pen's background */
    feed("\033[m\033[?5h");
    assert_true(cell(2, 0).reverse);
}

static void wide_and_combining_glyphs_take_their_columns(void **state)
{
    open_screen(3, 6);
    feed("\xe4\xb8\x80x");
    assert_int_equal(cell(0, 0).chars[0], 0x4e00);
    assert_int_equal(cell(0, 0).width, 2);
    assert_int_equal(cell(0, 1).chars[0], (uint32_t)-1);
    assert_int_equal(cell(0, 2).chars[0], 'x');
    feed("\033[1;2Hy"); /* over the right half: no half is left */
    assert_int_equal(cell(0, 0).chars[0], 0);
    assert_int_equal(cell(0, 0).width, 1);
    assert_int_equal(cell(0, 1).chars[0], 'y');
    feed("\r\n12345\xe4\xb8\x80"); /* does not fit in one column */
    assert_string_equal(row(1), "12345");
    assert_string_equal(row(2), "\xe4\xb8\x80");
    assert_true(terminal_row_continues(screen.terminal, 2));
    feed("\033[1;1He\xcc\x81\xcc\x82");
    assert_int_equal(cell(0, 0).chars[0], 'e');
    assert_int_equal(cell(0, 0).chars[1], 0x301);
    assert_int_equal(cell(0, 0).chars[2], 0x302);
    assert_string_equal(row(0), "e\xcc\x81\xcc\x82yx");
    feed("\033[1;6Hz\xcc\x81"); /* in the last column, where the cursor does not move on */
    assert_int_equal(cell(0, 5).chars[1], 0x301);
    for (int i = 0; i < 50; i++)
        feed("\xcc\x81");
    assert_int_equal(cell(0, 5).chars[5], 0x301);
}

static void what_crashes_or_hangs_libvterm_does_neither(void **state)
{
    static const char *const triggers[] = {
        "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25m",
        "\033[9999999b",
        "\xcc\x81\033[5b",
        "\033[38;38;38;38;38;38;38;38;38;38;38;38;38;38;38;38m",
        "\033]0;ti",
        "tle\033",
        "\\",
        "\xe4\xb8\x80\033[5b",
        "\xc2\x9b\xc2\x80",
        "\033[?69h\033[2;1s\033[5;5H\033#6\033#3 wide",
        "\033[99999999999999999999B\033[99999999999999999999A\033[2147483647C\033[4294967295D",
        "\033[3;3r\033[?6h\033[9;9H\0337",
    };
    for (unsigned rows = 1; rows <= 30; rows += 7)
        for (unsigned cols = 2; cols <= 20; cols += 3) {
            open_screen(rows, cols);
            for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
                feed(triggers[i]);
                feed("\033[H\r\n\n\ntext below\033[H");
                assert_int_equal(terminal_resize(screen.terminal, 1 + rows / 3, 1 + cols / 3, NULL), 0);
                feed("\0338\xe4\xb8\x80 x");
                assert_int_equal(terminal_resize(screen.terminal, rows, cols, NULL), 0);
            }
            close_screen(NULL);
        }
    open_screen(0, 0);
    assert_int_equal(terminal_rows(screen.terminal), 1);
    assert_int_equal(terminal_cols(screen.terminal), 2);
}

static void repeating_draws_the_last_glyph_again_up_to_the_edge(void **state)
{
    open_screen(2, 10);
    feed("\033[5b");
    assert_string_equal(row(0), "");
    feed("a\033[3b|\xe4\xb8\x80\033[9b");
    assert_string_equal(row(0), "aaaa|\xe4\xb8\x80\xe4\xb8\x80");
    feed("\r\n\033[3b"); /* nothing to repeat after a control */
    assert_string_equal(row(1), "");
}

static void growing_and_shrinking_keeps_the_cursor_on_its_line(void **state)
{
    struct terminal *terminal = open_screen(6, 20);
    feed("one\r\ntwo\r\nthree\r\nfour\033[2;2H");
    assert_int_equal(terminal_resize(terminal, 2, 20, NULL), 0);
    assert_string_equal(row(0), "three"); /* rows with text below the cursor count too */
    assert_int_equal(terminal_scrollback(terminal), 2);
    assert_cursor(0, 1);
    assert_int_equal(terminal_resize(terminal, 6, 20, NULL), 0);
    assert_string_equal(row(0), "one");
    assert_string_equal(row(3), "four");
    assert_int_equal(terminal_resize(terminal, 6, 3, NULL), 0);
    assert_string_equal(row(2), "thr");
}

static void marks_are_events_with_the_row_they_stood_on(void **state)
{
    struct terminal *terminal = open_screen(5, 40);
    unsigned at_row, at_col;
    feed("hello\r\n" MARK("A", "7.1") "$ " MARK("B", "7.1"));
    assert_string_equal(screen.events, "0 7.1 1 -1  at 1,2\n");
    assert_true(terminal_at_prompt(terminal));
    assert_true(terminal_prompt_position(terminal, &at_row, &at_col));
    assert_int_equal(at_row, 1);
    assert_int_equal(at_col, 2);
    feed("echo\r\n\n\n\n\n"); /* the line begins where it began, although it scrolled up */
    assert_false(terminal_prompt_position(terminal, &at_row, &at_col));
    feed(MARK("B", "7.1") "\r\n");
    assert_true(terminal_prompt_position(terminal, &at_row, &at_col));
    assert_int_equal(at_row, 3);
    screen.len = 0;
    feed(MARK("C", "7.1"));
    assert_false(terminal_at_prompt(terminal));
    feed("\033]133;D;2;k=" WAYS_NONCE ";s=7.1\033\\");
    assert_string_equal(screen.events, "1 7.1 1 -1  at 4,0\n2 7.1 1 2  at 4,0\n");
}

static void a_mark_without_the_nonce_is_ignored(void **state)
{
    struct terminal *terminal = open_screen(5, 40);
    feed(MARK("C", "7.1"));
    screen.len = 0;
    screen.events[0] = '\0';
    feed("\033]133;D;0;k=0123456789abcdee;s=7.1\007\033]133;D;0;s=7.1\007\033]133;B\007\033]133;B;k=;s=7.1\007\033]133;"
         "\007\033]133\007"
         "\033]133;B;k=0123456789abcdef0123456789abcdef0123456789;s=7.1\007\033]133;B;k=" WAYS_NONCE "\007");
    assert_string_equal(screen.events, "");
    assert_false(terminal_at_prompt(terminal));
}

static void a_command_ends_only_by_its_own_shell(void **state)
{
    open_screen(5, 40);
    feed("\033]133;D;0;k=" WAYS_NONCE ";s=7.1\007"); /* no command is open */
    assert_string_equal(screen.events, "");
    feed(MARK("B", "7.1") MARK("C", "7.1")); /* `bash` */
    screen.len = 0;
    feed("\033]133;D;0;k=" WAYS_NONCE ";s=1.2\007" MARK("B", "1.2"));
    assert_string_equal(screen.events, "0 1.2 0 -1  at 0,0\n");
    screen.len = 0;
    feed(MARK("C", "1.2") "\033]133;D;5;k=" WAYS_NONCE ";s=7.1\007"); /* killed while its command ran */
    assert_string_equal(screen.events, "1 1.2 0 -1  at 0,0\n2 7.1 1 5  at 0,0\n");
    screen.len = 0;
    screen.events[0] = '\0';
    feed("\033]133;D;0;k=" WAYS_NONCE ";s=1.2\007"); /* its command died with it */
    assert_string_equal(screen.events, "");
}

static void titles_and_bells_are_events_and_the_clipboard_is_nobodys(void **state)
{
    open_screen(5, 40);
    feed(
        "\033]0;one\007\033]2;two;2\033\\\a\033]52;c;SGVsbG8=\007\033]52;c;?\007\033]7;file://h/p\007\033]1;icon\007x");
    assert_string_equal(screen.events, "3  0 0 one at 0,0\n3  0 0 two;2 at 0,0\n4  0 0  at 0,0\n");
}

static void damage_says_which_rows_changed(void **state)
{
    struct terminal *terminal = open_screen(6, 20);
    unsigned first, last;
    assert_true(terminal_damage(terminal, &first, &last));
    terminal_clean(terminal);
    assert_false(terminal_damage(terminal, &first, &last));
    feed("\033[3;1Hx\033[5;1Hy");
    assert_true(terminal_damage(terminal, &first, &last));
    assert_int_equal(first, 2);
    assert_int_equal(last, 4);
    terminal_clean(terminal);
    feed("\033[1;1H\033[31m"); /* moves nothing but the cursor */
    assert_false(terminal_damage(terminal, &first, &last));
    feed("\033[6;1H\n");
    assert_true(terminal_damage(terminal, &first, &last));
    assert_int_equal(first, 0);
    assert_int_equal(last, 5);
    terminal_clean(terminal);
    feed("\033[?1049h");
    assert_true(terminal_damage(terminal, &first, &last));
}

static void a_reset_gives_a_terminal_as_new(void **state)
{
    struct terminal *terminal = open_screen(6, 20);
    feed("\033[?1049h\033[?1000;1006h\033[?25l\033[?1h\033[?2004h\033[31;4m\033[2;3r\033[?6h\033(0\033[4hqqq\033c");
    bool visible;
    unsigned at_row, at_col;
    terminal_cursor(terminal, &at_row, &at_col, &visible);
    assert_true(visible && at_row == 0 && at_col == 0);
    assert_false(terminal_alternate(terminal) || terminal_mouse(terminal) || terminal_application_cursor(terminal));
    feed("qq");
    assert_string_equal(row(0), "qq");
    assert_int_equal(cell(0, 0).fg, -1);
    feed("\033[2;3r\033(0\033[4h\033[5;5H\033[!p"); /* the soft one leaves the cursor and the text */
    assert_cursor(4, 4);
    feed("q");
    assert_string_equal(row(4), "    q");
    assert_string_equal(row(0), "qq");
}

static void line_drawing_and_insert_mode_work(void **state)
{
    open_screen(4, 20);
    feed("\033(0lqk\033(B.\016x\017y\r\n\033)0\016lqk\017lqk");
    assert_string_equal(row(0), "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x90.xy");
    assert_string_equal(row(1), "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x90lqk");
    feed("\r\nabc\r\033[4hXY\xe4\xb8\x80\033[4l!");
    assert_string_equal(row(2), "XY\xe4\xb8\x80!bc");
    feed("\r\nabcdef\r\033[2P\033[3@.");
    assert_string_equal(row(3), ".  cdef");
}

/* A stream of tokens, text and resizes, the same every time. */
static uint32_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 16);
}

static void straight_text_and_libvterm_give_the_same_screen(void **state)
{
    static struct way other;
    for (uint64_t round = 1; round <= 400; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15u;
        unsigned rows = 1 + next_random(&seed) % 20, cols = 2 + next_random(&seed) % 40;
        way_open(&screen, rows, cols, 30);
        way_open(&other, rows, cols, 30);
        terminal_force_libvterm(other.terminal, true);
        for (int i = 0; i < 300; i++) {
            uint32_t pick = next_random(&seed) % 64;
            const char *token = ways_tokens[next_random(&seed) % (pick < 40 ? 25 : WAYS_TOKENS)];
            if (pick == 63) {
                rows = 1 + next_random(&seed) % 20;
                cols = 2 + next_random(&seed) % 40;
                terminal_resize(screen.terminal, rows, cols, NULL);
                terminal_resize(other.terminal, rows, cols, NULL);
                continue;
            }
            size_t len = strlen(token), cut = next_random(&seed) % (len + 1);
            terminal_feed(screen.terminal, token, cut);
            terminal_feed(screen.terminal, token + cut, len - cut);
            terminal_feed(other.terminal, token, len);
        }
        const char *difference = ways_differ(&screen, &other);
        if (difference)
            fail_msg("round %u: %s", (unsigned)round, difference);
        terminal_free(other.terminal);
        close_screen(NULL);
    }
}

#define SCREEN_TEST(test) cmocka_unit_test_teardown(test, close_screen)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCREEN_TEST(text_wraps_and_says_which_rows_continue),
        SCREEN_TEST(lines_scrolled_off_are_kept_newest_first_and_come_back),
        SCREEN_TEST(only_what_leaves_over_the_top_is_kept),
        SCREEN_TEST(the_alternate_screen_keeps_the_main_one_as_it_was),
        SCREEN_TEST(colours_and_attributes_are_read_back),
        SCREEN_TEST(wide_and_combining_glyphs_take_their_columns),
        SCREEN_TEST(what_crashes_or_hangs_libvterm_does_neither),
        SCREEN_TEST(repeating_draws_the_last_glyph_again_up_to_the_edge),
        SCREEN_TEST(growing_and_shrinking_keeps_the_cursor_on_its_line),
        SCREEN_TEST(marks_are_events_with_the_row_they_stood_on),
        SCREEN_TEST(a_mark_without_the_nonce_is_ignored),
        SCREEN_TEST(a_command_ends_only_by_its_own_shell),
        SCREEN_TEST(titles_and_bells_are_events_and_the_clipboard_is_nobodys),
        SCREEN_TEST(damage_says_which_rows_changed),
        SCREEN_TEST(a_reset_gives_a_terminal_as_new),
        SCREEN_TEST(line_drawing_and_insert_mode_work),
        SCREEN_TEST(straight_text_and_libvterm_give_the_same_screen),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

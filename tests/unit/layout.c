#include "repl/screen/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RECTS 12
#define COLS_MAX 250
#define ROWS_MAX 80

static size_t rects(const struct layout *layout, struct rect out[RECTS])
{
    const struct rect all[RECTS] = { layout->lesson_title, layout->lesson, layout->terminal_title, layout->terminal,
                                     layout->state_title,  layout->state,  layout->divider,        layout->message,
                                     layout->status,       layout->gutter, layout->lens_title,     layout->lens };
    memcpy(out, all, sizeof(all));
    return RECTS;
}

/* Paint every rectangle on a board: a cell painted twice is an overlap. */
static void check_size(unsigned cols, unsigned rows, const struct layout_options *options)
{
    static unsigned char board[ROWS_MAX][COLS_MAX];
    struct layout layout = layout_compute(cols, rows, options);
    struct rect all[RECTS];
    memset(board, 0, sizeof(board));
    for (size_t i = 0, n = rects(&layout, all); i < n; i++) {
        if (all[i].rows == 0 || all[i].cols == 0)
            continue;
        if (all[i].row + all[i].rows > rows || all[i].col + all[i].cols > cols)
            fail_msg("%ux%u: rectangle %zu leaves the screen", cols, rows, i);
        for (unsigned r = 0; r < all[i].rows; r++)
            for (unsigned c = 0; c < all[i].cols; c++)
                if (board[all[i].row + r][all[i].col + c]++)
                    fail_msg("%ux%u: rectangle %zu overlaps another at row %u column %u", cols, rows, i, all[i].row + r,
                             all[i].col + c);
    }
    if (layout.too_small)
        return;
    if (layout.terminal.rows && layout.terminal.cols < 2)
        fail_msg("%ux%u: the terminal has fewer than two columns", cols, rows);
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < cols; c++)
            if (!board[r][c])
                fail_msg("%ux%u: row %u column %u belongs to nothing", cols, rows, r, c);
}

static void rectangles_never_overlap_leave_the_screen_or_leave_holes(void **state)
{
    const struct layout_options options[] = {
        { .zoomed = false },
        { .zoomed = true, .zoom = PANE_TERMINAL },
        { .zoomed = true, .zoom = PANE_LESSON },
        { .presented = true },
        { .presented = true, .spotlight = SPOTLIGHT_TERMINAL },
        { .presented = true, .spotlight = SPOTLIGHT_STATE },
        { .presented = true, .spotlight = SPOTLIGHT_LENS, .lens = true },
        { .presented = true, .spotlight = SPOTLIGHT_LESSON },
        { .lens = true },
        { .presented = true, .lens = true },
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        for (unsigned rows = 1; rows <= ROWS_MAX; rows++)
            for (unsigned cols = 1; cols <= COLS_MAX; cols++)
                check_size(cols, rows, &options[i]);
}

static void below_the_minimum_only_a_message_is_left(void **state)
{
    struct layout_options options = { 0 };
    assert_true(layout_compute(39, 24, &options).too_small);
    assert_true(layout_compute(80, 11, &options).too_small);
    assert_int_equal(layout_compute(39, 11, &options).message.rows, 11);
    assert_false(layout_compute(40, 12, &options).too_small);
}

static void small_screens_keep_lesson_terminal_and_status(void **state)
{
    struct layout layout = layout_compute(40, 12, &(struct layout_options){ 0 });
    assert_true(layout.lesson.rows >= 3);
    assert_true(layout.terminal.rows >= 3);
    assert_int_equal(layout.status.rows, 1);
    assert_int_equal(layout.message.rows, 1);
    assert_int_equal(layout.state.rows, 0);
}

static void at_80_by_24_the_lesson_stands_over_a_terminal_of_80_columns(void **state)
{
    struct layout layout = layout_compute(80, 24, &(struct layout_options){ 0 });
    assert_false(layout.wide);
    assert_true(layout.lesson.rows >= 7 && layout.lesson.rows <= 9);
    assert_int_equal(layout.terminal.cols, 80);
    assert_true(layout.terminal.rows >= 11);
    assert_true(layout.state.rows >= 1);
}

static void at_120_by_36_the_lesson_stands_beside_the_terminal(void **state)
{
    struct layout layout = layout_compute(120, 36, &(struct layout_options){ 0 });
    assert_true(layout.wide);
    assert_int_equal(layout.lesson.cols, 46);
    assert_true(layout.terminal.cols >= 72);
    assert_true(layout.terminal.rows >= 20);
    assert_true(layout.state.rows >= 6);
}

static void large_screens_give_the_terminal_at_least_80_columns(void **state)
{
    for (unsigned cols = 160; cols <= 250; cols++)
        assert_true(layout_compute(cols, 45, &(struct layout_options){ 0 }).terminal.cols >= 80);
}

static void a_zoomed_pane_has_all_but_title_message_and_status(void **state)
{
    struct layout layout = layout_compute(80, 24, &(struct layout_options){ .zoomed = true, .zoom = PANE_TERMINAL });
    assert_int_equal(layout.terminal.rows, 21);
    assert_int_equal(layout.terminal.cols, 80);
    assert_int_equal(layout.lesson.rows, 0);
    layout = layout_compute(80, 24, &(struct layout_options){ .zoomed = true, .zoom = PANE_LESSON });
    assert_int_equal(layout.lesson.rows, 21);
    assert_int_equal(layout.terminal.rows, 0);
}

static void the_lens_takes_the_state_s_place_or_half_of_it_and_none_of_the_terminal(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
    for (size_t i = 0; i < 3; i++) {
        struct layout without = layout_compute(sizes[i][0], sizes[i][1], &(struct layout_options){ 0 });
        struct layout with = layout_compute(sizes[i][0], sizes[i][1], &(struct layout_options){ .lens = true });
        assert_memory_equal(&with.terminal, &without.terminal, sizeof(with.terminal));
        assert_int_equal(with.lens.rows, without.state.rows);
        assert_int_equal(with.state.rows > 0, sizes[i][0] == 200);
        assert_true(with.lens.cols >= 54);
    }
}

static void for_a_room_the_terminal_is_the_biggest_and_the_spotlight_gives_all_of_it(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
    for (size_t i = 0; i < 3; i++) {
        unsigned cols = sizes[i][0], rows = sizes[i][1];
        struct layout layout = layout_compute(cols, rows, &(struct layout_options){ .presented = true });
        assert_int_equal(layout.terminal.cols + layout.gutter.cols, cols);
        assert_true(layout.terminal.rows * 2 >= rows - 1);
        assert_true(layout.lesson.rows >= 3 && layout.lesson.rows < layout.terminal.rows / 2);
        assert_true(layout.state.rows >= 1 && layout.state.rows < layout.terminal.rows / 2);
        for (int on = SPOTLIGHT_TERMINAL; on < SPOTLIGHTS; on++) {
            layout = layout_compute(cols, rows,
                                    &(struct layout_options){ .presented = true, .spotlight = on, .lens = true });
            const struct rect *panes[] = { NULL, &layout.terminal, &layout.state, &layout.lens, &layout.lesson };
            for (int pane = SPOTLIGHT_TERMINAL; pane < SPOTLIGHTS; pane++)
                assert_int_equal(panes[pane]->rows, pane == on ? rows - 3 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rectangles_never_overlap_leave_the_screen_or_leave_holes),
        cmocka_unit_test(below_the_minimum_only_a_message_is_left),
        cmocka_unit_test(small_screens_keep_lesson_terminal_and_status),
        cmocka_unit_test(at_80_by_24_the_lesson_stands_over_a_terminal_of_80_columns),
        cmocka_unit_test(at_120_by_36_the_lesson_stands_beside_the_terminal),
        cmocka_unit_test(the_lens_takes_the_state_s_place_or_half_of_it_and_none_of_the_terminal),
        cmocka_unit_test(large_screens_give_the_terminal_at_least_80_columns),
        cmocka_unit_test(for_a_room_the_terminal_is_the_biggest_and_the_spotlight_gives_all_of_it),
        cmocka_unit_test(a_zoomed_pane_has_all_but_title_message_and_status),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

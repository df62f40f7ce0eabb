#include "repl/screen/layout.h"

#define LESSON_COLS_MIN 46
#define LESSON_COLS_MAX 80
#define TERMINAL_COLS_MIN 72
#define TERMINAL_COLS_GOOD 80
#define WIDE_ROWS_MIN 20

static unsigned clamp(unsigned value, unsigned least, unsigned most)
{
    return value < least ? least : value > most ? most : value;
}

/* Cut @rows off the top of @from. */
static struct rect take_top(struct rect *from, unsigned rows)
{
    struct rect taken = { from->row, from->col, rows, from->cols };
    from->row += rows;
    from->rows -= rows;
    return taken;
}

static struct rect take_bottom(struct rect *from, unsigned rows)
{
    from->rows -= rows;
    return (struct rect){ from->row + from->rows, from->col, rows, from->cols };
}

static struct rect take_left(struct rect *from, unsigned cols)
{
    struct rect taken = { from->row, from->col, from->rows, cols };
    from->col += cols;
    from->cols -= cols;
    return taken;
}

#define LENS_COLS_MIN 54

/* The lens takes the right half of the state's place, or all of it. */
static void make_room_for_lens(struct layout *layout, bool whole)
{
    unsigned cols = !whole && layout->state.cols >= 2 * LENS_COLS_MIN + 1 ? layout->state.cols / 2 : 0;
    layout->lens = layout->state;
    layout->lens_title = layout->state_title;
    layout->state = cols ? take_left(&layout->lens, cols) : (struct rect){ 0 };
    layout->state_title = cols && layout->lens_title.rows ? take_left(&layout->lens_title, cols) : (struct rect){ 0 };
}

/* Lesson left; right the terminal over the state. */
static void lay_wide(struct layout *layout, struct rect body)
{
    unsigned lesson = clamp(body.cols * 2 / 5, LESSON_COLS_MIN, LESSON_COLS_MAX);
    if (body.cols - 1 - lesson < TERMINAL_COLS_GOOD)
        lesson = clamp(body.cols - 1 - TERMINAL_COLS_GOOD, LESSON_COLS_MIN, lesson);
    struct rect left = take_left(&body, lesson);
    layout->wide = true;
    layout->divider = take_left(&body, 1);
    layout->lesson_title = take_top(&left, 1);
    layout->lesson = left;
    layout->terminal_title = take_top(&body, 1);
    if (body.rows >= 18) {
        layout->state = take_bottom(&body, clamp(body.rows * 3 / 10, 4, 12));
        layout->state_title = take_bottom(&body, 1);
    }
    layout->terminal = body;
}

/* Lesson above the terminal, state below it. */
static void lay_stacked(struct layout *layout, struct rect body)
{
    layout->lesson_title = take_top(&body, 1);
    if (body.rows >= 30) {
        layout->state = take_bottom(&body, clamp(body.rows / 7, 4, 8));
        layout->state_title = take_bottom(&body, 1);
    } else if (body.rows >= 16) {
        layout->state = take_bottom(&body, 1);
    }
    unsigned lesson = clamp(body.rows * 5 / 12, 3, 24);
    layout->lesson = take_top(&body, lesson);
    layout->terminal_title = take_top(&body, 1);
    layout->terminal = body;
}

static void lay_zoomed(struct layout *layout, struct rect body, enum pane pane)
{
    struct rect title = take_top(&body, 1);
    if (pane == PANE_LESSON) {
        layout->lesson_title = title;
        layout->lesson = body;
    } else {
        layout->terminal_title = title;
        layout->terminal = body;
    }
}

#define GUTTER_COLS 2

/* A few lines of the lesson over the terminal, the state below it; or one of them alone. */
static void lay_presented(struct layout *layout, struct rect body, enum spotlight spotlight)
{
    bool all = spotlight == SPOTLIGHT_ALL;
    unsigned rows = body.rows;
    if (spotlight == SPOTLIGHT_STATE || spotlight == SPOTLIGHT_LENS) {
        layout->state_title = take_top(&body, 1);
        layout->state = body;
        return;
    }
    if (all || spotlight == SPOTLIGHT_LESSON) {
        layout->lesson_title = take_top(&body, 1);
        layout->lesson = all ? take_top(&body, clamp(rows / 5, 3, 8)) : body;
    }
    if (spotlight == SPOTLIGHT_LESSON)
        return;
    if (all && rows >= 30) {
        layout->state = take_bottom(&body, clamp(rows / 5, 5, 12));
        layout->state_title = take_bottom(&body, 1);
    } else if (all && rows >= 18) {
        layout->state = take_bottom(&body, 1);
    }
    layout->terminal_title = take_top(&body, 1);
    layout->gutter = take_left(&body, GUTTER_COLS);
    layout->terminal = body;
}

struct layout layout_compute(unsigned cols, unsigned rows, const struct layout_options *options)
{
    struct layout layout = { 0 };
    struct rect body = { 0, 0, rows, cols };
    if (cols < LAYOUT_MIN_COLS || rows < LAYOUT_MIN_ROWS) {
        layout.too_small = true;
        layout.message = body;
        return layout;
    }
    layout.status = take_bottom(&body, 1);
    layout.message = take_bottom(&body, rows >= 30 && !options->presented ? 2 : 1);
    if (options->presented)
        lay_presented(&layout, body, options->spotlight);
    else if (options->zoomed)
        lay_zoomed(&layout, body, options->zoom);
    else if (cols >= LESSON_COLS_MIN + 1 + TERMINAL_COLS_MIN && rows >= WIDE_ROWS_MIN)
        lay_wide(&layout, body);
    else
        lay_stacked(&layout, body);
    if (options->lens && layout.state.rows > 0 && options->spotlight != SPOTLIGHT_STATE)
        make_room_for_lens(&layout, options->spotlight == SPOTLIGHT_LENS);
    return layout;
}

/* When the screen is drawn and when the kernel's state is read: frames at most as often as they are seen, the echo of a key at once, and whatever takes milliseconds when no key is under way. */
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#define FRAME_MS 16  /* at most 60 frames a second */
#define ECHO_MS 50   /* a key's echo that is not there by then is none */
#define STATE_MS 100 /* between two looks whether anything has run in the lab */

static void draw_too_small(struct screen *screen)
{
    char text[80];
    struct rect all = { 0, 0, screen->rows, screen->cols };
    draw_clear(&screen->theme, &all);
    snprintf(text, sizeof(text), "needs %d x %d, has %u x %u", LAYOUT_MIN_COLS, LAYOUT_MIN_ROWS, screen->cols,
             screen->rows);
    struct flow *flow = flow_new(&screen->theme, screen->cols);
    if (!flow)
        return;
    flow_text(flow, ROLE_STRONG, text);
    flow_break(flow);
    flow_text(flow, ROLE_TEXT, "Make the window larger; F10, q or Ctrl-C twice quits.");
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    for (unsigned row = 0; row < all.rows && row < count; row++)
        draw_line(&screen->theme, &all, row, &lines[row]);
    flow_free(flow);
}

static void place_cursor(struct screen *screen)
{
    unsigned row = 0, col = 0;
    bool shown = false;
    if (screen->layout.too_small || screen->overlay != OVERLAY_NONE) {
        shown = false;
    } else if (screen->command.open) {
        row = screen->layout.status.row;
        col = screen->layout.status.col + 2 + utf8_width(screen->command.text, screen->command.len);
        shown = col < screen->cols;
    } else if (screen->focus == PANE_TERMINAL) {
        shown = terminal_view_cursor(screen, &row, &col);
    }
    curs_set(shown ? 1 : 0);
    screen->cursor_shown = shown;
    if (shown)
        move((int)row, (int)col);
}

void frame_draw(struct screen *screen)
{
    if (screen->dirty & DIRTY_CLEAN) {
        erase();
        screen->dirty |= DIRTY_ALL;
    }
    if (screen->layout.too_small) {
        draw_too_small(screen);
    } else if (screen->demo && screen->demo->blank) {
        erase();
    } else if (screen->overlay == OVERLAY_PANEL) {
        panel_view_draw(screen);
    } else if (screen->overlay == OVERLAY_LENS) {
        lens_page_draw(screen);
    } else if (screen->overlay != OVERLAY_NONE) {
        overlay_draw(screen);
    } else {
        if (screen->dirty & DIRTY_LESSON)
            screen->demo ? demo_view_lesson(screen) : lesson_view_draw(screen);
        if (screen->dirty & DIRTY_TERMINAL)
            terminal_view_draw(screen);
        if (screen->dirty & DIRTY_STATE)
            screen->panel_beside ? panel_view_draw(screen) : state_view_draw(screen);
        if (screen->dirty & DIRTY_STATE)
            lens_view_draw(screen);
        if (screen->dirty & DIRTY_STATUS)
            screen->demo ? demo_view_status(screen) : status_view_draw(screen);
        if (screen->dirty & DIRTY_CLEAN)
            draw_vertical(&screen->theme, &screen->layout.divider);
    }
    place_cursor(screen);
    wnoutrefresh(stdscr);
    doupdate();
    share_frame(screen);
    screen->echo_due &= !(screen->dirty & DIRTY_TERMINAL);
    screen->dirty = 0;
    screen->last_frame = loop_now();
}

static void on_frame(void *data)
{
    struct screen *screen = data;
    screen->frame_timer = NULL;
}

/* Not more often than frames are seen; but the echo of a key at once. */
static void draw_what_is_due(struct screen *screen)
{
    bool echo = screen->echo_due && (screen->dirty & DIRTY_TERMINAL);
    if (!screen->dirty || (screen->frame_timer && !echo))
        return;
    uint64_t since = loop_now() - screen->last_frame;
    if (since >= FRAME_MS || echo)
        frame_draw(screen);
    else
        screen->frame_timer = loop_add_timer(screen->loop, (unsigned)(FRAME_MS - since), 0, on_frame, screen);
}

static void read_state(struct screen *screen)
{
    session_state_read(screen->session, &screen->state);
    const char *words = screen_words(screen->state.waits_for);
    if (words != screen->state.waits_for)
        snprintf(screen->state.waits_for, sizeof(screen->state.waits_for), "%.*s",
                 (int)sizeof(screen->state.waits_for) - 1, words);
    screen->state_due = false;
    screen->dirty |= DIRTY_STATE | DIRTY_STATUS;
    if (screen->overlay == OVERLAY_STATE)
        overlay_changed(screen);
}

/* After every batch of events. The state takes a few milliseconds to read: what was typed is drawn before, and while a key's echo is on its way the state waits for the timer's next turn. */
void frame_before_wait(void *data)
{
    struct screen *screen = data;
    draw_what_is_due(screen);
    if (screen->state_due && screen->session && !(screen->echo_due && loop_now() - screen->last_key < ECHO_MS))
        read_state(screen);
    share_notes(screen);
    draw_what_is_due(screen);
}

/* While a program runs no mark says that the state changed, and another terminal's may change it too. */
static void on_state_timer(void *data)
{
    struct screen *screen = data;
    if (screen->session && session_state_stale(screen->session))
        screen->state_due = true;
}

bool frame_begin(struct screen *screen)
{
    screen->state_timer = loop_add_timer(screen->loop, STATE_MS, STATE_MS, on_state_timer, screen);
    return screen->state_timer != NULL;
}

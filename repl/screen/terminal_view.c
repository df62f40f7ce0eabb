#include "repl/screen/tty.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define PROMPT_CELLS 8192

/* What lies over the grid: the prompt's line, or what a demo types into another shell. */
struct line_over {
    const char *text, *suggestion;
    size_t cursor;     /* cells from its start */
    unsigned row, col; /* where it begins */
};

static bool line_over(const struct screen *screen, struct line_over *line)
{
    struct terminal *terminal = screen_terminal(screen);
    bool visible;
    if (!terminal || !screen->prompt || screen->terminal_view.back)
        return false;
    if (screen_at_prompt(screen) && terminal_prompt_position(terminal, &line->row, &line->col)) {
        line->text = prompt_text(screen->prompt, &line->cursor);
        line->suggestion = prompt_suggestion(screen->prompt);
        return true;
    }
    line->text = demo_view_typed(screen);
    if (!line->text)
        return false;
    line->suggestion = "";
    line->cursor = utf8_width(line->text, strlen(line->text));
    terminal_cursor(terminal, &line->row, &line->col, &visible);
    return true;
}

/* How the prompt line lies over the grid. */
struct prompt_shape {
    unsigned row, col;               /* of mark B in the grid */
    unsigned rows;                   /* the line and its explanation cover, at least 1 */
    unsigned shift;                  /* rows the grid is pushed up so that it fits */
    unsigned cursor_row, cursor_col; /* in the pane, after the shift */
};

static unsigned put_over(const struct screen *screen, const char *text, enum role role, unsigned start, unsigned *cells,
                         bool draw, const struct prompt_shape *shape)
{
    const struct rect *pane = &screen->layout.terminal;
    unsigned at = start;
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t character;
        size_t n = utf8_decode(text + i, len - i, &character);
        unsigned wide = utf8_cells(character);
        if (wide == 2 && at % pane->cols == pane->cols - 1)
            at++; /* a wide glyph does not straddle the edge: the tty's echo wraps it, too */
        unsigned row = at / pane->cols, col = at % pane->cols;
        if (draw && wide > 0 && shape->row + row >= shape->shift && shape->row + row - shape->shift < pane->rows) {
            draw_role(&screen->theme, role);
            mvaddnstr((int)(pane->row + shape->row + row - shape->shift), (int)(pane->col + col),
                      screen->theme.ascii && character >= 0x80 ? "?" : text + i,
                      screen->theme.ascii && character >= 0x80 ? 1 : (int)n);
        } else if (draw && wide == 0 && character >= 0x300 && !screen->theme.ascii) {
            addnstr(text + i, (int)n);
        }
        at += wide;
        i += n;
        if (at - start > PROMPT_CELLS)
            break;
    }
    *cells = at - start;
    return at;
}

static bool prompt_shape(const struct screen *screen, struct prompt_shape *shape)
{
    const struct rect *pane = &screen->layout.terminal;
    struct line_over line;
    if (pane->cols == 0 || !line_over(screen, &line))
        return false;
    unsigned cells, typed;
    *shape = (struct prompt_shape){ .row = line.row, .col = line.col };
    unsigned end = put_over(screen, line.text, ROLE_TEXT, shape->col, &typed, false, shape);
    put_over(screen, line.suggestion, ROLE_TEXT, end, &cells, false, shape);
    unsigned at = shape->col + (unsigned)line.cursor;
    unsigned last = at > end ? at : end;
    shape->rows = last / pane->cols + 1 + screen->explain.reserved;
    if (shape->row + shape->rows > pane->rows)
        shape->shift = shape->row + shape->rows - pane->rows;
    unsigned cursor_row = shape->row + at / pane->cols;
    if (cursor_row < shape->shift) /* a line longer than the pane, edited near its start: its start is what is shown */
        shape->shift = cursor_row;
    shape->cursor_row = cursor_row - shape->shift;
    shape->cursor_col = at % pane->cols;
    return true;
}

static unsigned cell_attributes(const struct terminal_cell *cell)
{
    return (cell->bold ? STYLE_BOLD : 0U) | (cell->dim ? STYLE_DIM : 0U) | (cell->underline ? STYLE_UNDERLINE : 0U) |
           (cell->italic ? STYLE_ITALIC : 0U) | (cell->reverse ? STYLE_REVERSE : 0U);
}

static bool same_style(const struct terminal_cell *a, const struct terminal_cell *b)
{
    return a->fg == b->fg && a->bg == b->bg && cell_attributes(a) == cell_attributes(b);
}

/* The glyph of a cell, always as wide as the cell says: ncurses and libvterm may disagree about a character's width, and then the row
 * would run over the pane. */
static size_t cell_glyph(const struct screen *screen, const struct terminal_cell *cell, wchar_t *out)
{
    uint32_t base = cell->chars[0];
    size_t n = 0;
    if (base == 0)
        base = ' ';
    if ((screen->theme.ascii && base >= 0x80) || utf8_cells(base) != (unsigned)cell->width) {
        const char *ascii = screen->theme.ascii && base >= 0x80 ? theme_ascii(base) : "?";
        out[n++] = (wchar_t)(ascii[0] ? ascii[0] : '?');
        for (int i = 1; i < cell->width; i++)
            out[n++] = L' ';
        return n;
    }
    out[n++] = (wchar_t)base;
    for (size_t i = 1; i < 6 && cell->chars[i] && !screen->theme.ascii; i++)
        if (utf8_cells(cell->chars[i]) == 0 && cell->chars[i] >= 0x300)
            out[n++] = (wchar_t)cell->chars[i];
    return n;
}

/* Row @row of the terminal in row @at of the pane, in runs of one style. */
static void draw_grid_row(const struct screen *screen, const struct terminal *terminal, int row, unsigned at)
{
    const struct rect *pane = &screen->layout.terminal;
    wchar_t run[512];
    size_t length = 0;
    unsigned start = 0, col = 0;
    struct terminal_cell style = { .fg = -1, .bg = -1 }, cell;
    while (col < pane->cols) {
        if (!terminal_get(terminal, row, col, &cell))
            cell = (struct terminal_cell){ .width = 1, .fg = -1, .bg = -1 };
        if (cell.width < 1)
            cell.width = 1;
        if (col + (unsigned)cell.width > pane->cols || cell.chars[0] == (uint32_t)-1)
            cell = (struct terminal_cell){ .width = 1, .fg = cell.fg, .bg = cell.bg };
        if (length && (!same_style(&style, &cell) || length + 8 > sizeof(run) / sizeof(run[0]))) {
            draw_style(&screen->theme, theme_ink(&screen->theme, style.fg, style.bg), style.bg,
                       cell_attributes(&style));
            mvaddnwstr((int)(pane->row + at), (int)(pane->col + start), run, (int)length);
            length = 0;
        }
        if (length == 0) {
            start = col;
            style = cell;
        }
        length += cell_glyph(screen, &cell, run + length);
        col += (unsigned)cell.width;
    }
    if (length) {
        draw_style(&screen->theme, theme_ink(&screen->theme, style.fg, style.bg), style.bg, cell_attributes(&style));
        mvaddnwstr((int)(pane->row + at), (int)(pane->col + start), run, (int)length);
    }
}

/* Only when it is another one: it is asked for with every echo. */
static void draw_terminal_title(struct screen *screen)
{
    struct terminal_view *view = &screen->terminal_view;
    const struct theme *theme = &screen->theme;
    const struct rect *rect = &screen->layout.terminal_title;
    char left[256] = "Terminal", right[80] = "";
    if (screen->session) {
        unsigned count = session_terminals(screen->session), active = session_active(screen->session);
        size_t used = (size_t)snprintf(left, sizeof(left), count > 1 ? "Terminal" : "Terminal %u", active);
        for (unsigned i = 1; count > 1 && i <= TERMINALS_MAX && used < sizeof(left) - 8; i++)
            if (session_terminal(screen->session, i))
                used += (size_t)snprintf(left + used, sizeof(left) - used, i == active ? " [%u]" : "  %u ", i);
        if (count > 1 && !screen->demo)
            snprintf(right, sizeof(right), "F7/F8");
    }
    if (screen->terminal_view.back)
        snprintf(right, sizeof(right), "%u lines back %s any key returns", screen->terminal_view.back,
                 theme_glyph(theme, GLYPH_DASH));
    enum role role = screen->focus == PANE_TERMINAL ? ROLE_FOCUS : ROLE_TITLE;
    char title[sizeof(view->title)];
    snprintf(title, sizeof(title), "%d%s\n%s", (int)role, left, right);
    if (strcmp(title, view->title) == 0 && !(screen->dirty & DIRTY_CLEAN))
        return;
    strcpy(view->title, title);
    draw_title(theme, rect, screen->demo ? ROLE_STRONG : role, left, right);
}

static void widen(struct row_range *rows, unsigned first, unsigned last)
{
    bool none = rows->first > rows->last;
    if (first > last)
        return;
    rows->first = none || first < rows->first ? first : rows->first;
    rows->last = none || last > rows->last ? last : rows->last;
}

/* Rows @first to @last of the grid, as rows of the pane. */
static struct row_range rows_over(const struct screen *screen, unsigned first, unsigned last, unsigned shift)
{
    unsigned end = screen->layout.terminal.rows - 1;
    if (last < shift || first > end + shift)
        return (struct row_range){ 1, 0 };
    return (struct row_range){ first > shift ? first - shift : 0, last - shift < end ? last - shift : end };
}

/* Those that changed, and those that something lies over or lay over: a key at the prompt is no reason to draw all. */
static struct row_range rows_to_draw(const struct screen *screen, const struct terminal *terminal,
                                     const struct row_range *over, unsigned shift)
{
    const struct terminal_view *view = &screen->terminal_view;
    struct row_range rows = view->drawn_over;
    unsigned first, last;
    if (view->back || shift != view->drawn_shift || screen->demo || (screen->dirty & DIRTY_CLEAN))
        return (struct row_range){ 0, screen->layout.terminal.rows - 1 };
    widen(&rows, over->first, over->last);
    if (terminal_damage(terminal, &first, &last)) {
        struct row_range damaged = rows_over(screen, first, last, shift);
        widen(&rows, damaged.first, damaged.last);
    }
    return rows;
}

void terminal_view_draw(struct screen *screen)
{
    struct terminal_view *view = &screen->terminal_view;
    const struct rect *pane = &screen->layout.terminal;
    struct terminal *terminal = screen_terminal(screen);
    if (pane->rows == 0)
        return;
    draw_terminal_title(screen);
    if (!terminal) {
        draw_clear(&screen->theme, pane);
        return;
    }
    struct prompt_shape shape = { 0 };
    explain_view_update(screen);
    bool prompt = prompt_shape(screen, &shape), explained = screen->explain.text[0];
    if (!prompt)
        shape.shift = explain_view_shift(screen);
    unsigned under = prompt ? shape.row + shape.rows - 1 : screen->explain.end + 1; /* the row of the explanation */
    struct row_range over = { 1, 0 };
    if (prompt || explained)
        over = rows_over(screen, prompt ? shape.row : under, under, shape.shift);
    struct row_range rows = rows_to_draw(screen, terminal, &over, shape.shift);
    size_t kept = terminal_scrollback(terminal);
    if (view->back > kept)
        view->back = (unsigned)kept;
    for (unsigned row = rows.first; row <= rows.last && row < pane->rows; row++)
        draw_grid_row(screen, terminal, (int)(row + shape.shift) - (int)view->back, row);
    terminal_clean(terminal);
    struct line_over line;
    if (prompt && line_over(screen, &line)) {
        unsigned cells, end = put_over(screen, line.text, ROLE_TEXT, shape.col, &cells, true, &shape);
        put_over(screen, line.suggestion, ROLE_SUGGESTION, end, &cells, true, &shape);
    }
    if (explained)
        explain_view_draw(screen, under, shape.shift);
    if (screen->demo)
        demo_view_pointer(screen);
    view->drawn_over = over;
    view->drawn_shift = shape.shift;
    tty_mouse(terminal_mouse(terminal));
    if (view->alternate != terminal_alternate(terminal)) { /* other keys count now, and the status line says which */
        view->alternate = !view->alternate;
        screen->dirty |= DIRTY_STATUS;
    }
}

bool terminal_view_cursor(const struct screen *screen, unsigned *row, unsigned *col)
{
    const struct rect *pane = &screen->layout.terminal;
    struct terminal *terminal = screen_terminal(screen);
    struct prompt_shape shape;
    bool visible;
    if (!terminal || pane->rows == 0 || screen->terminal_view.back)
        return false;
    if (prompt_shape(screen, &shape)) {
        *row = pane->row + shape.cursor_row;
        *col = pane->col + shape.cursor_col;
        return shape.cursor_row < pane->rows;
    }
    terminal_cursor(terminal, row, col, &visible);
    *row -= screen->terminal_view.drawn_shift <= *row ? screen->terminal_view.drawn_shift : *row;
    if (*row >= pane->rows || *col >= pane->cols)
        return false;
    *row += pane->row;
    *col += pane->col;
    return visible;
}

void terminal_view_scroll(struct screen *screen, int lines)
{
    struct terminal *terminal = screen_terminal(screen);
    struct terminal_view *view = &screen->terminal_view;
    if (!terminal || terminal_alternate(terminal))
        return;
    long back = (long)view->back + lines, kept = (long)terminal_scrollback(terminal);
    view->back = back < 0 ? 0 : back > kept ? (unsigned)kept : (unsigned)back;
    screen->dirty |= DIRTY_TERMINAL | DIRTY_CLEAN;
}

static void send_to_program(struct screen *screen, struct terminal *terminal, const struct input_event *event)
{
    ahead_remember(screen, terminal, event);
    if (event->kind == INPUT_PASTE) {
        terminal_paste(terminal, event->bytes, event->len);
        return;
    }
    char bytes[16];
    size_t len = event->kind == INPUT_KEY
                     ? input_encode(event->key, event->modifiers, terminal_application_cursor(terminal), bytes)
                     : 0;
    if (len)
        terminal_write(terminal, bytes, len);
    else
        terminal_write(terminal, event->bytes, event->len);
}

static void mouse(struct screen *screen, struct terminal *terminal, const struct input_event *event)
{
    const struct rect *pane = &screen->layout.terminal;
    if (event->row < pane->row || event->row >= pane->row + pane->rows || event->col < pane->col ||
        event->col >= pane->col + pane->cols)
        return;
    if (terminal_mouse(terminal) && !(event->modifiers & INPUT_SHIFT))
        terminal_mouse_event(terminal, event->row - pane->row, event->col - pane->col, event->button, event->pressed,
                             (int)event->modifiers);
    else if (event->button == 4 || event->button == 5)
        terminal_view_scroll(screen, event->button == 4 ? 3 : -3);
}

static bool is_letter(const struct input_event *event)
{
    return event->kind == INPUT_KEY && !event->modifiers && event->key >= ' ' && event->key < INPUT_KEY_NONE;
}

void terminal_view_input(struct screen *screen, const struct input_event *event)
{
    struct terminal *terminal = screen_terminal(screen);
    if (!terminal || event->kind == INPUT_FOCUS)
        return;
    if (event->kind == INPUT_MOUSE) {
        mouse(screen, terminal, event);
        return;
    }
    if (screen->terminal_view.back) {
        screen->terminal_view.back = 0;
        screen->dirty |= DIRTY_TERMINAL | DIRTY_CLEAN;
    }
    session_typed(screen->session, is_letter(event));
    if (screen_at_prompt(screen)) {
        if (event->kind == INPUT_PASTE)
            prompt_feed(screen->prompt, "\033[200~", 6);
        prompt_feed(screen->prompt, event->bytes, event->len);
        if (event->kind == INPUT_PASTE)
            prompt_feed(screen->prompt, "\033[201~", 6);
        else if (event->kind == INPUT_KEY && event->key == INPUT_KEY_ESCAPE)
            prompt_escape_timeout(screen->prompt);
        screen->dirty |= DIRTY_TERMINAL;
    } else { /* what comes of it comes back: to draw now would make that wait for the next frame */
        send_to_program(screen, terminal, event);
        screen->echo_due = true;
        screen->last_key = loop_now();
    }
}

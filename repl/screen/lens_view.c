/* The lens: the newest calls in the place of the state pane or beside it, or all of them on the whole screen, where they can be looked through, filtered, held and copied. */
#include "repl/screen/lens_text.h"
#include "repl/screen/tty.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESS_CELLS 18
#define DETAIL_ROWS 3 /* of the whole page: the chosen call in full */

static const struct lens *lens_of(const struct screen *screen)
{
    return screen->session ? session_lens(screen->session, session_active(screen->session)) : NULL;
}

/* --- which rows ------------------------------------------------------------------------------------------------------------------- */

/* The rows the filter lets through and, held, those that were there then; oldest first. */
struct chosen {
    const struct lens_call *calls[LENS_ROWS];
    size_t count;
    size_t newer; /* held: rows that have come since */
};

static void choose(const struct screen *screen, struct chosen *chosen)
{
    const struct lens *lens = lens_of(screen);
    const struct lens_view *view = &screen->lens_view;
    chosen->count = chosen->newer = 0;
    for (size_t i = 0; lens && i < lens_count(lens); i++) {
        const struct lens_call *call = lens_call_at(lens, i);
        if (!lens_matches(call, view->filter))
            continue;
        if (view->held && call->number > view->held)
            chosen->newer++;
        else
            chosen->calls[chosen->count++] = call;
    }
}

/* Where the chosen row is; the newest if it has gone. */
static size_t selected(const struct screen *screen, const struct chosen *chosen)
{
    for (size_t i = chosen->count; i > 0; i--)
        if (screen->lens_view.selected && chosen->calls[i - 1]->number <= screen->lens_view.selected)
            return i - 1;
    return chosen->count ? chosen->count - 1 : 0;
}

/* --- a row ------------------------------------------------------------------------------------------------------------------------ */

/* The end of a row, which is always seen: what came of the call, in words and colour. Returns its cells; @draws: at column @col. */
static unsigned put_result(const struct theme *theme, const struct rect *pane, unsigned row, unsigned col, bool draws,
                           const struct lens_call *call)
{
    char result[160], times[32] = "", asked[32] = "";
    lens_result_words(call, pane->cols < 100, result, sizeof(result));
    if (call->repeats > 1)
        snprintf(times, sizeof(times), " %s%u", theme->ascii ? "x" : "×", call->repeats);
    if (call->expected)
        snprintf(asked, sizeof(asked), " %s asked for", theme_glyph(theme, GLYPH_PASSED));
    const struct {
        const char *text;
        enum role role;
    } parts[] = { { " = ", ROLE_FAINT },
                  { result, call->error   ? ROLE_FAILED
                            : call->ended ? ROLE_PASSED
                                          : ROLE_FAINT },
                  { times, ROLE_TEXT },
                  { asked, ROLE_NOTICE } };
    unsigned cells = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (draws)
            draw_text(theme, pane, row, col + cells, parts[i].role, parts[i].text);
        cells += utf8_width(parts[i].text, strlen(parts[i].text));
    }
    return cells;
}

static void draw_call(const struct screen *screen, const struct rect *pane, unsigned row, const struct lens_call *call)
{
    const struct theme *theme = &screen->theme;
    char process[64], text[LENS_LINE_SIZE];
    unsigned process_cells = pane->cols < 70 ? PROCESS_CELLS * 2 / 3 : PROCESS_CELLS; /* a longer one takes more */
    unsigned end = put_result(theme, pane, row, 0, false, call);
    lens_process_words(call, process, sizeof(process));
    draw_clear_row(theme, pane, row, 0);
    unsigned col =
        draw_text(theme, pane, row, 0, ROLE_FAILED, call->error ? theme_glyph(theme, GLYPH_FAILED) : " ") + 1;
    struct rect left = *pane;
    left.cols = col + PROCESS_CELLS < pane->cols ? col + PROCESS_CELLS : pane->cols;
    unsigned used = draw_text(theme, &left, row, col, ROLE_FAINT, process);
    col += (used > process_cells ? used : process_cells) + 1;
    snprintf(text, sizeof(text), "(%s)", call->arguments);
    left.cols = end < pane->cols ? pane->cols - end : pane->cols;
    col += draw_text(theme, &left, row, col, ROLE_STRONG, call->name);
    unsigned room = left.cols > col ? left.cols - col : 0, cells = utf8_width(text, strlen(text));
    if (cells > room && room > 3) { /* the end of the arguments goes, not the result */
        const char *more = theme_glyph(theme, GLYPH_ELLIPSIS);
        text[utf8_fit(text, strlen(text), room - 2)] = '\0';
        col += draw_text(theme, &left, row, col, ROLE_TEXT, text);
        col += draw_text(theme, &left, row, col, ROLE_FAINT, more);
        col += draw_text(theme, &left, row, col, ROLE_TEXT, ")");
    } else {
        col += draw_text(theme, &left, row, col, ROLE_TEXT, text);
    }
    put_result(theme, pane, row, col, true, call);
}

/* --- the pane --------------------------------------------------------------------------------------------------------------------- */

static void title(const struct screen *screen, const struct chosen *chosen, char *left, size_t size)
{
    const struct lens_view *view = &screen->lens_view;
    const char *dot = theme_glyph(&screen->theme, GLYPH_DOT);
    unsigned terminal = screen->session ? session_active(screen->session) : 1;
    bool off = screen->session && session_lens_lacks(screen->session, terminal);
    size_t len =
        (size_t)snprintf(left, size, off ? "Lens: off in terminal %u" : "Lens: syscalls of terminal %u", terminal);
    if (view->filter[0] && len < size)
        len += (size_t)snprintf(left + len, size - len, " %s only: %s", dot, view->filter);
    if (view->held && len < size)
        snprintf(left + len, size - len, " %s held, %zu newer", dot, chosen->newer);
}

/* Why there is nothing to see. */
static void draw_empty(const struct screen *screen, const struct rect *pane)
{
    const char *lacks = screen->session ? session_lens_lacks(screen->session, session_active(screen->session)) : NULL;
    struct flow *flow = flow_new(&screen->theme, pane->cols);
    size_t count = 0;
    if (!flow)
        return;
    if (lacks)
        flow_format(flow, ROLE_NOTICE, "No lens: %s", lacks);
    else
        flow_text(flow, ROLE_FAINT,
                  screen->lens_view.filter[0] ? "No call passes the filter; `lens all` takes it away."
                                              : "What commands ask the kernel for is shown here.");
    const struct line *lines = flow_lines(flow, &count);
    for (size_t i = 0; i < count && i < pane->rows; i++)
        draw_line(&screen->theme, pane, (unsigned)i, &lines[i]);
    flow_free(flow);
}

/* The calls up to @last at the bottom of @pane. */
static void draw_calls(const struct screen *screen, const struct rect *pane, const struct chosen *chosen, size_t last)
{
    size_t count = chosen->count ? last + 1 : 0, shown = count < pane->rows ? count : pane->rows;
    draw_clear(&screen->theme, pane);
    if (shown == 0)
        draw_empty(screen, pane);
    for (size_t i = 0; i < shown; i++)
        draw_call(screen, pane, (unsigned)i, chosen->calls[count - shown + i]);
}

void lens_view_draw(struct screen *screen)
{
    struct chosen chosen;
    char left[160], legend[80];
    struct rect pane = screen->layout.lens;
    if (pane.rows == 0)
        return;
    choose(screen, &chosen);
    title(screen, &chosen, left, sizeof(left));
    snprintf(legend, sizeof(legend), "%s failed %s Shift-F12 all", theme_glyph(&screen->theme, GLYPH_FAILED),
             theme_glyph(&screen->theme, GLYPH_DOT));
    /* What is not shown is to be known before how the marks are read. */
    bool partial = screen->lens_view.filter[0] || screen->lens_view.held;
    draw_title(&screen->theme, &screen->layout.lens_title, ROLE_TITLE, left, partial ? "" : legend);
    draw_clear(&screen->theme, &pane);
    if (pane.cols > 4) {
        pane.col++;
        pane.cols -= 2;
    }
    draw_calls(screen, &pane, &chosen, chosen.count ? chosen.count - 1 : 0);
}

/* --- the whole page --------------------------------------------------------------------------------------------------------------- */

static unsigned page_rows(const struct screen *screen)
{
    return screen->rows > DETAIL_ROWS + 4 ? screen->rows - DETAIL_ROWS - 3 : 1;
}

/* What the narrow row had no room for. */
static void draw_detail(const struct screen *screen, const struct rect *pane, const struct lens_call *call)
{
    char text[LENS_LINE_SIZE];
    struct flow *flow = flow_new(&screen->theme, pane->cols);
    size_t count;
    draw_clear(&screen->theme, pane);
    if (!flow)
        return;
    lens_line_words(call, text, sizeof(text));
    flow_text(flow, call->error ? ROLE_FAILED : ROLE_TEXT, text);
    const struct line *lines = flow_lines(flow, &count);
    for (size_t i = 0; i < count && i < pane->rows; i++)
        draw_line(&screen->theme, pane, (unsigned)i, &lines[i]);
    flow_free(flow);
}

static const char *footer(const struct screen *screen)
{
    return screen->cols < 90
               ? "/ filter  f failed  Space hold  c copy  Esc back"
               : "Up, Down, PgUp, PgDn look through  / filter  f failed ones  Space hold  c copy the line  "
                 "Esc goes back";
}

void lens_page_draw(struct screen *screen)
{
    struct chosen chosen;
    char left[200];
    struct rect all = { 0, 0, screen->rows, screen->cols }, top = { 0, 0, 1, screen->cols };
    struct rect rows = { 1, 1, page_rows(screen), screen->cols - 2 };
    struct rect rule = { rows.row + rows.rows, 0, 1, screen->cols };
    struct rect detail = { rule.row + 1, 1, DETAIL_ROWS, screen->cols - 2 };
    struct rect bottom = { screen->rows - 1, 1, 1, screen->cols - 2 };
    choose(screen, &chosen);
    size_t at = selected(screen, &chosen), last = at;
    draw_clear(&screen->theme, &all);
    title(screen, &chosen, left, sizeof(left));
    draw_title(&screen->theme, &top, ROLE_TITLE, left, "");
    if (screen->lens_view.selected) /* it stays where it is in the middle of the page */
        last = at + rows.rows / 2 < chosen.count ? at + rows.rows / 2 : chosen.count ? chosen.count - 1 : 0;
    if (last + 1 < rows.rows && chosen.count)
        last = chosen.count < rows.rows ? chosen.count - 1 : rows.rows - 1;
    draw_calls(screen, &rows, &chosen, last);
    if (chosen.count) {
        size_t first = last + 1 > rows.rows ? last + 1 - rows.rows : 0;
        struct rect mark = { rows.row + (unsigned)(at - first), 0, 1, 1 };
        draw_text(&screen->theme, &mark, 0, 0, ROLE_NOTICE, theme_glyph(&screen->theme, GLYPH_CURRENT));
        draw_title(&screen->theme, &rule, ROLE_TITLE, "", "");
        draw_detail(screen, &detail, chosen.calls[at]);
    }
    if (screen->lens_view.typing) {
        snprintf(left, sizeof(left), "only calls with: %s", screen->lens_view.filter);
        unsigned col = draw_text(&screen->theme, &bottom, 0, 0, ROLE_NOTICE, left);
        draw_text(&screen->theme, &bottom, 0, col, ROLE_SELECTED, " ");
    } else {
        draw_text(&screen->theme, &bottom, 0, 0, ROLE_NOTICE, screen->message[0] ? screen->message : footer(screen));
    }
}

static void move_by(struct screen *screen, long rows)
{
    struct chosen chosen;
    choose(screen, &chosen);
    if (chosen.count == 0)
        return;
    long at = (long)selected(screen, &chosen) + rows, last = (long)chosen.count - 1;
    at = at < 0 ? 0 : at > last ? last : at;
    screen->lens_view.selected = at == last && !screen->lens_view.held ? 0 : chosen.calls[at]->number;
}

static void hold(struct screen *screen)
{
    const struct lens *lens = lens_of(screen);
    size_t count = lens ? lens_count(lens) : 0;
    struct lens_view *view = &screen->lens_view;
    view->held = view->held || !count ? 0 : lens_call_at(lens, count - 1)->number;
    if (!view->held)
        view->selected = 0;
}

static void only_failed(struct screen *screen)
{
    char *filter = screen->lens_view.filter;
    bool was = strcmp(filter, "failed") == 0;
    snprintf(filter, sizeof(screen->lens_view.filter), "%s", was ? "" : "failed");
}

static void copy(struct screen *screen)
{
    struct chosen chosen;
    char text[LENS_LINE_SIZE];
    choose(screen, &chosen);
    if (chosen.count == 0)
        return;
    lens_line_words(chosen.calls[selected(screen, &chosen)], text, sizeof(text));
    tty_copy(text, strlen(text));
    screen_message(screen, ROLE_NOTICE, "The line went to the clipboard, if your terminal lets programs write to it.");
}

/* Returns false when the key was not one for the filter's line. */
static void type_filter(struct lens_view *view, const struct input_event *event)
{
    size_t len = strlen(view->filter);
    if (event->key == INPUT_KEY_ENTER) {
        view->typing = false;
    } else if (event->key == INPUT_KEY_ESCAPE || (event->key == 'c' && event->modifiers == INPUT_CTRL)) {
        view->typing = false;
        view->filter[0] = '\0';
    } else if (event->key == INPUT_KEY_BACKSPACE && len > 0) {
        view->filter[len - 1] = '\0';
    } else if (!event->modifiers && event->key > ' ' - 1 && event->key < 0x7f && len + 1 < sizeof(view->filter)) {
        view->filter[len] = (char)event->key;
        view->filter[len + 1] = '\0';
    }
}

static void page_key(struct screen *screen, const struct input_event *event)
{
    struct lens_view *view = &screen->lens_view;
    long page = (long)page_rows(screen);
    switch (event->key) {
    case INPUT_KEY_UP:
    case 'k':
        move_by(screen, -1);
        break;
    case INPUT_KEY_DOWN:
    case 'j':
        move_by(screen, 1);
        break;
    case INPUT_KEY_PAGE_UP:
        move_by(screen, -page);
        break;
    case INPUT_KEY_PAGE_DOWN:
        move_by(screen, page);
        break;
    case INPUT_KEY_HOME:
        move_by(screen, -LENS_ROWS);
        break;
    case INPUT_KEY_END:
        move_by(screen, LENS_ROWS);
        break;
    case '/':
        view->typing = true;
        view->filter[0] = '\0';
        break;
    case 'f':
        only_failed(screen);
        break;
    case ' ':
        hold(screen);
        break;
    case 'c':
        if (event->modifiers == INPUT_CTRL)
            overlay_show(screen, OVERLAY_NONE);
        else
            copy(screen);
        break;
    case INPUT_KEY_F1 + 9:
        loop_quit(screen->loop);
        break;
    case 'q':
    case INPUT_KEY_F12:
    case INPUT_KEY_ESCAPE:
        overlay_show(screen, OVERLAY_NONE);
        break;
    default:
        break;
    }
}

void lens_page_input(struct screen *screen, const struct input_event *event)
{
    screen->dirty |= DIRTY_ALL;
    if (event->kind == INPUT_MOUSE && (event->button == 4 || event->button == 5))
        move_by(screen, event->button == 4 ? -3 : 3);
    if (event->kind != INPUT_KEY)
        return;
    screen->message[0] = '\0';
    if (screen->lens_view.typing)
        type_filter(&screen->lens_view, event);
    else
        page_key(screen, event);
}

/* --- asked for -------------------------------------------------------------------------------------------------------------------- */

bool lens_view_shown(const struct screen *screen)
{
    const struct lens_view *view = &screen->lens_view;
    return screen->session && !screen->panel_beside &&
           (view->chosen ? view->beside : session_expects_syscalls(screen->session));
}

static void show_beside(struct screen *screen, bool beside)
{
    screen->lens_view.chosen = true;
    screen->lens_view.beside = beside;
    if (beside)
        screen->panel_beside = false;
    screen_relayout(screen);
    if (beside && screen->layout.lens.rows == 0)
        screen_message(screen, ROLE_NOTICE,
                       "There is no room beside the terminal for the lens; Shift-F12 gives it the whole screen.");
}

static void switch_lens(struct screen *screen, bool on)
{
    struct err err;
    unsigned active = session_active(screen->session);
    if (session_switch_lens(screen->session, active, on, &err) < 0)
        screen_message(screen, ROLE_NOTICE, "%s", err.message);
    else if (on)
        show_beside(screen, true);
}

void lens_view_command(struct screen *screen, const char *argument)
{
    struct lens_view *view = &screen->lens_view;
    if (!*argument) {
        show_beside(screen, !lens_view_shown(screen));
    } else if (strcmp(argument, "on") == 0 || strcmp(argument, "off") == 0) {
        switch_lens(screen, argument[1] == 'n');
    } else {
        snprintf(view->filter, sizeof(view->filter), "%s", strcmp(argument, "all") == 0 ? "" : argument);
        view->held = view->selected = 0;
        show_beside(screen, true);
    }
}

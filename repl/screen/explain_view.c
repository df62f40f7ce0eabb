/* The row under the line being edited: what the word at the cursor means, and which syscall it becomes. In a nested shell the line is what stands in the grid from the prompt's mark on;
 * in one without marks, from what looks like a prompt. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/user.h"
#include "engine/observe/observe.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"
#include "repl/tutor/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_LEAST 4 /* of the pane: below that it would take too much of it */
#define COLS_LEAST 24

/* ---- on and off, remembered ---- */

void explain_view_load(struct screen *screen)
{
    char word[8] = "";
    cleanup_free char *path = user_state_path("explain");
    cleanup_file FILE *file = path ? fopen(path, "re") : NULL;
    if (file && fgets(word, sizeof word, file))
        screen->explain.off = strcmp(word, "off\n") == 0;
}

void explain_view_set(struct screen *screen, bool on)
{
    struct err err = { 0 };
    cleanup_free char *path = user_state_path("explain");
    const char *word = on ? "on\n" : "off\n";
    screen->explain.off = !on;
    screen->dirty |= DIRTY_TERMINAL | DIRTY_CLEAN;
    if (!path || make_directories_above(path, &err) < 0 || replace_file(path, word, strlen(word), 0600, &err) < 0)
        screen_message(screen, ROLE_NOTICE, "It is %s now, but that cannot be remembered: %s", on ? "on" : "off",
                       path ? err.message : "out of memory");
    else if (on)
        screen_message(screen, ROLE_NOTICE,
                       "The word at the cursor is explained below the line. `explain off` ends that.");
    else
        screen_message(
            screen, ROLE_NOTICE,
            "Words are no longer explained as you type. `explain LINE` still is; `explain on` brings it back.");
}

/* ---- what is typed ---- */

struct typed {
    char *text;
    size_t len, size;
};

/* What is in a cell, in UTF-8. False: out of memory. */
static bool put_cell(struct typed *typed, const struct terminal_cell *cell)
{
    if (typed->size - typed->len < sizeof cell->chars) {
        char *grown = realloc(typed->text, typed->size + 1024);
        if (!grown)
            return false;
        typed->text = grown;
        typed->size += 1024;
    }
    for (size_t i = 0; i < 6 && (i == 0 || cell->chars[i]); i++)
        typed->len += utf8_encode(cell->chars[i] ? cell->chars[i] : ' ', typed->text + typed->len);
    return true;
}

/* What stands in the grid from there on, as far as rows go on. malloc'ed; NULL if the cursor is not in it. */
static char *text_from(const struct terminal *terminal, unsigned row, unsigned col, size_t *point, unsigned *end)
{
    unsigned cursor_row, cursor_col;
    bool visible, whole = true;
    struct typed typed = { 0 };
    terminal_cursor(terminal, &cursor_row, &cursor_col, &visible);
    *point = SIZE_MAX;
    for (unsigned r = row; r < terminal_rows(terminal); r++) {
        if (r > row && !terminal_row_continues(terminal, (int)r))
            break;
        for (unsigned c = r == row ? col : 0; c < terminal_cols(terminal); c++) {
            struct terminal_cell cell;
            if (r == cursor_row && c == cursor_col)
                *point = typed.len;
            if (terminal_get(terminal, (int)r, c, &cell) && cell.chars[0] != (uint32_t)-1)
                whole = whole && put_cell(&typed, &cell);
        }
        *end = r;
    }
    struct terminal_cell blank = { .chars = { 0 } };
    if (!put_cell(&typed, &blank) || !whole || *point == SIZE_MAX) {
        free(typed.text);
        return NULL;
    }
    while (typed.len > *point && typed.text[typed.len - 1] == ' ')
        typed.len--;
    typed.text[typed.len] = '\0';
    return typed.text;
}

char *typed_in_grid(const struct terminal *terminal, size_t *point, unsigned *end)
{
    unsigned row, col;
    return terminal_at_prompt(terminal) && terminal_prompt_position(terminal, &row, &col)
               ? text_from(terminal, row, col, point, end)
               : NULL;
}

/* Shells without marks at their prompts: dash, and busybox's. */
static bool is_unmarked_shell(const struct terminal *terminal)
{
    static const char *const names[] = { "sh", "dash", "ash", "busybox" };
    struct observe_process process;
    if (terminal_at_prompt(terminal) || observe_process(terminal_foreground(terminal), &process, NULL) < 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(process.comm, names[i]) == 0)
            return true;
    return false;
}

/* There the line is what stands behind the first thing in its row that ends as prompts do. */
static char *typed_unmarked(const struct terminal *terminal, size_t *point, unsigned *end)
{
    unsigned row, col;
    bool visible;
    terminal_cursor(terminal, &row, &col, &visible);
    while (row > 0 && terminal_row_continues(terminal, (int)row))
        row--;
    char *text = text_from(terminal, row, 0, point, end), *line = text;
    while (line && *line && !(strchr("#$%", line[0]) && line[1] == ' '))
        line++;
    if (!line || !*line || (size_t)(line + 2 - text) > *point || !is_unmarked_shell(terminal)) {
        free(text);
        return NULL;
    }
    *point -= (size_t)(line + 2 - text);
    memmove(text, line + 2, strlen(line + 2) + 1);
    return text;
}

/* The line at the lab's own prompt. Where it goes on with a command that the lines before it began (a loop, a here-document), those belong to it. malloc'ed. */
static char *typed_in_prompt(const struct screen *screen, size_t *point)
{
    const char *before = session_unfinished(screen->session), *line = prompt_line(screen->prompt, point);
    char *whole = NULL;
    if (!line[strspn(line, " \t")])
        return strdup("");
    if (asprintf(&whole, "%s%s%s", before ? before : "", before ? "\n" : "", line) < 0)
        return NULL;
    *point += strlen(whole) - strlen(line);
    return whole;
}

/* ---- drawing ---- */

void explain_view_update(struct screen *screen)
{
    struct explain_view *view = &screen->explain;
    const struct rect *pane = &screen->layout.terminal;
    const struct terminal *terminal = screen_terminal(screen);
    view->text[0] = '\0';
    cleanup_free char *line = NULL;
    size_t point = 0;
    bool own = screen_at_prompt(screen);
    bool room = terminal && !view->off && !screen->building && !screen->terminal_view.back &&
                pane->rows >= ROWS_LEAST && pane->cols >= COLS_LEAST && !terminal_alternate(terminal);
    if (room)
        line = own ? typed_in_prompt(screen, &point) : typed_in_grid(terminal, &point, &view->end);
    if (room && !own && !line)
        line = typed_unmarked(terminal, &point, &view->end);
    if (!line || !line[strspn(line, " \t")]) { /* the row is given back only with the line: it would jump */
        view->reserved = false;
        return;
    }
    if (explain_at(line, point, pane->cols - 3, screen->theme.ascii, view->text, sizeof view->text))
        view->reserved = true;
}

unsigned explain_view_shift(const struct screen *screen)
{
    return screen->explain.reserved && screen->explain.end + 1 >= screen->layout.terminal.rows;
}

void explain_view_draw(struct screen *screen, unsigned row, unsigned shift)
{
    const struct rect *pane = &screen->layout.terminal;
    const struct terminal *terminal = screen_terminal(screen);
    char there[8];
    if (!screen->explain.text[0] || row < shift || row - shift >= pane->rows)
        return;
    if (row < pane->rows && terminal_row_text(terminal, (int)row, there, sizeof there) > 0)
        return; /* something of the program's stands there */
    const char *dash = theme_glyph(&screen->theme, GLYPH_HORIZONTAL);
    unsigned col = draw_text(&screen->theme, pane, row - shift, 0, ROLE_FAINT, dash);
    col += draw_text(&screen->theme, pane, row - shift, col, ROLE_FAINT, dash);
    draw_text(&screen->theme, pane, row - shift, col + 1, ROLE_QUOTE, screen->explain.text);
}

#include "repl/play/follow.h"

#include "engine/base/cleanup.h"
#include "repl/play/watch.h"
#include "repl/screen/draw.h"
#include "repl/screen/utf8.h"
#include "repl/share/client.h"

#include <curses.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { EXIT_GONE = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: teachroot follow [SOCKET]\n"
    "See a session of teachroot's on this machine as it goes on: one that was shared at SOCKET\n"
    "(`share PATH` in a lesson, `teachroot demo --share PATH LESSON`), or without it your own.\n"
    "Nothing can be sent into it. q or Ctrl-C leaves; where this terminal is the smaller one,\n"
    "the arrow keys, PgUp and PgDn move over the other screen, and Home goes with its cursor again.\n"
    "\n"
    "      --ascii  draw with ASCII characters only\n"
    "  -h, --help   say this\n";

struct follow {
    struct share_screen screen;
    bool by_hand; /* moved by keys; else with the cursor */
    unsigned top, left;
    unsigned rows, cols; /* of this terminal */
};

static bool take_message(const struct json_t *message, void *data)
{
    struct follow *follow = data;
    return share_screen_take(&follow->screen, message);
}

/* The first of @room lines of @size to show, so that @at is among them. */
static unsigned scrolled(unsigned from, unsigned room, unsigned size, int at)
{
    unsigned most = size > room ? size - room : 0;
    if (at >= 0 && (unsigned)at < from)
        from = (unsigned)at;
    if (at >= 0 && (unsigned)at >= from + room)
        from = (unsigned)at + 1 - room;
    return from < most ? from : most;
}

static void draw_cell(const struct theme *theme, const struct share_cell *cell, unsigned row, unsigned col, bool whole)
{
    wchar_t text[5] = L" ";
    bool shown = cell->chars[0] && whole && !(theme->ascii && cell->chars[0] >= 0x80);
    for (size_t i = 0; shown && i < 4; i++)
        text[i] = (wchar_t)cell->chars[i];
    if (theme->ascii && cell->chars[0] >= 0x80)
        text[0] = (wchar_t)theme_ascii(cell->chars[0])[0];
    draw_style(theme, cell->fg, cell->bg, cell->attributes);
    mvaddwstr((int)row, (int)col, text);
}

static void draw_row(const struct follow *follow, const struct theme *theme, unsigned row)
{
    const struct share_screen *screen = &follow->screen;
    const struct share_cell *cells = screen->cells + (size_t)(follow->top + row) * screen->cols + follow->left;
    unsigned cols = screen->cols - follow->left < follow->cols ? screen->cols - follow->left : follow->cols;
    for (unsigned col = 0; col < cols; col++) {
        unsigned wide = utf8_cells(cells[col].chars[0]);
        draw_cell(theme, &cells[col], row, col, wide < 2 || col + 1 < cols);
        if (wide == 2 && !theme->ascii)
            col++;
    }
}

static void draw(const struct rect *rect, const struct theme *theme, void *data)
{
    struct follow *follow = data;
    const struct share_screen *screen = &follow->screen;
    follow->rows = rect->rows;
    follow->cols = rect->cols;
    draw_clear(theme, rect);
    curs_set(0);
    if (!screen->cells) {
        draw_text(theme, rect, 0, 0, ROLE_FAINT, "Waiting for the session's screen.");
        return;
    }
    follow->top = scrolled(follow->top, rect->rows, screen->rows, follow->by_hand ? -1 : screen->cursor_row);
    follow->left = scrolled(follow->left, rect->cols, screen->cols, follow->by_hand ? -1 : screen->cursor_col);
    for (unsigned row = 0; row < rect->rows && follow->top + row < screen->rows; row++)
        draw_row(follow, theme, row);
    int row = screen->cursor_row - (int)follow->top, col = screen->cursor_col - (int)follow->left;
    if (screen->cursor_row >= 0 && row >= 0 && col >= 0 && row < (int)rect->rows && col < (int)rect->cols) {
        curs_set(1);
        move(row, col);
    }
}

static void move_by(unsigned *at, int by)
{
    *at = by < 0 && *at < (unsigned)-by ? 0 : (unsigned)((int)*at + by);
}

static bool on_key(const struct input_event *event, void *data)
{
    struct follow *follow = data;
    if (event->kind != INPUT_KEY)
        return false;
    follow->by_hand = event->key != INPUT_KEY_HOME;
    switch (event->key) {
    case INPUT_KEY_UP:
        move_by(&follow->top, -1);
        break;
    case INPUT_KEY_DOWN:
        move_by(&follow->top, 1);
        break;
    case INPUT_KEY_LEFT:
        move_by(&follow->left, -4);
        break;
    case INPUT_KEY_RIGHT:
        move_by(&follow->left, 4);
        break;
    case INPUT_KEY_PAGE_UP:
        move_by(&follow->top, -(int)follow->rows);
        break;
    case INPUT_KEY_PAGE_DOWN:
        move_by(&follow->top, (int)follow->rows);
        break;
    default:
        break;
    }
    return true;
}

static int say(const struct err *err)
{
    fprintf(stderr, "teachroot follow: %s\n", err->message);
    return EXIT_GONE;
}

int follow_main(int argc, char **argv)
{
    static const struct option options[] = { { "ascii", no_argument, NULL, 'a' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct theme theme = watch_look();
    struct err err = { 0 };
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        if (c == 'a') {
            theme.ascii = true;
        } else if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        } else {
            fprintf(stderr, "teachroot follow: no such option `%s`: `teachroot follow --help` says what there is\n",
                    argv[optind - 1]);
            return EXIT_USAGE;
        }
    if (optind + 1 < argc) {
        fprintf(stderr, "teachroot follow: one socket, and nothing more: not `%s`\n", argv[optind + 1]);
        return EXIT_USAGE;
    }
    cleanup_close int fd = share_connect(optind < argc ? argv[optind] : NULL, false, &err);
    if (fd < 0)
        return say(&err);
    struct follow follow = { 0 };
    struct watcher watcher = { .message = take_message, .draw = draw, .key = on_key, .data = &follow };
    bool ended = false;
    int result = watch_on_screen(fd, &watcher, theme, &ended, &err);
    share_screen_free(&follow.screen);
    if (result < 0)
        return say(&err);
    if (ended)
        puts("The session has ended.");
    return 0;
}

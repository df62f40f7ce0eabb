#include "repl/play/notes.h"

#include "engine/base/cleanup.h"
#include "repl/play/notes_page.h"
#include "repl/play/watch.h"
#include "repl/screen/draw.h"
#include "repl/screen/flow.h"
#include "repl/share/client.h"

#include <curses.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_GONE = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: teachroot notes [SOCKET]\n"
    "The presenter's notes for the demo that is running, on a terminal that the room does not see: what to say\n"
    "at this step, what the next key does, what comes after, and the time against the plan.\n"
    "With several demos SOCKET says which. Without a terminal it prints them as they come.\n"
    "\n"
    "Up, Down, PgUp and PgDn scroll; q or Ctrl-C leaves.\n"
    "\n"
    "      --theme THEME  dark, light or contrast\n"
    "      --ascii        draw with ASCII characters only\n"
    "  -h, --help         say this\n";

static bool take_message(const struct json_t *message, void *data)
{
    return notes_take(data, message);
}

static bool print_message(const struct json_t *message, void *data)
{
    bool printed = notes_print(stdout, data, message);
    fflush(stdout);
    return printed;
}

static void draw(const struct rect *rect, const struct theme *theme, void *data)
{
    struct notes *notes = data;
    struct rect page = *rect;
    curs_set(0);
    draw_clear(theme, rect);
    if (page.cols > 8) {
        page.col += 2;
        page.cols -= 4;
    }
    if (!notes->now) {
        draw_text(theme, &page, 0, 0, ROLE_FAINT, "Waiting for the demo.");
        return;
    }
    struct flow *flow = flow_new(theme, page.cols > 100 ? 100 : page.cols);
    if (!flow)
        return;
    notes_put_page(flow, notes, time(NULL));
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    unsigned most = count > page.rows ? (unsigned)count - page.rows : 0;
    notes->top = notes->top < most ? notes->top : most;
    for (unsigned row = 0; row < page.rows && notes->top + row < count; row++)
        draw_line(theme, &page, row, &lines[notes->top + row]);
    if (notes->top < most)
        draw_text(theme, rect, rect->rows - 1, rect->cols - 1, ROLE_NOTICE, theme_glyph(theme, GLYPH_MORE_BELOW));
    flow_free(flow);
}

static bool on_key(const struct input_event *event, void *data)
{
    struct notes *notes = data;
    unsigned by = event->key == INPUT_KEY_PAGE_UP || event->key == INPUT_KEY_PAGE_DOWN ? 10 : 1;
    if (event->kind != INPUT_KEY)
        return false;
    if (event->key == INPUT_KEY_UP || event->key == INPUT_KEY_PAGE_UP)
        notes->top = notes->top > by ? notes->top - by : 0;
    else if (event->key == INPUT_KEY_DOWN || event->key == INPUT_KEY_PAGE_DOWN)
        notes->top += by; /* drawing knows the end */
    return true;
}

/* ---- the command line ---- */

static int say(const struct err *err)
{
    fprintf(stderr, "teachroot notes: %s\n", err->message);
    return EXIT_GONE;
}

static int show(const char *socket, struct theme theme)
{
    struct err err = { 0 };
    struct notes notes = { 0 };
    bool ended = false, tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    struct watcher watcher = {
        .message = tty ? take_message : print_message, .draw = draw, .key = on_key, .clock = true, .data = &notes
    };
    cleanup_close int fd = share_connect(socket, true, &err);
    if (fd < 0)
        return say(&err);
    int result = tty ? watch_on_screen(fd, &watcher, theme, &ended, &err) : watch_as_text(fd, &watcher, &err);
    notes_free(&notes);
    if (result < 0)
        return say(&err);
    if (ended)
        puts("The demo has ended.");
    return 0;
}

int notes_main(int argc, char **argv)
{
    static const struct option options[] = { { "ascii", no_argument, NULL, 'a' },
                                             { "theme", required_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct theme theme = watch_look();
    struct err err = { 0 };
    const char *paper = NULL;
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        if (c == 'a') {
            theme.ascii = true;
        } else if (c == 't') {
            paper = optarg;
        } else if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        } else {
            fprintf(stderr, "teachroot notes: no such option `%s`: `teachroot notes --help` says what there is\n",
                    argv[optind - 1]);
            return EXIT_USAGE;
        }
    if (optind + 1 < argc || theme_paper(paper, &theme.paper, &err) < 0) {
        fprintf(stderr, "teachroot notes: %s\n", *err.message ? err.message : "one socket, and nothing more");
        return EXIT_USAGE;
    }
    return show(optind < argc ? argv[optind] : NULL, theme);
}

#include "repl/panel/top.h"

#include "engine/base/cleanup.h"
#include "repl/panel/panel.h"
#include "repl/screen/draw.h"
#include "repl/screen/tty.h"
#include "repl/session/loop.h"

#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { EXIT_GONE = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };

static const char usage[] =
    "Usage: teachroot top [option…]\n"
    "Processes and cgroups, live, with the keys of htop.\n"
    "\n"
    "  -s, --scope SCOPE    host (the default), lab, lab:NAME, container:PID or cgroup:PATH\n"
    "  -d, --delay SECONDS  time between two refreshes (1.5)\n"
    "  -g, --cgroups        begin with the cgroups\n"
    "  -t, --tree           begin with the tree\n"
    "  -n, --count N        print N times as text, and end; the first figures are those of the first delay\n"
    "      --once           as --count 1\n"
    "      --ascii          draw with ASCII characters only\n"
    "      --help           say this\n"
    "\n"
    "F1 lists the keys. `teachroot top --scope lab` in a second terminal watches a lesson's lab.\n";

struct top_options {
    struct scope scope;
    unsigned delay_ms; /* 0: as the settings say */
    unsigned count;    /* 0: on the screen */
    bool groups, tree, ascii;
};

struct top {
    struct theme theme;
    struct panel *panel;
    struct loop *loop;
    struct input *input;
    struct loop_source *refresh_timer, *input_timer;
    unsigned delay_ms; /* the timer's */
    bool dirty, clean;
};

/* More open files than the shell allows by default: each process takes one. What this user may not have, it does without. */
static unsigned allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 256;
    limit.rlim_cur = limit.rlim_max < 131072 ? limit.rlim_max : 131072;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 768)
        return 64;
    return (unsigned)limit.rlim_cur - 640; /* the cgroups' and our own */
}

/* ---- on a terminal ---- */

static void draw(struct top *top)
{
    int rows, cols;
    getmaxyx(stdscr, rows, cols);
    struct rect all = { 0, 0, (unsigned)rows, (unsigned)cols };
    if (top->clean)
        clearok(stdscr, TRUE);
    panel_draw(top->panel, &all, PANEL_FULL);
    curs_set(0);
    wnoutrefresh(stdscr);
    doupdate();
    top->dirty = top->clean = false;
}

static void refresh_all(struct top *top)
{
    panel_refresh(top->panel);
    top->dirty = true;
}

static void on_refresh(void *data)
{
    refresh_all(data);
}

static void set_timer(struct top *top)
{
    unsigned delay = panel_delay_ms(top->panel);
    if (delay == top->delay_ms)
        return;
    loop_remove(top->refresh_timer);
    top->refresh_timer = loop_add_timer(top->loop, delay, delay, on_refresh, top);
    top->delay_ms = delay;
}

/* Shares of time need two readings: the second soon after the first, so that nobody looks at zeros for a whole delay. */
#define FIRST_MS 300

static void before_wait(void *data)
{
    struct top *top = data;
    set_timer(top);
    if (top->dirty)
        draw(top);
}

static void on_event(const struct input_event *event, void *data)
{
    struct top *top = data;
    switch (panel_input(top->panel, event)) {
    case PANEL_NOTHING:
        break;
    case PANEL_REFRESH:
        panel_refresh(top->panel);
        top->dirty = true;
        break;
    case PANEL_DREW:
        top->dirty = true;
        break;
    case PANEL_QUIT:
        loop_quit(top->loop);
    }
    if (event->kind == INPUT_KEY && event->key == 'l' && event->modifiers == INPUT_CTRL)
        top->clean = true;
}

static void on_input_timer(void *data)
{
    struct top *top = data;
    top->input_timer = NULL;
    input_timeout(top->input);
}

static void on_stdin(int fd, uint32_t events, void *data)
{
    struct top *top = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        loop_quit(top->loop); /* the terminal is gone */
        return;
    }
    if (n > 0)
        input_feed(top->input, bytes, (size_t)n);
    loop_remove(top->input_timer);
    top->input_timer = NULL;
    unsigned pending = input_pending(top->input);
    if (pending)
        top->input_timer = loop_add_timer(top->loop, pending, 0, on_input_timer, top);
}

static void on_resize(int number, void *data)
{
    struct top *top = data;
    tty_resized();
    top->dirty = top->clean = true;
}

static int add_sources(struct top *top)
{
    return loop_add_fd(top->loop, STDIN_FILENO, EPOLLIN, 0, on_stdin, top) &&
                   loop_add_signal(top->loop, SIGWINCH, on_resize, top)
               ? 0
               : -1;
}

static int run_on_screen(struct top *top, struct err *err)
{
    top->loop = loop_new(err);
    top->input = input_new(on_event, top);
    if (!top->loop || !top->input) {
        if (top->loop)
            err_set(err, ENOMEM, "top");
        return -1;
    }
    if (tty_start(err) < 0)
        return -1;
    input_load_terminfo(top->input);
    top->theme.look = theme_look(has_colors() ? COLORS : 0);
    if (theme_paper(NULL, &top->theme.paper, NULL) == 0)
        draw_ground(&top->theme);
    int status = add_sources(top);
    if (status < 0)
        err_set(err, errno, "watch the terminal");
    refresh_all(top);
    loop_add_timer(top->loop, FIRST_MS, 0, on_refresh, top);
    if (status == 0)
        status = loop_run(top->loop, before_wait, top, err);
    tty_stop();
    return status;
}

/* ---- as text ---- */

static int run_as_text(struct panel *panel, unsigned count, struct err *err)
{
    panel_refresh(panel);
    for (unsigned i = 0; i < count; i++) {
        poll(NULL, 0, (int)panel_delay_ms(panel));
        panel_refresh(panel);
        if (i > 0)
            putchar('\n');
        if (panel_print(panel, stdout) < 0)
            return err_set(err, errno, "write to standard output");
    }
    return 0;
}

/* ---- the command line ---- */

static int bad_usage(const char *word, const char *why)
{
    fprintf(stderr, "teachroot top: `%s` %s; `teachroot top --help` says how it is used\n", word, why);
    return EXIT_USAGE;
}

/* Returns -1 to go on, or the exit status. */
static int read_options(int argc, char **argv, struct top_options *options)
{
    enum { ONCE = 256, ASCII, HELP };
    static const struct option longs[] = {
        { "scope", required_argument, NULL, 's' },
        { "delay", required_argument, NULL, 'd' },
        { "cgroups", no_argument, NULL, 'g' },
        { "tree", no_argument, NULL, 't' },
        { "count", required_argument, NULL, 'n' },
        { "once", no_argument, NULL, ONCE },
        { "ascii", no_argument, NULL, ASCII },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    struct err err = { 0 };
    const char *scope = "host";
    char *end;
    optind = 0;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:s:d:gtn:", longs, NULL)) != -1;) {
        switch (option) {
        case 's':
            scope = optarg;
            break;
        case 'd': {
            double seconds = strtod(optarg, &end);
            if (*end || end == optarg || !(seconds >= 0.1 && seconds <= 60))
                return bad_usage(optarg, "is no delay: 0.1 to 60 seconds");
            options->delay_ms = (unsigned)(seconds * 1000);
            break;
        }
        case 'g':
            options->groups = true;
            break;
        case 't':
            options->tree = true;
            break;
        case 'n': {
            long count = strtol(optarg, &end, 10);
            if (*end || end == optarg || count < 1 || count > 1000000)
                return bad_usage(optarg, "is no count: 1 or more");
            options->count = (unsigned)count;
            break;
        }
        case ONCE:
            options->count = 1;
            break;
        case ASCII:
            options->ascii = true;
            break;
        case HELP:
            fputs(usage, stdout);
            return 0;
        case ':':
            return bad_usage(argv[optind - 1], "takes a value");
        default:
            return bad_usage(argv[optind - 1], "is no option");
        }
    }
    if (optind < argc)
        return bad_usage(argv[optind], "is one word too many");
    if (scope_parse(scope, &options->scope, &err) < 0) {
        fprintf(stderr, "teachroot top: %s\n", err.message);
        return err.code == EINVAL ? EXIT_USAGE : EXIT_GONE;
    }
    return -1;
}

int top_main(int argc, char **argv)
{
    struct top_options options = { .count = 0 };
    struct err err = { 0 };
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths; what is drawn is ASCII then */
        options.ascii = true;
    }
    struct top top = { .theme.ascii = options.ascii };
    char path[4096];
    const char *settings = panel_settings_path(path, sizeof path) == 0 ? path : NULL;
    struct panel_options panel_options = { .theme = &top.theme, .keep_fds = allow_files(), .settings_path = settings };
    top.panel = panel_new(&panel_options, &err);
    if (!top.panel) {
        fprintf(stderr, "teachroot top: %s\n", err.message);
        return EXIT_MACHINE;
    }
    panel_set_scope(top.panel, &options.scope);
    panel_show_groups(top.panel, options.groups);
    if (options.tree)
        panel_show_tree(top.panel);
    if (options.delay_ms)
        panel_set_delay(top.panel, options.delay_ms);
    status = options.count ? run_as_text(top.panel, options.count, &err) : run_on_screen(&top, &err);
    input_free(top.input);
    if (top.loop)
        loop_free(top.loop);
    panel_free(top.panel);
    if (status < 0)
        fprintf(stderr, "teachroot top: %s\n",
                err.code == ENOTTY ? "the screen needs a terminal; --once prints text" : err.message);
    return status < 0 ? EXIT_MACHINE : 0;
}

#include "repl/play/watch.h"

#include "repl/screen/draw.h"
#include "repl/screen/tty.h"
#include "repl/session/loop.h"
#include "repl/share/client.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct watch {
    const struct watcher *watcher;
    struct share_reader reader;
    struct theme theme;
    struct loop *loop;
    struct input *input;
    struct loop_source *input_timer;
    bool dirty, clean, ended;
    int result;
    struct err *err;
};

struct theme watch_look(void)
{
    struct theme theme = { 0 };
    setlocale(LC_ALL, "");
    theme.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    if (theme.ascii)
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths are still those of UTF-8 text */
    return theme;
}

static void draw(void *data)
{
    struct watch *watch = data;
    int rows, cols;
    if (!watch->dirty)
        return;
    getmaxyx(stdscr, rows, cols);
    if (watch->clean)
        draw_ground(&watch->theme);
    watch->watcher->draw(&(struct rect){ 0, 0, (unsigned)rows, (unsigned)cols }, &watch->theme, watch->watcher->data);
    wnoutrefresh(stdscr);
    doupdate();
    watch->dirty = watch->clean = false;
}

static void on_message(const struct json_t *message, void *data)
{
    struct watch *watch = data;
    watch->dirty |= watch->watcher->message(message, watch->watcher->data);
}

static void on_session(int fd, uint32_t events, void *data)
{
    struct watch *watch = data;
    int more = share_read(&watch->reader, fd, on_message, watch, watch->err);
    watch->ended = more == 0;
    watch->result = more < 0 ? -1 : 0;
    if (more <= 0)
        loop_quit(watch->loop);
}

static void on_key(const struct input_event *event, void *data)
{
    struct watch *watch = data;
    bool leaves =
        event->kind == INPUT_KEY && ((event->key == 'q' && !event->modifiers) || event->key == INPUT_KEY_F1 + 9 ||
                                     (event->key == 'c' && event->modifiers == INPUT_CTRL));
    if (leaves)
        loop_quit(watch->loop);
    else if (watch->watcher->key && watch->watcher->key(event, watch->watcher->data))
        watch->dirty = true;
}

static void on_input_timeout(void *data)
{
    struct watch *watch = data;
    watch->input_timer = NULL;
    input_timeout(watch->input);
}

static void on_keyboard(int fd, uint32_t events, void *data)
{
    struct watch *watch = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n <= 0) {
        loop_quit(watch->loop); /* the terminal is gone */
        return;
    }
    loop_remove(watch->input_timer);
    watch->input_timer = NULL;
    input_feed(watch->input, bytes, (size_t)n);
    unsigned pending = input_pending(watch->input);
    if (pending)
        watch->input_timer = loop_add_timer(watch->loop, pending, 0, on_input_timeout, watch);
}

static void on_signal(int signal, void *data)
{
    struct watch *watch = data;
    if (signal != SIGWINCH) {
        loop_quit(watch->loop);
        return;
    }
    tty_resized();
    watch->dirty = watch->clean = true;
}

static void on_clock(void *data)
{
    struct watch *watch = data;
    watch->dirty = true;
}

static bool add_sources(struct watch *watch, int fd, bool screen)
{
    static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGWINCH };
    bool added = loop_add_fd(watch->loop, fd, EPOLLIN, 1, on_session, watch);
    for (size_t i = 0; i < sizeof signals / sizeof *signals - !screen; i++)
        added = added && loop_add_signal(watch->loop, signals[i], on_signal, watch);
    if (screen)
        added = added && loop_add_fd(watch->loop, STDIN_FILENO, EPOLLIN, 0, on_keyboard, watch);
    if (screen && watch->watcher->clock)
        added = added && loop_add_timer(watch->loop, 1000, 1000, on_clock, watch);
    return added;
}

int watch_on_screen(int fd, const struct watcher *watcher, struct theme theme, bool *ended, struct err *err)
{
    struct watch watch = { .watcher = watcher, .theme = theme, .dirty = true, .clean = true, .result = -1, .err = err };
    watch.loop = loop_new(err);
    watch.input = input_new(on_key, &watch);
    if (watch.loop && watch.input && tty_start(err) == 0) {
        input_load_terminfo(watch.input);
        watch.theme.look = theme_look(has_colors() ? COLORS : 0);
        watch.result = 0;
        if (!add_sources(&watch, fd, true))
            watch.result = err_set(err, ENOMEM, "watch the session");
        else if (loop_run(watch.loop, draw, &watch, err) < 0)
            watch.result = -1;
        tty_stop();
    }
    *ended = watch.ended;
    share_reader_free(&watch.reader);
    input_free(watch.input);
    if (watch.loop)
        loop_free(watch.loop);
    return watch.result;
}

int watch_as_text(int fd, const struct watcher *watcher, struct err *err)
{
    struct watch watch = { .watcher = watcher, .err = err };
    watch.loop = loop_new(err);
    if (!watch.loop)
        return -1;
    if (!add_sources(&watch, fd, false))
        watch.result = err_set(err, ENOMEM, "watch the session");
    else if (loop_run(watch.loop, NULL, NULL, err) < 0)
        watch.result = -1;
    share_reader_free(&watch.reader);
    loop_free(watch.loop);
    return watch.result;
}

#include "repl/screen/screen.h"

#include "engine/base/cleanup.h"
#include "engine/base/user.h"
#include "repl/screen/completion.h"
#include "repl/screen/tty.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void screen_message(struct screen *screen, enum role role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(screen->message, sizeof(screen->message), format, args);
    va_end(args);
    screen->message_role = role;
    screen->dirty |= DIRTY_STATUS;
}

const char *screen_words(const char *text)
{
    static const char command[] = "`reset` ";
    static char words[sizeof(((struct screen *)NULL)->message)];
    const char *at = strstr(text, command);
    if (!at)
        return text;
    snprintf(words, sizeof(words), "%.*sF5 (`reset`) %s", (int)(at - text), text, at + sizeof(command) - 1);
    return words;
}

struct terminal *screen_terminal(const struct screen *screen)
{
    return screen->session ? session_terminal(screen->session, session_active(screen->session)) : NULL;
}

bool screen_at_prompt(const struct screen *screen)
{
    struct terminal *terminal = screen_terminal(screen);
    if (!terminal || !screen->prompt)
        return false;
    unsigned active = session_active(screen->session);
    return !(active <= TERMINALS_MAX && screen->terminal_view.sent[active]) &&
           terminal_at_own_prompt(terminal, session_shell(screen->session, active));
}

enum key_when screen_when(const struct screen *screen)
{
    const struct terminal *terminal = screen_terminal(screen);
    if (screen->focus == PANE_LESSON)
        return KEYS_LESSON;
    if (terminal && terminal_alternate(terminal))
        return KEYS_PROGRAM;
    return screen_at_prompt(screen) ? KEYS_PROMPT : KEYS_TERMINAL;
}

int screen_lesson_place(const struct screen *screen)
{
    for (size_t i = 0; screen->lesson && i < screen->curriculum.count; i++)
        if (strcmp(screen->curriculum.entries[i].path, screen->lesson->path) == 0)
            return (int)i;
    return -1;
}

/* ---- its shape ---- */

void screen_relayout(struct screen *screen)
{
    int rows, cols;
    getmaxyx(stdscr, rows, cols);
    screen->rows = (unsigned)rows;
    screen->cols = (unsigned)cols;
    struct layout_options options = { .zoomed = screen->zoomed,
                                      .zoom = screen->focus,
                                      .presented = screen->demo,
                                      .spotlight = screen->spotlight,
                                      .lens = lens_view_shown(screen) };
    draw_ground(&screen->theme);
    screen->layout = layout_compute(screen->cols, screen->rows, &options);
    const struct rect *pane = &screen->layout.terminal;
    if (pane->rows > 0 && pane->cols > 1) {
        if (screen->session)
            session_resize(screen->session, pane->rows, pane->cols);
        if (screen->prompt)
            prompt_set_width(screen->prompt, pane->rows, pane->cols);
    }
    flow_free(screen->lesson_view.flow);
    screen->lesson_view.flow = NULL;
    flow_free(screen->overlay_flow);
    screen->overlay_flow = NULL;
    screen->terminal_view.back = 0;
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
}

/* ---- the session's events ---- */

/* A command failed as it was not meant to: beside the lesson, or where that is not seen on the message line. */
static void tell_diagnosis(struct screen *screen)
{
    const char *text = screen->advice ? advice_take(screen->advice, screen->session) : NULL;
    if (!text)
        return;
    lesson_view_say(screen, ROLE_NOTICE, "What happened", text);
    if (screen->layout.lesson.rows > 0)
        screen_message(screen, ROLE_NOTICE, "%s",
                       screen_words("What happened stands in the lesson; `diagnose` says more."));
    else
        screen_message(screen, ROLE_NOTICE, "%s", text);
}

/* Grey on the line: what the step types next. */
static void suggest(struct screen *screen)
{
    screen->dirty |= DIRTY_TERMINAL;
    prompt_set_suggestion(screen->prompt, screen->demo ? NULL : session_suggestion(screen->session));
}

/* A step came into play, or the one in play has passed: what was said about it stays until there is another one. */
static void step_changed(struct screen *screen)
{
    unsigned step = session_current(screen->session);
    bool was_building = screen->building;
    screen->building = session_replaying(screen->session);
    screen->finished = step > screen->lesson->step_count;
    screen->in_step |= !screen->finished && !screen->building;
    if (step == screen->lesson_view.step && !was_building) {
        if (session_current_passed(screen->session)) {
            screen->message[0] = '\0'; /* the tick stands there now */
            lesson_view_unsay(screen, SAID_WAITS);
        }
        lesson_view_changed(screen);
        return;
    }
    if (!screen->building)
        screen->message[0] = '\0';
    screen->lesson_view.step = step;
    screen->checked = false;
    if (screen->advice)
        advice_step(screen->advice);
    if (lens_view_shown(screen) != (screen->layout.lens.rows > 0))
        screen_relayout(screen);
    lesson_view_new_step(screen);
}

static void session_event(struct screen *screen, struct session *session, const struct session_event *event)
{
    bool active = event->terminal == session_active(session);
    switch (event->kind) {
    case SESSION_OUTPUT:
        if (active)
            screen->dirty |= DIRTY_TERMINAL;
        return;
    case SESSION_LAB_READY:
        screen->state_due = true;
        screen->lens_view.held = screen->lens_view.selected = 0; /* its calls are counted from one again */
        lesson_view_changed(screen);
        break;
    case SESSION_LAB_DIED:
        screen->building = true;
        memset(screen->terminal_view.sent, 0, sizeof(screen->terminal_view.sent));
        memset(screen->ahead.interrupted, 0, sizeof(screen->ahead.interrupted));
        screen_message(
            screen, ROLE_NOTICE,
            "The lab has ended (something in it stopped everything). A new one is being built and your steps "
            "are done again.");
        break;
    case SESSION_TERMINAL:
        screen->terminal_view.back = 0;
        suggest(screen);
        screen->dirty |= DIRTY_TERMINAL | DIRTY_STATUS | DIRTY_CLEAN;
        screen->state_due = true;
        break;
    case SESSION_PROMPT:
        ahead_prompt(screen, event->terminal);
        suggest(screen);
        screen->dirty |= DIRTY_TERMINAL | DIRTY_STATUS;
        screen->state_due = true;
        break;
    case SESSION_COMMAND_DONE:
        screen->state_due = true;
        break;
    case SESSION_EVIDENCE:
        tell_diagnosis(screen);
        break;
    case SESSION_LENS:
        if (active && (screen->layout.lens.rows > 0 || screen->overlay == OVERLAY_LENS))
            screen->dirty |= DIRTY_STATE;
        return;
    case SESSION_CHECK:
        screen->state_due = true;
        /* While a question is open it is made again, and passes again: what was said of an answer stays. */
        if (event->passed && !screen->checked)
            screen->message[0] = '\0';
        screen->checked = event->passed;
        if (event->passed) {
            screen->lesson_view.to_quiz = session_quiz(session) != NULL;
            lesson_view_changed(screen);
        }
        break;
    case SESSION_STEP:
        step_changed(screen);
        suggest(screen);
        screen->state_due = true;
        break;
    case SESSION_REPLAY:
        screen->building = true;
        screen_message(screen, ROLE_NOTICE, "Step %u is done again for you: %s", event->step,
                       event->text ? event->text : "");
        break;
    case SESSION_FINISHED:
        step_changed(screen);
        if (screen->in_step && !screen->demo)
            overlay_show(screen, OVERLAY_REVIEW);
        screen->in_step = false;
        break;
    case SESSION_MESSAGE:
        if (event->failed) /* whatever was under way may not go on: do not keep the keys from the learner */
            screen->building = session_replaying(session);
        if (event->text)
            screen_message(screen, event->failed ? ROLE_FAILED : ROLE_NOTICE, "%s", screen_words(event->text));
        break;
    case SESSION_KEY: /* the demo shows it */
        break;
    }
}

static void on_session_event(struct session *session, const struct session_event *event, void *data)
{
    struct screen *screen = data;
    screen->session = session;
    session_event(screen, session, event);
    if (screen->demo)
        demo_event(screen, event);
}

/* ---- the prompt's hooks ---- */

static void on_accepted(const char *line, void *data)
{
    struct screen *screen = data;
    struct command_line command;
    char why[256];
    bool quiz = screen->session && session_quiz(screen->session);
    screen->dirty |= DIRTY_TERMINAL;
    if (ahead_line(screen, line))
        return;
    prompt_remember(screen->prompt, line);
    if (commands_at_prompt(line, quiz, &command)) {
        action_run(screen, command.action, &command);
        return;
    }
    if (commands_mistaken(line, why, sizeof(why))) {
        screen_message(screen, ROLE_NOTICE, "%s", why);
        return;
    }
    if (line[0] == '\\' && commands_at_prompt(line + 1, false, &command))
        line++; /* the backslash has done its work, and `\next` would not find a function or builtin of the name */
    struct err err = { 0 };
    unsigned active = session_active(screen->session);
    if (session_send_line(screen->session, line, &err) < 0) {
        screen_message(screen, ROLE_FAILED, "%s", err.message);
        return;
    }
    if (active <= TERMINALS_MAX)
        screen->terminal_view.sent[active] = true;
    if (!session_current_passed(screen->session))
        screen->message[0] = '\0';
    screen->dirty |= DIRTY_STATUS;
}

static void on_interrupted(void *data)
{
    struct screen *screen = data;
    struct terminal *terminal = screen_terminal(screen);
    if (terminal) {
        static const char interrupt[] = "\003";
        terminal_write(terminal, interrupt, 1); /* so that bash leaves a half-typed loop or here-document as well */
        ahead_interrupted(screen);
        session_flush(screen->session);
    }
    screen->message[0] = '\0'; /* it may have spoken of the line that is gone */
    screen->dirty |= DIRTY_TERMINAL | DIRTY_STATUS;
}

static void on_end_of_file(void *data)
{
    struct screen *screen = data;
    screen_message(screen, ROLE_NOTICE, "F10 or `quit` leaves the lesson; `exit` ends only this shell.");
}

/* The shell has no line editor of its own that would redraw its prompt: a program clears the screen. The line being edited stays. */
static void on_clear(void *data)
{
    struct screen *screen = data;
    unsigned active = session_active(screen->session);
    if (session_send_line(screen->session, "clear", NULL) == 0 && active <= TERMINALS_MAX)
        screen->terminal_view.sent[active] = true;
    screen->dirty |= DIRTY_TERMINAL;
}

static void on_matches(char *const *matches, size_t count, void *data)
{
    struct screen *screen = data;
    char text[sizeof(screen->message)] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used + strlen(matches[i]) + 4 < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? "   " : "", matches[i]);
    screen_message(screen, ROLE_TEXT, "%s", text);
}

static char **on_complete(const char *line, const char *word, size_t start, void *data)
{
    struct screen *screen = data;
    if (!screen->session)
        return NULL;
    struct observe_place place;
    if (observe_place(session_shell(screen->session, session_active(screen->session)), &place, NULL) < 0)
        return NULL;
    const char *names[32] = { NULL };
    for (size_t i = 0; i < command_count && i < 31; i++)
        names[i] = commands[i].name;
    struct completion_options options = { .place = &place,
                                          .commands = names,
                                          .ignore_case = prompt_variable(screen->prompt, "completion-ignore-case") };
    char **found = completion_candidates(&options, line, word, start);
    observe_place_free(&place);
    return found;
}

/* ---- lessons ---- */

static void end_session(struct screen *screen)
{
    if (screen->demo)
        demo_stop(screen);
    if (screen->session)
        session_free(screen->session);
    screen->session = NULL;
    journal_free(screen->journal);
    screen->journal = NULL;
    memset(&screen->terminal_view, 0, sizeof(screen->terminal_view));
    memset(&screen->state, 0, sizeof(screen->state));
    ahead_drop(screen);
    lesson_view_free(screen);
    lesson_free(screen->lesson);
    screen->lesson = NULL;
    screen->finished = screen->in_step = false;
    screen->message[0] = '\0';
    if (screen->prompt)
        prompt_clear(screen->prompt);
}

/* The first mistake, for the screen; all of them are said by `teachroot test`. */
static struct lesson *load_lesson(const char *path, struct err *err)
{
    struct lesson_mistakes mistakes = { 0 };
    struct lesson *lesson = session_load_lesson(path, &mistakes, err);
    if (!lesson && mistakes.count > 0)
        err_say(err, EINVAL, "%s:%d: %s%s; mend the lesson or choose another one", path, mistakes.list[0].line,
                mistakes.list[0].what, mistakes.count > 1 ? " (and more)" : "");
    lesson_mistakes_free(&mistakes);
    return lesson;
}

int screen_open_lesson(struct screen *screen, const char *path, unsigned step, struct err *err)
{
    struct lesson *lesson = load_lesson(path, err);
    if (!lesson)
        return -1;
    end_session(screen);
    screen->lesson = lesson;
    screen->journal = journal_of_lesson(screen->options->progress_path, path, !screen->options->no_journal);
    const char *slash = strrchr(lesson->path, '/');
    struct err unread = { 0 };
    if (screen->prompt && prompt_open_lesson(screen->prompt, slash ? slash + 1 : lesson->path, &unread) < 0)
        screen_message(screen, ROLE_NOTICE, "%s", unread.message);
    const struct rect *pane = &screen->layout.terminal;
    struct session_options options = {
        .loop = screen->loop,
        .lesson = lesson,
        .progress = screen->progress,
        .journal = screen->journal,
        .lab = screen->options->lab,
        .rows = pane->rows ? pane->rows : 24,
        .cols = pane->cols > 1 ? pane->cols : 80,
        .presented = screen->demo,
        .typist = screen->demo ? demo_line : NULL,
        .on_event = on_session_event,
        .data = screen,
    };
    struct session *session = session_new(&options, err);
    if (!session) {
        end_session(screen);
        return -1;
    }
    screen->session = session;
    screen->building = true;
    screen->focus = PANE_TERMINAL;
    screen_message(screen, ROLE_NOTICE, "The lab is being built.");
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
    frame_draw(screen);
    if (session_start(session, step, err) < 0) {
        end_session(screen);
        return -1;
    }
    return 0;
}

/* ---- the loop's sources ---- */

static void on_input_timeout(void *data)
{
    struct screen *screen = data;
    screen->input_timer = NULL;
    input_timeout(screen->input);
    if (screen->session)
        session_flush(screen->session);
}

static void on_keyboard(int fd, uint32_t events, void *data)
{
    struct screen *screen = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        loop_quit(screen->loop); /* the terminal is gone */
        return;
    }
    if (n < 0)
        return;
    loop_remove(screen->input_timer);
    screen->input_timer = NULL;
    input_feed(screen->input, bytes, (size_t)n);
    unsigned pending = input_pending(screen->input);
    if (pending)
        screen->input_timer = loop_add_timer(screen->loop, pending, 0, on_input_timeout, screen);
    if (screen->session)
        session_flush(screen->session);
}

static void on_event(const struct input_event *event, void *data)
{
    action_input(data, event);
}

static void on_resize(int signal, void *data)
{
    tty_resized();
    screen_relayout(data);
}

static void on_quit_signal(int signal, void *data)
{
    struct screen *screen = data;
    loop_quit(screen->loop);
}

static int add_sources(struct screen *screen, struct err *err)
{
    static const int quit_signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
    bool added = loop_add_fd(screen->loop, STDIN_FILENO, EPOLLIN, 0, on_keyboard, screen) &&
                 loop_add_signal(screen->loop, SIGWINCH, on_resize, screen);
    for (size_t i = 0; i < sizeof(quit_signals) / sizeof(quit_signals[0]); i++)
        added = added && loop_add_signal(screen->loop, quit_signals[i], on_quit_signal, screen);
    if (!added || !frame_begin(screen))
        return err_say(err, ENOMEM, "the event loop cannot watch the keyboard and signals");
    return 0;
}

/* ---- beginning and end ---- */

static int say(const char *message)
{
    fprintf(stderr, "teachroot: %s\n", message);
    return 1;
}

/* Read the lesson that was named before the screen is taken, so that its mistakes are said where they can be read. */
static char *named_lesson(struct screen *screen, int *status)
{
    struct err err = { 0 };
    *status = 1;
    char *path = curriculum_find(&screen->curriculum, screen->options->lesson, &err);
    if (!path) {
        say(err.message);
        return NULL;
    }
    struct lesson_mistakes mistakes = { 0 };
    struct lesson *lesson = session_load_lesson(path, &mistakes, &err);
    if (!lesson) {
        for (size_t i = 0; i < mistakes.count; i++)
            fprintf(stderr, "%s:%d: %s\n", path, mistakes.list[i].line, mistakes.list[i].what);
        *status = mistakes.count ? 2 : say(err.message);
        lesson_mistakes_free(&mistakes);
        free(path);
        return NULL;
    }
    lesson_mistakes_free(&mistakes);
    lesson_free(lesson);
    return path;
}

/* A presenter's notes always find their demo; others only where they were let in. */
static int begin_sharing(struct screen *screen, struct err *err)
{
    const struct screen_options *options = screen->options;
    if (options->demo && !share_begin(screen, NULL, NULL, err))
        return -1;
    return options->share_path && !share_begin(screen, options->share_path, options->share_group, err) ? -1 : 0;
}

static void choose_look(struct screen *screen)
{
    setlocale(LC_ALL, "");
    screen->theme.ascii = screen->options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths are still those of UTF-8 text; what is drawn is ASCII */
}

static int run(struct screen *screen, const char *path, struct err *err)
{
    if (add_sources(screen, err) < 0)
        return -1;
    screen_relayout(screen);
    if (path) {
        if (screen_open_lesson(screen, path, screen->options->step, err) < 0)
            return -1;
    } else {
        overlay_show(screen, OVERLAY_WELCOME);
    }
    return loop_run(screen->loop, frame_before_wait, screen, err);
}

static void screen_free(struct screen *screen)
{
    panel_view_end(screen);
    demo_free(screen); /* first: it would still draw */
    end_session(screen);
    share_end(screen);
    flow_free(screen->overlay_flow);
    if (screen->prompt)
        prompt_free(screen->prompt);
    input_free(screen->input);
    if (screen->loop)
        loop_free(screen->loop);
    if (screen->progress)
        progress_free(screen->progress);
    advice_free(screen->advice);
    curriculum_free(&screen->curriculum);
}

int screen_main(const struct screen_options *options)
{
    static const struct prompt_hooks hook_table = { .accepted = on_accepted,
                                                    .interrupted = on_interrupted,
                                                    .end_of_file = on_end_of_file,
                                                    .complete = on_complete,
                                                    .clear_screen = on_clear,
                                                    .show_matches = on_matches };
    struct screen screen = { .options = options };
    struct prompt_hooks hooks = hook_table;
    struct err err = { 0 }, damaged = { 0 }, traps = { 0 };
    int status = 0;
    cleanup_free char *path = NULL;

    choose_look(&screen);
    curriculum_load(&screen.curriculum, &err); /* a lesson's file can be opened without one */
    err_clear(&err);
    if (options->lesson && !(path = named_lesson(&screen, &status))) {
        curriculum_free(&screen.curriculum);
        return status;
    }
    hooks.data = &screen;
    explain_view_load(&screen);
    if (options->demo)
        screen.demo = demo_new(options->demo);
    else /* of a demo nothing is remembered */
        screen.progress = progress_load(options->progress_path, &damaged);
    screen.advice = advice_new(&traps);
    screen.input = input_new(on_event, &screen);
    screen.loop = loop_new(&err);
    cleanup_free char *history = options->history_path || options->demo ? NULL : user_state_path("history");
    screen.prompt = prompt_new(&hooks, options->history_path ? options->history_path : history, &err);
    bool ready = screen.input && screen.loop && screen.prompt && (screen.demo || !options->demo);
    if (ready && (options->demo || options->share_path))
        ready = begin_sharing(&screen, &err) == 0;
    if (!ready || tty_start(&err) < 0) {
        screen_free(&screen);
        return say(*err.message ? err.message : "out of memory");
    }
    input_load_terminfo(screen.input);
    screen.theme.look = theme_look(has_colors() ? COLORS : 0);
    screen.theme.paper = options->paper;
    err_clear(&err);
    if (damaged.code)
        screen_message(&screen, ROLE_NOTICE, "%s", damaged.message);
    else if (traps.code && traps.code != ENOENT)
        screen_message(&screen, ROLE_NOTICE, "%s", traps.message);
    status = run(&screen, path, &err) < 0;
    tty_stop();
    screen_free(&screen);
    return status ? say(err.message) : 0;
}

#include "engine/base/cleanup.h"
#include "repl/screen/view.h"
#include "repl/tutor/explain.h"

#include <stdio.h>
#include <string.h>

static bool begun(struct screen *screen)
{
    if (screen->session)
        return true;
    screen_message(screen, ROLE_NOTICE, "No lesson is open. `lessons` lists them.");
    return false;
}

static void open_next_lesson(struct screen *screen)
{
    int place = screen_lesson_place(screen);
    struct err err = { 0 };
    if (place < 0 || (size_t)place + 1 >= screen->curriculum.count)
        overlay_show(screen, OVERLAY_LESSONS);
    else if (screen_open_lesson(screen, screen->curriculum.entries[place + 1].path, 0, &err) < 0)
        screen_message(screen, ROLE_FAILED, "%s", err.message);
}

static void next(struct screen *screen, bool skip)
{
    if (screen->finished) {
        open_next_lesson(screen);
        return;
    }
    screen->message[0] = '\0';
    const char *why = session_next(screen->session, skip);
    const struct terminal *terminal = screen_terminal(screen);
    const char *typed = why && !(terminal && terminal_at_prompt(terminal)) ? strstr(why, " (`hint` helps") : NULL;
    if (typed) /* a program, or a shell without marks, would get what is typed */
        screen_message(screen, ROLE_NOTICE, "%.*s (F3 or Ctrl-] then hint helps, Ctrl-] then skip goes on without it)",
                       (int)(typed - why), why);
    else if (why)
        screen_message(screen, ROLE_NOTICE, "%s", screen_words(why));
}

/* Words of any length go below the step; the message line holds them only where the lesson is not seen. */
static void tell(struct screen *screen, const char *title, const char *text, const char *then)
{
    if (!text || !*text)
        return;
    lesson_view_say(screen, ROLE_NOTICE, title, text);
    if (screen->layout.lesson.rows > 0)
        screen_message(screen, ROLE_NOTICE, "%s: it stands in the lesson. %s", title, then);
    else
        screen_message(screen, ROLE_NOTICE, "%s: %s", title, text);
}

static void explain(struct screen *screen, const char *line)
{
    if (strcmp(line, "off") == 0 || strcmp(line, "on") == 0) {
        explain_view_set(screen, line[1] == 'n');
        return;
    }
    cleanup_free char *text = explain_markdown(line);
    if (text)
        tell(screen, "What the words mean", text, "PgDn shows what is below.");
    else
        screen_message(screen, ROLE_NOTICE, "Nothing is known of the words of `%.200s`.", line);
}

/* Put on the line of the shell that is at its prompt, and not run. False: there is none, or something is typed there already. */
static bool type_command(struct screen *screen, const char *command)
{
    struct terminal *terminal = screen_terminal(screen);
    screen->dirty |= DIRTY_TERMINAL;
    if (screen->prompt && screen_at_prompt(screen)) {
        prompt_set_line(screen->prompt, command);
        return true;
    }
    size_t point;
    unsigned end;
    cleanup_free char *typed = terminal ? typed_in_grid(terminal, &point, &end) : NULL;
    if (!typed || (*typed && !screen->ahead.discarded) ||
        strchr(command, '\n')) /* a nested shell would run each row of it */
        return false;
    terminal_write(terminal, command, strlen(command));
    session_flush(screen->session);
    return true;
}

/* In either way: where it cannot be typed, it stands in the lesson. */
static void give_command(struct screen *screen, const char *command, const char *last)
{
    cleanup_free char *block = NULL;
    unsigned terminal = session_solution_terminal(screen->session);
    char title[48];
    if (asprintf(&block, "```\n%s\n```", command) < 0) {
        block = NULL;
        return;
    }
    snprintf(title, sizeof title, "Type this in terminal %u", terminal);
    if (terminal && terminal != session_active(screen->session))
        tell(screen, title, block, "F7 and F8 change between the terminals.");
    else if (type_command(screen, command))
        screen_message(screen, ROLE_NOTICE, "%sThe command is on the line: Enter runs it.", last);
    else
        tell(screen, "Type this", block, "Type it when the lab's prompt is back.");
}

static void diagnose_last(struct screen *screen)
{
    if (screen->advice)
        overlay_show(screen, OVERLAY_DIAGNOSIS);
    else
        screen_message(screen, ROLE_NOTICE, "There is no lessons/traps.md beside these lessons: nothing is diagnosed.");
}

static void solution(struct screen *screen)
{
    const char *command = session_solution(screen->session);
    if (command)
        give_command(screen, command, "");
    else
        screen_message(screen, ROLE_NOTICE, "Nothing is left to type in this step. F4 says what it waits for.");
}

static void hint(struct screen *screen)
{
    enum hint_kind kind;
    const char *text = session_hint(screen->session, &kind);
    switch (kind) {
    case HINT_WORDS:
        tell(screen, "Hint", screen_words(text), "F3 again gives more.");
        break;
    case HINT_SOLUTION:
        tell(screen, "Solution", text, "F3 again types the command for you.");
        break;
    case HINT_COMMAND:
        give_command(screen, text, "The last hint. ");
        break;
    case HINT_NONE:
        screen_message(screen, ROLE_NOTICE, "%s", text);
        break;
    }
}

static void show_terminal(struct screen *screen, unsigned number)
{
    struct err err = { 0 };
    if (number < 1 || number > TERMINALS_MAX) {
        screen_message(screen, ROLE_NOTICE, "Terminals are numbered from 1 to %d.", TERMINALS_MAX);
        return;
    }
    if (!session_terminal(screen->session, number) && session_open_terminal(screen->session, number, &err) < 0) {
        screen_message(screen, ROLE_FAILED, "%s", err.message);
        return;
    }
    if (screen->prompt)
        prompt_clear(screen->prompt);
    screen->terminal_view.back = 0;
    session_set_active(screen->session, number);
    screen->focus = PANE_TERMINAL;
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
}

static void next_terminal(struct screen *screen, int by)
{
    unsigned last = 0, active = session_active(screen->session);
    for (unsigned i = 1; i <= TERMINALS_MAX; i++)
        if (session_terminal(screen->session, i))
            last = i;
    if (by < 0 && active <= 1)
        show_terminal(screen, last);
    else if (by > 0 && active >= last && last == TERMINALS_MAX)
        show_terminal(screen, 1);
    else
        show_terminal(screen, (unsigned)((int)active + by));
}

static void zoom(struct screen *screen)
{
    screen->zoomed = !screen->zoomed;
    screen_relayout(screen);
}

static void focus(struct screen *screen)
{
    screen->focus = screen->focus == PANE_TERMINAL ? PANE_LESSON : PANE_TERMINAL;
    screen->dirty |= DIRTY_ALL;
    if (screen->zoomed)
        screen_relayout(screen);
}

void action_run(struct screen *screen, enum action action, const struct command_line *command)
{
    static const struct command_line none;
    const struct command_line *with = command ? command : &none;
    screen->dirty |= DIRTY_STATUS;
    switch (action) {
    case ACTION_HELP:
        overlay_show(screen, OVERLAY_HELP);
        return;
    case ACTION_LESSONS:
        overlay_show(screen, OVERLAY_LESSONS);
        return;
    case ACTION_QUIT:
        loop_quit(screen->loop);
        return;
    case ACTION_COMMAND_LINE:
        screen->command = (struct command_entry){ .open = true, .fresh = true };
        return;
    case ACTION_ZOOM:
        zoom(screen);
        return;
    case ACTION_FOCUS:
        focus(screen);
        return;
    case ACTION_SCROLL_UP:
    case ACTION_SCROLL_DOWN:
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_TOP:
    case ACTION_BOTTOM:
        lesson_view_scroll(screen, action, 1);
        return;
    case ACTION_SCROLLBACK_UP:
    case ACTION_SCROLLBACK_DOWN: {
        int page = screen->layout.terminal.rows > 2 ? (int)screen->layout.terminal.rows - 1 : 1;
        terminal_view_scroll(screen, action == ACTION_SCROLLBACK_UP ? page : -page);
        return;
    }
    default:
        break;
    }
    if (!begun(screen))
        return;
    switch (action) {
    case ACTION_NEXT:
    case ACTION_SKIP:
        next(screen, action == ACTION_SKIP);
        break;
    case ACTION_HINT:
        hint(screen);
        break;
    case ACTION_WHY:
        tell(screen, SAID_WAITS, screen_words(session_why(screen->session)), "F3 gives a hint.");
        break;
    case ACTION_DIAGNOSE:
        diagnose_last(screen);
        break;
    case ACTION_SOLUTION:
        solution(screen);
        break;
    case ACTION_STATE:
        overlay_show(screen, OVERLAY_STATE);
        screen->state_due = true;
        break;
    case ACTION_REVIEW:
        overlay_show(screen, OVERLAY_REVIEW);
        break;
    case ACTION_PANEL:
        panel_view_whole(screen);
        break;
    case ACTION_PANEL_BESIDE:
        panel_view_beside(screen);
        break;
    case ACTION_LENS:
        lens_view_command(screen, with->argument);
        break;
    case ACTION_LENS_WHOLE:
        overlay_show(screen, OVERLAY_LENS);
        break;
    case ACTION_RESET:
        jump_reset(screen);
        break;
    case ACTION_UNDO:
        jump_undo(screen);
        break;
    case ACTION_GOTO:
        jump_to(screen, &with->place);
        break;
    case ACTION_SHARE:
        share_command(screen, with->argument);
        break;
    case ACTION_EXPLAIN:
        explain(screen, with->argument);
        break;
    case ACTION_ANSWER:
        quiz_answer(screen, with->argument);
        break;
    case ACTION_TERMINAL:
        show_terminal(screen, with->number);
        break;
    case ACTION_TERMINAL_PREVIOUS:
        next_terminal(screen, -1);
        break;
    case ACTION_TERMINAL_NEXT:
        next_terminal(screen, 1);
        break;
    default:
        break;
    }
}

static void run_command(struct screen *screen)
{
    struct command_line command;
    char text[sizeof(screen->command.text)], why[512];
    memcpy(text, screen->command.text, sizeof(text));
    screen->command.open = false;
    if (!text[strspn(text, " \t")])
        return;
    bool quiz = screen->session && session_quiz(screen->session);
    if (commands_parse(text, quiz, &command, why, sizeof(why)))
        action_run(screen, command.action, &command);
    else
        screen_message(screen, ROLE_NOTICE, "%s", why);
}

/* The only command that begins so, and a blank. */
static void complete_command(struct command_entry *entry)
{
    const struct command *found = NULL;
    for (size_t i = 0; entry->len > 0 && i < command_count; i++)
        if (strncmp(commands[i].name, entry->text, entry->len) == 0) {
            if (found)
                return;
            found = &commands[i];
        }
    if (found)
        entry->len = (size_t)snprintf(entry->text, sizeof(entry->text), "%s%s", found->name,
                                      found->argument == COMMAND_ALONE ? "" : " ");
}

/* The `:` line on the status row. */
static void command_input(struct screen *screen, const struct input_event *event)
{
    struct command_entry *entry = &screen->command;
    screen->dirty |= DIRTY_STATUS;
    if (event->kind == INPUT_PASTE) {
        for (size_t i = 0; i < event->len && entry->len + 1 < sizeof(entry->text); i++)
            if ((unsigned char)event->bytes[i] >= 0x20)
                entry->text[entry->len++] = event->bytes[i];
        entry->text[entry->len] = '\0';
        entry->fresh = false;
        return;
    }
    if (event->kind != INPUT_KEY)
        return;
    const struct key_binding *binding = keys_find(event->key, event->modifiers, KEYS_PREFIXED);
    if (binding) {
        entry->open = false;
        action_run(screen, binding->action, NULL);
    } else if (event->key == ']' && event->modifiers == INPUT_CTRL) {
        entry->open = false;
        ahead_input(screen, event);
    } else if (event->key == INPUT_KEY_ESCAPE || (event->key == 'c' && event->modifiers == INPUT_CTRL) ||
               (event->key == INPUT_KEY_BACKSPACE && entry->len == 0)) {
        entry->open = false;
    } else if (event->key == 'u' && event->modifiers == INPUT_CTRL) {
        entry->text[entry->len = 0] = '\0';
    } else if (event->key == INPUT_KEY_TAB) {
        complete_command(entry);
    } else if (event->key == INPUT_KEY_ENTER) {
        run_command(screen);
    } else if (event->key == INPUT_KEY_BACKSPACE) {
        do
            entry->len--;
        while (entry->len > 0 && ((unsigned char)entry->text[entry->len] & 0xc0) == 0x80);
        entry->text[entry->len] = '\0';
    } else if (event->modifiers == 0 && event->key < INPUT_KEY_NONE && entry->len + event->len < sizeof(entry->text) &&
               !(entry->len == 0 && event->key == ':')) {
        memcpy(entry->text + entry->len, event->bytes, event->len);
        entry->len += event->len;
        entry->text[entry->len] = '\0';
        entry->fresh = false;
    }
}

static bool inside(const struct rect *rect, const struct input_event *event)
{
    return event->row >= rect->row && event->row < rect->row + rect->rows && event->col >= rect->col &&
           event->col < rect->col + rect->cols;
}

static void mouse_input(struct screen *screen, const struct input_event *event)
{
    bool lesson = inside(&screen->layout.lesson, event) || inside(&screen->layout.lesson_title, event);
    bool terminal = inside(&screen->layout.terminal, event) || inside(&screen->layout.terminal_title, event);
    if (lesson && (event->button == 4 || event->button == 5)) {
        lesson_view_scroll(screen, event->button == 4 ? ACTION_SCROLL_UP : ACTION_SCROLL_DOWN, 3);
        return;
    }
    if (event->button == 1 && event->pressed && !event->dragged &&
        ((lesson && screen->focus != PANE_LESSON) || (terminal && screen->focus != PANE_TERMINAL)))
        focus(screen);
    terminal_view_input(screen, event);
}

/* Keys that mean nothing in the lesson are meant for the terminal: the focus goes there with them. */
static void lesson_input(struct screen *screen, const struct input_event *event)
{
    if (quiz_input(screen, event))
        return;
    focus(screen);
    if (event->kind == INPUT_KEY && event->key == INPUT_KEY_ENTER)
        return; /* Enter only goes back */
    ahead_input(screen, event);
}

/* Nothing can be seen, so the keys only lead out. */
static void too_small_input(struct screen *screen, const struct input_event *event)
{
    if (event->kind != INPUT_KEY)
        return;
    bool interrupt = event->key == 'c' && event->modifiers == INPUT_CTRL;
    if (event->key == INPUT_KEY_F1 + 9 || (event->key == 'q' && !event->modifiers) ||
        (interrupt && screen->interrupted))
        loop_quit(screen->loop);
    screen->interrupted = interrupt;
}

void action_input(struct screen *screen, const struct input_event *event)
{
    if (screen->layout.too_small) {
        too_small_input(screen, event);
        return;
    }
    if (screen->overlay == OVERLAY_PANEL) {
        panel_view_input(screen, event);
        return;
    }
    if (screen->overlay == OVERLAY_LENS) {
        lens_page_input(screen, event);
        return;
    }
    if (screen->overlay != OVERLAY_NONE) {
        overlay_input(screen, event);
        return;
    }
    if (screen->command.open) {
        command_input(screen, event);
        return;
    }
    if (screen->demo) {
        if (demo_input(screen, event))
            return;
        if (event->kind == INPUT_MOUSE)
            terminal_view_input(screen, event);
        else
            ahead_input(screen, event);
        return;
    }
    if (event->kind == INPUT_MOUSE) {
        mouse_input(screen, event);
        return;
    }
    const struct key_binding *binding =
        event->kind == INPUT_KEY ? keys_find(event->key, event->modifiers, screen_when(screen)) : NULL;
    if (binding)
        action_run(screen, binding->action, NULL);
    else if (event->kind == INPUT_FOCUS || event->kind == INPUT_UNKNOWN)
        return;
    else if (screen->focus == PANE_LESSON)
        lesson_input(screen, event);
    else
        ahead_input(screen, event);
}

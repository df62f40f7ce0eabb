/* The keys of a demo: one table, from which its help is made too. Presenters' remotes send PgDn and PgUp, a dot to blank the screen, and F5 and Esc by turns, which do no harm. */
#include "repl/screen/demo.h"

#include "engine/base/cleanup.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#define F(n) (INPUT_KEY_F1 + (n)-1)

enum demo_action {
    DEMO_DO_NEXT,
    DEMO_DO_BACK,
    DEMO_DO_ON,
    DEMO_DO_LIVE,
    DEMO_DO_SPOTLIGHT,
    DEMO_DO_POINTER,
    DEMO_DO_UP,
    DEMO_DO_DOWN,
    DEMO_DO_MODE,
    DEMO_DO_FASTER,
    DEMO_DO_SLOWER,
    DEMO_DO_KEYS,
    DEMO_DO_THEME,
    DEMO_DO_BLANK,
    DEMO_DO_GOTO,
    DEMO_DO_SHELL, /* what the key does in the lesson shell */
};

/* Where a key counts. */
enum {
    WITH_LETTERS = 1,
    ALWAYS = 2,
    LIVE = 4
}; /* not where letters are typed by any key; there, too; and also while typing by hand */

static const struct demo_key {
    uint32_t key;
    unsigned modifiers;
    enum demo_action action;
    unsigned when;
    const char *name, *help; /* NULL: told with the one before */
} demo_keys[] = {
    { ' ', 0, DEMO_DO_NEXT, ALWAYS, "Space",
      "the next action: types a command and runs it, asks a question, answers it, goes on to the next step; "
      "while a line is being typed: all of it, now (also Right, PgDn and Enter)" },
    { INPUT_KEY_RIGHT, 0, DEMO_DO_NEXT, ALWAYS, NULL, NULL },
    { INPUT_KEY_PAGE_DOWN, 0, DEMO_DO_NEXT, ALWAYS, NULL, NULL },
    { INPUT_KEY_ENTER, 0, DEMO_DO_NEXT, ALWAYS, NULL, NULL },
    { INPUT_KEY_PAGE_UP, 0, DEMO_DO_BACK, ALWAYS, "PgUp",
      "twice: this step from its beginning, or the one before, in a fresh lab (also Left)" },
    { INPUT_KEY_LEFT, 0, DEMO_DO_BACK, ALWAYS, NULL, NULL },
    { 'n', 0, DEMO_DO_ON, WITH_LETTERS, "n",
      "the next step, with what is left of this one done for you in a fresh lab" },
    { 'g', 0, DEMO_DO_GOTO, WITH_LETTERS, "g", "go to any step: its number, Enter" },
    { F(4), 0, DEMO_DO_LIVE, LIVE, "F4",
      "the keyboard is the terminal's, to type by hand; again, and the demo goes on where it was" },
    { F(6), 0, DEMO_DO_SPOTLIGHT, LIVE, "F6",
      "the spotlight: on the terminal, on the state, on the lens if it is there, on the whole text, on all" },
    { F(3), 0, DEMO_DO_POINTER, ALWAYS, "F3",
      "a pointer at a line of the terminal, or away with it; Up and Down move it" },
    { INPUT_KEY_UP, 0, DEMO_DO_UP, ALWAYS, NULL, NULL },
    { INPUT_KEY_DOWN, 0, DEMO_DO_DOWN, ALWAYS, NULL, NULL },
    { F(2), 0, DEMO_DO_MODE, ALWAYS, "F2", "how commands are typed: by themselves, a letter for any key, at once" },
    { '+', 0, DEMO_DO_FASTER, WITH_LETTERS, "+ -", "type faster, or slower" },
    { '-', 0, DEMO_DO_SLOWER, WITH_LETTERS, NULL, NULL },
    { F(5), 0, DEMO_DO_KEYS, ALWAYS, "F5",
      "show what is pressed in the terminal, or do not; never while it does not echo" },
    { F(9), 0, DEMO_DO_THEME, LIVE, "F9", "the theme: dark, light, contrast" },
    { 'b', 0, DEMO_DO_BLANK, WITH_LETTERS, "b .", "a blank screen; any key brings it back" },
    { '.', 0, DEMO_DO_BLANK, WITH_LETTERS, NULL, NULL },
    { F(7), 0, DEMO_DO_SHELL, LIVE, "F7 F8", "the other terminals" },
    { F(8), 0, DEMO_DO_SHELL, LIVE, NULL, NULL },
    { F(11), 0, DEMO_DO_SHELL, LIVE, "F11", "the lab's processes and cgroups, live, on the whole screen" },
    { F(12), 0, DEMO_DO_SHELL, LIVE, "F12", "all of the kernel's state" },
    { ']', INPUT_CTRL, DEMO_DO_SHELL, LIVE, "Ctrl-]", "a line for teaching commands: goto 3, terminal 2, share PATH" },
    { F(1), 0, DEMO_DO_SHELL, LIVE, "F1", "this page" },
    { F(10), 0, DEMO_DO_SHELL, LIVE, "F10", "leave" },
};
#define DEMO_KEYS (sizeof(demo_keys) / sizeof(demo_keys[0]))

static const unsigned speeds[] = { 5, 8, 12, 20, 30, 50, 80, 150, 300 };
#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

static const char *const mode_words[DEMO_MODES] = { [DEMO_TYPED] = "Commands are typed by themselves.",
                                                    [DEMO_EACH] = "Any key types a letter, Enter runs the line.",
                                                    [DEMO_INSTANT] = "Commands are there at once." };

void demo_put_help(struct flow *flow)
{
    char name[48];
    flow_text(flow, ROLE_HEADING, "Keys of the demo");
    flow_blank(flow);
    for (size_t i = 0; i < DEMO_KEYS; i++) {
        if (!demo_keys[i].name)
            continue;
        snprintf(name, sizeof(name), "  %-12s", demo_keys[i].name);
        flow_push(flow, name, "              ", ROLE_STRONG);
        flow_text(flow, ROLE_TEXT, demo_keys[i].help);
        flow_pop(flow);
    }
    flow_blank(flow);
    flow_text(
        flow, ROLE_TEXT,
        "While you type by hand all other keys are the terminal's, and F4 and Ctrl-] alone are ours while a program "
        "has the whole of it. Your notes: teachroot notes, in another terminal.");
}

/* ---- what is pressed ---- */

static const struct {
    uint32_t key;
    const char *name;
} key_names[] = {
    { INPUT_KEY_ENTER, "Enter" },   { INPUT_KEY_TAB, "Tab" },       { INPUT_KEY_BACKSPACE, "Backspace" },
    { INPUT_KEY_ESCAPE, "Esc" },    { INPUT_KEY_UP, "Up" },         { INPUT_KEY_DOWN, "Down" },
    { INPUT_KEY_LEFT, "Left" },     { INPUT_KEY_RIGHT, "Right" },   { INPUT_KEY_HOME, "Home" },
    { INPUT_KEY_END, "End" },       { INPUT_KEY_PAGE_UP, "PgUp" },  { INPUT_KEY_PAGE_DOWN, "PgDn" },
    { INPUT_KEY_INSERT, "Insert" }, { INPUT_KEY_DELETE, "Delete" }, { ' ', "Space" },
};

static void key_name(const struct input_event *event, char name[32])
{
    char text[8] = "";
    const char *known = text;
    for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
        if (key_names[i].key == event->key)
            known = key_names[i].name;
    if (event->key >= INPUT_KEY_F1 && event->key <= INPUT_KEY_F12)
        snprintf(text, sizeof(text), "F%u", event->key - INPUT_KEY_F1 + 1);
    else if (known == text)
        text[utf8_encode(event->key, text)] = '\0';
    snprintf(name, 32, "%s%s%s", event->modifiers & INPUT_CTRL ? "Ctrl+" : "",
             event->modifiers & INPUT_ALT ? "Alt+" : "", known);
}

void demo_show_key(struct screen *screen, const char *name)
{
    struct demo *demo = screen->demo;
    size_t used = strlen(demo->keys), len = strlen(name);
    screen->dirty |= DIRTY_STATUS;
    if (!demo->keys_shown || len + 2 > sizeof(demo->keys) / 2)
        return;
    while (used + len + 2 > sizeof(demo->keys)) { /* the oldest go */
        const char *next = strchr(demo->keys, ' ');
        size_t cut = next ? (size_t)(next - demo->keys) + 1 : used;
        memmove(demo->keys, demo->keys + cut, used - cut + 1);
        used -= cut;
    }
    snprintf(demo->keys + used, sizeof(demo->keys) - used, "%s%s", used ? " " : "", name);
}

/* Passwords are typed where nothing is echoed: then nothing is shown here either. */
static bool echoes(const struct screen *screen)
{
    const struct terminal *terminal = screen_terminal(screen);
    struct termios tty;
    return terminal && tcgetattr(terminal_fd(terminal), &tty) == 0 && (tty.c_lflag & ECHO);
}

static void show_pressed(struct screen *screen, const struct input_event *event)
{
    char name[32];
    if (!echoes(screen)) {
        screen->demo->keys[0] = '\0';
        screen->dirty |= DIRTY_STATUS;
    } else if (event->kind == INPUT_KEY) {
        key_name(event, name);
        demo_show_key(screen, name);
    }
}

/* ---- what keys do ---- */

void demo_set_mode(struct screen *screen, enum demo_mode mode, unsigned speed)
{
    screen->demo->mode = mode;
    screen->demo->speed = speed;
    if (screen->session)
        session_set_pace(screen->session, mode == DEMO_INSTANT ? 0 : 1000 / speed);
    share_changed(screen);
}

static void change_speed(struct screen *screen, int by)
{
    size_t i = 0;
    while (i + 1 < SPEEDS && speeds[i] < screen->demo->speed)
        i++;
    if (by > 0 ? i + 1 < SPEEDS && speeds[i] <= screen->demo->speed : i > 0)
        i = by > 0 ? i + 1 : i - 1;
    demo_set_mode(screen, DEMO_TYPED, speeds[i]);
    demo_say(screen, "%u letters a second.", speeds[i]);
}

static void move_pointer(struct screen *screen, int by)
{
    struct demo *demo = screen->demo;
    unsigned rows = screen->layout.terminal.rows;
    if (!demo->pointing) {
        if (screen->spotlight == SPOTLIGHT_LESSON)
            lesson_view_scroll(screen, by < 0 ? ACTION_SCROLL_UP : ACTION_SCROLL_DOWN, 1);
        return;
    }
    if (by < 0 && demo->pointer == 0) /* what has left over the top can be pointed at */
        terminal_view_scroll(screen, 1);
    else if (by > 0 && demo->pointer + 1 >= rows)
        terminal_view_scroll(screen, -1);
    else
        demo->pointer = (unsigned)((int)demo->pointer + by);
    screen->dirty |= DIRTY_TERMINAL | DIRTY_CLEAN;
}

static void point(struct screen *screen)
{
    struct demo *demo = screen->demo;
    const struct terminal *terminal = screen_terminal(screen);
    unsigned col;
    bool visible;
    demo->pointing = !demo->pointing && terminal;
    screen->terminal_view.back = 0;
    if (demo->pointing) { /* at what was said last */
        terminal_cursor(terminal, &demo->pointer, &col, &visible);
        if (demo->pointer > 0)
            demo->pointer--;
    }
    screen->dirty |= DIRTY_TERMINAL | DIRTY_CLEAN;
}

static void turn_spotlight(struct screen *screen)
{
    enum demo_stage stage = screen->demo->stage;
    screen->spotlight = (screen->spotlight + 1) % SPOTLIGHTS;
    if (screen->spotlight == SPOTLIGHT_LENS && !lens_view_shown(screen))
        screen->spotlight++;
    if (stage == DEMO_QUESTION || stage == DEMO_ANSWER)
        screen->demo->kept = SPOTLIGHT_ALL;
    screen_relayout(screen);
}

static void go_on(struct screen *screen)
{
    unsigned step = session_current(screen->session);
    if (step < screen->lesson->step_count)
        jump_to(screen, &(struct place){ .step = step + 1 });
    else
        demo_say(screen, "This is the last step.");
}

static void act(struct screen *screen, const struct demo_key *key)
{
    struct demo *demo = screen->demo;
    switch (key->action) {
    case DEMO_DO_NEXT:
        demo_next(screen);
        break;
    case DEMO_DO_BACK:
        demo_back(screen);
        break;
    case DEMO_DO_ON:
        go_on(screen);
        break;
    case DEMO_DO_LIVE:
        demo_live(screen, !demo->live);
        break;
    case DEMO_DO_SPOTLIGHT:
        turn_spotlight(screen);
        break;
    case DEMO_DO_POINTER:
        point(screen);
        break;
    case DEMO_DO_UP:
        move_pointer(screen, -1);
        break;
    case DEMO_DO_DOWN:
        move_pointer(screen, 1);
        break;
    case DEMO_DO_MODE:
        demo_set_mode(screen, (demo->mode + 1) % DEMO_MODES, demo->speed);
        demo_say(screen, "%s", mode_words[demo->mode]);
        break;
    case DEMO_DO_FASTER:
        change_speed(screen, 1);
        break;
    case DEMO_DO_SLOWER:
        change_speed(screen, -1);
        break;
    case DEMO_DO_KEYS:
        demo->keys_shown = !demo->keys_shown;
        demo->keys[0] = '\0';
        break;
    case DEMO_DO_THEME:
        screen->theme.paper = (screen->theme.paper + 1) % PAPERS;
        screen_relayout(screen);
        break;
    case DEMO_DO_BLANK:
        demo->blank = true;
        screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
        break;
    case DEMO_DO_GOTO:
        screen->command = (struct command_entry){ .open = true, .text = "goto ", .len = 5 };
        break;
    case DEMO_DO_SHELL:
        action_run(screen, keys_find(key->key, key->modifiers, KEYS_TERMINAL)->action, NULL);
        break;
    }
    screen->dirty |= DIRTY_STATUS;
}

static const struct demo_key *find_key(const struct screen *screen, const struct input_event *event)
{
    unsigned when = screen->demo->live                ? LIVE
                    : screen->demo->mode == DEMO_EACH ? ALWAYS | LIVE
                                                      : WITH_LETTERS | ALWAYS | LIVE;
    for (size_t i = 0; event->kind == INPUT_KEY && i < DEMO_KEYS; i++)
        if (demo_keys[i].key == event->key && demo_keys[i].modifiers == event->modifiers && (demo_keys[i].when & when))
            return &demo_keys[i];
    return NULL;
}

/* Any key that writes something, or asks for the next letter. */
static bool types_letter(const struct screen *screen, const struct input_event *event)
{
    const struct demo *demo = screen->demo;
    bool next = event->key == INPUT_KEY_ENTER || event->key == INPUT_KEY_RIGHT || event->key == INPUT_KEY_PAGE_DOWN;
    if (event->kind != INPUT_KEY || event->modifiers || !demo_letter_due(screen))
        return false;
    return event->key < INPUT_KEY_NONE || (next && (demo->stage != DEMO_TYPING || demo->line[demo->typed]));
}

bool demo_input(struct screen *screen, const struct input_event *event)
{
    struct demo *demo = screen->demo;
    const struct demo_key *key = find_key(screen, event);
    if (event->kind == INPUT_FOCUS || event->kind == INPUT_UNKNOWN || !screen->session)
        return true;
    if (demo->blank) {
        demo->blank = event->kind != INPUT_KEY;
        screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
        return true;
    }
    if (!key || key->action != DEMO_DO_BACK)
        demo->back = 0;
    if (event->kind == INPUT_KEY && event->key == 'c' && event->modifiers == INPUT_CTRL) {
        show_pressed(screen, event);
        return false;
    }
    if (demo->live) {
        bool ours = key && (screen_when(screen) != KEYS_PROGRAM || key->action == DEMO_DO_LIVE || key->modifiers);
        if (!ours) {
            show_pressed(screen, event);
            return false;
        }
    } else if (types_letter(screen, event)) {
        demo_letter(screen);
        return true;
    }
    if (key)
        act(screen, key);
    return true;
}

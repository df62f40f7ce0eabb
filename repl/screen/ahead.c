/* Typing ahead: keys that come before there is a prompt for them.
 *
 * While a lab is being built or steps are done again, the terminal is not the learner's yet: all keys are held, and given out line by line when the prompt is there.
 * While a command runs, keys go to its tty as they would anywhere, and what stands on its unfinished line goes on in readline at the next prompt. Only the Enter of a
 * line that is a teaching command (`next`), and what follows it, is held: in the tty's queue bash would take it. It is given out when its turn comes: to the prompt, or
 * to a program that has begun to read. At the prompt of a bash within the lab's, which edits its line itself, a teaching command is not
 * held but taken off that line at once: what is known to be on it is what was typed and what the terminal shows. After Ctrl-C at the prompt keys are held until the next one: the tty may drop, and bash lose, what reaches them before.
 */
#include "engine/base/cleanup.h"
#include "repl/screen/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#define LOOK_MS 20   /* between looks whether the held keys are wanted */
#define LOOKS_MAX 50 /* where the kernel does not tell who reads, the prompt has to stand so long */

struct held_key {
    struct input_event event;
    char *bytes; /* event.bytes is a copy */
};

static void look_again(struct screen *screen);

static void hold(struct screen *screen, const struct input_event *event)
{
    struct ahead *ahead = &screen->ahead;
    if (ahead->count == ahead->size) {
        size_t size = ahead->size ? ahead->size * 2 : 64;
        struct held_key *grown = realloc(ahead->keys, size * sizeof *grown);
        if (!grown)
            return;
        ahead->keys = grown;
        ahead->size = size;
    }
    struct held_key key = { .event = *event, .bytes = malloc(event->len + 1) };
    if (!key.bytes)
        return;
    memcpy(key.bytes, event->bytes, event->len);
    key.bytes[event->len] = '\0';
    key.event.bytes = key.bytes;
    if (ahead->count == 0)
        ahead->terminal = screen->building ? 0 : session_active(screen->session);
    ahead->keys[ahead->count++] = key;
    ahead->looks = 0;
    look_again(screen);
    screen->dirty |= DIRTY_STATUS;
}

static void free_keys(struct held_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(keys[i].bytes);
    free(keys);
}

static void drop_keys(struct screen *screen)
{
    struct ahead *ahead = &screen->ahead;
    free_keys(ahead->keys, ahead->count);
    ahead->keys = NULL;
    ahead->count = ahead->size = 0;
    loop_remove(ahead->timer);
    ahead->timer = NULL;
    screen->dirty |= DIRTY_STATUS;
}

void ahead_drop(struct screen *screen)
{
    drop_keys(screen);
    memset(screen->ahead.len, 0, sizeof(screen->ahead.len));
    memset(screen->ahead.interrupted, 0, sizeof(screen->ahead.interrupted));
}

static bool is_key(const struct input_event *event, uint32_t key, unsigned modifiers)
{
    return event->kind == INPUT_KEY && event->key == key && event->modifiers == modifiers;
}

void ahead_kill(struct screen *screen, struct terminal *terminal)
{
    unsigned active = session_active(screen->session);
    struct termios tty;
    if (active > TERMINALS_MAX || screen->ahead.len[active] == 0 || tcgetattr(terminal_fd(terminal), &tty) < 0 ||
        !(tty.c_lflag & ICANON))
        return;
    char kill = (char)tty.c_cc[VKILL];
    terminal_write(terminal, &kill, 1);
}

bool ahead_words(const struct screen *screen, char *text, size_t size)
{
    const struct ahead *ahead = &screen->ahead;
    size_t used = 0;
    text[0] = '\0';
    if (ahead->count == 0)
        return false;
    if (ahead->terminal)
        used = (size_t)snprintf(text, size, "%s", ahead->line[ahead->terminal]);
    for (size_t i = 0; i < ahead->count && used + 8 < size; i++) {
        const struct input_event *event = &ahead->keys[i].event;
        bool last = i + 1 == ahead->count;
        if (is_key(event, INPUT_KEY_ENTER, 0)) {
            used += (size_t)snprintf(text + used, size - used, "%s", last ? "" : " ; ");
        } else if (event->kind == INPUT_PASTE ||
                   (event->key < INPUT_KEY_NONE && event->key >= ' ' && !event->modifiers)) {
            for (size_t k = 0; k < event->len && used + 8 < size; k++)
                text[used++] = (unsigned char)event->bytes[k] < ' ' ? ' ' : event->bytes[k];
            text[used] = '\0';
        }
    }
    return true;
}

/* ---- giving out ---- */

/* Is there somebody now for whom the held keys were typed? */
static bool wanted(struct screen *screen)
{
    struct ahead *ahead = &screen->ahead;
    const struct terminal *terminal = screen_terminal(screen);
    if (screen->building || !terminal || !screen->session)
        return false;
    unsigned active = session_active(screen->session);
    if (ahead->terminal && ahead->terminal != active)
        return false;
    enum session_reader reader = session_reader(screen->session, active);
    if (!screen_at_prompt(screen)) {
        /* A program, or a shell within the lab's. At the second look: the lab shell may be at a prompt that was not read yet. */
        bool interrupted =
            active <= TERMINALS_MAX && ahead->interrupted[active]; /* a shell that ignores it shows no new prompt */
        ahead->looks = reader == SESSION_READER_LINES ? ahead->looks + 1 : 0;
        return reader == SESSION_READER_KEYS || ahead->looks > (interrupted ? LOOKS_MAX : 1);
    }
    if (active <= TERMINALS_MAX && ahead->len[active] > 0)
        ahead_prompt(screen, active);
    if (active <= TERMINALS_MAX && ahead->len[active] > 0) /* whole lines stand before it */
        return false;
    return reader == SESSION_READER_LINES || ++ahead->looks >= LOOKS_MAX;
}

static void on_look(void *data)
{
    struct screen *screen = data;
    struct ahead *ahead = &screen->ahead;
    ahead->timer = NULL;
    if (!wanted(screen)) {
        look_again(screen);
        return;
    }
    /* One line: what it does decides who gets the next one. It may drop or hold keys itself, so the list is taken away from it. */
    struct held_key *keys = ahead->keys;
    size_t count = ahead->count, given = 0;
    bool ended = false;
    ahead->keys = NULL;
    ahead->count = ahead->size = 0;
    ahead->looks = 0;
    screen->dirty |= DIRTY_STATUS;
    for (; given < count && !ended; given++) {
        terminal_view_input(screen, &keys[given].event);
        ended = is_key(&keys[given].event, INPUT_KEY_ENTER, 0) || keys[given].event.kind == INPUT_PASTE;
    }
    for (; given < count && screen->session; given++)
        hold(screen, &keys[given].event);
    free_keys(keys, count);
    if (screen->session)
        session_flush(screen->session);
}

static void look_again(struct screen *screen)
{
    if (!screen->ahead.timer)
        screen->ahead.timer = loop_add_timer(screen->loop, LOOK_MS, 0, on_look, screen);
}

/* ---- taking in ---- */

/* The Enter of a teaching command that the lab shell would read as its next line. */
static bool ends_teaching_line(const struct screen *screen, const struct input_event *event)
{
    unsigned active = session_active(screen->session);
    struct command_line command;
    return is_key(event, INPUT_KEY_ENTER, 0) && active <= TERMINALS_MAX && screen->ahead.len[active] > 0 &&
           !screen_at_prompt(screen) &&
           commands_at_prompt(screen->ahead.line[active], session_quiz(screen->session), &command) &&
           session_reader(screen->session, active) != SESSION_READER_KEYS;
}

/* The Enter of a teaching command at the prompt of a shell within the lab's. It has to stand there as it was typed, from its first letter on: what was
 * recalled or completed is that shell's. */
static bool ends_nested_teaching_line(const struct screen *screen, const struct input_event *event,
                                      struct command_line *command)
{
    unsigned active = session_active(screen->session), end;
    size_t point;
    if (!is_key(event, INPUT_KEY_ENTER, 0) || active > TERMINALS_MAX || screen->ahead.len[active] == 0 ||
        screen_at_prompt(screen) ||
        !commands_at_prompt(screen->ahead.line[active], session_quiz(screen->session), command))
        return false;
    const struct terminal *terminal = screen_terminal(screen);
    cleanup_free char *text = terminal ? typed_in_grid(terminal, &point, &end) : NULL;
    return text && point == strlen(text) && strcmp(text, screen->ahead.line[active]) == 0;
}

static void take_nested_line(struct screen *screen, const struct command_line *command)
{
    static const char discard[] = "\025"; /* readline's, and the tty's: the line up to the cursor */
    terminal_write(screen_terminal(screen), discard, 1);
    session_flush(screen->session);
    screen->ahead.len[session_active(screen->session)] = 0;
    screen->ahead.discarded = true;
    action_run(screen, command->action, command);
    screen->ahead.discarded = false;
}

/* Ctrl-C is for now, not for later: what was held is gone, and steps that are being done again stop. */
static bool interrupted(struct screen *screen)
{
    bool held = screen->ahead.count > 0;
    drop_keys(screen);
    if (!screen->building)
        return false;
    if (session_stop_replay(screen->session))
        screen_message(screen, ROLE_NOTICE,
                       "Stopped. Step %u is yours to go on with from here; F5 begins it anew in a fresh lab.",
                       session_current(screen->session));
    else
        screen_message(screen, ROLE_NOTICE, "The lab is being built.%s", held ? " What you had typed is dropped." : "");
    return true;
}

void ahead_input(struct screen *screen, const struct input_event *event)
{
    struct ahead *ahead = &screen->ahead;
    if (!screen->session || (!screen->building && !screen_terminal(screen))) {
        screen_message(screen, ROLE_NOTICE, "No terminal is open. F5 (reset) builds a fresh lab.");
        return;
    }
    if (is_key(event, 'c', INPUT_CTRL) && interrupted(screen))
        return;
    unsigned active = session_active(screen->session);
    struct command_line command;
    bool signal = is_key(event, 'c', INPUT_CTRL) || is_key(event, 'z', INPUT_CTRL) || is_key(event, '\\', INPUT_CTRL);
    bool holding = ahead->count > 0 && !signal && (!ahead->terminal || ahead->terminal == active);
    if (is_key(event, INPUT_KEY_BACKSPACE, 0) && holding &&
        !is_key(&ahead->keys[ahead->count - 1].event, INPUT_KEY_ENTER, 0)) {
        free(ahead->keys[--ahead->count].bytes);
        screen->dirty |= DIRTY_STATUS;
    } else if (screen->building || holding || ends_teaching_line(screen, event) ||
               (active <= TERMINALS_MAX && ahead->interrupted[active] && !signal)) {
        hold(screen, event);
    } else if (ends_nested_teaching_line(screen, event, &command)) {
        take_nested_line(screen, &command);
    } else {
        terminal_view_input(screen, event);
    }
}

bool ahead_line(struct screen *screen, const char *line)
{
    struct command_line command;
    unsigned active = session_active(screen->session);
    bool sent = active <= TERMINALS_MAX && screen->terminal_view.sent[active];
    if (!screen->building &&
        !(sent && (screen->ahead.count > 0 || commands_at_prompt(line, session_quiz(screen->session), &command))))
        return false;
    hold(screen, &(struct input_event){ .kind = INPUT_PASTE, .bytes = line, .len = strlen(line) });
    hold(screen, &(struct input_event){ .kind = INPUT_KEY, .key = INPUT_KEY_ENTER, .bytes = "\r", .len = 1 });
    return true;
}

/* ---- the tty's own line ---- */

/* What is typed while a program runs stays on the tty's own line until Enter. It is remembered here, so that readline can go on with it
 * at the next prompt (see ahead_prompt). In any other mode the program has taken it. */
void ahead_remember(struct screen *screen, const struct terminal *terminal, const struct input_event *event)
{
    unsigned number = session_active(screen->session);
    struct ahead *ahead = &screen->ahead;
    if (number > TERMINALS_MAX)
        return;
    size_t *len = &ahead->len[number];
    bool character = event->kind == INPUT_KEY && event->modifiers == 0 && event->key < INPUT_KEY_NONE;
    if (event->kind == INPUT_KEY && event->key == INPUT_KEY_BACKSPACE && *len > 0) {
        do
            --*len;
        while (*len > 0 && ((unsigned char)ahead->line[number][*len] & 0xc0) == 0x80);
    } else if (character && !terminal_alternate(terminal) && *len + event->len < sizeof(ahead->line[number]) - 1) {
        memcpy(ahead->line[number] + *len, event->bytes, event->len);
        *len += event->len;
    } else {
        *len = 0;
    }
    ahead->line[number][*len] = '\0';
}

/* Take the unfinished line out of the tty's queue, where readline is to go on with it. False if whole lines are waiting there: the shell
 * takes those first. (VKILL would do it too, but its echo would rub out the prompt.) */
static bool empty_input_queue(const struct terminal *terminal)
{
    int whole = 0;
    cleanup_close int slave = ioctl(terminal_fd(terminal), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return slave >= 0 && ioctl(slave, FIONREAD, &whole) == 0 && whole == 0 && tcflush(slave, TCIFLUSH) == 0;
}

void ahead_prompt(struct screen *screen, unsigned number)
{
    struct ahead *ahead = &screen->ahead;
    struct terminal *terminal = session_terminal(screen->session, number);
    if (number > TERMINALS_MAX || !terminal)
        return;
    screen->terminal_view.sent[number] = false;
    ahead->interrupted[number] = false;
    if (ahead->len[number] == 0)
        return;
    if (number == session_active(screen->session) && screen_at_prompt(screen) && prompt_empty(screen->prompt)) {
        if (!empty_input_queue(terminal))
            return;
        prompt_set_line(screen->prompt, ahead->line[number]);
    }
    ahead->len[number] = 0;
}

void ahead_interrupted(struct screen *screen)
{
    unsigned active = session_active(screen->session);
    if (active > TERMINALS_MAX)
        return;
    screen->terminal_view.sent[active] = true;
    screen->ahead.interrupted[active] = true;
}

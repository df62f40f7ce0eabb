/* Plain mode's input: keys of a terminal, by turns for readline and for the program in the lab, or the lines of a pipe. */
#include "repl/play/plain_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/user.h"
#include "repl/screen/completion.h"
#include "repl/screen/shell_words.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include <readline/history.h>
#include <readline/readline.h>

#define COMMAND_KEY '\035' /* Ctrl-] */

static struct plain *the_plain; /* readline's callbacks take no data */

/* Keys of a terminal. */

void plain_leave_keys(struct plain *plain)
{
    if (plain->keys == TO_LINE || plain->keys == TO_COMMAND)
        rl_callback_handler_remove();
    else if (plain->keys == TO_PROGRAM)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &plain->between);
    plain->keys = TO_NOBODY;
}

static void on_line(char *line)
{
    struct plain *plain = the_plain;
    bool command = plain->keys == TO_COMMAND;
    plain->middle = false;
    plain_leave_keys(plain); /* the next one gets the prompt it belongs to */
    if (!line) {
        plain_write(plain, "\n", 1);
        if (!command)
            plain_tell(plain, NULL, "Type quit to leave the lesson.");
        return;
    }
    struct command_line parsed;
    char why[512];
    if (command && line[strspn(line, " ")]) {
        if (commands_parse(line, session_quiz(plain->session), &parsed, why, sizeof why))
            plain_run_action(plain, &parsed);
        else
            plain_tell(plain, NULL, why);
    } else if (!command) {
        prompt_history_add(&plain->history, line);
        plain_take_line(plain, line);
    }
    free(line);
}

static void begin_line(struct plain *plain, enum keys keys, const char *prompt)
{
    if (plain->keys == keys)
        return;
    plain_leave_keys(plain);
    if (plain->middle)
        fputc('\n', stdout);
    fflush(stdout);
    plain->middle = plain->redraw = false;
    plain->keys = keys;
    rl_callback_handler_install(prompt, on_line);
    if (plain->to_type && keys == TO_LINE) {
        rl_insert_text(plain->to_type);
        rl_redisplay();
        free(take_ptr(&plain->to_type));
    }
}

static void begin_program(struct plain *plain)
{
    struct termios raw = plain->found;
    if (plain->keys == TO_PROGRAM)
        return;
    plain_leave_keys(plain);
    cfmakeraw(&raw);
    raw.c_oflag = plain->found.c_oflag;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    plain->keys = TO_PROGRAM;
}

static void on_keys(int fd, uint32_t events, void *data)
{
    struct plain *plain = data;
    char bytes[4096];
    if (plain->keys == TO_LINE || plain->keys == TO_COMMAND) {
        rl_callback_read_char();
        if (rl_eof_found && (events & EPOLLHUP))
            loop_quit(plain->loop);
        return;
    }
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        plain->leave = true;
        loop_quit(plain->loop);
    }
    if (n <= 0 || plain->keys != TO_PROGRAM)
        return;
    const char *command = memchr(bytes, COMMAND_KEY, (size_t)n);
    size_t len = command ? (size_t)(command - bytes) : (size_t)n;
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    if (terminal && len > 0) {
        plain_active(plain)->typed = true;
        terminal_write(terminal, bytes, len);
        session_flush(plain->session);
    }
    if (command)
        begin_line(plain, TO_COMMAND, "teachroot: ");
}

/* Lines of a pipe. */

static void on_piped(int fd, uint32_t events, void *data)
{
    struct plain *plain = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    char *grown = n > 0 ? realloc(plain->input, plain->input_len + (size_t)n + 1) : NULL;
    if (!grown) {
        plain->input_end = true;
        loop_remove(plain->keyboard); /* an ended pipe is readable for ever */
        plain->keyboard = NULL;
        return;
    }
    plain->input = grown;
    memcpy(grown + plain->input_len, bytes, (size_t)n);
    plain->input_len += (size_t)n;
    plain->input[plain->input_len] = '\0';
}

/* What cannot be waited for, a file, is there already. */
static void read_piped_file(struct plain *plain)
{
    while (!plain->input_end)
        on_piped(STDIN_FILENO, EPOLLIN, plain);
}

/* The next whole line, malloc'ed; the last one may lack its newline. */
static char *piped_line(struct plain *plain)
{
    char *end = plain->input_len ? memchr(plain->input, '\n', plain->input_len) : NULL;
    size_t len = end ? (size_t)(end - plain->input) : plain->input_len;
    if (!end && (!plain->input_end || len == 0))
        return NULL;
    char *line = strndup(plain->input, len);
    plain->input_len -= len + (end != NULL);
    memmove(plain->input, plain->input + len + (end != NULL), plain->input_len);
    return line;
}

/* Does somebody wait for a line of the pipe? */
static bool piped_line_is_due(struct plain *plain)
{
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    return terminal && !plain->leave && !plain->building && !plain->next_due && !session_replaying(plain->session) &&
           terminal_at_prompt(terminal) && !plain_active(plain)->sent;
}

/* The next line, or the end of them. Returns whether a line was given. */
static bool give_piped_line(struct plain *plain)
{
    static const char end_of_file[] = "\004";
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    bool own = terminal_at_own_prompt(terminal, session_shell(plain->session, session_active(plain->session)));
    cleanup_free char *line = piped_line(plain);
    if (line) {
        plain_take_line(plain, line);
        return true;
    }
    if (plain->input_end && own) {
        plain->leave = true;
        loop_quit(plain->loop);
    } else if (plain->input_end) { /* a nested shell: it ends as at the end of a file */
        plain_active(plain)->sent = true;
        terminal_write(terminal, end_of_file, 1);
        session_flush(plain->session);
    }
    return false;
}

/* Before each wait: who gets the keys now? */
void plain_before_wait(void *data)
{
    struct plain *plain = data;
    struct plain_terminal *at = plain_active(plain);
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    if (plain->leave)
        return;
    if (plain->next_due && session_current_passed(plain->session))
        plain_next(plain, false);
    if (!terminal || plain->building || session_replaying(plain->session)) {
        if (plain->tty)
            plain_leave_keys(plain);
    } else if (!plain->tty) {
        /* A teaching command may be answered at once, and then nothing wakes the loop for the line after it. */
        while (piped_line_is_due(plain) && give_piped_line(plain))
            ;
    } else if (plain->keys == TO_COMMAND) {
        plain->redraw = false;
    } else if (!at->sent && !at->typed &&
               terminal_at_own_prompt(terminal, session_shell(plain->session, session_active(plain->session)))) {
        at->prompt_due = false;
        begin_line(plain, TO_LINE, at->prompt);
    } else {
        begin_program(plain);
        plain_show_prompt(at);
    }
    if (plain->redraw && plain->keys == TO_LINE) {
        rl_on_new_line();
        rl_redisplay();
    }
    plain->redraw = false;
    fflush(stdout);
}

static void on_interrupt(int signal, void *data)
{
    static const char interrupt[] = "\003";
    struct plain *plain = data;
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    if (signal != SIGINT || !plain->tty) {
        plain->leave = true;
        loop_quit(plain->loop);
        return;
    }
    if (plain->keys == TO_LINE || plain->keys == TO_COMMAND) {
        plain_leave_keys(plain);
        rl_callback_sigcleanup();
        plain_write(plain, "\n", 1);
    }
    if (terminal) { /* bash leaves a half-typed loop, and shows a new prompt */
        plain_active(plain)->sent = true;
        terminal_write(terminal, interrupt, 1);
        session_flush(plain->session);
    }
}

static void on_resize(int signal, void *data)
{
    struct plain *plain = data;
    struct winsize size;
    if (plain->tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 1) {
        session_resize(plain->session, size.ws_row, size.ws_col);
        rl_set_screen_size(size.ws_row, size.ws_col);
        plain->page.width = size.ws_col > 84 ? 84 : size.ws_col;
    }
}

/* Completion by readline's own list, of the lab's candidates. */

static char **found;

static char *next_found(const char *text, int state)
{
    static size_t next;
    if (state == 0)
        next = 0;
    return found[next] ? found[next++] : NULL;
}

static char **complete(const char *word, int start, int end)
{
    struct plain *plain = the_plain;
    struct observe_place place;
    const char *names[32] = { NULL };
    rl_attempted_completion_over = 1;
    if (start > end || observe_place(session_shell(plain->session, session_active(plain->session)), &place, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < command_count && i < 31; i++)
        names[i] = commands[i].name;
    struct completion_options options = { .place = &place, .commands = names };
    cleanup_free char *line = strndup(rl_line_buffer, (size_t)end);
    found = line ? completion_candidates(&options, line, word, (size_t)start) : NULL;
    observe_place_free(&place);
    char **matches = found ? rl_completion_matches(word, next_found) : NULL; /* takes the strings */
    free(found);
    found = NULL;
    if (matches && !matches[1] && *matches[0] && strchr("/=", matches[0][strlen(matches[0]) - 1]))
        rl_completion_suppress_append = rl_completion_suppress_quote = 1;
    return matches;
}

static int is_quoted(char *line, int index)
{
    return shell_is_quoted(line, (size_t)index);
}

void plain_prepare_terminal(struct plain *plain)
{
    the_plain = plain;
    plain->between = plain->found;
    plain->between.c_lflag &= ~(tcflag_t)ICANON;
    plain->between.c_cc[VMIN] = 1;
    plain->between.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &plain->between);
    rl_readline_name = "Bash";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_attempted_completion_function = complete;
    rl_completer_quote_characters = "\"'";
    rl_completer_word_break_characters = " \t\n\"'><=;|&(";
    rl_char_is_quoted_p = is_quoted;
    cleanup_free char *path = plain->options->history_path ? NULL : user_state_path("history");
    struct err err = { 0 };
    if (prompt_history_load(&plain->history, plain->options->history_path ? plain->options->history_path : path, &err) <
        0)
        plain_tell(plain, NULL, err.message);
}

bool plain_add_sources(struct plain *plain)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    bool added = loop_add_signal(plain->loop, SIGWINCH, on_resize, plain);
    plain->keyboard = loop_add_fd(plain->loop, STDIN_FILENO, EPOLLIN, 0, plain->tty ? on_keys : on_piped, plain);
    if (!plain->keyboard && !plain->tty)
        read_piped_file(plain);
    else if (!plain->keyboard)
        return false;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        added = added && loop_add_signal(plain->loop, signals[i], on_interrupt, plain);
    return added;
}

/* Terminals of a session: a shell in the lab on a pty, opened, watched, closed and opened again. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "repl/session/marks.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define READ_LIMIT 65536
#define EARLY_MS 1000
#define OUTPUT_LINES 200  /* of a command's output, for those who explain it … */
#define OUTPUT_SIZE 32768 /* … and bytes */

static void tell_terminal(struct session_terminal *at, enum session_event_kind kind)
{
    session_tell(at->session, &(struct session_event){ .kind = kind, .terminal = at->number });
}

static void watch_writes(struct session_terminal *at)
{
    loop_set_events(at->readable, EPOLLIN | (terminal_wants_write(at->terminal) ? EPOLLOUT : 0));
}

static void command_accepted(struct session_terminal *at, const char *shell)
{
    at->accepted = true;
    at->at_prompt = false;
    at->unmarked = false;
    at->output_line = printed_cursor_line(at);
    step_touched(at->session);
    if (at->command_count == sizeof at->commands / sizeof *at->commands) {
        free(at->commands[0].text);
        memmove(at->commands, at->commands + 1, sizeof at->commands - sizeof *at->commands);
        at->command_count--;
    }
    struct open_command *command = &at->commands[at->command_count++];
    command->number = lens_command_accepted(at);
    snprintf(command->shell, sizeof command->shell, "%s", shell);
    command->prompted = false;
    command->step = at->session->current;
    command->text = at->sent ? take_ptr(&at->sent) : printed_command(at);
    evidence_typed(at->session, command->text);
    if (!at->session->replay.on)
        solution_typed(at->session, at->number, command->text);
    command->output_line = at->output_line;
    command->entry = 0;
    record_accepted(at, command);
}

/* The command of @shell ended, and so did those of the shells below it. Its text is the caller's; NULL: it is not known which one it was. */
static struct open_command command_of(struct session_terminal *at, const char *shell)
{
    unsigned i = at->command_count;
    while (i > 0 && strcmp(at->commands[i - 1].shell, shell) != 0)
        i--;
    if (i == 0)
        return (struct open_command){ 0 };
    for (unsigned k = i; k < at->command_count; k++)
        free(at->commands[k].text);
    at->command_count = i - 1;
    return at->commands[i - 1];
}

char *trimmed_command(const char *text)
{
    text += strspn(text, " \t\n");
    size_t len = strlen(text);
    while (len && strchr(" \t\n", text[len - 1]))
        len--;
    return strndup(text, len);
}

/* Of an output, what is of use to who explains it. malloc'ed. */
static char *last_of(const char *output)
{
    return strdup(printed_last(output, OUTPUT_LINES, OUTPUT_SIZE));
}

static void command_ended(struct session_terminal *at, const struct terminal_event *event)
{
    struct session *session = at->session;
    struct open_command ended = command_of(at, event->shell);
    const char *text = ended.text ? ended.text : "";
    lens_command_ended(at);
    bool tell =
        !session->replay.on && *text && !ended.prompted; /* what a shell that it started did is not its own end */
    cleanup_free char *output =
        tell || (ended.entry && !ended.prompted) ? printed_since(at, ended.output_line, false) : NULL;
    record_ended(at, &ended, event->status, output);
    player_done(at, event->shell, event->status);
    if (!session->replay.on && at->number == session->active) {
        session->last_status = event->status;
        free(session->last_command);
        session->last_command = trimmed_command(text);
    }
    session_tell(session, &(struct session_event){ .kind = SESSION_COMMAND_DONE,
                                                   .terminal = at->number,
                                                   .command = ended.number,
                                                   .status = event->status,
                                                   .text = text });
    if (!session->replay.on) {
        step_command_ended(session, text, event->status, false);
        check_soon(session, true);
    }
    if (tell && output)
        evidence_take(at, ended, event->status, last_of(output));
    else
        free(ended.text);
}

/* What bash did not take for a command: a line that is not whole, or that it could not read. @line is malloc'ed. */
static void no_command(struct session_terminal *at, char *line, int status, char *output)
{
    const struct open_command none = { .text = line, .step = at->session->current };
    evidence_take(at, none, status, output);
}

/* Bash asks for the rest of a line. */
static void line_unfinished(struct session_terminal *at)
{
    if (!at->session->replay.on)
        no_command(at, at->sent ? strdup(at->sent) : printed_command(at), SESSION_UNFINISHED, strdup(""));
}

/* A prompt came and nothing was run: an empty line, a comment, Ctrl-C, or what bash could not read, whose status is 2. */
static void line_refused(struct session_terminal *at)
{
    char *line = at->sent ? take_ptr(&at->sent) : NULL;
    if (at->session->replay.on || at->capture.status != 2) {
        free(line);
        return;
    }
    cleanup_free char *output = printed_since(at, at->prompt_line, true);
    no_command(at, line ? line : printed_typed_line(at), 2, output ? last_of(output) : NULL);
}

static void prompt_came(struct session_terminal *at, const struct terminal_event *event)
{
    struct session *session = at->session;
    bool first = !at->ready, other = strcmp(at->prompt_shell, event->shell) != 0;
    unsigned row, col;
    lens_prompt_came(at);
    if (capture_continued(&at->capture)) { /* PS2: the command began at the prompt before */
        tell_terminal(at, SESSION_PROMPT);
        line_unfinished(at);
        return;
    }
    bool nested = other && at->command_count && !at->commands[at->command_count - 1].prompted;
    for (unsigned i = 0; i < at->command_count; i++)
        at->commands[i].prompted = true;
    snprintf(at->prompt_shell, sizeof at->prompt_shell, "%s", event->shell);
    at->ready = at->at_prompt = true;
    at->unmarked = false;
    if (!first && !at->accepted)
        line_refused(at);
    at->accepted = false;
    if (terminal_prompt_position(at->terminal, &row, &col)) {
        at->prompt_line = printed_line(at, row);
        at->prompt_col = col;
    }
    tell_terminal(at, SESSION_PROMPT);
    player_prompt(at);
    if (first) {
        session_lab_ready(session);
    } else if (other && !session->replay.on) {
        if (nested)
            record_nested(at, &at->commands[at->command_count - 1]);
        if (at->command_count)
            step_command_ended(session, at->commands[at->command_count - 1].text, 0, true);
        check_soon(session, true);
    }
}

static void on_close_due(void *data);

static void close_soon(struct session_terminal *at)
{
    if (!at->close_due)
        at->close_due = loop_add_timer(at->session->options.loop, 1, 0, on_close_due, at);
}

static void on_terminal_event(struct terminal *terminal, const struct terminal_event *event, void *data)
{
    struct session_terminal *at = data;
    switch (event->kind) {
    case TERMINAL_COMMAND:
        command_accepted(at, event->shell);
        break;
    case TERMINAL_DONE:
        command_ended(at, event);
        break;
    case TERMINAL_PROMPT:
        prompt_came(at, event);
        break;
    case TERMINAL_CLOSED:
        close_soon(at);
        break;
    case TERMINAL_TITLE:
    case TERMINAL_BELL:
        break;
    }
}

static void on_terminal_output(struct terminal *terminal, const char *bytes, size_t len, void *data)
{
    struct session_terminal *at = data;
    const struct session_options *options = &at->session->options;
    capture_feed(&at->capture, bytes, len);
    if (options->on_output)
        options->on_output(terminal, bytes, len, options->data);
}

static void on_ready(int fd, uint32_t events, void *data)
{
    struct session_terminal *at = data;
    struct err err;
    if ((events & EPOLLOUT) && terminal_flush(at->terminal, &err) < 0)
        session_message(at->session, true, "%s", err.message);
    ssize_t n = terminal_read(at->terminal, READ_LIMIT, &err);
    if (n < 0) {
        session_message(at->session, true, "terminal %u: %s", at->number, err.message);
        close_soon(at);
    }
    capture_settle(&at->capture);
    if (n > 0) {
        at->last_output = loop_now();
        at->session->check.active = true;
        tell_terminal(at, SESSION_OUTPUT);
        player_output(at);
    }
    if (at->close_due) /* a hung-up master would be reported for ever */
        loop_set_events(at->readable, 0);
    else
        watch_writes(at);
}

static void on_shell_ended(int fd, uint32_t events, void *data)
{
    struct session_terminal *at = data;
    loop_remove(at->ended);
    at->ended = NULL;
    close_soon(at);
}

/* The terminal may have been closed by a shell that goes on without it, and the whole lab may be about to end. */
static int reap_shell(struct session_terminal *at)
{
    int status = 0;
    struct pollfd gone = { .fd = at->shell_pidfd, .events = POLLIN };
    if (at->shell <= 0)
        return 0;
    if (poll(&gone, 1, 0) == 0) {
        kill(at->shell, SIGKILL);
        lens_wait(at, at->shell_pidfd, 2000);
    }
    /* It has ended, and yet it is not ours to reap before its strace has seen that; left unreaped it would keep the lab's init from ending. */
    for (int ms = 0; waitpid(at->shell, &status, WNOHANG) == 0 && ms < 2000; ms++)
        lens_wait(at, -1, 1);
    return status;
}

/* Let go of everything of one terminal. Returns the wait status of its shell. */
static int terminal_end(struct session_terminal *at)
{
    if (!at->terminal)
        return 0;
    loop_remove(at->readable);
    loop_remove(at->ended);
    loop_remove(at->close_due);
    terminal_free(at->terminal);
    at->terminal = NULL;
    int status = reap_shell(at);
    lens_terminal_closed(at);
    if (at->shell_pidfd >= 0)
        close(at->shell_pidfd);
    for (unsigned i = 0; i < at->command_count; i++)
        free(at->commands[i].text);
    free(at->sent);
    text_free(&at->capture.text);
    *at = (struct session_terminal){ .session = at->session,
                                     .number = at->number,
                                     .early_ends = at->early_ends,
                                     .opened = at->opened,
                                     .shell_pidfd = -1 };
    return status;
}

void terminals_end(struct session *session)
{
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++) {
        terminal_end(&session->terminals[i]);
        session->terminals[i].early_ends = 0;
    }
}

static int open_shell(struct session_terminal *at, const char *cwd, struct err *err);

/* @cwd: NULL for where shells begin. Returns whether it is open. */
static bool reopen(struct session_terminal *at, const char *cwd)
{
    struct session *session = at->session;
    struct err err;
    tell_terminal(at, SESSION_TERMINAL);
    if (!session_lab_alive(session))
        return false;
    at->early_ends = loop_now() - at->opened < EARLY_MS ? at->early_ends + 1 : 0;
    if (at->early_ends >= 3) {
        session_message(session, true,
                        "the shell of terminal %u ends as soon as it is started: `reset` makes a fresh lab",
                        at->number);
        return false;
    }
    if (open_shell(at, cwd, &err) == 0)
        return true;
    const char *words = lab_words(session, &err);
    if (lab_is_broken(words))
        session_message(session, true, "%s", words);
    else
        session_message(session, true, "terminal %u: %s; `reset` makes a fresh lab", at->number, words);
    return false;
}

static void replace_shell(struct session_terminal *at, const char *why)
{
    if (reopen(at, NULL))
        session_message(at->session, false, "%s in terminal %u: a new one was started", why, at->number);
}

static void on_close_due(void *data)
{
    struct session_terminal *at = data;
    struct err err;
    at->close_due = NULL;
    /* What it said last. */
    for (int turn = 0; turn < 64 && terminal_read(at->terminal, READ_LIMIT, &err) > 0; turn++) {
    }
    loop_remove(at->close_due); /* the end of file came (again) */
    at->close_due = NULL;
    player_closing(at);
    bool lens_lost = at->lens_lost;
    int status = terminal_end(at);
    player_closed(at, status);
    replace_shell(at, lens_lost ? "the strace of the shell was killed, and the shell with it" : "the shell ended");
}

void terminal_lost_lens(struct session_terminal *at)
{
    struct pollfd shell = { .fd = at->shell_pidfd, .events = POLLIN };
    if (!at->terminal || poll(&shell, 1, 0) > 0)
        return;
    at->lens_lost = true;
    close_soon(at);
}

void terminal_renew(struct session_terminal *at, bool with)
{
    char link[64], cwd[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/cwd", at->shell);
    ssize_t n = readlink(link, cwd, sizeof cwd - 1);
    cwd[n < 0 ? 0 : n] = '\0';
    player_closing(at);
    player_closed(at, terminal_end(at));
    if (reopen(at, *cwd == '/' && !strstr(cwd, " (deleted)") ? cwd : NULL))
        session_message(at->session, false, "terminal %u has a new shell, %s the lens", at->number,
                        with ? "with" : "without");
}

void terminal_restart(struct session_terminal *at)
{
    if (!at->terminal)
        return;
    terminal_end(at);
    replace_shell(at, "the shell could not be had back");
}

int session_open_terminal(struct session *session, unsigned number, struct err *err)
{
    if (number < 1 || number > SESSION_TERMINALS)
        return err_say(err, EINVAL, "open terminal %u: there are terminals 1 to %d", number, SESSION_TERMINALS);
    struct session_terminal *at = &session->terminals[number];
    if (at->terminal)
        return 0;
    if (!session->lab)
        return err_say(err, ESRCH, "open terminal %u: the lab is not up", number);
    return open_shell(at, NULL, err);
}

static int open_shell(struct session_terminal *at, const char *cwd, struct err *err)
{
    struct session *session = at->session;
    int master, slave_fd;
    if (lab_open_pty(session->lab, session->options.rows, session->options.cols, &master, &slave_fd, err) < 0)
        return -1;
    cleanup_close int slave = slave_fd;
    static const char *const argv[] = { "bash", "--noediting", NULL };
    struct lab_command command = { .argv = argv,
                                   .env = (const char *const *)session->environment,
                                   .cwd = cwd,
                                   .stdio = { slave, slave, slave },
                                   .tty = true };
    struct terminal_options options = { .master = master,
                                        .rows = session->options.rows,
                                        .cols = session->options.cols,
                                        .nonce = session->nonce,
                                        .on_event = on_terminal_event,
                                        .on_output = on_terminal_output,
                                        .data = at };
    at->terminal = terminal_new(&options, err);
    if (!at->terminal) {
        close(master);
        return -1;
    }
    at->opened = at->last_output = loop_now();
    memcpy(at->capture.nonce, session->nonce, sizeof at->capture.nonce);
    at->shell = lens_spawn(at, &command, &at->shell_pidfd, err);
    if (at->shell > 0) {
        at->readable = loop_add_fd(session->options.loop, terminal_fd(at->terminal), EPOLLIN, 1, on_ready, at);
        at->ended = loop_add_fd(session->options.loop, at->shell_pidfd, EPOLLIN, 2, on_shell_ended, at);
    }
    if (at->shell <= 0 || !at->readable || !at->ended) {
        if (at->shell > 0)
            err_say(err, ENOMEM, "watch terminal %u", at->number);
        terminal_end(at);
        return -1;
    }
    tell_terminal(at, SESSION_TERMINAL);
    return 0;
}

unsigned session_terminals(const struct session *session)
{
    unsigned last = 0;
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++)
        if (session->terminals[i].terminal)
            last = i;
    return last;
}

struct terminal *session_terminal(struct session *session, unsigned number)
{
    return number >= 1 && number <= SESSION_TERMINALS ? session->terminals[number].terminal : NULL;
}

pid_t session_shell(const struct session *session, unsigned number)
{
    return number >= 1 && number <= SESSION_TERMINALS && session->terminals[number].terminal
               ? session->terminals[number].shell
               : -1;
}

unsigned session_active(const struct session *session)
{
    return session->active;
}

void session_set_active(struct session *session, unsigned number)
{
    if (number == session->active || number < 1 || number > SESSION_TERMINALS)
        return;
    session->active = number;
    tell_terminal(&session->terminals[number], SESSION_TERMINAL);
}

void session_resize(struct session *session, unsigned rows, unsigned cols)
{
    session->options.rows = rows;
    session->options.cols = cols;
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++)
        if (session->terminals[i].terminal)
            terminal_resize(session->terminals[i].terminal, rows, cols, NULL);
}

void session_flush(struct session *session)
{
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++)
        if (session->terminals[i].terminal && terminal_wants_write(session->terminals[i].terminal))
            watch_writes(&session->terminals[i]);
}

/* What was typed is kept until a shell says that it accepted it. */
void terminal_command_begins(struct session_terminal *at, const char *command)
{
    if (!at->sent) {
        at->sent = strdup(command);
        return;
    }
    char *both;
    if (asprintf(&both, "%s\n%s", at->sent, command) < 0)
        return;
    free(at->sent);
    at->sent = both;
}

int terminal_line(struct session_terminal *at, const char *line, struct err *err)
{
    if (terminal_send_line(at->terminal, line, err) < 0)
        return -1;
    watch_writes(at);
    return 0;
}

int terminal_command(struct session_terminal *at, const char *command, struct err *err)
{
    cleanup_free char *copy = strdup(command);
    char *rest = copy, *line;
    if (!copy)
        return err_set(err, ENOMEM, "type a command");
    terminal_command_begins(at, command);
    while ((line = strsep(&rest, "\n")))
        if (terminal_line(at, line, err) < 0)
            return -1;
    return 0;
}

const char *session_unfinished(const struct session *session)
{
    const struct session_terminal *at = &session->terminals[session->active];
    return at->terminal && !at->accepted ? at->sent : NULL;
}

int session_send_line(struct session *session, const char *line, struct err *err)
{
    struct session_terminal *at = &session->terminals[session->active];
    if (!at->terminal)
        return err_say(err, ESRCH, "type into terminal %u: it is not open; `reset` makes a fresh lab", session->active);
    return terminal_command(at, line, err);
}

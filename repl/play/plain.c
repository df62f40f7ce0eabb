#include "repl/play/plain.h"

#include "engine/base/cleanup.h"
#include "repl/play/plain_filter.h"
#include "repl/play/plain_text.h"
#include "repl/lesson/resume.h"
#include "repl/screen/commands.h"
#include "repl/screen/completion.h"
#include "repl/screen/shell_words.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <readline/history.h>
#include <readline/readline.h>

#define TERMINALS 9
#define PROMPT_SIZE 512
#define CHECK_WAIT_MS 5000 /* a piped `next` waits so long for the check of the command before it */
#define COMMAND_KEY '\035' /* Ctrl-] */

/* Where the keys go. */
enum keys { TO_NOBODY, TO_LINE, TO_COMMAND, TO_PROGRAM };

struct plain_terminal {
    struct plain *plain;
    unsigned number;
    struct plain_filter filter;
    bool held_return;         /* a CR came last, and what follows it decides whether it is written */
    bool in_prompt;           /* between marks A and B */
    bool prompt_due;          /* a prompt was read and not yet shown */
    bool sent;                /* a line was sent, and neither its start nor a new prompt has come back */
    bool typed;               /* keys went to it since the last prompt: a half-typed line may wait in the tty */
    char prompt[PROMPT_SIZE]; /* without escape sequences */
    size_t prompt_len;
};

struct plain {
    const struct screen_options *options;
    struct plain_page page;
    struct curriculum curriculum;
    struct progress *progress;
    struct loop *loop;
    struct lesson *lesson;
    char *path;
    char *next_path; /* the lesson to open when the loop ends; NULL: leave */
    struct session *session;
    struct plain_terminal terminals[TERMINALS + 1];
    struct loop_source *check_timer, *keyboard;
    struct termios found; /* as the terminal was, and will be again */
    struct termios
        between;   /* while nobody has the keys: what is typed then waits byte by byte, as the next reader wants it */
    bool tty;      /* keys come from, and words go to, a terminal */
    bool building; /* the lab is being built or steps are being redone */
    bool redraw;   /* something was said over the line being edited */
    bool middle;   /* the last thing written was not the end of a line */
    bool passed_said;
    bool next_due; /* `next` waits for a check */
    bool leave;
    unsigned step_said; /* the step said last; the event of a lesson's end comes with that of its last step */
    enum keys keys;
    char *input; /* piped lines not yet given */
    size_t input_len;
    bool input_end;
};

static struct plain *the_plain; /* readline's callbacks take no data */

/* Saying. */

static void write_text(struct plain *plain, const char *bytes, size_t len)
{
    fwrite(bytes, 1, len, stdout);
    if (len > 0)
        plain->middle = bytes[len - 1] != '\n';
}

static void begin_saying(struct plain *plain)
{
    if (plain->middle || plain->keys == TO_LINE || plain->keys == TO_COMMAND)
        fputc('\n', stdout);
    plain->middle = false;
    plain->redraw = true;
}

static void say(struct plain *plain, const char *title, const char *text)
{
    if (!text || !*text)
        return;
    begin_saying(plain);
    plain_say(&plain->page, title, text);
}

static void say_step(struct plain *plain)
{
    begin_saying(plain);
    plain->step_said = session_current(plain->session);
    plain->passed_said = false;
    plain_say_step(&plain->page, plain->session);
}

static struct plain_terminal *active(struct plain *plain)
{
    unsigned number = session_active(plain->session);
    return &plain->terminals[number <= TERMINALS ? number : 0];
}

/* Output of the lab. */

static void show_prompt(struct plain_terminal *at)
{
    if (at->prompt_due)
        write_text(at->plain, at->prompt, at->prompt_len);
    at->prompt_due = false;
}

static void on_text(const char *bytes, size_t len, void *data)
{
    struct plain_terminal *at = data;
    struct plain *plain = at->plain;
    if (at->in_prompt) {
        for (size_t i = 0; i < len && at->prompt_len + 1 < sizeof at->prompt; i++)
            if ((unsigned char)bytes[i] >= 0x20)
                at->prompt[at->prompt_len++] = bytes[i];
        return;
    }
    /* On a terminal readline has shown the line already: its echo is not shown again. */
    if (plain->building || session_active(plain->session) != at->number || (plain->tty && at->sent))
        return;
    show_prompt(at);
    for (size_t i = 0; i < len; i++) {
        /* Our own terminal makes CR LF of a newline, and a pipe needs none. */
        bool held = at->held_return;
        at->held_return = bytes[i] == '\r';
        if (held && plain->tty && bytes[i] != '\n')
            write_text(plain, "\r", 1);
        if (bytes[i] != '\r' && (plain->tty || bytes[i] != '\a'))
            write_text(plain, bytes + i, 1);
    }
    plain->redraw |= plain->tty;
}

static void on_mark(char mark, void *data)
{
    struct plain_terminal *at = data;
    if (mark == 'A') {
        at->in_prompt = true;
        at->prompt_len = 0;
        at->sent = at->typed = false;
    } else if (mark == 'B') {
        at->in_prompt = false;
        at->prompt[at->prompt_len] = '\0';
        at->prompt_due = true;
    } else if (mark == 'C') {
        at->sent = false;
    }
}

static void on_output(struct terminal *terminal, const char *bytes, size_t len, void *data)
{
    struct plain *plain = data;
    for (unsigned i = 1; plain->session && i <= TERMINALS; i++)
        if (session_terminal(plain->session, i) == terminal) {
            struct plain_terminal *at = &plain->terminals[i];
            const struct plain_filter_events events = { on_text, on_mark, at };
            plain_filter_feed(&at->filter, bytes, len, &events);
        }
}

/* Teaching commands. */

static void do_next(struct plain *plain, bool skip)
{
    plain->next_due = false;
    loop_remove(plain->check_timer);
    plain->check_timer = NULL;
    if (session_current(plain->session) <= plain->lesson->step_count) {
        say(plain, NULL, session_next(plain->session, skip));
        return;
    }
    for (size_t i = 0; i + 1 < plain->curriculum.count; i++)
        if (strcmp(plain->curriculum.entries[i].path, plain->path) == 0)
            plain->next_path = strdup(plain->curriculum.entries[i + 1].path);
    if (!plain->next_path) {
        say(plain, NULL, "This was the last lesson. Type lessons to list them, or quit to leave.");
        return;
    }
    plain->leave = true;
    loop_quit(plain->loop);
}

static void on_check_wait(void *data)
{
    struct plain *plain = data;
    plain->check_timer = NULL;
    if (plain->next_due)
        do_next(plain, false);
}

static void answer(struct plain *plain, const char *text)
{
    const struct block *block = session_quiz(plain->session);
    unsigned choices[32];
    const char *reason = NULL;
    if (!block) {
        say(plain, NULL, "No question is open in this step. Type why to hear what it waits for.");
        return;
    }
    size_t count = block->quiz->count ? commands_choices(text, choices, 32, block->quiz->count) : 0;
    if (block->quiz->count > 0 && (count == 0 || (count > 1 && !block->quiz->several))) {
        say(plain, NULL, "That is none of the answers: type answer and its number.");
        return;
    }
    bool right = session_answer(plain->session, choices, count, block->quiz->count ? NULL : text, &reason);
    say(plain, NULL, right ? "Right." : "Not that: try again.");
    say(plain, NULL, reason);
    if (right)
        plain_say_answered(&plain->page, plain->session, block);
}

static void hint(struct plain *plain)
{
    static const char *const titles[] = {
        [HINT_WORDS] = "Hint", [HINT_SOLUTION] = "Solution", [HINT_COMMAND] = "Type", [HINT_NONE] = NULL
    };
    enum hint_kind kind;
    const char *text = session_hint(plain->session, &kind);
    if (kind == HINT_COMMAND) {
        begin_saying(plain);
        plain_say_code(&plain->page, titles[kind], text);
    } else {
        say(plain, titles[kind], text);
    }
}

static void show_terminal(struct plain *plain, unsigned number)
{
    struct err err = { 0 };
    char line[1024];
    if (number > TERMINALS ||
        (!session_terminal(plain->session, number) && session_open_terminal(plain->session, number, &err) < 0)) {
        say(plain, NULL, *err.message ? err.message : "Terminals are numbered from 1 to 9.");
        return;
    }
    session_set_active(plain->session, number);
    begin_saying(plain);
    printf("Terminal %u.\n", number);
    struct terminal *terminal = session_terminal(plain->session, number);
    unsigned row, col;
    bool visible;
    terminal_cursor(terminal, &row, &col, &visible);
    for (unsigned r = 0; r < row; r++) /* what it shows above its prompt */
        if (terminal_row_text(terminal, (int)r, line, sizeof line) > 0)
            printf("%s\n", line);
    plain->terminals[number].prompt_due = plain->terminals[number].prompt_len > 0;
}

static void tell_error(struct plain *plain, int result, const struct err *err)
{
    if (result < 0)
        say(plain, NULL, err->message);
}

static void run_action(struct plain *plain, const struct command_line *command)
{
    struct err err = { 0 };
    switch (command->action) {
    case ACTION_NEXT:
        plain->next_due = !plain->tty && !session_current_passed(plain->session) &&
                          session_current(plain->session) <= plain->lesson->step_count;
        if (plain->next_due)
            plain->check_timer = loop_add_timer(plain->loop, CHECK_WAIT_MS, 0, on_check_wait, plain);
        else
            do_next(plain, false);
        break;
    case ACTION_SKIP:
        do_next(plain, true);
        break;
    case ACTION_HINT:
        hint(plain);
        break;
    case ACTION_WHY:
        say(plain, "What this step waits for", session_why(plain->session));
        break;
    case ACTION_SOLUTION: {
        const char *solution = session_solution(plain->session);
        if (solution) {
            begin_saying(plain);
            plain_say_code(&plain->page, "Type", solution);
        } else {
            say(plain, NULL, "Nothing is left to type in this step.");
        }
        break;
    }
    case ACTION_RESET:
        say(plain, NULL, "A fresh lab is being built for this step.");
        tell_error(plain, session_reset(plain->session, &err), &err);
        break;
    case ACTION_GOTO:
        tell_error(plain, session_goto(plain->session, command->number, &err), &err);
        break;
    case ACTION_ANSWER:
        answer(plain, command->argument);
        break;
    case ACTION_TERMINAL:
        show_terminal(plain, command->number);
        break;
    case ACTION_LESSONS:
        begin_saying(plain);
        plain_say_lessons(&plain->page, &plain->curriculum);
        break;
    case ACTION_HELP:
        begin_saying(plain);
        plain_say_help(&plain->page);
        break;
    case ACTION_QUIT:
        plain->leave = true;
        loop_quit(plain->loop);
        break;
    default:
        break;
    }
}

/* A whole line, typed or piped, while some shell of the lab is at its prompt. */
static void take_line(struct plain *plain, const char *line)
{
    char why[256];
    struct command_line command;
    struct err err = { 0 };
    if (commands_at_prompt(line, session_quiz(plain->session), &command)) {
        run_action(plain, &command);
        return;
    }
    if (commands_mistaken(line, why, sizeof why)) {
        say(plain, NULL, why);
        return;
    }
    if (line[0] == '\\' && commands_at_prompt(line + 1, false, &command))
        line++;
    show_prompt(active(plain)); /* a piped line: its echo comes after the prompt */
    active(plain)->sent = true;
    tell_error(plain, session_send_line(plain->session, line, &err), &err);
}

/* Keys of a terminal. */

static void leave_keys(struct plain *plain)
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
    leave_keys(plain); /* the next one gets the prompt it belongs to */
    if (!line) {
        write_text(plain, "\n", 1);
        if (!command)
            say(plain, NULL, "Type quit to leave the lesson.");
        return;
    }
    struct command_line parsed;
    char why[512];
    if (command && line[strspn(line, " ")]) {
        if (commands_parse(line, session_quiz(plain->session), &parsed, why, sizeof why))
            run_action(plain, &parsed);
        else
            say(plain, NULL, why);
    } else if (!command) {
        if (*line && *line != ' ')
            add_history(line);
        take_line(plain, line);
    }
    free(line);
}

static void begin_line(struct plain *plain, enum keys keys, const char *prompt)
{
    if (plain->keys == keys)
        return;
    leave_keys(plain);
    if (plain->middle)
        fputc('\n', stdout);
    fflush(stdout);
    plain->middle = plain->redraw = false;
    plain->keys = keys;
    rl_callback_handler_install(prompt, on_line);
}

static void begin_program(struct plain *plain)
{
    struct termios raw = plain->found;
    if (plain->keys == TO_PROGRAM)
        return;
    leave_keys(plain);
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
        active(plain)->typed = true;
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

static void give_piped_line(struct plain *plain, struct terminal *terminal)
{
    static const char end_of_file[] = "\004";
    bool own = terminal_at_own_prompt(terminal, session_shell(plain->session, session_active(plain->session)));
    cleanup_free char *line = piped_line(plain);
    if (line) {
        take_line(plain, line);
    } else if (plain->input_end && own) {
        plain->leave = true;
        loop_quit(plain->loop);
    } else if (plain->input_end) { /* a nested shell: it ends as at the end of a file */
        active(plain)->sent = true;
        terminal_write(terminal, end_of_file, 1);
        session_flush(plain->session);
    }
}

/* Before each wait: who gets the keys now? */
static void before_wait(void *data)
{
    struct plain *plain = data;
    struct plain_terminal *at = active(plain);
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    if (plain->leave)
        return;
    if (plain->next_due && session_current_passed(plain->session))
        do_next(plain, false);
    if (!terminal || plain->building || session_replaying(plain->session)) {
        if (plain->tty)
            leave_keys(plain);
    } else if (!plain->tty) {
        if (terminal_at_prompt(terminal) && !at->sent && !plain->next_due)
            give_piped_line(plain, terminal);
    } else if (plain->keys == TO_COMMAND) {
        plain->redraw = false;
    } else if (!at->sent && !at->typed &&
               terminal_at_own_prompt(terminal, session_shell(plain->session, session_active(plain->session)))) {
        at->prompt_due = false;
        begin_line(plain, TO_LINE, at->prompt);
    } else {
        begin_program(plain);
        show_prompt(at);
    }
    if (plain->redraw && plain->keys == TO_LINE) {
        rl_on_new_line();
        rl_redisplay();
    }
    plain->redraw = false;
    fflush(stdout);
}

/* The session's events in words. */
static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct plain *plain = data;
    char text[128];
    switch (event->kind) {
    case SESSION_LAB_DIED:
        plain->building = true;
        say(plain, NULL, "The lab has ended. A new one is being built, and your steps are done again in it.");
        break;
    case SESSION_REPLAY:
        if (!plain->building || event->text) {
            snprintf(text, sizeof text, "Step %u is done again for you.", event->step);
            say(plain, NULL, text);
        }
        plain->building = true;
        break;
    case SESSION_STEP:
        plain->building = session_replaying(session);
        if (plain->building)
            break;
        if (!event->passed || plain->step_said != session_current(session))
            say_step(plain);
        if (event->passed && !plain->passed_said && !plain->next_due) {
            snprintf(text, sizeof text, "Step %u passed. Type next to go on.", session_current(session));
            say(plain, NULL, text);
            plain->passed_said = true;
        }
        break;
    case SESSION_FINISHED:
        if (plain->step_said != session_current(session))
            say_step(plain);
        break;
    case SESSION_TERMINAL:
        if (!session_terminal(session, event->terminal) && event->terminal <= TERMINALS) {
            struct plain_terminal *at = &plain->terminals[event->terminal];
            *at =
                (struct plain_terminal){ .plain = plain, .number = at->number, .filter = { .keep = at->filter.keep } };
        }
        break;
    case SESSION_MESSAGE:
        say(plain, NULL, event->text);
        break;
    case SESSION_CHECK: /* passed: the step's event says so; not passed: `why` does */
    case SESSION_LAB_READY:
    case SESSION_OUTPUT:
    case SESSION_PROMPT:
    case SESSION_COMMAND_DONE:
        break;
    }
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
        leave_keys(plain);
        rl_callback_sigcleanup();
        write_text(plain, "\n", 1);
    }
    if (terminal) { /* bash leaves a half-typed loop, and shows a new prompt */
        active(plain)->sent = true;
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
    struct completion_place place;
    const char *names[32] = { NULL };
    rl_attempted_completion_over = 1;
    if (start > end ||
        completion_place_of(session_shell(plain->session, session_active(plain->session)), &place, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < command_count && i < 31; i++)
        names[i] = commands[i].name;
    struct completion_options options = { .place = &place, .commands = names };
    cleanup_free char *line = strndup(rl_line_buffer, (size_t)end);
    found = line ? completion_candidates(&options, line, word, (size_t)start) : NULL;
    completion_place_free(&place);
    char **matches = found ? rl_completion_matches(word, next_found) : NULL; /* takes the strings */
    free(found);
    found = NULL;
    if (matches && !matches[1] && *matches[0] && matches[0][strlen(matches[0]) - 1] == '/')
        rl_completion_suppress_append = rl_completion_suppress_quote = 1;
    return matches;
}

static int is_quoted(char *line, int index)
{
    return shell_is_quoted(line, (size_t)index);
}

static void prepare_terminal(struct plain *plain)
{
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
    using_history();
}

/* Beginning and end. */

static int open_lesson(struct plain *plain, unsigned step, struct err *err)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    struct lesson_mistakes mistakes = { 0 };
    plain->lesson = session_load_lesson(plain->path, &mistakes, err);
    for (size_t i = 0; i < mistakes.count; i++)
        fprintf(stderr, "%s:%d: %s\n", plain->path, mistakes.list[i].line, mistakes.list[i].what);
    bool malformed = mistakes.count > 0;
    lesson_mistakes_free(&mistakes);
    if (!plain->lesson)
        return malformed ? 2 : -1;
    if (plain->tty)
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    const char *term = getenv("TERM");
    for (unsigned i = 0; i <= TERMINALS; i++)
        plain->terminals[i] = (struct plain_terminal){
            .plain = plain,
            .number = i,
            .filter = { .keep = plain->tty && term && strcmp(term, "dumb") != 0 },
        };
    struct session_options options = {
        .loop = plain->loop,
        .lesson = plain->lesson,
        .progress = plain->progress,
        .lab = plain->options->lab,
        .rows = size.ws_row > 0 ? size.ws_row : 24,
        .cols = size.ws_col > 1 ? size.ws_col : 80,
        .on_event = on_event,
        .on_output = on_output,
        .data = plain,
    };
    plain->session = session_new(&options, err);
    if (!plain->session)
        return -1;
    say(plain, NULL, "The lab is being built. Type help for the teaching commands.");
    plain->building = true;
    return session_start(plain->session, step, err);
}

static void close_lesson(struct plain *plain)
{
    if (plain->tty)
        leave_keys(plain);
    loop_remove(plain->check_timer);
    plain->check_timer = NULL;
    plain->next_due = plain->leave = false;
    plain->step_said = 0;
    session_free(plain->session);
    plain->session = NULL;
    lesson_free(plain->lesson);
    plain->lesson = NULL;
}

static bool add_sources(struct plain *plain)
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

/* The lesson that was asked for, else the one left off or, where that is finished, the next one, else the first. */
static char *first_lesson(struct plain *plain, struct err *err)
{
    if (plain->options->lesson)
        return curriculum_find(&plain->curriculum, plain->options->lesson, err);
    struct resume resume = resume_lesson(&plain->curriculum, plain->progress);
    if (resume.place >= 0)
        return strdup(plain->curriculum.entries[resume.place].path);
    err_say(err, ENOENT, "no lessons were found: name a lesson's file, or set TEACHROOT_LESSONS");
    return NULL;
}

static int run(struct plain *plain, struct err *err)
{
    unsigned step = plain->options->step;
    int result = 0;
    plain->path = first_lesson(plain, err);
    while (plain->path && result == 0) {
        result = open_lesson(plain, step, err);
        if (result == 0)
            result = loop_run(plain->loop, before_wait, plain, err) < 0 ? -1 : 0;
        close_lesson(plain);
        free(plain->path);
        plain->path = take_ptr(&plain->next_path);
        step = 0;
    }
    return plain->path || result ? result : *err->message && !plain->options->lesson ? -1 : 0;
}

int plain_main(const struct screen_options *options)
{
    struct plain plain = { .options = options };
    struct err err = { 0 };
    setlocale(LC_ALL, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8)
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths are those of the text; what is said is ASCII */
    plain.page = (struct plain_page){ stdout, 80, { LOOK_MONO, options->ascii || !utf8 } };
    plain.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &plain.found) == 0;
    the_plain = &plain;
    curriculum_load(&plain.curriculum, &err); /* a lesson's file can be opened without one */
    err_clear(&err);
    plain.progress = progress_load(options->progress_path, &err);
    if (err.code)
        say(&plain, NULL, err.message);
    err_clear(&err);
    plain.loop = loop_new(&err);
    int status = -1;
    if (plain.loop && !add_sources(&plain))
        err_say(&err, ENOMEM, "the event loop cannot watch the keyboard and signals");
    else if (plain.loop) {
        if (plain.tty)
            prepare_terminal(&plain);
        status = run(&plain, &err);
        if (plain.tty)
            tcsetattr(STDIN_FILENO, TCSADRAIN, &plain.found);
    }
    if (plain.loop)
        loop_free(plain.loop);
    if (plain.progress)
        progress_free(plain.progress);
    curriculum_free(&plain.curriculum);
    free(plain.input);
    fflush(stdout);
    if (status < 0)
        fprintf(stderr, "teachroot: %s\n", err.message);
    return status < 0 ? 1 : status;
}

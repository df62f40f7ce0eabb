/* Plain mode: a lesson in words and in order. What it says and does; plain_input.c has the keys. */
#include "repl/play/plain_internal.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/resume.h"
#include "repl/play/plain.h"
#include "repl/session/session_review.h"
#include "repl/tutor/explain.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

#define REPLAY_SAID_MS 2000
#define CHECK_WAIT_MS 5000 /* a piped `next` waits so long for the check of the command before it */

/* Saying. */

void plain_write(struct plain *plain, const char *bytes, size_t len)
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

void plain_tell(struct plain *plain, const char *title, const char *text)
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

struct plain_terminal *plain_active(struct plain *plain)
{
    unsigned number = session_active(plain->session);
    return &plain->terminals[number <= TERMINALS ? number : 0];
}

/* Output of the lab. */

void plain_show_prompt(struct plain_terminal *at)
{
    if (at->prompt_due)
        plain_write(at->plain, at->prompt, at->prompt_len);
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
    plain_show_prompt(at);
    for (size_t i = 0; i < len; i++) {
        /* Our own terminal makes CR LF of a newline, and a pipe needs none. */
        bool held = at->held_return;
        at->held_return = bytes[i] == '\r';
        if (held && plain->tty && bytes[i] != '\n')
            plain_write(plain, "\r", 1);
        if (bytes[i] != '\r' && (plain->tty || bytes[i] != '\a'))
            plain_write(plain, bytes + i, 1);
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

void plain_next(struct plain *plain, bool skip)
{
    plain->next_due = false;
    loop_remove(plain->check_timer);
    plain->check_timer = NULL;
    if (session_current(plain->session) <= plain->lesson->step_count) {
        plain_tell(plain, NULL, session_next(plain->session, skip));
        return;
    }
    for (size_t i = 0; i + 1 < plain->curriculum.count; i++)
        if (strcmp(plain->curriculum.entries[i].path, plain->path) == 0)
            plain->next_path = strdup(plain->curriculum.entries[i + 1].path);
    if (!plain->next_path) {
        plain_tell(plain, NULL, "This was the last lesson. Type lessons to list them, or quit to leave.");
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
        plain_next(plain, false);
}

static void answer(struct plain *plain, const char *text)
{
    const struct block *block = session_quiz(plain->session);
    unsigned choices[32];
    const char *reason = NULL;
    if (!block) {
        plain_tell(plain, NULL, "No question is open in this step. Type why to hear what it waits for.");
        return;
    }
    size_t count = block->quiz->count ? commands_choices(text, choices, 32, block->quiz->count) : 0;
    if (block->quiz->count > 0 && (count == 0 || (count > 1 && !block->quiz->several))) {
        plain_tell(plain, NULL, "That is none of the answers: type answer and its number.");
        return;
    }
    bool right = session_answer(plain->session, choices, count, block->quiz->count ? NULL : text, &reason);
    plain_tell(plain, NULL, right ? "Right." : "Not that: try again.");
    plain_tell(plain, NULL, reason);
    if (right)
        plain_say_answered(&plain->page, plain->session, block);
}

static void explain(struct plain *plain, const char *line)
{
    cleanup_free char *text = explain_markdown(line);
    char none[256];
    snprintf(none, sizeof none, "Nothing is known of the words of %.200s", line);
    if (strcmp(line, "off") == 0 || strcmp(line, "on") == 0)
        plain_tell(plain, NULL, "Here nothing is explained as you type: type explain and a command line.");
    else
        plain_tell(plain, NULL, text ? text : none);
}

/* Typed for the learner, and not run; where there is no line to type it on, said. */
static void give_command(struct plain *plain, const char *command)
{
    struct terminal *terminal = session_terminal(plain->session, session_active(plain->session));
    pid_t shell = session_shell(plain->session, session_active(plain->session));
    unsigned wanted = session_solution_terminal(plain->session);
    char where[80];
    if (wanted && wanted != session_active(plain->session)) {
        snprintf(where, sizeof where, "In terminal %u (terminal %u goes there), type", wanted, wanted);
        begin_saying(plain);
        plain_say_code(&plain->page, where, command);
    } else if (plain->tty && terminal && !strchr(command, '\n') && terminal_at_own_prompt(terminal, shell)) {
        free(plain->to_type);
        plain->to_type = strdup(command);
        plain_tell(plain, NULL, "The command is on the line: Enter runs it.");
    } else {
        begin_saying(plain);
        plain_say_code(&plain->page, "Type", command);
    }
}

static void hint(struct plain *plain)
{
    static const char *const titles[] = { [HINT_WORDS] = "Hint", [HINT_SOLUTION] = "Solution", [HINT_NONE] = NULL };
    enum hint_kind kind;
    const char *text = session_hint(plain->session, &kind);
    if (kind == HINT_COMMAND)
        give_command(plain, text);
    else
        plain_tell(plain, titles[kind], text);
}

static void diagnose_last(struct plain *plain)
{
    cleanup_free char *page = plain->advice ? advice_page(plain->advice) : NULL;
    plain_tell(plain, "What happened",
               page ? page : "There is no lessons/traps.md beside these lessons: nothing is diagnosed.");
}

static void tell_diagnosis(struct plain *plain)
{
    const char *text = plain->advice ? advice_take(plain->advice, plain->session) : NULL;
    plain_tell(plain, "What happened", text);
    if (text)
        plain_tell(plain, NULL, "Type diagnose to hear more.");
}

static void review(struct plain *plain)
{
    struct err err;
    cleanup_free char *text = session_review(plain->session, &err);
    plain_tell(plain, "Review", text ? text : err.message);
}

static void show_terminal(struct plain *plain, unsigned number)
{
    struct err err = { 0 };
    char line[1024];
    if (number > TERMINALS ||
        (!session_terminal(plain->session, number) && session_open_terminal(plain->session, number, &err) < 0)) {
        plain_tell(plain, NULL, *err.message ? err.message : "Terminals are numbered from 1 to 9.");
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
        plain_tell(plain, NULL, err->message);
}

static void lens(struct plain *plain, const char *argument)
{
    struct err err = { 0 };
    bool on = strcmp(argument, "on") == 0;
    if (on || strcmp(argument, "off") == 0) {
        tell_error(plain, session_switch_lens(plain->session, session_active(plain->session), on, &err), &err);
        return;
    }
    begin_saying(plain);
    plain_say_lens(&plain->page, plain->session, strcmp(argument, "all") == 0 ? " " : argument);
}

/* No line is given to the old lab from here on. */
static void begin_jump(struct plain *plain, unsigned step)
{
    struct err err = { 0 };
    if (session_goto(plain->session, step, &err) < 0)
        plain_tell(plain, NULL, err.message);
    else
        plain->building = true;
}

static void undo(struct plain *plain)
{
    char text[128];
    unsigned step = session_undo_step(plain->session);
    if (step == 0) {
        plain_tell(plain, NULL, "Nothing to undo: this is the lesson's beginning.");
        return;
    }
    snprintf(text, sizeof text, "A fresh lab is being built, as it was when step %u began.", step);
    plain_tell(plain, NULL, text);
    begin_jump(plain, step);
}

static void jump(struct plain *plain, const struct place *place)
{
    struct err err = { 0 };
    if (!place->names_lesson || (int)place->lesson == plain->lesson->number) {
        begin_jump(plain, place->step);
        return;
    }
    plain->next_path = place_find(&plain->curriculum, place, &err);
    if (!plain->next_path) {
        plain_tell(plain, NULL, err.message);
        return;
    }
    plain->next_step = place->step;
    plain->leave = true;
    loop_quit(plain->loop);
}

void plain_run_action(struct plain *plain, const struct command_line *command)
{
    switch (command->action) {
    case ACTION_NEXT:
        plain->next_due = !plain->tty && !session_current_passed(plain->session) &&
                          session_current(plain->session) <= plain->lesson->step_count;
        if (plain->next_due)
            plain->check_timer = loop_add_timer(plain->loop, CHECK_WAIT_MS, 0, on_check_wait, plain);
        else
            plain_next(plain, false);
        break;
    case ACTION_SKIP:
        plain_next(plain, true);
        break;
    case ACTION_HINT:
        hint(plain);
        break;
    case ACTION_WHY:
        plain_tell(plain, "What this step waits for", session_why(plain->session));
        break;
    case ACTION_DIAGNOSE:
        diagnose_last(plain);
        break;
    case ACTION_SOLUTION: {
        const char *solution = session_solution(plain->session);
        if (solution)
            give_command(plain, solution);
        else
            plain_tell(plain, NULL, "Nothing is left to type in this step.");
        break;
    }
    case ACTION_RESET: {
        unsigned step = session_current(plain->session), last = (unsigned)plain->lesson->step_count;
        plain_tell(plain, NULL, "A fresh lab is being built for this step.");
        begin_jump(plain, step > last ? last : step);
        break;
    }
    case ACTION_UNDO:
        undo(plain);
        break;
    case ACTION_GOTO:
        jump(plain, &command->place);
        break;
    case ACTION_EXPLAIN:
        explain(plain, command->argument);
        break;
    case ACTION_ANSWER:
        answer(plain, command->argument);
        break;
    case ACTION_TERMINAL:
        show_terminal(plain, command->number);
        break;
    case ACTION_STATE:
        begin_saying(plain);
        plain_say_state(&plain->page, plain->session);
        break;
    case ACTION_REVIEW:
        review(plain);
        break;
    case ACTION_LENS:
        lens(plain, command->argument);
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
        plain_tell(plain, NULL, "That needs the screen, which plain mode does not draw.");
        break;
    }
}

void plain_take_line(struct plain *plain, const char *line)
{
    char why[256];
    struct command_line command;
    struct err err = { 0 };
    if (commands_at_prompt(line, session_quiz(plain->session), &command)) {
        plain_run_action(plain, &command);
        return;
    }
    if (commands_mistaken(line, why, sizeof why)) {
        plain_tell(plain, NULL, why);
        return;
    }
    if (line[0] == '\\' && commands_at_prompt(line + 1, false, &command))
        line++;
    plain_show_prompt(plain_active(plain)); /* a piped line: its echo comes after the prompt */
    plain_active(plain)->sent = true;
    tell_error(plain, session_send_line(plain->session, line, &err), &err);
}

/* Once, and where it takes long, how far it is. */
static void say_replay(struct plain *plain, unsigned step)
{
    char text[64];
    plain->building = true;
    if (plain->replay_said && loop_now() - plain->replay_said < REPLAY_SAID_MS)
        return;
    snprintf(text, sizeof text,
             plain->replay_said ? "Now step %u." : "The steps before are done again for you, from step %u on.", step);
    plain->replay_said = loop_now();
    plain_tell(plain, NULL, text);
}

/* The session's events in words. */
static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct plain *plain = data;
    char text[64];
    switch (event->kind) {
    case SESSION_LAB_DIED:
        plain->building = true;
        plain_tell(plain, NULL, "The lab has ended. A new one is being built, and your steps are done again in it.");
        break;
    case SESSION_REPLAY:
        say_replay(plain, event->step);
        break;
    case SESSION_STEP:
        plain->building = session_replaying(session);
        plain->replay_said = 0;
        if (plain->building || session_current(session) > plain->lesson->step_count) /* the end is told next */
            break;
        if (plain->advice && plain->step_said != session_current(session))
            advice_step(plain->advice);
        if (!event->passed || plain->step_said != session_current(session))
            say_step(plain);
        if (event->passed && !plain->passed_said && !plain->next_due) {
            snprintf(text, sizeof text, "Step %u passed. Type next to go on.", session_current(session));
            plain_tell(plain, NULL, text);
            plain->passed_said = true;
        }
        break;
    case SESSION_FINISHED:
        if (plain->step_said && plain->step_said <= plain->lesson->step_count)
            review(plain);
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
        plain_tell(plain, NULL, event->text);
        break;
    case SESSION_EVIDENCE:
        tell_diagnosis(plain);
        break;
    case SESSION_CHECK: /* passed: the step's event says so; not passed: `why` does */
    case SESSION_LAB_READY:
    case SESSION_OUTPUT:
    case SESSION_PROMPT:
    case SESSION_COMMAND_DONE:
    case SESSION_KEY:
    case SESSION_LENS:
        break;
    }
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
    plain->journal = journal_of_lesson(plain->options->progress_path, plain->path, !plain->options->no_journal);
    struct session_options options = {
        .loop = plain->loop,
        .lesson = plain->lesson,
        .progress = plain->progress,
        .journal = plain->journal,
        .lab = plain->options->lab,
        .rows = size.ws_row > 0 ? size.ws_row : 24,
        .cols = size.ws_col > 1 ? size.ws_col : 80,
        .on_event = on_event,
        .on_output = on_output,
        .data = plain,
    };
    const char *slash = strrchr(plain->path, '/');
    if (plain->tty && prompt_history_open(&plain->history, slash ? slash + 1 : plain->path, err) < 0)
        plain_tell(plain, NULL, err->message);
    err_clear(err);
    plain->session = session_new(&options, err);
    if (!plain->session)
        return -1;
    plain_tell(plain, NULL, "The lab is being built. Type help for the teaching commands.");
    plain->building = true;
    return session_start(plain->session, step, err);
}

static void close_lesson(struct plain *plain)
{
    if (plain->tty)
        plain_leave_keys(plain);
    loop_remove(plain->check_timer);
    plain->check_timer = NULL;
    plain->next_due = plain->leave = false;
    plain->step_said = 0;
    session_free(plain->session);
    plain->session = NULL;
    journal_free(plain->journal);
    plain->journal = NULL;
    lesson_free(plain->lesson);
    plain->lesson = NULL;
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
    if (!plain->path)
        return -1;
    while (plain->path && result == 0) {
        result = open_lesson(plain, step, err);
        if (result == 0)
            result = loop_run(plain->loop, plain_before_wait, plain, err) < 0 ? -1 : 0;
        close_lesson(plain);
        free(plain->path);
        plain->path = take_ptr(&plain->next_path);
        step = plain->next_step;
        plain->next_step = 0;
    }
    return result;
}

int plain_main(const struct screen_options *options)
{
    struct plain plain = { .options = options };
    struct err err = { 0 };
    setlocale(LC_ALL, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8)
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths are those of the text; what is said is ASCII */
    plain.page =
        (struct plain_page){ stdout, 80, { .look = LOOK_MONO, .ascii = options->ascii || !utf8, .plain = true } };
    plain.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &plain.found) == 0;
    curriculum_load(&plain.curriculum, &err); /* a lesson's file can be opened without one */
    err_clear(&err);
    plain.progress = progress_load(options->progress_path, &err);
    if (err.code)
        plain_tell(&plain, NULL, err.message);
    err_clear(&err);
    plain.advice = advice_new(&err);
    if (!plain.advice && err.code != ENOENT)
        plain_tell(&plain, NULL, err.message);
    err_clear(&err);
    plain.loop = loop_new(&err);
    int status = -1;
    if (plain.loop && !plain_add_sources(&plain))
        err_say(&err, ENOMEM, "the event loop cannot watch the keyboard and signals");
    else if (plain.loop) {
        if (plain.tty)
            plain_prepare_terminal(&plain);
        status = run(&plain, &err);
        if (plain.tty) {
            tcsetattr(STDIN_FILENO, TCSADRAIN, &plain.found);
            prompt_history_save(&plain.history, NULL);
        }
    }
    if (plain.loop)
        loop_free(plain.loop);
    if (plain.progress)
        progress_free(plain.progress);
    advice_free(plain.advice);
    curriculum_free(&plain.curriculum);
    free(plain.input);
    free(plain.to_type);
    prompt_history_free(&plain.history);
    fflush(stdout);
    if (status < 0)
        fprintf(stderr, "teachroot: %s\n", err.message);
    return status < 0 ? 1 : status;
}

/* A cell, part by part. Its commands are typed at the prompt of a terminal one after another, as a person would; the status is that of the last one, as for a shell script. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"
#include "repl/kernel/magics.h"
#include "repl/play/plain_text.h"
#include "repl/screen/theme.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#define LOOK_MS 25      /* between looks at a command that runs */
#define KILL_MS 1000    /* what Ctrl-C is given to work */
#define PROMPT_MS 20000 /* a terminal that has not come to a prompt by then is said to be busy */

static const char interrupt[] = "\003";

static struct desk *desk_of(struct kernel *kernel)
{
    return &kernel->desk;
}

static struct console *console_of(struct kernel *kernel)
{
    return &kernel->desk.consoles[kernel->cell.terminal];
}

static struct terminal *terminal_of(struct kernel *kernel)
{
    return kernel->desk.session ? session_terminal(kernel->desk.session, kernel->cell.terminal) : NULL;
}

/* Saying. */

/* @markdown as lines of words, malloc'ed. */
static char *plain_words(const char *markdown)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    struct plain_page page = { out, 80, { .look = LOOK_MONO, .plain = true } };
    plain_say(&page, NULL, markdown);
    fclose(out);
    return text;
}

void cell_say(struct kernel *kernel, const char *markdown)
{
    cleanup_free char *plain = plain_words(markdown);
    stream_flush(kernel);
    const char *text = plain ? plain : markdown;
    kernel_publish(kernel, kernel->output_parent, "display_data",
                   json_pack("{s:{s:o, s:o}, s:{}, s:{}}", "data", "text/plain", stream_text(text, strlen(text)),
                             "text/markdown", stream_text(markdown, strlen(markdown)), "metadata", "transient"));
}

void cell_offer(struct kernel *kernel, const char *text)
{
    json_array_append_new(kernel->cell.payload,
                          json_pack("{s:s, s:s, s:b}", "source", "set_next_input", "text", text, "replace", 0));
}

/* The end. */

void cell_reset(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    loop_remove(cell->watch);
    loop_remove(cell->kill);
    if (cell->aside && kernel->desk.session)
        session_set_active(kernel->desk.session, cell->home);
    free(cell->code);
    free(cell->command);
    free(cell->failed);
    free(cell->advice);
    free(cell->said);
    json_decref(cell->payload);
    *cell = (struct cell){ .phase = CELL_NONE };
}

static void finish(struct kernel *kernel)
{
    json_t *content = json_pack("{s:s, s:i, s:O, s:{}}", "status", "ok", "execution_count", (int)kernel->count,
                                "payload", kernel->cell.payload, "user_expressions");
    cell_reset(kernel);
    kernel_answer(kernel, "execute_reply", content);
}

static json_t *traceback(const char *name, const char *value, const char *advice)
{
    json_t *lines = json_array();
    char *first;
    if (asprintf(&first, "\033[0;31m%s\033[0m: %s", name, value) >= 0) {
        json_array_append_new(lines, stream_text(first, strlen(first)));
        free(first);
    }
    cleanup_free char *plain = advice ? plain_words(advice) : NULL;
    for (char *rest = plain, *line; (line = strsep(&rest, "\n"));)
        if (rest || *line)
            json_array_append_new(lines, stream_text(line, strlen(line)));
    return lines;
}

void cell_fail(struct kernel *kernel, const char *name, const char *advice, const char *format, ...)
{
    cleanup_free char *value = NULL;
    bool stop = kernel->cell.stop_on_error;
    va_list args;
    va_start(args, format);
    if (vasprintf(&value, format, args) < 0)
        value = NULL;
    va_end(args);
    const char *text = value ? value : "";
    json_t *error = json_pack("{s:s, s:o, s:o}", "ename", name, "evalue", stream_text(text, strlen(text)), "traceback",
                              traceback(name, text, advice));
    json_t *content = json_pack("{s:s, s:i, s:O, s:{}}", "status", "error", "execution_count", (int)kernel->count,
                                "payload", kernel->cell.payload, "user_expressions");
    json_object_update(content, error);
    stream_flush(kernel);
    kernel_publish(kernel, kernel->output_parent, "error", error);
    cell_reset(kernel);
    if (stop)
        kernel_abort_queue(kernel);
    kernel_answer(kernel, "execute_reply", content);
}

/* What a status of 128 and more means: the shell says so of a signal. */
static void describe(int status, char *buf, size_t size)
{
    const char *name = status > 128 ? sigabbrev_np(status - 128) : NULL;
    if (name)
        snprintf(buf, size, "killed by SIG%s (status %d)", name, status);
    else
        snprintf(buf, size, "exit status %d", status);
}

static void all_done(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    char ended[64];
    if (!cell->failed) {
        finish(kernel);
        return;
    }
    cleanup_free char *advice = take_ptr(&cell->advice), *failed = take_ptr(&cell->failed);
    describe(cell->status, ended, sizeof ended);
    cell_fail(kernel, "CommandFailed", advice, "%s: %.*s%s", ended, (int)strcspn(failed, "\n"), failed,
              strchr(failed, '\n') ? " …" : "");
}

/* A command. */

static void on_look(void *data)
{
    struct kernel *kernel = data;
    if (kernel->cell.phase == CELL_TYPED)
        input_look(kernel);
}

void cell_incomplete(struct kernel *kernel)
{
    kernel->cell.incomplete = true;
    terminal_write(terminal_of(kernel), interrupt, 1);
    session_flush(kernel->desk.session);
}

static bool begin_watch(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    if (!cell->watch)
        cell->watch = loop_add_timer(kernel->loop, LOOK_MS, LOOK_MS, on_look, kernel);
    if (!cell->watch)
        cell_fail(kernel, "OutOfMemory", NULL, "the terminal cannot be watched");
    return cell->watch;
}

/* The status is that of the last command: what one before it ended with counts no more. */
static void forget_last(struct cell *cell)
{
    free(take_ptr(&cell->advice));
    free(take_ptr(&cell->failed));
}

static void type(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct console *console = console_of(kernel);
    struct err err;
    cell->ended = cell->nested = cell->refused = cell->incomplete = false;
    cell->lines = 1;
    for (const char *c = cell->command; *c; c++)
        cell->lines += *c == '\n';
    forget_last(cell);
    cell->phase = CELL_TYPED;
    cell->typed_at = loop_now();
    if (console->unmarked)
        console_expect_echo(console, cell->command);
    console_typing(console);
    if (session_send_line(kernel->desk.session, cell->command, &err) < 0)
        cell_fail(kernel, "CannotType", NULL, "%s", err.message);
}

static void on_block_done(struct session *session, const struct block *block, const struct block_result *result,
                          void *data)
{
    struct kernel *kernel = data;
    struct cell *cell = &kernel->cell;
    if (cell->phase != CELL_BLOCK)
        return;
    cell->phase = CELL_OVER;
    cell->status =
        WIFSIGNALED(result->wait_status) ? 128 + WTERMSIG(result->wait_status) : WEXITSTATUS(result->wait_status);
    if (block->type != BLOCK_COMMAND)
        stream_put(kernel, "stdout", result->output, strlen(result->output));
    if (result->skipped)
        stream_print(kernel, "stderr", "This machine cannot run it: %s\n", result->skipped);
    else if (!result->matched_exit)
        cell->failed = strdup(result->why);
    else if (!result->matched_output)
        stream_print(kernel, "stderr", "The lesson expects other output: %s\n", result->why);
}

/* What the lesson says of a command goes for it here too: keys that are pressed in it, a program that stays, the status it ends with. Only what is more than a line to be typed has to be played. */
static bool is_played(const struct block *block)
{
    return block->type != BLOCK_COMMAND || block->key_count || block->background || block->path || block->user ||
           block->requires;
}

static void play(struct kernel *kernel, const struct block *block)
{
    struct cell *cell = &kernel->cell;
    struct err err;
    forget_last(cell);
    cell->phase = CELL_BLOCK;
    cell->rest += strlen(cell->rest);
    if (session_play_block(kernel->desk.session, block, on_block_done, kernel, &err) < 0)
        cell_fail(kernel, "CannotPlay", NULL, "%s", err.message);
}

static bool is_open(struct kernel *kernel)
{
    struct err err;
    if (session_open_terminal(kernel->desk.session, kernel->cell.terminal, &err) == 0)
        return true;
    cell_fail(kernel, "NoTerminal", NULL, "%s", err.message);
    return false;
}

static void wait_for_prompt(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    if (!desk_settled(&kernel->desk) || kernel->desk.state != DESK_READY || !is_open(kernel))
        return;
    if (!terminal_at_prompt(terminal_of(kernel)) && !console_of(kernel)->unmarked) {
        if (loop_now() - cell->began > PROMPT_MS)
            cell_fail(kernel, "TerminalBusy", NULL,
                      "terminal %u is not at a prompt: a program runs in it. Take another one with %%%%terminal %u",
                      cell->terminal, cell->terminal % TERMINALS + 1);
        return;
    }
    session_set_active(kernel->desk.session, cell->terminal);
    type(kernel);
}

/* A line that bash did not take for a command: what it said stands behind the line's echo. */
static void show_complaint(struct kernel *kernel)
{
    struct text *typed = &console_of(kernel)->typed;
    const char *text = text_string(typed);
    for (unsigned i = 0; i < kernel->cell.lines && text; i++) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    for (const char *c = text; c && *c; c++)
        if (*c != '\r')
            stream_put(kernel, "stdout", c, 1);
}

/* What a lesson's block should end with is said of its last command. */
static bool ended_well(const struct cell *cell)
{
    bool as_it_should = cell->block && !cell->rest[strspn(cell->rest, " \t\r\n")];
    return cell->nested || (as_it_should ? block_exit_matches(cell->block, cell->status << 8) : cell->status == 0);
}

/* The command at hand is over. */
static void command_over(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct console *console = console_of(kernel);
    if (cell->refused && !cell->incomplete)
        show_complaint(kernel);
    console->typing = false;
    if (cell->nested)
        cell->status = 0;
    cell->phase = CELL_PARTS;
    loop_remove(take_ptr(&cell->kill));
    if (cell->interrupted) {
        cell_fail(kernel, "Interrupted", NULL, "%.*s", (int)strcspn(cell->command, "\n"), cell->command);
    } else if (cell->barred) {
        cell_fail(kernel, "InputNotPossible", NULL,
                  "`%.*s` waits for input, and this client gives none: it was interrupted",
                  (int)strcspn(cell->command, "\n"), cell->command);
    } else if (cell->incomplete) {
        cell_fail(kernel, "IncompleteCommand", cell->advice, "the shell waits for the rest of it: %.*s",
                  (int)strcspn(cell->command, "\n"), cell->command);
    } else if (!ended_well(cell)) {
        free(cell->failed);
        cell->failed = strdup(cell->command);
        if (cell->refused) { /* what follows may be the rest of it */
            cell->rest += strlen(cell->rest);
        } else if (*cell->rest && cell->advice) {
            cleanup_free char *words = plain_words(cell->advice);
            stream_print(kernel, "stderr", "%s", words ? words : "");
        }
    }
}

/* Parts. */

static void run_magic(struct kernel *kernel, const struct magic *magic, const char *argument)
{
    if (magic->argument && magic->argument[0] != '[' && !*argument)
        cell_fail(kernel, "WrongUsage", NULL, "%%%s needs %s: %s", magic->name, magic->argument, magic->help);
    else if (!magic->argument && *argument)
        cell_fail(kernel, "WrongUsage", NULL, "%%%s takes nothing after it", magic->name);
    else
        magic->run(kernel, argument);
}

/* A line of ours is `%` or, as the cell's first one, `%%`, and letters. Returns false if it is none. */
static bool take_magic(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    const char *name = cell->rest + 1, *line = cell->rest;
    if (*line != '%')
        return false;
    bool whole = *name == '%';
    name += whole;
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz_");
    if (len == 0 || (name[len] && !strchr(" \t\n", name[len])))
        return false;
    size_t line_len = strcspn(line, "\n");
    cleanup_free char *argument = strndup(name + len, line_len - (size_t)(name + len - line));
    if (!argument)
        return false;
    char *words = argument + strspn(argument, " \t\r");
    for (size_t n = strlen(words); n && strchr(" \t\r", words[n - 1]); n--)
        words[n - 1] = '\0';
    cell->rest = line + line_len + (line[line_len] == '\n');
    const struct magic *magic = magic_find(name, len);
    if (!magic) {
        cell_fail(kernel, "NoSuchMagic", NULL, "%.*s: %%help lists them", (int)(name + len - line), line);
        return true;
    }
    if (whole) {
        cell->aside = true;
        cell->home = cell->terminal;
    }
    run_magic(kernel, magic, words);
    return true;
}

static void take_command(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct desk *desk = desk_of(kernel);
    if (desk->state != DESK_READY) {
        cell_fail(kernel, "NoLab", NULL, "%s", desk->why);
        return;
    }
    if (!cell->block)
        cell->block = guide_block(desk, cell->rest, cell->terminal);
    if (cell->block && session_skip_reason(desk->session, guide_step_of(desk, cell->block))) {
        stream_print(kernel, "stderr", "This step is skipped: %s\n",
                     session_skip_reason(desk->session, guide_step_of(desk, cell->block)));
        cell->rest += strlen(cell->rest);
        return;
    }
    if (!begin_watch(kernel))
        return;
    cell->began = loop_now();
    if (cell->block && is_played(cell->block)) {
        play(kernel, cell->block);
        return;
    }
    size_t len = lesson_command_length(cell->rest);
    free(cell->command);
    cell->command = strndup(cell->rest, len);
    cell->rest += len;
    cell->rest += *cell->rest == '\n';
    if (!cell->command) {
        cell_fail(kernel, "OutOfMemory", NULL, "a command of %zu bytes", len);
        return;
    }
    for (size_t n = strlen(cell->command); n && strchr(" \t\n", cell->command[n - 1]); n--)
        cell->command[n - 1] = '\0';
    cell->phase = CELL_WAITING;
}

static void next_part(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    if (cell->interrupted) {
        cell_fail(kernel, "Interrupted", NULL, "the cell was interrupted");
        return;
    }
    for (;;) { /* blank lines and comments are nothing that a shell would run */
        const char *word = cell->rest + strspn(cell->rest, " \t\r\n");
        if (*word != '#')
            break;
        cell->rest = word + strcspn(word, "\n");
    }
    const char *word = cell->rest + strspn(cell->rest, " \t\r\n");
    if (!*word) {
        if (cell->block && !cell->failed)
            guide_after(kernel, cell->block);
        all_done(kernel);
        return;
    }
    cell->rest = word;
    if (!take_magic(kernel))
        take_command(kernel);
}

static void lab_came(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    void (*after)(struct kernel * kernel) = cell->after;
    if (cell->interrupted && kernel->desk.session) /* the steps before may take minutes */
        session_stop_replay(kernel->desk.session);
    if (!desk_settled(&kernel->desk))
        return;
    cell->after = NULL;
    cell->phase = CELL_PARTS;
    if (kernel->desk.state == DESK_DEAD)
        cell_fail(kernel, "NoLab", NULL, "%s", kernel->desk.why);
    else if (after)
        after(kernel);
}

void cell_advance(struct kernel *kernel)
{
    for (;;) {
        enum cell_phase phase = kernel->cell.phase;
        if (phase == CELL_OVER && kernel->cell.block && is_played(kernel->cell.block))
            kernel->cell.phase = CELL_PARTS;
        else if (phase == CELL_OVER)
            command_over(kernel);
        else if (phase == CELL_PARTS)
            next_part(kernel);
        else if (phase == CELL_LAB)
            lab_came(kernel);
        else if (phase == CELL_WAITING)
            wait_for_prompt(kernel);
        if (kernel->cell.phase == phase && phase != CELL_PARTS)
            return;
    }
}

/* What the session tells. */

static void on_prompt(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    if (!cell->ended && session_unfinished(kernel->desk.session)) /* PS2: the next line of the command follows */
        return;
    cell->nested = !cell->ended && console_of(kernel)->accepted;
    cell->refused = !cell->ended && !cell->nested;
    if (cell->refused)
        cell->status = 2;
    cell->phase = CELL_OVER;
}

void cell_event(struct kernel *kernel, const struct session_event *event)
{
    struct cell *cell = &kernel->cell;
    bool runs = cell->phase == CELL_TYPED || cell->phase == CELL_INPUT;
    const char *advice;
    switch (event->kind) {
    case SESSION_COMMAND_DONE:
        if (runs && event->terminal == cell->terminal) {
            cell->ended = true;
            cell->status = event->status;
        }
        break;
    case SESSION_PROMPT:
        if (runs && event->terminal == cell->terminal)
            on_prompt(kernel);
        break;
    case SESSION_EVIDENCE:
        advice = kernel->desk.advice ? advice_take(kernel->desk.advice, kernel->desk.session) : NULL;
        free(take_ptr(&cell->advice)); /* of a command that goes on, until its end was told */
        if (advice && cell->phase != CELL_NONE)
            cell->advice = strdup(advice);
        break;
    case SESSION_TERMINAL: /* its shell has ended, and a new one comes */
        if (runs && event->terminal == cell->terminal && !terminal_of(kernel)) {
            cell->ended = true;
            cell->status = 0;
            cell->phase = CELL_OVER;
        }
        break;
    case SESSION_LAB_DIED:
        if (cell->phase != CELL_NONE && cell->phase != CELL_LAB) {
            loop_remove(take_ptr(&cell->kill));
            cell_fail(kernel, "LabEnded", NULL, "%s", kernel->desk.why);
        }
        break;
    default:
        break;
    }
}

/* What ignores Ctrl-C is killed; a shell that does (`trap '' INT`) too, and replaced by a new one. */
static void on_kill_due(void *data)
{
    struct kernel *kernel = data;
    struct session *session = kernel->desk.session;
    unsigned number = kernel->cell.phase == CELL_BLOCK ? session_active(session) : kernel->cell.terminal;
    struct terminal *terminal = session_terminal(session, number);
    pid_t group = terminal ? terminal_foreground(terminal) : -1, shell = session_shell(session, number);
    if (group > 0)
        kill(group == shell ? shell : -group, SIGKILL);
}

void cell_interrupt(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct session *session = kernel->desk.session;
    if (cell->phase == CELL_NONE || !session)
        return;
    cell->interrupted = true;
    cell->rest += strlen(cell->rest);
    unsigned number = cell->phase == CELL_BLOCK ? session_active(session) : cell->terminal;
    struct terminal *terminal = session_terminal(session, number);
    if (cell->phase == CELL_WAITING) {
        cell_fail(kernel, "Interrupted", NULL, "terminal %u had not come to its prompt", number);
    } else if (terminal && (cell->phase == CELL_TYPED || cell->phase == CELL_INPUT || cell->phase == CELL_BLOCK)) {
        terminal_write(terminal, interrupt, 1);
        session_flush(session);
        if (cell->phase == CELL_INPUT) /* no answer is waited for any more */
            cell->phase = CELL_TYPED;
        if (!cell->kill)
            cell->kill = loop_add_timer(kernel->loop, KILL_MS, KILL_MS, on_kill_due, kernel);
    }
}

static bool truth(const json_t *content, const char *name, bool otherwise)
{
    const json_t *value = json_object_get(content, name);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

void cell_execute(struct kernel *kernel)
{
    const json_t *content = kernel->current->content;
    const char *code = json_string_value(json_object_get(content, "code"));
    struct cell *cell = &kernel->cell;
    bool silent = truth(content, "silent", false), store = !silent && truth(content, "store_history", true);
    *cell = (struct cell){ .phase = CELL_PARTS,
                           .may_ask = truth(content, "allow_stdin", false),
                           .stop_on_error = truth(content, "stop_on_error", true),
                           .payload = json_array(),
                           .terminal = 1 };
    if (asprintf(&cell->code, "%s\n", code ? code : "") < 0)
        cell->code = NULL;
    cell->rest = cell->code;
    free(kernel->output_parent);
    kernel->output_parent = strdup(kernel->current->header_text);
    if (kernel->desk.state == DESK_READY) {
        cell->terminal = session_active(kernel->desk.session);
        if (kernel->desk.advice)
            advice_step(kernel->desk.advice);
    }
    if (store && code && code[strspn(code, " \t\r\n")])
        history_add(&kernel->history, ++kernel->count, code);
    if (!silent)
        kernel_publish(kernel, kernel->output_parent, "execute_input",
                       json_pack("{s:s, s:i}", "code", code ? code : "", "execution_count", (int)kernel->count));
    if (!cell->code || !cell->payload)
        cell_fail(kernel, "OutOfMemory", NULL, "the cell could not be kept");
}

/* Plays a block: types its commands into a terminal one by one and waits for each, or runs its script, or writes its file. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/signal_name.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TICK_MS 20
#define QUIET_MS 400      /* no output for so long, and a read from the terminal: a prompt without marks */
#define KNOWN_QUIET_MS 60 /* … when it stands there as it stood before */
#define BACKGROUND_MS 300 /* a background command without `ready` is up when it has been quiet for so long */
#define LOOK_MS 100       /* between looks at the foreground processes */
#define INTERRUPT_MS 1000 /* what Ctrl-C is given to work */
#define KILL_MS 2000

static struct session_terminal *terminal_of(struct session *session)
{
    return &session->terminals[session->player.terminal];
}

static bool typed(const struct player *player)
{
    return player->phase >= PLAYER_TYPED && player->phase <= PLAYER_KILLED;
}

static void why(struct player *player, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void why(struct player *player, const char *format, ...)
{
    va_list args;
    if (player->result.why[0])
        return;
    va_start(args, format);
    vsnprintf(player->result.why, sizeof player->result.why, format, args);
    va_end(args);
}

static void describe_status(int wait_status, char *buf, size_t size)
{
    char name[SIGNAL_NAME];
    if (WIFSIGNALED(wait_status))
        snprintf(buf, size, "was killed by SIG%s", signal_name(WTERMSIG(wait_status), name));
    else
        snprintf(buf, size, "ended with status %d", WEXITSTATUS(wait_status));
}

static void mark_failed(struct session *session, const struct block *block)
{
    const struct step *step = session_step(session, session->current);
    if (step && block >= step->blocks && block < step->blocks + step->block_count)
        session->steps[session->current - 1].block_failed = true;
}

static void stop_watching(struct player *player)
{
    loop_remove(player->tick);
    loop_remove(player->deadline);
    loop_remove(player->over);
    player->tick = player->deadline = player->over = NULL;
}

static void free_commands(struct player *player)
{
    for (size_t i = 0; player->commands && player->commands[i]; i++)
        free(player->commands[i]);
    free(player->commands);
    free(player->ran);
    free(player->typed);
    player->commands = NULL;
    player->ran = NULL;
    player->typed = player->line = player->rest = NULL;
}

static void block_over(struct session *session)
{
    struct player *player = &session->player;
    const struct block *block = player->block;
    struct block_result *result = &player->result;
    struct err mismatch;
    char ended[64];
    stop_watching(player);
    text_append(&player->output, "", 0, CAPTURE_LIMIT);
    result->output = player->output.data;
    describe_status(result->wait_status, ended, sizeof ended);
    bool exit_ok = block_exit_matches(block, result->wait_status);
    bool up = block->background || result->nested; /* it need not have ended */
    result->matched_exit =
        !player->failed && !result->timed_out && !result->why[0] && (exit_ok || (up && result->wait_status == 0));
    if (!exit_ok && !up)
        why(player, "it %s, and should end with `%s`", ended, block->exit ? block->exit : "0");
    result->matched_output =
        !block->has_output || result->timed_out || block_output_matches(block, text_string(&player->output), &mismatch);
    if (!result->matched_output)
        why(player, "%s", mismatch.message);
    if (!result->matched_exit || !result->matched_output)
        mark_failed(session, block);
    result->commands = player->ran;
    player->phase = PLAYER_IDLE;
    player->block = NULL;
    player->done(session, block, result, player->data);
}

static void keep_output(struct session_terminal *at, struct player *player)
{
    struct command_result *ran = &player->ran[player->result.command_count++];
    capture_end(&at->capture, player->lines);
    *ran = (struct command_result){ .command = player->commands[player->at], .output_at = player->output.len };
    text_append(&player->output, text_string(&at->capture.text), at->capture.text.len, CAPTURE_LIMIT);
    ran->output_len = player->output.len - ran->output_at;
    text_clear(&at->capture.text);
}

/* Either a comment, which leaves the status before it as it was, or a line that the shell refused. */
static int refused_status(const char *command, int status)
{
    command += strspn(command, " \t\n");
    return *command == '\0' || *command == '#' ? 0 : status;
}

/* One command is over: from the loop, when the bytes up to the prompt have been through the capture. */
static void on_over(void *data)
{
    struct session *session = data;
    struct player *player = &session->player;
    char ended[64];
    player->over = NULL;
    if (!player->ended && !player->nested) /* its shell is back without having accepted a line */
        player->status = refused_status(player->commands[player->at], terminal_of(session)->capture.status);
    keep_output(terminal_of(session), player);
    player->result.nested = player->nested;
    player->result.wait_status = player->nested ? 0 : (player->status & 0xff) << 8;
    struct command_result *ran = &player->ran[player->result.command_count - 1];
    ran->nested = player->nested;
    ran->wait_status = player->result.wait_status;
    if (player->block->background && player->block->ready && player->ended && player->status != 0)
        why(player, "`%s` ended before it was ready (`%s`)", player->commands[player->at], player->block->ready);
    if (player->phase == PLAYER_KEYS)
        why(player, "`%s` ended before all its keys were typed", player->commands[player->at]);
    const char *expected = player->block->exit;
    bool last = !player->commands[player->at + 1], strict = !expected || strcmp(expected, "0") == 0;
    if (!last && strict && player->result.wait_status != 0) {
        describe_status(player->result.wait_status, ended, sizeof ended);
        why(player, "`%s` %s", player->commands[player->at], ended);
        player->failed = true;
    }
    player->at++;
    if (last || player->result.timed_out)
        block_over(session);
    else
        typing_begin(session);
}

static void command_over(struct session *session, bool nested)
{
    struct player *player = &session->player;
    if (player->over)
        return;
    player->nested = nested;
    player->over = loop_add_timer(session->options.loop, 0, 0, on_over, session);
}

void player_done(struct session_terminal *at, const char *shell, int status)
{
    struct player *player = &at->session->player;
    if (at->number != player->terminal || !typed(player) || player->over)
        return;
    /* What its keys make nested shells run is not its own end. */
    if (player->phase == PLAYER_KEYS && strcmp(shell, player->shell) != 0)
        return;
    player->ended = true;
    player->status = status;
}

void player_prompt(struct session_terminal *at)
{
    struct player *player = &at->session->player;
    if (at->number != player->terminal || !typed(player) || player->over)
        return;
    if (player->ended && player->status == 0 && player->block->background && player->block->ready)
        return; /* `command &`: the shell is back, and what it started is still to say that it is ready */
    if (player->ended) {
        command_over(at->session, false);
    } else if (strcmp(at->prompt_shell, player->shell) == 0) {
        command_over(at->session, false);
    } else if (player->phase != PLAYER_KEYS) {
        command_over(at->session, true);
    }
}

static void row_text(const struct session_terminal *at, char *buf, size_t size)
{
    unsigned row, col;
    bool visible;
    terminal_cursor(at->terminal, &row, &col, &visible);
    terminal_row_text(at->terminal, (int)row, buf, size);
}

static bool unmarked_prompt(struct session *session, uint64_t now)
{
    struct player *player = &session->player;
    const struct session_terminal *at = terminal_of(session);
    char line[sizeof player->prompt];
    unsigned row, col;
    bool visible;
    uint64_t quiet = now - at->last_output;
    terminal_cursor(at->terminal, &row, &col, &visible);
    row_text(at, line, sizeof line);
    bool known = player->shell[0] == '\0' && player->prompt[0] && strcmp(line, player->prompt) == 0;
    if (quiet < (known ? KNOWN_QUIET_MS : QUIET_MS) || (col == 0 && !player->block->interactive) ||
        now - player->looked < LOOK_MS)
        return false;
    player->looked = now;
    return foreground_reads(at);
}

static bool background_up(struct session *session, uint64_t now)
{
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    if (!player->block->ready)
        return (at->accepted || player->shell[0] == '\0') && now - at->last_output >= BACKGROUND_MS;
    cleanup_free char *glob = NULL, *screen = screen_since_typed(player, at);
    return screen && asprintf(&glob, "*%s*", player->block->ready) >= 0 && fnmatch(glob, screen, 0) == 0;
}

static void look_at_command(struct session *session)
{
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    uint64_t now = loop_now();
    bool last = !player->commands[player->at + 1];
    if (player->over || !at->terminal)
        return;
    if (player->phase == PLAYER_KEYS && keys_advance(player, at))
        player->phase = PLAYER_TYPED;
    if (player->phase == PLAYER_KEYS)
        return;
    if (last && player->block->key_count && at->at_prompt &&
        now - at->last_output >= BACKGROUND_MS) { /* its keys led to this prompt */
        command_over(session, strcmp(at->prompt_shell, player->shell) != 0);
    } else if (last && player->block->background && background_up(session, now)) {
        at->unmarked = !at->at_prompt; /* what is typed next is for it */
        command_over(session, !player->ended);
    } else if (!at->at_prompt && unmarked_prompt(session, now)) {
        at->unmarked = true;
        command_over(session, true);
    }
}

static void on_deadline(void *data)
{
    struct session *session = data;
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    pid_t group = at->terminal ? terminal_foreground(at->terminal) : -1;
    player->deadline = NULL;
    if (player->over)
        return;
    player->result.timed_out = true;
    if (player->phase == PLAYER_WAITING) {
        why(player, session->setup ? "the step's setup has not ended" : "terminal %u has not come to a prompt",
            player->terminal);
        block_over(session);
        return;
    }
    why(player, "`%s` did not end in %u s (its timeout)", player->commands[player->at],
        player->block->timeout_ms / 1000);
    if (player->phase == PLAYER_KILLED || !at->terminal) {
        keep_output(at, player);
        terminal_restart(at);
        block_over(session);
        return;
    }
    bool interrupted = player->phase == PLAYER_INTERRUPTED;
    if (interrupted && group > 0 && group != at->shell)
        kill(-group, SIGKILL);
    else if (!interrupted)
        terminal_write(at->terminal, "\003", 1);
    player->phase = interrupted ? PLAYER_KILLED : PLAYER_INTERRUPTED;
    player->deadline =
        loop_add_timer(session->options.loop, interrupted ? KILL_MS : INTERRUPT_MS, 0, on_deadline, session);
}

void player_prepare(struct session *session)
{
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    player->ended = player->nested = false;
    player->status = 0;
    player->key = player->key_part = 0;
    player->lines = 1;
    for (const char *c = player->commands[player->at]; *c; c++)
        player->lines += *c == '\n';
    snprintf(player->shell, sizeof player->shell, "%s", at->at_prompt ? at->prompt_shell : "");
    row_text(at, player->prompt, sizeof player->prompt);
    player->first_line = printed_cursor_line(at);
    capture_begin(&at->capture);
    at->at_prompt = at->unmarked = false;
}

void player_typed(struct session *session)
{
    struct player *player = &session->player;
    terminal_of(session)->last_output = player->key_time = loop_now();
    player->phase = player->block->key_count && !player->commands[player->at + 1] ? PLAYER_KEYS : PLAYER_TYPED;
    if (!player->deadline)
        player->deadline = loop_add_timer(session->options.loop, player->block->timeout_ms, 0, on_deadline, session);
}

void player_fail(struct session *session, const struct err *err)
{
    why(&session->player, "%s", err->message);
    block_over(session);
}

void player_wait(struct session *session)
{
    struct player *player = &session->player;
    player->phase = PLAYER_WAITING;
    loop_remove(player->deadline);
    player->deadline = loop_add_timer(session->options.loop, SETUP_TIMEOUT_MS, 0, on_deadline, session);
}

static void on_job_done(const struct job_result *result, void *data)
{
    struct session *session = data;
    struct player *player = &session->player;
    player->job = NULL;
    player->result.wait_status = result->wait_status;
    player->result.timed_out = result->timed_out;
    if (result->timed_out)
        why(player, "it did not end in %u s (its timeout)", player->block->timeout_ms / 1000);
    for (const char *c = result->output; *c; c++)
        if (*c != '\r')
            text_append(&player->output, c, 1, CAPTURE_LIMIT);
    block_over(session);
}

/* Where the learner's shell is, so that a relative path means what it says. */
static const char *shell_directory(struct session *session, char *buf, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/cwd", session_shell(session, session->player.terminal));
    ssize_t n = readlink(link, buf, size - 1);
    buf[n < 0 ? 0 : n] = '\0';
    return buf[0] == '/' && !strstr(buf, " (deleted)") ? buf : NULL;
}

static void start_job(struct session *session)
{
    static const char write_file[] = "mkdir -p -- \"$(dirname -- \"$1\")\" && cat > \"$1\"";
    struct player *player = &session->player;
    const struct block *block = player->block;
    const char *argv[10];
    size_t n = 0;
    char cwd[4096];
    struct err err;
    if (block->user)
        for (size_t i = 0; i < 4; i++)
            argv[n++] = (const char *const[]){ "runuser", "-u", block->user, "--" }[i];
    argv[n++] = "bash";
    argv[n++] = "-c";
    argv[n++] = block->type == BLOCK_FILE ? write_file : block->body;
    argv[n++] = "bash";
    argv[n++] = block->type == BLOCK_FILE ? block->name : NULL;
    argv[n] = NULL;
    cleanup_environment char **env = script_environment(session, session->current);
    struct job_options options = { .loop = session->options.loop,
                                   .lab = session->lab,
                                   .argv = argv,
                                   .env = (const char *const *)env,
                                   .cwd = block->path ? block->path : shell_directory(session, cwd, sizeof cwd),
                                   .input = block->type == BLOCK_FILE ? block->body : NULL,
                                   .timeout_ms = block->timeout_ms,
                                   .output_limit = CAPTURE_LIMIT,
                                   .done = on_job_done,
                                   .data = session };
    player->phase = PLAYER_JOB;
    loop_remove(player->deadline);
    player->deadline = NULL;
    player->job = job_start(&session->jobs, &options, &err);
    if (!player->job) {
        why(player, "%s", err.message);
        player->result.wait_status = 127 << 8;
        block_over(session);
    }
}

static void answer_quiz(struct session *session)
{
    step_answered(session, session->player.block);
    block_over(session);
}

/* Ctrl+C to what runs in the terminal, once something is known to run or to wait there; its end brings the prompt that is waited for. */
static void interrupt(struct session *session, struct session_terminal *at)
{
    if (at->at_prompt) {
        session->player.interrupted = true;
    } else if (at->unmarked) {
        session->player.interrupted = true;
        at->unmarked = false;
        terminal_write(at->terminal, "\003", 1);
        session_flush(session);
    }
}

/* Waiting for the step's setup, for the terminal to be open, and for a prompt in it. */
static void look_whether_ready(struct session *session)
{
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    struct err err;
    if (session->setup || !session->lab_ready)
        return;
    if (player->skipped[0] || player->block->type == BLOCK_QUIZ) {
        answer_quiz(session);
        return;
    }
    if (player->block->type != BLOCK_COMMAND) {
        start_job(session);
        return;
    }
    if (session_open_terminal(session, player->terminal, &err) < 0) {
        why(player, "%s", err.message);
        block_over(session);
        return;
    }
    session_set_active(session, player->terminal);
    if (!player->commands[0]) {
        block_over(session);
    } else if (player->block->interrupt && !player->interrupted) {
        interrupt(session, at);
    } else if (at->at_prompt || at->unmarked ||
               (session->options.presented && unmarked_prompt(session, loop_now()))) { /* typed by hand before */
        loop_remove(player->deadline);
        player->deadline = NULL;
        typing_begin(session);
    }
}

static void on_tick(void *data)
{
    struct session *session = data;
    if (session->player.phase == PLAYER_WAITING)
        look_whether_ready(session);
    else if (typed(&session->player))
        look_at_command(session);
}

void player_output(struct session_terminal *at)
{
    if (at->number == at->session->player.terminal)
        on_tick(at->session);
}

/* The terminal goes: what the command said is kept. */
void player_closing(struct session_terminal *at)
{
    struct player *player = &at->session->player;
    if (at->number == player->terminal && typed(player))
        keep_output(at, player);
}

void player_closed(struct session_terminal *at, int wait_status)
{
    struct session *session = at->session;
    struct player *player = &session->player;
    if (at->number == player->terminal && player->phase == PLAYER_TYPING)
        player_wait(session);
    if (at->number != player->terminal || !typed(player))
        return;
    player->result.wait_status = wait_status;
    player->ran[player->result.command_count - 1].wait_status = wait_status;
    if (player->commands[player->at] && player->commands[player->at + 1])
        why(player, "the shell of terminal %u ended with `%s`", at->number, player->commands[player->at]);
    block_over(session);
}

void player_end(struct session *session)
{
    struct player *player = &session->player;
    stop_watching(player);
    free_commands(player);
    text_free(&player->output);
    job_cancel(player->job);
    *player = (struct player){ .phase = PLAYER_IDLE };
}

static char *quoted(const char *text)
{
    struct text out = { 0 };
    text_append(&out, "'", 1, SIZE_MAX);
    for (; *text; text++)
        if (*text == '\'')
            text_append(&out, "'\\''", 4, SIZE_MAX);
        else
            text_append(&out, text, 1, SIZE_MAX);
    text_append(&out, "'", 1, SIZE_MAX);
    return out.data;
}

/* The commands as they are typed: first into the block's directory, each as the block's user. */
static char **typed_commands(const struct block *block)
{
    size_t count = 0, n = 0;
    while (block->commands && block->commands[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (!list)
        return NULL;
    if (block->path) {
        cleanup_free char *path = quoted(block->path);
        if (!path || asprintf(&list[n], "cd %s", path) < 0)
            list[n] = NULL;
        n += list[n] != NULL;
    }
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *command = block->user ? quoted(block->commands[i]) : NULL,
                          *user = block->user ? quoted(block->user) : NULL;
        if (!block->user)
            list[n] = strdup(block->commands[i]);
        else if (!command || !user || asprintf(&list[n], "runuser -u %s -- bash -c %s", user, command) < 0)
            list[n] = NULL;
        n += list[n] != NULL;
    }
    return list;
}

int session_play_block(struct session *session, const struct block *block, session_block_fn *done, void *data,
                       struct err *err)
{
    struct player *player = &session->player;
    unsigned number = block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
    if (player->phase != PLAYER_IDLE)
        return err_say(err, EBUSY, "play a block: one is being played already");
    if (!session->lab)
        return err_say(err, ESRCH, "play a block: the lab is not up");
    if (number < 1 || number > SESSION_TERMINALS)
        return err_say(err, EINVAL, "line %d: terminal `%s`: there are terminals 1 to %d", block->line, block->terminal,
                       SESSION_TERMINALS);
    free_commands(player);
    text_free(&player->output);
    *player =
        (struct player){ .phase = PLAYER_WAITING, .block = block, .done = done, .data = data, .terminal = number };
    if (block->requires && feature_missing(session, block->requires, player->skipped, sizeof player->skipped))
        player->result.skipped = player->skipped;
    player->commands = typed_commands(block);
    size_t count = 0;
    while (player->commands && player->commands[count])
        count++;
    player->ran = calloc(count + 1, sizeof *player->ran);
    player->tick = loop_add_timer(session->options.loop, 0, TICK_MS, on_tick, session);
    player->deadline = loop_add_timer(session->options.loop, SETUP_TIMEOUT_MS, 0, on_deadline, session);
    if (!player->commands || !player->ran || !player->tick || !player->deadline) {
        player_end(session);
        return err_set(err, ENOMEM, "play a block");
    }
    return 0;
}

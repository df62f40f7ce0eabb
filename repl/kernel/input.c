/* A command runs, is quiet and reads its terminal: either a shell without marks is at its prompt, and the cell is done, or a program wants input, which the client is asked for. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>

#define ENVIRON_MAX 131072
#define QUIET_MS 100   /* no output for so long: what is read now is waited for */
#define BARRED_MS 2000 /* … and for so long, where the client gives no input: it is not going to go on by itself */

static const char *const shells[] = { "sh", "bash", "ash", "dash", "zsh", "ksh", "fish" };

static bool is_shell(const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    name += *name == '-';
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i], name) == 0)
            return true;
    return false;
}

/* Bash with the session's PROMPT_COMMAND marks its prompts: where it reads without, that is its builtin. See environ in proc(5). */
static bool marks_its_prompts(pid_t pid, const char *name)
{
    static const char variable[] = "PROMPT_COMMAND=";
    char path[64];
    const char *slash = strrchr(name, '/');
    size_t len = 0;
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    cleanup_free char *text = malloc(ENVIRON_MAX);
    cleanup_file FILE *file = strcmp(slash ? slash + 1 : name, "bash") == 0 ? fopen(path, "re") : NULL;
    if (text && file)
        len = fread(text, 1, ENVIRON_MAX, file);
    return len && memmem(text, len, variable, sizeof variable - 1);
}

/* A shell that was given neither a script nor a command talks to its terminal. */
static bool is_interactive_shell(pid_t pid)
{
    char path[64], words[4096];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    ssize_t len = read_file_at(AT_FDCWD, path, words, sizeof words, NULL);
    const char *at = words, *end = words + (len > 0 ? len : 0);
    if (len <= 0)
        return false;
    const char *slash = strrchr(at, '/');
    if (strcmp(slash ? slash + 1 : at, "busybox") == 0)
        at += strlen(at) + 1;
    if (at >= end || !is_shell(at) || marks_its_prompts(pid, at))
        return false;
    for (at += strlen(at) + 1; at < end; at += strlen(at) + 1)
        if (at[0] != '-' || (at[1] != '-' && strchr(at, 'c')))
            return false;
    return true;
}

static struct terminal *terminal_of(struct kernel *kernel)
{
    return session_terminal(kernel->desk.session, kernel->cell.terminal);
}

static void shell_is_back(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    free(stream_take_line(kernel)); /* its prompt */
    kernel->desk.consoles[cell->terminal].unmarked = true;
    cell->nested = true;
    cell->phase = CELL_OVER;
}

static void ask(struct kernel *kernel, const struct termios *tty)
{
    cleanup_free char *prompt = stream_take_line(kernel);
    kernel->cell.phase = CELL_INPUT;
    stream_flush(kernel);
    kernel_ask(kernel, prompt ? prompt : "", (tty->c_lflag & (ICANON | ECHO)) == ICANON);
}

/* Nobody is going to type: the program would wait for ever. */
static void bar(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    cell_interrupt(kernel);
    cell->interrupted = false;
    cell->barred = true;
}

void input_look(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct termios tty;
    struct terminal *terminal = terminal_of(kernel);
    uint64_t quiet = loop_now() - (kernel->stream.last > cell->typed_at ? kernel->stream.last : cell->typed_at);
    const struct console *console = &kernel->desk.consoles[cell->terminal];
    bool stopped = cell->barred || cell->interrupted; /* Ctrl-C was typed: a shell that reads again is done with it */
    if (!terminal || quiet < QUIET_MS || cell->incomplete)
        return;
    pid_t reader = session_reading(kernel->desk.session, cell->terminal);
    if (reader <= 0 || tcgetattr(terminal_fd(terminal), &tty) < 0)
        return;
    if (!console->accepted && !console->unmarked && !stopped)
        cell_incomplete(kernel);
    else if (is_interactive_shell(reader))
        shell_is_back(kernel);
    else if (stopped)
        return;
    else if (cell->may_ask)
        ask(kernel, &tty);
    else if (quiet >= BARRED_MS)
        bar(kernel);
}

/* Each line as typed; for a program that takes keys, the keys, and Enter if there are none. */
static void type(struct kernel *kernel, const char *value)
{
    struct terminal *terminal = terminal_of(kernel);
    struct termios tty;
    cleanup_free char *copy = strdup(value);
    char *rest = copy, *line;
    if (!copy || tcgetattr(terminal_fd(terminal), &tty) < 0)
        return;
    if (!(tty.c_lflag & ICANON)) {
        terminal_write(terminal, *value ? value : "\r", *value ? strlen(value) : 1);
        return;
    }
    if (tty.c_lflag & ECHO)
        console_expect_echo(&kernel->desk.consoles[kernel->cell.terminal], value);
    while ((line = strsep(&rest, "\n")))
        terminal_send_line(terminal, line, NULL);
}

void input_replied(struct kernel *kernel, const char *value)
{
    struct cell *cell = &kernel->cell;
    if (cell->phase != CELL_INPUT || !terminal_of(kernel))
        return; /* the program has ended meanwhile */
    cell->phase = CELL_TYPED;
    cell->typed_at = loop_now();
    type(kernel, value);
    session_flush(kernel->desk.session);
}

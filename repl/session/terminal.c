#include "repl/session/terminal_internal.h"

#include "engine/base/cleanup.h"
#include "repl/session/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    READ_SIZE = 16384, /* a pty gives at most 4 KiB a read */
    DEFAULT_SCROLLBACK = 5000,
    REPLIES_MAX = 65536, /* answers nobody reads are dropped beyond this many bytes */
    COMMANDS_MAX = 32,   /* shells within shells whose commands are followed */
    PIECE = 3500, /* of a long line: below the tty's 4,095, and no multiple of the 1,024 that bash reads at once */
};

struct terminal {
    int master;
    bool closed;
    struct emulator emulator;
    char *nonce;
    terminal_event_fn *on_event;
    terminal_output_fn *on_output;
    void *data;

    char *queue; /* bytes still to be written to the master: queue_start…queue_len-1 */
    size_t queue_start, queue_len, queue_capacity;

    char own_shell[32];                   /* identity of the first prompt; "" before it */
    char open_commands[COMMANDS_MAX][32]; /* shells with a C not followed by its D, outermost first */
    unsigned open_count;
    bool at_prompt, prompt_own;
    const struct grid *prompt_grid; /* where mark B left the cursor */
    uint64_t prompt_line;
    unsigned prompt_col;
};

static void deliver(struct terminal *terminal, struct terminal_event *event)
{
    if (terminal->on_event)
        terminal->on_event(terminal, event, terminal->data);
}

/* --- marks ------------------------------------------------------------------------------------------------------------------------ */

struct mark {
    char letter;
    int status; /* -1: none given */
    char nonce[32], shell[32];
};

/* "D;1;k=NONCE;s=PID.SHLVL": the letter first, the rest in any order. */
static bool parse_mark(const char *text, struct mark *mark)
{
    *mark = (struct mark){ .letter = text[0], .status = -1 };
    if (text[0] == '\0' || (text[1] != ';' && text[1] != '\0'))
        return false;
    for (const char *at = text + 1; *at == ';';) {
        at++;
        size_t len = strcspn(at, ";");
        char *into = strncmp(at, "k=", 2) == 0 ? mark->nonce : strncmp(at, "s=", 2) == 0 ? mark->shell : NULL;
        if (into) {
            if (len - 2 >= sizeof(mark->nonce))
                return false;
            memcpy(into, at + 2, len - 2);
            into[len - 2] = '\0';
        } else if (len > 0 && len <= 3 && strspn(at, "0123456789") == len) {
            mark->status = atoi(at);
        }
        at += len;
    }
    return true;
}

/* By identity; a shell whose SHLVL was unset meanwhile ("71." instead of "71.2") goes by its pid alone. */
static bool same_shell(const char *a, const char *b)
{
    size_t a_pid = strcspn(a, "."), b_pid = strcspn(b, ".");
    bool unset = strcmp(a + a_pid, ".") == 0 || strcmp(b + b_pid, ".") == 0;
    return strcmp(a, b) == 0 || (unset && a_pid == b_pid && strncmp(a, b, a_pid) == 0);
}

/* The command of @shell ended, and with it all that ran inside it. False if it had none open. */
static bool close_command(struct terminal *terminal, const char *shell)
{
    for (unsigned i = terminal->open_count; i > 0; i--)
        if (same_shell(terminal->open_commands[i - 1], shell)) {
            terminal->open_count = i - 1;
            return true;
        }
    return false;
}

static void open_command(struct terminal *terminal, const char *shell)
{
    close_command(terminal, shell);
    if (terminal->open_count ==
        COMMANDS_MAX) { /* forget the outermost but one: the first is the shell of the terminal */
        memmove(terminal->open_commands[1], terminal->open_commands[2],
                (COMMANDS_MAX - 2) * sizeof(terminal->open_commands[0]));
        terminal->open_count--;
    }
    strcpy(terminal->open_commands[terminal->open_count++], shell);
}

static void take_mark(struct terminal *terminal, const char *text)
{
    struct mark mark;
    if (!parse_mark(text, &mark) || terminal->nonce[0] == '\0' || strcmp(mark.nonce, terminal->nonce) != 0 ||
        mark.shell[0] == '\0')
        return;
    if (terminal->own_shell[0] == '\0')
        strcpy(terminal->own_shell, mark.shell);
    struct terminal_event event = { .own = same_shell(mark.shell, terminal->own_shell), .status = mark.status };
    strcpy(event.shell, mark.shell);
    const struct emulator *emulator = &terminal->emulator;
    switch (mark.letter) {
    case 'B':
        event.kind = TERMINAL_PROMPT;
        terminal->at_prompt = true;
        terminal->prompt_own = event.own;
        terminal->prompt_grid = emulator->grid;
        terminal->prompt_line = emulator->grid->scrolled + emulator->row;
        terminal->prompt_col = emulator->col;
        break;
    case 'C':
        event.kind = TERMINAL_COMMAND;
        terminal->at_prompt = false;
        open_command(terminal, mark.shell);
        break;
    case 'D':
        event.kind = TERMINAL_DONE;
        if (mark.status < 0 || !close_command(terminal, mark.shell))
            return;
        break;
    default:
        return;
    }
    deliver(terminal, &event);
}

/* --- the emulator's hooks --------------------------------------------------------------------------------------------------------- */

static void on_osc(int number, const char *text, void *data)
{
    struct terminal *terminal = data;
    struct terminal_event event = { .kind = TERMINAL_TITLE, .text = text };
    switch (number) {
    case 133:
    case 633:
        take_mark(terminal, text);
        break;
    case 0:
    case 2:
        deliver(terminal, &event);
        break;
    default: /* among them 52, the clipboard, which no program in a lab may read or set; and 7, since the kernel knows the directory */
        break;
    }
}

static void on_bell(void *data)
{
    deliver(data, &(struct terminal_event){ .kind = TERMINAL_BELL });
}

static void on_reply(const char *bytes, size_t len, void *data)
{
    struct terminal *terminal = data;
    if (terminal->queue_len - terminal->queue_start + len <= REPLIES_MAX)
        terminal_write(terminal, bytes, len);
}

static const struct emulator_hooks hooks = { .osc = on_osc, .bell = on_bell, .reply = on_reply };

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

struct terminal *terminal_new(const struct terminal_options *options, struct err *err)
{
    struct terminal *terminal = calloc(1, sizeof(*terminal));
    if (!terminal || !(terminal->nonce = strdup(options->nonce ? options->nonce : ""))) {
        free(terminal);
        err_set(err, ENOMEM, "terminal of %u rows", options->rows);
        return NULL;
    }
    terminal->master = -1;
    terminal->on_event = options->on_event;
    terminal->on_output = options->on_output;
    terminal->data = options->data;
    size_t scrollback = options->scrollback ? options->scrollback : DEFAULT_SCROLLBACK;
    if (emulator_init(&terminal->emulator, options->rows, options->cols, scrollback, &hooks, terminal) < 0) {
        free(terminal->nonce);
        free(terminal);
        err_set(err, ENOMEM, "terminal of %u × %u cells", options->rows, options->cols);
        return NULL;
    }
    if (options->master >= 0) {
        int flags = fcntl(options->master, F_GETFL);
        if (flags < 0 || fcntl(options->master, F_SETFL, flags | O_NONBLOCK) < 0) {
            err_set(err, errno, "fcntl of the terminal's master fd %d", options->master);
            terminal_free(terminal);
            return NULL;
        }
    }
    terminal->master = options->master;
    return terminal;
}

void terminal_free(struct terminal *terminal)
{
    if (!terminal)
        return;
    if (terminal->master >= 0)
        close(terminal->master);
    emulator_free(&terminal->emulator);
    free(terminal->queue);
    free(terminal->nonce);
    free(terminal);
}

int terminal_fd(const struct terminal *terminal)
{
    return terminal->master;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

void terminal_feed(struct terminal *terminal, const char *bytes, size_t len)
{
    if (terminal->on_output)
        terminal->on_output(terminal, bytes, len, terminal->data);
    emulator_feed(&terminal->emulator, bytes, len);
}

void terminal_force_libvterm(struct terminal *terminal, bool force)
{
    terminal->emulator.always_through_libvterm = force;
}

ssize_t terminal_read(struct terminal *terminal, size_t limit, struct err *err)
{
    char bytes[READ_SIZE];
    size_t total = 0;
    while (total < limit && !terminal->closed) {
        size_t want = limit - total < sizeof(bytes) ? limit - total : sizeof(bytes);
        ssize_t got = read(terminal->master, bytes, want);
        if (got > 0) {
            terminal_feed(terminal, bytes, (size_t)got);
            total += (size_t)got;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            break;
        } else if (got < 0 && errno != EIO) {
            return err_set(err, errno, "read from the terminal");
        } else if (total > 0) {
            break; /* what was read is told first, the end at the next call */
        } else {   /* a pty says EIO when its last user is gone */
            terminal->closed = true;
            terminal->at_prompt = false;
            deliver(terminal, &(struct terminal_event){ .kind = TERMINAL_CLOSED });
            return 0;
        }
    }
    return (ssize_t)total;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------- */

bool terminal_wants_write(const struct terminal *terminal)
{
    return terminal->queue_len > terminal->queue_start && !terminal->closed;
}

int terminal_flush(struct terminal *terminal, struct err *err)
{
    while (terminal_wants_write(terminal)) {
        ssize_t put = write(terminal->master, terminal->queue + terminal->queue_start,
                            terminal->queue_len - terminal->queue_start);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0 || (put < 0 && errno == EAGAIN))
            return 0;
        if (put < 0) {
            terminal->queue_start = terminal->queue_len = 0;
            return errno == EIO ? 0 : err_set(err, errno, "write to the terminal");
        }
        terminal->queue_start += (size_t)put;
    }
    terminal->queue_start = terminal->queue_len = 0;
    return 0;
}

void terminal_write(struct terminal *terminal, const char *bytes, size_t len)
{
    if (terminal->closed || terminal->master < 0)
        return;
    if (terminal->queue_start > 0) {
        memmove(terminal->queue, terminal->queue + terminal->queue_start, terminal->queue_len - terminal->queue_start);
        terminal->queue_len -= terminal->queue_start;
        terminal->queue_start = 0;
    }
    if (terminal->queue_len + len > terminal->queue_capacity) {
        size_t capacity = 2 * (terminal->queue_len + len);
        char *queue = realloc(terminal->queue, capacity);
        if (!queue)
            return; /* as a tty that is full: the keys are lost */
        terminal->queue = queue;
        terminal->queue_capacity = capacity;
    }
    memcpy(terminal->queue + terminal->queue_len, bytes, len);
    terminal->queue_len += len;
    if (memchr(bytes, '\r', len) || memchr(bytes, '\n', len))
        terminal->at_prompt = false; /* the line is on its way; the next mark says what became of it */
    terminal_flush(terminal, NULL);
}

void terminal_paste(struct terminal *terminal, const char *bytes, size_t len)
{
    cleanup_free char *clean = malloc(len + 1);
    size_t kept = 0;
    if (!clean)
        return;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n' || c == '\r') {
            if (c == '\n' && i > 0 && bytes[i - 1] == '\r')
                continue;
            clean[kept++] = '\r'; /* what the Enter key sends */
        } else if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
            clean[kept++] = (char)c;
        }
    }
    bool bracketed = terminal->emulator.modes.bracketed_paste;
    if (bracketed)
        terminal_write(terminal, "\033[200~", 6);
    terminal_write(terminal, clean, kept);
    if (bracketed)
        terminal_write(terminal, "\033[201~", 6);
}

/* --- a whole line ----------------------------------------------------------------------------------------------------------------- */

static bool is_special(const struct termios *tty, unsigned char c)
{
    for (int i = 0; i < NCCS; i++)
        if (tty->c_cc[i] == c && c != _POSIX_VDISABLE && i != VMIN && i != VTIME)
            return true;
    return false;
}

int terminal_send_line(struct terminal *terminal, const char *line, struct err *err)
{
    size_t len = strlen(line);
    if (memchr(line, '\n', len))
        return err_say(err, EINVAL, "send a line to the terminal: it has a newline in it, send its lines one by one");
    struct termios tty;
    if (tcgetattr(terminal->master, &tty) < 0)
        return err_set(err, errno, "tcgetattr of the terminal");
    bool canonical = tty.c_lflag & ICANON;
    unsigned char quote = canonical ? tty.c_cc[VLNEXT] : 026; /* readline's quoted-insert */
    bool can_quote = !canonical || ((tty.c_lflag & IEXTEN) && quote != _POSIX_VDISABLE);
    bool can_push = canonical && tty.c_cc[VEOF] != _POSIX_VDISABLE;

    size_t room = 2 * len + len / PIECE + 2, at = 0, piece = 0;
    cleanup_free char *bytes = malloc(room);
    if (!bytes)
        return err_set(err, ENOMEM, "send a line of %zu bytes to the terminal", len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        bool acts = c < 0x20 || c == 0x7f || (canonical && is_special(&tty, c));
        if (acts && can_quote)
            bytes[at++] = (char)quote;
        bytes[at++] = (char)c;
        if (can_push && ++piece == PIECE && i + 1 < len) {
            bytes[at++] = (char)tty.c_cc[VEOF];
            piece = 0;
        }
    }
    bytes[at++] = canonical ? '\n' : '\r';
    terminal_write(terminal, bytes, at);
    return 0;
}

/* --- size and cells --------------------------------------------------------------------------------------------------------------- */

int terminal_resize(struct terminal *terminal, unsigned rows, unsigned cols, struct err *err)
{
    if (emulator_resize(&terminal->emulator, rows, cols) < 0)
        return err_set(err, ENOMEM, "resize the terminal to %u × %u", rows, cols);
    struct winsize size = { .ws_row = (unsigned short)terminal->emulator.rows,
                            .ws_col = (unsigned short)terminal->emulator.cols };
    if (terminal->master >= 0 && ioctl(terminal->master, TIOCSWINSZ, &size) < 0)
        return err_set(err, errno, "resize the terminal to %u × %u", rows, cols);
    return 0;
}

unsigned terminal_rows(const struct terminal *terminal)
{
    return terminal->emulator.rows;
}

unsigned terminal_cols(const struct terminal *terminal)
{
    return terminal->emulator.cols;
}

/* What is left of a wide glyph whose right half is beyond the terminal's width (a row of the scrollback) is a blank. */
static struct cell cell_at(const struct terminal *terminal, const struct row *row, unsigned col)
{
    struct cell cell = row_cell(row, col);
    if ((cell.flags & CELL_WIDE) && col + 1 >= terminal->emulator.cols) {
        cell.flags &= (uint16_t)~CELL_WIDE;
        cell.glyph = 0;
    }
    return cell;
}

bool terminal_get(const struct terminal *terminal, int row, unsigned col, struct terminal_cell *cell)
{
    const struct emulator *emulator = &terminal->emulator;
    const struct row *line = grid_row(emulator->grid, row);
    if (!line || col >= emulator->cols)
        return false;
    struct cell stored = cell_at(terminal, line, col);
    *cell = (struct terminal_cell){
        .width = stored.flags & CELL_WIDE ? 2 : 1,
        .fg = stored.flags & PEN_FG ? stored.fg : -1,
        .bg = stored.flags & PEN_BG ? stored.bg : -1,
        .bold = stored.flags & PEN_BOLD,
        .dim = stored.flags & PEN_DIM,
        .underline = stored.flags & PEN_UNDERLINE,
        .italic = stored.flags & PEN_ITALIC,
        .blink = stored.flags & PEN_BLINK,
        .reverse = !(stored.flags & PEN_REVERSE) == emulator->modes.reverse,
        .strike = stored.flags & PEN_STRIKE,
    };
    if (stored.flags & CELL_RIGHT)
        cell->chars[0] = (uint32_t)-1;
    else
        clusters_get(&emulator->clusters, stored.glyph, cell->chars);
    return true;
}

uint64_t terminal_scrolled(const struct terminal *terminal)
{
    return terminal->emulator.grid->scrolled;
}

size_t terminal_scrollback(const struct terminal *terminal)
{
    return terminal->emulator.grid->history;
}

static unsigned utf8(uint32_t code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    bytes[0] = (char)((0xf0e0c000u >> (8 * more) & 0xff) | code >> (6 * more));
    for (unsigned i = 1; i <= more; i++)
        bytes[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

size_t terminal_row_text(const struct terminal *terminal, int row, char *buf, size_t size)
{
    const struct row *line = grid_row(terminal->emulator.grid, row);
    size_t len = 0, end = 0; /* end: after the last character that is no blank */
    if (size > 0)
        buf[0] = '\0';
    if (!line)
        return 0;
    unsigned cols = terminal->emulator.cols;
    for (unsigned col = 0; col < line->used && col < cols; col++) {
        struct cell cell = cell_at(terminal, line, col);
        uint32_t chars[GLYPH_MARKS];
        if (cell.flags & CELL_RIGHT)
            continue;
        unsigned count = clusters_get(&terminal->emulator.clusters, cell.glyph, chars);
        if (count == 0)
            chars[count++] = ' ';
        for (unsigned i = 0; i < count; i++) {
            char bytes[4];
            unsigned used = utf8(chars[i], bytes);
            for (unsigned k = 0; k < used; k++, len++)
                if (len + 1 < size)
                    buf[len] = bytes[k];
        }
        if (count > 1 || chars[0] != ' ')
            end = len;
    }
    if (size > 0)
        buf[end < size ? end : size - 1] = '\0';
    return end;
}

bool terminal_row_continues(const struct terminal *terminal, int row)
{
    const struct row *line = grid_row(terminal->emulator.grid, row);
    return line && line->continues;
}

void terminal_cursor(const struct terminal *terminal, unsigned *row, unsigned *col, bool *visible)
{
    *row = terminal->emulator.row;
    *col = terminal->emulator.col;
    *visible = !terminal->emulator.modes.hidden_cursor;
}

bool terminal_damage(const struct terminal *terminal, unsigned *first, unsigned *last)
{
    const struct grid *grid = terminal->emulator.grid;
    *first = grid->dirty_first;
    *last = grid->dirty_last;
    return grid->dirty_first <= grid->dirty_last;
}

void terminal_clean(struct terminal *terminal)
{
    grid_clean(terminal->emulator.grid);
}

/* --- what the program asked for --------------------------------------------------------------------------------------------------- */

bool terminal_alternate(const struct terminal *terminal)
{
    return emulator_alternate(&terminal->emulator);
}

bool terminal_application_cursor(const struct terminal *terminal)
{
    return terminal->emulator.modes.application_cursor;
}

int terminal_mouse(const struct terminal *terminal)
{
    return terminal->emulator.modes.mouse;
}

void terminal_mouse_event(struct terminal *terminal, unsigned row, unsigned col, int button, bool pressed,
                          int modifiers)
{
    const struct emulator *emulator = &terminal->emulator;
    if (!emulator->modes.mouse || row >= emulator->rows || col >= emulator->cols || button < 0 || button > 5)
        return;
    VTermModifier held = (VTermModifier)(modifiers & 7);
    vterm_mouse_move(emulator->vt, (int)row, (int)col, held);
    if (button > 0)
        vterm_mouse_button(emulator->vt, button, pressed, held);
}

/* --- prompts ---------------------------------------------------------------------------------------------------------------------- */

pid_t terminal_foreground(const struct terminal *terminal)
{
    pid_t group;
    return ioctl(terminal->master, TIOCGPGRP, &group) < 0 ? -1 : group;
}

bool terminal_at_own_prompt(const struct terminal *terminal, pid_t own_shell)
{
    struct termios tty;
    return terminal->at_prompt && terminal->prompt_own && terminal_foreground(terminal) == own_shell &&
           tcgetattr(terminal->master, &tty) == 0 && (tty.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

bool terminal_at_prompt(const struct terminal *terminal)
{
    return terminal->at_prompt;
}

bool terminal_prompt_position(const struct terminal *terminal, unsigned *row, unsigned *col)
{
    const struct grid *grid = terminal->emulator.grid;
    uint64_t at = terminal->prompt_line - grid->scrolled;
    if (!terminal->at_prompt || terminal->prompt_grid != grid || at >= grid->rows)
        return false;
    *row = (unsigned)at;
    *col = terminal->prompt_col;
    return true;
}

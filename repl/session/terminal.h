/** One terminal: a pty's master side, a grid of cells kept by a guarded libvterm, scrollback, and the shell's marks.
 *
 * Knows nothing of labs, lessons or ncurses: it is given a master fd and a callback, and is read as a grid of cells. The same grid is
 * what the screen draws, what headless playback reads, and what the screen tests check.
 *
 * Marks are OSC 133 with a nonce and the shell's identity (see marks.h): without the right nonce a mark is ignored.
 */
#ifndef REPL_SESSION_TERMINAL_H
#define REPL_SESSION_TERMINAL_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct terminal;

enum terminal_event_kind {
    TERMINAL_PROMPT,  /* mark B: a shell is at its prompt, ready for a line (a continuation line too); .shell */
    TERMINAL_COMMAND, /* mark C: a line was accepted and runs; .shell */
    TERMINAL_DONE,    /* mark D after a C: .status is the command's exit status; .shell */
    TERMINAL_TITLE,   /* OSC 0/2: .text */
    TERMINAL_BELL,
    TERMINAL_CLOSED, /* end of file on the master: the last process let go of the terminal */
};
struct terminal_event {
    enum terminal_event_kind kind;
    char shell[32];   /* "PID.SHLVL" as the shell itself sees them; "1.2" in a new pid namespace */
    bool own;         /* the mark comes from the shell this terminal was started with (its first prompt's identity) */
    int status;       /* TERMINAL_DONE */
    const char *text; /* TERMINAL_TITLE; valid during the call */
};
/** May write to the terminal and resize nothing; only while it is told TERMINAL_CLOSED may it free the terminal. */
typedef void terminal_event_fn(struct terminal *terminal, const struct terminal_event *event, void *data);
/** Raw bytes as they were read, before the guard: for recordings and headless output. */
typedef void terminal_output_fn(struct terminal *terminal, const char *bytes, size_t len, void *data);

struct terminal_cell {
    uint32_t chars
        [6]; /* Unicode code points, base first, 0-terminated; chars[0] 0: blank; (uint32_t)-1: right half of a wide glyph */
    int width;  /* 1 or 2 */
    int fg, bg; /* -1 default, 0…255 indexed (RGB already reduced to the nearest) */
    bool bold, dim, underline, italic, blink, reverse, strike;
};

struct terminal_options {
    int master;          /* owned by the terminal from now on; made nonblocking */
    unsigned rows, cols; /* at least 1 × 2 */
    size_t scrollback;   /* lines kept; 0: 5000 */
    const char *nonce;   /* of the marks; "" accepts none */
    terminal_event_fn *on_event;
    terminal_output_fn *on_output; /* may be NULL */
    void *data;
};

struct terminal *terminal_new(const struct terminal_options *options, struct err *err);
void terminal_free(struct terminal *terminal);

int terminal_fd(const struct terminal *terminal);

/** Read what is there, at most @limit bytes (the loop gives 64 KiB a turn), and put it through the grid. Returns bytes read, 0 when there was
 * nothing or at end of file (TERMINAL_CLOSED was then delivered, as the last thing), -1 on error. */
ssize_t terminal_read(struct terminal *terminal, size_t limit, struct err *err);

/** Queue bytes for the program in the terminal, as typed. terminal_wants_write says whether the fd must be watched for EPOLLOUT, and
 * terminal_flush then writes on. */
void terminal_write(struct terminal *terminal, const char *bytes, size_t len);
/** A pasted text: bracketed if the program asked for it; control bytes but tab and newline are dropped. */
void terminal_paste(struct terminal *terminal, const char *bytes, size_t len);
bool terminal_wants_write(const struct terminal *terminal);
int terminal_flush(struct terminal *terminal, struct err *err);

/** Resize grid and pty (TIOCSWINSZ, so the program gets SIGWINCH). */
int terminal_resize(struct terminal *terminal, unsigned rows, unsigned cols, struct err *err);

unsigned terminal_rows(const struct terminal *terminal);
unsigned terminal_cols(const struct terminal *terminal);
/** Row @row of the grid (0…rows-1) or of the scrollback (-1 the newest line above the screen, -2 …). False if there is none. */
bool terminal_get(const struct terminal *terminal, int row, unsigned col, struct terminal_cell *cell);
size_t terminal_scrollback(const struct terminal *terminal);
/** Lines that ever left over the screen's top: with a row's number it names a line for good. */
uint64_t terminal_scrolled(const struct terminal *terminal);
/** UTF-8 text of one row as terminal_get numbers them, trailing blanks cut. Returns the length (may be 0), like snprintf. */
size_t terminal_row_text(const struct terminal *terminal, int row, char *buf, size_t size);
/** True where @row continues the line above it (it was wrapped). */
bool terminal_row_continues(const struct terminal *terminal, int row);

void terminal_cursor(const struct terminal *terminal, unsigned *row, unsigned *col, bool *visible);
/** Rows changed since the last call to terminal_clean: false when nothing changed. */
bool terminal_damage(const struct terminal *terminal, unsigned *first, unsigned *last);
void terminal_clean(struct terminal *terminal);

/** The program asked for cursor keys as ESC O A … instead of ESC [ A … (DECCKM). */
bool terminal_application_cursor(const struct terminal *terminal);
bool terminal_alternate(const struct terminal *terminal); /* a full-screen program has the alternate screen */
int terminal_mouse(const struct terminal *terminal); /* 0 none, 1 click, 2 drag, 3 move: what the program asked for */
/** A mouse event at cell (@row, @col): @button 1…3, 4/5 wheel up/down; @modifiers bits shift 1, alt 2, ctrl 4. */
void terminal_mouse_event(struct terminal *terminal, unsigned row, unsigned col, int button, bool pressed,
                          int modifiers);

/** True while our own readline may own the keys: the last mark is B of the shell this terminal was started with, that shell is the
 * terminal's foreground process group, and the terminal shows ICANON and ECHO. */
bool terminal_at_own_prompt(const struct terminal *terminal, pid_t own_shell);
/** True when any marked shell (nested ones included) is at its prompt. */
bool terminal_at_prompt(const struct terminal *terminal);
/** Where mark B left the cursor: where the line being edited begins. False if not at a prompt. */
bool terminal_prompt_position(const struct terminal *terminal, unsigned *row, unsigned *col);
/** The foreground process group (host pid), or -1. */
pid_t terminal_foreground(const struct terminal *terminal);

/** Send @line (no newline in it: EINVAL) as typed and accepted at a prompt. What would act on the tty or on readline is quoted with
 * VLNEXT. A canonical tty drops what is over 4,095 bytes of one line; there a longer line goes in pieces, each pushed to the reader by VEOF,
 * which ends a line only where it stands alone. */
int terminal_send_line(struct terminal *terminal, const char *line, struct err *err);

#endif

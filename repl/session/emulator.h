/** What a terminal does with the bytes a program writes: text, sequences and modes in; two grids, a cursor and replies out. No fds here.
 *
 * vtguard takes the bytes apart. Text, the common controls, SGR and saved cursors are done here, on the grids; everything else goes to
 * libvterm's state layer as one clean sequence, which moves the cursor and calls back to scroll and erase. libvterm sees no byte it could
 * trip over: only ASCII, one wide character that stands in for all others, and sequences it knows with arguments in range.
 *
 * Text has two ways that must give the same grid: straight into it, and through libvterm, glyph by glyph, when a mode is set that only
 * libvterm knows about (margins, insert, character sets …). tests/fuzz/terminal.c compares them.
 */
#ifndef REPL_SESSION_EMULATOR_H
#define REPL_SESSION_EMULATOR_H

#include "repl/session/glyph.h"
#include "repl/session/grid.h"
#include "repl/session/vtguard.h"

#include <vterm.h>

struct emulator_hooks {
    /** An OSC: @number, and what follows its first semicolon ("" if nothing), NUL-terminated. The cursor is where the sequence stood. */
    void (*osc)(int number, const char *text, void *data);
    void (*bell)(void *data);
    /** An answer for the program: a report it asked for, or a mouse event. */
    void (*reply)(const char *bytes, size_t len, void *data);
};

struct saved_cursor {
    bool valid;
    unsigned row, col;
    struct pen pen;
    char charsets[4]; /* finals of the sets designated G0…G3 */
    unsigned shifted; /* the one invoked */
};

struct emulator {
    const struct emulator_hooks *hooks;
    void *data;
    struct vtguard guard;
    VTerm *vt;
    VTermState *state;

    struct grid main, alternate, *grid; /* grid: the one shown */
    struct clusters clusters;
    struct widths widths;

    unsigned rows, cols;
    unsigned row, col;
    bool phantom; /* a glyph was written in the last column: the next one wraps first */
    struct pen pen;
    struct saved_cursor saved[2]; /* of the main and the alternate screen */
    uint32_t last_glyph;          /* what REP repeats; 0: nothing */
    unsigned last_width;

    struct emulator_modes {
        bool hidden_cursor, reverse, insert, newline, no_wrap, origin, own_tabs, bracketed_paste, application_cursor;
        int mouse;           /* 0…3 as terminal_mouse */
        unsigned margin_top; /* of the scrolling region */
        bool margins;        /* it is not the whole screen */
        char charsets[4];    /* 'B' is ASCII */
        unsigned shifted;
    } modes;

    bool stale;        /* libvterm's cursor is not ours: tell it before it acts */
    bool telling;      /* the glyph that tells it of a phantom is not to be drawn */
    uint32_t stand_in; /* the glyph that the next one put stands for; 0: itself */
    unsigned stand_in_width;
    bool in_text;                 /* callbacks come from text */
    bool no_save;                 /* lines scrolled off the top now are deleted, not scrolled */
    unsigned next_row, next_col;  /* where the next glyph of this text comes if nothing wraps */
    bool always_through_libvterm; /* tests: no text straight into the grid */
};

/** @rows and @cols at least 1 and 2. Returns 0, or -1 when out of memory. */
int emulator_init(struct emulator *emulator, unsigned rows, unsigned cols, size_t scrollback,
                  const struct emulator_hooks *hooks, void *data);
void emulator_free(struct emulator *emulator);
void emulator_feed(struct emulator *emulator, const char *bytes, size_t len);
/** Returns 0, or -1 when out of memory, nothing changed. */
int emulator_resize(struct emulator *emulator, unsigned rows, unsigned cols);
bool emulator_alternate(const struct emulator *emulator);

/* How its parts talk to each other. */

/** emulator_text.c: a run of text, and the controls that are as common. */
void emulator_text(struct emulator *emulator, const char *bytes, size_t len);
void emulator_control(struct emulator *emulator, unsigned char control);
void emulator_repeat(struct emulator *emulator, unsigned count);

/** emulator_sequence.c: hooks of the guard for everything else. */
void emulator_escape(char intermed, char final, void *data);
void emulator_csi(const struct vtguard_csi *csi, void *data);
void emulator_osc(const char *text, size_t len, void *data);
void emulator_dcs(const char *text, size_t len, void *data);

/** emulator.c: tell libvterm where the cursor is, give it @bytes, and take over where it left the cursor. */
void emulator_pass(struct emulator *emulator, const char *bytes, size_t len);

#endif

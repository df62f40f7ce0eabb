/** Where everything goes: a pure function of the screen's size. */
#ifndef REPL_SCREEN_LAYOUT_H
#define REPL_SCREEN_LAYOUT_H

#include <stdbool.h>

struct rect {
    unsigned row, col, rows, cols; /* rows or cols 0: it is not shown */
};

enum pane { PANE_TERMINAL, PANE_LESSON };
/* In a demo: what of it has the screen. */
enum spotlight { SPOTLIGHT_ALL, SPOTLIGHT_TERMINAL, SPOTLIGHT_STATE, SPOTLIGHT_LENS, SPOTLIGHT_LESSON, SPOTLIGHTS };

struct layout_options {
    bool zoomed;    /* one pane has the whole screen but for the message and status lines */
    enum pane zoom; /* which */
    bool presented; /* for a room: few panes under one another, the terminal the biggest */
    enum spotlight spotlight;
    bool lens; /* the lens is to be seen: beside the state where both have room, else in its place */
};

#define LAYOUT_MIN_COLS 40
#define LAYOUT_MIN_ROWS 12

struct layout {
    bool too_small; /* below the minimum: nothing but `message`, which is the whole screen */
    bool wide;      /* the lesson is left of the terminal; else above it */
    struct rect lesson_title, lesson, terminal_title, terminal, state_title, state, lens_title, lens, divider, message,
        status;
    struct rect gutter; /* left of the terminal, where it is presented: for the pointer */
};

/** Never overlapping, all inside @cols × @rows; the terminal has at least 2 columns and 1 row wherever it is shown. */
struct layout layout_compute(unsigned cols, unsigned rows, const struct layout_options *options);

#endif

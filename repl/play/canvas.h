/** A still picture of one or more terminals, laid out: cells that belong to nobody else, so that pictures can be kept and compared.
 *
 * Drawn from emulators; written as what changes one picture into the next (for an asciicast), or read row by row in runs of one look (for a page).
 */
#ifndef REPL_PLAY_CANVAS_H
#define REPL_PLAY_CANVAS_H

#include "repl/session/emulator.h"

#include <stdio.h>

struct canvas_cell {
    uint32_t chars[GLYPH_MARKS]; /* chars[0] 0: blank, or the right half of what is before it */
    uint16_t flags;              /* pen_flag and cell_flag */
    uint8_t fg, bg;              /* 0 where flags say there is none */
};

#define CANVAS_PANES 16
struct canvas {
    unsigned rows, cols;
    struct canvas_cell *cells;
    bool cursor; /* it is to be seen */
    unsigned cursor_row, cursor_col;
    struct canvas_pane {
        unsigned row, rows;
    } panes[CANVAS_PANES]; /* what scrolls by itself */
    unsigned pane_count;
};

/** Returns 0, or -1 when out of memory. */
int canvas_init(struct canvas *canvas, unsigned rows, unsigned cols);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);
void canvas_copy(struct canvas *to, const struct canvas *from); /* of the same size */

struct canvas_cell *canvas_row(const struct canvas *canvas, unsigned row);
/** A line of text at (@row, @col), cut off at the edge. Control characters are left out. Returns the column after it. */
unsigned canvas_text(struct canvas *canvas, unsigned row, unsigned col, const char *text, const struct pen *pen);
/** @rows rows of the emulator's screen from @first on, at @row. */
void canvas_draw(struct canvas *canvas, unsigned row, const struct emulator *emulator, unsigned first, unsigned rows);
/** Row @row of an emulator (negative: of its scrollback) as @cols cells. Returns how many there are before the blank ones at the end. */
unsigned canvas_cells(const struct emulator *emulator, long row, struct canvas_cell *cells, unsigned cols);

/** How many of @count cells, from the first on, are of one look. */
unsigned canvas_run(const struct canvas_cell *cells, unsigned count);
/** Their text, UTF-8. */
void canvas_put_text(FILE *out, const struct canvas_cell *cells, unsigned count);

/** The sequences that make a terminal that shows @before show @now. @before is changed on the way, to what scrolling made of it. */
void canvas_put_change(FILE *out, struct canvas *before, const struct canvas *now);

#endif

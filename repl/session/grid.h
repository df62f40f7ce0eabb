/** A screen of cells with the lines that were scrolled off its top.
 *
 * Rows are a ring, so scrolling moves no cells, and a row keeps only the cells that were written to it: the rest are its blank. Rows are
 * numbered 0…rows-1 on the screen and -1, -2 … in the scrollback, newest first. Rows and columns outside are ignored or read as blank.
 * A wide glyph is two cells; when one half is overwritten or cut off the other becomes blank. When memory runs out, what is written is lost
 * and nothing else.
 */
#ifndef REPL_SESSION_GRID_H
#define REPL_SESSION_GRID_H

#include "repl/session/pen.h"

enum cell_flag {
    CELL_WIDE = PEN_FLAGS + 1,  /* left half of a wide glyph */
    CELL_RIGHT = CELL_WIDE * 2, /* right half; glyph 0 */
};

struct cell {
    uint32_t glyph; /* a code point, a cluster (glyph.h), or 0: blank */
    uint16_t flags; /* pen_flag and cell_flag */
    uint8_t fg, bg;
};

struct row {
    struct cell *cells;
    unsigned used, capacity; /* cells written; cells there is room for */
    struct cell blank;       /* every cell from `used` on */
    bool continues;          /* the line above runs on in this one */
};

struct grid {
    unsigned rows, cols;
    struct row *ring;
    size_t ring_size, top; /* ring index of row 0 */
    size_t history, history_max;
    uint64_t scrolled;                /* lines that have left over the top: row + scrolled names a line for good */
    unsigned dirty_first, dirty_last; /* rows changed; first > last: none */
};

int grid_init(struct grid *grid, unsigned rows, unsigned cols, size_t history_max);
void grid_free(struct grid *grid);

/** The row, or NULL outside of screen and scrollback. */
struct row *grid_row(const struct grid *grid, long row);
/** The cell at any column of @row. */
struct cell row_cell(const struct row *row, unsigned col);

/** Write @len ASCII characters from (@row, @col) on, all on that row. */
void grid_put_ascii(struct grid *grid, unsigned row, unsigned col, const char *text, size_t len, const struct pen *pen);
/** Write one glyph of @width 1 or 2. */
void grid_put(struct grid *grid, unsigned row, unsigned col, uint32_t glyph, unsigned width, const struct pen *pen);
/** Exchange the glyph of a cell, when combining marks are added to it. */
void grid_replace(struct grid *grid, unsigned row, unsigned col, uint32_t glyph);

/** Blank a rectangle (ends exclusive) with @pen's background. @selective spares protected cells. */
void grid_erase(struct grid *grid, unsigned top, unsigned bottom, unsigned left, unsigned right, const struct pen *pen,
                bool selective);
/** Move rows @top…@bottom-1 by @lines (down when negative), blanking what comes free. Lines that leave over the screen's top go to the
 * scrollback if @save. */
void grid_scroll(struct grid *grid, unsigned top, unsigned bottom, int lines, const struct pen *pen, bool save);
/** Move the cells of columns @left…@right-1 left by @cells (right when negative) in rows @top…@bottom-1. */
void grid_shift(struct grid *grid, unsigned top, unsigned bottom, unsigned left, unsigned right, int cells,
                const struct pen *pen);
void grid_forget_history(struct grid *grid);

/** Rows for a grid of that size, for grid_resize; NULL when out of memory. */
struct row *grid_new_ring(const struct grid *grid, unsigned rows);
/** Change the size, keeping row @cursor on the screen: blank rows below it are given up first, then lines at the top, which go to the
 * scrollback and come back from it when there is room again. @ring is from grid_new_ring(@grid, @rows) and belongs to the grid then.
 * Returns how many rows everything moved down. */
int grid_resize(struct grid *grid, struct row *ring, unsigned rows, unsigned cols, unsigned cursor);

void grid_damage(struct grid *grid, unsigned first, unsigned last);
void grid_clean(struct grid *grid);

#endif

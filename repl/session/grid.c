#include "repl/session/grid.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct cell blank_of(const struct pen *pen)
{
    struct cell cell = { .flags = pen->flags & PEN_BG, .bg = pen->bg };
    return cell;
}

static size_t ring_index(const struct grid *grid, size_t offset)
{
    size_t at = grid->top + offset;
    return at >= grid->ring_size ? at - grid->ring_size : at;
}

static struct row *screen_row(const struct grid *grid, unsigned row)
{
    return &grid->ring[ring_index(grid, row)];
}

struct row *grid_row(const struct grid *grid, long row)
{
    if (row >= (long)grid->rows || row < -(long)grid->history)
        return NULL;
    return &grid->ring[ring_index(grid, row >= 0 ? (size_t)row : grid->ring_size - (size_t)-row)];
}

struct cell row_cell(const struct row *row, unsigned col)
{
    return col < row->used ? row->cells[col] : row->blank;
}

void grid_damage(struct grid *grid, unsigned first, unsigned last)
{
    if (first < grid->dirty_first)
        grid->dirty_first = first;
    if (last > grid->dirty_last)
        grid->dirty_last = last;
}

void grid_clean(struct grid *grid)
{
    grid->dirty_first = UINT_MAX;
    grid->dirty_last = 0;
}

static void row_clear(struct row *row, struct cell blank)
{
    row->used = 0;
    row->blank = blank;
    row->continues = false;
}

/* Make cells 0…@upto-1 real ones. False when out of memory: the row is then as it was. */
static bool row_extend(struct row *row, unsigned upto)
{
    if (upto > row->capacity) {
        unsigned capacity = row->capacity ? row->capacity : 16;
        while (capacity < upto)
            capacity *= 2;
        struct cell *cells = realloc(row->cells, capacity * sizeof(*cells));
        if (!cells)
            return false;
        row->cells = cells;
        row->capacity = capacity;
    }
    while (row->used < upto)
        row->cells[row->used++] = row->blank;
    return true;
}

/* Blank the other half of a wide glyph that is cut by an edit beginning at @col. */
static void row_cut(struct row *row, unsigned col)
{
    if (col == 0 || col >= row->used || !(row->cells[col].flags & CELL_RIGHT))
        return;
    for (unsigned at = col - 1; at <= col; at++) {
        row->cells[at].glyph = 0;
        row->cells[at].flags &= (uint16_t) ~(CELL_WIDE | CELL_RIGHT);
    }
}

static struct cell *row_open(struct grid *grid, unsigned row, unsigned col, unsigned count)
{
    struct row *line = screen_row(grid, row);
    /* The gap before @col must hold blanks; the cells themselves are about to be written. */
    unsigned end = col + count;
    row_cut(line, col);
    row_cut(line, end);
    if (line->used < end) {
        unsigned used = line->used;
        if (!row_extend(line, col > used ? col : used))
            return NULL;
        if (end > line->capacity && !row_extend(line, end))
            return NULL;
        line->used = end;
    }
    grid_damage(grid, row, row);
    return line->cells + col;
}

void grid_put_ascii(struct grid *grid, unsigned row, unsigned col, const char *text, size_t len, const struct pen *pen)
{
    if (row >= grid->rows || col >= grid->cols || len == 0)
        return;
    if (len > grid->cols - col)
        len = grid->cols - col;
    struct cell *cell = row_open(grid, row, col, (unsigned)len);
    if (!cell)
        return;
    struct cell written = { .flags = pen->flags, .fg = pen->fg, .bg = pen->bg };
    for (size_t i = 0; i < len; i++) {
        written.glyph = (unsigned char)text[i];
        cell[i] = written;
    }
}

void grid_put(struct grid *grid, unsigned row, unsigned col, uint32_t glyph, unsigned width, const struct pen *pen)
{
    if (row >= grid->rows || col >= grid->cols || width > grid->cols - col)
        return;
    struct cell *cell = row_open(grid, row, col, width);
    if (!cell)
        return;
    cell[0] = (struct cell){ .glyph = glyph, .flags = pen->flags, .fg = pen->fg, .bg = pen->bg };
    if (width == 2) {
        cell[1] = cell[0];
        cell[0].flags |= CELL_WIDE;
        cell[1].flags |= CELL_RIGHT;
        cell[1].glyph = 0;
    }
}

void grid_replace(struct grid *grid, unsigned row, unsigned col, uint32_t glyph)
{
    if (row >= grid->rows || col >= grid->cols)
        return;
    struct row *line = screen_row(grid, row);
    if (row_extend(line, col + 1))
        line->cells[col].glyph = glyph;
    grid_damage(grid, row, row);
}

static void row_erase(struct row *row, unsigned cols, unsigned left, unsigned right, struct cell blank, bool selective)
{
    if (left == 0 && !selective)
        row->continues = false;
    if (!selective && left == 0 && right >= cols) {
        row_clear(row, blank);
        return;
    }
    row_cut(row, left);
    row_cut(row, right);
    if (!selective && right >= cols && left <= row->used && memcmp(&row->blank, &blank, sizeof(blank)) == 0) {
        row->used = left < row->used ? left : row->used;
        return;
    }
    if (!row_extend(row, right))
        return;
    for (unsigned col = left; col < right; col++)
        if (!selective || !(row->cells[col].flags & PEN_PROTECTED))
            row->cells[col] = blank;
    if (selective) { /* a protected half keeps its glyph only with the other half */
        for (unsigned col = 0; col < row->used; col++) {
            bool wide = row->cells[col].flags & CELL_WIDE;
            bool right_half = row->cells[col].flags & CELL_RIGHT;
            if ((wide && !(col + 1 < row->used && row->cells[col + 1].flags & CELL_RIGHT)) ||
                (right_half && !(col > 0 && row->cells[col - 1].flags & CELL_WIDE)))
                row->cells[col] = blank;
        }
    }
}

void grid_erase(struct grid *grid, unsigned top, unsigned bottom, unsigned left, unsigned right, const struct pen *pen,
                bool selective)
{
    bottom = bottom < grid->rows ? bottom : grid->rows;
    right = right < grid->cols ? right : grid->cols;
    if (top >= bottom || left >= right)
        return;
    for (unsigned row = top; row < bottom; row++)
        row_erase(screen_row(grid, row), grid->cols, left, right, blank_of(pen), selective);
    grid_damage(grid, top, bottom - 1);
}

/* Move row @from to @to, the rows between them one step the other way. */
static void rotate(struct grid *grid, unsigned from, unsigned to)
{
    struct row moved = *screen_row(grid, from);
    for (unsigned row = from; row < to; row++)
        *screen_row(grid, row) = *screen_row(grid, row + 1);
    for (unsigned row = from; row > to; row--)
        *screen_row(grid, row) = *screen_row(grid, row - 1);
    *screen_row(grid, to) = moved;
}

static void scroll_into_history(struct grid *grid)
{
    grid->top = ring_index(grid, 1);
    if (grid->history < grid->history_max)
        grid->history++;
    grid->scrolled++;
}

void grid_scroll(struct grid *grid, unsigned top, unsigned bottom, int lines, const struct pen *pen, bool save)
{
    bottom = bottom < grid->rows ? bottom : grid->rows;
    if (top >= bottom || lines == 0)
        return;
    struct cell blank = blank_of(pen);
    if (save && lines == 1 && top == 0 &&
        bottom == grid->rows) { /* a line at the end of the screen: the row comes round, nothing moves */
        scroll_into_history(grid);
        row_clear(screen_row(grid, bottom - 1), blank);
        grid_damage(grid, 0, bottom - 1);
        return;
    }
    unsigned height = bottom - top, count = lines < 0 ? 0u - (unsigned)lines : (unsigned)lines;
    if (count > height)
        count = height;
    save = save && top == 0 && lines > 0;
    for (unsigned i = 0; i < count; i++) {
        if (save) {
            scroll_into_history(grid);
            if (bottom < grid->rows)
                rotate(grid, grid->rows - 1, bottom - 1);
        } else if (lines > 0) {
            rotate(grid, top, bottom - 1);
        } else {
            rotate(grid, bottom - 1, top);
        }
        row_clear(screen_row(grid, lines > 0 ? bottom - 1 : top), blank);
    }
    grid_damage(grid, top, bottom - 1);
}

void grid_shift(struct grid *grid, unsigned top, unsigned bottom, unsigned left, unsigned right, int cells,
                const struct pen *pen)
{
    bottom = bottom < grid->rows ? bottom : grid->rows;
    right = right < grid->cols ? right : grid->cols;
    if (top >= bottom || left >= right || cells == 0)
        return;
    unsigned width = right - left, count = cells < 0 ? 0u - (unsigned)cells : (unsigned)cells;
    if (count > width)
        count = width;
    for (unsigned row = top; row < bottom; row++) {
        struct row *line = screen_row(grid, row);
        if (!row_extend(line, grid->cols))
            continue;
        /* Both edges, and where the moved part is torn off. */
        row_cut(line, left);
        row_cut(line, right);
        row_cut(line, cells > 0 ? left + count : right - count);
        struct cell *at = line->cells + left;
        memmove(cells > 0 ? at : at + count, cells > 0 ? at + count : at, (width - count) * sizeof(*at));
        struct cell *freed = cells > 0 ? at + width - count : at;
        for (unsigned i = 0; i < count; i++)
            freed[i] = blank_of(pen);
    }
    grid_damage(grid, top, bottom - 1);
}

void grid_forget_history(struct grid *grid)
{
    grid->history = 0;
}

int grid_init(struct grid *grid, unsigned rows, unsigned cols, size_t history_max)
{
    memset(grid, 0, sizeof(*grid));
    grid->rows = rows;
    grid->cols = cols;
    grid->history_max = history_max;
    grid->ring_size = history_max + rows;
    grid->ring = calloc(grid->ring_size, sizeof(*grid->ring));
    grid->dirty_first = 0;
    grid->dirty_last = rows - 1;
    return grid->ring ? 0 : -1;
}

void grid_free(struct grid *grid)
{
    for (size_t i = 0; grid->ring && i < grid->ring_size; i++)
        free(grid->ring[i].cells);
    free(grid->ring);
    grid->ring = NULL;
}

static bool row_empty(const struct row *row)
{
    for (unsigned col = 0; col < row->used; col++)
        if (row->cells[col].glyph)
            return false;
    return true;
}

struct row *grid_new_ring(const struct grid *grid, unsigned rows)
{
    return calloc(grid->history_max + rows, sizeof(struct row));
}

int grid_resize(struct grid *grid, struct row *ring, unsigned rows, unsigned cols, unsigned cursor)
{
    size_t size = grid->history_max + rows;

    /* The rows worth keeping end with the last one written to, or the cursor's. */
    unsigned kept = grid->rows;
    while (kept > rows && kept - 1 > cursor && row_empty(screen_row(grid, kept - 1)))
        kept--;
    int down = 0;
    if (kept > rows)
        down = -(int)(kept - rows);
    else if (rows > grid->rows && grid->history_max)
        down = (int)(rows - grid->rows < grid->history ? rows - grid->rows : grid->history);

    /* Every old row finds its new place, or is let go. */
    size_t history = 0;
    for (long old = -(long)grid->history; old < (long)grid->rows; old++) {
        struct row *from = grid_row(grid, old);
        long to = old + down;
        if (to >= (long)rows || to < -(long)grid->history_max)
            continue;
        if (to < 0 && (size_t)-to > history)
            history = (size_t)-to;
        ring[to >= 0 ? (size_t)to : size - (size_t)-to] = *from;
        from->cells = NULL;
    }
    grid_free(grid);
    grid->ring = ring;
    grid->ring_size = size;
    grid->top = 0;
    grid->history = history;
    grid->rows = rows;
    grid->cols = cols;
    grid->scrolled -= (uint64_t)(int64_t)down;
    for (unsigned row = 0; row < rows; row++) {
        struct row *line = screen_row(grid, row);
        row_cut(line, cols);
        if (line->used > cols)
            line->used = cols;
    }
    grid->dirty_first = 0;
    grid->dirty_last = rows - 1;
    return down;
}

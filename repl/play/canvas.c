#include "repl/play/canvas.h"

#include "repl/screen/utf8.h"

#include <stdlib.h>
#include <string.h>

#define LOOK (PEN_FLAGS & ~PEN_PROTECTED)

int canvas_init(struct canvas *canvas, unsigned rows, unsigned cols)
{
    *canvas = (struct canvas){ .rows = rows, .cols = cols };
    canvas->cells = calloc((size_t)rows * cols, sizeof *canvas->cells);
    return canvas->cells ? 0 : -1;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->cells);
    canvas->cells = NULL;
}

void canvas_clear(struct canvas *canvas)
{
    memset(canvas->cells, 0, (size_t)canvas->rows * canvas->cols * sizeof *canvas->cells);
    canvas->cursor = false;
    canvas->pane_count = 0;
}

void canvas_copy(struct canvas *to, const struct canvas *from)
{
    struct canvas_cell *cells = to->cells;
    memcpy(cells, from->cells, (size_t)from->rows * from->cols * sizeof *cells);
    *to = *from;
    to->cells = cells;
}

struct canvas_cell *canvas_row(const struct canvas *canvas, unsigned row)
{
    return canvas->cells + (size_t)row * canvas->cols;
}

unsigned canvas_text(struct canvas *canvas, unsigned row, unsigned col, const char *text, const struct pen *pen)
{
    struct canvas_cell *cells = canvas_row(canvas, row);
    for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
        uint32_t code;
        n = utf8_decode(text, len, &code);
        unsigned width = utf8_cells(code);
        if (code < 0x20 || (code >= 0x7f && code < 0xa0) || width == 0)
            continue;
        if (col + width > canvas->cols)
            break;
        for (unsigned i = 0; i < width; i++)
            cells[col + i] = (struct canvas_cell){ .flags = pen->flags, .fg = pen->fg, .bg = pen->bg };
        cells[col].chars[0] = code == ' ' ? 0 : code;
        if (width == 2) {
            cells[col].flags |= CELL_WIDE;
            cells[col + 1].flags |= CELL_RIGHT;
        }
        col += width;
    }
    return col;
}

unsigned canvas_cells(const struct emulator *emulator, long row, struct canvas_cell *cells, unsigned cols)
{
    const struct row *line = grid_row(emulator->grid, row);
    unsigned used = 0;
    for (unsigned col = 0; col < cols; col++) {
        struct cell cell = { 0 };
        if (line && col < emulator->cols)
            cell = row_cell(line, col);
        struct canvas_cell *to = &cells[col];
        memset(to, 0, sizeof *to);
        clusters_get(&emulator->clusters, cell.glyph, to->chars);
        to->flags = cell.flags & (LOOK | CELL_WIDE | CELL_RIGHT);
        if (emulator->modes.reverse && col < emulator->cols)
            to->flags ^= PEN_REVERSE;
        if (to->chars[0] == ' ' && !to->chars[1])
            to->chars[0] = 0;
        if (to->flags & PEN_FG)
            to->fg = cell.fg;
        if (to->flags & PEN_BG)
            to->bg = cell.bg;
        bool seen = to->chars[0] || (to->flags & (PEN_BG | PEN_REVERSE | PEN_UNDERLINE | PEN_STRIKE | CELL_RIGHT));
        if (seen)
            used = col + 1;
    }
    return used;
}

void canvas_draw(struct canvas *canvas, unsigned row, const struct emulator *emulator, unsigned first, unsigned rows)
{
    for (unsigned i = 0; i < rows && row + i < canvas->rows; i++)
        canvas_cells(emulator, (long)first + i, canvas_row(canvas, row + i), canvas->cols);
}

static const struct canvas_cell no_look;

static bool same_look(const struct canvas_cell *a, const struct canvas_cell *b)
{
    return ((a->flags ^ b->flags) & LOOK) == 0 && a->fg == b->fg && a->bg == b->bg;
}

unsigned canvas_run(const struct canvas_cell *cells, unsigned count)
{
    unsigned n = 0;
    while (n < count && same_look(&cells[n], &cells[0]))
        n++;
    return n;
}

void canvas_put_text(FILE *out, const struct canvas_cell *cells, unsigned count)
{
    char bytes[4];
    for (unsigned i = 0; i < count; i++) {
        if (cells[i].flags & CELL_RIGHT)
            continue;
        if (!cells[i].chars[0])
            fputc(' ', out);
        for (unsigned k = 0; k < GLYPH_MARKS && cells[i].chars[k]; k++) {
            size_t len = utf8_encode(cells[i].chars[k], bytes);
            fwrite(bytes, 1, len, out);
        }
    }
}

/* --- from one picture to the next -------------------------------------------------------------------------------------------------- */

static bool same_cell(const struct canvas_cell *a, const struct canvas_cell *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool same_row(const struct canvas *a, unsigned row_a, const struct canvas *b, unsigned row_b)
{
    return memcmp(canvas_row(a, row_a), canvas_row(b, row_b), a->cols * sizeof(struct canvas_cell)) == 0;
}

static bool empty_row(const struct canvas *canvas, unsigned row)
{
    const struct canvas_cell *cells = canvas_row(canvas, row);
    for (unsigned col = 0; col < canvas->cols; col++)
        if (cells[col].chars[0] || cells[col].flags)
            return false;
    return true;
}

/* By how many rows did @pane scroll? What is written anew is to be clearly less then. */
static unsigned scrolled_by(const struct canvas *before, const struct canvas *now, const struct canvas_pane *pane)
{
    unsigned best = 0, most = 0;
    for (unsigned by = 0; by < pane->rows; by++) {
        unsigned same = 0;
        for (unsigned row = pane->row; row + by < pane->row + pane->rows; row++)
            same += same_row(before, row + by, now, row) && !empty_row(now, row);
        if (same > most + (by ? 1 : 0)) {
            most = same;
            best = by;
        }
    }
    return best;
}

/* What the terminal that is written to has by now: only what differs is said. */
struct brush {
    FILE *out;
    unsigned row, col;
    bool placed; /* the cursor is at row, col */
    struct canvas_cell pen;
};

static void move(struct brush *brush, unsigned row, unsigned col)
{
    if (!brush->placed || brush->row != row || brush->col != col)
        fprintf(brush->out, "\033[%u;%uH", row + 1, col + 1);
    brush->row = row;
    brush->col = col;
    brush->placed = true;
}

static void put_pen(struct brush *brush, const struct canvas_cell *cell)
{
    static const struct {
        uint16_t flag;
        uint8_t code;
    } codes[] = { { PEN_BOLD, 1 },  { PEN_DIM, 2 },     { PEN_ITALIC, 3 }, { PEN_UNDERLINE, 4 },
                  { PEN_BLINK, 5 }, { PEN_REVERSE, 7 }, { PEN_STRIKE, 9 } };
    FILE *out = brush->out;
    if (same_look(cell, &brush->pen))
        return;
    brush->pen = *cell;
    fputs("\033[0", out);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (cell->flags & codes[i].flag)
            fprintf(out, ";%u", codes[i].code);
    for (int ground = 0; ground < 2; ground++) {
        unsigned colour = ground ? cell->bg : cell->fg, base = ground ? 40 : 30;
        if (!(cell->flags & (ground ? PEN_BG : PEN_FG)))
            continue;
        if (colour < 8)
            fprintf(out, ";%u", base + colour);
        else if (colour < 16)
            fprintf(out, ";%u", base + 60 + colour - 8);
        else
            fprintf(out, ";%u;5;%u", base + 8, colour);
    }
    fputc('m', out);
}

static void scroll(struct brush *brush, struct canvas *before, const struct canvas_pane *pane, unsigned by)
{
    struct canvas_cell *cells = canvas_row(before, pane->row);
    size_t kept = (size_t)(pane->rows - by) * before->cols, gone = (size_t)by * before->cols;
    put_pen(brush, &no_look);
    fprintf(brush->out, "\033[%u;%ur\033[%uS\033[r", pane->row + 1, pane->row + pane->rows, by);
    brush->placed = false; /* margins put it home */
    memmove(cells, cells + gone, kept * sizeof *cells);
    memset(cells + kept, 0, gone * sizeof *cells);
}

static void change_row(struct brush *brush, const struct canvas *before, const struct canvas *now, unsigned row)
{
    const struct canvas_cell *old = canvas_row(before, row), *new = canvas_row(now, row);
    unsigned from = 0, to = now->cols, end = now->cols;
    while (same_cell(&old[from], &new[from]))
        from++;
    while (same_cell(&old[to - 1], &new[to - 1]))
        to--;
    while (from > 0 && (new[from].flags &CELL_RIGHT || old[from].flags &CELL_RIGHT))
        from--;
    while (to < now->cols && (new[to].flags &CELL_RIGHT || old[to].flags &CELL_RIGHT))
        to++;
    while (end > 0 && same_cell(&new[end - 1], &no_look))
        end--;
    for (unsigned at = from, run; at < to && at < end; at += run) {
        unsigned stop = to < end ? to : end;
        run = canvas_run(new + at, stop - at);
        move(brush, row, at);
        put_pen(brush, &new[at]);
        canvas_put_text(brush->out, new + at, run);
        brush->col += run;
    }
    if (end < to) {
        move(brush, row, from > end ? from : end);
        put_pen(brush, &no_look);
        fputs("\033[K", brush->out);
    }
    brush->placed &= brush->col < now->cols; /* else it is still in the last column */
}

void canvas_put_change(FILE *out, struct canvas *before, const struct canvas *now)
{
    struct brush brush = { .out = out, .row = before->cursor_row, .col = before->cursor_col, .placed = before->cursor };
    for (unsigned i = 0; i < now->pane_count; i++) {
        unsigned by = scrolled_by(before, now, &now->panes[i]);
        if (by)
            scroll(&brush, before, &now->panes[i], by);
    }
    for (unsigned row = 0; row < now->rows; row++)
        if (!same_row(before, row, now, row))
            change_row(&brush, before, now, row);
    put_pen(&brush, &no_look);
    if (now->cursor)
        move(&brush, now->cursor_row, now->cursor_col);
    if (now->cursor != before->cursor)
        fputs(now->cursor ? "\033[?25h" : "\033[?25l", out);
}

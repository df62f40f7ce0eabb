#include "repl/session/emulator.h"

#include <string.h>

enum { THROUGH_MAX = 512 }; /* bytes given to libvterm at once: it takes four times as much of the stack */

/* No mode is set in which text does more than fill cells and wrap. */
static inline bool straight(const struct emulator *emulator)
{
    const struct emulator_modes *modes = &emulator->modes;
    return !modes->margins && !modes->insert && !modes->no_wrap && !modes->origin && modes->shifted == 0 &&
           modes->charsets[0] == 'B' && !emulator->always_through_libvterm;
}

static void linefeed(struct emulator *emulator)
{
    if (emulator->row + 1 == emulator->rows)
        grid_scroll(emulator->grid, 0, emulator->rows, 1, &emulator->pen, true);
    else
        emulator->row++;
}

static void wrap(struct emulator *emulator)
{
    linefeed(emulator);
    emulator->col = 0;
    emulator->phantom = false;
}

static void mark_wrapped(struct emulator *emulator, bool wrapped)
{
    if (emulator->col == 0)
        grid_row(emulator->grid, emulator->row)->continues = wrapped;
}

/* --- straight into the grid ------------------------------------------------------------------------------------------------------- */

static void advance(struct emulator *emulator, unsigned width)
{
    emulator->phantom = emulator->col + width >= emulator->cols;
    if (!emulator->phantom)
        emulator->col += width;
}

static void put(struct emulator *emulator, uint32_t glyph, unsigned width)
{
    bool wrapped = emulator->phantom || emulator->col + width > emulator->cols;
    if (wrapped)
        wrap(emulator);
    mark_wrapped(emulator, wrapped);
    grid_put(emulator->grid, emulator->row, emulator->col, glyph, width, &emulator->pen);
    advance(emulator, width);
    emulator->last_glyph = glyph;
    emulator->last_width = width;
    emulator->stale = true;
}

static void put_ascii(struct emulator *emulator, const char *text, size_t len)
{
    while (len > 0) {
        bool wrapped = emulator->phantom;
        if (wrapped)
            wrap(emulator);
        mark_wrapped(emulator, wrapped);
        size_t room = emulator->cols - emulator->col, count = len < room ? len : room;
        grid_put_ascii(emulator->grid, emulator->row, emulator->col, text, count, &emulator->pen);
        emulator->last_glyph = (unsigned char)text[count - 1];
        emulator->last_width = 1;
        emulator->phantom = count == room;
        emulator->col += (unsigned)count - emulator->phantom;
        text += count;
        len -= count;
    }
    emulator->stale = true;
}

/* --- through libvterm ------------------------------------------------------------------------------------------------------------- */

static void begin_through(struct emulator *emulator)
{
    emulator->in_text = true;
    emulator->next_row = emulator->row;
    emulator->next_col = emulator->phantom ? emulator->cols : emulator->col;
}

static void end_through(struct emulator *emulator)
{
    emulator->in_text = false;
    /* The cursor stays on a glyph only at the edge. */
    emulator->phantom = !emulator->modes.no_wrap && emulator->next_row == emulator->row &&
                        emulator->next_col >= emulator->cols && emulator->col < emulator->next_col;
}

static void through(struct emulator *emulator, uint32_t glyph, unsigned width)
{
    begin_through(emulator);
    emulator->stand_in = glyph;
    emulator->stand_in_width = width;
    emulator_pass(emulator, width == 2 ? "\xe4\xb8\x80" : "x", width == 2 ? 3 : 1);
    emulator->stand_in = 0;
    end_through(emulator);
}

static void through_ascii(struct emulator *emulator, const char *text, size_t len)
{
    while (len > 0) {
        size_t count = len < THROUGH_MAX ? len : THROUGH_MAX;
        begin_through(emulator);
        emulator_pass(emulator, text, count);
        end_through(emulator);
        text += count;
        len -= count;
    }
}

/* --- both ------------------------------------------------------------------------------------------------------------------------- */

static void one(struct emulator *emulator, uint32_t glyph, unsigned width)
{
    (straight(emulator) ? put : through)(emulator, glyph, width);
}

/* A combining mark joins the glyph left of the cursor. */
static void combine(struct emulator *emulator, uint32_t mark)
{
    unsigned col = emulator->col;
    if (!emulator->phantom && col-- == 0)
        return;
    struct row *line = grid_row(emulator->grid, emulator->row);
    if (col > 0 && row_cell(line, col).flags & CELL_RIGHT)
        col--;
    uint32_t glyph = clusters_add(&emulator->clusters, row_cell(line, col).glyph, mark);
    grid_replace(emulator->grid, emulator->row, col, glyph);
    if (emulator->last_glyph)
        emulator->last_glyph = glyph;
}

static size_t ascii_length(const char *bytes, size_t len)
{
    size_t at = 0;
    for (uint64_t word; at + 8 <= len; at += 8) {
        memcpy(&word, bytes + at, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    while (at < len && (unsigned char)bytes[at] < 0x80)
        at++;
    return at;
}

void emulator_text(struct emulator *emulator, const char *bytes, size_t len)
{
    bool direct = straight(emulator);
    while (len > 0) {
        size_t used = ascii_length(bytes, len);
        if (used > 0) {
            (direct ? put_ascii : through_ascii)(emulator, bytes, used);
        } else {
            uint32_t code;
            used = vtguard_decode(bytes, len, &code);
            int width = widths_of(&emulator->widths, code);
            if (width > 0)
                one(emulator, code, (unsigned)width);
            else if (width == 0)
                combine(emulator, code);
        }
        bytes += used;
        len -= used;
    }
}

void emulator_repeat(struct emulator *emulator, unsigned count)
{
    unsigned room = emulator->phantom ? 0 : emulator->cols - emulator->col;
    if (!emulator->last_glyph)
        return;
    if (count > room / emulator->last_width)
        count = room / emulator->last_width;
    for (unsigned i = 0; i < count; i++)
        one(emulator, emulator->last_glyph, emulator->last_width);
}

static void move_to_col(struct emulator *emulator, unsigned col)
{
    if (col == emulator->col)
        return;
    emulator->col = col;
    emulator->phantom = false;
}

static void control_straight(struct emulator *emulator, unsigned char control)
{
    switch (control) {
    case '\r':
        move_to_col(emulator, 0);
        break;
    case '\n':
    case '\v':
    case '\f':
        linefeed(emulator);
        emulator->phantom = false;
        if (emulator->modes.newline)
            emulator->col = 0;
        break;
    case '\b':
        if (emulator->col > 0)
            move_to_col(emulator, emulator->col - 1);
        break;
    case '\t': {
        unsigned col = (emulator->col / 8 + 1) * 8;
        move_to_col(emulator, col < emulator->cols ? col : emulator->cols - 1);
        break;
    }
    }
    emulator->stale = true;
}

static void control_through(struct emulator *emulator, unsigned char control)
{
    unsigned row = emulator->row, col = emulator->col;
    bool feed = control == '\n' || control == '\v' || control == '\f';
    char byte = (char)control;
    emulator_pass(emulator, &byte, 1);
    if (!emulator->phantom)
        return;
    if (feed || emulator->row != row || emulator->col != col)
        emulator->phantom = false;
    emulator->stale = true; /* scrolling, libvterm forgets to let the wrap go */
}

void emulator_control(struct emulator *emulator, unsigned char control)
{
    switch (control) {
    case '\a':
        emulator->hooks->bell(emulator->data);
        return;
    case '\t':
    case '\r':
    case '\n':
    case '\v':
    case '\f':
    case '\b':
        emulator->last_glyph = 0;
        if (straight(emulator) && !(control == '\t' && emulator->modes.own_tabs))
            control_straight(emulator, control);
        else
            control_through(emulator, control);
        return;
    case 0x0e: /* shift out: G1 */
    case 0x0f: /* shift in: G0 */
        emulator->modes.shifted = control == 0x0e;
        emulator_pass(emulator, control == 0x0e ? "\016" : "\017", 1);
        return;
    }
}

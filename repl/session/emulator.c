#include "repl/session/emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 2000 }; /* rows or columns: libvterm counts cells in an int */

bool emulator_alternate(const struct emulator *emulator)
{
    return emulator->grid == &emulator->alternate;
}

/* --- libvterm's state layer calls back -------------------------------------------------------------------------------------------- */

static int on_putglyph(VTermGlyphInfo *info, VTermPos pos, void *data)
{
    struct emulator *emulator = data;
    if (emulator->telling || pos.row < 0 || pos.col < 0)
        return 1;
    unsigned row = (unsigned)pos.row, col = (unsigned)pos.col;
    uint32_t glyph = emulator->stand_in ? emulator->stand_in : info->chars[0];
    unsigned width = emulator->stand_in ? emulator->stand_in_width : 1;
    grid_put(emulator->grid, row, col, glyph, width, &emulator->pen);
    if (!emulator->in_text)
        return 1;
    struct row *line = grid_row(emulator->grid, pos.row);
    if (line && col == 0)
        line->continues = row != emulator->next_row || col != emulator->next_col;
    emulator->next_row = row;
    emulator->next_col = col + width;
    emulator->last_glyph = glyph;
    emulator->last_width = width;
    return 1;
}

static int on_scrollrect(VTermRect rect, int downward, int rightward, void *data)
{
    struct emulator *emulator = data;
    unsigned top = (unsigned)rect.start_row, bottom = (unsigned)rect.end_row;
    if (emulator->telling || rect.start_row < 0 || rect.end_row < 0 || rect.start_col < 0 || rect.end_col < 0)
        return 1;
    if (downward)
        grid_scroll(emulator->grid, top, bottom, downward, &emulator->pen, !emulator->no_save);
    if (emulator->stand_in && rightward) /* insert mode, which makes room for one column whatever the glyph */
        rightward *= (int)emulator->stand_in_width;
    if (rightward)
        grid_shift(emulator->grid, top, bottom, (unsigned)rect.start_col, (unsigned)rect.end_col, rightward,
                   &emulator->pen);
    return 1;
}

static int on_erase(VTermRect rect, int selective, void *data)
{
    struct emulator *emulator = data;
    if (rect.start_row < 0 || rect.end_row < 0 || rect.start_col < 0 || rect.end_col < 0)
        return 1;
    grid_erase(emulator->grid, (unsigned)rect.start_row, (unsigned)rect.end_row, (unsigned)rect.start_col,
               (unsigned)rect.end_col, &emulator->pen, selective);
    return 1;
}

static int on_settermprop(VTermProp prop, VTermValue *value, void *data)
{
    struct emulator *emulator = data;
    switch (prop) {
    case VTERM_PROP_CURSORVISIBLE:
        emulator->modes.hidden_cursor = !value->boolean;
        break;
    case VTERM_PROP_REVERSE:
        emulator->modes.reverse = value->boolean;
        grid_damage(emulator->grid, 0, emulator->rows - 1);
        break;
    case VTERM_PROP_MOUSE:
        emulator->modes.mouse = value->number;
        break;
    case VTERM_PROP_ALTSCREEN:
        emulator->grid = value->boolean ? &emulator->alternate : &emulator->main;
        grid_damage(emulator->grid, 0, emulator->rows - 1);
        break;
    default:
        break;
    }
    return 1;
}

static const VTermStateCallbacks state_callbacks = {
    .putglyph = on_putglyph,
    .scrollrect = on_scrollrect,
    .erase = on_erase,
    .settermprop = on_settermprop,
};

static void on_output(const char *bytes, size_t len, void *data)
{
    struct emulator *emulator = data;
    emulator->hooks->reply(bytes, len, emulator->data);
}

/* --- giving it bytes -------------------------------------------------------------------------------------------------------------- */

/* Put libvterm's cursor where ours is. In origin mode it counts rows from the top margin. */
static void tell_cursor(struct emulator *emulator)
{
    char sequence[40];
    unsigned row = emulator->row;
    if (emulator->modes.origin)
        row = row > emulator->modes.margin_top ? row - emulator->modes.margin_top : 0;
    int len = snprintf(sequence, sizeof(sequence), "\033[%u;%uH", row + 1, emulator->col + 1);
    emulator->telling = true;
    vterm_input_write(emulator->vt, sequence, (size_t)len);
    if (emulator->phantom) {
        /* Only a glyph in the last column makes it wrap at the next one. */
        bool wide = emulator->col + 2 == emulator->cols;
        vterm_input_write(emulator->vt, wide ? "\xe4\xb8\x80" : "x", wide ? 3 : 1);
    }
    emulator->telling = false;
    emulator->stale = false;
}

void emulator_pass(struct emulator *emulator, const char *bytes, size_t len)
{
    if (emulator->stale)
        tell_cursor(emulator);
    vterm_input_write(emulator->vt, bytes, len);
    VTermPos pos;
    vterm_state_get_cursorpos(emulator->state, &pos);
    emulator->row = pos.row < 0 ? 0 : (unsigned)pos.row;
    emulator->col = pos.col < 0 ? 0 : (unsigned)pos.col;
}

/* --- hooks of the guard ----------------------------------------------------------------------------------------------------------- */

static void on_text(const char *bytes, size_t len, void *data)
{
    emulator_text(data, bytes, len);
}

static void on_control(unsigned char control, void *data)
{
    emulator_control(data, control);
}

static const struct vtguard_hooks guard_hooks = {
    .text = on_text,
    .control = on_control,
    .escape = emulator_escape,
    .csi = emulator_csi,
    .osc = emulator_osc,
    .dcs = emulator_dcs,
};

void emulator_feed(struct emulator *emulator, const char *bytes, size_t len)
{
    vtguard_feed(&emulator->guard, bytes, len);
}

/* --- life -------------------------------------------------------------------------------------------------------------------------- */

static unsigned side(unsigned wanted, unsigned least)
{
    return wanted < least ? least : wanted > SIDE_MAX ? SIDE_MAX : wanted;
}

int emulator_init(struct emulator *emulator, unsigned rows, unsigned cols, size_t scrollback,
                  const struct emulator_hooks *hooks, void *data)
{
    memset(emulator, 0, sizeof(*emulator));
    emulator->hooks = hooks;
    emulator->data = data;
    emulator->rows = side(rows, 1);
    emulator->cols = side(cols, 2);
    memset(emulator->modes.charsets, 'B', sizeof(emulator->modes.charsets));
    vtguard_init(&emulator->guard, &guard_hooks, emulator);
    emulator->grid = &emulator->main;
    if (grid_init(&emulator->main, emulator->rows, emulator->cols, scrollback) < 0 ||
        grid_init(&emulator->alternate, emulator->rows, emulator->cols, 0) < 0 ||
        !(emulator->vt = vterm_new((int)emulator->rows, (int)emulator->cols))) {
        emulator_free(emulator);
        return -1;
    }
    vterm_set_utf8(emulator->vt, 1);
    vterm_output_set_callback(emulator->vt, on_output, emulator);
    emulator->state = vterm_obtain_state(emulator->vt);
    vterm_state_set_callbacks(emulator->state, &state_callbacks, emulator);
    vterm_state_reset(emulator->state, 1);
    return 0;
}

void emulator_free(struct emulator *emulator)
{
    if (emulator->vt)
        vterm_free(emulator->vt);
    grid_free(&emulator->main);
    grid_free(&emulator->alternate);
    clusters_free(&emulator->clusters);
    widths_free(&emulator->widths);
}

static void keep_inside(struct emulator *emulator, unsigned *row, unsigned *col, int moved)
{
    long to = (long)*row + moved;
    *row = to < 0 ? 0 : to >= (long)emulator->rows ? emulator->rows - 1 : (unsigned)to;
    if (*col >= emulator->cols)
        *col = emulator->cols - 1;
}

int emulator_resize(struct emulator *emulator, unsigned rows, unsigned cols)
{
    rows = side(rows, 1);
    cols = side(cols, 2);
    if (rows == emulator->rows && cols == emulator->cols)
        return 0;
    bool alternate = emulator_alternate(emulator);
    struct saved_cursor *away = &emulator->saved[0]; /* the main screen's cursor while the other is shown */
    unsigned main_row = alternate ? away->valid ? away->row : 0 : emulator->row;
    unsigned old_cols = emulator->cols;
    struct row *main_ring = grid_new_ring(&emulator->main, rows);
    struct row *alternate_ring = grid_new_ring(&emulator->alternate, rows);
    if (!main_ring || !alternate_ring) {
        free(main_ring);
        free(alternate_ring);
        return -1;
    }
    int main_moved = grid_resize(&emulator->main, main_ring, rows, cols, main_row);
    int alternate_moved = grid_resize(&emulator->alternate, alternate_ring, rows, cols, alternate ? emulator->row : 0);

    /* libvterm keeps a margin below the new last row, and then scrolls rows it does not have: take margins and origin mode away first. */
    emulator->stale = false;
    vterm_input_write(emulator->vt, "\033[r\033[?6l", 8);
    emulator->modes.margins = emulator->modes.origin = false;
    emulator->modes.margin_top = 0;
    vterm_set_size(emulator->vt, (int)rows, (int)cols);
    emulator->rows = rows;
    emulator->cols = cols;

    if (emulator->phantom && cols != old_cols) {
        emulator->phantom = false;
        emulator->col += cols > old_cols; /* the wrap that was due has room now */
    }
    keep_inside(emulator, &emulator->row, &emulator->col, alternate ? alternate_moved : main_moved);
    keep_inside(emulator, &emulator->saved[0].row, &emulator->saved[0].col, main_moved);
    keep_inside(emulator, &emulator->saved[1].row, &emulator->saved[1].col, alternate_moved);
    emulator->stale = true;
    return 0;
}

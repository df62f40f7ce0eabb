#include "repl/session/emulator.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PASSED_ARGS = 8,   /* none of the sequences passed on has more */
    PASSED_MAX = 9999, /* libvterm adds these to a cursor position in an int */
};

static int arg(const struct vtguard_csi *csi, unsigned at, int missing)
{
    return at < csi->count && csi->args[at].value >= 0 ? csi->args[at].value : missing;
}

static void feed(struct emulator *emulator, const char *sequence)
{
    emulator_pass(emulator, sequence, strlen(sequence));
}

/* --- saved cursors ---------------------------------------------------------------------------------------------------------------- */

/* libvterm has one saved cursor for both screens and does not mind a resize that leaves it outside, so they are kept here. */
static void save_cursor(struct emulator *emulator)
{
    struct saved_cursor *saved = &emulator->saved[emulator_alternate(emulator)];
    saved->valid = true;
    saved->row = emulator->row;
    saved->col = emulator->col;
    saved->pen = emulator->pen;
    memcpy(saved->charsets, emulator->modes.charsets, sizeof(saved->charsets));
    saved->shifted = emulator->modes.shifted;
}

static void shift(struct emulator *emulator, unsigned set)
{
    static const char *const sequences[] = { "\017", "\016", "\033n", "\033o" };
    emulator->modes.shifted = set;
    feed(emulator, sequences[set]);
}

static void designate(struct emulator *emulator, unsigned set, char charset)
{
    char sequence[] = { 033, "()*+"[set], charset, 0 };
    emulator->modes.charsets[set] = charset;
    feed(emulator, sequence);
}

static void place_cursor(struct emulator *emulator, unsigned row, unsigned col)
{
    emulator->row = row;
    emulator->col = col;
    emulator->phantom = false;
    emulator->stale = true;
    if (emulator->modes.origin) /* libvterm clamps it to the region */
        feed(emulator, "");
}

static void restore_cursor(struct emulator *emulator)
{
    static const struct saved_cursor home = { .charsets = { 'B', 'B', 'B', 'B' } };
    const struct saved_cursor *saved = &emulator->saved[emulator_alternate(emulator)];
    if (!saved->valid)
        saved = &home;
    for (unsigned set = 0; set < 4; set++)
        if (saved->charsets[set] != emulator->modes.charsets[set])
            designate(emulator, set, saved->charsets[set]);
    if (saved->shifted != emulator->modes.shifted)
        shift(emulator, saved->shifted);
    emulator->pen = saved->pen;
    place_cursor(emulator, saved->row, saved->col);
}

/* --- modes ------------------------------------------------------------------------------------------------------------------------ */

static void pass_mode(struct emulator *emulator, bool private, int mode, bool on)
{
    char sequence[32];
    snprintf(sequence, sizeof(sequence), "\033[%s%d%c", private ? "?" : "", mode, on ? 'h' : 'l');
    feed(emulator, sequence);
}

static void set_alternate(struct emulator *emulator, bool on)
{
    if (on == emulator_alternate(emulator))
        return;
    bool phantom = emulator->phantom;
    pass_mode(emulator, true, 1047, on);
    emulator->stale |= phantom;
}

static void set_private_mode(struct emulator *emulator, int mode, bool on)
{
    struct emulator_modes *modes = &emulator->modes;
    switch (mode) {
    case 1:
        modes->application_cursor = on;
        break;
    case 6:
        feed(emulator, ""); /* it must know where the cursor is by the old mode */
        modes->origin = on;
        pass_mode(emulator, true, mode, on);
        emulator->phantom = false;
        emulator->stale = true; /* it keeps the wrap when the cursor was home already */
        return;
    case 7:
        modes->no_wrap = !on;
        emulator->stale |= emulator->phantom;
        emulator->phantom &= on;
        break;
    case 2004:
        modes->bracketed_paste = on;
        break;
    case 5:
    case 12:
    case 25:
    case 1000:
    case 1002:
    case 1003:
    case 1004:
    case 1005:
    case 1006:
    case 1015:
        break;
    case 47:
    case 1047:
        set_alternate(emulator, on);
        return;
    case 1048:
        if (on)
            save_cursor(emulator);
        else
            restore_cursor(emulator);
        return;
    case 1049:
        if (on == emulator_alternate(emulator))
            return;
        if (on)
            save_cursor(emulator);
        set_alternate(emulator, on);
        if (!on)
            restore_cursor(emulator);
        return;
    default: /* unknown; or 69, left and right margins, which nothing here needs and libvterm trips over */
        return;
    }
    pass_mode(emulator, true, mode, on);
}

static void set_mode(struct emulator *emulator, int mode, bool on)
{
    if (mode == 4)
        emulator->modes.insert = on;
    else if (mode == 20)
        emulator->modes.newline = on;
    else
        return;
    pass_mode(emulator, false, mode, on);
}

/* The modes of @csi, one by one: libvterm reads only the first. */
static void set_modes(struct emulator *emulator, const struct vtguard_csi *csi)
{
    for (unsigned i = 0; i < csi->count; i++)
        (csi->leader ? set_private_mode : set_mode)(emulator, arg(csi, i, 0), csi->final == 'h');
}

static void soft_reset(struct emulator *emulator)
{
    unsigned row = emulator->row, col = emulator->col;
    feed(emulator, "\033[4l\033[?6l\033[?1l\033[?7h\033[?25h\033[r");
    struct emulator_modes *modes = &emulator->modes;
    modes->insert = modes->origin = modes->no_wrap = modes->application_cursor = modes->margins = false;
    modes->margin_top = 0;
    for (unsigned set = 0; set < 4; set++)
        designate(emulator, set, 'B');
    shift(emulator, 0);
    emulator->pen = (struct pen){ 0 };
    emulator->saved[emulator_alternate(emulator)].valid = false;
    place_cursor(emulator, row, col);
}

static void hard_reset(struct emulator *emulator)
{
    set_alternate(emulator, false);
    feed(emulator, "\033[?1000l\033[?1006l\033[?5l");
    emulator->pen = (struct pen){ 0 };
    feed(emulator, "\033c");
    emulator->modes = (struct emulator_modes){ .charsets = { 'B', 'B', 'B', 'B' } };
    emulator->saved[0].valid = emulator->saved[1].valid = false;
    emulator->phantom = emulator->stale = false;
}

/* --- sequences libvterm carries out ------------------------------------------------------------------------------------------------ */

static const struct passed {
    char leader, intermed;
    const char *finals;
} passed[] = {
    { 0, 0, "@ABCDEFGHIJKLMPSTXZ`acdefgjknr" },
    { '?', 0, "JKn" },
    { '>', 0, "c" },
    { '?', '$', "p" },
    { 0, ' ', "q" },
    { 0, '"', "q" },
    { 0, '\'', "}~" },
};

static bool is_passed(const struct vtguard_csi *csi)
{
    for (unsigned i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        if (csi->leader == passed[i].leader && csi->intermed == passed[i].intermed)
            return strchr(passed[i].finals, csi->final) != NULL;
    return false;
}

static void pass_csi(struct emulator *emulator, const struct vtguard_csi *csi)
{
    char sequence[PASSED_ARGS * 5 + 16];
    size_t at = 0;
    sequence[at++] = 033;
    sequence[at++] = '[';
    if (csi->leader)
        sequence[at++] = csi->leader;
    for (unsigned i = 0; i < csi->count && i < PASSED_ARGS; i++) {
        int value = csi->args[i].value;
        if (i > 0)
            sequence[at++] = ';';
        if (value >= 0)
            at += (size_t)snprintf(sequence + at, sizeof(sequence) - at, "%d", value > PASSED_MAX ? PASSED_MAX : value);
    }
    if (csi->intermed)
        sequence[at++] = csi->intermed;
    sequence[at++] = csi->final;

    unsigned row = emulator->row, col = emulator->col;
    emulator->no_save = csi->final == 'M' && !csi->intermed; /* deleted lines are not scrolled off */
    emulator_pass(emulator, sequence, at);
    emulator->no_save = false;
    if (emulator->phantom) {
        bool moves = !csi->leader && !csi->intermed && strchr("ABCDEFGH`adefjkr", csi->final);
        emulator->phantom = !moves && emulator->row == row && emulator->col == col;
        emulator->stale = true;
    }
}

/* What libvterm makes of DECSTBM's arguments. */
static void note_margins(struct emulator *emulator, const struct vtguard_csi *csi)
{
    int rows = (int)emulator->rows, top = arg(csi, 0, 1) - 1, bottom = arg(csi, 1, rows);
    top = top < 0 ? 0 : top > rows ? rows : top;
    bottom = bottom > rows ? rows : bottom;
    if (bottom <= top) {
        top = 0;
        bottom = rows;
    }
    emulator->modes.margins = top > 0 || bottom < rows;
    emulator->modes.margin_top = (unsigned)top;
}

static bool csi_is(const struct vtguard_csi *csi, char leader, char intermed, char final)
{
    return csi->leader == leader && csi->intermed == intermed && csi->final == final;
}

void emulator_csi(const struct vtguard_csi *csi, void *data)
{
    struct emulator *emulator = data;
    if (csi_is(csi, 0, 0, 'm')) {
        pen_sgr(&emulator->pen, csi);
        return;
    }
    if (csi_is(csi, 0, 0, 'b')) {
        int count = arg(csi, 0, 1);
        emulator_repeat(emulator, count > 0 ? (unsigned)count : 1);
        return;
    }
    emulator->last_glyph = 0;
    if (csi->leader != '>' && csi->leader != '=' && csi->leader != '<' && !csi->intermed &&
        (csi->final == 'h' || csi->final == 'l'))
        set_modes(emulator, csi);
    else if (csi_is(csi, 0, 0, 's') && csi->count == 0)
        save_cursor(emulator);
    else if (csi_is(csi, 0, 0, 'u'))
        restore_cursor(emulator);
    else if (csi_is(csi, 0, '!', 'p'))
        soft_reset(emulator);
    else if (csi_is(csi, 0, 0, 'J') && arg(csi, 0, 0) == 3)
        grid_forget_history(emulator->grid);
    else if (is_passed(csi)) {
        if (csi_is(csi, 0, 0, 'r')) {
            feed(emulator, ""); /* it must know where the cursor is by the old margins */
            note_margins(emulator, csi);
        }
        if (csi_is(csi, 0, 0, 'g'))
            emulator->modes.own_tabs = true;
        if (csi_is(csi, 0, '"', 'q')) {
            emulator->pen.flags &= (uint16_t)~PEN_PROTECTED;
            emulator->pen.flags |= arg(csi, 0, 0) == 1 ? PEN_PROTECTED : 0;
        }
        pass_csi(emulator, csi);
    }
}

void emulator_escape(char intermed, char final, void *data)
{
    struct emulator *emulator = data;
    char sequence[] = { 033, final, 0 };
    const char *set = intermed ? strchr("()*+", intermed) : NULL;
    emulator->last_glyph = 0;
    if (set) {
        designate(emulator, (unsigned)(set - "()*+"), strchr("0A", final) ? final : 'B');
        return;
    }
    if (intermed == '#' && final == '8') {
        feed(emulator, "\033#8");
        emulator->stale |= emulator->phantom;
        return;
    }
    if (intermed)
        return;
    switch (final) {
    case '7':
        save_cursor(emulator);
        break;
    case '8':
        restore_cursor(emulator);
        break;
    case 'c':
        hard_reset(emulator);
        break;
    case 'n':
        shift(emulator, 2);
        break;
    case 'o':
        shift(emulator, 3);
        break;
    case 'H':
        emulator->modes.own_tabs = true;
        feed(emulator, sequence);
        break;
    case 'D':
    case 'E':
    case 'M':
        feed(emulator, sequence);
        emulator->stale |= emulator->phantom;
        emulator->phantom = false;
        break;
    case '=':
    case '>':
        feed(emulator, sequence);
        break;
    }
}

void emulator_osc(const char *text, size_t len, void *data)
{
    struct emulator *emulator = data;
    emulator->last_glyph = 0;
    char *end;
    if (len == 0 || text[0] < '0' || text[0] > '9')
        return;
    long number = strtol(text, &end, 10);
    if (number > INT_MAX || (*end != ';' && *end != '\0'))
        return;
    emulator->hooks->osc((int)number, *end ? end + 1 : end, emulator->data);
}

/* Of all device control strings only the requests (DECRQSS) that libvterm answers from what it knows are let through. */
void emulator_dcs(const char *text, size_t len, void *data)
{
    static const char *const requests[] = { "$q q", "$q\"q", "$qr" };
    struct emulator *emulator = data;
    emulator->last_glyph = 0;
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (strcmp(text, requests[i]) == 0) {
            char sequence[16];
            snprintf(sequence, sizeof(sequence), "\033P%s\033\\", text);
            feed(emulator, sequence);
        }
}

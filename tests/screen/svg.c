#include "tests/screen/svg.h"

#include <wchar.h>

#define CELL_WIDTH 8.4
#define CELL_HEIGHT 18
#define FONT_SIZE 14
#define MARGIN 12
#define FOREGROUND 0xd5d9e0
#define BACKGROUND 0x14161b

static const unsigned palette[16] = { 0x1c1f26, 0xe06c5f, 0x8fbf6a, 0xe5b567, 0x6aa9e9, 0xc08ae0, 0x5fc1c9, 0xd5d9e0,
                                      0x6b7280, 0xff8f80, 0xb2e08a, 0xffd37f, 0x93c7ff, 0xdcb0ff, 0x8be5ec, 0xffffff };

/* xterm's 256 colours: 16 of the palette, a cube, a ramp of greys. */
static unsigned colour(int index, unsigned otherwise)
{
    if (index < 0)
        return otherwise;
    if (index < 16)
        return palette[index];
    if (index >= 232)
        return (unsigned)(8 + 10 * (index - 232)) * 0x10101u;
    const int parts[3] = { (index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6 };
    unsigned rgb = 0;
    for (int i = 0; i < 3; i++)
        rgb = rgb << 8 | (unsigned)(parts[i] ? 55 + 40 * parts[i] : 0);
    return rgb;
}

static bool same_look(const struct terminal_cell *a, const struct terminal_cell *b)
{
    return a->fg == b->fg && a->bg == b->bg && a->bold == b->bold && a->dim == b->dim && a->italic == b->italic &&
           a->underline == b->underline && a->reverse == b->reverse;
}

static void put_glyph(FILE *out, uint32_t c)
{
    if (c == '&' || c == '<' || c == '>')
        fprintf(out, "&#%u;", c);
    else
        fprintf(out, "%lc", (wint_t)(c ? c : ' '));
}

/* A run of cells of one look: its ground, and its text stretched to its cells so that columns stay columns in any font. */
static void draw_run(FILE *out, const struct terminal *terminal, unsigned row, unsigned from, unsigned to,
                     const struct terminal_cell *look)
{
    unsigned ink = colour(look->fg, FOREGROUND), ground = colour(look->bg, BACKGROUND);
    if (look->reverse) {
        unsigned swap = ink;
        ink = ground;
        ground = swap;
    }
    double x = MARGIN + from * CELL_WIDTH, width = (to - from) * CELL_WIDTH;
    unsigned y = MARGIN + row * CELL_HEIGHT;
    if (ground != BACKGROUND)
        fprintf(out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>\n", x, y, width,
                CELL_HEIGHT, ground);
    bool blank = !look->underline;
    struct terminal_cell cell;
    for (unsigned col = from; blank && col < to; col++)
        blank = terminal_get(terminal, (int)row, col, &cell) && (cell.chars[0] == 0 || cell.chars[0] == ' ');
    if (blank)
        return;
    fprintf(out, "<text x=\"%.1f\" y=\"%u\" textLength=\"%.1f\" fill=\"#%06x\"%s%s%s%s>", x, y + FONT_SIZE, width, ink,
            look->bold ? " font-weight=\"bold\"" : "", look->italic ? " font-style=\"italic\"" : "",
            look->underline ? " text-decoration=\"underline\"" : "", look->dim ? " opacity=\"0.65\"" : "");
    for (unsigned col = from; col < to; col++)
        if (terminal_get(terminal, (int)row, col, &cell) && cell.chars[0] != (uint32_t)-1)
            for (size_t i = 0; i == 0 || (i < 6 && cell.chars[i]); i++)
                put_glyph(out, cell.chars[i]);
    fprintf(out, "</text>\n");
}

void svg_row(FILE *out, const struct terminal *terminal, unsigned row)
{
    unsigned cols = terminal_cols(terminal);
    for (unsigned from = 0, col = 1; from < cols; col++) {
        struct terminal_cell first, here;
        terminal_get(terminal, (int)row, from, &first);
        if (col < cols && terminal_get(terminal, (int)row, col, &here) &&
            (here.chars[0] == (uint32_t)-1 || same_look(&first, &here)))
            continue;
        draw_run(out, terminal, row, from, col, &first);
        from = col;
    }
}

void svg_begin(FILE *out, unsigned rows, unsigned cols)
{
    double width = cols * CELL_WIDTH + 2 * MARGIN;
    unsigned height = rows * CELL_HEIGHT + 2 * MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %u\" width=\"%.0f\" height=\"%u\"\n"
            "     font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\" "
            "xml:space=\"preserve\">\n"
            "<rect width=\"%.0f\" height=\"%u\" rx=\"8\" fill=\"#%06x\"/>\n",
            width, height, width, height, FONT_SIZE, width, height, BACKGROUND);
}

void svg_end(FILE *out)
{
    fprintf(out, "</svg>\n");
}

#include "repl/session/pen.h"

/* What a plain SGR argument sets and clears. */
static const struct sgr {
    uint8_t code;
    uint16_t set, clear;
} sgrs[] = {
    { 1, PEN_BOLD, 0 },     { 2, PEN_DIM, 0 },        { 3, PEN_ITALIC, 0 },
    { 5, PEN_BLINK, 0 },    { 6, PEN_BLINK, 0 },      { 7, PEN_REVERSE, 0 },
    { 9, PEN_STRIKE, 0 },   { 21, PEN_UNDERLINE, 0 }, { 22, 0, PEN_BOLD | PEN_DIM },
    { 23, 0, PEN_ITALIC },  { 24, 0, PEN_UNDERLINE }, { 25, 0, PEN_BLINK },
    { 27, 0, PEN_REVERSE }, { 29, 0, PEN_STRIKE },    { 39, 0, PEN_FG },
    { 49, 0, PEN_BG },
};

static int distance(int a, int b)
{
    return (a - b) * (a - b);
}

uint8_t pen_nearest(int red, int green, int blue)
{
    static const int levels[] = { 0, 95, 135, 175, 215, 255 };
    const int rgb[] = { red, green, blue };
    int cube = 16, cube_distance = 0;
    for (int i = 0; i < 3; i++) {
        int best = 0;
        for (int level = 1; level < 6; level++)
            if (distance(rgb[i], levels[level]) < distance(rgb[i], levels[best]))
                best = level;
        cube += best * (i == 0 ? 36 : i == 1 ? 6 : 1);
        cube_distance += distance(rgb[i], levels[best]);
    }
    int average = (red + green + blue) / 3;
    int step = average < 8 ? 0 : average > 238 ? 23 : (average - 8 + 5) / 10;
    int grey = 8 + 10 * step;
    int grey_distance = distance(red, grey) + distance(green, grey) + distance(blue, grey);
    return (uint8_t)(grey_distance < cube_distance ? 232 + step : cube);
}

static int value_at(const struct vtguard_csi *csi, unsigned at)
{
    return at < csi->count && csi->args[at].value > 0 ? csi->args[at].value : 0;
}

static int channel(int value)
{
    return value > 255 ? 255 : value;
}

/* 38 or 48 at @at: `38;5;N`, `38;2;R;G;B`, and with colons `38:5:N`, `38:2:R:G:B`, `38:2:SPACE:R:G:B`. Returns the index after it; *@colour
 * is -1 when it says none. */
static unsigned extended_colour(const struct vtguard_csi *csi, unsigned at, int *colour)
{
    unsigned end = at + 1;
    bool colons = csi->args[at].more;
    if (colons)
        while (end < csi->count && csi->args[end - 1].more)
            end++;
    *colour = -1;
    switch (value_at(csi, at + 1)) {
    case 5:
        if (colons ? end - at >= 3 : at + 2 < csi->count)
            *colour = channel(value_at(csi, at + 2));
        return colons ? end : at + 3;
    case 2: {
        unsigned first = colons && end - at >= 6 ? at + 3 : at + 2;
        if (colons ? end - at >= 5 : at + 4 < csi->count)
            *colour = pen_nearest(channel(value_at(csi, first)), channel(value_at(csi, first + 1)),
                                  channel(value_at(csi, first + 2)));
        return colons ? end : at + 5;
    }
    default:
        return colons ? end : at + 2;
    }
}

static void set_fg(struct pen *pen, int colour)
{
    pen->flags |= PEN_FG;
    pen->fg = (uint8_t)colour;
}

static void set_bg(struct pen *pen, int colour)
{
    pen->flags |= PEN_BG;
    pen->bg = (uint8_t)colour;
}

void pen_sgr(struct pen *pen, const struct vtguard_csi *csi)
{
    unsigned at = 0;
    do {
        int code = value_at(csi, at), colour;
        unsigned next = at + 1;
        if (code == 38 || code == 48) {
            next = extended_colour(csi, at, &colour);
            if (colour >= 0)
                (code == 38 ? set_fg : set_bg)(pen, colour);
        } else {
            while (next < csi->count && csi->args[next - 1].more)
                next++;
            if (code == 0)
                pen->flags &= PEN_PROTECTED;
            else if (code == 4 && next > at + 1 && value_at(csi, at + 1) == 0) /* 4:0 */
                pen->flags &= (uint16_t)~PEN_UNDERLINE;
            else if (code == 4)
                pen->flags |= PEN_UNDERLINE;
            else if (code >= 30 && code <= 37)
                set_fg(pen, code - 30);
            else if (code >= 40 && code <= 47)
                set_bg(pen, code - 40);
            else if (code >= 90 && code <= 97)
                set_fg(pen, code - 90 + 8);
            else if (code >= 100 && code <= 107)
                set_bg(pen, code - 100 + 8);
            else
                for (unsigned i = 0; i < sizeof(sgrs) / sizeof(sgrs[0]); i++)
                    if (sgrs[i].code == code)
                        pen->flags = (uint16_t)((pen->flags | sgrs[i].set) & ~sgrs[i].clear);
        }
        at = next;
    } while (at < csi->count);
}

#include "repl/screen/draw.h"

#include "repl/screen/utf8.h"

#include <curses.h>
#include <string.h>

static attr_t curses_attributes(unsigned attributes)
{
    return (attributes & STYLE_BOLD ? A_BOLD : 0) | (attributes & STYLE_DIM ? A_DIM : 0) |
           (attributes & STYLE_UNDERLINE ? A_UNDERLINE : 0) | (attributes & STYLE_REVERSE ? A_REVERSE : 0) |
           (attributes & STYLE_ITALIC ? A_ITALIC : 0);
}

/* Nearest of the 16 ANSI colours for one of the 256, by which of its parts are strong. */
static int reduce_to_16(int color)
{
    if (color < 16)
        return color;
    int red, green, blue;
    if (color >= 232) {
        red = green = blue = (color - 232) * 10 + 8;
    } else {
        red = (color - 16) / 36 * 51;
        green = (color - 16) / 6 % 6 * 51;
        blue = (color - 16) % 6 * 51;
    }
    int most = red > green ? red : green;
    most = blue > most ? blue : most;
    if (most < 40)
        return 0;
    int ansi = (red * 2 > most) | (green * 2 > most) << 1 | (blue * 2 > most) << 2;
    return most > 180 && ansi != 7 ? ansi + 8 : most > 230 ? 15 : ansi == 7 && most < 128 ? 8 : ansi;
}

static int usable_color(int color)
{
    if (color < 0 || color < COLORS)
        return color;
    color = reduce_to_16(color);
    return color < COLORS ? color : color & 7;
}

/* 0 where there is none. */
static int color_pair(const struct theme *theme, int fg, int bg)
{
    struct style ground = theme_ground(theme);
    fg = fg < 0 ? ground.fg : fg;
    bg = bg < 0 ? ground.bg : bg;
    int pair = COLORS >= 8 && (fg >= 0 || bg >= 0) ? alloc_pair(usable_color(fg), usable_color(bg)) : 0;
    return pair < 0 ? 0 : pair;
}

void draw_style(const struct theme *theme, int fg, int bg, unsigned attributes)
{
    int pair = color_pair(theme, fg, bg);
    attr_set(curses_attributes(attributes), 0, &pair);
}

void draw_role(const struct theme *theme, enum role role)
{
    struct style style = theme_style(theme, role);
    draw_style(theme, style.fg, style.bg, style.attributes);
}

void draw_ground(const struct theme *theme)
{
    cchar_t blank;
    struct style ground = theme_ground(theme);
    int pair = ground.fg < 0 ? 0 : alloc_pair(usable_color(ground.fg), usable_color(ground.bg));
    if (pair < 0 || setcchar(&blank, L" ", A_NORMAL, 0, &pair) == ERR)
        return;
    bkgrndset(&blank);
    erase();
}

unsigned draw_text(const struct theme *theme, const struct rect *rect, unsigned row, unsigned col, enum role role,
                   const char *text)
{
    if (row >= rect->rows || col >= rect->cols)
        return 0;
    size_t fit = utf8_fit(text, strlen(text), rect->cols - col);
    draw_role(theme, role);
    mvaddnstr((int)(rect->row + row), (int)(rect->col + col), text, (int)fit);
    return utf8_width(text, fit);
}

void draw_clear_row(const struct theme *theme, const struct rect *rect, unsigned row, unsigned col)
{
    if (row >= rect->rows || col >= rect->cols)
        return;
    draw_role(theme, ROLE_TEXT);
    mvhline((int)(rect->row + row), (int)(rect->col + col), ' ', (int)(rect->cols - col));
}

void draw_clear(const struct theme *theme, const struct rect *rect)
{
    for (unsigned row = 0; row < rect->rows; row++)
        draw_clear_row(theme, rect, row, 0);
}

void draw_line(const struct theme *theme, const struct rect *rect, unsigned row, const struct line *line)
{
    unsigned col = 0;
    for (size_t i = 0; i < line->count; i++)
        col += draw_text(theme, rect, row, col, line->spans[i].role, line->spans[i].text);
    draw_clear_row(theme, rect, row, col);
}

/* With a title, at every key that is echoed: written glyph by glyph it would take as long as all else. */
static void draw_rule(const struct theme *theme, const struct rect *rect)
{
    const struct style style = theme_style(theme, ROLE_FAINT);
    const char *glyph = theme_glyph(theme, GLYPH_HORIZONTAL);
    uint32_t character;
    cchar_t rule;
    int pair = color_pair(theme, style.fg, style.bg);
    utf8_decode(glyph, strlen(glyph), &character);
    if (setcchar(&rule, (const wchar_t[]){ (wchar_t)character, 0 }, curses_attributes(style.attributes), 0, &pair) !=
        ERR)
        mvhline_set((int)rect->row, (int)rect->col, &rule, (int)rect->cols);
}

void draw_title(const struct theme *theme, const struct rect *rect, enum role role, const char *left, const char *right)
{
    if (rect->rows == 0)
        return;
    draw_rule(theme, rect);
    unsigned col = 2, right_cells = utf8_width(right, strlen(right));
    struct rect cut = *rect;
    if (right_cells + 8 < rect->cols && *right) {
        unsigned at = rect->cols - right_cells - 4;
        draw_text(theme, rect, 0, at, ROLE_TEXT, " ");
        draw_text(theme, rect, 0, at + 1, ROLE_TEXT, right);
        draw_text(theme, rect, 0, at + 1 + right_cells, ROLE_TEXT, " ");
        cut.cols = at - 1;
    } else if (cut.cols > 2) {
        cut.cols -= 2;
    }
    if (!*left)
        return;
    if (role == ROLE_FOCUS) /* not by colour alone */
        draw_text(theme, &cut, 0, col - 1, role, theme_glyph(theme, GLYPH_CURRENT));
    col += draw_text(theme, &cut, 0, col, role, " ");
    col += draw_text(theme, &cut, 0, col, role, left);
    draw_text(theme, &cut, 0, col, role, " ");
}

void draw_marked(const struct theme *theme, const struct rect *rect, unsigned row)
{
    draw_role(theme, ROLE_SELECTED);
    attr_t attributes;
    short pair;
    int wide_pair = 0;
    attr_get(&attributes, &pair, &wide_pair);
    mvchgat((int)(rect->row + row), (int)rect->col, (int)rect->cols, attributes, pair, &wide_pair);
}

void draw_vertical(const struct theme *theme, const struct rect *rect)
{
    for (unsigned row = 0; row < rect->rows; row++)
        draw_text(theme, rect, row, 0, ROLE_FAINT, theme_glyph(theme, GLYPH_VERTICAL));
}

#include "repl/screen/theme.h"

#include <stdlib.h>

enum { BLUE = 4, CYAN = 6, YELLOW = 3, WHITE = 7, BRIGHT = 8, OWN = -1 };

/* Each role in the two kinds of look. Colours above 7 fall to their dark relative plus bold where there are only eight; blue as a text
 * colour is bright or not used, as dark blue on black cannot be read from the last row. Orange is ANSI yellow. */
static const struct {
    struct style colour;
    unsigned mono;
} roles[ROLES] = {
    [ROLE_TEXT] = { { OWN, OWN, 0 }, 0 },
    [ROLE_FAINT] = { { OWN, OWN, STYLE_DIM }, STYLE_DIM },
    [ROLE_HEADING] = { { OWN, OWN, STYLE_BOLD | STYLE_UNDERLINE }, STYLE_BOLD | STYLE_UNDERLINE },
    [ROLE_STRONG] = { { OWN, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_EMPHASIS] = { { OWN, OWN, STYLE_ITALIC }, STYLE_UNDERLINE },
    [ROLE_CODE] = { { CYAN, OWN, 0 }, STYLE_BOLD },
    [ROLE_TODO] = { { YELLOW + BRIGHT, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_LINK] = { { OWN, OWN, STYLE_UNDERLINE }, STYLE_UNDERLINE },
    [ROLE_QUOTE] = { { OWN, OWN, STYLE_ITALIC }, 0 },
    [ROLE_PASSED] = { { CYAN + BRIGHT, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_FAILED] = { { YELLOW, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_NOTICE] = { { YELLOW, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_DIFFERS] = { { YELLOW, OWN, STYLE_BOLD }, STYLE_BOLD },
    [ROLE_SAME] = { { CYAN, OWN, 0 }, 0 },
    [ROLE_TITLE] = { { OWN, OWN, 0 }, 0 },
    [ROLE_FOCUS] = { { CYAN + BRIGHT, OWN, STYLE_BOLD }, STYLE_BOLD | STYLE_REVERSE },
    [ROLE_STATUS] = { { OWN, OWN, 0 }, 0 },
    [ROLE_STATUS_KEY] = { { OWN, OWN, STYLE_BOLD | STYLE_REVERSE }, STYLE_BOLD | STYLE_REVERSE },
    [ROLE_STATUS_NOW] = { { 0, YELLOW, STYLE_BOLD }, STYLE_BOLD | STYLE_REVERSE | STYLE_UNDERLINE },
    [ROLE_SUGGESTION] = { { OWN, OWN, STYLE_DIM | STYLE_ITALIC }, STYLE_DIM },
    [ROLE_SELECTED] = { { OWN, OWN, STYLE_BOLD | STYLE_REVERSE }, STYLE_BOLD | STYLE_REVERSE },
};

static const struct {
    const char *utf8, *ascii;
} glyphs[GLYPHS] = {
    [GLYPH_HORIZONTAL] = { "─", "-" }, [GLYPH_VERTICAL] = { "│", "|" },     [GLYPH_TEE_DOWN] = { "┬", "+" },
    [GLYPH_TEE_UP] = { "┴", "+" },     [GLYPH_TEE_RIGHT] = { "├", "+" },    [GLYPH_CROSS] = { "┼", "+" },
    [GLYPH_GUTTER] = { "│", "|" },     [GLYPH_TODO] = { "▶", ">" },         [GLYPH_PASSED] = { "✓", "+" },
    [GLYPH_FAILED] = { "✗", "x" },     [GLYPH_CURRENT] = { "▶", ">" },      [GLYPH_AHEAD] = { "·", "." },
    [GLYPH_SKIPPED] = { "−", "-" },    [GLYPH_DIFFERS] = { "≠", "#" },      [GLYPH_SAME] = { "=", "=" },
    [GLYPH_BULLET] = { "•", "*" },     [GLYPH_BULLET_INNER] = { "◦", "-" }, [GLYPH_ELLIPSIS] = { "…", "~" },
    [GLYPH_DOT] = { "·", "-" },        [GLYPH_DASH] = { "—", "-" },         [GLYPH_MORE_ABOVE] = { "▲", "^" },
    [GLYPH_MORE_BELOW] = { "▼", "v" }, [GLYPH_CONTINUES] = { "↵", "\\" },
};

static const struct {
    uint32_t first, last;
    const char *ascii;
} relatives[] = {
    { 0x00a0, 0x00a0, " " },  { 0x00ab, 0x00ab, "\"" },  { 0x00b7, 0x00b7, "." },  { 0x00bb, 0x00bb, "\"" },
    { 0x00d7, 0x00d7, "x" },  { 0x2010, 0x2015, "-" },   { 0x2018, 0x201b, "'" },  { 0x201c, 0x201f, "\"" },
    { 0x2022, 0x2022, "*" },  { 0x2026, 0x2026, "..." }, { 0x2032, 0x2032, "'" },  { 0x2033, 0x2033, "\"" },
    { 0x2190, 0x2190, "<-" }, { 0x2191, 0x2191, "^" },   { 0x2192, 0x2192, "->" }, { 0x2193, 0x2193, "v" },
    { 0x2212, 0x2212, "-" },  { 0x2248, 0x2248, "~" },   { 0x2260, 0x2260, "!=" }, { 0x2264, 0x2264, "<=" },
    { 0x2265, 0x2265, ">=" }, { 0x2500, 0x2501, "-" },   { 0x2502, 0x2503, "|" },  { 0x250c, 0x254b, "+" },
    { 0x2550, 0x2550, "=" },  { 0x2551, 0x2551, "|" },   { 0x2552, 0x256c, "+" },  { 0x25b6, 0x25b6, ">" },
    { 0x2713, 0x2714, "+" },  { 0x2717, 0x2718, "x" },
};

enum look theme_look(int colors)
{
    const char *no_color = getenv("NO_COLOR");
    if ((no_color && *no_color) || colors < 8)
        return LOOK_MONO;
    return colors >= 16 ? LOOK_16 : LOOK_8;
}

struct style theme_style(const struct theme *theme, enum role role)
{
    if (theme->look == LOOK_MONO)
        return (struct style){ OWN, OWN, roles[role].mono };
    struct style style = roles[role].colour;
    if (theme->look == LOOK_8 && style.fg >= BRIGHT) {
        style.fg -= BRIGHT;
        style.attributes |= STYLE_BOLD;
    }
    return style;
}

const char *theme_glyph(const struct theme *theme, enum glyph glyph)
{
    return theme->ascii ? glyphs[glyph].ascii : glyphs[glyph].utf8;
}

const char *theme_ascii(uint32_t character)
{
    for (size_t i = 0; i < sizeof(relatives) / sizeof(relatives[0]); i++)
        if (character >= relatives[i].first && character <= relatives[i].last)
            return relatives[i].ascii;
    return "?";
}

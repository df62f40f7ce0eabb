#include "repl/screen/theme.h"

#include "engine/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLUE = 4, MAGENTA = 5, CYAN = 6, YELLOW = 3, WHITE = 7, BRIGHT = 8, OWN = -1 };
enum { PAPER_BLACK = 16, PAPER_WHITE = 231, PAPER_GREY = 240 }; /* of the 256: no terminal's palette changes these */

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

/* What differs on white: blue is dark enough to be read there, yellow and cyan are not. */
static const struct {
    enum role role;
    struct style style;
} light[] = {
    { ROLE_FAINT, { PAPER_GREY, OWN, 0 } },
    { ROLE_CODE, { BLUE, OWN, 0 } },
    { ROLE_TODO, { BLUE, OWN, STYLE_BOLD } },
    { ROLE_PASSED, { BLUE, OWN, STYLE_BOLD } },
    { ROLE_FAILED, { MAGENTA, OWN, STYLE_BOLD } },
    { ROLE_NOTICE, { MAGENTA, OWN, STYLE_BOLD } },
    { ROLE_DIFFERS, { MAGENTA, OWN, STYLE_BOLD } },
    { ROLE_SAME, { BLUE, OWN, 0 } },
    { ROLE_FOCUS, { BLUE, OWN, STYLE_BOLD } },
    { ROLE_STATUS_NOW, { PAPER_WHITE, MAGENTA, STYLE_BOLD } },
    { ROLE_SUGGESTION, { PAPER_GREY, OWN, STYLE_ITALIC } },
},
  /* … and for the eye that needs contrast: bright, and never dim. */
    contrast[] = {
        { ROLE_FAINT, { OWN, OWN, 0 } },
        { ROLE_CODE, { CYAN + BRIGHT, OWN, STYLE_BOLD } },
        { ROLE_FAILED, { YELLOW + BRIGHT, OWN, STYLE_BOLD } },
        { ROLE_NOTICE, { YELLOW + BRIGHT, OWN, STYLE_BOLD } },
        { ROLE_DIFFERS, { YELLOW + BRIGHT, OWN, STYLE_BOLD } },
        { ROLE_SAME, { CYAN + BRIGHT, OWN, STYLE_BOLD } },
        { ROLE_STATUS_NOW, { PAPER_BLACK, YELLOW + BRIGHT, STYLE_BOLD } },
        { ROLE_SUGGESTION, { OWN, OWN, STYLE_ITALIC | STYLE_UNDERLINE } },
    };

static const struct {
    const char *name;
    struct style ground;
} papers[PAPERS] = {
    [PAPER_DARK] = { "dark", { OWN, OWN, 0 } },
    [PAPER_LIGHT] = { "light", { PAPER_BLACK, PAPER_WHITE, 0 } },
    [PAPER_CONTRAST] = { "contrast", { PAPER_WHITE, PAPER_BLACK, 0 } },
};

/* Colours of programs that cannot be read on white, and darker ones for them. */
static const struct {
    int color, darker;
} pale[] = {
    { 2, 28 }, { 3, 94 }, { 6, 30 }, { 7, PAPER_GREY }, { 10, 28 }, { 11, 94 }, { 14, 30 }, { 15, PAPER_BLACK },
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
    for (size_t i = 0; theme->paper == PAPER_LIGHT && i < sizeof(light) / sizeof(light[0]); i++)
        if (light[i].role == role)
            style = light[i].style;
    for (size_t i = 0; theme->paper == PAPER_CONTRAST && i < sizeof(contrast) / sizeof(contrast[0]); i++)
        if (contrast[i].role == role)
            style = contrast[i].style;
    if (theme->look == LOOK_8 && style.fg >= BRIGHT && style.fg < 2 * BRIGHT) {
        style.fg -= BRIGHT;
        style.attributes |= STYLE_BOLD;
    }
    return style;
}

struct style theme_ground(const struct theme *theme)
{
    return papers[theme->look == LOOK_MONO ? PAPER_DARK : theme->paper].ground;
}

int theme_ink(const struct theme *theme, int fg, int bg)
{
    for (size_t i = 0; theme->paper == PAPER_LIGHT && bg < 0 && i < sizeof(pale) / sizeof(pale[0]); i++)
        if (pale[i].color == fg)
            return pale[i].darker;
    return fg;
}

const char *theme_paper_name(enum paper paper)
{
    return papers[paper].name;
}

/* The first word of the user's own choice, malloc'ed; NULL: there is none. */
static char *configured(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    cleanup_free char *path = NULL;
    bool own = config && config[0] == '/';
    if ((!own && !home) || asprintf(&path, "%s%s/teachroot/theme", own ? config : home, own ? "" : "/.config") < 0)
        return NULL;
    cleanup_file FILE *file = fopen(path, "re");
    char word[64];
    return file && fscanf(file, "%63s", word) == 1 ? strdup(word) : NULL;
}

int theme_paper(const char *option, enum paper *paper, struct err *err)
{
    const char *named = getenv("TEACHROOT_THEME"), *from = option ? "--theme" : "TEACHROOT_THEME";
    cleanup_free char *kept = NULL;
    const char *name = option ? option : named && *named ? named : NULL;
    *paper = PAPER_DARK;
    if (!name) {
        name = kept = configured();
        from = "teachroot/theme in your configuration";
    }
    if (!name)
        return 0;
    for (int i = 0; i < PAPERS; i++)
        if (strcmp(papers[i].name, name) == 0) {
            *paper = (enum paper)i;
            return 0;
        }
    return err_say(err, EINVAL, "%s: no theme `%s`: there are dark, light and contrast", from, name);
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

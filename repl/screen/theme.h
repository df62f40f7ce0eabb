/** How things look: what is drawn is named by its meaning (a role) or its mark (a glyph), and one table each says what that is here.
 *
 * Three looks: 16 ANSI colours, 8 colours, and none (NO_COLOR, or a terminal without colours), where bold, underline and reverse alone
 * carry the meaning. No meaning is carried by colour alone, and nothing differs only by red against green. No ncurses in here.
 *
 * With colours there are three papers to draw on: the terminal's own, taken to be dark; black on white; and white on black with nothing dimmed. The last two are drawn whole, so
 * that they are the same on every terminal and projector.
 */
#ifndef REPL_SCREEN_THEME_H
#define REPL_SCREEN_THEME_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum role {
    ROLE_TEXT,
    ROLE_FAINT, /* gutters, rules, what may be overlooked */
    ROLE_HEADING,
    ROLE_STRONG,
    ROLE_EMPHASIS,
    ROLE_CODE,  /* code in a sentence and code blocks that are only shown */
    ROLE_TODO,  /* a command to be typed: the thing to do */
    ROLE_LINK,  /* a link's text */
    ROLE_QUOTE, /* a block quote's text */
    ROLE_PASSED,
    ROLE_FAILED,  /* a wrong answer, an error */
    ROLE_NOTICE,  /* a message that asks for attention: a hint, what is still waited for */
    ROLE_DIFFERS, /* state: not the lab's */
    ROLE_SAME,    /* state: the lab's own */
    ROLE_TITLE,   /* title of a pane */
    ROLE_FOCUS,   /* title of the pane that has the keys */
    ROLE_STATUS,  /* the status line */
    ROLE_STATUS_KEY,
    ROLE_STATUS_NOW, /* the key that is to be pressed next */
    ROLE_SUGGESTION, /* the greyed rest of the step's command */
    ROLE_SELECTED,   /* the chosen row of a list */
    ROLES,
};

enum style_attribute {
    STYLE_BOLD = 1,
    STYLE_DIM = 2,
    STYLE_UNDERLINE = 4,
    STYLE_REVERSE = 8,
    STYLE_ITALIC = 16,
};

struct style {
    short fg, bg; /* 0…15 ANSI, -1 the terminal's own */
    unsigned attributes;
};

enum look { LOOK_16, LOOK_8, LOOK_MONO };
enum paper { PAPER_DARK, PAPER_LIGHT, PAPER_CONTRAST, PAPERS };

enum glyph {
    GLYPH_HORIZONTAL,
    GLYPH_VERTICAL,
    GLYPH_TEE_DOWN, /* a vertical rule that begins at a horizontal one */
    GLYPH_TEE_UP,
    GLYPH_TEE_RIGHT, /* a horizontal rule that begins at a vertical one */
    GLYPH_CROSS,
    GLYPH_GUTTER, /* left of a code block or a quote */
    GLYPH_TODO,   /* left of a command to type */
    GLYPH_PASSED,
    GLYPH_FAILED,
    GLYPH_CURRENT, /* the step one is at */
    GLYPH_AHEAD,   /* a step to come */
    GLYPH_SKIPPED,
    GLYPH_DIFFERS,
    GLYPH_SAME,
    GLYPH_BULLET,
    GLYPH_BULLET_INNER, /* of a list in a list */
    GLYPH_ELLIPSIS,
    GLYPH_DOT, /* between two parts of a title */
    GLYPH_DASH,
    GLYPH_MORE_ABOVE,
    GLYPH_MORE_BELOW,
    GLYPH_CONTINUES, /* at the end of a code line that goes on below */
    GLYPHS,
};

struct theme {
    enum look look;
    bool ascii;
    enum paper paper;
    bool plain; /* it is read out: no pictures made of characters */
};

/** The look for a terminal of @colors colours (0: none): NO_COLOR (set and not empty) always wins. */
enum look theme_look(int colors);
struct style theme_style(const struct theme *theme, enum role role);
/** What -1 stands for in a style's @fg and @bg: -1 (the terminal's own) or a colour of the 256. */
struct style theme_ground(const struct theme *theme);
/** A program's own colour @fg on @bg (-1, or 0…255), as it can be read on this paper. */
int theme_ink(const struct theme *theme, int fg, int bg);
const char *theme_paper_name(enum paper paper);
/** The paper to draw on: as @option names it, else TEACHROOT_THEME, else $XDG_CONFIG_HOME/teachroot/theme (that word alone), else the terminal's own. Returns 0, or -1 with EINVAL:
 * no such paper. */
int theme_paper(const char *option, enum paper *paper, struct err *err);
/** UTF-8, or ASCII where the theme says so; always one cell wide. */
const char *theme_glyph(const struct theme *theme, enum glyph glyph);

/** ASCII for one character that is not ASCII: typographic marks and lines as their plain relatives, everything else "?". */
const char *theme_ascii(uint32_t character);

#endif

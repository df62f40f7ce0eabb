/** Drawing on the ncurses screen in roles and rectangles. Nothing is ever drawn outside the rectangle given. */
#ifndef REPL_SCREEN_DRAW_H
#define REPL_SCREEN_DRAW_H

#include "repl/screen/flow.h"
#include "repl/screen/layout.h"

#include <stddef.h>

/** Blank the screen with the theme's paper, and whatever erases it later. */
void draw_ground(const struct theme *theme);
/** Use @role for what is drawn next. */
void draw_role(const struct theme *theme, enum role role);
/** As draw_role, for colours and attributes of a program's own: @fg and @bg are -1 or 0…255, reduced to what the terminal has. */
void draw_style(const struct theme *theme, int fg, int bg, unsigned attributes);

/** @text at cell (@row, @col) of @rect, cut at its right edge. Returns the cells drawn. */
unsigned draw_text(const struct theme *theme, const struct rect *rect, unsigned row, unsigned col, enum role role,
                   const char *text);
/** Blank the rest of a row from @col on. */
void draw_clear_row(const struct theme *theme, const struct rect *rect, unsigned row, unsigned col);
void draw_clear(const struct theme *theme, const struct rect *rect);
/** A finished line in row @row, and blanks after it. */
void draw_line(const struct theme *theme, const struct rect *rect, unsigned row, const struct line *line);
/** A title in a rule: "── left ─────── right ──". */
void draw_title(const struct theme *theme, const struct rect *rect, enum role role, const char *left,
                const char *right);
/** Row @row of @rect as it was drawn, made to stand out. */
void draw_marked(const struct theme *theme, const struct rect *rect, unsigned row);
void draw_vertical(const struct theme *theme, const struct rect *rect);

#endif

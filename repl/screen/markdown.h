/** CommonMark into styled lines: cmark's nodes drawn through a flow, so never wider than it.
 *
 * Tables are not CommonMark: cmark gives a paragraph whose lines begin with `|`, and such a paragraph is drawn as an aligned table.
 * HTML is not shown.
 */
#ifndef REPL_SCREEN_MARKDOWN_H
#define REPL_SCREEN_MARKDOWN_H

#include "repl/screen/flow.h"

#include <stdbool.h>

struct cmark_node;

/** Draws a code block in its own way (a command to type, a quiz) and returns true; false leaves it to the ordinary way. */
typedef bool markdown_code_fn(struct flow *flow, struct cmark_node *node, void *data);

/** Draw @node and what is below it, a blank line before each block but the first. @code may be NULL. */
void markdown_draw(struct flow *flow, struct cmark_node *node, markdown_code_fn *code, void *data);

/** Draw Markdown source: hints, notes, messages. */
void markdown_draw_text(struct flow *flow, const char *text);

/** A code block as lines behind a gutter glyph: @mark before its first line, if not GLYPH_GUTTER, and the gutter before the rest. */
void markdown_code_lines(struct flow *flow, const char *text, enum glyph mark, enum role mark_role, enum role role);

#endif

/** Tables as Git hosts know them, which CommonMark does not: a paragraph of lines that begin with `|`, the second of dashes. */
#ifndef REPL_SCREEN_TABLE_H
#define REPL_SCREEN_TABLE_H

#include "repl/screen/flow.h"

#include <stdbool.h>

struct cmark_node;

/** Draw @paragraph as a table, its columns aligned and its cells wrapped where the width is short. False, and nothing drawn, if it is
 * none. */
bool table_draw(struct flow *flow, struct cmark_node *paragraph);

#endif

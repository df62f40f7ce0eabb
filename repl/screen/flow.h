/** Text that flows: styled pieces in, lines of at most a width out. Lessons, help, hints and the state pane are all made with it.
 *
 * Words are kept whole where they fit; a word longer than a line is cut; a glyph wider than a line becomes `?`. Nothing is ever wider
 * than the width asked for. Out of memory ends the program's drawing of that text, not the program: lines are then missing.
 */
#ifndef REPL_SCREEN_FLOW_H
#define REPL_SCREEN_FLOW_H

#include "repl/screen/theme.h"

#include <stdbool.h>
#include <stddef.h>

/* A run of text in one style. */
struct span {
    char *text; /* UTF-8, NUL-terminated, no control characters */
    enum role role;
    unsigned cells;
};
struct line {
    struct span *spans;
    size_t count;
    unsigned cells; /* never over the flow's width */
    bool filled;    /* it may no longer grow: blank lines, rules and table rows */
};

struct flow;

/** @theme is borrowed; it chooses glyphs and whether text is made ASCII. @width is at least 1. NULL only when out of memory. */
struct flow *flow_new(const struct theme *theme, unsigned width);
void flow_free(struct flow *flow);
unsigned flow_width(const struct flow *flow); /* what is left for text inside the prefixes */
const struct theme *flow_theme(const struct flow *flow);

/** What the next line begins with (@first) and the lines after it (@rest), inside what was pushed before. Ends the open line. */
void flow_push(struct flow *flow, const char *first, const char *rest, enum role role);
void flow_pop(struct flow *flow);

/** Words: runs of blanks count as one space, and lines break between words. */
void flow_text(struct flow *flow, enum role role, const char *text);
void flow_format(struct flow *flow, enum role role, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Words that stay together as one, blanks kept: code in a sentence. Cut only where it is longer than a line. */
void flow_word(struct flow *flow, enum role role, const char *text);
/** A message: words, and what stands in backquotes as code. */
void flow_quoted(struct flow *flow, enum role role, const char *text);
/** One source line as it is, blanks kept, tabs to 8 columns; what does not fit goes on below, with a mark where it was cut. */
void flow_verbatim(struct flow *flow, enum role role, const char *text, size_t len);
/** Put @text at the end of the current line so that it ends at the right edge, if it fits there. */
void flow_right(struct flow *flow, enum role role, const char *text);
/** A rule over the whole width. */
void flow_rule(struct flow *flow);

void flow_break(struct flow *flow); /* end the line if one is open */
void flow_blank(struct flow *flow); /* one empty line; never two, and never the first */
/** A finished line of spans: copied; cut at the width. */
void flow_spans(struct flow *flow, const struct span *spans, size_t count);

/** The lines so far; ends the open one. Valid until the next change. */
const struct line *flow_lines(struct flow *flow, size_t *count);

#endif

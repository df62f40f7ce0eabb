/** A line as it is drawn: control characters made visible, widths counted in terminal cells. The charset is UTF-8. */
#ifndef REPL_SCREEN_LINE_TEXT_H
#define REPL_SCREEN_LINE_TEXT_H

#include <stddef.h>

struct line_text {
    char *text; /* NUL-terminated, or NULL while nothing was added */
    size_t len, size;
    size_t cells;
};

/** Append @len bytes: `^X` for control characters, `<85>` for other unprintable ones. Out of memory drops what does not fit. */
void line_text_add(struct line_text *text, const char *bytes, size_t len);
/** Append a prompt of readline's: what stands between \001 and \002 (escape sequences for a terminal) is left out. */
void line_text_add_prompt(struct line_text *text, const char *prompt);
void line_text_clear(struct line_text *text);
void line_text_free(struct line_text *text);

#endif

/* What stands on a terminal's lines: a command that was typed there, and what was printed because of it. Lines that were written over are seen once, colours not at all. */
#include "repl/session/session_internal.h"

#include <string.h>

#define TEXT_LIMIT ((size_t)4 * 1024 * 1024)

static unsigned cursor_row(const struct session_terminal *at, unsigned *col)
{
    unsigned row;
    bool visible;
    terminal_cursor(at->terminal, &row, col, &visible);
    return row;
}

uint64_t printed_line(const struct session_terminal *at, unsigned row)
{
    return terminal_scrolled(at->terminal) + row;
}

uint64_t printed_cursor_line(const struct session_terminal *at)
{
    unsigned col;
    return printed_line(at, cursor_row(at, &col));
}

int printed_row(const struct session_terminal *at, uint64_t line)
{
    int64_t row = (int64_t)(line - terminal_scrolled(at->terminal)),
            oldest = -(int64_t)terminal_scrollback(at->terminal);
    return (int)(row < oldest ? oldest : row);
}

/* Blanks that were written at a row's end are part of the line that runs on. */
static unsigned blanks_at_end(const struct session_terminal *at, int row)
{
    struct terminal_cell cell;
    unsigned col = terminal_cols(at->terminal), blanks = 0;
    while (col-- > 0 && terminal_get(at->terminal, row, col, &cell) && (!cell.chars[0] || cell.chars[0] == ' '))
        blanks++;
    return blanks;
}

/* From row @first, without its first @skip_cells, up to row @end: wrapped rows as one line. malloc'ed. */
static char *text_between(const struct session_terminal *at, int first, unsigned skip_cells, int end)
{
    struct text text = { 0 };
    for (int r = first; r < end; r++) {
        char line[4096];
        size_t len = terminal_row_text(at->terminal, r, line, sizeof line);
        size_t skip = 0;
        if (len >= sizeof line)
            len = sizeof line - 1;
        for (unsigned cells = 0; r == first && cells < skip_cells && skip < len; cells++)
            for (skip++; skip < len && ((unsigned char)line[skip] & 0xc0) == 0x80; skip++) {
            }
        if (r > first && !terminal_row_continues(at->terminal, r))
            text_append(&text, "\n", 1, TEXT_LIMIT);
        text_append(&text, line + skip, len - skip, TEXT_LIMIT);
        for (unsigned blanks = r + 1 < end && terminal_row_continues(at->terminal, r + 1) ? blanks_at_end(at, r) : 0;
             blanks; blanks--)
            text_append(&text, " ", 1, TEXT_LIMIT);
    }
    return text.data ? text.data : strdup("");
}

char *printed_command(const struct session_terminal *at)
{
    unsigned col;
    return text_between(at, printed_row(at, at->prompt_line), at->prompt_col, (int)cursor_row(at, &col));
}

char *printed_typed_line(const struct session_terminal *at)
{
    int row = printed_row(at, at->prompt_line);
    return text_between(at, row, at->prompt_col, row + 1);
}

char *printed_since(const struct session_terminal *at, uint64_t line, bool prompted)
{
    unsigned col, row = cursor_row(at, &col);
    return text_between(at, printed_row(at, line), 0, (int)row + (!prompted && col > 0));
}

const char *printed_last(const char *text, unsigned lines, size_t size)
{
    size_t len = strlen(text), start = len;
    while (start > 0 && len - start < size && (text[start - 1] != '\n' || --lines > 0))
        start--;
    if (start == 0 || text[start - 1] == '\n')
        return text + start;
    const char *whole =
        strchr(text + start, '\n'); /* a line that is cut is worth less than none, but not if it is all there is */
    return whole ? whole + 1 : text + start;
}

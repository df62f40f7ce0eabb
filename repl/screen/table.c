#include "repl/screen/table.h"

#include "repl/screen/utf8.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 16
#define ROWS 128

/* A piece of a cell's text in one role. */
struct piece {
    enum role role;
    char *text;
};
struct cell {
    struct piece *pieces;
    size_t count;
};
struct table {
    struct cell cells[ROWS][COLUMNS];
    size_t rows, columns;
    bool right[COLUMNS];
    bool malformed; /* not a table after all, or too big to be one */
};

static bool cell_add(struct cell *cell, enum role role, const char *text, size_t len)
{
    struct piece *more = realloc(cell->pieces, (cell->count + 1) * sizeof(*more));
    if (!more)
        return false;
    cell->pieces = more;
    char *copy = strndup(text, len);
    if (!copy)
        return false;
    cell->pieces[cell->count++] = (struct piece){ role, copy };
    return true;
}

static void table_free(struct table *table)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            for (size_t i = 0; i < table->cells[r][c].count; i++)
                free(table->cells[r][c].pieces[i].text);
            free(table->cells[r][c].pieces);
        }
    free(table);
}

/* Where the reader of the paragraph stands: the row, and the column after the last `|`; -1 before a row's first one. */
struct reader {
    struct table *table;
    size_t row;
    int column;
};

static void read_text(struct reader *reader, enum role role, const char *text)
{
    while (*text && !reader->table->malformed) {
        size_t len = strcspn(text, "|");
        bool blank = strspn(text, " ") == len;
        if (len && reader->column < 0 && !blank)
            reader->table->malformed = true;
        else if (len && reader->column >= 0 &&
                 !cell_add(&reader->table->cells[reader->row][reader->column], role, text, len))
            reader->table->malformed = true;
        text += len;
        if (*text == '|') {
            text++;
            if (++reader->column >= COLUMNS)
                reader->table->malformed = true;
        }
    }
}

static void read_inlines(struct reader *reader, cmark_node *node, enum role role)
{
    for (; node && !reader->table->malformed; node = cmark_node_next(node)) {
        struct cell *cell = reader->column >= 0 ? &reader->table->cells[reader->row][reader->column] : NULL;
        switch (cmark_node_get_type(node)) {
        case CMARK_NODE_TEXT:
            read_text(reader, role, cmark_node_get_literal(node));
            break;
        case CMARK_NODE_CODE:
            if (!cell || !cell_add(cell, ROLE_CODE, cmark_node_get_literal(node), strlen(cmark_node_get_literal(node))))
                reader->table->malformed = true;
            break;
        case CMARK_NODE_SOFTBREAK:
        case CMARK_NODE_LINEBREAK:
            reader->column = -1;
            if (++reader->row >= ROWS)
                reader->table->malformed = true;
            break;
        case CMARK_NODE_EMPH:
            read_inlines(reader, cmark_node_first_child(node), ROLE_EMPHASIS);
            break;
        case CMARK_NODE_STRONG:
            read_inlines(reader, cmark_node_first_child(node), ROLE_STRONG);
            break;
        case CMARK_NODE_LINK:
        case CMARK_NODE_IMAGE:
            read_inlines(reader, cmark_node_first_child(node), ROLE_LINK);
            break;
        default:
            break;
        }
    }
}

static bool cell_blank(const struct cell *cell)
{
    for (size_t i = 0; i < cell->count; i++)
        if (strspn(cell->pieces[i].text, " ") != strlen(cell->pieces[i].text))
            return false;
    return true;
}

/* Columns of a row: what follows the last `|` is one only if something stands there. */
static size_t row_columns(const struct table *table, size_t row)
{
    size_t columns = COLUMNS;
    while (columns > 0 && cell_blank(&table->cells[row][columns - 1]))
        columns--;
    return columns;
}

/* The second row is dashes alone, with colons for the alignment. */
static bool read_delimiters(struct table *table)
{
    table->columns = row_columns(table, 1);
    for (size_t c = 0; c < table->columns; c++) {
        const struct cell *cell = &table->cells[1][c];
        char text[128] = "";
        for (size_t i = 0; i < cell->count; i++)
            strncat(text, cell->pieces[i].text, sizeof(text) - strlen(text) - 1);
        const char *at = text + strspn(text, " ");
        bool left = *at == ':';
        at += left;
        size_t dashes = strspn(at, "-");
        /* cmark may be asked for typographic dashes: those count as well */
        while (strncmp(at + dashes, "–", 3) == 0 || strncmp(at + dashes, "—", 3) == 0)
            dashes += 3;
        at += dashes;
        bool right = *at == ':';
        at += right;
        if (dashes == 0 || at[strspn(at, " ")])
            return false;
        table->right[c] = right && !left;
    }
    return table->columns > 0;
}

static struct table *table_read(cmark_node *paragraph)
{
    cmark_node *first = cmark_node_first_child(paragraph);
    if (!first || cmark_node_get_type(first) != CMARK_NODE_TEXT || cmark_node_get_literal(first)[0] != '|')
        return NULL;
    struct table *table = calloc(1, sizeof(*table));
    if (!table)
        return NULL;
    struct reader reader = { table, 0, -1 };
    read_inlines(&reader, first, ROLE_TEXT);
    table->rows = reader.row + 1;
    if (table->malformed || table->rows < 2 || !read_delimiters(table)) {
        table_free(table);
        return NULL;
    }
    return table;
}

static void put_cell(struct flow *flow, const struct cell *cell, bool heading)
{
    for (size_t i = 0; i < cell->count; i++) {
        enum role role = heading ? ROLE_STRONG : cell->pieces[i].role;
        if (cell->pieces[i].role == ROLE_CODE)
            flow_word(flow, role, cell->pieces[i].text);
        else
            flow_text(flow, role, cell->pieces[i].text);
    }
}

/* Cells the widest cell of @column wants. */
static unsigned natural_width(const struct theme *theme, const struct table *table, size_t column)
{
    unsigned widest = 1;
    for (size_t r = 0; r < table->rows; r++) {
        struct flow *flow = r == 1 ? NULL : flow_new(theme, 10000);
        if (!flow)
            continue;
        put_cell(flow, &table->cells[r][column], r == 0);
        size_t count;
        const struct line *lines = flow_lines(flow, &count);
        for (size_t i = 0; i < count; i++)
            if (lines[i].cells > widest)
                widest = lines[i].cells;
        flow_free(flow);
    }
    return widest;
}

#define GAP 2

/* Take from the widest column until the row fits; false if not even one cell a column does. */
static bool fit_widths(unsigned *widths, size_t columns, unsigned available)
{
    unsigned gaps = (unsigned)(columns - 1) * GAP;
    if (gaps + columns > available)
        return false;
    for (;;) {
        unsigned total = gaps;
        size_t widest = 0;
        for (size_t c = 0; c < columns; c++) {
            total += widths[c];
            if (widths[c] > widths[widest])
                widest = c;
        }
        if (total <= available)
            return true;
        widths[widest]--;
    }
}

static void append(struct span **spans, size_t *count, const char *text, enum role role, unsigned cells)
{
    struct span *more = realloc(*spans, (*count + 1) * sizeof(*more));
    char *copy = more ? strdup(text) : NULL;
    if (more)
        *spans = more;
    if (copy)
        more[(*count)++] = (struct span){ copy, role, cells };
}

static void pad(struct span **spans, size_t *count, unsigned cells)
{
    char blanks[64];
    while (cells) {
        unsigned n = cells < sizeof(blanks) - 1 ? cells : sizeof(blanks) - 1;
        memset(blanks, ' ', n);
        blanks[n] = '\0';
        append(spans, count, blanks, ROLE_TEXT, n);
        cells -= n;
    }
}

static void draw_row(struct flow *flow, const struct table *table, size_t row, const unsigned *widths)
{
    struct flow *cells[COLUMNS] = { 0 };
    const struct line *lines[COLUMNS] = { NULL };
    size_t heights[COLUMNS] = { 0 }, height = 1;
    for (size_t c = 0; c < table->columns; c++) {
        cells[c] = flow_new(flow_theme(flow), widths[c]);
        if (!cells[c])
            continue;
        put_cell(cells[c], &table->cells[row][c], row == 0);
        lines[c] = flow_lines(cells[c], &heights[c]);
        if (heights[c] > height)
            height = heights[c];
    }
    for (size_t h = 0; h < height; h++) {
        struct span *spans = NULL;
        size_t count = 0;
        for (size_t c = 0; c < table->columns; c++) {
            unsigned used = lines[c] && h < heights[c] ? lines[c][h].cells : 0;
            if (table->right[c])
                pad(&spans, &count, widths[c] - used);
            for (size_t i = 0; lines[c] && h < heights[c] && i < lines[c][h].count; i++)
                append(&spans, &count, lines[c][h].spans[i].text, lines[c][h].spans[i].role,
                       lines[c][h].spans[i].cells);
            if (!table->right[c] && c + 1 < table->columns)
                pad(&spans, &count, widths[c] - used);
            if (c + 1 < table->columns)
                pad(&spans, &count, GAP);
        }
        flow_spans(flow, spans, count);
        for (size_t i = 0; i < count; i++)
            free(spans[i].text);
        free(spans);
    }
    for (size_t c = 0; c < table->columns; c++)
        flow_free(cells[c]);
}

static void draw_rule(struct flow *flow, const unsigned *widths, size_t columns)
{
    const char *mark = theme_glyph(flow_theme(flow), GLYPH_HORIZONTAL);
    unsigned total = (unsigned)(columns - 1) * GAP;
    for (size_t c = 0; c < columns; c++)
        total += widths[c];
    struct span *spans = NULL;
    size_t count = 0;
    for (unsigned i = 0; i < total; i++)
        append(&spans, &count, mark, ROLE_FAINT, 1);
    flow_spans(flow, spans, count);
    for (size_t i = 0; i < count; i++)
        free(spans[i].text);
    free(spans);
}

bool table_draw(struct flow *flow, struct cmark_node *paragraph)
{
    struct table *table = table_read(paragraph);
    if (!table)
        return false;
    unsigned widths[COLUMNS];
    for (size_t c = 0; c < table->columns; c++)
        widths[c] = natural_width(flow_theme(flow), table, c);
    bool fits = fit_widths(widths, table->columns, flow_width(flow));
    for (size_t r = 0; fits && r < table->rows; r++) {
        if (r == 1)
            draw_rule(flow, widths, table->columns);
        else
            draw_row(flow, table, r, widths);
    }
    table_free(table);
    return fits;
}

#include "engine/tools/table.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <langinfo.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

size_t table_add(struct table *table, size_t parent)
{
    if (table->line_count == table->room) {
        size_t room = table->room ? table->room * 2 : 64;
        struct table_line *lines = reallocarray(table->lines, room, sizeof *lines);
        if (!lines)
            return TABLE_NONE;
        table->lines = lines;
        table->room = room;
    }
    char **cells = calloc(table->column_count, sizeof *cells);
    if (!cells)
        return TABLE_NONE;
    table->lines[table->line_count] = (struct table_line){ cells, parent };
    return table->line_count++;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->line_count; i++) {
        for (size_t c = 0; c < table->column_count; c++)
            free(table->lines[i].cells[c]);
        free(table->lines[i].cells);
    }
    free(table->lines);
    table->lines = NULL;
    table->line_count = table->room = 0;
}

/* --- The tree: who is under whom, in the order lines were added --- */

struct node {
    size_t child, sibling; /* the first below it, the next beside it */
    size_t last;           /* its last child so far */
};

struct drawing {
    const struct table *table;
    struct node *nodes; /* one a line, and one more: the roots' parent */
    size_t *order;      /* lines as they are printed */
    char ***shown;      /* of the line printed as the nth: its cells, made safe to print */
    size_t *width;      /* of each column */
    const char *branch, *corner, *bar;
};

/* A column that is printed twice draws its tree twice. */
static bool draws_tree(const struct table *table, size_t column)
{
    return table->tree != TABLE_NONE && table->columns[column] == table->columns[table->tree];
}

static void link_nodes(const struct table *table, struct node *nodes)
{
    for (size_t i = 0; i <= table->line_count; i++)
        nodes[i] = (struct node){ TABLE_NONE, TABLE_NONE, TABLE_NONE };
    for (size_t i = 0; i < table->line_count; i++) {
        size_t parent = table->lines[i].parent;
        struct node *above = &nodes[table->tree == TABLE_NONE || parent == TABLE_NONE ? table->line_count : parent];
        if (above->last == TABLE_NONE)
            above->child = i;
        else
            nodes[above->last].sibling = i;
        above->last = i;
    }
}

static void order_below(const struct drawing *d, size_t above, size_t *count)
{
    for (size_t i = d->nodes[above].child; i != TABLE_NONE; i = d->nodes[i].sibling) {
        d->order[(*count)++] = i;
        order_below(d, i, count); /* NOLINT(misc-no-recursion): as deep as namespaces or processes nest */
    }
}

/* What is drawn before line @line (a cell of it, or what follows in the same cell): a piece for each line above it but the root. */
static void draw_branches(const struct drawing *d, size_t line, bool further, FILE *out)
{
    const struct table_line *lines = d->table->lines;
    if (d->table->tree == TABLE_NONE || lines[line].parent == TABLE_NONE)
        return;
    size_t chain[128], depth = 0;
    for (size_t i = line; lines[i].parent != TABLE_NONE && depth < 128; i = lines[i].parent)
        chain[depth++] = i;
    while (depth-- > 0) {
        bool last = d->nodes[chain[depth]].sibling == TABLE_NONE;
        if (depth == 0 && !further)
            fputs(last ? d->corner : d->branch, out);
        else
            fputs(last ? "  " : d->bar, out);
    }
}

/* --- Text --- */

/* One character at @text as it is shown: its bytes there, or \xNN; *columns on the screen. Returns its length in @text. */
static size_t put_character(const char *text, size_t len, FILE *out, size_t *columns)
{
    wchar_t wide;
    mbstate_t state = { 0 };
    bool escape = text[0] == '\\' && len > 1 && text[1] == 'x';
    size_t n = mbrtowc(&wide, text, len, &state);
    if (!escape && n > 0 && n <= len && iswprint((wint_t)wide) && wcwidth(wide) >= 0) {
        if (out)
            fwrite(text, 1, n, out);
        *columns = (size_t)wcwidth(wide);
        return n;
    }
    if (out)
        fprintf(out, "\\x%02x", (unsigned char)text[0]);
    *columns = 4;
    return 1;
}

static size_t text_width(const char *text)
{
    size_t columns = 0, one;
    for (size_t len = strlen(text); len > 0;) {
        size_t n = put_character(text, len, NULL, &one);
        columns += one;
        text += n;
        len -= n;
    }
    return columns;
}

/* At most @width columns of @text, which is safe to print. Returns how many. */
static size_t put_cut(const char *text, size_t width, FILE *out)
{
    size_t columns = 0;
    for (size_t len = strlen(text); len > 0;) {
        mbstate_t state = { 0 };
        wchar_t wide;
        size_t n = mbrtowc(&wide, text, len, &state);
        int one = n > 0 && n <= len ? wcwidth(wide) : -1;
        if (one < 0)
            one = (int)(n = 1);
        if (columns + (size_t)one > width)
            break;
        fwrite(text, 1, n, out);
        columns += (size_t)one;
        text += n;
        len -= n;
    }
    return columns;
}

static void put_raw(const char *text, FILE *out)
{
    for (; *text; text++)
        if (*text == '\\' || !isgraph((unsigned char)*text) || (unsigned char)*text >= 0x80)
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            putc(*text, out);
}

static void put_json(const char *text, FILE *out)
{
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    putc('"', out);
    for (; *text; text++) {
        const char *pair = letters;
        while (*pair && pair[1] != *text)
            pair += 2;
        if (*pair)
            fprintf(out, "\\%c", *pair);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else
            putc(*text, out);
    }
    putc('"', out);
}

/* The cell of @line in column @c with its part of the tree, made safe to print; lines of it parted by newlines. Malloc'ed, NULL: no memory. */
static char *make_cell(const struct drawing *d, size_t line, size_t c)
{
    char *text = NULL;
    size_t size;
    cleanup_file FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    const char *data = d->table->lines[line].cells[c];
    if (draws_tree(d->table, c))
        draw_branches(d, line, false, out);
    for (size_t len = data ? strlen(data) : 0, one; len > 0;) {
        size_t n = 1;
        if (*data == '\n' && !d->table->columns[c]->cut)
            putc('\n', out);
        else
            n = put_character(data, len, out, &one);
        data += n;
        len -= n;
    }
    fclose(out);
    out = NULL;
    return text;
}

/* --- Columns --- */

static int make_cells(struct drawing *d)
{
    const struct table *t = d->table;
    for (size_t c = 0; c < t->column_count; c++)
        d->width[c] = 0;
    for (size_t i = 0; i < t->line_count; i++)
        for (size_t c = 0; c < t->column_count; c++) {
            char *cell = d->shown[i][c] = make_cell(d, d->order[i], c);
            if (!cell)
                return -1;
            char *rest = cell;
            for (char *end; rest; rest = end ? end + 1 : NULL) {
                end = strchr(rest, '\n');
                if (end)
                    *end = '\0';
                size_t width = 0;
                for (const char *at = rest; *at;) {
                    mbstate_t state = { 0 };
                    wchar_t wide;
                    size_t n = mbrtowc(&wide, at, MB_CUR_MAX, &state);
                    int one = n > 0 && n <= MB_CUR_MAX ? wcwidth(wide) : -1;
                    width += one < 0 ? 1 : (size_t)one;
                    at += one < 0 ? 1 : n;
                }
                d->width[c] = width > d->width[c] ? width : d->width[c];
                if (end)
                    *end = '\n';
            }
        }
    for (size_t c = 0; c < t->column_count; c++) {
        /* The heading's room is kept where it is not printed, so that lists with and without one look the same. */
        size_t heading = text_width(t->columns[c]->name);
        if (d->width[c] < heading)
            d->width[c] = heading;
        else if (d->width[c] < t->columns[c]->hint)
            d->width[c] = t->columns[c]->hint;
    }
    return 0;
}

/* Where the terminal is too narrow, columns that may be cut give way, to their headings at least. */
static void fit_width(struct drawing *d)
{
    const struct table *t = d->table;
    size_t total = t->column_count - 1;
    for (size_t c = 0; c < t->column_count; c++)
        total += d->width[c];
    for (size_t c = t->column_count; t->width && c-- > 0 && total > t->width;) {
        size_t least = text_width(t->columns[c]->name);
        if (!t->columns[c]->cut || d->width[c] <= least)
            continue;
        size_t give = d->width[c] - least < total - t->width ? d->width[c] - least : total - t->width;
        d->width[c] -= give;
        total -= give;
    }
}

static void put_padded(const struct drawing *d, size_t c, const char *text, FILE *out)
{
    const struct table *t = d->table;
    bool last = c + 1 == t->column_count;
    size_t width = d->width[c];
    bool right = t->columns[c]->right && !draws_tree(t, c);
    if (right && *text) {
        size_t has = strlen(text); /* numbers and short words */
        fprintf(out, "%*s%s", has < width ? (int)(width - has) : 0, "", text);
    } else {
        size_t has = put_cut(text, t->columns[c]->cut ? width : SIZE_MAX, out);
        if (!last && has < width)
            fprintf(out, "%*s", (int)(width - has), "");
    }
    putc(last ? '\n' : ' ', out);
}

/* All lines of one row: most have one, a cell with newlines makes more. */
static void put_row(const struct drawing *d, size_t row, FILE *out)
{
    const struct table *t = d->table;
    char **cells = d->shown[row];
    for (bool more = true, first = true; more; first = false) {
        more = false;
        for (size_t c = 0; c < t->column_count; c++) {
            char *text = cells[c];
            char *end = strchr(text, '\n');
            if (end)
                *end = '\0';
            more = more || end;
            if (!first && draws_tree(t, c) && !*text) {
                cleanup_free char *branches = NULL;
                size_t size;
                FILE *memory = open_memstream(&branches, &size);
                if (memory) {
                    draw_branches(d, d->order[row], true, memory);
                    fclose(memory);
                }
                put_padded(d, c, branches ? branches : "", out);
            } else {
                put_padded(d, c, text, out);
            }
            cells[c] = end ? memmove(text, end + 1, strlen(end + 1) + 1) : memset(text, 0, 1);
        }
    }
}

static int print_columns(struct drawing *d, FILE *out)
{
    const struct table *t = d->table;
    if (make_cells(d) < 0)
        return -1;
    fit_width(d);
    for (size_t c = 0; t->headings && c < t->column_count; c++)
        put_padded(d, c, t->columns[c]->name, out);
    for (size_t i = 0; i < t->line_count; i++)
        put_row(d, i, out);
    return 0;
}

static int print_raw(struct drawing *d, FILE *out)
{
    const struct table *t = d->table;
    for (size_t c = 0; t->headings && c < t->column_count; c++)
        fprintf(out, "%s%c", t->columns[c]->name, c + 1 == t->column_count ? '\n' : ' ');
    for (size_t i = 0; i < t->line_count; i++)
        for (size_t c = 0; c < t->column_count; c++) {
            const char *data = t->lines[d->order[i]].cells[c];
            if (draws_tree(t, c)) {
                cleanup_free char *branches = NULL;
                size_t size;
                FILE *memory = open_memstream(&branches, &size);
                if (!memory)
                    return -1;
                draw_branches(d, d->order[i], false, memory);
                fclose(memory);
                put_raw(branches, out);
            }
            put_raw(data ? data : "", out);
            putc(c + 1 == t->column_count ? '\n' : ' ', out);
        }
    return 0;
}

/* --- JSON --- */

static void put_objects(const struct drawing *d, size_t above, int indent, FILE *out)
{
    const struct table *t = d->table;
    for (size_t i = d->nodes[above].child; i != TABLE_NONE; i = d->nodes[i].sibling) {
        if (i == d->nodes[above].child)
            fprintf(out, "%*s{\n", indent, "");
        for (size_t c = 0; c < t->column_count; c++) {
            const char *data = t->lines[i].cells[c];
            fprintf(out, "%*s\"", indent + 3, "");
            for (const char *letter = t->columns[c]->name; *letter; letter++)
                putc(tolower((unsigned char)*letter), out);
            fputs("\": ", out);
            if (!data)
                fputs("null", out);
            else if (t->columns[c]->number)
                fputs(data, out);
            else
                put_json(data, out);
            fputs(c + 1 < t->column_count || d->nodes[i].child != TABLE_NONE ? ",\n" : "\n", out);
        }
        if (d->nodes[i].child != TABLE_NONE) {
            fprintf(out, "%*s\"children\": [\n", indent + 3, "");
            put_objects(d, i, indent + 6, out); /* NOLINT(misc-no-recursion): as deep as namespaces or processes nest */
            fprintf(out, "%*s]\n", indent + 3, "");
        }
        fprintf(out, "%*s}%s\n", indent, "", d->nodes[i].sibling != TABLE_NONE ? ",{" : "");
    }
}

static int print_json(struct drawing *d, FILE *out)
{
    fprintf(out, "{\n   \"%s\": [\n", d->table->name);
    if (d->table->line_count)
        put_objects(d, d->table->line_count, 6, out);
    else
        putc('\n', out);
    fputs("   ]\n}\n", out);
    return 0;
}

int table_print(const struct table *table, FILE *out)
{
    static int (*const printers[])(struct drawing *, FILE *) = {
        [TABLE_COLUMNS] = print_columns, [TABLE_RAW] = print_raw, [TABLE_JSON] = print_json
    };
    if (!table->line_count && table->form != TABLE_JSON)
        return 0;
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    struct drawing d = {
        .table = table, .branch = utf8 ? "├─" : "|-", .corner = utf8 ? "└─" : "`-", .bar = utf8 ? "│ " : "| "
    };
    cleanup_free struct node *nodes = d.nodes = calloc(table->line_count + 1, sizeof *nodes);
    cleanup_free size_t *order = d.order = calloc(table->line_count + 1, sizeof *order);
    cleanup_free size_t *width = d.width = calloc(table->column_count, sizeof *width);
    cleanup_free char **cells = calloc(table->line_count * table->column_count + 1, sizeof *cells);
    cleanup_free char ***rows = d.shown = calloc(table->line_count + 1, sizeof *rows);
    if (!nodes || !order || !width || !cells || !rows)
        return -1;
    for (size_t i = 0; i < table->line_count; i++)
        rows[i] = &cells[i * table->column_count];
    link_nodes(table, nodes);
    size_t count = 0;
    order_below(&d, table->line_count, &count);
    int result = printers[table->form](&d, out);
    for (size_t i = 0; i < table->line_count * table->column_count; i++)
        free(cells[i]);
    return result;
}

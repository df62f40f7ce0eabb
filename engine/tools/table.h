/** A table printed as people, scripts and programs want it: columns, raw columns, JSON; its lines in trees if one column shows them. */
#ifndef ENGINE_TOOLS_TABLE_H
#define ENGINE_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_NONE ((size_t)-1)

struct table_column {
    const char *name; /* the heading; in JSON in small letters */
    unsigned hint;    /* how wide it is at least, once something in it is as wide as the heading */
    bool number;      /* JSON: as it is; else a string */
    bool right;       /* on the right of its column */
    bool cut;         /* may be cut where a terminal is too narrow */
};

struct table_line {
    char **
        cells; /* one a column, owned, UTF-8 or whatever bytes; NULL: none. A newline in it makes a second line of output, but for a `cut` column */
    size_t parent; /* line it is under, added before it; TABLE_NONE */
};

enum table_form { TABLE_COLUMNS, TABLE_RAW, TABLE_JSON };

struct table {
    const char *name; /* of the JSON array */
    const struct table_column *const *columns;
    size_t column_count;
    size_t tree; /* the column that draws the tree, or TABLE_NONE: lines in the order they were added */
    enum table_form form;
    bool headings;
    unsigned width; /* of the terminal, in characters; 0: any */
    struct table_line *lines;
    size_t line_count, room;
};

/** Add a line whose cells are all empty. Returns its index, or TABLE_NONE: out of memory. */
size_t table_add(struct table *table, size_t parent);
/** Print it: nothing at all, but for JSON, where it has no lines. What cannot be printed is \xNN; the drawing and the width of characters are LC_CTYPE's. Returns 0, or -1: out of
 * memory. */
int table_print(const struct table *table, FILE *out);
void table_free(struct table *table);

#endif

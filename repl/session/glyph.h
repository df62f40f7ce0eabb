/** What a grid cell can show: one code point, or a base with combining marks, which a cell names by number; and how wide it is. */
#ifndef REPL_SESSION_GLYPH_H
#define REPL_SESSION_GLYPH_H

#include <stddef.h>
#include <stdint.h>

enum { GLYPH_MARKS = 6 }; /* code points of a cluster, its base included; further marks are dropped */

/* Clusters seen so far, each stored once. All zero is an empty table. */
struct clusters {
    uint32_t (*sequence)[GLYPH_MARKS]; /* 0-terminated unless full */
    uint32_t *slots;                   /* hash table of indices + 1 */
    uint32_t count, capacity;          /* slots has 2 × capacity */
};

/** Glyph @glyph (a code point or a cluster; 0 is a blank) with @mark added. The same glyph when it is full, or the table is. */
uint32_t clusters_add(struct clusters *clusters, uint32_t glyph, uint32_t mark);
/** Write @glyph's code points into @chars, 0-terminated unless full; returns how many. */
unsigned clusters_get(const struct clusters *clusters, uint32_t glyph, uint32_t chars[GLYPH_MARKS]);
void clusters_free(struct clusters *clusters);

/** Columns of a code point: 0 a combining mark, 1 or 2, -1 a control character. By wcwidth(3) of C.UTF-8, whatever locale the program has:
 * what programs in the terminal and ncurses outside of it go by. Remembered in blocks in @widths; all zero is an empty one. */
struct widths {
    int8_t *blocks[0x110000 / 256];
};
int widths_of(struct widths *widths, uint32_t code);
void widths_free(struct widths *widths);

#endif

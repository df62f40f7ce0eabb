#include "repl/session/glyph.h"

#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
    CLUSTER = 1u << 31,     /* a glyph with this bit is a cluster's number, else a code point */
    CLUSTERS_MAX = 1 << 16, /* 1.5 MiB; no text has so many, but a hostile program may */
};

static uint32_t hash(const uint32_t sequence[GLYPH_MARKS])
{
    uint32_t value = 2166136261u;
    for (unsigned i = 0; i < GLYPH_MARKS; i++)
        value = (value ^ sequence[i]) * 16777619u;
    return value ^ value >> 15;
}

/* The slot that holds @sequence, or the free one where it belongs. */
static uint32_t *find(const struct clusters *clusters, const uint32_t sequence[GLYPH_MARKS])
{
    uint32_t mask = 2 * clusters->capacity - 1, at = hash(sequence) & mask;
    while (clusters->slots[at] &&
           memcmp(clusters->sequence[clusters->slots[at] - 1], sequence, sizeof(clusters->sequence[0])) != 0)
        at = (at + 1) & mask;
    return &clusters->slots[at];
}

static int grow(struct clusters *clusters)
{
    uint32_t capacity = clusters->capacity ? 2 * clusters->capacity : 64;
    if (capacity > CLUSTERS_MAX)
        return -1;
    uint32_t(*sequence)[GLYPH_MARKS] = realloc(clusters->sequence, capacity * sizeof(*sequence));
    if (!sequence)
        return -1;
    clusters->sequence = sequence;
    uint32_t *slots = calloc(2 * (size_t)capacity, sizeof(*slots));
    if (!slots)
        return -1;
    free(clusters->slots);
    clusters->slots = slots;
    clusters->capacity = capacity;
    for (uint32_t i = 0; i < clusters->count; i++)
        *find(clusters, clusters->sequence[i]) = i + 1;
    return 0;
}

unsigned clusters_get(const struct clusters *clusters, uint32_t glyph, uint32_t chars[GLYPH_MARKS])
{
    unsigned count = 0;
    memset(chars, 0, GLYPH_MARKS * sizeof(chars[0]));
    if (!(glyph & CLUSTER)) {
        chars[0] = glyph;
        return glyph != 0;
    }
    memcpy(chars, clusters->sequence[glyph & ~CLUSTER], GLYPH_MARKS * sizeof(chars[0]));
    while (count < GLYPH_MARKS && chars[count])
        count++;
    return count;
}

uint32_t clusters_add(struct clusters *clusters, uint32_t glyph, uint32_t mark)
{
    uint32_t sequence[GLYPH_MARKS];
    unsigned count = clusters_get(clusters, glyph, sequence);
    if (count == 0)
        sequence[count++] = ' ';
    if (count == GLYPH_MARKS)
        return glyph;
    sequence[count] = mark;
    if (clusters->count == clusters->capacity && grow(clusters) < 0 && clusters->count == clusters->capacity)
        return glyph;
    uint32_t *slot = find(clusters, sequence);
    if (!*slot) {
        memcpy(clusters->sequence[clusters->count], sequence, sizeof(sequence));
        *slot = ++clusters->count;
    }
    return CLUSTER | (*slot - 1);
}

void clusters_free(struct clusters *clusters)
{
    free(clusters->sequence);
    free(clusters->slots);
    memset(clusters, 0, sizeof(*clusters));
}

static int8_t *measure(uint32_t block)
{
    int8_t *widths = malloc(256);
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!widths || !utf8) {
        free(widths);
        if (utf8)
            freelocale(utf8);
        return NULL;
    }
    locale_t before = uselocale(utf8);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t code = block * 256 + i;
        int width = wcwidth((wchar_t)code);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (width < 0) /* newer than this C library's Unicode, or unassigned: one column, as programs do it */
            width = 1;
        widths[i] = (int8_t)(control ? -1 : width > 2 ? 2 : width);
    }
    uselocale(before);
    freelocale(utf8);
    return widths;
}

int widths_of(struct widths *widths, uint32_t code)
{
    uint32_t block = code / 256;
    if (block >= sizeof(widths->blocks) / sizeof(widths->blocks[0]))
        return 1;
    if (!widths->blocks[block])
        widths->blocks[block] = measure(block);
    return widths->blocks[block] ? widths->blocks[block][code % 256] : 1;
}

void widths_free(struct widths *widths)
{
    for (size_t i = 0; i < sizeof(widths->blocks) / sizeof(widths->blocks[0]); i++)
        free(widths->blocks[i]);
    memset(widths, 0, sizeof(*widths));
}

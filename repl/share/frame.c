#include "repl/share/share_internal.h"

#include "repl/screen/utf8.h"

#include <string.h>

#define RUN_BYTES 16384

static bool same_look(const struct share_cell *a, const struct share_cell *b)
{
    return a->fg == b->fg && a->bg == b->bg && a->attributes == b->attributes;
}

static bool is_blank(const struct share_cell *cell)
{
    return cell->chars[0] == ' ' && cell->chars[1] == 0 && cell->fg < 0 && cell->bg < 0 && cell->attributes == 0;
}

json_t *frame_runs(const struct share_cell *cells, unsigned cols)
{
    char text[RUN_BYTES];
    json_t *runs = json_array();
    while (cols > 0 && is_blank(&cells[cols - 1]))
        cols--;
    for (unsigned col = 0; runs && col < cols;) {
        const struct share_cell *first = &cells[col];
        size_t len = 0;
        for (; col < cols && same_look(first, &cells[col]) && len + 32 < sizeof text; col++)
            for (unsigned i = 0; i < 4 && cells[col].chars[i]; i++)
                len += utf8_encode(cells[col].chars[i], text + len);
        json_t *run = json_pack("[s#iii]", text, (int)len, first->fg, first->bg, (int)first->attributes);
        if (!run || json_array_append_new(runs, run) < 0) {
            json_decref(runs);
            return NULL;
        }
    }
    return runs;
}

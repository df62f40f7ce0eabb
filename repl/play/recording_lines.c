/* What a block's terminal showed, for reading. */
#include "repl/play/recording_internal.h"

#include <stdlib.h>
#include <string.h>

/* The column from which on line @line was typed. */
static unsigned typed_from(const struct track *track, uint64_t line, unsigned count)
{
    for (size_t i = 0; i < track->typed_count; i++)
        if (track->typed[i].line == line)
            return track->typed[i].col < count ? track->typed[i].col : count;
    return count;
}

/* The cells of the last line that are not the prompt after the block. */
static unsigned before_prompt(const struct track *track, const struct canvas_cell *cells, unsigned count, uint64_t line)
{
    if (track->at_prompt)
        return track->prompt_at.line < line ? 0 : track->prompt_at.col < count ? track->prompt_at.col : count;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return count;
    canvas_put_text(out, cells, count);
    fclose(out);
    const char *prompt = text_string(&track->prompt);
    size_t wanted = strlen(prompt);
    while (wanted && prompt[wanted - 1] == ' ')
        wanted--;
    bool same = wanted && len == wanted && memcmp(text, prompt, len) == 0;
    free(text);
    return same ? 0 : count;
}

size_t recording_lines(const struct recording *recording, recording_line_fn *tell, void *data)
{
    const struct track *track = recording->tracks[recording->active];
    if (!track || !track->typed_count)
        return 0;
    const struct emulator *emulator = &track->emulator;
    const struct grid *grid = emulator->grid;
    struct canvas_cell *cells = calloc(recording->cols, sizeof *cells);
    bool alternate = emulator_alternate(emulator); /* another screen, which has no past and was not typed on */
    uint64_t first = alternate ? grid->scrolled : track->began.line, oldest = grid->scrolled - grid->history;
    uint64_t last = grid->scrolled + (alternate ? emulator->rows - 1 : emulator->row);
    if (!alternate && track->at_prompt && track->prompt_at.line >= first && track->prompt_at.line < last)
        last = track->prompt_at.line; /* of several lines */
    uint64_t from = first < oldest ? oldest : first;
    bool typed = false;
    for (uint64_t line = from; cells && line <= last; line++) {
        long row = (long)(line - grid->scrolled);
        unsigned count = canvas_cells(emulator, row, cells, recording->cols);
        const struct row *at = grid_row(grid, row);
        if (line == last && !alternate) {
            count = before_prompt(track, cells, count, line);
            if (!count)
                break;
        }
        struct recording_line told = { .cells = cells,
                                       .count = count,
                                       .continues = line > from && at && at->continues };
        told.typed_from = alternate ? count : told.continues && typed ? 0 : typed_from(track, line, count);
        typed = told.typed_from < count;
        tell(&told, data);
    }
    free(cells);
    return (size_t)(from - first);
}

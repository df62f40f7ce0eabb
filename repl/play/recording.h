/** A lesson's run made into a film: what each terminal showed and when, on a clock of its own, and the pictures of all terminals together.
 *
 * No time is ever taken from the wall. What a lesson types is typed letter by letter, its output comes line by line at a pace that depends on the output alone, and between steps there is a
 * moment to read; so waiting is cut out, and the same bytes give the same film. Output must be fed in its order for each terminal; the pieces it comes in make no difference.
 *
 * A picture has a row with the lesson and the step above the terminals. Of several terminals the one in use is whole, and of the others the last rows are seen.
 * Times are milliseconds from the beginning.
 */
#ifndef REPL_PLAY_RECORDING_H
#define REPL_PLAY_RECORDING_H

#include "repl/lesson/lesson.h"
#include "repl/play/canvas.h"

#include <sys/types.h>

enum { RECORDING_TERMINALS = 9 };

struct recording;

/* Any may be NULL. */
struct recording_hooks {
    /** Sieved output (sieve.h) of a terminal, on its own clock, in which nobody waits for the other terminals. */
    void (*output)(unsigned terminal, uint64_t ms, const char *bytes, size_t len, void *data);
    /** A step begins, on the clock of all; each terminal's own is recording_time. */
    void (*marker)(uint64_t ms, const char *label, void *data);
    /** The picture from @ms on. */
    void (*picture)(uint64_t ms, const struct canvas *picture, void *data);
};

/** @rows and @cols are those of every terminal. NULL: out of memory. */
struct recording *recording_new(const struct lesson *lesson, unsigned rows, unsigned cols,
                                const struct recording_hooks *hooks, void *data);
void recording_free(struct recording *recording);

unsigned recording_rows(const struct recording *recording); /* of the pictures */

void recording_step(struct recording *recording, const struct step *step);
void recording_block(struct recording *recording, const struct block *block);
/** Of the shell with pid @shell (0: not known): with another shell than before the terminal begins anew. */
void recording_output(struct recording *recording, unsigned terminal, pid_t shell, const char *bytes, size_t len);
void recording_block_over(struct recording *recording);
/** What is still held is shown, and the last picture stands for a while. */
void recording_end(struct recording *recording);

/** Now, on the clock of @terminal, or of the pictures (0). */
uint64_t recording_time(const struct recording *recording, unsigned terminal);
/** The terminal as it is; NULL if it was never written to. */
const struct emulator *recording_screen(const struct recording *recording, unsigned terminal);

/* A part of what a terminal showed, for reading: from the line where its block began. */
struct recording_line {
    const struct canvas_cell *cells;
    unsigned count;
    unsigned typed_from; /* from here on it was typed; count: nothing was */
    bool continues;      /* the line before runs on in it */
};
typedef void recording_line_fn(const struct recording_line *line, void *data);
/** Tell what the terminal of the block at hand showed since recording_block, without the prompt that stands at its end. Returns how many lines before are no longer
 * there: left out, or cleared away. */
size_t recording_lines(const struct recording *recording, recording_line_fn *tell, void *data);

#endif

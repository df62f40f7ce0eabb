/** A Jupyter notebook of a lesson, as nbformat 4.5 has it: the prose in Markdown cells, each block a code cell for our own kernel.
 *
 *     %lesson -q 4     the first code cell: a lab with the lesson's setup, in which the kernel knows its blocks and checks (so a block with keys is played with its keys: no cell asks for input)
 *     %%terminal 2     before what is for another terminal
 *     %check 3         after a step's blocks; of a README whose blocks are its steps there are none
 *     %state           before that, where the step watches the kernel's state, or has changed it when it was executed
 *
 * A notebook is written from its beginning to its end: prose up to a line, a cell, more prose. Cells have ids that come of their place in the lesson and not of chance, so that a notebook written anew
 * differs only where the lesson does. What is written is byte for byte what the Python library nbformat would write. See nbformat.readthedocs.io, "The Notebook file format".
 */
#ifndef REPL_PLAY_NBFORMAT_H
#define REPL_PLAY_NBFORMAT_H

#include "repl/lesson/lesson.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct nb {
    const struct lesson *lesson;
    json_t *cells;
    const struct step *step; /* at hand; NULL: what stands before the first one */
    size_t prose;            /* of it: how many of its nodes are written */
    unsigned cell, count;    /* of the step's cells; of executed cells */
    bool failed;             /* out of memory: told by nb_write */
};

/** Begin with the lesson's title, its introduction and the `%lesson` cell, which is @executed or not. The lesson outlives the notebook. */
void nb_begin(struct nb *nb, const struct lesson *lesson, bool executed);
void nb_free(struct nb *nb);

/** A step: its heading. @note: a sentence under it ("skipped here: …"), or NULL. */
void nb_step(struct nb *nb, const struct step *step, const char *note);
/** The step's prose that stands before line @line; 0: all that is left. */
void nb_prose(struct nb *nb, int line);
/** The prose before @block and the block: a quiz in Markdown, anything else as a code cell. @outputs: of an executed one, an array, taken; NULL: it was not executed. */
void nb_block(struct nb *nb, const struct block *block, json_t *outputs);
/** The rest of the prose, and the hints, folded. */
void nb_step_end(struct nb *nb);
/** A cell with a line of the kernel's own: "%state". @outputs as above. */
void nb_magic(struct nb *nb, const char *line, json_t *outputs);
/** … the step's check, where it has its cell; else @outputs are dropped. */
void nb_check(struct nb *nb, json_t *outputs);
/** Markdown words of our own. */
void nb_remark(struct nb *nb, const char *text);

/** The whole of a step that is not run. */
void nb_step_unexecuted(struct nb *nb, const struct step *step, const char *note);

/* Outputs, each a new object, NULL: out of memory. Bytes that are not UTF-8 become U+FFFD; escape sequences and control characters but tab and newline are dropped. */
json_t *nb_stream(const char *name, const char *text, size_t len); /* "stdout", "stderr" */
json_t *nb_error(const char *name, const char *value);
json_t *nb_display(json_t *bundle); /* takes @bundle */

/** Write it. Returns 0, or -1: out of memory, or @out cannot be written (ferror). */
int nb_write(const struct nb *nb, FILE *out);

#endif

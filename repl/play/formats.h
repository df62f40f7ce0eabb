/** The output formats of the headless verbs; a new one is a new row. */
#ifndef REPL_PLAY_FORMATS_H
#define REPL_PLAY_FORMATS_H

#include "repl/play/run.h"

extern const struct run_format play_formats[]; /* ended by a row without a name */
extern const struct run_format test_formats[];
extern const struct run_format run_progress; /* a line a step, on standard output beside what goes to files */

/* format_tap.c: TAP 13, a test point a step; of play and test alike. */
void tap_begin(struct run_sink *sink, size_t steps);
void tap_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void tap_done(struct run_sink *sink, const struct run_step *step);
void tap_message(struct run_sink *sink, const char *text);

/* format_ipynb.c: a notebook of one lesson. */
void ipynb_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void ipynb_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void ipynb_block(struct run_sink *sink, const struct step *step, const struct block *block,
                 const struct block_result *result);
void ipynb_check(struct run_sink *sink, const struct step *step, bool passed, const char *said);
void ipynb_done(struct run_sink *sink, const struct run_step *done);
void ipynb_message(struct run_sink *sink, const char *text);
void ipynb_end(struct run_sink *sink);
void ipynb_drop(struct run_sink *sink);

#endif

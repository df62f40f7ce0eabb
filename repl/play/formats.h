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

#endif

/** A terminal's cells as SVG. Text stays text, so that a picture can be searched and read aloud. */
#ifndef TESTS_SCREEN_SVG_H
#define TESTS_SCREEN_SVG_H

#include "repl/session/terminal.h"

#include <stdio.h>

void svg_begin(FILE *out, unsigned rows, unsigned cols);
/** The runs of one row, at its place in the picture. */
void svg_row(FILE *out, const struct terminal *terminal, unsigned row);
void svg_end(FILE *out);

#endif

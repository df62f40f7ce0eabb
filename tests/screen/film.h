/** A recording of a terminal as an animated SVG, of the grid row by row. As an asciicast, of the bytes, it is written by repl/play/cast_out.h. */
#ifndef TESTS_SCREEN_FILM_H
#define TESTS_SCREEN_FILM_H

#include "repl/session/terminal.h"

#include <stdio.h>

struct film;

struct film *film_new(void);
/** The terminal as it is at @seconds: what has changed in it since the last look is kept. */
void film_look(struct film *film, const struct terminal *terminal, double seconds);
/** Write it as an endless SVG whose first round ends at @seconds. A viewer that cannot animate shows the end. Frees the film. */
void film_write(struct film *film, FILE *out, unsigned rows, unsigned cols, double seconds);

#endif

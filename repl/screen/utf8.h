/** UTF-8 and the cells it takes on a terminal. */
#ifndef REPL_SCREEN_UTF8_H
#define REPL_SCREEN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Decode one character of @text (@len bytes, at least 1). Returns the bytes it takes; what is not UTF-8 counts as one byte and
 * U+FFFD. */
size_t utf8_decode(const char *text, size_t len, uint32_t *character);
/** Bytes a character takes that begins with @first; 1 for what cannot begin one. */
size_t utf8_expected(unsigned char first);
size_t utf8_encode(uint32_t character, char out[4]);
/** Cells of one character: 0 for combining marks, 1, or 2. Control characters are 0. Needs a UTF-8 LC_CTYPE. */
unsigned utf8_cells(uint32_t character);
/** Cells of a whole text. */
unsigned utf8_width(const char *text, size_t len);
/** Bytes of the longest start of @text that fits @cells. */
size_t utf8_fit(const char *text, size_t len, unsigned cells);

#endif

/** Words that are likely meant: a slip of the finger away from one another. What "did you mean" and "near" ask. */
#ifndef ENGINE_BASE_SIMILAR_H
#define ENGINE_BASE_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>

/** Are the two words not the same, and become so by a letter or two changed, left out, put in or exchanged with its neighbour (one, in words of under five letters), or by
 * letters in the other case? A single letter is similar to nothing. */
bool words_similar(const char *a, const char *b);

/** Of @count words, the first at @first and each @stride bytes after the one before (a table's column), the one @word is likely meant to be; NULL if it is similar to none. */
const char *words_nearest(const char *word, const char *const *first, size_t count, size_t stride);

/** ` (did you mean `WORD`?)`, for the end of a message; "" if @word is similar to none of them. Returns @buf. */
const char *did_you_mean(char *buf, size_t size, const char *word, const char *const *first, size_t count,
                         size_t stride);

#endif

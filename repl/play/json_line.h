/** Writes JSON straight to a stream, an object a line, and holds nothing: for what is too much to build in memory first.
 *
 * Strings are escaped as RFC 8259 says; a byte that is not UTF-8 becomes U+FFFD, except in json_line_bytes, which loses nothing. Errors are the stream's, to be asked of it
 * at the end.
 */
#ifndef REPL_PLAY_JSON_LINE_H
#define REPL_PLAY_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_line {
    FILE *out;
    bool more; /* something stands before the next member, at this depth */
};

/** `{` and a newline's place: end it with json_line_end. */
void json_line_begin(struct json_line *line, FILE *out);
void json_line_end(struct json_line *line);

/** A member of the object at hand, or an element of the list at hand: there @key is NULL. */
void json_line_string(struct json_line *line, const char *key, const char *text); /* NULL text: null */
void json_line_number(struct json_line *line, const char *key, int64_t number);
void json_line_seconds(struct json_line *line, const char *key, uint64_t microseconds); /* 1.234567 */
void json_line_bool(struct json_line *line, const char *key, bool value);
void json_line_open(struct json_line *line, const char *key, char bracket); /* '{' or '[' */
void json_line_close(struct json_line *line, char bracket);                 /* '}' or ']' */

/** @len bytes of any kind: as a string named @key if they are UTF-8, else as one named @base64_key, encoded as RFC 4648 says. */
void json_line_bytes(struct json_line *line, const char *key, const char *base64_key, const char *bytes, size_t len);

/** Bytes at the start of @text that are whole UTF-8 characters. What is left is not UTF-8, or with @cut the beginning of a character whose rest may still come. */
size_t utf8_whole(const char *text, size_t len, bool *cut);

#endif

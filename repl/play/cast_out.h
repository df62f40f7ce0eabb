/** Writes asciicasts, of version 2 or 3: a line for what the recording is, then one for each event. See asciinema's asciicast-v2 and asciicast-v3.
 *
 * Output of one instant becomes one event. A character that is cut is held until its rest comes; what is not UTF-8 is written as U+FFFD. Times never go back.
 */
#ifndef REPL_PLAY_CAST_OUT_H
#define REPL_PLAY_CAST_OUT_H

#include <stdint.h>
#include <stdio.h>

struct cast_out {
    FILE *out;
    unsigned version;
    uint64_t now, told; /* ms: of what is held; of the last event */
    size_t held;
    char hold[16384];
};

/** @version 2 or 3. The title may be NULL. The time of the recording is not written: the same recording has the same bytes. */
void cast_begin(struct cast_out *cast, FILE *out, unsigned version, unsigned rows, unsigned cols, const char *title);
void cast_output(struct cast_out *cast, uint64_t ms, const char *bytes, size_t len);
void cast_marker(struct cast_out *cast, uint64_t ms, const char *label);
/** What is held is written, and the end: a still picture until @ms. */
void cast_end(struct cast_out *cast, uint64_t ms);

/** @len bytes as a JSON string, fit for a <script> too: `<` is escaped, and so is all but printable ASCII and UTF-8. */
void json_put_string(FILE *out, const char *bytes, size_t len);

#endif

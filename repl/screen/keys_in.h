/** Cutting raw key bytes into units: one character, one escape sequence, or a stretch of pasted text. Knows nothing of readline.
 *
 * A unit is complete or it is not there yet, so what reads it never has to wait for its rest.
 */
#ifndef REPL_SCREEN_KEYS_IN_H
#define REPL_SCREEN_KEYS_IN_H

#include <stdbool.h>
#include <stddef.h>

enum key_unit_kind {
    KEY_UNIT_NONE,      /* what is there is incomplete: wait for more */
    KEY_UNIT_CHARACTER, /* one UTF-8 character, control characters included */
    KEY_UNIT_META,      /* ESC and the character after it */
    KEY_UNIT_SEQUENCE,  /* ESC [ … or ESC O x */
    KEY_UNIT_PASTE,     /* the text between the paste brackets; over 1 MiB it comes in several units */
    KEY_UNIT_SKIP,      /* nothing anyone typed: a byte that is not UTF-8, a paste bracket */
};

struct key_units {
    bool pasting; /* between ESC[200~ and ESC[201~ */
};

/** The first unit of @bytes; its length in bytes goes to *length (0 for KEY_UNIT_NONE). With @literal (after a quoted-insert key) ESC is a character of its own. */
enum key_unit_kind key_unit_next(struct key_units *units, const char *bytes, size_t len, bool literal, size_t *length);

#endif

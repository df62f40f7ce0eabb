#include "repl/screen/keys_in.h"

#include <string.h>

#define ESC '\033'
#define SEQUENCE_MAX 64 /* longer than any key: what is longer is let go as it is */
#define PASTE_MAX ((size_t)1 << 20)

static const char paste_begin[] = "\033[200~";
static const char paste_end[] = "\033[201~";

/* Length of the UTF-8 character at @bytes; 0 if it is not all there, -1 if it is none. */
static int utf8_length(const char *bytes, size_t len)
{
    unsigned char first = (unsigned char)bytes[0];
    if (first < 0x80)
        return 1;
    int want = first >= 0xc2 && first <= 0xdf   ? 2
               : (first & 0xf0) == 0xe0         ? 3
               : first >= 0xf0 && first <= 0xf4 ? 4
                                                : -1;
    for (int i = 1; i < want; i++) {
        if ((size_t)i >= len)
            return 0;
        unsigned char c = (unsigned char)bytes[i];
        if ((c & 0xc0) != 0x80)
            return -1;
        if (i == 1 && ((first == 0xe0 && c < 0xa0) || (first == 0xed && c > 0x9f) || (first == 0xf0 && c < 0x90) ||
                       (first == 0xf4 && c > 0x8f)))
            return -1; /* overlong, a surrogate, or beyond Unicode */
    }
    return want;
}

/* Length of the sequence ESC [ … or ESC O x at @bytes, an ESC more before it meaning Alt; 0 if it is not all there. A byte no sequence can hold ends it before that byte. */
static size_t sequence_length(const char *bytes, size_t len)
{
    size_t i = bytes[1] == ESC ? 3 : 2;
    if (bytes[i - 1] == 'O')
        return i < len ? i + 1 : 0;
    if (i < len && bytes[i] == '[') /* the Linux console's F1…F5: ESC [ [ A */
        return i + 1 < len ? i + 2 : 0;
    while (i < len && i < SEQUENCE_MAX && bytes[i] >= 0x20 && bytes[i] <= 0x3f)
        i++;
    if (i == len && i < SEQUENCE_MAX)
        return 0;
    return i < len && bytes[i] >= 0x40 && bytes[i] <= 0x7e ? i + 1 : i;
}

/* A paste is one unit, so that undo takes it back at once; only one that is very long comes in stretches. */
static enum key_unit_kind pasted_unit(struct key_units *units, const char *bytes, size_t len, size_t *length)
{
    size_t mark = strlen(paste_end);
    const char *end = memmem(bytes, len, paste_end, mark);
    if (end == bytes) {
        units->pasting = false;
        *length = mark;
        return KEY_UNIT_SKIP;
    }
    if (!end && len < PASTE_MAX)
        return KEY_UNIT_NONE;
    *length = end ? (size_t)(end - bytes) : PASTE_MAX - mark;
    if (!end) /* cut before a character, not in it */
        while (*length > 1 && ((unsigned char)bytes[*length] & 0xc0) == 0x80)
            --*length;
    return KEY_UNIT_PASTE;
}

enum key_unit_kind key_unit_next(struct key_units *units, const char *bytes, size_t len, bool literal, size_t *length)
{
    *length = 0;
    if (len == 0)
        return KEY_UNIT_NONE;
    if (units->pasting)
        return pasted_unit(units, bytes, len, length);
    if (bytes[0] != ESC || literal) {
        int n = utf8_length(bytes, len);
        *length = n < 0 ? 1 : (size_t)n;
        return n < 0 ? KEY_UNIT_SKIP : n == 0 ? KEY_UNIT_NONE : KEY_UNIT_CHARACTER;
    }
    if (len == 1 || (len == 2 && bytes[1] == ESC))
        return KEY_UNIT_NONE;
    char introducer = bytes[1] == ESC ? bytes[2] : bytes[1];
    if (introducer == '[' || introducer == 'O') {
        *length = sequence_length(bytes, len);
        if (*length == strlen(paste_begin) && memcmp(bytes, paste_begin, *length) == 0) {
            units->pasting = true;
            return KEY_UNIT_SKIP;
        }
        return *length ? KEY_UNIT_SEQUENCE : KEY_UNIT_NONE;
    }
    int n = bytes[1] == ESC ? 0 : utf8_length(bytes + 1, len - 1);
    if (n == 0 && bytes[1] != ESC)
        return KEY_UNIT_NONE;
    bool meta =
        n == 1; /* ESC before another ESC, before no character, or before one that no sequence can hold, stands alone */
    *length = meta ? 2 : 1;
    return meta ? KEY_UNIT_META : KEY_UNIT_CHARACTER;
}

#include "repl/screen/utf8.h"

#include <stdbool.h>
#include <wchar.h>

size_t utf8_expected(unsigned char first)
{
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 1;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    unsigned char first = (unsigned char)text[0];
    size_t n = utf8_expected(first);
    *character = 0xfffd;
    if (n == 1 && first >= 0x80)
        return 1;
    if (n > len)
        return 1;
    uint32_t value = first & mask[n];
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 1;
    *character = value;
    return n;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

unsigned utf8_cells(uint32_t character)
{
    int cells = wcwidth((wchar_t)character);
    if (cells >= 0)
        return (unsigned)cells;
    return character < 0xa0 ? 0 : 1;
}

/* Most text is ASCII: a cell a byte, without asking anybody. */
static bool is_one_cell(char byte)
{
    return byte >= ' ' && byte < 0x7f;
}

unsigned utf8_width(const char *text, size_t len)
{
    unsigned cells = 0;
    for (size_t at = 0; at < len;) {
        uint32_t character;
        if (is_one_cell(text[at])) {
            at++;
            cells++;
            continue;
        }
        at += utf8_decode(text + at, len - at, &character);
        cells += utf8_cells(character);
    }
    return cells;
}

size_t utf8_fit(const char *text, size_t len, unsigned cells)
{
    size_t at = 0;
    while (at < len) {
        uint32_t character;
        bool ascii = is_one_cell(text[at]);
        size_t n = ascii ? 1 : utf8_decode(text + at, len - at, &character);
        unsigned wide = ascii ? 1 : utf8_cells(character);
        if (wide > cells)
            break;
        cells -= wide;
        at += n;
    }
    return at;
}

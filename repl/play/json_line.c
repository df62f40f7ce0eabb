#include "repl/play/json_line.h"

#include <inttypes.h>
#include <string.h>

/* ---- UTF-8 ---- */

/* Of a character that begins with @first: its length, and the bounds of its second byte (RFC 3629). 0: nothing begins so. */
static size_t lead(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return first < 0x80                     ? 1
           : first >= 0xc2 && first <= 0xdf ? 2
           : first >= 0xe0 && first <= 0xef ? 3
           : first >= 0xf0 && first <= 0xf4 ? 4
                                            : 0;
}

/* The length of the character at @text, 0 if it is none; with @cut it is the beginning of one. */
static size_t character(const unsigned char *text, size_t len, bool *cut)
{
    unsigned char low, high;
    size_t size = lead(*text, &low, &high);
    for (size_t i = 1; i < size; i++, low = 0x80, high = 0xbf) {
        if (i == len) {
            *cut = true;
            return 0;
        }
        if (text[i] < low || text[i] > high)
            return 0;
    }
    return size;
}

static size_t ascii_run(const char *text, size_t len)
{
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= len; n += sizeof word) {
        memcpy(&word, text + n, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (n < len && (unsigned char)text[n] < 0x80)
        n++;
    return n;
}

size_t utf8_whole(const char *text, size_t len, bool *cut)
{
    size_t n = 0;
    *cut = false;
    for (;;) {
        n += ascii_run(text + n, len - n);
        size_t size = n < len ? character((const unsigned char *)text + n, len - n, cut) : 0;
        if (size == 0)
            return n;
        n += size;
    }
}

/* ---- strings ---- */

/* Bytes that stand in a string as they are. */
static size_t plain_run(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

static void put_escape(FILE *out, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\nn\rr\tt\bb\ff";
    for (const char *pair = shorts; *pair; pair += 2)
        if ((unsigned char)pair[0] == c) {
            putc_unlocked('\\', out);
            putc_unlocked(pair[1], out);
            return;
        }
    fprintf(out, "\\u%04x", c);
}

/* Of valid UTF-8. */
static void put_text(FILE *out, const char *text, size_t len)
{
    for (size_t n; len; text += n, len -= n) {
        n = plain_run(text, len);
        if (n)
            fwrite_unlocked(text, 1, n, out);
        else
            put_escape(out, (unsigned char)text[n++]);
    }
}

static void put_string(FILE *out, const char *text, size_t len)
{
    bool cut;
    putc_unlocked('"', out);
    while (len) {
        size_t whole = utf8_whole(text, len, &cut);
        put_text(out, text, whole);
        if (whole < len)
            fputs("\xef\xbf\xbd", out);
        whole += whole < len;
        text += whole;
        len -= whole;
    }
    putc_unlocked('"', out);
}

static void put_base64(FILE *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t there = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (there > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (there > 2 ? (uint32_t)bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            putc_unlocked(k <= there ? digits[bits >> (18 - 6 * k) & 63] : '=', out);
    }
}

/* ---- structure ---- */

static void put_key(struct json_line *line, const char *key)
{
    if (line->more)
        putc_unlocked(',', line->out);
    line->more = true;
    if (!key)
        return;
    put_string(line->out, key, strlen(key));
    putc_unlocked(':', line->out);
}

void json_line_begin(struct json_line *line, FILE *out)
{
    *line = (struct json_line){ .out = out };
    putc_unlocked('{', out);
}

void json_line_end(struct json_line *line)
{
    fputs("}\n", line->out);
}

void json_line_string(struct json_line *line, const char *key, const char *text)
{
    put_key(line, key);
    if (text)
        put_string(line->out, text, strlen(text));
    else
        fputs("null", line->out);
}

void json_line_number(struct json_line *line, const char *key, int64_t number)
{
    put_key(line, key);
    fprintf(line->out, "%" PRId64, number);
}

void json_line_seconds(struct json_line *line, const char *key, uint64_t microseconds)
{
    put_key(line, key);
    fprintf(line->out, "%" PRIu64 ".%06" PRIu64, microseconds / 1000000, microseconds % 1000000);
}

void json_line_bool(struct json_line *line, const char *key, bool value)
{
    put_key(line, key);
    fputs(value ? "true" : "false", line->out);
}

void json_line_open(struct json_line *line, const char *key, char bracket)
{
    put_key(line, key);
    putc_unlocked(bracket, line->out);
    line->more = false;
}

void json_line_close(struct json_line *line, char bracket)
{
    putc_unlocked(bracket, line->out);
    line->more = true;
}

void json_line_bytes(struct json_line *line, const char *key, const char *base64_key, const char *bytes, size_t len)
{
    bool cut, text = utf8_whole(bytes, len, &cut) == len;
    put_key(line, text ? key : base64_key);
    putc_unlocked('"', line->out);
    if (text)
        put_text(line->out, bytes, len);
    else
        put_base64(line->out, (const unsigned char *)bytes, len);
    putc_unlocked('"', line->out);
}

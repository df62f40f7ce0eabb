#include "repl/play/cast_out.h"

#include "repl/session/vtguard.h"

#include <string.h>

void json_put_string(FILE *out, const char *bytes, size_t len)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    fputc('"', out);
    for (size_t at = 0, n; at < len; at += n) {
        unsigned char c = (unsigned char)bytes[at];
        const char *known = c ? strchr(from, c) : NULL;
        uint32_t code;
        n = 1;
        if (known) {
            fputc('\\', out);
            fputc(to[known - from], out);
        } else if (c < 0x20 || c == 0x7f || c == '<') {
            fprintf(out, "\\u%04x", c);
        } else if (c < 0x80) {
            fputc(c, out);
        } else {
            n = vtguard_decode(bytes + at, len - at, &code);
            if (code == 0xfffd || (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029)
                fprintf(out, "\\u%04x", code);
            else
                fwrite(bytes + at, 1, n, out);
        }
    }
    fputc('"', out);
}

void cast_begin(struct cast_out *cast, FILE *out, unsigned version, unsigned rows, unsigned cols, const char *title)
{
    cast->out = out;
    cast->version = version;
    cast->now = cast->told = 0;
    cast->held = 0;
    if (version == 3)
        fprintf(out, "{\"version\":3,\"term\":{\"cols\":%u,\"rows\":%u,\"type\":\"xterm-256color\"}", cols, rows);
    else
        fprintf(out, "{\"version\":2,\"width\":%u,\"height\":%u", cols, rows);
    if (title) {
        fputs(",\"title\":", out);
        json_put_string(out, title, strlen(title));
    }
    if (version != 3)
        fputs(",\"env\":{\"TERM\":\"xterm-256color\"}", out);
    fputs("}\n", out);
}

static void put_event(struct cast_out *cast, char kind, const char *bytes, size_t len)
{
    /* Version 2 has times, 3 what has passed since the event before. */
    uint64_t ms = cast->version == 3 ? cast->now - cast->told : cast->now;
    fprintf(cast->out, "[%llu.%03llu,\"%c\",", (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000), kind);
    json_put_string(cast->out, bytes, len);
    fputs("]\n", cast->out);
    cast->told = cast->now;
}

/* Bytes at the end of what is held that begin a character, and are not all of it. */
static size_t cut_off(const struct cast_out *cast)
{
    for (size_t n = 1; n <= 3 && n <= cast->held; n++) {
        unsigned char c = (unsigned char)cast->hold[cast->held - n];
        if (c >= 0xc2 && c <= 0xf4)
            return n < (c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4) ? n : 0;
        if ((c & 0xc0) != 0x80)
            return 0;
    }
    return 0;
}

static void flush(struct cast_out *cast, bool all)
{
    size_t rest = all ? 0 : cut_off(cast);
    if (cast->held > rest)
        put_event(cast, 'o', cast->hold, cast->held - rest);
    memmove(cast->hold, cast->hold + cast->held - rest, rest);
    cast->held = rest;
}

static void move_to(struct cast_out *cast, uint64_t ms)
{
    if (ms <= cast->now)
        return;
    flush(cast, false);
    cast->now = ms;
}

void cast_output(struct cast_out *cast, uint64_t ms, const char *bytes, size_t len)
{
    move_to(cast, ms);
    while (len > 0) {
        size_t room = sizeof cast->hold - cast->held, n = len < room ? len : room;
        memcpy(cast->hold + cast->held, bytes, n);
        cast->held += n;
        bytes += n;
        len -= n;
        if (cast->held == sizeof cast->hold)
            flush(cast, false);
    }
}

void cast_marker(struct cast_out *cast, uint64_t ms, const char *label)
{
    flush(cast, false);
    move_to(cast, ms);
    put_event(cast, 'm', label, strlen(label));
}

void cast_end(struct cast_out *cast, uint64_t ms)
{
    flush(cast, true);
    move_to(cast, ms);
    if (cast->version == 3)
        put_event(cast, 'x', "0", 1);
    else if (cast->now > cast->told)
        put_event(cast, 'o', "", 0);
}

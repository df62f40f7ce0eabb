#include "repl/session/vtguard.h"

#include <string.h>

void vtguard_init(struct vtguard *guard, const struct vtguard_hooks *hooks, void *data)
{
    memset(guard, 0, sizeof(*guard));
    guard->hooks = hooks;
    guard->data = data;
}

/* How many bytes a character that begins with @lead has, and the range its second byte must be in (Unicode 15, table 3-7); 0: no lead byte. */
static unsigned lead_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *low = 0xa0;
        if (lead == 0xed)
            *high = 0x9f;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *low = 0x90;
        if (lead == 0xf4)
            *high = 0x8f;
        return 4;
    }
    return 0;
}

/* Bytes of @bytes that form a good beginning of one character; *@wanted is its full length (0: not even a lead byte). */
static unsigned good_prefix(const char *bytes, size_t len, unsigned *wanted)
{
    unsigned char low, high;
    *wanted = lead_length((unsigned char)bytes[0], &low, &high);
    if (*wanted == 0)
        return 0;
    unsigned good = 1;
    while (good < *wanted && good < len) {
        unsigned char c = (unsigned char)bytes[good];
        if (c < low || c > high)
            break;
        low = 0x80;
        high = 0xbf;
        good++;
    }
    return good;
}

size_t vtguard_decode(const char *bytes, size_t len, uint32_t *code)
{
    unsigned char lead = (unsigned char)bytes[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    unsigned wanted, good = good_prefix(bytes, len, &wanted);
    if (good == 0 || good < wanted) {
        *code = 0xfffd;
        return good ? good : 1;
    }
    uint32_t value = lead & (0xffu >> (wanted + 1));
    for (unsigned i = 1; i < wanted; i++)
        value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
    *code = value;
    return wanted;
}

/* Length of the character at the end of @bytes that more bytes could still complete; 0 if the end is complete or hopeless. */
static unsigned unfinished(const char *bytes, size_t len)
{
    for (unsigned back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)bytes[len - back];
        if (c < 0x80)
            return 0;
        if (c >= 0xc0) {
            unsigned wanted, good = good_prefix(bytes + len - back, back, &wanted);
            return wanted > back && good == back ? back : 0;
        }
    }
    return 0;
}

/* Bytes of text at the start of @bytes: everything but C0 controls and DEL. Eight at a time while they are plain. */
static size_t text_length(const char *bytes, size_t len)
{
    size_t at = 0;
    while (at + 8 <= len) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        uint64_t below_space = (word - ones * 0x20) & ~word & high;
        uint64_t delete = word ^ (ones * 0x7f);
        delete = (delete - ones) & ~delete &high;
        if (below_space | delete)
            break; /* perhaps a false alarm next to a real one: the loop below looks at each */
        at += 8;
    }
    while (at < len && (unsigned char)bytes[at] >= 0x20 && bytes[at] != 0x7f)
        at++;
    return at;
}

/* The held beginning of a character meets its next bytes. Returns how many of them were used. */
static size_t finish_held(struct vtguard *guard, const char *bytes, size_t len)
{
    size_t used = 0;
    while (used < len) {
        unsigned wanted;
        guard->held[guard->held_len] = bytes[used];
        if (good_prefix(guard->held, guard->held_len + 1u, &wanted) <= guard->held_len)
            break; /* this byte does not belong to it: the held ones are a broken character */
        guard->held_len++;
        used++;
        if (guard->held_len == wanted)
            break;
    }
    unsigned wanted, good = good_prefix(guard->held, guard->held_len, &wanted);
    if (used == len && good < wanted)
        return used; /* still to be continued */
    unsigned held = guard->held_len;
    guard->held_len = 0;
    guard->hooks->text(guard->held, held, guard->data);
    return used;
}

static size_t ground(struct vtguard *guard, const char *bytes, size_t len)
{
    if (guard->held_len) {
        size_t used = finish_held(guard, bytes, len);
        if (used || guard->held_len)
            return used;
    }
    size_t run = text_length(bytes, len), hold = 0;
    if (run == 0)
        return 0;
    if (run == len)
        hold = unfinished(bytes, run);
    if (run > hold)
        guard->hooks->text(bytes, run - hold, guard->data);
    if (hold > 0)
        memcpy(guard->held, bytes + run - hold, hold);
    guard->held_len = (unsigned)hold;
    return run;
}

static void csi_begin(struct vtguard *guard)
{
    memset(&guard->csi, 0, offsetof(struct vtguard_csi, args));
    guard->csi.args[0].value = -1;
    guard->csi.args[0].more = false;
    guard->state = VTGUARD_CSI;
}

static void csi_digit(struct vtguard_csi *csi, char digit)
{
    if (csi->count == 0)
        csi->count = 1;
    if (csi->count > VTGUARD_ARGS)
        return;
    int *value = &csi->args[csi->count - 1].value;
    *value = (*value < 0 ? 0 : *value) * 10 + (digit - '0');
    if (*value > VTGUARD_ARG_MAX)
        *value = VTGUARD_ARG_MAX;
}

static void csi_separator(struct vtguard_csi *csi, bool more)
{
    if (csi->count == 0)
        csi->count = 1;
    if (csi->count > VTGUARD_ARGS)
        return;
    csi->args[csi->count - 1].more = more;
    if (csi->count++ < VTGUARD_ARGS) {
        csi->args[csi->count - 1].value = -1;
        csi->args[csi->count - 1].more = false;
    }
}

static void csi_byte(struct vtguard *guard, char c)
{
    struct vtguard_csi *csi = &guard->csi;
    if (c >= 0x40 && c <= 0x7e) {
        bool ignore = guard->state == VTGUARD_CSI_IGNORE;
        guard->state = VTGUARD_GROUND;
        if (ignore)
            return;
        if (csi->count > VTGUARD_ARGS)
            csi->count = VTGUARD_ARGS;
        if (csi->count)
            csi->args[csi->count - 1].more = false;
        csi->final = c;
        guard->hooks->csi(csi, guard->data);
        return;
    }
    if (guard->state == VTGUARD_CSI_IGNORE)
        return;
    if (c >= 0x20 && c <= 0x2f) {
        guard->state = csi->intermed ? VTGUARD_CSI_IGNORE : VTGUARD_CSI_INTERMED;
        csi->intermed = c;
    } else if (guard->state == VTGUARD_CSI_INTERMED || (unsigned char)c >= 0x80) {
        guard->state = VTGUARD_CSI_IGNORE;
    } else if (c >= '0' && c <= '9') {
        csi_digit(csi, c);
    } else if (c == ';' || c == ':') {
        csi_separator(csi, c == ':');
    } else if (c >= 0x3c && c <= 0x3f && csi->count == 0 && !csi->leader) {
        csi->leader = c;
    } else {
        guard->state = VTGUARD_CSI_IGNORE;
    }
}

static void string_begin(struct vtguard *guard, char kind)
{
    guard->string_kind = kind;
    guard->string_len = 0;
    guard->state = VTGUARD_STRING_BODY;
}

static void string_end(struct vtguard *guard)
{
    guard->state = VTGUARD_GROUND;
    if (guard->string_len > VTGUARD_STRING)
        return;
    guard->string[guard->string_len] = '\0';
    if (guard->string_kind == ']')
        guard->hooks->osc(guard->string, guard->string_len, guard->data);
    else if (guard->string_kind == 'P')
        guard->hooks->dcs(guard->string, guard->string_len, guard->data);
}

static void escape_byte(struct vtguard *guard, char c)
{
    if (c >= 0x20 && c <= 0x2f) {
        guard->intermed = guard->intermed ? '?' : c;
    } else if ((unsigned char)c >= 0x80) {
        guard->state = VTGUARD_GROUND;
    } else if (!guard->intermed && c == '[') {
        csi_begin(guard);
    } else if (!guard->intermed && strchr("]PX^_", c)) { /* OSC, DCS, and SOS, PM and APC, which are only skipped */
        string_begin(guard, c);
    } else {
        guard->state = VTGUARD_GROUND;
        if (guard->intermed != '?')
            guard->hooks->escape(guard->intermed, c, guard->data);
    }
}

/* One byte outside of plain text. */
static void byte(struct vtguard *guard, char c)
{
    bool in_string = guard->state == VTGUARD_STRING_BODY || guard->state == VTGUARD_STRING_ESCAPE;
    if (c == 0x1b) {
        guard->intermed = 0;
        guard->state = in_string ? VTGUARD_STRING_ESCAPE : VTGUARD_ESCAPE;
        return;
    }
    if (c == 0x18 || c == 0x1a) {
        guard->state = VTGUARD_GROUND;
        return;
    }
    if (guard->state == VTGUARD_STRING_ESCAPE) {
        if (c == '\\') {
            string_end(guard);
            return;
        }
        guard->state =
            VTGUARD_ESCAPE; /* not ended but broken off: the string is void, and this byte goes on the escape */
        in_string = false;
    }
    if (c == 0x7f)
        return;
    if ((unsigned char)c < 0x20) {
        if (!in_string && c != 0)
            guard->hooks->control((unsigned char)c, guard->data);
        else if (c == 0x07)
            string_end(guard);
        return;
    }
    switch (guard->state) {
    case VTGUARD_ESCAPE:
        escape_byte(guard, c);
        break;
    case VTGUARD_CSI:
    case VTGUARD_CSI_INTERMED:
    case VTGUARD_CSI_IGNORE:
        csi_byte(guard, c);
        break;
    case VTGUARD_STRING_BODY:
        if (guard->string_len < VTGUARD_STRING)
            guard->string[guard->string_len] = c;
        if (guard->string_len <= VTGUARD_STRING)
            guard->string_len++;
        break;
    case VTGUARD_GROUND:
    case VTGUARD_STRING_ESCAPE:
        break;
    }
}

void vtguard_feed(struct vtguard *guard, const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        unsigned char c = (unsigned char)bytes[at];
        /* The ends of short lines: of `yes` they are two bytes of three. */
        if ((c == '\r' || c == '\n') && guard->state == VTGUARD_GROUND && guard->held_len == 0) {
            guard->hooks->control(c, guard->data);
            at++;
            continue;
        }
        size_t used = guard->state == VTGUARD_GROUND ? ground(guard, bytes + at, len - at) : 0;
        at += used;
        if (used == 0)
            byte(guard, bytes[at++]);
    }
}

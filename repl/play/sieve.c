#include "repl/play/sieve.h"

#include <stdio.h>
#include <string.h>

/* Sequences that draw, by what stands before their final. */
static const struct drawing {
    char leader, intermed;
    const char *finals;
} drawings[] = {
    { 0, 0, "@ABCDEFGHIJKLMPSTXZ`abdefgjkmru" }, { '?', 0, "JK" }, { 0, '!', "p" }, { 0, '"', "q" }, { 0, '\'', "}~" },
};

static const int private_modes[] = { 5, 6, 7, 25, 47, 1047, 1048, 1049 };
static const int modes[] = { 4, 20 };

static void put(struct sieve *sieve, const char *bytes, size_t len)
{
    sieve->hooks->out(bytes, len, sieve->data);
}

static void on_text(const char *bytes, size_t len, void *data)
{
    struct sieve *sieve = data;
    size_t from = 0;
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t code = (unsigned char)bytes[at];
        n = code < 0x7f ? 1 : vtguard_decode(bytes + at, len - at, &code);
        bool broken = code == 0xfffd && (n != 3 || memcmp(bytes + at, "\xef\xbf\xbd", 3) != 0);
        if (code != 0x7f && (code < 0x80 || code > 0x9f) && !broken)
            continue;
        if (at > from)
            put(sieve, bytes + from, at - from);
        if (broken)
            put(sieve, "\xef\xbf\xbd", 3);
        from = at + n;
    }
    if (len > from)
        put(sieve, bytes + from, len - from);
    sieve->after_text = true;
}

static void on_control(unsigned char control, void *data)
{
    struct sieve *sieve = data;
    char byte = (char)control;
    if (!memchr("\b\t\n\v\f\r\016\017", byte, 8))
        return;
    put(sieve, &byte, 1);
    sieve->after_text &= byte == '\016' || byte == '\017';
}

static void on_escape(char intermed, char final, void *data)
{
    struct sieve *sieve = data;
    char sequence[] = { 033, intermed, final };
    sieve->after_text = false;
    if (!intermed && strchr("78cDEHMno", final)) {
        sequence[1] = final;
        put(sieve, sequence, 2);
    } else if (intermed == '#' && final == '8') {
        put(sieve, sequence, 3);
    } else if (intermed && strchr("()*+", intermed)) {
        sequence[2] = strchr("0A", final) ? final : 'B';
        put(sieve, sequence, 3);
    }
}

static bool draws(const struct vtguard_csi *csi)
{
    for (size_t i = 0; i < sizeof drawings / sizeof *drawings; i++)
        if (csi->leader == drawings[i].leader && csi->intermed == drawings[i].intermed)
            return strchr(drawings[i].finals, csi->final) != NULL;
    return false;
}

static void put_csi(struct sieve *sieve, const struct vtguard_csi *csi)
{
    char sequence[VTGUARD_ARGS * 7 + 8];
    size_t at = 0;
    sequence[at++] = 033;
    sequence[at++] = '[';
    if (csi->leader)
        sequence[at++] = csi->leader;
    for (unsigned i = 0; i < csi->count; i++) {
        if (i > 0)
            sequence[at++] = csi->args[i - 1].more ? ':' : ';';
        if (csi->args[i].value >= 0)
            at += (size_t)snprintf(sequence + at, sizeof sequence - at, "%d", csi->args[i].value);
    }
    if (csi->intermed)
        sequence[at++] = csi->intermed;
    sequence[at++] = csi->final;
    put(sieve, sequence, at);
}

static void put_modes(struct sieve *sieve, const struct vtguard_csi *csi)
{
    const int *known = csi->leader ? private_modes : modes;
    size_t count = csi->leader ? sizeof private_modes / sizeof *private_modes : sizeof modes / sizeof *modes;
    for (unsigned i = 0; i < csi->count; i++)
        for (size_t k = 0; k < count; k++)
            if (csi->args[i].value == known[k]) {
                struct vtguard_csi one = { .leader = csi->leader, .final = csi->final, .count = 1 };
                one.args[0].value = known[k];
                put_csi(sieve, &one);
            }
}

static void on_csi(const struct vtguard_csi *csi, void *data)
{
    struct sieve *sieve = data;
    bool plain = !csi->leader && !csi->intermed, after_text = sieve->after_text;
    sieve->after_text =
        plain && csi->final == 'm' && after_text; /* a change of the pen does not end what REP repeats */
    if ((plain || (csi->leader == '?' && !csi->intermed)) && (csi->final == 'h' || csi->final == 'l'))
        put_modes(sieve, csi);
    else if (plain && csi->final == 's' && csi->count == 0)
        put(sieve, "\033[s", 3);
    else if (plain && csi->final == 'J' && csi->count && csi->args[0].value == 3)
        return;
    else if (plain && csi->final == 'b' && !after_text)
        return;
    else if (draws(csi))
        put_csi(sieve, csi);
    sieve->after_text |= plain && csi->final == 'b' && after_text;
}

static void on_osc(const char *text, size_t len, void *data)
{
    struct sieve *sieve = data;
    sieve->after_text = false;
    if (len >= 5 && strncmp(text, "133;", 4) == 0 && memchr("ABCD", text[4], 4))
        sieve->hooks->mark(text[4], sieve->data);
}

static void on_dcs(const char *text, size_t len, void *data)
{
    struct sieve *sieve = data;
    sieve->after_text = false;
}

static const struct vtguard_hooks guard_hooks = {
    .text = on_text, .control = on_control, .escape = on_escape, .csi = on_csi, .osc = on_osc, .dcs = on_dcs
};

void sieve_init(struct sieve *sieve, const struct sieve_hooks *hooks, void *data)
{
    *sieve = (struct sieve){ .hooks = hooks, .data = data };
    vtguard_init(&sieve->guard, &guard_hooks, sieve);
}

void sieve_feed(struct sieve *sieve, const char *bytes, size_t len)
{
    vtguard_feed(&sieve->guard, bytes, len);
}

/** Takes a program's output apart before libvterm sees any of it.
 *
 * libvterm 0.1.4 can be crashed or hung by ordinary output (too many CSI arguments, a string split over two writes, a repeat before any
 * glyph …). So the bytes are parsed here first: sequences are joined across reads, bounded, and handed on one by one with clamped
 * arguments; what the caller does not know it drops. See ECMA-48 and xterm's "Control Sequences".
 */
#ifndef REPL_SESSION_VTGUARD_H
#define REPL_SESSION_VTGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VTGUARD_ARGS = 32,       /* further arguments are ignored */
    VTGUARD_ARG_MAX = 65535, /* larger values are this */
    VTGUARD_STRING = 4096,   /* a longer OSC or DCS is dropped whole, up to its end */
};

struct vtguard_csi {
    char leader;    /* one of < = > ? or 0 */
    char intermed;  /* 0x20…0x2f or 0 */
    char final;     /* 0x40…0x7e */
    unsigned count; /* arguments written; 0 if none at all */
    struct {
        int value; /* -1: left empty */
        bool more; /* a colon follows: the next argument is a part of this one */
    } args[VTGUARD_ARGS];
};

/* All called with the same @data. Lengths are in bytes; pointers are valid during the call. */
struct vtguard_hooks {
    /** A run without control characters. UTF-8, never cut within a character that may still become valid; decode it with vtguard_decode. */
    void (*text)(const char *bytes, size_t len, void *data);
    void (*control)(unsigned char control, void *data);    /* C0, but ESC, NUL, CAN and SUB */
    void (*escape)(char intermed, char final, void *data); /* @intermed 0 if none */
    void (*csi)(const struct vtguard_csi *csi, void *data);
    void (*osc)(const char *text, size_t len, void *data); /* NUL-terminated too */
    void (*dcs)(const char *text, size_t len, void *data);
};

struct vtguard {
    const struct vtguard_hooks *hooks;
    void *data;
    enum {
        VTGUARD_GROUND,
        VTGUARD_ESCAPE,
        VTGUARD_CSI,
        VTGUARD_CSI_INTERMED,
        VTGUARD_CSI_IGNORE,
        VTGUARD_STRING_BODY,
        VTGUARD_STRING_ESCAPE,
    } state;
    struct vtguard_csi csi;
    char intermed;     /* of an escape sequence; '?' when there were several */
    char string_kind;  /* ']' OSC, 'P' DCS, else dropped */
    size_t string_len; /* more than VTGUARD_STRING: too long */
    char string[VTGUARD_STRING + 1];
    char held[4]; /* the begin of a character whose rest is still to come */
    unsigned held_len;
};

void vtguard_init(struct vtguard *guard, const struct vtguard_hooks *hooks, void *data);
void vtguard_feed(struct vtguard *guard, const char *bytes, size_t len);

/** Decode the first character of @len > 0 bytes into *@code: U+FFFD for what is no UTF-8. Returns the bytes used, at least 1. */
size_t vtguard_decode(const char *bytes, size_t len, uint32_t *code);

#endif

/** What a terminal got, made fit to be shown elsewhere: in somebody's own terminal, which must not be asked, set or written into by a recording, or in a page.
 *
 * What remains is valid UTF-8 and those sequences that only put something on the screen: shown by an emulator (session/emulator.h) it gives the same cells as the raw bytes.
 * Left out are titles, the clipboard and every other string (OSC, DCS), requests that a terminal would answer as if typed, the mouse, bracketed paste and other modes of the
 * keyboard, the bell, the erasing of the scrollback, NUL and other control characters. The shell's marks (session/marks.h) are told apart.
 */
#ifndef REPL_PLAY_SIEVE_H
#define REPL_PLAY_SIEVE_H

#include "repl/session/vtguard.h"

struct sieve_hooks {
    void (*out)(const char *bytes, size_t len, void *data); /* text, or one whole control or sequence */
    void (*mark)(char letter,
                 void *data); /* A, B, C or D; whether it is a shell of ours is not asked: it changes only the pace */
};

struct sieve {
    struct vtguard guard;
    const struct sieve_hooks *hooks;
    void *data;
    bool after_text; /* nothing was dropped since: REP repeats the glyph that it is to repeat */
};

void sieve_init(struct sieve *sieve, const struct sieve_hooks *hooks, void *data);
void sieve_feed(struct sieve *sieve, const char *bytes, size_t len);

#endif

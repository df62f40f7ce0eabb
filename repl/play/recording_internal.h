/** What a recording's parts share: how it is made (recording.c), and how what a terminal showed is read afterwards (recording_lines.c). */
#ifndef REPL_PLAY_RECORDING_INTERNAL_H
#define REPL_PLAY_RECORDING_INTERNAL_H

#include "repl/play/recording.h"

#include "repl/play/sieve.h"
#include "repl/session/job.h"

enum { RECORDING_TYPED = 256 }; /* lines typed in a block; further ones are not told apart */

/* Where on a terminal, for good: lines are counted from the first one ever. */
struct spot {
    uint64_t line;
    unsigned col;
};

struct track {
    pid_t shell;
    bool at_prompt;
    struct sieve sieve;
    struct emulator emulator;
    struct text line;      /* not shown yet; marks are in it as \001 and their letter: the sieve lets no \001 through */
    struct text prompt;    /* what stood before what was typed last */
    struct spot began;     /* the block */
    struct spot prompt_at; /* the last mark A */
    struct spot typed[RECORDING_TYPED];
    size_t typed_count;
    uint64_t clock, shown; /* its own; the common one when it was last shown */
    size_t burst;
    unsigned pieces; /* since something was typed */
};

struct recording {
    const struct lesson *lesson;
    const struct step *step;
    const struct recording_hooks *hooks;
    void *data;
    unsigned rows, cols;
    uint64_t clock, drawn; /* now; when the last picture was drawn */
    bool dirty, begun;
    unsigned active, panes;
    bool used[RECORDING_TERMINALS + 1]; /* by the lesson's blocks */
    char **expected;                    /* lines that the block types and that were not seen yet */
    size_t expected_count, expected_at;
    struct canvas canvas;
    struct track *tracks[RECORDING_TERMINALS + 1];
};

#endif

/** What a command printed, cut out of a terminal's raw bytes: from the mark that its line was accepted (C) to the mark that it ended (D) or that a shell shows a prompt
 * (A). Escape sequences, CRs and other control bytes but tab and newline are left out.
 */
#ifndef REPL_SESSION_CAPTURE_H
#define REPL_SESSION_CAPTURE_H

#include "repl/session/job.h"

#define CAPTURE_LIMIT (4u << 20)
#define CAPTURE_PROMPTS 1024

struct capture {
    enum {
        CAPTURE_TEXT,
        CAPTURE_ESCAPE,
        CAPTURE_INTERMEDIATE,
        CAPTURE_CSI,
        CAPTURE_STRING,
        CAPTURE_STRING_ESCAPE
    } state;
    bool on;       /* a command is being captured */
    bool accepted; /* its C was seen */
    bool osc;      /* the string is an OSC */
    char mark[96]; /* its first bytes */
    size_t mark_len;
    bool ended; /* a D since the last prompt */
    int status; /* of the last D, whether or not a line had been accepted: a syntax error has one too */
    bool continued
        [CAPTURE_PROMPTS]; /* of each prompt that was fed and not asked for: is it a PS2? No D comes before one. */
    unsigned prompts, asked;
    char nonce[17];
    struct text text;
};

/** Begin: what comes until C is kept too (it is all there is when a shell makes no marks), and dropped at C. */
void capture_begin(struct capture *capture);
void capture_feed(struct capture *capture, const char *bytes, size_t len);
/** Is the next of the prompts fed since the last capture_settle a PS2, which asks for more of a command? */
bool capture_continued(struct capture *capture);
/** What was fed has been through the terminal too. */
void capture_settle(struct capture *capture);
/** Stop, and take off what a shell without marks adds: the @lines echoed lines before, and the prompt after. */
void capture_end(struct capture *capture, size_t lines);

#endif

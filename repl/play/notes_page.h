/** The presenter's notes as they come from the demo: what `teachroot notes` believes of them, and how they are shown.
 *
 * The other side may be any program. Texts are held to NOTES_TEXT_MAX bytes, numbers to what can be reckoned with, and nothing in them acts on a terminal.
 */
#ifndef REPL_PLAY_NOTES_PAGE_H
#define REPL_PLAY_NOTES_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#define NOTES_TEXT_MAX 16384

struct flow;
struct json_t;

struct notes {
    struct json_t *now; /* the last message; NULL: none yet */
    unsigned top;
    int step;
    char *printed; /* as text: what was said last */
};

/** Take in a message. Returns whether it was one of notes: no other changes anything. */
bool notes_take(struct notes *notes, const struct json_t *message);
/** All of it, at the time @now (seconds since the epoch). There must have been a message. */
void notes_put_page(struct flow *flow, const struct notes *notes, long long now);
/** As text, once @message was one of notes: the step when it is a new one, and what comes next when that is. */
bool notes_print(FILE *out, struct notes *notes, const struct json_t *message);
void notes_free(struct notes *notes);

#endif

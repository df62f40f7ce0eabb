/** What is said of the learner's commands that failed: two lines unasked, once for each trap and command of a step; and the whole page when it is asked for.
 *
 * Of what a step has one try because it fails nothing is said unasked: the lesson explains it. Knows neither ncurses nor plain text: gives Markdown.
 */
#ifndef REPL_TUTOR_ADVICE_H
#define REPL_TUTOR_ADVICE_H

#include "repl/session/session.h"

struct advice;

/** Reads the table of traps (traps_open). NULL with @err set: then nothing is diagnosed, and @err says why. */
struct advice *advice_new(struct err *err);
void advice_free(struct advice *advice); /* NULL is fine */

/** After each SESSION_EVIDENCE: what to say unasked, or NULL. Valid until the next call. */
const char *advice_take(struct advice *advice, struct session *session);
/** Another step is in play: what was said before is forgotten. */
void advice_step(struct advice *advice);

/** What `diagnose` shows: the last command that failed, what happened, and the longer page; or that there is none, or that it is not known. malloc'ed; NULL when memory ran out. */
char *advice_page(const struct advice *advice);
/** The trap it is about, or NULL. */
const char *advice_trap(const struct advice *advice);

#endif

/** The lesson that a README becomes: its own text, with headings that start steps, info strings, keys and checks. */
#ifndef REPL_ADOPT_DRAFT_H
#define REPL_ADOPT_DRAFT_H

#include "repl/adopt/claims.h"
#include "repl/adopt/plan.h"

enum draft_stage {
    DRAFT_OBSERVE, /* every block may fail and print what it likes; no check */
    DRAFT_TRY,     /* the blocks as they will be; a check says which of its claims hold, and fails */
    DRAFT_LESSON,
};

/** malloc'ed, or NULL (ENOMEM). @claims: of each section. */
char *draft_write(const struct adopt_plan *plan, const struct adopt_claims *claims, enum draft_stage stage);

#endif

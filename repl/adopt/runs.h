/** The two runs of a draft: one to see what its steps change, one to prove the claims that were made of that. */
#ifndef REPL_ADOPT_RUNS_H
#define REPL_ADOPT_RUNS_H

#include "repl/adopt/draft.h"
#include "repl/play/run.h"

struct adopt_runs {
    struct adopt_plan *plan;
    struct adopt_claims *claims; /* of each section */
    struct lab_options lab;
    unsigned timeout_s; /* for a whole run; 0: none */
    FILE *out;          /* progress */
    size_t failures;    /* blocks of the second run that did not do as in the first */
};

/** Run the README as it stands. A block that does not end is left running in a terminal of its own, and all is run again. Returns an exit status of run.h: RUN_OK unless it could not be
 * run at all. */
int runs_observe(struct adopt_runs *runs);
/** Run it as the lesson will be. Returns RUN_OK, or RUN_FAILED when a block did something else this time. */
int runs_prove(struct adopt_runs *runs);

#endif

/** Tells the sinks of a run what happens; with `--record-redact`, without what differs from one play to the next.
 *
 * Output is then held until its block is over, and told a line at a time, terminal by terminal: when and in what pieces it was read is another accident.
 */
#ifndef REPL_PLAY_TELL_H
#define REPL_PLAY_TELL_H

#include "repl/play/run.h"

/** A lesson's lab is up: what it is called is known. */
void tell_lab(struct run *run, const struct lesson *lesson, struct lab *lab);
void tell_block_begins(struct run *run, const struct step *step, const struct block *block);
/** Returns the result as the sinks know it, until the next one: for tell_done. */
const struct block_result *tell_block(struct run *run, const struct step *step, const struct block *block,
                                      const struct block_result *result);
void tell_before(struct run *run, const struct step *step, const char *said);
void tell_check(struct run *run, const struct step *step, bool passed, const char *said);
/** Counts it, too. */
void tell_done(struct run *run, const struct run_step *done);
void tell_output(struct run *run, unsigned terminal, const char *bytes, size_t len);
/** What is held is told now. */
void tell_held(struct run *run);

/** Of one lesson: begin with a struct redact if the options ask for it, and forget everything. Returns 0 or -1. */
int tell_begin(struct run *run, struct err *err);
void tell_end(struct run *run);

#endif

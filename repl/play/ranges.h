/** Which steps of its lessons a run is asked for: `--from 4.2 --until 4.5`. The ones before are done as a session does that begins there; they are not the run's own, and no format
 * lists or counts them.
 */
#ifndef REPL_PLAY_RANGES_H
#define REPL_PLAY_RANGES_H

#include "repl/play/run.h"

/** Does what @options ask for make sense of these lessons? Returns 0 or -1. */
int ranges_check(const struct run_options *options, struct lesson *const *lessons, size_t count, struct err *err);

/** The first step and the last one of @lesson, from 1. Nothing is between them where it has none. */
void run_range(const struct run_options *options, const struct lesson *lesson, unsigned *from, unsigned *until);

#endif

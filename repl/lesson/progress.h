/** Progress: a small JSON file that can be copied to another machine, $XDG_STATE_HOME/teachroot/progress.json, replaced atomically. */
#ifndef REPL_LESSON_PROGRESS_H
#define REPL_LESSON_PROGRESS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct progress; /* an open progress file, held in memory */

/** Load it (a missing file is an empty one). A damaged file is set aside as progress.json.damaged-N, said in @err with code EBADMSG, and an empty
 * progress is still returned; so it is with another code in @err when the file could not be read. NULL only when out of memory.
 * @path NULL: the default place. */
struct progress *progress_load(const char *path, struct err *err);
void progress_free(struct progress *progress);

/** Steps are identified by lesson file name and step number and a hash of the step's title and check, so an edited lesson does not tick wrong steps. */
bool progress_passed(const struct progress *progress, const char *lesson, unsigned step, const char *step_hash);
/** Mark and save at once. Returns 0 or -1. Two programs may save at the same time: the file is re-read under a lock and merged. */
int progress_pass(struct progress *progress, const char *lesson, unsigned step, const char *step_hash, struct err *err);
/** Forget a lesson's steps from @step on (0: the whole lesson), and save. */
int progress_forget(struct progress *progress, const char *lesson, unsigned step, struct err *err);
/** The lesson last worked on ("" if none). */
const char *progress_last(const struct progress *progress);
int progress_set_last(struct progress *progress, const char *lesson, struct err *err);
/** The step of @lesson last worked on (0: none is known), and how it is kept; keeping it leaves progress_last as it is. */
unsigned progress_step(const struct progress *progress, const char *lesson);
int progress_set_step(struct progress *progress, const char *lesson, unsigned step, struct err *err);

struct step;
/** Hash of a step's title and check: 16 hex digits and a NUL. */
void step_hash(const struct step *step, char hash[17]);

#endif

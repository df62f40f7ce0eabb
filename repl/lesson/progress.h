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
/** The same, of a file that somebody else owns: nothing is made, changed or set aside. NULL with @err set: it is not there, cannot be read, or is damaged (EBADMSG). */
struct progress *progress_read(const char *path, struct err *err);
void progress_free(struct progress *progress);

/** Steps are identified by lesson file name and step number and a hash of the step's title and check, so an edited lesson does not tick wrong steps. */
bool progress_passed(const struct progress *progress, const char *lesson, unsigned step, const char *step_hash);
/** Mark and save at once. Returns 0 or -1. Two programs may save at the same time: the file is re-read under a lock and merged. */
int progress_pass(struct progress *progress, const char *lesson, unsigned step, const char *step_hash, struct err *err);
/** Forget a lesson's steps from @step on (0: the whole lesson), and save. */
int progress_forget(struct progress *progress, const char *lesson, unsigned step, struct err *err);
/** When something of @lesson was last begun or passed, in seconds since the epoch; 0: not known (files from before such times were kept). */
long long progress_time(const struct progress *progress, const char *lesson);
/** The lessons with a step passed or begun, one by one: the @index-th file name, NULL after the last. */
const char *progress_lesson(const struct progress *progress, size_t index);
/** How many steps of @lesson have passed, whatever the lesson has become since. */
size_t progress_passed_steps(const struct progress *progress, const char *lesson);
/** The lesson last worked on ("" if none). */
const char *progress_last(const struct progress *progress);
int progress_set_last(struct progress *progress, const char *lesson, struct err *err);
/** The step of @lesson last worked on (0: none is known), and how it is kept; keeping it leaves progress_last as it is. */
unsigned progress_step(const struct progress *progress, const char *lesson);
int progress_set_step(struct progress *progress, const char *lesson, unsigned step, struct err *err);

/** Take over what @other has and this one has not: steps that passed; and where its lesson was worked on later, the step it was left at. Saves. */
int progress_merge(struct progress *progress, const struct progress *other, struct err *err);
/** Write it to @path, whole or not at all. */
int progress_export(const struct progress *progress, const char *path, struct err *err);
/** Where it is kept. */
const char *progress_path(const struct progress *progress);

struct step;
/** Hash of a step's title and check: 16 hex digits and a NUL. */
void step_hash(const struct step *step, char hash[17]);

#endif

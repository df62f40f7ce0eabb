/** The review: at a lesson's end, or at any time, a page of what each step has shown and which syscalls did it.
 *
 * Made from the lesson (each step's title and essence) and from the journal: the commands this learner typed, and what the kernel was asked because of them as the lens saw it;
 * where the lens was off, what their words become by the tables of `explain`, which is said. Markdown, so that the screen, plain mode and a file can show it.
 */
#ifndef REPL_TUTOR_REVIEW_H
#define REPL_TUTOR_REVIEW_H

#include "repl/lesson/journal.h"
#include "repl/lesson/lesson.h"

enum review_mark { REVIEW_OPEN, REVIEW_PASSED, REVIEW_SKIPPED };
typedef enum review_mark review_mark_fn(unsigned step, void *data);

/** The page, malloc'ed, without a heading for all of it; NULL only when out of memory. */
char *review_text(const struct lesson *lesson, const struct journal_record *record, review_mark_fn *mark, void *data);

#endif

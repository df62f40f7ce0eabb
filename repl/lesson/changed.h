/** What has changed between two readings of a lesson, as far as a run of it goes: words, hints, notes and questions do not count. */
#ifndef REPL_LESSON_CHANGED_H
#define REPL_LESSON_CHANGED_H

#include "repl/lesson/lesson.h"

/** The first step that a run of @now does otherwise than one of @before, or that @before has not; 1 if something changed that all of them depend on, such as the lesson's setup.
 * 0: all are as they were (there may be fewer). */
unsigned lesson_first_change(const struct lesson *before, const struct lesson *now);

#endif

/** Where the learner goes on: the step of a lesson, the lesson of the curriculum. Read from progress and, for steps this machine cannot do, from the machine. */
#ifndef REPL_LESSON_RESUME_H
#define REPL_LESSON_RESUME_H

#include "repl/lesson/curriculum.h"
#include "repl/lesson/lesson.h"
#include "repl/lesson/progress.h"

/** The step of @lesson to go on with: from the one last worked on, then from the first, one that has not passed and that this machine can do. 0: the lesson is
 * finished. @progress may be NULL. */
unsigned resume_step(const struct lesson *lesson, const struct progress *progress);

/** The lesson to go on with: the one last worked on, or, if that is finished, the first after it that is not. */
struct resume {
    int place; /* in the curriculum; -1: it has no lessons */
    int finished; /* place of the lesson last worked on if it is finished, else -1; where nothing after it is open, @place is the same */
    bool begun; /* it was worked on before */
};
struct resume resume_lesson(const struct curriculum *curriculum, const struct progress *progress);

#endif

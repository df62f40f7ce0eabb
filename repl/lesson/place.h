/** A place to go to, as people write it: `3`, a step of the lesson at hand, or `4.3`, step 3 of lesson 4. */
#ifndef REPL_LESSON_PLACE_H
#define REPL_LESSON_PLACE_H

#include "repl/lesson/curriculum.h"

#include <stdbool.h>

struct place {
    bool names_lesson;
    unsigned lesson; /* its number, 0 being one; only if it was named */
    unsigned step;   /* from 1 */
};

/** Returns false when @text is neither. Whether there is such a lesson and step is for others to find out. */
bool place_parse(const char *text, struct place *place);

/** The path of the lesson that @place names, malloc'ed; NULL with @err: there is none of that number, or it has no such step. That it is malformed is said by opening it. */
char *place_find(const struct curriculum *curriculum, const struct place *place, struct err *err);

#endif

/** A lesson with what this learner has done in it: what `transcript` and `review` read. */
#ifndef REPL_PLAY_LEARNED_H
#define REPL_PLAY_LEARNED_H

#include "repl/lesson/journal.h"
#include "repl/lesson/lesson.h"
#include "repl/lesson/progress.h"

struct learned {
    struct lesson *lesson;
    const char *file; /* the lesson's file name */
    struct progress *progress;
    struct journal_record record;
};

/** Open the lesson that @name names (NULL: the one last worked on). Returns 0; else an exit status, what is wrong having been said on stderr in the name of @verb. */
int learned_open(struct learned *learned, const char *verb, const char *name);
void learned_close(struct learned *learned);

#endif

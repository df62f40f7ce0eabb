/** The curriculum: lessons.md, an ordered table of links, which the program itself reads. */
#ifndef REPL_LESSON_CURRICULUM_H
#define REPL_LESSON_CURRICULUM_H

#include "engine/base/err.h"

#include <stddef.h>

struct curriculum {
    struct curriculum_entry {
        int number;
        char *title;
        char *path;    /* absolute */
        char *summary; /* the table's last column, plain text; may be "" */
    } * entries;
    size_t count;
};

/** Read lessons.md: $TEACHROOT_LESSONS/lessons.md (or that file itself), else beside the program's source tree, else the installed one. */
int curriculum_load(struct curriculum *curriculum, struct err *err);
void curriculum_free(struct curriculum *curriculum);

/** The path of a lesson named as the user names it: a number ("1"), a path to a file, or the start of a title. malloc'ed; NULL with @err. */
char *curriculum_find(const struct curriculum *curriculum, const char *name, struct err *err);

/** The path of a file that goes with the lessons, @name relative to lessons.md: beside the ones that are read, else the program's own. malloc'ed; NULL with @err. */
char *curriculum_file(const char *name, struct err *err);

#endif

/** `teachroot report`: how far many learners are, from their progress files. */
#ifndef REPL_PLAY_REPORT_H
#define REPL_PLAY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

int report_main(int argc, char **argv);

/* What the formats are given. */
struct report_lesson {
    int number; /* -1: it is in no curriculum */
    const char *file, *title;
    const char **steps; /* titles, step_count of them */
    size_t step_count;
    bool begun; /* by anyone */
};
struct report_cell {
    size_t passed;
    unsigned step;  /* the next to do; 0: not begun, or done */
    long long time; /* last activity, seconds since the epoch; 0: not known */
};
struct report_learner {
    char *name, *path;
    struct report_cell *cells; /* one a lesson */
    int at;                    /* the lesson worked on last; -1: none */
    long long time;            /* last activity in any */
};
struct report_stuck {
    size_t lesson;
    unsigned step;
    size_t learners;
};
struct report {
    struct report_lesson *lessons;
    size_t lesson_count;
    struct report_learner *learners; /* by name */
    size_t learner_count;
    struct report_stuck *stuck; /* where learners are that have not finished, most of them first */
    size_t stuck_count;
    struct report_damaged {
        char *path, *why;
    } * damaged;
    size_t damaged_count;
};

struct report_format {
    const char *name, *what;
    int (*print)(const struct report *report, FILE *out); /* 0, or -1 with errno */
};
extern const struct report_format report_formats[]; /* ended by a row without a name */

#endif

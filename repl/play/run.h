/** Runs lessons headless: every step in order, in a fresh lab each lesson. What `play` and `test` and their output formats share.
 *
 * A format is a row of a table: functions that are told what happens. Any of them may be NULL.
 */
#ifndef REPL_PLAY_RUN_H
#define REPL_PLAY_RUN_H

#include "repl/session/session.h"

#include <stdio.h>

/* Exit statuses of the headless verbs. */
enum run_exit {
    RUN_OK = 0,
    RUN_FAILED = 1,
    RUN_MALFORMED = 2,
    RUN_CANNOT = 3,
    RUN_SKIPPED = 77,
    RUN_INTERRUPTED = 130
};

enum run_outcome { RUN_STEP_PASSED, RUN_STEP_FAILED, RUN_STEP_SKIPPED, RUN_STEP_NOT_RUN };

/* How a step ended. Strings are valid during the call. */
struct run_step {
    const struct lesson *lesson;
    const struct step *step;
    unsigned number; /* among all steps of the run, from 1 */
    enum run_outcome outcome;
    const char *why;                   /* of a failure, a skip, or why it was not run; may have several lines */
    const struct block *block;         /* that failed; NULL: the check, or the step as a whole */
    const struct block_result *result; /* its result; NULL if there is none */
    unsigned ms;                       /* it took */
};

struct run;
struct run_format {
    const char *name, *what;
    void (*begin)(struct run *run, size_t steps);
    void (*lesson)(struct run *run, const struct lesson *lesson, struct lab *lab);
    void (*step)(struct run *run, const struct lesson *lesson, const struct step *step);
    void (*before)(struct run *run, const struct step *step,
                   const char *said); /* proof: its check failed before its blocks were run, saying so */
    void (*block)(struct run *run, const struct step *step, const struct block *block,
                  const struct block_result *result);
    void (*done)(struct run *run, const struct run_step *step);
    void (*message)(struct run *run, const char *text); /* what went wrong beside the steps */
    void (*output)(struct run *run, unsigned terminal, const char *bytes, size_t len); /* raw, as a terminal got it */
    void (*end)(struct run *run);
};

struct run_options {
    const struct run_format *format;
    bool prove; /* each check must fail before its step's blocks are run */
    /** Read a step before it is run. Returns false with @why when something it must have is missing; what it should have is told by the format's message. NULL: any step. */
    bool (*inspect)(struct run *run, const struct step *step, char *why, size_t size);
    bool keep_going;    /* after a failed step */
    bool keep;          /* hold the last lab until Ctrl-C */
    unsigned timeout_s; /* for a whole lesson; 0: none */
    struct lab_options lab;
};

struct run {
    const struct run_options *options;
    FILE *out;
    size_t passed, failed, skipped, not_run;
    unsigned number; /* of the step at hand, among all */
    void *data;      /* the format's own */
};

/** Parse the lessons named by @names (number, path or start of title), then run them. Mistakes and what the machine cannot go to stderr. Returns an exit status. */
int run_lessons(char *const *names, size_t count, const struct run_options *options);

/** The format of that name in @formats (ended by a row without a name), or NULL. */
const struct run_format *run_format_find(const struct run_format *formats, const char *name);

/** Print @text to @out, each line after @indent. */
void run_print_lines(FILE *out, const char *indent, const char *text);

#endif

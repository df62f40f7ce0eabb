/** A program run in the lab beside the learner's terminals: a check, a setup, a script; or one of ours that looks at the lab from outside. Its output goes to a pipe, it has a time limit, and it is
 * killed with its process group, and with this process.
 */
#ifndef REPL_SESSION_JOB_H
#define REPL_SESSION_JOB_H

#include "engine/base/err.h"
#include "engine/lab/lab.h"
#include "repl/session/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A string that grows. */
struct text {
    char *data; /* NUL-terminated; NULL while empty */
    size_t len, size;
};
/** Append, but never beyond @limit bytes in all: the rest is dropped. Returns false when something was dropped or memory ran out. */
bool text_append(struct text *text, const char *bytes, size_t len, size_t limit);
void text_clear(struct text *text);
void text_free(struct text *text);
const char *text_string(const struct text *text); /* "" when empty */

struct job;
struct jobs { /* all jobs of one lab */
    struct job *first;
};

struct job_result {
    int wait_status;    /* as wait(2) gives */
    bool timed_out;     /* and was killed */
    const char *output; /* stdout and stderr together, CRs kept; of one outside stdout alone; valid during the call */
};
typedef void job_done_fn(const struct job_result *result, void *data);

struct job_options {
    struct loop *loop;
    struct lab *lab;
    bool
        outside; /* the program is teachroot-transfer, and not in the lab: argv are its words, no environment, and nothing of what follows but argv and the limits */
    const char *const *argv;
    const char *const *env;
    const char *cwd;   /* NULL: /root */
    const char *input; /* its stdin; NULL: /dev/null */
    unsigned timeout_ms;
    size_t output_limit; /* what it prints beyond is dropped */
    job_done_fn *done;   /* from the loop, once, when the program has ended: what it left running is not waited for */
    void *data;
};

struct job *job_start(struct jobs *jobs, const struct job_options *options, struct err *err);
/** Wait for its end, at most @ms, and call @done then; for who has no screen to draw. */
void job_wait(struct job *job, unsigned ms);
/** Kill it and forget it: @done is not called. NULL is fine. */
void job_cancel(struct job *job);
/** Cancel all, and reap them: before lab_destroy, since a pid namespace's init cannot end while one of its processes is not reaped. */
void jobs_end(struct jobs *jobs);

#endif

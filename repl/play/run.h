/** Runs lessons headless: every step in order, in a fresh lab each lesson. What `play` and `test` and their output formats share.
 *
 * A format is a row of a table: functions that are told what happens. Any of them may be NULL. One run may feed any number of them, each through a sink of its own:
 * standard output for one format and the whole run, or a directory for any, with a file a lesson and format (`04-namespaces.json`) that is there whole or not at all.
 */
#ifndef REPL_PLAY_RUN_H
#define REPL_PLAY_RUN_H

#include "repl/lesson/place.h"
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

/* How a step ended. Strings are valid during the call, and those that are words (why, said, text) are UTF-8 without control characters but newlines and tabs, whatever was printed. */
struct run_step {
    const struct lesson *lesson;
    const struct step *step;
    enum run_outcome outcome;
    const char *why;                   /* of a failure, a skip, or why it was not run; may have several lines */
    const struct block *block;         /* that failed; NULL: the check, or the step as a whole */
    const struct block_result *result; /* its result; NULL if there is none */
    unsigned ms;                       /* it took */
};

struct run_counts {
    size_t passed, failed, skipped, not_run;
};

struct run;
struct run_sink_files;
/* What a format writes to: its file of the lesson, or standard output. */
struct run_sink {
    struct run *run;
    const struct run_format *format;
    FILE *out;
    void *data;               /* the format's own, from begin to end */
    unsigned number;          /* in done: of the step among all of this sink, from 1 */
    struct run_counts counts; /* of this sink's steps, the one told by done included */
    bool failed;              /* set by the format: memory ran out, and what it writes is not whole */
    struct run_sink_files *files;
};

struct run_format {
    const char *name, *what;
    const char *suffix; /* of its file: ".json" */
    bool syscalls;      /* it wants the lens of each terminal */
    bool whole;         /* nothing else may stand among what it writes to standard output */
    bool single;        /* what it writes is one lesson's: standard output cannot take several */
    void (*begin)(struct run_sink *sink, size_t steps);
    void (*lesson)(struct run_sink *sink, const struct lesson *lesson, struct lab *lab); /* no lab: all is skipped */
    void (*step)(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
    void (*before)(struct run_sink *sink, const struct step *step,
                   const char *said); /* proof: its check failed before its blocks were run, saying so */
    void (*begin_block)(struct run_sink *sink, const struct step *step, const struct block *block);
    void (*block)(struct run_sink *sink, const struct step *step, const struct block *block,
                  const struct block_result *result);
    void (*check)(struct run_sink *sink, const struct step *step, bool passed, const char *said); /* after its blocks */
    void (*done)(struct run_sink *sink, const struct run_step *step);
    void (*message)(struct run_sink *sink, const char *text); /* what went wrong beside the steps */
    void (*output)(struct run_sink *sink, unsigned terminal, const char *bytes,
                   size_t len); /* raw, as a terminal got it, when it got it */
    void (*event)(struct run_sink *sink, const struct session_event *event); /* all of the session's, as they come */
    void (*end)(struct run_sink *sink);  /* all is told; not called when the run was cut short */
    void (*drop)(struct run_sink *sink); /* free data; after end as well */
};

#define RUN_FORMATS 16
struct run_options {
    const struct run_format *formats[RUN_FORMATS];
    size_t format_count;
    const char *
        directory; /* of the files; made if it is not there. NULL: standard output, and one format. A format without a suffix always goes there */
    bool prove;    /* each check must fail before its step's blocks are run */
    bool keep_going;       /* after a failed step */
    bool keep;             /* hold the last lab until Ctrl-C */
    bool shell;            /* a shell in the last lab, on this terminal, when all is told */
    unsigned timeout_s;    /* for a whole lesson; 0: none */
    unsigned cast_version; /* of asciicasts: 3; else 2 */
    unsigned speed;        /* letters typed a second; 0: at once */
    bool annotations;      /* run_annotations is among the formats */
    bool redact;           /* the formats are told nothing that differs from one play to the next, see redact.h */
    struct place from,
        until;  /* the first step and the last one, of every lesson or of the one that is named; step 0: of all */
    void *data; /* for formats of the caller's own */
    struct lab_options lab;
};

struct redact;
struct run_telling;
struct run {
    const struct run_options *options;
    struct redact *redact; /* of the lesson being run; NULL: nothing is */
    struct run_telling *telling;
    struct run_sink *sinks;
    size_t sink_count;
    struct run_counts counts;
    struct session *session; /* of the lesson being run; NULL between lessons */
    unsigned rows, cols;     /* of its terminals */
    int write_error;         /* errno of the first failure to write to standard output; 0: none */
};

/** Another file of the sink's lesson, its name the main one's with @suffix in place of the format's own (".terminal-2.cast"); committed with it. NULL: it goes to
 * standard output and has none, or the file cannot be made, which is told when the sink ends. The sink's own to write to, not to close. */
FILE *run_sink_file(struct run_sink *sink, const char *suffix);

/** The name of @lesson's file without its suffix ("04-namespaces"), malloc'ed. */
char *run_lesson_name(const struct lesson *lesson);
/** Where in the lesson's file a failure is: the line of the block, the check or the step. */
int run_failed_line(const struct run_step *done);

/** Tell every sink that something went wrong beside the steps. */
void run_message(struct run *run, const char *text);

/** Parse the lessons named by @names (number, path or start of title), then run them. Mistakes and what the machine cannot go to stderr. Returns an exit status. */
int run_lessons(char *const *names, size_t count, const struct run_options *options);
/** The same with lessons that are parsed already. */
int run_loaded(struct lesson *const *lessons, size_t count, const struct run_options *options);

/** The format named by the @len bytes of @name in @formats (ended by NULL), or NULL. */
const struct run_format *run_format_find(const struct run_format *const *formats, const char *name, size_t len);

/** Print @text to @out, each line after @indent. */
void run_print_lines(FILE *out, const char *indent, const char *text);

#endif

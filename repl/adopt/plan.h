/** What is to be done with each block of a README, and what was learned of it: first from its words alone, then from running it.
 *
 * The plan is made from the README's own blocks and lives no longer than its lesson. `lines` are the file's, from 1.
 */
#ifndef REPL_ADOPT_PLAN_H
#define REPL_ADOPT_PLAN_H

#include "engine/base/err.h"
#include "repl/lesson/lesson.h"

enum adopt_way {
    ADOPT_RUN,
    ADOPT_KEYS,       /* a program that has the terminal: the keys that end it are typed */
    ADOPT_BACKGROUND, /* it need not end: the reader goes on in another terminal, or interrupts it */
    ADOPT_LEFT_OUT,   /* only shown */
};

struct adopt_block {
    const struct block *block; /* the README's */
    int line;                  /* it opens on */
    unsigned step;             /* of the README it is */
    enum adopt_way way;
    const char *program;  /* that wants a user: "vim"; NULL */
    const char *keys;     /* lines of a `keys` block */
    const char *left_out; /* why */
    char requires[96];    /* names of features, blank-separated */
    char lacks[512];      /* why this machine cannot run it, or "" */
    char absent[96];      /* a program it needs that is not installed here, or "" */
    bool network, sudo;
    bool interrupt; /* Ctrl+C before it */
    unsigned terminal;
    /* from running it */
    bool ran, prints_else; /* prints_else: not what its output block says */
    char exit[8];          /* its `exit`, "" for 0 */
    char prints[200];      /* the first difference */
    char failed[200];      /* why it could not be run to its end */
};

/* A section of the README, which becomes a step of the lesson. */
struct adopt_section {
    char *title;
    int heading, heading_end; /* its lines, or 0: a heading is put before line `at` */
    int at;
    size_t first, count; /* of the plan's blocks */
    bool skipped;        /* this machine cannot do it */
};

/* A fence that would be run if it had a language. */
struct adopt_hint {
    int line;
};

struct adopt_plan {
    const struct lesson *readme;
    char **lines; /* of the file */
    size_t line_count;
    struct adopt_block *blocks;
    size_t count;
    struct adopt_section *sections;
    size_t section_count;
    struct adopt_hint *silent; /* fences without a language whose lines begin with a prompt */
    size_t silent_count;
    unsigned terminals; /* the highest number in use */
};

/** Read @readme, whose file's text is @text; only its words count. Returns 0, or -1 (ENOMEM). */
int adopt_plan_read(struct adopt_plan *plan, const struct lesson *readme, const char *text, struct err *err);
/** Ask this machine for the features that the commands need: it may take seconds. */
void adopt_plan_ask(struct adopt_plan *plan);
void adopt_plan_free(struct adopt_plan *plan);

/** The block that opens on @line, or NULL. */
struct adopt_block *adopt_block_at(const struct adopt_plan *plan, int line);

/** The last line of the heading that begins on @line (cmark's own is the next line's, of one that is underlined), and its text as it is written: malloc'ed, NULL when memory ran out. */
int adopt_heading_end(const struct adopt_plan *plan, int line);
char *adopt_heading_text(const struct adopt_plan *plan, int line);

/** Say what will run, what is left out and why. */
void adopt_plan_print(const struct adopt_plan *plan);

/** The first line of @block's first command, cut to whole characters; "…" where there is more. */
void adopt_block_text(const struct block *block, char *text, size_t size);

/* programs.c */
/** What the words of @command tell of @block. */
void adopt_read_command(struct adopt_block *block, const char *command);
/** Does a `sudo ` without options, in front of a command of @line, begin at @at? */
bool adopt_is_sudo(const char *line, const char *at);

#endif

/** A lesson: one CommonMark file, parsed into steps.
 *
 * cmark is the ground truth for the document and its line numbers; the info string of a fence is read from the raw source line. A second-level
 * heading starts a step; what stands before the first one is the lesson's introduction. In a plain README without checks each fenced block is
 * a step of its own. Mistakes are collected, not fatal one by one: `FILE:LINE: what, expected what`. The program never writes a lesson.
 */
#ifndef REPL_LESSON_LESSON_H
#define REPL_LESSON_LESSON_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The prose of a step, as a cmark tree (cmark_node_get_type … ): document nodes in the order they stand in the file. */
struct cmark_node;

enum block_type {
    BLOCK_COMMAND, /* typed into a terminal, line by line (a heredoc or other multi-line construct is one command) */
    BLOCK_SCRIPT,  /* run by bash as one script in a process of its own */
    BLOCK_FILE,    /* body is written to the path in `name` */
    BLOCK_QUIZ,
};

/* One line of an `output` block. */
struct output_pattern {
    enum { OUTPUT_LITERAL, OUTPUT_GLOB, OUTPUT_REGEX, OUTPUT_ANY_LINES } kind;
    char *text;
    char count; /* 0 exactly one, or '?', '*', '+' */
    int line;   /* in the file, 1-based */
};

/* One line of a `keys` block: Wait /regex/, Type "text", Enter, Ctrl+C … */
struct key_action {
    enum { KEY_WAIT, KEY_TYPE, KEY_PRESS } kind;
    char *text; /* the regex; the text; the key's name as written ("Enter", "Ctrl+C", "Up", "F10") */
    int line;
};

struct quiz_answer {
    bool right;
    char *text;
    char *reason; /* may be NULL */
};
struct quiz {
    char *question;
    bool several; /* [ ] boxes: any number may be right */
    char *typed;  /* regex of `text: /…/`, or NULL */
    struct quiz_answer *answers;
    size_t count;
};

struct block {
    enum block_type type;
    int line;       /* of the opening fence, 1-based */
    char *name;     /* may be NULL */
    char *terminal; /* "1" by default */
    bool background, interactive, replay_skip;
    char *ready;         /* glob that says a background command is up; NULL */
    char *lens;          /* "off", a list of syscalls, or NULL */
    char *exit;          /* "0" by default; "1", "!0", "signal:KILL", "any" */
    char *timeout;       /* as written ("20s"), or NULL: the step's or the lesson's */
    unsigned timeout_ms; /* resolved */
    char *requires;      /* names doctor knows, space-separated; NULL */
    char *path, *user;   /* Docable's: the directory and user to run in; NULL */
    char *body;          /* prompts already stripped; ends in a newline unless empty */
    char *
        *commands; /* BLOCK_COMMAND: the body cut into complete commands, NULL-terminated (no trailing newline each) */
    struct output_pattern *output;
    size_t output_count;
    bool has_output; /* an output block stands after it (which may be empty: must print nothing) */
    struct key_action *keys;
    size_t key_count;
    struct quiz *quiz; /* BLOCK_QUIZ */
};

struct step {
    unsigned number; /* 1-based in the lesson */
    char *title;     /* plain text */
    int line;
    struct cmark_node **
        prose; /* top-level nodes to show, in order: paragraphs, lists, tables as paragraphs, and code blocks (node of a block below: see node_block) */
    size_t prose_count;
    struct block *blocks;
    size_t block_count;
    char *check; /* bash, or NULL */
    int check_line;
    char *setup, *teardown; /* hidden, idempotent; NULL */
    char **hints;           /* Markdown source of each, in order; NULL-terminated */
    char *notes;            /* for the presenter: Markdown, or NULL */
    char *needs;            /* "2.4": earlier steps whose results it builds on; NULL */
    char *requires;
};

struct lesson {
    char *path;
    int number; /* from the file name's leading digits, or -1 */
    char *title;
    char *requires; /* space-separated names, or NULL */
    char *needs;
    unsigned timeout_ms; /* default of its blocks; 20000 if not given */
    char *setup, *teardown, *notes;
    struct cmark_node **intro;
    size_t intro_count;
    struct step *steps;
    size_t step_count;
    bool plain;                  /* a README: no step has a check, each block a step */
    struct cmark_node *document; /* owns every node above */
};

/* What was wrong: one entry a mistake, in file order. */
struct lesson_mistakes {
    struct lesson_mistake {
        int line;
        char *what; /* "unknown key `termnal`, expected one of type, name, terminal …" */
    } * list;
    size_t count;
};

/** Parse the file at @path. Returns the lesson, or NULL: with @mistakes filled (the lesson is malformed), or with @err set and no mistakes (it
 * could not be read). A returned lesson has no mistakes. */
struct lesson *lesson_load(const char *path, struct lesson_mistakes *mistakes, struct err *err);
/** The same from memory; @path is only for messages and the number. */
struct lesson *lesson_parse(const char *path, const char *text, size_t len, struct lesson_mistakes *mistakes,
                            struct err *err);
void lesson_free(struct lesson *lesson);
void lesson_mistakes_free(struct lesson_mistakes *mistakes);

/** The block a cmark code-block node stands for, or NULL (an output, keys or plain code block). */
const struct block *step_node_block(const struct step *step, const struct cmark_node *node);

/** Does @text (a command's output, CRs already dropped) match the block's output patterns? On false, @why says the first difference in one
 * line. */
bool block_output_matches(const struct block *block, const char *text, struct err *why);
/** Does a wait status match the block's `exit`? */
bool block_exit_matches(const struct block *block, int wait_status);

#endif

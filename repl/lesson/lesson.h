/** A lesson: one CommonMark file, parsed into steps.
 *
 * cmark is the ground truth for the document and its line numbers; the info string of a fence is read from the raw source line. A second-level
 * heading starts a step; what stands before the first one is the lesson's introduction. In a plain README without checks each fenced block is
 * a step of its own. Mistakes are collected, not fatal one by one: `FILE:LINE: what, expected what`. The program never writes a lesson.
 *
 * Text is held to 1 MiB and to 32 levels of nested quotes and lists, and every string here is valid UTF-8 without NUL bytes. Lines are numbered as in the
 * file, from 1. Everything a lesson points to belongs to it and lives until lesson_free.
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

/* What a cmark node is to a step: which of them a screen shows, runs or keeps to itself. */
enum node_kind {
    NODE_KIND_PROSE, /* paragraphs, lists, headings, HTML; a list may hold blocks deeper down: ask for those nodes too */
    NODE_KIND_CODE,  /* a code block that is only read */
    NODE_KIND_BLOCK,  /* a block of the step: step_node_block gives it */
    NODE_KIND_OUTPUT, /* what the block before it must print */
    NODE_KIND_KEYS,   /* what is typed into the block before it */
    NODE_KIND_HIDDEN, /* an HTML comment: never shown (and never in a step's prose) */
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
    bool several;       /* [ ] boxes: any number may be right */
    char *typed;        /* regex of `text: /…/`, or NULL: see quiz_typed_right */
    char *typed_reason; /* said once it was answered; may be NULL */
    struct quiz_answer *answers;
    size_t count;
};

struct block {
    enum block_type type;
    int line;       /* of the opening fence, 1-based */
    char *name;     /* may be NULL */
    char *terminal; /* "1" by default */
    bool background, interactive, replay_skip;
    bool interrupt; /* Ctrl+C first: what runs in its terminal is to end */
    bool
        hidden; /* run as the others are, and not among the step's prose: the solution of a task that is to be found out */
    char *ready;         /* glob that says a background command is up; NULL */
    char *lens;          /* "off", a list of syscalls, or NULL */
    char *exit;          /* "0" by default; "1", "!0", "signal:KILL", "any" */
    char *timeout;       /* as written ("20s"), or NULL: the step's or the lesson's */
    unsigned timeout_ms; /* resolved */
    char *requires;      /* names doctor knows, space-separated; NULL */
    char *path, *user;   /* Docable's: the directory and user to run in; NULL */
    char *body;          /* prompts already stripped; ends in a newline unless empty */
    char **
        commands; /* of a BLOCK_COMMAND: the body cut into complete commands, NULL-terminated, no newline at their ends */
    char *writing; /* of a BLOCK_FILE: the command that writes it as a learner types it, a here-document */
    struct output_pattern *output;
    size_t output_count;
    bool has_output; /* an output block stands after it (which may be empty: must print nothing) */
    struct key_action *keys;
    size_t key_count;
    struct quiz *quiz; /* BLOCK_QUIZ */
};

struct hint {
    char *text;    /* Markdown source; NULL ends the list */
    bool solution; /* it was written as a Solution */
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
    struct hint *hints;     /* in order; the last one has no text */
    char *essence;          /* a sentence: what the step has shown; backquotes round code; NULL */
    char *notes;            /* for the presenter: Markdown, or NULL */
    char *watch; /* what the panel follows: lines of `closure ROOT PROGRAM…` or of names of sections; NULL */
    char *needs; /* "2.4": earlier steps whose results it builds on, space-separated; "2" is all of lesson 2; NULL */
    int needs_line;
    char *requires; /* names doctor knows, space-separated; NULL */
    int requires_line;
    unsigned timeout_ms; /* default of its blocks; 0: the lesson's */
};

/* What was wrong: one entry a mistake, in file order. */
struct lesson_mistakes {
    struct lesson_mistake {
        int line;
        char *what; /* "unknown key `termnal`, expected one of type, name, terminal …" */
    } * list;
    size_t count;
};

struct lesson {
    char *path;
    int number; /* from the file name's leading digits, or -1 */
    char *title;
    char *requires; /* space-separated names, or NULL */
    int requires_line;
    char *needs;
    char *lens;          /* the syscalls its terminals are traced for: "off", a list, or NULL (the program's own set) */
    unsigned timeout_ms; /* default of its blocks; 20000 if not given */
    char *setup, *teardown, *notes;
    struct cmark_node **intro;
    size_t intro_count;
    struct step *steps;
    size_t step_count;
    bool plain; /* a README: no step has a check, each block a step */
    struct lesson_mistakes
        asides; /* of a plain README: what would be mistakes in a lesson, and is for other tools here, or was meant for us */
    struct cmark_node *document; /* owns every node above */
};

/** Parse the file at @path. Returns the lesson, or NULL: with @mistakes filled (the lesson is malformed), or with @err set and no mistakes (it
 * could not be read). A returned lesson has no mistakes. */
struct lesson *lesson_load(const char *path, struct lesson_mistakes *mistakes, struct err *err);
/** The same from memory; @path is only for messages and the number. */
struct lesson *lesson_parse(const char *path, const char *text, size_t len, struct lesson_mistakes *mistakes,
                            struct err *err);
void lesson_free(struct lesson *lesson);
void lesson_mistakes_free(struct lesson_mistakes *mistakes);
/** Add one, for what else is read from Markdown. Returns 0, or -1 (ENOMEM). */
int lesson_mistakes_add(struct lesson_mistakes *mistakes, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Add a mistake for every `requires` (lesson, steps, blocks) that names something @known does not know, so that a misspelt name is not taken for a
 * missing feature. Returns how many were added. */
typedef bool lesson_feature_fn(const char *name);
size_t lesson_check_requires(const struct lesson *lesson, lesson_feature_fn *known, struct lesson_mistakes *mistakes);

/** The minutes that a presenter's notes plan for: those of `4 minutes.`, which they begin with, or 0. @notes may be NULL. */
unsigned notes_minutes(const char *notes);

/** How many bytes the first whole command for bash at the beginning of @text, which ends in a newline, takes (several lines for a loop or a here-document), without the newline that ends it; all of
 * @text where that ends before the command does. */
size_t lesson_command_length(const char *text);

/** Is it a language whose fences are run? */
bool lesson_is_shell(const char *language);

/** What @node is; for any node of the lesson's document. */
enum node_kind step_node_kind(const struct cmark_node *node);

/** The block a cmark code-block node stands for, or NULL (an output, keys or plain code block). */
const struct block *step_node_block(const struct step *step, const struct cmark_node *node);

/** Is @step's prose[@which] to be kept back while the question @open (NULL: none is) is not answered? Words after a question may give its answer; commands, and lists,
 * which can hold commands, are shown. */
bool step_prose_withheld(const struct step *step, size_t which, const struct block *open);

/** Must it be said which terminal @block is for: it is not the first one, or the step has blocks for several? */
bool step_names_terminal(const struct step *step, const struct block *block);

/** Does @text (a command's output, CRs already dropped) match the block's output patterns? On false, @why says the first difference in one
 * line. */
bool block_output_matches(const struct block *block, const char *text, struct err *why);
/** Does a wait status match the block's `exit`? A signal also matches as a shell reports it, 128 and its number. */
bool block_exit_matches(const struct block *block, int wait_status);

/** Is @text found by the extended regex @pattern (a `Wait /…/`, searched for anywhere in @text, `^` and `$` at its lines)? */
bool lesson_regex_found(const char *pattern, const char *text);
/** Does a typed answer satisfy `text: /…/`: the whole of it, blanks at the ends and case aside. */
bool quiz_typed_right(const struct quiz *quiz, const char *answer);

#endif

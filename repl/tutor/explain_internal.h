/** What the files of explain share: cutting a line into commands (explain_parse.c), saying what the words of one command are (explain_walk.c), and the door (explain.c). */
#ifndef REPL_TUTOR_EXPLAIN_INTERNAL_H
#define REPL_TUTOR_EXPLAIN_INTERNAL_H

#include "repl/tutor/explain_tables.h"

#define EXPLAIN_LINE_MAX 8192 /* what is longer was not typed by hand, and is not looked at for each key */
#define EXPLAIN_SOME_VARIABLE "replaced by the value of the variable %"
#define EXPLAIN_DEPTH_MAX 24 /* commands in commands */

/* A word as the shell will see it. */
struct shell_word {
    size_t start, len; /* in the line */
    char *text;        /* without its quoting */
    size_t *at;        /* where in the line each byte of the text stands, and after them the word's end */
    bool quoted;       /* some of it is */
};

/* What is known of the word that comes next, at the end of the text. */
struct explain_site {
    bool taken;
    bool first;                            /* no word stands before it */
    bool command;                          /* it names a command */
    const struct explain_entry *operator_; /* it is where this redirection leads */
    const struct explain_program *program; /* else: its command, … */
    const struct tool_option *option;      /* … the option whose value it is, … */
    unsigned operand;                      /* … or how many operands stand before it */
    bool options_ended;
    char *prefix; /* what stands before it in the same word, unquoted: "--type=" */
    char *root;   /* of the chroot it is in */
    char **words; /* its command's name and what follows that before it, unquoted */
    size_t word_count;
};

struct explainer {
    const char *line;
    size_t end;                /* of the text that is looked at */
    struct explanation *out;   /* NULL: nothing is said */
    struct explain_site *site; /* NULL: not asked for */
    unsigned depth;
    bool failed; /* no memory */
    struct {
        char *word; /* what ends it */
        bool tabs;  /* leading tabs do not count */
    } heredocs[8];  /* those whose text begins at the next newline */
    unsigned heredoc_count;
};

/** Say of bytes @start to @start + @len what they mean. @word: how they are called (NULL: their own bytes). In @meaning and @call each `%` becomes @value; @meaning NULL: nothing is said. */
void explainer_say(struct explainer *e, size_t start, size_t len, const char *word, const char *meaning,
                   const char *call, const char *value);

/** The commands from byte @at on, up to @stop (0: the end). Returns the byte after. */
size_t explainer_parse(struct explainer *e, size_t at, char stop);
/** A command line of its own inside a word: between its quotes. */
void explainer_parse_word(struct explainer *e, const struct shell_word *word);

/** Say what the words of one command mean. @ends: the text ends after them, so the site is what would come next. */
void explainer_walk(struct explainer *e, const struct shell_word *words, size_t count, bool ends);

/** "NAME=…", and NAME may be a variable's: the length of NAME; 0: it is none. */
size_t explain_assignment(const char *text);

/** The verb called @name, or one that begins so where the program lets verbs be cut short; NULL. */
const struct explain_program *explain_verb_find(const struct explain_program *program, const char *name);
/** The row of a program's options called @name (@len bytes), or the only one that begins so; NULL. */
const struct tool_option *explain_row_named(const struct explain_program *program, const char *name, size_t len);
const struct tool_option *explain_row_lettered(const struct explain_program *program, char letter);
/** The @index-th row of its options, or NULL after the last. */
const struct tool_option *explain_row(const struct explain_program *program, size_t index);
/** What the values of that option are, or NULL. */
const struct explain_values *explain_values_of(const struct explain_program *program, const struct tool_option *row);

#endif

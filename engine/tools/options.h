/** A tool's options as data, and its work as a list of steps: one table parses, prints --help, and says why each step of --explain is made.
 *
 * A tool keeps its table, `const struct tool_options NAME_options`, in a file of its own, engine/tools/NAME_options.c, which is part of libengine.a: whoever
 * explains a line as it is typed reads the same rows. Parsing is getopt_long(3)'s own, so that abbreviations, `-xVALUE`, `--name=VALUE`,
 * optional arguments (attached or none) and the messages for wrong options are those of util-linux and coreutils.
 *
 *     struct tool_parser parser;
 *     tool_parse(&parser, &unshare_options, argc, argv);
 *     while ((id = tool_parse_next(&parser)) != -1)
 *         switch (id) {
 *         case 'm': … optarg …
 *         }
 *     if (parser.ended)
 *         return parser.status;
 *     operands: argv[optind] …
 */
#ifndef ENGINE_TOOLS_OPTIONS_H
#define ENGINE_TOOLS_OPTIONS_H

#include "engine/base/err.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Ids of rows that every table has; a row of only a long name has an id of its own from OPTION_OWN on. */
enum { OPTION_WRONG = '?', OPTION_HELP = 256, OPTION_VERSION, OPTION_EXPLAIN, OPTION_OWN };

/* An optional argument of the long name only: `-mu` is `-m -u`, and `--mount=FILE` has one. */
enum { OPTION_LONG_OPTIONAL = 3 };

struct tool_option {
    int id;           /* what tool_parse_next returns: the letter, if it has one */
    char letter;      /* 0: only the long name */
    const char *name; /* long name; NULL: only the letter */
    int argument; /* no_argument, required_argument, optional_argument as getopt_long(3) means them, or OPTION_LONG_OPTIONAL */
    const char *value;   /* what the argument is, for help: "FILE"; NULL if it takes none */
    const char *meaning; /* one line, no full stop: "new mount namespace: …" */
    const char *call; /* the syscalls it becomes, in strace's notation: "unshare(CLONE_NEWNS)"; NULL: none of its own */
};

struct tool_options {
    const char *tool;               /* "unshare" */
    const char *usage;              /* what follows the name: "[OPTION]… [PROGRAM [ARGUMENT]…]" */
    const char *summary;            /* under it: a line is a paragraph (tool_text), and ended by a newline */
    const struct tool_option *rows; /* in the order --help shows them */
    size_t count;
    bool stop;         /* options end at the first operand, as where a program's own line follows */
    int wrong;         /* exit status for a wrong command line, the original tool's */
    const char *notes; /* after the options, as summary; or NULL */
};

/* For the end of every table; LETTER is 0 where the original has none. */
#define OPTION_ROW_EXPLAIN                                                                                             \
    {                                                                                                                  \
        OPTION_EXPLAIN, 0, "explain", no_argument, NULL, "only say which syscalls would be made, in order, and why",   \
            NULL                                                                                                       \
    }
#define OPTION_ROW_HELP(letter)                                                                                        \
    {                                                                                                                  \
        OPTION_HELP, letter, "help", no_argument, NULL, "say this", NULL                                               \
    }
#define OPTION_ROW_VERSION(letter)                                                                                     \
    {                                                                                                                  \
        OPTION_VERSION, letter, "version", no_argument, NULL, "say the version", NULL                                  \
    }
#define OPTION_ROWS(rows_) .rows = (rows_), .count = sizeof(rows_) / sizeof *(rows_)

#define OPTION_ROWS_MAX 48
struct tool_parser {
    const struct tool_options *table;
    int argc;
    char **argv;
    struct option longs[OPTION_ROWS_MAX + 1];
    char letters[OPTION_ROWS_MAX * 3 + 2];
    bool explain; /* --explain was among them */
    bool ended;   /* nothing is left to do: --help or --version was answered, or what is wrong was said */
    int status;   /* if it ended: the exit status */
};

/** Start over with @argv. At most OPTION_ROWS_MAX rows. */
void tool_parse(struct tool_parser *parser, const struct tool_options *table, int argc, char **argv);
/** The next option of the tool's own: its id, its argument (NULL: none) in optarg. What every tool has is dealt with here, see the parser's last fields. -1 at the end, optind
 * being the first operand, or when parser->ended. */
int tool_parse_next(struct tool_parser *parser);

/** A whole number from 0 to @max in decimal, into *number. Returns 0 or -1. */
int number_parse(const char *text, uint64_t max, uint64_t *number);
/** A user or group id, 0 to 4294967294. */
int id_parse(const char *text, uint32_t *id);

/** The row of @id, or NULL. */
const struct tool_option *tool_option_find(const struct tool_options *table, int id);

/** Print a text in which a line is a paragraph: wrapped at the terminal's width (50 to 120 columns), 80 where @out is none. What a line that begins with blanks goes on with stands under its second column,
 * where it has two. */
void tool_text(const char *text, FILE *out);

/** Print --help, or --version, to @out. Return the exit status: 0, or 1 if it cannot be written. */
int tool_options_help(const struct tool_options *table, FILE *out);
int tool_options_version(const struct tool_options *table, FILE *out);

/** "TOOL: FORMATTED" (nothing if @format is NULL) and a pointer to --help on stderr. Returns table->wrong. */
int tool_wrong(const struct tool_options *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What --explain prints is gathered by these two: a numbered call, and under it why. */
struct tool_explanation {
    const struct tool_options *table;
    FILE *out;
    unsigned calls; /* how many so far */
};
/** One line: the call as strace would show it. */
void explain_call(struct tool_explanation *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Because of option @id: its row's meaning. */
void explain_option(struct tool_explanation *e, int id);
/** Because of something no option says, or more on it: a line in plain words. */
void explain_why(struct tool_explanation *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One step of a tool's work. Explaining and running read the same list, so what is explained is what is done. @request is the tool's own structure: what was
 * asked for. A step that forks returns 0 in the process that goes on, and ends the other itself. */
struct tool_step {
    bool (*wanted)(const void *request); /* NULL: always */
    void (*explain)(const void *request, struct tool_explanation *e);
    int (*run)(void *request, struct err *err); /* 0, or -1 with @err set */
};

/** --explain: every wanted step of @steps, numbered. Returns the exit status as tool_options_help does. */
int tool_explain(const struct tool_options *table, const struct tool_step *steps, size_t count, const void *request,
                 FILE *out);
/** Run every wanted step in order. Returns 0, or -1 with @err set by the first that failed. */
int tool_run(const struct tool_step *steps, size_t count, void *request, struct err *err);

#endif

/** The shape of explain's tables: for each program its options, operands, values and verbs, as data. Options are rows of struct tool_option, the very ones that our own tools parse with.
 *
 * In a meaning or a call, `%` stands for the word itself as the shell would hand it over: `chroot("%")`; `%%` is a `%`. A call is what strace(1) shows on Debian 12, without the arguments that
 * say nothing; NULL: none of its own.
 * To add a program: a row in the file of its kind. tests/unit/explain.c holds every table to its rules (lengths, full stops, order).
 */
#ifndef REPL_TUTOR_EXPLAIN_TABLES_H
#define REPL_TUTOR_EXPLAIN_TABLES_H

#include "engine/tools/options.h"
#include "repl/tutor/explain.h"

#include <stdbool.h>
#include <stddef.h>

/* A word by its name. Lists end with a row without a name. */
struct explain_entry {
    const char *
        name; /* "proc"; with `=` at its end, "lowerdir=": what follows is its value. Of an operand: what usage calls it, "DIR". Of a path: a pattern, fnmatch(3) */
    const char *meaning;
    const char *call;
};

enum explain_values_kind {
    VALUES_WORD,       /* one of the entries */
    VALUES_LIST,       /* several, with commas between: "ro,lowerdir=/a" */
    VALUES_SIGNAL,     /* a signal, by name or number */
    VALUES_LINE,       /* a command line of its own: sh -c */
    VALUES_GROUP,      /* CONTROLLERS:PATH */
    VALUES_GROUP_FILE, /* a control file's name, =VALUE after it where it is written */
};

/* What the values of an option are. Lists end with a row whose id is 0. */
struct explain_values {
    int id; /* the option's, as in its row */
    enum explain_values_kind kind;
    const struct explain_entry *entries; /* of VALUES_WORD and VALUES_LIST */
};

enum explain_flags {
    EXPLAIN_RUNS = 1,          /* after the operands listed comes a command */
    EXPLAIN_STOPS = 2,         /* options end at the first operand */
    EXPLAIN_BUNDLE = 4,        /* letters without a dash may come first: tar xf, ps aux */
    EXPLAIN_WORDS = 8,         /* its rows are words without dashes: ip's dev NAME, dd's if=FILE */
    EXPLAIN_SHORT = 16,        /* verbs and words may be cut short: ip a */
    EXPLAIN_ONE_DASH = 32,     /* long names have one dash: find -name */
    EXPLAIN_ASSIGNS = 64,      /* NAME=VALUE may stand before the command: env */
    EXPLAIN_SIGNALS = 128,     /* -KILL and -9 are signals */
    EXPLAIN_ROOT = 256,        /* the first operand is the root directory of the command that follows */
    EXPLAIN_DIRECTORIES = 512, /* operands are directories */
    EXPLAIN_GROUPS = 1024,     /* operands are paths of control groups */
};

struct explain_program {
    const char *names; /* "bash sh dash": one table for all */
    const char *meaning, *call;
    const struct tool_options *ours;   /* one of our tools: its rows; else … */
    const struct tool_option *options; /* … these; ended by a row without a meaning */
    const struct tool_option
        *letters; /* EXPLAIN_BUNDLE: the letters without a dash, if they mean something else; ended likewise */
    const struct explain_entry *operands; /* first, second …; the last one holds for all that follow */
    const struct explain_entry *last;     /* the last of several: cp's target */
    const struct explain_values *values;
    const struct explain_program *verbs; /* ended by a row without names */
    unsigned flags;
};

#define FLAG(letter_, name_, meaning_, call_)                                                                          \
    {                                                                                                                  \
        letter_, letter_, name_, no_argument, NULL, meaning_, call_                                                    \
    }
#define TAKES(letter_, name_, value_, meaning_, call_)                                                                 \
    {                                                                                                                  \
        letter_, letter_, name_, required_argument, value_, meaning_, call_                                            \
    }
#define MAY_TAKE(letter_, name_, value_, meaning_, call_)                                                              \
    {                                                                                                                  \
        letter_, letter_, name_, optional_argument, value_, meaning_, call_                                            \
    }
/* Rows of only a long name, whose values are in a table, need an id of their own. */
#define LONG(id_, name_, value_, meaning_, call_)                                                                      \
    {                                                                                                                  \
        id_, 0, name_, required_argument, value_, meaning_, call_                                                      \
    }
#define OPTIONS(...)                                                                                                   \
    .options = (const struct tool_option[])                                                                            \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define LETTERS(...)                                                                                                   \
    .letters = (const struct tool_option[])                                                                            \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define OPERANDS(...)                                                                                                  \
    .operands = (const struct explain_entry[])                                                                         \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define LAST(...)                                                                                                      \
    .last = (const struct explain_entry[])                                                                             \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define VALUES(...)                                                                                                    \
    .values = (const struct explain_values[])                                                                          \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define VERBS(...)                                                                                                     \
    .verbs = (const struct explain_program[])                                                                          \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

/* Each ended by a row without a name. */
extern const struct explain_program explain_tools[], explain_mounting[], explain_network[], explain_processes[],
    explain_files[], explain_texts[], explain_builtins[];

extern const struct explain_entry explain_keywords[], explain_operators[], explain_variables[], explain_signals[],
    explain_paths[], explain_group_files[], explain_controllers[], explain_filesystems[];

/** The table of the program called @name, which may be a path to it; a builtin of bash before a program of the same name. NULL: nothing is known. */
const struct explain_program *explain_program_find(const char *name);
/** The entry of that name, or NULL. */
const struct explain_entry *explain_entry_find(const struct explain_entry *entries, const char *name, size_t len);
/** The first row of @paths that @path fits. */
const struct explain_entry *explain_path_find(const char *path);
/** "KILL", "SIGKILL", "9". */
const struct explain_entry *explain_signal_find(const char *name);

#endif

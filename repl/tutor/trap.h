/** What the files of diagnose share: a trap as it is read, names that are found on the way, and patterns. Private to repl/tutor; everyone else reads diagnose.h. */
#ifndef REPL_TUTOR_TRAP_H
#define REPL_TUTOR_TRAP_H

#include "repl/tutor/diagnose.h"

#define NAME_LENGTH 24
#define VALUE_LENGTH 400
#define NAMES_MAX 16

/* Names and what they stand for. They are only ever added at the end, so that taking back what a failed attempt found is setting the count. */
struct names {
    struct name {
        char name[NAME_LENGTH];
        char value[VALUE_LENGTH];
        bool
            certain; /* false: the shell would have made something else of it (`$x`, `*`), so nothing can be looked up by it */
    } list[NAMES_MAX];
    unsigned count;
};
/** The length of the name that begins at @text (after the `$`), 0 if none does: small letters and `_`. */
size_t name_length(const char *text);
const struct name *names_find(const struct names *names, const char *name, size_t len);
/** False: it has another value already, is too long, or there is no room. */
bool names_set(struct names *names, const char *name, size_t len, const char *value, size_t value_len, bool certain);

enum pattern_kind {
    PATTERN_TEXT, /* `$name` is as short as can be, without blanks */
    PATTERN_WORD, /* `$name` is as long as can be, without the commas and quotes that part one option from the next */
};
/** Does the whole of @text match: `*` anything, `?` one character, `$name` one or more, kept as that name; `\` before any of them means itself? Tries at most *@fuel ways. */
bool pattern_matches(const char *pattern, const char *text, enum pattern_kind kind, struct names *names, bool certain,
                     unsigned *fuel);

/** What stands after the last `/` of @path; all of it if nothing does. */
const char *last_part(const char *path);

/* A command line cut as the shell would, as far as text alone can tell. */
struct command_word {
    char *text; /* without its quotes */
    bool certain;
};
struct simple_command {
    struct command_word *words; /* assignments before the command are left out */
    size_t count;
    size_t plain; /* words that are no redirections; those come first, then `>` and its file, and so on */
};
struct command_list {
    struct simple_command *commands; /* of pipelines, lists, groups and command substitutions, in order */
    size_t count;
    char quote; /* that is still open at the end, or 0 */
};
/** Returns 0, or -1 (ENOMEM); what was read until then is in @list either way. */
int command_list_read(const char *line, struct command_list *list);
void command_list_free(struct command_list *list);

enum trap_subject { TRAP_COMMAND, TRAP_LINE, TRAP_STATUS, TRAP_OUTPUT, TRAP_SYSCALL, TRAP_FACT };

struct fact;
struct trap_alternative {
    char **
        words; /* NULL-terminated: the pattern's words of a command, a fact's arguments; one for the rest of a syscall, a line or an output */
    size_t count;
    int number;              /* status; errno */
    bool any_failure;        /* status: all but 0 and unfinished */
    char *name;              /* syscall */
    char *root;              /* fact: `in $root` */
    const struct fact *fact; /* the table's */
};
struct trap_condition {
    enum trap_subject subject;
    bool negated;
    struct trap_alternative *alternatives;
    size_t count;
    int line;
};
struct trap {
    char *name;
    int line;
    struct trap_condition *conditions;
    size_t count;
    char *short_text, *page;
};
struct traps {
    struct trap *list;
    size_t count;
};

/** Read the body of a trap's block, whose first line is line @line of the file, into @trap. Mistakes are added. Returns 0, or -1 (ENOMEM). */
int trap_read_conditions(struct trap *trap, const char *body, int line, struct lesson_mistakes *mistakes);
void trap_clear(struct trap *trap);

#endif

/** The teaching commands: one table for the lab shell's prompt, the `:` line and plain mode.
 *
 * A line typed at the lab shell's prompt is a teaching command only if it is exactly one. `\next`, a leading space, or anything more on
 * the line (`next | cat`) goes to bash.
 */
#ifndef REPL_SCREEN_COMMANDS_H
#define REPL_SCREEN_COMMANDS_H

#include "repl/lesson/place.h"
#include "repl/screen/keys.h"

#include <stdbool.h>
#include <stddef.h>

enum command_argument {
    COMMAND_ALONE,  /* takes nothing */
    COMMAND_NUMBER, /* needs a number */
    COMMAND_PLACE,  /* needs a step, which may name its lesson */
    COMMAND_REST,   /* needs the rest of the line */
    COMMAND_WORDS,  /* may have words: nothing that a shell would act on */
};

struct command {
    const char *name;
    enum command_argument argument;
    const char *argument_name; /* "N"; NULL if it takes nothing */
    enum action action;
    const char *help;
    const char *plain_help; /* in plain mode; NULL: the same, "": it needs the screen */
};
extern const struct command commands[];
extern const size_t command_count;

struct command_line {
    enum action action;  /* ACTION_NONE: not a teaching command */
    unsigned number;     /* 0: none was given */
    struct place place;  /* of a COMMAND_PLACE */
    char argument[4096]; /* what stands after the name, blanks round it cut; "" if nothing */
};

/** Is @line, as accepted at the prompt, exactly a teaching command? @quiz: an unanswered quiz is there, so a bare number (or numbers,
 * `1 3`) answers it. */
bool commands_at_prompt(const char *line, bool quiz, struct command_line *command);
/** Parse what was typed on the `:` line, where nothing else can be meant. On false @why says what is wrong and what to type. */
bool commands_parse(const char *line, bool quiz, struct command_line *command, char *why, size_t size);

/** Does @line, as accepted at the prompt, begin with a command that takes a number, a step or a line and has none (`goto x`)? Nothing else is called so: @why says what to type. */
bool commands_mistaken(const char *line, char *why, size_t size);

/** The numbers of an answer "1 3", "1,3", "13" does not count as two, or letters "a c": choices from 0. Returns how many, 0 if it is not
 * a list of choices below @count. */
size_t commands_choices(const char *text, unsigned *choices, size_t max, size_t count);

#endif

/** Candidates for the word being typed, as the lab's shell would see them: its files, its commands, its variables, and the teaching commands.
 *
 * Files are read through the shell's own root and directory (/proc/PID/root, /proc/PID/cwd), every path resolved inside that root, so a lab's symlink never shows the
 * host's files. Nothing is executed.
 */
#ifndef REPL_SCREEN_COMPLETION_H
#define REPL_SCREEN_COMPLETION_H

#include "engine/observe/place.h"

#include <stdbool.h>
#include <stddef.h>

struct completion_options {
    const struct observe_place *place;
    const char *const
        *commands; /* teaching commands, NULL-terminated: offered as the first word of a line; may be NULL */
    const char *const *variables; /* more variable names; NULL-terminated; may be NULL */
    bool ignore_case;             /* completion-ignore-case */
};

/** Candidates to replace @word, which stands at byte @start of @line (the line up to its end): sorted, each once, quoted as the word is, directories ending in '/'.
 * Which kind is offered follows from where the word stands (repl/tutor/explain.h): a command, an option of its command, a verb, the value of an option, a control group or a file of one, a directory
 * (cd), a variable ($…), else a file; after `chroot DIR` an absolute path is one inside DIR. Returns a malloc'ed NULL-terminated array of malloc'ed strings, or NULL if there are none. */
char **completion_candidates(const struct completion_options *options, const char *line, const char *word,
                             size_t start);
void completion_free(char **candidates);

#endif

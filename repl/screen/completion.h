/** Completion at the lab shell's prompt: programs and files as that shell sees them, and the teaching commands.
 *
 * Everything is looked up below the shell's own root and working directory, symbolic links included, so nothing of the machine outside the lab is ever offered.
 */
#ifndef REPL_SCREEN_COMPLETION_H
#define REPL_SCREEN_COMPLETION_H

#include <stddef.h>
#include <sys/types.h>

/** Candidates for @word, which begins at byte @start of @line (the line up to the cursor), quoted for bash. Returns a malloc'ed NULL-terminated array of malloc'ed strings,
 * or NULL if there is none. @shell is the shell's pid as this process sees it. */
char **completion_find(pid_t shell, const char *line, const char *word, size_t start);

#endif

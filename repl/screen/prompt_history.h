/** The history of the prompt: readline's list, and the files behind it: one of all lessons, and one of the lesson that is open, so that Up walks through its own lines first and then the others'. */
#ifndef REPL_SCREEN_PROMPT_HISTORY_H
#define REPL_SCREEN_PROMPT_HISTORY_H

#include "engine/base/err.h"

#include <stddef.h>

#define PROMPT_HISTORY_LINES 2000

struct prompt_history {
    char *path;   /* of all lessons; NULL: no file */
    char *lesson; /* of this lesson; NULL: none is open */
    char *added;  /* the lines that are not saved yet, each with its newline */
    size_t added_len;
};

/** Read @path (a missing file is an empty one) into readline's list. Returns 0 or -1. */
int prompt_history_load(struct prompt_history *history, const char *path, struct err *err);
/** The lesson called @name (a file's name) is open from now on: what was added is saved, and the list is made anew with the lesson's lines at its end. Its file is @path with .NAME after it.
 * Returns 0 or -1; the list is then that of all lessons, as far as it can be read. */
int prompt_history_open(struct prompt_history *history, const char *name, struct err *err);
/** Not if empty, the same as the last, or beginning with a blank. */
void prompt_history_add(struct prompt_history *history, const char *line);
/** What each file holds now (another program may have saved since), then the lines that were added; the newest PROMPT_HISTORY_LINES of them. Returns 0 or -1. */
int prompt_history_save(struct prompt_history *history, struct err *err);
void prompt_history_free(struct prompt_history *history);

#endif

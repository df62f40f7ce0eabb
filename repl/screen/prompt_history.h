/** The history of the prompt: readline's list, and the file behind it. */
#ifndef REPL_SCREEN_PROMPT_HISTORY_H
#define REPL_SCREEN_PROMPT_HISTORY_H

#include "engine/base/err.h"

#include <stddef.h>

#define PROMPT_HISTORY_LINES 2000

struct prompt_history {
    char *path;  /* NULL: no file */
    char *added; /* the lines of this session, each with its newline */
    size_t added_len;
};

/** Read @path (a missing file is an empty one) into readline's list. Returns 0 or -1. */
int prompt_history_load(struct prompt_history *history, const char *path, struct err *err);
/** Not if empty, the same as the last, or beginning with a blank. */
void prompt_history_add(struct prompt_history *history, const char *line);
/** What the file holds now (another program may have saved since), then this session's lines; the newest PROMPT_HISTORY_LINES of them. Returns 0 or -1. */
int prompt_history_save(struct prompt_history *history, struct err *err);
void prompt_history_free(struct prompt_history *history);

#endif

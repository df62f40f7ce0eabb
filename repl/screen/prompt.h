/** The line being edited at the lab shell's prompt: GNU readline by its callback interface, with its own redisplay into memory. No ncurses in here.
 *
 * The caller feeds raw key bytes while terminal_at_own_prompt, and draws prompt_text at the prompt's position over the grid. On Enter @accepted gets the line; it is then
 * written to the pty, whose tty echoes it.
 */
#ifndef REPL_SCREEN_PROMPT_H
#define REPL_SCREEN_PROMPT_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct prompt; /* one a process: readline has globals */

struct prompt_hooks {
    void (*accepted)(const char *line, void *data);
    void (*interrupted)(void *data); /* Ctrl-C: the line was dropped */
    void (*end_of_file)(void *data); /* Ctrl-D on an empty line */
    /** Candidates for the word @word (the line up to it is @line, @start its byte offset); returns a malloc'ed NULL-terminated array of malloc'ed strings or NULL. */
    char **(*complete)(const char *line, const char *word, size_t start, void *data);
    /** A list of several completions to show; @count of them. */
    void (*show_matches)(char *const *matches, size_t count, void *data);
    void *data;
};

struct prompt *prompt_new(const struct prompt_hooks *hooks, const char *history_path, struct err *err);
void prompt_free(struct prompt *prompt); /* saves the history (at most 2,000 lines, mode 0600, atomically) */

/** Feed raw bytes as read from the terminal (incomplete UTF-8 and escape sequences are held back; a bracketed paste is taken as text, its newlines accept lines one by one). */
void prompt_feed(struct prompt *prompt, const char *bytes, size_t len);
/** A lone ESC that no sequence followed within the escape delay. */
void prompt_escape_timeout(struct prompt *prompt);

/** The line as it should be drawn now (UTF-8: control characters already as ^X; during Ctrl-R readline's own search prompt is part of it) and the cursor's column in cells from its start. Valid
 * until the next call. */
const char *prompt_text(const struct prompt *prompt, size_t *cursor_cells);
/** The raw line, and the byte offset of the point. */
const char *prompt_line(const struct prompt *prompt, size_t *point);
bool prompt_empty(const struct prompt *prompt);
void prompt_set_line(
    struct prompt *prompt,
    const char
        *line); /* replaces it, point at its end: a solution typed for the learner, or a half-typed line taken back */
void prompt_clear(struct prompt *prompt);
void prompt_set_width(struct prompt *prompt, unsigned rows, unsigned cols);
/** The greyed suggestion after the line, or NULL; → or End at the end of the line accepts it. It must start with the line typed so far to be shown. */
void prompt_set_suggestion(struct prompt *prompt, const char *line);
const char *prompt_suggestion(const struct prompt *prompt);    /* the part after what is typed, or "" */
void prompt_remember(struct prompt *prompt, const char *line); /* add to the history */

#endif

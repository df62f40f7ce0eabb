/** The line being edited at the lab shell's prompt: GNU readline by its callback interface, with its own redisplay into memory. No ncurses in here.
 *
 * The caller feeds raw key bytes while terminal_at_own_prompt, and draws prompt_text at the prompt's position over the grid. On Enter @accepted gets the line; it is then
 * written to the pty, whose tty echoes it. No terminal is opened or changed, so it works without one. ~/.inputrc (INPUTRC, /etc/inputrc) is read and obeyed.
 *
 * The line is UTF-8 whatever the locale: readline takes its charset from the environment, so where that is not UTF-8, prompt_new sets LC_ALL=C.UTF-8 there.
 */
#ifndef REPL_SCREEN_PROMPT_H
#define REPL_SCREEN_PROMPT_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct prompt; /* one a process: readline has globals */

/** Called from within prompt_feed and prompt_escape_timeout. They may call every function below but prompt_feed, prompt_escape_timeout and prompt_free; a line set from
 * @accepted is the one edited next. Any may be NULL. */
struct prompt_hooks {
    void (*accepted)(const char *line, void *data);
    void (*interrupted)(void *data); /* Ctrl-C: the line was dropped */
    void (*end_of_file)(void *data); /* Ctrl-D on an empty line */
    /** Candidates for the word @word (the line up to it is @line, @start its byte offset); returns a malloc'ed NULL-terminated array of malloc'ed strings or NULL.
     * @word is as typed, backslashes included; inside an open quote it begins after the quote. Candidates replace it as they are (so they carry their own quoting). One
     * that ends in `/` or `=` is not followed by a blank. */
    char **(*complete)(const char *line, const char *word, size_t start, void *data);
    /** A list of several completions to show; @count of them, without the directory they share. */
    void (*show_matches)(char *const *matches, size_t count, void *data);
    /** Ctrl-L: bring the prompt to the top of a blank screen. */
    void (*clear_screen)(void *data);
    void *data;
};

/** @history_path is read if it is there; NULL: no file. Returns NULL with @err set (EBUSY: there is one already). What readline finds wrong in the init file is no
 * failure: @err then has code EINVAL and says it, and the prompt is returned. */
struct prompt *prompt_new(const struct prompt_hooks *hooks, const char *history_path, struct err *err);
/** Saves the history: the lines of this session are added to what the file holds by then, at most 2,000 in all, mode 0600, atomically. */
void prompt_free(struct prompt *prompt);
/** The lesson called @name (its file's name) is open: the history is that of all lessons, with its own lines nearest; they are kept in a file beside the other. The line is dropped. Returns 0 or -1. */
int prompt_open_lesson(struct prompt *prompt, const char *name, struct err *err);

/** Feed raw bytes as read from the terminal (incomplete UTF-8 and escape sequences are held back; a bracketed paste is taken as text, its newlines accept lines one by one).
 * Bytes that are not UTF-8, and key sequences nothing is bound to, are dropped. */
void prompt_feed(struct prompt *prompt, const char *bytes, size_t len);
/** True while the bytes held back begin with ESC: call prompt_escape_timeout if nothing follows within the escape delay. */
bool prompt_escape_pending(const struct prompt *prompt);
/** A lone ESC that no sequence followed within the escape delay. */
void prompt_escape_timeout(struct prompt *prompt);

/** The line as it should be drawn now (UTF-8: control characters already as ^X; during Ctrl-R readline's own search prompt is part of it) and the cursor's column in cells from its start. Valid
 * until the next call. */
const char *prompt_text(const struct prompt *prompt, size_t *cursor_cells);
/** The raw line, and the byte offset of the point. */
const char *prompt_line(const struct prompt *prompt, size_t *point);
bool prompt_empty(const struct prompt *prompt);
/** Replaces the line (undo brings the old one back), point at its end: a solution typed for the learner, or a half-typed line taken back. */
void prompt_set_line(struct prompt *prompt, const char *line);
/** Drop the line and whatever was half typed: a search, an argument, a key sequence. */
void prompt_clear(struct prompt *prompt);
void prompt_set_width(struct prompt *prompt, unsigned rows, unsigned cols);
/** The greyed suggestion after the line, or NULL; → or End at the end of the line accepts it, Alt-F its next word. It is shown while the line is not
 * empty (it would look typed) and the suggestion starts with it. */
void prompt_set_suggestion(struct prompt *prompt, const char *line);
const char *prompt_suggestion(const struct prompt *prompt); /* the part after what is typed, or "" */
/** Add to the history; not if empty, the same as the last, or beginning with a blank. */
void prompt_remember(struct prompt *prompt, const char *line);
/** What the user's init file says of a readline variable that is on or off: "completion-ignore-case". */
bool prompt_variable(const struct prompt *prompt, const char *name);

#endif

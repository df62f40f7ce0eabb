/** The keys: one table from which dispatch, the status line and the help page are all made, so that none of them can be wrong. */
#ifndef REPL_SCREEN_KEYS_H
#define REPL_SCREEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the program can be asked to do, by a key or by a command (commands.h). */
enum action {
    ACTION_NONE,
    ACTION_HELP,
    ACTION_NEXT,
    ACTION_SKIP,
    ACTION_HINT,
    ACTION_WHY,
    ACTION_DIAGNOSE,
    ACTION_SOLUTION,
    ACTION_RESET,
    ACTION_GOTO,
    ACTION_UNDO,
    ACTION_LESSONS,
    ACTION_ANSWER,
    ACTION_EXPLAIN,
    ACTION_FOCUS,
    ACTION_TERMINAL_PREVIOUS,
    ACTION_TERMINAL_NEXT,
    ACTION_TERMINAL,
    ACTION_ZOOM,
    ACTION_STATE,
    ACTION_REVIEW,
    ACTION_PANEL,
    ACTION_PANEL_BESIDE,
    ACTION_LENS,
    ACTION_LENS_WHOLE,
    ACTION_COMMAND_LINE,
    ACTION_SCROLL_UP,
    ACTION_SCROLL_DOWN,
    ACTION_PAGE_UP,
    ACTION_PAGE_DOWN,
    ACTION_TOP,
    ACTION_BOTTOM,
    ACTION_SCROLLBACK_UP,
    ACTION_SCROLLBACK_DOWN,
    ACTION_SHARE,
    ACTION_QUIT,
    ACTIONS,
};

/* Where a key means its action. */
enum key_when {
    KEYS_TERMINAL = 1, /* the terminal has the keys, and something runs in it line by line */
    KEYS_LESSON = 2,   /* the lesson has the keys */
    KEYS_PROGRAM = 4,  /* a full-screen program runs in the terminal that has the keys */
    KEYS_PREFIXED = 8, /* right after Ctrl-] */
    KEYS_PROMPT = 16,  /* the terminal has the keys, at the lab shell's own prompt */
};

struct key_binding {
    uint32_t key;
    unsigned modifiers;
    enum action action;
    const char *name;  /* "F1", "Ctrl-]" */
    const char *label; /* one or two words for the status line; NULL: not shown there */
    const char *help;  /* one line for the help page */
    unsigned when;
};

extern const struct key_binding key_bindings[];
extern const size_t key_binding_count;

/** The binding of @key where @when (one of key_when) holds, or NULL: the key is the pane's own. */
const struct key_binding *keys_find(uint32_t key, unsigned modifiers, enum key_when when);
/** The first key of @action that works where @when holds; NULL if only Ctrl-] leads there. */
const struct key_binding *keys_for(enum action action, enum key_when when);

#endif

#include "repl/screen/keys.h"

#include "repl/screen/input.h"

#define F(n) (INPUT_KEY_F1 + (n)-1)
#define SHELL (KEYS_TERMINAL | KEYS_PROMPT)
#define PANES (SHELL | KEYS_LESSON | KEYS_PREFIXED)

/* The order is the order of the status line and of the help page. */
const struct key_binding key_bindings[] = {
    { F(1), 0, ACTION_HELP, "F1", "help", "this page", PANES },
    { F(2), 0, ACTION_NEXT, "F2", "next", "go on to the next step", PANES },
    { F(3), 0, ACTION_HINT, "F3", "hint", "a hint; again for the next one, and at last the command is typed for you",
      PANES },
    { F(4), 0, ACTION_WHY, "F4", "why", "what this step still waits for", PANES },
    { F(5), 0, ACTION_RESET, "F5", "reset", "begin this step anew in a fresh lab", PANES },
    { F(6), 0, ACTION_FOCUS, "F6", "pane", "give the keys to the other pane: lesson or terminal", PANES },
    { F(7), 0, ACTION_TERMINAL_PREVIOUS, "F7", NULL, "the previous terminal", PANES },
    { F(8), 0, ACTION_TERMINAL_NEXT, "F8", NULL, "the next terminal; after the last one, a new one", PANES },
    { F(9), 0, ACTION_ZOOM, "F9", "zoom", "the pane that has the keys gets the whole screen; again to undo", PANES },
    { F(10), 0, ACTION_QUIT, "F10", "quit", "leave; where you are is remembered", PANES },
    { F(11), 0, ACTION_PANEL, "F11", NULL, "the lab's processes and cgroups, live, on the whole screen; again to undo",
      PANES },
    { F(12), 0, ACTION_STATE, "F12", NULL, "all of the kernel's state that the pane has no room for", PANES },
    { F(12), INPUT_SHIFT, ACTION_LENS_WHOLE, "Shift-F12", NULL,
      "the lens on the whole screen: every syscall of the terminal's commands, to look through, filter and copy",
      PANES },
    { ']', INPUT_CTRL, ACTION_COMMAND_LINE, "Ctrl-]", NULL,
      "a line for teaching commands, also while a program has the screen; F-keys work after it; twice sends it to the "
      "program",
      SHELL | KEYS_LESSON | KEYS_PROGRAM },
    { INPUT_KEY_PAGE_UP, INPUT_SHIFT, ACTION_SCROLLBACK_UP, "Shift-PgUp", NULL,
      "look back in the terminal (the mouse wheel does, too); any other key returns", SHELL },
    { INPUT_KEY_PAGE_DOWN, INPUT_SHIFT, ACTION_SCROLLBACK_DOWN, "Shift-PgDn", NULL, "and forward again",
      KEYS_TERMINAL },
    { INPUT_KEY_UP, 0, ACTION_SCROLL_UP, "Up", NULL, "in the lesson: one line up", KEYS_LESSON },
    { INPUT_KEY_DOWN, 0, ACTION_SCROLL_DOWN, "Down", NULL, "in the lesson: one line down", KEYS_LESSON },
    { INPUT_KEY_PAGE_UP, 0, ACTION_PAGE_UP, "PgUp", NULL, "the lesson one page up (also at the lab's prompt)",
      KEYS_LESSON | KEYS_PROMPT },
    { INPUT_KEY_PAGE_DOWN, 0, ACTION_PAGE_DOWN, "PgDn", NULL, "the lesson one page down (also at the lab's prompt)",
      KEYS_LESSON | KEYS_PROMPT },
    { INPUT_KEY_HOME, 0, ACTION_TOP, "Home", NULL, "in the lesson: the step's beginning", KEYS_LESSON },
    { INPUT_KEY_END, 0, ACTION_BOTTOM, "End", NULL, "in the lesson: the step's end", KEYS_LESSON },
    { INPUT_KEY_ESCAPE, 0, ACTION_FOCUS, "Esc", NULL, "in the lesson: back to the terminal", KEYS_LESSON },
    { 'q', 0, ACTION_FOCUS, "q", NULL, "in the lesson: back to the terminal", KEYS_LESSON },
};
const size_t key_binding_count = sizeof(key_bindings) / sizeof(key_bindings[0]);

const struct key_binding *keys_find(uint32_t key, unsigned modifiers, enum key_when when)
{
    for (size_t i = 0; i < key_binding_count; i++)
        if (key_bindings[i].key == key && key_bindings[i].modifiers == modifiers && (key_bindings[i].when & when))
            return &key_bindings[i];
    return NULL;
}

const struct key_binding *keys_for(enum action action, enum key_when when)
{
    for (size_t i = 0; i < key_binding_count; i++)
        if (key_bindings[i].action == action && (key_bindings[i].when & when))
            return &key_bindings[i];
    return NULL;
}

/** The one decoder of what comes from the keyboard's terminal: bytes in, events out, each with the raw bytes it was made of.
 *
 * Knows the function and cursor keys of xterm, rxvt, vt220 and the Linux console with their modifiers, and what terminfo says besides;
 * Alt and Ctrl; bracketed pastes; SGR mouse reports; focus reports; UTF-8 split anywhere. Never blocks, knows no clock: the caller calls
 * input_timeout when input_pending's time is over. No ncurses in here. See ctlseqs (xterm), console_codes(4), terminfo(5).
 */
#ifndef REPL_SCREEN_INPUT_H
#define REPL_SCREEN_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key is a Unicode character, or one of these beyond them. Ctrl-A is 'a' with INPUT_CTRL. */
enum input_key {
    INPUT_KEY_NONE = 0x110000,
    INPUT_KEY_ENTER,
    INPUT_KEY_TAB,
    INPUT_KEY_BACKSPACE,
    INPUT_KEY_ESCAPE,
    INPUT_KEY_UP,
    INPUT_KEY_DOWN,
    INPUT_KEY_LEFT,
    INPUT_KEY_RIGHT,
    INPUT_KEY_HOME,
    INPUT_KEY_END,
    INPUT_KEY_PAGE_UP,
    INPUT_KEY_PAGE_DOWN,
    INPUT_KEY_INSERT,
    INPUT_KEY_DELETE,
    INPUT_KEY_F1, /* … F12 follow in order */
    INPUT_KEY_F12 = INPUT_KEY_F1 + 11,
};

enum input_modifier { INPUT_SHIFT = 1, INPUT_ALT = 2, INPUT_CTRL = 4 };

enum input_kind {
    INPUT_KEY,   /* .key, .modifiers */
    INPUT_PASTE, /* .bytes is the pasted text alone; a long one comes in several events */
    INPUT_MOUSE, /* .button 1…3, wheel 4/5, 0 moved without one; .row, .col from 0; .pressed; .dragged; .modifiers */
    INPUT_FOCUS, /* .pressed: the window got the focus; else lost it */
    INPUT_UNKNOWN, /* a sequence we have no name for: .bytes only */
};

struct input_event {
    enum input_kind kind;
    uint32_t key;
    unsigned modifiers;
    unsigned row, col;
    int button;
    bool pressed, dragged;
    const char *bytes; /* as they were read; valid during the call */
    size_t len;
};

typedef void input_event_fn(const struct input_event *event, void *data);

struct input;

struct input *input_new(input_event_fn *on_event, void *data); /* NULL: out of memory */
void input_free(struct input *input);

/** Add the sequences the terminfo entry last loaded (setupterm) has for the keys above. */
void input_load_terminfo(struct input *input);
/** Add one sequence of at most 15 bytes that begins with ESC. */
void input_add_sequence(struct input *input, const char *sequence, uint32_t key, unsigned modifiers);

void input_feed(struct input *input, const char *bytes, size_t len);

#define INPUT_ESCAPE_MS 40
#define INPUT_PASTE_MS 3000
/** Milliseconds after which input_timeout is to be called if nothing more was fed; 0: nothing is pending. */
unsigned input_pending(const struct input *input);
/** What was held back is not going on: a lone ESC is the Escape key, half a sequence is given out as unknown, and a paste whose end was
 * lost ends. */
void input_timeout(struct input *input);

/** The bytes xterm sends for a key, for a program that was told its terminal is an xterm. @application: the program asked for
 * application cursor keys. Returns the length, 0 for what has no bytes. */
size_t input_encode(uint32_t key, unsigned modifiers, bool application, char out[16]);

#endif

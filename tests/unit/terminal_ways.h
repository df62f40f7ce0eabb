/* Two terminals fed the same stream in two ways (text straight into the grid; all of it through libvterm), cut at different places, must
 * show the same, in cells, cursor, scrollback and events. Used by the fuzz harness and by a unit test with a fixed stream of its own. */
#ifndef TESTS_UNIT_TERMINAL_WAYS_H
#define TESTS_UNIT_TERMINAL_WAYS_H

#include "repl/session/terminal_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS_NONCE "0123456789abcdef"
enum { WAYS_EVENTS = 4096 };

struct way {
    struct terminal *terminal;
    char events[WAYS_EVENTS];
    size_t len;
};

static inline void way_event(struct terminal *terminal, const struct terminal_event *event, void *data)
{
    struct way *way = data;
    unsigned row, col;
    bool visible;
    terminal_cursor(terminal, &row, &col, &visible);
    if (way->len + 128 < WAYS_EVENTS)
        way->len += (size_t)snprintf(way->events + way->len, WAYS_EVENTS - way->len, "%d %s %d %d %.40s at %u,%u\n",
                                     (int)event->kind, event->shell, event->own, event->status,
                                     event->text ? event->text : "", row, col);
}

static inline void way_open(struct way *way, unsigned rows, unsigned cols, size_t scrollback)
{
    struct err err;
    struct terminal_options options = { .master = -1,
                                        .rows = rows,
                                        .cols = cols,
                                        .scrollback = scrollback,
                                        .nonce = WAYS_NONCE,
                                        .on_event = way_event,
                                        .data = way };
    way->len = 0;
    way->events[0] = '\0';
    way->terminal = terminal_new(&options, &err);
    if (!way->terminal) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

static inline bool cells_equal(const struct terminal_cell *a, const struct terminal_cell *b)
{
    return memcmp(a->chars, b->chars, sizeof(a->chars)) == 0 && a->width == b->width && a->fg == b->fg &&
           a->bg == b->bg && a->bold == b->bold && a->dim == b->dim && a->underline == b->underline &&
           a->italic == b->italic && a->blink == b->blink && a->reverse == b->reverse && a->strike == b->strike;
}

/* What differs first, in words, or NULL. Also that what can be read is sound: halves of wide glyphs come in pairs. */
static inline const char *ways_differ(struct way *one, struct way *other)
{
    static char words[256];
    struct terminal *a = one->terminal, *b = other->terminal;
    unsigned row_a, col_a, row_b, col_b;
    bool visible_a, visible_b;
    terminal_cursor(a, &row_a, &col_a, &visible_a);
    terminal_cursor(b, &row_b, &col_b, &visible_b);
    if (row_a != row_b || col_a != col_b || visible_a != visible_b) {
        snprintf(words, sizeof(words), "cursor %u,%u and %u,%u", row_a, col_a, row_b, col_b);
        return words;
    }
    if (row_a >= terminal_rows(a) || col_a >= terminal_cols(a))
        return "the cursor is outside";
    if (terminal_scrollback(a) != terminal_scrollback(b) || terminal_alternate(a) != terminal_alternate(b) ||
        terminal_mouse(a) != terminal_mouse(b) || terminal_at_prompt(a) != terminal_at_prompt(b))
        return "scrollback, screen, mouse or prompt";
    for (int row = -(int)terminal_scrollback(a); row < (int)terminal_rows(a); row++) {
        if (terminal_row_continues(a, row) != terminal_row_continues(b, row)) {
            snprintf(words, sizeof(words), "row %d is continued in one only", row);
            return words;
        }
        struct terminal_cell before = { .width = 1 };
        for (unsigned col = 0; col < terminal_cols(a); col++) {
            struct terminal_cell x, y;
            if (!terminal_get(a, row, col, &x) || !terminal_get(b, row, col, &y))
                return "a cell cannot be read";
            if (!cells_equal(&x, &y)) {
                snprintf(words, sizeof(words), "cell %d,%u: U+%X fg %d bg %d and U+%X fg %d bg %d", row, col,
                         x.chars[0], x.fg, x.bg, y.chars[0], y.fg, y.bg);
                return words;
            }
            if ((before.width == 2) != (x.chars[0] == (uint32_t)-1) || (x.width == 2 && col + 1 == terminal_cols(a))) {
                snprintf(words, sizeof(words), "half a wide glyph at %d,%u", row, col);
                return words;
            }
            before = x;
        }
    }
    if (one->len != other->len || memcmp(one->events, other->events, one->len) != 0)
        return "events";
    return NULL;
}

/* Pieces a stream is made of: what programs write, and what has broken terminals. */
static const char *const ways_tokens[] = {
    "a",
    "hello ",
    "0123456789012345678901234567890123456789",
    "\r\n",
    "\n",
    "\r",
    "\t",
    "\b",
    "\v",
    " ",
    "\xe4\xb8\x80",
    "\xe4\xb8",
    "\x80",
    "\xcc\x81",
    "e\xcc\x81\xcc\x82",
    "\xf0\x9f\x98\x80",
    "\xff",
    "\xc2\x9b",
    "\xe2\x94\x80",
    "\xed\xa0\x80",
    "\033[m",
    "\033[1;31m",
    "\033[38;5;200m",
    "\033[38;2;1;2;3;48:2::4:5:6m",
    "\033[2;4:3;7m",
    "\033[44m",
    "\033[38m",
    "\033[H",
    "\033[5;5H",
    "\033[999;999H",
    "\033[A",
    "\033[3B",
    "\033[2C",
    "\033[D",
    "\033[10G",
    "\033[J",
    "\033[1J",
    "\033[2J",
    "\033[3J",
    "\033[K",
    "\033[1K",
    "\033[2K",
    "\033[2L",
    "\033[2M",
    "\033[3P",
    "\033[3@",
    "\033[3X",
    "\033[S",
    "\033[2T",
    "\033[99S",
    "\033[b",
    "\033[7b",
    "\033[99999999999999999b",
    "\033[2;4r",
    "\033[r",
    "\033[3;2r",
    "\033[?6h",
    "\033[?6l",
    "\033[?7l",
    "\033[?7h",
    "\033[4h",
    "\033[4l",
    "\033[20h",
    "\033[20l",
    "\033[?69h",
    "\033[2;5s",
    "\033[s",
    "\033[u",
    "\0337",
    "\0338",
    "\033[?1049h",
    "\033[?1049l",
    "\033[?47h",
    "\033[?47l",
    "\033[?1048h",
    "\033[?1048l",
    "\033[?25l",
    "\033[?25h",
    "\033[?5h",
    "\033[?5l",
    "\033[?1000;1006h",
    "\033[?1003l",
    "\033[?2004h",
    "\033D",
    "\033E",
    "\033M",
    "\033H",
    "\033[g",
    "\033[3g",
    "\033c",
    "\033[!p",
    "\033#8",
    "\033#3",
    "\033#6",
    "\033(0",
    "\033(B",
    "\033)0",
    "\016",
    "\017",
    "\033n",
    "\033N",
    "\033[?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20h",
    "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33;34m",
    "\033[6n",
    "\033[c",
    "\033[>c",
    "\033[?1049$p",
    "\033P$q q\033\\",
    "\033P$qm\033\\",
    "\033Pq",
    "\033\\",
    "\a",
    "\033]0;title\a",
    "\033]2;two\033\\",
    "\033]52;c;AAAA\a",
    "\033]",
    "\033]133;A;k=" WAYS_NONCE ";s=7.1\a",
    "\033]133;B;k=" WAYS_NONCE ";s=7.1\a",
    "\033]133;C;k=" WAYS_NONCE ";s=7.1\a",
    "\033]133;D;3;k=" WAYS_NONCE ";s=7.1\a",
    "\033]133;B;k=" WAYS_NONCE ";s=8.2\033\\",
    "\033]133;C;k=forged;s=7.1\a",
    "\033X",
    "\033_",
    "\030",
    "\033",
    "\033[",
    "\033[1",
    ";",
    "\033[1\"q",
    "\033[0\"q",
    "\033[?J",
    "\033[?2K",
    "\033['}",
    "\033[3'~",
    "\033[5I",
    "\033[2Z",
    "\033[4`",
    "\033[2d",
    "\033[e",
    "\033[2a",
    "\x7f",
};
enum { WAYS_TOKENS = sizeof(ways_tokens) / sizeof(ways_tokens[0]) };

#endif

#include "repl/screen/input.h"

#include "repl/screen/utf8.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>

#define SEQUENCE_MAX 64         /* longer ones are nobody's */
#define PASTE_PIECE (64 * 1024) /* given out when this much is there */
#define EXTRA_MAX 64

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

struct extra {
    char sequence[16];
    uint32_t key;
    unsigned modifiers;
};

struct input {
    input_event_fn *on_event;
    void *data;
    char held[SEQUENCE_MAX]; /* the start of something not yet complete */
    size_t held_len;
    bool pasting;
    char *paste;
    size_t paste_len, paste_room;
    struct extra extras[EXTRA_MAX];
    size_t extra_count;
};

/* The final letter of `ESC [ … letter` and `ESC O letter`. */
static const struct {
    char final;
    uint32_t key;
    unsigned modifiers;
} letters[] = {
    { 'A', INPUT_KEY_UP, 0 },
    { 'B', INPUT_KEY_DOWN, 0 },
    { 'C', INPUT_KEY_RIGHT, 0 },
    { 'D', INPUT_KEY_LEFT, 0 },
    { 'H', INPUT_KEY_HOME, 0 },
    { 'F', INPUT_KEY_END, 0 },
    { 'P', INPUT_KEY_F1, 0 },
    { 'Q', INPUT_KEY_F1 + 1, 0 },
    { 'R', INPUT_KEY_F1 + 2, 0 },
    { 'S', INPUT_KEY_F1 + 3, 0 },
    { 'M', INPUT_KEY_ENTER, 0 },
    { 'Z', INPUT_KEY_TAB, INPUT_SHIFT },
    { 'a', INPUT_KEY_UP, INPUT_SHIFT },
    { 'b', INPUT_KEY_DOWN, INPUT_SHIFT },
    { 'c', INPUT_KEY_RIGHT, INPUT_SHIFT },
    { 'd', INPUT_KEY_LEFT, INPUT_SHIFT },
};

/* The number of `ESC [ number ~`. */
static const struct {
    int number;
    uint32_t key;
} numbers[] = {
    { 1, INPUT_KEY_HOME },    { 2, INPUT_KEY_INSERT },    { 3, INPUT_KEY_DELETE },   { 4, INPUT_KEY_END },
    { 5, INPUT_KEY_PAGE_UP }, { 6, INPUT_KEY_PAGE_DOWN }, { 7, INPUT_KEY_HOME },     { 8, INPUT_KEY_END },
    { 11, INPUT_KEY_F1 },     { 12, INPUT_KEY_F1 + 1 },   { 13, INPUT_KEY_F1 + 2 },  { 14, INPUT_KEY_F1 + 3 },
    { 15, INPUT_KEY_F1 + 4 }, { 17, INPUT_KEY_F1 + 5 },   { 18, INPUT_KEY_F1 + 6 },  { 19, INPUT_KEY_F1 + 7 },
    { 20, INPUT_KEY_F1 + 8 }, { 21, INPUT_KEY_F1 + 9 },   { 23, INPUT_KEY_F1 + 10 }, { 24, INPUT_KEY_F12 },
};

struct input *input_new(input_event_fn *on_event, void *data)
{
    struct input *input = calloc(1, sizeof(*input));
    if (input) {
        input->on_event = on_event;
        input->data = data;
    }
    return input;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    free(input->paste);
    free(input);
}

void input_add_sequence(struct input *input, const char *sequence, uint32_t key, unsigned modifiers)
{
    size_t len = strlen(sequence);
    if (input->extra_count == EXTRA_MAX || len < 2 || len >= sizeof(input->extras[0].sequence) || *sequence != '\033')
        return;
    struct extra *extra = &input->extras[input->extra_count++];
    memcpy(extra->sequence, sequence, len + 1);
    extra->key = key;
    extra->modifiers = modifiers;
}

void input_load_terminfo(struct input *input)
{
    static const struct {
        const char *capability;
        uint32_t key;
        unsigned modifiers;
    } capabilities[] = {
        { "kcuu1", INPUT_KEY_UP, 0 },
        { "kcud1", INPUT_KEY_DOWN, 0 },
        { "kcub1", INPUT_KEY_LEFT, 0 },
        { "kcuf1", INPUT_KEY_RIGHT, 0 },
        { "khome", INPUT_KEY_HOME, 0 },
        { "kend", INPUT_KEY_END, 0 },
        { "kpp", INPUT_KEY_PAGE_UP, 0 },
        { "knp", INPUT_KEY_PAGE_DOWN, 0 },
        { "kich1", INPUT_KEY_INSERT, 0 },
        { "kdch1", INPUT_KEY_DELETE, 0 },
        { "kcbt", INPUT_KEY_TAB, INPUT_SHIFT },
        { "kPRV", INPUT_KEY_PAGE_UP, INPUT_SHIFT },
        { "kNXT", INPUT_KEY_PAGE_DOWN, INPUT_SHIFT },
    };
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        const char *sequence = tigetstr(capabilities[i].capability);
        if (sequence && sequence != (char *)-1)
            input_add_sequence(input, sequence, capabilities[i].key, capabilities[i].modifiers);
    }
    for (unsigned f = 1; f <= 12; f++) {
        char name[8];
        snprintf(name, sizeof(name), "kf%u", f);
        const char *sequence = tigetstr(name);
        if (sequence && sequence != (char *)-1)
            input_add_sequence(input, sequence, INPUT_KEY_F1 + f - 1, 0);
    }
}

static void give(struct input *input, struct input_event *event)
{
    event->bytes = input->held;
    event->len = input->held_len;
    input->held_len = 0;
    input->on_event(event, input->data);
}

static void give_key(struct input *input, uint32_t key, unsigned modifiers)
{
    struct input_event event = { .kind = INPUT_KEY, .key = key, .modifiers = modifiers };
    give(input, &event);
}

static void give_unknown(struct input *input)
{
    struct input_event event = { .kind = INPUT_UNKNOWN, .key = INPUT_KEY_NONE };
    give(input, &event);
}

/* A byte below 0x20, or DEL, as a key. */
static uint32_t control_key(unsigned char byte, unsigned *modifiers)
{
    switch (byte) {
    case '\r':
        return INPUT_KEY_ENTER;
    case '\t':
        return INPUT_KEY_TAB;
    case 0x7f:
    case '\b':
        return INPUT_KEY_BACKSPACE;
    case 0x1b:
        return INPUT_KEY_ESCAPE;
    default:
        *modifiers |= INPUT_CTRL;
        return byte == 0 ? ' ' : byte < 0x1b ? byte + 'a' - 1 : byte + '@';
    }
}

/* Modifiers as xterm writes them: 1 + bits. */
static unsigned decode_modifiers(int parameter)
{
    return parameter > 1 && parameter <= 16 ? (unsigned)(parameter - 1) & (INPUT_SHIFT | INPUT_ALT | INPUT_CTRL) : 0;
}

static void give_mouse(struct input *input, const int *parameters, bool pressed)
{
    int code = parameters[0];
    struct input_event event = {
        .kind = INPUT_MOUSE,
        .key = INPUT_KEY_NONE,
        .col = parameters[1] > 0 ? (unsigned)parameters[1] - 1 : 0,
        .row = parameters[2] > 0 ? (unsigned)parameters[2] - 1 : 0,
        .pressed = pressed,
        .dragged = code & 32,
        .modifiers = (code & 4 ? INPUT_SHIFT : 0U) | (code & 8 ? INPUT_ALT : 0U) | (code & 16 ? INPUT_CTRL : 0U),
    };
    if (code & 64)
        event.button = 4 + (code & 1);
    else
        event.button = (code & 3) == 3 ? 0 : (code & 3) + 1;
    give(input, &event);
}

/* A whole `ESC [ … final` is held. */
static void give_csi(struct input *input)
{
    char *text = input->held + 2, final = input->held[input->held_len - 1];
    bool mouse = *text == '<';
    int parameters[4] = { 0 };
    size_t count = 0;
    for (char *at = text + mouse; count < 4 && *at >= '0' && *at <= ';';) {
        char *end;
        long value = strtol(at, &end, 10);
        parameters[count++] = value > 0 && value < 100000 ? (int)value : 0;
        if (*end != ';')
            break;
        at = end + 1;
    }
    if (mouse && (final == 'M' || final == 'm') && count == 3) {
        give_mouse(input, parameters, final == 'M');
        return;
    }
    if (input->held_len == 3 && (final == 'I' || final == 'O')) {
        struct input_event event = { .kind = INPUT_FOCUS, .key = INPUT_KEY_NONE, .pressed = final == 'I' };
        give(input, &event);
        return;
    }
    unsigned modifiers = decode_modifiers(parameters[1]);
    if (final == '^' || final == '@')
        modifiers |= INPUT_CTRL;
    if (final == '$' || final == '@')
        modifiers |= INPUT_SHIFT;
    if (strchr("~^$@", final)) {
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
            if (numbers[i].number == parameters[0] && count > 0) {
                give_key(input, numbers[i].key, modifiers);
                return;
            }
    } else {
        for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
            if (letters[i].final == final && final != 'M') {
                give_key(input, letters[i].key, modifiers | letters[i].modifiers);
                return;
            }
    }
    give_unknown(input);
}

/* A whole `ESC O letter` is held. */
static void give_ss3(struct input *input)
{
    char final = input->held[2];
    unsigned modifiers = final >= 'a' && final <= 'd' ? INPUT_CTRL : 0;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].final == (modifiers ? final - 'a' + 'A' : final)) {
            give_key(input, letters[i].key, modifiers | letters[i].modifiers);
            return;
        }
    give_unknown(input);
}

/* Of what terminfo added: is what is held one of them, or the start of one? */
static const struct extra *find_extra(const struct input *input, bool *prefix)
{
    *prefix = false;
    for (size_t i = 0; i < input->extra_count; i++) {
        const struct extra *extra = &input->extras[i];
        if (strncmp(extra->sequence, input->held, input->held_len) != 0)
            continue;
        if (strlen(extra->sequence) == input->held_len)
            return extra;
        *prefix = true;
    }
    return NULL;
}

/* ESC and at least one byte more are held: give the event out if they are complete. */
static void try_escape(struct input *input)
{
    char second = input->held[1], last = input->held[input->held_len - 1];
    bool prefix;
    const struct extra *extra = find_extra(input, &prefix);
    if (extra) {
        give_key(input, extra->key, extra->modifiers);
    } else if (second == '[') {
        if (input->held_len == 2)
            return;
        if (input->held[2] == '[') { /* the Linux console's F1 to F5 */
            if (input->held_len < 4)
                return;
            if (last >= 'A' && last <= 'E')
                give_key(input, INPUT_KEY_F1 + (uint32_t)(last - 'A'), 0);
            else
                give_unknown(input);
        } else if (last >= 0x40 && last <= 0x7e) {
            if (input->held_len == sizeof(paste_begin) - 1 && memcmp(input->held, paste_begin, input->held_len) == 0) {
                input->held_len = 0;
                input->pasting = true;
            } else {
                give_csi(input);
            }
        } else if (last ==
                   '$') { /* rxvt ends Shift with it; elsewhere it stands before the last byte, of nothing we know */
            give_csi(input);
        } else if ((unsigned char)last < 0x20 || (unsigned char)last > 0x7e) {
            give_unknown(input);
        }
    } else if (second == 'O') {
        if (input->held_len == 3)
            give_ss3(input);
    } else if (second == '\033') {
        if (input->held_len > 2 || prefix)
            return;
        /* ESC ESC: the first was the key; the second may begin something */
        input->held_len = 1;
        give_key(input, INPUT_KEY_ESCAPE, 0);
        input->held[0] = '\033';
        input->held_len = 1;
    } else if (!prefix) {
        size_t need = utf8_expected((unsigned char)second);
        if (input->held_len - 1 < need)
            return;
        uint32_t key;
        unsigned modifiers = INPUT_ALT;
        utf8_decode(input->held + 1, input->held_len - 1, &key);
        if (key < 0x20 || key == 0x7f)
            key = control_key((unsigned char)second, &modifiers);
        give_key(input, key, modifiers);
    }
}

/* Characters and control bytes. */
static void try_plain(struct input *input)
{
    unsigned char first = (unsigned char)input->held[0];
    uint32_t key;
    unsigned modifiers = 0;
    if (first < 0x20 || first == 0x7f) {
        key = control_key(first, &modifiers);
        give_key(input, key, modifiers);
        return;
    }
    size_t need = utf8_expected(first);
    if (input->held_len > 1 && ((unsigned char)input->held[input->held_len - 1] & 0xc0) != 0x80) {
        /* the character broke off: what came instead stands for itself */
        char next = input->held[input->held_len - 1];
        input->held_len--;
        give_unknown(input);
        input_feed(input, &next, 1);
        return;
    }
    if (input->held_len < need)
        return;
    if (first >= 0x80 && need == 1) {
        give_unknown(input);
        return;
    }
    size_t used = utf8_decode(input->held, input->held_len, &key);
    if (used < input->held_len)
        give_unknown(input);
    else
        give_key(input, key, 0);
}

static void give_paste(struct input *input, size_t len)
{
    if (len == 0)
        return;
    struct input_event event = { .kind = INPUT_PASTE, .key = INPUT_KEY_NONE, .bytes = input->paste, .len = len };
    input->on_event(&event, input->data);
}

/* The end mark may come in pieces, so it is looked for in what was gathered. */
static void feed_paste(struct input *input, char byte)
{
    if (input->paste_len == input->paste_room) {
        size_t room = input->paste_room ? input->paste_room * 2 : 4096;
        char *more = realloc(input->paste, room);
        if (!more)
            return;
        input->paste = more;
        input->paste_room = room;
    }
    input->paste[input->paste_len++] = byte;
    size_t mark = sizeof(paste_end) - 1;
    if (byte == '~' && input->paste_len >= mark &&
        memcmp(input->paste + input->paste_len - mark, paste_end, mark) == 0) {
        input->pasting = false;
        give_paste(input, input->paste_len - mark);
        input->paste_len = 0;
    } else if (input->paste_len >= PASTE_PIECE) {
        /* keep what may be the start of the mark, and cut before a character, not in it */
        size_t keep = mark;
        while (keep < mark + 3 && ((unsigned char)input->paste[input->paste_len - keep] & 0xc0) == 0x80)
            keep++;
        give_paste(input, input->paste_len - keep);
        memmove(input->paste, input->paste + input->paste_len - keep, keep);
        input->paste_len = keep;
    }
}

void input_feed(struct input *input, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (input->pasting) {
            feed_paste(input, bytes[i]);
            continue;
        }
        if (input->held_len == SEQUENCE_MAX)
            give_unknown(input);
        if (bytes[i] == '\033' && input->held_len > 1)
            give_unknown(input); /* a sequence broke off */
        input->held[input->held_len++] = bytes[i];
        if (input->held[0] != '\033')
            try_plain(input);
        else if (input->held_len > 1)
            try_escape(input);
    }
}

unsigned input_pending(const struct input *input)
{
    if (input->pasting)
        return INPUT_PASTE_MS;
    return input->held_len ? INPUT_ESCAPE_MS : 0;
}

void input_timeout(struct input *input)
{
    if (input->pasting) {
        input->pasting = false;
        give_paste(input, input->paste_len);
        input->paste_len = 0;
        return;
    }
    if (input->held_len == 0)
        return;
    unsigned modifiers = INPUT_ALT;
    if (input->held[0] == '\033' && input->held_len == 1)
        give_key(input, INPUT_KEY_ESCAPE, 0);
    else if (input->held[0] == '\033' && input->held_len == 2 && input->held[1] > 0x20)
        give_key(input, (unsigned char)input->held[1], modifiers); /* Alt-[ and Alt-O begin longer sequences */
    else
        give_unknown(input);
}

size_t input_encode(uint32_t key, unsigned modifiers, bool application, char out[16])
{
    static const char finals[] = "ABDCHF"; /* up down left right home end, in the order of enum input_key */
    static const int codes[] = { 5, 6, 2, 3 };
    static const int functions[] = { 15, 17, 18, 19, 20, 21, 23, 24 }; /* F5 to F12 */
    unsigned parameter = modifiers + 1;
    int n = 0;

    if (key >= INPUT_KEY_UP && key <= INPUT_KEY_END) {
        char final = finals[key - INPUT_KEY_UP];
        n = modifiers ? snprintf(out, 16, "\033[1;%u%c", parameter, final)
                      : snprintf(out, 16, "\033%c%c", application ? 'O' : '[', final);
    } else if (key >= INPUT_KEY_PAGE_UP && key <= INPUT_KEY_DELETE) {
        int code = codes[key - INPUT_KEY_PAGE_UP];
        n = modifiers ? snprintf(out, 16, "\033[%d;%u~", code, parameter) : snprintf(out, 16, "\033[%d~", code);
    } else if (key >= INPUT_KEY_F1 && key <= INPUT_KEY_F1 + 3) {
        char final = (char)('P' + (key - INPUT_KEY_F1));
        n = modifiers ? snprintf(out, 16, "\033[1;%u%c", parameter, final) : snprintf(out, 16, "\033O%c", final);
    } else if (key >= INPUT_KEY_F1 + 4 && key <= INPUT_KEY_F12) {
        int code = functions[key - INPUT_KEY_F1 - 4];
        n = modifiers ? snprintf(out, 16, "\033[%d;%u~", code, parameter) : snprintf(out, 16, "\033[%d~", code);
    } else if (key == INPUT_KEY_TAB && modifiers == INPUT_SHIFT) {
        n = snprintf(out, 16, "\033[Z");
    }
    return n > 0 ? (size_t)n : 0;
}

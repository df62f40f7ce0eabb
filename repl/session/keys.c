/* Keys scripts: what is typed into an interactive program, each key when the program is ready for it. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define KEY_QUIET_MS 100 /* a Type waits until the program has said nothing for so long */

static const struct {
    const char *name, *bytes;
} key_names[] = {
    { "Enter", "\r" },       { "Tab", "\t" },         { "Escape", "\033" },      { "Space", " " },
    { "Backspace", "\177" }, { "Delete", "\033[3~" }, { "Insert", "\033[2~" },   { "Up", "\033[A" },
    { "Down", "\033[B" },    { "Right", "\033[C" },   { "Left", "\033[D" },      { "Home", "\033[H" },
    { "End", "\033[F" },     { "PageUp", "\033[5~" }, { "PageDown", "\033[6~" }, { "F1", "\033OP" },
    { "F2", "\033OQ" },      { "F3", "\033OR" },      { "F4", "\033OS" },        { "F5", "\033[15~" },
    { "F6", "\033[17~" },    { "F7", "\033[18~" },    { "F8", "\033[19~" },      { "F9", "\033[20~" },
    { "F10", "\033[21~" },   { "F11", "\033[23~" },   { "F12", "\033[24~" },
};

/* The bytes a key sends. The lesson's parser has seen to it that there is such a key. */
static size_t key_bytes(const char *name, char out[16])
{
    if (strncmp(name, "Ctrl+", 5) == 0) {
        out[0] = (char)(name[5] & 0x1f);
        return 1;
    }
    if (strncmp(name, "Alt+", 4) == 0) {
        out[0] = '\033';
        out[1] = name[4];
        return 2;
    }
    for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
        if (strcmp(key_names[i].name, name) == 0)
            return (size_t)snprintf(out, 16, "%s", key_names[i].bytes);
    return 0;
}

char *screen_since_typed(const struct player *player, const struct session_terminal *at)
{
    struct text text = { 0 };
    int first = printed_row(at, at->accepted ? at->output_line : player->first_line + player->lines);
    unsigned cursor, col;
    bool visible;
    terminal_cursor(at->terminal, &cursor, &col, &visible);
    if (terminal_alternate(at->terminal) || first < 0)
        first = 0;
    for (int row = first; row < (int)terminal_rows(at->terminal); row++) {
        char line[2048];
        size_t len = terminal_row_text(at->terminal, row, line, sizeof line);
        text_append(&text, line, len < sizeof line ? len : sizeof line - 1, SIZE_MAX);
        /* The blank that most prompts end in is the program's own. */
        if (row == (int)cursor && len < col)
            text_append(&text, " ", 1, SIZE_MAX);
        text_append(&text, "\n", 1, SIZE_MAX);
    }
    return text.data ? text.data : strdup("");
}

/* A key that ends a typed text follows it at once; any other waits until the program is ready for it. */
static bool key_is_due(const struct player *player, const struct session_terminal *at)
{
    const struct key_action *key = &player->block->keys[player->key];
    uint64_t since = at->last_output > player->key_time ? at->last_output : player->key_time;
    if (key->kind == KEY_WAIT) {
        cleanup_free char *screen = screen_since_typed(player, at);
        return screen && lesson_regex_found(key->text, screen);
    }
    bool after_text =
        player->key > 0 && key->kind == KEY_PRESS && player->block->keys[player->key - 1].kind == KEY_TYPE;
    unsigned pace = at->session->pace;
    if (player->key_part > 0 || after_text)
        return loop_now() - player->key_time >= pace;
    return loop_now() - since >= (pace > KEY_QUIET_MS ? pace : KEY_QUIET_MS);
}

/* The next character of a text, or all of it where there is no pace. Returns whether that was the last of it. */
static bool type_text(struct player *player, struct session_terminal *at, const char *text)
{
    const char *next = text + player->key_part;
    size_t len = strlen(next), one = len > 0;
    while (one < len && ((unsigned char)next[one] & 0xc0) == 0x80)
        one++;
    if (at->session->pace == 0)
        one = len;
    terminal_write(at->terminal, next, one);
    player->key_part = one < len ? player->key_part + one : 0;
    return one == len;
}

bool keys_advance(struct player *player, struct session_terminal *at)
{
    const struct block *block = player->block;
    while (player->key < block->key_count && key_is_due(player, at)) {
        const struct key_action *key = &block->keys[player->key];
        char bytes[16];
        if (key->kind == KEY_WAIT) {
            player->key++;
            continue;
        }
        bool begins = player->key_part == 0;
        if (key->kind == KEY_PRESS)
            terminal_write(at->terminal, bytes, key_bytes(key->text, bytes));
        if (key->kind == KEY_PRESS || type_text(player, at, key->text))
            player->key++;
        player->key_time = loop_now();
        if (begins)
            session_tell(at->session,
                         &(struct session_event){ .kind = SESSION_KEY, .terminal = at->number, .text = key->text });
    }
    session_flush(at->session);
    return player->key == block->key_count;
}

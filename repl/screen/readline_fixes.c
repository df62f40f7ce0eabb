#include "repl/screen/readline_fixes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <readline/readline.h>

static int do_nothing(int count, int key)
{
    return 0;
}

enum kind { BLANK, WORD, OTHER };

/* The character at @point, how many bytes it and its combining marks take, and its kind; with @big every character but a blank is of a word. */
static enum kind character_at(int point, bool big, int *length)
{
    mbstate_t state = { 0 };
    enum kind kind = BLANK;
    int at = point;
    while (at < rl_end) {
        wchar_t wide;
        size_t n = mbrtowc(&wide, rl_line_buffer + at, (size_t)(rl_end - at), &state);
        if (n == 0 || n > (size_t)(rl_end - at)) {
            memset(&state, 0, sizeof state);
            n = 1;
            wide = L'?';
        }
        if (at > point && wcwidth(wide) != 0)
            break;
        if (at == point && wide != L' ' && wide != L'\t')
            kind = big || wide == L'_' || iswalnum((wint_t)wide) ? WORD : OTHER;
        at += (int)n;
    }
    *length = at - point;
    return kind;
}

/* From @point over all characters of @kind. *last is the last of them, untouched if there is none. */
static int skip(int point, enum kind kind, bool big, int *last)
{
    int length;
    while (point < rl_end && character_at(point, big, &length) == kind) {
        *last = point;
        point += length;
    }
    return point;
}

/* `w` and `W`, `e` and `E`: rl_vi_fword, rl_vi_fWord, rl_vi_eword and rl_vi_eWord never end where the line's last character has several bytes. */
static int next_word(int count, int key)
{
    bool big = key == 'W';
    int last = rl_point, length;
    for (int point = rl_point; count > 0 && point < rl_end; count--) {
        enum kind kind = character_at(point, big, &length);
        point = kind == BLANK ? point : skip(point, kind, big, &last);
        point = skip(point, BLANK, big, &last);
        rl_point = point < rl_end ? point : last;
    }
    return 0;
}

static int end_of_word(int count, int key)
{
    bool big = key == 'E';
    for (int length; count > 0 && rl_point < rl_end; count--) {
        int last = rl_point;
        character_at(rl_point, big, &length);
        int point = skip(rl_point + length, BLANK, big, &last);
        if (point < rl_end)
            skip(point, character_at(point, big, &length), big, &last);
        rl_point = last;
    }
    return 0;
}

/* Looking for the word to complete takes readline the square of the line's length: seconds for a line of 32 KiB, half an hour for one of a pasted megabyte. */
enum { COMPLETABLE = 8192 };

/* Completing twice in a row means more than once, and what ran last is the function here. */
static int complete_by(rl_command_func_t *function, int count, int key);

static int complete(int count, int key)
{
    return complete_by(rl_complete, count, key);
}

static int possible_completions(int count, int key)
{
    return complete_by(rl_possible_completions, count, key);
}

static int insert_completions(int count, int key)
{
    return complete_by(rl_insert_completions, count, key);
}

static int menu_complete(int count, int key)
{
    return complete_by(rl_menu_complete, count, key);
}

static int backward_menu_complete(int count, int key)
{
    return complete_by(rl_backward_menu_complete, count, key);
}

/* `=`, `*` and `\` begin with an `E`, unless the word ends at the point already. */
static int complete_in_command_mode(int count, int key)
{
    int last;
    if (rl_end > COMPLETABLE)
        return 0;
    rl_point = skip(rl_point, WORD, true, &last);
    return rl_vi_complete(count, key);
}

/* `%`: rl_vi_match never ends looking for a bracket where the last character has several bytes and none is one. */
static int match_bracket(int count, int key)
{
    size_t ahead = strcspn(rl_line_buffer + rl_point, "()[]{}");
    if (!rl_line_buffer[(size_t)rl_point + ahead])
        return 0;
    rl_point += (int)ahead;
    return rl_vi_match(count, key);
}

/* Beginning a macro in a macro and ending none give up as an unbound key does. */
static int start_macro(int count, int key)
{
    return RL_ISSTATE(RL_STATE_MACRODEF) ? 0 : rl_start_kbd_macro(count, key);
}

static int end_macro(int count, int key)
{
    return RL_ISSTATE(RL_STATE_MACRODEF) ? rl_end_kbd_macro(count, key) : 0;
}

static const struct {
    rl_command_func_t *broken, *instead;
} replacements[] = {
    /* A key that means nothing, and Ctrl-G where there is nothing to give up, jump to _rl_top_level. While readline works off several keys in one call of
     * rl_callback_read_char (a macro, a sequence taken apart) that is a frame that has returned. Searches know Ctrl-G by itself. */
    { NULL, do_nothing },
    { rl_abort, do_nothing },
    { rl_start_kbd_macro, start_macro },
    { rl_end_kbd_macro, end_macro },
    { rl_vi_next_word, next_word },
    { rl_vi_end_word, end_of_word },
    { rl_vi_match, match_bracket },
    { rl_vi_complete, complete_in_command_mode },
    { rl_complete, complete },
    { rl_possible_completions, possible_completions },
    { rl_insert_completions, insert_completions },
    { rl_menu_complete, menu_complete },
    { rl_backward_menu_complete, backward_menu_complete },
};

static int complete_by(rl_command_func_t *function, int count, int key)
{
    if (rl_end > COMPLETABLE)
        return 0;
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        if (rl_last_func == replacements[i].instead && replacements[i].broken)
            rl_last_func = replacements[i].broken;
    return function(count, key);
}

static void apply(Keymap map, bool top)
{
    for (int key = 0; key < KEYMAP_SIZE - 1; key++)
        for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
            if (map[key].type == ISFUNC && map[key].function == replacements[i].broken) {
                /* Within a sequence an unbound key gives up nothing, and what the prefix itself means depends on it. */
                if (map[key].function || top)
                    map[key].function = replacements[i].instead;
                break;
            }
}

void readline_fixes_apply(void)
{
    static const char *const maps[] = { "emacs", "vi-insert", "vi-command", "emacs-meta", "emacs-ctlx" };
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++)
        apply(rl_get_keymap_by_name(maps[m]), m < 3);
}

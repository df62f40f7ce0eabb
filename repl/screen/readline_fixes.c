#include "repl/screen/readline_fixes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <readline/history.h>
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

/* Some commands do more when they are called twice in a row, and what ran last is the function here. */
static void restore_last_function(void);

static int complete_by(rl_command_func_t *function, int count, int key)
{
    if (rl_end > COMPLETABLE)
        return 0;
    restore_last_function();
    return function(count, key);
}

/* The same undo list can come to hang from the line, from a history entry and from the line put aside while the history is walked, and readline 8.2 frees it twice. So
 * the line's is let go of before the history is walked or searched: undoing goes back to there. A history line that was edited and left stays as it was edited. */
static void let_go_of_undo(void)
{
    HIST_ENTRY *entry = current_history();
    rl_free_undo_list();
    if (entry && strcmp(entry->line, rl_line_buffer) != 0) {
        HIST_ENTRY *old = replace_history_entry(where_history(), rl_line_buffer, NULL);
        if (old)
            free_history_entry(old);
    }
}

static int walk_by(rl_command_func_t *function, int count, int key)
{
    let_go_of_undo();
    restore_last_function();
    return function(count, key);
}

/* A search knows its own keys in the keymap by readline's functions: while one goes on, those stand there. */
static bool searching;
static void bind_searches(bool own);

static int search_by(rl_command_func_t *function, int count, int key)
{
    searching = true;
    bind_searches(false);
    return walk_by(function, count, key);
}

#define OWN(way, name)                                                                                                 \
    static int own_##name(int count, int key)                                                                          \
    {                                                                                                                  \
        return way(rl_##name, count, key);                                                                             \
    }
OWN(complete_by, complete)
OWN(complete_by, possible_completions)
OWN(complete_by, insert_completions)
OWN(complete_by, menu_complete)
OWN(complete_by, backward_menu_complete)
OWN(walk_by, get_previous_history)
OWN(walk_by, get_next_history)
OWN(walk_by, beginning_of_history)
OWN(walk_by, end_of_history)
OWN(walk_by, fetch_history)
OWN(walk_by, operate_and_get_next)
OWN(search_by, reverse_search_history)
OWN(search_by, forward_search_history)
OWN(walk_by, history_search_backward)
OWN(walk_by, history_search_forward)
OWN(walk_by, history_substr_search_backward)
OWN(walk_by, history_substr_search_forward)
OWN(walk_by, noninc_reverse_search)
OWN(walk_by, noninc_forward_search)
OWN(walk_by, noninc_reverse_search_again)
OWN(walk_by, noninc_forward_search_again)
OWN(walk_by, vi_fetch_history)
OWN(walk_by, vi_search)
OWN(walk_by, vi_search_again)
#undef OWN

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
#define OWN(name)                                                                                                      \
    {                                                                                                                  \
        rl_##name, own_##name                                                                                          \
    }
    OWN(complete),
    OWN(possible_completions),
    OWN(insert_completions),
    OWN(menu_complete),
    OWN(backward_menu_complete),
    OWN(get_previous_history),
    OWN(get_next_history),
    OWN(beginning_of_history),
    OWN(end_of_history),
    OWN(fetch_history),
    OWN(operate_and_get_next),
    OWN(reverse_search_history),
    OWN(forward_search_history),
    OWN(history_search_backward),
    OWN(history_search_forward),
    OWN(history_substr_search_backward),
    OWN(history_substr_search_forward),
    OWN(noninc_reverse_search),
    OWN(noninc_forward_search),
    OWN(noninc_reverse_search_again),
    OWN(noninc_forward_search_again),
    OWN(vi_fetch_history),
    OWN(vi_search),
    OWN(vi_search_again),
#undef OWN
};

static void restore_last_function(void)
{
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        if (rl_last_func == replacements[i].instead && replacements[i].broken)
            rl_last_func = replacements[i].broken;
}

static const char *const maps[] = { "emacs", "vi-insert", "vi-command", "emacs-meta", "emacs-ctlx" };

static void bind_searches(bool own)
{
    static rl_command_func_t *const searches[][2] = {
        { rl_reverse_search_history, own_reverse_search_history },
        { rl_forward_search_history, own_forward_search_history },
    };
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        Keymap map = rl_get_keymap_by_name(maps[m]);
        for (int key = 0; key < KEYMAP_SIZE - 1; key++)
            for (size_t i = 0; i < sizeof searches / sizeof *searches; i++)
                if (map[key].type == ISFUNC && map[key].function == searches[i][!own])
                    map[key].function = searches[i][own];
    }
}

void readline_fixes_after_key(void)
{
    if (!searching || RL_ISSTATE(RL_STATE_ISEARCH))
        return;
    searching = false;
    bind_searches(true);
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
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++)
        apply(rl_get_keymap_by_name(maps[m]), m < 3);
}

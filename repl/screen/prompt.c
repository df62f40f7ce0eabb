#include "repl/screen/prompt.h"

#include "engine/base/cleanup.h"
#include "repl/screen/keys_in.h"
#include "repl/screen/line_text.h"
#include "repl/screen/prompt_history.h"
#include "repl/screen/readline_fixes.h"
#include "repl/screen/shell_words.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#define CTRL_KEY(c) ((c)&0x1f)

struct prompt {
    struct prompt_hooks hooks;
    struct prompt_history history;
    FILE *null;    /* both ends of readline's terminal */
    FILE *message; /* where its messages go instead of stderr */
    char *message_text;
    size_t message_size;

    struct key_units units;
    char *held; /* bytes that are no whole unit yet */
    size_t held_len, held_size;
    const char *queue; /* the unit readline is reading */
    size_t queue_len;
    bool quoting;    /* the next character is inserted as it is (quoted-insert) */
    bool in_hook;    /* a hook runs inside readline's own call: its line must be left alone until that returns */
    char *next_line; /* what a hook asked for as the next line */

    char *suggestion;
    struct line_text text;
};

/* readline's callbacks take no data. */
static struct prompt *the_prompt;

/* Any of these and the next key does not simply edit the line. */
#define NOT_PLAIN                                                                                                      \
    (RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_VIMOTION | RL_STATE_NUMERICARG | RL_STATE_MULTIKEY |               \
     RL_STATE_CHARSEARCH)

static bool plain_state(const struct prompt *prompt)
{
    return !RL_ISSTATE(NOT_PLAIN) && !prompt->quoting;
}

/* What readline calls. */

static int next_byte(FILE *stream)
{
    struct prompt *prompt = the_prompt;
    if (prompt->queue_len == 0)
        return EOF;
    prompt->queue_len--;
    return (unsigned char)*prompt->queue++;
}

static int bytes_are_there(void)
{
    return the_prompt->queue_len > 0;
}

static void redisplay(void)
{
    /* Nothing to do: prompt_text reads readline's state when it is asked. */
}

static void line_done(char *line)
{
    struct prompt *prompt = the_prompt;
    prompt->in_hook = true;
    if (line && prompt->hooks.accepted)
        prompt->hooks.accepted(line, prompt->hooks.data);
    else if (!line && prompt->hooks.end_of_file)
        prompt->hooks.end_of_file(prompt->hooks.data);
    prompt->in_hook = false;
    free(line);
}

static char **candidates;
static size_t candidate_next;

static char *next_candidate(const char *text, int state)
{
    if (state == 0)
        candidate_next = 0;
    return candidates[candidate_next] ? candidates[candidate_next++] : NULL;
}

static char **attempt_completion(const char *word, int start, int end)
{
    struct prompt *prompt = the_prompt;
    rl_attempted_completion_over = 1;           /* never readline's own idea of file names: those are the host's */
    if (!prompt->hooks.complete || start > end) /* menu-complete with the point on an open quote */
        return NULL;
    cleanup_free char *line = strndup(rl_line_buffer, (size_t)end);
    if (!line)
        return NULL;
    candidates = prompt->hooks.complete(line, word, (size_t)start, prompt->hooks.data);
    if (!candidates)
        return NULL;
    char **matches = rl_completion_matches(word, next_candidate); /* takes the strings */
    free(candidates);
    candidates = NULL;
    if (!matches)
        return NULL;
    size_t len = strlen(matches[0]), backslashes = 0;
    if (matches[1]) { /* what they have in common must not end inside an escaped character */
        while (backslashes < len && matches[0][len - 1 - backslashes] == '\\')
            backslashes++;
        matches[0][len - backslashes % 2] = '\0';
    } else if (len > 0 && strchr("/=", matches[0][len - 1])) {
        rl_completion_suppress_append = 1;
        rl_completion_suppress_quote = 1;
    }
    return matches;
}

static void show_matches(char **matches, int count, int longest)
{
    struct prompt *prompt = the_prompt;
    if (!prompt->hooks.show_matches || count < 1)
        return;
    const char *slash = strrchr(matches[0], '/');
    size_t shared = slash ? (size_t)(slash + 1 - matches[0]) : 0;
    char **shown = calloc((size_t)count + 1, sizeof *shown);
    if (!shown)
        return;
    for (int i = 0; i < count; i++)
        shown[i] = matches[i + 1] + (strlen(matches[i + 1]) > shared ? shared : 0);
    prompt->hooks.show_matches(shown, (size_t)count, prompt->hooks.data);
    free(shown);
}

static int is_quoted(char *line, int index)
{
    return shell_is_quoted(line, (size_t)index);
}

static char *word_breaks(void)
{
    return (char *)(uintptr_t)shell_word_breaks(rl_line_buffer, (size_t)rl_point);
}

/* Setting up. */

/* Names of bash's own commands that init files use, and what does the same here: without these rows `Space: magic-space` would unbind the blank. */
static const struct {
    const char *name;
    rl_command_func_t *function;
} bash_commands[] = {
    { "magic-space", rl_insert },
    { "shell-forward-word", rl_forward_word },
    { "shell-backward-word", rl_backward_word },
    { "shell-kill-word", rl_kill_word },
    { "shell-backward-kill-word", rl_unix_word_rubout },
    { "complete-filename", rl_complete },
    { "complete-command", rl_complete },
    { "complete-variable", rl_complete },
    { "complete-hostname", rl_complete },
    { "complete-username", rl_complete },
    { "dabbrev-expand", rl_menu_complete },
    { "glob-complete-word", rl_complete },
    { "history-and-alias-expand-line", rl_refresh_line },
    { "history-expand-line", rl_refresh_line },
    { "shell-expand-line", rl_refresh_line },
    { "alias-expand-line", rl_refresh_line },
};

/* Keys that a terminal description would have given: none is read, since reading it would disturb the screen's own. Init files win. */
static const struct {
    const char *keys;
    rl_command_func_t *function;
} terminal_keys[] = {
    { "\033[3~", rl_delete },          { "\033[1~", rl_beg_of_line },     { "\033[4~", rl_end_of_line },
    { "\033[7~", rl_beg_of_line },     { "\033[8~", rl_end_of_line },     { "\033[2~", rl_overwrite_mode },
    { "\033[1;5C", rl_forward_word },  { "\033[1;5D", rl_backward_word }, { "\033[1;3C", rl_forward_word },
    { "\033[1;3D", rl_backward_word }, { "\033[3;5~", rl_kill_word },
};

/* What an init file must not change: both would write to, or wait for, a terminal that is not ours. */
static const struct {
    const char *name, *value;
} fixed_variables[] = {
    { "bell-style", "none" },
    { "blink-matching-paren", "off" },
    { "enable-bracketed-paste", "off" },
    { "echo-control-characters", "off" },
};

static void fix_settings(void)
{
    static const char *const maps[] = { "emacs", "vi-insert", "vi-command" };
    for (size_t i = 0; i < sizeof fixed_variables / sizeof *fixed_variables; i++)
        rl_variable_bind(fixed_variables[i].name, fixed_variables[i].value);
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        Keymap map = rl_get_keymap_by_name(maps[m]);
        for (size_t i = 0; i < sizeof terminal_keys / sizeof *terminal_keys; i++)
            rl_bind_keyseq_if_unbound_in_map(terminal_keys[i].keys, terminal_keys[i].function, map);
    }
    readline_fixes_apply();
}

/* readline takes LC_ALL, LC_CTYPE or LANG from the environment again at each new line. */
static void ensure_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return;
    setenv("LC_ALL", "C.UTF-8", 1);
    setlocale(LC_CTYPE, "");
}

/* readline prints to stderr: what is wrong in an init file, the bell. Returns the stream to give back. */
static FILE *catch_messages(struct prompt *prompt)
{
    FILE *was = stderr;
    stderr = prompt->message;
    return was;
}

static void install(void)
{
    rl_callback_handler_install("", line_done);
}

static void say_messages(struct prompt *prompt, struct err *err)
{
    fflush(prompt->message);
    const char *line = prompt->message_text ? prompt->message_text : "";
    size_t len = strcspn(line, "\n");
    if (len > 0)
        err_say(err, EINVAL, "the keys' init file: %.*s", (int)len, line);
}

struct prompt *prompt_new(const struct prompt_hooks *hooks, const char *history_path, struct err *err)
{
    if (the_prompt) {
        err_say(err, EBUSY, "a second prompt in one process: readline has only one line");
        return NULL;
    }
    struct prompt *prompt = calloc(1, sizeof *prompt);
    if (!prompt) {
        err_set(err, ENOMEM, "make the prompt");
        return NULL;
    }
    prompt->hooks = *hooks;
    prompt->null = fopen("/dev/null", "r+e");
    prompt->message = open_memstream(&prompt->message_text, &prompt->message_size);
    if (!prompt->null || !prompt->message) {
        err_set(err, errno, "open `/dev/null`");
        prompt_free(prompt);
        return NULL;
    }
    ensure_utf8();
    the_prompt = prompt;

    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prefer_env_winsize = 0;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_instream = rl_outstream = prompt->null;
    rl_getc_function = next_byte;
    rl_input_available_hook = bytes_are_there;
    rl_redisplay_function = redisplay;
    rl_completion_display_matches_hook = show_matches;
    rl_attempted_completion_function = attempt_completion;
    rl_completion_word_break_hook = word_breaks;
    rl_completer_quote_characters = "\"'";
    rl_char_is_quoted_p = is_quoted;
    rl_readline_name = "Bash"; /* `$if Bash` in an init file: this line stands in for bash's */
    for (size_t i = 0; i < sizeof bash_commands / sizeof *bash_commands; i++)
        rl_add_funmap_entry(bash_commands[i].name, bash_commands[i].function);

    FILE *was = catch_messages(prompt);
    rl_initialize(); /* reads the init file */
    fix_settings();
    install();
    stderr = was;
    err_clear(err);
    if (prompt_history_load(&prompt->history, history_path, err) < 0) {
        prompt_free(prompt);
        return NULL;
    }
    say_messages(prompt, err);
    return prompt;
}

void prompt_free(struct prompt *prompt)
{
    if (!prompt)
        return;
    if (the_prompt == prompt) {
        prompt_history_save(&prompt->history, NULL);
        prompt_clear(prompt);
        rl_callback_handler_remove();
        rl_instream = rl_outstream = NULL;
        rl_getc_function = rl_getc;
        rl_input_available_hook = NULL;
        the_prompt = NULL;
    }
    prompt_history_free(&prompt->history);
    cleanup_filep(&prompt->null);
    cleanup_filep(&prompt->message);
    free(prompt->message_text);
    free(prompt->held);
    free(prompt->next_line);
    free(prompt->suggestion);
    line_text_free(&prompt->text);
    free(prompt);
}

int prompt_open_lesson(struct prompt *prompt, const char *name, struct err *err)
{
    prompt_clear(prompt);
    return prompt_history_open(&prompt->history, name, err);
}

/* Keys. */

/* Ctrl-G is bound in no sequence. rl_callback_sigcleanup would leave the sequence's contexts chained to the next one. */
static void drop_half_sequence(void)
{
    for (int keys = 0; keys < 8 && RL_ISSTATE(RL_STATE_MULTIKEY); keys++) {
        the_prompt->queue = "\a";
        the_prompt->queue_len = 1;
        rl_callback_read_char();
    }
}

static void drop_line(void)
{
    drop_half_sequence();
    rl_callback_sigcleanup();
    rl_free_undo_list();
    rl_free_line_state();
    rl_replace_line("", 0);
    rl_callback_handler_remove(); /* and again: a new line, in insertion mode, at the end of the history */
    install();
}

/* What the command that just ran means beyond readline. */
static void after_command(struct prompt *prompt, bool was_at_end, int old_end)
{
    if (rl_last_func == rl_clear_screen || rl_last_func == rl_clear_display) {
        if (prompt->hooks.clear_screen)
            prompt->hooks.clear_screen(prompt->hooks.data);
        rl_last_func = NULL;
        return;
    }
    const char *rest = prompt_suggestion(prompt);
    if (!was_at_end || rl_point != rl_end || rl_end != old_end || !*rest)
        return;
    size_t len = 0;
    if (rl_last_func == rl_forward_char || rl_last_func == rl_forward_byte || rl_last_func == rl_end_of_line) {
        len = strlen(rest);
    } else if (rl_last_func == rl_forward_word) {
        len = strspn(rest, " ");
        len += strcspn(rest + len, " ");
    }
    if (len == 0)
        return;
    cleanup_free char *text = strndup(rest, len);
    if (text)
        rl_insert_text(text);
    rl_last_func = NULL;
}

/* vi's `r` can put a NUL into the line, and readline's loops over characters then never end: the line ends there. */
static void cut_at_nul(void)
{
    int len = (int)strlen(rl_line_buffer);
    if (len >= rl_end)
        return;
    rl_end = len;
    if (rl_point > len)
        rl_point = len;
    rl_free_undo_list(); /* its offsets lie beyond the end */
}

/* Let readline read the bytes of one unit. */
static void run_unit(struct prompt *prompt, const char *bytes, size_t len)
{
    bool was_quoting = prompt->quoting;
    bool was_plain = plain_state(prompt);
    bool was_at_end = rl_point == rl_end;
    int old_end = rl_end;
    prompt->queue = bytes;
    prompt->queue_len = len;
    FILE *was = catch_messages(prompt);
    while (prompt->queue_len > 0) {
        rl_callback_read_char();
        readline_fixes_after_key();
    }
    stderr = was;
    cut_at_nul();
    prompt->quoting = false;
    if (was_quoting) {
        rl_last_func = NULL; /* or it would still say quoted-insert */
        return;
    }
    if (prompt->next_line) {
        cleanup_free char *line = take_ptr(&prompt->next_line);
        prompt_set_line(prompt, line);
        return;
    }
    if (!plain_state(prompt))
        return;
    prompt->quoting = rl_last_func == rl_quoted_insert;
    if (was_plain || len > 1)
        after_command(prompt, was_at_end, old_end);
}

static void interrupt(struct prompt *prompt)
{
    prompt->quoting = false;
    drop_line();
    if (prompt->hooks.interrupted)
        prompt->hooks.interrupted(prompt->hooks.data);
}

static void run_character(struct prompt *prompt, const char *bytes, size_t len)
{
    if (len > 1)
        drop_half_sequence(); /* none has such a key, and only its first byte would be dropped with it */
    if (prompt->quoting && (len > 1 || *bytes == '\0')) {
        /* No line can hold a NUL, and of a longer character readline would quote the first byte and keep it for the next one. */
        rl_callback_sigcleanup();
        rl_last_func = NULL;
        prompt->quoting = false;
    }
    /* A key that begins a sequence ends a search first, as other commands do: readline 8.2 reads the sequence inside the search, and when it has to take it apart again
     * goes on with a sequence that is gone. */
    if (len == 1 && RL_ISSTATE(RL_STATE_ISEARCH) && *bytes != '\033' &&
        rl_get_keymap()[(unsigned char)*bytes].type == ISKMAP)
        rl_callback_sigcleanup();
    /* The keys a terminal would have made signals of. Bash at its prompt ignores the last two. */
    if (!prompt->quoting && *bytes == CTRL_KEY('C'))
        interrupt(prompt);
    else if (prompt->quoting || (*bytes != CTRL_KEY('Z') && *bytes != CTRL_KEY('\\')))
        run_unit(prompt, bytes, len);
}

/* A sequence of some key nothing is bound to would ring and leave its tail in the line; worse, readline 8.2 jumps into a frame that is gone (_rl_top_level) when it takes
 * such a sequence apart in vi mode and a key of its tail rings. So only what is bound gets through. */
static void run_sequence(struct prompt *prompt, const char *bytes, size_t len)
{
    int type = ISFUNC;
    drop_half_sequence();
    if (rl_function_of_keyseq_len(bytes, len, rl_get_keymap(), &type) && type != ISKMAP)
        run_unit(prompt, bytes, len);
}

/* Pasted text is never a command: control characters go, newlines accept the line. In a search or an argument it is taken as if typed, on one line. */
static void run_paste(struct prompt *prompt, const char *bytes, size_t len)
{
    bool plain = plain_state(prompt);
    cleanup_free char *text = malloc(len + 1);
    if (!text)
        return;
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        while (i < len && bytes[i] != '\r' && bytes[i] != '\n') {
            unsigned char c = (unsigned char)bytes[i++];
            if ((c >= 0x20 && c != 0x7f) || (c == '\t' && plain))
                text[n++] = (char)c;
        }
        text[n] = '\0';
        struct key_units units = { 0 };
        size_t used = 0, unit;
        if (plain && mbstowcs(NULL, text, 0) != (size_t)-1) {
            rl_insert_text(text);
            rl_last_func = NULL;
        } else {
            for (; used < n; used += unit) {
                enum key_unit_kind kind = key_unit_next(&units, text + used, n - used, true, &unit);
                if (kind == KEY_UNIT_NONE)
                    break;
                if (kind == KEY_UNIT_CHARACTER)
                    run_unit(prompt, text + used, unit);
            }
        }
        if (i == len)
            break;
        i += i + 1 < len && bytes[i] == '\r' && bytes[i + 1] == '\n' ? 2 : 1;
        run_unit(prompt, plain ? "\n" : " ", 1);
    }
}

static void run_kind(struct prompt *prompt, enum key_unit_kind kind, const char *bytes, size_t len)
{
    switch (kind) {
    case KEY_UNIT_CHARACTER:
        run_character(prompt, bytes, len);
        break;
    case KEY_UNIT_META:
        if (bytes[1] == CTRL_KEY('C'))
            interrupt(prompt);
        else
            run_unit(prompt, bytes, len);
        break;
    case KEY_UNIT_SEQUENCE:
        run_sequence(prompt, bytes, len);
        break;
    case KEY_UNIT_PASTE:
        run_paste(prompt, bytes, len);
        break;
    case KEY_UNIT_NONE:
    case KEY_UNIT_SKIP:
        break;
    }
}

void prompt_feed(struct prompt *prompt, const char *bytes, size_t len)
{
    if (prompt->held_len + len > prompt->held_size) {
        size_t size = (prompt->held_len + len) * 2;
        char *grown = realloc(prompt->held, size);
        if (!grown)
            return;
        prompt->held = grown;
        prompt->held_size = size;
    }
    memcpy(prompt->held + prompt->held_len, bytes, len);
    prompt->held_len += len;

    size_t used = 0, unit = 0;
    while (used < prompt->held_len) {
        enum key_unit_kind kind =
            key_unit_next(&prompt->units, prompt->held + used, prompt->held_len - used, prompt->quoting, &unit);
        if (kind == KEY_UNIT_NONE)
            break;
        run_kind(prompt, kind, prompt->held + used, unit);
        used += unit;
    }
    prompt->held_len -= used;
    memmove(prompt->held, prompt->held + used, prompt->held_len);
}

bool prompt_escape_pending(const struct prompt *prompt)
{
    return prompt->held_len > 0 && prompt->held[0] == '\033' && !prompt->units.pasting;
}

void prompt_escape_timeout(struct prompt *prompt)
{
    if (!prompt_escape_pending(prompt))
        return;
    size_t len = prompt->held_len;
    prompt->held_len = 0;
    if (len > 2 || prompt->held[len - 1] != '\033')
        return; /* the rest of a sequence was lost on the way */
    for (size_t i = 0; i < len; i++)
        run_unit(prompt, prompt->held + i, 1);
}

/* The line. */

/* In vi mode an init file may ask for the mode to be shown; readline itself would put it before the prompt. */
static const char *mode_string(void)
{
    const char *wanted = rl_variable_value("show-mode-in-prompt");
    if (!wanted || strcmp(wanted, "on") != 0)
        return "";
    const char *name = "emacs-mode-string";
    if (rl_editing_mode == 0)
        name = rl_get_keymap() == rl_get_keymap_by_name("vi-command") ? "vi-cmd-mode-string" : "vi-ins-mode-string";
    const char *value = rl_variable_value(name);
    return value ? value : "";
}

const char *prompt_text(const struct prompt *prompt, size_t *cursor_cells)
{
    struct line_text *text = &((struct prompt *)(uintptr_t)prompt)->text; /* a cache */
    line_text_clear(text);
    bool own_prompt = rl_display_prompt && rl_display_prompt != rl_prompt && *rl_display_prompt;
    line_text_add_prompt(text, own_prompt ? rl_display_prompt : mode_string());
    size_t point;
    const char *line = prompt_line(prompt, &point);
    line_text_add(text, line, point);
    if (cursor_cells)
        *cursor_cells = text->cells;
    line_text_add(text, line + point, strlen(line + point));
    return text->text ? text->text : "";
}

const char *prompt_line(const struct prompt *prompt, size_t *point)
{
    bool done = prompt->in_hook || !rl_line_buffer; /* the accepted line is no longer being edited */
    if (point) /* between the keys of one vi command readline's own may lie beyond the end */
        *point = done ? 0 : strnlen(rl_line_buffer, (size_t)rl_point);
    return done ? "" : rl_line_buffer;
}

bool prompt_empty(const struct prompt *prompt)
{
    return *prompt_line(prompt, NULL) == '\0';
}

void prompt_set_line(struct prompt *prompt, const char *line)
{
    if (prompt->in_hook) {
        free(prompt->next_line);
        prompt->next_line = strdup(line);
        return;
    }
    if (!plain_state(prompt))
        prompt_clear(prompt);
    rl_begin_undo_group();
    rl_delete_text(0, rl_end);
    rl_point = 0;
    rl_insert_text(line);
    rl_end_undo_group();
    rl_mark = 0;
    rl_last_func = NULL;
}

void prompt_clear(struct prompt *prompt)
{
    prompt->quoting = false;
    if (prompt->in_hook)
        free(take_ptr(&prompt->next_line));
    else
        drop_line();
}

void prompt_set_width(struct prompt *prompt, unsigned rows, unsigned cols)
{
    rl_set_screen_size((int)rows, (int)cols);
}

void prompt_set_suggestion(struct prompt *prompt, const char *line)
{
    char *copy = line ? strdup(line) : NULL;
    free(prompt->suggestion);
    prompt->suggestion = copy;
}

const char *prompt_suggestion(const struct prompt *prompt)
{
    const char *line = prompt_line(prompt, NULL);
    size_t len = strlen(line);
    if (!prompt->suggestion || len == 0 || RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) ||
        strncmp(prompt->suggestion, line, len) != 0)
        return "";
    return prompt->suggestion + len;
}

void prompt_remember(struct prompt *prompt, const char *line)
{
    prompt_history_add(&prompt->history, line);
}

bool prompt_variable(const struct prompt *prompt, const char *name)
{
    const char *value = rl_variable_value(name);
    return value && strcmp(value, "on") == 0;
}

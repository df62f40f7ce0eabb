#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>

/* The commands are done and only the question is open: what answers it from where the keys are now. */
static void put_question(struct flow *flow, const struct screen *screen)
{
    const struct quiz *quiz = session_quiz(screen->session)->quiz;
    const struct terminal *terminal = screen_terminal(screen);
    bool prompt = terminal && terminal_at_prompt(terminal); /* a nested shell hands answers on */
    flow_text(flow, ROLE_NOTICE, "The commands are done. Now answer the question: ");
    if (quiz->count == 0)
        flow_quoted(flow, ROLE_NOTICE,
                    prompt ? "type `answer WORD`, your answer for WORD"
                           : "Ctrl-], then `answer WORD`, your answer for WORD");
    else if (quiz->several)
        flow_quoted(flow, ROLE_NOTICE,
                    prompt ? "type the numbers, e.g. `1 3` (or F6, the numbers, Enter)"
                           : "F6, then the numbers, e.g. `1 3`, then Enter");
    else if (prompt)
        flow_format(flow, ROLE_NOTICE, "type 1 to %zu (or F6 first)", quiz->count);
    else
        flow_format(flow, ROLE_NOTICE, "F6, then a number from 1 to %zu", quiz->count);
}

static void draw_message(struct screen *screen)
{
    struct rect pane = screen->layout.message;
    if (pane.rows == 0)
        return;
    draw_clear(&screen->theme, &pane);
    if (pane.cols > 4) {
        pane.col++;
        pane.cols -= 2;
    }
    struct flow *flow = flow_new(&screen->theme, pane.cols);
    if (!flow)
        return;
    char kept[160];
    if (ahead_words(screen, kept, sizeof(kept))) {
        flow_text(flow, ROLE_NOTICE, "Kept for the prompt: ");
        flow_text(flow, ROLE_TEXT, kept);
        flow_text(flow, ROLE_TEXT, ". ");
    }
    if (screen->message[0]) {
        flow_quoted(flow, screen->message_role, screen->message);
    } else if (screen->session && session_current_passed(screen->session) && !screen->finished) {
        enum key_when when = screen_when(screen); /* words typed into another shell or program go to that */
        flow_format(flow, ROLE_PASSED, "%s Step %u passed %s %s goes on", theme_glyph(&screen->theme, GLYPH_PASSED),
                    session_current(screen->session), theme_glyph(&screen->theme, GLYPH_DASH),
                    when == KEYS_PROMPT    ? "F2 or next"
                    : when == KEYS_PROGRAM ? "Ctrl-] then next"
                                           : "F2");
    } else if (screen->session && screen->checked && session_quiz(screen->session)) {
        put_question(flow, screen);
    } else if (screen->session && *screen->state.waits_for && screen->layout.state.rows <= 1) {
        flow_text(flow, ROLE_FAINT, "Not yet: ");
        flow_quoted(flow, ROLE_TEXT, screen->state.waits_for);
    }
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    for (unsigned row = 0; row < pane.rows && row < count; row++)
        draw_line(&screen->theme, &pane, row, &lines[row]);
    if (count > pane.rows) {
        const char *more = theme_glyph(&screen->theme, GLYPH_ELLIPSIS);
        draw_text(&screen->theme, &pane, pane.rows - 1, pane.cols - 1, ROLE_FAINT, more);
    }
    flow_free(flow);
}

/* The action to be pressed next, drawn to stand out. */
static enum action wanted(const struct screen *screen)
{
    if (screen->session && (screen->finished || session_current_passed(screen->session)))
        return ACTION_NEXT;
    return ACTION_NONE;
}

static unsigned draw_key(const struct screen *screen, unsigned col, const char *name, const char *label, bool now)
{
    const struct rect *pane = &screen->layout.status;
    const struct theme *theme = &screen->theme;
    if (col + strlen(name) + strlen(label) + 3 > pane->cols)
        return col;
    col += draw_text(theme, pane, 0, col, now ? ROLE_STATUS_NOW : ROLE_STATUS_KEY, name);
    col += draw_text(theme, pane, 0, col, ROLE_STATUS, " ");
    col += draw_text(theme, pane, 0, col, now ? ROLE_STATUS_NOW : ROLE_STATUS, label);
    return col + 2;
}

static void draw_command(struct screen *screen)
{
    const struct rect *pane = &screen->layout.status;
    unsigned col = draw_text(&screen->theme, pane, 0, 1, ROLE_STATUS_KEY, ":");
    col += 1;
    col += draw_text(&screen->theme, pane, 0, col, ROLE_STRONG, screen->command.text);
    if (screen->command.fresh)
        draw_text(&screen->theme, pane, 0, col + 2, ROLE_FAINT,
                  "next hint why reset help quit, or an F-key; Ctrl-] sends Ctrl-]; Esc closes");
}

static const char *key_label(const struct screen *screen, const struct key_binding *binding)
{
    if (binding->action == ACTION_FOCUS)
        return screen->focus == PANE_TERMINAL ? "lesson" : "terminal";
    return binding->label;
}

/* Keys that a narrow window has no room for, as bits of their actions: the least needed go first, help and quit never. */
static uint64_t dropped_keys(const struct screen *screen, enum key_when when, unsigned col)
{
    static const enum action order[] = {
        ACTION_ZOOM, ACTION_RESET, ACTION_WHY, ACTION_FOCUS, ACTION_HINT, ACTION_NEXT
    };
    uint64_t dropped = 0;
    for (size_t next = 0;; next++) {
        size_t cells = col;
        for (size_t i = 0; i < key_binding_count; i++)
            if (key_bindings[i].label && (key_bindings[i].when & when) &&
                !(dropped & ((uint64_t)1 << key_bindings[i].action)))
                cells += strlen(key_bindings[i].name) + 1 + strlen(key_label(screen, &key_bindings[i])) + 2;
        if (cells <= screen->layout.status.cols || next == sizeof(order) / sizeof(order[0]))
            return dropped;
        dropped |= (uint64_t)1 << order[next];
    }
}

void status_view_draw(struct screen *screen)
{
    const struct rect *pane = &screen->layout.status;
    if (pane->rows == 0)
        return;
    draw_message(screen);
    draw_clear_row(&screen->theme, pane, 0, 0);
    if (screen->command.open) {
        draw_command(screen);
        return;
    }
    enum key_when when = screen_when(screen);
    enum action now = wanted(screen);
    unsigned col = 1;
    if (when == KEYS_PROGRAM) { /* its function keys are its own: teaching keys come after Ctrl-] */
        const struct key_binding *prefix = keys_for(ACTION_COMMAND_LINE, when);
        col += draw_text(&screen->theme, pane, 0, col, ROLE_STATUS_KEY, prefix->name);
        col += draw_text(&screen->theme, pane, 0, col, ROLE_STATUS, " then  ");
        when = KEYS_PREFIXED;
    }
    uint64_t dropped = dropped_keys(screen, when, col);
    for (size_t i = 0; i < key_binding_count; i++) {
        const struct key_binding *binding = &key_bindings[i];
        if (!binding->label || !(binding->when & when) || (dropped & ((uint64_t)1 << binding->action)))
            continue;
        const char *label = key_label(screen, binding);
        col = draw_key(screen, col, binding->name, label, binding->action == now);
    }
}

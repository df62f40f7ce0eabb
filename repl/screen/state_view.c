#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>

static void put_closure(struct flow *flow, const struct screen *screen, const struct state_missing *closure)
{
    const struct theme *theme = &screen->theme;
    unsigned missing = closure->needed - closure->present;
    bool done = closure->there && missing == 0;
    flow_format(flow, done ? ROLE_PASSED : ROLE_DIFFERS, "%s ", theme_glyph(theme, done ? GLYPH_PASSED : GLYPH_FAILED));
    flow_format(flow, ROLE_STRONG, "%s", closure->program);
    flow_format(flow, ROLE_TEXT, " in %s ", closure->root);
    if (done) {
        flow_format(flow, ROLE_TEXT, "has all of the %u files it needs", closure->needed);
    } else if (!closure->there) {
        flow_format(flow, ROLE_TEXT, "is not there yet; it needs %u more files", closure->needed);
    } else {
        flow_format(flow, ROLE_TEXT, "needs %u files, %u missing:", closure->needed, missing);
        for (size_t i = 0; i < sizeof(closure->missing) / sizeof(closure->missing[0]) && closure->missing[i][0]; i++)
            flow_format(flow, ROLE_DIFFERS, "%s %s", i ? "," : "", closure->missing[i]);
    }
    flow_break(flow);
}

static void put_process(struct flow *flow, const struct screen *screen)
{
    const struct session_state *state = &screen->state;
    flow_format(flow, ROLE_FAINT, "process ");
    flow_format(flow, ROLE_STRONG, "%s", state->command);
    flow_format(flow, ROLE_TEXT, "  pid %d", state->inside);
    flow_format(flow, ROLE_FAINT, "  root ");
    flow_format(flow, state->rooted ? ROLE_DIFFERS : ROLE_SAME, "%s %s",
                theme_glyph(&screen->theme, state->rooted ? GLYPH_DIFFERS : GLYPH_SAME), state->root);
    flow_break(flow);
}

/* One line: each kind with its mark. */
static void put_namespaces_short(struct flow *flow, const struct screen *screen)
{
    const struct session_state *state = &screen->state;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char item[64];
        if (!state->inode[i])
            continue;
        snprintf(item, sizeof(item), "%s%s ", namespace_kinds[i].name,
                 theme_glyph(&screen->theme, state->differs[i] ? GLYPH_DIFFERS : GLYPH_SAME));
        flow_text(flow, state->differs[i] ? ROLE_DIFFERS : ROLE_SAME, item);
    }
    flow_break(flow);
}

/* Two columns of "≠ mount      isolated", so that eight kinds take four lines. */
static void put_namespaces(struct flow *flow, const struct screen *screen)
{
    const struct session_state *state = &screen->state;
    size_t half = NAMESPACE_KINDS / 2;
    for (size_t row = 0; row < half; row++) {
        struct span spans[2];
        char text[2][64];
        for (size_t c = 0; c < 2; c++) {
            size_t i = row + c * half;
            bool differs = state->differs[i];
            snprintf(text[c], sizeof(text[c]), "%s %-8s%-12s",
                     theme_glyph(&screen->theme, differs ? GLYPH_DIFFERS : GLYPH_SAME), namespace_kinds[i].word,
                     !state->inode[i] ? "not here"
                     : differs        ? "isolated"
                                      : "shared");
            spans[c] = (struct span){ text[c], differs ? ROLE_DIFFERS : ROLE_SAME, 0 };
        }
        flow_spans(flow, spans, 2);
    }
}

static bool any_differs(const struct session_state *state)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (state->differs[i])
            return true;
    return state->rooted;
}

/* What fits one line: what the step is about. */
static void put_line(struct flow *flow, const struct screen *screen)
{
    const struct session_state *state = &screen->state;
    for (unsigned i = 0; i < state->closure_count; i++) {
        const struct state_missing *closure = &state->closures[i];
        if (closure->there && closure->present == closure->needed && i + 1 < state->closure_count)
            continue;
        if (any_differs(state) && closure->there && closure->present == closure->needed)
            break;
        put_closure(flow, screen, closure);
        return;
    }
    flow_format(flow, ROLE_FAINT, "root ");
    flow_format(flow, state->rooted ? ROLE_DIFFERS : ROLE_SAME, "%s%s ",
                theme_glyph(&screen->theme, state->rooted ? GLYPH_DIFFERS : GLYPH_SAME), state->root);
    put_namespaces_short(flow, screen);
}

static void put_all(struct flow *flow, const struct screen *screen, unsigned rows)
{
    const struct session_state *state = &screen->state;
    put_process(flow, screen);
    bool full = rows >= 5 + state->closure_count;
    for (unsigned i = 0; i < state->closure_count && rows > 2; i++)
        put_closure(flow, screen, &state->closures[i]);
    if (full)
        put_namespaces(flow, screen);
    else
        put_namespaces_short(flow, screen);
    if (screen->checked && session_quiz(screen->session)) {
        flow_format(flow, ROLE_FAINT, "not yet: ");
        flow_text(flow, ROLE_TEXT, "the question is not answered");
    } else if (*state->waits_for) {
        flow_format(flow, ROLE_FAINT, "not yet: ");
        flow_quoted(flow, ROLE_TEXT, state->waits_for);
    }
}

void state_view_draw(struct screen *screen)
{
    struct rect pane = screen->layout.state;
    if (pane.rows == 0)
        return;
    char legend[80];
    snprintf(legend, sizeof(legend), "%s not the lab's", theme_glyph(&screen->theme, GLYPH_DIFFERS));
    draw_title(&screen->theme, &screen->layout.state_title, ROLE_TITLE, "State of the kernel", legend);
    draw_clear(&screen->theme, &pane);
    if (pane.cols > 4) {
        pane.col++;
        pane.cols -= 2;
    }
    struct flow *flow = screen->session && screen->state.process > 0 ? flow_new(&screen->theme, pane.cols) : NULL;
    if (!flow)
        return;
    if (pane.rows == 1)
        put_line(flow, screen);
    else
        put_all(flow, screen, pane.rows);
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    for (unsigned row = 0; row < pane.rows && row < count; row++)
        draw_line(&screen->theme, &pane, row, &lines[row]);
    flow_free(flow);
}

/* The pane beside the step: what fits of the sections, the most telling of each first. F12 shows all of it. */
#include "repl/screen/state_sections.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>

#define TWO_COLUMNS 110 /* cells from which on the sections stand in two columns */

/* What of one column is drawn. */
struct column {
    const struct screen *screen;
    struct rect rect;
    unsigned used;
};

/* What the step watches goes first, then what is not as in any shell of the lab, then the rest. */
static size_t in_order(const struct session_state *state, enum state_section *order)
{
    size_t count = 0;
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < STATE_SECTIONS; i++) {
            int of = state->watched[i] ? 0 : state_sections[i].telling(state) ? 1 : 2;
            bool empty = (i == STATE_CLOSURE || i == STATE_LAYERS) && !state_sections[i].telling(state);
            if (of == pass && !empty)
                order[count++] = (enum state_section)i;
        }
    return count;
}

static struct flow *make(const struct column *column, enum state_section which, unsigned rows)
{
    const char *label = state_sections[which].label;
    struct flow *flow = flow_new(&column->screen->theme, column->rect.cols);
    if (!flow)
        return NULL;
    if (*label)
        flow_push(flow, label, "       ", ROLE_FAINT);
    state_sections[which].put(flow, &column->screen->state, rows);
    if (*label)
        flow_pop(flow);
    return flow;
}

/* How many lines it would take. */
static unsigned lines_of(const struct column *column, enum state_section which, unsigned room)
{
    struct flow *flow = make(column, which, room);
    size_t count = 0;
    if (flow)
        flow_lines(flow, &count);
    flow_free(flow);
    return (unsigned)count;
}

/* Draw the first @rows lines of @flow, which is freed. */
static void draw_flow(struct column *column, struct flow *flow, unsigned rows)
{
    size_t count = 0;
    const struct line *lines = flow ? flow_lines(flow, &count) : NULL;
    for (size_t i = 0; i < count && i < rows && column->used < column->rect.rows; i++)
        draw_line(&column->screen->theme, &column->rect, column->used++, &lines[i]);
    flow_free(flow);
}

static struct flow *make_waits(const struct column *column)
{
    const struct screen *screen = column->screen;
    if (screen->demo) /* a room waits for nothing */
        return NULL;
    struct flow *flow = flow_new(&screen->theme, column->rect.cols);
    if (flow && screen->checked && session_quiz(screen->session)) {
        flow_format(flow, ROLE_FAINT, "Not yet: ");
        flow_text(flow, ROLE_TEXT, "the question is not answered");
    } else if (flow && *screen->state.waits_for) {
        flow_format(flow, ROLE_FAINT, "Not yet: ");
        flow_quoted(flow, ROLE_TEXT, screen->state.waits_for);
    }
    return flow;
}

static void draw_process(struct column *column)
{
    struct flow *flow = flow_new(&column->screen->theme, column->rect.cols);
    if (flow)
        state_put_process(flow, &column->screen->state);
    draw_flow(column, flow, 1);
}

/* A picture that the step watches gets what it needs; each other section of @order a line while there are any, then those in front as many as they need. @keep lines stay free. */
static void draw_sections(struct column *column, const enum state_section *order, size_t count, unsigned keep)
{
    unsigned rows[STATE_SECTIONS] = { 0 };
    unsigned left = column->rect.rows - column->used;
    left = left > keep ? left - keep : 0;
    for (size_t i = 0; i < count && left > 0; i++)
        if (state_sections[order[i]].whole && column->screen->state.watched[order[i]]) {
            rows[i] = lines_of(column, order[i], left);
            rows[i] = rows[i] < left ? rows[i] : left;
            left -= rows[i];
        }
    for (size_t i = 0; i < count && left > 0; i++)
        if (!rows[i]) {
            rows[i] = 1;
            left--;
        }
    for (size_t i = 0; i < count && left > 0; i++) {
        unsigned wants = lines_of(column, order[i], rows[i] + left);
        unsigned more = wants > rows[i] ? wants - rows[i] : 0;
        more = more < left ? more : left;
        rows[i] += more;
        left -= more;
    }
    for (size_t i = 0; i < count; i++)
        if (rows[i])
            draw_flow(column, make(column, order[i], rows[i]), rows[i]);
}

static size_t only(const enum state_section *order, size_t count, bool right, enum state_section *to)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (state_sections[order[i]].right == right)
            to[kept++] = order[i];
    return kept;
}

static void draw_all(struct screen *screen, struct rect pane)
{
    enum state_section order[STATE_SECTIONS], left[STATE_SECTIONS], right[STATE_SECTIONS];
    size_t count = in_order(&screen->state, order);
    struct column one = { .screen = screen, .rect = pane };
    bool two = pane.cols >= TWO_COLUMNS;
    if (two)
        one.rect.cols = pane.cols / 2 - 1;
    struct flow *waits = make_waits(&one);
    size_t keep = 0;
    if (waits)
        flow_lines(waits, &keep);
    keep = keep > 2 && !two ? 2 : keep;
    keep = keep > pane.rows / 4 ? pane.rows / 4 : keep;
    draw_process(&one);
    if (!two) {
        draw_sections(&one, order, count, (unsigned)keep);
    } else {
        struct column other = { .screen = screen, .rect = pane };
        other.rect.col += pane.cols / 2 + 1;
        other.rect.cols -= pane.cols / 2 + 1;
        size_t lefts = only(order, count, false, left), rights = only(order, count, true, right);
        draw_sections(&one, left, lefts, (unsigned)keep);
        draw_sections(&other, right, rights, 0);
    }
    draw_flow(&one, waits, pane.rows);
}

static void draw_one(struct screen *screen, const struct rect *pane)
{
    struct column line = { .screen = screen, .rect = *pane };
    struct flow *flow = flow_new(&screen->theme, pane->cols);
    if (flow)
        state_put_line(flow, &screen->state);
    draw_flow(&line, flow, 1);
}

void state_view_draw(struct screen *screen)
{
    struct rect pane = screen->layout.state;
    if (pane.rows == 0)
        return;
    char legend[80];
    snprintf(legend, sizeof(legend), screen->demo ? "%s not the lab's" : "%s not the lab's %s F12 all",
             theme_glyph(&screen->theme, GLYPH_DIFFERS), theme_glyph(&screen->theme, GLYPH_DOT));
    draw_title(&screen->theme, &screen->layout.state_title, ROLE_TITLE, "State of the kernel", legend);
    draw_clear(&screen->theme, &pane);
    if (pane.cols > 4) {
        pane.col++;
        pane.cols -= 2;
    }
    if (!screen->session || screen->state.process <= 0)
        return;
    if (pane.rows == 1)
        draw_one(screen, &pane);
    else
        draw_all(screen, pane);
}

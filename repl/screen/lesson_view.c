#include "repl/screen/markdown.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <cmark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct step *current_step(const struct screen *screen)
{
    if (!screen->session || !screen->lesson)
        return NULL;
    unsigned number = session_current(screen->session);
    return number >= 1 && number <= screen->lesson->step_count ? &screen->lesson->steps[number - 1] : NULL;
}

struct drawing {
    struct screen *screen;
    const struct step *step;
};

static bool draw_code(struct flow *flow, struct cmark_node *node, void *data)
{
    const struct drawing *drawing = data;
    const struct block *block = drawing->step ? step_node_block(drawing->step, node) : NULL;
    enum node_kind kind = step_node_kind(node);
    if (kind == NODE_KIND_OUTPUT || kind == NODE_KIND_KEYS) /* patterns for the test, and the answer to a prediction */
        return true;
    if (!block)
        return false;
    if (block->type == BLOCK_QUIZ) {
        const struct block *open = session_quiz(drawing->screen->session);
        bool answered =
            !drawing->screen->building && (!open || block < open); /* answers of a replay are not the learner's */
        enum quiz_stage stage = answered ? QUIZ_ANSWERED : open == block ? QUIZ_OPEN : QUIZ_LATER;
        if (stage == QUIZ_OPEN)
            flow_lines(flow, &drawing->screen->lesson_view.quiz_line);
        quiz_draw(flow, block, stage, drawing->screen->lesson_view.choices);
        return true;
    }
    if (block->type == BLOCK_FILE && block->name) {
        flow_text(flow, ROLE_FAINT, "the file ");
        flow_word(flow, ROLE_CODE, block->name);
        flow_break(flow);
        markdown_code_lines(flow, block->body, GLYPH_GUTTER, ROLE_FAINT, ROLE_CODE);
        return true;
    }
    if (step_names_terminal(drawing->step, block)) {
        flow_format(flow, ROLE_NOTICE, "in terminal %s (%s):", block->terminal,
                    strcmp(block->terminal, "1") == 0 ? "F7" : "F8");
        flow_break(flow);
    }
    if (block->type == BLOCK_COMMAND && block->commands && block->commands[0])
        for (size_t i = 0; block->commands[i]; i++)
            markdown_code_lines(flow, block->commands[i], GLYPH_TODO, ROLE_TODO, ROLE_TODO);
    else
        markdown_code_lines(flow, block->body, GLYPH_TODO, ROLE_TODO, ROLE_TODO);
    return true;
}

static void draw_heading(struct flow *flow, const struct screen *screen, const struct step *step)
{
    flow_blank(flow);
    if (session_step_status(screen->session, step->number) == STEP_PASSED || session_current_passed(screen->session))
        flow_format(flow, ROLE_PASSED, "%s ", theme_glyph(&screen->theme, GLYPH_PASSED));
    flow_format(flow, ROLE_HEADING, "%u. %s", step->number, step->title);
    flow_break(flow);
    const char *skipped = session_skip_reason(screen->session, step->number);
    if (skipped) {
        flow_format(flow, ROLE_NOTICE, "%s This step needs what this machine does not have: %s. F2 goes on.",
                    theme_glyph(&screen->theme, GLYPH_SKIPPED), skipped);
        flow_break(flow);
    }
}

static void draw_said(struct flow *flow, const struct screen *screen)
{
    for (size_t i = 0; i < screen->lesson_view.said_count; i++) {
        const struct said *said = &screen->lesson_view.said[i];
        char gutter[16];
        snprintf(gutter, sizeof(gutter), "%s ", theme_glyph(&screen->theme, GLYPH_VERTICAL));
        flow_blank(flow);
        flow_push(flow, gutter, gutter, said->role);
        flow_text(flow, said->role, said->title);
        flow_break(flow);
        markdown_draw_text(flow, said->text);
        flow_pop(flow);
    }
}

static void draw_finished(struct flow *flow, const struct screen *screen)
{
    const struct theme *theme = &screen->theme;
    const char *lacks = session_lacks(screen->session);
    if (lacks)
        flow_format(flow, ROLE_NOTICE, "%s The lesson %s needs what this machine does not have: %s.",
                    theme_glyph(theme, GLYPH_SKIPPED), screen->lesson->title, lacks);
    else
        flow_format(flow, ROLE_PASSED, "%s You have finished this lesson: %s.", theme_glyph(theme, GLYPH_PASSED),
                    screen->lesson->title);
    flow_blank(flow);
    const struct step *steps = screen->lesson->steps;
    for (unsigned i = 1; steps && !lacks && i <= screen->lesson->step_count; i++) {
        bool skipped = session_step_status(screen->session, i) == STEP_SKIPPED;
        const char *reason = skipped ? session_skip_reason(screen->session, i) : NULL;
        char mark[16];
        snprintf(mark, sizeof(mark), "%s ", theme_glyph(theme, skipped ? GLYPH_SKIPPED : GLYPH_PASSED));
        flow_push(flow, mark, "  ", skipped ? ROLE_FAINT : ROLE_PASSED);
        flow_format(flow, ROLE_TEXT, "%s%s%s%s", steps[i - 1].title, skipped ? " (skipped" : "", reason ? ": " : "",
                    reason ? reason : "");
        if (skipped)
            flow_format(flow, ROLE_TEXT, ")");
        flow_pop(flow);
    }
    flow_blank(flow);
    int place = screen_lesson_place(screen);
    if (place >= 0 && (size_t)place + 1 < screen->curriculum.count) {
        const struct curriculum_entry *next = &screen->curriculum.entries[place + 1];
        flow_format(flow, ROLE_NOTICE, "F2 or `next` opens lesson %d: %s.", next->number, next->title);
        if (*next->summary)
            flow_format(flow, ROLE_TEXT, " %s", next->summary);
        flow_break(flow);
    }
    flow_text(flow, ROLE_TEXT,
              "The lab is there to play in. `lessons` lists the lessons, `goto 1` begins this one again, F10 leaves.");
    flow_break(flow);
}

static struct flow *build(struct screen *screen, unsigned width)
{
    struct flow *flow = flow_new(&screen->theme, width);
    if (!flow)
        return NULL;
    const struct step *step = current_step(screen);
    if (!screen->session || !screen->lesson)
        return flow;
    if (!step) {
        draw_finished(flow, screen);
        return flow;
    }
    struct drawing drawing = { screen, step };
    for (size_t i = 0; step->number == 1 && i < screen->lesson->intro_count; i++)
        if (cmark_node_get_type(screen->lesson->intro[i]) != CMARK_NODE_HEADING ||
            cmark_node_get_heading_level(screen->lesson->intro[i]) != 1) /* it is the pane's title */
            markdown_draw(flow, screen->lesson->intro[i], NULL, NULL);
    draw_heading(flow, screen, step);
    const struct block *open = session_quiz(screen->session);
    for (size_t i = 0; i < step->prose_count; i++)
        if (!step_prose_withheld(step, i, open))
            markdown_draw(flow, step->prose[i], draw_code, &drawing);
    draw_said(flow, screen);
    if (session_current_passed(screen->session)) {
        flow_blank(flow);
        flow_format(flow, ROLE_PASSED, "%s Step %u passed %s F2 goes on", theme_glyph(&screen->theme, GLYPH_PASSED),
                    step->number, theme_glyph(&screen->theme, GLYPH_DASH));
    }
    return flow;
}

/* "✓✓▶···" for as many steps as fit, else nothing. */
static void progress_marks(const struct screen *screen, char *buf, size_t size, unsigned cells)
{
    size_t used = 0;
    buf[0] = '\0';
    if (screen->lesson->step_count > cells)
        return;
    for (unsigned i = 1; i <= screen->lesson->step_count; i++) {
        static const enum glyph marks[] = { [STEP_AHEAD] = GLYPH_AHEAD,
                                            [STEP_CURRENT] = GLYPH_CURRENT,
                                            [STEP_PASSED] = GLYPH_PASSED,
                                            [STEP_SKIPPED] = GLYPH_SKIPPED };
        const char *mark = theme_glyph(&screen->theme, marks[session_step_status(screen->session, i)]);
        size_t len = strlen(mark);
        if (used + len + 1 > size)
            break;
        memcpy(buf + used, mark, len + 1);
        used += len;
    }
}

static void draw_lesson_title(struct screen *screen, bool above, bool below)
{
    const struct rect *rect = &screen->layout.lesson_title;
    char left[256] = "", right[256], marks[160];
    if (!screen->session || !screen->lesson) {
        draw_title(&screen->theme, rect, ROLE_TITLE, "teachroot", "");
        return;
    }
    unsigned count = (unsigned)screen->lesson->step_count, at = session_current(screen->session);
    if (screen->lesson->number >= 0)
        snprintf(left, sizeof(left), "Lesson %d %s %s", screen->lesson->number, theme_glyph(&screen->theme, GLYPH_DOT),
                 screen->lesson->title);
    else
        snprintf(left, sizeof(left), "%s", screen->lesson->title);
    /* beside the frame, the title and "3/8 ^ v PgDn" */
    unsigned used = utf8_width(left, strlen(left)) + 9 + 13, room = rect->cols > used ? rect->cols - used : 0;
    progress_marks(screen, marks, sizeof(marks), room);
    snprintf(right, sizeof(right), "%s%s%u/%u%s%s%s%s%s", marks, *marks ? " " : "", at > count ? count : at, count,
             above ? " " : "", above ? theme_glyph(&screen->theme, GLYPH_MORE_ABOVE) : "", below ? " " : "",
             below ? theme_glyph(&screen->theme, GLYPH_MORE_BELOW) : "",
             below && screen->focus != PANE_LESSON ? " PgDn" : "");
    draw_title(&screen->theme, rect, screen->focus == PANE_LESSON ? ROLE_FOCUS : ROLE_TITLE, left, right);
}

void lesson_view_draw(struct screen *screen)
{
    struct lesson_view *view = &screen->lesson_view;
    struct rect pane = screen->layout.lesson;
    if (pane.rows == 0)
        return;
    if (pane.cols > 4) { /* air on both sides */
        draw_clear(&screen->theme, &pane);
        pane.col++;
        pane.cols -= 2;
    }
    if (!view->flow)
        view->flow = build(screen, pane.cols > 84 ? 84 : pane.cols);
    if (!view->flow)
        return;
    size_t count;
    const struct line *lines = flow_lines(view->flow, &count);
    unsigned most = count > pane.rows ? (unsigned)count - pane.rows : 0;
    if (view->count && view->cols != pane.cols) /* stay at the same place of the text */
        view->top = (unsigned)(view->top * count / view->count);
    view->count = count;
    view->cols = pane.cols;
    if (view->to_end)
        view->top = most;
    if (view->to_quiz)
        view->top = (unsigned)view->quiz_line;
    view->to_end = view->to_quiz = false;
    if (view->top > most)
        view->top = most;
    for (unsigned row = 0; row < pane.rows; row++) {
        if (view->top + row < count)
            draw_line(&screen->theme, &pane, row, &lines[view->top + row]);
        else
            draw_clear_row(&screen->theme, &pane, row, 0);
    }
    draw_lesson_title(screen, view->top > 0, view->top < most);
}

void lesson_view_changed(struct screen *screen)
{
    flow_free(screen->lesson_view.flow);
    screen->lesson_view.flow = NULL;
    screen->dirty |= DIRTY_LESSON | DIRTY_STATUS;
}

static void free_said(struct said *said)
{
    free(said->title);
    free(said->text);
}

static void forget_said(struct lesson_view *view)
{
    for (size_t i = 0; i < view->said_count; i++)
        free_said(&view->said[i]);
    view->said_count = 0;
}

void lesson_view_new_step(struct screen *screen)
{
    struct lesson_view *view = &screen->lesson_view;
    forget_said(view);
    view->top = 0;
    view->to_end = false;
    view->choices = 0;
    lesson_view_changed(screen);
}

void lesson_view_say(struct screen *screen, enum role role, const char *title, const char *markdown)
{
    struct lesson_view *view = &screen->lesson_view;
    for (size_t i = 0; i < view->said_count; i++)
        if (strcmp(view->said[i].text, markdown) ==
            0) { /* a hint that is now the reason, say: where it is looked for, under its new title */
            free_said(&view->said[i]);
            view->said_count--;
            memmove(view->said + i, view->said + i + 1, (view->said_count - i) * sizeof(view->said[0]));
            break;
        }
    if (view->said_count == SAID_MAX) {
        free_said(&view->said[0]);
        memmove(view->said, view->said + 1, (SAID_MAX - 1) * sizeof(view->said[0]));
        view->said_count--;
    }
    struct said said = { role, strdup(title), strdup(markdown) };
    if (said.title && said.text)
        view->said[view->said_count++] = said;
    else
        free_said(&said);
    view->to_end = true;
    lesson_view_changed(screen);
}

void lesson_view_unsay(struct screen *screen, const char *title)
{
    struct lesson_view *view = &screen->lesson_view;
    size_t kept = 0;
    for (size_t i = 0; i < view->said_count; i++)
        if (strcmp(view->said[i].title, title) == 0)
            free_said(&view->said[i]);
        else
            view->said[kept++] = view->said[i];
    if (kept == view->said_count)
        return;
    view->said_count = kept;
    lesson_view_changed(screen);
}

void lesson_view_scroll(struct screen *screen, enum action action, unsigned lines)
{
    struct lesson_view *view = &screen->lesson_view;
    unsigned page = screen->layout.lesson.rows > 2 ? screen->layout.lesson.rows - 1 : 1;
    if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
        lines = page;
    switch (action) {
    case ACTION_SCROLL_UP:
    case ACTION_PAGE_UP:
        view->top = view->top > lines ? view->top - lines : 0;
        break;
    case ACTION_SCROLL_DOWN:
    case ACTION_PAGE_DOWN:
        view->top += lines; /* drawing knows the end */
        break;
    case ACTION_TOP:
        view->top = 0;
        break;
    default:
        view->to_end = true;
        break;
    }
    screen->dirty |= DIRTY_LESSON;
}

void lesson_view_free(struct screen *screen)
{
    forget_said(&screen->lesson_view);
    flow_free(screen->lesson_view.flow);
    screen->lesson_view.flow = NULL;
}

/* What a demo draws in the place of the lesson, the message and the status line: no more than a room needs. */
#include "repl/screen/demo.h"

#include "repl/screen/markdown.h"
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"

#include <cmark.h>
#include <stdio.h>
#include <string.h>

#define TEXT_COLS 100 /* longer lines are not read well from the last row */

static const struct step *current_step(const struct screen *screen)
{
    unsigned number = screen->session ? session_current(screen->session) : 0;
    return screen->lesson && number >= 1 && number <= screen->lesson->step_count ? &screen->lesson->steps[number - 1]
                                                                                 : NULL;
}

const struct block *demo_block(const struct screen *screen)
{
    const struct step *step = current_step(screen);
    return step && screen->demo->block < step->block_count ? &step->blocks[screen->demo->block] : NULL;
}

const char *demo_command(const struct screen *screen)
{
    const struct block *block = demo_block(screen);
    return block && block->type == BLOCK_COMMAND && block->commands ? block->commands[screen->demo->command] : NULL;
}

const char *demo_view_typed(const struct screen *screen)
{
    static char typed[8192];
    const struct demo *demo = screen->demo;
    if (!demo || demo->stage != DEMO_TYPING || demo->typed >= sizeof(typed) || screen_at_prompt(screen))
        return NULL;
    snprintf(typed, sizeof(typed), "%.*s", (int)demo->typed, demo->line);
    return typed;
}

static bool in_question(const struct screen *screen)
{
    return screen->demo->stage == DEMO_QUESTION || screen->demo->stage == DEMO_ANSWER;
}

/* ---- the lesson ---- */

/* The paragraph that leads to @block: the nearest one before it, or the step's first. */
static struct cmark_node *paragraph_of(const struct step *step, const struct block *block)
{
    struct cmark_node *found = NULL;
    for (size_t i = 0; i < step->prose_count; i++) {
        if (block && step_node_block(step, step->prose[i]) == block)
            return found;
        bool paragraph = cmark_node_get_type(step->prose[i]) == CMARK_NODE_PARAGRAPH;
        if (paragraph && (block || !found))
            found = step->prose[i];
    }
    return found;
}

static void put_action(struct flow *flow, const struct screen *screen, const struct step *step)
{
    const struct block *block = demo_block(screen);
    const char *command = demo_command(screen);
    if (block && block->hidden)
        return; /* to be found out */
    if (block && command && step_names_terminal(step, block))
        flow_format(flow, ROLE_NOTICE, "in terminal %s:", block->terminal);
    flow_break(flow);
    if (command) {
        markdown_code_lines(flow, command, GLYPH_TODO, ROLE_TODO, ROLE_TODO);
    } else if (block && block->type == BLOCK_FILE) {
        flow_text(flow, ROLE_NOTICE, "the file ");
        flow_word(flow, ROLE_CODE, block->name);
        flow_break(flow);
        markdown_code_lines(flow, block->body, GLYPH_GUTTER, ROLE_FAINT, ROLE_CODE);
    } else if (block && block->type == BLOCK_SCRIPT) {
        markdown_code_lines(flow, block->body, GLYPH_TODO, ROLE_TODO, ROLE_TODO);
    } else if (!block && session_current_passed(screen->session)) {
        flow_format(flow, ROLE_PASSED, "%s Done", theme_glyph(&screen->theme, GLYPH_PASSED));
    }
}

/* Draw the first @rows lines, and free the flow. Returns how many that were. */
static unsigned draw_flow(const struct screen *screen, const struct rect *pane, unsigned row, unsigned rows,
                          struct flow *flow)
{
    size_t count = 0;
    const struct line *lines = flow ? flow_lines(flow, &count) : NULL;
    unsigned drawn = 0;
    for (; drawn < count && drawn < rows && row + drawn < pane->rows; drawn++)
        draw_line(&screen->theme, pane, row + drawn, &lines[drawn]);
    if (drawn < count && drawn > 0)
        draw_text(&screen->theme, pane, row + drawn - 1, pane->cols - 1, ROLE_FAINT,
                  theme_glyph(&screen->theme, GLYPH_ELLIPSIS));
    flow_free(flow);
    return drawn;
}

/* The paragraph over the action; where both do not fit, the action goes first. */
static void draw_brief(struct screen *screen, const struct rect *pane)
{
    const struct step *step = current_step(screen);
    struct flow *words = flow_new(&screen->theme, pane->cols), *action = flow_new(&screen->theme, pane->cols);
    size_t count = 0;
    if (words && action && step) {
        struct cmark_node *paragraph = paragraph_of(step, demo_block(screen));
        if (paragraph)
            markdown_draw(words, paragraph, NULL, NULL);
        put_action(action, screen, step);
        flow_lines(action, &count);
    } else if (words && screen->lesson && screen->demo->stage == DEMO_FINISHED) {
        flow_format(words, ROLE_PASSED, "%s The end of the lesson %s", theme_glyph(&screen->theme, GLYPH_PASSED),
                    screen->lesson->title);
    }
    unsigned room = pane->rows > count ? pane->rows - (unsigned)count : pane->rows > 3 ? 1 : 0;
    unsigned used = draw_flow(screen, pane, 0, room, words);
    draw_flow(screen, pane, used, pane->rows - used, action);
}

static void put_answers(struct flow *flow, const struct theme *theme, const struct quiz *quiz, bool answered)
{
    char first[32];
    for (size_t i = 0; i < quiz->count; i++) {
        const struct quiz_answer *answer = &quiz->answers[i];
        enum role role = !answered ? ROLE_NOTICE : answer->right ? ROLE_PASSED : ROLE_FAINT;
        const char *mark = !answered ? " " : theme_glyph(theme, answer->right ? GLYPH_PASSED : GLYPH_FAILED);
        flow_blank(flow);
        snprintf(first, sizeof(first), " %s %zu  ", mark, i + 1);
        flow_push(flow, first, "      ", role);
        flow_quoted(flow, !answered ? ROLE_TEXT : answer->right ? ROLE_STRONG : ROLE_FAINT, answer->text);
        if (answered && answer->reason) {
            flow_break(flow);
            flow_quoted(flow, answer->right ? ROLE_TEXT : ROLE_FAINT, answer->reason);
        }
        flow_pop(flow);
    }
    if (answered && quiz->typed_reason) {
        flow_blank(flow);
        flow_push(flow, theme_glyph(theme, GLYPH_PASSED), " ", ROLE_PASSED);
        flow_quoted(flow, ROLE_TEXT, quiz->typed_reason);
        flow_pop(flow);
    }
}

static void draw_question(struct screen *screen, const struct rect *pane)
{
    const struct block *block = demo_block(screen);
    struct flow *flow = flow_new(&screen->theme, pane->cols);
    if (flow && block && block->quiz) {
        flow_push(flow, "? ", "  ", ROLE_NOTICE);
        markdown_draw_text(flow, block->quiz->question ? block->quiz->question : "");
        flow_pop(flow);
        put_answers(flow, &screen->theme, block->quiz, screen->demo->stage == DEMO_ANSWER);
    }
    draw_flow(screen, pane, pane->rows > 16 ? 2 : 0, pane->rows, flow);
}

void demo_view_lesson(struct screen *screen)
{
    const struct step *step = current_step(screen);
    struct rect pane = screen->layout.lesson;
    char left[256] = "", right[32] = "";
    if (pane.rows == 0)
        return;
    if (screen->spotlight == SPOTLIGHT_LESSON && !in_question(screen) && step) {
        lesson_view_draw(screen);
        return;
    }
    if (step) {
        snprintf(left, sizeof(left), "%u. %s", step->number, step->title);
        snprintf(right, sizeof(right), "%u/%zu", step->number, screen->lesson->step_count);
    } else if (screen->lesson) {
        snprintf(left, sizeof(left), "%s", screen->lesson->title);
    }
    draw_clear(&screen->theme, &screen->layout.lesson_title);
    draw_clear(&screen->theme, &pane);
    draw_title(&screen->theme, &screen->layout.lesson_title, ROLE_STRONG, left, right);
    pane.col += 2;
    pane.cols = pane.cols > TEXT_COLS + 4 ? TEXT_COLS : pane.cols - 4;
    if (!screen->session)
        return;
    if (in_question(screen))
        draw_question(screen, &pane);
    else
        draw_brief(screen, &pane);
}

/* ---- message and status ---- */

static void put_running(struct flow *flow, const struct screen *screen)
{
    const struct demo *demo = screen->demo;
    uint64_t seconds = (loop_now() - demo->since) / 1000;
    const char *command = demo_command(screen);
    if (demo->stage == DEMO_CHECKING || !command)
        flow_text(flow, ROLE_FAINT, demo->stage == DEMO_CHECKING ? "looking at the kernel's state" : "running");
    else
        flow_format(flow, ROLE_FAINT, "running: %.*s", (int)strcspn(command, "\n"), command);
    if (seconds > 0)
        flow_format(flow, ROLE_FAINT, " (%llu s)", (unsigned long long)seconds);
}

static void draw_message(struct screen *screen)
{
    const struct demo *demo = screen->demo;
    struct rect pane = screen->layout.message;
    draw_clear(&screen->theme, &pane);
    pane.col += 2;
    pane.cols -= 4;
    struct flow *flow = flow_new(&screen->theme, pane.cols);
    if (!flow)
        return;
    bool runs = demo->stage == DEMO_RUNNING || demo->stage == DEMO_CHECKING;
    if (demo->said[0])
        flow_quoted(flow, ROLE_TEXT, demo->said);
    else if (screen->message[0])
        flow_quoted(flow, screen->message_role == ROLE_FAILED ? ROLE_FAILED : ROLE_TEXT, screen->message);
    else if (runs && demo->clock && loop_now() - demo->since >= 300)
        put_running(flow, screen);
    draw_flow(screen, &pane, 0, pane.rows, flow);
}

void demo_view_status(struct screen *screen)
{
    const struct demo *demo = screen->demo;
    struct rect pane = screen->layout.status;
    const struct theme *theme = &screen->theme;
    char marks[256] = "";
    size_t used = 0;
    if (screen->command.open) {
        status_view_draw(screen);
        return;
    }
    draw_message(screen);
    draw_clear_row(theme, &pane, 0, 0);
    for (unsigned i = 1; screen->session && i <= screen->lesson->step_count && used + 8 < sizeof(marks); i++) {
        static const enum glyph glyphs[] = { [STEP_AHEAD] = GLYPH_AHEAD,
                                             [STEP_CURRENT] = GLYPH_CURRENT,
                                             [STEP_PASSED] = GLYPH_PASSED,
                                             [STEP_SKIPPED] = GLYPH_SKIPPED };
        enum step_status status = session_step_status(screen->session, i);
        if (status == STEP_CURRENT && session_current_passed(screen->session))
            status = STEP_PASSED;
        used += (size_t)snprintf(marks + used, sizeof(marks) - used, "%s", theme_glyph(theme, glyphs[status]));
    }
    unsigned col = 2 + draw_text(theme, &pane, 0, 2, ROLE_PASSED, marks);
    if (screen->lesson)
        col += 2 + draw_text(theme, &pane, 0, col + 2, ROLE_TEXT, screen->lesson->title);
    if (demo->live)
        col += 2 + draw_text(theme, &pane, 0, col + 2, ROLE_STATUS_KEY, "by hand");
    const char *keys = demo->keys; /* the newest, as many as there is room for */
    while (*keys && col + utf8_width(keys, strlen(keys)) + 5 >= pane.cols)
        keys += strcspn(keys, " ") + (strchr(keys, ' ') != NULL);
    draw_text(theme, &pane, 0, pane.cols - utf8_width(keys, strlen(keys)) - 2, ROLE_STRONG, keys);
}

void demo_view_pointer(struct screen *screen)
{
    const struct rect *pane = &screen->layout.terminal;
    struct demo *demo = screen->demo;
    draw_clear(&screen->theme, &screen->layout.gutter);
    if (!demo->pointing || pane->rows == 0)
        return;
    if (demo->pointer >= pane->rows)
        demo->pointer = pane->rows - 1;
    draw_text(&screen->theme, &screen->layout.gutter, demo->pointer, 0, ROLE_NOTICE,
              theme_glyph(&screen->theme, GLYPH_CURRENT));
    draw_marked(&screen->theme, pane, demo->pointer);
}

/* ---- for the presenter's own eyes ---- */

void demo_next_words(const struct screen *screen, char *text, size_t size)
{
    const struct demo *demo = screen->demo;
    const struct block *block = demo_block(screen);
    const char *command = demo_command(screen);
    size_t used = 0;
    text[0] = '\0';
    if (demo->stage == DEMO_BUILDING)
        snprintf(text, size, "the lab is being built");
    else if (demo->stage == DEMO_FINISHED)
        snprintf(text, size, "nothing: the lesson is at its end");
    else if (!block)
        snprintf(text, size, "the next step");
    else if (command && strcmp(block->terminal, "1") != 0)
        snprintf(text, size, "in terminal %s: %s", block->terminal, command);
    else if (command)
        snprintf(text, size, "%s", command);
    else if (block->type == BLOCK_FILE)
        snprintf(text, size, "write the file %s", block->name);
    else if (block->type == BLOCK_SCRIPT)
        snprintf(text, size, "run a script");
    else if (demo->stage == DEMO_ANSWER)
        snprintf(text, size, "on, from the question");
    else
        used = (size_t)snprintf(text, size, "%s: %s", demo->stage == DEMO_QUESTION ? "answer" : "ask",
                                block->quiz->question ? block->quiz->question : "");
    for (size_t i = 0; used > 0 && used < size && i < block->quiz->count; i++)
        if (block->quiz->answers[i].right)
            used += (size_t)snprintf(text + used, size - used, "\n%zu. %s", i + 1, block->quiz->answers[i].text);
}

#include "repl/play/plain_text.h"

#include "repl/screen/commands.h"
#include "repl/screen/flow.h"
#include "repl/screen/lens_text.h"
#include "repl/screen/markdown.h"
#include "repl/screen/state_sections.h"
#include "repl/screen/utf8.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>

/* Arrows, mathematical signs, lines, blocks, dingbats and braille are read out as noise, or not at all: their plain relatives instead. */
static void put_plain(FILE *out, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        uint32_t character;
        size_t n = utf8_decode(text, len, &character);
        if (character >= 0x2190 && character <= 0x28ff)
            fputs(theme_ascii(character), out);
        else
            fwrite(text, 1, n, out);
        text += n;
        len -= n;
    }
}

static void print(const struct plain_page *page, struct flow *flow)
{
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < lines[i].count; s++)
            put_plain(page->out, lines[i].spans[s].text);
        fputc('\n', page->out);
    }
    flow_free(flow);
    fflush(page->out);
}

static void say_code(struct flow *flow, const char *text)
{
    flow_push(flow, "    ", "    ", ROLE_TEXT);
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        flow_verbatim(flow, ROLE_TEXT, text, (size_t)(end - text));
        flow_break(flow);
    }
    flow_pop(flow);
}

static void say_quiz(struct flow *flow, const struct quiz *quiz, bool open)
{
    flow_text(flow, ROLE_TEXT, "Question:");
    flow_break(flow);
    if (quiz->question)
        markdown_draw_text(flow, quiz->question);
    for (size_t i = 0; i < quiz->count; i++) {
        char number[32];
        snprintf(number, sizeof number, "  %zu. ", i + 1);
        flow_push(flow, number, "     ", ROLE_TEXT);
        flow_text(flow, ROLE_TEXT, quiz->answers[i].text);
        if (!open && quiz->answers[i].right)
            flow_text(flow, ROLE_TEXT, " (right)");
        flow_pop(flow);
    }
    if (!open)
        flow_text(flow, ROLE_TEXT, "It is answered.");
    else if (quiz->count == 0)
        flow_text(flow, ROLE_TEXT, "Type answer and then your answer, as in: answer WORD");
    else if (quiz->several)
        flow_text(flow, ROLE_TEXT, "Several may be right. Type answer and their numbers, as in: answer 1 3");
    else
        flow_text(flow, ROLE_TEXT, "Type answer and its number, as in: answer 1");
    flow_break(flow);
}

struct drawing {
    const struct session *session;
    const struct step *step;
};

static bool draw_code(struct flow *flow, struct cmark_node *node, void *data)
{
    const struct drawing *drawing = data;
    const struct block *block = drawing->step ? step_node_block(drawing->step, node) : NULL;
    enum node_kind kind = step_node_kind(node);
    if (kind == NODE_KIND_OUTPUT || kind == NODE_KIND_KEYS) /* patterns for the test, and the answer to a prediction */
        return true;
    if (!block) {
        say_code(flow, cmark_node_get_literal(node));
        return true;
    }
    const struct block *open = session_quiz(drawing->session);
    switch (block->type) {
    case BLOCK_QUIZ:
        say_quiz(flow, block->quiz, open && block >= open); /* questions are answered in their order */
        return true;
    case BLOCK_FILE:
        flow_format(flow, ROLE_TEXT, "The file %s:", block->name ? block->name : "");
        break;
    case BLOCK_SCRIPT:
    case BLOCK_COMMAND:
        if (step_names_terminal(drawing->step, block))
            flow_format(flow, ROLE_TEXT, "In terminal %s (type: terminal %s), type:", block->terminal, block->terminal);
        else
            flow_text(flow, ROLE_TEXT, "Type:");
        break;
    }
    flow_break(flow);
    say_code(flow, block->body);
    return true;
}

static void say_finished(struct flow *flow, const struct session *session)
{
    const struct lesson *lesson = session_lesson(session);
    flow_blank(flow);
    const char *lacks = session_lacks(session);
    if (lacks)
        flow_format(flow, ROLE_TEXT, "The lesson %s needs what this machine does not have: %s.", lesson->title, lacks);
    else
        flow_format(flow, ROLE_TEXT, "You have finished this lesson: %s.", lesson->title);
    flow_break(flow);
    for (unsigned i = 1; !lacks && i <= lesson->step_count; i++)
        if (session_step_status(session, i) == STEP_SKIPPED) {
            flow_format(flow, ROLE_TEXT, "Step %u, %s, was skipped.", i, lesson->steps[i - 1].title);
            flow_break(flow);
        }
    flow_text(
        flow, ROLE_TEXT,
        "The lab is there to play in. Type next for the next lesson, goto 1 to begin this one again, lessons to list "
        "them, or quit to leave.");
    flow_break(flow);
}

void plain_say_step(const struct plain_page *page, const struct session *session)
{
    const struct lesson *lesson = session_lesson(session);
    unsigned number = session_current(session);
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    if (number > lesson->step_count) {
        say_finished(flow, session);
        print(page, flow);
        return;
    }
    const struct step *step = &lesson->steps[number - 1];
    struct drawing drawing = { session, step };
    if (number == 1) {
        if (lesson->number >= 0)
            flow_format(flow, ROLE_TEXT, "Lesson %d: ", lesson->number);
        flow_text(flow, ROLE_TEXT, lesson->title);
        flow_break(flow);
        for (size_t i = 0; i < lesson->intro_count; i++)
            if (cmark_node_get_type(lesson->intro[i]) != CMARK_NODE_HEADING) {
                flow_blank(flow);
                markdown_draw(flow, lesson->intro[i], draw_code, &(struct drawing){ session, NULL });
            }
        flow_blank(flow);
    }
    flow_format(flow, ROLE_TEXT, "Step %u of %zu: %s", number, lesson->step_count, step->title);
    flow_break(flow);
    const char *skipped = session_skip_reason(session, number);
    if (skipped) {
        flow_format(flow, ROLE_TEXT, "This step needs what this machine does not have: %s. Type next to go on.",
                    skipped);
        flow_break(flow);
    }
    const struct block *open = session_quiz(session);
    for (size_t i = 0; i < step->prose_count; i++) {
        if (step_prose_withheld(step, i, open))
            continue;
        flow_blank(flow);
        markdown_draw(flow, step->prose[i], draw_code, &drawing);
    }
    flow_blank(flow);
    print(page, flow);
}

void plain_say_answered(const struct plain_page *page, const struct session *session, const struct block *question)
{
    const struct step *step = &session_lesson(session)->steps[session_current(session) - 1];
    const struct block *open = session_quiz(session);
    struct drawing drawing = { session, step };
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    for (size_t i = 0; i < step->prose_count; i++)
        if (step_prose_withheld(step, i, question) && !step_prose_withheld(step, i, open)) {
            flow_blank(flow);
            markdown_draw(flow, step->prose[i], draw_code, &drawing);
        }
    print(page, flow);
}

void plain_say(const struct plain_page *page, const char *title, const char *markdown)
{
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    if (title) {
        flow_format(flow, ROLE_TEXT, "%s:", title);
        flow_break(flow);
    }
    markdown_draw_text(flow, markdown);
    print(page, flow);
}

void plain_say_code(const struct plain_page *page, const char *title, const char *code)
{
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    flow_format(flow, ROLE_TEXT, "%s:", title);
    flow_break(flow);
    say_code(flow, code);
    print(page, flow);
}

void plain_say_state(const struct plain_page *page, struct session *session)
{
    struct flow *flow = flow_new(&page->theme, page->width);
    struct session_state *state = malloc(sizeof *state);
    if (flow && state) {
        session_state_read(session, state);
        session_state_settle(session);
        session_state_read(session, state);
        state_put_page(flow, state);
        print(page, flow);
    } else {
        flow_free(flow);
    }
    free(state);
}

void plain_say_lens(const struct plain_page *page, const struct session *session, const char *filter)
{
    unsigned active = session_active(session), newest = session_commands(session, active);
    const struct lens *lens = session_lens(session, active);
    const char *lacks = session_lens_lacks(session, active);
    struct flow *flow = flow_new(&page->theme, page->width);
    bool any = false;
    if (!flow)
        return;
    for (size_t i = 0; lens && i < lens_count(lens); i++) {
        const struct lens_call *call = lens_call_at(lens, i);
        char line[LENS_LINE_SIZE];
        if (*filter ? !lens_matches(call, filter) : call->command != newest)
            continue;
        lens_line_words(call, line, sizeof line);
        flow_push(flow, "", "    ", ROLE_TEXT);
        flow_text(flow, ROLE_TEXT, line);
        flow_pop(flow);
        any = true;
    }
    if (!any && lacks)
        flow_format(flow, ROLE_TEXT, "No lens: %s.", lacks);
    else if (!any)
        flow_text(flow, ROLE_TEXT,
                  *filter ? "The lens saw no such syscall." : "The lens saw no syscall of the last command.");
    flow_break(flow);
    print(page, flow);
}

void plain_say_help(const struct plain_page *page)
{
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    flow_text(flow, ROLE_TEXT, "These words are commands to teachroot; every other line goes to the lab's shell.");
    flow_break(flow);
    for (size_t i = 0; i < command_count; i++) {
        const char *argument = commands[i].argument_name;
        const char *help = commands[i].plain_help ? commands[i].plain_help : commands[i].help;
        if (!*help)
            continue;
        flow_format(flow, ROLE_TEXT, "%s%s%s: %s.", commands[i].name, argument ? " " : "", argument ? argument : "",
                    help);
        flow_break(flow);
    }
    flow_text(flow, ROLE_TEXT, "While a program runs, Ctrl-] and then such a command reaches teachroot.");
    flow_break(flow);
    print(page, flow);
}

void plain_say_lessons(const struct plain_page *page, const struct curriculum *curriculum)
{
    struct flow *flow = flow_new(&page->theme, page->width);
    if (!flow)
        return;
    for (size_t i = 0; i < curriculum->count; i++) {
        const struct curriculum_entry *entry = &curriculum->entries[i];
        flow_format(flow, ROLE_TEXT, "%d. %s. %s", entry->number, entry->title, entry->summary);
        flow_break(flow);
    }
    flow_text(flow, ROLE_TEXT,
              curriculum->count ? "Leave with quit, then: teachroot --plain NUMBER"
                                : "No lessons were found: TEACHROOT_LESSONS says where they are.");
    flow_break(flow);
    print(page, flow);
}

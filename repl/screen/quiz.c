#include "repl/screen/markdown.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>

void quiz_draw(struct flow *flow, const struct block *block, enum quiz_stage stage, unsigned choices)
{
    bool answered = stage == QUIZ_ANSWERED;
    const struct quiz *quiz = block->quiz;
    const struct theme *theme = flow_theme(flow);
    if (quiz->question && *quiz->question) {
        flow_push(flow, "? ", "  ", ROLE_NOTICE);
        markdown_draw_text(flow, quiz->question);
        flow_pop(flow);
    }
    for (size_t i = 0; i < quiz->count; i++) {
        const struct quiz_answer *answer = &quiz->answers[i];
        char first[32];
        bool marked = answered ? answer->right : stage == QUIZ_OPEN && i < 32 && (choices & (1U << i));
        const char *mark = marked ? theme_glyph(theme, GLYPH_PASSED) : " ";
        if (quiz->several)
            snprintf(first, sizeof(first), " %zu [%s] ", i + 1, mark);
        else
            snprintf(first, sizeof(first), " %s %zu  ", mark, i + 1);
        flow_push(flow, first, quiz->several ? "       " : "      ", marked ? ROLE_PASSED : ROLE_NOTICE);
        flow_quoted(flow, marked && answered ? ROLE_STRONG : ROLE_TEXT, answer->text);
        flow_pop(flow);
    }
    if (stage != QUIZ_OPEN)
        return;
    flow_push(flow, "  ", "  ", ROLE_FAINT);
    if (quiz->count == 0)
        flow_quoted(flow, ROLE_FAINT, "Type `answer WORD`, your answer for WORD, at the prompt or after Ctrl-].");
    else if (quiz->several)
        flow_quoted(
            flow, ROLE_FAINT,
            "Several may be right. Type their numbers at the prompt, as in `1 3`; or F6, then the numbers, then "
            "Enter.");
    else
        flow_text(flow, ROLE_FAINT, "Type its number at the prompt and Enter; or, from anywhere, F6 and the number.");
    flow_pop(flow);
}

static void tell(struct screen *screen, bool right, const char *reason)
{
    char title[64];
    const char *mark = theme_glyph(&screen->theme, right ? GLYPH_PASSED : GLYPH_FAILED);
    snprintf(title, sizeof(title), "%s %s", mark, right ? "Right" : "Not that: try again");
    screen->lesson_view.choices = 0;
    lesson_view_say(screen, right ? ROLE_PASSED : ROLE_FAILED, title, reason ? reason : "");
    if (right)
        lesson_view_unsay(screen, SAID_WAITS);
    if (right && (screen->checked || session_current_passed(screen->session)))
        screen->message[0] = '\0'; /* the tick stands there, or soon, or that another question is open */
    else if (right)
        screen_message(screen, ROLE_PASSED, "%s Right. Now the rest of the step.", mark);
    else
        screen_message(screen, ROLE_FAILED, "%s Not that: the reason stands in the lesson. Try again.", mark);
}

static void answer_choices(struct screen *screen, const unsigned *choices, size_t count, const char *typed)
{
    const char *reason = NULL;
    bool right = session_answer(screen->session, choices, count, typed, &reason);
    tell(screen, right, reason);
}

void quiz_answer(struct screen *screen, const char *text)
{
    const struct block *block = screen->session ? session_quiz(screen->session) : NULL;
    if (!block) {
        screen_message(screen, ROLE_NOTICE, "No question is open in this step. F4 says what it waits for.");
        return;
    }
    unsigned choices[32];
    size_t count = commands_choices(text, choices, 32, block->quiz->count);
    if (block->quiz->count == 0)
        answer_choices(screen, NULL, 0, text);
    else if (count == 0)
        screen_message(screen, ROLE_NOTICE,
                       block->quiz->several ? "`%.60s` is none of the answers: type numbers from 1 to %zu, e.g. `1 3`."
                                            : "`%.60s` is none of the answers: type a number from 1 to %zu.",
                       text, block->quiz->count);
    else if (count > 1 && !block->quiz->several)
        screen_message(screen, ROLE_NOTICE, "One answer is right here: type one number from 1 to %zu.",
                       block->quiz->count);
    else
        answer_choices(screen, choices, count, NULL);
}

bool quiz_input(struct screen *screen, const struct input_event *event)
{
    const struct block *block = screen->session ? session_quiz(screen->session) : NULL;
    if (!block || event->kind != INPUT_KEY || event->modifiers || block->quiz->count == 0)
        return false;
    size_t count = block->quiz->count;
    uint32_t index = UINT32_MAX;
    if (event->key >= '1' && event->key <= '9')
        index = event->key - '1';
    else if (event->key >= 'a' && event->key <= 'z')
        index = event->key - 'a';
    if (event->key == INPUT_KEY_ENTER && block->quiz->several && screen->lesson_view.choices) {
        unsigned choices[32];
        size_t n = 0;
        for (unsigned i = 0; i < 32 && i < count; i++)
            if (screen->lesson_view.choices & (1U << i))
                choices[n++] = i;
        answer_choices(screen, choices, n, NULL);
        return true;
    }
    if (index >= count || index >= 32)
        return false;
    if (block->quiz->several) {
        screen->lesson_view.choices ^= 1U << index;
        screen_message(screen, ROLE_NOTICE, "Enter gives the ticked answers.");
        lesson_view_changed(screen);
    } else {
        answer_choices(screen, &(unsigned){ index }, 1, NULL);
    }
    return true;
}

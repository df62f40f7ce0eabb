/* What a step of a good lesson has beside its text. */
#include "repl/lesson/lint_internal.h"

#include <string.h>

int lint_answer_line(const struct lint *lint, const struct block *block, size_t which)
{
    for (size_t i = block->line > 0 ? (size_t)block->line : 0; i < lint->line_count; i++) {
        const char *line = lint->lines[i] + strspn(lint->lines[i], " \t>");
        bool box = ((line[0] == '(' && strlen(line) > 3 && line[2] == ')') ||
                    (line[0] == '[' && strlen(line) > 3 && line[2] == ']')) &&
                   strchr(" xX", line[1]);
        if (box && which-- == 0)
            return (int)i + 1;
        if (strncmp(line, "```", 3) == 0 || strncmp(line, "~~~", 3) == 0)
            break;
    }
    return block->line;
}

static bool says(const char *reason)
{
    return reason && *reason;
}

/* A wrong answer without a reason teaches nothing. Of several right ones each says something of itself, and the reasons of the wrong ones say the rest. */
static void check_reasons(struct lint *lint, const struct block *block)
{
    const struct quiz *quiz = block->quiz;
    for (size_t i = 0; i < quiz->count; i++) {
        const struct quiz_answer *answer = &quiz->answers[i];
        if (says(answer->reason))
            continue;
        int line = lint_answer_line(lint, block, i);
        if (!answer->right)
            lint_say(lint, RULE_WRONG_REASON, line, "the wrong answer `%.100s` has no reason, expected one after ` — `",
                     answer->text);
        else if (!quiz->several)
            lint_say(lint, RULE_RIGHT_REASON, line, "the right answer `%.100s` has no reason, expected one after ` — `",
                     answer->text);
    }
    if (quiz->typed && !says(quiz->typed_reason))
        lint_say(lint, RULE_RIGHT_REASON, lint_line_of(lint, "text:", block->line, 0),
                 "the typed answer has no reason, expected one after ` — `");
}

static bool has_commands(const struct step *step)
{
    for (size_t i = 0; i < step->block_count; i++)
        if (step->blocks[i].type != BLOCK_QUIZ)
            return true;
    return false;
}

static void check_step(struct lint *lint, const struct step *step)
{
    if (!step->check && has_commands(step))
        lint_say(lint, RULE_CHECK, step->line,
                 "step %u has no check, expected `<!-- check`: it is done without its commands", step->number);
    if (step->check && (!step->hints || !step->hints[0].text))
        lint_say(lint, RULE_HINT, step->line, "step %u has no hint, expected `<details><summary>Hint</summary>`",
                 step->number);
    if (!step->essence)
        lint_say(lint, RULE_ESSENCE, step->line,
                 "step %u has no essence for the review, expected `<!-- essence: what it has shown -->`", step->number);
    if (!step->notes)
        lint_say(lint, RULE_NOTES, step->line, "step %u has no notes for the presenter, expected `<!-- notes`",
                 step->number);
}

void lint_steps(struct lint *lint)
{
    const struct lesson *lesson = lint->lesson;
    for (size_t i = 0; i < lesson->step_count; i++) {
        const struct step *step = &lesson->steps[i];
        if (!lesson->plain)
            check_step(lint, step);
        for (size_t k = 0; k < step->block_count; k++)
            if (step->blocks[k].quiz)
                check_reasons(lint, &step->blocks[k]);
    }
}

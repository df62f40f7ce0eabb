/* Whether each step can be come to: by playing the ones before it, and by the steps and features it builds on. */
#include "repl/lesson/lint_internal.h"

#include "engine/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What a step builds on --- */

struct needed {
    int lesson;
    unsigned step; /* 0: all of it */
};

static bool parse_needed(const char *name, struct needed *needed)
{
    *needed = (struct needed){ .lesson = -1 };
    return sscanf(name, "%d.%u", &needed->lesson, &needed->step) >= 1;
}

/* Is each of the names in @names also in @others or @more? Returns the first that is not, malloc'ed; NULL. */
static char *missing_name(const char *names, const char *others, const char *more)
{
    cleanup_free char *copy = names ? strdup(names) : NULL;
    char *rest = copy, *name;
    while (rest && (name = strsep(&rest, " "))) {
        const char *const lists[] = { others, more };
        bool found = !*name;
        size_t len = strlen(name);
        for (size_t i = 0; i < 2 && lists[i] && !found; i++)
            for (const char *at = lists[i]; (at = strstr(at, name)) && !found; at += len)
                found = (at == lists[i] || at[-1] == ' ') && strchr(" ", at[len]);
        if (!found && *name)
            return strdup(name);
    }
    return NULL;
}

static void check_other_lesson(struct lint *lint, const char *name, const struct needed *needed, int line)
{
    const struct curriculum *curriculum = lint->curriculum;
    const struct curriculum_entry *entry = NULL;
    for (size_t i = 0; curriculum && i < curriculum->count; i++)
        if (curriculum->entries[i].number == needed->lesson)
            entry = &curriculum->entries[i];
    if (!curriculum)
        return;
    if (!entry) {
        lint_say(lint, RULE_NEEDS, line, "`needs` names `%s`, and there is no lesson %d", name, needed->lesson);
        return;
    }
    struct lesson_mistakes mistakes = { 0 };
    struct err ignored;
    struct lesson *lesson = needed->step ? lesson_load(entry->path, &mistakes, &ignored) : NULL;
    if (lesson && needed->step > lesson->step_count)
        lint_say(lint, RULE_NEEDS, line, "`needs` names `%s`, and lesson %d has steps 1 to %zu", name, needed->lesson,
                 lesson->step_count);
    lesson_mistakes_free(&mistakes);
    lesson_free(lesson);
}

static bool left_out_of_replay(const struct step *step)
{
    bool left_out = false;
    for (size_t i = 0; i < step->block_count; i++)
        if (step->blocks[i].type != BLOCK_QUIZ && !step->blocks[i].replay_skip)
            return false;
        else
            left_out |= step->blocks[i].replay_skip;
    return left_out && !step->setup;
}

static void check_own_step(struct lint *lint, const struct step *step, const struct step *needed, int line)
{
    cleanup_free char *lacks = missing_name(needed->requires, step->requires, lint->lesson->requires);
    if (lacks)
        lint_say(lint, RULE_NEEDS_REQUIRES, line,
                 "step %u needs step %u, which requires `%s`, and does not itself: where that is missing it is begun "
                 "without",
                 step->number, needed->number, lacks);
    if (left_out_of_replay(needed))
        lint_say(lint, RULE_UNREACHABLE, line,
                 "step %u needs step %u, all of whose blocks are left out by a replay (`\"replay\":\"skip\"`): `goto` "
                 "comes here without it",
                 step->number, needed->number);
}

/* @step is NULL for the lesson's own. */
static void check_needs_exist(struct lint *lint, const struct step *step, const char *needs, int line)
{
    const struct lesson *lesson = lint->lesson;
    cleanup_free char *copy = needs ? lint_kept(lint, strdup(needs)) : NULL;
    char *rest = copy, *name;
    struct needed needed;
    while (rest && (name = strsep(&rest, " "))) {
        if (!parse_needed(name, &needed))
            continue;
        if (needed.lesson != lesson->number)
            check_other_lesson(lint, name, &needed, line);
        else if (step && needed.step >= 1 && needed.step < step->number)
            check_own_step(lint, step, &lesson->steps[needed.step - 1], line);
    }
}

/* --- Whether playback gets past a step --- */

static void check_blocks(struct lint *lint, const struct step *step)
{
    const struct block *first = NULL;
    bool all_require = true;
    for (size_t i = 0; i < step->block_count; i++) {
        const struct block *block = &step->blocks[i];
        if (block->interactive && block->key_count == 0)
            lint_say(
                lint, RULE_UNREACHABLE, block->line,
                "an interactive block without `keys`, which nobody plays: `play`, `test` and `goto` wait here until "
                "its time is over, expected a `keys` block directly after it");
        if (block->type == BLOCK_QUIZ)
            continue;
        first = first ? first : block;
        all_require = all_require && block->requires;
    }
    if (!step->check)
        return;
    if (!first) {
        lint_say(
            lint, RULE_UNREACHABLE, step->check_line,
            "step %u has a check and no commands: nothing that `play` does makes it pass, expected a block of bash, "
            "with `\"hidden\":\"true\"` if the learner is to find it out",
            step->number);
        return;
    }
    cleanup_free char *lacks =
        all_require ? missing_name(first->requires, step->requires, lint->lesson->requires) : NULL;
    if (lacks)
        lint_say(lint, RULE_NEEDS_REQUIRES, first->line,
                 "every block of step %u requires `%s`, and the step does not: where that is missing its check cannot "
                 "pass, expected `<!-- requires: %s -->`",
                 step->number, lacks, lacks);
}

/* --- The terminals a check asks about --- */

/* The terminal after `of`, `terminal`, `from` and `as` in a claim; 0. An image has as many layers as it has. */
static unsigned terminal_of_claim(const char *claim, size_t len)
{
    static const char *const words[] = { "of", "terminal", "from", "as" };
    cleanup_free char *copy = strndup(claim, len);
    char *rest = copy, *word, *before = NULL;
    unsigned most = 0;
    bool first = true, image = false;
    while (rest && (word = strsep(&rest, " \t\"'"))) {
        if (!*word)
            continue;
        if (first && strcmp(word, "not") != 0) {
            image = strcmp(word, "image") == 0;
            first = false;
        }
        for (size_t i = 0; before && i < sizeof words / sizeof *words; i++)
            if (strcmp(before, words[i]) == 0 && *word >= '1' && *word <= '9' && !word[1] && !image)
                most = (unsigned)(*word - '0') > most ? (unsigned)(*word - '0') : most;
        before = word;
    }
    return most;
}

static void check_line_of_check(struct lint *lint, const struct step *step, const char *text, size_t len, int line,
                                const bool *used)
{
    static const char variable[] = "TEACHROOT_TERMINAL_";
    cleanup_free char *copy = lint_kept(lint, strndup(text, len));
    unsigned asked = 0;
    for (const char *at = copy; at && (at = strstr(at, "assert ")); at++) {
        const char *claim = at + strlen("assert ");
        unsigned terminal = terminal_of_claim(claim, strcspn(claim, "&|;>{}()"));
        asked = terminal && !used[terminal] ? terminal : asked;
    }
    for (const char *at = copy; at && (at = strstr(at, variable)); at++) {
        char digit = at[strlen(variable)];
        unsigned terminal = digit >= '1' && digit <= '9' ? (unsigned)(digit - '0') : 0;
        asked = terminal && !used[terminal] ? terminal : asked;
    }
    if (asked)
        lint_say(lint, RULE_TERMINAL, line,
                 "the check of step %u asks about terminal %u, and no block up to there uses it, expected one with "
                 "`\"terminal\":\"%u\"`",
                 step->number, asked, asked);
}

static void check_terminals(struct lint *lint, const struct step *step, bool *used)
{
    for (size_t i = 0; i < step->block_count; i++) {
        const struct block *block = &step->blocks[i];
        if (block->type == BLOCK_COMMAND && block->terminal && *block->terminal >= '1' && *block->terminal <= '9')
            used[*block->terminal - '0'] = true;
    }
    int line = step->check_line + 1;
    for (const char *at = step->check; at && *at; line++) {
        size_t len = strcspn(at, "\n");
        check_line_of_check(lint, step, at, len, line, used);
        at += len + (at[len] == '\n');
    }
}

void lint_ways(struct lint *lint)
{
    const struct lesson *lesson = lint->lesson;
    bool used[10] = { [1] = true };
    check_needs_exist(lint, NULL, lesson->needs, lint_line_of(lint, "needs:", 1, 0));
    for (size_t i = 0; i < lesson->step_count; i++) {
        const struct step *step = &lesson->steps[i];
        check_needs_exist(lint, step, step->needs, step->needs_line);
        if (!lesson->plain)
            check_blocks(lint, step);
        check_terminals(lint, step, used);
    }
}

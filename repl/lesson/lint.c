#include "repl/lesson/lint_internal.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct lint_rule lint_rules[] = {
    [RULE_LINK] = { "link", LINT_ERROR, "a link leads to a file, a heading or a web address that can be one" },
    [RULE_REFERENCE] = { "reference", LINT_ADVICE, "the name of `[text][name]` is given an address" },
    [RULE_ABSOLUTE_LINK] = { "absolute-link", LINT_ADVICE, "a link to a file is relative to the lesson" },
    [RULE_IMAGE_ALT] = { "image-alt", LINT_ADVICE, "an image says in words what it shows" },
    [RULE_LONG_LINE] = { "long-line", LINT_ADVICE, "what is not wrapped fits 80 columns" },
    [RULE_MISSPELT] = { "misspelt", LINT_ADVICE, "no language or comment is nearly one that means something" },
    [RULE_CHECK] = { "check", LINT_ADVICE, "a step with commands has a check" },
    [RULE_HINT] = { "hint", LINT_ADVICE, "a step with a check has a hint" },
    [RULE_NOTES] = { "notes", LINT_ADVICE, "a step has notes for the presenter" },
    [RULE_ESSENCE] = { "essence", LINT_ADVICE, "a step has an essence for the review" },
    [RULE_WRONG_REASON] = { "wrong-reason", LINT_ERROR, "a wrong answer says why it is wrong" },
    [RULE_RIGHT_REASON] = { "right-reason", LINT_ADVICE, "an answer that is typed, or the only right one, says why" },
    [RULE_NEEDS] = { "needs", LINT_ERROR, "`needs` names steps that there are" },
    [RULE_NEEDS_REQUIRES] = { "needs-requires", LINT_ADVICE, "a step requires what the steps it needs require" },
    [RULE_UNREACHABLE] = { "unreachable", LINT_ERROR, "playback can get past every step" },
    [RULE_TERMINAL] = { "terminal", LINT_ERROR, "a check asks only about terminals that there are by then" },
    [RULE_ASIDE] = { "aside", LINT_ADVICE, "a README has nothing that is nearly a lesson's" },
};
const size_t lint_rule_count = sizeof lint_rules / sizeof *lint_rules;
_Static_assert(sizeof lint_rules / sizeof *lint_rules == RULES, "a row for each rule");

const char *lint_level_name(enum lint_level level)
{
    static const char *const names[LINT_LEVELS] = { "warning", "error", "mistake" };
    return names[level];
}

void *lint_grow(struct lint *lint, void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count + 1, size);
    if (!grown)
        lint->oom = true;
    else
        memset((char *)grown + count * size, 0, size);
    return grown;
}

char *lint_kept(struct lint *lint, char *s)
{
    if (!s)
        lint->oom = true;
    return s;
}

/* @what becomes the report's, also when there is no room for it. */
static int add_finding(struct lint_report *report, int line, enum lint_level level, const char *rule, char *what)
{
    struct lint_finding *grown = reallocarray(report->list, report->count + 1, sizeof *grown);
    if (grown)
        report->list = grown;
    if (!grown || !what) {
        free(what);
        return -1;
    }
    grown[report->count++] = (struct lint_finding){ line, level, rule, what };
    report->counts[level]++;
    return 0;
}

void lint_say(struct lint *lint, enum lint_rule_id rule, int line, const char *format, ...)
{
    va_list args;
    char *what;
    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    if (add_finding(lint->report, line, lint_rules[rule].level, lint_rules[rule].name, what) < 0)
        lint->oom = true;
}

int lint_line(cmark_node *node)
{
    while (node && cmark_node_get_start_line(node) < 1)
        node = cmark_node_parent(node);
    return node ? cmark_node_get_start_line(node) : 1;
}

int lint_line_of(const struct lint *lint, const char *text, int line, int end)
{
    size_t last = end > 0 && (size_t)end < lint->line_count ? (size_t)end : lint->line_count;
    for (size_t i = line > 0 ? (size_t)line - 1 : 0; i < last; i++)
        if (strstr(lint->lines[i], text))
            return (int)i + 1;
    return line;
}

char **lint_lines(const char *text, size_t len, size_t *count)
{
    const char *end = text + len;
    size_t lines = 1, n = 0;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    for (const char *at = text; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    char **list = calloc(lines + 1, sizeof *list);
    while (list && text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line = (size_t)((newline ? newline : end) - text);
        list[n] = strndup(text, line > 0 && newline && text[line - 1] == '\r' ? line - 1 : line);
        if (!list[n++]) {
            lint_lines_free(list, n);
            return NULL;
        }
        text += line + (newline != NULL);
    }
    *count = n;
    return list;
}

void lint_lines_free(char **lines, size_t count)
{
    for (size_t i = 0; lines && i < count; i++)
        free(lines[i]);
    free(lines);
}

cmark_node *lint_document(char *const *lines, size_t count)
{
    struct text text = { 0 };
    size_t front = 0;
    if (count > 0 && is_front_delimiter(lines[0], false))
        for (front = 1; front < count && !is_front_delimiter(lines[front], true);)
            front++;
    if (front == count)
        front = 0; /* it never ends: so it is none */
    for (size_t i = 0; i < count; i++)
        text_add_line(&text, front && i <= front ? "" : lines[i]);
    size_t len = text.len;
    cleanup_free char *s = text_take(&text);
    return s ? cmark_parse_document(s, len, CMARK_OPT_DEFAULT) : NULL;
}

static int by_line(const void *a, const void *b)
{
    const struct lint_finding *one = a, *two = b;
    if (one->line != two->line)
        return one->line < two->line ? -1 : 1;
    return strcmp(one->what, two->what);
}

static int take_mistakes(struct lint_report *report, struct lesson_mistakes *mistakes)
{
    int result = 0;
    for (size_t i = 0; i < mistakes->count && result == 0; i++) {
        struct lesson_mistake *mistake = &mistakes->list[i];
        char *what = mistake->what;
        mistake->what = NULL;
        result = add_finding(report, mistake->line, LINT_MISTAKE, NULL, what);
    }
    return result;
}

static void look(struct lint *lint)
{
    const struct lesson_mistakes *asides = &lint->lesson->asides;
    for (size_t i = 0; i < asides->count; i++)
        lint_say(lint, RULE_ASIDE, asides->list[i].line, "%s", asides->list[i].what);
    lint_links(lint);
    lint_texts(lint);
    lint_steps(lint);
    lint_ways(lint);
}

/* A file that changes between the two readings is read again by whoever watches it. */
static int look_at_file(struct lint *lint, struct err *err)
{
    size_t len = 0;
    cleanup_free char *text = read_file(lint->lesson->path, &len, err);
    if (!text)
        return -1;
    lint->lines = lint_lines(text, len, &lint->line_count);
    if (lint->lines)
        look(lint);
    else
        lint->oom = true;
    for (size_t i = 0; i < lint->target_count; i++) {
        lint_lines_free(lint->targets[i].anchors, lint->targets[i].count);
        free(lint->targets[i].path);
    }
    free(lint->targets);
    lint_lines_free(lint->lines, lint->line_count);
    return lint->oom ? err_set(err, ENOMEM, "look at lesson `%s`", lint->lesson->path) : 0;
}

struct lesson *lint_load(const char *path, const struct curriculum *curriculum, lesson_feature_fn *known,
                         struct lint_report *report, struct err *err)
{
    struct lesson_mistakes mistakes = { 0 };
    *report = (struct lint_report){ 0 };
    struct lesson *lesson = lesson_load(path, &mistakes, err);
    bool read = lesson || mistakes.count;
    if (lesson)
        lesson_check_requires(lesson, known, &mistakes);
    struct lint lint = { .lesson = lesson, .curriculum = curriculum, .report = report };
    bool good = true;
    if (take_mistakes(report, &mistakes) < 0)
        good = err_set(err, ENOMEM, "look at lesson `%s`", path) == 0;
    else if (lesson)
        good = look_at_file(&lint, err) == 0;
    lesson_mistakes_free(&mistakes);
    if (!good)
        lint_free(report);
    if (report->count > 1)
        qsort(report->list, report->count, sizeof *report->list, by_line);
    if (read && good && report->counts[LINT_MISTAKE] == 0)
        return lesson;
    lesson_free(lesson);
    return NULL;
}

void lint_free(struct lint_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        free(report->list[i].what);
    free(report->list);
    lint_lines_free(report->linked, report->linked_count);
    *report = (struct lint_report){ 0 };
}

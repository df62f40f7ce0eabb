/* The block of a trap: a line a condition. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum trap_subject subject;
    const char *expects;
} subjects[] = {
    { "command", TRAP_COMMAND, "words: `mount ... $target`" },
    { "line", TRAP_LINE, "a pattern of the whole line" },
    { "status", TRAP_STATUS, "a number, `!0` or `unfinished`" },
    { "output", TRAP_OUTPUT, "a pattern of one line" },
    { "syscall", TRAP_SYSCALL, "NAME ERRNO, and maybe a pattern of the arguments" },
    { "fact", TRAP_FACT, "a fact and its arguments" },
};
#define SUBJECTS (sizeof subjects / sizeof *subjects)

struct line {
    int number;
    struct lesson_mistakes *mistakes;
    bool failed; /* out of memory */
};

static void wrong(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct line *line, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    line->failed |= lesson_mistakes_add(line->mistakes, line->number, "%s", what) < 0;
}

static void add_word(struct line *line, struct trap_alternative *alternative, const char *word, size_t len)
{
    char **grown = realloc(alternative->words, (alternative->count + 2) * sizeof *grown);
    char *copy = strndup(word, len);
    if (grown)
        alternative->words = grown;
    if (!grown || !copy) {
        free(copy);
        line->failed = true;
        return;
    }
    grown[alternative->count++] = copy;
    grown[alternative->count] = NULL;
}

static void add_words(struct line *line, struct trap_alternative *alternative, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        add_word(line, alternative, text, len);
        text += len;
    }
}

static void read_status(struct line *line, struct trap_alternative *alternative, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (strcmp(text, "!0") == 0)
        alternative->any_failure = true;
    else if (strcmp(text, "unfinished") == 0)
        alternative->number = DIAGNOSE_UNFINISHED;
    else if (end == text || *end || number < 0 || number > 255)
        wrong(line, "status `%s`, expected a number from 0 to 255, `!0` or `unfinished`", text);
    else
        alternative->number = (int)number;
}

static int error_number(const char *name)
{
    for (int i = 1; i < 256; i++) {
        const char *known = strerrorname_np(i);
        if (known && strcmp(known, name) == 0)
            return i;
    }
    return 0;
}

static void read_syscall(struct line *line, struct trap_alternative *alternative, char *text)
{
    char *rest = text, *name = strsep(&rest, " "), *error = rest ? strsep(&rest, " ") : NULL;
    alternative->number = error ? error_number(error) : 0;
    if (!alternative->number) {
        wrong(line, "syscall `%s`, expected its name and the name of an error: `pivot_root EINVAL`", text);
        return;
    }
    alternative->name = strdup(name);
    line->failed |= !alternative->name;
    if (rest && *rest)
        add_word(line, alternative, rest, strlen(rest));
}

static void read_fact(struct line *line, struct trap_alternative *alternative, char *text)
{
    char *rest = text, *name = strsep(&rest, " ");
    if (strcmp(name, "in") == 0 && rest) {
        char *root = strsep(&rest, " ");
        alternative->root = strdup(root);
        line->failed |= !alternative->root;
        name = rest ? strsep(&rest, " ") : NULL;
    }
    alternative->fact = name ? fact_find(name) : NULL;
    if (!alternative->fact) {
        wrong(line, "no fact is called `%s`; lessons.md lists them", name ? name : "");
        return;
    }
    if (rest)
        add_words(line, alternative, rest);
    size_t expected = fact_words(alternative->fact->arguments);
    if (alternative->count != expected)
        wrong(line, "the fact `%s` has %zu argument%s here, expected %s%s%s", name, alternative->count,
              alternative->count == 1 ? "" : "s", expected ? "`" : "none", alternative->fact->arguments,
              expected ? "`" : "");
}

static void read_alternative(struct line *line, struct trap_condition *condition, char *text)
{
    struct trap_alternative *grown =
        realloc(condition->alternatives, (condition->count + 1) * sizeof *condition->alternatives);
    if (!grown) {
        line->failed = true;
        return;
    }
    condition->alternatives = grown;
    struct trap_alternative *alternative = &grown[condition->count++];
    *alternative = (struct trap_alternative){ 0 };
    text += strspn(text, " ");
    size_t len = strlen(text);
    while (len && text[len - 1] == ' ')
        text[--len] = '\0';
    if (!len) {
        wrong(line, "nothing stands where a pattern is expected");
        return;
    }
    switch (condition->subject) {
    case TRAP_COMMAND:
        add_words(line, alternative, text);
        break;
    case TRAP_LINE:
    case TRAP_OUTPUT:
        add_word(line, alternative, text, len);
        break;
    case TRAP_STATUS:
        read_status(line, alternative, text);
        break;
    case TRAP_SYSCALL:
        read_syscall(line, alternative, text);
        break;
    case TRAP_FACT:
        read_fact(line, alternative, text);
        break;
    }
}

/* The next alternative of @rest, which ` | ` parts from the one after it. */
static char *next_alternative(char **rest)
{
    char *text = *rest, *bar = text ? strstr(text, " | ") : NULL;
    if (bar)
        *bar = '\0';
    *rest = bar ? bar + 3 : NULL;
    return text;
}

static void read_condition(struct line *line, struct trap *trap, char *text)
{
    char *colon = strchr(text, ':');
    size_t kind = 0;
    if (colon)
        *colon = '\0';
    while (kind < SUBJECTS && (!colon || strcmp(subjects[kind].name, text) != 0))
        kind++;
    if (kind == SUBJECTS) {
        wrong(line, "`%s`, expected `command:`, `line:`, `status:`, `output:`, `syscall:` or `fact:`", text);
        return;
    }
    if (trap->count && trap->conditions[trap->count - 1].subject == TRAP_FACT && subjects[kind].subject != TRAP_FACT)
        wrong(line, "`%s:` after `fact:`, expected the facts last: they are looked up when all else fits", text);
    struct trap_condition *grown = realloc(trap->conditions, (trap->count + 1) * sizeof *grown);
    if (!grown) {
        line->failed = true;
        return;
    }
    trap->conditions = grown;
    struct trap_condition *condition = &grown[trap->count++];
    *condition = (struct trap_condition){ .subject = subjects[kind].subject, .line = line->number };
    char *rest = colon + 1 + strspn(colon + 1, " "), *alternative;
    if (!*rest)
        wrong(line, "`%s:` and nothing, expected %s", text, subjects[kind].expects);
    if (strncmp(rest, "not ", 4) == 0) {
        condition->negated = true;
        rest += 4;
    }
    while ((alternative = next_alternative(&rest)) && !line->failed)
        read_alternative(line, condition, alternative);
}

static bool has(const struct trap *trap, enum trap_subject subject)
{
    for (size_t i = 0; i < trap->count; i++)
        if (trap->conditions[i].subject == subject && !trap->conditions[i].negated)
            return true;
    return false;
}

int trap_read_conditions(struct trap *trap, const char *body, int number, struct lesson_mistakes *mistakes)
{
    struct line line = { .number = number, .mistakes = mistakes };
    cleanup_free char *copy = strdup(body);
    char *rest = copy, *text;
    for (; !line.failed && (text = strsep(&rest, "\n")); line.number++)
        if (text[strspn(text, " ")])
            read_condition(&line, trap, text);
    line.number = number - 1; /* of the fence: there may be no line below it */
    if (copy && !line.failed && !has(trap, TRAP_COMMAND) && !has(trap, TRAP_LINE) && !has(trap, TRAP_OUTPUT))
        wrong(&line, "the trap `%s` would fit too much: expected a `command:`, a `line:` or an `output:`", trap->name);
    return copy && !line.failed ? 0 : -1;
}

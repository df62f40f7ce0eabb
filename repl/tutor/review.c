#include "repl/tutor/review.h"

#include "repl/tutor/explain.h"
#include "repl/tutor/markdown_out.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COMMANDS 8 /* of a step: the newest */
#define MOST_CALLS 10   /* of a command */

/* Different calls, in order. */
struct calls {
    char *list[MOST_CALLS];
    size_t count;
};

static void add_call(struct calls *calls, const char *call, size_t len)
{
    for (size_t i = 0; i < calls->count; i++)
        if (strlen(calls->list[i]) == len && memcmp(calls->list[i], call, len) == 0)
            return;
    char *copy = calls->count < MOST_CALLS && len ? strndup(call, len) : NULL;
    if (copy)
        calls->list[calls->count++] = copy;
}

static void free_calls(struct calls *calls)
{
    while (calls->count)
        free(calls->list[--calls->count]);
}

/* That a program was started is said by the command itself; that a call did what it was asked for goes without saying. */
static void add_seen(struct calls *calls, const char *call)
{
    static const char did_it[] = " = 0";
    size_t len = strlen(call), end = sizeof did_it - 1;
    bool did = len > end && strcmp(call + len - end, did_it) == 0;
    if (!did || strncmp(call, "execve(", 7) != 0)
        add_call(calls, call, did ? len - end : len);
}

/* "clone(SIGCHLD), wait4": parted at commas outside parentheses. A call of which only a part is known ("mount(…, "proc")") is known by its name alone. */
static void add_explained(struct calls *calls, const char *list)
{
    int depth = 0;
    const char *from = list;
    for (const char *at = list;; at++) {
        depth += *at == '(';
        depth -= *at == ')';
        if (*at && (*at != ',' || depth > 0))
            continue;
        size_t len = (size_t)(at - from), name = strcspn(from, "(");
        bool in_part = memmem(from, len, "…", strlen("…"));
        add_call(calls, from, in_part && name < len ? name : len);
        if (!*at)
            return;
        from = at + 1 + strspn(at + 1, " ");
    }
}

/* The calls every command makes, whatever it is for, say nothing of this one; and a name alone says nothing where the call is there with its arguments. */
static bool says_nothing(const struct calls *calls, size_t which)
{
    static const char *const common[] = { "execve", "openat", "read", "write", "close", "wait4", "dup2", "getdents64" };
    const char *call = calls->list[which];
    size_t len = strlen(call);
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(call, common[i]) == 0)
            return true;
    for (size_t i = 0; i < calls->count && !strchr(call, '('); i++)
        if (strncmp(calls->list[i], call, len) == 0 && calls->list[i][len] == '(')
            return true;
    return false;
}

static void drop_common(struct calls *calls)
{
    bool drop[MOST_CALLS];
    size_t kept = 0;
    for (size_t i = 0; i < calls->count; i++) /* first all of them: each is told by the others */
        drop[i] = says_nothing(calls, i);
    for (size_t i = 0; i < calls->count; i++)
        if (drop[i])
            free(calls->list[i]);
        else
            calls->list[kept++] = calls->list[i];
    calls->count = kept;
}

/* Returns whether the lens saw them. */
static bool calls_of(const struct journal_entry *entry, struct calls *calls)
{
    struct explanation explanation;
    for (size_t i = 0; entry->calls[i]; i++)
        add_seen(calls, entry->calls[i]);
    if (entry->calls[0])
        return true;
    if (explain_line(entry->text, &explanation) < 0)
        return false;
    for (size_t i = 0; i < explanation.count; i++)
        if (explanation.words[i].syscall)
            add_explained(calls, explanation.words[i].syscall);
    explanation_free(&explanation);
    drop_common(calls);
    return false;
}

static void put_command(FILE *out, const struct journal_entry *entry, bool *explained)
{
    struct calls calls = { .count = 0 };
    bool seen = calls_of(entry, &calls);
    fputs("- ", out);
    markdown_out_code(out, entry->text);
    if (entry->ended && !entry->nested && entry->status != 0)
        fprintf(out, " (status %d)", entry->status);
    for (size_t i = 0; i < calls.count; i++) {
        fputs(i ? ", " : ": ", out);
        markdown_out_code(out, calls.list[i]);
    }
    *explained |= calls.count && !seen;
    fputc('\n', out);
    free_calls(&calls);
}

/* A command typed again counts once, at its last time. */
static bool comes_again(const struct journal_record *record, size_t i)
{
    for (size_t k = i + 1; k < record->count; k++)
        if (record->entries[k].kind == JOURNAL_COMMAND && record->entries[k].step == record->entries[i].step &&
            strcmp(record->entries[k].text, record->entries[i].text) == 0)
            return true;
    return false;
}

static void put_commands(FILE *out, const struct journal_record *record, unsigned step, bool *explained)
{
    size_t newest[MOST_COMMANDS], count = 0;
    for (size_t i = record->count; i-- > 0 && count < MOST_COMMANDS;)
        if (record->entries[i].kind == JOURNAL_COMMAND && record->entries[i].step == step && !comes_again(record, i))
            newest[count++] = i;
    if (count)
        fputc('\n', out);
    while (count > 0)
        put_command(out, &record->entries[newest[--count]], explained);
}

char *review_text(const struct lesson *lesson, const struct journal_record *record, review_mark_fn *mark, void *data)
{
    static const char *const marks[] = {
        [REVIEW_OPEN] = " (not done yet)", [REVIEW_PASSED] = "", [REVIEW_SKIPPED] = " (skipped)"
    };
    char *text = NULL;
    size_t size;
    unsigned passed = 0;
    bool explained = false;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (unsigned i = 1; i <= lesson->step_count; i++)
        passed += mark(i, data) == REVIEW_PASSED;
    fprintf(out, "Passed: %u of %zu steps. What each has shown, what you typed, and what it asked the kernel for:\n",
            passed, lesson->step_count);
    for (unsigned i = 1; i <= lesson->step_count; i++) {
        const struct step *step = &lesson->steps[i - 1];
        fprintf(out, "\n## %u. ", i);
        markdown_out_words(out, step->title);
        fprintf(out, "%s\n", marks[mark(i, data)]);
        if (step->essence && mark(i, data) != REVIEW_OPEN) /* it would tell what the step is about to ask */
            fprintf(out, "\n%s\n", step->essence);
        put_commands(out, record, i, &explained);
    }
    if (explained)
        fputs("\nSyscalls are given as the words of a command become them where the lens has not seen it run.\n", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

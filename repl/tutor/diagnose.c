/* Which trap fits a command that failed, and its words. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 60 /* of output, the last ones */
#define LINE_MAX_LENGTH 600
#define FUEL 20000 /* steps that one pattern may take with one text */

/* What the traps are compared with. */
struct evidence {
    const struct diagnose_command *command;
    struct command_list list;
    char *output;
    char **lines;
    size_t line_count;
    struct observe_place place;
    bool placed, lost; /* the place was read; it cannot be */
    unsigned fuel;
};

struct attempt {
    const struct trap *trap;
    struct evidence *evidence;
    struct names names;
};

static bool fits(struct attempt *attempt, size_t at);

/* One condition holds with what has been found so far; of a negated one nothing further is asked. */
static bool go_on(struct attempt *attempt, size_t at)
{
    return attempt->trap->conditions[at].negated || fits(attempt, at + 1);
}

struct words {
    const struct trap_alternative *pattern;
    const struct simple_command *command;
    size_t count; /* of the command's words that take part */
    size_t condition;
};

static bool word_fits(struct attempt *attempt, const char *pattern, const struct command_word *word, bool first)
{
    struct names *names = &attempt->names;
    if (pattern[0] == '$' && name_length(pattern + 1) == strlen(pattern + 1) && pattern[1])
        return (word->text[0] != '-' || !word->text[1]) && *word->text &&
               names_set(names, pattern + 1, strlen(pattern + 1), word->text, strlen(word->text), word->certain);
    const char *text = first && !strchr(pattern, '/') ? last_part(word->text) : word->text;
    return pattern_matches(pattern, text, PATTERN_WORD, names, word->certain, &attempt->evidence->fuel);
}

static bool words_fit(struct attempt *attempt, const struct words *words, size_t p, size_t w)
{
    const char *pattern = words->pattern->words[p];
    unsigned had = attempt->names.count;
    if (attempt->evidence->fuel == 0)
        return false;
    attempt->evidence->fuel--;
    if (!pattern)
        return w == words->count && go_on(attempt, words->condition);
    if (strcmp(pattern, "...") == 0) {
        for (size_t skip = w; skip <= words->count; skip++)
            if (words_fit(attempt, words, p + 1, skip))
                return true;
        return false;
    }
    if (w < words->count && word_fits(attempt, pattern, &words->command->words[w], w == 0) &&
        words_fit(attempt, words, p + 1, w + 1))
        return true;
    attempt->names.count = had;
    return false;
}

static bool redirects(const struct trap_alternative *pattern)
{
    for (size_t i = 0; i < pattern->count; i++)
        if (strcmp(pattern->words[i], ">") == 0 || strcmp(pattern->words[i], "<") == 0)
            return true;
    return false;
}

static bool command_fits(struct attempt *attempt, const struct trap_alternative *pattern, size_t at)
{
    const struct command_list *list = &attempt->evidence->list;
    bool all = redirects(pattern);
    for (size_t i = 0; i < list->count; i++) {
        const struct simple_command *command = &list->commands[i];
        const struct words words = { pattern, command, all ? command->count : command->plain, at };
        attempt->evidence->fuel = FUEL;
        if (words_fit(attempt, &words, 0, 0))
            return true;
    }
    return false;
}

static bool text_fits(struct attempt *attempt, const char *pattern, const char *text, size_t at)
{
    unsigned had = attempt->names.count;
    attempt->evidence->fuel = FUEL;
    if (pattern_matches(pattern, text, PATTERN_TEXT, &attempt->names, true, &attempt->evidence->fuel) &&
        go_on(attempt, at))
        return true;
    attempt->names.count = had;
    return false;
}

static bool output_fits(struct attempt *attempt, const struct trap_alternative *pattern, size_t at)
{
    for (size_t i = 0; i < attempt->evidence->line_count; i++)
        if (text_fits(attempt, pattern->words[0], attempt->evidence->lines[i], at))
            return true;
    return false;
}

static bool status_fits(const struct trap_alternative *expected, int status)
{
    return expected->any_failure ? status != 0 && status != DIAGNOSE_UNFINISHED : status == expected->number;
}

static bool finds_names(const struct trap_alternative *pattern)
{
    for (const char *at = pattern->count ? pattern->words[0] : ""; *at; at++)
        if (*at == '$' && name_length(at + 1))
            return true;
    return false;
}

/* Where the lens saw no failure of this command, or there is none, what it would have seen is not known; the rest then has to be enough. */
static bool syscall_fits(struct attempt *attempt, const struct trap_alternative *pattern, size_t at)
{
    const struct diagnose_command *command = attempt->evidence->command;
    unsigned had = attempt->names.count;
    if (command->failure_count == 0)
        return !finds_names(pattern) && !attempt->trap->conditions[at].negated && go_on(attempt, at);
    for (size_t i = 0; i < command->failure_count; i++) {
        const struct lens_call *call = command->failures[i];
        attempt->names.count = had;
        attempt->evidence->fuel = FUEL;
        if (strcmp(call->name, pattern->name) == 0 && call->error == pattern->number &&
            (!pattern->count || pattern_matches(pattern->words[0], call->arguments, PATTERN_WORD, &attempt->names, true,
                                                &attempt->evidence->fuel)) &&
            go_on(attempt, at))
            return true;
    }
    attempt->names.count = had;
    return false;
}

/* @text with its names replaced, into @value. Names that stand for what the shell would have expanded are not certain. */
static bool expand(const struct names *names, const char *text, char value[VALUE_LENGTH], bool *certain)
{
    size_t len = 0;
    *certain = true;
    for (const char *at = text; *at; at++) {
        size_t name = *at == '$' ? name_length(at + 1) : 0;
        const struct name *found = name ? names_find(names, at + 1, name) : NULL;
        const char *bytes = found ? found->value : at;
        size_t count = found ? strlen(bytes) : 1;
        if (len + count >= VALUE_LENGTH)
            return false;
        memcpy(value + len, bytes, count);
        len += count;
        *certain = *certain && (!found || found->certain);
        at += found ? name : 0;
    }
    value[len] = '\0';
    return true;
}

static const struct observe_place *shell_place(struct evidence *evidence)
{
    if (!evidence->placed && !evidence->lost)
        evidence->lost = observe_place(evidence->command->shell, &evidence->place, NULL) < 0;
    evidence->placed = !evidence->lost;
    return evidence->placed ? &evidence->place : NULL;
}

static enum fact_answer ask(struct attempt *attempt, const struct trap_alternative *asked)
{
    struct evidence *evidence = attempt->evidence;
    const struct observe_place *place = shell_place(evidence);
    struct fact_call call = { .place = place,
                              .shell = place,
                              .pid = evidence->command->shell,
                              .lab = evidence->command->lab,
                              .line = evidence->command->line,
                              .quote = evidence->list.quote,
                              .names = &attempt->names };
    bool certain = true, all = true;
    char root[VALUE_LENGTH];
    if (!place)
        return FACT_UNKNOWN;
    for (size_t i = 0; i < asked->count; i++, all = all && certain)
        if (!expand(&attempt->names, asked->words[i], call.arguments[i], &certain))
            return FACT_UNKNOWN;
    if (!all || (asked->root && (!expand(&attempt->names, asked->root, root, &certain) || !certain)))
        return FACT_UNKNOWN;
    if (!asked->root)
        return asked->fact->holds(&call);
    struct observe_place inside = *place;
    cleanup_close int fd = fact_open(&call, root);
    if (fd < 0)
        return FACT_UNKNOWN;
    inside.root = fd;
    strcpy(inside.cwd, "/");
    call.place = &inside;
    return asked->fact->holds(&call);
}

static bool fact_fits(struct attempt *attempt, const struct trap_alternative *asked, size_t at)
{
    unsigned had = attempt->names.count;
    enum fact_answer answer = ask(attempt, asked);
    if (attempt->trap->conditions[at].negated) { /* found: what is asked for must not be; unknown counts as found */
        attempt->names.count = had;
        return answer != FACT_NO;
    }
    if (answer == FACT_YES && fits(attempt, at + 1))
        return true;
    attempt->names.count = had;
    return false;
}

static bool alternative_fits(struct attempt *attempt, const struct trap_alternative *alternative, size_t at)
{
    switch (attempt->trap->conditions[at].subject) {
    case TRAP_COMMAND:
        return command_fits(attempt, alternative, at);
    case TRAP_LINE:
        return text_fits(attempt, alternative->words[0], attempt->evidence->command->line, at);
    case TRAP_STATUS:
        return status_fits(alternative, attempt->evidence->command->status) && go_on(attempt, at);
    case TRAP_OUTPUT:
        return output_fits(attempt, alternative, at);
    case TRAP_SYSCALL:
        return syscall_fits(attempt, alternative, at);
    case TRAP_FACT:
        return fact_fits(attempt, alternative, at);
    }
    return false;
}

static bool fits(struct attempt *attempt, size_t at)
{
    if (at == attempt->trap->count)
        return true;
    const struct trap_condition *condition = &attempt->trap->conditions[at];
    unsigned had = attempt->names.count;
    bool found = false;
    for (size_t i = 0; i < condition->count && !found; i++)
        found = alternative_fits(attempt, &condition->alternatives[i], at);
    if (!condition->negated)
        return found;
    attempt->names.count = had;
    return !found && fits(attempt, at + 1);
}

/* A trap that says nothing of the status is about failures. */
static bool status_is_meant(const struct trap *trap, int status)
{
    for (size_t i = 0; i < trap->count; i++)
        if (trap->conditions[i].subject == TRAP_STATUS)
            return true;
    return status != 0 && status != DIAGNOSE_UNFINISHED;
}

static int read_evidence(const struct diagnose_command *command, struct evidence *evidence)
{
    *evidence = (struct evidence){ .command = command, .place = { .root = -1 } };
    evidence->output = strdup(command->output);
    evidence->lines = calloc(LINES_MAX, sizeof *evidence->lines);
    if (command_list_read(command->line, &evidence->list) < 0 || !evidence->output || !evidence->lines)
        return -1;
    size_t count = 0;
    for (char *rest = evidence->output, *line; (line = strsep(&rest, "\n"));) {
        if (strlen(line) > LINE_MAX_LENGTH)
            line[LINE_MAX_LENGTH] = '\0';
        if (*line)
            evidence->lines[count++ % LINES_MAX] = line;
    }
    evidence->line_count = count < LINES_MAX ? count : LINES_MAX;
    return 0;
}

static void free_evidence(struct evidence *evidence)
{
    command_list_free(&evidence->list);
    free(evidence->output);
    free(evidence->lines);
    if (evidence->placed)
        observe_place_free(&evidence->place);
}

/* What was found goes into Markdown, mostly into code spans: nothing in it may end one. */
static void put_value(FILE *out, const char *value)
{
    for (const char *at = value; *at; at++)
        if (*at == '`')
            fputc('\'', out);
        else if ((unsigned char)*at >= 0x20 && *at != 0x7f)
            fputc(*at, out);
}

static char *with_names(const char *text, const struct names *names)
{
    char *result = NULL;
    size_t len;
    FILE *out = open_memstream(&result, &len);
    if (!out)
        return NULL;
    for (const char *at = text; *at; at++) {
        size_t name = *at == '$' ? name_length(at + 1) : 0;
        const struct name *found = name ? names_find(names, at + 1, name) : NULL;
        if (found)
            put_value(out, found->value);
        else
            fputc(*at, out);
        at += found ? name : at[0] == '$' && at[1] == '$';
    }
    if (fclose(out) == 0)
        return result;
    free(result);
    return NULL;
}

static int say(const struct attempt *attempt, struct diagnosis *diagnosis)
{
    diagnosis->trap = attempt->trap->name;
    diagnosis->short_text = with_names(attempt->trap->short_text, &attempt->names);
    diagnosis->page = with_names(attempt->trap->page, &attempt->names);
    if (diagnosis->short_text && diagnosis->page)
        return 1;
    diagnosis_free(diagnosis);
    return -1;
}

int diagnose(const struct traps *traps, const struct diagnose_command *command, struct diagnosis *diagnosis,
             struct err *err)
{
    struct evidence evidence;
    cleanup_free struct attempt *attempt = calloc(1, sizeof *attempt);
    *diagnosis = (struct diagnosis){ 0 };
    int result = read_evidence(command, &evidence) == 0 && attempt ? 0 : -1;
    for (size_t i = 0; result == 0 && i < traps->count; i++) {
        attempt->trap = &traps->list[i];
        attempt->evidence = &evidence;
        attempt->names.count = 0;
        if (status_is_meant(attempt->trap, command->status) && fits(attempt, 0))
            result = say(attempt, diagnosis);
    }
    free_evidence(&evidence);
    return result < 0 ? err_set(err, ENOMEM, "diagnose `%.200s`", command->line) : result;
}

void diagnosis_free(struct diagnosis *diagnosis)
{
    free(diagnosis->short_text);
    free(diagnosis->page);
    *diagnosis = (struct diagnosis){ 0 };
}

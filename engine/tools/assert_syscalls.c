/* The claim about syscalls: what the lens of the lab's terminals saw since the step began. The session hands it on in the environment. */
#include "engine/tools/assert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line a call, its fields parted by tabs: terminal, process, name, "0" or errno's name or "?" (it has not returned), arguments. */
#define SEEN "TEACHROOT_SYSCALLS"
#define LACKS "TEACHROOT_LENS_LACKS" /* why there is no lens, if there is none */

struct wanted {
    const char *name, *error, *program, *text, *terminal; /* NULL: any */
    bool succeeded, failed;
};

struct seen_call {
    char *terminal, *program, *name, *error, *arguments;
};

/* The words after the name, in any order. False with claim->seen set. */
static bool read_wanted(struct claim *claim, struct wanted *wanted)
{
    char *const *word = claim->rest;
    wanted->name = claim->words[0];
    while (*word) {
        if (strcmp(*word, "succeeded") == 0) {
            wanted->succeeded = true;
            word++;
        } else if (strcmp(*word, "failed") == 0) {
            wanted->failed = true;
            if (*++word && **word == 'E')
                wanted->error = *word++;
        } else if (strcmp(*word, "by") == 0 && word[1]) {
            wanted->program = word[1];
            word += 2;
        } else if (strcmp(*word, "with") == 0 && word[1]) {
            wanted->text = word[1];
            word += 2;
        } else if (strcmp(*word, "from") == 0 && word[1] && strcmp(word[1], "terminal") == 0 && word[2]) {
            wanted->terminal = word[2];
            word += 3;
        } else {
            see(claim, CLAIM_WRONG,
                "`%.100s`: after `syscall %.32s` come `succeeded`, `failed`, `failed ERRNO`, `by PROGRAM`, `with TEXT` "
                "and `from terminal N`",
                *word, wanted->name);
            return false;
        }
    }
    return true;
}

static bool next_call(char **at, struct seen_call *call)
{
    char *line = strsep(at, "\n");
    char **fields[] = { &call->terminal, &call->program, &call->name, &call->error };
    for (size_t i = 0; line && i < sizeof fields / sizeof *fields; i++)
        *fields[i] = strsep(&line, "\t");
    call->arguments = line;
    return line != NULL;
}

/* As the kernel cuts a process's name. */
static bool is_program(const char *process, const char *program)
{
    const char *slash = strrchr(program, '/');
    return strncmp(process, slash ? slash + 1 : program, 15) == 0;
}

static bool is_of(const struct wanted *wanted, const struct seen_call *call)
{
    return strcmp(call->name, wanted->name) == 0 && (!wanted->program || is_program(call->program, wanted->program)) &&
           (!wanted->text || strstr(call->arguments, wanted->text)) &&
           (!wanted->terminal || strcmp(call->terminal, wanted->terminal) == 0);
}

static bool ended_as(const struct wanted *wanted, const struct seen_call *call)
{
    bool failed = *call->error == 'E', succeeded = *call->error == '0';
    if (wanted->succeeded || wanted->failed)
        return (wanted->succeeded && succeeded) ||
               (wanted->failed && failed && (!wanted->error || strcmp(wanted->error, call->error) == 0));
    return true;
}

static void describe(const struct wanted *wanted, char *text, size_t size)
{
    snprintf(text, size, "%.32s%s%.64s%s%.200s%s%s%.8s", wanted->name, wanted->program ? " by " : "",
             wanted->program ? wanted->program : "", wanted->text ? " with " : "", wanted->text ? wanted->text : "",
             wanted->terminal ? " from terminal" : "", wanted->terminal ? " " : "",
             wanted->terminal ? wanted->terminal : "");
}

enum verdict claim_syscall(struct claim *claim)
{
    struct wanted wanted = { .name = NULL };
    const char *value = getenv(SEEN), *lacks = getenv(LACKS);
    char what[400], last[300] = "";
    struct seen_call call;
    if (!read_wanted(claim, &wanted))
        return CLAIM_WRONG;
    char *copy = value || lacks ? strdup(value ? value : "") : NULL, *at = copy;
    if (!copy)
        return see(claim, CLAIM_UNKNOWN, "which syscalls were made is known only to the check of a lesson's step");
    describe(&wanted, what, sizeof what);
    enum verdict verdict = CLAIM_FAILS;
    while (verdict == CLAIM_FAILS && next_call(&at, &call)) {
        if (!is_of(&wanted, &call))
            continue;
        if (ended_as(&wanted, &call))
            verdict = CLAIM_HOLDS;
        else if (*last) /* the newest comes first, and tells most */
            continue;
        snprintf(last, sizeof last, "%.15s called %.32s(%.180s), which %s%.16s", call.program, call.name,
                 call.arguments,
                 *call.error == 'E'   ? "failed with "
                 : *call.error == '0' ? "succeeded"
                                      : "has not returned",
                 *call.error == 'E' ? call.error : "");
    }
    free(copy);
    if (verdict == CLAIM_FAILS && lacks)
        return see(claim, CLAIM_UNKNOWN, "which syscalls were made cannot be told, there is no lens: %.500s", lacks);
    return *last ? see(claim, verdict, "%s", last) : see(claim, verdict, "no %s was called in this step yet", what);
}

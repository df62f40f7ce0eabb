#include "repl/tutor/advice.h"

#include "repl/tutor/diagnose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX 64
#define LINE_SHOWN 200
#define FAILURES_MAX 64

struct advice {
    struct traps *traps;
    char *line; /* of the last command that failed, or that a trap fits; NULL: there was none */
    int status;
    struct diagnosis diagnosis; /* .trap NULL: none fits */
    struct said {
        const char *trap;
        char *line;
    } said[SAID_MAX]; /* in this step */
    size_t count;
};

struct advice *advice_new(struct err *err)
{
    struct traps *traps = traps_open(err);
    struct advice *advice = traps ? calloc(1, sizeof *advice) : NULL;
    if (traps && !advice) {
        traps_free(traps);
        err_set(err, ENOMEM, "read traps");
    }
    if (advice)
        advice->traps = traps;
    return advice;
}

void advice_step(struct advice *advice)
{
    for (size_t i = 0; i < advice->count; i++)
        free(advice->said[i].line);
    advice->count = 0;
}

void advice_free(struct advice *advice)
{
    if (!advice)
        return;
    advice_step(advice);
    diagnosis_free(&advice->diagnosis);
    traps_free(advice->traps);
    free(advice->line);
    free(advice);
}

/* Is this the first time? */
static bool remember(struct advice *advice)
{
    for (size_t i = 0; i < advice->count; i++)
        if (advice->said[i].trap == advice->diagnosis.trap && strcmp(advice->said[i].line, advice->line) == 0)
            return false;
    char *line = advice->count < SAID_MAX ? strdup(advice->line) : NULL;
    if (line)
        advice->said[advice->count++] = (struct said){ advice->diagnosis.trap, line };
    return true;
}

const char *advice_take(struct advice *advice, struct session *session)
{
    const struct session_evidence *evidence = session_evidence(session);
    struct diagnosis diagnosis;
    if (!evidence || !session_lab(session))
        return NULL;
    struct diagnose_command command = { .line = evidence->line,
                                        .status = evidence->status,
                                        .output = evidence->output,
                                        .shell = evidence->shell,
                                        .lab = lab_init_pid(session_lab(session)) };
    const struct lens *lens = session_lens(session, evidence->terminal);
    const struct lens_call *failures[FAILURES_MAX];
    command.failure_count =
        lens && evidence->command ? lens_failures(lens, evidence->command, failures, FAILURES_MAX) : 0;
    command.failures = failures;
    int found = diagnose(advice->traps, &command, &diagnosis, NULL);
    bool failed = evidence->status != 0 && evidence->status != SESSION_UNFINISHED;
    char *line = found > 0 || failed ? strdup(evidence->line) : NULL;
    if (!line) { /* it went well: what failed before it is still the last that did */
        diagnosis_free(&diagnosis);
        return NULL;
    }
    free(advice->line);
    diagnosis_free(&advice->diagnosis);
    advice->line = line;
    advice->status = evidence->status;
    advice->diagnosis = diagnosis;
    return found > 0 && !evidence->expected && remember(advice) ? diagnosis.short_text : NULL;
}

const char *advice_trap(const struct advice *advice)
{
    return advice->diagnosis.trap;
}

char *advice_page(const struct advice *advice)
{
    char *page = NULL, line[LINE_SHOWN + 1];
    int len;
    if (!advice->line)
        return strdup("No command has failed yet. When one does, `diagnose` tells what is known about it.");
    snprintf(line, sizeof line, "%.*s", (int)strcspn(advice->line, "\n"), advice->line);
    for (char *at = line; *at; at++)
        if (*at == '`')
            *at = '\'';
    if (advice->diagnosis.trap && advice->status == SESSION_UNFINISHED)
        len = asprintf(&page, "`%s` is not finished.\n\n%s\n\n%s\n", line, advice->diagnosis.short_text,
                       advice->diagnosis.page);
    else if (advice->diagnosis.trap)
        len = asprintf(&page, "`%s` ended with the status %d.\n\n%s\n\n%s\n", line, advice->status,
                       advice->diagnosis.short_text, advice->diagnosis.page);
    else
        len = asprintf(&page,
                       "`%s` ended with the status %d, and no known trap fits it.\n\nRead what it printed from its "
                       "first line on: that mostly names the file or the word it stumbled over. `why` tells what this "
                       "step waits for, `hint` helps.\n",
                       line, advice->status);
    return len < 0 ? NULL : page;
}

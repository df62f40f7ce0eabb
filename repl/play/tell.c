#include "repl/play/tell.h"

#include "engine/base/cleanup.h"
#include "repl/play/account.h"
#include "repl/play/redact.h"
#include "repl/play/sinks.h"
#include "repl/session/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINALS 10        /* numbered from 1 */
#define HELD_MAX (1u << 20) /* of a terminal's output; what is beyond is told before its block is over */

struct run_telling {
    struct text held[TERMINALS];
    struct block_result result; /* the last one, redacted; its strings are below */
    struct command_result *commands;
    struct text output;
};

/* malloc'ed, for what is said in a line or two. A check's own words may be in it, which are whatever bytes it printed: each format would have to take out what acts on a terminal, or is
 * not UTF-8. */
static char *plain(struct run *run, const char *text)
{
    cleanup_free char *clean = text ? account_text(text, strlen(text)) : NULL;
    return clean ? redact_text(run->redact, 0, clean, strlen(clean), NULL) : NULL;
}

static bool wanted(const struct run *run)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].format->output)
            return true;
    return false;
}

/* Whole lines only, unless @all. They are read also where nobody wants them: the same values get the same stand-ins then. */
static void tell_lines(struct run *run, unsigned terminal, bool all)
{
    struct text *held = &run->telling->held[terminal];
    const char *last = all || !held->len ? NULL : memrchr(held->data, '\n', held->len);
    size_t len = all ? held->len : last ? (size_t)(last + 1 - held->data) : 0, size;
    if (!len)
        return;
    cleanup_free char *redacted = redact_text(run->redact, terminal, held->data, len, &size);
    const char *line = redacted;
    while (redacted && wanted(run) && size) {
        const char *newline = memchr(line, '\n', size);
        size_t step = newline ? (size_t)(newline + 1 - line) : size;
        SINKS_TELL(run, output, terminal, line, step);
        line += step;
        size -= step;
    }
    memmove(held->data, held->data + len, held->len - len);
    held->len -= len;
}

void tell_held(struct run *run)
{
    for (unsigned i = 1; run->redact && i < TERMINALS; i++)
        tell_lines(run, i, true);
}

void tell_output(struct run *run, unsigned terminal, const char *bytes, size_t len)
{
    if (!run->redact) {
        SINKS_TELL(run, output, terminal, bytes, len);
        return;
    }
    if (terminal >= TERMINALS)
        return;
    struct text *held = &run->telling->held[terminal];
    text_append(held, bytes, len, SIZE_MAX);
    if (held->len > HELD_MAX)
        tell_lines(run, terminal, false);
    if (held->len > HELD_MAX) /* a line without an end */
        tell_lines(run, terminal, true);
}

void tell_lab(struct run *run, const struct lesson *lesson, struct lab *lab)
{
    char host[256];
    if (run->redact && lab && gethostname(host, sizeof host) == 0) {
        redact_name(run->redact, REDACT_LAB, lab_name(lab));
        redact_name(run->redact, REDACT_HOST, host);
    }
    SINKS_TELL(run, lesson, lesson, lab);
    sinks_flush(run);
}

void tell_block_begins(struct run *run, const struct step *step, const struct block *block)
{
    tell_held(run);
    unsigned terminal = block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
    if (block->body)
        redact_command(run->redact, terminal, block->body);
    SINKS_TELL(run, begin_block, step, block);
}

/* Each command's part by itself, as its place in the whole is told. */
static void redact_result(struct run *run, unsigned terminal, const struct block_result *result)
{
    struct run_telling *telling = run->telling;
    cleanup_free char *why = plain(run, result->why);
    telling->result = *result;
    snprintf(telling->result.why, sizeof telling->result.why, "%s", why ? why : "");
    text_clear(&telling->output);
    free(telling->commands);
    telling->commands = calloc(result->command_count + 1, sizeof *telling->commands);
    telling->result.commands = telling->commands;
    telling->result.command_count = telling->commands ? result->command_count : 0;
    for (size_t i = 0; i < telling->result.command_count; i++) {
        struct command_result *command = &telling->commands[i];
        *command = result->commands[i];
        cleanup_free char *part =
            redact_text(run->redact, terminal, result->output ? result->output + command->output_at : "",
                        command->output_len, &command->output_len);
        command->output_at = telling->output.len;
        text_append(&telling->output, part ? part : "", part ? command->output_len : 0, SIZE_MAX);
    }
    if (!result->command_count && result->output) {
        size_t len = 0;
        cleanup_free char *all = redact_text(run->redact, 0, result->output, strlen(result->output), &len);
        text_append(&telling->output, all ? all : "", all ? len : 0, SIZE_MAX);
    }
    telling->result.output = result->output ? telling->output.data : NULL;
}

const struct block_result *tell_block(struct run *run, const struct step *step, const struct block *block,
                                      const struct block_result *result)
{
    if (run->redact) {
        tell_held(run);
        redact_result(run, block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1, result);
        result = &run->telling->result;
    }
    SINKS_TELL(run, block, step, block, result);
    sinks_flush(run);
    return result;
}

void tell_before(struct run *run, const struct step *step, const char *said)
{
    cleanup_free char *text = plain(run, said);
    SINKS_TELL(run, before, step, text ? text : "");
    sinks_flush(run);
}

void tell_check(struct run *run, const struct step *step, bool passed, const char *said)
{
    cleanup_free char *text = plain(run, said);
    SINKS_TELL(run, check, step, passed, text ? text : "");
}

static void count(struct run_counts *counts, enum run_outcome outcome)
{
    size_t *const each[] = { &counts->passed, &counts->failed, &counts->skipped, &counts->not_run };
    ++*each[outcome];
}

void tell_done(struct run *run, const struct run_step *done)
{
    struct run_step told = *done;
    cleanup_free char *why = plain(run, done->why);
    told.why = why;
    if (run->redact)
        told.ms = 0;
    tell_held(run);
    count(&run->counts, done->outcome);
    for (size_t i = 0; i < run->sink_count; i++) {
        run->sinks[i].number++;
        count(&run->sinks[i].counts, done->outcome);
    }
    SINKS_TELL(run, done, &told);
    sinks_flush(run);
}

void run_message(struct run *run, const char *text)
{
    cleanup_free char *told = plain(run, text);
    SINKS_TELL(run, message, told ? told : "");
}

int tell_begin(struct run *run, struct err *err)
{
    if (!run->options->redact)
        return 0;
    run->redact = redact_new();
    run->telling = calloc(1, sizeof *run->telling);
    return run->redact && run->telling ? 0 : err_set(err, ENOMEM, "redact what is played");
}

void tell_end(struct run *run)
{
    for (unsigned i = 0; run->telling && i < TERMINALS; i++)
        text_free(&run->telling->held[i]);
    if (run->telling) {
        free(run->telling->commands);
        text_free(&run->telling->output);
    }
    free(run->telling);
    redact_free(run->redact);
    run->telling = NULL;
    run->redact = NULL;
}

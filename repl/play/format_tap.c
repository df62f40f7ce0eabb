/* TAP 13 with YAML diagnostics. See testanything.org. */
#include "engine/base/cleanup.h"
#include "repl/play/account.h"
#include "repl/play/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void tap_begin(struct run_sink *sink, size_t steps)
{
    fprintf(sink->out, "TAP version 13\n1..%zu\n", steps);
}

static void tap_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    fprintf(sink->out, "# %s (%s)\n", lesson->title ? lesson->title : lesson->path, lesson->path);
}

static void tap_message(struct run_sink *sink, const char *text)
{
    run_print_lines(sink->out, "# ", text);
}

/* A description must not hold what TAP reads: `#` begins a directive. */
static void print_description(FILE *out, const struct run_step *done)
{
    const char *const parts[] = { done->lesson->title ? done->lesson->title : done->lesson->path, ": ",
                                  done->step->title };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c; c++)
            fprintf(out, *c == '#' || *c == '\\' ? "\\%c" : "%c", *c == '\n' ? ' ' : *c);
}

/* A YAML double-quoted scalar, which has to be UTF-8. */
static void print_quoted(FILE *out, const char *bytes)
{
    cleanup_free char *text = account_text(bytes, strlen(bytes));
    fputc('"', out);
    for (const char *c = text; c && *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n' || *c == '\t')
            fputs(*c == '\n' ? "\\n" : "\\t", out);
        else
            fputc(*c, out);
    fputc('"', out);
}

static void print_key(FILE *out, const char *key, const char *text)
{
    fprintf(out, "  %s: ", key);
    print_quoted(out, text);
    fputc('\n', out);
}

static void print_diagnostics(FILE *out, const struct run_step *done)
{
    const struct block_result *result = done->result;
    fprintf(out, "  ---\n");
    print_key(out, "message", done->why);
    fprintf(out, "  severity: fail\n");
    print_key(out, "file", done->lesson->path);
    fprintf(out, "  line: %d\n", run_failed_line(done));
    if (result && result->command_count)
        print_key(out, "command", result->commands[result->command_count - 1].command);
    if (result && WIFEXITED(result->wait_status))
        fprintf(out, "  status: %d\n", WEXITSTATUS(result->wait_status));
    if (result && result->output)
        print_key(out, "output", result->output);
    fprintf(out, "  duration_ms: %u\n  ...\n", done->ms);
}

static void print_point(struct run_sink *sink, const struct run_step *done)
{
    fprintf(sink->out, "%sok %u - ", done->outcome == RUN_STEP_FAILED ? "not " : "", sink->number);
    print_description(sink->out, done);
}

static void tap_done(struct run_sink *sink, const struct run_step *done)
{
    print_point(sink, done);
    if (done->outcome == RUN_STEP_SKIPPED || done->outcome == RUN_STEP_NOT_RUN)
        fprintf(sink->out, " # SKIP %s", done->why ? done->why : "");
    fputc('\n', sink->out);
    if (done->outcome == RUN_STEP_FAILED)
        print_diagnostics(sink->out, done);
}

const struct run_format run_tap = { .name = "tap",
                                    .what = "TAP 13, a test point a step",
                                    .suffix = ".tap",
                                    .begin = tap_begin,
                                    .lesson = tap_lesson,
                                    .done = tap_done,
                                    .message = tap_message };

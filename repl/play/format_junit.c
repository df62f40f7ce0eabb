/* JUnit XML: a test suite a lesson, a test case a step, as Jenkins, GitLab and the others read it: what is not run counts as skipped. A suite's figures stand before its cases, so those
 * are held until the lesson is over; what a step printed is held to OUTPUT_MAX.
 */
#include "repl/play/formats.h"

#include "repl/play/json_line.h"
#include "repl/session/job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OUTPUT_MAX (64u * 1024)

struct junit {
    const struct lesson *lesson; /* of the suite at hand; NULL: none */
    char *name;
    struct run_counts before; /* its first step */
    struct text output;       /* of the step at hand */
    size_t left_out;          /* bytes of it */
    struct text said;         /* of the suite: what went wrong beside the steps */
    char *cases;
    size_t cases_size;
    FILE *out; /* to cases */
    unsigned ms;
};

/* XML 1.0 has no place for control characters, not even escaped, nor for U+FFFE and U+FFFF: they are left out; what is not UTF-8 becomes U+FFFD. */
static void put_xml(FILE *out, const char *text, size_t len, bool attribute)
{
    static const char *const escapes[256] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;" };
    bool cut;
    while (len) {
        size_t whole = utf8_whole(text, len, &cut);
        for (size_t i = 0; i < whole; i++) {
            unsigned char c = (unsigned char)text[i];
            if (i + 2 < whole && (memcmp(text + i, "\xef\xbf\xbe", 3) == 0 || memcmp(text + i, "\xef\xbf\xbf", 3) == 0))
                i += 2;
            else if (escapes[c])
                fputs(escapes[c], out);
            else if (attribute && (c == '\n' || c == '\t'))
                fprintf(out, "&#%d;", c);
            else if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
                putc(c, out);
        }
        if (whole < len)
            fputs("\xef\xbf\xbd", out);
        whole += whole < len;
        text += whole;
        len -= whole;
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_xml(out, value, strlen(value), true);
    putc('"', out);
}

static void put_element(FILE *out, const char *name, const char *text, size_t len)
{
    fprintf(out, "<%s>", name);
    put_xml(out, text, len, false);
    fprintf(out, "</%s>\n", name);
}

static void junit_begin(struct run_sink *sink, size_t steps)
{
    struct junit *junit = calloc(1, sizeof *junit);
    sink->data = junit;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"teachroot\">\n", sink->out);
}

static void put_suite(struct run_sink *sink)
{
    struct junit *junit = sink->data;
    size_t failed = sink->counts.failed - junit->before.failed;
    size_t skipped = sink->counts.skipped + sink->counts.not_run - junit->before.skipped - junit->before.not_run;
    size_t passed = sink->counts.passed - junit->before.passed;
    FILE *out = sink->out;
    fputs("<testsuite", out);
    put_attribute(out, "name", junit->lesson->title ? junit->lesson->title : junit->name);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%u.%03u\"",
            passed + failed + skipped, failed, skipped, junit->ms / 1000, junit->ms % 1000);
    time_t now = time(NULL);
    struct tm tm;
    char when[32];
    if (!sink->run->redact && gmtime_r(&now, &tm) && strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm))
        put_attribute(out, "timestamp", when);
    put_attribute(out, "file", junit->lesson->path);
    fputs(">\n", out);
    if (junit->cases)
        fwrite(junit->cases, 1, junit->cases_size, out);
    if (junit->said.len)
        put_element(out, "system-err", junit->said.data, junit->said.len);
    fputs("</testsuite>\n", out);
}

static void end_suite(struct run_sink *sink)
{
    struct junit *junit = sink->data;
    if (junit->out)
        sink->failed |= fclose(junit->out) != 0;
    junit->out = NULL;
    if (junit->lesson)
        put_suite(sink);
    free(junit->cases);
    free(junit->name);
    junit->lesson = NULL;
    junit->cases = junit->name = NULL;
    text_clear(&junit->said);
    text_clear(&junit->output);
}

static void junit_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct junit *junit = sink->data;
    if (!junit)
        return;
    end_suite(sink);
    junit->lesson = lesson;
    junit->name = run_lesson_name(lesson);
    junit->before = sink->counts;
    junit->ms = 0;
    junit->out = open_memstream(&junit->cases, &junit->cases_size);
    sink->failed |= !junit->out;
}

static void add(struct junit *junit, const char *bytes, size_t len)
{
    size_t before = junit->output.len;
    text_append(&junit->output, bytes, len, OUTPUT_MAX);
    junit->left_out += len - (junit->output.len - before);
}

static void junit_block(struct run_sink *sink, const struct step *step, const struct block *block,
                        const struct block_result *result)
{
    struct junit *junit = sink->data;
    for (size_t i = 0; junit && i < result->command_count; i++) {
        const struct command_result *command = &result->commands[i];
        add(junit, "$ ", 2);
        add(junit, command->command, strlen(command->command));
        add(junit, "\n", 1);
        if (result->output)
            add(junit, result->output + command->output_at, command->output_len);
    }
    if (junit && !result->command_count && result->output)
        add(junit, result->output, strlen(result->output));
}

static void put_failure(FILE *out, const struct run_step *done)
{
    char first[512];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(done->why, "\n"), done->why);
    fputs("<failure", out);
    put_attribute(out, "message", first);
    put_attribute(out, "type", !done->block ? "check" : !done->result->matched_exit ? "exit" : "output");
    fprintf(out, ">");
    put_xml(out, done->why, strlen(done->why), false);
    fputs("</failure>\n", out);
}

static void junit_done(struct run_sink *sink, const struct run_step *done)
{
    struct junit *junit = sink->data;
    if (!junit || !junit->out)
        return;
    char name[512];
    snprintf(name, sizeof name, "%u. %s", done->step->number, done->step->title);
    fputs("<testcase", junit->out);
    put_attribute(junit->out, "name", name);
    put_attribute(junit->out, "classname", junit->name ? junit->name : "");
    put_attribute(junit->out, "file", done->lesson->path);
    fprintf(junit->out, " line=\"%d\" time=\"%u.%03u\">\n",
            done->outcome == RUN_STEP_FAILED ? run_failed_line(done) : done->step->line, done->ms / 1000,
            done->ms % 1000);
    if (done->outcome == RUN_STEP_FAILED)
        put_failure(junit->out, done);
    if (done->outcome == RUN_STEP_SKIPPED || done->outcome == RUN_STEP_NOT_RUN) {
        fputs("<skipped", junit->out);
        put_attribute(junit->out, "message", done->why ? done->why : "");
        fputs("/>\n", junit->out);
    }
    if (junit->left_out) {
        char more[64];
        int len = snprintf(more, sizeof more, "\n… and %zu bytes more\n", junit->left_out);
        text_append(&junit->output, more, (size_t)len, SIZE_MAX);
    }
    if (junit->output.len)
        put_element(junit->out, "system-out", junit->output.data, junit->output.len);
    fputs("</testcase>\n", junit->out);
    text_clear(&junit->output);
    junit->left_out = 0;
    junit->ms += done->ms;
}

static void junit_message(struct run_sink *sink, const char *text)
{
    struct junit *junit = sink->data;
    if (!junit)
        return;
    text_append(&junit->said, text, strlen(text), OUTPUT_MAX);
    text_append(&junit->said, "\n", 1, OUTPUT_MAX);
}

static void junit_end(struct run_sink *sink)
{
    if (sink->data)
        end_suite(sink);
    fputs("</testsuites>\n", sink->out);
}

static void junit_drop(struct run_sink *sink)
{
    struct junit *junit = sink->data;
    if (!junit)
        return;
    if (junit->out)
        fclose(junit->out);
    free(junit->cases);
    free(junit->name);
    text_free(&junit->output);
    text_free(&junit->said);
    free(junit);
}

const struct run_format run_junit = { .name = "junit",
                                      .what = "JUnit XML, a test case a step",
                                      .suffix = ".xml",
                                      .whole = true,
                                      .begin = junit_begin,
                                      .lesson = junit_lesson,
                                      .block = junit_block,
                                      .done = junit_done,
                                      .message = junit_message,
                                      .end = junit_end,
                                      .drop = junit_drop };

/* output_cases.txt: what an `output` block's patterns match and what they do not, a case each, read and tried as a lesson's own. */
#include "repl/lesson/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LEAST_CASES 200

/* A case: `=== NAME: WHAT`, the patterns, `---`, the output. */
struct output_case {
    int line;
    char name[160], what[160];
    char patterns[4096], output[4096];
};

static void add_line(char *to, size_t size, const char *line)
{
    size_t len = strlen(to);
    assert_true(len + strlen(line) + 2 < size);
    snprintf(to + len, size - len, "%s\n", line);
}

/** The next case. False at the end of the file. */
static bool next_case(FILE *file, int *number, char *line, size_t size, struct output_case *at)
{
    if (strncmp(line, "=== ", 4) != 0)
        return false;
    memset(at, 0, sizeof *at);
    at->line = *number;
    char *colon = strstr(line, ": ");
    assert_non_null(colon);
    snprintf(at->name, sizeof at->name, "%.*s", (int)(colon - line - 4), line + 4);
    snprintf(at->what, sizeof at->what, "%s", colon + 2);
    bool output = false;
    while (fgets(line, (int)size, file)) {
        ++*number;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "=== ", 4) == 0)
            break;
        if (strncmp(line, "%%% ", 4) == 0) /* a heading */
            continue;
        if (!output && strcmp(line, "---") == 0)
            output = true;
        else if (output)
            add_line(at->output, sizeof at->output, line);
        else
            add_line(at->patterns, sizeof at->patterns, line);
    }
    if (!output)
        fail_msg("line %d: a case without ---", at->line);
    return true;
}

/* WHAT: `matches`; `matches without a newline` at the output's end; `differs, WORDS` of what is said; `refused, WORDS` of what is said of the lesson. */
static void try_case(struct output_case *at)
{
    char text[8192];
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 }, why = { 0 };
    snprintf(text, sizeof text, "## S\n\n```bash\nx\n```\n~~~output\n%s~~~\n\n<!-- check\ntrue\n-->\n", at->patterns);
    struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
    if (strncmp(at->what, "refused, ", 9) == 0) {
        if (lesson || mistakes.count != 1 || !strstr(mistakes.list[0].what, at->what + 9))
            fail_msg("line %d: %s: `%s`, expected `%s`", at->line, at->name,
                     mistakes.count ? mistakes.list[0].what : "not refused", at->what + 9);
        lesson_mistakes_free(&mistakes);
        return;
    }
    if (!lesson) {
        fail_msg("line %d: %s: refused: %s", at->line, at->name, mistakes.count ? mistakes.list[0].what : err.message);
        return;
    }
    if (strcmp(at->what, "matches without a newline") == 0)
        at->output[strlen(at->output) - 1] = '\0';
    bool matches = block_output_matches(&lesson->steps[0].blocks[0], at->output, &why);
    bool expected = strncmp(at->what, "matches", 7) == 0;
    if (!expected && strncmp(at->what, "differs, ", 9) != 0)
        fail_msg("line %d: %s: `%s` is no outcome", at->line, at->name, at->what);
    if (matches != expected)
        fail_msg("line %d: %s: %s", at->line, at->name, matches ? "matches" : why.message);
    if (!matches && !strstr(why.message, at->what + 9))
        fail_msg("line %d: %s: says `%s`, expected `%s`", at->line, at->name, why.message, at->what + 9);
    lesson_free(lesson);
}

static void outputs_match_as_the_corpus_says(void **state)
{
    char path[4096], line[4096] = "";
    static struct output_case at;
    const char *source = getenv("TEACHROOT_SOURCE");
    snprintf(path, sizeof path, "%s/tests/unit/output_cases.txt", source ? source : ".");
    FILE *file = fopen(path, "re");
    size_t count = 0;
    int number = 0;
    assert_non_null(file);
    while (strncmp(line, "=== ", 4) != 0 && fgets(line, sizeof line, file)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
    }
    for (; next_case(file, &number, line, sizeof line, &at); count++)
        try_case(&at);
    assert_true(feof(file) && count >= LEAST_CASES);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(outputs_match_as_the_corpus_says) };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a block must print: patterns, counts, and what is said of the first difference. */
#include "repl/lesson/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static struct lesson *parse(const char *patterns)
{
    static char text[1 << 16];
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    snprintf(text, sizeof text, "## S\n\n```bash\nx\n```\n```output\n%s```\n\n<!-- check\ntrue\n-->\n", patterns);
    struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
    if (!lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0,
                 mistakes.count ? mistakes.list[0].what : err.message);
    return lesson;
}

/* @why "" : it matches; else a part of what must be said. */
static const struct {
    const char *patterns, *output, *why;
} rows[] = {
    { "a\nb\n", "a\nb\n", "" },
    { "a\nb\n", "a\nb", "" },
    { "a\nb\n", "a\n", "the output ends after line 1, expected `b` next" },
    { "a\n", "a\nb\n", "line 2 of the output is `b`, expected no more lines" },
    { "a\n", "", "there was no output, expected `a`" },
    { "", "", "" },
    { "", "x\n", "line 1 of the output is `x`, expected no more lines" },
    { "1\n[0-9]+ (re)\n", "1\n42\n", "" },
    { "1\n[0-9]+ (re)\n", "1\n42 \n", "line 2 of the output is `42 `, expected `[0-9]+` (re)" },
    { "a|b (re)\n", "ab\n", "line 1" },
    { "*.so.? (glob)\n", "libc.so.6\n", "" },
    { "*.so.? (glob)\n", "libc.so.66\n", "line 1" },
    { "[a-cx] (glob)\n", "b\n", "" },
    { "[!a-cx] (glob)\n", "b\n", "line 1" },
    { "[]] (glob)\n", "]\n", "" },
    { "[a (glob)\n", "[a\n", "" },
    { "\\*? (glob)\n", "*é\n", "" },
    { "[à-ü] (glob)\n", "é\n", "" },
    { "a*b*c (glob)\n", "axbxbxc\n", "" },
    { "* (glob+)\nend\n", "end\n", "the output ends after line 1, expected `end` next" },
    { "* (glob+)\nend\n", "x\nend\nend\n", "" },
    { "x.* (re*)\nend\n", "end\n", "" },
    { "x.* (re*)\nend\n", "x1\nx2\nend\n", "" },
    { "x.* (re?)\nend\n", "x1\nx2\nend\n", "line 2 of the output is `x2`, expected `end`" },
    { "...\n", "", "" },
    { "...\nb\n...\n", "a\nb\nc\n", "" },
    { "...\nb\n...\n", "a\nc\n", "expected `b` next" },
    { "a\n...\nb\n", "a\nb\nb\nc\nb\n", "" },
    { "... (literal)\n", "...\n", "" },
    { "... (literal)\n", "x\n", "expected `...`" },
    { "x (re) (literal+)\n", "x (re)\nx (re)\n", "" },
    { "f(x) (y)\n", "f(x) (y)\n", "" },
    { "\n\na\n", "\n\na\n", "" },
};

static void patterns_match_lines_and_differences_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lesson *lesson = parse(rows[i].patterns);
        struct err why = { 0 };
        bool matches = block_output_matches(&lesson->steps[0].blocks[0], rows[i].output, &why);
        if (matches != (rows[i].why[0] == '\0'))
            fail_msg("row %zu: <%s> against <%s>: %s", i, rows[i].output, rows[i].patterns,
                     matches ? "matches" : why.message);
        if (!matches && !strstr(why.message, rows[i].why))
            fail_msg("row %zu says `%s`, expected `%s`", i, why.message, rows[i].why);
        lesson_free(lesson);
    }
}

static void a_block_without_an_output_may_print_anything(void **state)
{
    (void)state;
    struct block block = { 0 };
    assert_true(block_output_matches(&block, "anything\n", NULL));
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Patterns that a matcher which tries one way after another would need longer than the universe for. */
static void no_pattern_takes_exponential_time(void **state)
{
    (void)state;
    static char patterns[4096], output[40000];
    for (int i = 0; i < 50; i++)
        strcat(patterns, "...\na* (glob*)\n");
    strcat(patterns, "a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b (glob)\n(a|aa)+(a|aa)+(a|aa)+c (re)\nend\n");
    for (int i = 0; i < 300; i++)
        strcat(output, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
    struct lesson *lesson = parse(patterns);
    double start = seconds();
    struct err why = { 0 };
    assert_false(block_output_matches(&lesson->steps[0].blocks[0], output, &why));
    assert_true(seconds() - start < 5);
    lesson_free(lesson);
}

static void a_wait_is_searched_for_anywhere(void **state)
{
    (void)state;
    assert_true(lesson_regex_found("^login: *$", "Debian\nlogin: \n"));
    assert_false(lesson_regex_found("^login: *$", "my login: \n"));
    assert_false(lesson_regex_found("(", "("));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_lines_and_differences_are_named),
        cmocka_unit_test(a_block_without_an_output_may_print_anything),
        cmocka_unit_test(no_pattern_takes_exponential_time),
        cmocka_unit_test(a_wait_is_searched_for_anywhere),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a lesson's author is told without a run: each rule finds its fault, on its line, and is quiet about what is right; and the lessons themselves are clean. */
#include "engine/observe/host.h"
#include "repl/lesson/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A step that nothing can be said against, and how many lines it has. */
#define AFTER 22
#define HINT "<details><summary>Hint</summary>\n\nType it.\n\n</details>\n\n"
#define REST HINT "<!-- essence: It is. -->\n\n<!-- notes\n1 minute.\n-->\n\n"
#define CHECK "<!-- check\ntest -e /x\n-->\n\n"
#define STEP "## S\n\n```bash\ntouch /x\n```\n\n" CHECK REST
#define LONG40 "0123456789012345678901234567890123456789"

static char dir[] = "/tmp/teachroot-lint.XXXXXX";

static const struct row {
    const char *text;
    int line;         /* 0: nothing is found */
    const char *rule; /* "": a mistake */
    const char *what; /* is in it */
} rows[] = {
    { STEP, 0, NULL, NULL },
    /* links */
    { STEP "[x](other.md)\n", AFTER + 1, "link", "leads to" },
    { STEP "[x](there.md) [x](sub/) [x](there.md#a-heading-1) [x](there.md#id) [x](./there.md?plain=1)\n", 0, NULL,
      NULL },
    { STEP "Two\nlines: [x](there.md#a-headin)\n", AFTER + 2, "link", "did you mean `a-heading`?" },
    { STEP "[x](there.md#hidden)\n", AFTER + 1, "link", "leads to no heading of `" },
    { STEP "[x](#s) [x](#top) [x](#)\n", 0, NULL, NULL },
    { STEP "[x](#t)\n", AFTER + 1, "link", "`#t` leads to no heading" },
    { "# Ganz schön: „viel“ & `x_y` – 1.2!\n\n" STEP "[x](#ganz-sch\303\266n-viel--x_y--12)\n", 0, NULL, NULL },
    { STEP "[x]()\n", AFTER + 1, "link", "leads nowhere" },
    { STEP "[x](/etc/passwd)\n", AFTER + 1, "absolute-link", "begins at `/`" },
    { STEP "[a](https://x.org/y?z#w) <https://x.org> [b](http://u@h:80/) [c](http://[::1]:8/) [d](mailto:a@b)\n", 0,
      NULL, NULL },
    { STEP "[x](https:/x.org)\n", AFTER + 1, "link", "names no host" },
    { STEP "[x](http://)\n", AFTER + 1, "link", "names no host" },
    { STEP "[x](http://a..b/)\n", AFTER + 1, "link", "names no host" },
    { STEP "[x](http://a:8o/)\n", AFTER + 1, "link", "names no host" },
    { STEP "[x](<http://a/b c>)\n", AFTER + 1, "link", "expected it as %20" },
    { STEP "[x](htpps://a/)\n", AFTER + 1, "link", "did you mean `https`?" },
    { STEP "[x](//a/)\n", AFTER + 1, "link", "no `https:`" },
    { STEP "[x](mailto:a)\n", AFTER + 1, "link", "no mail address" },
    { STEP "See [this][that].\n", AFTER + 1, "reference", "expected a line `[that]: ADDRESS`" },
    { STEP "See [this][that], `[a][b]`.\n\n[that]: there.md\n", 0, NULL, NULL },
    { "## S\n\n```bash\ntouch /x\n```\n\n" CHECK HINT
      "<!-- essence: E. -->\n\n<!-- notes\n1 minute.\n[x](gone.md)\n-->\n",
      21, "link", "gone.md" },
    /* images */
    { STEP "![](there.md)\n", AFTER + 1, "image-alt", "does not say what it shows" },
    { STEP "![It](there.md)\n", 0, NULL, NULL },
    { STEP "![It](no.png)\n", AFTER + 1, "link", "no.png" },
    { STEP "a <img src=\"x\"> b\n", AFTER + 1, "image-alt", "alt=" },
    { STEP "<p>\n<img alt=\"\" src=\"x\">\n<img src=\"y\">\n</p>\n", AFTER + 3, "image-alt", "alt=" },
    /* lines */
    { STEP "```text\n" LONG40 "01234567890123456789012345678901234567\n```\n", 0, NULL, NULL },
    { STEP "```text\nx\n" LONG40 LONG40 "\n```\n", AFTER + 3, "long-line", "a line of code of 80 columns" },
    { STEP "Text.\n\n    x\n    " LONG40 LONG40 "\n", AFTER + 4, "long-line", "a line of code of 80 columns" },
    { STEP LONG40 " " LONG40 " " LONG40 "\n", 0, NULL, NULL },
    { STEP "```bash |{\"hidden\":\"true\"}\n: " LONG40 LONG40 "\n```\n", 0, NULL, NULL },
    { STEP "```bash\ntrue\n```\n```output\n" LONG40 LONG40 "1\n```\n", AFTER + 5, "long-line",
      "a line of output of 81" },
    { STEP "```bash\ntrue\n```\n```output\n" LONG40 LONG40 " (glob)\n```\n", 0, NULL, NULL },
    { STEP "```text\n\t\t\t\t\t\t\t\t\t12345678\n```\n", AFTER + 2, "long-line", "80 columns" },
    { STEP "```quiz\nQ?\n( ) no — n\n(x) " LONG40 " " LONG40 " — y\n```\n", AFTER + 4, "long-line", "an answer of 81" },
    { STEP "```quiz\nQ?\n( ) no — " LONG40 " " LONG40 "\n(x) yes — y\n```\n", 0, NULL, NULL },
    { STEP "| a | b |\n|--|--|\n| " LONG40 " | " LONG40 " |\n", AFTER + 1, "long-line", "a table" },
    { STEP "| a | b |\n|--|--|\n| " LONG40 " x y z | two words and two words and more words of them |\n", 0, NULL,
      NULL },
    /* misspelt */
    { STEP "```bsah\ntrue\n```\n", AFTER + 1, "misspelt", "did you mean `bash`?" },
    { STEP "```zsh\ntrue\n```\n", 0, NULL, NULL },
    { STEP "<!-- esence: x -->\n", AFTER + 1, "misspelt", "did you mean `essence`?" },
    { STEP "<!-- Check\ntrue\n-->\n", AFTER + 1, "misspelt", "did you mean `check`?" },
    { STEP "<!-- note: nothing to us -->\n", 0, NULL, NULL },
    { "---\ntitl: x\n---\n" STEP, 2, "", "did you mean `title`?" },
    { STEP "```bash |{\"termnal\":\"2\"}\ntrue\n```\n", AFTER + 1, "", "did you mean `terminal`?" },
    { STEP "```bash |{\"type\":\"scirpt\"}\ntrue\n```\n", AFTER + 1, "", "did you mean `script`?" },
    { STEP "<!-- chek\ntrue\n-->\n", AFTER + 1, "", "did you mean `check`?" },
    { STEP "Text.\n\n```output\nx\n```\n", AFTER + 3, "", "an `output` block after no command" },
    /* what a step has */
    { STEP "## T\n\n```bash\ntrue\n```\n\n" REST, AFTER + 1, "check", "step 2 has no check" },
    { STEP "## T\n\nOnly words.\n\n" REST, 0, NULL, NULL },
    { "## S\n\n```bash\ntouch /x\n```\n\n" CHECK "<!-- essence: E. -->\n\n<!-- notes\nx\n-->\n", 1, "hint",
      "step 1 has no hint" },
    { "## S\n\n```bash\ntouch /x\n```\n\n" CHECK HINT "<!-- essence: E. -->\n", 1, "notes", "step 1 has no notes" },
    { "## S\n\n```bash\ntouch /x\n```\n\n" CHECK HINT "<!-- notes\nx\n-->\n", 1, "essence", "step 1 has no essence" },
    /* quizzes */
    { STEP "```quiz\nQ?\n( ) no\n(x) yes — y\n```\n", AFTER + 3, "wrong-reason", "the wrong answer `no`" },
    { STEP "```quiz\nQ?\n( ) no — n\n(x) yes\n```\n", AFTER + 4, "right-reason", "the right answer `yes`" },
    { STEP "```quiz\nQ?\n[ ] no — n\n[x] yes\n```\n", 0, NULL, NULL },
    { STEP "```quiz\nQ?\ntext: /a/\n```\n", AFTER + 3, "right-reason", "the typed answer" },
    /* ways */
    { STEP "## T\n\n<!-- needs: 9.1 -->\n\n" REST, AFTER + 3, "needs", "there is no lesson 9" },
    { STEP "## T\n\n<!-- needs: 1.99 -->\n\n" REST, AFTER + 3, "needs", "lesson 1 has steps 1 to " },
    { STEP "## T\n\n<!-- needs: 1.1, 0 -->\n\n" REST, 0, NULL, NULL },
    { "## S\n\n<!-- requires: qemu -->\n\nWords.\n\n" REST STEP "## T\n\n<!-- needs: 33.1 -->\n\n" REST, 43,
      "needs-requires", "requires `qemu`" },
    { "## S\n\n<!-- requires: qemu -->\n\nWords.\n\n" REST STEP
      "## T\n\n<!-- needs: 33.1 -->\n\n<!-- requires: qemu, strace -->\n\n" REST,
      0, NULL, NULL },
    { "## S\n\n```bash |{\"replay\":\"skip\"}\ntouch /x\n```\n\n" CHECK REST "## T\n\n<!-- needs: 33.1 -->\n\n" REST,
      25, "unreachable", "left out by a replay" },
    { STEP "## T\n\nTask.\n\n" CHECK REST, AFTER + 5, "unreachable", "step 2 has a check and no commands" },
    { STEP "```bash |{\"interactive\":\"true\"}\nvi\n```\n", AFTER + 1, "unreachable",
      "an interactive block without `keys`" },
    { STEP "## T\n\n```bash |{\"requires\":\"qemu\"}\ntrue\n```\n\n" CHECK REST, AFTER + 3, "needs-requires",
      "every block of step 2 requires `qemu`" },
    { STEP "## T\n\n```bash\ntrue\n```\n\n<!-- check\ntrue\nassert hostname of 2 x && assert pid\n-->\n\n" REST,
      AFTER + 9, "terminal", "asks about terminal 2" },
    { STEP "## T\n\n```bash\ntrue\n```\n\n<!-- check\n[ -e \"/proc/$TEACHROOT_TERMINAL_3/ns\" ]\n-->\n\n" REST,
      AFTER + 8, "terminal", "asks about terminal 3" },
    { STEP "## T\n\n```bash |{\"terminal\":\"2\"}\ntrue\n```\n\n<!-- check\nassert hostname of 2 x\n"
           "assert image x of 4 layers\nassert namespace uts of 2 differs from 1\n-->\n\n" REST,
      0, NULL, NULL },
    /* a README */
    { "# R\n\n```bash\nls\n```\n", 0, NULL, NULL },
    { "---\ntitle: R\nrequire: x\n---\n\n```bash\nls\n```\n", 3, "aside", "did you mean `requires`?" },
    { "# R\n\n```bash\nls\n```\n\n[x](gone.md)\n", 7, "link", "gone.md" },
};

static void put(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_directory(void **state)
{
    char path[64];
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/sub", dir);
    mkdir(path, 0700);
    put("there.md",
        "---\ntitle: T\n---\n\n# A heading\n\n## A heading\n\n<a id=\"id\"></a>\n\n<!-- id=\"hidden\" -->\n");
    return 0;
}

static int remove_directory(void **state)
{
    static const char *const names[] = { "there.md", "33-lesson.md", "sub", "" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    return 0;
}

static bool known(const char *name)
{
    return host_feature_find(name) != NULL;
}

/* All rows that do not hold are said at once. */
static size_t wrong;
#define SAY_WRONG(...) (print_error(__VA_ARGS__), wrong++)

static void check_row(const struct row *row, const struct curriculum *curriculum)
{
    char path[64];
    struct lint_report report;
    struct err err = { 0 };
    put("33-lesson.md", row->text);
    snprintf(path, sizeof path, "%s/33-lesson.md", dir);
    struct lesson *lesson = lint_load(path, curriculum, known, &report, &err);
    for (size_t i = 0; i < report.count; i++) {
        const struct lint_finding *found = &report.list[i];
        if (!row->line || i > 0 || found->line != row->line || strcmp(found->rule ? found->rule : "", row->rule) != 0 ||
            !strstr(found->what, row->what))
            SAY_WRONG("wanted %d [%s] %s\ngot %d [%s] %s\nof\n%s", row->line, row->rule, row->what, found->line,
                      found->rule, found->what, row->text);
    }
    if (row->line && !report.count)
        SAY_WRONG("wanted %d [%s] %s\ngot nothing of\n%s", row->line, row->rule, row->what, row->text);
    if (!lesson != (row->line && !*row->rule))
        SAY_WRONG("%s a lesson of\n%s", lesson ? "got" : "got not", row->text);
    lesson_free(lesson);
    lint_free(&report);
}

static void each_rule_finds_its_fault_on_its_line_and_nothing_else(void **state)
{
    struct curriculum curriculum;
    struct err err;
    assert_int_equal(curriculum_load(&curriculum, &err), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i], &curriculum);
    curriculum_free(&curriculum);
    assert_int_equal(wrong, 0);
}

static void every_rule_is_found_by_a_row(void **state)
{
    for (size_t i = 0; i < lint_rule_count; i++) {
        size_t of_it = 0;
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            of_it += rows[k].rule && strcmp(rows[k].rule, lint_rules[i].name) == 0;
        if (!of_it)
            fail_msg("no row for the rule %s", lint_rules[i].name);
    }
}

static void the_lessons_are_clean(void **state)
{
    struct curriculum curriculum;
    struct err err;
    assert_int_equal(curriculum_load(&curriculum, &err), 0);
    for (size_t i = 0; i < curriculum.count; i++) {
        struct lint_report report;
        struct lesson *lesson = lint_load(curriculum.entries[i].path, &curriculum, known, &report, &err);
        assert_non_null(lesson);
        for (size_t k = 0; k < report.count; k++)
            fail_msg("%s:%d: %s", curriculum.entries[i].path, report.list[k].line, report.list[k].what);
        lesson_free(lesson);
        lint_free(&report);
    }
    assert_true(curriculum.count >= 9);
    curriculum_free(&curriculum);
}

static void a_file_that_cannot_be_read_is_an_error_and_no_finding(void **state)
{
    struct lint_report report;
    struct err err = { 0 };
    assert_null(lint_load("/nowhere/lesson.md", NULL, known, &report, &err));
    assert_int_equal(report.count, 0);
    assert_non_null(strstr(err.message, "/nowhere/lesson.md"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_finds_its_fault_on_its_line_and_nothing_else),
        cmocka_unit_test(every_rule_is_found_by_a_row),
        cmocka_unit_test(the_lessons_are_clean),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error_and_no_finding),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

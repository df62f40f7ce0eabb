/* The table of traps: what is wrong in it is told by its line, what authors read of it is true, and looking through it is quick. */
#include "repl/tutor/diagnose.h"
#include "repl/tutor/facts.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXTS "What.\n\nOut.\n\nMore.\n"

static void each_mistake_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *what;
    } mistakes[] = {
        { "# Nothing\n", 1, "no traps" },
        { "## a b\n\n```trap\noutput: x\n```\n\n" TEXTS, 1, "small letters" },
        { "## a\n\n" TEXTS, 1, "no block ```trap" },
        { "## a\n\n```trap\noutput: x\n```\n", 1, "no paragraph that says what happened" },
        { "## a\n\n```trap\noutput: x\n```\n\nWhat.\n", 1, "second paragraph" },
        { "## a\n\n```trap\noutput: x\n```\n\nWhat.\n\nOut.\n", 1, "longer page" },
        { "## a\n\n```trap\noutput: x\nfoo: y\n```\n\n" TEXTS, 5, "expected `command:`" },
        { "## a\n\n```trap\noutput:\n```\n\n" TEXTS, 4, "expected a pattern of one line" },
        { "## a\n\n```trap\nstatus: 1\n```\n\n" TEXTS, 3, "fit too much" },
        { "## a\n\n```trap\noutput: x\nstatus: many\n```\n\n" TEXTS, 5, "from 0 to 255" },
        { "## a\n\n```trap\noutput: x\nsyscall: mount EWRONG\n```\n\n" TEXTS, 5, "name of an error" },
        { "## a\n\n```trap\noutput: x\nfact: wonderful\n```\n\n" TEXTS, 5, "no fact is called `wonderful`" },
        { "## a\n\n```trap\noutput: x\nfact: exists\n```\n\n" TEXTS, 5, "expected `PATH`" },
        { "## a\n\n```trap\noutput: x\nfact: exists $path\n```\n\n" TEXTS, 5, "`$path` is in none" },
        { "## a\n\n```trap\nfact: no-proc\noutput: x\n```\n\n" TEXTS, 5, "the facts last" },
        { "## a\n\n```trap\noutput: x\n```\n\nWhat `$path`.\n\nOut.\n\nMore.\n", 7, "`$path` is in none" },
        { "## a\n\n```trap\noutput: x\n```\n\nWhat.\n\nOut.\n\nMore.\n\n`$to`\n", 13, "`$to` is in none" },
        { "## a\n\n```trap\noutput: x\n```\n\n" TEXTS "\n## a\n\n```trap\noutput: x\n```\n\n" TEXTS, 13,
          "the trap on line 1" },
        { "```trap\noutput: x\n```\n", 1, "without a heading" },
        { "## a\r\n", 1, "carriage return" },
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct lesson_mistakes found;
        struct traps *traps = traps_parse("t.md", mistakes[i].text, strlen(mistakes[i].text), &found, NULL);
        if (traps || !found.count || found.list[0].line != mistakes[i].line ||
            !strstr(found.list[0].what, mistakes[i].what))
            fail_msg("%s\nis told as %d: %s", mistakes[i].text, found.count ? found.list[0].line : 0,
                     found.count ? found.list[0].what : "nothing");
        lesson_mistakes_free(&found);
    }
}

static char *guide(void)
{
    char path[4096];
    const char *source = getenv("TEACHROOT_SOURCE");
    snprintf(path, sizeof path, "%s/lessons.md", source ? source : ".");
    char *text = calloc(1, 1 << 18);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

static void the_guide_lists_each_fact_in_the_tables_words(void **state)
{
    char *text = guide(), row[600];
    for (size_t i = 0; i < fact_count; i++) {
        snprintf(row, sizeof row, "\n| `%s%s%s` | %s |\n", facts[i].name, *facts[i].arguments ? " " : "",
                 facts[i].arguments, facts[i].means);
        if (!strstr(text, row))
            fail_msg("lessons.md lacks the row%s", row);
    }
    free(text);
}

static void the_guides_example_is_a_trap(void **state)
{
    char *text = guide(), *from = strstr(text, "````text\n## "), *end = from ? strstr(from + 9, "\n````") : NULL;
    struct lesson_mistakes mistakes;
    assert_non_null(end);
    struct traps *traps = traps_parse("example.md", from + 9, (size_t)(end - from - 9), &mistakes, NULL);
    if (!traps)
        fail_msg("line %d: %s", mistakes.list[0].line, mistakes.list[0].what);
    assert_int_equal(traps_count(traps), 1);
    traps_free(traps);
    free(text);
}

static const struct traps *one_trap(struct traps **traps, const char *conditions)
{
    char text[1024];
    struct lesson_mistakes mistakes;
    snprintf(text, sizeof text, "## one\n\n```trap\n%s\n```\n\nWhat `$x` `$$y`.\n\nOut.\n\nMore `$x`.\n", conditions);
    *traps = traps_parse("one.md", text, strlen(text), &mistakes, NULL);
    if (!*traps)
        fail_msg("line %d: %s", mistakes.list[0].line, mistakes.list[0].what);
    return *traps;
}

/* What `$x` is in the trap with @conditions; NULL: it does not fit. */
static char *finds(const char *conditions, const char *line, int status, const char *output)
{
    struct traps *traps;
    struct diagnosis diagnosis;
    one_trap(&traps, conditions);
    const struct diagnose_command command = {
        .line = line, .status = status, .output = output, .shell = getpid(), .lab = getpid()
    };
    char *found = diagnose(traps, &command, &diagnosis, NULL) == 1 ? strdup(diagnosis.page) : NULL;
    diagnosis_free(&diagnosis);
    traps_free(traps);
    return found;
}

static void words_are_found_as_the_shell_cuts_them(void **state)
{
    static const struct {
        const char *conditions, *line, *page; /* page NULL: does not fit */
    } cases[] = {
        { "command: chroot $x ...", "chroot /a b", "More `/a`." },
        { "command: chroot $x ...", "/usr/sbin/chroot /a b", "More `/a`." },
        { "command: chroot ... $x ls", "PS1='C-$ ' time chroot --groups=1 '/a b' ls -l > x; true", NULL },
        { "command: chroot ... $x ls ...", "PS1='C-$ ' time chroot --groups=1 '/a b' ls -l > x; true", "More `/a b`." },
        { "command: cat $x", "echo $(cat /n) | wc", "More `/n`." },
        { "command: echo ... > $x", "echo 1 2>/dev/null >> /f", "More `/f`." }, /* the last one */
        { "command: echo ... > $x", "echo \"a > b\" > /f # > /g", "More `/f`." },
        { "command: mount ... *upperdir=$x* ...", "mount -t overlay o -o lowerdir=a,upperdir=b,workdir=c m",
          "More `b`." },
        { "command: mount ... *upperdir=$x* ...", "mount -t overlay o -o lowerdir=a,upperdir=b m", "More `b`." },
        { "command: cat $x\ncommand: not cat ... -n", "cat /n", "More `/n`." },
        { "command: rm $x | cat $x", "cat /n", "More `/n`." },
        { "command: rm $x", "rm -r", NULL },
        { "line: *“$x”*", "ls “a”", "More `a`." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *page = finds(cases[i].conditions, cases[i].line, 1, "");
        if (!page != !cases[i].page || (page && strcmp(page, cases[i].page) != 0))
            fail_msg("`%s` of `%s` gives %s", cases[i].conditions, cases[i].line, page ? page : "nothing");
        free(page);
    }
}

static void what_cannot_be_known_does_not_hold_nor_does_its_opposite(void **state)
{
    char *page = finds("command: ls $x\nfact: exists $x", "ls /tmp", 1, "");
    assert_string_equal(page, "More `/tmp`.");
    free(page);
    assert_null(finds("command: ls $x\nfact: not exists $x", "ls /tmp", 1, ""));
    assert_null(finds("command: ls $x\nfact: exists $x", "ls \"$nowhere\"", 1, ""));
    assert_null(finds("command: ls $x\nfact: not exists $x", "ls \"$nowhere\"", 1, ""));
    assert_null(finds("command: ls $x\nfact: not in $x exists /a", "ls /no/such/root", 1, ""));
}

/* With the most output that is looked at, and no trap that fits. */
static void the_most_output_is_looked_through(void **state)
{
    char *output = calloc(1, 400 * 200 + 1);
    struct err err = { 0 };
    struct traps *traps = traps_open(&err);
    struct diagnosis diagnosis;
    assert_non_null(traps);
    for (unsigned i = 0; i < 400 * 200; i++)
        output[i] = i % 200 == 199 ? '\n' : "tar: cannot 'x': "[i % 17];
    const struct diagnose_command command = { .line =
                                                  "tar xf a.tar -C b | cat > /dev/null; echo $(ls) && mount -t x y z",
                                              .status = 3,
                                              .output = output,
                                              .shell = getpid(),
                                              .lab = getpid() };
    assert_int_equal(diagnose(traps, &command, &diagnosis, &err), 0);
    traps_free(traps);
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_with_its_line),
        cmocka_unit_test(the_guide_lists_each_fact_in_the_tables_words),
        cmocka_unit_test(the_guides_example_is_a_trap),
        cmocka_unit_test(words_are_found_as_the_shell_cuts_them),
        cmocka_unit_test(what_cannot_be_known_does_not_hold_nor_does_its_opposite),
        cmocka_unit_test(the_most_output_is_looked_through),
    };
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

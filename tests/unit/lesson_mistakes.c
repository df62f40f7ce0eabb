/* Every mistake in a lesson is said with its line, what was found and what was expected; none is a crash. */
#include "repl/lesson/lesson.h"

#include <errno.h>
#include <fcntl.h>
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

#define CHECK "<!-- check\ntrue\n-->\n"
#define BLOCK(info) "## S\n\n```" info "\nls\n```\n\n" CHECK
#define QUIZ(body) "## S\n\n```quiz\n" body "```\n\n" CHECK
#define OUTPUT(body) "## S\n\n```bash\nls\n```\n```output\n" body "```\n\n" CHECK
#define KEYS(body) "## S\n\n```bash |{\"interactive\":\"true\"}\nvi\n```\n```keys\n" body "```\n\n" CHECK

static const struct {
    const char *text;
    int line;
    const char *what;
} rows[] = {
    /* info strings */
    { BLOCK("bash |{\"termnal\":\"1\"}"), 3, "unknown key `termnal`, expected one of type, name, terminal" },
    { BLOCK("bash |{\"terminal\":\"12\"}"), 3, "bad value `12` of `terminal`, expected a number from 1 to 9" },
    { BLOCK("bash |{\"terminal\":2}"), 3, "the value of `terminal` is not a string" },
    { BLOCK("bash |{\"terminal\":\"1\""), 3, "bad JSON" },
    { BLOCK("bash |{\"exit\":\"1\",\"exit\":\"2\"}"), 3, "bad JSON" },
    { BLOCK("bash |{\"exit\":\"256\"}"), 3, "bad value `256` of `exit`" },
    { BLOCK("bash |{\"exit\":\"signal:NONE\"}"), 3, "expected a status (`1`), `!0`, `signal:KILL` or `any`" },
    { BLOCK("bash |{\"timeout\":\"0\"}"), 3, "bad value `0` of `timeout`" },
    { BLOCK("bash |{\"timeout\":\"99999999h\"}"), 3, "bad value" },
    { BLOCK("bash |{\"background\":\"yes\"}"), 3, "expected `true` or `false`" },
    { BLOCK("bash |{\"replay\":\"no\"}"), 3, "expected `skip`" },
    { BLOCK("bash |{\"lens\":\"Off!\"}"), 3, "names of syscalls" },
    { BLOCK("bash |{\"name\":\"\"}"), 3, "bad value `` of `name`" },
    { BLOCK("bash |{\"ready\":\"x\"}"), 3, "`ready` without `background`" },
    { BLOCK("bash |{\"background\":\"true\",\"interactive\":\"true\"}"), 3, "both `background` and `interactive`" },
    { BLOCK("bash |{\"type\":\"comand\"}"), 3, "unknown type `comand`, expected one of command, script, file, quiz" },
    { BLOCK("bash |{\"type\":\"file\"}"), 3, "a file without `name`" },
    { BLOCK("bash |{\"type\":\"script\",\"terminal\":\"2\"}"), 3, "`terminal` on a block of type script" },
    { BLOCK("python |{\"name\":\"x\"}"), 3, "keys on a block of `python`" },
    { BLOCK("bash |{\"name\":\"a\\\\b\"}"), 3, "`\\` in the info string" },
    { "## S\n\n~~~bash |{\"name\":\"a`b\"}\nls\n~~~\n\n" CHECK, 3, "``` in the info string" },
    { BLOCK("bash |{\"name\":\"a&b\"}"), 3, "`&` in the info string" },
    { BLOCK("bash |{\"name\":\"a|b\"}"), 3, "`|` in the info string" },
    { BLOCK("bash|{\"name\":\"a\"}"), 3, "no space before `|`" },
    { BLOCK("bash | {type: 'command', colour: 'red'}"), 3, "unknown key `colour`" },
    { BLOCK("bash | {type: 'repl'}"), 3, "unknown type `repl`" },
    { BLOCK("bash | {type: 'command'"), 3, "bad object in the info string" },
    { BLOCK("bash | {type 'command'}"), 3, "bad object in the info string" },
    { BLOCK("bash | {failed_when: 'moon == full'}"), 3, "`failed_when` is `moon == full`" },
    { BLOCK("bash | terminal 2"), 3, "nothing after `|`" },
    { "## S\n\n```bash |{\"name\":\"a\"}\nls\n```\n\n```bash |{\"name\":\"a\"}\nls\n```\n" CHECK, 7,
      "the name `a` is that of the block on line 3" },
    { "## S\n\n```bash\n# only a comment\n```\n\n" CHECK, 3, "a block without a command" },
    { "## S\n\n```bash\nls\necho 'a\n```\n\n" CHECK, 5, "a command that never ends" },
    { "## S\n\n```bash\nls\n\n" CHECK, 3, "a code block that never ends, expected a line ``` after it" },
    { CHECK "\n## S\n\n````bash\nls\n```\n" CHECK, 7, "a code block that never ends, expected a line ```` after it" },
    { "```bash\nls\n```\n\n## S\n\n" CHECK, 1, "a block before the first step" },
    /* what hangs on a block */
    { "## S\n\n```output\nx\n```\n\n" CHECK, 3, "an `output` block after no command" },
    { "## S\n\n```bash\nls\n```\n\nText.\n\n```output\nx\n```\n\n" CHECK, 9, "an `output` block after no command" },
    { "## S\n\n```bash\nls\n```\n```output\nx\n```\n```output\nx\n```\n\n" CHECK, 9,
      "a second output of the block on line 3" },
    { "## S\n\n```bash\nls\n```\n```output |{\"name\":\"x\"}\nx\n```\n\n" CHECK, 6, "keys on an `output` block" },
    { OUTPUT("ok\n( (re)\n"), 8, "bad regular expression `(`" },
    { OUTPUT("(((a{99}){99}){99}) (re)\n"), 7, "its counts multiply past 1000" },
    { OUTPUT("(a)\\1 (re)\n"), 7, "back references" },
    { OUTPUT("a)(b (re)\n"), 7, "bad regular expression" },
    { "## S\n\n```bash\nls\n```\n```keys\nEnter\n```\n\n" CHECK, 6,
      "keys for the block on line 3, which is not interactive" },
    { "## S\n\n```keys\nEnter\n```\n\n" CHECK, 3, "a `keys` block after no command" },
    { KEYS("\n"), 6, "a `keys` block without keys" },
    { KEYS("Enter\nPress\n"), 8, "unknown key action `Press`" },
    { KEYS("Wait x\n"), 7, "`Wait x` has no pattern" },
    { KEYS("Wait /(/\n"), 7, "bad regular expression `(`" },
    { KEYS("Type hello\n"), 7, "`Type hello` has no text" },
    { KEYS("Type \"a\\\"\n"), 7, "has no text" },
    { KEYS("Ctrl+\n"), 7, "unknown key action `Ctrl+`" },
    /* quizzes */
    { QUIZ("( ) a\n( ) b\n"), 3, "a quiz without a question" },
    { QUIZ("What?\n"), 3, "a quiz without answers" },
    { QUIZ("What?\n( ) a\n( ) b\n"), 3, "a quiz without a right answer" },
    { QUIZ("What?\n(x) a\n(x) b\n"), 3, "a quiz with 2 right answers" },
    { QUIZ("What?\n(x) a\n[ ] b\n"), 3, "a quiz with both `( )` and `[ ]`" },
    { QUIZ("What?\n(x) a\ntext: /b/\n"), 3, "a quiz with both choices and `text:`" },
    { QUIZ("What?\n(x) a\n( ) — why\n"), 6, "an answer without text" },
    { QUIZ("What?\ntext: b\n"), 5, "a typed answer without a pattern" },
    { QUIZ("What?\ntext: /(/\n"), 5, "bad regular expression" },
    { QUIZ("What?\ntext: /a/\ntext: /b/\n"), 6, "a second `text:`" },
    { QUIZ("What?\ntext: /a/\nmore\n"), 6, "text after `text: /regex/`" },
    /* comments */
    { CHECK "\n## S\n", 1, "a hidden block opens the file" },
    { "Text.\n\n" CHECK "\n## S\n\n" CHECK, 3, "a check before the first step" },
    { "## S\n\n" CHECK CHECK, 6, "a second `check`" },
    { "## S\n\n" CHECK "<!-- setup\n\n-->\n", 6, "an empty `setup`" },
    { "## S\n\n" CHECK "\n<!-- notes\nnever closed\n", 7, "a comment that never ends" },
    { "## S\n\n<!-- check\necho '-->'\n-->\n\n" CHECK, 3, "text after the `-->` that ends `check`" },
    { "## S\n\n<!-- check\necho 1\n--> 2\n", 3, "text after the `-->`" },
    { "## S\n\n" CHECK "\nText\n-->\n", 8, "`-->` without a comment" },
    { "## S\n\n" CHECK "<!-- teardown rm -rf /x -->\n", 6, "text after `teardown` on its line" },
    { "## S\n\n" CHECK "<!-- chekc\ntrue\n-->\n", 6, "unknown hidden block `chekc`" },
    { "## S\n\n" CHECK "<!-- needs: 2.x -->\n", 6, "`needs` has `2.x`" },
    { "## S\n\n" CHECK "<!-- needs: 4.1 -->\n", 6, "`needs` names `4.1`, which is not earlier" },
    { "## S\n\n" CHECK "<!-- needs: 5 -->\n", 6, "`needs` names `5`, which is not earlier" },
    { "## S\n\n" CHECK "<!-- needs: 2.0 -->\n", 6, "`needs` has `2.0`" },
    { "## S\n\n" CHECK "<!-- needs: 1.1 -->\n<!-- needs: 1.2 -->\n", 7, "a second `needs`" },
    { "## S\n\n" CHECK "<!-- timeout: soon -->\n", 6, "bad value `soon` of `timeout`" },
    { "## S\n\n" CHECK "<!-- requires: a;b -->\n", 6, "bad value `a;b` of `requires`" },
    { "<!-- needs: 1.1 -->\n\n## S\n\n" CHECK, 1, "`needs` before the first step" },
    { "## S\n\n" CHECK "<details><summary>Hint</summary>\n\nx\n", 6, "a hint that never ends" },
    { "## S\n\n" CHECK "<details><summary>Hint</summary>\n\n\n</details>\n", 6, "an empty hint" },
    { "## S\n\n" CHECK "<details><summary>Hint</summary>\n\nx\n\n</details>\n```bash\nls\n```\n", 10,
      "text after `</details>`" },
    /* front matter */
    { "---\ntitel: x\n---\n## S\n\n" CHECK, 2, "unknown key `titel` in the front matter, expected one of title" },
    { "---\ntitle: a\ntitle: b\n---\n## S\n\n" CHECK, 3, "a second `title`" },
    { "---\ntimeout: never\n---\n## S\n\n" CHECK, 2, "bad value `never` of `timeout`" },
    { "---\ntitle:\n---\n## S\n\n" CHECK, 2, "bad value `` of `title`" },
    { "---\nneeds: 4.1\n---\n## S\n\n" CHECK, 2, "`needs` names `4.1`, which is not earlier" },
    { "---\n- a\n---\n## S\n\n" CHECK, 2, "not a line of front matter" },
    { "---\ntitle: x\n## S\n\n" CHECK, 1, "front matter that never ends" },
    /* the file */
    { "", 1, "a lesson without steps" },
    { "# Title\n\nOnly text.\n", 1, "a lesson without steps" },
    { "##\n\n" CHECK, 1, "a step without a title" },
    { "## S\n\nab\xff\n\n" CHECK, 3, "the byte 0xff at column 3 is not UTF-8" },
    { "## S\n\n\xc0\xaf\n\n" CHECK, 3, "is not UTF-8" },
    { "## S\n\n\xed\xa0\x80\n\n" CHECK, 3, "is not UTF-8" },
    { "## S\n\na\x1b[31m\n\n" CHECK, 3, "the byte 0x1b at column 2 is a control character" },
    { "## S\n\na\rb\n\n" CHECK, 3, "the byte 0x0d at column 2 is a control character" },
    { "## S\n\n" CHECK "\n>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>> a\n", 7, "more than 32 levels" },
};

static int lines_in(const char *text, size_t len)
{
    int lines = 1;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

static void each_mistake_is_said_with_its_line_and_what_was_expected(void **state)
{
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lesson_mistakes mistakes;
        struct err err = { 0 };
        struct lesson *lesson = lesson_parse("04-t.md", rows[i].text, strlen(rows[i].text), &mistakes, &err);
        bool found = false;
        for (size_t j = 0; j < mistakes.count; j++)
            found |= mistakes.list[j].line == rows[i].line && strstr(mistakes.list[j].what, rows[i].what);
        for (size_t j = 0; j < mistakes.count; j++) {
            if (!found)
                print_message("# row %zu: %d: %s\n", i, mistakes.list[j].line, mistakes.list[j].what);
            assert_true(mistakes.list[j].line >= 1 &&
                        mistakes.list[j].line <= lines_in(rows[i].text, strlen(rows[i].text)));
        }
        if (!found)
            print_message("# row %zu has no mistake `%s` on line %d\n", i, rows[i].what, rows[i].line);
        failures += !found || lesson;
        lesson_free(lesson);
        lesson_mistakes_free(&mistakes);
    }
    assert_int_equal(failures, 0);
}

static void every_mistake_names_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lesson_mistakes mistakes;
        struct err err = { 0 };
        lesson_free(lesson_parse("04-t.md", rows[i].text, strlen(rows[i].text), &mistakes, &err));
        for (size_t j = 0; j < mistakes.count; j++)
            if (!strstr(mistakes.list[j].what, "expected "))
                fail_msg("`%s` does not say what was expected", mistakes.list[j].what);
        lesson_mistakes_free(&mistakes);
    }
}

static void all_mistakes_are_found_at_once_and_in_order(void **state)
{
    (void)state;
    static const char text[] =
        "---\ntimeout: x\n---\n## S\n\n```bash |{\"a\":\"1\",\"exit\":\"x\"}\nls\n```\n\n```quiz\nq\n```\n" CHECK;
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    assert_null(lesson_parse("t.md", text, strlen(text), &mistakes, &err));
    assert_int_equal(mistakes.count, 4);
    assert_int_equal(mistakes.list[0].line, 2);
    assert_int_equal(mistakes.list[1].line, 6);
    assert_int_equal(mistakes.list[2].line, 6);
    assert_int_equal(mistakes.list[3].line, 10);
    assert_int_equal(err.code, 0);
    lesson_mistakes_free(&mistakes);
}

static void what_cannot_be_read_is_an_error_and_not_a_mistake(void **state)
{
    (void)state;
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    assert_null(lesson_load("/nonexistent/lesson.md", &mistakes, &err));
    assert_int_equal(err.code, ENOENT);
    assert_int_equal(mistakes.count, 0);
    assert_null(lesson_load("/", &mistakes, &err));
    assert_int_equal(err.code, EISDIR);
    assert_null(lesson_load("/dev/zero", &mistakes, &err));
    assert_int_equal(err.code, EFBIG);
    assert_int_equal(mistakes.count, 0);
}

static void a_zero_byte_is_a_mistake(void **state)
{
    (void)state;
    static const char text[] = "## S\n\na\0b\n\n" CHECK;
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    assert_null(lesson_parse("t.md", text, sizeof text - 1, &mistakes, &err));
    assert_int_equal(mistakes.count, 1);
    assert_int_equal(mistakes.list[0].line, 3);
    lesson_mistakes_free(&mistakes);
}

static bool knows_userns(const char *name)
{
    return strcmp(name, "userns") == 0;
}

static void an_unknown_feature_is_a_mistake_of_the_line_that_names_it(void **state)
{
    (void)state;
    static const char text[] =
        "---\nrequires: userns, usernz\n---\n## S\n\n```bash |{\"requires\":\"warp\"}\nls\n```\n" CHECK
        "<!-- requires: userns -->\n";
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
    assert_non_null(lesson);
    assert_int_equal(lesson_check_requires(lesson, knows_userns, &mistakes), 2);
    assert_int_equal(mistakes.list[0].line, 2);
    assert_non_null(strstr(mistakes.list[0].what, "`usernz`"));
    assert_int_equal(mistakes.list[1].line, 6);
    lesson_free(lesson);
    lesson_mistakes_free(&mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_said_with_its_line_and_what_was_expected),
        cmocka_unit_test(every_mistake_names_what_was_expected),
        cmocka_unit_test(all_mistakes_are_found_at_once_and_in_order),
        cmocka_unit_test(what_cannot_be_read_is_an_error_and_not_a_mistake),
        cmocka_unit_test(a_zero_byte_is_a_mistake),
        cmocka_unit_test(an_unknown_feature_is_a_mistake_of_the_line_that_names_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

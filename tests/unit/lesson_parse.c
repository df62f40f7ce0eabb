/* What a lesson's text becomes: steps, blocks, checks, hints, in our own form and in those of other tools. */
#include "repl/lesson/changed.h"
#include "repl/lesson/lesson.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <cmark.h>

static struct lesson *parse_as(const char *path, const char *text)
{
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    struct lesson *lesson = lesson_parse(path, text, strlen(text), &mistakes, &err);
    if (!lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0,
                 mistakes.count ? mistakes.list[0].what : err.message);
    return lesson;
}

static struct lesson *parse(const char *text)
{
    return parse_as("04-test.md", text);
}

/* A step with a check, so that the text is a lesson; @inside comes before it. */
#define STEP(title, inside) "\n## " title "\n\n" inside "\n\n<!-- check\ntrue\n-->\n"

static void a_heading_starts_a_step_and_what_stands_before_is_the_introduction(void **state)
{
    (void)state;
    struct lesson *lesson =
        parse("# Title *here*\n\nIntroduction.\n\n- a list\n" STEP("One `code`", "Prose.") STEP("One `code`", ""));
    assert_string_equal(lesson->title, "Title here");
    assert_int_equal(lesson->number, 4);
    assert_int_equal(lesson->intro_count, 3);
    assert_int_equal(lesson->step_count, 2);
    assert_false(lesson->plain);
    assert_string_equal(lesson->steps[0].title, "One code");
    assert_int_equal(lesson->steps[0].number, 1);
    assert_int_equal(lesson->steps[0].line, 7);
    assert_int_equal(lesson->steps[0].prose_count, 1);
    assert_string_equal(lesson->steps[0].check, "true\n");
    assert_int_equal(lesson->steps[0].check_line, 11);
    assert_int_equal(lesson->timeout_ms, 20000);
    lesson_free(lesson);
}

static void front_matter_is_read_and_keeps_line_numbers(void **state)
{
    (void)state;
    struct lesson *lesson =
        parse("---\ntitle: 'Name: spaces'   # comment\nrequires: userns, pidns # names\n\ntimeout: 2m\nneeds: 2.4, 3\n"
              "lens: clone, execve\n---\n" STEP("One", "```bash\nls\n```"));
    assert_string_equal(lesson->title, "Name: spaces");
    assert_string_equal(lesson->requires, "userns pidns");
    assert_string_equal(lesson->needs, "2.4 3");
    assert_string_equal(lesson->lens, "clone execve");
    assert_int_equal(lesson->timeout_ms, 120000);
    assert_int_equal(lesson->steps[0].line, 10);
    assert_int_equal(lesson->steps[0].blocks[0].line, 12);
    assert_int_equal(lesson->steps[0].blocks[0].timeout_ms, 120000);
    lesson_free(lesson);
}

static void keys_of_a_block_are_read_from_flat_json(void **state)
{
    (void)state;
    struct lesson *lesson = parse(
        STEP("One",
             "```bash |{\"terminal\":\"2\",\"name\":\"web\",\"background\":\"true\",\"ready\":\"*up*\"}\nserve\n```\n\n"
             "```sh "
             "|{\"exit\":\"!0\",\"replay\":\"skip\",\"hidden\":\"true\",\"lens\":\"off\",\"timeout\":\"1500ms\","
             "\"interactive\":\"true\"}"
             "\nfalse\n```\n"
             "```keys\nWait /na(me|ts)?:/\nType \"say \\\"hi\\\"\"\nEnter\nCtrl+C\n```\n"
             "```c |{\"type\":\"file\",\"name\":\"/root/a.c\"}\n$ int x;\n```\n"
             "```bash |{\"type\":\"script\",\"exit\":\"3\"}\nexit 3\n```\n"));
    const struct block *blocks = lesson->steps[0].blocks;
    assert_int_equal(lesson->steps[0].block_count, 4);
    assert_string_equal(blocks[0].terminal, "2");
    assert_string_equal(blocks[0].name, "web");
    assert_true(blocks[0].background);
    assert_string_equal(blocks[0].ready, "*up*");
    assert_string_equal(blocks[0].exit, "0");
    assert_string_equal(blocks[1].exit, "!0");
    assert_string_equal(blocks[1].terminal, "1");
    assert_true(blocks[1].replay_skip);
    assert_true(blocks[1].hidden);
    assert_false(blocks[0].hidden);
    assert_true(blocks[1].interactive);
    assert_string_equal(blocks[1].lens, "off");
    assert_int_equal(blocks[1].timeout_ms, 1500);
    assert_int_equal(blocks[1].key_count, 4);
    assert_int_equal(blocks[1].keys[0].kind, KEY_WAIT);
    assert_string_equal(blocks[1].keys[0].text, "na(me|ts)?:");
    assert_string_equal(blocks[1].keys[1].text, "say \"hi\"");
    assert_int_equal(blocks[1].keys[3].kind, KEY_PRESS);
    assert_string_equal(blocks[1].keys[3].text, "Ctrl+C");
    assert_int_equal(blocks[2].type, BLOCK_FILE);
    assert_string_equal(blocks[2].body, "$ int x;\n");
    assert_int_equal(blocks[3].type, BLOCK_SCRIPT);
    assert_null(blocks[3].commands);
    lesson_free(lesson);
}

static void hidden_blocks_hints_and_notes_are_collected_and_not_shown(void **state)
{
    (void)state;
    struct lesson *lesson = parse(
        "Text.\n\n<!-- setup\nmkdir /a\n-->\n<!-- notes\nwhole lesson\n-->\n<!-- an ordinary remark -->\n\n## "
        "One\n\nProse.\n"
        "<!--check\ntest -d /a\n\ntest -d /b\n-->\n<!-- notes\n5 minutes.\n-->\n<!-- needs: 2.4 -->\n<!-- timeout: 3s "
        "-->\n"
        "<!-- requires: qemu -->\n<details><summary>Hint</summary>\n\nFirst `x`.\n\n```bash\nls\n```\n\n</details>\n\n"
        "<details>\n<summary>Solution</summary>\nall of it\n</details>\n\n"
        "<details><summary>More to read</summary>\n\nAside.\n\n</details>\n\n```bash\nls\n```\n");
    const struct step *step = &lesson->steps[0];
    assert_string_equal(lesson->setup, "mkdir /a\n");
    assert_string_equal(lesson->notes, "whole lesson\n");
    assert_int_equal(lesson->intro_count, 1);
    assert_string_equal(step->check, "test -d /a\n\ntest -d /b\n");
    assert_string_equal(step->notes, "5 minutes.\n");
    assert_string_equal(step->needs, "2.4");
    assert_string_equal(step->requires, "qemu");
    assert_string_equal(step->hints[0].text, "First `x`.\n\n```bash\nls\n```");
    assert_string_equal(step->hints[1].text, "all of it");
    assert_null(step->hints[2].text);
    assert_true(!step->hints[0].solution && step->hints[1].solution);
    assert_int_equal(step->block_count, 1);
    assert_int_equal(step->blocks[0].timeout_ms, 3000);
    assert_int_equal(step->prose_count, 5); /* the prose, the other details in three nodes, the block */
    lesson_free(lesson);
}

static void every_node_says_what_it_is(void **state)
{
    (void)state;
    struct lesson *lesson =
        parse(STEP("One", "Prose.\n\n```text\nread me\n```\n\n```bash\nls\n```\n```output\na\n```\n\n- item\n\n  "
                          "```bash\n  id\n  ```\n\n    indented\n"));
    const struct step *step = &lesson->steps[0];
    static const enum node_kind kinds[] = { NODE_KIND_PROSE, NODE_KIND_CODE, NODE_KIND_BLOCK, NODE_KIND_OUTPUT,
                                            NODE_KIND_PROSE };
    assert_int_equal(step->prose_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(step_node_kind(step->prose[i]), kinds[i]);
    assert_ptr_equal(step_node_block(step, step->prose[2]), &step->blocks[0]);
    assert_null(step_node_block(step, step->prose[1]));
    assert_int_equal(step->block_count, 2);
    assert_string_equal(step->blocks[1].commands[0], "id");
    lesson_free(lesson);
}

static void a_quiz_has_answers_with_reasons(void **state)
{
    (void)state;
    struct lesson *lesson = parse(STEP(
        "One",
        "```quiz\nWhat does\nit print?\n\n( ) 1 — no\n(x) 2 — because\n  it forks\n( ) 3\n```\n\n"
        "```quiz\nWhich?\n[x] a\n[ ] b\n[x] c — too\n```\n\n```quiz\nA number?\ntext: /1(27)?/ — not found\n```\n"));
    const struct quiz *one = lesson->steps[0].blocks[0].quiz, *two = lesson->steps[0].blocks[1].quiz,
                      *three = lesson->steps[0].blocks[2].quiz;
    assert_string_equal(one->question, "What does\nit print?");
    assert_false(one->several);
    assert_int_equal(one->count, 3);
    assert_true(one->answers[1].right);
    assert_string_equal(one->answers[1].text, "2");
    assert_string_equal(one->answers[1].reason, "because it forks");
    assert_null(one->answers[2].reason);
    assert_true(two->several);
    assert_string_equal(three->typed_reason, "not found");
    assert_true(quiz_typed_right(three, " 127 \n"));
    assert_true(quiz_typed_right(three, "1"));
    assert_false(quiz_typed_right(three, "1270"));
    assert_false(quiz_typed_right(two, "a"));
    lesson_free(lesson);
}

static void a_plain_readme_plays_block_by_block(void **state)
{
    (void)state;
    struct lesson *lesson = parse_as(
        "README.md",
        "---\nlayout: post\ntags:\n  - a\n---\n# Readme\n\nHello\n\n## Install\n\nFirst:\n\n```bash\napt "
        "update\n```\n\nthen\n\n"
        "```json\n{}\n```\n\n```sh {name=make cwd=/src interactive=false}\nmake\n```\n```output\nshown\n```\n\n"
        "1. item\n\n   ```shell\n   one\n   ```\n\n   and\n\n   ```bash| {type: 'command', stream: true, target: "
        "{host: 'a'}}\n   two\n   ```\n\n"
        "```output\nof nothing\n```\n\n## End\n\nbye\n");
    assert_true(lesson->plain);
    assert_int_equal(lesson->number, -1);
    assert_int_equal(lesson->intro_count, 2);
    assert_int_equal(lesson->step_count, 4);
    assert_string_equal(lesson->steps[0].title, "Install");
    assert_int_equal(lesson->steps[0].prose_count, 2);
    assert_string_equal(lesson->steps[1].title, "Install (2)");
    assert_string_equal(lesson->steps[1].blocks[0].name, "make");
    assert_string_equal(lesson->steps[1].blocks[0].path, "/src");
    assert_true(lesson->steps[1].blocks[0].has_output);
    assert_string_equal(lesson->steps[2].blocks[0].commands[0], "one");
    assert_string_equal(lesson->steps[3].blocks[0].commands[0], "two");
    assert_int_equal(lesson->steps[3].prose_count, 5); /* and, the block, output, End, bye */
    lesson_free(lesson);
}

static void docable_blocks_keep_their_meaning(void **state)
{
    (void)state;
    struct lesson *lesson =
        parse("```ini | {type: 'file', path: '/tmp/c.ini', user: 'root', permission: '+x'}\na=1\n```\n"
              "```bash | {type: 'command', path: \"/src\", failed_when: 'exitCode!=2'}\nmake\n```\n"
              "```bash | {type: 'command', failed_when: \"!stdout.includes('v[10')\"}\nnode -v\n```\n"
              "```bash | {type: 'script', failed_when: 'exitCode == 0'}\nfalse\n```\n"
              "``` | {type:'slides'}\nhttp://x\n```\n");
    assert_int_equal(lesson->step_count, 4);
    struct block *block = lesson->steps[0].blocks;
    assert_int_equal(block->type, BLOCK_FILE);
    assert_string_equal(block->name, "/tmp/c.ini");
    assert_string_equal(block->user, "root");
    block = lesson->steps[1].blocks;
    assert_string_equal(block->path, "/src");
    assert_string_equal(block->exit, "2");
    block = lesson->steps[2].blocks;
    assert_true(block_output_matches(block, "x\nnode v[10.1\n", NULL));
    assert_false(block_output_matches(block, "node v1\n", NULL));
    assert_string_equal(lesson->steps[3].blocks->exit, "!0");
    lesson_free(lesson);
}

/* A README with one fence, then what it becomes: the block's body, or NULL where it is only shown. */
static const struct {
    const char *open, *body, *becomes, *exit, *path;
} fences[] = {
    { "```Bash", "id\n", "id\n", "0", NULL },
    { "```zsh title=\"x\"", "id\n", "id\n", "0", NULL },
    { "```sh,linenos", "id\n", "id\n", "0", NULL },
    { "~~~ {.bash .numberLines startFrom=3}", "id\n", "id\n", "0", NULL },
    { "```{.numberLines .sh}", "id\n", "id\n", "0", NULL },
    { "```{.python}", "id\n", NULL, NULL, NULL },
    { "```{code-cell} bash", "id\n", "id\n", "0", NULL },
    { "```{code-cell}", "id\n", NULL, NULL, NULL },
    { "```{code-cell} ipython3", "id\n", NULL, NULL, NULL },
    { "```{code-block} console", "$ id\nuid=0\n", "id\n", "0", NULL },
    { "```{code-cell} bash", ":tags: [raises-exception]\n:name: x\nid\n", "id\n", "any", NULL },
    { "```{code-cell} bash", "---\ntags:\n  - raises-exception\n---\nid\n", "id\n", "any", NULL },
    { "```{code-cell} bash", ":tags: [skip-execution]\nid\n", NULL, NULL, NULL },
    { "```{code-cell} bash", ":tags: [no-raises-exceptions]\n\nid\n", "\nid\n", "any", NULL },
    { "```bash {name=x cwd=/tmp interactive=true}", "id\n", "id\n", "0", "/tmp" },
    { "```sh {\"excludeFromRunAll\":\"true\"}", "id\n", NULL, NULL, NULL },
    { "```sh {ignore=true}", "id\n", NULL, NULL, NULL },
    { "```bash | {type: 'command', path: '/srv', failed_when: 'exitCode == 0'}", "id\n", "id\n", "!0", "/srv" },
    { "```", "id\n", NULL, NULL, NULL },
    { "```text", "id\n", NULL, NULL, NULL },
};

static void fences_of_other_tools_are_read_as_they_read_them(void **state)
{
    for (size_t i = 0; i < sizeof fences / sizeof *fences; i++) {
        char text[1024];
        snprintf(text, sizeof text, "# T\n\n%s\n%s%.3s\n\n```sh\nlast\n```\n", fences[i].open, fences[i].body,
                 fences[i].open);
        struct lesson *lesson = parse(text);
        assert_true(lesson->plain);
        const struct block *block = &lesson->steps[0].blocks[0];
        if (lesson->step_count != (fences[i].becomes ? 2 : 1))
            fail_msg("`%s`: %zu blocks", fences[i].open, lesson->step_count);
        if (fences[i].becomes &&
            (strcmp(block->body, fences[i].becomes) != 0 || strcmp(block->exit, fences[i].exit) != 0))
            fail_msg("`%s`: <%s> and exit %s", fences[i].open, block->body, block->exit);
        if (fences[i].path)
            assert_string_equal(block->path, fences[i].path);
        lesson_free(lesson);
    }
}

/* What stands before a block, and its terminal then; '&': it need not end, '^': Ctrl+C comes first. */
static const struct {
    const char *words[5], *terminals[5];
} talks[] = {
    { { "Start.", "In a second terminal:", "More of it.", "Back in the first terminal" }, { "1&", "2", "2&", "1" } },
    { { "Terminal 1", "Terminal 2", "terminal one:" }, { "1&", "2&", "1" } },
    { { "Start.", "Open another terminal.", "Open a new terminal window.", "In the first one" },
      { "1&", "2&", "3", "3" } },
    { { "Start.", "In another shell,", "In the other terminal:" }, { "1&", "2&", "1" } },
    { { "Start.", "This opens a new shell.", "It is a different session from the shell before." }, { "1", "1", "1" } },
    { { "Start.", "Stop it with **Ctrl+C**. Then:", "Ctrl-C again" }, { "1&", "1&^", "1^" } },
    { { "In your second tab", "and from the original terminal" }, { "2&", "1" } },
};

static void a_readme_says_in_words_which_terminal_it_means(void **state)
{
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        char text[2048] = "# T\n";
        for (size_t j = 0; j < 5 && talks[i].words[j]; j++) {
            strcat(text, "\n");
            strcat(text, talks[i].words[j]);
            strcat(text, "\n\n```sh\nid\n```\n");
        }
        struct lesson *lesson = parse(text);
        for (size_t j = 0; j < lesson->step_count; j++) {
            const struct block *block = &lesson->steps[j].blocks[0];
            char is[8];
            snprintf(is, sizeof is, "%s%s%s", block->terminal, block->background ? "&" : "",
                     block->interrupt ? "^" : "");
            if (strcmp(is, talks[i].terminals[j]) != 0)
                fail_msg("talk %zu, `%s`: %s, expected %s", i, talks[i].words[j], is, talks[i].terminals[j]);
        }
        lesson_free(lesson);
    }
}

static void a_status_is_matched_as_the_kernel_or_a_shell_reports_it(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        int status;
        bool matches;
    } rows[] = {
        { "0", W_EXITCODE(0, 0), true },
        { "0", W_EXITCODE(1, 0), false },
        { "127", W_EXITCODE(127, 0), true },
        { "!0", W_EXITCODE(1, 0), true },
        { "!0", W_EXITCODE(0, 0), false },
        { "!0", W_EXITCODE(0, SIGKILL), true },
        { "any", W_EXITCODE(9, 0), true },
        { "signal:KILL", W_EXITCODE(0, SIGKILL), true },
        { "signal:SIGKILL", W_EXITCODE(137, 0), true },
        { "signal:KILL", W_EXITCODE(1, 0), false },
        { "signal:INT", W_EXITCODE(0, SIGKILL), false },
        { "137", W_EXITCODE(0, SIGKILL), true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        strcpy(text, rows[i].wanted);
        struct block block = { .exit = text };
        if (block_exit_matches(&block, rows[i].status) != rows[i].matches)
            fail_msg("`%s` against wait status 0x%x", rows[i].wanted, rows[i].status);
    }
}

static void the_first_step_that_runs_otherwise_is_found(void **state)
{
    static const struct {
        const char *before, *words, *keys, *command;
        unsigned changed;
    } rows[] = {
        { "ls", "Words.", "", "id", 0 },
        { "ls", "Other words.", "", "id", 0 },
        { "ls", "Words.", " |{\"hidden\":\"true\"}", "id", 0 },
        { "ls /", "Words.", "", "id", 1 },
        { "ls", "Words.", "", "id -u", 2 },
        { "ls", "Words.", " |{\"interrupt\":\"true\"}", "id", 2 },
        { "ls", "Words.", " |{\"background\":\"true\"}", "id", 2 },
        { "ls", "Words.", " |{\"terminal\":\"2\"}", "id", 2 },
        { "ls", "Words.", " |{\"exit\":\"any\"}", "id", 2 },
        { "ls", "Words.", " |{\"timeout\":\"3s\"}", "id", 2 },
    };
    struct lesson *first = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        snprintf(text, sizeof text, STEP("One", "```bash\n%s\n```") STEP("Two", "%s\n\n```bash%s\n%s\n```"),
                 rows[i].before, rows[i].words, rows[i].keys, rows[i].command);
        struct lesson *lesson = parse(text);
        first = first ? first : lesson;
        if (lesson_first_change(first, lesson) != rows[i].changed)
            fail_msg("row %zu: step %u has changed, expected %u", i, lesson_first_change(first, lesson),
                     rows[i].changed);
        if (lesson != first)
            lesson_free(lesson);
    }
    lesson_free(first);
}

static void line_ends_of_other_systems_and_a_byte_order_mark_are_read(void **state)
{
    (void)state;
    struct lesson *lesson =
        parse("\xef\xbb\xbf# T\r\n\r\n## One\r\n\r\n```bash "
              "|{\"name\":\"a\"}\r\nls\r\nid\r\n```\r\n```output\r\na\r\n```\r\n<!-- check\r\ntrue\r\n-->\r\n");
    assert_string_equal(lesson->steps[0].check, "true\n");
    assert_string_equal(lesson->steps[0].blocks[0].commands[1], "id");
    assert_true(block_output_matches(&lesson->steps[0].blocks[0], "a\n", NULL));
    lesson_free(lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heading_starts_a_step_and_what_stands_before_is_the_introduction),
        cmocka_unit_test(front_matter_is_read_and_keeps_line_numbers),
        cmocka_unit_test(keys_of_a_block_are_read_from_flat_json),
        cmocka_unit_test(hidden_blocks_hints_and_notes_are_collected_and_not_shown),
        cmocka_unit_test(every_node_says_what_it_is),
        cmocka_unit_test(a_quiz_has_answers_with_reasons),
        cmocka_unit_test(a_plain_readme_plays_block_by_block),
        cmocka_unit_test(docable_blocks_keep_their_meaning),
        cmocka_unit_test(fences_of_other_tools_are_read_as_they_read_them),
        cmocka_unit_test(a_readme_says_in_words_which_terminal_it_means),
        cmocka_unit_test(a_status_is_matched_as_the_kernel_or_a_shell_reports_it),
        cmocka_unit_test(the_first_step_that_runs_otherwise_is_found),
        cmocka_unit_test(line_ends_of_other_systems_and_a_byte_order_mark_are_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The review says what was shown and what was done; what it and a transcript write is read back by cmark as just that. */
#include "engine/base/cleanup.h"
#include "repl/tutor/markdown_out.h"
#include "repl/tutor/review.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmark.h>
#include <cmocka.h>

static const char lesson_source[] =
    "# A lesson\n\n## Look\n\n<!-- essence: `ls` lists. -->\n\n```bash\nls\n```\n\n"
    "## Go in\n\n<!-- essence: A root is a directory. -->\n\n```bash\nchroot /x\n```\n\n"
    "## Not yet\n\n<!-- essence: The answer. -->\n\n```bash\ntrue\n```\n"
    "<!-- check\ntrue\n-->\n";

static enum review_mark mark(unsigned step, void *data)
{
    return step == 1 ? REVIEW_PASSED : step == 2 ? REVIEW_SKIPPED : REVIEW_OPEN;
}

static char *review_of(struct journal *journal)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    struct journal_record record;
    struct lesson *lesson = lesson_parse("/tmp/01-a.md", lesson_source, sizeof lesson_source - 1, &mistakes, &err);
    assert_non_null(lesson);
    assert_int_equal(journal_read(journal, &record, &err), 0);
    char *text = review_text(lesson, &record, mark, NULL);
    assert_non_null(text);
    journal_record_free(&record);
    lesson_free(lesson);
    return text;
}

static void type(struct journal *journal, unsigned step, const char *line, int status, const char *const *calls)
{
    struct err err = { 0 };
    uint64_t number = journal_command(journal, step, 1, line, &err);
    assert_true(number > 0);
    assert_int_equal(journal_ended(journal, number, &(struct journal_end){ .status = status, .calls = calls }, &err),
                     0);
}

static void expect(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("`%s` is not in:\n%s", words, text);
}

static void each_step_is_there_with_what_it_has_shown_and_no_answer_before_it_is_due(void **state)
{
    struct journal *journal = journal_new(NULL);
    cleanup_free char *text = review_of(journal);
    expect(text, "Passed: 1 of 3 steps.");
    expect(text, "## 1. Look\n\n`ls` lists.\n");
    expect(text, "## 2. Go in (skipped)\n\nA root is a directory.\n");
    expect(text, "## 3. Not yet (not done yet)\n");
    assert_null(strstr(text, "The answer"));
    assert_null(strstr(text, "words of a command"));
    journal_free(journal);
}

static void commands_are_there_with_the_syscalls_that_did_it(void **state)
{
    static const char *const seen[] = { "execve(\"/bin/chroot\", [\"chroot\", \"/x\"]) = 0",
                                        "mount(\"none\", \"/x\") = 0", "chroot(\"/x\") = -1 ENOENT", NULL };
    struct journal *journal = journal_new(NULL);
    type(journal, 2, "chroot /x", 125, seen);
    type(journal, 2, "unshare --pid --fork true", 0, NULL);
    type(journal, 1, "ls", 1, NULL);
    type(journal, 1, "ls", 0, NULL);
    cleanup_free char *text = review_of(journal);
    expect(text, "- `chroot /x` (status 125): `mount(\"none\", \"/x\")`, `chroot(\"/x\") = -1 ENOENT`\n");
    expect(text, "`unshare(CLONE_NEWPID)`");
    expect(text, "where the lens has not seen it run");
    const char *first = strstr(text, "- `ls`");
    assert_non_null(first);
    assert_null(strstr(first + 1, "- `ls`")); /* typed twice, told once, as it was at last */
    assert_null(strstr(text, "`ls` (status 1)"));
    journal_free(journal);
}

/* The document of what @put makes of @text. */
static cmark_node *document(void (*put)(FILE *out, const char *text), const char *text)
{
    char *markdown = NULL;
    size_t size;
    FILE *out = open_memstream(&markdown, &size);
    fputs("Before ", out);
    put(out, text);
    fputs(" after\n", out);
    fclose(out);
    cmark_node *node = cmark_parse_document(markdown, size, CMARK_OPT_DEFAULT);
    free(markdown);
    assert_non_null(node);
    return node;
}

static void put_block(FILE *out, const char *text)
{
    fputs("\n\n", out);
    markdown_out_block(out, "console", text);
    fputc('\n', out);
}

static void a_block_holds_whatever_was_printed(void **state)
{
    static const char *const texts[] = { "plain\n", "```\n# heading\n```\n", "````````\n~~~\n",
                                         "<script>x</script>\n&lt;\n", "    indented\n\n\n- list\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cmark_node *node = document(put_block, texts[i]), *block = cmark_node_next(cmark_node_first_child(node));
        assert_int_equal(cmark_node_get_type(block), CMARK_NODE_CODE_BLOCK);
        assert_string_equal(cmark_node_get_literal(block), texts[i]);
        assert_int_equal(cmark_node_get_type(cmark_node_next(block)), CMARK_NODE_PARAGRAPH);
        assert_null(cmark_node_next(cmark_node_next(block)));
        cmark_node_free(node);
    }
}

static void a_command_in_a_sentence_is_only_that(void **state)
{
    static const char *const texts[] = { "ls", "echo `date`", "`", "``a``", "echo <b>*x*</b> [a](b)" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cmark_node *node = document(markdown_out_code, texts[i]), *paragraph = cmark_node_first_child(node);
        cmark_node *code = cmark_node_next(cmark_node_first_child(paragraph));
        assert_int_equal(cmark_node_get_type(code), CMARK_NODE_CODE);
        assert_string_equal(cmark_node_get_literal(code), texts[i]);
        assert_int_equal(cmark_node_get_type(cmark_node_next(code)), CMARK_NODE_TEXT);
        assert_null(cmark_node_next(cmark_node_next(code)));
        cmark_node_free(node);
    }
}

static void words_stay_words(void **state)
{
    static const char text[] = "a *b* _c_ `d` <e> [f](g) &amp; h\\* # i\nj | ~k~";
    cmark_node *node = document(markdown_out_words, text), *paragraph = cmark_node_first_child(node);
    char all[256] = "";
    for (cmark_node *at = cmark_node_first_child(paragraph); at; at = cmark_node_next(at)) {
        assert_int_equal(cmark_node_get_type(at), CMARK_NODE_TEXT);
        strcat(all, cmark_node_get_literal(at));
    }
    assert_string_equal(all, "Before a *b* _c_ `d` <e> [f](g) &amp; h\\* # i j | ~k~ after");
    cmark_node_free(node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_is_there_with_what_it_has_shown_and_no_answer_before_it_is_due),
        cmocka_unit_test(commands_are_there_with_the_syscalls_that_did_it),
        cmocka_unit_test(a_block_holds_whatever_was_printed),
        cmocka_unit_test(a_command_in_a_sentence_is_only_that),
        cmocka_unit_test(words_stay_words),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

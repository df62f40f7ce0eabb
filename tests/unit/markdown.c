#include "repl/screen/markdown.h"
#include "repl/screen/utf8.h"

#include <cmark.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct theme utf8_theme = { .look = LOOK_MONO }, ascii_theme = { .look = LOOK_MONO, .ascii = true };

/* Everything the drawing knows, with long words, wide and combining glyphs. */
static const char everything[] =
    "# A heading that is rather long for a narrow pane\n\n"
    "A paragraph with *emphasis*, **strong words**, `code in a sentence`, and a "
    "[link](https://example.org/a/rather/long/path).  \n"
    "A hard break stood before this. Averyveryverylongwordthatfitsnowhereatallinthepane. 漢字と日本語の文章, e\xcc\x81 "
    "combining.\n\n"
    "1. first\n2. second\n   - inner\n     - innermost with enough words to wrap in any width there is\n10. tenth\n\n"
    "> A quote\n> > in a quote, long enough to be wrapped when the pane is as narrow as it may be.\n\n"
    "```bash\nunshare --mount --uts --ipc --net --pid --fork --user --map-root-user chroot /better-root "
    "bash\n\ttabbed\tline\n```\n\n"
    "***\n\n"
    "| name | what it is | size |\n|---|:--|--:|\n| mnt | its own **mount** table, in many words | 12 |\n| `pid` | "
    "漢字 | 3456 |\n\n"
    "<!-- hidden -->\n\n<b>html</b>\n";

static struct flow *render(const struct theme *theme, const char *text, unsigned width)
{
    struct flow *flow = flow_new(theme, width);
    assert_non_null(flow);
    markdown_draw_text(flow, text);
    return flow;
}

/* All lines as one string with newlines, blanks at the ends of lines cut. */
static char *text_of(struct flow *flow)
{
    size_t count, used = 0;
    const struct line *lines = flow_lines(flow, &count);
    char *text = calloc(1, 100000);
    for (size_t i = 0; i < count; i++) {
        size_t start = used;
        for (size_t j = 0; j < lines[i].count; j++)
            used += (size_t)sprintf(text + used, "%s", lines[i].spans[j].text);
        while (used > start && text[used - 1] == ' ')
            used--;
        text[used++] = '\n';
        text[used] = '\0';
    }
    return text;
}

static void expect(const char *markdown, unsigned width, const char *wanted)
{
    struct flow *flow = render(&utf8_theme, markdown, width);
    char *text = text_of(flow);
    assert_string_equal(text, wanted);
    free(text);
    flow_free(flow);
}

static void no_line_is_ever_wider_than_asked(void **state)
{
    const struct theme *themes[] = { &utf8_theme, &ascii_theme };
    for (size_t t = 0; t < 2; t++)
        for (unsigned width = 1; width <= 200; width++) {
            struct flow *flow = render(themes[t], everything, width);
            size_t count;
            const struct line *lines = flow_lines(flow, &count);
            assert_true(count > 0);
            for (size_t i = 0; i < count; i++) {
                unsigned cells = 0;
                for (size_t j = 0; j < lines[i].count; j++) {
                    unsigned real = utf8_width(lines[i].spans[j].text, strlen(lines[i].spans[j].text));
                    assert_int_equal(real, lines[i].spans[j].cells);
                    cells += real;
                }
                assert_int_equal(cells, lines[i].cells);
                if (cells > width)
                    fail_msg("width %u: line %zu has %u cells", width, i, cells);
            }
            flow_free(flow);
        }
}

static void ascii_output_is_ascii(void **state)
{
    struct flow *flow = render(&ascii_theme, everything, 60);
    char *text = text_of(flow);
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    free(text);
    flow_free(flow);
}

static void paragraphs_wrap_between_words_and_html_is_not_shown(void **state)
{
    expect("one two three\nfour\n\n<!-- no -->\n\nfive\n", 9, "one two\nthree\nfour\n\nfive\n");
    expect("a**b**c d", 3, "abc\nd\n");
    expect("one  \ntwo", 20, "one\ntwo\n");
}

static void lists_are_numbered_nested_and_aligned(void **state)
{
    expect("- a b c\n- d\n  - e\n", 6, "• a b\n  c\n• d\n  ◦ e\n");
    expect("9. nine\n10. ten\n", 20, " 9. nine\n10. ten\n");
    expect("- a\n\n- b\n", 20, "• a\n\n• b\n");
}

static void quotes_and_code_stand_behind_a_gutter(void **state)
{
    expect("> said\n", 20, "│ said\n");
    expect("```\na  b\n```\n", 20, "│ a  b\n");
    expect("```\nls -l --color x\n```\n", 14, "│ ls -l ↵\n│ --color x\n");
    expect("```\nabcdefghij\n```\n", 8, "│ abcde↵\n│ fghij\n");
}

static void links_say_where_they_go_once(void **state)
{
    expect("[man](https://a.b)", 40, "man (https://a.b)\n");
    expect("<https://a.b>", 40, "https://a.b\n");
}

static void tables_are_aligned_and_their_cells_wrap(void **state)
{
    expect("| a | b |\n|---|--:|\n| long | 1 |\n| 漢字 | 23 |\n", 40, "a      b\n────────\nlong   1\n漢字  23\n");
    expect("| a | b |\n|---|---|\n| one two three | x |\n", 11, "a         b\n───────────\none two   x\nthree\n");
    expect("| not a table\n", 40, "| not a table\n");
    expect("| a |\n| b |\n", 40, "| a | | b |\n");
    expect("| `x` | b |\n|--|--|\n", 40, "x  b\n────\n");
}

static void long_words_are_cut_and_too_wide_glyphs_replaced(void **state)
{
    expect("abcdef", 4, "abcd\nef\n");
    expect("漢", 1, "?\n");
    expect("漢字漢", 5, "漢字\n漢\n");
}

static void control_characters_never_reach_the_screen(void **state)
{
    struct flow *flow = flow_new(&utf8_theme, 40);
    flow_text(flow, ROLE_TEXT, "a\033[31mb\x9bq");
    flow_verbatim(flow, ROLE_CODE, "x\033y\ttab", 8);
    char *text = text_of(flow);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "xy      tab"));
    free(text);
    flow_free(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_ever_wider_than_asked),
        cmocka_unit_test(ascii_output_is_ascii),
        cmocka_unit_test(paragraphs_wrap_between_words_and_html_is_not_shown),
        cmocka_unit_test(lists_are_numbered_nested_and_aligned),
        cmocka_unit_test(quotes_and_code_stand_behind_a_gutter),
        cmocka_unit_test(links_say_where_they_go_once),
        cmocka_unit_test(tables_are_aligned_and_their_cells_wrap),
        cmocka_unit_test(long_words_are_cut_and_too_wide_glyphs_replaced),
        cmocka_unit_test(control_characters_never_reach_the_screen),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

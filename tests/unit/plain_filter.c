/* A terminal's output made fit for reading in order, however it is cut. */
#include "repl/play/plain_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char got[4096];

static void on_text(const char *bytes, size_t len, void *data)
{
    strncat(got, bytes, len);
}

static void on_mark(char mark, void *data)
{
    const char text[] = { '<', mark, '>', '\0' };
    strcat(got, text);
}

static const char *filtered(const char *bytes, size_t at_once, bool keep)
{
    static const struct plain_filter_events events = { on_text, on_mark, NULL };
    struct plain_filter filter = { .keep = keep };
    size_t len = strlen(bytes);
    got[0] = '\0';
    for (size_t i = 0; i < len; i += at_once)
        plain_filter_feed(&filter, bytes + i, len - i < at_once ? len - i : at_once, &events);
    return got;
}

static void sequences_go_and_marks_are_told(void **state)
{
    static const struct {
        const char *bytes, *dumb, *kept;
    } cases[] = {
        { "plain\r\n", "plain\r\n", "plain\r\n" },
        { "a\033[1;31mred\033[0mb", "aredb", "a\033[1;31mred\033[0mb" },
        { "\033]133;A;k=1;s=1.1\a$ \033]133;B;k=1\a", "<A>$ <B>", "<A>$ <B>" },
        { "\033]133;D;0;k=1\033\\x", "<D>x", "<D>x" },
        { "\033]0;a title\ax", "x", "x" },
        { "\033]52;c;c2VjcmV0\ax", "x", "x" },
        { "\033P$q\033\\x\033_y\033\\", "x", "x" },
        { "\033(Bx\033=y\033cz", "xyz", "\033(Bx\033=yz" },
        { "\033[6nx\033[cy\033[>cz", "xyz", "xyz" }, /* questions the reader's terminal would answer */
        { "\033]0;cut off\033[1mx", "x", "\033[1mx" },
        { "\033[1\033[2mx", "x", "\033[2mx" },
        { "caf\303\251", "café", "café" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at_once = 1; at_once < 8; at_once++) {
            assert_string_equal(filtered(cases[i].bytes, at_once, false), cases[i].dumb);
            assert_string_equal(filtered(cases[i].bytes, at_once, true), cases[i].kept);
        }
}

static void a_sequence_without_an_end_is_not_kept(void **state)
{
    char bytes[1024] = "\033[";
    memset(bytes + 2, '1', 900);
    strcpy(bytes + 902, "mx");
    assert_string_equal(filtered(bytes, 7, true), "x");
    bytes[1] = ']';
    strcpy(bytes + 902, "\ax");
    assert_string_equal(filtered(bytes, 7, true), "x");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_go_and_marks_are_told),
        cmocka_unit_test(a_sequence_without_an_end_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a command printed, cut out of a terminal's bytes. */
#include "repl/session/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define K ";k=0123456789abcdef;s=1.1\a"
#define C "\033]133;C" K
#define D0 "\033]133;D;0" K
#define A "\033]133;A" K
#define B "\033]133;B" K

static struct capture *begin(void)
{
    static struct capture capture;
    text_free(&capture.text);
    capture = (struct capture){ .nonce = "0123456789abcdef" };
    capture_begin(&capture);
    return &capture;
}

/* The same whatever pieces the bytes come in. */
static void expect(const char *bytes, size_t lines, const char *wanted)
{
    size_t len = strlen(bytes);
    for (size_t piece = 1; piece <= len; piece++) {
        struct capture *capture = begin();
        for (size_t i = 0; i < len; i += piece)
            capture_feed(capture, bytes + i, len - i < piece ? len - i : piece);
        capture_end(capture, lines);
        if (strcmp(text_string(&capture->text), wanted) != 0)
            fail_msg("in pieces of %zu: «%s», expected «%s»", piece, text_string(&capture->text), wanted);
        text_free(&capture->text);
    }
}

static void output_is_what_stands_between_the_marks(void **state)
{
    expect("ls\r\n" C "one\r\ntwo\r\n" D0 A "$ " B, 1, "one\ntwo\n");
    expect("ls\r\n" C D0 A "$ " B, 1, "");
    expect("bash\r\n" C "welcome\r\n" A "nested$ " B, 1, "welcome\n");
    expect("x\r\n" C "no newline" D0 A "$ " B, 1, "no newline");
}

static void escapes_and_control_bytes_are_left_out(void **state)
{
    expect("x\r\n" C
           "\033[1;31mred\033[0m \033]0;title\aplain\033(B\b\b \033]8;;http://x\033\\link\033]8;;\033\\\tend\r\n" D0,
           1, "red plain link\tend\n");
    expect("x\r\n" C "caf\303\251 \342\202\254\r\n" D0, 1, "caf\303\251 \342\202\254\n");
}

static void marks_of_others_are_no_marks(void **state)
{
    expect("x\r\n" C "a\033]133;D;0;k=ffffffffffffffff;s=1.1\ab\r\n" D0 "c", 1, "ab\n");
}

static void without_marks_the_echo_before_and_the_prompt_after_are_taken_off(void **state)
{
    expect("ls\r\none\r\ntwo\r\n# ", 1, "one\ntwo\n");
    expect("cat <<E\r\nx\r\nE\r\nx\r\n# ", 3, "x\n");
    expect("true\r\n# ", 1, "");
    expect("", 1, "");
}

static void a_prompt_that_asks_for_more_is_told_from_one_that_is_ready(void **state)
{
    struct capture *capture = begin();
    static const char bytes[] = D0 A "$ " B "for i in 1\r\n" A "> " B "do )\r\n\033]133;D;2" K A "$ " B;
    capture_feed(capture, bytes, sizeof bytes - 1);
    assert_false(capture_continued(capture));
    assert_true(capture_continued(capture));
    assert_false(capture_continued(capture));
    assert_int_equal(capture->status, 2);
    text_free(&capture->text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_what_stands_between_the_marks),
        cmocka_unit_test(escapes_and_control_bytes_are_left_out),
        cmocka_unit_test(marks_of_others_are_no_marks),
        cmocka_unit_test(without_marks_the_echo_before_and_the_prompt_after_are_taken_off),
        cmocka_unit_test(a_prompt_that_asks_for_more_is_told_from_one_that_is_ready),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

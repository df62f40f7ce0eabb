#include "repl/screen/theme.h"
#include "repl/screen/utf8.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_glyph_takes_one_cell_and_has_an_ascii_form(void **state)
{
    struct theme utf8 = { .look = LOOK_16 }, ascii = { .look = LOOK_16, .ascii = true };
    for (int i = 0; i < GLYPHS; i++) {
        const char *glyph = theme_glyph(&utf8, i), *plain = theme_glyph(&ascii, i);
        assert_non_null(glyph);
        assert_int_equal(utf8_width(glyph, strlen(glyph)), 1);
        assert_int_equal(strlen(plain), 1);
        assert_true(plain[0] > ' ' && plain[0] < 0x7f);
    }
}

static void without_colours_no_role_has_one_and_meanings_still_differ(void **state)
{
    struct theme mono = { .look = LOOK_MONO };
    for (int i = 0; i < ROLES; i++) {
        struct style style = theme_style(&mono, i);
        assert_int_equal(style.fg, -1);
        assert_int_equal(style.bg, -1);
    }
    static const enum role pairs[][2] = { { ROLE_TITLE, ROLE_FOCUS },           { ROLE_STATUS, ROLE_STATUS_KEY },
                                          { ROLE_STATUS_KEY, ROLE_STATUS_NOW }, { ROLE_TEXT, ROLE_TODO },
                                          { ROLE_TEXT, ROLE_SUGGESTION },       { ROLE_SAME, ROLE_DIFFERS },
                                          { ROLE_TEXT, ROLE_SELECTED } };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_int_not_equal(theme_style(&mono, pairs[i][0]).attributes, theme_style(&mono, pairs[i][1]).attributes);
}

static void no_text_is_dark_blue_red_or_green(void **state)
{
    for (int look = LOOK_16; look <= LOOK_8; look++)
        for (int i = 0; i < ROLES; i++) {
            struct style style = theme_style(&(struct theme){ .look = (enum look)look }, i);
            assert_true(style.fg < (look == LOOK_8 ? 8 : 16));
            assert_false(style.fg == 4 || (style.fg & 7) == 1 || (style.fg & 7) == 2);
        }
}

static void no_color_wins_over_colours_unless_it_is_empty(void **state)
{
    unsetenv("NO_COLOR");
    assert_int_equal(theme_look(256), LOOK_16);
    assert_int_equal(theme_look(16), LOOK_16);
    assert_int_equal(theme_look(8), LOOK_8);
    assert_int_equal(theme_look(0), LOOK_MONO);
    setenv("NO_COLOR", "", 1);
    assert_int_equal(theme_look(256), LOOK_16);
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(theme_look(256), LOOK_MONO);
    unsetenv("NO_COLOR");
}

static void typographic_marks_become_their_plain_relatives(void **state)
{
    assert_string_equal(theme_ascii(0x2014), "-");
    assert_string_equal(theme_ascii(0x2019), "'");
    assert_string_equal(theme_ascii(0x2192), "->");
    assert_string_equal(theme_ascii(0x4e2d), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_glyph_takes_one_cell_and_has_an_ascii_form),
        cmocka_unit_test(without_colours_no_role_has_one_and_meanings_still_differ),
        cmocka_unit_test(no_text_is_dark_blue_red_or_green),
        cmocka_unit_test(no_color_wins_over_colours_unless_it_is_empty),
        cmocka_unit_test(typographic_marks_become_their_plain_relatives),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

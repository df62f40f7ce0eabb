#include "repl/screen/theme.h"
#include "repl/screen/utf8.h"

#include <locale.h>
#include <math.h>
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

static void every_glyph_takes_one_cell_and_has_an_ascii_form(void **state)
{
    struct theme utf8 = { .look = LOOK_16, .ascii = false }, ascii = { .look = LOOK_16, .ascii = true };
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
    struct theme mono = { .look = LOOK_MONO, .ascii = false };
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
            struct style style = theme_style(&(struct theme){ .look = look }, i);
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

/* xterm's colours, and the contrast of two by WCAG 2: 21 is black on white. */
static double luminance(int color)
{
    static const unsigned ansi[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
                                       0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff };
    unsigned rgb = color < 16 ? ansi[color] : 0;
    if (color >= 232)
        rgb = (unsigned)(8 + 10 * (color - 232)) * 0x10101u;
    for (int i = 0, cube[] = { (color - 16) / 36, (color - 16) / 6 % 6, (color - 16) % 6 };
         color >= 16 && color < 232 && i < 3; i++)
        rgb = rgb << 8 | (unsigned)(cube[i] ? 55 + 40 * cube[i] : 0);
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        static const double weights[] = { 0.2126, 0.7152, 0.0722 };
        double part = (double)(rgb >> (16 - 8 * i) & 255) / 255;
        sum += weights[i] * (part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(int a, int b)
{
    double la = luminance(a), lb = luminance(b);
    return ((la > lb ? la : lb) + 0.05) / ((la > lb ? lb : la) + 0.05);
}

static void papers_of_their_own_are_readable_whatever_the_terminal(void **state)
{
    static const struct {
        enum paper paper;
        double least;
    } papers[] = { { PAPER_LIGHT, 4.5 }, { PAPER_CONTRAST, 7 } };
    for (size_t p = 0; p < 2; p++) {
        struct theme theme = { .look = LOOK_16, .paper = papers[p].paper };
        struct style ground = theme_ground(&theme);
        assert_true(contrast(ground.fg, ground.bg) > 20);
        for (int i = 0; i < ROLES; i++) {
            struct style style = theme_style(&theme, i);
            double found = contrast(style.fg < 0 ? ground.fg : style.fg, style.bg < 0 ? ground.bg : style.bg);
            if (found < papers[p].least)
                fail_msg("%s: role %d has a contrast of %.1f", theme_paper_name(theme.paper), i, found);
            assert_false(theme.paper == PAPER_CONTRAST && (style.attributes & STYLE_DIM));
        }
    }
    struct theme light = { .look = LOOK_16, .paper = PAPER_LIGHT };
    for (int color = 0; color < 16; color++)
        assert_true(contrast(theme_ink(&light, color, -1), theme_ground(&light).bg) > 3);
    assert_int_equal(theme_ink(&light, 15, 4), 15); /* on a ground of its own it is the program's business */
}

static void the_paper_is_the_options_then_the_environments_then_the_files(void **state)
{
    char config[] = "/tmp/theme-test-XXXXXX", path[64];
    enum paper paper;
    struct err err = { 0 };
    assert_non_null(mkdtemp(config));
    setenv("XDG_CONFIG_HOME", config, 1);
    unsetenv("TEACHROOT_THEME");
    assert_int_equal(theme_paper(NULL, &paper, &err), 0);
    assert_int_equal(paper, PAPER_DARK);
    snprintf(path, sizeof(path), "%s/teachroot", config);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/teachroot/theme", config);
    FILE *file = fopen(path, "w");
    fputs("contrast\n", file);
    fclose(file);
    assert_int_equal(theme_paper(NULL, &paper, &err), 0);
    assert_int_equal(paper, PAPER_CONTRAST);
    setenv("TEACHROOT_THEME", "light", 1);
    assert_int_equal(theme_paper(NULL, &paper, &err), 0);
    assert_int_equal(paper, PAPER_LIGHT);
    assert_int_equal(theme_paper("dark", &paper, &err), 0);
    assert_int_equal(paper, PAPER_DARK);
    assert_int_equal(theme_paper("pink", &paper, &err), -1);
    assert_non_null(strstr(err.message, "--theme: no theme `pink`"));
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_glyph_takes_one_cell_and_has_an_ascii_form),
        cmocka_unit_test(without_colours_no_role_has_one_and_meanings_still_differ),
        cmocka_unit_test(no_text_is_dark_blue_red_or_green),
        cmocka_unit_test(no_color_wins_over_colours_unless_it_is_empty),
        cmocka_unit_test(papers_of_their_own_are_readable_whatever_the_terminal),
        cmocka_unit_test(the_paper_is_the_options_then_the_environments_then_the_files),
        cmocka_unit_test(typographic_marks_become_their_plain_relatives),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The filter in front of libvterm: what it hands on, and what it never does. */
#include "repl/session/vtguard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Everything handed on, written down; neighbouring runs of text are one. */
static char log_text[16384];
static size_t log_len;
static bool last_was_text;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(log_text + log_len, sizeof(log_text) - log_len, format, args);
    va_end(args);
    log_len += (size_t)len;
    assert_true(log_len < sizeof(log_text));
    last_was_text = false;
}

static void on_text(const char *bytes, size_t len, void *data)
{
    bool joined = last_was_text;
    put("%s", joined ? "" : "T:");
    for (size_t at = 0; at < len;) {
        uint32_t code;
        at += vtguard_decode(bytes + at, len - at, &code);
        if (code < 0x80)
            put("%c", (char)code);
        else
            put("<%X>", code);
    }
    last_was_text = true;
}

static void on_control(unsigned char control, void *data)
{
    put(" c%02x ", control);
}

static void on_escape(char intermed, char final, void *data)
{
    put(" esc%c%c ", intermed ? intermed : '.', final);
}

static void on_csi(const struct vtguard_csi *csi, void *data)
{
    put(" csi%c", csi->leader ? csi->leader : '.');
    for (unsigned i = 0; i < csi->count; i++)
        put("%d%c", csi->args[i].value, csi->args[i].more ? ':' : ';');
    put("%c%c ", csi->intermed ? csi->intermed : '.', csi->final);
}

static void on_osc(const char *text, size_t len, void *data)
{
    assert_int_equal(strlen(text), len);
    put(" osc(%.40s)%zu ", text, len);
}

static void on_dcs(const char *text, size_t len, void *data)
{
    put(" dcs(%.40s)%zu ", text, len);
}

static const struct vtguard_hooks hooks = {
    .text = on_text, .control = on_control, .escape = on_escape, .csi = on_csi, .osc = on_osc, .dcs = on_dcs
};

/* What the guard makes of @bytes, given in pieces of @piece bytes (0: at once). */
static const char *guarded(const char *bytes, size_t len, size_t piece)
{
    static struct vtguard guard;
    vtguard_init(&guard, &hooks, NULL);
    log_len = 0;
    log_text[0] = '\0';
    last_was_text = false;
    for (size_t at = 0; at < len;) {
        size_t count = piece && piece < len - at ? piece : len - at;
        vtguard_feed(&guard, bytes + at, count);
        at += count;
    }
    return log_text;
}

#define GUARDED(text) guarded(text, sizeof(text) - 1, 0)

static void text_and_sequences_come_out_in_order(void **state)
{
    assert_string_equal(GUARDED("ab\r\n\033[1;31mred\033[m\0337\033(0\033#8x"),
                        "T:ab c0d  c0a  csi.1;31;.m T:red csi..m  esc.7  esc(0  esc#8 T:x");
    assert_string_equal(GUARDED("\033[?1006;1000h\033[38:2::1:2:3m\033[!p\033[2 q"),
                        " csi?1006;1000;.h  csi.38:2:-1:1:2:3;.m  csi.!p  csi.2; q ");
    assert_string_equal(GUARDED("\033]0;title\007\033]2;two\033\\\033P$q q\033\\"),
                        " osc(0;title)7  osc(2;two)5  dcs($q q)4 ");
}

static void a_stream_cut_anywhere_gives_the_same(void **state)
{
    static const char stream[] =
        "caf\xc3\xa9 \xe4\xb8\x80\033[12;345H\033]133;B;k=1;s=2.3\033\\\xf0\x9f\x98\x80\033[1\r;2m\xe4\xb8\033[K"
        "\xff\xc3\x28\033Pxyz\007end\xe4";
    char whole[sizeof(log_text)];
    strcpy(whole, GUARDED(stream));
    assert_non_null(strstr(whole, "osc(133;B;k=1;s=2.3)"));
    for (size_t piece = 1; piece < sizeof(stream); piece++)
        assert_string_equal(guarded(stream, sizeof(stream) - 1, piece), whole);
}

static void what_is_no_utf8_is_one_replacement_a_broken_character(void **state)
{
    assert_string_equal(GUARDED("a\xff"
                                "b\xc3"
                                "c\xe4\xb8"
                                "d\x80"
                                "e\xed\xa0\x80"
                                "f\xc0\xaf"
                                "g"),
                        "T:a<FFFD>b<FFFD>c<FFFD>d<FFFD>e<FFFD><FFFD><FFFD>f<FFFD><FFFD>g");
    assert_string_equal(GUARDED("\xe4\xb8"), "");                /* still to come */
    assert_string_equal(GUARDED("\xe4\xb8\n"), "T:<FFFD> c0a "); /* not any more */
}

static void controls_inside_a_sequence_act_and_it_goes_on(void **state)
{
    assert_string_equal(GUARDED("\033[1\r;2H"), " c0d  csi.1;2;.H ");
    assert_string_equal(GUARDED("\033[1\030m\033[2\032m"), "T:m"
                                                           "m");
    assert_string_equal(GUARDED("\033[1\033[2m"), " csi.2;.m ");
    assert_string_equal(GUARDED("a\0b\177c"), "T:abc");
}

static void arguments_are_bounded_in_number_and_size(void **state)
{
    char bytes[4096] = "\033[";
    for (int i = 0; i < 1000; i++)
        strcat(bytes, "1;");
    strcat(bytes, "m");
    const char *made = guarded(bytes, strlen(bytes), 0);
    unsigned ones = 0;
    for (const char *at = made; (at = strchr(at, '1')); at++)
        ones++;
    assert_int_equal(ones, VTGUARD_ARGS);
    assert_string_equal(GUARDED("\033[99999999999999999999999b"), " csi.65535;.b ");
    assert_string_equal(GUARDED("\033[??1h\033[1?h\033[1 !p\033[\xc3\xa9mx"), "T:x");
}

static void a_string_too_long_is_dropped_whole_and_text_goes_on(void **state)
{
    static char bytes[20000];
    size_t at = (size_t)sprintf(bytes, "\033]0;");
    memset(bytes + at, 'x', 10000);
    at += 10000;
    at += (size_t)sprintf(bytes + at, "\007after");
    assert_string_equal(guarded(bytes, at, 0), "T:after");
    assert_string_equal(guarded(bytes, at, 7), "T:after");
    /* the longest that is let through */
    at = (size_t)sprintf(bytes, "\033]");
    memset(bytes + at, 'x', VTGUARD_STRING);
    at += VTGUARD_STRING;
    bytes[at++] = 7;
    assert_non_null(strstr(guarded(bytes, at, 0), ")4096 "));
}

static void a_string_broken_off_is_void(void **state)
{
    assert_string_equal(GUARDED("\033]0;never\033[mend"), " csi..m T:end");
    assert_string_equal(GUARDED("\033]0;never\030end"), "T:end");
    assert_string_equal(GUARDED("\033_apc\033\\\033^pm\033\\\033Xsos\033\\end"), "T:end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_sequences_come_out_in_order),
        cmocka_unit_test(a_stream_cut_anywhere_gives_the_same),
        cmocka_unit_test(what_is_no_utf8_is_one_replacement_a_broken_character),
        cmocka_unit_test(controls_inside_a_sequence_act_and_it_goes_on),
        cmocka_unit_test(arguments_are_bounded_in_number_and_size),
        cmocka_unit_test(a_string_too_long_is_dropped_whole_and_text_goes_on),
        cmocka_unit_test(a_string_broken_off_is_void),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "repl/screen/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS 64

struct log {
    struct input_event events[EVENTS];
    char bytes[EVENTS][200000 / EVENTS];
    size_t count;
    char *all; /* every raw byte given out, in order */
    size_t all_len;
};

static void record(const struct input_event *event, void *data)
{
    struct log *log = data;
    log->all = realloc(log->all, log->all_len + event->len + 1);
    memcpy(log->all + log->all_len, event->bytes, event->len);
    log->all_len += event->len;
    if (log->count == EVENTS)
        return;
    size_t keep = event->len < sizeof(log->bytes[0]) - 1 ? event->len : sizeof(log->bytes[0]) - 1;
    memcpy(log->bytes[log->count], event->bytes, keep);
    log->bytes[log->count][keep] = '\0';
    log->events[log->count++] = *event;
}

struct fixture {
    struct log log;
    struct input *input;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->input = input_new(record, &fixture->log);
    *state = fixture;
    return fixture->input ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    input_free(fixture->input);
    free(fixture->log.all);
    free(fixture);
    return 0;
}

static void feed(struct fixture *fixture, const char *text)
{
    fixture->log.count = 0;
    input_feed(fixture->input, text, strlen(text));
}

static void expect_key(struct fixture *fixture, const char *sequence, uint32_t key, unsigned modifiers)
{
    feed(fixture, sequence);
    if (fixture->log.count != 1 || fixture->log.events[0].kind != INPUT_KEY || fixture->log.events[0].key != key ||
        fixture->log.events[0].modifiers != modifiers)
        fail_msg("ESC%s: %zu events, kind %d, key %#x, modifiers %u", sequence + 1, fixture->log.count,
                 (int)fixture->log.events[0].kind, fixture->log.events[0].key, fixture->log.events[0].modifiers);
    assert_string_equal(fixture->log.bytes[0], sequence);
    assert_int_equal(input_pending(fixture->input), 0);
}

static void function_keys_of_every_common_terminal_are_known(void **state)
{
    static const char *const xterm[] = { "\033OP",   "\033OQ",   "\033OR",   "\033OS",   "\033[15~", "\033[17~",
                                         "\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~" };
    static const char *const vt220[] = { "\033[11~", "\033[12~", "\033[13~", "\033[14~" };
    static const char *const console[] = { "\033[[A", "\033[[B", "\033[[C", "\033[[D", "\033[[E" };
    for (unsigned i = 0; i < 12; i++)
        expect_key(*state, xterm[i], INPUT_KEY_F1 + i, 0);
    for (unsigned i = 0; i < 4; i++)
        expect_key(*state, vt220[i], INPUT_KEY_F1 + i, 0);
    for (unsigned i = 0; i < 5; i++)
        expect_key(*state, console[i], INPUT_KEY_F1 + i, 0);
    expect_key(*state, "\033[1;5P", INPUT_KEY_F1, INPUT_CTRL);
    expect_key(*state, "\033[15;2~", INPUT_KEY_F1 + 4, INPUT_SHIFT);
}

static void cursor_keys_are_known_with_their_modifiers(void **state)
{
    expect_key(*state, "\033[A", INPUT_KEY_UP, 0);
    expect_key(*state, "\033OA", INPUT_KEY_UP, 0);
    expect_key(*state, "\033[1;2B", INPUT_KEY_DOWN, INPUT_SHIFT);
    expect_key(*state, "\033[1;5C", INPUT_KEY_RIGHT, INPUT_CTRL);
    expect_key(*state, "\033[1;3D", INPUT_KEY_LEFT, INPUT_ALT);
    expect_key(*state, "\033[1;8D", INPUT_KEY_LEFT, INPUT_SHIFT | INPUT_ALT | INPUT_CTRL);
    expect_key(*state, "\033[5;2~", INPUT_KEY_PAGE_UP, INPUT_SHIFT);
    expect_key(*state, "\033[5$", INPUT_KEY_PAGE_UP, INPUT_SHIFT);
    expect_key(*state, "\033[6^", INPUT_KEY_PAGE_DOWN, INPUT_CTRL);
    expect_key(*state, "\033[a", INPUT_KEY_UP, INPUT_SHIFT);
    expect_key(*state, "\033Oa", INPUT_KEY_UP, INPUT_CTRL);
    expect_key(*state, "\033[1~", INPUT_KEY_HOME, 0);
    expect_key(*state, "\033[H", INPUT_KEY_HOME, 0);
    expect_key(*state, "\033[7~", INPUT_KEY_HOME, 0);
    expect_key(*state, "\033[F", INPUT_KEY_END, 0);
    expect_key(*state, "\033[3~", INPUT_KEY_DELETE, 0);
    expect_key(*state, "\033[Z", INPUT_KEY_TAB, INPUT_SHIFT);
}

static void control_and_alt_characters_are_keys_with_modifiers(void **state)
{
    expect_key(*state, "\001", 'a', INPUT_CTRL);
    expect_key(*state, "\035", ']', INPUT_CTRL);
    expect_key(*state, "\r", INPUT_KEY_ENTER, 0);
    expect_key(*state, "\t", INPUT_KEY_TAB, 0);
    expect_key(*state, "\177", INPUT_KEY_BACKSPACE, 0);
    expect_key(*state, "\033b", 'b', INPUT_ALT);
    expect_key(*state, "\033\177", INPUT_KEY_BACKSPACE, INPUT_ALT);
    expect_key(*state, "\033é", 0xe9, INPUT_ALT);
}

static void characters_come_whole_wherever_a_read_cuts_them(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\xe4");
    input_feed(fixture->input, "\xb8", 1);
    assert_int_equal(fixture->log.count, 0);
    input_feed(fixture->input, "\xad", 1);
    assert_int_equal(fixture->log.count, 1);
    assert_int_equal(fixture->log.events[0].key, 0x4e2d);
    assert_string_equal(fixture->log.bytes[0], "中");
}

static void a_character_that_breaks_off_does_not_swallow_the_next_key(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\xe4"
                  "a");
    assert_int_equal(fixture->log.count, 2);
    assert_int_equal(fixture->log.events[0].kind, INPUT_UNKNOWN);
    assert_int_equal(fixture->log.events[1].key, 'a');
    feed(fixture, "\xe4\033[A");
    assert_int_equal(fixture->log.events[fixture->log.count - 1].key, INPUT_KEY_UP);
}

static void a_lone_escape_is_the_key_after_a_moment(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\033");
    assert_int_equal(fixture->log.count, 0);
    assert_int_equal(input_pending(fixture->input), INPUT_ESCAPE_MS);
    input_timeout(fixture->input);
    assert_int_equal(fixture->log.count, 1);
    assert_int_equal(fixture->log.events[0].key, INPUT_KEY_ESCAPE);
    assert_int_equal(input_pending(fixture->input), 0);
    feed(fixture, "\033[");
    input_timeout(fixture->input);
    assert_int_equal(fixture->log.events[0].key, '[');
    assert_int_equal(fixture->log.events[0].modifiers, INPUT_ALT);
    feed(fixture, "\033\033[A");
    assert_int_equal(fixture->log.count, 2);
    assert_int_equal(fixture->log.events[0].key, INPUT_KEY_ESCAPE);
    assert_int_equal(fixture->log.events[1].key, INPUT_KEY_UP);
}

static void sequences_split_over_reads_are_one_key(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "\033[1;5C";
    fixture->log.count = 0;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        input_feed(fixture->input, text + i, 1);
    assert_int_equal(fixture->log.count, 1);
    assert_int_equal(fixture->log.events[0].key, INPUT_KEY_RIGHT);
}

static void a_paste_is_one_event_whatever_is_in_it(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "a\033[200~ls\033[A\nrm\003\033[201~b");
    assert_int_equal(fixture->log.count, 3);
    assert_int_equal(fixture->log.events[1].kind, INPUT_PASTE);
    assert_string_equal(fixture->log.bytes[1], "ls\033[A\nrm\003");
    assert_int_equal(fixture->log.events[2].key, 'b');
}

static void a_long_paste_comes_in_pieces_and_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 300001;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    feed(fixture, "\033[200~");
    input_feed(fixture->input, text, size);
    feed(fixture, "\033[201~");
    assert_int_equal(fixture->log.all_len, size);
    assert_memory_equal(fixture->log.all, text, size);
    expect_key(fixture, "x", 'x', 0);
    free(text);
}

static void a_paste_whose_end_is_lost_ends_after_a_while(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\033[200~half");
    assert_int_equal(input_pending(fixture->input), INPUT_PASTE_MS);
    input_timeout(fixture->input);
    assert_string_equal(fixture->log.bytes[0], "half");
    expect_key(fixture, "x", 'x', 0);
}

static void mouse_reports_say_button_place_and_modifiers(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\033[<0;10;5M\033[<0;10;5m\033[<64;1;1M\033[<65;1;1M\033[<36;3;4M\033[<35;7;8M");
    assert_int_equal(fixture->log.count, 6);
    const struct input_event *events = fixture->log.events;
    assert_int_equal(events[0].button, 1);
    assert_true(events[0].pressed);
    assert_int_equal(events[0].row, 4);
    assert_int_equal(events[0].col, 9);
    assert_false(events[1].pressed);
    assert_int_equal(events[2].button, 4);
    assert_int_equal(events[3].button, 5);
    assert_true(events[4].dragged);
    assert_int_equal(events[4].modifiers, INPUT_SHIFT);
    assert_int_equal(events[5].button, 0);
}

static void terminfo_adds_what_the_table_lacks(void **state)
{
    struct fixture *fixture = *state;
    input_add_sequence(fixture->input, "\033[25~", INPUT_KEY_F12, 0);
    input_add_sequence(fixture->input, "\033?p", INPUT_KEY_F1, 0);
    expect_key(fixture, "\033[25~", INPUT_KEY_F12, 0);
    expect_key(fixture, "\033?p", INPUT_KEY_F1, 0);
}

static void unknown_sequences_are_given_out_whole(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, "\033[99~\033[?1;2c\033[>0;276;0cx");
    assert_int_equal(fixture->log.count, 4);
    assert_int_equal(fixture->log.events[0].kind, INPUT_UNKNOWN);
    assert_string_equal(fixture->log.bytes[0], "\033[99~");
    assert_int_equal(fixture->log.events[3].key, 'x');
}

static void random_bytes_never_hang_and_none_is_lost(void **state)
{
    struct fixture *fixture = *state;
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        char bytes[16];
        size_t len = (size_t)rand_r(&seed) % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            static const char likely[] = "\033[O;<~0159mMA$^\xc3\xa9\xe4";
            bytes[i] =
                rand_r(&seed) % 3 ? likely[(size_t)rand_r(&seed) % (sizeof(likely) - 1)] : (char)(rand_r(&seed) % 256);
        }
        size_t before = fixture->log.all_len;
        input_feed(fixture->input, bytes, len);
        input_timeout(fixture->input);
        input_timeout(fixture->input);
        assert_int_equal(input_pending(fixture->input), 0);
        if (fixture->log.all_len - before > len)
            fail_msg("more bytes came out than went in");
        if (fixture->log.all_len - before < len && !memmem(bytes, len, "\033[200~", 6))
            fail_msg("bytes were lost");
    }
}

static void keys_are_encoded_as_xterm_does_and_decode_to_themselves(void **state)
{
    char bytes[17];
    for (uint32_t key = INPUT_KEY_UP; key <= INPUT_KEY_F12; key++)
        for (unsigned modifiers = 0; modifiers < 8; modifiers++)
            for (int application = 0; application < 2; application++) {
                size_t len = input_encode(key, modifiers, application, bytes);
                assert_true(len > 0);
                bytes[len] = '\0';
                expect_key(*state, bytes, key, modifiers);
            }
    assert_int_equal(input_encode('a', 0, false, bytes), 0);
    assert_int_equal(input_encode(INPUT_KEY_UP, 0, true, bytes), 3);
    assert_memory_equal(bytes, "\033OA", 3);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(function_keys_of_every_common_terminal_are_known),
        T(cursor_keys_are_known_with_their_modifiers),
        T(control_and_alt_characters_are_keys_with_modifiers),
        T(characters_come_whole_wherever_a_read_cuts_them),
        T(a_character_that_breaks_off_does_not_swallow_the_next_key),
        T(a_lone_escape_is_the_key_after_a_moment),
        T(sequences_split_over_reads_are_one_key),
        T(a_paste_is_one_event_whatever_is_in_it),
        T(a_long_paste_comes_in_pieces_and_loses_nothing),
        T(a_paste_whose_end_is_lost_ends_after_a_while),
        T(mouse_reports_say_button_place_and_modifiers),
        T(terminfo_adds_what_the_table_lacks),
        T(unknown_sequences_are_given_out_whole),
        T(random_bytes_never_hang_and_none_is_lost),
        T(keys_are_encoded_as_xterm_does_and_decode_to_themselves),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

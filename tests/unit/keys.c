#include "repl/screen/commands.h"
#include "repl/screen/input.h"
#include "repl/screen/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void no_key_means_two_things_in_one_place(void **state)
{
    for (size_t i = 0; i < key_binding_count; i++)
        for (size_t j = i + 1; j < key_binding_count; j++)
            if (key_bindings[i].key == key_bindings[j].key && key_bindings[i].modifiers == key_bindings[j].modifiers)
                assert_int_equal(key_bindings[i].when & key_bindings[j].when, 0);
}

static void every_binding_explains_itself(void **state)
{
    for (size_t i = 0; i < key_binding_count; i++) {
        assert_non_null(key_bindings[i].name);
        assert_true(strlen(key_bindings[i].help) > 0);
        assert_int_not_equal(key_bindings[i].when, 0);
    }
}

static void a_program_that_has_the_screen_gets_every_key_but_one(void **state)
{
    for (uint32_t key = INPUT_KEY_NONE + 1; key <= INPUT_KEY_F12; key++)
        assert_null(keys_find(key, 0, KEYS_PROGRAM));
    const struct key_binding *binding = keys_find(']', INPUT_CTRL, KEYS_PROGRAM);
    assert_non_null(binding);
    assert_int_equal(binding->action, ACTION_COMMAND_LINE);
}

static void help_next_hint_and_reset_can_be_reached_from_everywhere(void **state)
{
    static const enum action actions[] = {
        ACTION_HELP, ACTION_NEXT, ACTION_HINT, ACTION_WHY, ACTION_RESET, ACTION_QUIT
    };
    static const enum key_when places[] = { KEYS_TERMINAL, KEYS_PROMPT, KEYS_LESSON, KEYS_PREFIXED };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++) {
            const struct key_binding *binding = keys_for(actions[i], places[j]);
            assert_non_null(binding);
            assert_non_null(binding->label);
        }
    assert_non_null(keys_for(ACTION_COMMAND_LINE, KEYS_PROGRAM));
}

static void a_program_that_runs_line_by_line_keeps_the_page_keys(void **state)
{
    assert_null(keys_find(INPUT_KEY_PAGE_DOWN, 0, KEYS_TERMINAL));
    assert_non_null(keys_find(INPUT_KEY_PAGE_DOWN, 0, KEYS_PROMPT));
}

static void the_status_line_fits_80_columns(void **state)
{
    size_t cells = 1;
    for (size_t i = 0; i < key_binding_count; i++)
        if (key_bindings[i].label)
            cells += strlen(key_bindings[i].name) + 1 +
                     (key_bindings[i].action == ACTION_FOCUS ? strlen("terminal") : strlen(key_bindings[i].label)) + 2;
    assert_true(cells <= 82); /* the last two are the gap after the last one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_means_two_things_in_one_place),
        cmocka_unit_test(every_binding_explains_itself),
        cmocka_unit_test(a_program_that_has_the_screen_gets_every_key_but_one),
        cmocka_unit_test(help_next_hint_and_reset_can_be_reached_from_everywhere),
        cmocka_unit_test(a_program_that_runs_line_by_line_keeps_the_page_keys),
        cmocka_unit_test(the_status_line_fits_80_columns),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

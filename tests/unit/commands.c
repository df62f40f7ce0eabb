#include "repl/screen/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum action at_prompt(const char *line, bool quiz)
{
    struct command_line command;
    return commands_at_prompt(line, quiz, &command) ? command.action : ACTION_NONE;
}

static void a_line_that_is_exactly_a_command_is_caught(void **state)
{
    for (size_t i = 0; i < command_count; i++) {
        char line[64];
        snprintf(line, sizeof(line), "%s%s", commands[i].name, commands[i].argument == COMMAND_ALONE ? "" : " 3");
        assert_int_equal(at_prompt(line, true), commands[i].action);
    }
    assert_int_equal(at_prompt("next ", false), ACTION_NEXT);
}

static void everything_else_goes_to_bash(void **state)
{
    static const char *const lines[] = {
        "",        " next",    "\\next",     "next | cat", "next;",        "nextx",    "Next",
        "help cd", "goto",     "goto x",     "goto 0",     "goto -1",      "quit now", "1",
        "1 3",     "ls",       "hint 2",     "echo next",  "goto 1 2",     "answer",   "goto 4.",
        "goto .3", "goto 4.0", "goto 4.3.1", "goto 4,3",   "goto 12345.1", "next\n",   "goto 99999999999999999999",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (at_prompt(lines[i], false) != ACTION_NONE)
            fail_msg("`%s` was taken for a command", lines[i]);
}

static void bare_numbers_answer_only_an_open_question(void **state)
{
    assert_int_equal(at_prompt("2", true), ACTION_ANSWER);
    assert_int_equal(at_prompt("1 3", true), ACTION_ANSWER);
    assert_int_equal(at_prompt("1,3", true), ACTION_ANSWER);
    assert_int_equal(at_prompt("1/0", true), ACTION_NONE);
    assert_int_equal(at_prompt("2", false), ACTION_NONE);
    assert_int_equal(at_prompt("answer 2", false), ACTION_NONE);
}

static void arguments_are_read(void **state)
{
    struct command_line command;
    assert_true(commands_at_prompt("goto  12 ", false, &command));
    assert_int_equal(command.place.step, 12);
    assert_false(command.place.names_lesson);
    assert_true(commands_at_prompt("goto 0.3", false, &command));
    assert_int_equal(command.place.step, 3);
    assert_int_equal(command.place.lesson, 0);
    assert_true(command.place.names_lesson);
    assert_true(commands_at_prompt("terminal 2", false, &command));
    assert_int_equal(command.number, 2);
    assert_true(commands_at_prompt("answer the loader ", true, &command));
    assert_string_equal(command.argument, "the loader");
    assert_true(commands_at_prompt("2.", true, &command));
    assert_string_equal(command.argument, "2");
    assert_false(commands_at_prompt("2.", false, &command));
    assert_true(commands_at_prompt("explain ls -l | wc", false, &command)); /* all of the line */
    assert_int_equal(command.action, ACTION_EXPLAIN);
    assert_string_equal(command.argument, "ls -l | wc");
    char why[256];
    assert_true(commands_mistaken("explain", why, sizeof(why)));
    assert_non_null(strstr(why, "explain ls -l"));
    char line[5000];
    memset(line, 'x', sizeof(line));
    memcpy(line, "answer ", 7);
    line[sizeof(line) - 1] = '\0';
    assert_false(commands_at_prompt(line, true, &command));
}

static void the_command_line_says_what_is_wrong_and_what_to_type(void **state)
{
    struct command_line command;
    char why[512];
    assert_true(commands_parse("  next", false, &command, why, sizeof(why)));
    assert_int_equal(command.action, ACTION_NEXT);
    assert_false(commands_parse("nxet", false, &command, why, sizeof(why)));
    assert_non_null(strstr(why, "nxet"));
    assert_non_null(strstr(why, "next"));
    assert_false(commands_parse("goto", false, &command, why, sizeof(why)));
    assert_non_null(strstr(why, "goto 2"));
    assert_false(commands_parse("next now", false, &command, why, sizeof(why)));
    assert_non_null(strstr(why, "`next` alone"));
    char small[8];
    assert_false(commands_parse("nxet", false, &command, small, sizeof(small)));
    assert_int_equal(strlen(small), 7);
}

static void choices_are_numbers_or_letters_within_the_answers(void **state)
{
    unsigned choices[4];
    assert_int_equal(commands_choices("2", choices, 4, 3), 1);
    assert_int_equal(choices[0], 1);
    assert_int_equal(commands_choices("1, 3", choices, 4, 3), 2);
    assert_int_equal(choices[1], 2);
    assert_int_equal(commands_choices("b", choices, 4, 3), 1);
    assert_int_equal(choices[0], 1);
    assert_int_equal(commands_choices("4", choices, 4, 3), 0);
    assert_int_equal(commands_choices("0", choices, 4, 3), 0);
    assert_int_equal(commands_choices("two", choices, 4, 3), 0);
    assert_int_equal(commands_choices("1 1 1 1 1", choices, 4, 3), 0);
    assert_int_equal(commands_choices("", choices, 4, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_is_exactly_a_command_is_caught),
        cmocka_unit_test(everything_else_goes_to_bash),
        cmocka_unit_test(bare_numbers_answer_only_an_open_question),
        cmocka_unit_test(arguments_are_read),
        cmocka_unit_test(the_command_line_says_what_is_wrong_and_what_to_type),
        cmocka_unit_test(choices_are_numbers_or_letters_within_the_answers),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

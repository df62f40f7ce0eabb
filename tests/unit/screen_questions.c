/* Questions on a terminal of their own: how each kind is answered is said where the learner looks, and what was said before the answer goes with it. */
#include "tests/unit/screen_learner.h"

#define SOON_MS 20000

static const char lesson[] =
    "# Questions\n\nWords.\n\n## One\n\n```bash\ntouch /root/x\n```\n"
    "```quiz\nWhich are even?\n[ ] 1\n[x] 2 — two is\n[x] 4 — four is\n```\n"
    "```quiz\nWhat is the file called?\ntext: /x/ — so it is\n```\n"
    "<!-- check\ntest -e /root/x\n-->\n\n<details><summary>Hint</summary>\n\nIt is touched.\n\n</details>\n";

static struct harness *start(void)
{
    return start_at_prompt(write_lesson(lesson), 120, 36, NULL);
}

static void each_kind_of_question_says_how_it_is_answered(void **state)
{
    struct harness *harness = start();
    harness_send(harness, "touch /root/x; (sleep 1.5; touch /root/y) &\r");
    harness_expect(harness, "Now answer the question: type the numbers, e\\.g\\. 1 3", SOON_MS);
    harness_send(harness, "answer five\r");
    harness_expect(harness, "five is none of the answers: type numbers from 1 to 3", SOON_MS);
    usleep(3000000); /* something moves in the lab, and the check passes again */
    assert_true(harness_shows(harness, "five is none of the answers"));
    harness_send(harness, "2 3\r");
    harness_expect(harness, "Right", SOON_MS);
    harness_expect(harness, "Type answer WORD, your answer for WORD", SOON_MS);
    harness_expect(harness, "Now answer the question: type answer WORD", SOON_MS);
    harness_send(harness, "answer x\r");
    harness_expect(harness, "Step 1 passed", SOON_MS);
    quit(harness);
}

static void when_only_the_question_is_left_hints_say_so_and_what_was_missing_goes_with_the_answer(void **state)
{
    struct harness *harness = start();
    harness_send(harness, "touch /root/x\r");
    harness_expect(harness, "Now answer the question", SOON_MS);
    harness_send(harness, "hint\r");
    harness_expect(harness, "only the question is left", SOON_MS);
    assert_false(harness_shows(harness, "It is touched"));
    harness_send(harness, "why\r");
    harness_expect(harness, "What this step waits for *│.*\n.*the question is not answered", SOON_MS);
    harness_send(harness, "2 3\r");
    harness_expect(harness, "Right", SOON_MS);
    harness_expect_gone(harness, "What this step waits for", SOON_MS);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_question_says_how_it_is_answered),
        cmocka_unit_test(when_only_the_question_is_left_hints_say_so_and_what_was_missing_goes_with_the_answer),
    };
    return screen_tests(argc, argv, true, tests);
}

/* Jumps and the review on a terminal of their own, at three sizes: to a step of another lesson, back to where a step began, and the page at the end. */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/screen_learner.h"

#define SOON_MS 20000

static const char first[] = "# The first\n\nWords.\n\n## Only step\n\n```bash\ntrue\n```\n<!-- check\nfalse\n-->\n";
static const char fourth[] =
    "# The fourth\n\nWords.\n\n## Make it\n\n<!-- essence: A directory is made by one syscall. -->\n\n"
    "```bash\nmkdir /root/made\n```\n```bash |{\"replay\":\"skip\"}\nsleep 300\n```\n<!-- check\ntest -d "
    "/root/made\n-->\n\n"
    "## Fill it\n\n<!-- essence: A file is in a directory. -->\n\n```bash\ntouch /root/made/file\n```\n"
    "<!-- check\ntest -e /root/made/file\n-->\n\n"
    "## Look at it\n\n<!-- essence: A list is read from the directory. -->\n\n```bash\nls /root/made\n```\n"
    "<!-- check\ntest -e /root/made/looked\n-->\n";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct harness *start(unsigned cols, unsigned rows)
{
    static char text[256];
    static const char *env[] = { text, NULL };
    write_file("01-first.md", first);
    write_file("04-fourth.md", fourth);
    write_file("lessons.md", "| # | lesson | what |\n|---|---|---|\n| 1 | [The first](01-first.md) | a |\n"
                             "| 4 | [The fourth](04-fourth.md) | b |\n");
    snprintf(text, sizeof text, "TEACHROOT_LESSONS=%s", directory);
    return start_at_prompt("1", cols, rows, env);
}

static void jumps_and_the_review(unsigned cols, unsigned rows)
{
    struct harness *harness = start(cols, rows);
    harness_send(harness, "goto 4.9\r"); /* there is none, and nothing is lost by it */
    harness_expect(harness, "lesson 4 has steps 1 to 3", SOON_MS);
    harness_expect(harness, "The first", SOON_MS);
    harness_send(harness, "goto 4.x\r");
    harness_expect(harness, "needs a step's number", SOON_MS);

    harness_send(harness, "goto 4.3\r");
    harness_expect(harness, "3\\. Look at it", START_MS);
    harness_expect(harness, "Not done again.*`?sleep 300", SOON_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "ls /root/made; touch /root/made/mine\r");
    harness_expect(harness, "\nfile|│file|^file| file", SOON_MS);

    harness_send(harness, "undo\r"); /* of this step: something was done in it */
    harness_expect_gone(harness, "made/mine", START_MS);
    harness_expect(harness, "3\\. Look at it", SOON_MS);
    harness_expect(harness, "Not done again.*`?sleep 300", SOON_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "ls -x /root/made | tr a-z A-Z\r");
    harness_expect(harness, "FILE", SOON_MS);
    assert_false(harness_shows(harness, "MINE"));
    harness_send(harness, "undo\r"); /* of what was looked at */
    harness_expect_gone(harness, "FILE", START_MS);
    harness_expect(harness, "Not done again.*`?sleep 300", SOON_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "undo\r"); /* nothing was done in it: of the one before */
    harness_expect(harness, "2\\. Fill it", START_MS);
    harness_expect(harness, "Not done again.*`?sleep 300", SOON_MS);
    harness_expect(harness, PROMPT, START_MS);

    harness_send(harness, "touch /root/made/file\r");
    harness_expect(harness, "Step 2 passed", SOON_MS);
    harness_send(harness, "review\r");
    harness_expect(harness, "Review: The fourth", SOON_MS);
    harness_expect(harness, "A file is in a directory", SOON_MS);
    harness_expect(harness, "touch /root/made/file", SOON_MS);
    assert_false(harness_shows(harness, "A list is read from the directory"));
    harness_send(harness, "\033");
    harness_expect_gone(harness, "Review: The fourth", SOON_MS);
    harness_send(harness, "\033OQ");
    harness_expect(harness, "3\\. Look at it", SOON_MS);
    harness_send(harness, "touch /root/made/looked\r");
    harness_expect(harness, "Step 3 passed", SOON_MS);
    harness_send(harness, "\033OQ"); /* the lesson is over: the review is there unasked */
    harness_expect(harness, "Review: The fourth", SOON_MS);
    harness_expect(harness, "You have finished this lesson", SOON_MS);
    harness_send(harness, "\033[6~\033[6~\033[6~");
    harness_expect(harness, "A list is read from the directory", SOON_MS);
    harness_send(harness, "q");
    harness_expect(harness, "The lab is there to play in|You have finished this lesson", SOON_MS);
    harness_expect(harness, PROMPT, SOON_MS);
    harness_send(harness, "undo\r"); /* and even that can be undone */
    harness_expect(harness, "3\\. Look at it", START_MS);
    quit(harness);
}

static void jumps_and_the_review_at_80_by_24(void **state)
{
    jumps_and_the_review(80, 24);
}

static void jumps_and_the_review_at_120_by_36(void **state)
{
    jumps_and_the_review(120, 36);
}

static void jumps_and_the_review_at_200_by_50(void **state)
{
    jumps_and_the_review(200, 50);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jumps_and_the_review_at_80_by_24),
        cmocka_unit_test(jumps_and_the_review_at_120_by_36),
        cmocka_unit_test(jumps_and_the_review_at_200_by_50),
    };
    return screen_tests(argc, argv, true, tests);
}

/* A command that failed is explained where the learner looks, at three sizes: two lines beside the step, and a page when it is asked for. */

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
/* What was waited for before has come, and a prompt with nothing behind it: quicker than await_prompt, which does not know what it waits for. */
#define AT_PROMPT PROMPT " *\n"
#define AT_NESTED "bash-[0-9.]+# *\n"

static const char lesson[] =
    "# Roots\n\nWords.\n\n<!-- setup\nmkdir -p /root/empty /root/whole\nldcopy bash /root/whole > /dev/null; touch "
    "/root/ready\n-->\n\n"
    "## Another root\n\nIt fails at first.\n\n```bash |{\"exit\":\"127\"}\nchroot /root/empty bash\n```\n"
    "```output\nchroot: failed to run command *bash*: No such file or directory (glob)\n```\n"
    "<!-- check\ntest -e /root/x\n-->\n";

static struct harness *start(unsigned cols, unsigned rows)
{
    struct harness *harness = start_at_prompt(write_lesson(lesson), cols, rows, NULL);
    /* The lesson's setup goes on while one types. */
    harness_send(harness, "until test -e /root/ready; do sleep 0.02; done; echo se''t up\r");
    harness_expect(harness, "set up", START_MS);
    harness_expect(harness, AT_PROMPT, SOON_MS);
    return harness;
}

static void fails_and_is_told(unsigned cols, unsigned rows)
{
    struct harness *harness = start(cols, rows);
    /* As the step says: the lesson explains it, unless it is asked. */
    harness_send(harness, "chroot /root/empty bash\r");
    harness_expect(harness, "failed to run command", SOON_MS);
    harness_expect(harness, AT_PROMPT, SOON_MS);
    harness_send(harness, "echo after | tr a-z A-Z\r");
    harness_expect(harness, "AFTER", SOON_MS);
    harness_expect(harness, AT_PROMPT, SOON_MS);
    assert_false(harness_shows(harness, "What happened"));
    /* Otherwise: what, and the way out. */
    harness_send(harness, "chroot /root/whole lsof\r");
    harness_expect(harness, "What happened", SOON_MS);
    harness_expect(harness, "The root changed to", SOON_MS);
    harness_expect(harness, "ldcopy lsof", SOON_MS);
    harness_expect(harness, "diagnose says more", SOON_MS);
    harness_expect(harness, AT_PROMPT, SOON_MS);
    harness_send(harness, "diagnose\r");
    harness_expect(harness, "chroot /root/whole lsof ended with the status 127", SOON_MS);
    harness_expect(harness, "first changes the root", SOON_MS);
    harness_send(harness, "\033");
    harness_expect(harness, PROMPT, SOON_MS);
    harness_expect_gone(harness, "first changes the root", SOON_MS);
    quit(harness);
}

static void on_a_small_screen(void **state)
{
    fails_and_is_told(80, 24);
}

static void on_a_usual_one(void **state)
{
    fails_and_is_told(120, 36);
}

static void on_a_large_one(void **state)
{
    fails_and_is_told(200, 50);
}

/* There the keys are the nested shell's: the page is behind Ctrl-]. */
static void in_a_nested_shell_too(void **state)
{
    struct harness *harness = start(120, 36);
    harness_send(harness, "diagnose\r");
    harness_expect(harness, "No command has failed yet", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "No command has failed yet", SOON_MS);
    harness_send(harness, "chroot /root/whole bash\r");
    harness_expect(harness, AT_NESTED, SOON_MS);
    harness_send(harness, "ldd /bin/bash\r");
    harness_expect(harness, "ldcopy ldd /root/whole", SOON_MS);
    harness_expect(harness, AT_NESTED, SOON_MS);
    harness_send(harness, "\035diagnose\r");
    harness_expect(harness, "finds programs only below that root", SOON_MS);
    harness_send(harness, "\033");
    harness_expect(harness, AT_NESTED, SOON_MS);
    harness_send(harness, "exit\r");
    harness_expect(harness, AT_PROMPT, SOON_MS);
    harness_send(harness, "sh -c 'exit 3'\r");
    harness_expect(harness, "exit 3.*\n.*" AT_PROMPT, SOON_MS);
    harness_send(harness, "diagnose\r");
    harness_expect(harness, "no known trap fits it", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "no known trap fits it", SOON_MS);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_small_screen),
        cmocka_unit_test(on_a_usual_one),
        cmocka_unit_test(on_a_large_one),
        cmocka_unit_test(in_a_nested_shell_too),
    };
    return screen_tests(argc, argv, true, tests);
}

/* The lens on the screen: beside the terminal and on a page of its own, as a learner sees it. */

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

#define SOON_MS 10000
#define PID "(\\([0-9]+\\))?" /* of a process that has ended before it was looked at there is none */
#define SHIFT_F12 "\033[24;2~"

/* A step that asks for a syscall, which brings the lens, and one that does not. */
static const char lesson[] = "# Lens\n\nWords.\n\n## Asks\n\nMore words.\n\n```bash\ntrue\n```\n"
                             "<!-- check\nassert syscall pivot_root failed EINVAL\n-->\n\n"
                             "## Asks nothing\n\nMore words.\n\n```bash\ntrue\n```\n"
                             "<!-- check\ntest -e /root/never\n-->\n";

static struct harness *start(unsigned cols, unsigned rows, const char *const *env)
{
    return start_at_prompt(write_lesson(lesson), cols, rows, env);
}

static void a_wide_screen_shows_the_lens_beside_the_state(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_expect(harness, "State of the kernel.*Lens: syscalls of terminal 1", SOON_MS);
    harness_send(harness, "pivot_root /usr /usr\r");
    harness_expect(harness, "bash" PID " +execve\\(\"/run/teachroot/bin/pivot", SOON_MS);
    harness_expect(harness, "✗ pivot_root" PID " +pivot_root\\(.* = EINVAL ✓ asked for", SOON_MS);
    harness_expect(harness, "Step 1 passed", SOON_MS);
    harness_send(harness, "lens\r"); /* away: the state has the place alone */
    harness_expect_gone(harness, "Lens: syscalls", SOON_MS);
    harness_send(harness, "lens pivot -execve\r");
    harness_expect(harness, "only: pivot -execve", SOON_MS);
    harness_expect_gone(harness, "execve\\(\"/run", SOON_MS);
    harness_expect(harness, "asked for", SOON_MS);
    harness_send(harness, "panel\r"); /* one at a time */
    harness_expect_gone(harness, "Lens: syscalls", SOON_MS);
    harness_send(harness, "panel\rlens all\r");
    harness_expect(harness, "execve\\(\"/run", SOON_MS);
    harness_send(harness, "\033OQ"); /* F2: the next step asks for nothing, but it was chosen to be there */
    harness_expect(harness, "Asks nothing", SOON_MS);
    harness_expect(harness, "Lens: syscalls", SOON_MS);
    quit(harness);
}

static void where_there_is_less_room_it_takes_the_place_of_the_state(void **state)
{
    struct harness *harness = start(120, 36, NULL);
    harness_expect(harness, "Lens: syscalls of terminal 1", SOON_MS);
    assert_false(harness_shows(harness, "State of the kernel"));
    harness_send(harness, "for i in 1 2 3; do kill -0 1; done\r");
    harness_expect(harness, "bash" PID " +kill\\(1, 0\\) = 0 ×3", SOON_MS);
    harness_send(harness, "lens\r");
    harness_expect(harness, "State of the kernel", SOON_MS);
    harness_send(harness, "lens off\r");
    harness_expect(harness, "new shell, without the lens", SOON_MS);
    harness_send(harness, "lens\r");
    harness_expect(harness, "Lens: off in terminal 1", SOON_MS);
    harness_send(harness, "lens nosuch\r");
    harness_expect(harness, "No lens: it was turned off; `lens on`", SOON_MS);
    harness_send(harness, "lens all\rlens on\r");
    harness_expect(harness, "new shell, with the lens", SOON_MS);
    harness_send(harness, "chroot /nowhere\r");
    harness_expect(harness, "chroot\\(\"/nowhere\"\\) = -1 ENOENT|chroot\\(\"/nowhere\"\\) = ENOENT", SOON_MS);
    quit(harness);
}

static void a_small_screen_shows_the_newest_call_in_a_line(void **state)
{
    struct harness *harness = start(80, 24, NULL);
    harness_send(harness, "chroot /nowhere\r");
    harness_expect(harness, "✗ chroot" PID " +chroot\\(\"/nowhere\"\\) = ENOENT", SOON_MS);
    quit(harness);
}

static void the_page_is_looked_through_filtered_held_and_copied(void **state)
{
    struct harness *harness = start(80, 24, NULL);
    harness_send(harness, "mkdir a b; rmdir a b nowhere; unshare -m sleep 1; mkdir late\r");
    harness_expect(harness, "unshare\\(CLONE_NEWNS\\)|sleep", SOON_MS);
    harness_send(harness, SHIFT_F12);
    harness_expect(harness, "Lens: syscalls of terminal 1", SOON_MS);
    harness_send(harness, " "); /* what comes now is not seen before it is let go */
    harness_expect(harness, "held, [1-9][0-9]* newer", SOON_MS);
    assert_false(harness_shows(harness, "\"late\", 0777"));
    harness_send(harness, " ");
    harness_expect(harness, "mkdir\\(\"late\", 0777\\) = 0", SOON_MS);
    harness_send(harness, "/ENOENT\r");
    harness_expect(harness, "only: ENOENT", SOON_MS);
    harness_expect_gone(harness, "\"late\"", SOON_MS);
    harness_expect(harness, "rmdir" PID " rmdir\\(\"nowhere\"\\) = -1 ENOENT \\(No such file or directory\\)", SOON_MS);
    harness_send(harness, "c");
    harness_expect(harness, "The line went to the clipboard", SOON_MS);
    harness_send(harness, "/\033"); /* Esc takes the filter away */
    harness_expect(harness, "\"late\"", SOON_MS);
    harness_send(harness, "\033[H"); /* Home: the first call in full at the bottom */
    harness_expect(harness, "▶ *bash|▶ ", SOON_MS);
    harness_expect(harness, "bash" PID " execve\\(\"/usr/bin/mkdir\", \\[\"mkdir\", \"a\", \"b\"\\]", SOON_MS);
    harness_send(harness, "f");
    harness_expect(harness, "only: failed", SOON_MS);
    harness_send(harness, "f\033");
    harness_expect(harness, PROMPT, SOON_MS);
    quit(harness);
}

static void without_utf8_or_colours_words_say_it(void **state)
{
    static const char *const env[] = { "LC_ALL=C", "NO_COLOR=1", "TERM=vt100", NULL };
    struct harness *harness = start(120, 36, env);
    harness_send(harness, "pivot_root /usr /usr; kill -0 1; kill -0 1\r");
    harness_expect(harness, "x pivot_root" PID " +pivot_root\\(.* = EINVAL \\+ asked for", SOON_MS);
    harness_expect(harness, "kill\\(1, 0\\) = 0 x2", SOON_MS);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_screen_shows_the_lens_beside_the_state),
        cmocka_unit_test(where_there_is_less_room_it_takes_the_place_of_the_state),
        cmocka_unit_test(a_small_screen_shows_the_newest_call_in_a_line),
        cmocka_unit_test(the_page_is_looked_through_filtered_held_and_copied),
        cmocka_unit_test(without_utf8_or_colours_words_say_it),
    };
    return screen_tests(argc, argv, true, tests);
}

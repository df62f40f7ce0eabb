/* The state pane of the whole program on a terminal of its own: what a learner sees of the kernel beside the step. */
#include "tests/unit/screen_learner.h"

#include <sys/wait.h>

#define SOON_MS 20000
#define NESTED "unshare --mount --uts --ipc --net --pid --fork --user --map-root-user bash --norc\r"

static struct harness *start(unsigned cols, unsigned rows, const char *const *env)
{
    return start_at_prompt(LESSON, cols, rows, env);
}

static void at_first_everything_is_the_labs(void **state)
{
    struct harness *harness = start(120, 36, NULL);
    harness_expect(harness, "bash --noediting pid [0-9]+, root = /", SOON_MS);
    harness_expect(harness, "= mnt pid net ipc uts user cgroup time shared", SOON_MS);
    harness_expect(harness, "0–65535 → [0-9]+–[0-9]+ on the host", SOON_MS);
    harness_expect(harness, "mounts, the same as when this step began", SOON_MS);
    assert_false(harness_shows(harness, "isolated"));
    quit(harness);
}

static void what_a_container_is_isolated_from_is_seen_at_a_glance(void **state)
{
    struct harness *harness = start(120, 36, NULL);
    harness_send(harness, NESTED);
    harness_expect(harness, "bash --norc: 1 inside · [0-9]+ in the lab", SOON_MS);
    harness_expect(harness, "≠ mnt net ipc uts user isolated: with unshare [0-9]+", SOON_MS);
    harness_expect(harness, "≠ pid isolated: alone in it", SOON_MS);
    harness_expect(harness, "= cgroup time shared", SOON_MS);
    harness_expect(harness, "uid, gid 0 → 0 in the lab → [0-9]+ on the host \\(1\\)", SOON_MS);
    harness_expect(harness, "links  lo down", SOON_MS);
    harness_expect(harness, "bash [0-9]+ → unshare [0-9]+ → bash [0-9]+, 1 inside", SOON_MS);
    harness_resize(harness, 80, 24);
    harness_expect(harness, "≠ mnt pid net ipc uts user · pid 1 inside, [0-9]+ in the lab", SOON_MS);
    harness_resize(harness, 200, 50);
    harness_expect(harness, "▶ +bash --norc  1 inside · [0-9]+ in the lab", SOON_MS);
    harness_send(harness, "exit\r");
    harness_expect(harness, "= mnt pid net ipc uts user cgroup time shared", SOON_MS);
    quit(harness);
}

static void what_changes_while_a_program_runs_is_shown_without_a_prompt(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_send(harness, NESTED);
    harness_expect(harness, "1 inside", SOON_MS);
    harness_send(harness, "sleep 1; mount -t proc proc /proc; sleep 1000\r");
    harness_expect(harness, "\\+ /proc mounted since this step began \\(proc\\)", SOON_MS);
    harness_expect(harness, "▶ +sleep 1000  [0-9]+ inside · [0-9]+ in the lab", SOON_MS);
    harness_send(harness, "\003");
    harness_expect_gone(harness, "▶ +sleep 1000", SOON_MS);
    harness_send(harness, "ip link set lo up\r");
    harness_expect(harness, "links  lo up 127\\.0\\.0\\.1/8", SOON_MS);
    harness_send(harness, "(sleep 500 | cat) &\r");
    harness_expect(harness, "sleep 500  [0-9]+ inside · [0-9]+ in the lab", SOON_MS);
    quit(harness);
}

static void another_terminals_container_is_in_the_tree_of_this_one(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_send(harness, NESTED);
    harness_expect(harness, "1 inside", SOON_MS);
    harness_send(harness, "\033[19~"); /* F8: a new terminal */
    harness_expect(harness, "\\[2\\]", SOON_MS);
    harness_expect(harness, "= pid shared: with init 1, bash [0-9]+, unshare [0-9]+", SOON_MS);
    harness_expect(harness, "  bash --norc  1 inside · [0-9]+ in the lab", SOON_MS);
    harness_send(harness, "\033[18~");
    harness_expect(harness, "≠ mnt net ipc uts user isolated", SOON_MS);
    quit(harness);
}

static void all_of_it_has_a_page_that_stays_true(void **state)
{
    struct harness *harness = start(120, 36, NULL);
    harness_send(harness, NESTED);
    harness_expect(harness, "1 inside", SOON_MS);
    harness_send(harness, "sleep 3; mount -t tmpfs x /mnt; sleep 1000\r");
    harness_expect(harness, "sleep 3", SOON_MS);
    harness_send(harness, "\033[24~"); /* F12 */
    harness_expect(harness, "Terminal 1, compared with the lab", SOON_MS);
    harness_expect(harness, "≠ pid +[0-9]+ +isolated \\(the lab's is [0-9]+\\)", SOON_MS);
    harness_expect(harness, "= cgroup +[0-9]+ +shared, the lab's", SOON_MS);
    harness_expect(harness, "\\+ /mnt mounted since this step began", SOON_MS);
    harness_expect(harness, "▶ +sleep 1000  [0-9]+ inside", SOON_MS);
    harness_send(harness, "\033[24~");
    harness_expect(harness, "State of the kernel", SOON_MS);
    harness_send(harness, "\003");
    harness_send(harness, "exit\r");
    harness_expect(harness, "cgroup time shared", SOON_MS);
    harness_expect(harness, PROMPT " *\n", SOON_MS);
    harness_send(harness, "state\r");
    harness_expect(harness, "Terminal 1, compared with the lab", SOON_MS);
    harness_resize(harness, 60, 16);
    harness_expect(harness, "PgDn scrolls", SOON_MS);
    for (int page = 0; page < 40 && !harness_shows(harness, "Network links"); page++) {
        harness_send(harness, "\033[B"); /* a line down: a page could pass it by */
        usleep(200000);
    }
    harness_expect(harness, "Network links", SOON_MS);
    harness_send(harness, "q");
    harness_expect(harness, PROMPT, SOON_MS);
    quit(harness);
}

static void without_utf8_or_colours_the_marks_say_it(void **state)
{
    const char *env[] = { "LC_ALL=C", "NO_COLOR=1", NULL };
    struct harness *harness = start(120, 36, env);
    harness_send(harness, NESTED);
    harness_expect(harness, "bash --norc: 1 inside . [0-9]+ in the lab", SOON_MS);
    harness_expect(harness, "# mnt net ipc uts user isolated", SOON_MS);
    harness_expect(harness, "= cgroup time shared", SOON_MS);
    harness_expect(harness, "0 -> 0 in the lab -> [0-9]+ on the host", SOON_MS);
    for (const char *at = harness_text(harness); *at; at++)
        assert_true((unsigned char)*at < 0x80);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_everything_is_the_labs),
        cmocka_unit_test(what_a_container_is_isolated_from_is_seen_at_a_glance),
        cmocka_unit_test(what_changes_while_a_program_runs_is_shown_without_a_prompt),
        cmocka_unit_test(another_terminals_container_is_in_the_tree_of_this_one),
        cmocka_unit_test(all_of_it_has_a_page_that_stays_true),
        cmocka_unit_test(without_utf8_or_colours_the_marks_say_it),
    };
    return screen_tests(argc, argv, true, tests);
}

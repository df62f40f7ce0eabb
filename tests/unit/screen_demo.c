/* The demo on a terminal of its own, as a room sees it, with the presenter's notes and those who follow beside it. */
#include "repl/session/loop.h"

#include <dirent.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screen/harness.h"

#define LESSON "tests/screen/lesson.md"
#define PROMPT "lab[0-9]+:[^ ]*#"
#define START_MS 30000
#define SOON_MS 10000

static char directory[64];

static struct harness *run(const char *const *argv, unsigned cols, unsigned rows)
{
    char state[96], runtime[96];
    snprintf(state, sizeof(state), "XDG_STATE_HOME=%s", directory);
    snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", directory);
    const char *env[] = { state, runtime, "TEACHROOT_THEME=", NULL };
    return harness_start(argv, env, cols, rows);
}

static struct harness *start_demo(const char *lesson, const char *option, const char *value, unsigned cols,
                                  unsigned rows)
{
    const char *argv[] = { getenv("TEACHROOT"), "demo", "--offline", lesson, option, value, NULL };
    struct harness *harness = run(argv, cols, rows);
    harness_expect(harness, PROMPT, START_MS);
    return harness;
}

static struct harness *start_verb(const char *verb, const char *argument, unsigned cols, unsigned rows)
{
    const char *argv[] = { getenv("TEACHROOT"), verb, argument, NULL };
    return run(argv, cols, rows);
}

static void leave(struct harness *harness)
{
    harness_send(harness, "\033[21~");
    assert_int_equal(harness_wait(harness, START_MS), 0);
    harness_stop(harness);
}

/* Press until the screen shows @pattern; a key while something runs does nothing, so it may come too often. */
static void press_until(struct harness *harness, const char *pattern, unsigned timeout_ms)
{
    uint64_t until = loop_now() + timeout_ms;
    while (!harness_shows(harness, pattern)) {
        if (loop_now() > until)
            harness_expect(harness, pattern, 1);
        harness_send(harness, " ");
        for (int i = 0; i < 5 && !harness_shows(harness, pattern); i++)
            usleep(10000);
    }
}

static void show_lesson_4(const char *option, const char *value)
{
    struct harness *harness = start_demo("4", option, value, 120, 36);
    uint64_t t = loop_now();
    for (int step = 2; step <= 14; step++) {
        char pattern[32];
        snprintf(pattern, sizeof(pattern), " %d/14 ", step);
        press_until(harness, pattern, SOON_MS * 2);
        fprintf(stderr, "# step %d: %llu ms\n", step, (unsigned long long)(loop_now() - t));
    }
    press_until(harness, "The end of the lesson", SOON_MS * 2);
    harness_expect(harness, "✓{14}", SOON_MS);
    fprintf(stderr, "# end %llu ms\n", (unsigned long long)(loop_now() - t));
    leave(harness);
}

static void lesson_4_is_shown_by_one_key_at_once(void **state)
{
    show_lesson_4("--instant", NULL);
}
static void lesson_4_is_shown_by_one_key_typed(void **state)
{
    show_lesson_4("--speed", "300");
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/demo-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lesson_4_is_shown_by_one_key_at_once),
        cmocka_unit_test(lesson_4_is_shown_by_one_key_typed),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

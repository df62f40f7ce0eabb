/* The whole program on a terminal of its own: started by the test program itself, which becomes the screen when it is told so, with state kept in a directory of the tests'. */
#ifndef TESTS_UNIT_SCREEN_LEARNER_H
#define TESTS_UNIT_SCREEN_LEARNER_H

#include "tests/screen/harness.h"

#include "repl/screen/screen.h"
#include "repl/screen/utf8.h"

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

#define LESSON "tests/screen/lesson.md"
#define PROMPT "lab[0-9]+:[^ ]*#"
#define START_MS 30000

static char directory[64];

/* This program, told to be the screen: see be_the_screen. */
static struct harness *start_screen(const char *lesson, unsigned cols, unsigned rows, const char *const *env)
{
    const char *argv[] = { "/proc/self/exe", "screen", directory, lesson, NULL };
    return harness_start(argv, env, cols, rows);
}

/* What `PROGRAM screen DIRECTORY [LESSON]` does. */
static int be_the_screen(int argc, char **argv, bool offline)
{
    char progress[128], history[128];
    snprintf(progress, sizeof(progress), "%s/progress.json", argv[2]);
    snprintf(history, sizeof(history), "%s/history", argv[2]);
    struct screen_options options = {
        .lesson = argc > 3 ? argv[3] : NULL,
        .progress_path = progress,
        .history_path = history,
        .lab = { .tools = getenv("TEACHROOT_TOOLS"), .offline = offline },
    };
    return screen_main(&options);
}

static void forget_progress(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/progress.json", directory);
    unlink(path);
}

/* At the first step of @lesson, whatever the tests before did: while steps are done again the keys are not the learner's yet. */
static inline struct harness *start_at_prompt(const char *lesson, unsigned cols, unsigned rows, const char *const *env)
{
    forget_progress();
    struct harness *harness = start_screen(lesson, cols, rows, env);
    harness_expect(harness, PROMPT, START_MS);
    return harness;
}

/* A lesson of the test's own, in its directory. */
static inline const char *write_lesson(const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/07-lesson.md", directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* Wait as a person does: until a shell, whichever, is at its prompt and nothing moves for a while (between Enter and the tty's echo the line is empty, too). */
#define QUIET 20
static inline void await_prompt(struct harness *harness)
{
    unsigned quiet = 0;
    for (int tries = 0; quiet < QUIET && tries < 1000; tries++) {
        unsigned row, col;
        bool visible;
        char text[2048];
        harness_shows(harness, "x");
        terminal_cursor(harness_terminal(harness), &row, &col, &visible);
        terminal_row_text(harness_terminal(harness), (int)row, text, sizeof(text));
        char *sign = strrchr(
            text,
            '#'); /* of the last prompt (what is typed ahead puts several on a row); blanks at the row's end are not in the text */
        bool at = visible && sign && (sign[1] == ' ' || !sign[1]) && utf8_width(text, (size_t)(sign - text)) + 2 == col;
        quiet = at ? quiet + 1 : 0;
        usleep(20000);
    }
    if (quiet < QUIET)
        harness_expect(harness, "a prompt that nothing stands behind", 1);
}

/* F10 leaves, with status 0. */
static void quit(struct harness *harness)
{
    harness_send(harness, "\033[21~");
    assert_int_equal(harness_wait(harness, START_MS), 0);
    harness_stop(harness);
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/screen-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

/* For main. With an argument, `PROGRAM '*typed*'`, some of the tests. */
#define screen_tests(argc, argv, offline, tests)                                                                       \
    run_screen_tests(argc, argv, offline, tests, sizeof(tests) / sizeof *(tests))
static inline int run_screen_tests(int argc, char **argv, bool offline, const struct CMUnitTest *tests, size_t count)
{
    if (argc > 2 && strcmp(argv[1], "screen") == 0)
        return be_the_screen(argc, argv, offline);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    setenv("LC_ALL", "C.UTF-8", 1);
    setlocale(LC_ALL, "");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests("tests", tests, count, set_up, tear_down);
}

#endif

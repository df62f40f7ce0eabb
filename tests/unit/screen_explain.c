/* Explain as you type, on a terminal of its own: what stands under the line, at three sizes, in the lab's own shell and in one inside it. */

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
#define EXPLAINED "── [^ ─]+  [a-z]" /* a title has one blank */
#define CTRL_U "\025"

static const char lesson[] = "# Words\n\nWords.\n\n## One\n\n```bash\nunshare --uts bash\n```\n"
                             "<!-- check\ntest -e /root/x || { echo \"there is no x yet\"; exit 1; }\n-->\n\n"
                             "<details><summary>Hint</summary>\n\nA shell of its own name.\n\n</details>\n";

static struct harness *start(unsigned cols, unsigned rows)
{
    char state[128];
    const char *env[] = { state, NULL };
    snprintf(state, sizeof state, "XDG_STATE_HOME=%s", directory);
    return start_at_prompt(write_lesson(lesson), cols, rows, env);
}

/* The row of the screen that the cursor is in, counted from 0. */
static unsigned cursor_row(struct harness *harness)
{
    unsigned row, col;
    bool visible;
    terminal_cursor(harness_terminal(harness), &row, &col, &visible);
    return row;
}

static const char *row_text(struct harness *harness, unsigned row)
{
    static char text[1024];
    terminal_row_text(harness_terminal(harness), (int)row, text, sizeof text);
    return text;
}

/* What a word means stands in the row below the cursor, as soon as the frame is whole. */
static void expect_below(struct harness *harness, const char *text)
{
    char pattern[256];
    snprintf(pattern, sizeof pattern, "── %s", text);
    harness_expect(harness, pattern, SOON_MS);
    for (int turn = 0; turn < 200; turn++) {
        if (harness_shows(harness, pattern) && strstr(row_text(harness, cursor_row(harness) + 1), text))
            return;
        usleep(10000);
    }
    fail_msg("`%s` is not in the row below the cursor:\n%s", text, harness_text(harness));
}

/* The lab's own shell, then one in it, where the line is read from the grid; the prompt at the top of the pane and at its bottom. */
static void explain_both(struct harness *harness)
{
    for (int nested = 0; nested < 2; nested++) {
        for (int bottom = 0; bottom < 2; bottom++) {
            if (bottom) {
                harness_send(harness, "seq 1 99\r");
                harness_expect(harness, nested ? "99 *\n(.*│)?bash-5" : "99 *\n(.*│)?" PROMPT, SOON_MS);
            }
            harness_send(harness, "unshare --pid");
            expect_below(harness, "--pid  new pid namespace");
            harness_send(harness, " --fo");
            expect_below(harness, "--fo  run the program in a child");
            harness_send(harness, "rk chroot /srv bash\033b\033b\033b"); /* back by three words: bash, srv, chroot */
            expect_below(harness, "chroot  run a program with another dir");
            harness_send(harness, "\005; xyzzy");
            harness_expect_gone(harness, EXPLAINED, SOON_MS);
            harness_send(harness, CTRL_U);
        }
        if (!nested) {
            harness_send(harness, "clear; bash --norc\r");
            harness_expect(harness, "bash-5[^ ]*#", SOON_MS);
        }
    }
}

static void the_word_at_the_cursor_is_explained_below_the_line(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
    for (size_t i = 0; i < 3; i++) {
        struct harness *harness = start(sizes[i][0], sizes[i][1]);
        explain_both(harness);
        quit(harness);
    }
}

/* A line of several rows is one: what stands in a here-document is no command. */
static void lines_of_one_command_are_explained_as_one(void **state)
{
    struct harness *harness = start(120, 36);
    harness_send(harness, "for f in a b; do\r");
    harness_expect(harness, "│> *\n", SOON_MS);
    harness_send(harness, "ls -l");
    expect_below(harness, "-l  with mode");
    harness_send(harness, CTRL_U "cat > $f <<END\r");
    harness_expect(harness, "END *\n.*│> *\n", SOON_MS);
    harness_send(harness, "ls -l");
    expect_below(harness, "END  text of the here-document");
    harness_send(harness, "\r");
    harness_expect(harness, "ls -l *\n.*│> *\n", SOON_MS);
    harness_send(harness, "END\r");
    harness_expect(harness, "END *\n.*│> *\n.*│ *\n", SOON_MS);
    harness_send(harness, "done\r");
    harness_expect(harness, "│> done *\n.*│" PROMPT, SOON_MS);
    harness_send(harness, "cat a b\r");
    harness_expect(harness, "cat a b *\n.*│ls -l *\n.*│ls -l", SOON_MS);
    quit(harness);
}

static void a_line_is_explained_below_the_step_and_the_row_is_turned_off_for_good(void **state)
{
    struct harness *harness = start(120, 36);
    harness_send(harness, "explain unshare --uts bash | wc -l\r");
    harness_expect(harness, "What the words mean", SOON_MS);
    harness_expect(harness, "--uts: new UTS namespace", SOON_MS);
    harness_expect(harness, "Syscall: *│?.*(\n.*)?unshare\\(CLONE_NEWUTS\\)", SOON_MS);
    harness_send(harness, "explain\r");
    harness_expect(harness, "explain needs a command line", SOON_MS);
    harness_send(harness, "explain off\r");
    harness_expect(harness, "no longer explained as you type", SOON_MS);
    harness_send(harness, "unshare --pid");
    harness_expect(harness, "# unshare --pid", SOON_MS);
    assert_false(harness_shows(harness, EXPLAINED));
    quit(harness);
    harness = start(80, 24); /* a day later */
    harness_send(harness, "unshare --pid");
    harness_expect(harness, "# unshare --pid", SOON_MS);
    assert_false(harness_shows(harness, EXPLAINED));
    harness_send(harness, CTRL_U "explain on\r");
    harness_expect(harness, "is explained below the line", SOON_MS);
    harness_send(harness, "unshare --pid");
    expect_below(harness, "--pid  new pid");
    quit(harness);
}

/* Its prompt has no marks: the line is what stands behind it. */
static void in_a_shell_without_marks_too(void **state)
{
    struct harness *harness = start(80, 24);
    harness_send(harness, "PS1='~/x # ' dash\r");
    harness_expect(harness, "~/x # *\n", SOON_MS);
    harness_send(harness, "unshare --pid");
    expect_below(harness, "--pid  new pid namespace");
    harness_send(harness, "\025cat /proc/self/comm -\r"); /* what is typed to a program is no command */
    harness_expect(harness, "^cat *\n", SOON_MS);
    harness_send(harness, "# unshare --pid");
    harness_expect(harness, "^# unshare --pid *\n", SOON_MS);
    harness_expect_gone(harness, EXPLAINED, SOON_MS);
    harness_send(harness, "\003");
    quit(harness);
}

/* At the prompt of a bash within the lab's too; but only as it was typed, and `help` of another kind is that bash's. */
static void a_nested_shell_hands_on_teaching_commands(void **state)
{
    struct harness *harness = start(80, 24);
    harness_send(harness, "bash --norc\r");
    harness_expect(harness, "bash-5[^ ]*# *\n", SOON_MS);
    harness_send(harness, "why");
    harness_expect(harness, "bash-5[^ ]*# why *\n", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "What this step waits for", SOON_MS);
    harness_expect(harness, "bash-5[^ ]*# *\n", SOON_MS);
    harness_send(harness, "solution");
    harness_expect(harness, "bash-5[^ ]*# solution *\n", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "bash-5[^ ]*# unshare --uts bash *\n", SOON_MS);
    harness_send(harness, "\025why() { echo ca''lled; }\r\\why");
    harness_expect(harness, "bash-5[^ ]*# .why *\n", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "called", SOON_MS);
    assert_false(harness_shows(harness, "why: command not found"));
    quit(harness);
}

/* The failed check's own words, the lesson's, and then the command, typed and not run: at the lab's prompt and at that of a shell in it. */
static void the_last_hint_is_typed_and_not_run(void **state)
{
    struct harness *harness = start(80, 24);
    harness_expect(harness, "Not yet: there is no x yet", SOON_MS);
    harness_send(harness, "\033OR"); /* F3 */
    harness_expect(harness, "there is no x yet", SOON_MS);
    harness_send(harness, "\033OR");
    harness_expect(harness, "A shell of its own name", SOON_MS);
    harness_send(harness, "\033OR");
    harness_expect(harness, "# unshare --uts bash *\n", SOON_MS);
    harness_expect(harness, "The command is on the line: Enter runs it", SOON_MS);
    harness_send(harness, CTRL_U "bash --norc\r");
    harness_expect(harness, "bash-5[^ ]*#", SOON_MS);
    harness_send(harness, "\033OR");
    harness_expect(harness, "bash-5[^ ]*# unshare --uts bash *\n", SOON_MS);
    harness_send(harness, "\025readlink /proc/self/ns/uts /proc/1/ns/uts | uniq | wc -l\r"); /* it has not run */
    harness_expect(harness, "^1 *$", SOON_MS);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word_at_the_cursor_is_explained_below_the_line),
        cmocka_unit_test(lines_of_one_command_are_explained_as_one),
        cmocka_unit_test(a_line_is_explained_below_the_step_and_the_row_is_turned_off_for_good),
        cmocka_unit_test(the_last_hint_is_typed_and_not_run),
        cmocka_unit_test(in_a_shell_without_marks_too),
        cmocka_unit_test(a_nested_shell_hands_on_teaching_commands),
    };
    return screen_tests(argc, argv, true, tests);
}

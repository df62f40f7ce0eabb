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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screen/harness.h"

#define LESSON "tests/screen/demo.md"
#define PROMPT "lab[0-9]+:[^ ]*#"
#define START_MS 30000
#define SOON_MS 10000
#define BY_HAND "\033OS"     /* F4 */
#define SPOTLIGHT "\033[17~" /* F6 */
#define BACK "\033[5~"       /* PgUp */

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

static void press(struct harness *harness, const char *keys, const char *pattern)
{
    harness_send(harness, keys);
    harness_expect(harness, pattern, SOON_MS);
}

/* From the first key to the last by one key, but for a detour by hand and a step back. */
static void show_lesson_4(const char *option, const char *value, unsigned cols, unsigned rows)
{
    char pattern[32], progress[128];
    struct harness *harness = start_demo("4", option, value, cols, rows);
    for (int step = 2; step <= 14; step++) {
        snprintf(pattern, sizeof(pattern), " %d/14 ", step);
        press_until(harness, pattern, 2 * SOON_MS);
        if (step == 6) {
            harness_send(harness, BY_HAND);
            harness_send(harness, "echo by-hand-$((6 * 7))\r");
            harness_expect(harness, "by-hand-42", SOON_MS);
            harness_send(harness, BY_HAND);
        } else if (step == 9) {
            press(harness, BACK, "Once more: step 8 ");
            press(harness, BACK, " 8/14 ");
            harness_expect(harness, "^  ▶ exit", START_MS); /* done again, and ready */
            press_until(harness, " 9/14 ", 2 * SOON_MS);
        }
    }
    press_until(harness, "The end of the lesson", 2 * SOON_MS);
    harness_expect(harness, "✓{14}", SOON_MS); /* the kernel's state was checked after every step */
    leave(harness);
    snprintf(progress, sizeof(progress), "%s/teachroot/progress.json", directory);
    assert_int_equal(access(progress, F_OK), -1); /* nothing is remembered */
}

static void lesson_4_is_shown_by_one_key_at_once(void **state)
{
    show_lesson_4("--instant", NULL, 120, 36);
}

static void lesson_4_is_shown_by_one_key_as_typed_by_hand(void **state)
{
    show_lesson_4("--speed", "300", 80, 24);
}

static void a_room_sees_title_paragraph_command_terminal_and_state_and_nothing_else(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
    struct harness *harness = start_demo(LESSON, "--instant", NULL, 80, 24);
    for (size_t i = 0; i < 3; i++) {
        harness_resize(harness, sizes[i][0], sizes[i][1]);
        harness_expect(harness, "^── 1\\. Fail quietly ─+ 1/4 ──$", SOON_MS);
        harness_expect(harness, "The paragraph before the command\\.", SOON_MS);
        harness_expect(harness, "^  ▶ touch /srv/one", SOON_MS);
        harness_expect(harness, "^  ▶··· +A lesson to test the demo with", SOON_MS);
        harness_expect(harness, i ? "State of the kernel" : "root = / ", SOON_MS);
        assert_false(harness_shows(harness, "F1|F2|The first paragraph|Not yet|Hint"));
        press(harness, SPOTLIGHT, "^── Terminal 1 ─");
        harness_expect_gone(harness, "Fail quietly|The paragraph|root = /", SOON_MS);
        press(harness, SPOTLIGHT, "bash --noediting pid");
        harness_expect_gone(harness, "Terminal 1", SOON_MS);
        press(harness, SPOTLIGHT, "The first paragraph of the step");
        harness_expect_gone(harness, "Terminal 1|State of", SOON_MS);
        press(harness, SPOTLIGHT, "^── 1\\. Fail quietly");
    }
    leave(harness);
}

static void a_command_that_fails_is_real_and_said_quietly(void **state)
{
    struct harness *harness = start_demo(LESSON, "--instant", NULL, 100, 30);
    press(harness, " ", "▶ ls /srv/nowhere");
    press(harness, " ", "ls: cannot access '/srv/nowhere': No such file or directory");
    harness_expect(harness, "^  Not as the lesson has it: it ended with status 2, and should end with 0", SOON_MS);
    press(harness, " ", "\\? What did it say\\?"); /* the question has the screen, without its answer */
    harness_expect_gone(harness, "Terminal 1", SOON_MS);
    assert_false(harness_shows(harness, "there is no such directory|✓ 2|✗ 1"));
    press(harness, " ", "✓ 2  no");
    harness_expect(harness, "✗ 1  yes", SOON_MS);
    harness_expect(harness, "it was not there\\.", SOON_MS);
    press(harness, " ", " 2/4 ");
    leave(harness);
}

static void a_program_is_typed_into_and_a_file_is_written(void **state)
{
    struct harness *harness = start_demo(LESSON, "--speed", "40", 100, 30);
    press_until(harness, " 2/4 ", SOON_MS);
    press(harness, " ", "^  by a script");
    harness_expect(harness, "Enter Ctrl\\+D", SOON_MS);
    harness_expect(harness, "what the file has", SOON_MS);
    press(harness, " ", "Written: /srv/file");
    press_until(harness, " 3/4 ", SOON_MS);
    harness_expect(harness, "✓✓▶", SOON_MS); /* all three are in the lab as the check asks */
    press(harness, " ", "Terminal  1  *\\[2\\]");
    harness_expect(harness, "^  up", SOON_MS);
    press_until(harness, "▶ echo nested", SOON_MS);
    press(harness, " ", "bash-[0-9.]+# ech"); /* in a shell of its own line editor, too, and slowly */
    press(harness, " ", "^  nested-42");
    press_until(harness, " 4/4 ", SOON_MS);
    press_until(harness, "The end of the lesson", SOON_MS); /* a step left undone is no reason to stop */
    harness_expect(harness, "^  Step 4 is not as the lesson has it: it was never made", SOON_MS);
    harness_expect(harness, "✓✓✓−", SOON_MS);
    leave(harness);
}

/* Half a command was typed when the presenter took the keyboard: nothing of it is in the shell, and it comes anew. */
static void the_keyboard_is_the_presenters_at_any_letter_and_the_demo_goes_on(void **state)
{
    struct harness *harness = start_demo(LESSON, "--speed", "5", 100, 30);
    press(harness, " ", "# tou");
    press(harness, BY_HAND, "by hand");
    harness_expect_gone(harness, "# tou", SOON_MS);
    harness_send(harness, "echo mine-$((6 * 7))\r");
    harness_expect(harness, "^  mine-42", SOON_MS);
    harness_send(harness, "half a li");
    harness_expect(harness, "h a l f Space a Space l i", SOON_MS); /* what is pressed is shown … */
    harness_send(harness, "\003");
    harness_send(harness, "read -rs secret; stty -echo; echo got-$secret\r");
    harness_expect_gone(harness, "l i", SOON_MS);
    usleep(300000);
    harness_send(harness, "hunter2");
    usleep(200000);
    assert_false(harness_shows(harness, "h u|n t e|r 2")); /* … but where it is not echoed */
    harness_send(harness, "\r");
    harness_expect(harness, "got-hunter2", SOON_MS);
    harness_send(harness, "x y z"); /* the program has turned the echo off for good */
    usleep(200000);
    assert_false(harness_shows(harness, "x Space y"));
    harness_send(harness, "\025stty echo; clear\r");
    harness_expect_gone(harness, "hunter2", SOON_MS);
    harness_expect(harness, "^  lab[0-9]+:~# *$", SOON_MS);
    harness_send(harness, "sleep 1\r");
    harness_expect(harness, "# sleep 1", SOON_MS);
    harness_send(harness, "not run"); /* on the tty's own line: nobody reads it yet */
    harness_expect(harness, "^  not run", SOON_MS);
    harness_send(harness, BY_HAND);
    harness_expect_gone(harness, "by hand|not run", SOON_MS);
    press_until(harness, "▶ ls /srv/nowhere", SOON_MS); /* typed anew, and run as it stands in the lesson */
    assert_true(harness_shows(harness, "# touch /srv/one"));
    assert_false(harness_shows(harness, "command not found"));
    leave(harness);
}

static void any_key_types_the_next_letter_and_enter_alone_runs_the_line(void **state)
{
    struct harness *harness = start_demo(LESSON, "--each", NULL, 100, 30);
    harness_send(harness, "x"); /* asks for a line to type */
    usleep(300000);
    press(harness, "xq9", "# tou");
    usleep(200000);
    assert_false(harness_shows(harness, "# touc"));
    press(harness, "bn+ghhhhhhhhhhhhhhh", "# touch /srv/one$"); /* and no more than there are */
    assert_true(harness_shows(harness, "▶ touch"));
    press(harness, "\r", "▶ ls /srv/nowhere");
    leave(harness);
}

static bool ground_is(struct harness *harness, int color)
{
    struct terminal_cell cell;
    harness_shows(harness, "x");
    for (unsigned row = 0; row < 24; row++)
        for (unsigned col = 0; col < 80; col++)
            if (!terminal_get(harness_terminal(harness), (int)row, col, &cell) || cell.bg != color)
                return false;
    return true;
}

static void the_room_can_be_pointed_at_a_line_in_any_light(void **state)
{
    struct harness *harness = start_demo(LESSON, "--theme", "light", 80, 24);
    for (int i = 0; i < 100 && !ground_is(harness, 231); i++)
        usleep(20000);
    assert_true(ground_is(harness, 231)); /* all of it is paper */
    press(harness, BY_HAND, "by hand");
    harness_send(harness, "seq 3; printf '\\033[31mred\\033[m\\n'\r");
    harness_expect(harness, "^  red", SOON_MS);
    press(harness, BY_HAND, PROMPT);
    press(harness, "\033OR", "^▶ red"); /* F3, at what was said last */
    press(harness, "\033[A", "^▶ 3");
    press(harness, "\033[A", "^▶ 2");
    press(harness, "\033[B", "^▶ 3");
    harness_send(harness, "\033OR");
    harness_expect_gone(harness, "^▶", SOON_MS);
    harness_send(harness, "b"); /* and at the presenter */
    harness_expect_gone(harness, "[a-z]", SOON_MS);
    press(harness, " ", "Terminal 1");
    assert_true(harness_shows(harness, "▶ touch /srv/one")); /* that key did no more */
    harness_send(harness, "\033[20~\033[20~");               /* F9 twice: through contrast to dark */
    for (int i = 0; i < 100 && !ground_is(harness, -1); i++)
        usleep(20000);
    assert_true(ground_is(harness, -1));
    leave(harness);
}

/* ---- those who watch ---- */

static size_t sockets(void)
{
    char path[96];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/teachroot", directory);
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        count += strstr(entry->d_name, ".sock") != NULL;
    if (entries)
        closedir(entries);
    return count;
}

static void the_notes_go_with_the_demo_on_a_terminal_of_their_own(void **state)
{
    struct harness *demo = start_demo(LESSON, "--instant", NULL, 100, 30);
    struct harness *notes = start_verb("notes", NULL, 80, 24);
    harness_expect(notes, "1/4 Fail quietly", SOON_MS);
    harness_expect(notes, "Say that failing is an answer", SOON_MS);
    harness_expect(notes, "About the whole of it", SOON_MS);
    harness_expect(notes, "0:0[0-9] in all, 0:0[0-9] in this step, of 3 min", SOON_MS);
    harness_expect(notes, "Plan: 0 of 5 min before this step; in time", SOON_MS);
    harness_expect(notes, "Then: Be typed into", SOON_MS);
    harness_expect(notes, "touch /srv/one", SOON_MS);
    harness_send(demo, " ");
    harness_expect(notes, "ls /srv/nowhere", SOON_MS);
    harness_send(demo, " ");
    harness_expect(notes, "ask: What did it say\\?", SOON_MS); /* the presenter knows before the room does */
    harness_expect(notes, "2\\. no", SOON_MS);
    harness_expect(notes, "should end with 0", SOON_MS);
    harness_resize(notes, 50, 16);
    press_until(demo, " 2/4 ", SOON_MS);
    harness_expect(notes, "2/4 Be typed into", SOON_MS);
    harness_send(notes, "q");
    assert_int_equal(harness_wait(notes, SOON_MS), 0);
    harness_stop(notes);
    struct harness *other = start_demo(LESSON, "--instant", NULL, 80, 24);
    notes = start_verb("notes", NULL, 120, 36); /* whose? */
    harness_expect(notes, "there are several; say which:", SOON_MS);
    assert_int_equal(WEXITSTATUS(harness_wait(notes, SOON_MS)), 1);
    harness_stop(notes);
    leave(other);
    notes = start_verb("notes", NULL, 80, 24); /* begun anew, in the middle */
    harness_expect(notes, "2/4 Be typed into", SOON_MS);
    leave(demo);
    assert_int_equal(harness_wait(notes, SOON_MS), 0);
    harness_expect(notes, "The demo has ended", SOON_MS);
    harness_stop(notes);
    assert_int_equal(sockets(), 0);
}

static void notes_are_plain_text_in_a_pipe(void **state)
{
    char command[256], text[4096];
    struct harness *demo = start_demo(LESSON, "--instant", NULL, 100, 30);
    snprintf(command, sizeof(command), "XDG_RUNTIME_DIR=%s timeout 10 %s notes", directory, getenv("TEACHROOT"));
    FILE *notes = popen(command, "r");
    for (int i = 0; i < 3; i++)
        assert_non_null(fgets(text, sizeof(text), notes));
    press_until(demo, " 2/4 ", SOON_MS);
    leave(demo);
    size_t len = strlen(text);
    len += fread(text + len, 1, sizeof(text) - len - 1, notes);
    text[len] = '\0';
    assert_int_equal(pclose(notes), 0);
    assert_non_null(strstr(text, "Next: touch /srv/one\nNext: ls /srv/nowhere\n"));
    assert_non_null(strstr(text, "\nStep 2 of 4: Be typed into\n\n2 minutes."));
    assert_null(strchr(text, '\033'));
}

static void what_is_killed_leaves_no_socket_after_the_next_start(void **state)
{
    struct harness *demo = start_demo(LESSON, "--instant", NULL, 80, 24);
    assert_int_equal(sockets(), 1);
    kill(harness_pid(demo), SIGKILL);
    harness_wait(demo, SOON_MS);
    harness_stop(demo);
    assert_int_equal(sockets(), 1);
    demo = start_demo(LESSON, "--instant", NULL, 80, 24);
    assert_int_equal(sockets(), 1); /* its own */
    kill(harness_pid(demo), SIGTERM);
    harness_wait(demo, SOON_MS);
    harness_stop(demo);
    assert_int_equal(sockets(), 0);
}

/* Row @row of one screen is what stands at (@top, @left) on the other. */
static bool same_rows(struct harness *small, struct harness *large, unsigned top, unsigned left)
{
    harness_shows(small, "x");
    harness_shows(large, "x");
    struct terminal *a = harness_terminal(small), *b = harness_terminal(large);
    for (unsigned row = 0; row < terminal_rows(a); row++)
        for (unsigned col = 0; col < terminal_cols(a); col++) {
            struct terminal_cell here = { .fg = -1, .bg = -1 }, there = here;
            terminal_get(a, (int)row, col, &here);
            terminal_get(b, (int)(row + top), col + left, &there);
            bool blank = (here.chars[0] == 0 || here.chars[0] == ' ') && (there.chars[0] == 0 || there.chars[0] == ' ');
            if (!(blank || here.chars[0] == there.chars[0]) || here.fg != there.fg || here.bg != there.bg ||
                here.bold != there.bold || here.reverse != there.reverse)
                return false;
        }
    return true;
}

static void await_same(struct harness *small, struct harness *large, unsigned top, unsigned left)
{
    for (int i = 0; i < 250 && !same_rows(small, large, top, left); i++)
        usleep(20000);
    if (!same_rows(small, large, top, left)) {
        fprintf(stderr, "%s", harness_text(large));
        fprintf(stderr, "%s", harness_text(small));
        fail_msg("the second of the screens above does not show the first one from row %u, column %u on", top, left);
    }
}

/* As another user, where there is one to be: root can be nobody. */
static struct harness *follow_as_another(const char *socket, unsigned cols, unsigned rows)
{
    const char *other[] = { "setpriv",           "--reuid=65534", "--regid=65534", "--clear-groups",
                            getenv("TEACHROOT"), "follow",        socket,          NULL };
    return run(geteuid() == 0 ? other : other + 4, cols, rows);
}

static void another_user_sees_the_same_cells_and_can_do_nothing(void **state)
{
    char socket[128];
    snprintf(socket, sizeof(socket), "%s/room.sock", directory);
    struct harness *demo = start_demo(LESSON, "--share", socket, 100, 30);
    struct harness *own = start_verb("follow", NULL, 100, 30), *other = follow_as_another(socket, 60, 12);
    await_same(own, demo, 0, 0);
    harness_expect(other, PROMPT, SOON_MS);               /* it goes with the cursor */
    harness_send(other, "\033[6~\033[5~\033[5~\033[5~ "); /* and by hand: from the top */
    harness_send(own, " echo not-from-here\r");
    await_same(other, demo, 0, 0);
    harness_send(other, "\033[C\033[C\033[B");
    await_same(other, demo, 1, 8);
    press(demo, " ", "▶ ls /srv/nowhere");
    await_same(other, demo, 1, 8);
    await_same(own, demo, 0, 0);
    harness_resize(own, 140, 40);
    harness_resize(demo, 80, 24);
    await_same(own, demo, 0, 0);
    assert_false(harness_shows(demo, "not-from-here"));
    harness_send(own, "q");
    assert_int_equal(harness_wait(own, SOON_MS), 0);
    harness_stop(own);
    leave(demo);
    assert_int_equal(harness_wait(other, SOON_MS), 0);
    harness_expect(other, "The session has ended", SOON_MS);
    harness_stop(other);
    assert_int_equal(access(socket, F_OK), -1);
}

static void a_learner_lets_others_watch_and_ends_it(void **state)
{
    char line[160], socket[128];
    const char *argv[] = { getenv("TEACHROOT"), "--offline", LESSON, NULL };
    struct harness *learner = run(argv, 100, 30);
    harness_expect(learner, PROMPT, START_MS);
    assert_int_equal(sockets(), 0); /* nobody is let in unasked */
    snprintf(socket, sizeof(socket), "%s/learner.sock", directory);
    snprintf(line, sizeof(line), "share %s\r", socket);
    press(learner, line, "teachroot follow /tmp/demo-test");
    struct harness *other = follow_as_another(socket, 100, 30);
    await_same(other, learner, 0, 0);
    kill(harness_pid(other), SIGSTOP); /* one that stands still holds nothing up */
    harness_send(learner, "seq 20000; echo end-$((6 * 7))\r");
    harness_expect(learner, "^ *.?end-42|│end-42|end-42$", SOON_MS);
    kill(harness_pid(other), SIGCONT);
    await_same(other, learner, 0, 0);
    press(learner, "share off\r", "Nobody else can watch any more");
    assert_int_equal(harness_wait(other, SOON_MS), 0);
    harness_stop(other);
    leave(learner);
}

static void what_cannot_be_is_said_before_anything_starts(void **state)
{
    static const struct {
        const char *words, *said;
        int status;
    } wrong[] = {
        { "demo", "which lesson", 2 },
        { "demo 99", "the lessons are", 1 },
        { "demo 1 2", "one lesson at a time", 2 },
        { "demo --speed 0 1", "--speed is a number from 1 to 1000, not `0`", 2 },
        { "demo --speed", "needs a value", 2 },
        { "demo --theme pink 1", "no theme `pink`: there are dark, light and contrast", 2 },
        { "demo --share /nowhere/at/all 1", "share at `/nowhere/at/all`: No such file or directory", 1 },
        { "demo --share /tmp/x --share-group no-such-group 1", "there is no group `no-such-group`", 1 },
        { "notes", "no demo is running", 1 },
        { "follow", "no session of yours can be followed", 1 },
        { "follow /nowhere", "follow `/nowhere`: No such file or directory", 1 },
        { "follow lessons.md", "follow `lessons.md`: nobody is there", 1 },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[256];
        snprintf(line, sizeof(line), "exec \"$TEACHROOT\" %s", wrong[i].words);
        const char *argv[] = { "sh", "-c", line, NULL };
        struct harness *harness = run(argv, 200, 24);
        assert_int_equal(WEXITSTATUS(harness_wait(harness, SOON_MS)), wrong[i].status);
        harness_expect(harness, wrong[i].said, SOON_MS);
        harness_stop(harness);
    }
    assert_int_equal(sockets(), 0);
}

static int prepare(const char *lesson, char *text, size_t size)
{
    char command[256];
    snprintf(command, sizeof(command), "XDG_STATE_HOME=%s timeout 60 %s demo --prepare %s 2>&1", directory,
             getenv("TEACHROOT"), lesson);
    FILE *output = popen(command, "r");
    size_t len = fread(text, 1, size - 1, output);
    text[len] = '\0';
    return WEXITSTATUS(pclose(output));
}

static void a_prepared_demo_was_seen_to_work_without_a_network(void **state)
{
    char text[8192], path[128];
    snprintf(path, sizeof(path), "%s/network.md", directory);
    FILE *lesson = fopen(path, "w");
    fputs("# Needs a network\n\n## Look for it\n\n```bash\ntest -d /sys/class/net/eth0\n```\n", lesson);
    fclose(lesson);
    int status = prepare(path, text, sizeof(text));
    if (geteuid() == 0) { /* the lab has a network of its own */
        assert_int_equal(status, 1);
        assert_non_null(strstr(text, "1/1  Look for it: could not be done"));
        assert_non_null(strstr(text, "Not all of it"));
        assert_true(strstr(text, "1/1  Look for it: 0.") < strstr(text, "unplugged"));
    }
    lesson = fopen(path, "w");
    fputs("# Needs none\n\n## Look\n\n```bash\ntest -d /sys/class/net/lo\n```\n", lesson);
    fclose(lesson);
    assert_int_equal(prepare(path, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "Prepared: the demo works with the network unplugged"));
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/demo-test-XXXXXX");
    return mkdtemp(directory) && chmod(directory, 0755) == 0 ? 0 : -1; /* another user is to come in */
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
        cmocka_unit_test_setup_teardown(lesson_4_is_shown_by_one_key_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lesson_4_is_shown_by_one_key_as_typed_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_room_sees_title_paragraph_command_terminal_and_state_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_command_that_fails_is_real_and_said_quietly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_is_typed_into_and_a_file_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_keyboard_is_the_presenters_at_any_letter_and_the_demo_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(any_key_types_the_next_letter_and_enter_alone_runs_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_room_can_be_pointed_at_a_line_in_any_light, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_notes_go_with_the_demo_on_a_terminal_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notes_are_plain_text_in_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_killed_leaves_no_socket_after_the_next_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_user_sees_the_same_cells_and_can_do_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_learner_lets_others_watch_and_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_said_before_anything_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_prepared_demo_was_seen_to_work_without_a_network, set_up, tear_down),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

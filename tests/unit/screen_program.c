/* The whole program on a terminal of its own, in a real lab: what a learner types and sees. */
#include "repl/lesson/lesson.h"
#include "repl/screen/utf8.h"
#include "repl/session/loop.h"
#include "tests/unit/screen_learner.h"

#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#define FIRST_LESSON "lessons/01-a-new-root.md"
#define SOON_MS 10000

static struct harness *start_lesson(const char *lesson, unsigned cols, unsigned rows)
{
    struct harness *harness = start_screen(lesson, cols, rows, NULL);
    harness_expect(harness, PROMPT, START_MS);
    return harness;
}

static struct harness *start_in_lab(unsigned cols, unsigned rows)
{
    return start_at_prompt(LESSON, cols, rows, NULL);
}

/* Type a block's lines, or answer its question rightly. */
static void do_block(struct harness *harness, const struct block *block)
{
    if (block->type == BLOCK_QUIZ && block->quiz->typed) { /* its regex is the answer itself, or nearly */
        char answer[128] = "answer ";
        for (const char *at = block->quiz->typed; *at; at++)
            if (!strchr("^$()?\\", *at))
                strncat(answer, at, 1);
        await_prompt(harness);
        harness_send(harness, answer);
        harness_send(harness, "\r");
        return;
    }
    if (block->type == BLOCK_QUIZ) {
        for (size_t i = 0; i < block->quiz->count; i++)
            if (block->quiz->answers[i].right) {
                char answer[32];
                snprintf(answer, sizeof(answer), "answer %zu\r", i + 1);
                await_prompt(harness);
                harness_send(harness, answer);
            }
        return;
    }
    for (size_t i = 0; block->commands && block->commands[i]; i++) {
        char *line = strdup(block->commands[i]);
        for (char *at = line; *at; at++)
            if (*at == '\n')
                *at = '\r';
        await_prompt(harness);
        harness_send(harness, line);
        harness_send(harness, "\r");
        free(line);
    }
}

static void play(const char *path, unsigned cols, unsigned rows)
{
    struct lesson_mistakes mistakes = { 0 };
    struct lesson *lesson = lesson_load(path, &mistakes, NULL);
    assert_non_null(lesson);
    forget_progress();
    struct harness *harness = start_lesson(path, cols, rows);
    for (size_t s = 0; s < lesson->step_count; s++) {
        char text[64];
        for (size_t b = 0; b < lesson->steps[s].block_count; b++)
            do_block(harness, &lesson->steps[s].blocks[b]);
        snprintf(text, sizeof(text), "✓ Step %zu passed", s + 1);
        harness_expect(harness, text, SOON_MS);
        harness_send(harness, "\033OQ");
    }
    harness_expect(harness, "You have finished this lesson", SOON_MS);
    lesson_free(lesson);
    quit(harness);
}

static void every_step_ticks_itself_off_at_80_by_24(void **state)
{
    play(LESSON, 80, 24);
    play(FIRST_LESSON, 80, 24);
}

static void every_step_ticks_itself_off_at_120_by_36(void **state)
{
    play(LESSON, 120, 36);
    play(FIRST_LESSON, 120, 36);
}

static void every_step_ticks_itself_off_at_200_by_50(void **state)
{
    play(LESSON, 200, 50);
    play(FIRST_LESSON, 200, 50);
}

static void the_first_screen_says_what_this_is_and_begins_with_enter(void **state)
{
    char lessons[128], text[512], here[256];
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(lessons, sizeof(lessons), "%s/lessons.md", directory);
    FILE *file = fopen(lessons, "w");
    fprintf(file, "| # | lesson | what |\n|---|---|---|\n| 1 | [The test lesson](%s/%s) | tried |\n", here, LESSON);
    fclose(file);
    snprintf(text, sizeof(text), "TEACHROOT_LESSONS=%s", lessons);
    const char *env[] = { text, NULL };
    forget_progress();
    struct harness *harness = start_screen(NULL, 80, 24, env);
    harness_expect(harness, "Nothing outside the lab can change", SOON_MS);
    harness_expect(harness, "Enter begins lesson 1: The test lesson", SOON_MS);
    harness_send(harness, "l");
    harness_expect(harness, "Enter opens the lesson", SOON_MS);
    harness_send(harness, "\033");
    harness_expect(harness, "Enter begins lesson 1", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, PROMPT, START_MS);
    quit(harness);
    harness = start_screen(NULL, 80, 24, env);
    harness_expect(harness, "Enter goes on where you left off", SOON_MS);
    harness_send(harness, "q");
    assert_int_equal(harness_wait(harness, SOON_MS), 0);
    harness_stop(harness);
}

static void a_wrong_answer_says_why_and_may_be_tried_again(void **state)
{
    forget_progress();
    struct harness *harness = start_in_lab(120, 36);
    harness_send(harness, "goto 2\r");
    harness_expect_gone(harness, "1/3|fresh lab|done again", START_MS);
    harness_expect(harness, "2\\. Answer a question", START_MS);
    harness_expect(harness, PROMPT, START_MS);
    assert_false(harness_shows(harness, "What explains the answer"));
    harness_send(harness, "1\r");
    harness_expect(harness, "that stays where it was", SOON_MS);
    harness_send(harness, "\033[17~2"); /* F6: the lesson has the keys, and the number answers */
    harness_expect(harness, "✓ Step 2 passed", SOON_MS);
    harness_expect(harness, "it is a pointer in the process", SOON_MS);
    harness_expect(harness, "What explains the answer", SOON_MS);
    quit(harness);
}

static void hints_stand_below_the_step(void **state)
{
    forget_progress();
    struct harness *harness = start_in_lab(120, 36);
    harness_expect(harness, "Not yet: no text in /srv/first/file yet", SOON_MS);
    harness_send(harness, "\033[13~"); /* the check's own words come first */
    harness_expect(harness, "Hint *│.*\n.*no text in /srv/first/file yet", SOON_MS);
    harness_send(harness, "why\r");
    harness_expect(harness, "What this step waits for *│.*\n.*no text in /srv/first/file yet", SOON_MS);
    assert_false(harness_shows(harness, "│ Hint"));
    harness_send(harness, "\033[13~");
    harness_expect(harness, "The first hint is about mkdir", SOON_MS);
    harness_send(harness, "next\r");
    harness_expect(harness, "Not yet: no text in /srv/first/file yet \\(hint helps", SOON_MS);
    quit(harness);
}

static void resize_all_ways(struct harness *harness, const char *pattern)
{
    static const unsigned sizes[][2] = { { 120, 36 }, { 60, 16 }, { 200, 50 }, { 20, 5 }, { 80, 24 } };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        harness_resize(harness, sizes[i][0], sizes[i][1]);
        harness_expect(harness, sizes[i][0] == 20 ? "needs 40 x 12" : pattern, SOON_MS);
    }
}

static void full_screen_programs_work_inside_and_survive_resizing(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "vim /etc/hosts\r");
    harness_expect(harness, "127\\.0\\.0\\.1.*localhost", SOON_MS);
    harness_expect(harness, "Ctrl-\\] then", SOON_MS);
    resize_all_ways(harness, "127\\.0\\.0\\.1.*localhost");
    harness_send(harness, "iHELLO\033[C");
    harness_expect(harness, "HELLO", SOON_MS);
    harness_send(harness, "\033");
    usleep(100000); /* a lone Escape is one only after a moment */
    harness_send(harness, ":q!\r");
    harness_expect_gone(harness, "HELLO", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "seq 1000 2000 | less\r");
    harness_expect(harness, "^(.*│)?1003", SOON_MS);
    harness_send(harness, "\033[6~");
    harness_expect(harness, "^(.*│)?1012", SOON_MS);
    resize_all_ways(harness, "^(.*│)?101[2-9]");
    harness_send(harness, "q");
    await_prompt(harness);
    harness_send(harness, "htop\r");
    harness_expect(harness, "F10Quit", SOON_MS);
    resize_all_ways(harness, "PID");
    harness_send(harness, "\033[21~"); /* F10 is htop's own here */
    harness_expect_gone(harness, "F10Quit", SOON_MS);
    await_prompt(harness); /* what comes while the tty is still htop's has carriage returns that end no line */
    harness_send(harness, "echo still $((6*7))\r");
    harness_expect(harness, "still 42", SOON_MS);
    quit(harness);
}

static void teaching_keys_are_reached_from_within_a_program(void **state)
{
    forget_progress();
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "vim\r");
    harness_expect(harness, "Ctrl-\\] then", SOON_MS);
    harness_send(harness, "\035\033OR\035\033OR");
    harness_expect(harness, "The first hint is about mkdir", SOON_MS);
    harness_send(harness, "\035nonsense\r");
    harness_expect(harness, "nonsense is not a command", SOON_MS);
    harness_send(harness, "\035help\r");
    harness_expect(harness, "this page", SOON_MS);
    harness_send(harness, "\033");
    usleep(100000); /* a lone Escape is one only after a moment */
    harness_expect_gone(harness, "this page", SOON_MS);
    harness_expect(harness, "^~", SOON_MS);
    harness_send(harness, "\035quit\r");
    assert_int_equal(harness_wait(harness, START_MS), 0);
    harness_stop(harness);
}

static void control_c_clears_the_line_or_stops_the_program(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "echo never-run");
    harness_expect(harness, "never-run", SOON_MS);
    harness_send(harness, "\003");
    harness_expect(harness, "\\^C", SOON_MS);
    harness_send(harness, "sh -c 'echo st''arted; exec sleep 1000'\r");
    harness_expect(harness, "^started|│started", SOON_MS); /* the program has the terminal now, not the shell */
    harness_send(harness, "\003");
    await_prompt(harness);
    harness_send(harness, "echo after-$?\r");
    harness_expect(harness, "^after-130|# after-130", SOON_MS);
    assert_false(harness_shows(harness, "^never-run"));
    quit(harness);
}

static void a_line_that_follows_control_c_at_once_is_whole(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    for (unsigned i = 100; i < 110; i++) {
        char keys[64], seen[32];
        snprintf(keys, sizeof(keys), "echo never\003echo who''le-%u\r", i);
        snprintf(seen, sizeof(seen), "^whole-%u$", i);
        await_prompt(harness);
        harness_send(harness, keys);
        harness_expect(harness, seen, SOON_MS);
    }
    harness_send(harness, "trap '' INT\r");
    await_prompt(harness);
    harness_send(harness, "\003echo ign''ored\r"); /* no new prompt comes */
    harness_expect(harness, "^ignored", SOON_MS);
    assert_false(harness_shows(harness, "not found"));
    quit(harness);
}

static void what_was_typed_comes_back_with_up_and_in_the_next_run(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "echo kept-$((40+2))\r");
    harness_expect(harness, "^kept-42", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "\033[A");
    harness_expect(harness, PROMPT " echo kept-.*\n(.*\n)*kept-42\n.*" PROMPT " echo kept-", SOON_MS);
    harness_send(harness, "\003");
    quit(harness);
    harness = start_in_lab(80, 24);
    harness_send(harness, "\033[A");
    harness_expect(harness, PROMPT " echo kept-", SOON_MS);
    quit(harness);
}

static void inside_another_shell_the_words_name_keys_that_work_there(void **state)
{
    forget_progress();
    struct harness *harness = start_in_lab(120, 36);
    harness_send(harness, "PS1='dash> ' dash\r"); /* whose prompt nobody can tell from a program's question */
    harness_expect(harness, "dash> *\n", SOON_MS);
    harness_send(harness, "\033OQ");
    harness_expect(harness, "Ctrl-\\] then skip", SOON_MS);
    harness_send(harness, "mkdir /srv/first; echo a > /srv/first/file\r");
    harness_expect(harness, "Step 1 passed . F2 goes on", SOON_MS);
    assert_false(harness_shows(harness, "F2 or next"));
    harness_resize(harness, 30, 8);
    harness_expect(harness, "F10", SOON_MS);
    quit(harness);
}

static void control_l_clears_the_screen_and_keeps_the_line(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "seq 100 105\r");
    harness_expect(harness, "^105", SOON_MS);
    harness_send(harness, "echo ke''pt");
    harness_expect(harness, "echo ke''pt", SOON_MS);
    harness_send(harness, "\014");
    harness_expect_gone(harness, "^105", SOON_MS);
    harness_expect(harness, PROMPT " echo ke''pt", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "^kept", SOON_MS);
    quit(harness);
}

static void output_faster_than_it_can_be_seen_does_not_hold_up_the_keys(void **state)
{
    struct harness *harness = start_in_lab(120, 36);
    harness_send(harness, "yes\r");
    harness_expect(harness, "│y$", SOON_MS);
    usleep(500000);
    uint64_t began = loop_now();
    harness_send(harness, "\003");
    harness_expect(harness, PROMPT, SOON_MS);
    assert_true(loop_now() - began < 3000);
    quit(harness);
}

static void what_is_typed_while_a_command_runs_is_not_lost(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "sleep 1\recho one\rech");
    harness_expect(harness, "^one|# one", SOON_MS);
    harness_expect(harness, PROMPT " ech", SOON_MS);
    harness_send(harness, "o t''wo\r");
    harness_expect(harness, "^two", SOON_MS);
    quit(harness);
}

/* The environment with a curriculum of the test's own: the test lesson, and one that is done by `true`. */
static const char *const *two_lessons(void)
{
    static char text[512];
    static const char *env[] = { text, NULL };
    char lessons[128], here[256];
    const char *second = write_lesson("# The other lesson\n\n## Do nothing\n\n```bash\ntrue\n```\n");
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(lessons, sizeof(lessons), "%s/lessons.md", directory);
    FILE *file = fopen(lessons, "w");
    fprintf(file,
            "| # | lesson | what |\n|---|---|---|\n| 1 | [The test lesson](%s/%s) | tried |\n| 2 | [The other "
            "lesson](%s) | too |\n",
            here, LESSON, second);
    fclose(file);
    snprintf(text, sizeof(text), "TEACHROOT_LESSONS=%s", lessons);
    return env;
}

static void after_a_finished_lesson_the_next_one_is_offered(void **state)
{
    const char *const *env = two_lessons();
    forget_progress();
    struct harness *harness = start_screen("1", 80, 24, env);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "mkdir /srv/first; echo a > /srv/first/file\r");
    harness_expect(harness, "Step 1 passed", SOON_MS);
    harness_send(harness, "next\ranswer 2\r");
    harness_expect(harness, "Step 2 passed", SOON_MS);
    harness_send(harness, "next\rmkdir -p /srv/root/bin; cp /bin/busybox /srv/root/bin/sh\r");
    harness_expect(harness, "Step 3 passed", SOON_MS);
    quit(harness);
    harness = start_screen("1", 80, 24, env); /* it is open at its end, and nothing is done again */
    harness_expect(harness, "You have finished this lesson", START_MS);
    harness_expect(harness, "opens lesson 2: The other lesson", SOON_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "ls /srv/first\r");
    harness_expect(harness, "No such file", SOON_MS);
    quit(harness);
    harness = start_screen(NULL, 80, 24, env);
    harness_expect(harness, "You have finished lesson 1", SOON_MS);
    harness_expect(harness, "Enter begins lesson 2: The other lesson", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "Do nothing", START_MS);
    quit(harness);
    harness = start_screen("1", 80, 24, env);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "next\r");
    harness_expect(harness, "Do nothing", START_MS);
    quit(harness);
}

static void a_wrecked_lab_is_said_to_be_broken_and_reset_makes_a_fresh_one(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "rm -rf --no-preserve-root /usr/bin; echo wre''cked\r");
    harness_expect(harness, "^wrecked", START_MS);
    harness_expect(harness, "Not yet: The lab is broken", SOON_MS); /* the check has met it */
    harness_send(harness, "next\r");
    harness_expect(harness, "The lab is broken: its bash is gone. F5 \\(reset\\) builds a fresh one.", SOON_MS);
    assert_false(harness_shows(harness, "run bash in the lab"));
    harness_send(harness, "exit\r");
    harness_expect_gone(harness, "wrecked", SOON_MS);
    harness_expect(harness, "The lab is broken", SOON_MS);
    harness_send(harness, "ls\r");
    harness_expect(harness, "No terminal is open. F5", SOON_MS);
    harness_send(harness, "\033[15~");
    harness_expect_gone(harness, "broken|No terminal|fresh lab", START_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "mkdir /srv/first; echo a > /srv/first/file\r");
    harness_expect(harness, "Step 1 passed", SOON_MS);
    quit(harness);
}

static struct harness *start_slow_replay(void)
{
    forget_progress();
    struct harness *harness = start_lesson(
        write_lesson("# Slow\n\n## Wait\n\n```bash\nsleep 3\n```\n\n## Then\n\n```bash\ntrue\n```\n"), 80, 24);
    harness_send(harness, "goto 2\r");
    harness_expect(harness, "Step 1 is done again for you: sleep 3", START_MS);
    return harness;
}

static void what_is_typed_while_steps_are_done_again_is_kept_for_the_prompt(void **state)
{
    struct harness *harness = start_slow_replay();
    harness_send(harness, "echo first-$((40+1))\recho secx\177ond-$((40+2))\rwhy\recho th");
    harness_expect(harness, "Kept for the prompt: echo first", SOON_MS);
    assert_false(harness_shows(harness, "first-41"));
    harness_expect(harness, "^first-41\n(.*\n)*second-42\n(.*\n)*.*" PROMPT " echo th$", START_MS);
    harness_expect(harness, "What this step waits for", SOON_MS);
    harness_send(harness, "i''rd\r");
    harness_expect(harness, "^third", SOON_MS);
    assert_false(harness_shows(harness, "Kept for the prompt"));
    quit(harness);
}

static void control_c_stops_a_replay_and_drops_what_was_typed(void **state)
{
    struct harness *harness = start_slow_replay();
    harness_send(harness, "echo dropped\r");
    harness_expect(harness, "Kept for the prompt: echo dropped", SOON_MS);
    harness_send(harness, "\003");
    harness_expect(harness, "Stopped. Step 1 is yours", SOON_MS);
    harness_expect(harness, "1/2", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "echo af''ter\r");
    harness_expect(harness, "^after", SOON_MS);
    assert_false(harness_shows(harness, "dropped"));
    quit(harness);
}

static void teaching_commands_typed_ahead_are_done_when_their_turn_comes(void **state)
{
    struct harness *harness = start_in_lab(120, 36);
    harness_send(harness, "sleep 1\recho one\rwhy\recho tw''o\rgoto 2\recho thr''ee\r");
    harness_expect(harness, "What this step waits for", SOON_MS);
    harness_expect(harness, "2\\. Answer a question", START_MS);
    harness_expect(harness, "three", SOON_MS);
    assert_false(harness_shows(harness, "not found"));
    harness_send(harness, "\033[200~sleep 1\nwhy\necho pa''sted\n\033[201~");
    harness_expect(harness, "the question is not answered", SOON_MS);
    harness_expect(harness, "│pasted", SOON_MS);
    assert_false(harness_shows(harness, "not found"));
    quit(harness);
}

static void a_program_that_reads_gets_lines_that_look_like_teaching_commands(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "sh -c 'sleep 1; cat'\rnext\r");
    harness_expect(harness, "^next\nnext$", SOON_MS);
    harness_send(harness, "why\r");
    harness_expect(harness, "^why\nwhy$", SOON_MS);
    harness_send(harness, "\004");
    await_prompt(harness);
    harness_send(harness, "read line; echo \"got $line\"\r");
    harness_expect(harness, "echo \"got", SOON_MS);
    harness_send(harness, "hint\r");
    harness_expect(harness, "^got hint", SOON_MS);
    quit(harness);
}

static void a_long_line_wraps_and_is_edited_in_the_pane(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    char line[600];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    harness_send(harness, "echo ");
    harness_send(harness, line);
    harness_expect(harness, "^x{80}\nx{80}", SOON_MS);
    harness_send(harness, "\001#\r");
    harness_send(harness, "echo short\r");
    harness_expect(harness, "^short|# short", SOON_MS);
    quit(harness);
}

static void control_r_finds_a_line_typed_before(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "echo nee''dle-$((40+2))\r");
    harness_expect(harness, "^needle-42", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "echo other\r");
    harness_expect(harness, "^other", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "\022dle");
    harness_expect(harness, "\\(reverse-i-search\\)`dle': echo nee''dle-", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "^needle-42\n(.*\n)*other\n(.*\n)*needle-42", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "\022nowhere");
    harness_expect(harness, "failed reverse-i-search", SOON_MS);
    harness_send(harness, "\003");
    harness_expect_gone(harness, "i-search", SOON_MS);
    await_prompt(harness);
    harness_send(harness, "echo go''es on\r");
    harness_expect(harness, "^goes on", SOON_MS);
    quit(harness);
}

/* The keys that lead out of a window too small for anything else, and none of the others. */
static void a_too_small_window_says_so_and_only_leads_out(void **state)
{
    static const char *const keys[] = { "q", "\033[21~", "\003\003" };
    for (size_t i = 0; i < 3; i++) {
        struct harness *harness = start_in_lab(80, 24);
        harness_resize(harness, 39, 11);
        harness_expect(harness, "needs 40 x 12, has 39 x 11", SOON_MS);
        harness_expect(harness, "F10, q or", SOON_MS);
        harness_send(harness, "echo lo''st\r\003x");
        /* Once it has drawn this, it has read what was typed before: a size may overtake keys. */
        harness_resize(harness, 38, 11);
        harness_expect(harness, "needs 40 x 12, has 38 x 11", SOON_MS);
        harness_resize(harness, 80, 24);
        harness_expect(harness, PROMPT, SOON_MS);
        harness_send(harness, "echo se''en\r");
        harness_expect(harness, "^seen", SOON_MS);
        assert_false(harness_shows(harness, "lost|lo''st"));
        harness_resize(harness, 20, 5);
        harness_expect(harness, "needs 40 x 12", SOON_MS);
        harness_send(harness, keys[i]);
        assert_int_equal(harness_wait(harness, START_MS), 0);
        harness_stop(harness);
    }
}

static void the_smallest_window_says_all_that_its_keys_do(void **state)
{
    const char *const *env = two_lessons();
    forget_progress();
    struct harness *harness = start_screen(NULL, 40, 12, env);
    harness_expect(harness, "^Enter begins, l lists, q quits  . more$", SOON_MS);
    harness_send(harness, "l");
    harness_expect(harness, "^Enter opens, Esc back", SOON_MS);
    harness_send(harness, "\033");
    harness_expect(harness, "^Enter begins", SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "\033OP");
    harness_expect(harness, "^PgDn scrolls, Esc back  . more$", SOON_MS);
    harness_send(harness, "\033");
    harness_expect(harness, "F1 help", SOON_MS);
    quit(harness);
}

static void hidden_blocks_are_never_shown(void **state)
{
    forget_progress();
    struct harness *harness = start_lesson(
        write_lesson(
            "# Hidden\n\n## Find it out\n\nA task.\n\n```bash |{\"hidden\":\"true\"}\n"
            "touch /srv/secret-way\n```\n<!-- check\ntest -e /srv/secret-way || exit 1\n-->\n\n## Then\n\nWords.\n"),
        120, 36);
    harness_expect(harness, "A task", SOON_MS);
    harness_send(harness, "\033OS");
    harness_expect(harness, "What this step waits for", SOON_MS);
    assert_false(harness_shows(harness, "secret"));
    harness_send(harness, "tou");
    harness_expect(harness, PROMPT " tou", SOON_MS);
    assert_false(harness_shows(harness, "secret"));
    quit(harness);
}

static void the_line_in_a_password_prompt_is_not_shown(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "read -s secret; echo \"length ${#secret}\"\r");
    usleep(500000);
    harness_send(harness, "hunter2");
    usleep(300000);
    assert_false(harness_shows(harness, "hunter2"));
    harness_send(harness, "\r");
    harness_expect(harness, "length 7", SOON_MS);
    quit(harness);
}

static void scrollback_zoom_and_focus_keys_do_what_they_say(void **state)
{
    struct harness *harness = start_in_lab(80, 24);
    harness_send(harness, "seq 100 300\r");
    harness_expect(harness, "^300", SOON_MS);
    harness_send(harness, "\033[5;2~");
    harness_expect(harness, "lines back", SOON_MS);
    harness_expect_gone(harness, "^300", SOON_MS);
    harness_send(harness, "\033[6;2~");
    harness_expect(harness, "^300", SOON_MS);
    harness_send(harness, "\033[20~");
    harness_expect_gone(harness, "Lesson", SOON_MS);
    harness_expect(harness, "^285", SOON_MS);
    harness_send(harness, "\033[20~");
    harness_expect(harness, "A lesson to test", SOON_MS);
    harness_send(harness, "\033[17~");
    harness_expect(harness, "F6 terminal", SOON_MS);
    harness_send(harness, "\033[17~");
    harness_expect(harness, "F6 lesson", SOON_MS);
    harness_send(harness, "\033[19~");
    harness_expect(harness, "\\[2\\]", SOON_MS);
    harness_expect(harness, PROMPT, SOON_MS);
    harness_send(harness, "\033[18~");
    harness_expect(harness, "\\[1\\]", SOON_MS);
    quit(harness);
}

static void without_utf8_or_colours_everything_is_still_said(void **state)
{
    const char *env[] = { "LC_ALL=C", "NO_COLOR=1", NULL };
    forget_progress();
    struct harness *harness = start_screen(LESSON, 80, 24, env);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, "mkdir /srv/first; echo \"a line\" > /srv/first/file\r");
    harness_expect(harness, "\\+ Step 1 passed - F2 or next goes on", SOON_MS);
    for (const char *at = harness_text(harness); *at; at++)
        assert_true((unsigned char)*at < 0x80);
    struct terminal_cell cell;
    for (unsigned row = 0; row < 24; row++)
        for (unsigned col = 0; col < 80; col++) {
            if (row == 10 || !terminal_get(harness_terminal(harness), (int)row, col, &cell))
                continue;
            assert_int_equal(cell.fg, -1);
            assert_int_equal(cell.bg, -1);
        }
    quit(harness);
}

static void a_signal_to_end_gives_the_terminal_back(void **state)
{
    static const int signals[] = { SIGTERM, SIGHUP, SIGSEGV };
    for (size_t i = 0; i < 3; i++) {
        struct harness *harness = start_in_lab(80, 24);
        struct terminal *terminal = harness_terminal(harness);
        struct termios mode;
        assert_true(terminal_alternate(terminal));
        assert_int_equal(kill(harness_pid(harness), signals[i]), 0);
        int status = harness_wait(harness, START_MS);
        if (signals[i] == SIGSEGV)
            assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
        else
            assert_int_equal(status, 0);
        assert_false(terminal_alternate(terminal));
        assert_int_equal(terminal_mouse(terminal), 0);
        assert_int_equal(tcgetattr(terminal_fd(terminal), &mode), 0);
        assert_true((mode.c_lflag & ICANON) && (mode.c_lflag & ECHO));
        harness_stop(harness);
    }
}

/* User and system time of a process, in ms. */
static unsigned long cpu_ms(pid_t pid)
{
    char path[64];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel),
                     2);
    fclose(file);
    return (user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

static void an_idle_screen_uses_under_one_percent_of_a_core(void **state)
{
    struct harness *harness = start_in_lab(120, 36);
    sleep(2);
    unsigned long before = cpu_ms(harness_pid(harness));
    sleep(5);
    assert_true(cpu_ms(harness_pid(harness)) - before < 50);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_ticks_itself_off_at_80_by_24),
        cmocka_unit_test(every_step_ticks_itself_off_at_120_by_36),
        cmocka_unit_test(every_step_ticks_itself_off_at_200_by_50),
        cmocka_unit_test(the_first_screen_says_what_this_is_and_begins_with_enter),
        cmocka_unit_test(after_a_finished_lesson_the_next_one_is_offered),
        cmocka_unit_test(a_wrecked_lab_is_said_to_be_broken_and_reset_makes_a_fresh_one),
        cmocka_unit_test(a_wrong_answer_says_why_and_may_be_tried_again),
        cmocka_unit_test(hints_stand_below_the_step),
        cmocka_unit_test(full_screen_programs_work_inside_and_survive_resizing),
        cmocka_unit_test(teaching_keys_are_reached_from_within_a_program),
        cmocka_unit_test(control_c_clears_the_line_or_stops_the_program),
        cmocka_unit_test(a_line_that_follows_control_c_at_once_is_whole),
        cmocka_unit_test(what_was_typed_comes_back_with_up_and_in_the_next_run),
        cmocka_unit_test(inside_another_shell_the_words_name_keys_that_work_there),
        cmocka_unit_test(control_l_clears_the_screen_and_keeps_the_line),
        cmocka_unit_test(output_faster_than_it_can_be_seen_does_not_hold_up_the_keys),
        cmocka_unit_test(what_is_typed_while_a_command_runs_is_not_lost),
        cmocka_unit_test(what_is_typed_while_steps_are_done_again_is_kept_for_the_prompt),
        cmocka_unit_test(control_c_stops_a_replay_and_drops_what_was_typed),
        cmocka_unit_test(teaching_commands_typed_ahead_are_done_when_their_turn_comes),
        cmocka_unit_test(a_program_that_reads_gets_lines_that_look_like_teaching_commands),
        cmocka_unit_test(a_long_line_wraps_and_is_edited_in_the_pane),
        cmocka_unit_test(control_r_finds_a_line_typed_before),
        cmocka_unit_test(a_too_small_window_says_so_and_only_leads_out),
        cmocka_unit_test(the_smallest_window_says_all_that_its_keys_do),
        cmocka_unit_test(hidden_blocks_are_never_shown),
        cmocka_unit_test(the_line_in_a_password_prompt_is_not_shown),
        cmocka_unit_test(scrollback_zoom_and_focus_keys_do_what_they_say),
        cmocka_unit_test(without_utf8_or_colours_everything_is_still_said),
        cmocka_unit_test(a_signal_to_end_gives_the_terminal_back),
        cmocka_unit_test(an_idle_screen_uses_under_one_percent_of_a_core),
    };
    return screen_tests(argc, argv, false, tests);
}

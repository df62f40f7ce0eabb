/* One learner in a real lab: steps that tick themselves off, checks, hints, replay, and labs that die. */
#include "engine/base/cleanup.h"
#include "repl/session/session.h"
#include "repl/session/state.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define MAX_EVENTS 4096

struct learner {
    struct loop *loop;
    struct lesson *lesson;
    struct session *session;
    struct progress *progress;
    struct journal *journal;
    struct {
        enum session_event_kind kind;
        unsigned step, terminal;
        int status;
        bool passed, failed;
        char text[512];
    } events[MAX_EVENTS];
    size_t count, seen; /* seen: how far wait_for has looked */
};

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct learner *learner = data;
    if (event->kind == SESSION_OUTPUT || learner->count == MAX_EVENTS)
        return;
    size_t i = learner->count++;
    learner->events[i].kind = event->kind;
    learner->events[i].step = event->step;
    learner->events[i].terminal = event->terminal;
    learner->events[i].status = event->status;
    learner->events[i].passed = event->passed;
    learner->events[i].failed = event->failed;
    snprintf(learner->events[i].text, sizeof learner->events[i].text, "%s", event->text ? event->text : "");
    if (getenv("VERBOSE"))
        printf("# event %d step %u terminal %u status %d passed %d failed %d: %s\n", (int)event->kind, event->step,
               event->terminal, event->status, event->passed, event->failed, event->text ? event->text : "");
}

/* Wait for the next event of @kind for which @text is found in its text (NULL: any). Returns its index. */
static size_t wait_text(struct learner *learner, enum session_event_kind kind, const char *text, unsigned seconds)
{
    uint64_t until = loop_now() + seconds * 1000;
    for (;;) {
        while (learner->seen < learner->count) {
            size_t i = learner->seen++;
            if (learner->events[i].kind == kind && (!text || strstr(learner->events[i].text, text)))
                return i;
        }
        uint64_t now = loop_now();
        if (now >= until)
            fail_msg("no event %d with `%s` in %u s", (int)kind, text ? text : "", seconds);
        loop_once(learner->loop, (int)(until - now));
    }
}

static size_t wait_for(struct learner *learner, enum session_event_kind kind)
{
    return wait_text(learner, kind, NULL, 20);
}

static void wait_passed(struct learner *learner, unsigned step)
{
    uint64_t until = loop_now() + 20000;
    while (!(session_current(learner->session) == step && session_current_passed(learner->session))) {
        if (loop_now() >= until)
            fail_msg("step %u has not passed: it waits for `%s`", step, session_why(learner->session));
        loop_once(learner->loop, 100);
    }
    learner->seen = learner->count;
}

static void run_for(struct learner *learner, unsigned ms)
{
    uint64_t until = loop_now() + ms, now;
    while ((now = loop_now()) < until)
        loop_once(learner->loop, (int)(until - now));
}

static void type(struct learner *learner, const char *line)
{
    struct err err = { 0 };
    if (session_send_line(learner->session, line, &err) < 0)
        fail_msg("%s", err.message);
}

/* Type a command and wait for its end, and for the prompt after it. */
static int run(struct learner *learner, const char *line)
{
    type(learner, line);
    size_t i = wait_text(learner, SESSION_COMMAND_DONE, line, 20);
    wait_for(learner, SESSION_PROMPT);
    return learner->events[i].status;
}

static const char *journal_file; /* NULL: in memory */

static struct learner *learn_from(const char *text, unsigned step, struct progress *progress)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    struct learner *learner = calloc(1, sizeof *learner);
    assert_non_null(learner);
    learner->loop = loop_new(&err);
    learner->lesson = lesson_parse("/tmp/07-test.md", text, strlen(text), &mistakes, &err);
    if (!learner->lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0,
                 mistakes.count ? mistakes.list[0].what : err.message);
    struct session_options options = { .loop = learner->loop,
                                       .lesson = learner->lesson,
                                       .progress = progress,
                                       .journal = learner->journal = journal_new(journal_file),
                                       .rows = 24,
                                       .cols = 80,
                                       .lab = { .offline = true },
                                       .on_event = on_event,
                                       .data = learner };
    learner->session = session_new(&options, &err);
    if (!learner->session || session_start(learner->session, step, &err) < 0)
        fail_msg("%s", err.message);
    wait_for(learner, SESSION_LAB_READY);
    wait_for(learner, SESSION_STEP);
    return learner;
}

static struct learner *learn(const char *text)
{
    return learn_from(text, 1, NULL);
}

static void leave(struct learner *learner)
{
    session_free(learner->session);
    journal_free(learner->journal);
    loop_free(learner->loop);
    lesson_free(learner->lesson);
    free(learner);
}

static const char two_steps[] =
    "# Two\n\nWords.\n\n"
    "## One\n\n"
    "```bash\nmkdir -p /root/a\n```\n"
    "```bash\ntouch /root/a/one\n```\n"
    "<!-- check\ntest -e /root/a/one || { echo \"there is no /root/a/one\"; exit 1; }\n-->\n"
    "<details><summary>Hint</summary>\n\nUse touch.\n\n</details>\n\n"
    "<details><summary>Hint</summary>\n\nIn /root/a.\n\n</details>\n\n"
    "## Two\n\n"
    "```bash\ncd /root/a; name=value; touch two\n```\n"
    "```bash |{\"replay\":\"skip\"}\ntouch /root/a/skipped\n```\n"
    "<!-- check\ntest -e /root/a/two\n-->\n\n"
    "## Three\n\n"
    "```bash\ntouch /root/a/three\n```\n"
    "<!-- check\ntest -e /root/a/three\n-->\n";

static void a_step_ticks_itself_off_however_it_was_done(void **state)
{
    struct learner *l = learn(two_steps);
    assert_int_equal(session_current(l->session), 1);
    wait_text(l, SESSION_CHECK, "there is no /root/a/one", 5);
    assert_string_equal(session_why(l->session), "there is no /root/a/one");
    assert_non_null(session_next(l->session, false));
    assert_int_equal(session_current(l->session), 1);
    run(l, "install -D /dev/null /root/a/one");
    wait_passed(l, 1);
    assert_null(session_next(l->session, false));
    wait_for(l, SESSION_STEP);
    assert_int_equal(session_current(l->session), 2);
    assert_int_equal(session_step_status(l->session, 1), STEP_PASSED);
    assert_false(session_current_passed(l->session));
    assert_null(session_next(l->session, true));
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    assert_int_equal(session_step_status(l->session, 2), STEP_SKIPPED);
    run(l, "touch /root/a/three");
    wait_passed(l, 3);
    assert_null(session_next(l->session, false));
    wait_for(l, SESSION_FINISHED);
    assert_int_equal(session_current(l->session), 4);
    leave(l);
}

static void hints_begin_with_what_the_check_found_and_end_with_the_solution(void **state)
{
    struct learner *l = learn(two_steps);
    wait_for(l, SESSION_CHECK);
    enum hint_kind kind;
    assert_string_equal(session_hint(l->session, NULL), "there is no /root/a/one");
    assert_non_null(strstr(session_hint(l->session, NULL), "Use touch."));
    assert_non_null(strstr(session_hint(l->session, &kind), "In /root/a."));
    assert_int_equal(kind, HINT_WORDS);
    assert_string_equal(session_hint(l->session, &kind), "mkdir -p /root/a");
    assert_int_equal(kind, HINT_COMMAND);
    assert_string_equal(session_solution(l->session), "mkdir -p /root/a");
    run(l, "mkdir -p /root/a");
    assert_string_equal(session_solution(l->session), "touch /root/a/one");
    leave(l);
}

static const char a_file[] = "# File\n\n## One\n\n"
                             "```bash |{\"type\":\"file\",\"name\":\"/root/say.sh\"}\necho 'said' $1\nEND\n```\n"
                             "```bash\nsh say.sh one\n```\n"
                             "```bash\nsh say.sh two > /root/two\n```\n"
                             "<!-- check\ntest -s /root/two\n-->\n";
static const char writes_it[] = "cat > /root/say.sh <<'END_'\necho 'said' $1\nEND\nEND_";

static void a_file_that_is_not_there_comes_before_what_needs_it(void **state)
{
    struct learner *l = learn(a_file);
    wait_for(l, SESSION_CHECK);
    assert_string_equal(session_solution(l->session), writes_it);
    assert_null(session_suggestion(l->session));
    run(l, "sh say.sh one"); /* too early */
    assert_string_equal(session_solution(l->session), writes_it);
    run(l, "true");
    assert_string_equal(session_solution(l->session), writes_it);
    run(l, writes_it);
    assert_string_equal(session_solution(l->session), "sh say.sh one");
    assert_int_equal(run(l, "grep -xc END say.sh"), 0);
    assert_string_equal(session_solution(l->session), "sh say.sh one"); /* it is there, however it was made */
    run(l, "sh say.sh one");
    assert_string_equal(session_solution(l->session), "sh say.sh two > /root/two");
    leave(l);
}

static const char several_commands[] = "# Several\n\n## One\n\n"
                                       "```bash\ntrue one\ntrue two\n```\n"
                                       "```bash |{\"terminal\":\"2\"}\ntrue one\n```\n"
                                       "```bash\nbash --norc\ntrue four\n```\n"
                                       "<!-- check\ntest -e /root/never\n-->\n";

static void a_solution_goes_on_after_the_last_command_of_the_step_whatever_else_was_typed(void **state)
{
    struct learner *l = learn(several_commands);
    wait_for(l, SESSION_CHECK);
    assert_string_equal(session_solution(l->session), "true one");
    run(l, "true two"); /* one is left out */
    assert_string_equal(session_solution(l->session), "true one");
    assert_int_equal(session_solution_terminal(l->session), 2);
    assert_null(session_suggestion(l->session)); /* not in this terminal */
    run(l, "true one");
    assert_string_equal(session_solution(l->session), "true two"); /* from there on again */
    run(l, "true  two");
    run(l, "true something else");
    assert_string_equal(session_solution(l->session), "true two");
    run(l, "true two");
    run(l, "true one"); /* in terminal 1: the other one's is still to come */
    run(l, "true two");
    assert_int_equal(session_solution_terminal(l->session), 2);
    type(l, "bash --norc");
    wait_for(l, SESSION_PROMPT);
    assert_string_equal(session_solution(l->session), "true four"); /* that shell runs, and has not ended */
    assert_int_equal(session_solution_terminal(l->session), 1);
    type(l, "true four");
    wait_text(l, SESSION_COMMAND_DONE, "true four", 20);
    assert_string_equal(session_solution(l->session), "true one"); /* what was left out comes at the end */
    assert_int_equal(session_solution_terminal(l->session), 2);
    leave(l);
}

static void a_change_in_the_background_is_noticed_within_a_second_and_a_half(void **state)
{
    struct learner *l = learn(two_steps);
    run(l, "mkdir -p /root/a");
    run(l, "(sleep 4; date +%s%N >/root/a/one) & disown");
    uint64_t began = loop_now();
    wait_passed(l, 1);
    uint64_t took = loop_now() - began;
    printf("# noticed %llu ms after it was typed, 4000 of them asleep\n", (unsigned long long)took);
    assert_in_range(took, 3900, 5600);
    leave(l);
}

static double cpu_seconds(void)
{
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
           (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

#ifdef __SANITIZE_ADDRESS__
#define IDLE_LIMIT 0.05 /* what the sanitizers add is not the program's */
#else
#define IDLE_LIMIT 0.01
#endif
static void an_idle_step_uses_under_one_percent_of_a_core(void **state)
{
    struct learner *l = learn(two_steps);
    run_for(l, 2500);
    double before = cpu_seconds();
    run_for(l, 10000);
    double used = (cpu_seconds() - before) / 10;
    printf("# %.2f%% of a core\n", used * 100);
    assert_true(used < IDLE_LIMIT);
    leave(l);
}

static void a_lab_that_dies_comes_back_at_the_same_step(void **state)
{
    struct learner *l = learn_from(two_steps, 3, NULL);
    run(l, "pwd >/root/a/before");
    pid_t old = lab_init_pid(session_lab(l->session));
    kill(old, SIGKILL);
    wait_for(l, SESSION_LAB_DIED);
    wait_for(l, SESSION_LAB_READY);
    wait_text(l, SESSION_REPLAY, "touch /root/a/one", 10);
    wait_for(l, SESSION_STEP);
    assert_int_equal(session_current(l->session), 3);
    assert_false(session_replaying(l->session));
    assert_int_not_equal(lab_init_pid(session_lab(l->session)), old);
    assert_int_equal(run(l, "test \"$PWD\" = /root/a -a \"$name\" = value -a -e one -a -e two"), 0);
    assert_int_equal(run(l, "test -e /root/a/before -o -e /root/a/skipped"), 1);
    leave(l);
}

static void going_to_a_step_is_a_fresh_lab_with_the_earlier_ones_replayed(void **state)
{
    struct err err = { 0 };
    struct learner *l = learn(two_steps);
    run(l, "touch /root/mine");
    assert_int_equal(session_goto(l->session, 3, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    assert_int_equal(session_current(l->session), 3);
    assert_int_equal(run(l, "ls /root/a/one /root/a/two"), 0);
    assert_int_equal(run(l, "ls /root/mine"), 2);
    assert_int_equal(session_goto(l->session, 1, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    assert_int_equal(run(l, "ls /root/a"), 2);
    assert_int_equal(session_goto(l->session, 4, &err), -1);
    assert_int_equal(session_goto(l->session, 0, &err), -1);
    leave(l);
}

static void a_jump_says_what_it_left_out(void **state)
{
    struct err err = { 0 };
    struct learner *l = learn(two_steps);
    assert_int_equal(session_goto(l->session, 3, &err), 0);
    wait_text(l, SESSION_MESSAGE, "`touch /root/a/skipped` (step 2)", 20);
    assert_int_equal(session_current(l->session), 3);
    assert_int_equal(session_goto(l->session, 2, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    run_for(l, 100);
    for (size_t i = l->seen; i < l->count; i++)
        assert_int_not_equal(l->events[i].kind, SESSION_MESSAGE); /* nothing was */
    leave(l);
}

static void undo_leads_to_where_the_step_began_in_which_something_was_done_last(void **state)
{
    struct err err = { 0 };
    struct learner *l = learn(two_steps);
    assert_int_equal(session_undo_step(l->session), 0); /* nothing was done at all */
    run(l, "mkdir -p /root/a; touch /root/a/one");
    assert_int_equal(session_undo_step(l->session), 1);
    wait_passed(l, 1);
    assert_null(session_next(l->session, false));
    assert_int_equal(session_undo_step(l->session), 1); /* nothing was done in step 2 yet */
    run(l, "touch /root/a/mine");
    assert_int_equal(session_undo_step(l->session), 2);
    assert_int_equal(session_goto(l->session, 2, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    assert_int_equal(run(l, "test -e /root/a/one -a ! -e /root/a/mine"), 0);
    leave(l);
}

/* The @index-th command in the journal. */
static struct journal_entry entry_of(struct learner *l, struct journal_record *record, size_t index)
{
    struct err err = { 0 };
    if (journal_read(l->journal, record, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < record->count; i++)
        if (record->entries[i].kind == JOURNAL_COMMAND && index-- == 0)
            return record->entries[i];
    fail_msg("the journal has %zu entries", record->count);
    return (struct journal_entry){ 0 };
}

static void the_journal_has_the_learners_commands_and_none_of_a_replay(void **state)
{
    struct err err = { 0 };
    struct journal_record record;
    struct learner *l = learn(two_steps);
    run(l, "mkdir /root/b");
    type(l, "bash");
    wait_for(l, SESSION_PROMPT);
    assert_int_equal(run(l, "echo inside; false"), 1);
    type(l, "exit");
    wait_for(l, SESSION_COMMAND_DONE);
    struct journal_entry entry = entry_of(l, &record, 0);
    assert_string_equal(entry.text, "mkdir /root/b");
    assert_int_equal(entry.step, 1);
    if (!session_lens_lacks(l->session, 1)) {
        size_t i = 0;
        while (entry.calls[i] && strncmp(entry.calls[i], "mkdir(\"/root/b\"", 15) != 0)
            i++;
        assert_non_null(entry.calls[i]);
    }
    journal_record_free(&record);
    entry = entry_of(l, &record, 1);
    assert_string_equal(entry.text, "bash");
    assert_true(entry.ended && !entry.nested);
    journal_record_free(&record);
    entry = entry_of(l, &record, 2);
    assert_string_equal(entry.text, "echo inside; false");
    assert_int_equal(entry.status, 1);
    journal_record_free(&record);
    assert_int_equal(session_goto(l->session, 3, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    run(l, "pwd");
    entry = entry_of(l, &record, 4); /* after `exit`, and nothing of steps 1 and 2 */
    assert_string_equal(entry.text, "pwd");
    assert_int_equal(entry.step, 3);
    journal_record_free(&record);
    leave(l);
}

static void what_was_typed_without_echo_is_in_no_journal(void **state)
{
    char path[] = "/tmp/journal.XXXXXX", text[8192] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    journal_file = path;
    struct learner *l =
        learn("---\nlens: read, write, execve\n---\n# T\n\n## One\n\n```bash\ntrue\n```\n<!-- check\nfalse\n-->\n");
    journal_file = NULL;
    type(l, "read -s -p 'Password: ' password; echo got ${#password}");
    run_for(l, 300);
    terminal_write(session_terminal(l->session, 1), "tops3cret\r", 10);
    session_flush(l->session);
    wait_for(l, SESSION_COMMAND_DONE);
    wait_for(l, SESSION_PROMPT);
    leave(l);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    unlink(path);
    assert_non_null(strstr(text, "Password: "));
    assert_non_null(strstr(text, "got 9")); /* it was read */
    assert_null(strstr(text, "tops3cret"));
    assert_null(strstr(text, "read(")); /* which bash did byte by byte, and the lens saw */
}

static void skipping_a_step_does_it(void **state)
{
    struct learner *l = learn(two_steps);
    run(l, "touch /root/mine");
    assert_null(session_next(l->session, true));
    wait_text(l, SESSION_MESSAGE, "step 1 is skipped", 20);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    assert_int_equal(session_current(l->session), 2);
    assert_int_equal(session_step_status(l->session, 1), STEP_SKIPPED);
    assert_int_equal(run(l, "ls /root/a/one"), 0);
    leave(l);
}

static void leaving_in_the_middle_of_a_replay_leaves_nothing(void **state)
{
    struct err err = { 0 };
    struct learner *l = learn(two_steps);
    assert_int_equal(session_goto(l->session, 3, &err), 0);
    wait_for(l, SESSION_REPLAY);
    assert_true(session_replaying(l->session));
    pid_t init = lab_init_pid(session_lab(l->session));
    leave(l);
    assert_int_equal(kill(init, 0), -1);
}

static void a_shell_that_ends_is_started_again(void **state)
{
    struct learner *l = learn(two_steps);
    pid_t shell = session_shell(l->session, 1);
    type(l, "exit 3");
    wait_text(l, SESSION_MESSAGE, "a new one was started", 10);
    wait_for(l, SESSION_PROMPT);
    assert_int_not_equal(session_shell(l->session, 1), shell);
    assert_int_equal(run(l, "true"), 0);
    leave(l);
}

static void without_a_check_a_command_that_ends_as_stated_passes(void **state)
{
    struct learner *l = learn("# Plain\n\nWords.\n\n## One\n\n```bash |{\"exit\":\"3\"}\n(exit 3)\n```\n\n## "
                              "Two\n\nOnly words.\n\n## Three\n\n```bash\nbash\n```\n"
                              "\n## Checked\n\n<!-- check\ntrue\n-->\n");
    run(l, "(exit 4)");
    assert_false(session_current_passed(l->session));
    run(l, "(exit 3)");
    wait_passed(l, 1);
    assert_null(session_next(l->session, false));
    assert_false(session_current_passed(l->session));
    assert_null(session_next(l->session, false)); /* words alone pass by going on */
    assert_int_equal(session_step_status(l->session, 2), STEP_PASSED);
    type(l, "bash");
    wait_passed(l, 3); /* a nested shell at its prompt is how such a command does its work */
    assert_null(session_next(l->session, false));
    wait_passed(l, 4); /* in play at once: what it asks for was there */
    leave(l);
}

static void a_question_and_a_check_are_both_needed(void **state)
{
    struct learner *l =
        learn("# Ask\n\nWords.\n\n## One\n\n```quiz\nTwo and two?\n\n( ) 3 — count again\n(x) 4 — yes\n```\n"
              "```bash\ntouch /root/x\n```\n<!-- check\ntest -e /root/x || { echo no x yet; exit 1; }\n-->\n");
    const char *reason;
    enum hint_kind kind;
    wait_for(l, SESSION_CHECK);
    assert_string_equal(session_why(l->session), "the question is not answered, and: no x yet");
    assert_string_equal(session_hint(l->session, &kind), "no x yet");
    assert_string_equal(session_hint(l->session, &kind), "touch /root/x");
    assert_int_equal(kind, HINT_COMMAND);
    run(l, "touch /root/x");
    wait_for(l, SESSION_CHECK);
    run_for(l, 300);
    assert_false(session_current_passed(l->session));
    assert_non_null(strstr(session_hint(l->session, &kind), "only the question is left")); /* no command any more */
    assert_int_equal(kind, HINT_NONE);
    assert_string_equal(session_why(l->session), "the question is not answered");
    assert_false(session_answer(l->session, (unsigned[]){ 0 }, 1, NULL, &reason));
    assert_string_equal(reason, "count again");
    assert_non_null(session_quiz(l->session));
    assert_true(session_answer(l->session, (unsigned[]){ 1 }, 1, NULL, &reason));
    assert_string_equal(reason, "yes");
    assert_null(session_quiz(l->session));
    wait_passed(l, 1);
    leave(l);
}

static void progress_is_saved_at_once_and_resumed(void **state)
{
    struct err err = { 0 };
    char dir[] = "/tmp/progress.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/progress.json", dir);
    struct progress *progress = progress_load(path, &err);
    struct learner *l = learn_from(two_steps, 0, progress);
    assert_int_equal(session_current(l->session), 1);
    run(l, "mkdir -p /root/a; touch /root/a/one");
    wait_passed(l, 1);
    assert_int_equal(access(path, F_OK), 0); /* before `next` */
    leave(l);
    progress_free(progress);
    progress = progress_load(path, &err);
    assert_string_equal(progress_last(progress), "07-test.md");
    l = learn_from(two_steps, 0, progress);
    assert_int_equal(session_current(l->session), 2);
    assert_int_equal(run(l, "ls /root/a/one"), 0);
    assert_int_equal(session_goto(l->session, 3, &err), 0);
    wait_for(l, SESSION_LAB_READY);
    wait_for(l, SESSION_STEP);
    leave(l);
    l = learn_from(two_steps, 0, progress); /* where it was left, although step 2 has not passed */
    assert_int_equal(session_current(l->session), 3);
    leave(l);
    progress_free(progress);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

static void the_state_is_the_kernels(void **state)
{
    struct learner *l = learn("# State\n\nWords.\n\n## One\n\n```bash\ntrue\n```\n"
                              "<!-- check\necho \"not $TEACHROOT_TERMINAL_1\"; exit 1\n-->\n"
                              "<!-- watch\nclosure /new /bin/bash\n-->\n");
    struct session_state now;
    wait_for(l, SESSION_CHECK);
    session_state_read(l->session, &now);
    assert_string_equal(now.command, "bash --noediting");
    assert_false(now.rooted);
    assert_int_equal(now.process, session_shell(l->session, 1));
    assert_true(now.inside > 1);
    for (int i = 0; i < NAMESPACE_KINDS; i++)
        assert_false(now.differs[i]);
    char said[32];
    snprintf(said, sizeof said, "not %d", now.inside);
    assert_string_equal(now.waits_for, said);
    assert_int_equal(now.closure_count, 1);
    assert_false(now.closures[0].there);
    assert_true(now.closures[0].needed >= 3);
    assert_int_equal(now.closures[0].present, 0);

    run(l, "mkdir -p /new/bin /new/lib64 && cp /bin/bash /new/bin && cp -L /lib64/ld-linux-*.so.* /new/lib64");
    session_state_read(l->session, &now);
    assert_true(now.closures[0].there);
    assert_int_equal(now.closures[0].present, 1);
    run(l, "for f in $(ldd /bin/bash | grep -o '/[^ ]*'); do mkdir -p /new${f%/*}; cp -L $f /new$f; done");
    session_state_read(l->session, &now);
    assert_int_equal(now.closures[0].present, now.closures[0].needed);
    assert_string_equal(now.closures[0].missing[0], "");

    type(l, "true | sleep 2"); /* the leader of the group has ended */
    run_for(l, 500);
    session_state_read(l->session, &now);
    assert_string_equal(now.command, "sleep 2");
    wait_for(l, SESSION_COMMAND_DONE);
    wait_for(l, SESSION_PROMPT);

    type(l, "unshare --uts --mount chroot /new /bin/bash");
    wait_for(l, SESSION_PROMPT);
    struct timespec began, ended;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    session_state_read(l->session, &now);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    assert_true((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 < 50);
    assert_true(now.rooted);
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        bool own = strcmp(namespace_kinds[i].name, "uts") == 0 || strcmp(namespace_kinds[i].name, "mnt") == 0;
        assert_int_equal(now.differs[i], own);
    }
    leave(l);
}

static void commands_typed_key_by_key_are_known_from_the_screen(void **state)
{
    struct learner *l = learn(two_steps);
    type(l, "bash");
    wait_for(l, SESSION_PROMPT);
    struct terminal *terminal = session_terminal(l->session, 1);
    terminal_write(terminal, "echo by  hand\r", 14);
    session_flush(l->session);
    size_t i = wait_for(l, SESSION_COMMAND_DONE);
    assert_string_equal(l->events[i].text, "echo by  hand");
    leave(l);
}

static void outputs(struct learner *l, const char *line, const char *output)
{
    run(l, line);
    assert_string_equal(session_evidence(l->session)->line, line);
    assert_string_equal(session_evidence(l->session)->output, output);
}

static void what_a_command_printed_is_known_to_its_last_character_however_much_came_before(void **state)
{
    struct learner *l = learn(two_steps);
    outputs(l, "printf 'one\\ntwo'", "one\ntwo");
    char wide[86];
    memset(wide, 'x', 79); /* the terminal is 80 wide: the blank after it is the last of its row */
    strcpy(wide + 79, " after");
    outputs(l, "printf '%079d after\\n' 0 | tr 0 x", wide);
    run(l, "seq 7000"); /* more than is kept */
    const char *last = session_evidence(l->session)->output;
    assert_true(strncmp(last, "6801\n", 5) == 0 && strcmp(last + strlen(last) - 5, "\n7000") == 0);
    outputs(l, "echo last; false", "last");
    leave(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_ticks_itself_off_however_it_was_done),
        cmocka_unit_test(hints_begin_with_what_the_check_found_and_end_with_the_solution),
        cmocka_unit_test(a_file_that_is_not_there_comes_before_what_needs_it),
        cmocka_unit_test(a_solution_goes_on_after_the_last_command_of_the_step_whatever_else_was_typed),
        cmocka_unit_test(a_change_in_the_background_is_noticed_within_a_second_and_a_half),
        cmocka_unit_test(an_idle_step_uses_under_one_percent_of_a_core),
        cmocka_unit_test(a_lab_that_dies_comes_back_at_the_same_step),
        cmocka_unit_test(going_to_a_step_is_a_fresh_lab_with_the_earlier_ones_replayed),
        cmocka_unit_test(a_jump_says_what_it_left_out),
        cmocka_unit_test(undo_leads_to_where_the_step_began_in_which_something_was_done_last),
        cmocka_unit_test(the_journal_has_the_learners_commands_and_none_of_a_replay),
        cmocka_unit_test(what_was_typed_without_echo_is_in_no_journal),
        cmocka_unit_test(skipping_a_step_does_it),
        cmocka_unit_test(leaving_in_the_middle_of_a_replay_leaves_nothing),
        cmocka_unit_test(a_shell_that_ends_is_started_again),
        cmocka_unit_test(without_a_check_a_command_that_ends_as_stated_passes),
        cmocka_unit_test(a_question_and_a_check_are_both_needed),
        cmocka_unit_test(progress_is_saved_at_once_and_resumed),
        cmocka_unit_test(the_state_is_the_kernels),
        cmocka_unit_test(commands_typed_key_by_key_are_known_from_the_screen),
        cmocka_unit_test(what_a_command_printed_is_known_to_its_last_character_however_much_came_before),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

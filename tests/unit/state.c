/* The state beside the step, in a real lab: the session's words for it against what the kernel and the lab's own tools say. */
#include "engine/base/cleanup.h"
#include "repl/session/session.h"
#include "repl/session/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define NESTED "unshare --user --pid --fork --mount --uts --ipc --net --map-root-user --mount-proc bash --norc"

static const char text[] =
    "# State\n\nWords.\n\n## One\n\n```bash\ntrue\n```\n<!-- check\ntest -e /root/one\n-->\n"
    "## Two\n\n```bash\ntrue\n```\n<!-- setup\nmkdir -p /set; mountpoint -q /set || mount -t tmpfs set /set\n-->\n"
    "<!-- watch\nmounts ids\nclosure /new /bin/bash\n-->\n<!-- check\ntest -e /root/two\n-->\n";

struct learner {
    struct loop *loop;
    struct lesson *lesson;
    struct session *session;
    unsigned prompts, ends;
};
static struct session_state now;

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct learner *learner = data;
    learner->prompts += event->kind == SESSION_PROMPT;
    learner->ends += event->kind == SESSION_COMMAND_DONE;
}

static bool until(struct learner *l, bool (*holds)(void))
{
    uint64_t end = loop_now() + 20000;
    for (;;) {
        session_state_read(l->session, &now);
        if (holds())
            return true;
        if (loop_now() > end)
            return false;
        loop_once(l->loop, 50);
    }
}

static void await_prompt(struct learner *l, unsigned before)
{
    uint64_t end = loop_now() + 20000;
    while (l->prompts == before && loop_now() < end)
        loop_once(l->loop, 100);
    if (l->prompts == before)
        fail_msg("no prompt came");
}

/* Type it and wait for a shell's next prompt, whichever. */
static void run(struct learner *l, const char *line)
{
    struct err err = { 0 };
    unsigned before = l->prompts;
    if (session_send_line(l->session, line, &err) < 0)
        fail_msg("%s", err.message);
    await_prompt(l, before);
    session_state_read(l->session, &now);
}

static int begin(void **state)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    struct learner *l = calloc(1, sizeof *l);
    l->loop = loop_new(&err);
    l->lesson = lesson_parse("/tmp/07-test.md", text, strlen(text), &mistakes, &err);
    if (!l->lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0, mistakes.list[0].what);
    struct session_options options = { .loop = l->loop,
                                       .lesson = l->lesson,
                                       .rows = 24,
                                       .cols = 80,
                                       .lab = { .offline = true, .rootless = *state != NULL },
                                       .on_event = on_event,
                                       .data = l };
    l->session = session_new(&options, &err);
    if (!l->session || session_start(l->session, 1, &err) < 0)
        fail_msg("%s", err.message);
    while (session_replaying(l->session) || l->prompts == 0)
        loop_once(l->loop, 100);
    run(l, "PS1='# '");
    *state = l;
    return 0;
}

static int end(void **state)
{
    struct learner *l = *state;
    session_free(l->session);
    loop_free(l->loop);
    lesson_free(l->lesson);
    free(l);
    *state = NULL;
    return 0;
}

static const struct observe_member *member(const char *name)
{
    for (size_t i = 0; i < now.member_count; i++)
        if (strcmp(now.members[i].name, name) == 0)
            return &now.members[i];
    return NULL;
}

static const struct state_mount *mount_at(const char *point)
{
    for (size_t i = 0; i < now.mount_count; i++)
        if (strcmp(now.mounts[i].point, point) == 0)
            return &now.mounts[i];
    return NULL;
}

static void in_the_lab_itself_nothing_differs(void **state)
{
    struct learner *l = *state;
    session_state_read(l->session, &now);
    assert_int_equal(now.numbers, 1);
    assert_int_equal(now.number[0], now.inside);
    assert_true(now.mounts_known);
    assert_int_equal(now.mounts_changed, 0);
    assert_true(now.mount_total > 5);
    assert_non_null(member("init"));
    assert_int_equal(member("init")->number[0], 1);
    assert_int_equal(member("bash --noediting")->pid, now.process);
    assert_true(now.ids_known);
    const struct lab_facts *facts = lab_facts(session_lab(l->session));
    assert_int_equal(now.uid.list[0].inside, 0);
    assert_int_equal(now.uid.list[0].lab, 0);
    assert_int_equal(now.uid.list[0].outside, facts->id_base);
    assert_true(now.link_count >= 1);
    assert_string_equal(now.links[0].name, "lo");
    assert_string_equal(now.links[0].address[0], "127.0.0.1/8");
}

/* A background process is bash's own for a moment, until it has called exec. */
static bool sleeps(void)
{
    return member("sleep 1000") != NULL;
}

static void a_container_in_the_lab_is_told_from_inside_and_outside(void **state)
{
    struct learner *l = *state;
    run(l, NESTED);
    run(l, "sleep 1000 &");
    assert_true(until(l, sleeps));
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        bool own = i != namespace_find("cgroup") && i != namespace_find("time");
        assert_int_equal(now.differs[i], own);
    }
    assert_int_equal(now.numbers, 2);
    assert_int_equal(now.number[1], 1);
    assert_int_equal(now.number[0], now.inside);
    assert_int_equal(now.uid.total, 1);
    assert_int_equal(now.uid.list[0].count, 1);
    assert_int_equal(now.uid.list[0].inside, 0);
    assert_true(now.uid.list[0].in_lab);
    assert_int_equal(now.uid.list[0].lab, 0);
    assert_int_equal(now.uid.list[0].outside, lab_facts(session_lab(l->session))->id_base);
    assert_true(now.same_ids);
    const struct observe_member *sleeper = member("sleep 1000"), *shell = member("bash --norc");
    assert_non_null(sleeper);
    assert_non_null(shell);
    assert_int_equal(sleeper->numbers, 2);
    assert_true(sleeper->number[1] > 1 && sleeper->number[1] < 20);
    assert_int_equal(sleeper->indent, shell->indent + 1);
    assert_int_equal(sleeper->ppid, shell->pid);
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        assert_true(sleeper->inode[i] == now.inode[i]);
    assert_non_null(mount_at("/proc"));
    assert_int_equal(now.link_count, 1);
    assert_false(now.links[0].up);
    run(l, "ip link set lo up");
    assert_true(now.links[0].up);

    run(l, NESTED); /* a container in the container */
    assert_int_equal(now.numbers, 3);
    assert_int_equal(now.number[2], 1);
    assert_int_equal(now.number[0], now.inside);
    assert_int_equal(now.uid.list[0].lab, 0);
    run(l, "exit");
    assert_int_equal(now.numbers, 2);
    run(l, "kill %1; exit");
    assert_int_equal(now.numbers, 1);
    assert_int_equal(now.mounts_changed, 0);
}

static void a_pid_namespace_for_children_only_is_told_as_such(void **state)
{
    struct learner *l = *state;
    session_state_read(l->session, &now);
    assert_false(now.children_apart);
    run(l, "unshare --pid bash --norc"); /* without --fork */
    assert_true(now.children_apart);
    assert_false(now.differs[namespace_find("pid")]);
    assert_int_equal(now.numbers, 1);
    run(l, "exit");
    assert_false(now.children_apart);
    run(l, NESTED);
    assert_false(now.children_apart);
}

static bool is_set_up(void)
{
    return now.watched[STATE_MOUNTS] && now.mounts_known && now.mounts_changed == 0;
}

static void what_was_mounted_moved_changed_and_unmounted_since_the_step_began_is_told(void **state)
{
    struct learner *l = *state;
    run(l, "mkdir -p /a /b; mount -t tmpfs here /a; mkdir /a/sub; mount --bind /a/sub /b");
    assert_int_equal(now.mounts_changed, 2);
    assert_int_equal(mount_at("/a")->change, MOUNT_ADDED);
    assert_string_equal(mount_at("/a")->type, "tmpfs");
    assert_string_equal(mount_at("/a")->from, "here");
    assert_false(mount_at("/a")->bind);
    run(l, "chroot /a /bin/true; touch /root/one");
    for (int i = 0; i < 100 && !session_current_passed(l->session); i++)
        loop_once(l->loop, 100);
    assert_null(session_next(l->session, false));
    assert_true(until(l, is_set_up));
    assert_int_equal(now.mounts_changed, 0); /* the setup's own is not the learner's doing */
    run(l, "mkdir /c; mount --move /a /c; mount -o remount,bind,ro /b; umount /set");
    assert_int_equal(now.mounts_changed, 3);
    assert_int_equal(mount_at("/c")->change, MOUNT_MOVED);
    assert_string_equal(mount_at("/c")->was, "/a");
    assert_int_equal(mount_at("/b")->change, MOUNT_CHANGED);
    assert_non_null(strstr(mount_at("/b")->now, "ro"));
    assert_int_equal(mount_at("/set")->change, MOUNT_REMOVED);
    assert_true(now.watched[STATE_MOUNTS] && now.watched[STATE_IDS] && now.watched[STATE_CLOSURE]);
    assert_false(now.watched[STATE_LINKS]);
    assert_int_equal(now.closure_count, 1);
}

static void in_a_chroot_only_mounts_below_it_count(void **state)
{
    struct learner *l = *state;
    run(l, "mkdir -p /jail/proc /jail/mnt; for d in bin lib lib64 usr; do mkdir -p /jail/$d; mount --rbind /$d "
           "/jail/$d; done");
    size_t before = now.mounts_changed;
    assert_true(before >= 4);
    run(l, "chroot /jail /bin/bash --norc");
    assert_true(now.rooted);
    assert_string_equal(now.root, "/jail");
    assert_true(now.mounts_changed >= 4); /* as the jailed process sees them */
    assert_non_null(mount_at("/usr"));
    run(l, "mount -t proc proc /proc");
    assert_int_equal(mount_at("/proc")->change, MOUNT_ADDED);
    assert_string_equal(mount_at("/proc")->type, "proc");
}

static void an_idle_lab_is_not_read_again_and_a_change_is_noticed(void **state)
{
    struct learner *l = *state;
    struct err err;
    run(l, "true");
    unsigned stale = 0;
    for (int i = 0; i < 20; i++) {
        loop_once(l->loop, 100);
        if (session_state_stale(l->session)) {
            session_state_read(l->session, &now);
            stale++;
        }
    }
    assert_true(stale < 10); /* the check runs now and then */
    assert_int_equal(session_send_line(l->session, "sleep 2; mount -t tmpfs x /mnt; sleep 5", &err), 0);
    uint64_t end_at = loop_now() + 30000;
    while (!mount_at("/mnt") && loop_now() < end_at) {
        loop_once(l->loop, 20);
        if (session_state_stale(l->session))
            session_state_read(l->session, &now);
    }
    assert_non_null(mount_at("/mnt"));
}

static void while_keys_come_it_is_not_read_but_for_now_and_then(void **state)
{
    struct learner *l = *state;
    run(l, "(while sleep 0.02; do :; done) & sleep 0.5");
    uint64_t from = loop_now();
    session_typed(l->session, true);
    while (!session_state_stale(l->session) && loop_now() - from < 5000) {
        session_typed(l->session, true);
        loop_once(l->loop, 20);
    }
    uint64_t held = loop_now() - from;
    session_state_read(l->session, &now);
    session_typed(l->session, true);
    loop_once(l->loop, 20);
    assert_false(session_state_stale(l->session));
    session_typed(l->session, false); /* what it does is wanted to be seen */
    for (from = loop_now(); !session_state_stale(l->session) && loop_now() - from < 1000;)
        loop_once(l->loop, 20);
    assert_true(session_state_stale(l->session));
    run(l, "kill %1");
    if (held < 1000 || held > 4000)
        fail_msg("read after %u ms", (unsigned)held);
}

static void reading_it_costs_little(void **state)
{
    struct learner *l = *state;
    run(l, NESTED);
    run(l, "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done");
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < 50; i++)
        session_state_read(l->session, &now);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double took = ((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6) / 50;
    print_message("# %.2f ms of CPU a reading, %zu processes in the lab\n", took, now.member_total);
    assert_true(now.member_total >= 13);
    assert_true(took < 50);
    run(l, "kill $(jobs -p); exit");
}

static void processes_that_come_and_go_do_not_disturb(void **state)
{
    struct learner *l = *state;
    struct err err;
    assert_int_equal(
        session_send_line(l->session, "for i in {1..100}; do (/bin/true | /bin/true &); done; sleep 1", &err), 0);
    unsigned before = l->ends;
    uint64_t end_at = loop_now() + 120000;
    while (l->ends == before && loop_now() < end_at) {
        session_state_read(l->session, &now);
        assert_true(now.member_count <= now.member_total && now.member_count <= STATE_MEMBERS);
        assert_non_null(member("init"));
        for (size_t i = 0; i < now.member_count; i++)
            assert_true(now.members[i].numbers > 0);
        loop_once(l->loop, 1);
    }
    assert_int_equal(l->ends, before + 1);
}

static void a_rootless_lab_is_read_as_well(void **state)
{
    struct learner *l = *state;
    run(l, NESTED);
    assert_int_equal(now.numbers, 2);
    assert_true(now.differs[namespace_find("user")]);
    assert_true(now.ids_known && now.mounts_known);
    assert_true(now.link_count >= 1);
}

static int begin_rootless(void **state)
{
    static int yes;
    *state = &yes;
    return begin(state);
}

int main(void)
{
#define IN_A_LAB(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        IN_A_LAB(in_the_lab_itself_nothing_differs),
        IN_A_LAB(a_container_in_the_lab_is_told_from_inside_and_outside),
        IN_A_LAB(a_pid_namespace_for_children_only_is_told_as_such),
        IN_A_LAB(what_was_mounted_moved_changed_and_unmounted_since_the_step_began_is_told),
        IN_A_LAB(in_a_chroot_only_mounts_below_it_count),
        IN_A_LAB(an_idle_lab_is_not_read_again_and_a_change_is_noticed),
        IN_A_LAB(while_keys_come_it_is_not_read_but_for_now_and_then),
        IN_A_LAB(reading_it_costs_little),
        IN_A_LAB(processes_that_come_and_go_do_not_disturb),
        cmocka_unit_test_setup_teardown(a_rootless_lab_is_read_as_well, begin_rootless, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

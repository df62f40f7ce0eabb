/* Control groups: the v1 and the v2 back end against the kernel, and the names of one version in the other. Makes groups only below teachroot/. */
#include "engine/base/cleanup.h"
#include "engine/limit/events.h"
#include "engine/limit/group.h"
#include "engine/limit/translate.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define TIMEOUT 20000

static struct cgroups all;
static char base[64]; /* this test's own group */
static struct err err;

static const struct cgroup_hierarchy *find(bool v2, const char *controller)
{
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].v2 == v2 && (!controller || cgroup_has_controller(&all.list[i], controller)))
            return &all.list[i];
    return NULL;
}

/* The group NAME of this test, made, in the hierarchy; it is enough to leave it to the teardown. */
static struct cgroup make(const struct cgroup_hierarchy *hierarchy, const char *name, const char *controller)
{
    struct cgroup group = CGROUP_CLOSED;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", base, name);
    if (cgroup_create(hierarchy, path, &controller, controller && hierarchy->v2 ? 1 : 0, &err) < 0 ||
        cgroup_open(&group, hierarchy, path, &err) < 0)
        fail_msg("%s", err.message);
    return group;
}

static pid_t start_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
    if (geteuid() != 0 || cgroups_read(&all, NULL) < 0)
        all.count = 0;
    snprintf(base, sizeof base, "teachroot/limit-test-%d", getpid());
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < all.count; i++) {
        char parent[512];
        cgroup_clear(&all.list[i], base, NULL);
        snprintf(parent, sizeof parent, "%s/teachroot", all.list[i].mount);
        rmdir(parent);
    }
    return 0;
}

static void need(const struct cgroup_hierarchy *hierarchy)
{
    if (!hierarchy)
        skip();
}

static void a_process_is_moved_and_listed(bool v2)
{
    const struct cgroup_hierarchy *hierarchy = v2 ? find(true, NULL) : find(false, "pids");
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "move", NULL);
    pid_t child = start_child(), list[4];
    assert_int_equal(cgroup_members(&group, false, list, 4, &err), 0);
    assert_int_equal(cgroup_move(&group, child, &err), 0);
    assert_int_equal(cgroup_members(&group, false, list, 4, &err), 1);
    assert_int_equal(list[0], child);
    assert_int_equal(cgroup_members(&group, true, list, 4, &err), 1);
    assert_int_equal(cgroup_remove(hierarchy, group.path, false, false, &err), -1);
    assert_int_equal(err.code, EBUSY);
    assert_int_equal(cgroup_remove(hierarchy, group.path, false, true, &err), 0);
    end_child(child);
}
static void v1_moves_a_process(void **state)
{
    a_process_is_moved_and_listed(false);
}
static void v2_moves_a_process(void **state)
{
    a_process_is_moved_and_listed(true);
}

static void freezes_thaws_and_kills(bool v2)
{
    const struct cgroup_hierarchy *hierarchy = v2 ? find(true, NULL) : find(false, "freezer");
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "freeze", NULL);
    pid_t child = start_child();
    assert_int_equal(cgroup_move(&group, child, &err), 0);
    assert_int_equal(cgroup_frozen(&group, &err), 0);
    assert_int_equal(cgroup_freeze(&group, true, TIMEOUT, &err), 0);
    assert_int_equal(cgroup_frozen(&group, &err), 1);
    assert_int_equal(cgroup_freeze(&group, false, TIMEOUT, &err), 0);
    assert_int_equal(cgroup_frozen(&group, &err), 0);
    assert_int_equal(cgroup_freeze(&group, true, TIMEOUT, &err), 0);
    assert_int_equal(cgroup_kill_all(&group, TIMEOUT, &err), 0); /* a frozen process too */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
static void v1_freezes_and_kills(void **state)
{
    freezes_thaws_and_kills(false);
}
static void v2_freezes_and_kills(void **state)
{
    freezes_thaws_and_kills(true);
}

static void wait_for(struct cgroup_watch *watch, uint64_t wanted)
{
    for (int tries = 0; tries < 100; tries++) {
        struct pollfd event = { .fd = watch->fd, .events = POLLIN };
        uint64_t value;
        assert_true(poll(&event, 1, TIMEOUT) == 1);
        assert_true(cgroup_watch_read(watch, &value, &err) >= 0);
        if (value >= wanted && (wanted > 0 || value == 0))
            return;
    }
    fail_msg("the event did not come");
}

static void tells_of_members(bool v2)
{
    const struct cgroup_hierarchy *hierarchy = v2 ? find(true, NULL) : find(false, "pids");
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "populated", NULL);
    struct cgroup_watch watch;
    assert_int_equal(cgroup_watch(&watch, &group, CGROUP_POPULATED, &err), 0);
    assert_int_equal(watch.value, 0);
    pid_t child = start_child();
    assert_int_equal(cgroup_move(&group, child, &err), 0);
    wait_for(&watch, 1);
    end_child(child);
    wait_for(&watch, 0);
    cgroup_unwatch(&watch);
}
static void v1_tells_of_members(void **state)
{
    tells_of_members(false);
}
static void v2_tells_of_members(void **state)
{
    tells_of_members(true);
}

static void out_of_memory_is_told(void **state)
{
    const struct cgroup_hierarchy *hierarchy = cgroups_find(&all, "memory", &err);
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "oom", "memory");
    struct cgroup_watch watch;
    struct cgroup_done done;
    uint64_t kills;
    assert_int_equal(cgroup_set_named(&group, "memory.limit_in_bytes", "8M", &done, &err), 0);
    cgroup_set_named(&group, "memory.memsw.limit_in_bytes", "8M", &done, &err);
    assert_int_equal(cgroup_watch(&watch, &group, CGROUP_OOM, &err), 0);
    pid_t child = fork();
    if (child == 0) {
        if (cgroup_move(&group, getpid(), NULL) < 0)
            _exit(1);
        char *hog = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(hog, 1, 64 << 20);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    wait_for(&watch, 1);
    assert_int_equal(cgroup_oom_kills(&group, &kills, &err), 0);
    assert_true(kills >= 1);
    cgroup_unwatch(&watch);
}

static void throttling_is_counted(void **state)
{
    const struct cgroup_hierarchy *hierarchy = cgroups_find(&all, "cpu", &err);
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "cpu", "cpu");
    struct cgroup_watch watch;
    struct cgroup_done done;
    uint64_t times, usec;
    assert_int_equal(cgroup_set_named(&group, "cpu.cfs_quota_us", "2000", &done, &err), 0);
    assert_int_equal(cgroup_watch(&watch, &group, CGROUP_THROTTLED, &err), 0);
    pid_t child = fork();
    if (child == 0)
        for (volatile int spin = 0;; spin = !spin) {
        }
    assert_int_equal(cgroup_move(&group, child, &err), 0);
    wait_for(&watch, 1);
    assert_int_equal(cgroup_throttled(&group, &times, &usec, &err), 0);
    assert_true(times >= 1);
    end_child(child);
    cgroup_unwatch(&watch);
}

static void v2_explains_processes_and_children(void **state)
{
    const struct cgroup_hierarchy *hierarchy = find(true, NULL);
    need(hierarchy);
    /* Not cpu or pids: those a group may hand on beside its own processes, for the sake of threads. */
    const char *controller = cgroup_has_controller(hierarchy, "memory")    ? "memory"
                             : cgroup_has_controller(hierarchy, "hugetlb") ? "hugetlb"
                                                                           : NULL;
    if (!controller)
        skip();
    cleanup_cgroup struct cgroup group = make(hierarchy, "inner", controller);
    char below[1100];
    pid_t child = start_child();
    assert_int_equal(cgroup_move(&group, child, &err), 0);
    snprintf(below, sizeof below, "%s/child", group.path);
    assert_int_equal(cgroup_create(hierarchy, below, &controller, 1, &err), -1);
    assert_int_equal(err.code, EBUSY);
    assert_non_null(strstr(err.message, "not both"));
    assert_int_equal(cgroup_vacate(&group, "leaf", &err), 0);
    assert_int_equal(cgroup_create(hierarchy, below, &controller, 1, &err), 1);
    assert_int_equal(cgroup_move(&group, child, &err), -1); /* it hands on now, and takes none */
    assert_int_equal(err.code, EBUSY);
    assert_non_null(strstr(err.message, "hands controllers on"));
    end_child(child);
}

static void a_delegated_group_keeps_its_limits(void **state)
{
    const struct cgroup_hierarchy *hierarchy = cgroups_find(&all, "pids", &err);
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "delegated", "pids");
    assert_int_equal(cgroup_delegate(&group, 65534, 65534, &err), 0);
    pid_t child = fork();
    if (child == 0) {
        if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
            _exit(9);
        char below[1100];
        snprintf(below, sizeof below, "%s/mine", group.path);
        _exit(cgroup_create(hierarchy, below, NULL, 0, NULL) != 1 ? 1
              : cgroup_set(&group, "pids.max", "5", NULL) == 0    ? 2
                                                                  : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void conversions_are_the_kernels(void **state)
{
    assert_int_equal(cgroup_weight_of_shares(1024), 100);
    assert_int_equal(cgroup_weight_of_shares(2), 1);
    assert_int_equal(cgroup_weight_of_shares(262144), 10000);
    assert_int_equal(cgroup_shares_of_weight(100), 1024);
    assert_int_equal(cgroup_shares_of_weight(1), 10);
    assert_int_equal(cgroup_weight_of_shares(cgroup_shares_of_weight(77)), 77);
    uint64_t bytes;
    assert_int_equal(cgroup_bytes("80M", &bytes, NULL), 0);
    assert_int_equal(bytes, 83886080);
    assert_int_equal(cgroup_bytes("-1\n", &bytes, NULL), 0);
    assert_true(bytes == UINT64_MAX);
    assert_int_equal(cgroup_bytes("80MB", &bytes, NULL), -1);
    assert_int_equal(cgroup_bytes("word", &bytes, NULL), -1);
}

/* Write by one version's name, read by the other's. */
static void a_foreign_name_is_translated(void **state)
{
    static const struct {
        const char *controller, *v1, *given, *v2, *there, *back;
    } rows[] = {
        { "memory", "memory.limit_in_bytes", "80M", "memory.max", "83886080\n", "83886080\n" },
        { "cpu", "cpu.shares", "512", "cpu.weight", "50\n", "512\n" },
        { "cpu", "cpu.cfs_quota_us", "5000", "cpu.max", "5000 100000\n", "5000\n" },
        { "cpu", "cpu.cfs_period_us", "50000", "cpu.max", "5000 50000\n", "50000\n" },
        { "freezer", "freezer.state", "FROZEN", "cgroup.freeze", "1\n", "FROZEN\n" },
        { "pids", "pids.max", "7", "pids.max", "7\n", "7\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cgroup_hierarchy *hierarchy = cgroups_find(&all, rows[i].controller, &err);
        need(hierarchy);
        const char *enable = cgroup_v2_controller(rows[i].controller);
        cleanup_cgroup struct cgroup group = make(hierarchy, "names", enable);
        struct cgroup_done done;
        char value[256];
        if (cgroup_set_named(&group, rows[i].v1, rows[i].given, &done, &err) < 0)
            fail_msg("%s", err.message);
        assert_true(hierarchy->v2 == (done.text[0] != '\0') || strcmp(rows[i].v1, rows[i].v2) == 0);
        assert_true(cgroup_get_named(&group, rows[i].v2, value, sizeof value, &done, &err) > 0);
        assert_string_equal(value, rows[i].there);
        assert_true(cgroup_get_named(&group, rows[i].v1, value, sizeof value, &done, &err) > 0);
        assert_string_equal(value, rows[i].back);
        if (strcmp(rows[i].controller, "freezer") == 0)
            assert_int_equal(cgroup_freeze(&group, false, TIMEOUT, &err), 0);
    }
}

static void what_has_no_like_is_said(void **state)
{
    const struct cgroup_hierarchy *hierarchy = cgroups_find(&all, "memory", &err);
    need(hierarchy);
    cleanup_cgroup struct cgroup group = make(hierarchy, "gone", "memory");
    struct cgroup_done done;
    assert_int_equal(cgroup_set_named(&group, hierarchy->v2 ? "memory.swappiness" : "memory.high", "10", &done, &err),
                     -1);
    assert_int_equal(err.code, ENOTSUP);
    assert_int_equal(cgroup_set_named(&group, "memory.nosuch", "10", &done, &err), -1);
    assert_int_equal(err.code, ENOENT);
    for (size_t i = 0; i < cgroup_name_count; i++) {
        assert_true(cgroup_names[i].v1 || cgroup_names[i].v2);
        assert_true(cgroup_names[i].conversion || cgroup_names[i].why);
        assert_true(!cgroup_names[i].conversion || (cgroup_names[i].v1 && cgroup_names[i].v2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_moves_a_process),
        cmocka_unit_test(v2_moves_a_process),
        cmocka_unit_test(v1_freezes_and_kills),
        cmocka_unit_test(v2_freezes_and_kills),
        cmocka_unit_test(v1_tells_of_members),
        cmocka_unit_test(v2_tells_of_members),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(throttling_is_counted),
        cmocka_unit_test(v2_explains_processes_and_children),
        cmocka_unit_test(a_delegated_group_keeps_its_limits),
        cmocka_unit_test(conversions_are_the_kernels),
        cmocka_unit_test(a_foreign_name_is_translated),
        cmocka_unit_test(what_has_no_like_is_said),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}

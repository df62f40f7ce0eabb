/* What the engine reads of a process is compared with what that process says of itself: each test clones real processes into namespaces. */
#include "engine/observe/observe.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A child that says it is ready and then sleeps until it is killed. */
struct child {
    pid_t pid;
    int ready; /* the child's end is written one byte */
};

static void wait_ready(const struct child *child)
{
    char byte;
    assert_int_equal(read(child->ready, &byte, 1), 1);
}

static struct child start(uint64_t flags, void (*become)(int ready))
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = sys_fork(flags, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        become(ends[1]);
        _exit(1);
    }
    close(ends[1]);
    struct child child = { pid, ends[0] };
    wait_ready(&child);
    return child;
}

static void stop(struct child *child)
{
    kill(child->pid, SIGKILL);
    assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
    close(child->ready);
}

static void say_and_sleep(int ready)
{
    if (write(ready, "r", 1) == 1)
        for (;;)
            pause();
}

static void a_process_in_new_namespaces_differs_in_exactly_those(void **state)
{
    const size_t end = NAMESPACE_KINDS - 1; /* a new time namespace is for the next child only: its own test is below */
    for (size_t k = 0; k < end; k++) {
        struct child child = start((uint64_t)namespace_kinds[k].flag, say_and_sleep);
        uint64_t mine[NAMESPACE_KINDS], its[NAMESPACE_KINDS];
        assert_int_equal(observe_namespaces(getpid(), mine, NULL), 0);
        assert_int_equal(observe_namespaces(child.pid, its, NULL), 0);
        for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
            assert_true(mine[i] != 0);
            if ((i == k) != (mine[i] != its[i]))
                fail_msg("new %s: %s is %s", namespace_kinds[k].name, namespace_kinds[i].name,
                         mine[i] == its[i] ? "the same" : "another");
        }
        stop(&child);
    }
}

static void in_a_new_time_namespace(int ready)
{
    if (unshare(CLONE_NEWUSER | 0x80) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        say_and_sleep(ready);
    }
    waitpid(pid, NULL, 0);
}

static pid_t only_child_of(pid_t parent)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    assert_true(read_file_at(AT_FDCWD, path, text, sizeof text, NULL) > 0);
    return (pid_t)strtol(text, NULL, 10);
}

static void a_new_time_namespace_is_seen(void **state)
{
    struct child child = start(0, in_a_new_time_namespace);
    uint64_t mine[NAMESPACE_KINDS], its[NAMESPACE_KINDS];
    assert_int_equal(observe_namespaces(getpid(), mine, NULL), 0);
    assert_int_equal(observe_namespaces(only_child_of(child.pid), its, NULL), 0);
    assert_true(its[7] != 0 && its[7] != mine[7]);
    stop(&child);
}

static void namespace_inodes_are_those_the_links_name(void **state)
{
    uint64_t inodes[NAMESPACE_KINDS];
    assert_int_equal(observe_namespaces(getpid(), inodes, NULL), 0);
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char path[64], link[64], expected[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", namespace_kinds[i].name);
        ssize_t n = readlink(path, link, sizeof link - 1);
        assert_true(n > 0);
        link[n] = '\0';
        snprintf(expected, sizeof expected, "%s:[%llu]", namespace_kinds[i].name, (unsigned long long)inodes[i]);
        assert_string_equal(link, expected);
    }
}

static void a_reaped_process_is_gone_for_every_question(void **state)
{
    struct child child = start(0, say_and_sleep);
    pid_t pid = child.pid;
    stop(&child);
    uint64_t inodes[NAMESPACE_KINDS];
    struct observe_root root;
    struct id_range range;
    size_t uids, gids;
    struct capability_sets sets;
    struct observe_process process;
    char path[64];
    struct err err = { 0 };
    assert_int_equal(observe_namespaces(pid, inodes, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_root(pid, &root, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_id_maps(pid, &range, &uids, &range, &gids, 1, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_capabilities(pid, &sets, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_process(pid, &process, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_cgroup(pid, "", path, sizeof path, &err), -1);
    assert_int_equal(err.code, ESRCH);
    err_clear(&err);
    assert_int_equal(observe_processes_below(pid, &pid, 1, &err), -1);
    assert_int_equal(err.code, ESRCH);
}

static void a_zombie_is_read_as_one(void **state)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    struct observe_process process;
    uint64_t inodes[NAMESPACE_KINDS];
    assert_int_equal(observe_process(pid, &process, NULL), 0);
    assert_int_equal(process.state, 'Z');
    assert_string_equal(process.command, "[observe]");
    assert_int_equal(observe_namespaces(pid, inodes, NULL), 0);
    assert_int_equal(inodes[0], 0); /* it has given its mount namespace up */
    waitpid(pid, NULL, 0);
}

static void chroot_into_temp(int ready)
{
    if (chdir("/sys") == 0 && chroot("kernel") == 0)
        say_and_sleep(ready);
}

static void the_root_of_a_chrooted_process_is_found_by_path_and_inode(void **state)
{
    struct child child = start(0, chroot_into_temp);
    struct observe_root root;
    struct stat st;
    assert_int_equal(stat("/sys/kernel", &st), 0);
    assert_int_equal(observe_root(child.pid, &root, NULL), 0);
    assert_string_equal(root.path, "/sys/kernel");
    assert_int_equal(root.dev, st.st_dev);
    assert_int_equal(root.ino, st.st_ino);
    stop(&child);
    assert_int_equal(observe_root(getpid(), &root, NULL), 0);
    assert_string_equal(root.path, "/");
}

static void id_maps_are_read_back_as_written(void **state)
{
    struct child child = start(CLONE_NEWUSER, say_and_sleep);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/uid_map", child.pid);
    assert_int_equal(write_file_at(AT_FDCWD, path, "0 100000 1000\n1000 0 1\n5000 4000000000 70000\n", NULL), 0);
    /* The most ranges the kernel takes: as it shows them, they are longer than a page. */
    cleanup_free char *text = malloc(340 * 40);
    size_t len = 0;
    for (unsigned i = 0; i < 340; i++)
        len += (size_t)sprintf(text + len, "%u %u 1\n", 2 * i, 3 * i);
    snprintf(path, sizeof path, "/proc/%d/gid_map", child.pid);
    assert_int_equal(write_file_at(AT_FDCWD, path, text, NULL), 0);

    static struct id_range uid[340], gid[340];
    size_t uids, gids;
    assert_int_equal(observe_id_maps(child.pid, uid, &uids, gid, &gids, 340, NULL), 0);
    assert_int_equal(uids, 3);
    assert_int_equal(uid[0].outside, 100000);
    assert_int_equal(uid[1].inside, 1000);
    assert_int_equal(uid[2].outside, 4000000000U);
    assert_int_equal(uid[2].count, 70000);
    assert_int_equal(gids, 340);
    for (unsigned i = 0; i < 340; i++) {
        assert_int_equal(gid[i].inside, 2 * i);
        assert_int_equal(gid[i].outside, 3 * i);
        assert_int_equal(gid[i].count, 1);
    }
    /* Too little room stores what fits and says how many there are. */
    memset(gid, 0, sizeof gid);
    assert_int_equal(observe_id_maps(child.pid, uid, &uids, gid, &gids, 2, NULL), 0);
    assert_int_equal(gids, 340);
    assert_int_equal(gid[2].count, 0);
    stop(&child);
}

static void in_a_user_namespace_without_chown(int ready)
{
    prctl(PR_CAPBSET_DROP, 0 /* CAP_CHOWN */);
    say_and_sleep(ready);
}

static void capability_sets_are_those_the_kernel_holds(void **state)
{
    struct child child = start(CLONE_NEWUSER, in_a_user_namespace_without_chown);
    struct capability_sets sets;
    assert_int_equal(observe_capabilities(child.pid, &sets, NULL), 0);
    assert_true(sets.effective & 1);
    assert_true(sets.effective & (1ULL << 21)); /* CAP_SYS_ADMIN */
    assert_int_equal(sets.bounding & 1, 0);
    assert_true(sets.bounding & 2);
    assert_int_equal(sets.ambient, 0);
    stop(&child);
    struct capability_sets own;
    assert_int_equal(observe_capabilities(getpid(), &own, NULL), 0);
    for (unsigned cap = 0; cap < 41; cap++)
        assert_int_equal((own.bounding >> cap) & 1, prctl(PR_CAPBSET_READ, cap));
}

static void with_a_name_of_its_own(int ready)
{
    setsid();
    prctl(PR_SET_NAME, "odd (name) 7");
    say_and_sleep(ready);
}

static void a_process_is_described_as_it_is(void **state)
{
    struct child child = start(CLONE_NEWPID, with_a_name_of_its_own);
    struct observe_process process;
    assert_int_equal(observe_process(child.pid, &process, NULL), 0);
    assert_int_equal(process.pid, child.pid);
    assert_int_equal(process.ppid, getpid());
    assert_int_equal(process.pgrp, child.pid);
    assert_int_equal(process.session, child.pid);
    assert_int_equal(process.uid, geteuid());
    assert_true(process.state == 'S' || process.state == 'R');
    assert_string_equal(process.comm, "odd (name) 7");
    assert_int_equal(process.depth, 2);
    assert_int_equal(process.nspid[0], child.pid);
    assert_int_equal(process.nspid[1], 1);
    stop(&child);
}

static pid_t run_sleep_named(const char *name)
{
    int failed[2];
    assert_int_equal(pipe2(failed, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("sleep", name, "100", NULL);
        (void)!write(failed[1], "x", 1);
        _exit(127);
    }
    close(failed[1]);
    char byte;
    assert_int_equal(read(failed[0], &byte, 1), 0); /* closed by exec */
    close(failed[0]);
    return pid;
}

static void a_command_line_is_one_line_a_terminal_can_show(void **state)
{
    /* More than is kept, of characters of two bytes each: the cut must not split one, whichever byte it falls on. */
    for (int shift = 0; shift < 2; shift++) {
        char name[400] = "x\033[31m\n";
        name[strlen(name) - (shift ? 1 : 0)] = '\0';
        for (size_t i = strlen(name); i + 2 < sizeof name; i += 2)
            memcpy(name + i, "é", 3);
        pid_t pid = run_sleep_named(name);
        struct observe_process process;
        assert_int_equal(observe_process(pid, &process, NULL), 0);
        assert_string_equal(process.comm, "sleep");
        size_t len = strlen(process.command);
        assert_int_equal(len, shift ? 254 : 255);
        assert_null(strpbrk(process.command, "\033\n"));
        assert_memory_equal(process.command, "x [31m", 6);
        assert_memory_equal(process.command + len - 2, "é", 2);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    pid_t pid = run_sleep_named("sleep");
    struct observe_process process;
    assert_int_equal(observe_process(pid, &process, NULL), 0);
    assert_string_equal(process.command, "sleep 100");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void the_cgroup_is_where_the_process_was_put(void **state)
{
    char path[4096], text[16384], expected[4096] = "";
    assert_true(read_file_at(AT_FDCWD, "/proc/self/cgroup", text, sizeof text, NULL) > 0);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        sscanf(line, "%*d:memory:%4095s", expected);
    struct err err;
    int result = observe_cgroup(getpid(), "memory", path, sizeof path, &err);
    if (*expected) {
        assert_int_equal(result, 0);
        assert_string_equal(path, expected);
        assert_int_equal(observe_cgroup(getpid(), "memory", path, strlen(expected), &err), -1);
        assert_int_equal(err.code, ENAMETOOLONG);
    } else {
        assert_int_equal(result, -1);
        assert_int_equal(err.code, ENOENT);
    }
    if (strstr(text, "0::/"))
        assert_int_equal(observe_cgroup(getpid(), "", path, sizeof path, NULL), 0);
    assert_int_equal(observe_cgroup(getpid(), "mem", path, sizeof path, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

/* An init, a plain child of it, a namespace nested in that one, and one below that. */
static void nest(int ready)
{
    pid_t pid = fork(); /* a plain second process */
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    pid = sys_fork(CLONE_NEWPID, NULL); /* a namespace below ours */
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pid = sys_fork(CLONE_NEWPID, NULL); /* and one below that */
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            say_and_sleep(ready);
        }
        for (;;)
            pause();
    }
    for (;;)
        pause();
}

static bool holds(const pid_t *pids, ssize_t count, pid_t pid)
{
    for (ssize_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* The process tree below @init, itself included. */
static size_t count_descendants(pid_t init)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", init, init);
    assert_true(read_file_at(AT_FDCWD, path, text, sizeof text, NULL) >= 0);
    size_t count = 1;
    char *rest = text;
    for (const char *word; (word = strsep(&rest, " "));)
        if (*word)
            count += count_descendants((pid_t)strtol(word, NULL, 10));
    return count;
}

static void enter_the_namespace_of(pid_t init, int ready)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", init);
    cleanup_close int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (setns(ns, CLONE_NEWPID) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        say_and_sleep(ready);
    }
    waitpid(pid, NULL, 0);
}

static pid_t entered;
static void enter(int ready)
{
    enter_the_namespace_of(entered, ready);
}

static void processes_below_are_those_of_nested_namespaces_and_those_that_entered(void **state)
{
    struct child family = start(CLONE_NEWPID, nest);
    struct child stranger = start(CLONE_NEWPID, nest);
    entered = family.pid;
    struct child outside = start(0, enter);
    pid_t inside = only_child_of(outside.pid);

    pid_t pids[64];
    ssize_t count = observe_processes_below(family.pid, pids, 64, NULL);
    assert_int_equal(count_descendants(family.pid), 4);
    assert_int_equal(count, 5);
    assert_true(holds(pids, count, family.pid));
    assert_true(holds(pids, count, inside));
    assert_false(holds(pids, count, outside.pid));
    assert_false(holds(pids, count, getpid()));
    assert_false(holds(pids, count, stranger.pid));
    for (ssize_t i = 0; i < count; i++) {
        struct observe_process process;
        assert_int_equal(observe_process(pids[i], &process, NULL), 0);
        assert_true(process.depth >= 2 && process.depth <= 4);
    }
    /* Too little room is not an error. */
    assert_int_equal(observe_processes_below(family.pid, pids, 2, NULL), 2);
    /* Of our own namespace, everything that we may look at. */
    pid_t *all = malloc(65536 * sizeof *all);
    count = observe_processes_below(getpid(), all, 65536, NULL);
    assert_true(holds(all, count, getpid()) && holds(all, count, inside) && holds(all, count, stranger.pid));
    free(all);
    stop(&outside);
    stop(&stranger);
    stop(&family);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_in_new_namespaces_differs_in_exactly_those),
        cmocka_unit_test(a_new_time_namespace_is_seen),
        cmocka_unit_test(namespace_inodes_are_those_the_links_name),
        cmocka_unit_test(a_reaped_process_is_gone_for_every_question),
        cmocka_unit_test(a_zombie_is_read_as_one),
        cmocka_unit_test(the_root_of_a_chrooted_process_is_found_by_path_and_inode),
        cmocka_unit_test(id_maps_are_read_back_as_written),
        cmocka_unit_test(capability_sets_are_those_the_kernel_holds),
        cmocka_unit_test(a_process_is_described_as_it_is),
        cmocka_unit_test(a_command_line_is_one_line_a_terminal_can_show),
        cmocka_unit_test(the_cgroup_is_where_the_process_was_put),
        cmocka_unit_test(processes_below_are_those_of_nested_namespaces_and_those_that_entered),
    };
    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}

/* The walk over all processes is compared with what /proc says of each, and with what the kernel answers for namespaces made here. */
#include "engine/observe/system.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/observe/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A process in new namespaces, or in those of @inner below those of @outer, which has no process then; it sleeps until it is killed. */
struct sleeper {
    pid_t pid;
};

static struct sleeper start(uint64_t outer, int inner)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = sys_fork(outer, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Who has no id in a user namespace may not make one in it. */
        if (inner) {
            write_file_at(AT_FDCWD, "/proc/self/uid_map", "0 0 1", NULL);
            write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny", NULL);
            write_file_at(AT_FDCWD, "/proc/self/gid_map", "0 0 1", NULL);
        }
        char said = inner && unshare(inner) < 0 ? 'n' : 'y';
        write(ends[1], &said, 1);
        for (;;)
            pause();
    }
    close(ends[1]);
    char said = 0;
    assert_int_equal(read(ends[0], &said, 1), 1);
    assert_int_equal(said, 'y');
    close(ends[0]);
    return (struct sleeper){ pid };
}

static void stop(struct sleeper *sleeper)
{
    kill(sleeper->pid, SIGKILL);
    assert_int_equal(waitpid(sleeper->pid, NULL, 0), sleeper->pid);
}

static unsigned kind_of(const char *name)
{
    return (unsigned)namespace_find(name);
}

static uint64_t own(const char *kind)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void every_process_is_in_the_namespaces_that_proc_says(void **state)
{
    struct sleeper one = start(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID, 0), two = start(0, 0);
    struct system_view view;
    struct err err = { 0 };
    assert_int_equal(system_read(SYSTEM_ALL_KINDS, false, &view, &err), 0);
    const pid_t pids[] = { one.pid, two.pid, getpid() };
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        uint64_t inodes[NAMESPACE_KINDS];
        struct observe_process process;
        size_t at = system_process(&view, pids[i]);
        assert_true(at != SYSTEM_NONE);
        assert_int_equal(observe_namespaces(pids[i], inodes, &err), 0);
        assert_memory_equal(view.processes[at].inode, inodes, sizeof inodes);
        assert_int_equal(observe_process(pids[i], &process, &err), 0);
        assert_int_equal(view.processes[at].ppid, process.ppid);
        assert_int_equal(view.processes[at].uid, process.uid);
    }
    assert_int_equal(system_process(&view, 0), SYSTEM_NONE);
    system_free(&view);
    stop(&one);
    stop(&two);
}

static void a_namespace_counts_its_processes_and_knows_the_lowest(void **state)
{
    struct sleeper one = start(CLONE_NEWUSER | CLONE_NEWPID, 0);
    struct system_view view;
    struct err err = { 0 };
    assert_int_equal(system_read(SYSTEM_ALL_KINDS, true, &view, &err), 0);
    for (size_t i = 0; i < view.namespace_count; i++) {
        const struct system_namespace *ns = &view.namespaces[i];
        size_t count = 0, first = SYSTEM_NONE;
        for (size_t p = view.process_count; p-- > 0;)
            if (view.processes[p].inode[ns->kind] == ns->inode) {
                count++;
                first = p;
            }
        assert_int_equal(ns->processes, count);
        assert_int_equal(ns->first, first);
        assert_true(i == 0 || view.namespaces[i - 1].inode < ns->inode);
        assert_int_equal(system_namespace(&view, ns->inode), i);
    }
    size_t process = system_process(&view, one.pid);
    assert_true(process != SYSTEM_NONE);
    size_t user = system_namespace(&view, view.processes[process].inode[kind_of("user")]);
    size_t pid = system_namespace(&view, view.processes[process].inode[kind_of("pid")]);
    assert_true(user != SYSTEM_NONE && pid != SYSTEM_NONE);
    assert_int_equal(view.namespaces[user].processes, 1);
    assert_int_equal(view.namespaces[user].related[SYSTEM_PARENT], own("user"));
    assert_int_equal(view.namespaces[pid].related[SYSTEM_PARENT], own("pid"));
    assert_int_equal(view.namespaces[pid].related[SYSTEM_OWNER], view.namespaces[user].inode);
    cleanup_close int fd = system_namespace_open(&view, pid, &err);
    struct stat st;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_ino, view.namespaces[pid].inode);
    system_free(&view);
    stop(&one);
}

static void a_namespace_nobody_is_in_is_found_between_two(void **state)
{
    /* The outer user namespace has lost its only process to the inner one. */
    struct sleeper one = start(CLONE_NEWUSER, CLONE_NEWUSER);
    struct system_view view;
    struct err err = { 0 };
    assert_int_equal(system_read(1U << kind_of("user"), true, &view, &err), 0);
    size_t process = system_process(&view, one.pid);
    uint64_t inner = view.processes[process].inode[kind_of("user")];
    uint64_t outer = view.namespaces[system_namespace(&view, inner)].related[SYSTEM_PARENT];
    assert_true(outer != 0);
    assert_int_equal(system_namespace(&view, outer), SYSTEM_NONE);
    size_t before = view.namespace_count;
    assert_int_equal(system_complete(&view, SYSTEM_OWNER, &err), 0);
    assert_true(view.namespace_count > before);
    size_t found = system_namespace(&view, outer);
    assert_true(found != SYSTEM_NONE);
    assert_int_equal(view.namespaces[found].processes, 0);
    assert_int_equal(view.namespaces[found].first, SYSTEM_NONE);
    assert_int_equal(view.namespaces[found].related[SYSTEM_PARENT], own("user"));
    assert_int_equal(view.namespaces[found].owner_uid, geteuid());
    assert_int_equal(system_namespace_open(&view, found, &err), -1);
    assert_int_equal(err.code, ESRCH);
    system_free(&view);
    stop(&one);
}

static void only_the_kinds_asked_for_are_read(void **state)
{
    struct system_view view;
    struct err err = { 0 };
    assert_int_equal(system_read(1U << kind_of("uts"), false, &view, &err), 0);
    assert_true(view.namespace_count > 0);
    for (size_t i = 0; i < view.namespace_count; i++)
        assert_int_equal(view.namespaces[i].kind, kind_of("uts"));
    assert_true(system_namespace(&view, own("uts")) != SYSTEM_NONE);
    assert_true(system_namespace(&view, own("mnt")) == SYSTEM_NONE);
    system_free(&view);
    assert_int_equal(view.process_count, 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_process_is_in_the_namespaces_that_proc_says),
        cmocka_unit_test(a_namespace_counts_its_processes_and_knows_the_lowest),
        cmocka_unit_test(a_namespace_nobody_is_in_is_found_between_two),
        cmocka_unit_test(only_the_kinds_asked_for_are_read),
    };
    return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}

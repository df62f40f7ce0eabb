/* Who there is in a container, by which numbers, and which links its network namespace has: against containers the test makes, one in another. */
#include "engine/observe/links.h"
#include "engine/observe/members.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#define MANY 40

static void need(bool done)
{
    if (!done)
        _exit(1);
}

static void sleep_for_good(const char *name)
{
    prctl(PR_SET_NAME, name);
    for (;;)
        pause();
}

/* Born with @flags; the parent goes on. */
static void child(uint64_t flags, const char *name, void (*then)(void))
{
    pid_t pid = sys_fork(flags, NULL);
    need(pid >= 0);
    if (pid)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (then)
        then();
    sleep_for_good(name);
}

static void have_two(void)
{
    child(0, "leaf", NULL);
    child(CLONE_NEWUTS, "other-uts", NULL);
}

static void have_inner(void)
{
    child(0, "plain", NULL);
    child(CLONE_NEWPID | CLONE_NEWNET, "inner", have_two);
}

static void have_many(void)
{
    for (int i = 0; i < MANY; i++)
        child(0, "one-of-many", NULL);
}

static void have_links(void)
{
    need(system("ip link set lo up && ip link add br0 type bridge && ip link add v0 type veth peer name v1 && ip link "
                "set v0 master br0 && "
                "ip addr add 10.99.0.1/24 dev br0 && ip addr add fd00::1/64 dev br0 nodad && ip link set br0 up") == 0);
}

/* A container whose init runs @then and sleeps; its pid as we see it. */
static pid_t container(uint64_t flags, void (*then)(void))
{
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = sys_fork(flags, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        then();
        need(write(ends[1], "r", 1) == 1);
        close(ends[1]);
        sleep_for_good("outer");
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        fail_msg("the container could not be made");
    close(ends[0]);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct observe_member list[64];

static const struct observe_member *member(size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        char path[64], comm[64] = "";
        snprintf(path, sizeof path, "/proc/%d/comm", list[i].pid);
        FILE *file = fopen(path, "r");
        if (file && fgets(comm, sizeof comm, file))
            comm[strcspn(comm, "\n")] = '\0';
        if (file)
            fclose(file);
        if (strcmp(comm, name) == 0)
            return &list[i];
    }
    return NULL;
}

/* The grandchildren are made by children that we do not wait for. */
static ssize_t read_when(pid_t init, size_t wanted, size_t *total)
{
    ssize_t count = 0;
    for (int tries = 0; tries < 500; tries++) {
        count = observe_members(init, list, sizeof list / sizeof *list, total, NULL);
        if (*total == wanted && (wanted > 10 || member((size_t)count, "leaf")))
            break;
        usleep(20000);
    }
    assert_int_equal(*total, wanted);
    return count;
}

static void await_names(void)
{
    for (int tries = 0; tries < 1000; tries++) {
        if (member(5, "inner") && member(5, "plain") && member(5, "other-uts") && member(5, "leaf"))
            return;
        usleep(10000);
    }
    fail_msg("the processes of the container have not come up");
}

static void each_has_its_number_in_every_pid_namespace(void **state)
{
    size_t total;
    pid_t init = container(CLONE_NEWPID, have_inner);
    ssize_t count = read_when(init, 5, &total);
    assert_int_equal(count, 5);
    assert_int_equal(list[0].pid, init);
    assert_int_equal(list[0].indent, 0);
    assert_int_equal(list[0].numbers, 1);
    assert_int_equal(list[0].number[0], 1);
    await_names();
    const struct observe_member *plain = member(5, "plain"), *inner = member(5, "inner"), *leaf = member(5, "leaf");
    assert_int_equal(plain->numbers, 1);
    assert_int_equal(plain->number[0], 2);
    assert_int_equal(plain->indent, 1);
    assert_int_equal(inner->numbers, 2);
    assert_int_equal(inner->number[0], 3);
    assert_int_equal(inner->number[1], 1);
    assert_int_equal(leaf->number[1], 2);
    assert_int_equal(leaf->indent, 2);
    assert_int_equal(leaf->ppid, inner->pid);
    assert_true(leaf > inner);
    stop(init);
}

static void who_shares_which_namespace_is_seen(void **state)
{
    size_t total, net = namespace_find("net"), uts = namespace_find("uts"), pid = namespace_find("pid");
    pid_t init = container(CLONE_NEWPID, have_inner);
    read_when(init, 5, &total);
    await_names();
    const struct observe_member *plain = member(5, "plain"), *inner = member(5, "inner"), *leaf = member(5, "leaf"),
                                *other = member(5, "other-uts");
    assert_true(inner->inode[net] == leaf->inode[net] && inner->inode[net] != plain->inode[net]);
    assert_true(inner->inode[pid] == other->inode[pid] && inner->inode[pid] != plain->inode[pid]);
    assert_true(other->inode[uts] != inner->inode[uts] && inner->inode[uts] == plain->inode[uts]);
    stop(init);
}

static void of_too_many_the_first_and_the_last_are_kept(void **state)
{
    size_t total;
    pid_t init = container(CLONE_NEWPID, have_many);
    read_when(init, MANY + 1, &total);
    struct observe_member few[10];
    assert_int_equal(observe_members(init, few, 10, &total, NULL), 10);
    assert_int_equal(total, MANY + 1);
    assert_int_equal(few[0].number[0], 1);
    assert_int_equal(few[4].number[0], 5);
    assert_int_equal(few[5].number[0], MANY - 3);
    assert_int_equal(few[9].number[0], MANY + 1);
    stop(init);
    struct err err = { 0 };
    assert_int_equal(observe_members(init, few, 10, &total, &err), -1);
    assert_int_equal(err.code, ESRCH);
}

static void among_very_many_processes_those_of_the_container_are_found(void **state)
{
    enum { CROWD = 400 };
    static pid_t crowd[CROWD];
    size_t total;
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = fork();
        assert_true(crowd[i] >= 0);
        if (crowd[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            sleep_for_good("crowd");
        }
    }
    pid_t init = container(CLONE_NEWPID, have_inner);
    ssize_t count = read_when(init, 5, &total);
    assert_int_equal(count, 5);
    await_names();
    assert_int_equal(list[0].pid, init);
    assert_int_equal(member(5, "leaf")->numbers, 2);
    assert_null(member(5, "crowd"));
    stop(init);
    for (int i = 0; i < CROWD; i++)
        stop(crowd[i]);
}

static const struct observe_link *link_named(const struct observe_link *links, ssize_t count, const char *name)
{
    for (ssize_t i = 0; i < count; i++)
        if (strcmp(links[i].name, name) == 0)
            return &links[i];
    fail_msg("no link %s", name);
    return NULL;
}

static void links_are_those_of_the_process_s_own_namespace(void **state)
{
    struct observe_link links[16];
    bool partly;
    pid_t pid = container(CLONE_NEWNET, have_links);
    ssize_t count = observe_links(pid, links, 16, &partly, NULL);
    assert_int_equal(count, 4);
    assert_false(partly);
    const struct observe_link *lo = link_named(links, count, "lo"), *br0 = link_named(links, count, "br0");
    assert_true(lo->up);
    assert_string_equal(lo->kind, "loopback");
    assert_string_equal(lo->address[0], "127.0.0.1/8");
    assert_true(br0->up);
    assert_string_equal(br0->kind, "bridge");
    assert_string_equal(br0->address[0], "10.99.0.1/24");
    assert_string_equal(br0->address[1], "fd00::1/64");
    assert_string_equal(br0->address[2], "");
    const struct observe_link *v0 = link_named(links, count, "v0");
    assert_string_equal(v0->kind, "veth");
    assert_string_equal(v0->master, "br0");
    assert_false(v0->up);
    assert_false(v0->peer_elsewhere);
    char command[96];
    snprintf(command, sizeof command, "nsenter --net=/proc/%d/ns/net ip link del v1", pid);
    assert_int_equal(system(command), 0);
    assert_int_equal(observe_links(pid, links, 16, &partly, NULL), 2);
    assert_int_equal(observe_links(pid, links, 1, &partly, NULL), 1);
    stop(pid);
    struct err err = { 0 };
    assert_int_equal(observe_links(pid, links, 16, &partly, &err), -1);
    assert_int_equal(err.code, ESRCH);
}

/* As uid 1000 with a user namespace of its own: one may not enter its network namespace, but a child that enters the user namespace first may. */
static void an_ordinary_user_sees_the_links_of_a_namespace_of_its_own(void **state)
{
    pid_t user = fork();
    if (user == 0) {
        struct observe_link links[4];
        bool partly = true;
        need(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
        prctl(PR_SET_DUMPABLE, 1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int ends[2];
        char byte;
        need(pipe2(ends, O_CLOEXEC) == 0);
        pid_t pid = sys_fork(CLONE_NEWUSER | CLONE_NEWNET, NULL);
        if (pid < 0)
            _exit(77);
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            need(write(ends[1], "r", 1) == 1);
            sleep_for_good("netns");
        }
        need(read(ends[0], &byte, 1) == 1);
        ssize_t count = observe_links(pid, links, 4, &partly, NULL);
        _exit(count >= 1 && !partly && strcmp(links[0].name, "lo") == 0 && !links[0].up ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(user, &status, 0), user);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("# ordinary users may not make user namespaces here\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* Of a process that is not its own it can read the names alone, and says so. */
static void what_may_not_be_read_is_said_to_be_partial(void **state)
{
    pid_t pid = container(CLONE_NEWNET, have_links), user = fork();
    if (user == 0) {
        struct observe_link links[8];
        bool partly = false;
        need(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
        ssize_t count = observe_links(pid, links, 8, &partly, NULL);
        _exit(count == 4 && partly && !links[0].up && !links[0].kind[0] ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(user, &status, 0), user);
    assert_int_equal(status, 0);
    stop(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_number_in_every_pid_namespace),
        cmocka_unit_test(who_shares_which_namespace_is_seen),
        cmocka_unit_test(of_too_many_the_first_and_the_last_are_kept),
        cmocka_unit_test(among_very_many_processes_those_of_the_container_are_found),
        cmocka_unit_test(links_are_those_of_the_process_s_own_namespace),
        cmocka_unit_test(an_ordinary_user_sees_the_links_of_a_namespace_of_its_own),
        cmocka_unit_test(what_may_not_be_read_is_said_to_be_partial),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mount tables and what makes two differ: read of real mount namespaces that the test makes and changes. */
#include "engine/observe/mounts.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A process in a mount namespace of its own that does what it is told: each order is a number, answered by a byte. */
struct worker {
    pid_t pid;
    int orders, answers;
};

static char directory[64]; /* where everything is mounted */

static void need(bool done)
{
    if (!done)
        _exit(1);
}

static void mount_at(const char *source, const char *name, const char *type, unsigned long flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    mkdir(path, 0755);
    need(mount(source, path, type, flags, NULL) == 0);
}

static const char *in_directory(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void order_one(int order)
{
    char source[128];
    switch (order) {
    case 1:
        mount_at("one", "a", "tmpfs", 0);
        need(mkdir(in_directory("a/sub"), 0755) == 0);
        mount_at("under", "a/sub", "tmpfs", 0);
        break;
    case 2:
        snprintf(source, sizeof source, "%s", in_directory("a/sub"));
        mount_at(source, "b c", NULL, MS_BIND); /* its name is escaped in the table */
        break;
    case 3:
        need(mkdir(in_directory("moved"), 0755) == 0);
        snprintf(source, sizeof source, "%s", in_directory("moved"));
        need(mount(in_directory("a"), source, NULL, MS_MOVE, NULL) == 0);
        break;
    case 4:
        need(mount(NULL, in_directory("b c"), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
        break;
    case 5:
        need(umount2(in_directory("moved"), MNT_DETACH) == 0);
        break;
    case 6:
        need(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
        break;
    case 7:
        need(unshare(CLONE_NEWNS) == 0);
        break;
    case 8:
        need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        break;
    case 9: /* a mount is the new root, the old one on it */
        snprintf(source, sizeof source, "%s", in_directory("root"));
        mount_at(directory, "root", NULL, MS_BIND);
        need(mkdir(in_directory("root/old"), 0755) == 0 && chdir(source) == 0 && sys_pivot_root(".", "old") == 0);
        break;
    case 10:
        need(chroot(in_directory("a")) == 0);
        break;
    case 11:
        need(mount("new", "/sub", "tmpfs", 0, NULL) == 0);
        break;
    default:
        need(false);
    }
}

static struct worker start(void)
{
    int orders[2], answers[2];
    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    pid_t pid = sys_fork(CLONE_NEWNS, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        unsigned char order;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(orders[1]);
        need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        need(mount("scratch", directory, "tmpfs", 0, NULL) == 0);
        need(write(answers[1], "r", 1) == 1);
        while (read(orders[0], &order, 1) == 1) {
            order_one(order);
            need(write(answers[1], "r", 1) == 1);
        }
        _exit(0);
    }
    close(orders[0]);
    close(answers[1]);
    struct worker worker = { pid, orders[1], answers[0] };
    char byte;
    assert_int_equal(read(worker.answers, &byte, 1), 1);
    return worker;
}

static void tell(const struct worker *worker, unsigned char order)
{
    char byte;
    assert_int_equal(write(worker->orders, &order, 1), 1);
    if (read(worker->answers, &byte, 1) != 1)
        fail_msg("order %d failed", order);
}

static void stop(struct worker *worker)
{
    close(worker->orders);
    close(worker->answers);
    assert_int_equal(waitpid(worker->pid, NULL, 0), worker->pid);
}

static struct observe_mounts table_of(pid_t pid)
{
    struct observe_mounts table;
    struct err err = { 0 };
    if (observe_mounts(pid, &table, &err) < 0)
        fail_msg("%s", err.message);
    return table;
}

#define MAX 16
static struct mount_difference list[MAX];
static struct observe_mounts before, after;

/* What became of the table of @worker since @before; the result is in list. */
static ssize_t compare(const struct worker *worker, const char *root)
{
    observe_mounts_free(&after);
    after = table_of(worker->pid);
    return observe_mounts_compare(&before, &after, root, list, MAX);
}

static void keep(const struct worker *worker)
{
    observe_mounts_free(&before);
    before = table_of(worker->pid);
}

static void forget(void)
{
    observe_mounts_free(&before);
    observe_mounts_free(&after);
}

static void nothing_changed_is_no_difference(void **state)
{
    struct worker worker = start();
    keep(&worker);
    assert_true(before.count > 1);
    assert_int_equal(compare(&worker, "/"), 0);
    tell(&worker, 7); /* a copied namespace has other ids for the same mounts */
    assert_int_equal(compare(&worker, "/"), 0);
    assert_true(after.list[0].id != before.list[0].id);
    stop(&worker);
    forget();
}

static void mounts_that_come_are_told_with_what_they_show(void **state)
{
    struct worker worker = start();
    keep(&worker);
    tell(&worker, 1);
    assert_int_equal(compare(&worker, "/"), 2);
    assert_int_equal(list[0].change, MOUNT_ADDED);
    assert_string_equal(list[0].after->point, in_directory("a"));
    assert_string_equal(list[0].after->source, "one");
    assert_string_equal(list[0].after->type, "tmpfs");
    assert_false(list[0].known);
    assert_string_equal(list[1].after->point, in_directory("a/sub"));
    keep(&worker);
    tell(&worker, 2);
    assert_int_equal(compare(&worker, "/"), 1);
    assert_string_equal(list[0].after->point, in_directory("b c"));
    assert_true(list[0].known);
    stop(&worker);
    forget();
}

static void a_moved_tree_is_told_once(void **state)
{
    struct worker worker = start();
    tell(&worker, 1);
    tell(&worker, 2);
    keep(&worker);
    tell(&worker, 3);
    assert_int_equal(compare(&worker, "/"), 1);
    assert_int_equal(list[0].change, MOUNT_MOVED);
    assert_string_equal(list[0].before->point, in_directory("a"));
    assert_string_equal(list[0].after->point, in_directory("moved"));
    assert_int_equal(list[0].below, 1);
    keep(&worker);
    tell(&worker, 5);
    assert_int_equal(compare(&worker, "/"), 1);
    assert_int_equal(list[0].change, MOUNT_REMOVED);
    assert_string_equal(list[0].before->point, in_directory("moved"));
    assert_int_equal(list[0].below, 1);
    stop(&worker);
    forget();
}

static void changed_options_and_propagation_are_told(void **state)
{
    struct worker worker = start();
    tell(&worker, 1);
    tell(&worker, 2);
    keep(&worker);
    tell(&worker, 4);
    assert_int_equal(compare(&worker, "/"), 1);
    assert_int_equal(list[0].change, MOUNT_CHANGED);
    assert_int_equal(strncmp(list[0].before->options, "rw", 2), 0);
    assert_int_equal(strncmp(list[0].after->options, "ro", 2), 0);
    keep(&worker);
    tell(&worker, 6);
    ssize_t count = compare(&worker, "/");
    assert_int_equal(count, 1); /* the root, and all the others on it */
    assert_int_equal(list[0].change, MOUNT_CHANGED);
    assert_string_equal(list[0].after->point, "/");
    assert_string_equal(observe_propagation(list[0].before), "private");
    assert_string_equal(observe_propagation(list[0].after), "shared");
    assert_int_equal(list[0].below, after.count - 1);
    keep(&worker);
    tell(&worker, 8);
    assert_int_equal(compare(&worker, "/"), 1);
    assert_string_equal(observe_propagation(list[0].after), "private");
    stop(&worker);
    forget();
}

static void after_pivot_root_the_old_root_has_moved_with_all_on_it(void **state)
{
    for (int copied = 0; copied < 2; copied++) {
        struct worker worker = start();
        keep(&worker);
        if (copied)
            tell(&worker, 7);
        tell(&worker, 9);
        assert_int_equal(compare(&worker, "/"), 2);
        assert_int_equal(list[0].change, MOUNT_ADDED);
        assert_string_equal(list[0].after->point, "/");
        assert_int_equal(list[1].change, MOUNT_MOVED);
        assert_string_equal(list[1].before->point, "/");
        assert_string_equal(list[1].after->point, "/old");
        assert_int_equal(list[1].below, before.count - 1);
        stop(&worker);
    }
    forget();
}

static void below_a_changed_root_paths_are_the_process_s_own(void **state)
{
    struct worker worker = start();
    tell(&worker, 1);
    keep(&worker);
    tell(&worker, 10);
    char root[128];
    snprintf(root, sizeof root, "%s", in_directory("a"));
    assert_int_equal(compare(&worker, root), 0);
    assert_int_equal(after.count, 2);
    assert_string_equal(after.list[0].point, "/");
    tell(&worker, 11);
    assert_int_equal(compare(&worker, root), 1);
    assert_string_equal(list[0].after->point, "/sub");
    assert_string_equal(list[0].after->source, "new");
    stop(&worker);
    forget();
}

static void an_overlay_in_anothers_number_has_not_moved(void **state)
{
    static const char *const texts[] = {
        "40 30 0:50 / /one rw - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c\n",
        "40 30 0:50 / /two rw - overlay overlay rw,lowerdir=/a,upperdir=/d,workdir=/e\n",
        "41 30 0:50 / /three rw - overlay overlay ro,lowerdir=/a,upperdir=/d,workdir=/e\n",
    };
    struct observe_mounts table[3];
    struct mount_difference found[4];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(observe_mounts_parse(strdup(texts[i]), &table[i], NULL), 0);
    assert_int_equal(observe_mounts_compare(&table[0], &table[1], "/", found, 4), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(found[i].change == MOUNT_ADDED || found[i].change == MOUNT_REMOVED);
    assert_int_equal(observe_mounts_compare(&table[1], &table[2], "/", found, 4), 1);
    assert_int_equal(found[0].change, MOUNT_MOVED);
    for (size_t i = 0; i < 3; i++)
        observe_mounts_free(&table[i]);
}

static void lines_that_are_not_mounts_are_left_out(void **state)
{
    static const char text[] =
        "nonsense\n"
        "36 35 98:0 /a\\134b /point\\040x\\011y rw,noatime shared:7 master:1 - ext3 /dev/r\\012t rw\n"
        "37 36 98:0 / /no-separator rw\n"
        "38 36 0:5 / / rw - proc none\n"
        "39 36 0:5\n\n"
        "40 x";
    struct observe_mounts table;
    assert_int_equal(observe_mounts_parse(strdup(text), &table, NULL), 0);
    assert_int_equal(table.count, 2);
    assert_string_equal(table.list[0].root, "/a\\b");
    assert_string_equal(table.list[0].point, "/point x\ty");
    assert_string_equal(table.list[0].source, "/dev/r\nt");
    assert_string_equal(table.list[0].propagation, "shared:7 master:1");
    assert_string_equal(observe_propagation(&table.list[0]), "shared");
    assert_true(table.list[0].device == ((uint64_t)98 << 32));
    assert_string_equal(table.list[1].type, "proc");
    assert_string_equal(table.list[1].source, "none");
    observe_mounts_free(&table);
    observe_mounts_free(&table);
}

static void one_that_has_ended_is_gone(void **state)
{
    struct observe_mounts table;
    struct err err = { 0 };
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(observe_mounts(pid, &table, &err), -1); /* a zombie */
    assert_int_equal(err.code, ESRCH);
    assert_int_equal(table.count, 0);
    waitpid(pid, NULL, 0);
    assert_int_equal(observe_mounts(pid, &table, &err), -1);
    assert_int_equal(err.code, ESRCH);
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/observe-mounts-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changed_is_no_difference),
        cmocka_unit_test(mounts_that_come_are_told_with_what_they_show),
        cmocka_unit_test(a_moved_tree_is_told_once),
        cmocka_unit_test(changed_options_and_propagation_are_told),
        cmocka_unit_test(after_pivot_root_the_old_root_has_moved_with_all_on_it),
        cmocka_unit_test(below_a_changed_root_paths_are_the_process_s_own),
        cmocka_unit_test(an_overlay_in_anothers_number_has_not_moved),
        cmocka_unit_test(lines_that_are_not_mounts_are_left_out),
        cmocka_unit_test(one_that_has_ended_is_gone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* A lab against the kernel: what it isolates, what it limits, what it hides, and that nothing outlives it. Run as root it tests the whole root and the
 * assembled one; as an ordinary user the rootless lab. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/lab/lab.h"
#include "engine/limit/hierarchy.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

static bool rootless; /* which way the group under test goes */

static struct lab *new_lab(const struct lab_options *base)
{
    struct err err = { 0 };
    struct lab_options options = base ? *base : (struct lab_options){ 0 };
    options.rootless = rootless;
    struct lab *lab = lab_create(&options, &err);
    if (!lab)
        fail_msg("lab_create: %s", err.message);
    return lab;
}

/* Run a bash line in the lab; returns its exit status, its output (both streams) in @output. */
static int run(struct lab *lab, const char *line, char *output, size_t size)
{
    int out[2];
    struct err err = { 0 };
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const char *const argv[] = { "bash", "-c", line, NULL };
    struct lab_command command = { .argv = argv, .stdio = { -1, out[1], out[1] } };
    pid_t pid = lab_spawn(lab, &command, NULL, &err);
    close(out[1]);
    if (pid < 0)
        fail_msg("lab_spawn: %s", err.message);
    size_t len = 0;
    char drop[4096];
    for (;;) {
        bool full = !output || len + 1 >= size;
        ssize_t n = full ? read(out[0], drop, sizeof drop) : read(out[0], output + len, size - len - 1);
        if (n <= 0)
            break;
        if (!full)
            len += (size_t)n;
    }
    if (output)
        output[len] = '\0';
    close(out[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect(struct lab *lab, const char *line, const char *wanted)
{
    char output[8192];
    int status = run(lab, line, output, sizeof output);
    if (status != 0 || strcmp(output, wanted) != 0)
        fail_msg("`%s`: status %d, printed «%s», expected «%s»", line, status, output, wanted);
}

static void every_namespace_is_the_labs_own(void **state)
{
    static const char *const kinds[] = { "mnt", "pid", "uts", "ipc", "user", "cgroup", "net" };
    struct lab_options options = { .offline = true };
    struct lab *lab = new_lab(&options);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64], ours[64] = "", inside[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        assert_true(readlink(path, ours, sizeof ours - 1) > 0);
        snprintf(path, sizeof path, "readlink -n /proc/self/ns/%s", kinds[i]);
        run(lab, path, inside, sizeof inside);
        assert_true(strncmp(inside, kinds[i], strlen(kinds[i])) == 0);
        assert_string_not_equal(ours, inside);
    }
    lab_destroy(lab);
}

static void root_in_the_lab_is_nobody_outside(void **state)
{
    struct lab *lab = new_lab(NULL);
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/stat", lab_init_pid(lab));
    assert_int_equal(stat(path, &st), 0);
    assert_int_not_equal(st.st_uid, 0);
    char wanted[128];
    snprintf(wanted, sizeof wanted, "0\n%s\ninit\n", lab_name(lab));
    expect(lab, "id -u; hostname; cat /proc/1/comm", wanted);
    lab_destroy(lab);
}

static void what_the_lab_writes_stays_in_it(void **state)
{
    struct lab *lab = new_lab(NULL);
    struct stat st;
    char name[64], line[256];
    snprintf(name, sizeof name, "/etc/teachroot-test-%d", getpid());
    snprintf(line, sizeof line, "echo mine > %s && cat %s && mkdir /my-root && rm /etc/hostname; ls -d /my-root", name,
             name);
    expect(lab, line, "mine\n/my-root\n");
    assert_int_equal(stat(name, &st), -1);
    assert_int_equal(stat("/my-root", &st), -1);
    assert_int_equal(stat("/etc/hostname", &st), 0);
    lab_destroy(lab);
}

static void host_secrets_read_as_empty(void **state)
{
    struct lab *lab = new_lab(NULL);
    char output[1024];
    run(lab, "cat /etc/shadow 2>/dev/null; ls -A /home /var/log; ls -A /root | grep -v bashrc", output, sizeof output);
    if (strcmp(output, "/home:\n\n/var/log:\n") != 0)
        fail_msg("seen in the lab: «%s»", output);
    lab_destroy(lab);
}

static void environment_and_fds_are_not_inherited(void **state)
{
    char path[] = "/tmp/teachroot-leak-XXXXXX";
    setenv("TEACHROOT_TEST_SECRET", "1", 1);
    int leak = mkstemp(path); /* on purpose without O_CLOEXEC */
    assert_true(leak >= 0);
    unlink(path);
    struct lab *lab = new_lab(NULL);
    expect(lab, "env | grep -c SECRET; true", "0\n");
    expect(lab, "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "); /* 3 is the directory that ls reads */
    expect(lab, "echo $container $HOME $PWD", "lxc /root /root\n");
    lab_destroy(lab);
    close(leak);
    unsetenv("TEACHROOT_TEST_SECRET");
}

static void limits_hold_and_are_not_the_labs_to_raise(void **state)
{
    struct lab_options options = { .memory_bytes = 256 << 20, .pids = 64 };
    struct lab *lab = new_lab(&options);
    const struct lab_facts *facts = lab_facts(lab);
    assert_int_equal(facts->pids, 64);
    /* A bounded crowd rather than a bomb: what counts is that it cannot be had. */
    const char *const sleeper[] = { "sleep", "1000", NULL };
    struct lab_command command = { .argv = sleeper, .stdio = { -1, -1, -1 } };
    pid_t crowd[200];
    size_t count = 0;
    struct err err = { 0 };
    while (count < 200 && (crowd[count] = lab_spawn(lab, &command, NULL, &err)) > 0)
        count++;
    assert_in_range(count, 32, 64);
    assert_int_equal(err.code, EAGAIN);
    while (count > 0) {
        kill(crowd[--count], SIGKILL);
        waitpid(crowd[count], NULL, 0);
    }
    if (facts->memory_bytes) {
        assert_int_equal(facts->memory_bytes, 256 << 20);
        assert_int_not_equal(run(lab, "head -c 400M /dev/zero | tail > /dev/null", NULL, 0), 0);
        assert_int_not_equal(run(lab,
                                 "d=/sys/fs/cgroup/memory; [ -d $d ] || d=/sys/fs/cgroup; f=$d/memory.limit_in_bytes; "
                                 "[ -e $f ] || f=$d/memory.max;"
                                 "echo 99999999999 > $f",
                                 NULL, 0),
                             0);
        assert_int_equal(run(lab, "true", NULL, 0), 0);
    }
    lab_destroy(lab);
}

static void a_full_disk_is_the_labs_own_trouble(void **state)
{
    struct lab_options options = { .disk_bytes = 64 << 20 };
    struct lab *lab = new_lab(&options);
    char output[1024];
    if (lab_facts(lab)->disk_bytes == 0) { /* a directory of the user's: doctor says that it has no limit of its own */
        assert_true(lab_facts(lab)->rootless);
        lab_destroy(lab);
        return;
    }
    run(lab, "dd if=/dev/zero of=/big bs=1M 2>&1", output, sizeof output);
    assert_non_null(strstr(output, "No space left on device"));
    struct statvfs var;
    assert_int_equal(statvfs("/var/tmp", &var), 0);
    assert_true(var.f_bavail > 0);
    assert_int_equal(run(lab, "rm /big && echo again > /small && cat /small", output, sizeof output), 0);
    lab_destroy(lab);
}

static void the_next_lab_is_whole_after_the_worst(void **state)
{
    struct stat before, after;
    assert_int_equal(stat("/etc/passwd", &before), 0);
    struct lab *lab = new_lab(NULL);
    struct err err = { 0 };
    run(lab, "mount -t tmpfs none /etc; kill -9 -1; rm -rf --no-preserve-root / 2>/dev/null", NULL, 0);
    const char *const gone[] = { "/bin/bash", NULL };
    struct lab_command command = { .argv = gone, .stdio = { -1, -1, -1 } };
    assert_int_equal(lab_spawn(lab, &command, NULL, &err), -1);
    assert_int_equal(err.code, ENOENT);
    lab_destroy(lab);
    assert_int_equal(stat("/etc/passwd", &after), 0);
    assert_int_equal(before.st_mtime, after.st_mtime);
    lab = new_lab(NULL);
    expect(lab, "head -c 5 /etc/passwd; ls -d /usr /tmp /proc/1 | wc -l", "root:3\n");
    lab_destroy(lab);
}

static void what_lessons_do_works_in_it(void **state)
{
    struct lab *lab = new_lab(NULL);
    char output[4096];
    static const char *const lines[] = {
        "unshare --mount --uts --ipc --net --pid --fork --user --map-root-user sh -c 'mount -t proc none /proc && "
        "hostname inner && ps ax | wc -l'",
        "mkdir -p /opt/o/l /opt/o/u /opt/o/w /opt/o/m && echo low > /opt/o/l/f &&"
        "{ mount -t overlay o -o lowerdir=/opt/o/l,upperdir=/opt/o/u,workdir=/opt/o/w /opt/o/m || "
        "mount -t overlay o -o lowerdir=/opt/o/l,upperdir=/opt/o/u,workdir=/opt/o/w,userxattr /opt/o/m; } && rm "
        "/opt/o/m/f && ! [ -e /opt/o/m/f ]",
        "mkdir /opt/bound && mount --bind /opt /opt/bound && umount /opt/bound",
        "chroot / /bin/true",
        "mount -t tmpfs none /mnt && touch /mnt/x && umount /mnt",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (run(lab, lines[i], output, sizeof output) != 0)
            fail_msg("`%s` printed «%s»", lines[i], output);
    lab_destroy(lab);
}

static void a_pty_belongs_to_the_labs_root(void **state)
{
    struct lab *lab = new_lab(NULL);
    struct err err = { 0 };
    int master, slave;
    assert_int_equal(lab_open_pty(lab, 24, 80, &master, &slave, &err), 0);
    const char *const argv[] = { "bash", "-c", "tty; stat -c %U $(tty); stty size; echo ok > /dev/tty", NULL };
    struct lab_command command = { .argv = argv, .stdio = { slave, slave, slave }, .tty = true };
    pid_t pid = lab_spawn(lab, &command, NULL, &err);
    assert_true(pid > 0);
    close(slave);
    char output[512];
    size_t len = 0;
    for (ssize_t n; len < sizeof output - 1 && (n = read(master, output + len, sizeof output - 1 - len)) > 0;)
        len += (size_t)n;
    output[len] = '\0';
    assert_string_equal(output, "/dev/pts/0\r\nroot\r\n24 80\r\nok\r\n");
    waitpid(pid, NULL, 0);
    close(master);
    lab_destroy(lab);
}

static void labs_live_side_by_side(void **state)
{
    struct lab *one = new_lab(NULL), *two = new_lab(NULL);
    assert_string_not_equal(lab_name(one), lab_name(two));
    assert_int_equal(run(one, "echo 1 > /only-one", NULL, 0), 0);
    assert_int_not_equal(run(two, "cat /only-one", NULL, 0), 0);
    struct err err = { 0 };
    struct lab_options same = { .name = lab_name(one), .rootless = rootless };
    assert_null(lab_create(&same, &err));
    assert_int_equal(err.code, EEXIST);
    struct lab *again = lab_attach(lab_name(one), &err);
    assert_non_null(again);
    expect(again, "cat /only-one", "1\n");
    lab_destroy(again);
    assert_int_equal(run(one, "true", NULL, 0), 0); /* letting go of it did not end it */
    lab_destroy(one);
    lab_destroy(two);
}

static void bad_requests_are_answered(void **state)
{
    struct err err = { 0 };
    struct lab_options bad = { .name = "../x", .rootless = rootless };
    assert_null(lab_create(&bad, &err));
    assert_int_equal(err.code, EINVAL);
    assert_null(lab_attach("no-such-lab", &err));
    struct lab *lab = new_lab(NULL);
    const char *const argv[] = { "/no/such/program", NULL };
    struct lab_command command = { .argv = argv, .stdio = { -1, -1, -1 } };
    assert_int_equal(lab_spawn(lab, &command, NULL, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_non_null(strstr(err.message, "/no/such/program"));
    kill(lab_init_pid(lab), SIGKILL);
    struct pollfd dead = { .fd = lab_pidfd(lab), .events = POLLIN };
    assert_int_equal(poll(&dead, 1, 5000), 1);
    assert_int_equal(lab_spawn(lab, &command, NULL, &err), -1);
    assert_int_equal(err.code, ESRCH);
    lab_destroy(lab);
}

static void a_child_nobody_waited_for_does_not_hold_the_lab(void **state)
{
    struct lab *lab = new_lab(NULL);
    struct err err = { 0 };
    const char *const ended[] = { "true", NULL }, *const running[] = { "sleep", "1000", NULL };
    struct lab_command command = { .argv = ended, .stdio = { -1, -1, -1 } };
    pid_t zombie = lab_spawn(lab, &command, NULL, &err);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
    command.argv = running;
    pid_t alive = lab_spawn(lab, &command, NULL, &err);
    assert_true(alive > 0);
    time_t start = time(NULL);
    lab_destroy(lab);
    assert_in_range(time(NULL) - start, 0, 4);
    assert_int_equal(waitpid(zombie, NULL, WNOHANG), -1);
    assert_int_equal(waitpid(alive, NULL, WNOHANG), -1);
}

struct seen {
    const char *name;
    int times;
};

static void look_for(const struct lab_entry *entry, void *data)
{
    struct seen *seen = data;
    seen->times += strcmp(entry->name, seen->name) == 0;
}

static bool any_group_named(const char *name)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, NULL);
    for (ssize_t i = 0; i < count; i++) {
        char path[512];
        int n = snprintf(path, sizeof path, "%s/teachroot/%s", list[i].mount, name);
        if (n < (int)sizeof path && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static void a_killed_program_leaves_nothing(void **state)
{
    char name[33];
    snprintf(name, sizeof name, "kill-%d", getpid());
    for (int round = 0; round < 12; round++) {
        pid_t program = fork();
        if (program == 0) {
            struct lab_options options = { .name = name, .rootless = rootless };
            struct lab *lab = lab_create(&options, NULL);
            if (lab)
                run(lab,
                    "setsid sleep 1000 & g=/sys/fs/cgroup/freezer/cold; mkdir $g && echo $! > $g/cgroup.procs && echo "
                    "FROZEN > $g/freezer.state; wait",
                    NULL, 0);
            _exit(1);
        }
        poll(NULL, 0, round * 9);
        kill(program, SIGKILL);
        waitpid(program, NULL, 0);
        struct err err = { 0 };
        /* The next start: whatever moment it was, the same name can be had again at once or after the builder has noticed. */
        struct lab *lab = NULL;
        struct lab_options options = { .name = name, .rootless = rootless };
        for (int tries = 0; !lab && tries < 100; tries++) {
            lab = lab_create(&options, &err);
            if (!lab)
                poll(NULL, 0, 20);
        }
        if (!lab)
            fail_msg("round %d: %s", round, err.message);
        expect(lab, "pgrep -c sleep; ls -d /sys/fs/cgroup/*/cold 2>/dev/null; true", "0\n");
        lab_destroy(lab);
    }
    struct seen seen = { .name = name };
    struct err err = { 0 };
    assert_true(lab_list(look_for, &seen, &err) >= 0);
    assert_int_equal(seen.times, 0);
    assert_false(any_group_named(name));
}

static int go_root(void **state)
{
    rootless = false;
    return 0;
}

static int go_rootless(void **state)
{
    rootless = true;
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_namespace_is_the_labs_own),
    cmocka_unit_test(root_in_the_lab_is_nobody_outside),
    cmocka_unit_test(what_the_lab_writes_stays_in_it),
    cmocka_unit_test(host_secrets_read_as_empty),
    cmocka_unit_test(environment_and_fds_are_not_inherited),
    cmocka_unit_test(limits_hold_and_are_not_the_labs_to_raise),
    cmocka_unit_test(a_full_disk_is_the_labs_own_trouble),
    cmocka_unit_test(the_next_lab_is_whole_after_the_worst),
    cmocka_unit_test(what_lessons_do_works_in_it),
    cmocka_unit_test(a_pty_belongs_to_the_labs_root),
    cmocka_unit_test(labs_live_side_by_side),
    cmocka_unit_test(bad_requests_are_answered),
    cmocka_unit_test(a_child_nobody_waited_for_does_not_hold_the_lab),
    cmocka_unit_test(a_killed_program_leaves_nothing),
};

int main(void)
{
    int failed = 0;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    /* One plan a program is what TAP allows: the way is the environment's to choose, root's own by default. */
    const char *way = getenv("TEACHROOT_TEST_LAB");
    if (way && strcmp(way, "assembled") == 0)
        failed = cmocka_run_group_tests_name("assembled root", tests, go_rootless, NULL);
    else
        failed = cmocka_run_group_tests_name(geteuid() == 0 ? "whole root" : "rootless", tests,
                                             geteuid() == 0 ? go_root : go_rootless, NULL);
    return failed;
}

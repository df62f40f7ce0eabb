/* isolate against the kernel: every namespace, every kind of map, mounts in a root of its own, and a barrier that neither side's death can hold. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/spawn.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

/* In a forked child a failed assertion must not jump back into what the parent goes on with. */
static bool forked;
#define fail_here(...)                                                                                                 \
    do {                                                                                                               \
        if (forked) {                                                                                                  \
            print_error(__VA_ARGS__);                                                                                  \
            _exit(1);                                                                                                  \
        }                                                                                                              \
        fail_msg(__VA_ARGS__);                                                                                         \
    } while (0)

/* Run @line by sh as @spec says; its exit status, and in @output what it printed. */
static int run(struct isolate_spec spec, const char *line, char *output, size_t size)
{
    int out[2];
    size_t len = 0;
    ssize_t n;
    struct err err = { 0 };
    const char *const argv[] = { "sh", "-c", line, NULL };
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    spec.argv = argv;
    spec.stdio[0] = -1;
    spec.stdio[1] = spec.stdio[2] = out[1];
    pid_t pid = isolate_spawn(&spec, NULL, &err);
    close(out[1]);
    if (pid < 0)
        fail_here("isolate_spawn of `%s`: %s", line, err.message);
    while (len + 1 < size && (n = read(out[0], output + len, size - len - 1)) > 0)
        len += (size_t)n;
    output[len] = '\0';
    close(out[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect(struct isolate_spec spec, const char *line, const char *wanted)
{
    char output[4096];
    int status = run(spec, line, output, sizeof output);
    if (status != 0 || strcmp(output, wanted) != 0)
        fail_here("`%s`: status %d, printed «%s», expected «%s»", line, status, output, wanted);
}

/* It must not start; @step is in the message. Nothing is left to wait for. */
static void refuse(struct isolate_spec spec, int code, const char *step)
{
    static const char *const argv[] = { "true", NULL };
    struct err err = { 0 };
    if (!spec.argv)
        spec.argv = argv;
    spec.stdio[0] = spec.stdio[1] = spec.stdio[2] = -1;
    if (isolate_spawn(&spec, NULL, &err) != -1)
        fail_here("it started, expected `%s`", step);
    if (err.code != code || !strstr(err.message, step))
        fail_here("said %d «%s», expected %d and `%s`", err.code, err.message, code, step);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        fail_here("something is left of what failed at `%s`", step);
}

static char stage[] = "/tmp/teachroot-isolate-XXXXXX";

static int set_up(void **state)
{
    return mkdtemp(stage) ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(stage);
}

static const struct isolate_mount proc[] = { { ISOLATE_PROC, "/proc", NULL, NULL } };
#define WITH_PROC .mounts = proc, .mount_count = 1

static void each_namespace_alone_is_new_and_the_others_are_not(void **state)
{
    uint64_t ours[NAMESPACE_KINDS];
    assert_int_equal(observe_namespaces(getpid(), ours, NULL), 0);
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char output[1024], *at = output;
        run((struct isolate_spec){ .namespaces = namespace_kinds[i].flag },
            "cd /proc/self/ns && stat -L -c %i mnt pid net ipc uts user cgroup time", output, sizeof output);
        for (size_t k = 0; k < NAMESPACE_KINDS; k++) {
            uint64_t inode = strtoull(at, &at, 10);
            if ((inode != ours[k]) != (k == i))
                fail_msg("a new %s namespace, and the %s namespace is %s", namespace_kinds[i].name,
                         namespace_kinds[k].name, inode == ours[k] ? "ours" : "another");
        }
    }
}

static void all_eight_at_once(void **state)
{
    struct isolate_spec spec = { .maps = ISOLATE_MAPS_SINGLE, .hostname = "inside", WITH_PROC };
    uint64_t ours[NAMESPACE_KINDS];
    char output[1024], *at = output;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        spec.namespaces |= namespace_kinds[i].flag;
    assert_int_equal(observe_namespaces(getpid(), ours, NULL), 0);
    run(spec, "cd /proc/self/ns && stat -L -c %i mnt pid net ipc uts user cgroup time", output, sizeof output);
    for (size_t k = 0; k < NAMESPACE_KINDS; k++)
        assert_int_not_equal(strtoull(at, &at, 10), ours[k]);
    expect(spec, "hostname; echo $$; ls /proc | grep -c '^[0-9]'; id -u", "inside\n1\n3\n0\n");
}

static void clocks_are_ahead_by_what_was_asked(void **state)
{
    struct isolate_spec spec = { .namespaces = CLONE_NEWTIME, .boottime = 8640000, .monotonic = -1 };
    char output[256], own[256];
    double before, after;
    assert_true(read_file_at(AT_FDCWD, "/proc/uptime", own, sizeof own, NULL) > 0);
    run(spec, "cat /proc/uptime", output, sizeof output);
    before = strtod(own, NULL);
    after = strtod(output, NULL);
    assert_true(after >= before + 8640000 && after < before + 8640000 + 3600);
    expect(spec, "awk '{ print $1, $2 }' /proc/self/timens_offsets", "monotonic -1\nboottime 8640000\n");
}

static void maps_direct(void **state)
{
    const struct id_map users[] = { { 0, 3000000, 10 }, { 10, 4000000, 5 } }, groups[] = { { 0, 3000000, 20 } };
    struct isolate_spec spec = { .namespaces = CLONE_NEWUSER,
                                 .maps = ISOLATE_MAPS_DIRECT,
                                 .users = users,
                                 .user_count = 2,
                                 .groups = groups,
                                 .group_count = 1 };
    expect(spec,
           "id -u; id -g; id -G; awk '{ print $1, $2, $3 }' /proc/self/uid_map /proc/self/gid_map; cat "
           "/proc/self/setgroups",
           "0\n0\n0\n0 3000000 10\n10 4000000 5\n0 3000000 20\nallow\n");
    spec.deny_setgroups = true;
    expect(spec, "cat /proc/self/setgroups", "deny\n");
}

static void maps_single_and_none(void **state)
{
    struct isolate_spec spec = { .namespaces = CLONE_NEWUSER, .maps = ISOLATE_MAPS_SINGLE };
    char wanted[128];
    snprintf(wanted, sizeof wanted, "0\n0 %u 1\n0 %u 1\ndeny\n", geteuid(), getegid());
    expect(spec, "id -u; awk '{ print $1, $2, $3 }' /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups",
           wanted);
    spec.maps = ISOLATE_MAPS_NONE;
    expect(spec, "id -u; wc -c </proc/self/uid_map", "65534\n0\n");
}

/* As another user, who has ranges there: newuidmap is set-user-ID, and asks /etc/subuid. */
static int as_somebody(void (*test)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        forked = true;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(3);
        char path[64];
        snprintf(path, sizeof path, "%s/subid", stage);
        cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        dprintf(fd, "1:6000000:100\n");
        if (mount(path, "/etc/subuid", NULL, MS_BIND, NULL) < 0 || mount(path, "/etc/subgid", NULL, MS_BIND, NULL) < 0)
            _exit(3);
        if (setgid(1) < 0 || setuid(1) < 0)
            _exit(3);
        prctl(PR_SET_DUMPABLE, 1); /* else /proc/PID belongs to root, and the maps of a child cannot be written */
        test();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char path[64];
    snprintf(path, sizeof path, "%s/subid", stage);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static const char print_maps[] = "id -u; awk '{ print $1, $2, $3 }' /proc/self/uid_map /proc/self/gid_map";

static void somebodys_maps(void)
{
    const struct id_map one[] = { { 0, 1, 1 }, { 5, 6000000, 7 } };
    struct isolate_spec spec = { .namespaces = CLONE_NEWUSER,
                                 .maps = ISOLATE_MAPS_HELPER,
                                 .users = one,
                                 .user_count = 2,
                                 .groups = one,
                                 .group_count = 2 };
    expect(spec, print_maps, "0\n0 1 1\n5 6000000 7\n0 1 1\n5 6000000 7\n");
    spec.maps = ISOLATE_MAPS_AUTO;
    expect(spec, print_maps, "0\n0 1 1\n1 6000000 99\n0 1 1\n1 6000000 99\n");
    spec.maps = ISOLATE_MAPS_SINGLE;
    expect(spec, print_maps, "0\n0 1 1\n0 1 1\n");
    const struct id_map not_ours = { 0, 7000000, 1 };
    spec = (struct isolate_spec){ .namespaces = CLONE_NEWUSER,
                                  .maps = ISOLATE_MAPS_HELPER,
                                  .users = &not_ours,
                                  .user_count = 1,
                                  .groups = one,
                                  .group_count = 2 };
    refuse(spec, EPERM, "newuidmap refused the range 7000000+1");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWNS }, EPERM, "clone3");
}

static void maps_by_helper_and_from_subuid(void **state)
{
    assert_int_equal(as_somebody(somebodys_maps), 0);
}

static void a_range_gives_way_to_one_id(void **state)
{
    static const struct {
        struct id_map one, range;
        const char *wanted;
    } cases[] = {
        { { 0, 1003, 1 }, { 0, 2000, 10 }, "0 1003 1|1 2000 9" },
        { { 2, 1003, 1 }, { 0, 2000, 10 }, "2 1003 1|0 2000 2|3 2002 7" },
        { { 100, 1003, 1 }, { 0, 2000, 10 }, "100 1003 1|0 2000 10" },
        { { 2, 1003, 1 }, { 0, 1000, 5 }, "2 1003 1|0 1000 2|3 1002 1|4 1004 1" },
        { { 0, 1003, 1 }, { 0, 1000, 5 }, "0 1003 1|1 1000 3|4 1004 1" },
        { { 4, 1003, 1 }, { 0, 1000, 5 }, "4 1003 1|0 1000 3|3 1004 1" },
        { { 5, 1003, 1 }, { 0, 1000, 5 }, "5 1003 1|0 1000 3|3 1004 1" },
        { { 3, 1003, 1 }, { 0, 1000, 5 }, "3 1003 1|0 1000 3|4 1004 1" },
        { { 0, 1003, 1 }, { 0, 1003, 1 }, "0 1003 1" },
        { { 7, 1003, 1 }, { 0, 1003, 1 }, "7 1003 1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct id_map out[4];
        char text[256] = "";
        size_t n = userns_punch(&cases[i].one, &cases[i].range, out), len = 0;
        for (size_t k = 0; k < n; k++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%u %u %u", k ? "|" : "", out[k].inside,
                                    out[k].outside, out[k].count);
        assert_string_equal(text, cases[i].wanted);
    }
}

/* A root on a tmpfs that only the child's mount namespace has: made by a shell before it. */
static void in_a_made_root(const char *line, const struct isolate_mount *mounts, size_t count, const char *put_old,
                           const char *wanted)
{
    char root[64];
    pid_t pid = fork();
    if (pid == 0) {
        forked = true;
        snprintf(root, sizeof root, "%s/root", stage);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("root", stage, "tmpfs", 0, NULL) < 0)
            _exit(3);
        char command[1024];
        snprintf(command, sizeof command,
                 "mkdir %s && cd %s && mkdir -p bin usr tmp data/below && echo secret >data/secret && echo x "
                 ">data/below/file && "
                 "cp -a /bin/busybox bin/ 2>/dev/null || cp -a /usr/bin/busybox bin/ && ln -s busybox bin/sh && for i "
                 "in ls cat "
                 "stat readlink mount touch wc mkdir grep; do ln -s busybox bin/$i; done",
                 root, root);
        if (system(command) != 0)
            _exit(4);
        struct isolate_spec spec = { .namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET,
                                     .root = root,
                                     .put_old = put_old,
                                     .mounts = mounts,
                                     .mount_count = count };
        static const char *const env[] = { "PATH=/bin", NULL };
        spec.env = env;
        expect(spec, line, wanted);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_root_with_every_kind_of_mount(void **state)
{
    static const struct isolate_mount mounts[] = {
        { ISOLATE_PROC, "/proc", NULL, NULL },         { ISOLATE_SYSFS, "/sys", NULL, NULL },
        { ISOLATE_TMPFS, "/dev", NULL, "mode=0700" },  { ISOLATE_DEVPTS, "/dev/pts", NULL, NULL },
        { ISOLATE_MQUEUE, "/dev/mqueue", NULL, NULL }, { ISOLATE_BIND, "/etc/hosts", "/etc/passwd", NULL },
        { ISOLATE_BIND, "/machine", "/etc", NULL },    { ISOLATE_MASK, "/data/secret", NULL, NULL },
        { ISOLATE_MASK, "/data/below", NULL, NULL },   { ISOLATE_READ_ONLY, "/usr", NULL, NULL },
        { ISOLATE_MASK, "/not/there", NULL, NULL },    { ISOLATE_READ_ONLY, "/not/there", NULL, NULL },
    };
    static const char line[] = "cat /proc/mounts | while read a b c d; do echo $b $c; done | grep -v '^/ ' ;"
                               "touch /usr/x 2>/dev/null || echo read-only; touch /tmp/x && echo writable;"
                               "wc -c </data/secret; ls /data/below; touch /data/below/x 2>/dev/null || echo masked;"
                               "readlink /proc/self/root; stat -c %a /dev; ls /machine/passwd; ls -A / | wc -l";
    static const char wanted[] = "/proc proc\n/sys sysfs\n/dev tmpfs\n/dev/pts devpts\n/dev/mqueue mqueue\n";
    char expected[1024], machine[64] = "", devices[64] = "";
    /* What a bind shows is of the type of the file system it is from. */
    FILE *f =
        popen("awk '$2 == \"/\" { r = $3 } $2 == \"/dev\" { d = $3 } END { print r; print d }' /proc/mounts", "r");
    assert_non_null(fgets(machine, sizeof machine, f));
    assert_non_null(fgets(devices, sizeof devices, f));
    pclose(f);
    machine[strcspn(machine, "\n")] = devices[strcspn(devices, "\n")] = '\0';
    snprintf(expected, sizeof expected,
             "%s/etc/hosts %s\n/machine %s\n/data/secret %s\n/data/below tmpfs\n/usr tmpfs\n"
             "read-only\nwritable\n0\nmasked\n/\n700\n/machine/passwd\n9\n",
             wanted, machine, machine, devices);
    in_a_made_root(line, mounts, sizeof mounts / sizeof *mounts, NULL, expected);
}

static void pivot_root_lets_go_of_the_old_root_in_both_ways(void **state)
{
    static const char line[] = "cat /proc/mounts | grep -c .; ls -A /; readlink /proc/self/cwd";
    in_a_made_root(line, proc, 1, NULL, "2\nbin\ndata\nproc\ntmp\nusr\n/\n");
    in_a_made_root(line, proc, 1, "old", "2\nbin\ndata\nproc\ntmp\nusr\n/\n");
    struct err err;
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(isolate_pivot(root, "../out", &err), -1);
    assert_int_equal(err.code, EINVAL);
}

static void the_step_that_failed_is_named(void **state)
{
    static const char *const absent[] = { "/nowhere/program", NULL };
    const struct isolate_mount no_source = { ISOLATE_BIND, "/tmp", "/nowhere", NULL };
    const struct isolate_mount bad_options = { ISOLATE_TMPFS, "/tmp", NULL, "nonsense=1" };
    const struct id_map overlap[] = { { 0, 0, 5 }, { 3, 100, 5 } };
    refuse((struct isolate_spec){ .argv = absent }, ENOENT, "exec `/nowhere/program`");
    refuse((struct isolate_spec){ .cwd = "/nowhere" }, ENOENT, "chdir to `/nowhere`");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWNS, .root = "/nowhere" }, ENOENT, "/nowhere");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWNS, .mounts = &no_source, .mount_count = 1 }, ENOENT,
           "stat `/nowhere`");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWNS, .mounts = &bad_options, .mount_count = 1 }, EINVAL,
           "mount tmpfs on `/tmp`");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWUSER | CLONE_NEWNS, .maps = ISOLATE_MAPS_SINGLE, WITH_PROC },
           EPERM, "mount proc on `/proc`");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWTIME, .boottime = -4000000000 }, ERANGE, "timens_offsets");
    refuse((struct isolate_spec){ .namespaces = CLONE_NEWUSER,
                                  .maps = ISOLATE_MAPS_DIRECT,
                                  .users = overlap,
                                  .user_count = 2,
                                  .groups = overlap,
                                  .group_count = 1 },
           EINVAL, "uid_map");
}

static bool alive(pid_t pid)
{
    char path[64], stat[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    return read_file_at(AT_FDCWD, path, stat, sizeof stat, NULL) > 0 && !strstr(stat, ") Z");
}

/* Any process that is the child of @parent, or 0. */
static pid_t child_of(pid_t parent)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    return read_file_at(AT_FDCWD, path, text, sizeof text, NULL) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool within_a_minute(bool (*what)(pid_t), pid_t pid, bool wanted)
{
    for (int i = 0; i < 6000; i++) {
        if (what(pid) == wanted)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static bool has_child(pid_t pid)
{
    return child_of(pid) != 0;
}

/* A fifo in the place of the file the parent reads its range from holds it in the middle: the child waits at the barrier meanwhile. */
static pid_t spawner_held_at_the_barrier(const char *fifo)
{
    assert_int_equal(mkfifo(fifo, 0600), 0);
    pid_t pid = fork();
    if (pid == 0) {
        static const char *const argv[] = { "true", NULL };
        struct err err = { 0 };
        struct isolate_spec spec = { .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID,
                                     .maps = ISOLATE_MAPS_AUTO,
                                     .argv = argv,
                                     .stdio = { -1, -1, -1 } };
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(fifo, "/etc/subuid", NULL, MS_BIND, NULL) < 0)
            _exit(3);
        pid_t started = isolate_spawn(&spec, NULL, &err);
        _exit(started >= 0 ? 4 : err.code == ESRCH || err.code == ENOENT ? 0 : 5);
    }
    assert_true(within_a_minute(has_child, pid, true));
    return pid;
}

static void the_child_ends_when_the_parent_dies_at_the_barrier(void **state)
{
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s/fifo", stage);
    pid_t spawner = spawner_held_at_the_barrier(fifo), child = child_of(spawner);
    assert_true(alive(child));
    kill(spawner, SIGKILL);
    assert_int_equal(waitpid(spawner, NULL, 0), spawner);
    assert_true(within_a_minute(alive, child, false));
    unlink(fifo);
}

static void the_parent_goes_on_when_the_child_dies_at_the_barrier(void **state)
{
    char fifo[64];
    int status;
    snprintf(fifo, sizeof fifo, "%s/fifo", stage);
    pid_t spawner = spawner_held_at_the_barrier(fifo), child = child_of(spawner);
    kill(child, SIGKILL);
    /* Let go of the parent: an empty /etc/subuid, and in any case nobody to say go to. */
    cleanup_close int end = open(fifo, O_WRONLY | O_CLOEXEC);
    assert_true(end >= 0);
    close(take_fd(&end));
    assert_int_equal(waitpid(spawner, &status, 0), spawner);
    assert_int_equal(status, 0);
    assert_false(alive(child));
    unlink(fifo);
}

static void the_pidfd_and_the_status_are_the_programs(void **state)
{
    static const char *const argv[] = { "sh", "-c", "kill -KILL $$", NULL };
    struct isolate_spec spec = { .argv = argv, .stdio = { -1, -1, -1 }, .namespaces = CLONE_NEWUTS };
    struct err err;
    int pidfd = -1, status;
    pid_t pid = isolate_spawn(&spec, &pidfd, &err);
    assert_true(pid > 0 && pidfd >= 0);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    assert_int_equal(poll(&ended, 1, 60000), 1);
    close(pidfd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void nothing_of_ours_is_inherited(void **state)
{
    int leak = open("/dev/null", O_RDONLY); /* on purpose without O_CLOEXEC */
    assert_true(leak >= 0);
    signal(SIGUSR1, SIG_IGN);
    /* 3 is the directory ls reads. The shell's own are not looked at: it holds a pipe while it starts the second program,
       and blocks signals while it starts any, which is why it becomes the one that looks. */
    expect((struct isolate_spec){ .namespaces = CLONE_NEWUTS },
           "ls /proc/self/fd | tr '\\n' ' '; exec grep -E 'SigBlk|SigIgn' /proc/self/status",
           "0 1 2 3 SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    signal(SIGUSR1, SIG_DFL);
    close(leak);
}

static void entering_goes_by_pidfd_and_by_files(void **state)
{
    static const char *const argv[] = { "sleep", "600", NULL };
    struct isolate_spec spec = { .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET,
                                 .maps = ISOLATE_MAPS_SINGLE,
                                 .hostname = "entered",
                                 .argv = argv,
                                 .stdio = { -1, -1, -1 },
                                 .die_with_parent = true };
    struct err err;
    int pidfd = -1;
    pid_t pid = isolate_spawn(&spec, &pidfd, &err);
    assert_true(pid > 0);
    for (int way = 0; way < 2; way++) {
        pid_t child = fork();
        if (child == 0) {
            char name[64];
            uint64_t theirs[NAMESPACE_KINDS], own[NAMESPACE_KINDS];
            if (observe_namespaces(pid, theirs, NULL) < 0 ||
                isolate_enter_process(pid, way == 0 ? pidfd : -1, spec.namespaces, CLONE_NEWPID, &err) < 0)
                _exit(2);
            if (observe_namespaces(getpid(), own, NULL) < 0 || gethostname(name, sizeof name) < 0)
                _exit(3);
            for (size_t i = 0; i < NAMESPACE_KINDS; i++)
                if (own[i] != theirs[i])
                    _exit(4);
            _exit(strcmp(name, "entered") == 0 ? 0 : 5);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pidfd);
    assert_int_equal(isolate_enter_process(pid, -1, CLONE_NEWUTS, 0, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_namespace_alone_is_new_and_the_others_are_not),
        cmocka_unit_test(all_eight_at_once),
        cmocka_unit_test(clocks_are_ahead_by_what_was_asked),
        cmocka_unit_test(maps_direct),
        cmocka_unit_test(maps_single_and_none),
        cmocka_unit_test(maps_by_helper_and_from_subuid),
        cmocka_unit_test(a_range_gives_way_to_one_id),
        cmocka_unit_test(a_root_with_every_kind_of_mount),
        cmocka_unit_test(pivot_root_lets_go_of_the_old_root_in_both_ways),
        cmocka_unit_test(the_step_that_failed_is_named),
        cmocka_unit_test(the_child_ends_when_the_parent_dies_at_the_barrier),
        cmocka_unit_test(the_parent_goes_on_when_the_child_dies_at_the_barrier),
        cmocka_unit_test(the_pidfd_and_the_status_are_the_programs),
        cmocka_unit_test(nothing_of_ours_is_inherited),
        cmocka_unit_test(entering_goes_by_pidfd_and_by_files),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (geteuid() != 0) {
        printf("1..0 # SKIP only root can make every namespace and every map\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

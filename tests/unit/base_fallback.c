/* Every wrapper gives the same answers on a kernel without the newer syscall. Each scenario runs twice in a forked child, in a mount namespace of its own: as
 * the kernel is, and under a seccomp filter that answers ENOSYS. What the two wrote down must be equal. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "tests/unit/scenario.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

/* What @scenario writes down in a child on an empty tmpfs, without the syscalls @blocked (ends with 0). */
static void record(scenario_fn *scenario, const int *blocked, char text[SCENARIO_ROOM])
{
    scenario_record(scenario, scenario_alone, 0, blocked, text, SCENARIO_ROOM);
}

static void same_without(scenario_fn *scenario, const int *blocked)
{
    scenario_same_without(scenario, scenario_alone, 0, blocked);
}

static const char *outcome(long result)
{
    return result >= 0 ? "ok" : strerrorname_np(errno);
}

/* ---- open_policy without openat2 ---- */

static void write_to(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)!write(fd, text, strlen(text));
}

static void make_tree(void)
{
    static const struct {
        const char *link, *target;
    } links[] = {
        { "root/to-a", "a" },
        { "root/to-b", "/a/b" },
        { "root/to-file", "a/b/file" },
        { "root/slashed", "a/b/" },
        { "root/file-slash", "a/b/file/" },
        { "root/up", "../../.." },
        { "root/escape", "../secret" },
        { "root/absolute-escape", "/mnt/secret" },
        { "root/a/far", "../../../../../../mnt/secret" },
        { "root/a/b/back", "../../a/b/file" },
        { "root/loop", "pool" },
        { "root/pool", "loop" },
        { "root/self", "self" },
        { "root/dangling", "nowhere" },
        { "root/new-by-link", "a/new" },
        { "root/slash", "/" },
        { "root/dot", "." },
    };
    mkdir("root", 0755);
    mkdir("root/a", 0755);
    mkdir("root/a/b", 0755);
    mkdir("root/mounted", 0755);
    mkdir("root/same-fs", 0755);
    write_to("secret", "outside");
    write_to("root/a/b/file", "inside");
    write_to("root/a/over", "under");
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        symlink(links[i].target, links[i].link);
    /* As many links as the kernel follows (40), and one more. */
    symlink("a/b/file", "root/chain1");
    for (int i = 2; i <= 41; i++) {
        char from[32], to[32];
        snprintf(from, sizeof from, "root/chain%d", i);
        snprintf(to, sizeof to, "chain%d", i - 1);
        symlink(to, from);
    }
    mount("none", "root/mounted", "tmpfs", 0, NULL);
    write_to("root/mounted/file", "on another file system");
    mount("root/a", "root/same-fs", NULL, MS_BIND, NULL);
    mount("root/a/b/file", "root/a/over", NULL, MS_BIND, NULL);
}

static const char *const paths[] = {
    "",
    ".",
    "..",
    "/",
    "//",
    "a",
    "a/",
    "/a/b/file",
    "a//b/./file",
    "a/b/../b/file",
    "a/b/file/",
    "a/b/file/..",
    "a/b/file/x",
    "../../../a/b/file",
    "a/../../secret",
    "../secret",
    "/mnt/secret",
    "nowhere",
    "nowhere/x",
    "nowhere/..",
    "to-a",
    "to-a/",
    "to-a/b/file",
    "to-b/file",
    "to-b/..",
    "to-b/../over",
    "to-file",
    "to-file/",
    "slashed",
    "slashed/file",
    "file-slash",
    "up",
    "up/secret",
    "up/a/b/file",
    "escape",
    "absolute-escape",
    "a/far",
    "a/b/back",
    "a/b/back/",
    "loop",
    "loop/x",
    "self",
    "dangling",
    "dangling/",
    "new-by-link",
    "slash",
    "slash/a/b/file",
    "slash/../..",
    "dot/dot/dot/a",
    "chain40",
    "chain41",
    "mounted/file",
    "mounted/..",
    "mounted/../a/b/file",
    "same-fs/b/file",
    "a/over",
    "a/made",
    "a/made-slash/",
    "a/b/made/../x",
    "to-a/made-through",
};

static void describe(FILE *out, int fd)
{
    struct stat st;
    if (fd < 0) {
        fprintf(out, "%s\n", strerrorname_np(errno));
        return;
    }
    fstat(fd, &st);
    fprintf(out, "inode %lu type %o mode %o size %ld flags %#x %#x\n", (unsigned long)st.st_ino, st.st_mode & S_IFMT,
            st.st_mode & 07777, (long)st.st_size, (unsigned)(fcntl(fd, F_GETFL) & ~O_NOFOLLOW),
            (unsigned)fcntl(fd, F_GETFD));
    close(fd);
}

static void open_everything(FILE *out)
{
    make_tree();
    cleanup_close int root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int policy = 0; policy < OPEN_POLICIES; policy++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            struct err err = { 0 };
            fprintf(out, "%d `%s`: ", policy, paths[i]);
            int fd = open_policy(root, paths[i], (enum open_policy)policy, &err);
            errno = err.code;
            describe(out, fd);
        }
}

static void open_everything_below_the_working_directory(FILE *out)
{
    make_tree();
    chdir("root/a");
    for (int policy = 0; policy < OPEN_POLICIES; policy++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            struct err err = { 0 };
            fprintf(out, "%d `%s`: ", policy, paths[i]);
            int fd = open_policy(AT_FDCWD, paths[i], (enum open_policy)policy, &err);
            errno = err.code;
            describe(out, fd);
        }
}

static void open_odd_paths(FILE *out)
{
    char name[300], path[5000];
    struct err err;
    memset(name, 'n', sizeof name);
    static const size_t lengths[] = { 255, 256 };
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%.*s", (int)lengths[i], name);
        fprintf(out, "name of %zu: %d\n", lengths[i],
                open_policy(AT_FDCWD, path, OPEN_IN_ROOT_PATH, &err) < 0 ? err.code : 0);
    }
    static const size_t long_paths[] = { 4095, 4096, 4200 };
    for (size_t i = 0; i < 3; i++) {
        memset(path, '/', sizeof path);
        path[long_paths[i]] = '\0';
        int fd = open_policy(AT_FDCWD, path, OPEN_IN_ROOT_PATH, &err);
        fprintf(out, "path of %zu: %d\n", long_paths[i], fd < 0 ? err.code : 0);
        if (fd >= 0)
            close(fd);
    }
    /* A long link in a long path is not too long. */
    mkdir("d", 0755);
    memset(path, '/', sizeof path);
    memcpy(path, "d", 1);
    path[3000] = '\0';
    symlink(path, "long");
    memset(path, '/', sizeof path);
    memcpy(path, "long", 4);
    path[3000] = '\0';
    fprintf(out, "long link: %d\n", open_policy(AT_FDCWD, path, OPEN_IN_ROOT_DIRECTORY, &err) < 0 ? err.code : 0);
}

static void open_in_proc(FILE *out)
{
    static const char *const below_root[] = {
        "proc/self/status", "proc/mounts",    "proc/self/exe",         "proc/self/root/etc/passwd", "proc/self/cwd",
        "proc/self/ns/mnt", "proc/self/fd/1", "proc/thread-self/stat", "proc/self/fd/../status"
    };
    static const char *const strict[] = { "self/status",         "mounts", "1/../1/status", "sys/kernel/hostname",
                                          "sys/kernel/../../..", "uptime", "/uptime" };
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
                      proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof below_root / sizeof *below_root; i++)
        for (int policy = OPEN_IN_ROOT_PATH; policy <= OPEN_IN_ROOT_READ; policy++) {
            struct err err = { 0 };
            cleanup_close int fd = open_policy(root, below_root[i], (enum open_policy)policy, &err);
            fprintf(out, "%d %s: %d\n", policy, below_root[i], fd < 0 ? err.code : 0);
        }
    for (size_t i = 0; i < sizeof strict / sizeof *strict; i++) {
        struct err err = { 0 };
        cleanup_close int fd = open_policy(proc, strict[i], OPEN_STRICT_READ, &err);
        fprintf(out, "strict %s: %d\n", strict[i], fd < 0 ? err.code : 0);
    }
    /* One file of /proc bound over another is a lie told on the same device. */
    fprintf(out, "bound: %s\n", outcome(mount("/proc/version", "/proc/uptime", NULL, MS_BIND, NULL)));
    struct err err = { 0 };
    cleanup_close int fd = open_policy(proc, "uptime", OPEN_STRICT_READ, &err);
    fprintf(out, "strict, bound over: %s\n", strerrorname_np(fd < 0 ? err.code : 0));
}

static void make_directories(FILE *out)
{
    static const char *const wanted[] = { "x/y/z",         "/abs/olute", "to-a/new",   "to-b/../new2",
                                          "../../climbed", "a/b/file/x", "dangling/x", "loop/x",
                                          "up/x",          ".",          "x//y/./w/" };
    make_tree();
    cleanup_close int root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct err err = { 0 };
        int result = make_directories_in(root, wanted[i], 0750, &err);
        fprintf(out, "%s: %d %s\n", wanted[i], result, err.message);
    }
    static const char *const made[] = { "root/x/y/z",   "root/abs/olute", "root/a/new", "root/a/new2",
                                        "root/climbed", "climbed",        "root/x/y/w", "x" };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        fprintf(out, "%s %s\n", made[i], outcome(access(made[i], F_OK)));
}

static const int no_openat2[] = { SYS_openat2, 0 };

static void every_policy_opens_the_same_without_openat2(void **state)
{
    same_without(open_everything, no_openat2);
    same_without(open_everything_below_the_working_directory, no_openat2);
    same_without(open_odd_paths, no_openat2);
    same_without(open_in_proc, no_openat2);
    same_without(make_directories, no_openat2);
}

/* Somebody moves a directory out of the root and back while a path goes down into it and up again by `..`. */
static void race_a_rename(FILE *out)
{
    mkdir("root", 0755);
    mkdir("root/a", 0755);
    mkdir("root/a/b", 0755);
    mkdir("away", 0755);
    write_to("secret", "outside");
    pid_t mover = fork();
    if (mover == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            rename("root/a/b", "away/b");
            rename("away/b", "root/a/b");
        }
    }
    cleanup_close int root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int escaped = 0, missed = 0;
    for (int i = 0; i < 20000; i++) {
        cleanup_close int fd = open_policy(root, "a/b/../../secret", OPEN_IN_ROOT_PATH, NULL);
        escaped += fd >= 0;
        missed += fd < 0;
    }
    kill(mover, SIGKILL);
    waitpid(mover, NULL, 0);
    fprintf(out, "escaped %d, missed %d\n", escaped, missed);
}

static void a_directory_moved_away_meanwhile_lets_nothing_out(void **state)
{
    char text[SCENARIO_ROOM];
    record(race_a_rename, no_openat2, text);
    assert_string_equal(text, "escaped 0, missed 20000\n");
}

/* ---- sys_fork, pidfds ---- */

static void fork_in_namespaces(FILE *out)
{
    static const uint64_t flags[] = { 0, CLONE_NEWPID, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
                                      CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        int pidfd = -1, status = 0;
        pid_t pid = sys_fork(flags[i], i % 2 ? &pidfd : NULL);
        if (pid == 0)
            _exit(getpid() == 1 ? 11 : 12);
        fprintf(out, "fork: %s, pidfd %s", outcome(pid), i % 2 ? "asked" : "not asked");
        if (i % 2)
            fprintf(out, " cloexec %d", fcntl(pidfd, F_GETFD));
        waitpid(pid, &status, 0);
        fprintf(out, ", exit %d\n", WEXITSTATUS(status));
        if (pidfd >= 0)
            close(pidfd);
    }
    /* A child of our parent's. */
    pid_t middle = fork();
    if (middle == 0) {
        pid_t sibling = sys_fork(CLONE_PARENT, NULL);
        if (sibling == 0)
            _exit(getppid() == 0 ? 1 : 0);
        _exit(sibling < 0);
    }
    int ended = 0, status;
    while (waitpid(-1, &status, __WALL) > 0)
        ended += WEXITSTATUS(status) == 0;
    fprintf(out, "children of ours: %d\n", ended);
    fprintf(out, "unknown flags: %s\n", outcome(sys_fork(CLONE_FS | CLONE_NEWNS, NULL)));
}

static void fork_works_the_same_without_clone3(void **state)
{
    static const int no_clone3[] = { SYS_clone3, 0 }, neither[] = { SYS_clone3, SYS_pidfd_open, 0 };
    same_without(fork_in_namespaces, no_clone3);
    same_without(fork_in_namespaces, neither);
}

static void ask_for_what_only_clone3_can(FILE *out)
{
    cleanup_close int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fprintf(out, "time: %s\n", outcome(sys_fork(0x80, NULL)));
    fprintf(out, "cgroup: %s\n", outcome(sys_fork_into_cgroup(0, NULL, dir)));
}

static void what_only_clone3_can_do_is_said_to_be_missing(void **state)
{
    static const int no_clone3[] = { SYS_clone3, 0 };
    char text[SCENARIO_ROOM];
    record(ask_for_what_only_clone3_can, no_clone3, text);
    assert_string_equal(text, "time: ENOSYS\ncgroup: ENOSYS\n");
}

static void signal_by_pidfd(FILE *out)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    int fd = sys_pidfd_open(pid);
    fprintf(out, "open: %s cloexec %d\n", outcome(fd), fcntl(fd, F_GETFD));
    fprintf(out, "0: %s\n", outcome(sys_pidfd_signal(fd, 0)));
    fprintf(out, "bad: %s\n", outcome(sys_pidfd_signal(fd, 99)));
    fprintf(out, "TERM: %s\n", outcome(sys_pidfd_signal(fd, SIGTERM)));
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    fprintf(out, "killed by %d; a zombie: %s\n", info.si_status, outcome(sys_pidfd_signal(fd, SIGTERM)));
    waitpid(pid, &status, 0);
    fprintf(out, "reaped: %s\n", outcome(sys_pidfd_signal(fd, SIGTERM)));
    fprintf(out, "open what is gone: %s\n", outcome(sys_pidfd_open(pid)));
    close(fd);
}

/* In a pid namespace of our own the next number can be chosen: the same number for another process. */
static void signal_a_number_used_again(FILE *out)
{
    pid_t init = sys_fork(CLONE_NEWPID, NULL);
    if (init != 0) {
        waitpid(init, NULL, 0);
        return;
    }
    mount("proc", "/proc", "proc", 0, NULL);
    pid_t first = fork();
    if (first == 0)
        for (;;)
            pause();
    int fd = sys_pidfd_open(first);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    char last[16];
    snprintf(last, sizeof last, "%d", first - 1);
    int chosen = write_file_at(AT_FDCWD, "/proc/sys/kernel/ns_last_pid", last, NULL);
    pid_t second = fork();
    if (second == 0)
        for (;;)
            pause();
    fprintf(out, "chosen %d, same number %d, ", chosen, first == second);
    fprintf(out, "signal: %s, ", outcome(sys_pidfd_signal(fd, SIGKILL)));
    poll(NULL, 0, 20);
    fprintf(out, "the second lives: %d\n", waitpid(second, NULL, WNOHANG) == 0);
    fclose(out);
    _exit(0);
}

static void signals_reach_the_same_process_without_pidfds(void **state)
{
    static const int no_open[] = { SYS_pidfd_open, 0 }, no_signal[] = { SYS_pidfd_send_signal, 0 },
                     neither[] = { SYS_pidfd_open, SYS_pidfd_send_signal, 0 };
    static const int *const sets[] = { no_open, no_signal, neither };
    for (size_t i = 0; i < 3; i++) {
        same_without(signal_by_pidfd, sets[i]);
        same_without(signal_a_number_used_again, sets[i]);
    }
    char text[SCENARIO_ROOM];
    record(signal_a_number_used_again, neither, text);
    assert_string_equal(text, "chosen 0, same number 1, signal: ESRCH, the second lives: 1\n");
}

/* ---- close_range ---- */

static void close_all_but(FILE *out)
{
    static const int keeps[][3] = { { 105, 107, 200 }, { 100, 101, 300 }, { 3, 299, 500 } };
    for (size_t round = 0; round < 3; round++) {
        for (int fd = 100; fd <= 300; fd++)
            dup2(fileno(out), fd);
        pid_t pid = fork();
        if (pid == 0) {
            int result = sys_close_from(100, keeps[round], 3);
            fprintf(out, "%d:", result);
            for (int fd = 0; fd <= 300; fd++)
                if (fcntl(fd, F_GETFD) >= 0 && (fd >= 100 || fd < 3))
                    fprintf(out, " %d", fd);
            fprintf(out, "\n");
            fflush(out);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
}

static void the_same_fds_stay_open_without_close_range(void **state)
{
    static const int no_close_range[] = { SYS_close_range, 0 };
    same_without(close_all_but, no_close_range);
    char text[SCENARIO_ROOM];
    record(close_all_but, no_close_range, text);
    assert_non_null(strstr(text, "0: 0 1 2 105 107 200\n"));
}

/* ---- mounts ---- */

static void print_flags(FILE *out, const char *path)
{
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        fprintf(out, "%s: %s\n", path, strerrorname_np(errno));
    else
        fprintf(out, "%s: %#lx\n", path, fs.f_flag & ~(unsigned long)0x20 /* ST_VALID, the kernel's own */);
}

static void bind_around(FILE *out)
{
    mkdir("from", 0755);
    mkdir("from/sub", 0755);
    mkdir("to", 0755);
    mkdir("to2", 0755);
    mkdir("to3", 0755);
    symlink("to3", "link");
    write_to("from/file", "1");
    write_to("onto", "");
    mount("none", "from/sub", "tmpfs", 0, NULL);
    write_to("from/sub/deep", "2");
    cleanup_close int from = open("from", O_PATH | O_CLOEXEC), to2 = open("to2", O_PATH | O_CLOEXEC),
                      onto = open("onto", O_PATH | O_CLOEXEC);
    fprintf(out, "recursive: %s\n", outcome(sys_bind(AT_FDCWD, "from", AT_FDCWD, "to", true)));
    fprintf(out, "by fd, not recursive: %s\n", outcome(sys_bind(from, "", to2, "", false)));
    fprintf(out, "through a link: %s\n", outcome(sys_bind(from, "sub", AT_FDCWD, "link", false)));
    fprintf(out, "a file on a file: %s\n", outcome(sys_bind(from, "file", onto, "", false)));
    fprintf(out, "a file on a directory: %s\n", outcome(sys_bind(from, "file", AT_FDCWD, "to", false)));
    fprintf(out, "a directory on a file: %s\n", outcome(sys_bind(from, "sub", AT_FDCWD, "onto", false)));
    fprintf(out, "nothing: %s\n", outcome(sys_bind(from, "none", AT_FDCWD, "to", false)));
    fprintf(out, "nowhere: %s\n", outcome(sys_bind(from, "sub", AT_FDCWD, "none", false)));
    fprintf(out, "bad fd: %s\n", outcome(sys_bind(999, "", AT_FDCWD, "to", false)));
    static const char *const seen[] = { "to/file", "to/sub/deep", "to2/file", "to2/sub/deep", "to3/deep" };
    for (size_t i = 0; i < 5; i++)
        fprintf(out, "%s: %s\n", seen[i], outcome(access(seen[i], F_OK)));
    struct stat a, b;
    fprintf(out, "onto is the file: %d\n", stat("onto", &a) == 0 && stat("from/file", &b) == 0 && a.st_ino == b.st_ino);
}

static void binds_are_the_same_without_open_tree_or_move_mount(void **state)
{
    static const int no_open_tree[] = { SYS_open_tree, 0 }, no_move_mount[] = { SYS_move_mount, 0 },
                     neither[] = { SYS_open_tree, SYS_move_mount, 0 };
    same_without(bind_around, no_open_tree);
    same_without(bind_around, no_move_mount);
    same_without(bind_around, neither);
}

static void change_mount_flags(FILE *out)
{
    static const struct {
        uint64_t set, clear;
    } changes[] = {
        { MOUNT_ATTR_RDONLY, 0 },
        { MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MOUNT_ATTR_RDONLY },
        { MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV },
        { 0, MOUNT_ATTR_RDONLY },
        { MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
        { MOUNT_ATTR_RDONLY, 0 },
        { MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
        { MOUNT_ATTR_NODIRATIME, 0 },
        { 0, MOUNT_ATTR_RDONLY },
        { MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR__ATIME },
        { MOUNT_ATTR_RDONLY, 0 },
        { MOUNT_ATTR_NOATIME, 0 },
        { 0, MOUNT_ATTR_NOATIME },
        { 1ULL << 40, 0 },
    };
    mkdir("m", 0755);
    mkdir("plain", 0755);
    mount("none", "m", "tmpfs", MS_NODEV, NULL);
    cleanup_close int fd = open("m", O_PATH | O_CLOEXEC);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        int result = i % 2 ? sys_mount_attr(fd, "", changes[i].set, changes[i].clear, false)
                           : sys_mount_attr(AT_FDCWD, "m", changes[i].set, changes[i].clear, false);
        fprintf(out, "change %zu: %s; ", i, outcome(result));
        print_flags(out, "m");
    }
    fprintf(out, "not a mount: %s\n", outcome(sys_mount_attr(AT_FDCWD, "plain", MOUNT_ATTR_RDONLY, 0, false)));
    fprintf(out, "nothing: %s\n", outcome(sys_mount_attr(AT_FDCWD, "none", MOUNT_ATTR_RDONLY, 0, false)));
    write_to("m/x", "still written?");
    fprintf(out, "m/x: %s\n", outcome(access("m/x", F_OK)));
}

/* In a user namespace what the mount had from outside is locked: a remount that drops it is refused. */
static void change_locked_mount_flags(FILE *out)
{
    mkdir("m", 0755);
    mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, NULL);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        fprintf(out, "could not be prepared\n");
    fprintf(out, "read-only: %s\n", outcome(sys_mount_attr(AT_FDCWD, "m", MOUNT_ATTR_RDONLY, 0, false)));
    print_flags(out, "m");
    fprintf(out, "dev: %s\n", outcome(sys_mount_attr(AT_FDCWD, "m", 0, MOUNT_ATTR_NODEV, false)));
    print_flags(out, "m");
}

static void mount_flags_are_the_same_without_mount_setattr(void **state)
{
    static const int no_setattr[] = { SYS_mount_setattr, 0 };
    same_without(change_mount_flags, no_setattr);
    same_without(change_locked_mount_flags, no_setattr);
}

static void ask_for_what_only_mount_setattr_can(FILE *out)
{
    mkdir("m", 0755);
    fprintf(out, "recursive: %s\n", outcome(sys_mount_attr(AT_FDCWD, "/mnt", MOUNT_ATTR_RDONLY, 0, true)));
    fprintf(out, "idmap: %s\n", outcome(sys_mount_idmap(0, 0, false)));
    print_flags(out, "/mnt");
}

static void what_only_mount_setattr_can_do_is_said_to_be_missing(void **state)
{
    static const int no_setattr[] = { SYS_mount_setattr, 0 };
    char text[SCENARIO_ROOM];
    record(ask_for_what_only_mount_setattr_can, no_setattr, text);
    assert_non_null(strstr(text, "recursive: ENOSYS\nidmap: ENOSYS\n"));
    assert_non_null(strstr(text, "/mnt: 0x1000\n")); /* unchanged: relatime alone */
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_opens_the_same_without_openat2),
        cmocka_unit_test(a_directory_moved_away_meanwhile_lets_nothing_out),
        cmocka_unit_test(fork_works_the_same_without_clone3),
        cmocka_unit_test(what_only_clone3_can_do_is_said_to_be_missing),
        cmocka_unit_test(signals_reach_the_same_process_without_pidfds),
        cmocka_unit_test(the_same_fds_stay_open_without_close_range),
        cmocka_unit_test(binds_are_the_same_without_open_tree_or_move_mount),
        cmocka_unit_test(mount_flags_are_the_same_without_mount_setattr),
        cmocka_unit_test(what_only_mount_setattr_can_do_is_said_to_be_missing),
    };
    return cmocka_run_group_tests_name("base_fallback", tests, NULL, NULL);
}

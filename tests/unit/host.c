/* What the machine is said to allow is what it allows: each refusal is provoked for real, and trying leaves nothing behind. */
#include "engine/observe/host.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/try.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

/* Run @body in a child and read what it writes. */
static void in_child(void (*body)(FILE *out), char *text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        FILE *out = fdopen(ends[1], "w");
        body(out);
        fclose(out);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], text + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    if (status != 0)
        fail_msg("the child ended with %#x after: %s", (unsigned)status, text);
}

static void report(FILE *out, const char *name)
{
    char found[256];
    const struct host_feature *feature = host_feature_find(name);
    static const char *const words[] = { "no", "yes", "partly" };
    enum host_answer answer = feature->probe(found, sizeof found);
    fprintf(out, "%s %s: %s\n", name, words[answer], found);
}

static void answer_errno_to(int number, int errnum)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(9);
}

static void has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("expected `%s` in: %s", wanted, text);
}

static void every_feature_has_a_name_of_its_own_and_all_its_words(void **state)
{
    for (size_t i = 0; i < host_feature_count; i++) {
        const struct host_feature *feature = &host_features[i];
        assert_ptr_equal(host_feature_find(feature->name), feature);
        assert_true(*feature->what && *feature->brings && *feature->group);
        assert_int_equal(strspn(feature->name, "abcdefghijklmnopqrstuvwxyz0123456789_-"), strlen(feature->name));
        char brings[512];
        host_brings(feature, brings, sizeof brings);
        assert_null(strpbrk(brings, "{}"));
    }
    assert_null(host_feature_find("no-such-feature"));
    assert_null(host_feature_find(""));
}

static void list_traces(FILE *out)
{
    static const char *const patterns[] = { "/var/tmp/teachroot-doctor-*", "/tmp/teachroot-doctor-*",
                                            "/sys/fs/cgroup/teachroot/doctor-*", "/sys/fs/cgroup/*/teachroot/doctor-*",
                                            "/sys/class/net/doctor*" };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t found;
        if (glob(patterns[i], 0, NULL, &found) == 0)
            for (size_t j = 0; j < found.gl_pathc; j++)
                fprintf(out, "left behind: %s\n", found.gl_pathv[j]);
        globfree(&found);
    }
}

static int count_fds(void)
{
    cleanup_dir DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(dir))
        count++;
    return count;
}

static void own_state(char *text, size_t size)
{
    static const char *const links[] = { "/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/ns/net",
                                         "/proc/self/ns/pid_for_children", "/proc/self/cwd" };
    struct utsname name;
    uname(&name);
    size_t len =
        (size_t)snprintf(text, size, "%s %d fds %d filter;", name.nodename, count_fds(), prctl(PR_GET_SECCOMP));
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char target[256];
        ssize_t n = readlink(links[i], target, sizeof target);
        len += (size_t)snprintf(text + len, size - len, " %.*s", (int)n, target);
    }
    cleanup_file FILE *mounts = fopen("/proc/self/mountinfo", "re");
    int lines = 0;
    for (int c; (c = fgetc(mounts)) != EOF;)
        lines += c == '\n';
    snprintf(text + len, size - len, " %d mounts", lines);
}

static void try_everything(FILE *out)
{
    char before[2048], after[2048], found[256];
    struct timespec start, end;
    /* In a mount namespace of our own: others mount and unmount meanwhile. */
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    own_state(before, sizeof before);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 0; i < host_feature_count; i++) {
        found[0] = '\0';
        enum host_answer answer = host_features[i].probe(found, sizeof found);
        if (answer > HOST_PARTLY || !*found || strchr(found, '\n'))
            fprintf(out, "%s: %d `%s`\n", host_features[i].name, answer, found);
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
            fprintf(out, "%s leaves a child\n", host_features[i].name);
        own_state(after, sizeof after);
        if (strcmp(before, after) != 0)
            fprintf(out, "%s: before %s; after %s\n", host_features[i].name, before, after);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (end.tv_sec - start.tv_sec > 10)
        fprintf(out, "it took %ld s\n", (long)(end.tv_sec - start.tv_sec));
    list_traces(out);
}

static void trying_everything_leaves_nothing_behind(void **state)
{
    char text[8192];
    in_child(try_everything, text, sizeof text);
    assert_string_equal(text, "");
}

static void without_unshare(FILE *out)
{
    answer_errno_to(SYS_unshare, EPERM);
    report(out, "userns");
    report(out, "netns");
    report(out, "userns-overlay");
}

static void a_refused_user_namespace_is_said(void **state)
{
    char text[2048];
    in_child(without_unshare, text, sizeof text);
    has(text, "userns no: unshare is refused: Operation not permitted");
    has(text, "netns no: ");
    has(text, "userns-overlay no: ");
}

/* What Ubuntu's AppArmor does: unshare succeeds, and then nothing is allowed. */
static void without_mount(FILE *out)
{
    answer_errno_to(SYS_mount, EACCES);
    report(out, "userns");
    report(out, "pidns");
    report(out, "overlay");
}

static void a_user_namespace_in_which_nothing_is_allowed_is_none(void **state)
{
    char text[2048];
    in_child(without_mount, text, sizeof text);
    has(text, "userns no: it can be made, but nothing is allowed in it: Permission denied");
    has(text, "pidns no: ");
    has(text, "overlay no: ");
}

static void without_newer_calls(FILE *out)
{
    static const struct {
        int number;
        const char *name;
    } calls[] = { { SYS_openat2, "openat2" },
                  { SYS_clone3, "clone3" },
                  { SYS_pidfd_open, "pidfd" },
                  { SYS_open_tree, "open_tree" },
                  { SYS_mount_setattr, "mount_setattr" },
                  { SYS_close_range, "close_range" } };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        report(out, calls[i].name);
        fflush(out);
        answer_errno_to(calls[i].number, ENOSYS);
        report(out, calls[i].name);
        fflush(out);
    }
}

static void a_missing_system_call_is_seen(void **state)
{
    char text[4096];
    in_child(without_newer_calls, text, sizeof text);
    static const char *const names[] = { "openat2", "clone3", "pidfd", "open_tree", "mount_setattr", "close_range" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char yes[64], no[64];
        snprintf(yes, sizeof yes, "%s yes: works\n", names[i]);
        snprintf(no, sizeof no, "%s no: this kernel, or a seccomp filter round us, has no ", names[i]);
        if (!strstr(text, yes) || !strstr(text, no))
            fail_msg("%s: %s", names[i], text);
    }
}

static void hide(const char *path)
{
    char real[4096];
    if (realpath(path, real))
        mount("/dev/null", real, NULL, MS_BIND, NULL);
}

static void with_programs_hidden(FILE *out)
{
    static const char *const names[] = { "strace", "busybox", "debootstrap", "ip", "ldd", "mke2fs", "nft" };
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        report(out, names[i]);
        while (host_program(names[i], path, sizeof path) && stat(path, &(struct stat){ 0 }) == 0)
            hide(path);
        report(out, names[i]);
    }
    hide("/dev/loop-control");
    report(out, "loop");
}

static void a_missing_program_is_seen(void **state)
{
    char text[4096];
    in_child(with_programs_hidden, text, sizeof text);
    static const char *const names[] = { "strace", "busybox", "debootstrap", "ip", "ldd", "mke2fs", "nft" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char yes[64], no[64];
        snprintf(yes, sizeof yes, "%s yes: ", names[i]);
        snprintf(no, sizeof no, "%s no: no program %s\n", names[i], names[i]);
        if (!strstr(text, yes) || !strstr(text, no))
            fail_msg("%s: %s", names[i], text);
    }
    has(text, "loop no: ");
}

static void as_an_ordinary_user(FILE *out)
{
    if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
        fprintf(out, "could not become nobody\n");
    static const char *const names[] = { "root", "subuid", "idmap", "loop", "userns" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(out, names[i]);
}

static void what_only_root_can_is_not_promised_to_others(void **state)
{
    char text[2048];
    in_child(as_an_ordinary_user, text, sizeof text);
    has(text, "root no: user 65534");
    has(text, "subuid no: /etc/subuid has no range");
    has(text, "idmap no: for root only");
    has(text, "loop no: for root only");
}

static void without_a_network(FILE *out)
{
    if (unshare(CLONE_NEWNET) < 0)
        fprintf(out, "could not be prepared\n");
    report(out, "network");
}

/* A route, but nobody who resolves names. */
static void with_a_loopback_resolver(FILE *out)
{
    static const char *const setup[] = { "sh", "-c",
                                         "ip link add out0 type veth peer name out1 && ip link set out1 up && ip link "
                                         "set out0 up && ip addr add 192.0.2.9/24 dev out0 && "
                                         "ip route add default via 192.0.2.1",
                                         NULL };
    static const char *const drop[] = {
        "nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
        NULL
    };
    char said[512];
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) < 0)
        fprintf(out, "could not be prepared\n");
    cleanup_close int fd = open("/run/resolv.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (write(fd, "nameserver 192.0.2.53\n", 22) != 22 ||
        mount("/run/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
        fprintf(out, "resolv.conf could not be prepared\n");
    if (host_run(setup, said, sizeof said) != 0)
        fprintf(out, "no route could be made: %s\n", said);
    report(out, "network");
    if (host_run(drop, said, sizeof said) != 0)
        fprintf(out, "no firewall could be made: %s\n", said);
    report(out, "network");
    if (ftruncate(fd, 0) < 0 || pwrite(fd, "nameserver 127.0.0.53\n", 22, 0) != 22)
        fprintf(out, "resolv.conf could not be changed\n");
    report(out, "network");
}

static void what_leaves_a_lab_offline_is_seen(void **state)
{
    char text[2048];
    in_child(without_a_network, text, sizeof text);
    assert_string_equal(text, "network no: no default route: labs are offline\n");
    in_child(with_a_loopback_resolver, text, sizeof text);
    assert_string_equal(
        text, "network yes: a route out by out0, name server 192.0.2.53\n"
              "network partly: a route out by out0, but the firewall drops what is forwarded (Docker's rules?)\n"
              "network partly: a route out by out0, but no name server that a lab could reach\n");
}

static void install_commands(FILE *out)
{
    static const char *const managers[] = { "zypper", "pacman", "apk", "dnf", "apt-get" };
    char command[128];
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("none", "/mnt", "tmpfs", 0, NULL);
    mkdir("/mnt/usr", 0755);
    mkdir("/mnt/usr/bin", 0755);
    if (chroot("/mnt") < 0)
        fprintf(out, "could not be prepared\n");
    host_install_command("uidmap", command, sizeof command);
    fprintf(out, "%s\n", command);
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++) {
        char path[64];
        snprintf(path, sizeof path, "/usr/bin/%s", managers[i]);
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
        host_install_command("uidmap", command, sizeof command);
        fprintf(out, "%s\n", command);
        host_install_command("strace", command, sizeof command);
        fprintf(out, "%s\n", command);
    }
}

static void the_install_command_is_that_of_the_machine(void **state)
{
    char text[2048];
    in_child(install_commands, text, sizeof text);
    assert_string_equal(text, "the package uidmap\n"
                              "zypper install shadow\nzypper install strace\n"
                              "pacman -S shadow\npacman -S strace\n"
                              "apk add shadow-uidmap\napk add strace\n"
                              "dnf install shadow-utils\ndnf install strace\n"
                              "apt-get install uidmap\napt-get install strace\n");
}

static enum host_answer crash(char *found, size_t size)
{
    raise(SIGKILL);
    return HOST_YES;
}

static enum host_answer hang(char *found, size_t size)
{
    fork(); /* a child of its own holds the pipe open, too */
    while (pause() < 0)
        continue;
    return HOST_YES;
}

static void a_probe_that_dies_or_hangs_is_a_no(void **state)
{
    char found[256];
    assert_int_equal(host_try(crash, found, sizeof found), HOST_NO);
    assert_string_equal(found, "trying it ended with signal 9");
    assert_int_equal(host_try(hang, found, sizeof found), HOST_NO);
    assert_string_equal(found, "trying it took over 5 s");
}

static void running_a_program_gives_its_output_and_status(void **state)
{
    static const char *const speak[] = { "sh", "-c", "echo out; echo err >&2; cat; exit 3", NULL },
                             *const much[] = { "seq", "100000", NULL }, *const none[] = { "no-such-program", NULL };
    char text[64];
    assert_int_equal(WEXITSTATUS(host_run(speak, text, sizeof text)), 3);
    assert_string_equal(text, "out\nerr\n");
    assert_int_equal(host_run(much, text, sizeof text), 0); /* read to the end, or it would die of SIGPIPE */
    assert_int_equal(strlen(text), 63);
    assert_int_equal(host_run(none, text, sizeof text), -1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_a_name_of_its_own_and_all_its_words),
        cmocka_unit_test(trying_everything_leaves_nothing_behind),
        cmocka_unit_test(a_refused_user_namespace_is_said),
        cmocka_unit_test(a_user_namespace_in_which_nothing_is_allowed_is_none),
        cmocka_unit_test(a_missing_system_call_is_seen),
        cmocka_unit_test(a_missing_program_is_seen),
        cmocka_unit_test(what_only_root_can_is_not_promised_to_others),
        cmocka_unit_test(what_leaves_a_lab_offline_is_seen),
        cmocka_unit_test(the_install_command_is_that_of_the_machine),
        cmocka_unit_test(a_probe_that_dies_or_hangs_is_a_no),
        cmocka_unit_test(running_a_program_gives_its_output_and_status),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}

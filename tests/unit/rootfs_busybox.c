/* A root filesystem of busybox alone: complete, its names those of the program itself, and one that starts. */
#include "engine/base/cleanup.h"
#include "engine/rootfs/busybox.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char root[64];

static int make_directory(void **state)
{
    snprintf(root, sizeof root, "/tmp/teachroot-test.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static int open_root(void)
{
    return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_static_busybox_is_found(void **state)
{
    char path[PATH_MAX];
    struct err err;
    if (busybox_find(path, sizeof path, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(access(path, X_OK), 0);
}

static void every_name_it_lists_is_a_link_to_it(void **state)
{
    struct err err;
    char line[256], path[400], target[64], busybox[PATH_MAX], command[PATH_MAX + 32];
    cleanup_close int fd = open_root();
    int made = busybox_rootfs(fd, NULL, &err);
    if (made < 0)
        fail_msg("%s", err.message);
    assert_int_equal(busybox_find(busybox, sizeof busybox, &err), 0);
    snprintf(command, sizeof command, "%s --list-full", busybox);
    FILE *list = popen(command, "r");
    int names = 0;
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, sizeof path, "%s/%s", root, line);
        if (strcmp(line, "bin/busybox") == 0)
            continue;
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n < 0)
            fail_msg("%s is no link", path);
        target[n] = '\0';
        assert_string_equal(target, "/bin/busybox");
        names++;
    }
    pclose(list);
    assert_true(names > 100);
    assert_int_equal(made, names);
}

static void it_has_the_directories_a_system_needs(void **state)
{
    static const struct {
        const char *path;
        mode_t mode;
    } expected[] = { { "proc", 0555 }, { "sys", 0555 }, { "dev", 0755 },
                     { "tmp", 01777 }, { "etc", 0755 }, { "root", 0700 } };
    struct err err;
    struct stat st;
    cleanup_close int fd = open_root();
    assert_true(busybox_rootfs(fd, NULL, &err) > 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(fstatat(fd, expected[i].path, &st, 0), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(st.st_mode & 07777, expected[i].mode);
    }
}

static void a_shell_runs_in_it_and_knows_root(void **state)
{
    struct err err;
    if (geteuid() != 0)
        skip(); /* chroot(2) is for root; tests/lessons.bats does it as an ordinary user in a lab */
    cleanup_close int fd = open_root();
    assert_true(busybox_rootfs(fd, NULL, &err) > 0);
    int output[2];
    char said[256] = "";
    assert_int_equal(pipe(output), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output[1], 1);
        if (chroot(root) < 0 || chdir("/") < 0)
            _exit(1);
        execl("/bin/sh", "sh", "-c", "id -un; ls -d /proc /tmp; awk 'BEGIN { print 6 * 7 }'", (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    for (size_t len = 0; len < sizeof said - 1;) {
        ssize_t n = read(output[0], said + len, sizeof said - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(output[0]);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_string_equal(said, "root\n/proc\n/tmp\n42\n");
}

static void what_is_there_is_kept_and_it_may_be_repeated(void **state)
{
    struct err err;
    char text[64] = "";
    cleanup_close int fd = open_root();
    mkdirat(fd, "etc", 0755);
    cleanup_close int passwd = openat(fd, "etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(passwd, "mine\n", 5), 5);
    assert_true(busybox_rootfs(fd, NULL, &err) > 0);
    assert_int_equal(busybox_rootfs(fd, NULL, &err), 0);
    cleanup_close int again = openat(fd, "etc/passwd", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(again, text, sizeof text), 5);
    assert_string_equal(text, "mine\n");
}

static void links_in_the_root_do_not_lead_out_of_it(void **state)
{
    struct err err;
    struct stat st;
    char outside[80], inside[128];
    snprintf(outside, sizeof outside, "%s.outside", root);
    assert_int_equal(mkdir(outside, 0755), 0);
    cleanup_close int fd = open_root();
    assert_int_equal(symlinkat(outside, fd, "sbin"), 0);
    int made = busybox_rootfs(fd, NULL, &err);
    snprintf(inside, sizeof inside, "%s/init", outside);
    assert_int_equal(lstat(inside, &st), -1);
    assert_int_equal(rmdir(outside), 0);
    (void)made; /* whether it could be made with such a link is another matter */
}

static void a_program_with_libraries_is_refused(void **state)
{
    struct err err;
    cleanup_close int fd = open_root();
    assert_int_equal(busybox_rootfs(fd, "/bin/bash", &err), -1);
    assert_int_equal(err.code, ENOEXEC);
    assert_non_null(strstr(err.message, "/bin/bash"));
    struct stat st;
    assert_int_equal(fstatat(fd, "bin", &st, 0), -1); /* nothing was begun */
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        TEST(a_static_busybox_is_found),
        TEST(every_name_it_lists_is_a_link_to_it),
        TEST(it_has_the_directories_a_system_needs),
        TEST(a_shell_runs_in_it_and_knows_root),
        TEST(what_is_there_is_kept_and_it_may_be_repeated),
        TEST(links_in_the_root_do_not_lead_out_of_it),
        TEST(a_program_with_libraries_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

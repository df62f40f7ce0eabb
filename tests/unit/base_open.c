/* Opening by policy, making directories, replacing and reading files: what each promises. That the ways without the newer syscalls keep the same promises is
 * tests/unit/base_fallback.c. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char home[] = "/tmp/base-open-XXXXXX";
static int root = -1;

static void put(int at, const char *path, const char *text)
{
    cleanup_close int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int make_tree(void **state)
{
    umask(022);
    if (!mkdtemp(home) || chdir(home) < 0)
        return -1;
    put(AT_FDCWD, "secret", "outside");
    mkdir("root", 0755);
    root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    mkdirat(root, "etc", 0755);
    mkdirat(root, "usr", 0755);
    mkdirat(root, "usr/bin", 0755);
    put(root, "etc/passwd", "inside");
    symlinkat("usr/bin", root, "bin");
    symlinkat("/etc/passwd", root, "absolute");
    symlinkat("../../../../secret", root, "climbing");
    symlinkat("loop", root, "loop");
    return 0;
}

static int remove_tree(void **state)
{
    close(root);
    chdir("/");
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", home, NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    return 0;
}

static void opened(enum open_policy policy, const char *path, const char *expected)
{
    struct err err = { 0 };
    char text[64] = "";
    cleanup_close int fd = open_policy(root, path, policy, &err);
    if (fd < 0)
        fail_msg("%s", err.message);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    if (expected) {
        assert_true(read(fd, text, sizeof text - 1) >= 0);
        assert_string_equal(text, expected);
    }
}

static void refused(enum open_policy policy, const char *path, int code)
{
    struct err err = { 0 };
    assert_int_equal(open_policy(root, path, policy, &err), -1);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, strerrordesc_np(code)));
}

static void paths_in_a_root_stay_in_it(void **state)
{
    opened(OPEN_IN_ROOT_READ, "/etc/passwd", "inside");
    opened(OPEN_IN_ROOT_READ, "absolute", "inside");
    opened(OPEN_IN_ROOT_READ, "../../../etc/passwd", "inside");
    opened(OPEN_IN_ROOT_READ, "bin/../../etc/passwd", "inside");
    refused(OPEN_IN_ROOT_READ, "climbing", ENOENT);
    refused(OPEN_IN_ROOT_READ, "../secret", ENOENT);
    refused(OPEN_IN_ROOT_READ, "loop", ELOOP);
    refused(OPEN_IN_ROOT_DIRECTORY, "etc/passwd", ENOTDIR);
    opened(OPEN_IN_ROOT_DIRECTORY, "bin", NULL);
}

static void a_leaf_is_opened_itself_where_a_path_is_followed(void **state)
{
    struct stat st;
    cleanup_close int leaf = open_policy(root, "bin", OPEN_IN_ROOT_LEAF, NULL);
    assert_int_equal(fstat(leaf, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    cleanup_close int path = open_policy(root, "bin", OPEN_IN_ROOT_PATH, NULL);
    assert_int_equal(fstat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
}

static void creating_goes_through_links_to_directories_but_not_onto_one(void **state)
{
    cleanup_close int fd = open_policy(root, "bin/made", OPEN_IN_ROOT_CREATE, NULL);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(fstatat(root, "usr/bin/made", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    refused(OPEN_IN_ROOT_CREATE, "climbing", ELOOP);
    assert_int_equal(stat("secret", &st), 0);
    assert_int_equal(st.st_size, 7);
    refused(OPEN_IN_ROOT_CREATE, "etc", EISDIR);
}

static void strict_reading_takes_no_links_and_no_way_up(void **state)
{
    opened(OPEN_STRICT_READ, "etc/passwd", "inside");
    refused(OPEN_STRICT_READ, "bin/made", ELOOP);
    refused(OPEN_STRICT_READ, "absolute", ELOOP);
    refused(OPEN_STRICT_READ, "../secret", EXDEV);
    refused(OPEN_STRICT_READ, "/etc/passwd", EXDEV);
}

static void the_root_itself_is_found_by_the_hosts_rules(void **state)
{
    symlink("root", "link-to-root");
    cleanup_close int fd = open_policy(AT_FDCWD, "link-to-root", OPEN_ROOT_DIRECTORY, NULL);
    struct stat a, b;
    assert_int_equal(fstat(fd, &a), 0);
    assert_int_equal(fstat(root, &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    struct err err;
    assert_int_equal(open_policy(AT_FDCWD, "secret", OPEN_ROOT_DIRECTORY, &err), -1);
    assert_int_equal(err.code, ENOTDIR);
}

static void directories_are_made_with_their_parents_inside_the_root(void **state)
{
    struct stat st;
    assert_int_equal(make_directories_in(root, "/var/lib/deep", 0750, NULL), 0);
    assert_int_equal(fstatat(root, "var/lib/deep", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(make_directories_in(root, "var/lib/deep", 0700, NULL), 0);
    assert_int_equal(make_directories_in(root, "bin/below", 0755, NULL), 0);
    assert_int_equal(fstatat(root, "usr/bin/below", &st, 0), 0);
    assert_int_equal(make_directories_in(root, "../climbed", 0755, NULL), 0);
    assert_int_equal(fstatat(root, "climbed", &st, 0), 0);
    assert_int_equal(stat("climbed", &st), -1);
    struct err err;
    assert_int_equal(make_directories_in(root, "etc/passwd/x", 0755, &err), -1);
    assert_int_equal(err.code, ENOTDIR);
    assert_int_equal(make_directories_in(root, "loop/x", 0755, &err), -1);
    assert_int_equal(err.code, ELOOP);
    char name[300];
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    assert_int_equal(make_directories_in(root, name, 0755, &err), -1);
    assert_int_equal(err.code, ENAMETOOLONG);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
    char buf[9];
    struct err err;
    put(AT_FDCWD, "eight", "12345678");
    put(AT_FDCWD, "nine", "123456789");
    put(AT_FDCWD, "empty", "");
    memset(buf, 'x', sizeof buf);
    assert_int_equal(read_file_at(AT_FDCWD, "eight", buf, sizeof buf, NULL), 8);
    assert_string_equal(buf, "12345678");
    assert_int_equal(read_file_at(AT_FDCWD, "nine", buf, sizeof buf, &err), -1);
    assert_int_equal(err.code, ENOSPC);
    assert_string_equal(err.message, "read `nine`: longer than the 8 bytes expected");
    assert_int_equal(read_file_at(AT_FDCWD, "empty", buf, sizeof buf, NULL), 0);
    assert_string_equal(buf, "");
    assert_int_equal(read_file_at(AT_FDCWD, "none", buf, sizeof buf, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_int_equal(read_file_at(AT_FDCWD, ".", buf, sizeof buf, &err), -1);
    assert_int_equal(err.code, EISDIR);
    /* A file that comes in pieces, as from /proc. */
    static char large[200000];
    assert_true(read_file_at(AT_FDCWD, "/proc/self/smaps", large, sizeof large, NULL) > 8192);
    assert_non_null(strstr(large, "[stack]"));
}

static void writing_needs_an_existing_file(void **state)
{
    char buf[16];
    struct err err;
    put(AT_FDCWD, "there", "old");
    assert_int_equal(write_file_at(AT_FDCWD, "there", "new", NULL), 0);
    assert_int_equal(read_file_at(AT_FDCWD, "there", buf, sizeof buf, NULL), 3);
    assert_string_equal(buf, "new");
    assert_int_equal(write_file_at(AT_FDCWD, "not-there", "new", &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_int_equal(write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "nonsense", &err), -1);
    assert_int_equal(err.code, EINVAL);
    assert_non_null(strstr(err.message, "nonsense"));
}

#define LENGTH 300000

static void a_replaced_file_is_old_or_new_after_kill_at_any_moment(void **state)
{
    static char text[LENGTH], seen[LENGTH + 1];
    memset(text, 'A', sizeof text);
    mkdir("swap", 0755);
    assert_int_equal(replace_file("swap/file", text, sizeof text, 0640, NULL), 0);
    struct stat st;
    assert_int_equal(stat("swap/file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    int changes = 0;
    char last = 'A';
    for (int round = 0; round < 60; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (char c = 'B';; c = c == 'Z' ? 'B' : (char)(c + 1)) {
                memset(text, c, sizeof text);
                replace_file("swap/file", text, sizeof text, 0640, NULL);
            }
        }
        /* A reader meanwhile, and after the kill, sees one whole version. */
        for (int look = 0; look < 3; look++) {
            poll(NULL, 0, round % 5);
            if (look == 2) {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
            }
            assert_int_equal(read_file_at(AT_FDCWD, "swap/file", seen, sizeof seen, NULL), LENGTH);
            for (size_t i = 1; i < LENGTH; i++)
                if (seen[i] != seen[0])
                    fail_msg("byte %zu is %c, byte 0 is %c", i, seen[i], seen[0]);
            changes += seen[0] != last;
            last = seen[0];
        }
    }
    assert_true(changes > 10); /* or nothing was tried */
}

static void a_replacement_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
    char buf[16];
    struct err err;
    mkdir("full", 0755);
    mkdir("full/directory", 0755);
    assert_int_equal(replace_file("full/directory", "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, EISDIR);
    assert_int_equal(replace_file("nowhere/file", "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ENOENT);
    cleanup_dir DIR *dir = opendir("full");
    const struct dirent *entry;
    int names = 0;
    while ((entry = readdir(dir)))
        names++;
    assert_int_equal(names, 3); /* `.`, `..` and the directory */
    /* The file size limit hits in the middle of the write. */
    put(AT_FDCWD, "full/file", "old");
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = { 4096, 4096 };
        static char text[10000];
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(replace_file("full/file", text, sizeof text, 0600, &err) == -1 && err.code == EFBIG ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(read_file_at(AT_FDCWD, "full/file", buf, sizeof buf, NULL), 3);
    rewinddir(dir);
    for (names = 0; readdir(dir);)
        names++;
    assert_int_equal(names, 4);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_in_a_root_stay_in_it),
        cmocka_unit_test(a_leaf_is_opened_itself_where_a_path_is_followed),
        cmocka_unit_test(creating_goes_through_links_to_directories_but_not_onto_one),
        cmocka_unit_test(strict_reading_takes_no_links_and_no_way_up),
        cmocka_unit_test(the_root_itself_is_found_by_the_hosts_rules),
        cmocka_unit_test(directories_are_made_with_their_parents_inside_the_root),
        cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
        cmocka_unit_test(writing_needs_an_existing_file),
        cmocka_unit_test(a_replaced_file_is_old_or_new_after_kill_at_any_moment),
        cmocka_unit_test(a_replacement_that_fails_leaves_the_old_file_and_nothing_else),
    };
    return cmocka_run_group_tests_name("base_open", tests, make_tree, remove_tree);
}

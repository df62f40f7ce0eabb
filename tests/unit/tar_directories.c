/* Directories have the modes and times that the archive says, in whatever order it comes to them, and take no memory each. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"
#include "engine/rootfs/copy_tree.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { TIME = 01750 /* what archive.h's headers have */, BEFORE = 77 };
static int to = -1;
static struct archive a;

static int make_target(void **state)
{
    umask(022);
    a.size = 0;
    to = mkdir("to", 0755) < 0 ? -1 : open("to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return to < 0 ? -1 : 0;
}

static int remove_target(void **state)
{
    close(to);
    return rootfs_remove_tree(AT_FDCWD, "to", NULL);
}

static void directory(const char *name, const char *mode)
{
    struct tar_header header = header_of(name, '5', 0);
    memcpy(header.mode, mode, 8);
    archive_header(&a, header);
}

static int unpack(struct source *from, struct err *err)
{
    int result = tar_unpack(from, to, &(struct tar_unpack){ .squash = geteuid() != 0 }, NULL, err);
    source_close(from);
    return result;
}

static void apply(void)
{
    struct err err = { 0 };
    archive_end(&a);
    if (unpack(source_memory(a.data, a.size, NULL), &err) < 0)
        fail_msg("%s", err.message);
    a.size = 0;
}

static void is(const char *path, int64_t seconds, mode_t mode)
{
    struct stat st;
    if (fstatat(to, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s is not there", path);
    if (st.st_mtim.tv_sec != seconds || (st.st_mode & 07777) != mode)
        fail_msg("%s: time %lld, mode %o", path, (long long)st.st_mtim.tv_sec, st.st_mode);
}

static void times_hold_whatever_is_made_later(void **state)
{
    archive_directory(&a, "a");
    archive_directory(&a, "a/b");
    archive_file(&a, "a/b/one", "1");
    archive_directory(&a, "c");
    archive_file(&a, "a/b/two", "2");
    archive_link(&a, "through", '2', "a/b");
    archive_file(&a, "through/three", "3");
    archive_link(&a, "a/c", '2', "/a");
    archive_file(&a, "a/c/four", "4");
    archive_file(&a, "a/missing/five", "5");
    archive_link(&a, "c/six", '1', "a/b/one");
    apply();
    is("a", TIME, 0755);
    is("a/b", TIME, 0755);
    is("c", TIME, 0755);
    assert_int_equal(faccessat(to, "a/four", F_OK, 0), 0);
}

static void an_entry_may_come_after_what_is_in_it(void **state)
{
    archive_file(&a, "a/b/c/f", "x");
    directory("a/b/c/", "0000700");
    directory("a/", "0000750");
    archive_file(&a, "a/b/g", "x");
    directory("./", "0000711");
    apply();
    is("a/b/c", TIME, 0700);
    is("a", TIME, 0750);
    is(".", TIME, 0711);
}

static void one_without_an_entry_keeps_what_it_has(void **state)
{
    const struct timespec times[2] = { { BEFORE, 0 }, { BEFORE, 0 } };
    archive_directory(&a, "here");
    archive_directory(&a, "here/below");
    archive_file(&a, "here/below/low", "x");
    archive_file(&a, "here/low", "x");
    apply();
    assert_int_equal(fchmodat(to, "here", 0550, 0), 0);
    utimensat(to, "here/below", times, 0);
    utimensat(to, "here", times, 0);
    futimens(to, times);
    archive_file(&a, "here/new", "x");
    archive_file(&a, "here/.wh.low", "");
    archive_file(&a, "new", "x");
    archive_file(&a, "here/.wh.below", "");
    archive_file(&a, "here/below/new", "x");
    apply();
    is("here", BEFORE, 0550);
    is(".", BEFORE, 0755);
    assert_int_equal(faccessat(to, "here/low", F_OK, 0), -1);
    assert_int_equal(faccessat(to, "here/below/low", F_OK, 0), -1);
}

/* A whiteout takes away what a lower layer had in a directory that this one made again. */
static void a_whiteout_changes_no_time(void **state)
{
    archive_directory(&a, "d");
    archive_directory(&a, "d/e");
    archive_file(&a, "d/e/low", "x");
    apply();
    archive_directory(&a, "d");
    archive_directory(&a, "d/e");
    archive_file(&a, ".wh.d", "");
    apply();
    assert_int_equal(faccessat(to, "d/e/low", F_OK, 0), -1);
    is("d", TIME, 0755);
    is("d/e", TIME, 0755);
}

/* As somebody who may not do everything. */
static void as_a_user(void (*run)(void))
{
    fchmod(to, 0777);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
            _exit(2);
        run();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void unpack_closed(void)
{
    struct err err = { 0 };
    directory("dry/", "0000500");
    directory("dark/", "0000000");
    directory("dark/darker/", "0000000");
    archive_file(&a, "other", "x");
    archive_file(&a, "dry/f", "x");
    archive_file(&a, "dark/darker/f", "x");
    archive_file(&a, "dry/missing/f", "x");
    archive_end(&a);
    if (unpack(source_memory(a.data, a.size, NULL), &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        _exit(1);
    }
}

/* The archive comes back to directories that their owner may not write, read or enter. */
static void closed_directories_are_opened_and_closed_again(void **state)
{
    as_a_user(unpack_closed);
    is("dry", TIME, 0500);
    is("dark", TIME, 0);
    if (geteuid() != 0)
        assert_int_equal(fchmodat(to, "dark", 0700, 0), 0);
    is("dark/darker", TIME, 0);
    if (geteuid() != 0)
        fchmodat(to, "dark/darker", 0700, 0);
    assert_int_equal(faccessat(to, "dark/darker/f", F_OK, 0), 0);
    assert_int_equal(faccessat(to, "dry/missing/f", F_OK, 0), 0);
}

static void remove_closed(void)
{
    struct err err = { 0 };
    unpack_closed();
    if (rootfs_remove_tree(to, "dark", &err) < 0 || rootfs_remove_tree(to, "dry", &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        _exit(1);
    }
}

static void closed_directories_can_be_removed_by_their_owner(void **state)
{
    as_a_user(remove_closed);
    assert_int_equal(faccessat(to, "dark", F_OK, 0), -1);
    assert_int_equal(faccessat(to, "dry", F_OK, 0), -1);
}

/* From memory, noting how much the program has allocated. */
struct weighed {
    struct source source;
    size_t at, first, most;
};

static ssize_t weighed_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct weighed *weighed = (struct weighed *)source;
    struct mallinfo2 now = mallinfo2();
    size_t used = now.uordblks + now.hblkhd, n = a.size - weighed->at;
    if (!weighed->at)
        weighed->first = used;
    if (n && used > weighed->most)
        weighed->most = used;
    if (n > size)
        n = size;
    memcpy(buf, a.data + weighed->at, n);
    weighed->at += n;
    return (ssize_t)n;
}

static void weighed_close(struct source *source)
{
}

static void memory_does_not_grow_with_the_directories(void **state)
{
    struct err err = { 0 };
    struct weighed weighed = { .source = { weighed_read, weighed_close, NULL } };
    for (int i = 0; i < 2500; i++) {
        char name[100];
        snprintf(name, sizeof name, "a directory with a name/%d/", i);
        archive_directory(&a, name);
    }
    archive_end(&a);
    if (tar_unpack(&weighed.source, to, &(struct tar_unpack){ .plain = true, .squash = geteuid() != 0 }, NULL, &err) <
        0)
        fail_msg("%s", err.message);
    assert_in_range(weighed.most - weighed.first, 0, 64 << 10);
    is("a directory with a name/2499", TIME, 0755);
}

#define WITH_TARGET(test) cmocka_unit_test_setup_teardown(test, make_target, remove_target)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_TARGET(times_hold_whatever_is_made_later),
        WITH_TARGET(an_entry_may_come_after_what_is_in_it),
        WITH_TARGET(one_without_an_entry_keeps_what_it_has),
        WITH_TARGET(a_whiteout_changes_no_time),
        WITH_TARGET(closed_directories_are_opened_and_closed_again),
        WITH_TARGET(closed_directories_can_be_removed_by_their_owner),
        WITH_TARGET(memory_does_not_grow_with_the_directories),
    };
    char home[] = "/tmp/tar-directories-XXXXXX";
    if (!mkdtemp(home) || chmod(home, 0755) < 0 || chdir(home) < 0)
        return 1;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("tar_directories", tests, NULL, NULL);
    free(a.data);
    return chdir("/") < 0 || rootfs_remove_tree(AT_FDCWD, home, NULL) < 0 ? 1 : failed;
}

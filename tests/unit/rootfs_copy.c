#include "tests/unit/make_root.h"

#include "engine/rootfs/elf_closure.h"

#include <errno.h>

struct events {
    int count[ROOTFS_STALE + 1];
    char last_from[PATH_MAX], last_to[PATH_MAX];
};

static void note_event(enum rootfs_copy_event event, const char *from, const char *to, const char *text, void *data)
{
    struct events *events = data;
    events->count[event]++;
    snprintf(events->last_from, sizeof events->last_from, "%s", from);
    snprintf(events->last_to, sizeof events->last_to, "%s", to);
}

static int copy(struct test_root *root, const char *program, struct events *events, struct err *err)
{
    *events = (struct events){ 0 };
    struct rootfs_copier *copier = rootfs_copier_open(root->fd, note_event, events, err);
    assert_non_null(copier);
    int result = rootfs_copier_add(copier, program, err);
    rootfs_copier_close(copier);
    return result;
}

/* The path of @path of the root as the host sees it. */
static const char *outside(struct test_root *root, const char *path)
{
    static char buf[2][3 * PATH_MAX];
    static int turn;
    turn = !turn;
    snprintf(buf[turn], sizeof buf[turn], "%s%s", root->path, path);
    return buf[turn];
}

static bool same_bytes(const char *a, const char *b)
{
    char command[3 * PATH_MAX];
    snprintf(command, sizeof command, "cmp -s '%s' '%s'", a, b);
    return system(command) == 0;
}

static bool starts(struct test_root *root, const char *command)
{
    char line[2 * PATH_MAX];
    snprintf(line, sizeof line, "chroot '%s' %s >/dev/null 2>&1", root->path, command);
    return system(line) == 0;
}

static void no_temporary_file_is_left(struct test_root *root)
{
    char command[PATH_MAX];
    snprintf(command, sizeof command, "test -z \"$(find '%s' -name '.copy-*')\"", root->path);
    assert_int_equal(system(command), 0);
}

static void a_copied_program_starts_in_an_empty_root(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    assert_true(copy(root, "/bin/ls", &events, &err) >= 3);
    assert_int_equal(events.count[ROOTFS_KEPT], 0);
    assert_true(starts(root, "/bin/ls /"));
    no_temporary_file_is_left(root);
}

static void a_second_copy_copies_nothing_and_says_so(void **state)
{
    struct test_root *root = *state;
    struct events first, second;
    struct err err = { 0 };
    int copied = copy(root, "/bin/ls", &first, &err);
    assert_true(copied > 0);
    assert_int_equal(copy(root, "/bin/ls", &second, &err), 0);
    assert_int_equal(second.count[ROOTFS_KEPT], copied);
    assert_int_equal(second.count[ROOTFS_LINKED], 0);
}

static void directories_the_root_has_are_used_as_they_are(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    struct stat st;
    const char *const made[] = { "/bin", "/lib", "/lib64" };
    for (int i = 0; i < 3; i++)
        assert_int_equal(make_directories_in(root->fd, made[i], 0755, NULL), 0);
    assert_true(copy(root, "/bin/ls", &events, &err) > 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lstat(outside(root, made[i]), &st), 0);
        assert_true(S_ISDIR(st.st_mode));
    }
    assert_int_equal(lstat(outside(root, "/usr"), &st), -1);
    assert_true(starts(root, "/bin/ls /"));
}

static void a_link_of_the_root_is_followed_inside_it_and_never_out(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    struct stat st;
    char outer[] = "/tmp/teachroot-outer-XXXXXX";
    assert_non_null(mkdtemp(outer));
    assert_int_equal(symlinkat(outer, root->fd, "lib64"), 0);
    assert_int_equal(symlinkat("../../../deep/er", root->fd, "lib"), 0);
    assert_true(copy(root, "/bin/ls", &events, &err) > 0);
    assert_int_equal(rmdir(outer), 0); /* empty still */
    assert_int_equal(stat(outside(root, "/deep/er"), &st), 0);
    assert_int_equal(lstat(outside(root, outer), &st), 0);
    assert_true(starts(root, "/bin/ls /"));
}

static void a_link_in_a_files_place_is_replaced_and_not_written_through(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    struct stat st;
    root_put(root, "/precious", "precious", 8, 0644);
    root_put(root, "/src/prog.sh", "#!/bin/sh\n", 10, 0755);
    char program[2 * PATH_MAX], target[2 * PATH_MAX];
    snprintf(program, sizeof program, "%s", outside(root, "/src/prog.sh"));
    assert_int_equal(make_directories_in(root->fd, outside(root, "/src"), 0755, NULL), 0);
    snprintf(target, sizeof target, "%s", outside(root, "/precious"));
    assert_int_equal(symlink(target, outside(root, program)), 0);
    assert_true(copy(root, program, &events, &err) >= 1);
    assert_int_equal(lstat(outside(root, program), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, 8);
}

static void an_outdated_file_is_replaced_whole(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    assert_int_equal(make_directories_in(root->fd, "/bin", 0755, NULL), 0);
    root_put(root, "/bin/ls", "old", 3, 0644);
    assert_true(copy(root, "/bin/ls", &events, &err) > 0);
    assert_true(same_bytes("/bin/ls", outside(root, "/bin/ls")));
    assert_true(starts(root, "/bin/ls /"));
}

static void modes_and_times_are_kept(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    struct stat here, there;
    assert_true(copy(root, "/usr/bin/passwd", &events, &err) > 0);
    assert_int_equal(stat("/usr/bin/passwd", &here), 0);
    assert_int_equal(stat(outside(root, "/usr/bin/passwd"), &there), 0);
    assert_true(here.st_mode & S_ISUID);
    assert_int_equal(there.st_mode, here.st_mode);
    assert_int_equal(there.st_mtime, here.st_mtime);
    assert_int_equal(there.st_uid, here.st_uid);
}

static void a_scripts_interpreter_is_copied_too_even_through_env(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    struct test_root script = { .path = "/tmp/teachroot-test-XXXXXX" };
    assert_non_null(mkdtemp(script.path));
    script.fd = open(script.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    root_put(&script, "/direct", "#! /bin/sh -e\nexit 0\n", 21, 0755);
    root_put(&script, "/env", "#!/usr/bin/env -S A=b bash\nexit 0\n", 34, 0755);
    root_put(&script, "/gone", "#!/nowhere/interpreter\n", 23, 0755);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/direct", script.path);
    assert_true(copy(root, path, &events, &err) > 0);
    assert_int_equal(events.count[ROOTFS_SCRIPT], 1);
    assert_true(starts(root, path));
    snprintf(path, sizeof path, "%s/env", script.path);
    assert_true(copy(root, path, &events, &err) > 0);
    assert_int_equal(events.count[ROOTFS_SCRIPT], 2);
    assert_true(starts(root, path));
    snprintf(path, sizeof path, "%s/gone", script.path);
    assert_int_equal(copy(root, path, &events, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_non_null(strstr(err.message, "/nowhere/interpreter"));
    void *data = &script;
    root_remove(&data);
}

static void a_missing_library_is_named_with_who_needs_it(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    root_put_elf(root, "/src/prog",
                 &(struct elf_recipe){ .interpreter = "/lib64/ld-linux-x86-64.so.2",
                                       .needs = { "libabsent.so.9", "libc.so.6" } });
    char program[2 * PATH_MAX];
    snprintf(program, sizeof program, "%s", outside(root, "/src/prog"));
    assert_int_equal(copy(root, program, &events, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_non_null(strstr(err.message, "libabsent.so.9"));
    assert_non_null(strstr(err.message, program));
    assert_true(events.count[ROOTFS_COPIED] >= 3); /* what can be copied is */
}

static void a_static_program_is_copied_alone(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    root_put_elf(root, "/src/static", &(struct elf_recipe){ 0 });
    char program[2 * PATH_MAX];
    snprintf(program, sizeof program, "%s", outside(root, "/src/static"));
    assert_int_equal(copy(root, program, &events, &err), 1);
    assert_string_equal(events.last_from, program);
    assert_string_equal(events.last_to, program);
}

static void what_is_no_program_is_refused(void **state)
{
    struct test_root *root = *state;
    struct events events;
    struct err err = { 0 };
    assert_int_equal(copy(root, "/etc/passwd", &events, &err), -1);
    assert_int_equal(err.code, ENOEXEC);
    assert_int_equal(copy(root, "/etc", &events, &err), -1);
    assert_int_equal(err.code, EINVAL);
    assert_int_equal(copy(root, "no-such-program-anywhere", &events, &err), -1);
    assert_int_equal(err.code, ENOENT);
    assert_int_equal(copy(root, "", &events, &err), -1);
    assert_int_equal(copy(root, "/gone/prog", &events, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

static void copied_directly(const char *from, const char *to, void *data)
{
    ++*(int *)data;
}

static void the_short_form_counts_the_files_it_copied(void **state)
{
    struct test_root *root = *state;
    struct err err = { 0 };
    int told = 0;
    int copied = rootfs_copy_program(root->fd, "/bin/cat", copied_directly, &told, &err);
    assert_true(copied >= 3 && told >= copied);
    assert_int_equal(rootfs_copy_program(root->fd, "/bin/cat", NULL, NULL, &err), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, root_make, root_remove)
    const struct CMUnitTest tests[] = {
        IN_ROOT(a_copied_program_starts_in_an_empty_root),
        IN_ROOT(a_second_copy_copies_nothing_and_says_so),
        IN_ROOT(directories_the_root_has_are_used_as_they_are),
        IN_ROOT(a_link_of_the_root_is_followed_inside_it_and_never_out),
        IN_ROOT(a_link_in_a_files_place_is_replaced_and_not_written_through),
        IN_ROOT(an_outdated_file_is_replaced_whole),
        IN_ROOT(modes_and_times_are_kept),
        IN_ROOT(a_scripts_interpreter_is_copied_too_even_through_env),
        IN_ROOT(a_missing_library_is_named_with_who_needs_it),
        IN_ROOT(a_static_program_is_copied_alone),
        IN_ROOT(what_is_no_program_is_refused),
        IN_ROOT(the_short_form_counts_the_files_it_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

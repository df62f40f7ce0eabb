/* Archives that mean harm: each is unpacked beside a tree that must be as it was, and ends in an error that names what is wrong, or in what its case says. */
#ifndef TESTS_UNIT_TAR_HOSTILE_H
#define TESTS_UNIT_TAR_HOSTILE_H

#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"
#include "engine/rootfs/copy_tree.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cmocka.h>

static char home[] = "/tmp/tar-hostile-XXXXXX";
static int home_fd = -1, target = -1;
static char secret[PATH_MAX]; /* the absolute path of what is outside */
static struct archive a;
static unsigned skipped;

/* --- The world ------------------------------------------------------------------------------------------------------------------------ */

static inline void put(int at, const char *path, const char *text)
{
    cleanup_close int fd = openat(at, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline struct digest outside(void)
{
    struct digest digest = { "" };
    struct err err = { 0 };
    cleanup_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    cleanup_close int dir = openat(home_fd, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sink *to = sink_digest(sink_fd(null, NULL), &digest, NULL, NULL);
    if (tar_pack(dir, to, &(struct tar_pack){ 0 }, NULL, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(to->finish(to, NULL), 0);
    sink_close(to);
    return digest;
}

static inline int make_world(void **state)
{
    if (!mkdtemp(home))
        return -1;
    home_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat(home_fd, "outside", 0700);
    mkdirat(home_fd, "outside/below", 0700);
    put(home_fd, "outside/secret", "secret");
    put(home_fd, "outside/below/kept", "kept");
    snprintf(secret, sizeof secret, "%s/outside/secret", home);
    return 0;
}

static inline int remove_world(void **state)
{
    free(a.data);
    close(home_fd);
    return rootfs_remove_tree(AT_FDCWD, home, NULL);
}

static inline bool there(const char *path)
{
    struct stat st;
    return fstatat(target, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void holds(const char *path, const char *text)
{
    char got[256] = "";
    struct stat st;
    assert_int_equal(fstatat(target, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    cleanup_close int fd = openat(target, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    assert_string_equal(got, text);
}

/* --- Archives ------------------------------------------------------------------------------------------------------------------------------ */

static inline void text(const char *name)
{
    archive_file(&a, name, "evil");
}

static inline void symlink_to(const char *name, const char *where)
{
    archive_link(&a, name, '2', where);
}

static inline void hard_link_to(const char *name, const char *where)
{
    archive_link(&a, name, '1', where);
}

/* --- One in its turn ----------------------------------------------------------------------------------------------------------------------- */

enum { OWNED = 1, SQUASH = 2, MAPPED = 4, NO_END = 8 };

struct hostile {
    const char *name; /* the class, with a CVE of its kind where one is known for it */
    void (*make)(void);
    int code; /* 0: harmless, and @check says how */
    const char *says;
    void (*check)(void);
    int how;
};

static inline void count_skipped(const char *path, const char *why, void *data)
{
    skipped++;
}

static inline void unpack_it(const struct hostile *hostile, struct err *err)
{
    static const struct id_map map = { 0, 0, 65536 };
    struct tar_unpack options = {
        .squash = (geteuid() != 0 && !(hostile->how & OWNED)) || (hostile->how & SQUASH),
        .max_entries = 100,
        .skipped = count_skipped,
    };
    if (hostile->how & MAPPED) {
        options.squash = false;
        options.ids = (struct tar_ids){ &map, &map, 1, 1 };
    }
    struct source *from = source_memory(a.data, a.size, NULL);
    int result = tar_unpack(from, target, &options, NULL, err);
    source_close(from);
    assert_int_equal(result, err->code ? -1 : 0);
}

static inline void harms_nothing(void **state)
{
    const struct hostile *hostile = *state;
    struct err err = { 0 };
    struct digest before = outside();
    mkdirat(home_fd, "target", 0755);
    target = openat(home_fd, "target", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    a.size = 0;
    skipped = 0;
    hostile->make();
    if (!(hostile->how & NO_END))
        archive_end(&a);
    unpack_it(hostile, &err);
    if (err.code != hostile->code)
        fail_msg("%d (%s) instead of %d", err.code, err.message, hostile->code);
    if (hostile->says && !strstr(err.message, hostile->says))
        fail_msg("`%s` does not say `%s`", err.message, hostile->says);
    if (hostile->check)
        hostile->check();
    close(target);

    /* Nothing beside the target, and nothing else than it was. */
    assert_int_equal(rootfs_remove_tree(home_fd, "target", NULL), 0);
    struct digest after = outside();
    assert_string_equal(after.text, before.text);
    cleanup_dir DIR *dir = fdopendir(openat(home_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            assert_string_equal(entry->d_name, "outside");
}

/* For main: all of @cases. */
static inline int run_hostile(const char *name, const struct hostile *cases, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    for (size_t i = 0; i < count; i++) {
        void *state = (void *)(uintptr_t)&cases[i];
        tests[i] = (struct CMUnitTest){ cases[i].name, harms_nothing, NULL, NULL, state };
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests(name, tests, count, make_world, remove_world);
    free(tests);
    return failed;
}

#endif

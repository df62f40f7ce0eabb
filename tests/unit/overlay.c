/* Overlay mounts as the kernel makes them: each scenario runs in a forked child, in a mount namespace of its own on an empty tmpfs, as root and as root of a user namespace, with the new mount
 * API and under a seccomp filter that takes it away. */
#include "engine/layers/overlay.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/userns.h"
#include "engine/observe/mounts.h"
#include "tests/unit/scenario.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <cmocka.h>

#define ROOM 65536

enum kernel { KERNEL_NOW, KERNEL_OLD };
enum who { AS_ROOT, IN_USERNS };
static enum whiteout_form form; /* in the child: the one that fits who it is */

static int become(int who)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    form = who == AS_ROOT ? WHITEOUT_OVERLAY : WHITEOUT_USERXATTR;
    if (unshare(who == AS_ROOT ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -1;
    if (who == IN_USERNS && userns_write_single_map(0, uid, gid, NULL) < 0)
        return -1;
    return scenario_ground();
}

static const char *record(scenario_fn *scenario, enum who who, enum kernel kernel)
{
    static const int old[] = { SYS_fsopen, 0 }, none[] = { 0 };
    static char text[ROOM];
    scenario_record(scenario, become, (int)who, kernel == KERNEL_OLD ? old : none, text, ROOM);
    return text;
}

/* The same for everybody, on every kernel. */
static void everywhere(scenario_fn *scenario, const char *expected)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++)
        for (enum kernel kernel = KERNEL_NOW; kernel <= KERNEL_OLD; kernel++)
            assert_string_equal(record(scenario, who, kernel), expected);
}

static int directory(const char *path)
{
    mkdir(path, 0755);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    (void)!write(fd, text, strlen(text));
}

static const char *get(const char *path)
{
    static char text[128];
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return strerrorname_np(errno);
    text[n] = '\0';
    return text;
}

static const char *mount_on(const struct overlay *overlay, const char *point)
{
    static struct err err;
    cleanup_close int at = directory(point);
    return overlay_mount(overlay, at, &err) == 0 ? "ok" : err.message;
}

static void stack_three(FILE *out)
{
    int lowers[] = { directory("l1"), directory("l2"), directory("l3") };
    put("l1/both", "from l1");
    put("l2/both", "from l2");
    put("l3/deep", "from l3");
    put("l2/gone", "from l2");
    struct overlay overlay = { lowers, 3, directory("up"), directory("work"), form, false };
    fprintf(out, "%s\n", mount_on(&overlay, "m"));
    fprintf(out, "both: %s\n", get("m/both"));
    fprintf(out, "deep: %s\n", get("m/deep"));
    put("m/new", "new");
    put("m/deep", "changed");
    fprintf(out, "new is in upper: %s\n", get("up/new"));
    fprintf(out, "l3 keeps its own: %s\n", get("l3/deep"));
    struct stat st;
    fprintf(out, "unlink: %d\n", unlink("m/gone"));
    fprintf(out, "a whiteout: %d, and %s below\n", lstat("up/gone", &st) == 0 && whiteout_is(&st), get("l2/gone"));
    overlay = (struct overlay){ lowers, 3, -1, -1, form, false };
    fprintf(out, "%s\n", mount_on(&overlay, "r"));
    int written = open("r/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    fprintf(out, "read-only: %d %s\n", written, strerrorname_np(errno));
    overlay = (struct overlay){ lowers, 3, directory("up2"), directory("work2"), form, true };
    fprintf(out, "%s\n", mount_on(&overlay, "v"));
    fprintf(out, "volatile: %s\n", access("work2/work/incompat/volatile", F_OK) == 0 ? "yes" : "no");
}

static void the_uppermost_layer_wins_and_only_upper_is_written(void **state)
{
    everywhere(stack_three,
               "ok\nboth: from l1\ndeep: from l3\nnew is in upper: new\nl3 keeps its own: from l3\nunlink: 0\n"
               "a whiteout: 1, and from l2 below\nok\nread-only: -1 EROFS\nok\nvolatile: yes\n");
}

static void make_marks(FILE *out)
{
    int lowers[] = { directory("middle"), directory("bottom") };
    cleanup_close int dir = directory("middle/dir");
    mkdir("bottom/dir", 0755);
    put("bottom/dir/below", "x");
    put("bottom/file", "x");
    struct err err;
    struct stat st;
    fprintf(out, "made: %d %d\n", whiteout_make(lowers[0], "file", NULL), whiteout_make_opaque(dir, form, NULL));
    fprintf(out, "seen: %d %d, another form: %d\n", lstat("middle/file", &st) == 0 && whiteout_is(&st),
            whiteout_is_opaque(dir, form), whiteout_is_opaque(dir, WHITEOUT_NONE));
    cleanup_close int by_path = open("middle/dir", O_PATH | O_CLOEXEC);
    fprintf(out, "by O_PATH: %d\n", whiteout_is_opaque(by_path, form));
    struct overlay overlay = { lowers, 2, -1, -1, form, false };
    fprintf(out, "%s, file: %s", mount_on(&overlay, "m"), get("m/file"));
    fprintf(out, ", dir/below: %s\n", get("m/dir/below"));
    static const char *const bad[] = { "", ".", "..", "a/b", "file" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int result = whiteout_make(lowers[0], bad[i], &err);
        fprintf(out, "%d: %s\n", result, err.message);
    }
    int none = whiteout_make_opaque(dir, WHITEOUT_NONE, &err);
    fprintf(out, "none: %d %d\n", none, err.code == EINVAL);
}

static void whiteouts_and_opaque_directories_hide_what_is_below(void **state)
{
    everywhere(make_marks, "made: 0 0\nseen: 1 1, another form: 0\nby O_PATH: 1\nok, file: ENOENT, dir/below: ENOENT\n"
                           "-1: a whiteout cannot be called ``: it hides one name of its own directory\n"
                           "-1: a whiteout cannot be called `.`: it hides one name of its own directory\n"
                           "-1: a whiteout cannot be called `..`: it hides one name of its own directory\n"
                           "-1: a whiteout cannot be called `a/b`: it hides one name of its own directory\n"
                           "-1: mknod of whiteout `file` (character device 0:0): File exists\nnone: -1 1\n");
}

static void trust_from_a_user_namespace(FILE *out)
{
    struct err err;
    cleanup_close int dir = directory("dir");
    int result = whiteout_make_opaque(dir, WHITEOUT_OVERLAY, &err);
    fprintf(out, "%d: %s\n", result, err.message);
}

static void the_attribute_of_the_first_namespace_alone_is_said_to_be(void **state)
{
    assert_string_equal(record(trust_from_a_user_namespace, IN_USERNS, KERNEL_NOW),
                        "-1: setxattr trusted.overlay.opaque (only root of the first user namespace may; elsewhere it "
                        "is user.overlay.opaque): Operation not permitted\n");
}

static int many[600];

static void make_many(void)
{
    char path[32];
    for (int i = 0; i < 600; i++) {
        snprintf(path, sizeof path, "l%d", i);
        many[i] = directory(path);
        snprintf(path, sizeof path, "l%d/f%d", i, i);
        put(path, path);
    }
}

static void stack_many(FILE *out, size_t count)
{
    struct overlay overlay = { many, count, directory("up"), directory("work"), form, false };
    fprintf(out, "%zu: %s", count, mount_on(&overlay, "m"));
    size_t seen = 0;
    char path[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "m/f%zu", i);
        seen += access(path, F_OK) == 0;
    }
    fprintf(out, ", %zu seen\n", seen);
    umount("m");
}

static void stack_200_500_501(FILE *out)
{
    make_many();
    stack_many(out, 200);
    stack_many(out, 500);
    stack_many(out, 501);
}

static void five_hundred_layers_fit_and_more_are_refused_with_the_reason(void **state)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++) {
        assert_string_equal(
            record(stack_200_500_501, who, KERNEL_NOW),
            "200: ok, 200 seen\n500: ok, 500 seen\n"
            "501: mount overlay: 501 lower directories, and the kernel takes no more than 500, 0 seen\n");
        assert_string_equal(
            record(stack_200_500_501, who, KERNEL_OLD),
            "200: ok, 200 seen\n500: mount overlay of 500 lower directories: before Linux 6.7 all of "
            "them must fit a page of options, which holds some 200: use fewer layers or a newer "
            "kernel, 0 seen\n"
            "501: mount overlay: 501 lower directories, and the kernel takes no more than 500, 0 seen\n");
    }
}

static void mount_detached(FILE *out)
{
    struct err err = { 0 };
    int lowers[] = { directory("l1"), directory("l2") };
    put("l2/file", "in l2");
    struct overlay overlay = { lowers, 2, -1, -1, form, false };
    cleanup_close int mounted = overlay_open(&overlay, &err);
    if (mounted < 0) {
        fprintf(out, "%s\n", strerrorname_np(err.code));
        return;
    }
    cleanup_close int file = openat(mounted, "file", O_RDONLY | O_CLOEXEC);
    fprintf(out, "file %s, cloexec %d, ", file >= 0 ? "seen" : "not seen", fcntl(mounted, F_GETFD));
    cleanup_close int at = directory("m");
    int moved = sys_move_mount(mounted, at, "");
    fprintf(out, "move %d, %s\n", moved, get("m/file"));
}

static void a_detached_mount_is_of_nobody_until_it_is_moved(void **state)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++) {
        assert_string_equal(record(mount_detached, who, KERNEL_NOW), "file seen, cloexec 1, move 0, in l2\n");
        assert_string_equal(record(mount_detached, who, KERNEL_OLD), "ENOSYS\n");
    }
}

/* A tree of names 3,500 bytes deep, with every character that means something in options. */
static void mount_odd_names(FILE *out)
{
    static const char *const odd[] = { "a:b", "c,d", "e\\f", "g h", "upperdir=x", "\xc3\xa4\n", "-o" };
    int lowers[8];
    for (size_t i = 0; i < 7; i++) {
        lowers[i] = directory(odd[i]);
        char name[8];
        snprintf(name, sizeof name, "f%zu", i);
        close(openat(lowers[i], name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    }
    char name[256];
    memset(name, 'n', 250);
    name[250] = '\0';
    cleanup_close int deep = directory("deep");
    for (int i = 0; i < 14; i++) {
        mkdirat(deep, name, 0755);
        int next = openat(deep, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(deep);
        deep = next;
    }
    lowers[7] = deep;
    close(openat(deep, "f7", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    struct overlay overlay = { lowers, 8, directory("u:p,\\"), directory("w:k,\\"), form, false };
    fprintf(out, "%s, seen", mount_on(&overlay, "m"));
    for (size_t i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "m/f%zu", i);
        fprintf(out, " %d", access(name, F_OK));
    }
    fprintf(out, "\n");
}

static void names_long_and_odd_do_not_get_in_the_way(void **state)
{
    everywhere(mount_odd_names, "ok, seen 0 0 0 0 0 0 0 0\n");
}

/* What mountinfo says of what was mounted, read back: the same directories. */
static void read_back(FILE *out, const char *point)
{
    struct observe_mounts mounts;
    struct overlay_stack stack;
    struct err err = { 0 };
    observe_mounts(getpid(), &mounts, NULL);
    for (size_t i = 0; i < mounts.count; i++)
        if (strcmp(mounts.list[i].point, point) == 0) {
            if (overlay_stack_parse(mounts.list[i].super_options, &stack, &err) < 0)
                fprintf(out, "%s\n", err.message);
            for (size_t l = 0; stack.lowers && stack.lowers[l]; l++)
                fprintf(out, "<%s>", stack.lowers[l]);
            fprintf(out, " upper <%s> work <%s> form %d\n", stack.upper ? stack.upper : "",
                    stack.work ? stack.work : "", stack.form == form);
            overlay_stack_free(&stack);
        }
    observe_mounts_free(&mounts);
}

static void mount_and_read_back(FILE *out)
{
    int lowers[] = { directory("a:b"), directory("c,d"), directory("e\\f"), directory("g h") };
    struct overlay overlay = { lowers, 4, directory("u:p"), directory("w,k"), form, false };
    fprintf(out, "%s\n", mount_on(&overlay, "m"));
    read_back(out, "/mnt/m");
    mkdir("n", 0755);
    fprintf(out, "%d\n",
            mount("overlay", "n", "overlay", 0,
                  form == WHITEOUT_USERXATTR ? "lowerdir=a\\:b:c\\,d:e\\\\f:g h,upperdir=u\\:p,workdir=w\\,k,userxattr"
                                             : "lowerdir=a\\:b:c\\,d:e\\\\f:g h,upperdir=u\\:p,workdir=w\\,k"));
    read_back(out, "/mnt/n");
}

static void a_mounted_stack_is_read_back_with_its_names(void **state)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++)
        assert_string_equal(record(mount_and_read_back, who, KERNEL_NOW),
                            "ok\n</mnt/a:b></mnt/c,d></mnt/e\\f></mnt/g h> upper </mnt/u:p> work </mnt/w,k> form 1\n"
                            "0\n<a:b><c,d><e\\f><g h> upper <u:p> work <w,k> form 1\n");
}

static void options_that_are_no_stack_are_refused(void **state)
{
    static const char *const bad[] = { "", "rw", "rw,upperdir=/u", "lowerdir", "lowerdir=", "lowerdir=:", ",,,=,=" };
    struct overlay_stack stack;
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(overlay_stack_parse(bad[i], &stack, &err), -1);
        assert_int_equal(err.code, EINVAL);
        assert_null(stack.lowers);
    }
    assert_int_equal(overlay_stack_parse("rw,lowerdir=/a\\:::/data,upperdir=/u\\", &stack, &err), 0);
    assert_string_equal(stack.lowers[0], "/a:");
    assert_string_equal(stack.lowers[1], "/data");
    assert_null(stack.lowers[2]);
    assert_string_equal(stack.upper, "/u\\");
    overlay_stack_free(&stack);
}

/* Each mistake has its own sentence. */
static void make_mistakes(FILE *out)
{
    int l1 = directory("l1"), l2 = directory("l2"), up = directory("up"), work = directory("work");
    int inside = directory("up/inside"), below = directory("l1/below");
    put("file", "x");
    int file = open("file", O_RDONLY | O_CLOEXEC), none[] = { 0 };
    mkdir("other", 0755);
    mkdir("ro", 0755);
    mount("none", "other", "tmpfs", 0, NULL);
    mount("none", "ro", "tmpfs", 0, NULL);
    int other = directory("other/work"), ro_up = directory("ro/up"), ro_work = directory("ro/work");
    mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
    struct overlay first = { (int[]){ l1, l2 }, 2, directory("up0"), directory("work0"), form, false };
    fprintf(out, "%s\n", mount_on(&first, "m"));
    int over = directory("m/up"), over_work = directory("m/work");
    const struct overlay mistakes[] = {
        { none, 0, up, work, form, false },
        { (int[]){ l1 }, 1, -1, -1, form, false },
        { (int[]){ l1, l2 }, 2, up, -1, form, false },
        { (int[]){ l1, l2 }, 2, over, over_work, form, false },
        { (int[]){ l1, l2 }, 2, up, other, form, false },
        { (int[]){ l1, l2 }, 2, up, inside, form, false },
        { (int[]){ l1, l2 }, 2, up, up, form, false },
        { (int[]){ l1, l2, l1 }, 3, up, work, form, false },
        { (int[]){ l1, up }, 2, up, work, form, false },
        { (int[]){ below, l1 }, 2, below, work, form, false },
        { (int[]){ l1, file }, 2, up, work, form, false },
        { (int[]){ l1, l2 }, 2, file, work, form, false },
        { (int[]){ l1, l2 }, 2, ro_up, ro_work, form, false },
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        fprintf(out, "%zu %s\n", i, mount_on(&mistakes[i], "x"));
}

static void every_mistake_has_its_reason_said(void **state)
{
    static const char *const reasons[] = {
        "0 mount overlay: it needs a lower directory at least",
        "1 mount overlay: without an upper directory it needs two lower ones at least, and has one",
        "2 mount overlay: an upper and a work directory go together, and one was given",
        ": upper `/mnt/m/up` is on an overlay itself, and what an overlay writes can lie on no other overlay",
        ": work `/mnt/other/work` is not on the same mount as upper `/mnt/up`",
        ": upper `/mnt/up` and work `/mnt/up/inside` lie in one another",
        ": `/mnt/up` cannot be upper and work at once",
        ": `/mnt/l1` is given twice as a lower",
        ": lower `/mnt/up` and upper `/mnt/up` (or its work directory) are the same",
        ": lower `/mnt/l1/below` and upper `/mnt/l1/below` (or its work directory) are the same",
        ": lower `/mnt/file` is not a directory",
        ": upper `/mnt/file` is not a directory",
        ": upper `/mnt/ro/up` is on a read-only mount",
    };
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++)
        for (enum kernel kernel = KERNEL_NOW; kernel <= KERNEL_OLD; kernel++) {
            char number[16];
            const char *text = record(make_mistakes, who, kernel);
            for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
                snprintf(number, sizeof number, "\n%zu ", i);
                const char *line = strstr(text, number), *said = line ? strstr(line, reasons[i]) : NULL;
                if (!said || memchr(line + 1, '\n', (size_t)(said - line - 1)))
                    fail_msg("`%s` is not said of mistake %zu in:\n%s", reasons[i], i, text);
            }
        }
}

static void without_privilege(FILE *out)
{
    int lowers[] = { directory("l1"), directory("l2") };
    struct overlay overlay = { lowers, 2, -1, -1, form, false };
    (void)!setresuid(65534, 65534, 65534);
    fprintf(out, "%s\n", mount_on(&overlay, "m"));
}

static void who_may_not_mount_is_told_what_is_needed(void **state)
{
    assert_non_null(strstr(record(without_privilege, AS_ROOT, KERNEL_NOW), "needs CAP_SYS_ADMIN, or a user namespace"));
    assert_non_null(strstr(record(without_privilege, AS_ROOT, KERNEL_OLD), "needs CAP_SYS_ADMIN, or a user namespace"));
}

static void mount_what_another_namespace_has(FILE *out)
{
    int lowers[] = { directory("l1"), directory("l2") };
    struct overlay overlay = { lowers, 2, -1, -1, form, false };
    (void)!unshare(CLONE_NEWNS);
    fprintf(out, "%s\n", mount_on(&overlay, "m"));
}

static void directories_of_another_mount_namespace_are_told(void **state)
{
    for (enum kernel kernel = KERNEL_NOW; kernel <= KERNEL_OLD; kernel++)
        assert_non_null(strstr(record(mount_what_another_namespace_has, AS_ROOT, kernel),
                               "` was opened in another mount namespace"));
}

static unsigned entries(const char *path)
{
    cleanup_dir DIR *dir = opendir(path);
    unsigned count = 0;
    while (dir && readdir(dir))
        count++;
    return count - 2;
}

static void probe_here(FILE *out)
{
    struct overlay_abilities abilities;
    struct err err = { 0 };
    cleanup_close int dir = directory("store");
    mkdir("store/.overlay-probe-1.0", 0755); /* as one that was killed has left it */
    mkdir("store/.overlay-probe-1.0/w", 0755);
    mkdir("store/.overlay-probe-1.0/w/work", 0);
    int result = overlay_probe(dir, &abilities, &err);
    fprintf(out, "%d %s mount %d, the form %d, lowerdir+ %d, whiteouts %d, why <%s>, left %u\n", result, err.message,
            abilities.mount, abilities.form == form, abilities.lowerdir_plus, abilities.whiteouts, abilities.why,
            entries("store"));
    struct overlay_abilities again;
    cleanup_close int other = directory("other");
    result = overlay_probe(other, &again, &err);
    fprintf(out, "again: %d, the same %d\n", result,
            abilities.mount == again.mount && abilities.form == again.form && abilities.whiteouts == again.whiteouts &&
                abilities.lowerdir_plus == again.lowerdir_plus);
    /* Remembered: a directory in which nothing may be made is no hindrance. */
    mount("none", "/mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
    fprintf(out, "remembered: %d\n", overlay_probe(other, &again, &err));
}

static void the_probe_tells_what_works_here_once_and_leaves_nothing(void **state)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++)
        for (enum kernel kernel = KERNEL_NOW; kernel <= KERNEL_OLD; kernel++) {
            char expected[256];
            snprintf(expected, sizeof expected,
                     "0  mount 1, the form 1, lowerdir+ %d, whiteouts 1, why <>, left 0\nagain: 0, the same 1\n"
                     "remembered: 0\n",
                     kernel == KERNEL_NOW);
            assert_string_equal(record(probe_here, who, kernel), expected);
        }
}

static void probe_on_an_overlay(FILE *out)
{
    struct overlay_abilities abilities;
    int lowers[] = { directory("l1"), directory("l2") };
    struct overlay overlay = { lowers, 2, directory("up"), directory("work"), form, false };
    fprintf(out, "%s\n", mount_on(&overlay, "m"));
    cleanup_close int dir = open("m", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = overlay_probe(dir, &abilities, NULL);
    fprintf(out, "%d mount %d: %s, left %u\n", result, abilities.mount, abilities.why, entries("m"));
}

static void the_probe_says_why_not(void **state)
{
    for (enum who who = AS_ROOT; who <= IN_USERNS; who++)
        for (enum kernel kernel = KERNEL_NOW; kernel <= KERNEL_OLD; kernel++) {
            const char *text = record(probe_on_an_overlay, who, kernel);
            assert_non_null(strstr(text, "0 mount 0: "));
            assert_non_null(strstr(text, "is on an overlay itself, and what an overlay writes"));
            assert_non_null(strstr(text, ", left 0\n"));
        }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_uppermost_layer_wins_and_only_upper_is_written),
        cmocka_unit_test(whiteouts_and_opaque_directories_hide_what_is_below),
        cmocka_unit_test(the_attribute_of_the_first_namespace_alone_is_said_to_be),
        cmocka_unit_test(five_hundred_layers_fit_and_more_are_refused_with_the_reason),
        cmocka_unit_test(a_detached_mount_is_of_nobody_until_it_is_moved),
        cmocka_unit_test(names_long_and_odd_do_not_get_in_the_way),
        cmocka_unit_test(a_mounted_stack_is_read_back_with_its_names),
        cmocka_unit_test(options_that_are_no_stack_are_refused),
        cmocka_unit_test(every_mistake_has_its_reason_said),
        cmocka_unit_test(who_may_not_mount_is_told_what_is_needed),
        cmocka_unit_test(directories_of_another_mount_namespace_are_told),
        cmocka_unit_test(the_probe_tells_what_works_here_once_and_leaves_nothing),
        cmocka_unit_test(the_probe_says_why_not),
    };
    return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}

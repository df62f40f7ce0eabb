/* The layers of a mounted overlay, looked into from outside: real mounts, in a child with a user and a mount namespace of its own. */
#include "engine/observe/layers.h"

#include "engine/base/cleanup.h"
#include "engine/isolate/userns.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

typedef void scenario_fn(void);

/* Runs @scenario on an empty tmpfs; it ends the child with a number other than 0 where something is not as it should be. */
static void in_child(scenario_fn *scenario)
{
    pid_t pid = fork();
    if (pid == 0) {
        uid_t uid = geteuid();
        gid_t gid = getegid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || userns_write_single_map(0, uid, gid, NULL) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", "/mnt", "tmpfs", 0, NULL) < 0 ||
            chdir("/mnt") < 0)
            _exit(1);
        scenario();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status != 0)
        fail_msg("line %d does not hold", WIFEXITED(status) ? WEXITSTATUS(status) * 2 : -1);
}

/* An exit status is a byte: half the number of the line says which. */
static void need_at(bool holds, int line)
{
    if (!holds)
        _exit(line / 2 > 0 ? line / 2 : 1);
}
#define need(holds) need_at(holds, __LINE__)

static void touch(const char *path)
{
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void make(const char *const *directories)
{
    for (; *directories; directories++)
        mkdir(*directories, 0755);
}

/* Open the newest overlay of ours. */
static int open_newest(struct observe_layers *layers)
{
    struct observe_mounts mounts;
    const struct observe_mount *newest = NULL;
    need(observe_mounts(getpid(), &mounts, NULL) == 0);
    for (size_t i = 0; i < mounts.count; i++)
        if (strcmp(mounts.list[i].type, "overlay") == 0)
            newest = &mounts.list[i];
    if (!newest)
        _exit(1);
    int result = observe_layers_open(getpid(), 0, newest, layers, NULL);
    observe_mounts_free(&mounts);
    return result;
}

/* "path 0:D 2:F*": what the list has of @path: each layer's number, letter, and * where it is seen. */
static const char *line_of(const struct layer_entry *list, size_t count, const char *path)
{
    static char text[128];
    *text = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].path, path) != 0)
            continue;
        size_t length = 0;
        for (size_t k = 0; k < LAYERS_SHOWN; k++)
            if (list[i].holds[k])
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu%c%s", length ? " " : "", k,
                                           "-FDOW"[list[i].holds[k]], list[i].seen[k] ? "*" : "");
    }
    return text;
}

static void stack_and_look(void)
{
    static const char *const directories[] = { "l1",     "l2",     "l3",     "l1/both", "l2/both", "l3/both", "l3/gone",
                                               "l3/mix", "l1/mix", "l3/new", "up",      "work",    "m",       NULL };
    struct observe_layers layers;
    struct layer_entry list[40];
    bool more;
    make(directories);
    touch("l1/same");
    touch("l3/same");
    touch("l2/mix");
    touch("l1/both/a");
    touch("l3/both/a");
    touch("l3/both/b");
    touch("l3/new/old");
    touch("l2/file");
    need(mount("overlay", "m", "overlay", 0, "lowerdir=l1:l2:l3,upperdir=up,workdir=work,userxattr") == 0);
    need(rmdir("m/gone") == 0 && unlink("m/both/b") == 0);
    need(unlink("m/new/old") == 0 && rmdir("m/new") == 0 && mkdir("m/new", 0755) == 0);
    touch("m/added");
    need(open_newest(&layers) == 0 && layers.count == 4);
    need(strcmp(observe_layers_name(&layers, 0), "up") == 0 && strcmp(observe_layers_name(&layers, 3), "l3") == 0);
    size_t count = observe_layers_list(&layers, list, 40, &more);
    need(!more);
    need(strcmp(line_of(list, count, "added"), "0F*") == 0);
    need(strcmp(line_of(list, count, "same"), "1F* 3F") == 0);
    need(strcmp(line_of(list, count, "file"), "2F*") == 0);
    need(strcmp(line_of(list, count, "gone"), "0W 3D") == 0);
    need(strcmp(line_of(list, count, "both"), "0D* 1D* 2D* 3D*") == 0);
    need(strcmp(line_of(list, count, "both/a"), "1F* 3F") == 0);
    need(strcmp(line_of(list, count, "both/b"), "0W 3F") == 0);
    need(strcmp(line_of(list, count, "new"), "0O* 3D") == 0);
    need(strcmp(line_of(list, count, "new/old"), "3F") == 0);
    need(strcmp(line_of(list, count, "mix"), "1D* 2F 3D") == 0); /* a file between two directories parts them */
    need(strcmp(list[0].path, "added") == 0);                    /* what the upper layer has comes first */
    need(observe_layers_holds(&layers, 0, "new") == LAYER_OPAQUE);
    need(observe_layers_holds(&layers, 0, "/gone") == LAYER_WHITEOUT);
    need(observe_layers_holds(&layers, 1, "never") == LAYER_NOTHING);
    observe_layers_close(&layers);
    /* From elsewhere they are found as well: by the mount point's own directory. */
    need(chdir("/") == 0 && open_newest(&layers) == 0);
    observe_layers_close(&layers);
    need(chdir("/mnt") == 0 && rename("up", "up-is-away") == 0 && open_newest(&layers) < 0);
}

static void each_layer_is_told_with_what_it_hides(void **state)
{
    in_child(stack_and_look);
}

static void stack_without_end(void)
{
    static const char *const directories[] = { "l1", "l2", "up", "work", "m", NULL };
    struct observe_layers layers;
    struct layer_entry list[20];
    char path[300], options[4096] = "lowerdir=l1:l2";
    bool more;
    make(directories);
    for (int i = 0; i < 5000; i++) {
        snprintf(path, sizeof path, "l1/file%d", i);
        touch(path);
    }
    need(mount("overlay", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work,userxattr") == 0);
    memset(path, 'n', 200);
    memcpy(path, "m/\xc3\xa4", 4);
    path[200] = '\0';
    touch(path); /* 199 bytes: its end is kept */
    touch("m/small");
    need(open_newest(&layers) == 0);
    need(observe_layers_list(&layers, list, 20, &more) == 20 && more);
    need(strcmp(list[0].path, "small") == 0 || strcmp(list[1].path, "small") == 0);
    const struct layer_entry *cut = strcmp(list[0].path, "small") == 0 ? &list[1] : &list[0];
    need(cut->cut && strlen(cut->path) == LAYER_PATH - 1 && cut->path[0] == 'n');
    observe_layers_close(&layers);
    umount("m");
    for (int i = 0; i < 60; i++) {
        snprintf(path, sizeof path, "x%d", i);
        mkdir(path, 0755);
        snprintf(options + strlen(options), sizeof options - strlen(options), ":%s", path);
    }
    touch("x50/deep");
    need(mount("overlay", "m", "overlay", 0, options) == 0);
    need(open_newest(&layers) == 0 && layers.count == 62 && !layers.stack.upper);
    need(observe_layers_holds(&layers, 52, "deep") == LAYER_FILE);
    observe_layers_list(&layers, list, 20, &more);
    observe_layers_close(&layers);
}

static void however_much_there_is_little_is_read(void **state)
{
    in_child(stack_without_end);
}

static void what_is_no_overlay_is_refused(void **state)
{
    struct observe_mount mount = { .type = "tmpfs", .point = "/run", .super_options = "rw" };
    struct observe_layers layers;
    struct err err;
    assert_int_equal(observe_layers_open(getpid(), 0, &mount, &layers, &err), -1);
    assert_int_equal(err.code, EINVAL);
    mount.type = "overlay";
    mount.super_options = "rw,lowerdir=no/such:no/either";
    assert_int_equal(observe_layers_open(getpid(), getpid(), &mount, &layers, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_is_told_with_what_it_hides),
        cmocka_unit_test(however_much_there_is_little_is_read),
        cmocka_unit_test(what_is_no_overlay_is_refused),
    };
    return cmocka_run_group_tests_name("observe_layers", tests, NULL, NULL);
}

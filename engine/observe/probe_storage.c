/* What a lab's root is made of: overlays, idmapped mounts, a disk of its own. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/userns.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/loop.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In the working directory: an overlay whose lower layer is there or given, used as a learner would. Returns NULL, or what failed with errno set. */
static const char *use_overlay(const char *lower, const char *extra)
{
    char options[256];
    if (mkdir("l", 0755) < 0 || mkdir("l/dir", 0755) < 0 || mkdir("l/dir/sub", 0755) < 0 || mkdir("u", 0755) < 0 ||
        mkdir("w", 0755) < 0 || mkdir("m", 0755) < 0)
        return "mkdir";
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=u,workdir=w%s", lower, extra);
    if (mount("overlay", "m", "overlay", 0, options) < 0)
        return "mount overlay";
    cleanup_close int fd = open("m/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return "make a file in it";
    if (strcmp(lower, "l") != 0)
        return NULL;
    /* A removed lower directory needs a whiteout, and one made again in its place an opaque mark. */
    if (rmdir("m/dir/sub") < 0 || rmdir("m/dir") < 0 || mkdir("m/dir", 0755) < 0)
        return "remove a directory of its lower layer";
    if (access("m/dir/sub", F_OK) == 0) {
        errno = EIO;
        return "make a removed directory again";
    }
    return NULL;
}

static enum host_answer try_overlay_as_root(char *found, size_t size)
{
    if (host_enter_scratch(found, size) < 0)
        return HOST_NO;
    const char *failed = use_overlay("l", "");
    if (failed)
        return host_fails(found, size, "%s", failed);
    return host_say(HOST_YES, found, size, "one can be mounted, and directories removed in it");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

/* A directory on a real disk, for overlays of an ordinary user; host_try's caller removes it, whatever becomes of the child. */
static char disk[64];

static enum host_answer try_userns_overlay(char *found, size_t size)
{
    int real = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host_enter_user_namespace(found, size) < 0 || host_enter_scratch(found, size) < 0)
        return HOST_NO;
    const char *failed = use_overlay("l", ",userxattr");
    if (!failed)
        return host_say(HOST_YES, found, size,
                        "one can be mounted in a user namespace, its upper layer on tmpfs or a disk");
    char first[128];
    host_fails(first, sizeof first, "%s", failed);
    if (real < 0 || fchdir(real) < 0)
        return host_say(HOST_NO, found, size, "%s", first);
    failed = use_overlay("l", ",userxattr");
    if (failed)
        return host_fails(found, size, "%s", failed);
    return host_say(HOST_YES, found, size,
                    "one can be mounted in a user namespace, its upper layer on a disk (on tmpfs: %s)", first);
}

enum host_answer probe_userns_overlay(char *found, size_t size)
{
    snprintf(disk, sizeof disk, "/var/tmp/teachroot-doctor-XXXXXX");
    if (!mkdtemp(disk))
        disk[0] = '\0';
    enum host_answer answer = host_try(try_userns_overlay, found, size);
    if (disk[0])
        nftw(disk, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return answer;
}

enum host_answer probe_overlay(char *found, size_t size)
{
    return geteuid() == 0 ? host_try(try_overlay_as_root, found, size) : probe_userns_overlay(found, size);
}

static enum host_answer try_idmap(char *found, size_t size)
{
    struct err err;
    cleanup_close int userns = userns_new(100000, 65536, &err);
    if (userns < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    cleanup_close int tree = sys_open_tree(AT_FDCWD, "/", false);
    if (tree < 0)
        return host_fails(found, size, "open_tree of `/`");
    if (sys_mount_idmap(tree, userns, false) < 0)
        return host_fails(found, size, "an idmapped mount of `/` (an overlay itself, as in Docker, cannot be)");
    if (host_enter_scratch(found, size) < 0)
        return HOST_NO;
    struct stat st;
    if (mkdir("idmapped", 0755) < 0 || sys_move_mount(tree, AT_FDCWD, "idmapped") < 0 || stat("idmapped", &st) < 0)
        return host_fails(found, size, "move_mount of an idmapped `/`");
    if (st.st_uid != 100000)
        return host_say(HOST_NO, found, size, "an idmapped `/` shows its owner as %u instead of 100000", st.st_uid);
    const char *failed = use_overlay("idmapped", "");
    if (failed) {
        host_fails(found, size, "`/` can be mounted with other owners, but not be an overlay's lower layer then: %s",
                   failed);
        return HOST_PARTLY;
    }
    return host_say(HOST_YES, found, size, "`/` can be mounted with other owners, and be an overlay's lower layer");
}

enum host_answer probe_idmap(char *found, size_t size)
{
    if (geteuid() != 0)
        return host_say(HOST_NO, found, size,
                        "for root only: a rootless lab puts its root together from single directories");
    return host_try(try_idmap, found, size);
}

static int make_filesystem(int file)
{
    char program[PATH_MAX];
    if (!host_program("mke2fs", program, sizeof program))
        return -1;
    const char *const argv[] = { "mke2fs",          "-q", "-F", "-t", "ext4", "-b", "4096", "-O", "^has_journal",
                                 "/proc/self/fd/3", NULL };
    const char *const env[] = { "LC_ALL=C", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, file, 3);
    pid_t pid;
    int status = -1, failed = posix_spawn(&pid, program, &actions, NULL, (char *const *)(uintptr_t)argv,
                                          (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    if (failed || waitpid(pid, &status, 0) != pid)
        return -1;
    return status == 0 ? 0 : -1;
}

/* A file without a name on a loop device that lets go of it by itself: nothing is left however this ends. */
static enum host_answer try_loop(char *found, size_t size)
{
    if (host_enter_scratch(found, size) < 0)
        return HOST_NO;
    cleanup_close int file = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, 4 << 20) < 0)
        return host_fails(found, size, "make a file for a disk");
    bool formatted = make_filesystem(file) == 0;
    cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return host_fails(found, size, "open `/dev/loop-control`");
    for (int tries = 0; tries < 64; tries++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return host_fails(found, size, "find a free loop device");
        char device[32];
        snprintf(device, sizeof device, "/dev/loop%d", number);
        cleanup_close int fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return host_fails(found, size, "open `%s`", device);
        struct loop_config config = { .fd = (unsigned)file,
                                      .block_size = 4096,
                                      .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
        if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
            if (errno == EBUSY) /* somebody else was faster */
                continue;
            return host_fails(found, size, "attach a file to `%s`", device);
        }
        if (!formatted)
            return host_say(HOST_PARTLY, found, size,
                            "a file can be attached, but mke2fs could not make a file system in it");
        if (mkdir("disk", 0755) < 0 || mount(device, "disk", "ext4", 0, NULL) < 0)
            return host_fails(found, size, "mount ext4 from a loop device");
        return host_say(HOST_YES, found, size, "a file can be a disk: a lab's writes are limited by its size");
    }
    return host_say(HOST_NO, found, size, "no loop device stays free long enough to take it");
}

enum host_answer probe_loop(char *found, size_t size)
{
    if (geteuid() != 0)
        return host_say(HOST_NO, found, size,
                        "for root only: a rootless lab writes into a directory of yours, without a limit of its own");
    return host_try(try_loop, found, size);
}

enum host_answer probe_mke2fs(char *found, size_t size)
{
    char path[PATH_MAX];
    if (!host_program("mke2fs", path, sizeof path))
        return host_say(HOST_NO, found, size, "no program mke2fs");
    return host_say(HOST_YES, found, size, "%.200s", path);
}

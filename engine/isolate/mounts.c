#include "engine/isolate/mounts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

int isolate_propagation(unsigned long propagation, struct err *err)
{
    if (mount("none", "/", NULL, MS_REC | propagation, NULL) < 0)
        return err_set(err, errno, "mount: set the propagation of `/`");
    return 0;
}

/* What mount(2), which takes only strings, is given for an fd. */
static int mount_on(int target, const char *source, const char *type, unsigned long flags, const char *data)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", target);
    return mount(source, path, type, flags, data);
}

int isolate_mount_in(int root, const char *path, const char *source, const char *type, unsigned long flags,
                     const char *data, struct err *err)
{
    if (make_directories_in(root, path, 0755, err) < 0)
        return -1;
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, err);
    if (fd < 0)
        return -1;
    if (mount_on(fd, source, type, flags, data) < 0)
        return err_set(err, errno, "mount %s on `%s%s`", type ? type : "(bind)", *path == '/' ? "" : "/", path);
    return 0;
}

/* An empty file to bind on, where there is none: one that is there may be a device or a file not to be opened. */
static int make_file_in(int root, const char *path, struct err *err)
{
    cleanup_close int there = open_policy(root, path, OPEN_IN_ROOT_PATH, NULL);
    if (there >= 0)
        return 0;
    const char *slash = strrchr(path, '/');
    cleanup_free char *parent = slash && slash > path ? strndup(path, (size_t)(slash - path)) : NULL;
    if (parent && make_directories_in(root, parent, 0755, err) < 0)
        return -1;
    cleanup_close int file = open_policy(root, path, OPEN_IN_ROOT_CREATE, err);
    return file < 0 ? -1 : 0;
}

int isolate_bind_in(int root, int from, const char *from_path, const char *path, bool directory, bool recursive,
                    struct err *err)
{
    if ((directory ? make_directories_in(root, path, 0755, err) : make_file_in(root, path, err)) < 0)
        return -1;
    cleanup_close int target = open_policy(root, path, OPEN_IN_ROOT_PATH, err);
    if (target < 0)
        return -1;
    if (sys_bind(from, from_path, target, "", recursive) < 0)
        return err_set(err, errno, "bind `%s` to `%s%s`", from_path, *path == '/' ? "" : "/", path);
    return 0;
}

/* An O_PATH fd of @path in @root; -1 without an error set if it is not there. */
static int open_if_there(int root, const char *path, bool *failed, struct err *err)
{
    struct err why;
    int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, &why);
    *failed = fd < 0 && why.code != ENOENT && why.code != ENOTDIR;
    if (*failed && err)
        *err = why;
    return fd;
}

int isolate_read_only_in(int root, const char *path, struct err *err)
{
    bool failed;
    cleanup_close int target = open_if_there(root, path, &failed, err);
    if (target < 0)
        return failed ? -1 : 0;
    cleanup_close int tree = sys_open_tree(target, "", true);
    if (tree >= 0) {
        if (sys_mount_attr(tree, "", MOUNT_ATTR_RDONLY, 0, true) < 0)
            return err_set(err, errno, "mount_setattr `%s` read-only", path);
        if (sys_move_mount(tree, target, "") < 0)
            return err_set(err, errno, "move_mount read-only `%s`", path);
        return 0;
    }
    if (errno != ENOSYS)
        return err_set(err, errno, "open_tree `%s`", path);
    if (sys_bind(target, "", target, "", true) < 0)
        return err_set(err, errno, "bind `%s` on itself", path);
    /* The fd is of what is covered now. */
    cleanup_close int covering = open_policy(root, path, OPEN_IN_ROOT_PATH, err);
    if (covering < 0)
        return -1;
    if (sys_mount_attr(covering, "", MOUNT_ATTR_RDONLY, 0, false) < 0)
        return err_set(err, errno, "remount `%s` read-only", path);
    return 0;
}

int isolate_mask_in(int root, const char *path, struct err *err)
{
    bool failed;
    struct stat st;
    cleanup_close int target = open_if_there(root, path, &failed, err);
    if (target < 0)
        return failed ? -1 : 0;
    if (fstat(target, &st) < 0)
        return err_set(err, errno, "stat `%s`", path);
    if (S_ISDIR(st.st_mode)) {
        if (mount_on(target, "masked", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                     "mode=0555,nr_inodes=2,size=4k") < 0)
            return err_set(err, errno, "mount an empty directory over `%s`", path);
        return 0;
    }
    if (sys_bind(AT_FDCWD, "/dev/null", target, "", false) < 0)
        return err_set(err, errno, "bind `/dev/null` over `%s`", path);
    return 0;
}

int isolate_root_mount(int root, struct err *err)
{
    cleanup_close int tree = sys_open_tree(root, "", true);
    if (tree >= 0 && sys_move_mount(tree, root, "") == 0)
        return take_fd(&tree);
    if (errno != ENOSYS)
        return err_set(err, errno, "bind the new root on itself");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", root);
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_set(err, errno, "bind the new root on itself");
    /* By its name: through the fd one would come out below the mount. */
    char name[4096];
    ssize_t n = readlink(path, name, sizeof name - 1);
    if (n < 0)
        return err_set(err, errno, "readlink `%s`", path);
    name[n] = '\0';
    return open_policy(AT_FDCWD, name, OPEN_ROOT_DIRECTORY, err);
}

int isolate_pivot(int root, const char *put_old, struct err *err)
{
    if (fchdir(root) < 0)
        return err_set(err, errno, "chdir to the new root");
    if (!put_old) {
        if (sys_pivot_root(".", ".") < 0)
            return err_set(err, errno, "pivot_root");
        if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
            return err_set(err, errno, "umount the old root");
        return 0;
    }
    put_old += strspn(put_old, "/");
    if (!*put_old || strchr(put_old, '/') || strcmp(put_old, "..") == 0 || strcmp(put_old, ".") == 0)
        return err_say(err, EINVAL, "pivot_root: `%s` for the old root must be a directory right below the new one",
                       put_old);
    bool made = mkdirat(root, put_old, 0700) == 0;
    if (!made && errno != EEXIST)
        return err_set(err, errno, "mkdir `%s` for the old root", put_old);
    if (sys_pivot_root(".", put_old) < 0) {
        err_set(err, errno, "pivot_root with the old root on `%s`", put_old);
        if (made)
            unlinkat(root, put_old, AT_REMOVEDIR);
        return -1;
    }
    if (chdir("/") < 0 || umount2(put_old, MNT_DETACH) < 0)
        return err_set(err, errno, "umount the old root from `%s`", put_old);
    if (made && unlinkat(AT_FDCWD, put_old, AT_REMOVEDIR) < 0)
        return err_set(err, errno, "rmdir `%s`", put_old);
    return 0;
}

int isolate_mount(int root, const struct isolate_mount *mount, struct err *err)
{
    static const struct {
        const char *type, *options;
        unsigned long flags;
    } kinds[] = {
        [ISOLATE_PROC] = { "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
        [ISOLATE_SYSFS] = { "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
        [ISOLATE_TMPFS] = { "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV },
        [ISOLATE_DEVPTS] = { "devpts", "newinstance,ptmxmode=0666,mode=0620", MS_NOSUID | MS_NOEXEC },
        [ISOLATE_MQUEUE] = { "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
    };
    struct stat st;
    switch (mount->kind) {
    case ISOLATE_MASK:
        return isolate_mask_in(root, mount->target, err);
    case ISOLATE_READ_ONLY:
        return isolate_read_only_in(root, mount->target, err);
    case ISOLATE_BIND:
        if (stat(mount->source, &st) < 0)
            return err_set(err, errno, "stat `%s`", mount->source);
        return isolate_bind_in(root, AT_FDCWD, mount->source, mount->target, S_ISDIR(st.st_mode), true, err);
    default:
        return isolate_mount_in(root, mount->target, kinds[mount->kind].type, kinds[mount->kind].type,
                                kinds[mount->kind].flags, mount->options ? mount->options : kinds[mount->kind].options,
                                err);
    }
}

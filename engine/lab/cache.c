#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/base/user.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int lab_cache_directory(char *path, size_t size, struct err *err)
{
    if (user_cache_path(path, size, err) < 0)
        return -1;
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (make_directories_in(root, path, 0755, err) < 0)
        return -1;
    /* 0700: a lab's root must not leave a setuid file where the host could run it, even if it found a way to write here. */
    return chmod(path, 0700) < 0 ? err_set(err, errno, "chmod `%s`", path) : 0;
}

/* @path of the host on @place of the lab's root, owners as a lab sees them everywhere. */
static int show(const struct build *build, int root, const char *path, const char *place, bool writable,
                struct err *err)
{
    uid_t owner = build->assembled ? 0 : build->lab->users[0].outside;
    cleanup_close int tree = sys_open_tree(AT_FDCWD, path, false);
    if (tree < 0)
        return err_set(err, errno, "open_tree `%s`", path);
    if (!build->assembled && sys_mount_idmap(tree, build->userns, false) < 0)
        return err_set(err, errno, "mount_setattr idmap of `%s`", path);
    uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY);
    if (sys_mount_attr(tree, "", attributes, 0, false) < 0)
        return err_set(err, errno, "mount_setattr of `%s`", path);
    if (make_directories_in(root, place, 0755, err) < 0)
        return -1;
    cleanup_close int target = open_policy(root, place, OPEN_IN_ROOT_PATH, err);
    if (target < 0)
        return -1;
    if (fchownat(target, "", owner, owner, AT_EMPTY_PATH) < 0)
        return err_set(err, errno, "chown `%s` of the lab", place);
    if (sys_move_mount(tree, target, "") < 0)
        return err_set(err, errno, "mount `%s` on `%s` of the lab", path, place);
    return 0;
}

int cache_show(const struct build *build, int root, struct err *err)
{
    struct err why;
    if (build->cache[0] && show(build, root, build->cache, LAB_CACHE, false, &why) < 0)
        lab_missing(build->lab, "the cache is not seen in the lab: %.180s", why.message);
    return build->options->work ? show(build, root, build->options->work, LAB_WORK, true, err) : 0;
}

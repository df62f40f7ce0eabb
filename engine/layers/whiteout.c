#include "engine/layers/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const opaque_attributes[] = {
    [WHITEOUT_OVERLAY] = "trusted.overlay.opaque",
    [WHITEOUT_USERXATTR] = "user.overlay.opaque",
};

bool whiteout_is(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* Also of a directory that is open with O_PATH, which fgetxattr and fsetxattr refuse. */
static const char *own_path(int fd, char path[static 32])
{
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return path;
}

bool whiteout_is_opaque(int fd, enum whiteout_form form)
{
    char value[2], path[32];
    if (form == WHITEOUT_NONE)
        return false;
    ssize_t length = fgetxattr(fd, opaque_attributes[form], value, sizeof value);
    if (length < 0 && errno == EBADF)
        length = getxattr(own_path(fd, path), opaque_attributes[form], value, sizeof value);
    return length == 1 && value[0] == 'y';
}

int whiteout_make(int dir, const char *name, struct err *err)
{
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_say(err, EINVAL, "a whiteout cannot be called `%s`: it hides one name of its own directory", name);
    /* 0:0 is the one device that mknod(2) gives without CAP_MKNOD. */
    if (mknodat(dir, name, S_IFCHR, makedev(0, 0)) < 0)
        return err_set(err, errno, "mknod of whiteout `%s` (character device 0:0)", name);
    return 0;
}

int whiteout_make_opaque(int dir, enum whiteout_form form, struct err *err)
{
    char path[32];
    if (form == WHITEOUT_NONE)
        return err_say(err, EINVAL, "a directory that is no layer of an overlay cannot be opaque");
    int made = fsetxattr(dir, opaque_attributes[form], "y", 1, 0);
    if (made < 0 && errno == EBADF)
        made = setxattr(own_path(dir, path), opaque_attributes[form], "y", 1, 0);
    if (made < 0)
        return err_set(err, errno, "setxattr %s%s", opaque_attributes[form],
                       errno == EOPNOTSUPP ? " (the file system has no such attributes)"
                       : errno == EPERM && form == WHITEOUT_OVERLAY
                           ? " (only root of the first user namespace may; elsewhere it is user.overlay.opaque)"
                           : "");
    return 0;
}

/* The lab's root where we are root: all of `/`, its owners shifted by an idmapped mount, under one overlay. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int make_owned(int at, const char *name, uid_t owner, mode_t mode, struct err *err)
{
    if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir `%s` on the lab's disk", name);
    if (fchownat(at, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 || fchmodat(at, name, mode, 0) < 0)
        return err_set(err, errno, "chown `%s` on the lab's disk", name);
    return 0;
}

/* One overlay over the host's mount at @path ("" for the root): @number tells its directories on the disk apart. */
static int overlay_one(const struct build *build, int stage_fd, const char *stage, const char *path, unsigned number,
                       struct err *err)
{
    uid_t owner = build->lab->users[0].outside;
    char lower[64], upper[64], work[64], target[PATH_MAX], options[512];
    snprintf(lower, sizeof lower, "lower%u", number);
    snprintf(upper, sizeof upper, "disk/upper%u", number);
    snprintf(work, sizeof work, "disk/work%u", number);

    cleanup_close int tree = sys_open_tree(AT_FDCWD, *path ? path : "/", false);
    if (tree < 0)
        return err_set(err, errno, "open_tree `%s`", *path ? path : "/");
    if (sys_mount_idmap(tree, build->userns, false) < 0)
        return err_set(err, errno, "mount_setattr idmap of `%s`", *path ? path : "/");
    if (mkdirat(stage_fd, lower, 0755) < 0 || sys_move_mount(tree, stage_fd, lower) < 0)
        return err_set(err, errno, "move_mount `%s`", lower);
    if (make_owned(stage_fd, upper, owner, 0755, err) < 0 || make_owned(stage_fd, work, owner, 0700, err) < 0)
        return -1;

    cleanup_close int upper_fd = openat(stage_fd, upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int lower_fd = openat(stage_fd, lower, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (upper_fd < 0 || lower_fd < 0 || fstat(lower_fd, &st) < 0 || fchmod(upper_fd, st.st_mode & 07777) < 0)
        return err_set(err, errno, "prepare the upper directory for `%s`", *path ? path : "/");
    if (!*path && conceal(upper_fd, lower_fd, "", owner, true, err) < 0)
        return -1;

    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
    if (snprintf(target, sizeof target, "%s/root%s", stage, path) >= (int)sizeof target)
        return err_set(err, ENAMETOOLONG, "mount overlay on `%s`", path);
    if (mount("overlay", target, "overlay", 0, options) < 0)
        return err_set(err, errno, "mount overlay for `%s`", *path ? path : "/");
    return 0;
}

/* Mounts of real file systems below `/` that hold parts of the operating system (a separate /usr or /var). */
static bool is_system_part(const char *path, const char *type)
{
    static const char *const tops[] = { "/usr", "/var", "/etc", "/bin", "/sbin", "/lib", "/lib64" };
    static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "erofs", "squashfs", "vfat" };
    bool real = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        real |= strcmp(type, types[i]) == 0;
    for (size_t i = 0; real && i < sizeof tops / sizeof *tops; i++) {
        size_t len = strlen(tops[i]);
        if (strncmp(path, tops[i], len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return false;
}

static int overlay_parts(const struct build *build, int stage_fd, const char *stage, struct err *err)
{
    cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f)
        return err_set(err, errno, "open `/proc/self/mountinfo`");
    cleanup_free char *line = NULL;
    size_t size = 0;
    unsigned number = 1;
    while (getline(&line, &size, f) > 0) {
        char path[1024], type[32];
        const char *after = strstr(line, " - ");
        if (!after || sscanf(line, "%*d %*d %*s %*s %1023s", path) != 1 || sscanf(after, " - %31s", type) != 1 ||
            !is_system_part(path, type))
            continue;
        struct err why;
        if (overlay_one(build, stage_fd, stage, path, number, &why) < 0)
            lab_missing(build->lab, "%s is as the root file system has it: %.180s", path, why.message);
        number++;
    }
    return 0;
}

int root_whole(const struct build *build, const char *stage, struct err *err)
{
    uid_t owner = build->lab->users[0].outside;
    if (mount("teachroot", stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0)
        return err_set(err, errno, "mount tmpfs on `%s`", stage);
    cleanup_close int stage_fd = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (stage_fd < 0 || fchdir(stage_fd) < 0)
        return err_set(err, errno, "open `%s`", stage);
    if (mkdirat(stage_fd, "disk", 0755) < 0 || mkdirat(stage_fd, "root", 0755) < 0)
        return err_set(err, errno, "mkdir below `%s`", stage);
    if (mount(build->device, "disk", "ext4", MS_NOATIME, NULL) < 0)
        return err_set(err, errno, "mount the lab's disk `%s`", build->device);
    if (overlay_one(build, stage_fd, stage, "", 0, err) < 0 || overlay_parts(build, stage_fd, stage, err) < 0)
        return -1;
    cleanup_close int root_fd = openat(stage_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return err_set(err, errno, "open the lab's root");
    if (cache_show(build, root_fd, err) < 0)
        return -1;
    cleanup_close int disk_fd = openat(stage_fd, "disk", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk_fd < 0)
        return err_set(err, errno, "open the lab's disk");
    for (size_t i = 0; i < lab_directory_count; i++)
        if (make_owned(disk_fd, lab_directories[i].name, owner, lab_directories[i].mode, err) < 0)
            return -1;
    return 0;
}

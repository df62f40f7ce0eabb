/* The lab's root where `/` cannot be one overlay's lower: put together directory by directory, in the lab's own user namespace.
 *
 * Mounts inherited from the host are locked, and overlay refuses a lower with such mounts below it ("failed to clone lowerpath"). So each directory
 * without mounts below it is an overlay of its own, and one that has some is a real directory treated the same way one level down. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MAX_DEPTH 4
#define SMALL_FILE (1 << 20)

struct assembly {
    const struct build *build;
    int disk;             /* the lab's directory on the user's disk */
    unsigned overlays;    /* made so far: numbers their directories */
    char (*mounts)[1024]; /* every mount point of the host */
    size_t mount_count;
};

/* The lab has these by itself, or must not see the host's. */
static const char *const own[] = { "proc", "sys", "dev",  "tmp", "run",   "root",
                                   "opt",  "srv", "home", "mnt", "media", "lost+found" };

static int read_mounts(struct assembly *assembly, struct err *err)
{
    cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f)
        return err_set(err, errno, "open `/proc/self/mountinfo`");
    cleanup_free char *line = NULL;
    size_t size = 0, room = 0;
    while (getline(&line, &size, f) > 0) {
        char path[1024];
        if (sscanf(line, "%*d %*d %*s %*s %1023s", path) != 1)
            continue;
        if (assembly->mount_count == room) {
            room = room ? room * 2 : 64;
            void *more = realloc(assembly->mounts, room * sizeof *assembly->mounts);
            if (!more)
                return err_set(err, ENOMEM, "read the host's mounts");
            assembly->mounts = more;
        }
        memcpy(assembly->mounts[assembly->mount_count++], path, sizeof path);
    }
    return 0;
}

static bool has_mounts(const struct assembly *assembly, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < assembly->mount_count; i++)
        if (strncmp(assembly->mounts[i], path, len) == 0 &&
            (assembly->mounts[i][len] == '/' || assembly->mounts[i][len] == '\0'))
            return true;
    return false;
}

static int overlay_directory(struct assembly *assembly, const char *host, int target, struct err *err)
{
    char upper[32], work[32], options[PATH_MAX + 128], where[64];
    struct stat st;
    unsigned number = assembly->overlays++;
    snprintf(upper, sizeof upper, "upper%u", number);
    snprintf(work, sizeof work, "work%u", number);
    if (mkdirat(assembly->disk, upper, 0755) < 0 || mkdirat(assembly->disk, work, 0700) < 0)
        return err_set(err, errno, "mkdir on the lab's disk");
    cleanup_close int lower_fd = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int upper_fd = openat(assembly->disk, upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lower_fd < 0 || upper_fd < 0 || fstat(lower_fd, &st) < 0 || fchmod(upper_fd, st.st_mode & 07777) < 0)
        return err_set(err, errno, "prepare an overlay of `%s`", host);
    if (conceal(upper_fd, lower_fd, host, 0, false, err) < 0)
        return -1;
    if (strpbrk(host, ",:\\"))
        return err_say(err, EINVAL, "`%s` has a character overlay's options cannot hold", host);
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=disk/%s,workdir=disk/%s,userxattr", host, upper, work);
    snprintf(where, sizeof where, "/proc/self/fd/%d", target);
    if (mount("overlay", where, "overlay", 0, options) < 0)
        return err_set(err, errno, "mount overlay of `%s`", host);
    return 0;
}

static int copy_small_file(int from_dir, const char *name, const struct stat *st, int to_dir)
{
    cleanup_close int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || st->st_size > SMALL_FILE)
        return 0;
    cleanup_close int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
    char block[65536];
    for (ssize_t n; to >= 0 && (n = read(from, block, sizeof block)) > 0;)
        if (write(to, block, (size_t)n) != n)
            return -1;
    return 0;
}

static int assemble(struct assembly *assembly, const char *host, int target, int depth, struct err *err);

static int assemble_directory(struct assembly *assembly, const char *path, int target_dir, const char *name,
                              const struct stat *st, int depth, struct err *err)
{
    struct err why;
    if (mkdirat(target_dir, name, 0755) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir `%s` in the lab's root", path);
    cleanup_close int here = openat(target_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (here < 0 || fchmod(here, st->st_mode & 07777) < 0)
        return err_set(err, errno, "open `%s` in the lab's root", path);
    if (access(path, R_OK | X_OK) < 0 || is_concealed(path))
        return 0; /* not for this user's eyes: empty */
    if (has_mounts(assembly, path))
        return depth < MAX_DEPTH ? assemble(assembly, path, here, depth + 1, err) : 0;
    if (overlay_directory(assembly, path, here, &why) == 0)
        return 0;
    lab_missing(assembly->build->lab, "%s can be read but not changed: %.180s", path, why.message);
    cleanup_close int from = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || sys_bind(from, "", target_dir, name, false) < 0)
        return err_set(err, errno, "bind `%s` into the lab's root", path);
    return 0;
}

/* Fill the real directory @target with what @host has. */
static int assemble(struct assembly *assembly, const char *host, int target, int depth, struct err *err)
{
    cleanup_dir DIR *dir = opendir(*host ? host : "/");
    if (!dir)
        return 0; /* may not be read: stays empty */
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;
        char path[PATH_MAX], link[PATH_MAX];
        struct stat st;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            snprintf(path, sizeof path, "%s/%s", host, name) >= (int)sizeof path)
            continue;
        bool lab_has_it = false;
        for (size_t i = 0; depth == 0 && i < sizeof own / sizeof *own; i++)
            lab_has_it |= strcmp(name, own[i]) == 0;
        if (lab_has_it)
            continue;
        if (S_ISLNK(st.st_mode)) {
            ssize_t n = readlinkat(dirfd(dir), name, link, sizeof link - 1);
            if (n < 0)
                continue;
            link[n] = '\0';
            if (symlinkat(link, target, name) < 0 && errno != EEXIST)
                return err_set(err, errno, "symlink `%s` in the lab's root", path);
        } else if (S_ISDIR(st.st_mode)) {
            if (assemble_directory(assembly, path, target, name, &st, depth, err) < 0)
                return -1;
        } else if (S_ISREG(st.st_mode) && !is_concealed(path) && copy_small_file(dirfd(dir), name, &st, target) < 0) {
            return err_set(err, errno, "copy `%s` into the lab's root", path);
        }
    }
    return 0;
}

/* The lab's directory on the user's disk; where that disk is an overlay itself (in a Docker container), which can hold no overlay's upper directory, memory. */
static int mount_disk(const struct build *build, struct err *err)
{
    const char *files = build->lab->record.files;
    struct statfs fs;
    char size[64];
    if (statfs(files, &fs) < 0)
        return err_set(err, errno, "statfs `%s`", files);
    if (fs.f_type != OVERLAYFS_SUPER_MAGIC)
        return mount(files, "disk", NULL, MS_BIND, NULL) < 0 ? err_set(err, errno, "bind `%s`", files) : 0;
    lab_missing(build->lab, "what the lab writes is kept in memory: %.100s is on an overlay itself", files);
    snprintf(size, sizeof size, "mode=0755,size=%llu", (unsigned long long)build->options->memory_bytes / 2);
    return mount("disk", "disk", "tmpfs", MS_NOSUID | MS_NODEV, size) < 0
               ? err_set(err, errno, "mount tmpfs for the lab's disk")
               : 0;
}

int root_assembled(const struct build *build, const char *stage, struct err *err)
{
    if (mount("teachroot", stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0)
        return err_set(err, errno, "mount tmpfs on `%s`", stage);
    if (chdir(stage) < 0 || mkdir("disk", 0755) < 0 || mkdir("root", 0755) < 0)
        return err_set(err, errno, "mkdir below `%s`", stage);
    if (mount_disk(build, err) < 0)
        return -1;
    cleanup_close int disk = open("disk", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(disk, "fs", 0755) < 0)
        return err_set(err, errno, "mkdir `fs` on the lab's disk");
    for (size_t i = 0; i < lab_directory_count; i++)
        if (mkdirat(disk, lab_directories[i].name, lab_directories[i].mode) < 0)
            return err_set(err, errno, "mkdir `%s` on the lab's disk", lab_directories[i].name);
    if (mount("disk/fs", "root", NULL, MS_BIND, NULL) < 0)
        return err_set(err, errno, "bind the lab's root");
    cleanup_close int root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_set(err, errno, "open the lab's root");
    struct assembly assembly = { .build = build, .disk = disk };
    int result = read_mounts(&assembly, err) < 0 ? -1 : assemble(&assembly, "", root, 0, err);
    free(assembly.mounts);
    if (result == 0)
        result = cache_show(build, root, err);
    for (size_t i = 0; result == 0 && i < sizeof own / sizeof *own; i++)
        if (mkdirat(root, own[i], 0755) < 0 && errno != EEXIST)
            result = err_set(err, errno, "mkdir `/%s` in the lab's root", own[i]);
    return result;
}

/* Why an overlay is refused. The kernel answers most mistakes with EINVAL and tells the reason to its own log, which few may read: so each known reason is looked for. */
#include "engine/layers/overlay_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* A directory's path for a sentence. */
/* A path in a sentence: two of them and the words fit an error's message. */
struct named {
    char path[400];
};

static const char *name_of(int fd, struct named *named)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, named->path, sizeof named->path - 1);
    if (length < 0)
        return "?";
    named->path[length] = '\0';
    return named->path;
}

static bool on_overlay(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAY_MAGIC;
}

static bool is_directory(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool same_file(int a, int b)
{
    struct stat of_a, of_b;
    return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* Is @inner the directory @outer or one below it? */
static bool is_within(int inner, int outer)
{
    cleanup_close int at = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; at >= 0 && depth < PATH_MAX; depth++) {
        if (same_file(at, outer))
            return true;
        int parent = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent < 0 || same_file(parent, at)) {
            if (parent >= 0)
                close(parent);
            return false;
        }
        close(at);
        at = parent;
    }
    return false;
}

/* The kernel wants them under one mount, not only on one file system. */
static bool under_one_mount(int a, int b)
{
    struct statx of_a, of_b;
    return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_a) == 0 &&
           statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_b) == 0 && of_a.stx_mnt_id == of_b.stx_mnt_id;
}

static bool is_read_only(int fd)
{
    struct statvfs fs;
    return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* The kernel empties work/work itself, but goes no deeper than it put things there. */
static bool has_leftovers(int work)
{
    int fd = openat(work, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return true;
    if (fd >= 0 && !dir)
        close(fd);
    return false;
}

/* Is the mount that @fd is on not one of ours? What a process brought along from another mount namespace can be read, but be no layer. */
static bool is_elsewhere(int fd)
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 || !(st.stx_mask & STATX_MNT_ID))
        return false;
    cleanup_file FILE *mounts = fopen("/proc/self/mountinfo", "re");
    cleanup_free char *line = NULL;
    size_t room = 0;
    while (mounts && getline(&line, &room, mounts) > 0)
        if (strtoull(line, NULL, 10) == st.stx_mnt_id)
            return false;
    return mounts != NULL;
}

/* The reason as a sentence's second half, or "". */
static void find_reason(const struct overlay *overlay, char *why, size_t size)
{
    struct named name, other;
    int upper = overlay->upper, work = overlay->work;
    for (size_t i = 0; i < overlay->lower_count; i++)
        if (!is_directory(overlay->lowers[i])) {
            snprintf(why, size, "lower `%s` is not a directory", name_of(overlay->lowers[i], &name));
            return;
        }
    for (size_t i = 0; i < overlay->lower_count; i++)
        for (size_t j = i + 1; j < overlay->lower_count; j++)
            if (same_file(overlay->lowers[i], overlay->lowers[j])) {
                snprintf(why, size, "`%s` is given twice as a lower", name_of(overlay->lowers[i], &name));
                return;
            }
    if (upper >= 0) {
        int bad = !is_directory(upper) ? upper : !is_directory(work) ? work : -1;
        if (bad >= 0)
            snprintf(why, size, "%s `%s` is not a directory", bad == upper ? "upper" : "work", name_of(bad, &name));
        else if (on_overlay(upper))
            snprintf(why, size,
                     "upper `%s` is on an overlay itself, and what an overlay writes can lie on no other overlay: take "
                     "a directory of an ordinary file system (ext4, xfs, tmpfs)",
                     name_of(upper, &name));
        else if (same_file(upper, work))
            snprintf(why, size, "`%s` cannot be upper and work at once", name_of(upper, &name));
        else if (is_within(work, upper) || is_within(upper, work))
            snprintf(why, size, "upper `%s` and work `%s` lie in one another: put them side by side",
                     name_of(upper, &name), name_of(work, &other));
        else if (!under_one_mount(upper, work))
            snprintf(why, size,
                     "work `%s` is not on the same mount as upper `%s`: files are renamed from one to the "
                     "other, so put them side by side",
                     name_of(work, &name), name_of(upper, &other));
        else if (is_read_only(upper))
            snprintf(why, size, "upper `%s` is on a read-only mount", name_of(upper, &name));
        for (size_t i = 0; !*why && i < overlay->lower_count; i++) {
            int lower = overlay->lowers[i];
            if (is_within(lower, upper) || is_within(upper, lower) || is_within(lower, work) || is_within(work, lower))
                snprintf(why, size,
                         "lower `%s` and upper `%s` (or its work directory) are the same or lie in one "
                         "another: each layer needs a directory of its own",
                         name_of(lower, &name), name_of(upper, &other));
        }
        if (!*why && has_leftovers(work))
            snprintf(why, size, "work `%s` is not empty: give an empty directory of its own to each overlay",
                     name_of(work, &name));
    }
    for (size_t i = 0; !*why && i < overlay->lower_count; i++)
        if (is_elsewhere(overlay->lowers[i]))
            snprintf(why, size,
                     "lower `%s` was opened in another mount namespace: open it again in the one it is mounted in",
                     name_of(overlay->lowers[i], &name));
    for (size_t i = 0; !*why && i < overlay->lower_count; i++)
        if (on_overlay(overlay->lowers[i]))
            snprintf(why, size,
                     "lower `%s` is on an overlay: such a one can be stacked on once, if nothing is mounted below it "
                     "that this user namespace may not uncover",
                     name_of(overlay->lowers[i], &name));
}

/* Failures that need no look at the directories. */
static const struct {
    int errnum;
    const char *why;
} general[] = {
    { ENODEV, "this kernel has no overlay: as root of the machine, modprobe overlay" },
    { EPERM, "it needs CAP_SYS_ADMIN, or a user namespace (unshare --user --map-root-user --mount) and Linux 5.11" },
    { EBUSY, "upper or work belongs to another overlay that is mounted" },
    { ESTALE, "upper was used with other lower directories before" },
};

int overlay_explain(const struct overlay *overlay, const char *call, int errnum, const char *log, struct err *err)
{
    char why[sizeof err->message] = "";
    for (size_t i = 0; i < sizeof general / sizeof *general; i++)
        if (general[i].errnum == errnum)
            snprintf(why, sizeof why, "%s", general[i].why);
    if (!*why)
        find_reason(overlay, why, sizeof why);
    if (*why)
        return err_say(err, errnum, "%s: %s", call, why);
    if (*log)
        return err_say(err, errnum, "%s: %s (%s)", call, strerrordesc_np(errnum), log);
    return err_set(err, errnum, "%s of %zu lower directories%s", call, overlay->lower_count,
                   overlay->upper >= 0 ? " and an upper one" : "");
}

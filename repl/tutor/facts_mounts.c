/* Facts about mounts and file systems. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define PROCESSES_MAX 1024

/* The mount that @fd is on, as the mount table of its namespace numbers it; *top: @fd is where it is mounted. 0: not known. */
static uint64_t mount_of(int fd, bool *top)
{
    struct statx stx;
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0 ||
        !(stx.stx_mask & STATX_MNT_ID))
        return 0;
    if (top)
        *top = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
    return stx.stx_mnt_id;
}

static uint64_t mount_of_path(const struct fact_call *call, const char *path, bool *top)
{
    cleanup_close int fd = fact_open(call, path);
    return mount_of(fd, top);
}

static const struct observe_mount *find_mount(const struct observe_mounts *mounts, uint64_t id)
{
    for (size_t i = 0; i < mounts->count; i++)
        if ((uint64_t)mounts->list[i].id == id)
            return &mounts->list[i];
    return NULL;
}

enum fact_answer fact_mount_point(struct fact_call *call)
{
    bool top = false;
    return mount_of_path(call, call->arguments[0], &top) ? fact_says(top) : FACT_UNKNOWN;
}

enum fact_answer fact_covered(struct fact_call *call)
{
    if (strcmp(call->arguments[0], ".") != 0)
        return FACT_NO;
    uint64_t stands = mount_of_path(call, ".", NULL), named = mount_of_path(call, call->place->cwd, NULL);
    return stands && named ? fact_says(stands != named) : FACT_UNKNOWN;
}

static bool is_shared(const struct observe_mount *mount)
{
    return mount && strstr(mount->propagation, "shared:");
}

enum fact_answer fact_shared_parent(struct fact_call *call)
{
    struct observe_mounts mounts;
    bool top = false;
    uint64_t id = mount_of_path(call, call->arguments[0], &top);
    if (!id || observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    const struct observe_mount *mount = find_mount(&mounts, id),
                               *parent = mount ? find_mount(&mounts, (uint64_t)mount->parent) : NULL;
    enum fact_answer answer = top && is_shared(parent) ? fact_give(call, "parent", parent->point) : FACT_NO;
    observe_mounts_free(&mounts);
    return answer;
}

enum fact_answer fact_shared_root(struct fact_call *call)
{
    struct observe_mounts mounts;
    uint64_t id = mount_of_path(call, "/", NULL);
    if (!id || observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    enum fact_answer answer = fact_says(is_shared(find_mount(&mounts, id)));
    observe_mounts_free(&mounts);
    return answer;
}

enum fact_answer fact_on_root_mount(struct fact_call *call)
{
    uint64_t root = mount_of_path(call, "/", NULL), id = mount_of_path(call, call->arguments[0], NULL);
    return root && id ? fact_says(root == id) : FACT_UNKNOWN;
}

enum fact_answer fact_mounts_below(struct fact_call *call)
{
    struct observe_mounts mounts;
    char path[PATH_MAX];
    if (!fact_path(call, call->arguments[0], path) || observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    enum fact_answer answer = FACT_NO;
    for (size_t i = 0; i < mounts.count && answer == FACT_NO; i++)
        if (strncmp(mounts.list[i].point, path, len) == 0 && mounts.list[i].point[len] == '/')
            answer = fact_give(call, "below", mounts.list[i].point);
    observe_mounts_free(&mounts);
    return answer;
}

static bool stands_on(pid_t pid, uint64_t mount)
{
    static const char *const links[] = { "cwd", "root", "exe" };
    char path[64];
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, links[i]);
        cleanup_close int fd = open(path, O_PATH | O_CLOEXEC);
        if (mount_of(fd, NULL) == mount)
            return true;
    }
    return false;
}

/* Numbers of mounts are unique on the machine, so processes of other mount namespaces, which have copies, do not count. */
enum fact_answer fact_busy(struct fact_call *call)
{
    pid_t pids[PROCESSES_MAX];
    struct observe_process process;
    bool top = false;
    uint64_t id = mount_of_path(call, call->arguments[0], &top);
    ssize_t count = id && top ? observe_processes_below(call->lab, pids, PROCESSES_MAX, NULL) : -1;
    for (ssize_t i = 0; i < count; i++) {
        long inside = stands_on(pids[i], id) ? fact_pid_inside(call, pids[i]) : -1;
        if (inside <= 0 || observe_process(pids[i], &process, NULL) < 0)
            continue;
        return fact_give_number(call, "pid", inside) == FACT_YES ? fact_give(call, "program", process.comm)
                                                                 : FACT_UNKNOWN;
    }
    return count < 0 ? FACT_UNKNOWN : FACT_NO;
}

static enum fact_answer has_flag(const struct fact_call *call, unsigned long flag)
{
    struct statvfs fs;
    cleanup_close int fd = fact_open_near(call, call->arguments[0]);
    return fd >= 0 && fstatvfs(fd, &fs) == 0 ? fact_says(fs.f_flag & flag) : FACT_UNKNOWN;
}

enum fact_answer fact_noexec(struct fact_call *call)
{
    return has_flag(call, ST_NOEXEC);
}

enum fact_answer fact_nodev(struct fact_call *call)
{
    return has_flag(call, ST_NODEV);
}

enum fact_answer fact_read_only(struct fact_call *call)
{
    return has_flag(call, ST_RDONLY);
}

static const char *readable(uint64_t bytes, char *buf, size_t size)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;
    for (; bytes >= 10240 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1024;
    snprintf(buf, size, "%llu %s", (unsigned long long)bytes, units[unit]);
    return buf;
}

/* Programs that clean up after themselves leave a little; a hundredth is as good as none. */
enum fact_answer fact_no_space(struct fact_call *call)
{
    struct statvfs fs;
    char size[40];
    cleanup_close int fd = fact_open_near(call, call->arguments[0]);
    if (fd < 0 || fstatvfs(fd, &fs) < 0)
        return FACT_UNKNOWN;
    if (!fs.f_blocks || (fs.f_bavail > fs.f_blocks / 100 && (!fs.f_files || fs.f_favail)))
        return FACT_NO;
    return fact_give(call, "size", readable((uint64_t)fs.f_blocks * fs.f_frsize, size, sizeof size));
}

enum fact_answer fact_on_overlay(struct fact_call *call)
{
    struct statfs fs;
    cleanup_close int fd = fact_open_near(call, call->arguments[0]);
    return fd >= 0 && fstatfs(fd, &fs) == 0 ? fact_says(fs.f_type == OVERLAYFS_SUPER_MAGIC) : FACT_UNKNOWN;
}

enum fact_answer fact_other_file_system(struct fact_call *call)
{
    uint64_t one = mount_of_path(call, call->arguments[0], NULL), other = mount_of_path(call, call->arguments[1], NULL);
    return one && other ? fact_says(one != other) : FACT_UNKNOWN;
}

enum fact_answer fact_no_userxattr(struct fact_call *call)
{
    struct observe_mounts mounts;
    cleanup_close int fd = fact_open_near(call, call->arguments[0]);
    uint64_t id = mount_of(fd, NULL);
    if (!id || observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    const struct observe_mount *mount = find_mount(&mounts, id);
    enum fact_answer answer = FACT_NO;
    if (mount && strcmp(mount->type, "overlay") == 0 && !strstr(mount->super_options, "userxattr"))
        answer = fact_give(call, "mount", mount->point);
    observe_mounts_free(&mounts);
    return answer;
}

/* What the lab's first process does before it becomes init: the mounts every Linux system has, then pivot_root. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/isolate/mounts.h"
#include "engine/net/link.h"
#include "engine/net/net.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int write_in(int root, const char *path, const char *text, struct err *err)
{
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_CREATE, err);
    if (fd < 0)
        return -1;
    size_t len = strlen(text);
    return write(fd, text, len) == (ssize_t)len ? 0 : err_set(err, errno, "write `/%s` of the lab", path);
}

static int make_devices(const struct build *build, int root, struct err *err)
{
    static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
    static const struct {
        const char *target, *name;
    } links[] = {
        { "/proc/self/fd", "dev/fd" },       { "/proc/self/fd/0", "dev/stdin" }, { "/proc/self/fd/1", "dev/stdout" },
        { "/proc/self/fd/2", "dev/stderr" }, { "pts/ptmx", "dev/ptmx" },
    };
    if (isolate_mount_in(root, "dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k", err) < 0)
        return -1;
    cleanup_close int host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        char path[32];
        snprintf(path, sizeof path, "dev/%s", nodes[i]);
        if (isolate_bind_in(root, host, nodes[i], path, false, false, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i].target, root, links[i].name) < 0)
            return err_set(err, errno, "symlink `/%s` of the lab", links[i].name);
    /* uid=0: a pty opened from outside still belongs to the lab's root. */
    if (isolate_mount_in(root, "dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC,
                         "newinstance,ptmxmode=0666,mode=0620,uid=0", err) < 0 ||
        isolate_mount_in(root, "dev/shm", "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m", err) < 0)
        return -1;
    struct err why;
    if (isolate_mount_in(root, "dev/mqueue", "mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, &why) < 0)
        lab_missing(build->lab, "no POSIX message queues: %.180s", why.message);
    return 0;
}

static bool is_cgroup2(int root, const char *path)
{
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_DIRECTORY, NULL);
    struct statfs fs;
    return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Every hierarchy where the host has it, mounted by the lab itself: rooted at the lab's own group by the cgroup namespace. */
static int mount_cgroups(const struct build *build, int root, struct err *err)
{
    const struct lab *lab = build->lab;
    static const char place[] = "/sys/fs/cgroup";
    if (lab->hierarchy_count == 0)
        return 0;
    bool alone = lab->hierarchy_count == 1 && strcmp(lab->hierarchies[0].mount, place) == 0;
    /* A lab that shares the host's network has the host's /sys, and cgroup2 straight over cgroup2 is EBUSY. */
    bool covers = alone && lab->procs[0] >= 0 && is_cgroup2(root, place);
    if ((!alone || covers) && isolate_mount_in(root, place, "cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                               "mode=0755,size=64k", err) < 0)
        return -1;
    for (size_t i = 0; i < lab->hierarchy_count; i++) {
        const struct cgroup_hierarchy *hierarchy = &lab->hierarchies[i];
        const char *mount = hierarchy->mount;
        char options[160];
        struct err why;
        if (lab->procs[i] < 0 || strncmp(mount, place, strlen(place)) != 0)
            continue;
        bool named = strncmp(hierarchy->controllers, "name=", 5) == 0;
        snprintf(options, sizeof options, "%s%s", named ? "none," : "", hierarchy->controllers);
        if (isolate_mount_in(root, mount, "cgroup", hierarchy->v2 ? "cgroup2" : "cgroup",
                             MS_NOSUID | MS_NODEV | MS_NOEXEC, hierarchy->v2 ? NULL : options, &why) < 0)
            lab_missing(build->lab, "%s is not in the lab: %.180s", mount, why.message);
    }
    return 0;
}

static int loopback_up(struct err *err)
{
    cleanup_netlink struct mnl_socket *nl = link_open(-1, err);
    return nl ? link_up(nl, "lo", err) : -1;
}

/* In place of what the host has there, which may be a link to somewhere else. */
static int replace_in(int root, const char *name, const char *text, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "etc/%s", name);
    cleanup_close int etc = open_policy(root, "etc", OPEN_IN_ROOT_DIRECTORY, err);
    if (etc < 0)
        return -1;
    if (unlinkat(etc, name, 0) < 0 && errno != ENOENT)
        return err_set(err, errno, "replace `/%s` of the lab", path);
    return write_in(root, path, text, err);
}

static int write_files(const struct build *build, int root, struct err *err)
{
    static const char bashrc[] = "# Made anew for every lab.\n"
                                 "PS1='\\h:\\w\\$ '\n"
                                 "alias ls='ls --color=auto'\n";
    const char *name = build->lab->record.name;
    char hosts[256], servers[4096];
    snprintf(hosts, sizeof hosts, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 %s\n",
             name);
    struct err why;
    if (write_in(root, "root/.bashrc", bashrc, err) < 0)
        return -1;
    if (replace_in(root, "hosts", hosts, &why) < 0)
        lab_missing(build->lab, "the lab does not know its own name: %.180s", why.message);
    if (build->own_network && !build->options->offline) {
        if (net_resolv_conf(servers, sizeof servers, &why) < 0)
            lab_missing(build->lab, "no names: %.180s", why.message);
        else if (replace_in(root, "resolv.conf", servers, &why) < 0)
            lab_missing(build->lab, "no names: %.180s", why.message);
    }
    if (sethostname(name, strlen(name)) < 0)
        return err_set(err, errno, "sethostname");
    return 0;
}

/* One of the disk's own directories in its place. One whose place cannot be had is told of, and not in the lab. */
static int bind_directory(const struct build *build, int root, int disk, const struct lab_directory *directory,
                          struct err *err)
{
    struct err why;
    if (!directory->optional)
        return isolate_bind_in(root, disk, directory->name, directory->place, true, false, err);
    if (make_directories_in(root, directory->place, 0755, &why) < 0 ||
        isolate_bind_in(root, disk, directory->name, directory->place, true, false, &why) < 0)
        lab_missing(build->lab, "no /%s of the lab's own: %.180s", directory->place, why.message);
    return 0;
}

int inside_enter(const struct build *build, struct err *err)
{
    char limit[64];
    /* The working directory is the stage: a path to it would lead through directories that the lab's root may not pass.
     * Mounts inherited from the other user namespace are locked together, and pivot_root refuses (EINVAL) until the new root is one of our own. */
    if (mount("root", "root", NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_set(err, errno, "bind the lab's root on itself");
    cleanup_close int root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int disk = open("disk", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || disk < 0)
        return err_set(err, errno, "open the lab's root");
    for (size_t i = 0; i < lab_directory_count; i++)
        if (bind_directory(build, root, disk, &lab_directories[i], err) < 0)
            return -1;
    /* While the host's own /proc and /sys are still in sight: the kernel refuses fresh ones where it sees only masked ones. */
    if (isolate_mount_in(root, "proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, err) < 0)
        return -1;
    if (build->own_network) {
        if (loopback_up(err) < 0)
            return -1;
        if (isolate_mount_in(root, "sys", "sysfs", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, err) < 0)
            return -1;
    } else { /* a sysfs belongs to a network namespace, and this one is the host's */
        char target[64];
        cleanup_close int sys = open_policy(root, "sys", OPEN_IN_ROOT_PATH, err);
        snprintf(target, sizeof target, "/proc/self/fd/%d", sys);
        if (sys < 0)
            return -1;
        if (mount("/sys", target, NULL, MS_BIND | MS_REC, NULL) < 0)
            return err_set(err, errno, "bind `/sys` into the lab");
    }
    snprintf(limit, sizeof limit, "mode=1777,size=%llum",
             (unsigned long long)(build->options->memory_bytes >> 22) + 16);
    if (make_devices(build, root, err) < 0 ||
        isolate_mount_in(root, "tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, limit, err) < 0 ||
        isolate_mount_in(root, "run", "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=32m", err) < 0 ||
        mount_cgroups(build, root, err) < 0 || programs_place(build, root, err) < 0 ||
        write_files(build, root, err) < 0)
        return -1;
    return isolate_pivot(root, NULL, err);
}

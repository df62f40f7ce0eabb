#include "engine/limit/group.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/limit/backend.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int64_t cgroup_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cgroups_read(struct cgroups *all, struct err *err)
{
    ssize_t count = cgroup_hierarchies(all->list, err);
    all->count = count < 0 ? 0 : (size_t)count;
    if (count == 0)
        return err_say(err, ENOENT,
                       "find control groups: no cgroup file system is mounted (mount -t cgroup2 none /sys/fs/cgroup)");
    return count < 0 ? -1 : 0;
}

/* How v2 knows the controllers of v1: by another name, as a part of every group, or not at all. */
static const struct {
    const char *v1, *v2;
    const char *instead; /* why there is none on v2 */
} kinds[] = {
    { "blkio", "io", NULL },
    { "cpuacct", NULL, NULL },
    { "freezer", NULL, NULL },
    { "devices", NULL,
      "v2 has no devices controller: a BPF program of type cgroup_device, attached to the group, replaces it" },
    { "net_cls", NULL,
      "v2 has no net_cls controller: nftables' `socket cgroupv2` and BPF programs on the group replace it" },
    { "net_prio", NULL, "v2 has no net_prio controller: BPF programs on the group replace it" },
};

static const char *other_name(const char *controller)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].v1, controller) == 0)
            return kinds[i].v2;
        if (kinds[i].v2 && strcmp(kinds[i].v2, controller) == 0)
            return kinds[i].v1;
    }
    return controller;
}

const char *cgroup_v2_controller(const char *controller)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].v1, controller) == 0)
            return kinds[i].v2;
    return controller;
}

static bool built_into_v2(const char *controller)
{
    return strcmp(controller, "freezer") == 0 || strcmp(controller, "cpuacct") == 0 ||
           strcmp(controller, "cgroup") == 0;
}

const struct cgroup_hierarchy *cgroups_find(const struct cgroups *all, const char *controller, struct err *err)
{
    const char *other = other_name(controller);
    const struct cgroup_hierarchy *v2 = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct cgroup_hierarchy *hierarchy = &all->list[i];
        if (hierarchy->v2)
            v2 = hierarchy;
        else if (cgroup_has_controller(hierarchy, controller) || (other && cgroup_has_controller(hierarchy, other)))
            return hierarchy;
    }
    const char *there = cgroup_v2_controller(controller);
    if (v2 && (built_into_v2(controller) || (there && cgroup_has_controller(v2, there))))
        return v2;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (v2 && kinds[i].instead && strcmp(kinds[i].v1, controller) == 0)
            err_say(err, ENODEV, "%s", kinds[i].instead);
        else if (strcmp(kinds[i].v1, controller) == 0)
            break;
    if (!err || err->code != ENODEV)
        err_say(err, ENODEV, "controller `%s`: no mounted cgroup hierarchy has it", controller);
    return NULL;
}

/* "/a//b/" is "a/b"; "." and ".." would lead elsewhere than they seem to. */
static int take_path(char *to, size_t size, const char *path, struct err *err)
{
    size_t len = 0;
    to[0] = '\0';
    for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
        size_t n = strcspn(p, "/");
        bool here = n == 1 && *p == '.';
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return err_say(err, EINVAL, "cgroup `%s`: a path of a group has no `..`", path);
        if (len + n + 2 > size)
            return err_set(err, ENAMETOOLONG, "cgroup `%.60s…`", path);
        if (!here)
            len += (size_t)sprintf(to + len, "%s%.*s", len ? "/" : "", (int)n, p);
        p += n;
    }
    return 0;
}

int cgroup_open(struct cgroup *group, const struct cgroup_hierarchy *hierarchy, const char *path, struct err *err)
{
    char full[PATH_MAX];
    *group = (struct cgroup){ .hierarchy = hierarchy, .dir = -1 };
    if (take_path(group->path, sizeof group->path, path, err) < 0)
        return -1;
    snprintf(full, sizeof full, "%s/%s", hierarchy->mount, group->path);
    group->dir = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return group->dir < 0 ? err_set(err, errno, "open cgroup `%s`", full) : 0;
}

void cgroup_close(struct cgroup *group)
{
    if (group->dir >= 0)
        close(group->dir);
    group->dir = -1;
}

int cgroup_create(const struct cgroup_hierarchy *hierarchy, const char *path, const char *const *controllers,
                  size_t count, struct err *err)
{
    char clean[1024];
    if (take_path(clean, sizeof clean, path, err) < 0)
        return -1;
    int made = 0;
    for (size_t from = 0; clean[from];) {
        size_t n = strcspn(clean + from, "/");
        char parent_path[sizeof clean], name[NAME_MAX + 1];
        snprintf(parent_path, sizeof parent_path, "%.*s", (int)from, clean);
        if (n > NAME_MAX)
            return err_set(err, ENAMETOOLONG, "cgroup `%.60s…`", path);
        snprintf(name, sizeof name, "%.*s", (int)n, clean + from);
        cleanup_cgroup struct cgroup parent = CGROUP_CLOSED;
        if (cgroup_open(&parent, hierarchy, parent_path, err) < 0)
            return -1;
        if (count > 0 && backend_of(&parent)->enable(&parent, controllers, count, err) < 0)
            return -1;
        made = mkdirat(parent.dir, name, 0755) == 0;
        if (!made && errno != EEXIST)
            return err_set(err, errno, "mkdir cgroup `%s/%.*s`", hierarchy->mount, (int)(from + n), clean);
        from += n + strspn(clean + from + n, "/");
    }
    return made;
}

/* Move what is in @group to @to, again until nothing comes after. A process that ended meanwhile is as good as moved. */
static int move_all(const struct cgroup *group, const struct cgroup *to, struct err *err)
{
    pid_t list[256] = { 0 };
    for (int rounds = 0; rounds < 1000; rounds++) {
        ssize_t count = cgroup_members(group, false, list, sizeof list / sizeof *list, err);
        if (count <= 0)
            return (int)count;
        if ((size_t)count > sizeof list / sizeof *list)
            count = sizeof list / sizeof *list;
        for (ssize_t i = 0; i < count; i++) {
            struct err why = { 0 };
            if (list[i] == 0)
                return err_say(err, EBUSY, "empty cgroup `%s/%s`: it holds a process of another pid namespace",
                               group->hierarchy->mount, group->path);
            if (cgroup_move(to, list[i], &why) < 0 && why.code != ESRCH) {
                if (err)
                    *err = why;
                return -1;
            }
        }
    }
    return err_say(err, EBUSY, "empty cgroup `%s/%s`: new processes come faster than they can be moved",
                   group->hierarchy->mount, group->path);
}

static int remove_children(const struct cgroup *group, bool evict, struct err *err)
{
    cleanup_close int again = openat(group->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return err_set(err, errno, "read cgroup `%s/%s`", group->hierarchy->mount, group->path);
    again = -1;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[sizeof group->path + NAME_MAX + 2];
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s%s%s", group->path, *group->path ? "/" : "", entry->d_name);
        if (cgroup_remove(group->hierarchy, path, true, evict, err) < 0)
            return -1;
    }
    return 0;
}

int cgroup_remove(const struct cgroup_hierarchy *hierarchy, const char *path, bool recursive, bool evict,
                  struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED, parent = CGROUP_CLOSED;
    if (cgroup_open(&group, hierarchy, path, err) < 0 || (recursive && remove_children(&group, evict, err) < 0))
        return -1;
    const char *slash = strrchr(group.path, '/');
    char above[sizeof group.path];
    snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - group.path) : 0, group.path);
    if (!group.path[0])
        return err_say(err, EBUSY, "remove cgroup `%s`: it is the root of its hierarchy", hierarchy->mount);
    if (cgroup_open(&parent, hierarchy, above, err) < 0)
        return -1;
    const char *name = slash ? slash + 1 : group.path;
    for (int64_t until = cgroup_now() + 2000;;) {
        if (unlinkat(parent.dir, name, AT_REMOVEDIR) == 0)
            return 0;
        pid_t one;
        if (errno != EBUSY || cgroup_now() > until)
            return err_set(err, errno, "rmdir cgroup `%s/%s`", hierarchy->mount, group.path);
        ssize_t members = cgroup_members(&group, false, &one, 1, err);
        if (members < 0)
            return -1;
        if (members == 0) { /* children, or a process in the middle of its end */
            cleanup_close int again = openat(group.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            struct stat st;
            if (again >= 0 && fstat(again, &st) == 0 && st.st_nlink > 2)
                return err_say(err, EBUSY,
                               "rmdir cgroup `%s/%s`: there are groups below it (cgdelete -r takes those too)",
                               hierarchy->mount, group.path);
            poll(NULL, 0, 1);
        } else if (!evict) {
            return err_say(err, EBUSY, "rmdir cgroup `%s/%s`: %zd processes are in it", hierarchy->mount, group.path,
                           members);
        } else if (move_all(&group, &parent, err) < 0) {
            return -1;
        }
    }
}

static int write_id(const struct cgroup *group, const char *file, pid_t id, struct err *err)
{
    char text[16];
    struct err why = { 0 };
    snprintf(text, sizeof text, "%d", id);
    if (write_file_at(group->dir, file, text, &why) == 0)
        return 0;
    err_set(err, why.code, "move %d into cgroup `%s/%s` (%s)", id, group->hierarchy->mount, group->path, file);
    backend_of(group)->explain_move(group, why.code, err);
    return -1;
}

int cgroup_move(const struct cgroup *group, pid_t pid, struct err *err)
{
    return write_id(group, "cgroup.procs", pid, err);
}

int cgroup_move_thread(const struct cgroup *group, pid_t tid, struct err *err)
{
    return write_id(group, backend_of(group)->threads, tid, err);
}

ssize_t cgroup_members(const struct cgroup *group, bool threads, pid_t *list, size_t size, struct err *err)
{
    const char *file = threads ? backend_of(group)->threads : "cgroup.procs";
    cleanup_close int fd = openat(group->dir, file, O_RDONLY | O_CLOEXEC);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f)
        return err_set(err, errno, "open `%s/%s/%s`", group->hierarchy->mount, group->path, file);
    fd = -1;
    size_t count = 0;
    for (int id; fscanf(f, "%d", &id) == 1; count++)
        if (count < size)
            list[count] = id;
    return ferror(f) ? err_set(err, errno, "read `%s/%s/%s`", group->hierarchy->mount, group->path, file)
                     : (ssize_t)count;
}

ssize_t cgroup_get(const struct cgroup *group, const char *file, char *buf, size_t size, struct err *err)
{
    struct err why = { 0 };
    ssize_t len = read_file_at(group->dir, file, buf, size, &why);
    return len < 0 ? err_set(err, why.code, "read `%s/%s/%s`", group->hierarchy->mount, group->path, file) : len;
}

int cgroup_set(const struct cgroup *group, const char *file, const char *value, struct err *err)
{
    struct err why = { 0 };
    if (write_file_at(group->dir, file, value, &why) == 0)
        return 0;
    return err_set(err, why.code, "write `%.60s` to `%s/%s/%s`", value, group->hierarchy->mount, group->path, file);
}

int cgroup_number(const struct cgroup *group, const char *file, const char *key, uint64_t *value, struct err *err)
{
    char text[16384];
    if (cgroup_get(group, file, text, sizeof text, err) < 0)
        return -1;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        size_t len = key ? strlen(key) : 0;
        if (key && (strncmp(line, key, len) != 0 || line[len] != ' '))
            continue;
        char *number = line + len + (key != NULL), *end;
        if (strncmp(number, "max", 3) == 0) {
            *value = UINT64_MAX;
            return 0;
        }
        *value = strtoull(number, &end, 10);
        if (end != number)
            return 0;
    }
    return err_say(err, ENOENT, "read `%s/%s/%s`: no number%s%s", group->hierarchy->mount, group->path, file,
                   key ? " behind " : "", key ? key : "");
}

int cgroup_frozen(const struct cgroup *group, struct err *err)
{
    return backend_of(group)->frozen(group, err);
}

int cgroup_freeze(const struct cgroup *group, bool frozen, int timeout_ms, struct err *err)
{
    const struct cgroup_backend *backend = backend_of(group);
    if (cgroup_set(group, backend->freeze[0], frozen ? backend->freeze[1] : backend->thaw, err) < 0)
        return -1;
    for (int64_t until = cgroup_now() + timeout_ms;;) {
        int is = backend->frozen(group, err);
        if (is < 0 || (is == 1) == frozen)
            return is < 0 ? -1 : 0;
        int64_t left = until - cgroup_now();
        if (left <= 0)
            return err_set(err, ETIMEDOUT, "%s cgroup `%s/%s`", frozen ? "freeze" : "thaw", group->hierarchy->mount,
                           group->path);
        backend->wait_frozen(group, (int)left);
    }
}

int cgroup_wait_members(int dir, int timeout_ms)
{
    struct cgroup_hierarchy none = { .mount = "" };
    struct cgroup group = { .hierarchy = &none, .dir = dir };
    struct pollfd fds[64];
    pid_t list[64];
    ssize_t count = cgroup_members(&group, false, list, 64, NULL);
    nfds_t watched = 0;
    for (ssize_t i = 0; i < count && i < 64; i++) {
        int fd = list[i] > 0 ? sys_pidfd_open(list[i]) : -1;
        if (fd >= 0)
            fds[watched++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    for (int64_t until = cgroup_now() + timeout_ms;;) {
        nfds_t alive = 0;
        for (nfds_t i = 0; i < watched; i++)
            if (fds[i].fd >= 0 && fds[i].revents) { /* poll passes over what is negative */
                close(fds[i].fd);
                fds[i].fd = -1;
            } else if (fds[i].fd >= 0) {
                alive++;
            }
        int64_t left = until - cgroup_now();
        if (alive == 0 || left <= 0 || poll(fds, watched, (int)left) <= 0)
            break;
    }
    for (nfds_t i = 0; i < watched; i++)
        if (fds[i].fd >= 0)
            close(fds[i].fd);
    return (int)count;
}

int cgroup_kill_all(const struct cgroup *group, int timeout_ms, struct err *err)
{
    for (int64_t until = cgroup_now() + timeout_ms;;) {
        int left = cgroup_kill_below(group->dir, (int)(until - cgroup_now()));
        if (left == 0)
            return 0;
        if (cgroup_now() >= until)
            return err_say(err, EBUSY, "kill cgroup `%s/%s`: %d processes in it do not end", group->hierarchy->mount,
                           group->path, left);
    }
}

int cgroup_delegate(const struct cgroup *group, uid_t uid, gid_t gid, struct err *err)
{
    static const char *const files[] = { ".", "cgroup.procs", "tasks", "cgroup.threads", "cgroup.subtree_control" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (fchownat(group->dir, files[i], uid, gid, 0) < 0 && errno != ENOENT)
            return err_set(err, errno, "chown `%s/%s/%s`", group->hierarchy->mount, group->path, files[i]);
    return 0;
}

int cgroup_vacate(const struct cgroup *group, const char *leaf, struct err *err)
{
    if (!group->hierarchy->v2)
        return 0;
    char path[sizeof group->path + NAME_MAX + 2];
    cleanup_cgroup struct cgroup child = CGROUP_CLOSED;
    snprintf(path, sizeof path, "%s/%s", group->path, leaf);
    if (mkdirat(group->dir, leaf, 0755) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir cgroup `%s/%s`", group->hierarchy->mount, path);
    if (cgroup_open(&child, group->hierarchy, path, err) < 0)
        return -1;
    return move_all(group, &child, err);
}

int cgroup_throttled(const struct cgroup *group, uint64_t *times, uint64_t *usec, struct err *err)
{
    const struct cgroup_backend *backend = backend_of(group);
    struct err why = { 0 };
    if (cgroup_number(group, "cpu.stat", "nr_throttled", times, &why) < 0 ||
        cgroup_number(group, "cpu.stat", backend->throttled_time, usec, &why) < 0)
        return err_set(err, why.code == ENOENT ? ENODEV : why.code, "read how often cgroup `%s/%s` was throttled",
                       group->hierarchy->mount, group->path);
    *usec = *usec * backend->throttled_ns / 1000;
    return 0;
}

int cgroup_oom_kills(const struct cgroup *group, uint64_t *kills, struct err *err)
{
    return cgroup_number(group, backend_of(group)->oom_file, "oom_kill", kills, err);
}

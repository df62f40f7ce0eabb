#include "engine/observe/sample_groups.h"

#include "engine/base/cleanup.h"
#include "engine/limit/hierarchy.h"
#include "engine/observe/sample.h"
#include "engine/observe/sample_group_files.h"
#include "engine/observe/sample_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { CLOSED = -1, ABSENT = -2 };

struct group_files {
    uint32_t present; /* bits: hierarchies that have it */
    nlink_t links[CGROUP_HIERARCHIES];
    ino_t inode[CGROUP_HIERARCHIES];
    int fd[GROUP_FILES];
    struct group_figures before;
    bool fresh;
};

struct group_sampler {
    int mount[CGROUP_HIERARCHIES];
    bool v2[CGROUP_HIERARCHIES];
    unsigned hierarchies;
    int cpu_hierarchy;               /* v1's cpu, whose groups cpuacct may not know; -1 */
    int file_hierarchy[GROUP_FILES]; /* -1: this machine mounts none */
    unsigned keep_fds, kept;
    const struct sampler *processes;
    char *root_path;
    struct sample_group *root;
    size_t count;
    uint64_t refreshed_at;
};

/* ---- the tree ---- */

static void close_file(struct group_sampler *sampler, struct sample_group *group, size_t file)
{
    if (group->files->fd[file] >= 0) {
        close(group->files->fd[file]);
        sampler->kept--;
    }
    group->files->fd[file] = CLOSED;
}

static void free_tree(struct group_sampler *sampler, struct sample_group *group)
{
    while (group) {
        struct sample_group *sibling = group->sibling;
        free_tree(sampler, group->child);
        for (size_t i = 0; i < GROUP_FILES; i++)
            close_file(sampler, group, i);
        free(group->files);
        free(group->path);
        free(group);
        sampler->count--;
        group = sibling;
    }
}

static struct sample_group *new_group(struct group_sampler *sampler, const char *path, struct sample_group *parent)
{
    struct sample_group *group = calloc(1, sizeof *group);
    struct group_files *files = group ? calloc(1, sizeof *files) : NULL;
    char *copy = files ? strdup(path) : NULL;
    if (!copy) {
        free(files);
        free(group);
        return NULL;
    }
    for (size_t i = 0; i < GROUP_FILES; i++)
        files->fd[i] = CLOSED;
    files->fresh = true;
    group->files = files;
    group->path = copy;
    const char *slash = strrchr(copy, '/');
    group->name = slash && slash[1] ? slash + 1 : copy;
    group->parent = parent;
    group->depth = parent ? parent->depth + 1 : 0;
    sampler->count++;
    return group;
}

static struct sample_group *child_of(struct group_sampler *sampler, struct sample_group *parent, const char *name)
{
    struct sample_group **link = &parent->child;
    int order = 1;
    while (*link && (order = strcmp((*link)->name, name)) < 0)
        link = &(*link)->sibling;
    struct sample_group *found = *link;
    if (found && order == 0)
        return found;
    char path[PATH_MAX];
    const char *above = strcmp(parent->path, "/") == 0 ? "" : parent->path;
    if (snprintf(path, sizeof path, "%s/%s", above, name) >= (int)sizeof path)
        return NULL;
    struct sample_group *born = new_group(sampler, path, parent);
    if (born) {
        born->sibling = *link;
        *link = born;
    }
    return born;
}

struct sample_group *sample_group_next(const struct sample_group *group)
{
    if (group->child)
        return group->child;
    while (group && !group->sibling)
        group = group->parent;
    return group ? group->sibling : NULL;
}

static const char *below_mount(const struct sample_group *group)
{
    return group->path[1] ? group->path + 1 : ".";
}

/* It is not in hierarchy @h any more, nor is what was below it. */
static void leave(struct group_sampler *sampler, struct sample_group *group, unsigned h)
{
    if (!(group->files->present & 1u << h))
        return;
    group->files->present &= ~(1u << h);
    group->files->links[h] = 0;
    for (size_t i = 0; i < GROUP_FILES; i++)
        if (sampler->file_hierarchy[i] == (int)h)
            close_file(sampler, group, i);
    for (struct sample_group *child = group->child; child; child = child->sibling)
        leave(sampler, child, h);
}

static void list_children(struct group_sampler *sampler, struct sample_group *group, unsigned h)
{
    __attribute__((aligned(8))) char entries[8192];
    cleanup_close int dir = openat(sampler->mount[h], below_mount(group), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (ssize_t n; dir >= 0 && (n = getdents64(dir, entries, sizeof entries)) > 0;) {
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < n; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)(entries + at);
            if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            struct sample_group *child = child_of(sampler, group, entry->d_name);
            if (child)
                child->files->present |= 1u << h;
        }
    }
}

/* Bring @group and what is below it up to date with hierarchy @h. Returns false where something went: its parent's links then say nothing. */
static bool walk(struct group_sampler *sampler, struct sample_group *group, unsigned h)
{
    struct group_files *files = group->files;
    struct stat st;
    if (fstatat(sampler->mount[h], below_mount(group), &st, 0) < 0) {
        leave(sampler, group, h);
        return false;
    }
    bool another = files->inode[h] && files->inode[h] != st.st_ino;
    if (another) { /* removed and made again */
        leave(sampler, group, h);
        files->fresh = true;
    }
    files->present |= 1u << h;
    files->inode[h] = st.st_ino;
    bool all = true;
    for (int tries = 0; tries < 3; tries++) {
        if (files->links[h] != st.st_nlink || !all)
            list_children(sampler, group, h);
        files->links[h] = st.st_nlink;
        all = true;
        for (struct sample_group *child = group->child; child; child = child->sibling)
            if (child->files->present & 1u << h)
                all &= walk(sampler, child, h);
        if (all)
            break;
    }
    return !another;
}

static void remove_absent(struct group_sampler *sampler, struct sample_group *group)
{
    for (struct sample_group **link = &group->child; *link;) {
        struct sample_group *child = *link;
        if (child->files->present) {
            remove_absent(sampler, child);
            link = &child->sibling;
        } else {
            *link = child->sibling;
            child->sibling = NULL;
            free_tree(sampler, child);
        }
    }
}

/* ---- figures ---- */

/* Read file @i of @group. Returns false if there is none. */
static bool read_file(struct group_sampler *sampler, struct sample_group *group, size_t i, char *text, size_t size)
{
    int h = sampler->file_hierarchy[i], *kept = &group->files->fd[i];
    if (h < 0 || !(group->files->present & 1u << h) || *kept == ABSENT)
        return false;
    if (*kept >= 0) {
        ssize_t n = pread(*kept, text, size - 1, 0);
        if (n >= 0) {
            text[n] = '\0';
            return true;
        }
        close_file(sampler, group, i); /* its controller was taken away, or the group */
    }
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", below_mount(group), group_files[i].name) >= (int)sizeof path)
        return false;
    int fd = openat(sampler->mount[h], path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
    if (fd < 0 && errno == ENOENT && !sampler->v2[h])
        *kept = ABSENT; /* v1's files are there from the start or never; v2's come with subtree_control */
    if (n >= 0 && sampler->kept < sampler->keep_fds) {
        *kept = fd;
        sampler->kept++;
    } else if (fd >= 0) {
        close(fd);
    }
    if (n >= 0)
        text[n] = '\0';
    return n >= 0;
}

static uint64_t rate(uint64_t before, uint64_t now, double seconds)
{
    return before != SAMPLE_NONE && now != SAMPLE_NONE && now > before && seconds > 0
               ? (uint64_t)((double)(now - before) / seconds)
               : 0;
}

static void take(struct sample_group *group, const struct group_figures *now, double seconds, uint64_t at)
{
    struct group_figures *before = &group->files->before;
    bool known = !group->files->fresh;
    group->cpu_time = now->cpu_time;
    group->cpu = now->cpu_time == SAMPLE_NONE ? -1 : 0;
    if (known && now->cpu_time != SAMPLE_NONE && before->cpu_time != SAMPLE_NONE &&
        now->cpu_read_at > before->cpu_read_at && now->cpu_time > before->cpu_time)
        group->cpu = (float)(100.0 * (double)(now->cpu_time - before->cpu_time) /
                             (double)(now->cpu_read_at - before->cpu_read_at));
    group->cpu_limit =
        now->quota == SAMPLE_NONE || now->period == 0 ? -1 : (float)(100.0 * (double)now->quota / (double)now->period);
    uint64_t periods = known ? now->periods - before->periods : 0;
    group->throttled = periods > 0 && periods < UINT32_MAX
                           ? (float)(now->throttled_periods - before->throttled_periods) / (float)periods
                           : 0;
    group->throttled_time = now->throttled_time;
    group->memory = now->memory;
    group->memory_limit = now->memory_limit;
    group->swap = now->swap != SAMPLE_NONE ? now->swap
                  : now->memory_and_swap != SAMPLE_NONE && now->memory_and_swap > now->memory
                      ? now->memory_and_swap - now->memory
                      : 0;
    group->pids = now->pids;
    group->pids_limit = now->pids_limit;
    group->io_read = now->io_read;
    group->io_written = now->io_written;
    group->io_read_rate = known ? rate(before->io_read, now->io_read, seconds) : 0;
    group->io_write_rate = known ? rate(before->io_written, now->io_written, seconds) : 0;
    if (known && now->oom_kills != SAMPLE_NONE && before->oom_kills != SAMPLE_NONE &&
        now->oom_kills > before->oom_kills)
        group->oom_at = at;
    group->oom_kills = now->oom_kills;
    group->frozen = now->frozen;
    *before = *now;
    group->files->fresh = false;
}

static void read_group(struct group_sampler *sampler, struct sample_group *group, double seconds, uint64_t at)
{
    char text[8192];
    struct group_figures now = { .cpu_time = SAMPLE_NONE,
                                 .quota = SAMPLE_NONE,
                                 .throttled_time = SAMPLE_NONE,
                                 .memory = SAMPLE_NONE,
                                 .memory_limit = SAMPLE_NONE,
                                 .memory_and_swap = SAMPLE_NONE,
                                 .swap = SAMPLE_NONE,
                                 .oom_kills = SAMPLE_NONE,
                                 .pids = SAMPLE_NONE,
                                 .pids_limit = SAMPLE_NONE,
                                 .io_read = SAMPLE_NONE,
                                 .io_written = SAMPLE_NONE };
    group->in_v1 = group->in_v2 = false;
    for (unsigned h = 0; h < sampler->hierarchies; h++)
        if (group->files->present & 1u << h)
            *(sampler->v2[h] ? &group->in_v2 : &group->in_v1) = true;
    for (size_t i = 0; i < GROUP_FILES; i++)
        if (read_file(sampler, group, i, text, sizeof text))
            group_files[i].parse(text, &now);
    take(group, &now, seconds, at);
}

/* v1's cpu alone counts no CPU time: what its processes used. Children are done before. */
static void sum_processes(struct group_sampler *sampler, struct sample_group *group)
{
    for (struct sample_group *child = group->child; child; child = child->sibling)
        sum_processes(sampler, child);
    int h = sampler->cpu_hierarchy;
    if (group->cpu >= 0 || h < 0 || !sampler->processes || !(group->files->present & 1u << h))
        return;
    char path[PATH_MAX], text[4096];
    if (snprintf(path, sizeof path, "%s/cgroup.procs", below_mount(group)) >= (int)sizeof path)
        return;
    cleanup_close int fd = openat(sampler->mount[h], path, O_RDONLY | O_CLOEXEC);
    pid_t pid = 0;
    float sum = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            const struct sample_process *process = sampler_find(sampler->processes, pid);
            sum += process ? process->cpu : 0;
            pid = 0;
        }
    for (const struct sample_group *child = group->child; child; child = child->sibling)
        sum += child->cpu > 0 ? child->cpu : 0;
    group->cpu = sum;
}

static void remember(struct sample_group *group)
{
    group->memory_history[group->history_next] = group->memory;
    group->cpu_history[group->history_next] = group->cpu;
    group->history_next = (group->history_next + 1) % SAMPLE_HISTORY;
    if (group->history_count < SAMPLE_HISTORY)
        group->history_count++;
}

uint64_t sample_group_memory(const struct sample_group *group, unsigned back)
{
    if (back >= group->history_count)
        return SAMPLE_NONE;
    return group->memory_history[(group->history_next + SAMPLE_HISTORY - 1 - back) % SAMPLE_HISTORY];
}

/* ---- the door ---- */

static bool has_files(const struct cgroup_hierarchy *hierarchy, unsigned h, struct group_sampler *sampler)
{
    bool any = false;
    for (size_t i = 0; i < GROUP_FILES; i++) {
        bool here = group_files[i].controller
                        ? !hierarchy->v2 && cgroup_has_controller(hierarchy, group_files[i].controller)
                        : hierarchy->v2;
        if (here)
            sampler->file_hierarchy[i] = (int)h;
        any |= here;
    }
    return any;
}

struct group_sampler *group_sampler_new(unsigned keep_fds, struct err *err)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, err);
    struct group_sampler *sampler = count < 0 ? NULL : calloc(1, sizeof *sampler);
    if (!sampler) {
        if (count >= 0)
            err_set(err, ENOMEM, "sample cgroups");
        return NULL;
    }
    sampler->keep_fds = keep_fds;
    sampler->cpu_hierarchy = -1;
    for (size_t i = 0; i < GROUP_FILES; i++)
        sampler->file_hierarchy[i] = -1;
    for (ssize_t i = 0; i < count; i++) {
        unsigned h = sampler->hierarchies;
        cleanup_close int fd = open(list[i].mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || !has_files(&list[i], h, sampler))
            continue;
        if (!list[i].v2 && cgroup_has_controller(&list[i], "cpu"))
            sampler->cpu_hierarchy = (int)h;
        sampler->mount[h] = take_fd(&fd);
        sampler->v2[h] = list[i].v2;
        sampler->hierarchies++;
    }
    return sampler;
}

void group_sampler_free(struct group_sampler *sampler)
{
    if (!sampler)
        return;
    free_tree(sampler, sampler->root);
    for (unsigned h = 0; h < sampler->hierarchies; h++)
        close(sampler->mount[h]);
    free(sampler->root_path);
    free(sampler);
}

void group_sampler_set_root(struct group_sampler *sampler, const char *path)
{
    if (path && strcmp(path, "/") == 0)
        path = NULL;
    if (path ? sampler->root_path && strcmp(path, sampler->root_path) == 0 : !sampler->root_path)
        return;
    free(sampler->root_path);
    sampler->root_path = path ? strdup(path) : NULL;
    free_tree(sampler, sampler->root);
    sampler->root = NULL;
}

void group_sampler_set_processes(struct group_sampler *sampler, const struct sampler *processes)
{
    sampler->processes = processes;
}

int group_sampler_refresh(struct group_sampler *sampler, struct err *err)
{
    const char *path = sampler->root_path ? sampler->root_path : "/";
    uint64_t at = sample_now();
    double seconds = sampler->refreshed_at ? (double)(at - sampler->refreshed_at) / 1e9 : 0;
    sampler->refreshed_at = at;
    if (!sampler->root && !(sampler->root = new_group(sampler, path, NULL)))
        return err_set(err, ENOMEM, "sample cgroups");
    for (unsigned h = 0; h < sampler->hierarchies; h++)
        walk(sampler, sampler->root, h);
    struct sample_group *root = sampler->root;
    if (!root->files->present) {
        free_tree(sampler, root);
        sampler->root = NULL;
        return err_set(err, ENOENT, "sample cgroup `%s`", path);
    }
    remove_absent(sampler, root);
    for (struct sample_group *group = root; group; group = sample_group_next(group))
        read_group(sampler, group, seconds, at);
    sum_processes(sampler, root);
    for (struct sample_group *group = root; group; group = sample_group_next(group))
        remember(group);
    return 0;
}

struct sample_group *group_sampler_root(const struct group_sampler *sampler)
{
    return sampler->root;
}

size_t group_sampler_count(const struct group_sampler *sampler)
{
    return sampler->count;
}

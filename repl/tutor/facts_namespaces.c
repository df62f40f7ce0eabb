/* Facts about processes, namespaces, id maps and the network. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/links.h"
#include "engine/observe/mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#define RANGES_MAX 32
#define LINKS_MAX 32
#define TABLE_SIZE (256 << 10)

static enum fact_answer same_as_lab(const struct fact_call *call, const char *kind)
{
    uint64_t shell[NAMESPACE_KINDS], lab[NAMESPACE_KINDS];
    size_t index = namespace_find(kind);
    if (index == NAMESPACE_KINDS || observe_namespaces(call->pid, shell, NULL) < 0 ||
        observe_namespaces(call->lab, lab, NULL) < 0 || !shell[index])
        return FACT_UNKNOWN;
    return fact_says(shell[index] == lab[index]);
}

enum fact_answer fact_same_namespace(struct fact_call *call)
{
    return same_as_lab(call, call->arguments[0]);
}

enum fact_answer fact_in_user_namespace(struct fact_call *call)
{
    enum fact_answer same = same_as_lab(call, "user");
    return same == FACT_UNKNOWN ? same : fact_says(same == FACT_NO);
}

static uint64_t own_namespace(pid_t pid, const char *kind)
{
    uint64_t inodes[NAMESPACE_KINDS];
    size_t index = namespace_find(kind);
    return observe_namespaces(pid, inodes, NULL) < 0 ? 0 : inodes[index];
}

enum fact_answer fact_children_elsewhere(struct fact_call *call)
{
    uint64_t own = own_namespace(call->pid, "pid"), children;
    if (!own || observe_pid_for_children(call->pid, &children, NULL) < 0)
        return FACT_UNKNOWN;
    return fact_says(own != children);
}

static bool is_proc(int fd)
{
    struct statfs fs;
    return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

enum fact_answer fact_no_proc(struct fact_call *call)
{
    cleanup_close int proc = fact_open(call, "/proc");
    return fact_says(!is_proc(proc));
}

/* A proc is true for the shell if the process it shows under the shell's own number is in the shell's pid namespace. */
enum fact_answer fact_stale_proc(struct fact_call *call)
{
    char path[64], link[64], text[64];
    cleanup_close int proc = fact_open(call, "/proc");
    uint64_t own = own_namespace(call->pid, "pid");
    long inside = fact_pid_inside(call, call->pid);
    if (!is_proc(proc) || !own || inside <= 0)
        return is_proc(proc) ? FACT_UNKNOWN : FACT_NO;
    snprintf(path, sizeof path, "%ld/ns/pid", inside);
    snprintf(text, sizeof text, "pid:[%llu]", (unsigned long long)own);
    ssize_t len = readlinkat(proc, path, link, sizeof link - 1);
    if (len < 0)
        return fact_says(errno == ENOENT);
    link[len] = '\0';
    return fact_says(strcmp(link, text) != 0);
}

/* A mount on something in the proc that is mounted at @point; NULL: none. */
static const struct observe_mount *cover_of(const struct observe_mounts *mounts, const struct observe_mount *proc)
{
    size_t len = strlen(proc->point);
    for (size_t i = 0; i < mounts->count; i++)
        if (strncmp(mounts->list[i].point, proc->point, len) == 0 && mounts->list[i].point[len] == '/')
            return &mounts->list[i];
    return NULL;
}

static bool is_whole_proc(const struct observe_mount *mount)
{
    return strcmp(mount->type, "proc") == 0 && strcmp(mount->root, "/") == 0;
}

enum fact_answer fact_proc_covered(struct fact_call *call)
{
    struct observe_mounts mounts;
    if (observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    enum fact_answer answer = FACT_NO;
    for (size_t i = 0; i < mounts.count && answer == FACT_NO; i++) {
        const struct observe_mount *cover = is_whole_proc(&mounts.list[i]) ? cover_of(&mounts, &mounts.list[i]) : NULL;
        if (cover)
            answer = fact_give(call, "cover", cover->point);
    }
    observe_mounts_free(&mounts);
    return answer;
}

enum fact_answer fact_no_full_proc(struct fact_call *call)
{
    struct observe_mounts mounts;
    if (observe_mounts(call->pid, &mounts, NULL) < 0)
        return FACT_UNKNOWN;
    bool full = false;
    for (size_t i = 0; i < mounts.count && !full; i++)
        full = is_whole_proc(&mounts.list[i]) && !cover_of(&mounts, &mounts.list[i]);
    observe_mounts_free(&mounts);
    return fact_says(!full);
}

static bool read_maps(const struct fact_call *call, struct id_range *uid, size_t *uids, struct id_range *gid,
                      size_t *gids)
{
    return observe_id_maps(call->pid, uid, uids, gid, gids, RANGES_MAX, NULL) == 0 && *uids <= RANGES_MAX &&
           *gids <= RANGES_MAX;
}

static enum fact_answer map_is_empty(const struct fact_call *call)
{
    struct id_range uid[RANGES_MAX], gid[RANGES_MAX];
    size_t uids, gids;
    return read_maps(call, uid, &uids, gid, &gids) ? fact_says(uids == 0) : FACT_UNKNOWN;
}

enum fact_answer fact_no_map(struct fact_call *call)
{
    return map_is_empty(call);
}

enum fact_answer fact_map_written(struct fact_call *call)
{
    enum fact_answer empty = map_is_empty(call);
    return empty == FACT_UNKNOWN ? empty : fact_says(empty == FACT_NO);
}

static bool in_map(const struct id_range *ranges, size_t count, unsigned long id)
{
    for (size_t i = 0; i < count; i++)
        if (id >= ranges[i].inside && id - ranges[i].inside < ranges[i].count)
            return true;
    return false;
}

enum fact_answer fact_unmapped_id(struct fact_call *call)
{
    struct id_range uid[RANGES_MAX], gid[RANGES_MAX];
    size_t uids, gids;
    char *end;
    unsigned long id = strtoul(call->arguments[0], &end, 10);
    if ((*end && *end != ':') || end == call->arguments[0] || !read_maps(call, uid, &uids, gid, &gids))
        return FACT_UNKNOWN;
    return fact_says(!in_map(uid, uids, id) || !in_map(gid, gids, id));
}

static ssize_t read_process_file(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fact_read_fd(fd, buf, size);
}

enum fact_answer fact_setgroups_denied(struct fact_call *call)
{
    char text[16];
    return read_process_file(call->pid, "setgroups", text, sizeof text) > 0 ? fact_says(strncmp(text, "deny", 4) == 0)
                                                                            : FACT_UNKNOWN;
}

/* Does @init's pid namespace, or the shell's (@depth of its numbers), have a process of that number? */
static bool has_number(const pid_t *pids, ssize_t count, long number, unsigned depth, uint64_t namespace)
{
    struct observe_process process;
    for (ssize_t i = 0; i < count; i++)
        if (observe_process(pids[i], &process, NULL) == 0 && process.depth >= depth && depth > 0 &&
            process.nspid[depth - 1] == number && observe_pid_is_below(pids[i], namespace))
            return true;
    return false;
}

enum fact_answer fact_pid_in_lab(struct fact_call *call)
{
    pid_t pids[1024];
    struct observe_process shell, lab;
    char *end;
    long number = strtol(call->arguments[0], &end, 10);
    uint64_t lab_pids = own_namespace(call->lab, "pid"), own = own_namespace(call->pid, "pid");
    if (*end || number <= 0 || !own || observe_process(call->pid, &shell, NULL) < 0 ||
        observe_process(call->lab, &lab, NULL) < 0)
        return FACT_UNKNOWN;
    if (own == lab_pids)
        return FACT_NO;
    ssize_t count = observe_processes_below(call->lab, pids, sizeof pids / sizeof *pids, NULL);
    return fact_says(has_number(pids, count, number, (unsigned)lab.depth, lab_pids) &&
                     !has_number(pids, count, number, (unsigned)shell.depth, own));
}

enum fact_answer fact_apparmor(struct fact_call *call)
{
    char text[8];
    return fact_says(fact_read(call, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text, sizeof text) > 0 &&
                     text[0] == '1');
}

enum fact_answer fact_loopback_down(struct fact_call *call)
{
    struct observe_link links[LINKS_MAX];
    bool partly = false;
    ssize_t count = observe_links(call->pid, links, LINKS_MAX, &partly, NULL);
    if (count < 0 || partly)
        return FACT_UNKNOWN;
    for (ssize_t i = 0; i < count; i++)
        if (strcmp(links[i].name, "lo") == 0)
            return fact_says(!links[i].up);
    return FACT_NO;
}

enum fact_answer fact_no_network(struct fact_call *call)
{
    cleanup_free char *table = malloc(TABLE_SIZE);
    if (!table || read_process_file(call->pid, "net/route", table, TABLE_SIZE) <= 0)
        return FACT_UNKNOWN;
    const char *first = strchr(table, '\n');
    return fact_says(!first || !first[1]);
}

/* `sl local_address rem_address st …`, state 0A: listening. See proc(5). */
static bool listens(char *table, unsigned port)
{
    unsigned local, state;
    for (char *line; (line = strsep(&table, "\n"));)
        if (sscanf(line, " %*u: %*[0-9A-F]:%X %*[0-9A-F]:%*X %X", &local, &state) == 2 && state == 0x0a &&
            local == port)
            return true;
    return false;
}

enum fact_answer fact_listening(struct fact_call *call)
{
    static const char *const names[] = { "net/tcp", "net/tcp6" };
    char *end;
    unsigned long port = strtoul(call->arguments[0], &end, 10);
    cleanup_free char *table = malloc(TABLE_SIZE);
    if (!table || *end || end == call->arguments[0])
        return FACT_UNKNOWN;
    for (size_t i = 0; i < 2; i++)
        if (read_process_file(call->pid, names[i], table, TABLE_SIZE) > 0 && listens(table, (unsigned)port))
            return FACT_YES;
    return FACT_NO;
}

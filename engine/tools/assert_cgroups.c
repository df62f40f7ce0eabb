/* Claims about control groups: who is in them, what their limits are, and whether those have bitten. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/translate.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* Open @path where @controller is. False: claim->seen says why; *verdict is what that means for the claim. */
static bool open_group(struct claim *claim, struct cgroups *all, struct cgroup *group, const char *controller,
                       const char *path, enum verdict *verdict)
{
    struct err err = { 0 };
    const struct cgroup_hierarchy *hierarchy = cgroups_read(all, &err) < 0 ? NULL : cgroups_find(all, controller, &err);
    if (!hierarchy) {
        *verdict = see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
        return false;
    }
    if (cgroup_open(group, hierarchy, path, &err) == 0)
        return true;
    *verdict = see(claim, err.code == ENOENT ? CLAIM_FAILS : CLAIM_UNKNOWN, "there is no cgroup `%s` for %s (%s/%s)",
                   path, controller, hierarchy->mount, path + strspn(path, "/"));
    return false;
}

enum verdict claim_cgroup(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    if (!open_group(claim, &all, &group, claim->words[0], claim->words[1], &verdict))
        return verdict;
    return see(claim, CLAIM_HOLDS, "there is a cgroup `%s` for %s", claim->words[1], claim->words[0]);
}

/* The path in /proc/PID/cgroup of the hierarchy. */
static int path_of(pid_t pid, const struct cgroup_hierarchy *hierarchy, char *path, size_t size)
{
    char file[64], text[8192];
    snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
    if (read_file_at(AT_FDCWD, file, text, sizeof text, NULL) < 0)
        return -1;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        char *controllers = strchr(line, ':'), *where = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!where)
            continue;
        *where = '\0';
        if (strcmp(controllers + 1, hierarchy->v2 ? "" : hierarchy->controllers) == 0) {
            snprintf(path, size, "%s", where + 1);
            return 0;
        }
    }
    return -1;
}

enum verdict claim_terminal_cgroup(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    char path[PATH_MAX];
    pid_t pid = terminal_pid(claim, claim->words[0]);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    if (!open_group(claim, &all, &group, claim->words[1], claim->words[2], &verdict))
        return verdict;
    if (path_of(pid, group.hierarchy, path, sizeof path) < 0)
        return see(claim, CLAIM_UNKNOWN, "the cgroups of terminal %s cannot be read", claim->words[0]);
    bool there = strcmp(path + strspn(path, "/"), group.path) == 0;
    return see(claim, there ? CLAIM_HOLDS : CLAIM_FAILS, "for %s, the shell of terminal %s is in the cgroup `%.512s`",
               claim->words[1], claim->words[0], path);
}

enum verdict claim_cgroup_holds(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    struct err err = { 0 };
    char glob[512];
    pid_t pids[1024];
    if (!open_group(claim, &all, &group, claim->words[0], claim->words[1], &verdict))
        return verdict;
    ssize_t count = cgroup_members(&group, false, pids, sizeof pids / sizeof *pids, &err);
    if (count < 0)
        return see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
    snprintf(glob, sizeof glob, "*%s*", claim->words[2]);
    for (ssize_t i = 0; i < count && i < (ssize_t)(sizeof pids / sizeof *pids); i++) {
        struct observe_process process;
        if (observe_process(pids[i], &process, NULL) == 0 && fnmatch(glob, process.command, 0) == 0)
            return see(claim, CLAIM_HOLDS, "process %d, `%.200s`, is in the cgroup `%s`", pids[i], process.command,
                       claim->words[1]);
    }
    return see(claim, CLAIM_FAILS, "of the %zd processes in the cgroup `%s` none is `%s`", count, claim->words[1],
               claim->words[2]);
}

/* Equal as text, or as sizes: "80M" and 83886080. */
static bool same_value(const char *is, const char *wanted)
{
    uint64_t a, b;
    return strcmp(is, wanted) == 0 ||
           (cgroup_bytes(is, &a, NULL) == 0 && cgroup_bytes(wanted, &b, NULL) == 0 && a == b);
}

enum verdict claim_limit(struct claim *claim)
{
    const char *path = claim->words[0], *name = claim->words[1], *wanted = claim->words[2];
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    struct cgroup_done done;
    struct err err = { 0 };
    char controller[32], value[4096];
    snprintf(controller, sizeof controller, "%.*s", (int)strcspn(name, "."), name);
    if (!strchr(name, '.'))
        return see(claim, CLAIM_WRONG, "`%s` is no file of a controller, such as cpu.shares or memory.max", name);
    if (!open_group(claim, &all, &group, controller, path, &verdict))
        return verdict;
    if (cgroup_get_named(&group, name, value, sizeof value, &done, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
    value[strcspn(value, "\n")] = '\0';
    bool same = same_value(value, wanted);
    return see(claim, same ? CLAIM_HOLDS : CLAIM_FAILS, "%s of the cgroup `%s` is %.200s%s%s", name, path, value,
               same ? "" : ", not ", same ? "" : wanted);
}

enum verdict claim_throttled(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    struct err err = { 0 };
    uint64_t times, usec;
    if (!open_group(claim, &all, &group, "cpu", claim->words[0], &verdict))
        return verdict;
    if (cgroup_throttled(&group, &times, &usec, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
    return see(claim, times > 0 ? CLAIM_HOLDS : CLAIM_FAILS,
               "the cgroup `%s` was throttled %" PRIu64 " times, for %" PRIu64 " ms in all", claim->words[0], times,
               usec / 1000);
}

enum verdict claim_oom_killed(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    struct err err = { 0 };
    uint64_t kills;
    if (!open_group(claim, &all, &group, "memory", claim->words[0], &verdict))
        return verdict;
    if (cgroup_oom_kills(&group, &kills, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
    return see(claim, kills > 0 ? CLAIM_HOLDS : CLAIM_FAILS,
               "in the cgroup `%s` the kernel has killed %" PRIu64 " processes because memory ran out", claim->words[0],
               kills);
}

enum verdict claim_frozen(struct claim *claim)
{
    struct cgroups all;
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    enum verdict verdict;
    struct err err = { 0 };
    if (!open_group(claim, &all, &group, "freezer", claim->words[0], &verdict))
        return verdict;
    int frozen = cgroup_frozen(&group, &err);
    if (frozen < 0)
        return see(claim, CLAIM_UNKNOWN, "%.900s", err.message);
    return see(claim, frozen ? CLAIM_HOLDS : CLAIM_FAILS, "the cgroup `%s` is %sfrozen", claim->words[0],
               frozen ? "" : "not ");
}

#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/group.h"
#include "engine/limit/scope.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* v2 keeps processes out of groups that hand controllers down, so a lab's processes live one level below its own group. */
#define LEAF "init"

static void limit_memory(struct lab *lab, const struct cgroup_hierarchy *hierarchy, uint64_t bytes)
{
    char value[32];
    struct err err;
    snprintf(value, sizeof value, "%llu", (unsigned long long)bytes);
    const char *file = hierarchy->v2 ? "memory.max" : "memory.limit_in_bytes";
    if (cgroup_write(hierarchy, lab->record.cgroup, file, value, &err) < 0) {
        lab_missing(lab, "memory is not limited: %.180s", err.message);
        return;
    }
    /* Swap beyond it would only make a memory hog slow instead of dead; these files are absent without swap accounting. */
    cgroup_write(hierarchy, lab->record.cgroup, hierarchy->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                 hierarchy->v2 ? "0" : value, NULL);
    lab->facts.memory_bytes = bytes;
}

static void limit_pids(struct lab *lab, const struct cgroup_hierarchy *hierarchy, unsigned pids)
{
    char value[32];
    struct err err;
    snprintf(value, sizeof value, "%u", pids);
    if (cgroup_write(hierarchy, lab->record.cgroup, "pids.max", value, &err) < 0)
        lab_missing(lab, "the number of processes is not limited: %.180s", err.message);
    else
        lab->facts.pids = pids;
}

static void delegate(const struct lab *lab, const struct cgroup_hierarchy *hierarchy, const char *path)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    if (!lab->record.rootless && cgroup_open(&group, hierarchy, path, NULL) == 0)
        cgroup_delegate(&group, lab->users[0].outside, lab->groups[0].outside, NULL);
}

static int open_procs(const struct lab *lab, const struct cgroup_hierarchy *hierarchy, const char *below)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s%s/cgroup.procs", hierarchy->mount, lab->record.cgroup, below);
    return open(path, O_WRONLY | O_CLOEXEC);
}

static const struct cgroup_hierarchy *find_v2(const struct lab *lab)
{
    for (size_t i = 0; i < lab->hierarchy_count; i++)
        if (lab->hierarchies[i].v2)
            return &lab->hierarchies[i];
    return NULL;
}

/* An ordinary user's lab goes below a v2 group that is theirs to divide, and the program with it; or, where there is none, below the one the program is in, which may allow groups though
 * without limits. -1: nowhere. @why gets what there is to say about limits. */
static int find_own_place(struct lab *lab, struct err *why)
{
    char own[PATH_MAX] = "";
    const struct cgroup_hierarchy *v2 = find_v2(lab);
    if (!v2 || !cgroup_has_controller(v2, "memory"))
        err_say(why, ENODEV, "memory is not limited by cgroup v2 here, and the groups of v1 are root's alone");
    else if (cgroup_scope(v2, own, sizeof own, why) == 0)
        err_clear(why);
    if (!v2 || (why->code && cgroup_own(own, sizeof own, NULL) < 0))
        return -1;
    int n = snprintf(lab->record.cgroup, sizeof lab->record.cgroup, "%s%s" LAB_GROUP "/%s", own, *own ? "/" : "",
                     lab->record.name);
    /* Recorded before it is made: whoever clears up after a kill knows of it. */
    return n > 0 && (size_t)n < sizeof lab->record.cgroup ? registry_write(&lab->record, why) : -1;
}

void groups_make(struct lab *lab, const struct lab_options *options)
{
    struct err err, none = { 0 };
    ssize_t count = cgroup_hierarchies(lab->hierarchies, &err);
    lab->hierarchy_count = count < 0 ? 0 : (size_t)count;
    bool any = false, ordinary = geteuid() != 0;
    if (ordinary && find_own_place(lab, &none) < 0)
        lab->hierarchy_count = 0;
    for (size_t i = 0; i < lab->hierarchy_count; i++) {
        struct cgroup_hierarchy *hierarchy = &lab->hierarchies[i];
        lab->procs[i] = -1;
        if (ordinary && !hierarchy->v2)
            continue; /* v1 is never handed to ordinary users */
        if (cgroup_make(hierarchy, lab->record.cgroup, &err) < 0) {
            if (!ordinary)
                lab_missing(lab, "no cgroup in %s: %.180s", hierarchy->mount, err.message);
            continue;
        }
        if (cgroup_has_controller(hierarchy, "memory"))
            limit_memory(lab, hierarchy, options->memory_bytes);
        if (cgroup_has_controller(hierarchy, "pids"))
            limit_pids(lab, hierarchy, options->pids);
        delegate(lab, hierarchy, lab->record.cgroup);
        if (hierarchy->v2) {
            char leaf[PATH_MAX + 8], dir[2 * PATH_MAX];
            snprintf(leaf, sizeof leaf, "%s/" LEAF, lab->record.cgroup);
            snprintf(dir, sizeof dir, "%s/%s", hierarchy->mount, leaf);
            if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
                lab_missing(lab, "no cgroup in %s: mkdir: %s", hierarchy->mount, strerrordesc_np(errno));
                continue;
            }
            delegate(lab, hierarchy, leaf);
            snprintf(lab->facts.cgroup_v2, sizeof lab->facts.cgroup_v2, "%.250s", lab->record.cgroup);
        }
        lab->procs[i] = open_procs(lab, hierarchy, "");
        any |= lab->procs[i] >= 0;
    }
    if (!any)
        lab->record.cgroup[0] = '\0';
    if (ordinary && none.code)
        lab_missing(lab, "no cgroups%s: %.200s", any ? " with limits" : ", so memory is not limited", none.message);
}

void groups_open(struct lab *lab)
{
    ssize_t count = lab->record.cgroup[0] ? cgroup_hierarchies(lab->hierarchies, NULL) : 0;
    lab->hierarchy_count = count < 0 ? 0 : (size_t)count;
    for (size_t i = 0; i < lab->hierarchy_count; i++)
        lab->procs[i] = open_procs(lab, &lab->hierarchies[i], lab->hierarchies[i].v2 ? "/" LEAF : "");
}

static bool join(int procs)
{
    return write(procs, "0", 1) == 1;
}

/* A user's process may only go to a group if it also owns one above both: `lab enter` from a login session is first moved among the user's own groups. */
static bool join_from_afar(const struct cgroup_hierarchy *hierarchy, int procs)
{
    char place[PATH_MAX];
    if (errno != EACCES || geteuid() == 0 || !hierarchy->v2)
        return false;
    if (cgroup_scope(hierarchy, place, sizeof place, NULL) == 0 && join(procs))
        return true;
    errno = EACCES;
    return false;
}

int groups_join(const struct lab *lab, struct err *err)
{
    for (size_t i = 0; i < lab->hierarchy_count; i++)
        if (lab->procs[i] >= 0 && !join(lab->procs[i]) && !join_from_afar(&lab->hierarchies[i], lab->procs[i]))
            return err_set(err, errno, "join cgroup `%s/%s`", lab->hierarchies[i].mount, lab->record.cgroup);
    return 0;
}

int groups_leaf(struct lab *lab, struct err *err)
{
    for (size_t i = 0; i < lab->hierarchy_count; i++) {
        if (lab->procs[i] < 0 || !lab->hierarchies[i].v2)
            continue;
        int leaf = open_procs(lab, &lab->hierarchies[i], "/" LEAF);
        if (leaf < 0)
            return err_set(err, errno, "open cgroup `%s/%s/" LEAF "`", lab->hierarchies[i].mount, lab->record.cgroup);
        close(lab->procs[i]);
        lab->procs[i] = leaf;
        char pid[16];
        int n = snprintf(pid, sizeof pid, "%d", lab->init);
        if (write(leaf, pid, (size_t)n) < 0)
            return err_set(err, errno, "move init into cgroup `%s/%s/" LEAF "`", lab->hierarchies[i].mount,
                           lab->record.cgroup);
        /* Only now that the lab's own group is empty may it hand controllers down. */
        char path[PATH_MAX + 8];
        snprintf(path, sizeof path, "%s/" LEAF, lab->record.cgroup);
        if (cgroup_make(&lab->hierarchies[i], path, err) < 0)
            return -1;
    }
    return 0;
}

void groups_close(struct lab *lab)
{
    for (size_t i = 0; i < lab->hierarchy_count; i++)
        if (lab->procs[i] >= 0)
            close(lab->procs[i]);
    lab->hierarchy_count = 0;
}

void groups_kill(const struct lab_record *record)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = record->cgroup[0] ? cgroup_hierarchies(list, NULL) : 0;
    for (ssize_t i = 0; i < count; i++)
        cgroup_kill(&list[i], record->cgroup);
}

int groups_clear(const struct lab_record *record, struct err *err)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    if (!record->cgroup[0])
        return 0;
    ssize_t count = cgroup_hierarchies(list, err);
    int result = count < 0 ? -1 : 0;
    /* Freezers first: a frozen process outlives the SIGKILL that the other hierarchies would wait for. */
    for (int freezers = 1; freezers >= 0; freezers--)
        for (ssize_t i = 0; i < count; i++)
            if (cgroup_has_controller(&list[i], "freezer") == (freezers == 1) &&
                cgroup_clear(&list[i], record->cgroup, err) < 0)
                result = -1;
    /* The group above all labs goes with the last of them; where others are, rmdir just says so. */
    for (ssize_t i = 0; i < count; i++) {
        char parent[PATH_MAX];
        const char *slash = strrchr(record->cgroup, '/');
        if (slash && snprintf(parent, sizeof parent, "%s/%.*s", list[i].mount, (int)(slash - record->cgroup),
                              record->cgroup) < (int)sizeof parent)
            rmdir(parent);
    }
    return result;
}

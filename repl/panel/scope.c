#include "repl/panel/scope.h"

#include "engine/lab/lab.h"
#include "engine/limit/hierarchy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scope_host(struct scope *scope)
{
    *scope = (struct scope){ .kind = SCOPE_HOST, .name = "host", .sample.kind = SAMPLE_HOST };
}

static bool group_exists(const char *path)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, NULL);
    for (ssize_t i = 0; i < count; i++) {
        char full[PATH_MAX];
        if (snprintf(full, sizeof full, "%s/%s", list[i].mount, path) < (int)sizeof full && access(full, F_OK) == 0)
            return true;
    }
    return false;
}

/* Ids inside as the host's: the range that holds 0. */
static void take_ids(struct scope *scope)
{
    struct id_range users[8], groups[8];
    size_t user_count, group_count;
    if (observe_id_maps(scope->init, users, &user_count, groups, &group_count, 8, NULL) < 0)
        return;
    for (size_t i = 0; i < user_count && i < 8; i++)
        if (users[i].inside == 0 && users[i].outside != 0) {
            scope->id_base = users[i].outside;
            scope->id_count = users[i].count;
        }
}

int scope_cgroup(const char *path, struct scope *scope, struct err *err)
{
    *scope = (struct scope){ .kind = SCOPE_CGROUP, .sample.kind = SAMPLE_CGROUP };
    path += strspn(path, "/");
    if (!*path) {
        scope_host(scope);
        return 0;
    }
    if (snprintf(scope->group, sizeof scope->group, "/%s", path) >= (int)sizeof scope->group || !group_exists(path))
        return err_say(err, ESRCH, "no cgroup hierarchy has a group `/%s`", path);
    for (size_t len = strlen(scope->group); len > 1 && scope->group[len - 1] == '/'; len--)
        scope->group[len - 1] = '\0';
    snprintf(scope->name, sizeof scope->name, "cgroup %s", scope->group);
    memcpy(scope->sample.path, scope->group, sizeof scope->group);
    return 0;
}

int scope_container(pid_t init, struct scope *scope, struct err *err)
{
    struct observe_process process;
    uint64_t its[NAMESPACE_KINDS];
    *scope = (struct scope){ .kind = SCOPE_CONTAINER, .init = init };
    if (observe_process(init, &process, err) < 0 || observe_namespaces(init, its, err) < 0)
        return -1;
    snprintf(scope->name, sizeof scope->name, "container %d (%s)", init, process.comm);
    scope->sample = (struct sample_scope){ .kind = SAMPLE_PID_NS, .init = init };
    take_ids(scope);
    return 0;
}

struct lab_found {
    const char *wanted;
    char name[64];
    pid_t init;
    unsigned alive;
};

static void take_lab(const struct lab_entry *entry, void *data)
{
    struct lab_found *found = data;
    if (!entry->alive || (found->wanted && strcmp(entry->name, found->wanted) != 0))
        return;
    snprintf(found->name, sizeof found->name, "%s", entry->name);
    found->init = entry->init;
    found->alive++;
}

int scope_lab(const char *name, struct scope *scope, struct err *err)
{
    struct lab_found found = { .wanted = name };
    if (lab_list(take_lab, &found, err) < 0)
        return -1;
    if (found.alive == 0)
        return name ? err_say(err, ESRCH, "no lab named `%s` is running: `teachroot lab ls` lists them", name)
                    : err_say(err, ESRCH, "no lab is running: `teachroot` starts a lesson in one");
    if (found.alive > 1)
        return err_say(err, EINVAL, "%u labs are running: say which (`teachroot lab ls` lists them)", found.alive);
    *scope = (struct scope){ .kind = SCOPE_LAB, .init = found.init };
    snprintf(scope->name, sizeof scope->name, "lab %s", found.name);
    char group[96];
    snprintf(group, sizeof group, "/teachroot/%s", found.name);
    if (group_exists(group)) {
        memcpy(scope->group, group, sizeof group);
        scope->sample.kind = SAMPLE_CGROUP;
        memcpy(scope->sample.path, group, sizeof group);
    } else { /* an ordinary user's, without cgroups of its own */
        scope->sample = (struct sample_scope){ .kind = SAMPLE_PID_NS, .init = found.init };
    }
    take_ids(scope);
    return 0;
}

int scope_parse(const char *text, struct scope *scope, struct err *err)
{
    if (strcmp(text, "host") == 0) {
        scope_host(scope);
        return 0;
    }
    if (strcmp(text, "lab") == 0)
        return scope_lab(NULL, scope, err);
    if (strncmp(text, "lab:", 4) == 0)
        return scope_lab(text + 4, scope, err);
    if (strncmp(text, "cgroup:", 7) == 0)
        return scope_cgroup(text + 7, scope, err);
    if (strncmp(text, "container:", 10) == 0) {
        char *end;
        long pid = strtol(text + 10, &end, 10);
        if (pid > 0 && pid <= INT_MAX && !*end)
            return scope_container((pid_t)pid, scope, err);
    }
    return err_say(err, EINVAL, "`%s` is no scope: host, lab, lab:NAME, container:PID or cgroup:PATH", text);
}

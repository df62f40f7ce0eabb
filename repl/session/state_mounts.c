/* What is mounted, against what was when the step began. */
#include "engine/base/cleanup.h"
#include "repl/session/session_internal.h"

#include <stdio.h>
#include <string.h>

void state_forget(struct session *session)
{
    struct state_keeper *keeper = &session->keeper;
    state_forget_images(session);
    for (size_t i = 0; i < keeper->base_count; i++)
        observe_mounts_free(&keeper->bases[i].table);
    *keeper = (struct state_keeper){ .base_count = 0 };
}

static void keep_base(struct state_keeper *keeper, pid_t pid)
{
    uint64_t inode[NAMESPACE_KINDS];
    struct observe_root root;
    if (pid <= 0 || observe_namespaces(pid, inode, NULL) < 0 || !inode[0] || observe_root(pid, &root, NULL) < 0)
        return;
    for (size_t i = 0; i < keeper->base_count; i++)
        if (keeper->bases[i].inode == inode[0])
            return;
    struct mount_base *base = &keeper->bases[keeper->base_count];
    if (observe_mounts(pid, &base->table, NULL) < 0)
        return;
    base->inode = inode[0];
    memcpy(base->root, root.path, sizeof base->root);
    keeper->base_count++;
}

/* The lab's own comes first: what else is compared with. */
void state_step_began(struct session *session)
{
    struct state_keeper *keeper = &session->keeper;
    struct observe_process process;
    for (size_t i = 0; i < keeper->base_count; i++)
        observe_mounts_free(&keeper->bases[i].table);
    keeper->base_count = 0;
    if (!session->lab)
        return;
    keep_base(keeper, lab_init_pid(session->lab));
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++)
        if (session->terminals[i].terminal)
            keep_base(keeper, state_process(&session->terminals[i], &process));
}

/* A mount namespace made since is a copy of another one, of which there is no record: most likely the lab's. */
static const struct mount_base *base_for(const struct state_keeper *keeper, uint64_t inode)
{
    for (size_t i = 0; i < keeper->base_count; i++)
        if (keeper->bases[i].inode == inode)
            return &keeper->bases[i];
    return keeper->base_count ? &keeper->bases[0] : NULL;
}

/* The directory @path as seen from the directory @root; NULL: it is not below it. */
static const char *seen_from(const char *root, const char *path)
{
    size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(root, path, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path[len] ? path + len : "/";
}

#define COPY(to, text) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, text)

static void copy(const struct mount_difference *difference, struct state_mount *mount)
{
    const struct observe_mount *before = difference->before, *after = difference->after;
    const struct observe_mount *end = after ? after : before;
    *mount = (struct state_mount){ .change = difference->change, .below = (unsigned)difference->below };
    COPY(mount->point, end->point);
    COPY(mount->type, end->type);
    mount->bind = difference->known && strcmp(end->root, "/") != 0;
    COPY(mount->from, mount->bind ? end->root : end->source);
    if (!before || !after)
        return;
    if (difference->change == MOUNT_MOVED) {
        COPY(mount->was, before->point);
        return;
    }
    bool options = strcmp(before->options, after->options) != 0;
    bool super = strcmp(before->super_options, after->super_options) != 0;
    COPY(mount->was, options ? before->options : super ? before->super_options : observe_propagation(before));
    COPY(mount->now, options ? after->options : super ? after->super_options : observe_propagation(after));
}

static void copy_table(const struct observe_mounts *table, const struct mount_difference *list, ssize_t count,
                       struct session_state *state)
{
    static const char marks[] = { [MOUNT_ADDED] = '+', [MOUNT_MOVED] = '>', [MOUNT_CHANGED] = '~' };
    for (size_t i = 0; i < table->count && i < STATE_TABLE; i++) {
        struct state_mounted *mount = &state->table[state->table_count++];
        COPY(mount->point, table->list[i].point);
        COPY(mount->type, table->list[i].type);
        COPY(mount->from, table->list[i].root);
        mount->mark = ' ';
        for (ssize_t k = 0; k < count; k++)
            if (list[k].after == &table->list[i])
                mount->mark = marks[list[k].change];
    }
}

void state_read_mounts(struct session *session, const char *root, struct session_state *state)
{
    const struct mount_base *base = base_for(&session->keeper, state->inode[0]);
    struct mount_difference list[256];
    struct observe_mounts table;
    if (observe_mounts(state->process, &table, NULL) < 0)
        return;
    state->mount_total = table.count;
    const char *seen = base ? seen_from(base->root, root) : NULL;
    ssize_t count = -1;
    if (seen)
        count = observe_mounts_compare(&base->table, &table, seen, list, sizeof list / sizeof *list);
    state->mounts_known = count >= 0;
    copy_table(&table, list, count, state);
    state_read_layers(session, &table, list, count, state);
    state->mounts_changed = count > 0 ? (size_t)count : 0;
    ssize_t first = count > STATE_MOUNTS_MAX ? count - STATE_MOUNTS_MAX : 0; /* the oldest ones are left out */
    while (first > 0 && list[first - 1].change != MOUNT_ADDED)
        first--;
    for (ssize_t i = first; i < count && state->mount_count < STATE_MOUNTS_MAX; i++)
        copy(&list[i], &state->mounts[state->mount_count++]);
    observe_mounts_free(&table);
}

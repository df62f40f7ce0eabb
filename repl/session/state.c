/* The panel beside the step: read from the kernel each time. */
#include "repl/session/state.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/elf_closure.h"
#include "repl/session/session_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UNKNOWN_MS 1000
#define COST_SHARE 10 /* at most about a tenth of the time is spent reading */

/* Its number where the lab's init is 1. */
static pid_t pid_inside(const struct session *session, const struct observe_process *process)
{
    struct observe_process init;
    if (!session->lab || observe_process(lab_init_pid(session->lab), &init, NULL) < 0 || init.depth > process->depth ||
        init.depth < 1)
        return -1;
    return process->nspid[init.depth - 1];
}

/* Who has the terminal: the leader of the foreground group; where that has ended, as in `seq 1 9 | less`, the youngest of the group. -1 when all have. */
static pid_t foreground_process(const struct session_terminal *at, struct observe_process *process)
{
    pid_t group = at->terminal ? terminal_foreground(at->terminal) : -1, youngest = -1;
    if (group <= 0)
        return -1;
    if (observe_process(group, process, NULL) == 0 && process->state != 'Z')
        return group;
    cleanup_dir DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        struct observe_process found;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || getpgid(pid) != group || observe_process(pid, &found, NULL) < 0 || found.state == 'Z' ||
            pid < youngest)
            continue;
        youngest = pid;
        *process = found;
    }
    return youngest;
}

/* … or the terminal's own shell, when nobody else can be told. */
pid_t state_process(const struct session_terminal *at, struct observe_process *process)
{
    pid_t pid = foreground_process(at, process);
    if (pid > 0)
        return pid;
    pid = at->terminal ? at->shell : -1;
    return pid > 0 && observe_process(pid, process, NULL) == 0 ? pid : -1;
}

pid_t session_foreground_inside(const struct session *session, unsigned number)
{
    const struct session_terminal *at = &session->terminals[number];
    struct observe_process process;
    return state_process(at, &process) > 0 ? pid_inside(session, &process) : -1;
}

static void read_namespaces(pid_t pid, pid_t init, struct session_state *state)
{
    uint64_t children;
    if (observe_namespaces(pid, state->inode, NULL) < 0 || observe_namespaces(init, state->lab_inode, NULL) < 0)
        return;
    for (int i = 0; i < NAMESPACE_KINDS; i++)
        state->differs[i] = state->inode[i] && state->lab_inode[i] && state->inode[i] != state->lab_inode[i];
    uint64_t own = state->inode[namespace_find("pid")];
    state->children_apart = own && observe_pid_for_children(pid, &children, NULL) == 0 && children != own;
}

static bool same_maps(const struct id_range *a, size_t as, const struct id_range *b, size_t bs)
{
    for (size_t i = 0; i < as && i < bs && i < STATE_RANGES; i++)
        if (a[i].inside != b[i].inside || a[i].outside != b[i].outside || a[i].count != b[i].count)
            return false;
    return as == bs;
}

static void add_range(struct state_ids *ids, const struct state_range *range)
{
    if (ids->count < STATE_RANGES)
        ids->list[ids->count++] = *range;
    ids->total++;
}

/* The kernel tells both maps in ids of the machine; so each part of the process's that the lab's covers is an id of the lab as well. */
static void compose(const struct id_range *own, size_t owns, const struct id_range *lab, size_t labs,
                    struct state_ids *ids)
{
    for (size_t i = 0; i < owns && i < STATE_RANGES; i++) {
        bool covered = false;
        for (size_t k = 0; k < labs && k < STATE_RANGES; k++) {
            uint64_t begin = own[i].outside > lab[k].outside ? own[i].outside : lab[k].outside;
            uint64_t own_end = (uint64_t)own[i].outside + own[i].count;
            uint64_t lab_end = (uint64_t)lab[k].outside + lab[k].count;
            uint64_t end = own_end < lab_end ? own_end : lab_end;
            if (begin >= end)
                continue;
            covered = true;
            add_range(ids, &(struct state_range){ own[i].inside + (uint32_t)(begin - own[i].outside),
                                                  lab[k].inside + (uint32_t)(begin - lab[k].outside), (uint32_t)begin,
                                                  (uint32_t)(end - begin), true });
        }
        if (!covered)
            add_range(ids, &(struct state_range){ own[i].inside, 0, own[i].outside, own[i].count, false });
    }
    if (owns > STATE_RANGES)
        ids->total += owns - STATE_RANGES;
}

static void read_ids(pid_t pid, pid_t init, struct session_state *state)
{
    struct id_range uid[STATE_RANGES], gid[STATE_RANGES], lab_uid[STATE_RANGES], lab_gid[STATE_RANGES];
    size_t uids, gids, lab_uids, lab_gids;
    if (observe_id_maps(pid, uid, &uids, gid, &gids, STATE_RANGES, NULL) < 0 ||
        observe_id_maps(init, lab_uid, &lab_uids, lab_gid, &lab_gids, STATE_RANGES, NULL) < 0)
        return;
    state->ids_known = true;
    state->same_ids = same_maps(uid, uids, gid, gids) && same_maps(lab_uid, lab_uids, lab_gid, lab_gids);
    compose(uid, uids, lab_uid, lab_uids, &state->uid);
    compose(gid, gids, lab_gid, lab_gids, &state->gid);
}

/* Who it is, and its namespaces. Returns its pid, or -1. */
static pid_t read_who(struct session *session, struct session_state *state)
{
    const struct session_terminal *at = &session->terminals[session->active];
    struct observe_process process, lab_init;
    pid_t init = lab_init_pid(session->lab), pid = state_process(at, &process);
    state->link_count = -1;
    state->terminal = session->active;
    if (pid <= 0)
        return -1;
    state->process = pid;
    unsigned above = observe_process(init, &lab_init, NULL) == 0 ? lab_init.depth - 1 : process.depth;
    snprintf(state->command, sizeof state->command, "%.*s", (int)sizeof state->command - 1, process.command);
    for (unsigned i = above; i < process.depth && state->numbers < MEMBER_NUMBERS; i++)
        state->number[state->numbers++] = process.nspid[i];
    state->inside = state->numbers ? state->number[0] : -1;
    read_namespaces(pid, init, state);
    return pid;
}

void session_state_process(struct session *session, struct session_state *state)
{
    *state = (struct session_state){ .link_count = -1 };
    if (session->lab)
        read_who(session, state);
}

static void read_process(struct session *session, struct session_state *state)
{
    struct observe_root root, lab_root;
    pid_t init = lab_init_pid(session->lab), pid = read_who(session, state);
    if (pid <= 0)
        return;
    read_ids(pid, init, state);
    if (observe_root(pid, &root, NULL) == 0 && observe_root(init, &lab_root, NULL) == 0) {
        state->rooted = root.dev != lab_root.dev || root.ino != lab_root.ino;
        snprintf(state->root, sizeof state->root, "%.*s", (int)sizeof state->root - 1, root.path);
        state_read_mounts(session, root.path, state);
    }
    state->link_count = observe_links(pid, state->links, STATE_LINKS_MAX, &state->links_partly, NULL);
    ssize_t members = observe_members(init, state->members, STATE_MEMBERS, &state->member_total, NULL);
    state->member_count = members > 0 ? (size_t)members : 0;
}

static bool present(int root, const char *path)
{
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, NULL);
    return fd >= 0;
}

static bool found_in(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->count; i++)
        if (closure->entries[i].path && strcmp(closure->entries[i].name, name) == 0)
            return true;
    return false;
}

/* What the program needs is read where it is whole, in the lab; what is there, as its loader would look for it in the new root. */
static void read_closure(int lab_root, int root, struct state_missing *entry)
{
    struct closure needed, there = { 0 };
    size_t missing = 0;
    entry->there = root >= 0 && present(root, entry->program);
    if (elf_closure(lab_root, entry->program, &needed, NULL) < 0)
        return;
    bool looked = entry->there && elf_closure(root, entry->program, &there, NULL) == 0;
    for (size_t i = 0; i < needed.count; i++) {
        const struct closure_entry *file = &needed.entries[i];
        if (!file->path) /* the kernel's own vdso has no file */
            continue;
        entry->needed++;
        if (root >= 0 && ((looked && found_in(&there, file->name)) || present(root, file->path)))
            entry->present++;
        else if (missing < sizeof entry->missing / sizeof *entry->missing)
            snprintf(entry->missing[missing++], sizeof *entry->missing, "%.*s", (int)sizeof *entry->missing - 1,
                     file->path);
    }
    if (looked)
        closure_free(&there);
    closure_free(&needed);
}

const char *const state_section_names[STATE_SECTIONS] = {
    [STATE_CLOSURE] = "closure", [STATE_NAMESPACES] = "namespaces", [STATE_IDS] = "ids",     [STATE_MOUNTS] = "mounts",
    [STATE_LAYERS] = "layers",   [STATE_PROCESSES] = "processes",   [STATE_LINKS] = "links",
};

/* One watch line: `closure ROOT PROGRAM…`, or sections by their names. */
static void read_watch(int lab_root, char *line, struct session_state *state)
{
    char *rest = line, *word = strtok_r(rest, " \t", &rest), *root, *program;
    for (; word && strcmp(word, "closure") != 0; word = strtok_r(NULL, " \t", &rest))
        for (size_t i = 0; i < STATE_SECTIONS; i++)
            state->watched[i] |= strcmp(word, state_section_names[i]) == 0;
    if (!word || !(root = strtok_r(NULL, " \t", &rest)))
        return;
    state->watched[STATE_CLOSURE] = true;
    cleanup_close int fd = open_policy(lab_root, root, OPEN_IN_ROOT_PATH, NULL);
    while ((program = strtok_r(NULL, " \t", &rest)) &&
           state->closure_count < sizeof state->closures / sizeof *state->closures) {
        struct state_missing *entry = &state->closures[state->closure_count++];
        snprintf(entry->root, sizeof entry->root, "%s", root);
        snprintf(entry->program, sizeof entry->program, "%s", program);
        read_closure(lab_root, fd, entry);
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Returns false when it cannot be known. */
static bool read_activity(struct session *session, uint64_t *value)
{
    struct state_keeper *keeper = &session->keeper;
    pid_t shells[SESSION_TERMINALS];
    if (!keeper->activity_open)
        activity_open(&keeper->activity, session->lab);
    keeper->activity_open = true;
    for (unsigned i = 0; i < SESSION_TERMINALS; i++)
        shells[i] = session_shell(session, i + 1);
    return activity_read(&keeper->activity, session->lab, shells, SESSION_TERMINALS, value);
}

bool session_state_stale(struct session *session)
{
    struct state_keeper *keeper = &session->keeper;
    uint64_t since = loop_now() - keeper->read_at, now;
    if (typing_holds(session, keeper->read_at))
        return false;
    if (keeper->looks.fresh)
        return true;
    if (!session->lab || since * 1000 < keeper->cost * COST_SHARE)
        return false;
    if (!keeper->known || !read_activity(session, &now))
        return since >= UNKNOWN_MS;
    return now != keeper->seen;
}

static void read_watched(int lab_root, const struct step *step, struct session_state *state)
{
    cleanup_free char *lines = strdup(step->watch);
    char *rest = lines, *line;
    while ((line = strsep(&rest, "\n")))
        read_watch(lab_root, line, state);
}

void session_state_read(struct session *session, struct session_state *state)
{
    const struct step *step = session_step(session, session->current);
    struct state_keeper *keeper = &session->keeper;
    uint64_t began = now_us();
    *state = (struct session_state){ .link_count = -1 };
    if (!session->lab)
        return;
    keeper->known = read_activity(session, &keeper->seen); /* before: what changes while it is read is read again */
    read_process(session, state);
    if (step && !session_current_passed(session) && session->check.said)
        snprintf(state->waits_for, sizeof state->waits_for, "%.*s", (int)sizeof state->waits_for - 1,
                 session->check.said);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", lab_init_pid(session->lab));
    cleanup_close int lab_root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, NULL);
    if (lab_root >= 0 && step && step->watch)
        read_watched(lab_root, step, state);
    if (lab_root >= 0)
        state_read_image(session, lab_root, state);
    keeper->read_at = loop_now();
    keeper->cost = now_us() - began;
}

void session_state_read_of(struct session *session, unsigned terminal, struct session_state *state)
{
    unsigned active = session->active;
    session->active = terminal; /* for this reading: nobody is told */
    session_state_read(session, state);
    session->active = active;
}

/* The panel beside the step: read from the kernel each time. */
#include "repl/session/state.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/elf_closure.h"
#include "repl/session/session_internal.h"

#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
static pid_t shown_process(const struct session_terminal *at, struct observe_process *process)
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
    return shown_process(at, &process) > 0 ? pid_inside(session, &process) : -1;
}

static void read_process(struct session *session, struct session_state *state)
{
    const struct session_terminal *at = &session->terminals[session->active];
    struct observe_process process;
    struct observe_root root, lab_root;
    pid_t init = lab_init_pid(session->lab), pid = shown_process(at, &process);
    if (pid <= 0)
        return;
    state->process = pid;
    state->inside = pid_inside(session, &process);
    snprintf(state->command, sizeof state->command, "%.*s", (int)sizeof state->command - 1, process.command);
    if (observe_namespaces(pid, state->inode, NULL) == 0 && observe_namespaces(init, state->lab_inode, NULL) == 0)
        for (int i = 0; i < NAMESPACE_KINDS; i++)
            state->differs[i] = state->inode[i] && state->lab_inode[i] && state->inode[i] != state->lab_inode[i];
    if (observe_root(pid, &root, NULL) == 0 && observe_root(init, &lab_root, NULL) == 0) {
        state->rooted = root.dev != lab_root.dev || root.ino != lab_root.ino;
        snprintf(state->root, sizeof state->root, "%.*s", (int)sizeof state->root - 1, root.path);
    }
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

/* One watch line: `closure ROOT PROGRAM…`. */
static void read_watch(int lab_root, char *line, struct session_state *state)
{
    char *word = strtok_r(line, " \t", &line), *root = strtok_r(NULL, " \t", &line), *program;
    if (!word || strcmp(word, "closure") != 0 || !root)
        return;
    cleanup_close int fd = open_policy(lab_root, root, OPEN_IN_ROOT_PATH, NULL);
    while ((program = strtok_r(NULL, " \t", &line)) &&
           state->closure_count < sizeof state->closures / sizeof *state->closures) {
        struct state_missing *entry = &state->closures[state->closure_count++];
        snprintf(entry->root, sizeof entry->root, "%s", root);
        snprintf(entry->program, sizeof entry->program, "%s", program);
        read_closure(lab_root, fd, entry);
    }
}

void session_state_read(struct session *session, struct session_state *state)
{
    const struct step *step = session_step(session, session->current);
    char path[64];
    *state = (struct session_state){ 0 };
    if (!session->lab)
        return;
    read_process(session, state);
    if (step && !session_current_passed(session) && session->check.said)
        snprintf(state->waits_for, sizeof state->waits_for, "%.*s", (int)sizeof state->waits_for - 1,
                 session->check.said);
    if (!step || !step->watch)
        return;
    snprintf(path, sizeof path, "/proc/%d/root", lab_init_pid(session->lab));
    cleanup_close int lab_root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, NULL);
    cleanup_free char *lines = strdup(step->watch);
    char *rest = lines, *line;
    while (lab_root >= 0 && (line = strsep(&rest, "\n")))
        read_watch(lab_root, line, state);
}

/* While a terminal forks much, its strace and what that traces share one core: a stop of a process is then a switch between two on a core, and not the waking of another one, which takes
 * several times as long (tests/bench/lens.sh has the figures). Before and after it each of them may run wherever it likes, so that nothing that lasts is to be seen of it in the lab. */
#include "repl/session/lens_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not the one that we are on ourselves. -1: there is no choice. */
static int choose_core(const cpu_set_t *allowed)
{
    int own = sched_getcpu();
    if (CPU_COUNT(allowed) > 1)
        for (int core = CPU_SETSIZE - 1; core >= 0; core--)
            if (core != own && CPU_ISSET(core, allowed))
                return core;
    return -1;
}

/* Who was given cores by somebody else (taskset, in a lesson) keeps those. */
static void move(pid_t pid, const cpu_set_t *from, const cpu_set_t *to)
{
    cpu_set_t now;
    if (sched_getaffinity(pid, sizeof now, &now) == 0 && CPU_EQUAL(&now, from))
        sched_setaffinity(pid, sizeof *to, to);
}

static bool is_traced_by(pid_t pid, pid_t strace)
{
    char path[64], line[256];
    int tracer = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    if (status)
        fclose(status);
    return tracer == strace;
}

void lens_pin(struct lens_pin *pin, const struct lens *lens, pid_t shell, pid_t strace)
{
    const char *wanted = getenv("TEACHROOT_LENS_PIN");
    if (pin->on || (wanted && strcmp(wanted, "no") == 0) ||
        sched_getaffinity(strace, sizeof pin->anywhere, &pin->anywhere) < 0)
        return;
    int core = choose_core(&pin->anywhere);
    if (core < 0)
        return;
    CPU_ZERO(&pin->core);
    CPU_SET(core, &pin->core);
    pin->on = true;
    move(strace, &pin->anywhere, &pin->core);
    move(shell, &pin->anywhere, &pin->core);
    for (size_t i = 0; i < lens_processes(lens); i++)
        move(lens_process_at(lens, i), &pin->anywhere, &pin->core);
}

void lens_unpin(struct lens_pin *pin, pid_t strace)
{
    if (!pin->on)
        return;
    pin->on = false;
    move(strace, &pin->core, &pin->anywhere);
    /* What was born meanwhile has inherited it. */
    DIR *proc = opendir("/proc");
    for (const struct dirent *entry; proc && (entry = readdir(proc));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        cpu_set_t now;
        if (pid > 0 && sched_getaffinity(pid, sizeof now, &now) == 0 && CPU_EQUAL(&now, &pin->core) &&
            is_traced_by(pid, strace))
            move(pid, &pin->core, &pin->anywhere);
    }
    if (proc)
        closedir(proc);
}

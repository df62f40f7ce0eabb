/* While a terminal forks much, its strace and what that traces share one core: a stop of a process is then a switch between two on a core, and not the waking of another one, which takes
 * several times as long (tests/bench/lens.sh has the figures). Before and after it each of them may run wherever it likes, so that nothing that lasts is to be seen of it in the lab. */
#include "repl/session/lens_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSES 16 /* over the processes, that a learner's ones may fork and escape from meanwhile */

/* Not the first, which is what is said where any would do (`taskset -c 0`); and not the same for all who share a machine. -1: there is no choice. */
static int choose_core(const cpu_set_t *allowed, pid_t strace)
{
    int count = CPU_COUNT(allowed), before = count > 1 ? 1 + strace % (count - 1) : CPU_SETSIZE;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, allowed) && before-- == 0)
            return core;
    return -1;
}

static bool is_on(pid_t pid, const cpu_set_t *cores)
{
    cpu_set_t now;
    return sched_getaffinity(pid, sizeof now, &now) == 0 && CPU_EQUAL(&now, cores);
}

/* Who was given cores by somebody else (taskset, in a lesson) keeps those. Returns whether it was moved. */
static bool move(pid_t pid, const cpu_set_t *from, const cpu_set_t *to)
{
    return is_on(pid, from) && sched_setaffinity(pid, sizeof *to, to) == 0;
}

/* A number of /proc/PID/status, or -1. */
static pid_t status_number(pid_t pid, const char *name)
{
    char path[64], line[256];
    pid_t number = -1;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    cleanup_file FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0) {
            number = atoi(line + strlen(name));
            break;
        }
    return number;
}

/* Somebody was given just that core by somebody else, and could not be told from those that are moved there. */
static bool is_taken(const struct lens *lens, pid_t shell, const cpu_set_t *core)
{
    for (size_t i = 0; i < lens_processes(lens); i++)
        if (is_on(lens_process_at(lens, i), core))
            return true;
    return is_on(shell, core);
}

void lens_pin(struct lens_pin *pin, const struct lens *lens, pid_t shell, pid_t foreground, pid_t strace)
{
    const char *wanted = getenv("TEACHROOT_LENS_PIN");
    if (!pin->on) {
        int core = -1;
        if (!(wanted && strcmp(wanted, "no") == 0) &&
            sched_getaffinity(strace, sizeof pin->anywhere, &pin->anywhere) == 0)
            core = choose_core(&pin->anywhere, strace);
        if (core < 0)
            return;
        CPU_ZERO(&pin->core);
        CPU_SET(core, &pin->core);
        pin->on = !is_taken(lens, shell, &pin->core);
        if (!pin->on)
            return;
    }
    move(strace, &pin->anywhere, &pin->core);
    move(shell, &pin->anywhere, &pin->core);
    /* What works in the background goes on where it is: it is not what forks, as far as we know, and would be in the way. */
    for (size_t i = 0; i < lens_processes(lens); i++)
        if (getpgid(lens_process_at(lens, i)) == foreground)
            move(lens_process_at(lens, i), &pin->anywhere, &pin->core);
    for (pid_t pid = foreground; pid != shell && status_number(pid, "TracerPid:") == strace;
         pid = status_number(pid, "PPid:"))
        move(pid, &pin->anywhere, &pin->core);
}

/* Calls @each for every entry of @path that is a number. Returns how often it said true. */
static unsigned each_number(const char *path, bool (*each)(const struct lens_pin *pin, pid_t number, pid_t strace),
                            const struct lens_pin *pin, pid_t strace)
{
    unsigned count = 0;
    cleanup_dir DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));)
        count += isdigit((unsigned char)entry->d_name[0]) && each(pin, atoi(entry->d_name), strace);
    return count;
}

static bool release_thread(const struct lens_pin *pin, pid_t thread, pid_t strace)
{
    return move(thread, &pin->core, &pin->anywhere);
}

static bool release_process(const struct lens_pin *pin, pid_t pid, pid_t strace)
{
    char path[64];
    if (!is_on(pid, &pin->core) || status_number(pid, "TracerPid:") != strace)
        return false;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    for (int pass = 0; pass < PASSES && each_number(path, release_thread, pin, strace) > 0; pass++) {
    }
    return true;
}

void lens_unpin(struct lens_pin *pin, pid_t strace)
{
    if (!pin->on)
        return;
    pin->on = false;
    move(strace, &pin->core, &pin->anywhere);
    /* What was born meanwhile has inherited it, and goes on being born until its parent is released. */
    for (int pass = 0; pass < PASSES && each_number("/proc", release_process, pin, strace) > 0; pass++) {
    }
}

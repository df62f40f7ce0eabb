#include "engine/observe/sample_group_files.h"

#include "engine/observe/sample_internal.h"

#include <stdlib.h>
#include <string.h>

/* v1 says "no limit" with the largest multiple of a page. */
#define V1_UNLIMITED 0x7ffffffffff00000u

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static uint64_t limit(const char *text)
{
    if (strncmp(text, "max", 3) == 0 || *text == '-')
        return SAMPLE_NONE;
    uint64_t value = number(text);
    return value >= V1_UNLIMITED ? SAMPLE_NONE : value;
}

/* The value of the line that begins with @key and a space; @none if there is no such line. */
static uint64_t keyed(const char *text, const char *key, uint64_t none)
{
    size_t len = strlen(key);
    for (const char *at = text; at; at = (at = strchr(at, '\n')) ? at + 1 : NULL)
        if (strncmp(at, key, len) == 0 && at[len] == ' ')
            return number(at + len + 1);
    return none;
}

static void v2_cpu_stat(const char *text, struct group_figures *figures)
{
    uint64_t usage = keyed(text, "usage_usec", SAMPLE_NONE);
    uint64_t throttled = keyed(text, "throttled_usec", SAMPLE_NONE);
    if (usage != SAMPLE_NONE &&
        figures->cpu_time == SAMPLE_NONE) { /* a v1 hierarchy that has the controller knows it finer */
        figures->cpu_time = usage * 1000;
        figures->cpu_read_at = sample_now();
    }
    if (throttled == SAMPLE_NONE || figures->throttled_time != SAMPLE_NONE)
        return;
    figures->throttled_time = throttled * 1000;
    figures->periods = keyed(text, "nr_periods", 0);
    figures->throttled_periods = keyed(text, "nr_throttled", 0);
}

static void v2_cpu_max(const char *text, struct group_figures *figures)
{
    figures->quota = limit(text);
    const char *space = strchr(text, ' ');
    figures->period = space ? number(space + 1) : 100000;
}

static void v1_cpuacct_usage(const char *text, struct group_figures *figures)
{
    figures->cpu_time = number(text);
    figures->cpu_read_at = sample_now();
}

static void v1_cpu_stat(const char *text, struct group_figures *figures)
{
    figures->throttled_time = keyed(text, "throttled_time", SAMPLE_NONE);
    figures->periods = keyed(text, "nr_periods", 0);
    figures->throttled_periods = keyed(text, "nr_throttled", 0);
}

static void v1_cpu_quota(const char *text, struct group_figures *figures)
{
    figures->quota = limit(text);
}

static void v1_cpu_period(const char *text, struct group_figures *figures)
{
    figures->period = number(text);
}

static void memory(const char *text, struct group_figures *figures)
{
    figures->memory = number(text);
}

static void memory_limit(const char *text, struct group_figures *figures)
{
    figures->memory_limit = limit(text);
}

static void v1_memory_and_swap(const char *text, struct group_figures *figures)
{
    figures->memory_and_swap = number(text);
}

static void v2_swap(const char *text, struct group_figures *figures)
{
    figures->swap = number(text);
}

static void oom_kills(const char *text, struct group_figures *figures)
{
    figures->oom_kills = keyed(text, "oom_kill", SAMPLE_NONE);
}

static void pids(const char *text, struct group_figures *figures)
{
    figures->pids = number(text);
}

static void pids_limit(const char *text, struct group_figures *figures)
{
    figures->pids_limit = limit(text);
}

/* "MAJ:MIN rbytes=N wbytes=N …" a device. */
static void v2_io(const char *text, struct group_figures *figures)
{
    figures->io_read = figures->io_written = 0;
    for (const char *at = text; (at = strstr(at, "bytes=")); at += 6) {
        if (at == text)
            continue;
        if (at[-1] == 'r')
            figures->io_read += number(at + 6);
        else if (at[-1] == 'w')
            figures->io_written += number(at + 6);
    }
}

/* "MAJ:MIN Read N", "MAJ:MIN Write N" … a device. */
static void v1_io(const char *text, struct group_figures *figures)
{
    figures->io_read = figures->io_written = 0;
    for (const char *at = text; at && *at; at = (at = strchr(at, '\n')) ? at + 1 : NULL) {
        const char *space = strchr(at, ' ');
        if (!space)
            return;
        if (strncmp(space, " Read ", 6) == 0)
            figures->io_read += number(space + 6);
        else if (strncmp(space, " Write ", 7) == 0)
            figures->io_written += number(space + 7);
    }
}

static void v1_freezer(const char *text, struct group_figures *figures)
{
    figures->frozen |= strncmp(text, "THAWED", 6) != 0;
}

static void v2_events(const char *text, struct group_figures *figures)
{
    figures->frozen |= keyed(text, "frozen", 0) == 1;
}

/* v1 first: where a machine has both, a controller is in one of them. */
const struct group_file group_files[GROUP_FILES] = {
    { "cpuacct", "cpuacct.usage", v1_cpuacct_usage },
    { "cpu", "cpu.stat", v1_cpu_stat },
    { "cpu", "cpu.cfs_quota_us", v1_cpu_quota },
    { "cpu", "cpu.cfs_period_us", v1_cpu_period },
    { "memory", "memory.usage_in_bytes", memory },
    { "memory", "memory.limit_in_bytes", memory_limit },
    { "memory", "memory.memsw.usage_in_bytes", v1_memory_and_swap },
    { "memory", "memory.oom_control", oom_kills },
    { "pids", "pids.current", pids },
    { "pids", "pids.max", pids_limit },
    { "blkio", "blkio.throttle.io_service_bytes_recursive", v1_io },
    { "freezer", "freezer.state", v1_freezer },
    { NULL, "cpu.stat", v2_cpu_stat },
    { NULL, "cpu.max", v2_cpu_max },
    { NULL, "memory.current", memory },
    { NULL, "memory.max", memory_limit },
    { NULL, "memory.swap.current", v2_swap },
    { NULL, "memory.events", oom_kills },
    { NULL, "pids.current", pids },
    { NULL, "pids.max", pids_limit },
    { NULL, "io.stat", v2_io },
    { NULL, "cgroup.events", v2_events },
};

#include "repl/panel/group_columns.h"

#include "repl/panel/columns.h"

#include <stdio.h>
#include <string.h>

typedef const struct group_facts facts_t;
typedef const struct sample_group group_t;

static enum role no_figure(char *out, size_t size)
{
    snprintf(out, size, "-");
    return ROLE_FAINT;
}

static enum role format_name(facts_t *facts, group_t *group, char *out, size_t size)
{
    const char *name = group->depth ? group->name : group->path;
    snprintf(out, size, "%*s%s", (int)(group->depth > 20 ? 20 : group->depth) * 2, "", name);
    return group->frozen ? ROLE_FAINT : ROLE_STRONG;
}

static enum role format_cpu(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->cpu < 0)
        return no_figure(out, size);
    snprintf(out, size, "%.1f", group->cpu);
    return group->throttled > 0 ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_cpu_limit(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->cpu_limit < 0)
        return no_figure(out, size);
    snprintf(out, size, "/%.*f%%", group->cpu_limit < 10 ? 1 : 0, group->cpu_limit);
    return ROLE_TEXT;
}

static enum role format_throttled(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->throttled_time == SAMPLE_NONE || (group->cpu_limit < 0 && group->throttled_time == 0))
        return no_figure(out, size);
    snprintf(out, size, "%.1fs", (double)group->throttled_time / 1e9);
    return group->throttled > 0 ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_memory(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->memory == SAMPLE_NONE)
        return no_figure(out, size);
    bool near = group->memory_limit != SAMPLE_NONE && (double)group->memory > 0.9 * (double)group->memory_limit;
    column_bytes(group->memory, out, size - 1);
    strcat(out, near ? "!" : ""); /* not by colour alone */
    return near ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_memory_limit(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->memory_limit == SAMPLE_NONE)
        return no_figure(out, size);
    out[0] = '/';
    column_bytes(group->memory_limit, out + 1, size - 1);
    return ROLE_TEXT;
}

/* Memory over the last refreshes, newest at the right, against its limit or against the most of what is shown. */
static enum role format_history(facts_t *facts, group_t *group, char *out, size_t size)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const signs[] = { " ", "_", ".", ":", "-", "=", "+", "*", "#" };
    uint64_t whole = group->memory_limit;
    unsigned cells = facts->width < SAMPLE_HISTORY ? facts->width : SAMPLE_HISTORY;
    size_t at = 0;
    if (whole == SAMPLE_NONE) {
        whole = 0;
        for (unsigned i = 0; i < cells; i++) {
            uint64_t memory = sample_group_memory(group, i);
            if (memory != SAMPLE_NONE && memory > whole)
                whole = memory;
        }
    }
    for (unsigned i = cells; i-- > 0 && at + 4 < size;) {
        uint64_t memory = sample_group_memory(group, i);
        unsigned level = 0;
        if (memory != SAMPLE_NONE && memory > 0 && whole > 0) {
            level = 1 + (unsigned)((double)memory / (double)whole * 7.99);
            level = level > 8 ? 8 : level;
        }
        at += (size_t)snprintf(out + at, size - at, "%s", facts->ascii ? signs[level] : blocks[level]);
    }
    out[at] = '\0';
    return ROLE_SAME;
}

static enum role format_oom(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->oom_kills == SAMPLE_NONE)
        return no_figure(out, size);
    bool fresh = group->oom_at && facts->now - group->oom_at < OOM_FLASH_NS;
    if (fresh) {
        snprintf(out, size, "OOM!%llu", (unsigned long long)group->oom_kills);
        return facts->beat ? ROLE_STATUS_KEY : ROLE_FAILED;
    }
    snprintf(out, size, "%llu", (unsigned long long)group->oom_kills);
    return group->oom_kills ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_pids(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->pids == SAMPLE_NONE)
        return no_figure(out, size);
    bool full = group->pids_limit != SAMPLE_NONE && group->pids >= group->pids_limit;
    snprintf(out, size, "%llu%s", (unsigned long long)group->pids, full && group->pids < 10000 ? "!" : "");
    return full ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_pids_limit(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->pids_limit == SAMPLE_NONE)
        return no_figure(out, size);
    snprintf(out, size, "/%llu", (unsigned long long)group->pids_limit);
    return ROLE_TEXT;
}

static enum role format_io(facts_t *facts, group_t *group, char *out, size_t size)
{
    if (group->io_read == SAMPLE_NONE)
        return no_figure(out, size);
    char read[8], written[8];
    column_bytes(group->io_read_rate, read, sizeof read);
    column_bytes(group->io_write_rate, written, sizeof written);
    snprintf(out, size, "%s/%s", read, written);
    return ROLE_TEXT;
}

static enum role format_state(facts_t *facts, group_t *group, char *out, size_t size)
{
    const char *word = group->frozen ? "FROZEN" : group->throttled > 0 ? "THROTTLED" : "";
    snprintf(out, size, "%s", word);
    return *word ? ROLE_FAILED : ROLE_TEXT;
}

static enum role format_version(facts_t *facts, group_t *group, char *out, size_t size)
{
    snprintf(out, size, "%s", group->in_v1 && group->in_v2 ? "1+2" : group->in_v2 ? "2" : "1");
    return ROLE_FAINT;
}

const struct group_column group_columns[] = {
    { "CGROUP", 0, true, 9, format_name, "the group, below the one it is in" },
    { "CPU%", 6, false, 9, format_cpu, "CPU time since the last refresh; 100 is one CPU" },
    { "/LIMIT", 7, false, 8, format_cpu_limit, "what it may use (cpu.max, cpu.cfs_quota_us)" },
    { "THR", 7, false, 5, format_throttled, "time it was held back by that limit" },
    { "MEM", 6, false, 9, format_memory, "memory it holds; with ! nearly all it may" },
    { "/MAX", 7, false, 8, format_memory_limit, "what it may hold (memory.max, memory.limit_in_bytes)" },
    { "HISTORY", 9, true, 4, format_history, "its memory over the last refreshes, against the limit if there is one" },
    { "OOM", 7, false, 7, format_oom, "processes killed because the limit was reached" },
    { "PIDS", 5, false, 6, format_pids, "its tasks; with ! all it may have" },
    { "/MAX", 6, false, 3, format_pids_limit, "how many it may have (pids.max)" },
    { "IO R/W", 10, false, 2, format_io, "bytes a second read and written" },
    { "V", 4, false, 1, format_version, "which kind of hierarchy has it: cgroup v1, v2" },
    { "STATE", 10, true, 7, format_state, "FROZEN, THROTTLED" },
};
const size_t group_column_count = sizeof group_columns / sizeof *group_columns;

#include "repl/panel/meters.h"

#include "repl/panel/columns.h"

#include <stdio.h>
#include <string.h>

typedef const struct meter_facts facts_t;

static void add_part(struct meter_value *value, float share, char mark, enum role role)
{
    if (value->part_count < METER_PARTS)
        value->parts[value->part_count++] = (struct meter_part){ share, mark, role };
}

static void label(struct meter_value *value, const char *text)
{
    snprintf(value->label, sizeof value->label, "%s", text);
}

static size_t one(facts_t *facts)
{
    return 1;
}

/* ---- CPUs: those with even numbers at the left, the others at the right, so that they stand side by side ---- */

static size_t cpus_left(facts_t *facts)
{
    return facts->average ? 1 : (facts->host->cpus + 1) / 2;
}

static size_t cpus_right(facts_t *facts)
{
    return facts->average ? 0 : facts->host->cpus / 2;
}

static void read_cpu(facts_t *facts, size_t which, struct meter_value *value)
{
    const struct sample_cpu *cpu = &facts->host->cpu[which];
    value->bar = true;
    if (which)
        snprintf(value->label, sizeof value->label, "%3u", (unsigned)(which - 1) % 100000);
    else
        label(value, "CPU");
    add_part(value, cpu->nice, '-', ROLE_FAINT);
    add_part(value, cpu->user, '|', ROLE_SAME);
    add_part(value, cpu->system + cpu->irq, '#', ROLE_DIFFERS);
    add_part(value, cpu->steal, '!', ROLE_FAILED);
    add_part(value, cpu->iowait, '.', ROLE_FAINT);
    float busy = cpu->nice + cpu->user + cpu->system + cpu->irq + cpu->steal;
    snprintf(value->text, sizeof value->text, "%.1f%%", 100 * busy);
}

static void cpu_left(facts_t *facts, size_t index, struct meter_value *value)
{
    read_cpu(facts, facts->average ? 0 : 2 * index + 1, value);
    if (facts->average)
        snprintf(value->label, sizeof value->label, "%uCPU", facts->host->cpus < 10000 ? facts->host->cpus : 9999);
}

static void cpu_right(facts_t *facts, size_t index, struct meter_value *value)
{
    read_cpu(facts, 2 * index + 2, value);
}

/* ---- memory ---- */

static void read_memory(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_host *host = facts->host;
    char used[8], total[8];
    float part = host->memory_total ? 1.0f / (float)host->memory_total : 0;
    value->bar = true;
    label(value, "Mem");
    add_part(value, part * (float)host->memory_used, '|', ROLE_SAME);
    add_part(value, part * (float)host->memory_buffers, '+', ROLE_FAINT);
    add_part(value, part * (float)host->memory_cache, '.', ROLE_FAINT);
    column_bytes(host->memory_used, used, sizeof used);
    column_bytes(host->memory_total, total, sizeof total);
    snprintf(value->text, sizeof value->text, "%s/%s", used, total);
}

static void read_swap(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_host *host = facts->host;
    char used[8], total[8];
    value->bar = true;
    label(value, "Swp");
    if (host->swap_total)
        add_part(value, (float)host->swap_used / (float)host->swap_total, '|', ROLE_DIFFERS);
    column_bytes(host->swap_used, used, sizeof used);
    column_bytes(host->swap_total, total, sizeof total);
    snprintf(value->text, sizeof value->text, "%s/%s", used, total);
}

/* ---- what bounds the scope ---- */

static size_t scope_cpu_count(facts_t *facts)
{
    return facts->scope && facts->scope->cpu >= 0;
}

static size_t scope_memory_count(facts_t *facts)
{
    return facts->scope && facts->scope->memory != SAMPLE_NONE;
}

static void read_scope_cpu(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_group *group = facts->scope;
    bool limited = group->cpu_limit >= 0;
    float whole = limited ? group->cpu_limit : 100.0f * (float)facts->host->cpus;
    value->bar = true;
    label(value, "cgC");
    add_part(value, whole > 0 ? group->cpu / whole : 0, '|', group->throttled > 0 ? ROLE_FAILED : ROLE_SAME);
    snprintf(value->text, sizeof value->text, "%s%.1f%%/%s%.0f%%", group->throttled > 0 ? "THROTTLED " : "", group->cpu,
             limited ? "" : "no limit, ", whole);
    if (group->throttled > 0)
        value->role = ROLE_FAILED;
}

static void read_scope_memory(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_group *group = facts->scope;
    bool limited = group->memory_limit != SAMPLE_NONE;
    uint64_t whole = limited ? group->memory_limit : facts->host->memory_total;
    char used[8], limit[8];
    value->bar = true;
    label(value, "cgM");
    add_part(value, whole ? (float)group->memory / (float)whole : 0, '|', ROLE_SAME);
    column_bytes(group->memory, used, sizeof used);
    column_bytes(whole, limit, sizeof limit);
    snprintf(value->text, sizeof value->text, "%s/%s%s", used, limited ? "" : "no limit, ", limit);
}

static size_t scope_pids_count(facts_t *facts)
{
    return facts->scope && facts->scope->pids != SAMPLE_NONE;
}

static void read_scope_pids(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_group *group = facts->scope;
    bool limited = group->pids_limit != SAMPLE_NONE && group->pids_limit > 0;
    value->bar = true;
    label(value, "cgP");
    if (limited) {
        add_part(value, (float)group->pids / (float)group->pids_limit, '|', ROLE_SAME);
        snprintf(value->text, sizeof value->text, "%llu/%llu", (unsigned long long)group->pids,
                 (unsigned long long)group->pids_limit);
    } else {
        snprintf(value->text, sizeof value->text, "%llu/no limit", (unsigned long long)group->pids);
    }
}

/* ---- lines of figures ---- */

static void read_tasks(facts_t *facts, size_t index, struct meter_value *value)
{
    label(value, "Tasks");
    char kernel[32] = "";
    if (facts->kernel)
        snprintf(kernel, sizeof kernel, "; %zu kthr", facts->kernel);
    snprintf(value->text, sizeof value->text, "%zu, %zu thr; %zu running%s", facts->processes, facts->threads,
             facts->running, kernel);
}

static void read_load(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_host *host = facts->host;
    unsigned long long days = host->uptime / 86400;
    unsigned rest = (unsigned)(host->uptime % 86400);
    char day[32] = "";
    label(value, "Load");
    if (days)
        snprintf(day, sizeof day, "%llud ", days);
    snprintf(value->text, sizeof value->text, "%.2f %.2f %.2f  up %s%02u:%02u:%02u", host->load[0], host->load[1],
             host->load[2], day, rest / 3600, rest / 60 % 60, rest % 60);
}

static size_t pressure_count(facts_t *facts)
{
    return facts->host->pressure[SAMPLE_PRESSURE_CPU].known;
}

static void read_pressure(facts_t *facts, size_t index, struct meter_value *value)
{
    const struct sample_pressure *pressure = facts->host->pressure;
    label(value, "PSI10");
    snprintf(value->text, sizeof value->text, "cpu %.0f%%  mem %.0f%%  io %.0f%% waiting",
             pressure[SAMPLE_PRESSURE_CPU].some10, pressure[SAMPLE_PRESSURE_MEMORY].some10,
             pressure[SAMPLE_PRESSURE_IO].some10);
    if (pressure[SAMPLE_PRESSURE_MEMORY].some10 >= 10 || pressure[SAMPLE_PRESSURE_IO].some10 >= 10)
        value->role = ROLE_NOTICE;
}

const struct meter meters[] = {
    { "cpu", METER_LEFT, cpus_left, cpu_left,
      "CPU     | user   # system and interrupts   - nice   ! stolen   . waiting for a disk", false },
    { "cpu", METER_RIGHT, cpus_right, cpu_right, NULL, false },
    { "memory", METER_LEFT, one, read_memory, "Mem     | used   + buffers   . cache", false },
    { "swap", METER_LEFT, one, read_swap, "Swp     | used", false },
    { "tasks", METER_RIGHT, one, read_tasks, "Tasks   processes, their threads, threads of the kernel's own", true },
    { "load", METER_RIGHT, one, read_load, NULL, false },
    { "pressure", METER_RIGHT, pressure_count, read_pressure,
      "PSI10   share of the last 10 s in which somebody waited for it", false },
    { "scope-cpu", METER_LEFT, scope_cpu_count, read_scope_cpu,
      "cgC     CPU of the scope's cgroup against its limit; THROTTLED while it is held back", true },
    { "scope-memory", METER_RIGHT, scope_memory_count, read_scope_memory, "cgM     its memory against its limit",
      true },
    { "scope-pids", METER_LEFT, scope_pids_count, read_scope_pids, "cgP     its tasks against their limit", true },
};
const size_t meter_count = sizeof meters / sizeof *meters;

size_t meters_read(facts_t *facts, enum meter_side side, struct meter_value *values, size_t max)
{
    size_t count = 0;
    for (size_t m = 0; m < meter_count; m++) {
        if (meters[m].side != side || (facts->narrow && facts->scope && !meters[m].narrow))
            continue;
        size_t here = meters[m].count(facts);
        for (size_t i = 0; i < here && count < max; i++) {
            values[count] = (struct meter_value){ .role = ROLE_TEXT };
            meters[m].read(facts, i, &values[count++]);
        }
    }
    return count;
}

void meter_bar(const struct meter_value *value, unsigned cells, char *out, signed char *part_of)
{
    memset(out, ' ', cells);
    memset(part_of, -1, cells);
    float sum = 0;
    unsigned at = 0;
    for (size_t p = 0; p < value->part_count; p++) {
        sum += value->parts[p].share;
        unsigned end = (unsigned)((sum > 1 ? 1 : sum) * (float)cells + 0.5f);
        for (; at < end && at < cells; at++) {
            out[at] = value->parts[p].mark;
            part_of[at] = (signed char)p;
        }
    }
    size_t len = strlen(value->text);
    if (len > cells)
        len = cells;
    memcpy(out + cells - len, value->text + strlen(value->text) - len, len);
    memset(part_of + cells - len, METER_TEXT, len);
    out[cells] = '\0';
}

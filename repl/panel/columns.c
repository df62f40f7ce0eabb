#include "repl/panel/columns.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef const struct column_facts facts_t;
typedef const struct sample_process process_t;

void column_bytes(uint64_t bytes, char *out, size_t size)
{
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1000 && unit < sizeof units - 2) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(out, size, "%.0f", value);
    else
        snprintf(out, size, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

/* Looking a name up may read files: each id once. More ids than there is room for show as numbers. */
static const char *user_name(uid_t uid)
{
    static struct {
        uid_t uid;
        char name[20];
    } known[128];
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (known[i].uid == uid)
            return known[i].name;
    if (count == sizeof known / sizeof *known)
        count--;
    const struct passwd *user = getpwuid(uid);
    known[count].uid = uid;
    if (user)
        snprintf(known[count].name, sizeof known[count].name, "%s", user->pw_name);
    else
        snprintf(known[count].name, sizeof known[count].name, "%u", uid);
    return known[count++].name;
}

const char *column_user(facts_t *facts, uid_t uid)
{
    if (facts->id_count && uid >= facts->id_base && uid - facts->id_base < facts->id_count)
        uid -= facts->id_base;
    return user_name(uid);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
#define COLUMN_NUMBER(name, field, conversion)                                                                         \
    static void format_##name(facts_t *facts, process_t *process, char *out, size_t size)                              \
    {                                                                                                                  \
        snprintf(out, size, conversion, process->field);                                                               \
    }                                                                                                                  \
    static int compare_##name(facts_t *facts, process_t *a, process_t *b)                                              \
    {                                                                                                                  \
        return COMPARE(a->field, b->field);                                                                            \
    }
#define COLUMN_BYTES(name, field)                                                                                      \
    static void format_##name(facts_t *facts, process_t *process, char *out, size_t size)                              \
    {                                                                                                                  \
        column_bytes(process->field, out, size);                                                                       \
    }                                                                                                                  \
    static int compare_##name(facts_t *facts, process_t *a, process_t *b)                                              \
    {                                                                                                                  \
        return COMPARE(a->field, b->field);                                                                            \
    }

COLUMN_NUMBER(pid, pid, "%d")
COLUMN_NUMBER(ppid, ppid, "%d")
COLUMN_NUMBER(tgid, tgid, "%d")
COLUMN_NUMBER(nice, nice, "%d")
COLUMN_NUMBER(threads, threads, "%d")
COLUMN_NUMBER(processor, processor, "%d")
COLUMN_NUMBER(cpu, cpu, "%.1f")
COLUMN_NUMBER(state, state, "%c")
COLUMN_BYTES(virt, virt)
COLUMN_BYTES(rss, rss)
COLUMN_BYTES(shared, shared)

static void format_priority(facts_t *facts, process_t *process, char *out, size_t size)
{
    if (process->priority <= -100)
        snprintf(out, size, "RT");
    else
        snprintf(out, size, "%d", process->priority);
}

static int compare_priority(facts_t *facts, process_t *a, process_t *b)
{
    return COMPARE(a->priority, b->priority);
}

static void format_user(facts_t *facts, process_t *process, char *out, size_t size)
{
    const char *name = column_user(facts, process->uid);
    snprintf(out, size, strlen(name) > 8 ? "%.7s+" : "%s", name);
}

static int compare_user(facts_t *facts, process_t *a, process_t *b)
{
    return a->uid == b->uid ? 0 : strcmp(column_user(facts, a->uid), column_user(facts, b->uid));
}

static void format_memory(facts_t *facts, process_t *process, char *out, size_t size)
{
    uint64_t total = facts->host ? facts->host->memory_total : 0;
    snprintf(out, size, "%.1f", total ? 100.0 * (double)process->rss / (double)total : 0.0);
}

static void format_time(facts_t *facts, process_t *process, char *out, size_t size)
{
    uint64_t hundredths = process->time / 10000000, seconds = hundredths / 100, hours = seconds / 3600;
    if (hours)
        snprintf(out, size, "%lluh%02u:%02u", (unsigned long long)hours, (unsigned)(seconds / 60 % 60),
                 (unsigned)(seconds % 60));
    else
        snprintf(out, size, "%u:%02u.%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60),
                 (unsigned)(hundredths % 100));
}

static int compare_time(facts_t *facts, process_t *a, process_t *b)
{
    return COMPARE(a->time, b->time);
}

static int compare_start(facts_t *facts, process_t *a, process_t *b)
{
    return COMPARE(a->start, b->start);
}

static void format_start(facts_t *facts, process_t *process, char *out, size_t size)
{
    uint64_t begun = process->start / 100, now = facts->host ? facts->host->uptime : begun;
    uint64_t age = now > begun ? now - begun : 0;
    if (age < 3600)
        snprintf(out, size, "%u:%02u", (unsigned)(age / 60), (unsigned)(age % 60));
    else if (age < 86400)
        snprintf(out, size, "%uh%02u", (unsigned)(age / 3600), (unsigned)(age / 60 % 60));
    else
        snprintf(out, size, "%lluday", (unsigned long long)(age / 86400));
}

static void format_inner(facts_t *facts, process_t *process, char *out, size_t size)
{
    if (process->depth > 1)
        snprintf(out, size, "%d", process->inner);
    else
        snprintf(out, size, "-");
}

static int compare_inner(facts_t *facts, process_t *a, process_t *b)
{
    return a->depth != b->depth ? COMPARE(a->depth, b->depth) : COMPARE(a->inner, b->inner);
}

/* One letter a kind, in the order everything shows them in: "mpn-u--" differs in all but a few. */
static void format_namespaces(facts_t *facts, process_t *process, char *out, size_t size)
{
    static const char letters[NAMESPACE_KINDS + 1] = "mpniuUct";
    size_t at = 0;
    if (process->hidden) {
        snprintf(out, size, "?");
        return;
    }
    for (; at < NAMESPACE_KINDS && at + 1 < size; at++)
        out[at] = process->differs & 1u << at ? letters[at] : '-';
    out[at] = '\0';
}

static int compare_namespaces(facts_t *facts, process_t *a, process_t *b)
{
    int of_a = __builtin_popcount(a->differs), of_b = __builtin_popcount(b->differs);
    return of_a != of_b ? COMPARE(of_a, of_b) : COMPARE(a->differs, b->differs);
}

static void format_group(facts_t *facts, process_t *process, char *out, size_t size)
{
    const char *path = process->group ? process->group : "";
    size_t len = strlen(facts->group_prefix);
    if (len && strncmp(path, facts->group_prefix, len) == 0 && (path[len] == '/' || !path[len]))
        path += len;
    snprintf(out, size, "%s", *path ? path : "/");
}

static int compare_group(facts_t *facts, process_t *a, process_t *b)
{
    return strcmp(a->group ? a->group : "", b->group ? b->group : "");
}

static void format_command(facts_t *facts, process_t *process, char *out, size_t size)
{
    snprintf(out, size, "%s", process->command ? process->command : process->comm);
}

static int compare_command(facts_t *facts, process_t *a, process_t *b)
{
    return strcmp(a->command ? a->command : a->comm, b->command ? b->command : b->comm);
}

static void format_name(facts_t *facts, process_t *process, char *out, size_t size)
{
    snprintf(out, size, "%s", process->comm);
}

static int compare_name(facts_t *facts, process_t *a, process_t *b)
{
    return strcmp(a->comm, b->comm);
}

const struct column columns[] = {
    { "PID", "PID", 7, false, false, 9, 0, format_pid, compare_pid, "its number, as this machine sees it" },
    { "NSPID", "NSPID", 6, false, false, 4, SAMPLE_INNER, format_inner, compare_inner,
      "its number in its own pid namespace; - where that is this machine's" },
    { "USER", "USER", 9, true, false, 5, 0, format_user, compare_user, "the user it acts as" },
    { "PRI", "PRI", 4, false, false, 0, 0, format_priority, compare_priority, "the kernel's priority; RT real-time" },
    { "NI", "NI", 4, false, false, 1, 0, format_nice, compare_nice, "nice value: 19 gives way, -20 goes first" },
    { "VIRT", "VIRT", 6, false, true, 1, 0, format_virt, compare_virt, "address space, used or not" },
    { "RES", "RES", 6, false, true, 6, 0, format_rss, compare_rss, "memory it has in RAM" },
    { "SHR", "SHR", 6, false, true, 0, SAMPLE_SHARED, format_shared, compare_shared,
      "of RES, what others may share: files, shared memory" },
    { "S", "S", 2, false, false, 7, 0, format_state, compare_state,
      "state: R runs, S sleeps, D waits for a device, T stopped, Z ended but not waited for, I idle" },
    { "CPU%", "CPU%", 6, false, true, 8, 0, format_cpu, compare_cpu,
      "time on a CPU since the last refresh; 100 is one" },
    { "MEM%", "MEM%", 5, false, true, 3, 0, format_memory, compare_rss, "RES of this machine's memory" },
    { "TIME+", "TIME+", 9, false, true, 2, 0, format_time, compare_time, "CPU time since it began" },
    { "THR", "THR", 4, false, true, 0, 0, format_threads, compare_threads, "its threads" },
    { "CPU", "CPU", 4, false, false, 0, 0, format_processor, compare_processor, "the CPU it last ran on" },
    { "PPID", "PPID", 7, false, false, 0, 0, format_ppid, compare_ppid, "its parent" },
    { "TGID", "TGID", 7, false, false, 0, 0, format_tgid, compare_tgid, "the process a thread belongs to" },
    { "AGE", "AGE", 7, false, false, 0, 0, format_start, compare_start, "how long ago it began" },
    { "NS", "NS", 9, true, true, 4, SAMPLE_NAMESPACES, format_namespaces, compare_namespaces,
      "namespaces not ours: m mount, p pid, n network, i ipc, u uts, U user, c cgroup, t time; ? may not be read" },
    { "CGROUP", "CGROUP", 17, true, false, 3, SAMPLE_GROUP, format_group, compare_group,
      "the cgroup that says most about it" },
    { "NAME", "NAME", 16, true, false, 0, 0, format_name, compare_name, "the name the kernel keeps of it" },
    { "COMMAND", "COMMAND", 0, true, false, 9, SAMPLE_COMMAND, format_command, compare_command,
      "the program and its arguments" },
};
const size_t column_count = sizeof columns / sizeof *columns;

size_t column_find(const char *name)
{
    size_t i = 0;
    while (i < column_count && strcasecmp(columns[i].name, name) != 0)
        i++;
    return i;
}

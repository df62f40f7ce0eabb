#include "engine/observe/sample_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <string.h>

enum { CPU_FIELDS = 8 }; /* user nice system idle iowait irq softirq steal: ticks; guest time is in user already */

struct host_sampler {
    int stat, meminfo, loadavg, uptime, pressure[SAMPLE_PRESSURES];
    struct sample_host host;
    uint64_t (*before)[CPU_FIELDS]; /* [0] all together */
    unsigned room;                  /* CPUs there is room for */
    char *text;
    size_t text_size;
};

static const char *const pressure_files[SAMPLE_PRESSURES] = {
    [SAMPLE_PRESSURE_CPU] = "/proc/pressure/cpu",
    [SAMPLE_PRESSURE_MEMORY] = "/proc/pressure/memory",
    [SAMPLE_PRESSURE_IO] = "/proc/pressure/io",
};

static int keep(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

void host_sampler_free(struct host_sampler *sampler)
{
    if (!sampler)
        return;
    const int fds[] = { sampler->stat, sampler->meminfo, sampler->loadavg, sampler->uptime };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cleanup_closep(&fds[i]);
    for (size_t i = 0; i < SAMPLE_PRESSURES; i++)
        cleanup_closep(&sampler->pressure[i]);
    free(sampler->before);
    free(sampler->host.cpu);
    free(sampler->text);
    free(sampler);
}

struct host_sampler *host_sampler_new(struct err *err)
{
    struct host_sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) {
        err_set(err, ENOMEM, "sample the machine");
        return NULL;
    }
    sampler->stat = keep("/proc/stat");
    sampler->meminfo = keep("/proc/meminfo");
    sampler->loadavg = keep("/proc/loadavg");
    sampler->uptime = keep("/proc/uptime");
    for (size_t i = 0; i < SAMPLE_PRESSURES; i++)
        sampler->pressure[i] = keep(pressure_files[i]);
    sampler->text_size = 32768;
    sampler->text = malloc(sampler->text_size);
    if (sampler->stat < 0 || !sampler->text) {
        err_set(err, sampler->text ? errno : ENOMEM, "open `/proc/stat`");
        host_sampler_free(sampler);
        return NULL;
    }
    return sampler;
}

static const char *read_text(struct host_sampler *sampler, int fd)
{
    ssize_t n = fd < 0 ? -1 : pread(fd, sampler->text, sampler->text_size - 1, 0);
    if (n < 0)
        return NULL;
    sampler->text[n] = '\0';
    return sampler->text;
}

static bool make_room(struct host_sampler *sampler, unsigned cpus)
{
    if (cpus <= sampler->room && sampler->before)
        return true;
    void *before = realloc(sampler->before, (cpus + 1) * sizeof *sampler->before);
    if (before)
        sampler->before = before;
    void *cpu = before ? realloc(sampler->host.cpu, (cpus + 1) * sizeof *sampler->host.cpu) : NULL;
    if (!cpu)
        return false;
    sampler->host.cpu = cpu;
    unsigned first = sampler->room ? sampler->room + 1 : 0;
    memset(sampler->before + first, 0, (cpus + 1 - first) * sizeof *sampler->before);
    memset(sampler->host.cpu + first, 0, (cpus + 1 - first) * sizeof *sampler->host.cpu);
    sampler->room = cpus;
    return true;
}

/* The counters may step back a little (iowait does): then that share is 0. */
static void take_cpu(struct host_sampler *sampler, unsigned which, const char *numbers)
{
    uint64_t now[CPU_FIELDS], delta[CPU_FIELDS], total = 0;
    char *at = (char *)(uintptr_t)numbers;
    for (int i = 0; i < CPU_FIELDS; i++)
        now[i] = strtoull(at, &at, 10);
    uint64_t *before = sampler->before[which];
    for (int i = 0; i < CPU_FIELDS; i++) {
        delta[i] = now[i] > before[i] ? now[i] - before[i] : 0;
        total += delta[i];
    }
    if (total == 0)
        return; /* asked again within a tick: what was said stays */
    memcpy(before, now, sizeof now);
    float part = 1.0f / (float)total;
    sampler->host.cpu[which] = (struct sample_cpu){
        .user = part * (float)delta[0],
        .nice = part * (float)delta[1],
        .system = part * (float)delta[2],
        .iowait = part * (float)delta[4],
        .irq = part * (float)(delta[5] + delta[6]),
        .steal = part * (float)delta[7],
    };
}

static void read_cpus(struct host_sampler *sampler)
{
    const char *line = read_text(sampler, sampler->stat);
    unsigned cpus = 0;
    for (const char *at = line; at && strncmp(at, "cpu", 3) == 0; at = (at = strchr(at, '\n')) ? at + 1 : NULL)
        cpus++;
    if (cpus == 0 || !make_room(sampler, cpus - 1))
        return;
    sampler->host.cpus = cpus - 1;
    for (unsigned i = 0; i < cpus; i++) {
        take_cpu(sampler, i, line + strcspn(line, " "));
        line = strchr(line, '\n');
        if (!line)
            return;
        line++;
    }
}

/* The value of "NAME:" in bytes, 0 if it is not there. */
static uint64_t value_of(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; at; at = (at = strchr(at, '\n')) ? at + 1 : NULL)
        if (strncmp(at, name, len) == 0 && at[len] == ':')
            return strtoull(at + len + 1, NULL, 10) * 1024;
    return 0;
}

static void read_memory(struct host_sampler *sampler)
{
    struct sample_host *host = &sampler->host;
    const char *text = read_text(sampler, sampler->meminfo);
    if (!text)
        return;
    host->memory_total = value_of(text, "MemTotal");
    uint64_t free_memory = value_of(text, "MemFree");
    host->memory_available = value_of(text, "MemAvailable");
    host->memory_buffers = value_of(text, "Buffers");
    host->memory_shared = value_of(text, "Shmem");
    uint64_t cache = value_of(text, "Cached") + value_of(text, "SReclaimable");
    host->memory_cache = cache > host->memory_shared ? cache - host->memory_shared : 0;
    uint64_t not_used = free_memory + host->memory_buffers + host->memory_cache;
    host->memory_used = host->memory_total > not_used ? host->memory_total - not_used : 0;
    host->swap_total = value_of(text, "SwapTotal");
    uint64_t swap_free = value_of(text, "SwapFree");
    host->swap_used = host->swap_total > swap_free ? host->swap_total - swap_free : 0;
}

static void read_load(struct host_sampler *sampler)
{
    struct sample_host *host = &sampler->host;
    const char *text = read_text(sampler, sampler->loadavg);
    if (text)
        sscanf(text, "%f %f %f %u/%u", &host->load[0], &host->load[1], &host->load[2], &host->tasks_running,
               &host->tasks);
    text = read_text(sampler, sampler->uptime);
    if (text)
        host->uptime = strtoull(text, NULL, 10);
}

static void read_pressure(struct host_sampler *sampler, unsigned resource)
{
    struct sample_pressure *pressure = &sampler->host.pressure[resource];
    const char *text = read_text(sampler, sampler->pressure[resource]);
    *pressure = (struct sample_pressure){ .known = text != NULL };
    if (!text)
        return;
    sscanf(text, "some avg10=%f avg60=%f", &pressure->some10, &pressure->some60);
    const char *full = strstr(text, "\nfull ");
    if (full)
        sscanf(full + 1, "full avg10=%f avg60=%f", &pressure->full10, &pressure->full60);
}

void host_sampler_refresh(struct host_sampler *sampler)
{
    read_cpus(sampler);
    read_memory(sampler);
    read_load(sampler);
    for (unsigned i = 0; i < SAMPLE_PRESSURES; i++)
        read_pressure(sampler, i);
}

const struct sample_host *host_sampler_get(const struct host_sampler *sampler)
{
    return &sampler->host;
}

#include "engine/observe/sample_internal.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void sample_path(const struct sample_process *process, const char *name, char *path, size_t size)
{
    if (process->thread)
        snprintf(path, size, "%d/task/%d/%s", process->tgid, process->pid, name);
    else
        snprintf(path, size, "%d/%s", process->pid, name);
}

ssize_t sample_read(int proc, const struct sample_process *process, const char *name, char *buf, size_t size)
{
    char path[64];
    sample_path(process, name, path, sizeof path);
    cleanup_close int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
    if (n >= 0)
        buf[n] = '\0';
    return n;
}

/* Put @text into a string that is kept with its slot: memory is taken only when it is too small. */
static void keep_text(char **kept, size_t *size, const char *text)
{
    size_t len = strlen(text) + 1;
    if (len > *size || !*kept) {
        size_t wanted = len < 64 ? 64 : len + len / 4;
        char *larger = realloc(*kept, wanted);
        if (!larger)
            return;
        *kept = larger;
        *size = wanted;
    }
    memcpy(*kept, text, len);
}

void detail_command(int proc, struct sample_process *process)
{
    char text[4096];
    ssize_t n = sample_read(proc, process, "cmdline", text, sizeof text);
    while (n > 0 && text[n - 1] == '\0')
        n--;
    if (n <= 0) { /* a kernel thread or a zombie */
        snprintf(text, sizeof text, "%s", process->comm);
    } else {
        for (ssize_t i = 0; i < n; i++)
            if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
                text[i] = ' ';
        text[n] = '\0';
    }
    keep_text(&process->command, &process->command_size, text);
}

/* In a hybrid machine a process is somewhere in each hierarchy, at the root of most: the longest path says most. systemd's own hierarchy counts only where no other says
 * anything. */
void detail_group(int proc, struct sample_process *process)
{
    char text[8192], none[] = "";
    const char *best = none;
    size_t most = 0;
    if (sample_read(proc, process, "cgroup", text, sizeof text) < 0)
        text[0] = '\0';
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        strsep(&line, ":");
        char *controllers = strsep(&line, ":");
        if (!controllers || !line)
            continue;
        bool named = strncmp(controllers, "name=", 5) == 0;
        size_t weight = (named ? 0 : 65536) * (line[1] != '\0') + strlen(line);
        if (weight > most) {
            most = weight;
            best = line;
        }
    }
    if (!process->group || strcmp(process->group, best) != 0)
        keep_text(&process->group, &process->group_size, best);
}

void detail_inner(int proc, struct sample_process *process)
{
    char text[4096];
    process->inner = process->pid;
    process->depth = 1;
    if (sample_read(proc, process, "status", text, sizeof text) < 0)
        return;
    const char *line = strstr(text, process->thread ? "\nNSpid:" : "\nNStgid:");
    if (!line)
        return;
    line = strchr(line, ':') + 1;
    unsigned depth = 0;
    for (char *end;; line = end) {
        while (*line == '\t' || *line == ' ')
            line++;
        if (*line < '0' || *line > '9')
            break;
        process->inner = (pid_t)strtol(line, &end, 10);
        depth++;
    }
    process->depth = (unsigned char)(depth ? depth : 1);
}

void detail_namespaces(int proc, struct sample_process *process, const uint64_t reference[NAMESPACE_KINDS])
{
    process->differs = 0;
    process->hidden = false;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char name[16], path[64];
        struct stat st;
        snprintf(name, sizeof name, "ns/%s", namespace_kinds[i].name);
        sample_path(process, name, path, sizeof path);
        if (!reference[i])
            continue;
        if (fstatat(proc, path, &st, 0) < 0)
            process->hidden |= errno == EACCES;
        else if (st.st_ino != reference[i])
            process->differs |= (unsigned char)(1u << i);
    }
}

void detail_shared(int proc, struct sample_process *process)
{
    char text[128];
    unsigned long long resident, shared;
    if (sample_read(proc, process, "statm", text, sizeof text) < 0 ||
        sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
        return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    process->rss = resident * page;
    process->shared = shared * page;
}

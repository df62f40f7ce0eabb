#include "engine/observe/observe.h"

#include "engine/base/cleanup.h"
#include "engine/observe/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int observe_root(pid_t pid, struct observe_root *root, struct err *err)
{
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    ssize_t n = readlinkat(dir, "root", root->path, sizeof root->path - 1);
    struct stat st;
    if (n < 0 || fstatat(dir, "root", &st, 0) < 0) /* a zombie has none any more: ENOENT */
        return err_set(err, errno == ENOENT ? ESRCH : errno, "read `/proc/%d/root`", pid);
    root->path[n] = '\0';
    root->dev = st.st_dev;
    root->ino = st.st_ino;
    return 0;
}

/* A map of many ranges comes a page a read. */
static int read_id_map(int dir, pid_t pid, const char *name, struct id_range *ranges, size_t *count, size_t max,
                       struct err *err)
{
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    char text[4096 + 1];
    size_t held = 0;
    *count = 0;
    for (;;) {
        ssize_t n = fd < 0 ? -1 : read(fd, text + held, sizeof text - 1 - held);
        if (n < 0)
            return err_set(err, errno == ENOENT ? ESRCH : errno, "read `/proc/%d/%s`", pid, name);
        if (n == 0)
            return 0;
        held += (size_t)n;
        text[held] = '\0';
        char *line = text;
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
            struct id_range range;
            *end = '\0';
            if (sscanf(line, "%u %u %u", &range.inside, &range.outside, &range.count) != 3)
                return err_say(err, EBADMSG, "`/proc/%d/%s`: `%s` is not a range of three numbers", pid, name, line);
            if (*count < max)
                ranges[*count] = range;
            ++*count;
        }
        held -= (size_t)(line - text);
        memmove(text, line, held);
    }
}

int observe_id_maps(pid_t pid, struct id_range *uid, size_t *uids, struct id_range *gid, size_t *gids, size_t max,
                    struct err *err)
{
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    if (read_id_map(dir, pid, "uid_map", uid, uids, max, err) < 0)
        return -1;
    return read_id_map(dir, pid, "gid_map", gid, gids, max, err);
}

/* The text after "KEY:" at the start of a line of /proc/PID/status, or NULL. Its lines come in a fixed order, so *@from moves on past the one found. */
static char *status_value(char **from, const char *key)
{
    size_t len = strlen(key);
    for (char *line = *from; line && *line;) {
        char *end = strchr(line, '\n');
        if (strncmp(line, key, len) == 0 && line[len] == ':') {
            *from = end ? end + 1 : line + strlen(line);
            return line + len + 1 + strspn(line + len + 1, " \t");
        }
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

int observe_capabilities(pid_t pid, struct capability_sets *sets, struct err *err)
{
    char text[4096], *at = text;
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0 || proc_read(dir, pid, "status", text, sizeof text, err) < 0)
        return -1;
    const struct {
        const char *key;
        uint64_t *set;
    } lines[] = {
        { "CapInh", &sets->inheritable }, { "CapPrm", &sets->permitted }, { "CapEff", &sets->effective },
        { "CapBnd", &sets->bounding },    { "CapAmb", &sets->ambient },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *value = status_value(&at, lines[i].key);
        if (!value)
            return err_say(err, EBADMSG, "`/proc/%d/status` has no line %s", pid, lines[i].key);
        *lines[i].set = strtoull(value, NULL, 16);
    }
    return 0;
}

/* One line of text that a terminal can show: arguments parted by spaces, control characters as spaces too, no half UTF-8 character at the end. */
static void one_line(char *text, size_t len)
{
    while (len > 0 && text[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    size_t start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0) {
        unsigned char first = (unsigned char)text[start - 1];
        size_t wants = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
        if (len - (start - 1) < wants)
            len = start - 1;
    }
    text[len] = '\0';
}

static void take_pids(struct observe_process *process, const char *numbers)
{
    for (char *end; process->depth < OBSERVE_PID_DEPTH; numbers = end) {
        long number = strtol(numbers, &end, 10);
        if (end == numbers)
            return;
        process->nspid[process->depth++] = (pid_t)number;
        if (*end == '\n')
            return;
    }
}

int observe_process(pid_t pid, struct observe_process *process, struct err *err)
{
    char text[4096], *at = text, *value;
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    *process = (struct observe_process){ .pid = pid };
    /* Before `status`: if that can still be read, these were of the same process. */
    process->pgrp = getpgid(pid);
    process->session = getsid(pid);
    if (proc_read(dir, pid, "status", text, sizeof text, err) < 0)
        return -1;
    if ((value = status_value(&at, "Name")))
        snprintf(process->comm, sizeof process->comm, "%.*s", (int)strcspn(value, "\n"), value);
    if ((value = status_value(&at, "State")))
        process->state = *value;
    if ((value = status_value(&at, "PPid")))
        process->ppid = (pid_t)strtol(value, NULL, 10);
    if ((value = status_value(&at, "Uid")))
        process->uid = (uid_t)strtoul(value + strcspn(value, "\t"), NULL, 10); /* the effective one */
    if ((value = status_value(&at, "NSpid")))
        take_pids(process, value);
    if (process->depth == 0)
        process->nspid[process->depth++] = pid;

    ssize_t n = proc_read(dir, pid, "cmdline", process->command, sizeof process->command, err);
    if (n < 0)
        return -1;
    one_line(process->command, (size_t)n);
    if (!process->command[0]) /* a kernel thread or a zombie */
        snprintf(process->command, sizeof process->command, "[%s]", process->comm);
    return 0;
}

int observe_cgroup(pid_t pid, const char *controller, char *path, size_t size, struct err *err)
{
    char text[16384];
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0 || proc_read(dir, pid, "cgroup", text, sizeof text, err) < 0)
        return -1;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        /* ID:CONTROLLERS:PATH, and a path may hold colons */
        strsep(&line, ":");
        char *controllers = strsep(&line, ":");
        if (!controllers || !line)
            continue;
        bool found = !*controller && !*controllers;
        for (const char *one; !found && (one = strsep(&controllers, ","));)
            found = *one && strcmp(one, controller) == 0;
        if (!found)
            continue;
        if (snprintf(path, size, "%s", line) >= (int)size)
            return err_say(err, ENAMETOOLONG, "the cgroup path of process %d has %zu bytes, room is for %zu", pid,
                           strlen(line), size - 1);
        return 0;
    }
    if (*controller)
        return err_say(err, ENOENT, "process %d: no cgroup v1 hierarchy has the controller `%s`", pid, controller);
    return err_say(err, ENOENT, "process %d: no cgroup v2 hierarchy", pid);
}

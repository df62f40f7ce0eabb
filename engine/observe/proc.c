#include "engine/observe/proc.h"

#include "engine/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>

int proc_gone(pid_t pid, struct err *err)
{
    return err_set(err, ESRCH, "open `/proc/%d`", pid);
}

int proc_open(pid_t pid, struct err *err)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    return errno == ENOENT ? proc_gone(pid, err) : err_set(err, errno, "open `%s`", path);
}

ssize_t proc_read(int dir, pid_t pid, const char *name, char *buf, size_t size, struct err *err)
{
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
    if (n < 0)
        return err_set(err, errno == ENOENT ? ESRCH : errno, "read `/proc/%d/%s`", pid, name);
    buf[n] = '\0';
    return n;
}

const char *proc_walk_next(struct proc_walk *walk)
{
    for (;;) {
        if (walk->at == walk->len) {
            walk->at = 0;
            walk->len = getdents64(walk->fd, walk->entries, sizeof walk->entries);
            if (walk->len <= 0) {
                walk->error = walk->len < 0 ? errno : 0;
                walk->len = 0;
                return NULL;
            }
        }
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(walk->entries + walk->at);
        walk->at += entry->d_reclen;
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            return entry->d_name;
    }
}

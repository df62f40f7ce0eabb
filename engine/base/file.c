#include "engine/base/open.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t read_file_at(int dirfd, const char *path, char *buf, size_t size, struct err *err)
{
    cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "open `%s`", path);
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, buf + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno, "read `%s`", path);
        if (n == 0) {
            buf[len] = '\0';
            return (ssize_t)len;
        }
        len += (size_t)n;
    }
    return err_say(err, ENOSPC, "read `%s`: longer than the %zu bytes expected", path, size - 1);
}

int write_file_at(int dirfd, const char *path, const char *text, struct err *err)
{
    cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "open `%s`", path);
    size_t len = strlen(text);
    ssize_t n = write(fd, text, len);
    if (n < 0)
        return err_set(err, errno, "write `%.60s` to `%s`", text, path);
    if ((size_t)n != len)
        return err_set(err, EIO, "write `%.60s` to `%s`", text, path);
    return 0;
}

int write_all(int fd, const void *bytes, size_t len)
{
    const char *data = bytes;
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int replace(const char *path, const void *data, size_t len, mode_t mode, bool durable, struct err *err)
{
    char temp[PATH_MAX], dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path)
                  : snprintf(dir, sizeof dir, ".");
    if (n < 0 || (size_t)n >= sizeof dir)
        return err_set(err, ENAMETOOLONG, "write `%s`", path);
    n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp)
        return err_set(err, ENAMETOOLONG, "write `%s`", path);
    cleanup_close int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "create a file beside `%s`", path);
    if (write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0) || rename(temp, path) < 0) {
        int saved = errno;
        unlink(temp);
        return err_set(err, saved, "write `%s`", path);
    }
    /* The rename itself is only safe once the directory is on disk. */
    cleanup_close int dirfd = !durable ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd >= 0)
        fsync(dirfd);
    return 0;
}

int make_whole_path(const char *path, mode_t mode, struct err *err)
{
    cleanup_free char *part = strdup(path);
    if (!part)
        return err_set(err, ENOMEM, "make `%s`", path);
    for (char *slash = strchr(part + (*part != '\0'), '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir `%s`", part);
        if (!slash)
            return 0;
        *slash = '/';
    }
}

int make_directories_above(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    cleanup_free char *parent = strndup(path, (size_t)(slash - path));
    return parent ? make_whole_path(parent, 0700, err) : err_set(err, ENOMEM, "make the directories above `%s`", path);
}

int replace_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return replace(path, data, len, mode, true, err);
}

int replace_volatile_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return replace(path, data, len, mode, false, err);
}

#include "engine/rootfs/copy_file.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

enum { BUFFER = 128 * 1024, NOBODY = 65534 };

static ssize_t read_full(int fd, char *buf, size_t size, off_t offset)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = pread(fd, buf + got, size - got, offset + (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int same_file_content(int from, const struct stat *st, int directory, const char *name, struct err *err)
{
    cleanup_close int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat there;
    if (fd < 0 || fstat(fd, &there) < 0 || !S_ISREG(there.st_mode))
        return 0;
    if (there.st_dev == st->st_dev && there.st_ino == st->st_ino)
        return 1;
    if (there.st_size != st->st_size || (there.st_mode & 07777) != (st->st_mode & 07777))
        return 0;
    cleanup_free char *buf = malloc(2 * (size_t)BUFFER);
    if (!buf)
        return err_set(err, ENOMEM, "compare `%s`", name);
    for (off_t at = 0; at < st->st_size;) {
        ssize_t a = read_full(from, buf, BUFFER, at), b = read_full(fd, buf + BUFFER, BUFFER, at);
        if (a < 0)
            return err_set(err, errno, "read `%s`", name);
        if (a != b || a == 0 || memcmp(buf, buf + BUFFER, (size_t)a) != 0)
            return 0;
        at += a;
    }
    return 1;
}

/* A name for a file that is not yet what it will be. */
static void temporary_name(char *buf, size_t size)
{
    unsigned long long number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (unsigned long long)getpid();
    snprintf(buf, size, ".copy-%016llx", number);
}

static int copy_by_reading(int from, int to, off_t at)
{
    cleanup_free char *buf = malloc(BUFFER);
    if (!buf)
        return -1;
    for (;;) {
        ssize_t n = read_full(from, buf, BUFFER, at);
        if (n <= 0)
            return (int)n;
        for (ssize_t done = 0; done < n;) {
            ssize_t w = pwrite(to, buf + done, (size_t)(n - done), at + done);
            if (w < 0 && errno == EINTR)
                continue;
            if (w < 0)
                return -1;
            done += w;
        }
        at += n;
    }
}

/* A reflink, else the kernel's own copy, else (another filesystem, an old kernel) by hand from where that stopped. */
static int copy_bytes(int from, int to)
{
    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    off_t in = 0, out = 0;
    for (;;) {
        ssize_t n = copy_file_range(from, &in, to, &out, 1 << 30, 0);
        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
            return -1;
        return copy_by_reading(from, to, out); /* at the end of the file, this finds nothing left */
    }
}

/* Owner before mode: chown(2) clears the set-id bits. An owner that has no number in our user namespace shows as nobody: the copy is then not nobody's but
 * ours, or a set-uid mount(8) would run as nobody. */
static int copy_attributes(int to, const struct stat *st)
{
    mode_t mode = st->st_mode & 07777;
    struct stat made;
    if (fstat(to, &made) < 0)
        return -1;
    bool owned = st->st_uid != NOBODY &&
                 ((made.st_uid == st->st_uid && made.st_gid == st->st_gid) || fchown(to, st->st_uid, st->st_gid) == 0);
    if (!owned)
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    const struct timespec times[2] = { st->st_atim, st->st_mtim };
    return fchmod(to, mode) < 0 || futimens(to, times) < 0 ? -1 : 0;
}

int copy_file_into(int from, const struct stat *st, int directory, const char *name, struct err *err)
{
    char temp[40];
    temporary_name(temp, sizeof temp);
    cleanup_close int to = openat(directory, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return err_set(err, errno, "create a file beside `%s`", name);
    if (copy_bytes(from, to) == 0 && copy_attributes(to, st) == 0 && renameat(directory, temp, directory, name) == 0)
        return 0;
    int saved = errno;
    unlinkat(directory, temp, 0);
    return err_set(err, saved, "copy to `%s`", name);
}

int replace_symlink(const char *target, int directory, const char *name, struct err *err)
{
    if (symlinkat(target, directory, name) == 0)
        return 0;
    if (errno != EEXIST)
        return err_set(err, errno, "symlink `%s` to `%s`", name, target);
    char temp[40];
    temporary_name(temp, sizeof temp);
    if (symlinkat(target, directory, temp) < 0)
        return err_set(err, errno, "symlink `%s` to `%s`", name, target);
    if (renameat(directory, temp, directory, name) == 0)
        return 0;
    int saved = errno;
    unlinkat(directory, temp, 0);
    return err_set(err, saved, "symlink `%s` to `%s`", name, target);
}

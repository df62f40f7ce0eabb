#include "engine/base/output.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_NAMES 100 /* tried for the other name */

int output_open(struct output *output, const char *path, mode_t mode, struct err *err)
{
    struct stat st;
    char directory[PATH_MAX];
    *output = (struct output){ .path = path, .fd = -1 };
    if (!path) {
        output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return output->fd < 0 ? err_set(err, errno, "open standard output") : 0;
    }
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) {
        output->fd = open(path, O_WRONLY | O_CLOEXEC);
        return output->fd < 0 ? err_set(err, errno, "open `%s`", path) : 0;
    }
    if (strlen(path) >= PATH_MAX)
        return err_set(err, ENAMETOOLONG, "write `%.100s…`", path);
    if (!there || !realpath(path, output->real))
        snprintf(output->real, sizeof output->real, "%s", path);
    snprintf(directory, sizeof directory, "%s", output->real);
    char *slash = strrchr(directory, '/');
    snprintf(slash ? slash + (slash == directory) : directory, 2, "%s", slash ? "" : ".");
    output->place = true;
    /* Without a name it goes by itself when we end before it is whole. */
    output->fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (output->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        snprintf(output->temp, sizeof output->temp, "%s.XXXXXX", output->real);
        output->fd = mkostemp(output->temp, O_CLOEXEC);
        mode_t mask = umask(0);
        umask(mask);
        if (output->fd >= 0)
            fchmod(output->fd, mode & ~mask);
        else
            *output->temp = '\0';
    }
    return output->fd < 0 ? err_set(err, errno, "create `%s`", path) : 0;
}

/* A file without a name gets that of @output->real, by way of another if there is one already. */
static int place(struct output *output)
{
    char self[64];
    if (*output->temp)
        return rename(output->temp, output->real);
    snprintf(self, sizeof self, "/proc/self/fd/%d", output->fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, output->real, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    for (unsigned n = 0; n < MOST_NAMES; n++) {
        snprintf(output->temp, sizeof output->temp, "%s.%d-%u", output->real, getpid(), n);
        if (linkat(AT_FDCWD, self, AT_FDCWD, output->temp, AT_SYMLINK_FOLLOW) == 0)
            return rename(output->temp, output->real);
        *output->temp = '\0'; /* that file is somebody else's */
        if (errno != EEXIST)
            break;
    }
    return -1;
}

int output_commit(struct output *output, struct err *err)
{
    if (!output->place)
        return 0;
    if (fsync(output->fd) < 0 || place(output) < 0)
        return err_set(err, errno, "write `%s`", output->path);
    *output->temp = '\0';
    return 0;
}

void output_close(struct output *output)
{
    if (*output->temp)
        unlink(output->temp);
    cleanup_closep(&output->fd);
    output->fd = -1;
}

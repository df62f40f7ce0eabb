/* Directories get their modes and times when nothing is made in them any more: when the archive goes on elsewhere. Only those on the way to where it is now are remembered, so that memory does not grow with
 * the archive; one that it comes back to is entered with what it has, and left with that. */
#include "engine/layers/tar_unpack_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The pending directory whose path is the first @length bytes of the trail, or the place where it belongs. */
static size_t find(const struct unpack *u, size_t length)
{
    size_t at = u->pending_count;
    while (at > 0 && u->pending[at - 1].length >= length)
        at--;
    return at;
}

static bool is_there(const struct unpack *u, size_t at, size_t length)
{
    return at < u->pending_count && u->pending[at].length == length;
}

static int add(struct unpack *u, const char *path, const struct pending *pending, struct err *err)
{
    size_t at = find(u, pending->length);
    if (is_there(u, at, pending->length)) {
        u->pending[at] = *pending;
        return 0;
    }
    if (u->pending_count == u->pending_room) {
        size_t room = 2 * u->pending_room + 32;
        struct pending *more = realloc(u->pending, room * sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "remember a directory");
        u->pending = more;
        u->pending_room = room;
    }
    if (at == u->pending_count) {
        memcpy(u->trail, path, pending->length);
        u->trail[pending->length] = '\0';
    }
    memmove(&u->pending[at + 1], &u->pending[at], (u->pending_count - at) * sizeof *u->pending);
    u->pending[at] = *pending;
    u->pending_count++;
    return 0;
}

int pending_entry(struct unpack *u, const char *path, bool has_mode, struct err *err)
{
    return add(u, path,
               &(struct pending){
                   .length = strlen(path),
                   .time = { u->entry->seconds, u->entry->nanoseconds },
                   .mode = mode_of(u),
                   .set_mode = !has_mode,
                   .must = true,
               },
               err);
}

int pending_entered(struct unpack *u, const char *path, size_t length, int fd, const struct stat *st, struct err *err)
{
    char own[32];
    if (is_there(u, find(u, length), length))
        return 0;
    struct pending pending = { .length = length, .time = st->st_mtim, .mode = st->st_mode & 07777 };
    if ((st->st_mode & 0700) != 0700) {
        /* Not fchmod, which refuses what is open with O_PATH. */
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        pending.set_mode = chmod(own, pending.mode | 0700) == 0;
    }
    return add(u, path, &pending, err);
}

/* The last one, which may have been replaced since, or what leads to it. Its own fd, if it is not the current parent. */
static int reopen(const struct unpack *u, size_t length, int *own)
{
    const struct parent *parent = &u->parent;
    char path[PATH_MAX];
    memcpy(path, u->trail, length);
    path[length] = '\0';
    bool usable = parent->fd >= 0 && !parent->stale;
    if (usable && strcmp(parent->path, path) == 0)
        return parent->fd;
    char *slash = strrchr(path, '/');
    const char *base = !length ? "." : slash ? slash + 1 : path;
    if (slash)
        *slash = '\0';
    const char *above = slash ? path : "";
    bool in_parent = usable && length && strcmp(parent->path, above) == 0;
    cleanup_close int opened = in_parent ? -1 : open_policy(u->root, *above ? above : ".", OPEN_IN_ROOT_PATH, NULL);
    int dir = in_parent ? parent->fd : opened;
    return *own = dir < 0 ? -1 : openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What the archive has no entry for is put back to what it was as far as that can be. */
static int finish(const struct unpack *u, const struct pending *pending, struct err *err)
{
    const struct timespec times[2] = { pending->must ? pending->time : (struct timespec){ 0, UTIME_OMIT },
                                       pending->time };
    cleanup_close int own = -1;
    int fd = reopen(u, pending->length, &own);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (fd >= 0 && (!pending->set_mode || fchmod(fd, pending->mode) == 0) && futimens(fd, times) == 0)
        return 0;
    return pending->must ? err_set(err, errno, "set mode and times of directory `%.*s`", (int)pending->length, u->trail)
                         : 0;
}

static bool leads_to(const struct unpack *u, size_t length, const char *path, size_t path_length)
{
    return length == 0 || (length <= path_length && memcmp(u->trail, path, length) == 0 &&
                           (length == path_length || path[length] == '/'));
}

int pending_leave(struct unpack *u, const char *path, size_t length, struct err *err)
{
    while (u->pending_count) {
        const struct pending last = u->pending[u->pending_count - 1];
        if (leads_to(u, last.length, path, length))
            return 0;
        u->pending_count--;
        if (finish(u, &last, err) < 0)
            return -1;
    }
    return 0;
}

int pending_end(struct unpack *u, struct err *err)
{
    int result = 0;
    while (u->pending_count) {
        u->pending_count--;
        if (finish(u, &u->pending[u->pending_count], result < 0 ? NULL : err) < 0)
            result = -1;
    }
    return result;
}

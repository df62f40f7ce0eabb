#include "engine/layers/tar_unpack_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* --- Parents -------------------------------------------------------------------------------------------------------------------------- */

static int open_directory(const struct unpack *u, const char *path, struct err *err)
{
    int fd = open_policy(u->root, *path ? path : ".", OPEN_IN_ROOT_DIRECTORY, err);
    /* One that may be entered but not read. */
    return fd < 0 && errno == EACCES ? open_policy(u->root, path, OPEN_IN_ROOT_PATH, err) : fd;
}

static int enter_one(struct unpack *u, const char *path, size_t length, int fd, struct stat *st, struct err *err)
{
    if (fstat(fd, st) < 0)
        return err_set(err, errno, "stat `%.*s`", (int)length, path);
    return S_ISDIR(st->st_mode) ? pending_entered(u, path, length, fd, st, err) : 0;
}

/* A directory behind one that the archive gave a mode by which it may not be entered. */
static int open_behind(struct unpack *u, const char *path, struct err *err)
{
    char part[PATH_MAX];
    struct stat st;
    for (size_t end = strcspn(path, "/"); path[end]; end += 1 + strcspn(path + end + 1, "/")) {
        memcpy(part, path, end);
        part[end] = '\0';
        cleanup_close int fd = open_policy(u->root, part, OPEN_IN_ROOT_PATH, err);
        if (fd < 0 || enter_one(u, part, end, fd, &st, err) < 0)
            return -1;
    }
    return open_directory(u, path, err);
}

/* The deepest directory on the way to @path that is there, and how much of the path that is. */
static int open_deepest(const struct unpack *u, const char *path, size_t *length, struct err *err)
{
    char part[PATH_MAX];
    strcpy(part, path);
    for (;;) {
        char *slash = strrchr(part, '/');
        *(slash ? slash : part) = '\0';
        *length = strlen(part);
        int fd = open_directory(u, part, NULL);
        if (fd >= 0 || errno != ENOENT || !*part)
            return fd < 0 ? err_set(err, errno, "open directory `%s`", part) : fd;
    }
}

/* Directories that the archive has no entry for, as far as they are missing. They are the archive's root's. Returns the last one's fd. */
static int make_directories(struct unpack *u, const char *path, struct err *err)
{
    char name[NAME_MAX + 1];
    struct stat st;
    uint32_t uid = u->uid, gid = u->gid;
    const struct tar_ids *ids = &u->options->ids;
    size_t at;
    if (!u->options->squash && u->own_root &&
        (!tar_id_outside(ids->users, ids->user_count, 0, &uid) ||
         !tar_id_outside(ids->groups, ids->group_count, 0, &gid)))
        return err_say(err, EOVERFLOW, "user or group 0 has no place in the id map");
    cleanup_close int dir = open_deepest(u, path, &at, err);
    if (dir < 0 || enter_one(u, path, at, dir, &st, err) < 0)
        return -1;
    for (at += path[at] == '/'; path[at]; at += path[at] == '/') {
        size_t length = strcspn(path + at, "/");
        if (length >= sizeof name)
            return err_set(err, ENAMETOOLONG, "mkdir `%s`", path);
        memcpy(name, path + at, length);
        name[length] = '\0';
        at += length;
        if (mkdirat(dir, name, 0755) < 0)
            return err_set(err, errno == EEXIST ? ENOENT : errno, "mkdir `%.*s`%s", (int)at, path,
                           errno == EEXIST ? " (a link that leads nowhere)" : "");
        if ((uid != u->uid || gid != u->gid) && fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return err_set(err, errno, "chown `%.*s`", (int)at, path);
        int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return err_set(err, errno, "open directory `%.*s`", (int)at, path);
        close(dir);
        dir = next;
    }
    return take_fd(&dir);
}

static int enter(struct unpack *u, const char *path, bool make, struct err *err)
{
    struct stat st;
    struct parent *parent = &u->parent;
    cleanup_closep(&parent->fd);
    parent->fd = open_directory(u, path, NULL);
    if (parent->fd < 0 && errno == EACCES)
        parent->fd = open_behind(u, path, NULL);
    if (parent->fd < 0 && errno == ENOENT && make) {
        parent->fd = make_directories(u, path, err);
        if (parent->fd < 0)
            return -1;
    }
    if (parent->fd < 0)
        return err_set(err, errno, "open directory `%s`", path);
    if (enter_one(u, path, strlen(path), parent->fd, &st, err) < 0)
        return -1;
    if ((st.st_mode & 0700) != 0700) {
        /* Now it may be read, and its fd be used for all. */
        int again = openat(parent->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again >= 0) {
            close(parent->fd);
            parent->fd = again;
        }
    }
    parent->stale = false;
    parent->set_gid = st.st_mode & S_ISGID;
    parent->has_acl = fgetxattr(parent->fd, XATTR_ACL_DEFAULT, NULL, 0) > 0;
    parent->device = st.st_dev;
    parent->inode = st.st_ino;
    strcpy(parent->path, path);
    return 0;
}

int place_parent(struct unpack *u, const char *path, const char **base, bool make, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    struct parent *parent = &u->parent;
    *base = slash ? slash + 1 : path;
    if (pending_leave(u, path, len, err) < 0)
        return -1;
    if (parent->fd >= 0 && !parent->stale && strlen(parent->path) == len && memcmp(parent->path, path, len) == 0)
        return parent->fd;
    char directory[PATH_MAX];
    memcpy(directory, path, len);
    directory[len] = '\0';
    return enter(u, directory, make, err) < 0 ? -1 : parent->fd;
}

int place_clear(struct unpack *u, const char *base, struct err *err)
{
    u->parent.stale = true;
    if (unlinkat(u->parent.fd, base, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_set(err, errno, "unlink what is there");
    return rootfs_remove_tree(u->parent.fd, base, err);
}

/* --- What the layer made -------------------------------------------------------------------------------------------------------------- */

/* A name in a directory. By the directory's inode, as paths may lead to it through links. */
static uint64_t key_of(const struct unpack *u, uint64_t device, uint64_t inode, const char *base)
{
    uint64_t key = u->seed ^ (device * 0x9e3779b97f4a7c15U) ^ inode;
    for (; *base; base++)
        key = (key ^ (unsigned char)*base) * 0x100000001b3U;
    key = (key ^ key >> 32) * 0xd6e8feb86659fd93U;
    key ^= key >> 32;
    return key ? key : 1;
}

static void insert(uint64_t *made, size_t room, uint64_t key)
{
    size_t at = key & (room - 1);
    while (made[at] && made[at] != key)
        at = (at + 1) & (room - 1);
    made[at] = key;
}

static bool is_made(const struct unpack *u, uint64_t key)
{
    if (!u->made_room)
        return false;
    for (size_t at = key & (u->made_room - 1); u->made[at]; at = (at + 1) & (u->made_room - 1))
        if (u->made[at] == key)
            return true;
    return false;
}

int place_made(struct unpack *u, const char *base, struct err *err)
{
    if (u->options->plain || u->options->form != WHITEOUT_NONE)
        return 0;
    if (2 * (u->made_count + 1) > u->made_room) {
        size_t room = u->made_room ? 2 * u->made_room : 4096;
        uint64_t *more = calloc(room, sizeof *more);
        if (!more)
            return err_set(err, ENOMEM, "remember what was unpacked");
        for (size_t i = 0; i < u->made_room; i++)
            if (u->made[i])
                insert(more, room, u->made[i]);
        free(u->made);
        u->made = more;
        u->made_room = room;
    }
    insert(u->made, u->made_room, key_of(u, u->parent.device, u->parent.inode, base));
    u->made_count++;
    return 0;
}

static int hide_below(struct unpack *u, int dir, const char *base, int depth, struct err *err);

/* @base of @dir, which is @st. */
static int hide(struct unpack *u, int dir, const struct stat *st, const char *base, int depth, struct err *err)
{
    bool made = is_made(u, key_of(u, st->st_dev, st->st_ino, base));
    if (!made && unlinkat(dir, base, 0) == 0)
        return 0;
    if (made) {
        struct stat own;
        if (fstatat(dir, base, &own, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(own.st_mode))
            return 0;
    } else if (errno == ENOENT) {
        return 0;
    } else if (errno != EISDIR && errno != EPERM) {
        return err_set(err, errno, "unlink `%s`", base);
    }
    if (hide_below(u, dir, base, depth, err) < 0)
        return -1;
    /* Where the layer put something into it, it stays. */
    if (!made && unlinkat(dir, base, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        return err_set(err, errno, "rmdir `%s`", base);
    return 0;
}

/* The directory itself keeps its mode and time: the layer may have made it. */
static int hide_below(struct unpack *u, int dir, const char *base, int depth, struct err *err)
{
    struct stat st;
    const struct dirent *entry;
    int result = 0;
    int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_dir DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream || fstat(fd, &st) < 0)
        return err_set(err, errno, "open directory `%s`", base);
    if (depth == 0)
        return err_say(err, ENAMETOOLONG, "`%s` is deeper than %d directories", base, TAR_MOST_DEPTH);
    const struct timespec times[2] = { { 0, UTIME_OMIT }, st.st_mtim };
    bool opened = (st.st_mode & 0700) != 0700 && fchmod(fd, (st.st_mode & 07777) | 0700) == 0;
    while (result == 0 && (entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = hide(u, fd, &st, entry->d_name, depth - 1, err);
    if (opened)
        fchmod(fd, st.st_mode & 07777);
    futimens(fd, times);
    return result;
}

int place_hide(struct unpack *u, int dir, const char *base, struct err *err)
{
    struct stat st;
    u->parent.stale = true;
    if (fstat(dir, &st) < 0)
        return err_set(err, errno, "stat a directory");
    return hide(u, dir, &st, base, TAR_MOST_DEPTH, err);
}

int place_hide_below(struct unpack *u, int dir, const char *base, struct err *err)
{
    u->parent.stale = true;
    return hide_below(u, dir, base, TAR_MOST_DEPTH, err);
}

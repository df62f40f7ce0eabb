/* One entry after another is put where its name says, inside the target: see tar.h for what is promised. */
#include "engine/layers/tar_unpack_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/layers/stream_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ENTRIES ((uint64_t)4 << 20)
#define BYTES ((uint64_t)64 << 30)

void unpack_skipped(struct unpack *u, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    u->counts.skipped++;
    if (u->options->skipped)
        u->options->skipped(u->entry->name, why, u->options->data);
}

/* --- Files ---------------------------------------------------------------------------------------------------------------------------- */

static int write_at(int fd, const char *data, size_t size, uint64_t at, struct err *err)
{
    while (size) {
        ssize_t n = pwrite(fd, data, size, (off_t)at);
        if (n < 0 && errno != EINTR)
            return err_set(err, errno, "write");
        if (n > 0) {
            data += n;
            at += (uint64_t)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int write_data(struct unpack *u, int fd, struct err *err)
{
    const void *data;
    size_t size;
    uint64_t at, end = 0;
    int more;
    while ((more = tar_reader_data(u->reader, &data, &size, &at, err)) > 0) {
        if (write_at(fd, data, size, at, err) < 0)
            return -1;
        end = at + size;
    }
    if (more == 0 && end < u->entry->size && ftruncate(fd, (off_t)u->entry->size) < 0)
        return err_set(err, errno, "make the file %" PRIu64 " bytes long", u->entry->size);
    return more;
}

static int create(struct unpack *u, const char *base, mode_t mode, struct err *err)
{
    for (int try = 0; try < 2; try++) {
        int fd = openat(u->parent.fd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST || place_clear(u, base, err) < 0)
            break;
    }
    return err_set(err, errno, "create the file");
}

static int put_file(struct unpack *u, const char *base, struct err *err)
{
    struct owner owner;
    struct timespec times[2];
    uint32_t mode = mode_of(u);
    if (owner_of(u, &owner, err) < 0)
        return -1;
    bool at_once = mode_at_once(u, &owner, mode); /* a chmod less */
    cleanup_close int fd = create(u, base, at_once ? mode : 0600, err);
    if (fd < 0 || write_data(u, fd, err) < 0 || give_owner(fd, "", &owner, err) < 0)
        return -1;
    if (u->parent.has_acl && drop_attributes(u, fd, err) < 0)
        return -1;
    if (!at_once && fchmod(fd, mode) < 0)
        return err_set(err, errno, "chmod to %04o", mode);
    if (give_attributes(u, fd, base, err) < 0)
        return -1;
    entry_times(u, times);
    return futimens(fd, times) < 0 ? err_set(err, errno, "set the file's times") : 0;
}

/* --- All else ------------------------------------------------------------------------------------------------------------------------- */

static int make_node(const struct unpack *u, const char *base)
{
    const struct tar_entry *entry = u->entry;
    switch (entry->type) {
    case TAR_SYMLINK:
        return symlinkat(entry->link, u->parent.fd, base);
    case TAR_FIFO:
        return mknodat(u->parent.fd, base, S_IFIFO | 0600, 0);
    case TAR_CHARACTER:
        return mknodat(u->parent.fd, base, S_IFCHR | 0600, makedev(entry->major, entry->minor));
    default:
        return mknodat(u->parent.fd, base, S_IFBLK | 0600, makedev(entry->major, entry->minor));
    }
}

static int put_node(struct unpack *u, const char *base, struct err *err)
{
    static const char *const calls[] = {
        [TAR_SYMLINK] = "symlink", [TAR_FIFO] = "mkfifo", [TAR_CHARACTER] = "mknod", [TAR_BLOCK_DEVICE] = "mknod"
    };
    struct owner owner;
    struct timespec times[2];
    bool device = u->entry->type == TAR_CHARACTER || u->entry->type == TAR_BLOCK_DEVICE;
    if (u->entry->type == TAR_SYMLINK && !*u->entry->link)
        return err_say(err, EINVAL, "a symbolic link to nothing");
    if (owner_of(u, &owner, err) < 0)
        return -1;
    int made = make_node(u, base);
    if (made < 0 && errno == EEXIST) {
        if (place_clear(u, base, err) < 0)
            return -1;
        made = make_node(u, base);
    }
    if (made < 0 && device && errno == EPERM) {
        unpack_skipped(u, "device node: %s", strerrordesc_np(errno));
        return 0;
    }
    if (made < 0)
        return err_set(err, errno, "%s", calls[u->entry->type]);
    if (give_owner(u->parent.fd, base, &owner, err) < 0)
        return -1;
    if (u->entry->type != TAR_SYMLINK && fchmodat(u->parent.fd, base, mode_of(u), 0) < 0)
        return err_set(err, errno, "chmod");
    if (give_attributes(u, -1, base, err) < 0)
        return -1;
    entry_times(u, times);
    return utimensat(u->parent.fd, base, times, AT_SYMLINK_NOFOLLOW) < 0 ? err_set(err, errno, "set the times") : 0;
}

/* From the directory of what is linked to, which is resolved inside the target, to the directory of the link: neither end is followed. */
static int put_hard_link(struct unpack *u, const char *base, struct err *err)
{
    char target[PATH_MAX];
    if (tar_name_inside(u->entry->link, target, err) < 0)
        return err_prefix(err, "hard link to `%.300s`", u->entry->link);
    if (!*target)
        return err_say(err, EINVAL, "a hard link to the target itself");
    char *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    if (slash)
        *slash = '\0';
    cleanup_close int from = open_policy(u->root, slash ? target : ".", OPEN_IN_ROOT_PATH, NULL);
    struct stat st, there;
    if (from < 0 || fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_say(err, errno, "hard link to `%s`, which is not there: %s", u->entry->link, strerrordesc_np(errno));
    if (S_ISDIR(st.st_mode))
        return err_say(err, EINVAL, "hard link to `%s`, which is a directory", u->entry->link);
    int made = linkat(from, name, u->parent.fd, base, 0);
    if (made < 0 && errno == EEXIST) {
        if (fstatat(u->parent.fd, base, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == st.st_ino &&
            there.st_dev == st.st_dev)
            return 0;
        if (place_clear(u, base, err) < 0)
            return -1;
        made = linkat(from, name, u->parent.fd, base, 0);
    }
    return made < 0 ? err_set(err, errno, "hard link to `%s`", u->entry->link) : 0;
}

/* Make the directory, or find it. *@made: it is new; *@hides: it came over a whiteout, so what lower layers have in it is gone. */
static int make_directory(struct unpack *u, const char *base, mode_t mode, bool *made, bool *hides, struct err *err)
{
    struct stat st;
    *made = mkdirat(u->parent.fd, base, mode) == 0;
    *hides = false;
    if (*made)
        return 0;
    if (errno != EEXIST || fstatat(u->parent.fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(err, errno, "mkdir");
    if (S_ISDIR(st.st_mode)) {
        /* Its mode comes last; until then things must go into it. */
        if ((st.st_mode & 0700) != 0700 && fchmodat(u->parent.fd, base, (st.st_mode & 07777) | 0700, 0) < 0)
            return err_set(err, errno, "chmod");
        return 0;
    }
    *hides = u->options->form != WHITEOUT_NONE && !u->options->plain && whiteout_is(&st);
    if (place_clear(u, base, err) < 0)
        return -1;
    *made = mkdirat(u->parent.fd, base, mode) == 0;
    return *made ? 0 : err_set(err, errno, "mkdir");
}

static int dress_directory(struct unpack *u, int fd, bool made, bool hides, struct err *err)
{
    if (hides && whiteout_make_opaque(fd, u->options->form, err) < 0)
        return -1;
    if ((!made || u->parent.has_acl) && drop_attributes(u, fd, err) < 0)
        return -1;
    return give_attributes(u, fd, NULL, err);
}

static int put_directory(struct unpack *u, const char *base, struct err *err)
{
    struct owner owner;
    bool made, hides;
    uint32_t mode = mode_of(u);
    if (owner_of(u, &owner, err) < 0)
        return -1;
    bool at_once = (mode & 0700) == 0700 && mode_at_once(u, &owner, mode);
    if (make_directory(u, base, at_once ? mode : 0700, &made, &hides, err) < 0)
        return -1;
    owner.change = !u->options->squash && (owner.change || !made);
    if (give_owner(u->parent.fd, base, &owner, err) < 0)
        return -1;
    if (u->entry->attribute_count || !made || hides || u->parent.has_acl) {
        cleanup_close int fd = openat(u->parent.fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return err_set(err, errno, "open the directory");
        if (dress_directory(u, fd, made, hides, err) < 0)
            return -1;
    }
    return pending_entry(u, u->path, made && at_once, err);
}

/* The entry of the target itself, "./". */
static int put_root(struct unpack *u, struct err *err)
{
    struct owner owner;
    if (u->entry->type != TAR_DIRECTORY)
        return err_say(err, EINVAL, "the target itself can only be a directory");
    cleanup_close int fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "open the target");
    if (owner_of(u, &owner, err) < 0)
        return -1;
    owner.change = !u->options->squash;
    if (give_owner(fd, "", &owner, err) < 0 || dress_directory(u, fd, false, false, err) < 0)
        return -1;
    return pending_entry(u, "", false, err);
}

/* --- Whiteouts ------------------------------------------------------------------------------------------------------------------------ */

static bool is_meta(const char *name)
{
    return strncmp(name, WHITEOUT_PREFIX WHITEOUT_PREFIX, 2 * sizeof WHITEOUT_PREFIX - 2) == 0;
}

/* Nothing is there that a whiteout could take away: fine, and no error. */
static int nothing_there(struct err *err)
{
    err_clear(err);
    return 0;
}

/* The directory hides all that lower layers have in it. Where there is no lower layer to hide, what was there goes. */
static int put_opaque(struct unpack *u, struct err *err)
{
    bool apply = u->options->form == WHITEOUT_NONE;
    const char *base;
    int dir = place_parent(u, u->path, &base, !apply, err);
    if (dir < 0)
        return apply && errno == ENOENT ? nothing_there(err) : -1;
    return apply ? place_hide_below(u, dir, ".", err) : whiteout_make_opaque(dir, u->options->form, err);
}

static int put_whiteout(struct unpack *u, struct err *err)
{
    bool apply = u->options->form == WHITEOUT_NONE;
    const char *base;
    struct stat st;
    int dir = place_parent(u, u->path, &base, !apply, err);
    if (dir < 0)
        return apply && errno == ENOENT ? nothing_there(err) : -1;
    base += sizeof WHITEOUT_PREFIX - 1;
    if (apply)
        return place_hide(u, dir, base, err);
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? whiteout_make(dir, base, err) : err_set(err, errno, "stat");
    if (!S_ISDIR(st.st_mode)) /* this layer has it itself, which hides what is below */
        return 0;
    cleanup_close int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "open the directory") : whiteout_make_opaque(fd, u->options->form, err);
}

/* Returns 1 if the entry is a whiteout or belongs to them, and was seen to; 0 if it is an entry as others; -1. */
static int whiteouts(struct unpack *u, struct err *err)
{
    char *part = u->path;
    if (u->options->plain)
        return 0;
    for (;;) {
        char *slash = strchr(part, '/');
        if (strncmp(part, WHITEOUT_PREFIX, sizeof WHITEOUT_PREFIX - 1) == 0) {
            if (!slash && strcmp(part, WHITEOUT_OPAQUE) == 0)
                return put_opaque(u, err) < 0 ? -1 : 1;
            if (is_meta(part)) {
                unpack_skipped(u, "names with " WHITEOUT_PREFIX WHITEOUT_PREFIX " are reserved");
                return 1;
            }
            const char *hidden = part + sizeof WHITEOUT_PREFIX - 1;
            if (slash)
                return err_say(err, EINVAL, "something in a whiteout");
            if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
                return err_say(err, EINVAL, "a whiteout of `%s` is none", hidden);
            return put_whiteout(u, err) < 0 ? -1 : 1;
        }
        if (!slash)
            return 0;
        part = slash + 1;
    }
}

/* --- The archive ---------------------------------------------------------------------------------------------------------------------- */

static int check_limits(struct unpack *u, struct err *err)
{
    uint64_t entries = u->options->max_entries ? u->options->max_entries : ENTRIES;
    uint64_t bytes = u->options->max_bytes ? u->options->max_bytes : BYTES;
    if (u->counts.entries >= entries)
        return err_say(err, EFBIG, "the archive has more than %" PRIu64 " entries", entries);
    if (u->entry->size > bytes - u->counts.bytes)
        return err_say(err, EFBIG, "with its %" PRIu64 " bytes the archive's files have more than %" PRIu64,
                       u->entry->size, bytes);
    u->counts.entries++;
    u->counts.bytes += u->entry->size;
    return 0;
}

static int put_entry(struct unpack *u, struct err *err)
{
    const char *base;
    int result;
    if (check_limits(u, err) < 0 || tar_name_inside(u->entry->name, u->path, err) < 0)
        return -1;
    if (!*u->path)
        return put_root(u, err);
    result = whiteouts(u, err);
    if (result != 0)
        return result < 0 ? -1 : 0;
    if (place_parent(u, u->path, &base, true, err) < 0)
        return -1;
    switch (u->entry->type) {
    case TAR_FILE:
        result = put_file(u, base, err);
        break;
    case TAR_HARD_LINK:
        result = put_hard_link(u, base, err);
        break;
    case TAR_DIRECTORY:
        result = put_directory(u, base, err);
        break;
    default:
        result = put_node(u, base, err);
        break;
    }
    return result < 0 ? -1 : place_made(u, base, err);
}

/* What digests from below must see too. */
static int drain(struct source *from, struct err *err)
{
    cleanup_free char *block = malloc(STREAM_BLOCK);
    ssize_t n = block ? 1 : err_set(err, ENOMEM, "read an archive");
    while (n > 0)
        n = from->read(from, block, STREAM_BLOCK, err);
    return (int)n;
}

static uint32_t own_umask(void)
{
    char text[4096];
    if (read_file_at(AT_FDCWD, "/proc/self/status", text, sizeof text, NULL) < 0)
        return 0777;
    const char *line = strstr(text, "\nUmask:");
    return line ? (uint32_t)strtoul(line + 7, NULL, 8) : 0777;
}

static int unpack_all(struct unpack *u, struct source *from, struct err *err)
{
    int more;
    while ((more = tar_reader_next(u->reader, &u->entry, err)) > 0)
        if (put_entry(u, err) < 0)
            return err_prefix(err, "unpack `%.300s`", u->entry->name);
    return more < 0 || pending_end(u, err) < 0 ? -1 : drain(from, err);
}

int tar_unpack(struct source *from, int root, const struct tar_unpack *options, struct tar_counts *counts,
               struct err *err)
{
    struct unpack *u = malloc(sizeof *u);
    if (!u)
        return err_set(err, ENOMEM, "unpack an archive");
    memset(u, 0, offsetof(struct unpack, path));
    u->root = root;
    u->options = options;
    u->parent.fd = -1;
    u->uid = geteuid();
    u->gid = getegid();
    u->own_root = u->uid == 0;
    u->umask = own_umask();
    if (getrandom(&u->seed, sizeof u->seed, GRND_NONBLOCK) < 0)
        u->seed = (uint64_t)getpid();
    u->reader = tar_reader_new(from, err);
    int result = u->reader ? unpack_all(u, from, err) : -1;
    if (result < 0) {
        tar_name_show(err);
        pending_end(u, NULL);
    }
    if (counts)
        *counts = u->counts;
    tar_reader_free(u->reader);
    cleanup_closep(&u->parent.fd);
    free(u->pending);
    free(u->made);
    free(u);
    return result;
}

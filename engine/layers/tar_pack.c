/* A directory is walked depth first, the names of each sorted, and every entry written as it is met: see tar.h for what is promised. */
#include "engine/layers/tar_pack_internal.h"

#include "engine/base/cleanup.h"
#include "engine/layers/tar_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

void pack_skipped(struct pack *pack, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    pack->counts.skipped++;
    if (pack->options->skipped)
        pack->options->skipped(pack->path, why, pack->options->data);
}

/* --- Names of a directory ------------------------------------------------------------------------------------------------------------- */

struct names {
    char *text; /* one after another, each with its type (DT_REG …) before it and its NUL behind */
    size_t size, room;
    const char **list;
    size_t count;
};

static void free_names(struct names *names)
{
    free(names->text);
    free(names->list);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_name(struct names *names, const char *name, char type)
{
    size_t len = strlen(name) + 2;
    if (names->size + len > names->room) {
        size_t room = 2 * names->room + len + 1024;
        char *more = realloc(names->text, room);
        if (!more)
            return -1;
        names->text = more;
        names->room = room;
    }
    names->text[names->size] = type;
    memcpy(names->text + names->size + 1, name, len - 1);
    names->size += len;
    names->count++;
    return 0;
}

static int read_names(struct pack *pack, int dir, struct names *names)
{
    ssize_t size;
    while ((size = getdents64(dir, pack->entries, sizeof pack->entries)) > 0)
        for (ssize_t at = 0; at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(pack->entries + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                add_name(names, entry->d_name, (char)entry->d_type) < 0)
                return -1;
        }
    if (size < 0)
        return -1;
    names->list = malloc((names->count + 1) * sizeof *names->list);
    if (!names->list)
        return -1;
    const char *at = names->text;
    for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
        names->list[i] = ++at;
    qsort(names->list, names->count, sizeof *names->list, by_bytes);
    return 0;
}

/* --- Entries -------------------------------------------------------------------------------------------------------------------------- */

static void set_time(const struct pack *pack, const struct stat *st, struct tar_entry *entry)
{
    const struct tar_pack *options = pack->options;
    entry->seconds = st->st_mtim.tv_sec;
    entry->nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
    if (options->set_time || (options->clamp_time && entry->seconds >= options->time)) {
        entry->seconds = options->time;
        entry->nanoseconds = 0;
    }
}

static int describe(const struct pack *pack, const struct stat *st, struct tar_entry *entry, struct err *err)
{
    const struct tar_ids *ids = &pack->options->ids;
    uint32_t uid, gid;
    if (!tar_id_inside(ids->users, ids->user_count, st->st_uid, &uid))
        return err_say(err, EOVERFLOW, "`%s`: user %u has no place in the id map", pack->path, st->st_uid);
    if (!tar_id_inside(ids->groups, ids->group_count, st->st_gid, &gid))
        return err_say(err, EOVERFLOW, "`%s`: group %u has no place in the id map", pack->path, st->st_gid);
    *entry = (struct tar_entry){
        .name = pack->path,
        .mode = st->st_mode & 07777,
        .uid = uid,
        .gid = gid,
        .attributes = pack->attributes,
        .attribute_count = pack->attribute_count,
    };
    set_time(pack, st, entry);
    return 0;
}

/* An empty file @name beside or in what is @st. */
static int put_whiteout(struct pack *pack, const struct stat *st, const char *name, struct err *err)
{
    struct tar_entry entry = { .type = TAR_FILE, .name = name };
    set_time(pack, st, &entry);
    pack->counts.entries++;
    return tar_writer_entry(pack->writer, &entry, err);
}

/* Reading does not change when a file was last read, where we may say so. */
static int open_quietly(int dir, const char *base, int flags)
{
    int fd = openat(dir, base, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOATIME);
    return fd < 0 && errno == EPERM
               ? openat(dir, base, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
               : fd;
}

/* Another name of a file that has been packed: a hard link to the first. Returns 1 if it was one, 0 or -1. */
static int put_if_linked(struct pack *pack, const struct stat *st, struct err *err)
{
    struct tar_entry entry;
    bool failed = false;
    pack->counts.entries++;
    const char *first = st->st_nlink > 1 ? pack_first_name(pack, st, &failed) : NULL;
    if (failed)
        return err_set(err, ENOMEM, "pack `%s`", pack->path);
    if (!first)
        return 0;
    pack->attribute_count = 0;
    if (describe(pack, st, &entry, err) < 0)
        return -1;
    entry.type = TAR_HARD_LINK;
    entry.link = first;
    return tar_writer_entry(pack->writer, &entry, err) < 0 ? -1 : 1;
}

static int put_file(struct pack *pack, int dir, const char *base, struct err *err)
{
    struct tar_entry entry;
    struct stat st;
    cleanup_close int fd = open_quietly(dir, base, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "open `%s`", pack->path);
    if (!S_ISREG(st.st_mode))
        return err_say(err, EBUSY, "`%s` changed while it was read", pack->path);
    int linked = put_if_linked(pack, &st, err);
    if (linked != 0)
        return linked < 0 ? -1 : 0;
    if (pack_attributes(pack, fd, dir, base, err) < 0 || describe(pack, &st, &entry, err) < 0)
        return -1;
    entry.type = TAR_FILE;
    return pack_file(pack, fd, &st, &entry, err);
}

/* Links and nodes, which have no data. */
static int put_node(struct pack *pack, int dir, const char *base, const struct stat *st, struct err *err)
{
    struct tar_entry entry;
    int linked = put_if_linked(pack, st, err);
    if (linked != 0)
        return linked < 0 ? -1 : 0;
    if (pack_attributes(pack, -1, dir, base, err) < 0 || describe(pack, st, &entry, err) < 0)
        return -1;
    switch (st->st_mode & S_IFMT) {
    case S_IFLNK: {
        ssize_t n = readlinkat(dir, base, pack->link, sizeof pack->link - 1);
        if (n < 0)
            return err_set(err, errno, "readlink `%s`", pack->path);
        pack->link[n] = '\0';
        entry.type = TAR_SYMLINK;
        entry.link = pack->link;
        break;
    }
    case S_IFIFO:
        entry.type = TAR_FIFO;
        break;
    default:
        entry.type = S_ISCHR(st->st_mode) ? TAR_CHARACTER : TAR_BLOCK_DEVICE;
        entry.major = major(st->st_rdev);
        entry.minor = minor(st->st_rdev);
    }
    return tar_writer_entry(pack->writer, &entry, err);
}

static int put_all(struct pack *pack, int dir, const struct stat *st, int depth, struct err *err);

static int put_directory(struct pack *pack, int dir, const char *base, int depth, struct err *err)
{
    struct stat st;
    cleanup_close int fd = open_quietly(dir, base, O_DIRECTORY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "open directory `%s`", pack->path);
    if (depth > TAR_MOST_DEPTH)
        return err_say(err, ENAMETOOLONG, "`%s` is deeper than %d directories", pack->path, TAR_MOST_DEPTH);
    return put_all(pack, fd, &st, depth, err);
}

/* Set the path to @base in the directory that it is, which has @len bytes. */
static int extend(struct pack *pack, size_t len, const char *base, const char *end, struct err *err)
{
    int n = snprintf(pack->path + len, sizeof pack->path - len, "%s%s", base, end);
    pack->len = len + (size_t)n;
    if (pack->len >= PATH_MAX)
        return err_say(err, ENAMETOOLONG, "a path is longer than %d bytes: `%.200s…`", PATH_MAX - 1, pack->path);
    return 0;
}

/* Files and directories, which are opened anyway, are not looked at before. */
static int put_one(struct pack *pack, int dir, const char *base, unsigned char type, int depth, struct err *err)
{
    enum whiteout_form form = pack->options->form;
    size_t len = pack->len;
    struct stat st;
    if (extend(pack, len, base, "", err) < 0)
        return -1;
    if (form != WHITEOUT_NONE && strncmp(base, WHITEOUT_PREFIX, sizeof WHITEOUT_PREFIX - 1) == 0)
        return err_say(err, EINVAL, "`%s` would be taken for a whiteout in a layer: names there cannot begin with %s",
                       pack->path, WHITEOUT_PREFIX);
    if (type != DT_REG && type != DT_DIR) {
        if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return err_set(err, errno, "stat `%s`", pack->path);
        type = IFTODT(st.st_mode);
    }
    switch (type) {
    case DT_REG:
        return put_file(pack, dir, base, err);
    case DT_DIR:
        return extend(pack, len, base, "/", err) < 0 ? -1 : put_directory(pack, dir, base, depth, err);
    case DT_SOCK:
        pack_skipped(pack, "socket");
        return 0;
    default:
        if (form != WHITEOUT_NONE && whiteout_is(&st))
            return extend(pack, len, WHITEOUT_PREFIX, base, err) < 0 ? -1 : put_whiteout(pack, &st, pack->path, err);
        return put_node(pack, dir, base, &st, err);
    }
}

/* The directory @dir, whose path is there, and all in it. */
static int put_all(struct pack *pack, int dir, const struct stat *st, int depth, struct err *err)
{
    __attribute__((cleanup(free_names))) struct names names = { 0 };
    struct tar_entry entry;
    size_t len = depth ? pack->len : 0; /* the root's `./` is in no other path */
    if (pack_attributes(pack, dir, -1, NULL, err) < 0 || describe(pack, st, &entry, err) < 0)
        return -1;
    entry.type = TAR_DIRECTORY;
    pack->counts.entries++;
    if (tar_writer_entry(pack->writer, &entry, err) < 0)
        return -1;
    if (pack->options->one_file_system && st->st_dev != pack->device)
        return 0;
    if (whiteout_is_opaque(dir, pack->options->form)) {
        if (extend(pack, len, WHITEOUT_OPAQUE, "", err) < 0 || put_whiteout(pack, st, pack->path, err) < 0)
            return -1;
    }
    if (read_names(pack, dir, &names) < 0)
        return err_set(err, errno, "read directory `%.*s`", (int)len, pack->path);
    for (size_t i = 0; i < names.count; i++) {
        pack->len = len;
        if (put_one(pack, dir, names.list[i], (unsigned char)names.list[i][-1], depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

static int pack_root(struct pack *pack, struct err *err)
{
    struct stat st;
    cleanup_close int dir = open_quietly(pack->root, ".", O_DIRECTORY);
    if (dir < 0 || fstat(dir, &st) < 0)
        return err_set(err, errno, "open the directory to pack");
    pack->device = st.st_dev;
    strcpy(pack->path, "./");
    return put_all(pack, dir, &st, 0, err) < 0 ? -1 : tar_writer_end(pack->writer, err);
}

int tar_pack(int root, struct sink *to, const struct tar_pack *options, struct tar_counts *counts, struct err *err)
{
    struct pack *pack = malloc(sizeof *pack);
    if (!pack)
        return err_set(err, ENOMEM, "pack a directory");
    memset(pack, 0, offsetof(struct pack, path));
    pack->root = root;
    pack->options = options;
    pack->writer = tar_writer_new(to, err);
    int result = pack->writer ? pack_root(pack, err) : -1;
    if (result < 0)
        tar_name_show(err);
    if (counts)
        *counts = pack->counts;
    tar_writer_free(pack->writer);
    for (size_t i = 0; i < pack->linked_room; i++)
        free(pack->linked[i].path);
    free(pack->linked);
    free(pack->spans);
    free(pack->attributes);
    free(pack->values);
    free(pack);
    return result;
}

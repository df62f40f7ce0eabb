#include "engine/image/members.h"

#include "engine/base/cleanup.h"
#include "engine/image/image_internal.h"
#include "engine/layers/tar_name.h"
#include "engine/layers/tar_read.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_MEMBERS 65536
#define MOST_LINKS 16
#define MOST_BYTES ((uint64_t)256 << 30)

/* @path as it is looked up: without `./`, empty parts, or a slash at its end. Malloc'ed; NULL: it leads out of the archive, or is none. @from: the directory of a link's text. */
static char *plain_name(const char *from, const char *path)
{
    cleanup_free char *whole = NULL;
    if (*path == '/' || asprintf(&whole, "%s/%s", from, path) < 0 || strlen(whole) >= PATH_MAX) {
        return NULL;
    }
    char *name = calloc(1, strlen(whole) + 1);
    size_t len = 0;
    for (const char *part = whole; name && *part; part += strspn(part, "/")) {
        size_t n = strcspn(part, "/");
        if (n == 2 && strncmp(part, "..", 2) == 0) {
            if (len == 0) {
                free(name);
                return NULL;
            }
            while (len > 0 && name[--len] != '/')
                ;
            name[len] = '\0';
        } else if (n > 0 && !(n == 1 && *part == '.')) {
            if (len > 0)
                name[len++] = '/';
            memcpy(name + len, part, n);
            len += n;
            name[len] = '\0';
        }
        part += n;
    }
    return name;
}

static int wrong_entry(const char *name, const char *why, struct err *err)
{
    return err_say(err, EINVAL, "the archive's entry `%.200s`: %s", name, why);
}

static struct member *find_own(struct members *members, const char *name)
{
    const json_t *place = json_object_get(members->places, name);
    return place ? &members->list[json_integer_value(place)] : NULL;
}

/* Files are kept by number, from 1. Holes stay what they read as: zeros. */
static int write_data(struct tar_reader *reader, uint64_t size, struct sink *to, struct err *err)
{
    static const char zeros[4096];
    const void *data;
    size_t piece;
    uint64_t at, done = 0;
    int more = 1;
    while (more > 0) {
        if ((more = tar_reader_data(reader, &data, &piece, &at, err)) < 0)
            return -1;
        for (uint64_t end = more ? at : size; done < end;) {
            size_t n = end - done < sizeof zeros ? (size_t)(end - done) : sizeof zeros;
            if (to->write(to, zeros, n, err) < 0)
                return -1;
            done += n;
        }
        if (more && to->write(to, data, piece, err) < 0)
            return -1;
        done += more ? piece : 0;
    }
    return 0;
}

static int write_member(struct members *members, struct tar_reader *reader, struct member *member, struct err *err)
{
    char file[16];
    snprintf(file, sizeof file, "%u", member->number);
    cleanup_close int fd = openat(members->dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, errno, "create a file in `%s/.ingest`", members->store->path);
    struct sink *to = sink_digest(sink_fd(fd, err), &member->digest, NULL, err);
    int result = !to || write_data(reader, member->size, to, err) < 0 ? -1 : to->finish(to, err);
    sink_close(to);
    return result;
}

/* The name of an entry, or NULL with @err set. */
static char *entry_name(const struct tar_entry *entry, struct err *err)
{
    char *name = plain_name("", entry->name);
    if (!name)
        wrong_entry(entry->name, "its path leads out of the archive", err);
    return name;
}

static char *link_target(const char *name, const struct tar_entry *entry, struct err *err)
{
    const char *slash = strrchr(name, '/');
    bool hard = entry->type == TAR_HARD_LINK;
    cleanup_free char *directory = strndup(name, slash && !hard ? (size_t)(slash - name) : 0);
    char *target = directory ? plain_name(directory, entry->link) : NULL;
    if (!target)
        wrong_entry(name, "it is a link to what is not in the archive", err);
    return target;
}

static int check_twice(const struct member *other, const struct member *member, struct err *err)
{
    bool same = other->target ? member->target && strcmp(other->target, member->target) == 0
                              : !member->target && digest_equal(&other->digest, &member->digest);
    return same ? 0 : wrong_entry(member->name, "it is there twice, and not the same", err);
}

/* Add @member, whose name is taken over unless it is there already (1). */
static int add_member(struct members *members, struct tar_reader *reader, const struct tar_entry *entry,
                      struct member *member, struct err *err)
{
    bool link = entry->type == TAR_HARD_LINK || entry->type == TAR_SYMLINK;
    if (link && !(member->target = link_target(member->name, entry, err)))
        return -1;
    if (!link) {
        member->number = ++members->files;
        member->size = entry->size;
        if (write_member(members, reader, member, err) < 0)
            return -1;
    }
    const struct member *other = find_own(members, member->name);
    if (other)
        return check_twice(other, member, err) < 0 ? -1 : 1;
    /* A name need not be UTF-8. */
    if (json_object_set_new_nocheck(members->places, member->name, json_integer((json_int_t)members->count)) < 0)
        return err_set(err, ENOMEM, "read an archive");
    members->list[members->count++] = *member;
    return 0;
}

static int make_room(struct members *members, struct err *err)
{
    if (members->list && members->count < members->room)
        return 0;
    size_t room = members->room ? members->room * 2 : 64;
    struct member *list = reallocarray(members->list, room, sizeof *list);
    if (!list)
        return err_set(err, ENOMEM, "read an archive");
    members->list = list;
    members->room = room;
    return 0;
}

static int read_entry(struct members *members, struct tar_reader *reader, const struct tar_entry *entry,
                      uint64_t *bytes, struct err *err)
{
    if (entry->type == TAR_DIRECTORY)
        return 0;
    if (entry->type != TAR_FILE && entry->type != TAR_HARD_LINK && entry->type != TAR_SYMLINK)
        return wrong_entry(entry->name, "it is neither a file nor a link", err);
    if (entry->size > MOST_BYTES - *bytes || members->count == MOST_MEMBERS || members->files == MOST_MEMBERS)
        return err_say(err, EFBIG, "the archive's entry `%.200s`: there is more in the archive than may be",
                       entry->name);
    *bytes += entry->size;
    struct member member = { .name = entry_name(entry, err) };
    if (!member.name)
        return -1;
    int result = make_room(members, err) < 0 ? -1 : add_member(members, reader, entry, &member, err);
    if (result != 0) {
        free(member.name);
        free(member.target);
    }
    return result < 0 ? -1 : 0;
}

static int read_all(struct members *members, struct tar_reader *reader, struct err *err)
{
    const struct tar_entry *entry;
    uint64_t bytes = 0;
    int more;
    while ((more = tar_reader_next(reader, &entry, err)) > 0)
        if (read_entry(members, reader, entry, &bytes, err) < 0)
            return -1;
    return more;
}

int members_read(struct members *members, struct store *store, struct source *from, struct err *err)
{
    *members = (struct members){ .store = store, .places = json_object() };
    members->dir = ingest_directory(store, members->name, err);
    struct tar_reader *reader = members->dir < 0 ? NULL : tar_reader_new(from, err);
    int result = reader ? read_all(members, reader, err) : -1;
    tar_reader_free(reader);
    if (result == 0)
        result = store_drain(from, err);
    if (result < 0) {
        tar_name_show(err);
        members_free(members);
    }
    return result;
}

void members_free(struct members *members)
{
    if (*members->name)
        ingest_remove(members->store, members->name);
    cleanup_closep(&members->dir);
    for (size_t i = 0; i < members->count; i++) {
        free(members->list[i].name);
        free(members->list[i].target);
    }
    free(members->list);
    json_decref(members->places);
    *members = (struct members){ .dir = -1 };
}

struct member *members_find(struct members *members, const char *name, struct err *err)
{
    cleanup_free char *key = plain_name("", name);
    struct member *member = key ? find_own(members, key) : NULL;
    if (!key) {
        err_say(err, EINVAL, "`%.200s`: such a path leads out of the archive", name);
        return NULL;
    }
    for (unsigned links = 0; member && member->target; links++) {
        if (links == MOST_LINKS) {
            err_say(err, ELOOP, "`%.200s` of the archive: its links go round", name);
            return NULL;
        }
        member = find_own(members, member->target);
    }
    if (!member)
        err_say(err, ENOENT, "the archive has no `%.200s`", name);
    return member;
}

struct member *members_blob(struct members *members, const struct digest *digest, struct err *err)
{
    char name[128];
    snprintf(name, sizeof name, "blobs/sha256/%s", digest_hex(digest));
    struct member *member = members_find(members, name, err);
    if (member && !digest_equal(&member->digest, digest)) {
        err_say(err, EINVAL, "the archive's `%s` is not what its name says: its digest is %s", name,
                member->digest.text);
        return NULL;
    }
    return member;
}

int member_open(struct members *members, const struct member *member, struct err *err)
{
    char file[16];
    snprintf(file, sizeof file, "%u", member->number);
    int fd = member->number ? openat(members->dir, file, O_RDONLY | O_CLOEXEC)
                            : store_open_blob(members->store, &member->digest, err);
    return fd < 0 && member->number ? err_set(err, errno, "open `%s` of the archive", member->name) : fd;
}

char *member_text(struct members *members, const struct member *member, struct err *err)
{
    if (member->size > IMAGE_DOCUMENT) {
        err_say(err, EFBIG, "the archive's `%.200s` is larger than such a document may be", member->name);
        return NULL;
    }
    cleanup_close int fd = member_open(members, member, err);
    char *text = fd < 0 ? NULL : calloc(1, member->size + 1);
    if (text && pread(fd, text, member->size, 0) != (ssize_t)member->size) {
        err_say(err, EIO, "read `%.200s` of the archive again", member->name);
        free(take_ptr(&text));
    }
    return text;
}

static int keep(struct members *members, struct member *member, struct err *err)
{
    char file[16];
    cleanup_close int fd = member_open(members, member, err);
    snprintf(file, sizeof file, "%u", member->number);
    if (fd < 0 || ingest_commit(members->store, members->dir, file, fd, &member->digest, err) < 0)
        return -1;
    member->number = 0;
    return 0;
}

int members_keep(struct members *members, struct err *err)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].wanted && members->list[i].number && keep(members, &members->list[i], err) < 0)
            return -1;
    return 0;
}

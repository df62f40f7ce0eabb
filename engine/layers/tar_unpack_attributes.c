#include "engine/layers/tar_unpack_internal.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* --- Owners and modes ----------------------------------------------------------------------------------------------------------------- */

int owner_of(struct unpack *u, struct owner *owner, struct err *err)
{
    const struct tar_entry *entry = u->entry;
    const struct tar_ids *ids = &u->options->ids;
    *owner = (struct owner){ u->uid, u->gid, false };
    if (u->options->squash)
        return 0;
    if (!tar_id_outside(ids->users, ids->user_count, entry->uid, &owner->uid))
        return err_say(err, EOVERFLOW, "user %" PRIu64 " has no place in the id map", entry->uid);
    if (!tar_id_outside(ids->groups, ids->group_count, entry->gid, &owner->gid))
        return err_say(err, EOVERFLOW, "group %" PRIu64 " has no place in the id map", entry->gid);
    owner->change = owner->uid != u->uid || owner->gid != u->gid || u->parent.set_gid;
    return 0;
}

uint32_t mode_of(const struct unpack *u)
{
    bool set_id = !u->options->squash || u->entry->type == TAR_DIRECTORY;
    return u->entry->mode & (set_id ? 07777 : 01777);
}

bool mode_at_once(const struct unpack *u, const struct owner *owner, uint32_t mode)
{
    return !owner->change && !(mode & 07000) && !(mode & u->umask) && !u->parent.has_acl;
}

int give_owner(int dir, const char *base, const struct owner *owner, struct err *err)
{
    if (!owner->change)
        return 0;
    if (fchownat(dir, base, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW | (*base ? 0 : AT_EMPTY_PATH)) == 0)
        return 0;
    if (errno == EINVAL)
        return err_say(err, EOVERFLOW, "owner %u:%u has no place in this user namespace", owner->uid, owner->gid);
    return err_set(err, errno, "chown to %u:%u", owner->uid, owner->gid);
}

void entry_times(const struct unpack *u, struct timespec times[2])
{
    times[1] = (struct timespec){ u->entry->seconds, u->entry->nanoseconds };
    times[0] = times[1];
}

/* --- Extended attributes -------------------------------------------------------------------------------------------------------------- */

static const char *attribute_name(const char *name)
{
    return strcmp(name, TAR_ACL_ACCESS) == 0    ? XATTR_ACL_ACCESS
           : strcmp(name, TAR_ACL_DEFAULT) == 0 ? XATTR_ACL_DEFAULT
                                                : name;
}

static bool entry_has(const struct unpack *u, const char *name, bool as_bytes)
{
    for (size_t i = 0; i < u->entry->attribute_count; i++)
        if (strcmp(as_bytes ? u->entry->attributes[i].name : attribute_name(u->entry->attributes[i].name), name) == 0)
            return true;
    return false;
}

/* An access control list of three entries says what the mode says, and the kernel keeps none. */
static int give_attribute(struct unpack *u, int fd, const char *path, const struct tar_attribute *attribute,
                          struct err *err)
{
    const char *name = attribute_name(attribute->name);
    size_t size = attribute->size;
    if (tar_attribute_stays(name)) {
        unpack_skipped(u, "attribute %s is never taken from an archive", name);
        return 0;
    }
    if (size > sizeof u->value)
        return err_say(err, E2BIG, "attribute %.60s has %zu bytes", name, size);
    if (name != attribute->name) {
        if (entry_has(u, name, true))
            return 0;
        ssize_t n = tar_acl_from_text(attribute->value, u->value, sizeof u->value);
        if (n < 0) {
            unpack_skipped(u, "access control list `%.200s`: it has names without ids, or is damaged",
                           (const char *)attribute->value);
            return 0;
        }
        size = (size_t)n;
    } else if (size) {
        memcpy(u->value, attribute->value, size);
    }
    if (!tar_attribute_shift(name, u->value, &size, &u->options->ids, true))
        return err_say(err, EOVERFLOW, "attribute %.60s has an id without a place in the id map, or is damaged", name);
    if ((path ? lsetxattr(path, name, u->value, size, 0) : fsetxattr(fd, name, u->value, size, 0)) == 0)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP)
        return err_set(err, errno, "setxattr %.60s", name);
    unpack_skipped(u, "attribute %s: %s", name, strerrordesc_np(errno));
    return 0;
}

int give_attributes(struct unpack *u, int fd, const char *base, struct err *err)
{
    char path[64 + NAME_MAX];
    if (fd < 0)
        snprintf(path, sizeof path, "/proc/self/fd/%d/%s", u->parent.fd, base);
    for (size_t i = 0; i < u->entry->attribute_count; i++)
        if (give_attribute(u, fd, fd < 0 ? path : NULL, &u->entry->attributes[i], err) < 0)
            return -1;
    return 0;
}

int drop_attributes(struct unpack *u, int fd, struct err *err)
{
    cleanup_free char *names = malloc(TAR_ATTRIBUTE_MOST);
    if (!names)
        return err_set(err, ENOMEM, "list attributes");
    ssize_t size = flistxattr(fd, names, TAR_ATTRIBUTE_MOST);
    if (size < 0)
        return errno == EOPNOTSUPP ? 0 : err_set(err, errno, "listxattr");
    for (const char *name = names; name < names + size; name += strlen(name) + 1)
        if (!tar_attribute_stays(name) && !entry_has(u, name, false) && fremovexattr(fd, name) < 0 && errno != EPERM &&
            errno != EOPNOTSUPP && errno != ENODATA)
            return err_set(err, errno, "removexattr %.60s", name);
    return 0;
}

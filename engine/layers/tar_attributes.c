#include "engine/layers/tar_attributes.h"

#include <ctype.h>
#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tags of an access control list, from the kernel's linux/posix_acl.h, which programs do not see. */
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

bool tar_attribute_stays(const char *name)
{
    static const char *const beginnings[] = { "trusted.overlay.", "user.overlay.", "security.selinux" };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

bool tar_id_outside(const struct id_map *map, size_t count, uint64_t inside, uint32_t *outside)
{
    if (inside >= UINT32_MAX) /* -1 would be no change to chown(2) */
        return false;
    *outside = (uint32_t)inside;
    for (size_t i = 0; i < count; i++)
        if (inside >= map[i].inside && inside - map[i].inside < map[i].count) {
            *outside = map[i].outside + ((uint32_t)inside - map[i].inside);
            return true;
        }
    return count == 0;
}

bool tar_id_inside(const struct id_map *map, size_t count, uint32_t outside, uint32_t *inside)
{
    *inside = outside;
    for (size_t i = 0; i < count; i++)
        if (outside >= map[i].outside && outside - map[i].outside < map[i].count) {
            *inside = map[i].inside + (outside - map[i].outside);
            return true;
        }
    return count == 0;
}

static bool shift_id(const struct tar_ids *ids, bool groups, bool to_disk, uint32_t *id)
{
    const struct id_map *map = groups ? ids->groups : ids->users;
    size_t count = groups ? ids->group_count : ids->user_count;
    return to_disk ? tar_id_outside(map, count, *id, id) : tar_id_inside(map, count, *id, id);
}

static bool shift_acl(struct posix_acl_xattr_entry *entries, size_t count, const struct tar_ids *ids, bool to_disk)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t tag = le16toh(entries[i].e_tag);
        uint32_t id = le32toh(entries[i].e_id);
        if (tag != USER && tag != GROUP)
            continue;
        if (!shift_id(ids, tag == GROUP, to_disk, &id))
            return false;
        entries[i].e_id = htole32(id);
    }
    return true;
}

/* Capabilities that belong to a user namespace say who its root is (version 3); to its members they look like version 2. */
static bool shift_capability(void *value, size_t *size, const struct tar_ids *ids, bool to_disk)
{
    struct vfs_ns_cap_data data = { 0 };
    if (*size != XATTR_CAPS_SZ_2 && *size != XATTR_CAPS_SZ_3)
        return false;
    memcpy(&data, value, *size);
    uint32_t magic = le32toh(data.magic_etc), root = *size == XATTR_CAPS_SZ_3 ? le32toh(data.rootid) : 0;
    if (*size == XATTR_CAPS_SZ_2 && !to_disk)
        return true;
    if (!shift_id(ids, false, to_disk, &root))
        return false;
    bool plain = !to_disk && root == 0;
    magic = (magic & ~(uint32_t)VFS_CAP_REVISION_MASK) | (plain ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3);
    data.magic_etc = htole32(magic);
    data.rootid = htole32(root);
    *size = plain ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;
    memcpy(value, &data, *size);
    return true;
}

static bool is_acl(const void *value, size_t size)
{
    struct posix_acl_xattr_header header;
    if (size < sizeof header || (size - sizeof header) % sizeof(struct posix_acl_xattr_entry) != 0)
        return false;
    memcpy(&header, value, sizeof header);
    return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION;
}

bool tar_attribute_shift(const char *name, void *value, size_t *size, const struct tar_ids *ids, bool to_disk)
{
    if (!ids->user_count && !ids->group_count)
        return true;
    if (strcmp(name, XATTR_CAPABILITY) == 0)
        return !ids->user_count || shift_capability(value, size, ids, to_disk);
    if (strcmp(name, XATTR_ACL_ACCESS) != 0 && strcmp(name, XATTR_ACL_DEFAULT) != 0)
        return true;
    struct posix_acl_xattr_entry *entries = (void *)((char *)value + sizeof(struct posix_acl_xattr_header));
    return is_acl(value, *size) &&
           shift_acl(entries, (*size - sizeof(struct posix_acl_xattr_header)) / sizeof *entries, ids, to_disk);
}

/* --- As text -------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint16_t plain, named;
} tags[] = { { "user", USER_OBJ, USER }, { "group", GROUP_OBJ, GROUP }, { "mask", MASK, 0 }, { "other", OTHER, 0 } };

static bool read_id(const char *text, size_t len, uint32_t *id)
{
    uint64_t value = 0;
    if (!len || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *id = (uint32_t)value;
    return value < UINT32_MAX;
}

/* "user:1000:rw-", "user:name:rw-:1000", "mask::r--". */
static bool read_acl_entry(const char *text, size_t len, struct posix_acl_xattr_entry *entry)
{
    const char *parts[4] = { text };
    size_t sizes[4] = { 0 }, count = 1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ':') {
            sizes[count - 1]++;
        } else {
            if (count == 4)
                return false;
            parts[count++] = text + i + 1;
        }
    }
    if (count < 3)
        return false;
    uint16_t tag = 0, permissions = 0;
    uint32_t id = UINT32_MAX;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strlen(tags[i].name) == sizes[0] && strncmp(tags[i].name, parts[0], sizes[0]) == 0)
            tag = sizes[1] ? tags[i].named : tags[i].plain;
    if (!tag || (sizes[1] && !(count == 4 && read_id(parts[3], sizes[3], &id)) && !read_id(parts[1], sizes[1], &id)))
        return false;
    for (size_t i = 0; i < sizes[2]; i++) {
        static const char letters[] = "xwr";
        const char *letter = strchr(letters, parts[2][i]);
        if (parts[2][i] != '-' && (!parts[2][i] || !letter))
            return false;
        if (parts[2][i] != '-')
            permissions |= (uint16_t)(1U << (letter - letters));
    }
    *entry = (struct posix_acl_xattr_entry){ htole16(tag), htole16(permissions), htole32(id) };
    return true;
}

ssize_t tar_acl_from_text(const char *text, void *value, size_t room)
{
    struct posix_acl_xattr_header header = { htole32(POSIX_ACL_XATTR_VERSION) };
    size_t size = sizeof header;
    if (room < size)
        return -1;
    memcpy(value, &header, sizeof header);
    while (*text) {
        struct posix_acl_xattr_entry entry;
        size_t len = strcspn(text, ",\n");
        if (len) {
            if (!read_acl_entry(text, strcspn(text, ",\n#\t "), &entry) || room - size < sizeof entry)
                return -1;
            memcpy((char *)value + size, &entry, sizeof entry);
            size += sizeof entry;
        }
        text += len + (text[len] != '\0');
    }
    return (ssize_t)size;
}

ssize_t tar_acl_to_text(const void *value, size_t size, char *text, size_t room)
{
    size_t used = 0;
    if (!is_acl(value, size) || !room)
        return -1;
    text[0] = '\0';
    for (size_t at = sizeof(struct posix_acl_xattr_header); at < size; at += sizeof(struct posix_acl_xattr_entry)) {
        struct posix_acl_xattr_entry entry;
        memcpy(&entry, (const char *)value + at, sizeof entry);
        uint16_t tag = le16toh(entry.e_tag), permissions = le16toh(entry.e_perm);
        char id[12] = "";
        const char *name = NULL;
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
            if (tag == tags[i].plain || (tag && tag == tags[i].named))
                name = tags[i].name;
        if (!name)
            return -1;
        if (tag == USER || tag == GROUP)
            snprintf(id, sizeof id, "%u", le32toh(entry.e_id));
        int n = snprintf(text + used, room - used, "%s%s:%s:%c%c%c", used ? "," : "", name, id,
                         permissions & 4 ? 'r' : '-', permissions & 2 ? 'w' : '-', permissions & 1 ? 'x' : '-');
        if (n < 0 || (size_t)n >= room - used)
            return -1;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/** Extended attributes between archives and disks: which are carried, and what in them are ids. Internal to this room.
 *
 * Access control lists are in archives twice: as the attribute system.posix_acl_access in bytes (as container tools have it) and as text (SCHILY.acl.access: GNU tar, bsdtar, star).
 */
#ifndef ENGINE_LAYERS_TAR_ATTRIBUTES_H
#define ENGINE_LAYERS_TAR_ATTRIBUTES_H

#include "engine/layers/tar.h"
#include "engine/layers/tar_entry.h"

#include <stdbool.h>

#define TAR_ACL_ACCESS "SCHILY.acl.access"
#define TAR_ACL_DEFAULT "SCHILY.acl.default"
#define XATTR_ACL_ACCESS "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"
#define XATTR_CAPABILITY "security.capability"

enum { TAR_ATTRIBUTE_MOST = 65536 }; /* the kernel's XATTR_SIZE_MAX */

/** Is it one that never enters or leaves an archive? Those of overlay file systems (in an archive they would hide or redirect what lies below) and the labels of this machine's SELinux. */
bool tar_attribute_stays(const char *name);

/** The id on disk for an id in an archive, and back. False: it has no place. */
bool tar_id_outside(const struct id_map *map, size_t count, uint64_t inside, uint32_t *outside);
bool tar_id_inside(const struct id_map *map, size_t count, uint32_t outside, uint32_t *inside);

/** The ids in an access control list or in capabilities, in place; any other attribute is left alone. *@size may change by 4; @value has TAR_ATTRIBUTE_MOST bytes. False: an id has no place, or it is
 * damaged. */
bool tar_attribute_shift(const char *name, void *value, size_t *size, const struct tar_ids *ids, bool to_disk);

/** An access control list as text ("user::rw-,user:1000:r--,…") to the attribute's bytes. Returns their size, or -1: damaged, or with names instead of ids. */
ssize_t tar_acl_from_text(const char *text, void *value, size_t room);
/** And back. Returns the length of @text, or -1. */
ssize_t tar_acl_to_text(const void *value, size_t size, char *text, size_t room);

#endif

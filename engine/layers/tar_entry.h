/** One entry of a tar archive, as the reader gives it and the writer takes it. Internal to this room.
 *
 * Why not libarchive: it turns names into characters and back. In a C locale it gives no name at all for what is not ASCII in a pax header, in a UTF-8 one it composes accents (NFC), so that two
 * files become one. Names are bytes here, from the first to the last.
 */
#ifndef ENGINE_LAYERS_TAR_ENTRY_H
#define ENGINE_LAYERS_TAR_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK ((size_t)512)

/* The values are those of the header's type. */
enum tar_type {
    TAR_FILE = '0',
    TAR_HARD_LINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHARACTER = '3',
    TAR_BLOCK_DEVICE = '4',
    TAR_DIRECTORY = '5',
    TAR_FIFO = '6',
};

/* An extended attribute. */
struct tar_attribute {
    const char *name;
    const void *value;
    size_t size;
};

/* A piece of a file that is there; between them are holes. */
struct tar_span {
    uint64_t offset, size;
};

struct tar_entry {
    enum tar_type type;
    const char *name; /* bytes as they are in the archive */
    const char *link; /* of links: to what */
    uint32_t mode;    /* permissions and set-id bits */
    uint64_t uid, gid;
    int64_t seconds;
    uint32_t nanoseconds;
    uint64_t size; /* of a file, holes included; else 0 */
    uint32_t major, minor;
    const struct tar_attribute *attributes; /* sorted by name when written */
    size_t attribute_count;
    const struct tar_span *spans; /* NULL: all of the file */
    size_t span_count;
};

/* The header block, in its POSIX form. See tar(5). */
struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2];
    char user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

#endif

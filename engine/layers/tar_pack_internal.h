/** What the files of tar_pack share. */
#ifndef ENGINE_LAYERS_TAR_PACK_INTERNAL_H
#define ENGINE_LAYERS_TAR_PACK_INTERNAL_H

#include "engine/layers/tar.h"
#include "engine/layers/tar_attributes.h"
#include "engine/layers/tar_write.h"

#include <limits.h>
#include <sys/stat.h>

/* The first name of a file that has several. */
struct linked {
    uint64_t device, inode;
    char *path;
};

struct pack {
    int root;
    const struct tar_pack *options;
    struct tar_writer *writer;
    struct tar_counts counts;
    uint64_t device; /* the root's file system */

    struct linked *linked; /* a hash table */
    size_t linked_count, linked_room;

    struct tar_span *spans;
    size_t span_room;

    /* The attributes of the entry: their names and values in one buffer. */
    struct tar_attribute *attributes;
    size_t attribute_count, attribute_room;
    char *values;
    size_t value_size, value_room;

    size_t len; /* of the path */
    char path[PATH_MAX + 16];
    char link[PATH_MAX];
    char names[TAR_ATTRIBUTE_MOST], value[TAR_ATTRIBUTE_MOST];
    char entries[32768] __attribute__((aligned(8))); /* of a directory, while its names are read */
};

void pack_skipped(struct pack *pack, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The extended attributes of @fd (or, if that is -1, of @base in @dir), sorted, into @pack. */
int pack_attributes(struct pack *pack, int fd, int dir, const char *base, struct err *err);
/** Headers and data of the regular file @fd, which is @st; @entry has all but size and spans. */
int pack_file(struct pack *pack, int fd, const struct stat *st, struct tar_entry *entry, struct err *err);
/** The first path of the file that is @st, or NULL: then it is @path from now on. -1 in *@failed: no memory. */
const char *pack_first_name(struct pack *pack, const struct stat *st, bool *failed);

#endif

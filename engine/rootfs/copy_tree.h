/** Copy a finished root filesystem as it is: owners, modes, times, symbolic and hard links.
 *
 * Made for speed, since a learner waits for it: directories first, then the files by several threads at once. Where the kernel refuses a device node (in a
 * user namespace), it is left out and counted. Extended attributes are not copied.
 */
#ifndef ENGINE_ROOTFS_COPY_TREE_H
#define ENGINE_ROOTFS_COPY_TREE_H

#include "engine/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct copy_tree_counts {
    size_t entries;  /* made: directories, files, links */
    uint64_t bytes;  /* of regular files */
    size_t left_out; /* device nodes that may not be made here */
};

/** Copy all below the directory @from into the empty directory @to, and @from's own owner, mode and times onto @to. Nothing else may change either meanwhile.
 * @counts may be NULL. Returns 0, or -1 with @err set; what was copied until then stays. */
int rootfs_copy_tree(int from, int to, struct copy_tree_counts *counts, struct err *err);

/** rm -rf of @name in the directory @parent, without following links or leaving its file system; also what its owner may not write or enter. Gone already is fine. */
int rootfs_remove_tree(int parent, const char *name, struct err *err);

#endif

/** What says in a layer that something below it is gone, in its two forms.
 *
 *                       a file that is gone                 a directory that hides all below it
 *     OCI, in a tar     an empty file `.wh.NAME`            an empty file `.wh..wh..opq` in it
 *     overlay, on disk  a character device 0:0 called NAME  the attribute trusted.overlay.opaque (or user.overlay.opaque) = "y"
 *
 * See the OCI image specification, layer.md, and the kernel's Documentation/filesystems/overlayfs.rst.
 */
#ifndef ENGINE_LAYERS_WHITEOUT_H
#define ENGINE_LAYERS_WHITEOUT_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <sys/stat.h>

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* How whiteouts stand in a directory on disk. */
enum whiteout_form {
    WHITEOUT_NONE,      /* the directory is no layer: what would be a whiteout is an ordinary file or device */
    WHITEOUT_OVERLAY,   /* trusted.overlay.*: an overlay mounted by root */
    WHITEOUT_USERXATTR, /* user.overlay.*: an overlay mounted with `userxattr`, in a user namespace */
};

/** Is it an overlay's whiteout: a character device 0:0? */
bool whiteout_is(const struct stat *st);
/** Is the directory @fd opaque, in that form? */
bool whiteout_is_opaque(int fd, enum whiteout_form form);
/** Make whiteout @name in @dir. Returns 0 or -1. */
int whiteout_make(int dir, const char *name, struct err *err);
int whiteout_make_opaque(int dir, enum whiteout_form form, struct err *err);

#endif

/** One file copied into a directory, whole or not at all.
 *
 * Private to engine/rootfs.
 */
#ifndef ENGINE_ROOTFS_COPY_FILE_H
#define ENGINE_ROOTFS_COPY_FILE_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <sys/stat.h>

/** 1 if @name in @directory is a regular file of the mode, size and bytes of @from (whose fstat is @st); 0 if not; -1 with @err. */
int same_file_content(int from, const struct stat *st, int directory, const char *name, struct err *err);

/** Copy @from to @name in @directory: to a temporary name there, then rename(2) over whatever has the name. Shares blocks where the
 * filesystem can. Keeps mode and times, and the owner where we may; set-id bits only together with their owner. */
int copy_file_into(int from, const struct stat *st, int directory, const char *name, struct err *err);

/** Make @name in @directory a symlink that holds @target, replacing what has the name if that is no directory. */
int replace_symlink(const char *target, int directory, const char *name, struct err *err);

#endif

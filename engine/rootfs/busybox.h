/** A root filesystem of one program: busybox under all of its names, and the directories and files that a system needs.
 *
 * Small (2 MiB), there in a few milliseconds, and enough for a shell, mount, ps and the like. See busybox(1).
 */
#ifndef ENGINE_ROOTFS_BUSYBOX_H
#define ENGINE_ROOTFS_BUSYBOX_H

#include "engine/base/err.h"

#include <stddef.h>

/** The machine's own busybox, if it needs no libraries. Returns 0 with its @path, or -1 with ENOENT: there is none, or only one that does (the message says what brings it). */
int busybox_find(char *path, size_t size, struct err *err);

/** Make it in the directory @rootfs (an fd; everything is resolved inside it): bin/busybox, a symbolic link to it for each name that busybox itself lists, bin, sbin, usr,
 * proc, sys, dev, tmp, run, var, root, home, mnt, etc with passwd, group and hosts. What is there already is kept, but for bin/busybox, so it may be repeated.
 * @busybox: a static one, run to hear its names; NULL: the machine's own. Returns the number of links that were made, or -1. */
int busybox_rootfs(int rootfs, const char *busybox, struct err *err);

#endif

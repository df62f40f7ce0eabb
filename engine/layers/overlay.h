/** Overlay mounts: any number of directories seen as one, by fd, without a path's length or a colon in it getting in the way.
 *
 * By fsopen(2), fsconfig(2) and fsmount(2), a lower directory at a time ("lowerdir+", Linux 6.7) where the kernel has that; else by one option string of /proc/self/fd paths, which fits
 * some 200 layers. Every directory must have been opened in the mount namespace of who mounts: one brought along through unshare(2) or setns(2) is refused with EINVAL (the working
 * directory does come along: fchdir(2) before unshare(2)). See the kernel's Documentation/filesystems/overlayfs.rst.
 */
#ifndef ENGINE_LAYERS_OVERLAY_H
#define ENGINE_LAYERS_OVERLAY_H

#include "engine/base/err.h"
#include "engine/layers/whiteout.h"

#include <stdbool.h>
#include <stddef.h>

struct overlay {
    const int *lowers; /* directories, the uppermost first */
    size_t lower_count;
    int upper, work;         /* -1 both: read-only */
    enum whiteout_form form; /* WHITEOUT_USERXATTR where the caller's user namespace is not the first */
    bool volatile_;          /* no sync: for what does not outlive this boot */
};

/** A detached mount of it, O_CLOEXEC, for move_mount(2) (sys_move_mount). -1: ENOSYS where the kernel cannot mount detached (then overlay_mount); EINVAL and others with the reason as far
 * as it can be found out: an upper on an overlay, another file system for work than for upper, work not empty, too many lowers, a lower used as upper. */
int overlay_open(const struct overlay *overlay, struct err *err);
/** Mount it on the directory @at (an fd of it). Returns 0 or -1. */
int overlay_mount(const struct overlay *overlay, int at, struct err *err);

/* What this kernel and the file system of a directory allow for an upper in it. */
struct overlay_abilities {
    bool mount;              /* at all; if not, `why` says why not */
    enum whiteout_form form; /* that works here */
    bool lowerdir_plus;      /* lowers one at a time */
    bool whiteouts;          /* deleting works */
    char why[256];
};
/** Try it: two directories are made in @dir and removed again, and a mount in a mount namespace of its own; once per kernel and file system, and remembered by the process. */
int overlay_probe(int dir, struct overlay_abilities *abilities, struct err *err);

/* A mounted overlay, as /proc/PID/mountinfo has it. */
struct overlay_stack {
    char **lowers;      /* paths, the uppermost first; NULL-terminated */
    char *upper, *work; /* NULL: read-only */
    enum whiteout_form form;
};
/** Read the options of a mountinfo line's last field. Escaped colons, commas and backslashes are undone. Returns 0, or -1 (EINVAL). */
int overlay_stack_parse(const char *options, struct overlay_stack *stack, struct err *err);
void overlay_stack_free(struct overlay_stack *stack);

#endif

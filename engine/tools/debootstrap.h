/** What the files of the `debootstrap` tool share: what is asked for, how it is shown, and putting a tree at its place. */
#ifndef ENGINE_TOOLS_DEBOOTSTRAP_H
#define ENGINE_TOOLS_DEBOOTSTRAP_H

#include "engine/base/err.h"
#include "engine/rootfs/bootstrap.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** A new tree on its way to @target: made beside it under another name, and renamed when whole. While there is a guard, our death by any signal removes it. */
struct placing {
    char target[PATH_MAX], parent[PATH_MAX], staging[NAME_MAX + 1];
    pid_t guard;
    int guarded;   /* the guard lives while this is open, and removes what is there unless told to keep it */
    int directory; /* the parent */
};
/** Returns 0, or -1: the target is there and not empty, or cannot be made. */
int placing_begin(struct placing *placing, const char *target, struct err *err);
/** Rename it to its target. Returns 0 or -1. */
int placing_keep(struct placing *placing, struct err *err);
/** Remove what there is; after placing_keep, nothing. */
void placing_end(struct placing *placing);

/** Copy the finished tree @name of the cache to @target. */
int place_kept(const char *name, const char *target, struct err *err);
/** Make the tree at @target here, by this machine's own debootstrap. */
int place_by_own(const struct bootstrap_request *request, const char *target, struct err *err);

/** Ask the trusted side for a tree. Returns 1 with @name; 0 if it is not for keeping (the reason in @err); -1 if it cannot be made. */
int ask_for_tree(const struct bootstrap_request *request, bool fresh, char *name, size_t size, struct err *err);

/** One line that is written over on a terminal; elsewhere a line at each new phase and each quarter of one. */
void show_progress(unsigned phase, const char *doing, unsigned percent, unsigned done, unsigned total,
                   const char *item);
/** End that line, if there is one. */
void end_progress_line(void);

/** This machine's own debootstrap, or NULL. */
const char *own_debootstrap(void);

#endif

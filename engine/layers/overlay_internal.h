/** Shared by the files of overlay mounts. */
#ifndef ENGINE_LAYERS_OVERLAY_INTERNAL_H
#define ENGINE_LAYERS_OVERLAY_INTERNAL_H

#include "engine/layers/overlay.h"

#define OVERLAY_LOWERS_MAX 500 /* the kernel's OVL_MAX_STACK */
#define OVERLAY_MAGIC 0x794c7630

/** Set @err: @call of @overlay failed with @errnum, and why, as far as it can be found out by looking at its directories. @log: what the kernel said, or "". Returns -1. */
int overlay_explain(const struct overlay *overlay, const char *call, int errnum, const char *log, struct err *err);

#endif

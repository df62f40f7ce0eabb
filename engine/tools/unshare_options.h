/** Ids of unshare's options that have no letter. */
#ifndef ENGINE_TOOLS_UNSHARE_OPTIONS_H
#define ENGINE_TOOLS_UNSHARE_OPTIONS_H

#include "engine/tools/options.h"

enum {
    UNSHARE_MAP_USER = OPTION_OWN,
    UNSHARE_MAP_GROUP,
    UNSHARE_MAP_USERS,
    UNSHARE_MAP_GROUPS,
    UNSHARE_MAP_AUTO,
    UNSHARE_KILL_CHILD,
    UNSHARE_MOUNT_PROC,
    UNSHARE_PROPAGATION,
    UNSHARE_SETGROUPS,
    UNSHARE_KEEP_CAPS,
    UNSHARE_MONOTONIC,
    UNSHARE_BOOTTIME
};
extern const struct tool_options unshare_options;

#endif

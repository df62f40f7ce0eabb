/** Ids of chroot's options, which have no letters. */
#ifndef ENGINE_TOOLS_CHROOT_OPTIONS_H
#define ENGINE_TOOLS_CHROOT_OPTIONS_H

#include "engine/tools/options.h"

enum { CHROOT_GROUPS = OPTION_OWN, CHROOT_USERSPEC, CHROOT_SKIP_CHDIR };
extern const struct tool_options chroot_options;

#endif

/** Ids of nsenter's options that have no letter. */
#ifndef ENGINE_TOOLS_NSENTER_OPTIONS_H
#define ENGINE_TOOLS_NSENTER_OPTIONS_H

#include "engine/tools/options.h"

enum { NSENTER_PRESERVE = OPTION_OWN };
extern const struct tool_options nsenter_options;

#endif

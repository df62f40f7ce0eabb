/** pivot_root's options. */
#ifndef ENGINE_TOOLS_PIVOT_ROOT_OPTIONS_H
#define ENGINE_TOOLS_PIVOT_ROOT_OPTIONS_H

#include "engine/tools/options.h"

extern const struct tool_options pivot_root_options;

#endif

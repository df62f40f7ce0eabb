/** The option tables of all tools, by name: for completion. docker's are in engine/docker/docker.h. */
#ifndef ENGINE_TOOLS_TABLES_OPTIONS_H
#define ENGINE_TOOLS_TABLES_OPTIONS_H

#include "engine/tools/options.h"

/** The table of the tool @name, or NULL: it has none. */
const struct tool_options *tool_options_of(const char *name);

#endif

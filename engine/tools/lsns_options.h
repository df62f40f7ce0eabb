/** Ids of lsns' options that have no letter. */
#ifndef ENGINE_TOOLS_LSNS_OPTIONS_H
#define ENGINE_TOOLS_LSNS_OPTIONS_H

#include "engine/tools/options.h"

enum { LSNS_OUTPUT_ALL = OPTION_OWN };
extern const struct tool_options lsns_options;

#endif

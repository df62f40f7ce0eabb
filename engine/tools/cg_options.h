/** The options of the tools for control groups, which are those of cgroup-tools 2.0.2. */
#ifndef ENGINE_TOOLS_CG_OPTIONS_H
#define ENGINE_TOOLS_CG_OPTIONS_H

#include "engine/tools/options.h"

enum { CG_STICKY = OPTION_OWN, CG_CANCEL_STICKY, CG_COPY_FROM };

extern const struct tool_options cgcreate_options, cgclassify_options, cgexec_options, cgset_options, cgget_options,
    cgdelete_options, lscgroup_options;

#endif

#include "engine/tools/tables_options.h"

#include "engine/tools/cg_options.h"
#include "engine/tools/chroot_options.h"
#include "engine/tools/lsns_options.h"
#include "engine/tools/nsenter_options.h"
#include "engine/tools/pivot_root_options.h"
#include "engine/tools/unshare_options.h"

#include <string.h>

static const struct tool_options *const tables[] = {
    &cgclassify_options, &cgcreate_options, &cgdelete_options, &cgexec_options,  &cgget_options,      &cgset_options,
    &chroot_options,     &lscgroup_options, &lsns_options,     &nsenter_options, &pivot_root_options, &unshare_options,
};

const struct tool_options *tool_options_of(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i]->tool, name) == 0)
            return tables[i];
    return NULL;
}

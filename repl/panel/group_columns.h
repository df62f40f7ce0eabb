/** The columns of the cgroup view: each one row of a table and one function. */
#ifndef REPL_PANEL_GROUP_COLUMNS_H
#define REPL_PANEL_GROUP_COLUMNS_H

#include "engine/observe/sample_groups.h"
#include "repl/screen/theme.h"

#include <stdbool.h>

struct group_facts {
    bool ascii;
    bool beat;      /* what flashes is the other way round */
    uint64_t now;   /* CLOCK_MONOTONIC nanoseconds */
    unsigned width; /* cells of the column that is being written */
};

struct group_column {
    const char *title;
    unsigned width; /* cells; 0: what is left over is shared out among these */
    bool left;
    unsigned keep; /* in a narrow window the lowest goes first; 9 stays */
    /* Writes the value; the role it is to be drawn in. */
    enum role (*format)(const struct group_facts *facts, const struct sample_group *group, char *out, size_t size);
    const char *what;
};
extern const struct group_column group_columns[];
extern const size_t group_column_count;

#define OOM_FLASH_NS 6000000000u /* how long an OOM kill is pointed at */

#endif

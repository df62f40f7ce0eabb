/** The meters over the list: bars and lines of figures, each one row of a table and one function. */
#ifndef REPL_PANEL_METERS_H
#define REPL_PANEL_METERS_H

#include "engine/observe/sample.h"
#include "engine/observe/sample_groups.h"
#include "repl/screen/theme.h"

#include <stdbool.h>
#include <stddef.h>

struct meter_facts {
    const struct sample_host *host;
    const struct sample_group *scope; /* the cgroup that bounds what is listed; NULL: the whole machine */
    size_t processes, threads;        /* but for the kernel's own */
    size_t kernel, running;
    bool average; /* too many CPUs for a bar each */
    bool narrow;  /* there is little room: what bounds the scope, and the rest only where nothing does */
};

/* A bar is made of parts that differ by their character, and by colour where there is one. */
struct meter_part {
    float share; /* of the whole bar */
    char mark;
    enum role role;
};
#define METER_PARTS 5
struct meter_value {
    char label[12];
    bool bar;
    struct meter_part parts[METER_PARTS];
    size_t part_count;
    char text[96];  /* in the bar at its right end, or all there is */
    enum role role; /* of the text */
};

enum meter_side { METER_LEFT, METER_RIGHT };
struct meter {
    const char *name;
    enum meter_side side;
    size_t (*count)(const struct meter_facts *facts); /* how many of it there are now */
    void (*read)(const struct meter_facts *facts, size_t index, struct meter_value *value);
    const char *legend; /* what its marks mean */
    bool narrow;        /* also where there is little room */
};
extern const struct meter meters[];
extern const size_t meter_count;

/** All values in order, those of the left side or of the right, at most @max. Returns how many. */
size_t meters_read(const struct meter_facts *facts, enum meter_side side, struct meter_value *values, size_t max);

/** The bar's characters for @cells cells: marks of the parts, blanks, and the text over its right end. part_of[i] is the part cell i shows, or one of these. */
enum { METER_BLANK = -1, METER_TEXT = -2 };
void meter_bar(const struct meter_value *value, unsigned cells, char *out, signed char *part_of);

#endif

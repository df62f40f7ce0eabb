/** How values of control files go from one version of cgroups to the other. Private to this room. */
#ifndef ENGINE_LIMIT_CONVERSION_H
#define ENGINE_LIMIT_CONVERSION_H

#include "engine/limit/translate.h"

struct assignments {
    struct {
        char file[64], value[128];
    } list[4];
    size_t count;
};
/* What is to be written, and where, for @value given in the other version's terms. */
typedef int convert_write(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                          struct assignments *to, struct err *err);
/* The value here, in the other version's terms. */
typedef int convert_read(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                         struct err *err);

struct cgroup_conversion {
    convert_write *write_v2, *write_v1; /* on a v2 group, of a v1 name; and the other way round. NULL: cannot be */
    convert_read *read_v2, *read_v1;
};

extern const struct cgroup_conversion convert_same, convert_bytes, convert_low, convert_swap, convert_shares,
    convert_quota, convert_period, convert_freeze, convert_io, convert_io_weight, convert_nanoseconds, convert_counter,
    convert_cpu_ticks, convert_add_memory;

#endif

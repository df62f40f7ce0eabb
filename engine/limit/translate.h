/** What a control file of one version of cgroups is called in the other, and what becomes of its value.
 *
 * The table is data: the tools, their messages and their help read it. A name that the group has is never translated.
 */
#ifndef ENGINE_LIMIT_TRANSLATE_H
#define ENGINE_LIMIT_TRANSLATE_H

#include "engine/limit/group.h"

struct cgroup_conversion; /* how values go across: private to translate.c */

struct cgroup_name {
    const char *v1, *v2;                        /* file names; NULL: that version has none */
    const struct cgroup_conversion *conversion; /* NULL: nothing corresponds, and `why` says what takes its place */
    const char *key;                            /* where the value is one of several in the other file: its key there */
    const char *why;                            /* what to know beside the name: a short clause, or NULL */
};

extern const struct cgroup_name cgroup_names[];
extern const size_t cgroup_name_count;

/** The row of @name, a name of v1's or of v2's as @v2 says; NULL: not in the table. */
const struct cgroup_name *cgroup_name_find(const char *name, bool v2);

/* What was really done: "wrote 83886080 to /sys/fs/cgroup/sandbox/memory.max". */
struct cgroup_done {
    char text[1024]; /* "": the name was the kernel's own, nothing to say. Else a whole sentence that teaches */
};

/** As cgroup_set, @name being either version's. ENOTSUP: nothing here corresponds; the message says why and what to use. */
int cgroup_set_named(const struct cgroup *group, const char *name, const char *value, struct cgroup_done *done,
                     struct err *err);
/** As cgroup_get: the value in the terms of the version @name belongs to. */
ssize_t cgroup_get_named(const struct cgroup *group, const char *name, char *buf, size_t size, struct cgroup_done *done,
                         struct err *err);

/** cpu.shares (2 to 262144, 1024 by default) as cpu.weight (1 to 10000, 100 by default) and back, rounded as the kernel rounds. */
uint64_t cgroup_weight_of_shares(uint64_t shares);
uint64_t cgroup_shares_of_weight(uint64_t weight);

/** "80M", "0x10", "-1" and "max" as the kernel reads sizes; UINT64_MAX: no limit. Returns 0, or -1 (EINVAL). */
int cgroup_bytes(const char *text, uint64_t *bytes, struct err *err);

#endif

/** Has anything run in a lab? One number that changes when it has: nothing in a lab changes without a process of it using CPU time. */
#ifndef REPL_SESSION_ACTIVITY_H
#define REPL_SESSION_ACTIVITY_H

#include "engine/lab/lab.h"

#include <stdbool.h>
#include <stdint.h>

struct activity {
    char file
        [512]; /* of the lab's cgroup: tells its CPU time, those of ended processes included; "" where there is none */
};

void activity_open(struct activity *activity, struct lab *lab);

/** Read it: from the cgroup in one read; without one, from the lab's processes: the lab's init, the @count processes @roots, and all below them. Returns false when
 * it cannot be known. */
bool activity_read(const struct activity *activity, struct lab *lab, const pid_t *roots, size_t count, uint64_t *value);

#endif

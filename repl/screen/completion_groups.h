/** Candidates for control groups and their files, from /sys/fs/cgroup of the shell's root: either version, as it is mounted there. */
#ifndef REPL_SCREEN_COMPLETION_GROUPS_H
#define REPL_SCREEN_COMPLETION_GROUPS_H

#include "repl/screen/completion.h"
#include "repl/tutor/explain.h"

/** Whatever may stand for @text as @expects, one of the kinds EXPLAIN_GROUP…, says: "cpu:/box", "/box", "memory.max", "memory.max=". Each whole, not only those that begin as @text. */
void completion_groups(const struct observe_place *place, enum explain_expects expects, const char *text,
                       explain_offer_fn *offer, void *data);

#endif

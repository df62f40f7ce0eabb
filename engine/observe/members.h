/** The processes of a lab or a container: who there is, who started whom, what number each has in every pid namespace, and who shares which namespace. */
#ifndef ENGINE_OBSERVE_MEMBERS_H
#define ENGINE_OBSERVE_MEMBERS_H

#include "engine/observe/observe.h"

#define MEMBER_NUMBERS 8
struct observe_member {
    pid_t pid, ppid;                 /* as the reader numbers them */
    pid_t number[MEMBER_NUMBERS];    /* its pid in the pid namespace of the init asked for, then in each nested one */
    unsigned numbers;                /* how many of number are set, at least 1 */
    unsigned indent;                 /* 0: its parent is not in the list; else one more than the parent's */
    char state;                      /* R S D Z T … */
    char name[64];                   /* its command line, cut; what it calls itself where that is empty */
    uint64_t inode[NAMESPACE_KINDS]; /* 0: the kernel lacks it, or it may not be read (observe_namespaces) */
};

/** Every process in the pid namespace of @init or nested below it, parents before their children, siblings by pid. Where there are more than @max, the first and the last
 * ones by pid. Processes that end meanwhile are left out. Returns how many were stored, *total how many there are; -1 (ESRCH: @init has ended). Some 50 µs a process.
 * On a machine with very many processes only those that @init's parent and their descendants have started are found. */
ssize_t observe_members(pid_t init, struct observe_member *list, size_t max, size_t *total, struct err *err);

#endif

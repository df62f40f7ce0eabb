/** Entering namespaces that exist: setns(2) in an order that works with the rights there are. */
#ifndef ENGINE_ISOLATE_ENTER_H
#define ENGINE_ISOLATE_ENTER_H

#include "engine/base/err.h"

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The kernel has it from 5.6 on; the C library's headers may not. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* One namespace to enter. */
struct isolate_namespace {
    int flag;         /* CLONE_NEWNS … */
    int fd;           /* of /proc/PID/ns/NAME or a file it is bound on; stays the caller's; -1: left out */
    const char *name; /* for the message: the file's path */
    bool optional;    /* that it cannot be entered is no failure */
};

/** Enter them all, each fd having been opened before the first is entered. All but the user namespace are tried first: who has rights outside loses
 * them in it. What was refused is tried again after it: who has none outside gains them there. Into a pid or time namespace only children
 * (for time: from the next setns, exec or fork on) are born. Returns 0, or -1 with @err naming the one that could not be entered: those before it
 * have been. */
int isolate_enter(const struct isolate_namespace *list, size_t count, struct err *err);

/** Enter @flags of process @pid, and @optional ones if that may be: by one setns of @pidfd (Linux 5.8), else one by one as isolate_enter. A time or cgroup
 * namespace the kernel does not know is left out. */
int isolate_enter_process(pid_t pid, int pidfd, int flags, int optional, struct err *err);

#endif

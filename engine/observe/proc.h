/** How this room reads /proc/PID: a directory fd first, so that everything read through it is of one process, even when its number is used again. */
#ifndef ENGINE_OBSERVE_PROC_H
#define ENGINE_OBSERVE_PROC_H

#include "engine/base/err.h"

#include <stddef.h>
#include <sys/types.h>

/** An O_PATH fd of /proc/@pid. Returns -1 with ESRCH where there is no such process (or /proc hides it). */
int proc_open(pid_t pid, struct err *err);

/** Set ESRCH for @pid. Returns -1. */
int proc_gone(pid_t pid, struct err *err);

/** Read @name below @dir (of @pid) with one read(2), NUL-terminated; a longer file is cut. Returns the length, or -1 (ESRCH: it has ended meanwhile). */
ssize_t proc_read(int dir, pid_t pid, const char *name, char *buf, size_t size, struct err *err);

/* A walk of the processes in /proc, by pid: set @fd (open for reading) and nothing else. */
struct proc_walk {
    int fd;
    int error; /* errno, where the walk ended too early */
    ssize_t at, len;
    __attribute__((aligned(8))) char entries[32768];
};
/** The next pid as text, good until the next call; NULL at the end. */
const char *proc_walk_next(struct proc_walk *walk);

#endif

/** The lens: which syscalls the kernel was asked for in a terminal, and what it answered.
 *
 * The calls are the kernel's own, decoded by strace(1), which starts the terminal's shell and stays outside the lab: `-f --seccomp-bpf` on the set of calls that the
 * lesson's `lens` names for the terminal. So it sees every program alike: ours, util-linux, a busybox in a rootfs, the learner's own C. What is not in the set costs nothing;
 * forks, execs and calls of the set cost some. Failed look-ups of execve along PATH are folded into the one that mattered; equal calls in a row are one row that is counted.
 *
 * strace sets no_new_privs: `lens off`, or a block's `"lens":"off"`, gives a terminal without it. Where strace is not installed or may not trace, there is no lens, and
 * lens_lacks says why; nothing else is missing.
 */
#ifndef REPL_SESSION_LENS_H
#define REPL_SESSION_LENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lens; /* of one terminal; owned by the session */

struct lens_call {
    uint64_t number; /* 1, 2, …: grows by one with each call of this terminal, folded ones included */
    uint64_t time;   /* ms, as loop_now */
    unsigned
        command; /* which command of the terminal it belongs to: 0 before the first, then 1, 2, … as they were accepted */
    pid_t pid;             /* of the host; a process's name and its pids inside are in @process */
    char process[16];      /* its name when it called (comm), as the kernel had it then; "" not known */
    pid_t inside;          /* its pid in its own innermost pid namespace; 0 not known any more */
    const char *name;      /* "pivot_root" */
    const char *arguments; /* decoded, without the parentheses: "\".\", \"oldroot\"" */
    long result;           /* what it returned; -1 with @error set when it failed */
    int error;             /* errno, as a number of this machine; 0: it did not fail */
    bool ended; /* it has returned; false while it sleeps in the kernel, and for execve's and exit's that never do */
    unsigned repeats; /* how many equal ones this row stands for: 1, 2, … */
    bool expected;    /* the step says that it should be caused, and it is the first such */
};

/** Why there is no lens on this machine ("strace: not installed; apt-get install strace"), or NULL. */
const char *lens_lacks(void);

/** The rows kept: the newest LENS_ROWS, oldest first. Pointers are valid until the loop turns. */
#define LENS_ROWS 4096
size_t lens_count(const struct lens *lens);
const struct lens_call *lens_call_at(const struct lens *lens, size_t index);
/** Calls that were made and are no longer kept. */
uint64_t lens_dropped(const struct lens *lens);

/** The failed calls of the terminal's command @command, oldest first, folded; at most the newest @max into @calls. Returns how many. What failed look-ups of PATH were folded are not among them. */
size_t lens_failures(const struct lens *lens, unsigned command, const struct lens_call **calls, size_t max);

#endif

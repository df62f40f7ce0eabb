/** The way from the program into its lab: what a process does between its fork and the exec of a command there.
 *
 * Under a tracer that way is begun by a program of its own (`teachroot-tools enter`), since a tracer starts programs and not functions: it is told everything by one message on a socket, the
 * fds included. They are no inherited fds, or the tracer would hold them for as long as it lives: a pty's slave, the pipe whose end tells that the exec was done.
 *
 * Of the lab room, but it names no lab: the tools' program has it without the rest of the room.
 */
#ifndef ENGINE_LAB_ENTER_H
#define ENGINE_LAB_ENTER_H

#include "engine/lab/lab.h"
#include "engine/limit/hierarchy.h"

/* Where to. */
struct entrance {
    const char *name; /* the lab's */
    pid_t init;       /* its host pid, and a pidfd of it */
    int pidfd;
    int procs[CGROUP_HIERARCHIES]; /* each cgroup.procs that is to be joined by writing 0 */
    size_t group_count;            /* how many of them; 0: already there */
};

/* What is said on the way. Nothing more (the pipe closes on exec) is success. */
struct spawn_report {
    int code; /* an errno, and where it happened; 0: no failure */
    char step[48];
    pid_t pid;    /* the command was started, and this is its host pid; 0: not said */
    pid_t tracer; /* who traces it; 0: not said */
};

/** Say on @fd that @step failed with errno, and exit. */
void spawn_fail(int fd, const char *step) __attribute__((noreturn));

/** No signal ignored, handled or blocked. */
void default_signals(void);

/** Join the groups and the namespaces, start @command as a child of this process's own parent (CLONE_PARENT), tell its pid on @failure_fd, and exit. */
void enter_lab(const struct entrance *to, const struct lab_command *command, int failure_fd) __attribute__((noreturn));

/** Under a tracer: what @socket is told, and what is made of it at the other end, where fd @socket is the only one that is known. enter_receive calls enter_lab, or returns an exit status when
 * there is nobody to tell. */
int enter_send(int socket, const struct entrance *to, const struct lab_command *command, int failure_fd,
               struct err *err);
int enter_receive(int socket);

#endif

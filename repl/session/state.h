/** The kernel's state beside the step: read anew each time from the processes of the active terminal, never from what was typed. */
#ifndef REPL_SESSION_STATE_H
#define REPL_SESSION_STATE_H

#include "engine/observe/observe.h"

struct session;

#define STATE_LINES 64
struct session_state {
    pid_t process; /* foreground process of the active terminal: host pid, and as the lab sees it */
    pid_t inside;
    char command[64];
    bool differs[NAMESPACE_KINDS]; /* its namespace is not the lab's */
    uint64_t inode[NAMESPACE_KINDS], lab_inode[NAMESPACE_KINDS];
    char root[256];        /* its root directory as the lab sees it: "/" or "/my-new-root" */
    bool rooted;           /* it is not the lab's root */
    char waits_for[512];   /* what the current check said last; "" if it passed or has not run */
    struct state_missing { /* the step's `watch` lines: `closure ROOT PROGRAM…` */
        char root[128], program[64];
        bool there; /* the program itself is in ROOT */
        unsigned needed, present;
        char missing[8][96]; /* names of files not there yet, "" ends */
    } closures[4];
    unsigned closure_count;
};

/** Read it. Never fails: what cannot be read is left empty. Takes well under 5 ms. */
void session_state_read(struct session *session, struct session_state *state);

#endif

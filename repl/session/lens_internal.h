/** What the files of this room share about a lens: being fed, and what marks its rows. Nothing outside it includes this but tests. */
#ifndef REPL_SESSION_LENS_INTERNAL_H
#define REPL_SESSION_LENS_INTERNAL_H

#include "repl/session/lens.h"

#include <sched.h>

#define LENS_NAME_MAX 32        /* of a syscall */
#define LENS_ARGUMENTS_MAX 1000 /* bytes kept of them; more are cut, with "…" */
#define LENS_WISHES 16

/* A call that the step says should be caused. */
struct lens_wish {
    char name[LENS_NAME_MAX];
    enum { LENS_ANY, LENS_FAILED, LENS_SUCCEEDED, LENS_NEVER } outcome; /* LENS_NEVER: `assert not syscall` */
    int error;                                                          /* LENS_FAILED: with this errno; 0: any */
    char process[16];                                                   /* by a process of this name; "": any */
    char text[64]; /* with this among its arguments; "": whatever they are */
};

struct lens *lens_new(void);
void lens_free(struct lens *lens);

/** A new strace begins to feed it. What it says before @shell has been executed is the way into the lab, and left out. */
void lens_begin(struct lens *lens, pid_t shell);
/** Lines, in pieces of any size. @now: ms, as loop_now. Processes that are met are looked up in /proc, before they are gone. */
void lens_feed(struct lens *lens, const char *bytes, size_t len, uint64_t now);
/** What strace last said for itself ("strace: …"), or "". */
const char *lens_said(const struct lens *lens);

/** The shell is at its prompt: what comes from now on may be of the command that is accepted next. */
void lens_prompt(struct lens *lens);
/** Command @number was accepted: what was seen a moment before, but after the prompt, is of it too: the two ways here are not of one speed. */
void lens_command(struct lens *lens, unsigned number, uint64_t now);

/** The processes that are known now: they have made a call, and have not ended. */
size_t lens_processes(const struct lens *lens);
pid_t lens_process_at(const struct lens *lens, size_t index);

/** A step begins: what it should cause. Returns the number that the first call after this will have, at least. */
uint64_t lens_expect(struct lens *lens, const struct lens_wish *wishes, size_t count);

/** The wishes in a check's script: its `assert syscall NAME [failed ERRNO|succeeded]`, each once. Returns how many. */
size_t lens_wishes(const char *check, struct lens_wish wishes[LENS_WISHES]);

/* lens_pin.c */
struct lens_pin {
    bool on;
    cpu_set_t anywhere, core; /* on: where they may run without it, and where they do */
};
/** Let share a core: @strace, @shell, the processes of the group @foreground and those it comes from, and who is born of them. Again while it goes on: those that came since. */
void lens_pin(struct lens_pin *pin, const struct lens *lens, pid_t shell, pid_t foreground, pid_t strace);
/** Each of them may run again where it could before. */
void lens_unpin(struct lens_pin *pin, pid_t strace);

#endif

/** What the tools that run a program in other surroundings share: running it, ending as it ended, and the words for its surroundings. */
#ifndef ENGINE_TOOLS_PROGRAM_H
#define ENGINE_TOOLS_PROGRAM_H

#include "engine/tools/options.h"

#include <stdint.h>
#include <sys/types.h>

/** Become @argv, found by PATH; without words, the user's shell ($SHELL, else /bin/sh) as a login shell. Returns only if that failed, after saying why as @tool:
 * the exit status, 127 (there is no such program) or 126 (it cannot be run). */
int program_run(const char *tool, char **argv);

/** The execve that would be, for --explain. */
void program_explain(char **argv, struct tool_explanation *e);

/** Wait for the child @pid and end as it did: with its exit status, or by its signal. @stops: when it stops, stop too, and let it go on after. */
void program_end_as(pid_t pid, bool stops) __attribute__((noreturn));

/** "CLONE_NEWNS|CLONE_NEWPID" for unshare, setns and clone3 flags; "0" for none. */
const char *namespace_flags(int flags, char *text, size_t size);

#endif

/** Why the kernel says "No such file or directory" of a program that is there: what it names to run it by is not. */
#ifndef ENGINE_TOOLS_LOADER_H
#define ENGINE_TOOLS_LOADER_H

#include <stdbool.h>
#include <stddef.h>

/** Find @program as execvp(3) would, by PATH if it has no slash, and say in one line (in @why, no newline) what hinders it: it is there and its dynamic
 * loader or interpreter is not. Returns false if that is not the reason. Paths are of this process' root. */
bool loader_missing(const char *program, char *why, size_t size);

#endif

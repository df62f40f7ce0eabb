/** How this room tries things: in a forked child that may wreck itself as it likes, and by running programs. */
#ifndef ENGINE_OBSERVE_TRY_H
#define ENGINE_OBSERVE_TRY_H

#include "engine/observe/host.h"

#include <sys/types.h>

typedef enum host_answer host_probe_fn(char *found, size_t size);

/** Run @probe in a child with namespaces and limits of its own to spoil; its answer and line come back. One that takes over 5 s is killed with all its processes. */
enum host_answer host_try(host_probe_fn *probe, char *found, size_t size);

/** Set @found, return @answer: `return host_say(HOST_NO, found, size, "…")`. */
enum host_answer host_say(enum host_answer answer, char *found, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** As host_say(HOST_NO), with ": " and the words for errno. */
enum host_answer host_fails(char *found, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Only in a child of host_try. Enter a user namespace of our own, the current user as its root. Returns 0, or -1 with @found saying why not. */
int host_enter_user_namespace(char *found, size_t size);

/** Only in a child of host_try. Enter a mount namespace with an empty tmpfs as working directory. Returns 0, or -1 with @found set. */
int host_enter_scratch(char *found, size_t size);

/** Path of @program in PATH or the system's sbin directories. Returns @path, or NULL. */
const char *host_program(const char *program, char *path, size_t size);

/** Run @argv (looked up as above) with no input; the first bytes of what it prints, both streams, go to @output. Returns its wait status; -1 if it could not be run. */
int host_run(const char *const argv[], char *output, size_t size);

#endif

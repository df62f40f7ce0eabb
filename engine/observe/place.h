/** Where a process stands: paths it names are looked up from here, by policy (open.h), so that a symlink in a lab never shows the host's files. */
#ifndef ENGINE_OBSERVE_PLACE_H
#define ENGINE_OBSERVE_PLACE_H

#include "engine/base/err.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct observe_place {
    int root;           /* its root directory, O_PATH */
    char cwd[PATH_MAX]; /* as seen from that root: begins with '/' */
    char *environment;  /* its environment when it started: NAME=VALUE strings, each with its NUL */
    size_t environment_len;
};

/** Look at process @pid. Returns 0, or -1 with @err set (ESRCH: it is gone). Cheap enough for each Tab. */
int observe_place(pid_t pid, struct observe_place *place, struct err *err);
void observe_place_free(struct observe_place *place);

/** What the environment had for @name, of @len bytes, or NULL. */
const char *observe_place_variable(const struct observe_place *place, const char *name, size_t len);

#endif

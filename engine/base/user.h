/** Where this user's files are kept, by the XDG base directory specification. */
#ifndef ENGINE_BASE_USER_H
#define ENGINE_BASE_USER_H

#include "engine/base/err.h"

#include <stddef.h>

/** The cache's directory, which may not be there yet: below $XDG_CACHE_HOME, /var/cache for root, ~/.cache for others. Returns 0 or -1. */
int user_cache_path(char *path, size_t size, struct err *err);

/** File @name of what is kept between runs, malloc'ed: below $XDG_STATE_HOME, or ~/.local/state. NULL: no memory. */
char *user_state_path(const char *name);

#endif

#include "engine/base/user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int user_cache_path(char *path, size_t size, struct err *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n;
    if (cache && cache[0] == '/')
        n = snprintf(path, size, "%s/teachroot", cache);
    else if (geteuid() == 0)
        n = snprintf(path, size, "/var/cache/teachroot");
    else if (home && home[0] == '/')
        n = snprintf(path, size, "%s/.cache/teachroot", home);
    else
        return err_say(err, ENOENT, "no place for a cache: neither XDG_CACHE_HOME nor HOME is set");
    return n < 0 || (size_t)n >= size ? err_set(err, ENAMETOOLONG, "the cache's path") : 0;
}

char *user_state_path(const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int made;
    if (state && *state == '/')
        made = asprintf(&path, "%s/teachroot/%s", state, name);
    else
        made = asprintf(&path, "%s/.local/state/teachroot/%s", home && *home ? home : "/root", name);
    return made < 0 ? NULL : path;
}

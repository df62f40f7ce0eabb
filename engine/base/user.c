#include "engine/base/user.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

int user_make_parents(const char *path, struct err *err)
{
    cleanup_free char *parents = strdup(path);
    if (!parents)
        return err_set(err, ENOMEM, "make the directories above `%s`", path);
    for (char *slash = strchr(parents + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(parents, 0700) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir `%s`", parents);
        *slash = '/';
    }
    return 0;
}

#include "engine/docker/docker.h"

#include <limits.h>

struct store *docker_store(const char *verb, enum store_access access)
{
    char path[PATH_MAX], below[PATH_MAX];
    struct err err = { 0 };
    store_default_below(below, sizeof below);
    struct store *store =
        store_default_path(path, sizeof path, &err) < 0 ? NULL : store_open(path, access, below, &err);
    if (!store)
        fprintf(stderr, "%s: %s\n", verb, err.message);
    return store;
}

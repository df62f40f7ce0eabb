/* Where a process stands: its root, its directory, its environment. */
#include "engine/observe/place.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_ENVIRONMENT (256 << 10)

/* The directory as seen from the root: both links are told from our own root, so the one's text begins with the other's. */
static int read_cwd(pid_t pid, char *cwd, struct err *err)
{
    char link[64], root[PATH_MAX], here[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/root", (int)pid);
    ssize_t root_len = readlink(link, root, sizeof root - 1);
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t len = readlink(link, here, sizeof here - 1);
    if (root_len < 0 || len < 0)
        return err_set(err, errno == ENOENT ? ESRCH : errno, "read `%s`", link);
    root[root_len] = here[len] = '\0';
    if (root_len == 1)
        root_len = 0;
    bool below = strncmp(here, root, (size_t)root_len) == 0 && (here[root_len] == '/' || !here[root_len]);
    strcpy(cwd, below && here[root_len] ? here + root_len : "/");
    return 0;
}

int observe_place(pid_t pid, struct observe_place *place, struct err *err)
{
    char path[64];
    memset(place, 0, sizeof *place);
    place->root = -1;
    if (read_cwd(pid, place->cwd, err) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    place->root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, err);
    place->environment = malloc(MAX_ENVIRONMENT);
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = place->environment && fd >= 0 ? 0 : -1;
    while (n >= 0 && place->environment_len < MAX_ENVIRONMENT - 1 &&
           (n = read(fd, place->environment + place->environment_len, MAX_ENVIRONMENT - 1 - place->environment_len)) >
               0)
        place->environment_len += (size_t)n;
    if (place->root < 0 || n < 0) {
        if (place->root >= 0)
            err_set(err, errno, "read `%s`", path);
        observe_place_free(place);
        return -1;
    }
    place->environment[place->environment_len] = '\0';
    return 0;
}

void observe_place_free(struct observe_place *place)
{
    if (place->root >= 0)
        close(place->root);
    free(place->environment);
    memset(place, 0, sizeof *place);
    place->root = -1;
}

const char *observe_place_variable(const struct observe_place *place, const char *name, size_t len)
{
    for (size_t i = 0; i < place->environment_len; i += strlen(place->environment + i) + 1)
        if (strncmp(place->environment + i, name, len) == 0 && place->environment[i + len] == '=')
            return place->environment + i + len + 1;
    return NULL;
}

#include "engine/tools/loader.h"

#include "engine/base/cleanup.h"
#include "engine/rootfs/elf_closure.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The file that execvp would start. */
static bool find_program(const char *program, char *path, size_t size)
{
    if (strchr(program, '/')) {
        snprintf(path, size, "%s", program);
        return access(path, F_OK) == 0;
    }
    const char *at = getenv("PATH");
    if (!at)
        at = "/bin:/usr/bin";
    while (*program) {
        const char *end = strchrnul(at, ':');
        snprintf(path, size, "%.*s%s%s", (int)(end - at), at, end > at ? "/" : "", program);
        if (access(path, X_OK) == 0)
            return true;
        if (!*end)
            break;
        at = end + 1;
    }
    return false;
}

/* The PATH of a first line `#!PATH WORD`. */
static bool script_interpreter(const char *path, char *interpreter, size_t size)
{
    char line[256];
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[n] = '\0';
    const char *name = line + 2 + strspn(line + 2, " \t");
    snprintf(interpreter, size, "%.*s", (int)strcspn(name, " \t\r\n"), name);
    return *interpreter != '\0';
}

bool loader_missing(const char *program, char *why, size_t size)
{
    char path[PATH_MAX], interpreter[256];
    if (!find_program(program, path, sizeof path))
        return false;
    if (script_interpreter(path, interpreter, sizeof interpreter)) {
        if (access(interpreter, F_OK) == 0)
            return false;
        snprintf(why, size, "%s is there; it is a script for %s, and that is missing here", path, interpreter);
        return true;
    }
    struct closure closure;
    if (elf_closure(AT_FDCWD, path, &closure, NULL) < 0)
        return false;
    bool missing = false;
    for (size_t i = 0; i < closure.count && !missing; i++) {
        const struct closure_entry *entry = &closure.entries[i];
        missing = entry->interpreter && (!entry->path || access(entry->name, F_OK) < 0);
        if (missing)
            snprintf(why, size, "%s is there; its loader %s, which must start it, is missing here", path, entry->name);
    }
    closure_free(&closure);
    return missing;
}

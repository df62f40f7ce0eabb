/* Claims about whole root filesystems. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 6

static int open_root(struct claim *claim, const char *path)
{
    struct err err;
    struct stat st;
    int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, &err);
    if (root < 0 && stat(path, &st) < 0)
        see_missing(claim, path);
    else if (root < 0)
        see(claim, CLAIM_FAILS, "%s is no directory", path);
    return root;
}

static bool has(int root, const char *path, mode_t type)
{
    struct stat st;
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, NULL);
    return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/* What every system's root directory has; what a shell needs to start is the claim `runs`. */
static enum verdict see_parts(struct claim *claim, int root, const char *path)
{
    static const struct {
        const char *path;
        mode_t type;
    } parts[] = { { "/bin/sh", S_IFREG }, { "/etc/passwd", S_IFREG }, { "/bin", S_IFDIR }, { "/proc", S_IFDIR },
                  { "/sys", S_IFDIR },    { "/dev", S_IFDIR },        { "/tmp", S_IFDIR }, { "/root", S_IFDIR } };
    char missing[256] = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = strlen(missing);
        if (!has(root, parts[i].path, parts[i].type))
            snprintf(missing + len, sizeof missing - len, "%s%s", len ? ", " : "", parts[i].path);
    }
    if (!*missing)
        return see(claim, CLAIM_HOLDS, "%s is a whole root filesystem", path);
    return see(claim, CLAIM_FAILS, "%s is no whole root filesystem yet: it has no %s", path, missing);
}

enum verdict claim_rootfs(struct claim *claim)
{
    cleanup_close int root = open_root(claim, claim->words[0]);
    return root < 0 ? CLAIM_FAILS : see_parts(claim, root, claim->words[0]);
}

/* One of os-release's fields is DISTRIBUTION: ID=debian, VERSION_CODENAME=bookworm … */
enum verdict claim_rootfs_of(struct claim *claim)
{
    const char *path = claim->words[0], *wanted = claim->words[1];
    static const char *const fields[] = { "ID=", "VERSION_ID=", "VERSION_CODENAME=", "PRETTY_NAME=" };
    char text[8192], seen[128] = "a distribution without a name";
    cleanup_close int root = open_root(claim, path);
    if (root < 0)
        return CLAIM_FAILS;
    enum verdict whole = see_parts(claim, root, path);
    if (whole != CLAIM_HOLDS)
        return whole;
    cleanup_close int fd = open_policy(root, "/etc/os-release", OPEN_IN_ROOT_READ, NULL);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (len < 0)
        return see(claim, CLAIM_FAILS, "%s has no /etc/os-release that says whose it is", path);
    text[len] = '\0';
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            size_t field = strlen(fields[i]);
            if (strncmp(line, fields[i], field) != 0)
                continue;
            char *value = line + field + (line[field] == '"');
            value[strcspn(value, "\"")] = '\0';
            if (strcmp(value, wanted) == 0)
                return see(claim, CLAIM_HOLDS, "%s is a root filesystem of %s", path, wanted);
            if (i == 3)
                snprintf(seen, sizeof seen, "%s", value);
        }
    return see(claim, CLAIM_FAILS, "%s is a root filesystem of %s, not of %s", path, seen, wanted);
}

/* Is it a link to PROGRAM, as read in ROOT? By the target's text: whether that is there is another claim. */
static bool leads_to(int dir, const char *name, const char *program)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    const char *base = strrchr(target, '/'), *wanted = strrchr(program, '/');
    if (target[0] == '/')
        return strcmp(target, program) == 0;
    return strcmp(base ? base + 1 : target, wanted ? wanted + 1 : program) == 0;
}

static unsigned long count_links(int dirfd_, const char *program, int depth)
{
    int again = openat(dirfd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    unsigned long count = 0;
    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (entry->d_type == DT_LNK && leads_to(dirfd_, name, program))
            count++;
        if (entry->d_type != DT_DIR || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || depth == 0)
            continue;
        if (strcmp(name, "proc") == 0 || strcmp(name, "sys") == 0) /* may be mounted, and hold no program */
            continue;
        cleanup_close int child = openat(dirfd_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child >= 0)
            count += count_links(child, program, depth - 1);
    }
    return count;
}

enum verdict claim_names(struct claim *claim)
{
    const char *path = claim->words[0], *program = claim->words[1];
    char *end;
    unsigned long wanted = strtoul(claim->words[2], &end, 10);
    if (*end || end == claim->words[2])
        return see(claim, CLAIM_WRONG, "`%s` is no number of names", claim->words[2]);
    cleanup_close int root = open_root(claim, path);
    if (root < 0)
        return CLAIM_FAILS;
    unsigned long found = count_links(root, program, DEEPEST);
    return see(claim, found >= wanted ? CLAIM_HOLDS : CLAIM_FAILS, "in %s, %lu name%s a link to %s, of at least %lu",
               path, found, found == 1 ? " is" : "s are", program, wanted);
}

/* The files that a step made or wrote: found by when they changed, in the places where a lab's own files lie. */
#include "repl/adopt/claims.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define MOST_ENTRIES 60000    /* looked at, so that a tree of millions does not hold up everything */
#define MOST_OF_A_DIRECTORY 3 /* new files in a new directory that are named; with more the directory says enough */
#define MOST_FILES 12
#define DEEPEST 12

static const char *const places[] = { "/root", "/tmp", "/srv",       "/opt", "/home",
                                      "/mnt",  "/etc", "/usr/local", "/var", "/run" };

/* What programs write as they go, whatever they are for. */
static const char *const ignored[] = {
    "/var/cache*",      "/var/log*",   "/var/lib/apt*", "/var/lib/dpkg*", "/run/teachroot*", "/etc/ld.so.cache",
    "*/.*_history",     "*/.viminfo*", "*/.lesshst",    "*/.wget-hsts",   "*/work/work",     "/etc/mtab",
    "/var/lib/docker*", "*/.cache*",   "/run/netns*",   "/run/mount*",    "*.swp",           "/etc/*-"
};

struct walk {
    struct adopt_claims *claims;
    struct made_files *made;
    const struct timespec *since;
    size_t looked, named;
    bool failed;
};

static bool is_ignored(const char *path)
{
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (fnmatch(ignored[i], path, 0) == 0)
            return true;
    return false;
}

/* Timestamps are taken a clock tick back at most. */
static bool is_newer(const struct timespec *time, const struct timespec *since)
{
    return time->tv_sec > since->tv_sec || (time->tv_sec == since->tv_sec && time->tv_nsec >= since->tv_nsec);
}

/* One line of text that the file begins with, if it is text and short: it says what the file is for. */
static bool first_line(int directory, const char *name, char *line, size_t size)
{
    char text[256];
    cleanup_close int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (got <= 0)
        return false;
    text[got] = '\0';
    size_t len = strcspn(text, "\n");
    if (len < 2 || len >= size || (size_t)got != strlen(text))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isprint((unsigned char)text[i]))
            return false;
    snprintf(line, size, "%.*s", (int)len, text);
    return true;
}

void made_files_free(struct made_files *made)
{
    for (size_t i = 0; i < made->count; i++)
        free(made->list[i]);
    free(made->list);
    *made = (struct made_files){ 0 };
}

static int note_made(struct made_files *made, const char *path)
{
    char **grown = realloc(made->list, (made->count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    made->list = grown;
    grown[made->count] = strdup(path);
    return grown[made->count] ? (made->count++, 0) : -1;
}

/* A program in the `bin` of a root directory that is being made: does it run there? */
static int claim_runs(struct walk *walk, const char *path, unsigned group)
{
    const char *bin = strstr(path, "/bin/") ? strstr(path, "/bin/") : strstr(path, "/sbin/");
    if (bin && bin - path >= 4 && strncmp(bin - 4, "/usr", 4) == 0)
        bin -= 4;
    size_t len = bin ? (size_t)(bin - path) : 0;
    if (len == 0 || strncmp(path, "/usr/local", len) == 0)
        return 0;
    cleanup_free char *root = strndup(path, len), *of = root ? claims_word(root) : NULL, *program = claims_word(bin);
    return of && program ? claims_add(walk->claims, CLAIM_FILE, group, "assert runs %s %s", of, program) : -1;
}

static int claim_link(struct walk *walk, int directory, const char *name, const char *word)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(directory, name, target, sizeof target - 1);
    target[len < 0 ? 0 : len] = '\0';
    cleanup_free char *to = claims_word(target);
    return to ? claims_add(walk->claims, CLAIM_FILE, 0, "assert link %s to %s", word, to) : -1;
}

/* What says most comes first. */
static int claim_regular(struct walk *walk, int directory, const char *name, const char *path, const char *word,
                         bool executable)
{
    char line[64];
    unsigned group = ++walk->claims->groups;
    int result = executable ? claim_runs(walk, path, group) : 0;
    if (result == 0 && executable)
        result = claims_add(walk->claims, CLAIM_FILE, group, "assert executable %s", word);
    if (result == 0 && first_line(directory, name, line, sizeof line)) {
        cleanup_free char *content = claims_word(line);
        result =
            content ? claims_add(walk->claims, CLAIM_FILE, group, "assert file %s contains %s", word, content) : -1;
    }
    return result == 0 ? claims_add(walk->claims, CLAIM_FILE, group, "assert file %s", word) : -1;
}

static int claim_file(struct walk *walk, int directory, const char *name, const char *path, const struct stat *st)
{
    cleanup_free char *word = claims_word(path);
    if (!word)
        return -1;
    switch (st->st_mode & S_IFMT) {
    case S_IFLNK:
        return claim_link(walk, directory, name, word);
    case S_IFCHR:
        return claims_add(walk->claims, CLAIM_FILE, 0, "assert whiteout %s", word);
    case S_IFDIR:
        return claims_add(walk->claims, CLAIM_FILE, 0, "assert directory %s", word);
    default:
        return claim_regular(walk, directory, name, path, word, st->st_mode & 0111);
    }
}

/* A file system whose files nobody made. */
static bool is_kernels(int fd)
{
    static const long types[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                                  DEVPTS_SUPER_MAGIC };
    struct statfs fs;
    bool found = fstatfs(fd, &fs) < 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        found |= (long)fs.f_type == types[i];
    return found;
}

static void walk_directory(struct walk *walk, int fd, const char *path, dev_t device, unsigned depth);

static void visit(struct walk *walk, int directory, const char *name, const char *path, dev_t device, unsigned depth,
                  size_t *named)
{
    struct stat st;
    walk->looked++;
    if (is_ignored(path) || fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    bool is_made = is_newer(&st.st_ctim, walk->since);
    bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
    bool wanted = S_ISDIR(st.st_mode) || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) || whiteout;
    if (is_made && wanted && walk->named < MOST_FILES && *named < MOST_OF_A_DIRECTORY) {
        walk->failed |= claim_file(walk, directory, name, path, &st) < 0 || note_made(walk->made, path) < 0;
        walk->named++;
        ++*named;
    }
    if (!S_ISDIR(st.st_mode) || depth == DEEPEST)
        return;
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && st.st_dev != device && is_kernels(fd))
        close(fd);
    else if (fd >= 0)
        walk_directory(walk, fd, path, st.st_dev, depth + 1);
}

/* Files before directories before links, each by name: the same few are named each time. */
static int by_kind(const struct dirent **a, const struct dirent **b)
{
    static const unsigned char order[] = { DT_REG, DT_CHR, DT_DIR, DT_LNK };
    size_t one = 0, two = 0;
    while (one < sizeof order && order[one] != (*a)->d_type)
        one++;
    while (two < sizeof order && order[two] != (*b)->d_type)
        two++;
    return one != two ? (one > two ? 1 : -1) : strcmp((*a)->d_name, (*b)->d_name);
}

/* @fd is closed. No symbolic link is followed, so nobody in the lab can lead the walk out of it. */
static void walk_directory(struct walk *walk, int fd, const char *path, dev_t device, unsigned depth)
{
    struct dirent **entries = NULL;
    cleanup_close int directory = fd;
    int count = scandirat(directory, ".", &entries, NULL, by_kind);
    size_t named = 0;
    for (int i = 0; i < count; i++) {
        char below[PATH_MAX];
        const char *name = entries[i]->d_name;
        if (walk->looked < MOST_ENTRIES && !walk->failed && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            (size_t)snprintf(below, sizeof below, "%s/%s", path, name) < sizeof below)
            visit(walk, directory, name, below, device, depth, &named);
        free(entries[i]);
    }
    free(entries);
}

static int claim_gone(int root, const char *path, struct adopt_claims *claims)
{
    struct err err = { 0 };
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_LEAF, &err);
    cleanup_free char *word = claims_word(path);
    if (fd >= 0 || err.code != ENOENT)
        return 0;
    return word ? claims_add(claims, CLAIM_FILE, 0, "assert not file %s && assert not directory %s", word, word) : -1;
}

int files_changed(struct session *session, const struct timespec *since, struct made_files *made,
                  struct adopt_claims *claims)
{
    struct walk walk = { .claims = claims, .made = made, .since = since };
    struct err err;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", lab_init_pid(session_lab(session)));
    cleanup_close int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, &err);
    if (root < 0)
        return 0; /* the lab has ended: nothing can be seen in it */
    for (size_t i = 0; i < made->count && !walk.failed; i++)
        walk.failed |= claim_gone(root, made->list[i], claims) < 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !walk.failed; i++) {
        struct stat st;
        int fd = open_policy(root, places[i], OPEN_IN_ROOT_DIRECTORY, &err);
        walk.looked = 0;
        if (fd >= 0 && fstat(fd, &st) == 0)
            walk_directory(&walk, fd, places[i], st.st_dev, 0);
        else if (fd >= 0)
            close(fd);
    }
    return walk.failed ? -1 : 0;
}

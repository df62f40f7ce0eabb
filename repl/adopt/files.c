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
static const char *const ignored[] = { "/var/cache*",     "/var/log*",        "/var/lib/apt*", "/var/lib/dpkg*",
                                       "/run/teachroot*", "/etc/ld.so.cache", "*/.*_history",  "*/.viminfo*",
                                       "*/.lesshst",      "*/.wget-hsts",     "/etc/mtab",     "/var/lib/docker*",
                                       "*/.cache*",       "/run/netns*",      "/run/mount*",   "*.swp",
                                       "/etc/*-" };

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

static int claim_file(struct walk *walk, int directory, const char *name, const char *path, const struct stat *st)
{
    char line[64], target[PATH_MAX];
    cleanup_free char *word = claims_word(path);
    unsigned group = ++walk->claims->groups;
    int result = word ? 0 : -1;
    if (result < 0)
        return -1;
    if (S_ISLNK(st->st_mode)) {
        ssize_t len = readlinkat(directory, name, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = '\0';
        cleanup_free char *to = claims_word(target);
        return to ? claims_add(walk->claims, CLAIM_FILE, group, "assert link %s to %s", word, to) : -1;
    }
    if (S_ISREG(st->st_mode) && first_line(directory, name, line, sizeof line)) {
        cleanup_free char *content = claims_word(line);
        result =
            content ? claims_add(walk->claims, CLAIM_FILE, group, "assert file %s contains %s", word, content) : -1;
    }
    if (result == 0 && S_ISREG(st->st_mode) && (st->st_mode & 0111))
        result = claims_add(walk->claims, CLAIM_FILE, ++walk->claims->groups, "assert executable %s", word);
    if (result == 0)
        result = claims_add(walk->claims, CLAIM_FILE, group, "assert %s %s",
                            S_ISDIR(st->st_mode) ? "directory" : "file", word);
    return result;
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
    bool wanted = S_ISDIR(st.st_mode) || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode);
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

/* @fd is closed. No symbolic link is followed, so nobody in the lab can lead the walk out of it. */
static void walk_directory(struct walk *walk, int fd, const char *path, dev_t device, unsigned depth)
{
    DIR *directory = fdopendir(fd);
    size_t named = 0;
    if (!directory) {
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) && walk->looked < MOST_ENTRIES && !walk->failed;) {
        char below[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= sizeof below)
            continue;
        visit(walk, dirfd(directory), entry->d_name, below, device, depth, &named);
    }
    closedir(directory);
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

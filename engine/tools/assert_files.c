/* Claims about files, and about programs in a root directory. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/elf_closure.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_FILE (16 << 20)

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "a regular file";
    case S_IFDIR:
        return "a directory";
    case S_IFLNK:
        return "a symbolic link";
    case S_IFCHR:
        return "a character device";
    case S_IFBLK:
        return "a block device";
    case S_IFIFO:
        return "a pipe";
    default:
        return "a socket";
    }
}

/* The names in a directory of a few; of a larger one none, for they would bury the point. Returns how many were seen. */
static unsigned list_names(const char *path, char *text, size_t size)
{
    cleanup_dir DIR *dir = opendir(path);
    const struct dirent *entry;
    size_t len = 0;
    unsigned names = 0;
    text[0] = '\0';
    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (++names > 5 || len + strlen(entry->d_name) + 16 > size) {
            text[0] = '\0';
            return names;
        }
        len += (size_t)snprintf(text + len, size - len, "%s%s", len ? " " : "", entry->d_name);
    }
    return names;
}

/* A path of which the first / was left out when it was made leads to a place in the directory a shell begins in. */
static bool is_at_home(const char *path, char *found, size_t size)
{
    const char *home = getenv("HOME");
    struct stat st;
    return home && *home == '/' && home[1] && *path == '/' &&
           (size_t)snprintf(found, size, "%s%s", home, path) < size && stat(found, &st) == 0;
}

enum verdict see_missing(struct claim *claim, const char *path)
{
    char parent[PATH_MAX], target[256], names[256];
    struct stat st;
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n >= 0)
        return see(claim, CLAIM_FAILS, "%s is a symbolic link to %.*s, which is not there", path, (int)n, target);
    if (is_at_home(path, parent, sizeof parent))
        return see(claim, CLAIM_FAILS, "there is no %s, but there is %s: was the first / left out?", path, parent);
    snprintf(parent, sizeof parent, "%s", path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = '\0';
    char *slash = strrchr(parent, '/');
    if (!slash)
        return see(claim, CLAIM_FAILS, "there is no %s", path);
    slash[slash == parent] = '\0';
    if (stat(parent, &st) < 0)
        return see(claim, CLAIM_FAILS, "there is no %s, and no %s either", path, parent);
    if (!S_ISDIR(st.st_mode))
        return see(claim, CLAIM_FAILS, "there is no %s: %s is %s", path, parent, kind_of(st.st_mode));
    if (list_names(parent, names, sizeof names) > 0)
        return see(claim, CLAIM_FAILS, *names ? "there is no %s; in %s there are: %s" : "there is no %s", path, parent,
                   names);
    return see(claim, CLAIM_FAILS, "there is no %s; %s is empty", path, parent);
}

/* stat(2), with what there is in claim->seen. Returns CLAIM_HOLDS if there is something at all. */
static enum verdict look(struct claim *claim, const char *path, struct stat *st)
{
    if (stat(path, st) == 0)
        return see(claim, CLAIM_HOLDS, "%s is %s", path, kind_of(st->st_mode));
    if (errno == ENOENT || errno == ENOTDIR)
        return see_missing(claim, path);
    return see(claim, CLAIM_UNKNOWN, "%s cannot be looked at: %s", path, strerrordesc_np(errno));
}

enum verdict claim_file(struct claim *claim)
{
    struct stat st;
    enum verdict verdict = look(claim, claim->words[0], &st);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    return S_ISREG(st.st_mode) ? CLAIM_HOLDS : CLAIM_FAILS;
}

enum verdict claim_directory(struct claim *claim)
{
    struct stat st;
    enum verdict verdict = look(claim, claim->words[0], &st);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    return S_ISDIR(st.st_mode) ? CLAIM_HOLDS : CLAIM_FAILS;
}

enum verdict claim_executable(struct claim *claim)
{
    struct stat st;
    const char *path = claim->words[0];
    enum verdict verdict = look(claim, path, &st);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    if (!S_ISREG(st.st_mode))
        return CLAIM_FAILS;
    if (st.st_mode & 0111)
        return see(claim, CLAIM_HOLDS, "%s may be executed", path);
    return see(claim, CLAIM_FAILS, "%s may not be executed: its mode is %04o, without any x", path, st.st_mode & 07777);
}

enum verdict claim_file_contains(struct claim *claim)
{
    const char *path = claim->words[0], *text = claim->words[1];
    enum verdict verdict = claim_file(claim);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    struct stat st;
    struct err err;
    cleanup_free char *all = stat(path, &st) == 0 && st.st_size < LONGEST_FILE ? malloc(LONGEST_FILE) : NULL;
    ssize_t len = all ? read_file_at(AT_FDCWD, path, all, LONGEST_FILE, &err) : -1;
    if (!all)
        return see(claim, CLAIM_UNKNOWN, "%s is too long to look through (over %d MiB)", path, LONGEST_FILE >> 20);
    if (len < 0)
        return see(claim, CLAIM_UNKNOWN, "%s", err.message);
    if (memmem(all, (size_t)len, text, strlen(text)))
        return see(claim, CLAIM_HOLDS, "%s contains `%s`", path, text);
    if (len == 0)
        return see(claim, CLAIM_FAILS, "%s is empty", path);
    size_t line = strcspn(all, "\n");
    return see(claim, CLAIM_FAILS, "%s does not contain `%s`; it begins with `%.*s`", path, text,
               line < 80 ? (int)line : 80, all);
}

enum verdict claim_link(struct claim *claim)
{
    const char *path = claim->words[0];
    char target[PATH_MAX];
    struct stat st;
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n >= 0)
        return see(claim, CLAIM_HOLDS, "%s is a symbolic link to %.*s", path, (int)n, target);
    if (lstat(path, &st) == 0)
        return see(claim, CLAIM_FAILS, "%s is %s", path, kind_of(st.st_mode));
    return see_missing(claim, path);
}

enum verdict claim_link_to(struct claim *claim)
{
    char target[PATH_MAX];
    enum verdict verdict = claim_link(claim);
    ssize_t n = verdict == CLAIM_HOLDS ? readlink(claim->words[0], target, sizeof target - 1) : -1;
    if (n < 0)
        return verdict;
    target[n] = '\0';
    return strcmp(target, claim->words[1]) == 0 ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* Where PROGRAM is in ROOT: a path as it is, a bare name in the usual directories. */
static int find_program(int root, const char *program, char *path, size_t size)
{
    static const char *const directories[] = { "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin" };
    if (strchr(program, '/'))
        return snprintf(path, size, "%s", program) < (int)size ? 0 : -1;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(path, size, "%s/%.200s", directories[i], program);
        cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, NULL);
        if (fd >= 0)
            return 0;
    }
    snprintf(path, size, "/bin/%.200s", program);
    return 0;
}

static const struct closure_entry *entry_named(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->count; i++)
        if (strcmp(closure->entries[i].name, name) == 0)
            return &closure->entries[i];
    return NULL;
}

struct missing {
    unsigned count;
    char text[800];
};

static void note_missing(struct missing *missing, const struct closure_entry *entry, const char *path)
{
    size_t len = strlen(missing->text), room = sizeof missing->text - len;
    missing->count++;
    if (strlen(path) + 32 < room)
        snprintf(missing->text + len, room, "%s%s%s", len ? ", " : "", path, entry->interpreter ? " (the loader)" : "");
    else if (room > 6 && strcmp(missing->text + len - 3, "…") != 0)
        snprintf(missing->text + len, room, " …");
}

/* What is missing by the closure in the root, named by the paths that the same program's libraries have @outside; and what these need in turn, which the root
 * itself cannot tell before they are there. */
static void list_missing(const struct closure *inside, const struct closure *outside, struct missing *missing)
{
    for (size_t i = 0; i < inside->count; i++) {
        const struct closure_entry *entry = &inside->entries[i];
        if (entry->path || entry_named(inside, entry->name) != entry) /* asked for by several: noted once */
            continue;
        const struct closure_entry *there = entry_named(outside, entry->name);
        note_missing(missing, entry, there && there->path ? there->path : entry->name);
    }
    for (size_t i = 0; missing->count > 0 && i < outside->count; i++) {
        const struct closure_entry *entry = &outside->entries[i];
        if (entry->path && !entry_named(inside, entry->name))
            note_missing(missing, entry, entry->path);
    }
}

/* The closure of the lab's own copy of the program; empty if that is another program. */
static void read_outside(const char *path, const struct stat *in_root, struct closure *outside)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size == in_root->st_size && elf_closure(AT_FDCWD, path, outside, NULL) == 0)
        return;
    *outside = (struct closure){ .count = 0 };
}

enum verdict claim_runs(struct claim *claim)
{
    const char *root_path = claim->words[0], *program = claim->words[1];
    char path[PATH_MAX];
    struct err err;
    struct stat st;
    cleanup_close int root = open_policy(AT_FDCWD, root_path, OPEN_ROOT_DIRECTORY, &err);
    if (root < 0)
        return stat(root_path, &st) < 0 ? see_missing(claim, root_path)
                                        : see(claim, CLAIM_FAILS, "%s is %s", root_path, kind_of(st.st_mode));
    if (find_program(root, program, path, sizeof path) < 0)
        return see(claim, CLAIM_FAILS, "the path of the program is too long");
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_PATH, &err);
    if (fd < 0 || fstat(fd, &st) < 0)
        return see(claim, CLAIM_FAILS, "in %s there is no %s", root_path, path);
    if (!S_ISREG(st.st_mode))
        return see(claim, CLAIM_FAILS, "in %s %s is %s", root_path, path, kind_of(st.st_mode));
    if (!(st.st_mode & 0111))
        return see(claim, CLAIM_FAILS, "in %s %s may not be executed: its mode is %04o", root_path, path,
                   st.st_mode & 07777);
    struct closure inside = { 0 }, outside = { 0 };
    if (elf_closure(root, path, &inside, &err) < 0)
        return see(claim, CLAIM_FAILS, "in %s %s does not run by itself: %s", root_path, path, err.message);
    read_outside(path, &st, &outside);
    struct missing missing = { .count = 0 };
    list_missing(&inside, &outside, &missing);
    size_t files = inside.count;
    closure_free(&inside);
    closure_free(&outside);
    if (missing.count == 0)
        return see(claim, CLAIM_HOLDS, "in %s %s has all it needs: %zu files", root_path, path, files);
    return see(claim, CLAIM_FAILS, "in %s %s still missing: %s", root_path,
               missing.count == 1 ? "this is" : "these are", missing.text);
}

/* Facts about paths: what is there, and what else may have been meant. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/similar.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define ENTRIES_MAX 4000

static bool status_of(const struct fact_call *call, const char *path, struct stat *st)
{
    cleanup_close int fd = fact_open(call, path);
    return fd >= 0 && fstat(fd, st) == 0;
}

enum fact_answer fact_exists_path(struct fact_call *call)
{
    return fact_says(fact_exists(call, call->arguments[0]));
}

enum fact_answer fact_directory(struct fact_call *call)
{
    struct stat st;
    return fact_says(status_of(call, call->arguments[0], &st) && S_ISDIR(st.st_mode));
}

enum fact_answer fact_executable(struct fact_call *call)
{
    struct stat st;
    return fact_says(status_of(call, call->arguments[0], &st) && S_ISREG(st.st_mode) && (st.st_mode & 0111));
}

/* Where the link at @path leads, if that is not there. */
static bool dangles(const struct fact_call *call, const char *path, char *to, size_t size)
{
    char absolute[PATH_MAX];
    if (fact_exists(call, path) || !fact_path(call, path, absolute))
        return false;
    cleanup_close int link = open_policy(call->place->root, absolute, OPEN_IN_ROOT_LEAF, NULL);
    ssize_t len = link < 0 ? -1 : readlinkat(link, "", to, size - 1);
    if (len <= 0)
        return false;
    to[len] = '\0';
    return true;
}

enum fact_answer fact_dangling(struct fact_call *call)
{
    char to[VALUE_LENGTH];
    return dangles(call, call->arguments[0], to, sizeof to) ? fact_give(call, "to", to) : FACT_NO;
}

enum fact_answer fact_parent_missing(struct fact_call *call)
{
    char path[VALUE_LENGTH];
    snprintf(path, sizeof path, "%s", call->arguments[0]);
    for (size_t end = strlen(path); end > 1 && path[end - 1] == '/';)
        path[--end] = '\0';
    for (char *at = path + 1; *path && (at = strchr(at, '/')); at++) {
        *at = '\0';
        if (!fact_exists(call, path))
            return fact_give(call, "parent", path);
        *at = '/';
    }
    return FACT_NO;
}

enum fact_answer fact_near(struct fact_call *call)
{
    char absolute[PATH_MAX], name[NAME_MAX + 1], near[PATH_MAX];
    const char *path = call->arguments[0];
    if (fact_exists(call, path) || !fact_path(call, path, absolute))
        return FACT_NO;
    char *slash = strrchr(absolute, '/');
    if ((size_t)snprintf(name, sizeof name, "%s", slash + 1) >= sizeof name)
        return FACT_NO;
    *slash = '\0';
    cleanup_dir DIR *dir = fact_entries(call, *absolute ? absolute : "/");
    const char *typed_slash = strrchr(path, '/');
    int typed = typed_slash ? (int)(typed_slash + 1 - path) : 0;
    struct dirent *entry;
    for (unsigned i = 0; dir && i < ENTRIES_MAX && (entry = readdir(dir)); i++)
        if (entry->d_name[0] != '.' && words_similar(name, entry->d_name)) {
            snprintf(near, sizeof near, "%.*s%s", typed, path, entry->d_name);
            return fact_give(call, "near", near);
        }
    return FACT_NO;
}

static enum fact_answer instead(struct fact_call *call, const char *found)
{
    return !fact_exists(call, call->arguments[0]) && fact_exists(call, found) ? fact_give(call, "found", found)
                                                                              : FACT_NO;
}

enum fact_answer fact_at_top(struct fact_call *call)
{
    char found[VALUE_LENGTH + 1];
    if (*call->arguments[0] == '/')
        return FACT_NO;
    snprintf(found, sizeof found, "/%s", call->arguments[0]);
    return instead(call, found);
}

enum fact_answer fact_here(struct fact_call *call)
{
    const char *path = call->arguments[0];
    return *path == '/' && path[1] ? instead(call, path + 1) : FACT_NO;
}

enum fact_answer fact_at_home(struct fact_call *call)
{
    char found[VALUE_LENGTH + 3];
    if (strchr("/~", *call->arguments[0]))
        return FACT_NO;
    snprintf(found, sizeof found, "~/%s", call->arguments[0]);
    return instead(call, found);
}

/* Of the lab's own root: the one its init has. */
static int lab_root(const struct fact_call *call)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", (int)call->lab);
    return open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, NULL);
}

enum fact_answer fact_in_lab(struct fact_call *call)
{
    char absolute[PATH_MAX];
    cleanup_close int root = lab_root(call);
    if (root < 0 || fact_exists(call, call->arguments[0]) || !fact_path(call, call->arguments[0], absolute))
        return FACT_NO;
    cleanup_close int fd = open_policy(root, absolute, OPEN_IN_ROOT_PATH, NULL);
    return fact_says(fd >= 0);
}

/* Its path as the lab's shells would write it, or false: it is the lab's own. */
static bool own_root(const struct fact_call *call, struct observe_root *root)
{
    struct observe_root lab;
    return observe_root(call->pid, root, NULL) == 0 && observe_root(call->lab, &lab, NULL) == 0 &&
           (root->dev != lab.dev || root->ino != lab.ino);
}

enum fact_answer fact_other_root(struct fact_call *call)
{
    struct observe_root root;
    return own_root(call, &root) ? fact_give(call, "root", root.path) : FACT_NO;
}

enum fact_answer fact_inside_root(struct fact_call *call)
{
    struct observe_root root;
    const char *path = call->arguments[0];
    if (!own_root(call, &root) || fact_exists(call, path))
        return FACT_NO;
    size_t len = strlen(root.path);
    if (len < 2 || strncmp(path, root.path, len) != 0 || path[len] != '/' || !fact_exists(call, path + len))
        return FACT_NO;
    return fact_give(call, "root", root.path) == FACT_YES ? fact_give(call, "inside", path + len) : FACT_UNKNOWN;
}

/* The parts of a list from @from to @to, as one path. */
static bool joined_exists(const struct fact_call *call, const char *from, size_t len, char *path, size_t size)
{
    snprintf(path, size, "%.*s", (int)len, from);
    return *path && fact_exists(call, path);
}

enum fact_answer fact_colon_path(struct fact_call *call)
{
    char path[VALUE_LENGTH];
    const char *list = call->arguments[0];
    for (const char *from = list; *from; from += strcspn(from, ":"), from += *from == ':')
        for (const char *to = strchr(from, ':'); to; to = *to ? to + 1 + strcspn(to + 1, ":") : NULL)
            if (memchr(from, ':', (size_t)(to - from)) &&
                joined_exists(call, from, (size_t)(to - from), path, sizeof path))
                return fact_give(call, "path", path);
    return FACT_NO;
}

enum fact_answer fact_missing_of(struct fact_call *call)
{
    char path[VALUE_LENGTH];
    for (const char *from = call->arguments[0]; *from; from += *from == ':') {
        size_t len = strcspn(from, ":");
        if (len && !joined_exists(call, from, len, path, sizeof path))
            return fact_give(call, "missing", path);
        from += len;
    }
    return FACT_NO;
}

enum fact_answer fact_whiteout(struct fact_call *call)
{
    struct stat st;
    return fact_says(status_of(call, call->arguments[0], &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0));
}

/* By what the directories are and not by their names: up from the one to the other. */
enum fact_answer fact_below(struct fact_call *call)
{
    struct stat above, st;
    cleanup_close int at = fact_open(call, call->arguments[0]);
    if (at < 0 || !status_of(call, call->arguments[1], &above))
        return FACT_UNKNOWN;
    for (unsigned i = 0; i < 256 && fstat(at, &st) == 0; i++) {
        if (st.st_dev == above.st_dev && st.st_ino == above.st_ino)
            return FACT_YES;
        int up = openat(at, "..", O_PATH | O_CLOEXEC | O_DIRECTORY);
        struct stat higher;
        if (up < 0 || fstat(up, &higher) < 0 || (higher.st_dev == st.st_dev && higher.st_ino == st.st_ino)) {
            if (up >= 0)
                close(up);
            break;
        }
        close(at);
        at = up;
    }
    return FACT_NO;
}

enum fact_answer fact_has_text(struct fact_call *call)
{
    char text[64];
    ssize_t len = fact_read(call, call->arguments[0], text, sizeof text);
    return len < 0 ? FACT_UNKNOWN : fact_says(len > 0);
}

enum fact_answer fact_file_says(struct fact_call *call)
{
    char text[64];
    if (fact_read(call, call->arguments[0], text, sizeof text) < 0)
        return FACT_UNKNOWN;
    text[strcspn(text, " \n")] = '\0';
    return fact_says(strcmp(text, call->arguments[1]) == 0);
}

enum fact_answer fact_open_quote(struct fact_call *call)
{
    char quote[2] = { call->quote, '\0' };
    return call->quote ? fact_give(call, "quote", quote) : FACT_NO;
}

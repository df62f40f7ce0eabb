#include "repl/screen/completion_groups.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNT "/sys/fs/cgroup"
#define DEPTH 3 /* of directories that are looked into for files: version 2's root lacks some */

struct search {
    const struct observe_place *place;
    enum explain_expects expects;
    const char *text;
    explain_offer_fn *offer;
    void *data;
};

static DIR *open_directory(const struct search *search, const char *path)
{
    int fd = open_policy(search->place->root, path, OPEN_IN_ROOT_DIRECTORY, NULL);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static bool is_directory(DIR *dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_name[0] == '.')
        return false;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool has(const struct search *search, const char *path)
{
    cleanup_close int fd = open_policy(search->place->root, path, OPEN_IN_ROOT_PATH, NULL);
    return fd >= 0;
}

/* ---- files ---- */

static void offer_files_of(const struct search *search, const char *path, unsigned depth)
{
    cleanup_dir DIR *dir = open_directory(search, path);
    struct dirent *entry;
    bool write = search->expects == EXPLAIN_GROUP_LIMIT;
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        char name[NAME_MAX + 2], below[PATH_MAX];
        if (is_directory(dir, entry)) {
            if (depth > 1 && snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below)
                offer_files_of(search, below, depth - 1);
        } else if (strchr(entry->d_name + 1, '.') && entry->d_name[0] != '.' &&
                   fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                   (st.st_mode & (write ? 0222 : 0444))) {
            snprintf(name, sizeof name, "%s%s", entry->d_name, write ? "=" : "");
            search->offer(name, search->data);
        }
    }
}

/* ---- groups ---- */

static bool version_2(const struct search *search)
{
    return has(search, MOUNT "/cgroup.controllers");
}

/* @before, and each group in @path (below the directory that is typed already) whose place is to be completed. */
static void offer_groups_in(const struct search *search, const char *hierarchy, const char *before, const char *typed)
{
    char path[PATH_MAX], word[PATH_MAX];
    const char *slash = strrchr(typed, '/');
    int directory = slash ? (int)(slash + 1 - typed) : 0;
    if (snprintf(path, sizeof path, MOUNT "/%s/%.*s", hierarchy, directory, typed) >= (int)sizeof path)
        return;
    cleanup_dir DIR *dir = open_directory(search, path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (is_directory(dir, entry) &&
            snprintf(word, sizeof word, "%s%.*s%s", before, directory, typed, entry->d_name) < (int)sizeof word)
            search->offer(word, search->data);
}

/* Each controller after the ones that are typed, with the colon that follows. */
static void offer_controllers(const struct search *search)
{
    char word[512], list[1024] = "";
    const char *comma = strrchr(search->text, ',');
    int typed = comma ? (int)(comma + 1 - search->text) : 0;
    cleanup_close int fd =
        version_2(search) ? open_policy(search->place->root, MOUNT "/cgroup.controllers", OPEN_IN_ROOT_PATH, NULL) : -1;
    cleanup_dir DIR *dir = NULL;
    if (fd >= 0) {
        char self[64];
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
        cleanup_file FILE *file = fopen(self, "re");
        if (file && fgets(list, sizeof list, file)) {
            char *rest = list;
            for (const char *name; (name = strsep(&rest, " \n"));)
                if (*name && snprintf(word, sizeof word, "%.*s%s:/", typed, search->text, name) < (int)sizeof word)
                    search->offer(word, search->data);
        }
        return;
    }
    dir = open_directory(search, MOUNT);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (is_directory(dir, entry) &&
            snprintf(word, sizeof word, "%.*s%s:/", typed, search->text, entry->d_name) < (int)sizeof word)
            search->offer(word, search->data);
}

void completion_groups(const struct observe_place *place, enum explain_expects expects, const char *text,
                       explain_offer_fn *offer, void *data)
{
    const struct search search = { place, expects, text, offer, data };
    const char *colon = strchr(text, ':');
    char before[256], first[64];
    if (expects == EXPLAIN_GROUP_FILE || expects == EXPLAIN_GROUP_LIMIT) {
        offer_files_of(&search, MOUNT, DEPTH);
    } else if (expects == EXPLAIN_GROUP && !colon) {
        offer_controllers(&search);
    } else if (expects == EXPLAIN_GROUP) {
        snprintf(before, sizeof before, "%.*s", (int)(colon + 1 - text), text);
        snprintf(first, sizeof first, "%.*s", (int)strcspn(text, ",:"), text);
        offer_groups_in(&search, version_2(&search) ? "" : first, before, colon + 1);
    } else if (version_2(&search)) {
        offer_groups_in(&search, "", "", text);
    } else {
        cleanup_dir DIR *dir = open_directory(&search, MOUNT);
        struct dirent *entry;
        while (dir && (entry = readdir(dir)))
            if (is_directory(dir, entry))
                offer_groups_in(&search, entry->d_name, "", text);
    }
}

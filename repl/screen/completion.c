#include "repl/screen/completion.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/screen/commands.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CANDIDATES_MAX 4000

static const char *const builtins[] = {
    "alias", "bg",      "cd",   "command", "declare", "echo",  "eval",   "exec",  "exit",    "export", "fg",     "for",
    "hash",  "history", "if",   "jobs",    "kill",    "local", "pushd",  "popd",  "pwd",     "read",   "return", "set",
    "shift", "source",  "test", "time",    "trap",    "type",  "ulimit", "umask", "unalias", "unset",  "wait",   "while"
};

struct candidates {
    char **list;
    size_t count, room;
    bool quoted; /* inside an open quote: nothing is escaped */
};

/* Bytes bash would not take as they are. */
static const char special[] = " \t\n\\'\"`$&|;<>()*?[]#~!{}";

static void add(struct candidates *candidates, const char *directory, const char *name, const char *end)
{
    if (candidates->count >= CANDIDATES_MAX)
        return;
    if (candidates->count + 1 >= candidates->room) {
        size_t room = candidates->room ? candidates->room * 2 : 64;
        char **more = realloc(candidates->list, room * sizeof(*more));
        if (!more)
            return;
        candidates->list = more;
        candidates->room = room;
    }
    char *text = malloc(strlen(directory) * 2 + strlen(name) * 2 + strlen(end) + 1), *out = text;
    if (!text)
        return;
    const char *parts[] = { directory, name };
    for (size_t p = 0; p < 2; p++)
        for (const char *at = parts[p]; *at; at++) {
            bool tilde = p == 0 && at == directory && *at == '~';
            if (!candidates->quoted && !tilde && strchr(special, *at))
                *out++ = '\\';
            *out++ = *at;
        }
    strcpy(out, end);
    candidates->list[candidates->count++] = text;
    candidates->list[candidates->count] = NULL;
}

/* The word as bash would read it. */
static void unescape(const char *word, bool quoted, char *out, size_t size)
{
    size_t used = 0;
    for (; *word && used + 1 < size; word++) {
        if (*word == '\\' && word[1] && !quoted)
            word++;
        out[used++] = *word;
    }
    out[used] = '\0';
}

static bool is_directory(int directory, int root, const char *path, const struct dirent *entry)
{
    if (entry->d_type == DT_DIR)
        return true;
    struct stat info;
    if (entry->d_type == DT_UNKNOWN)
        return fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
    if (entry->d_type != DT_LNK)
        return false;
    char target[PATH_MAX];
    if (snprintf(target, sizeof(target), "%s/%s", path, entry->d_name) >= (int)sizeof(target))
        return false;
    cleanup_close int fd = open_policy(root, target, OPEN_IN_ROOT_PATH, NULL);
    return fd >= 0 && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Add the entries of @path (below @root) that begin with @prefix; @written is how the word names that directory. */
static void add_entries(struct candidates *candidates, int root, const char *path, const char *written,
                        const char *prefix, bool programs)
{
    int fd = open_policy(root, path, OPEN_IN_ROOT_DIRECTORY, NULL);
    if (fd < 0)
        return;
    cleanup_dir DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (strncmp(name, prefix, strlen(prefix)) != 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            (name[0] == '.' && prefix[0] != '.'))
            continue;
        bool is_dir = is_directory(fd, root, path, entry);
        if (programs && is_dir)
            continue;
        add(candidates, written, name, is_dir ? "/" : "");
    }
}

/* The PATH the shell was started with. */
static void shell_path(pid_t shell, char *out, size_t size)
{
    char file[64], environment[8192];
    snprintf(file, sizeof(file), "/proc/%d/environ", (int)shell);
    snprintf(out, size, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, environment, sizeof(environment) - 1);
    if (n <= 0)
        return;
    environment[n] = '\0';
    for (char *at = environment; at < environment + n; at += strlen(at) + 1)
        if (strncmp(at, "PATH=", 5) == 0)
            snprintf(out, size, "%s", at + 5);
}

static void add_programs(struct candidates *candidates, pid_t shell, int root, const char *prefix, bool first)
{
    size_t len = strlen(prefix);
    for (size_t i = 0; first && i < command_count; i++)
        if (strncmp(commands[i].name, prefix, len) == 0)
            add(candidates, "", commands[i].name, "");
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
        if (strncmp(builtins[i], prefix, len) == 0)
            add(candidates, "", builtins[i], "");
    char path[4096], *rest = NULL;
    shell_path(shell, path, sizeof(path));
    for (char *directory = strtok_r(path, ":", &rest); directory; directory = strtok_r(NULL, ":", &rest))
        if (*directory == '/')
            add_entries(candidates, root, directory, "", prefix, true);
}

/* A program is wanted where a command begins. */
static bool begins_command(const char *line, size_t start)
{
    while (start > 0 && (line[start - 1] == ' ' || line[start - 1] == '\t'))
        start--;
    return start == 0 || strchr("|;&(", line[start - 1]);
}

static void add_files(struct candidates *candidates, pid_t shell, int root, const char *word)
{
    char path[PATH_MAX], link[64], written[PATH_MAX];
    const char *slash = strrchr(word, '/'), *prefix = slash ? slash + 1 : word;
    snprintf(written, sizeof(written), "%.*s", (int)(prefix - word), word);
    ssize_t n = 0;
    if (written[0] == '~' && written[1] == '/') {
        snprintf(path, sizeof(path), "/root%.4000s", written + 1);
    } else if (written[0] == '/') {
        snprintf(path, sizeof(path), "%s", written);
    } else {
        snprintf(link, sizeof(link), "/proc/%d/cwd", (int)shell);
        n = readlink(link, path, sizeof(path) - 1);
        if (n <= 0)
            return;
        path[n] = '\0';
        if ((size_t)n + strlen(written) + 2 > sizeof(path))
            return;
        path[n] = '/';
        strcpy(path + n + 1, written);
    }
    add_entries(candidates, root, path, written, prefix, false);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(struct candidates *candidates)
{
    qsort(candidates->list, candidates->count, sizeof(*candidates->list), compare);
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        if (kept && strcmp(candidates->list[kept - 1], candidates->list[i]) == 0)
            free(candidates->list[i]);
        else
            candidates->list[kept++] = candidates->list[i];
    }
    candidates->list[kept] = NULL;
    candidates->count = kept;
}

char **completion_find(pid_t shell, const char *line, const char *word, size_t start)
{
    char file[64], plain[PATH_MAX];
    struct candidates candidates = { .quoted = start > 0 && (line[start - 1] == '"' || line[start - 1] == '\'') };
    snprintf(file, sizeof(file), "/proc/%d/root", (int)shell);
    cleanup_close int root = open_policy(AT_FDCWD, file, OPEN_ROOT_DIRECTORY, NULL);
    if (root < 0)
        return NULL;
    unescape(word, candidates.quoted, plain, sizeof(plain));
    if (!strchr(plain, '/') && begins_command(line, start))
        add_programs(&candidates, shell, root, plain, start == 0);
    else
        add_files(&candidates, shell, root, plain);
    if (candidates.count)
        sort_unique(&candidates);
    return candidates.list;
}

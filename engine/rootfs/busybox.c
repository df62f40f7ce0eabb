#include "engine/rootfs/busybox.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/copy_file.h"
#include "engine/rootfs/elf_closure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BUSYBOX "/bin/busybox"

static const struct {
    const char *path;
    mode_t mode;
} directories[] = {
    { "bin", 0755 },     { "sbin", 0755 },     { "usr/bin", 0755 }, { "usr/sbin", 0755 }, { "etc", 0755 },
    { "proc", 0555 },    { "sys", 0555 },      { "dev", 0755 },     { "tmp", 01777 },     { "run", 0755 },
    { "var/log", 0755 }, { "var/tmp", 01777 }, { "root", 0700 },    { "home", 0755 },     { "mnt", 0755 },
};

static const struct {
    const char *path, *text;
} files[] = {
    { "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n" },
    { "etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n" },
    { "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n" },
};

static bool is_static(const char *path)
{
    struct closure closure = { 0 };
    bool alone = elf_closure(AT_FDCWD, path, &closure, NULL) == 0 && closure.count == 0;
    closure_free(&closure);
    return alone;
}

int busybox_find(char *path, size_t size, struct err *err)
{
    static const char *const places[] = { "/bin/busybox",           "/usr/bin/busybox",    "/sbin/busybox",
                                          "/usr/sbin/busybox",      "/bin/busybox.static", "/bin/busybox-static",
                                          "/usr/bin/busybox-static" };
    bool seen = false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], X_OK) < 0)
            continue;
        seen = true;
        if (is_static(places[i]))
            return snprintf(path, size, "%s", places[i]) < (int)size ? 0
                                                                     : err_set(err, ENAMETOOLONG, "`%s`", places[i]);
    }
    return err_say(err, ENOENT,
                   seen ? "this machine's busybox needs libraries: install the package busybox-static"
                        : "this machine has no busybox: install the package busybox-static");
}

/* What `busybox --list-full` prints, one path a line: these are the names it was built with. */
static ssize_t list_names(const char *busybox, char *names, size_t size, struct err *err)
{
    static const char *const env[] = { "LC_ALL=C", NULL };
    const char *const argv[] = { "busybox", "--list-full", NULL };
    posix_spawn_file_actions_t actions;
    int output[2], status = -1;
    pid_t pid;
    if (pipe2(output, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0);
    int failed =
        posix_spawn(&pid, busybox, &actions, NULL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    cleanup_close int from = output[0];
    if (failed)
        return err_set(err, failed, "run `%s`", busybox);
    size_t len = 0;
    for (ssize_t n; len + 1 < size && ((n = read(from, names + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR));)
        len += n > 0 ? (size_t)n : 0;
    close(take_fd(&from));
    names[len] = '\0';
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || len == 0)
        return err_say(err, EIO, "`%s --list-full` does not list its names: is it busybox?", busybox);
    return (ssize_t)len;
}

static int make_directories(int rootfs, struct err *err)
{
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        if (make_directories_in(rootfs, directories[i].path, 0755, err) < 0)
            return -1;
        cleanup_close int fd = open_policy(rootfs, directories[i].path, OPEN_IN_ROOT_DIRECTORY, err);
        if (fd < 0)
            return -1;
        if (fchmod(fd, directories[i].mode) < 0)
            return err_set(err, errno, "chmod `%s` of the root filesystem", directories[i].path);
    }
    return 0;
}

static int make_files(int rootfs, struct err *err)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_close int there = open_policy(rootfs, files[i].path, OPEN_IN_ROOT_LEAF, NULL);
        if (there >= 0)
            continue;
        cleanup_close int fd = open_policy(rootfs, files[i].path, OPEN_IN_ROOT_CREATE, err);
        size_t len = strlen(files[i].text);
        if (fd < 0)
            return -1;
        if (write(fd, files[i].text, len) != (ssize_t)len)
            return err_set(err, errno, "write `%s` of the root filesystem", files[i].path);
    }
    return 0;
}

static int copy_program(int rootfs, const char *busybox, struct err *err)
{
    struct stat st;
    cleanup_close int from = open(busybox, O_RDONLY | O_CLOEXEC);
    cleanup_close int to = open_policy(rootfs, "bin", OPEN_IN_ROOT_DIRECTORY, err);
    if (from < 0 || fstat(from, &st) < 0)
        return err_set(err, errno, "open `%s`", busybox);
    return to < 0 ? -1 : copy_file_into(from, &st, to, "busybox", err);
}

/* 1 made, 0 there already. */
static int link_name(int rootfs, const char *path, struct err *err)
{
    char parent[128];
    const char *slash = strrchr(path, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 0, path);
    const char *name = slash ? slash + 1 : path;
    if (!*name || strstr(path, "..") || strlen(path) >= sizeof parent)
        return err_say(err, EINVAL, "busybox lists no name for `%.100s`", path);
    if (*parent && make_directories_in(rootfs, parent, 0755, err) < 0)
        return -1;
    cleanup_close int at = open_policy(rootfs, *parent ? parent : ".", OPEN_IN_ROOT_DIRECTORY, err);
    if (at < 0)
        return -1;
    if (symlinkat(BUSYBOX, at, name) == 0)
        return 1;
    return errno == EEXIST ? 0 : err_set(err, errno, "symlink `%s`", path);
}

int busybox_rootfs(int rootfs, const char *busybox, struct err *err)
{
    char found[PATH_MAX], names[32768];
    if (!busybox) {
        if (busybox_find(found, sizeof found, err) < 0)
            return -1;
        busybox = found;
    } else if (!is_static(busybox)) {
        return err_say(err, ENOEXEC, "`%s` is no program that runs without libraries", busybox);
    }
    if (list_names(busybox, names, sizeof names, err) < 0 || make_directories(rootfs, err) < 0 ||
        copy_program(rootfs, busybox, err) < 0 || make_files(rootfs, err) < 0)
        return -1;
    int made = 0;
    char *rest = names;
    for (char *path; (path = strsep(&rest, "\n")) != NULL;) {
        int result = *path ? link_name(rootfs, path, err) : 0;
        if (result < 0)
            return -1;
        made += result;
    }
    return made;
}

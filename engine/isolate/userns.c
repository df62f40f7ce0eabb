#include "engine/isolate/userns.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int write_map(pid_t pid, const char *file, const struct id_map *map, size_t count, struct err *err)
{
    char path[64], text[1024];
    size_t len = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    for (size_t i = 0; i < count && len < sizeof text; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%u %u %u\n", map[i].inside, map[i].outside, map[i].count);
    return write_file_at(AT_FDCWD, path, text, err);
}

int userns_write_maps(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                      struct err *err)
{
    if (write_map(pid, "uid_map", uid, uids, err) < 0)
        return -1;
    return write_map(pid, "gid_map", gid, gids, err);
}

static int run_helper(const char *program, pid_t pid, const struct id_map *map, size_t count, struct err *err)
{
    char numbers[8][3][12], pid_text[12];
    char *argv[2 + 8 * 3 + 1];
    size_t n = 0;
    if (count > 8)
        return err_say(err, EINVAL, "%s: %zu ranges asked for, at most 8 can be", program, count);
    snprintf(pid_text, sizeof pid_text, "%d", pid);
    argv[n++] = (char *)(uintptr_t)program;
    argv[n++] = pid_text;
    for (size_t i = 0; i < count; i++) {
        const uint32_t values[3] = { map[i].inside, map[i].outside, map[i].count };
        for (size_t k = 0; k < 3; k++) {
            snprintf(numbers[i][k], sizeof numbers[i][k], "%u", values[k]);
            argv[n++] = numbers[i][k];
        }
    }
    argv[n] = NULL;
    pid_t child;
    int status, failed = posix_spawnp(&child, program, NULL, NULL, argv, environ);
    if (failed)
        return err_set(err, failed, "run `%s` (the package uidmap has it)", program);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(err, EPERM, "%s refused the range %u+%u: it must stand in /etc/%s", program,
                       map[count - 1].outside, map[count - 1].count,
                       strcmp(program, "newuidmap") == 0 ? "subuid" : "subgid");
    return 0;
}

int userns_write_maps_by_helper(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                                struct err *err)
{
    if (run_helper("newuidmap", pid, uid, uids, err) < 0)
        return -1;
    return run_helper("newgidmap", pid, gid, gids, err);
}

int userns_write_single_map(pid_t pid, uid_t uid, gid_t gid, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
    if (write_file_at(AT_FDCWD, path, "deny", err) < 0)
        return -1;
    const struct id_map users = { 0, uid, 1 }, groups = { 0, gid, 1 };
    return userns_write_maps(pid, &users, 1, &groups, 1, err);
}

int userns_sub_range(const char *file, uid_t uid, uint32_t count, struct id_map *range, struct err *err)
{
    cleanup_file FILE *f = fopen(file, "re");
    if (!f)
        return err_set(err, errno, "open `%s`", file);
    const struct passwd *user = getpwuid(uid);
    char line[512], number[12];
    snprintf(number, sizeof number, "%u", uid);
    while (fgets(line, sizeof line, f)) {
        char *rest = line;
        const char *name = strsep(&rest, ":");
        unsigned first, n;
        if (!rest || sscanf(rest, "%u:%u", &first, &n) != 2 || n < count)
            continue;
        if (strcmp(name, number) == 0 || (user && strcmp(name, user->pw_name) == 0)) {
            *range = (struct id_map){ 0, first, n };
            return 0;
        }
    }
    return err_say(err, ENOENT, "%s has no range of %u ids for user %s", file, count, user ? user->pw_name : number);
}

int userns_new(uint32_t outside, uint32_t count, struct err *err)
{
    int hold[2];
    if (pipe2(hold, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    pid_t pid = sys_fork(CLONE_NEWUSER, NULL);
    if (pid < 0) {
        int saved = errno;
        close(hold[0]);
        close(hold[1]);
        return err_set(err, saved, "clone a user namespace");
    }
    if (pid ==
        0) { /* only there to hold the namespace until its fd is open; ends when the pipe does, whoever dies first */
        char byte;
        close(hold[1]);
        while (read(hold[0], &byte, 1) < 0 && errno == EINTR) {
        }
        _exit(0);
    }
    close(hold[0]);
    const struct id_map map = { 0, outside, count };
    int fd = -1;
    if (userns_write_maps(pid, &map, 1, &map, 1, err) == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            err_set(err, errno, "open `%s`", path);
    }
    close(hold[1]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return fd;
}

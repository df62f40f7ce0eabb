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

/* The files of process @pid, 0 for the caller itself. */
static void proc_path(pid_t pid, const char *file, char *path, size_t size)
{
    if (pid)
        snprintf(path, size, "/proc/%d/%s", pid, file);
    else
        snprintf(path, size, "/proc/self/%s", file);
}

int userns_write_map(pid_t pid, enum userns_ids ids, const struct id_map *map, size_t count, struct err *err)
{
    char path[64], text[1024];
    size_t len = 0;
    proc_path(pid, ids == USERNS_USERS ? "uid_map" : "gid_map", path, sizeof path);
    for (size_t i = 0; i < count && len < sizeof text; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%u %u %u\n", map[i].inside, map[i].outside, map[i].count);
    if (len >= sizeof text)
        return err_say(err, E2BIG, "write `%s`: %zu ranges are more than fit", path, count);
    return write_file_at(AT_FDCWD, path, text, err);
}

int userns_write_setgroups(pid_t pid, bool allow, struct err *err)
{
    char path[64];
    proc_path(pid, "setgroups", path, sizeof path);
    return write_file_at(AT_FDCWD, path, allow ? "allow" : "deny", err);
}

int userns_write_maps(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                      struct err *err)
{
    if (userns_write_map(pid, USERNS_USERS, uid, uids, err) < 0)
        return -1;
    return userns_write_map(pid, USERNS_GROUPS, gid, gids, err);
}

int userns_run_helper(pid_t pid, enum userns_ids ids, const struct id_map *map, size_t count, struct err *err)
{
    const char *program = ids == USERNS_USERS ? "newuidmap" : "newgidmap";
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
                       map[count - 1].outside, map[count - 1].count, ids == USERNS_USERS ? "subuid" : "subgid");
    return 0;
}

int userns_write_maps_by_helper(pid_t pid, const struct id_map *uid, size_t uids, const struct id_map *gid, size_t gids,
                                struct err *err)
{
    if (userns_run_helper(pid, USERNS_USERS, uid, uids, err) < 0)
        return -1;
    return userns_run_helper(pid, USERNS_GROUPS, gid, gids, err);
}

int userns_write_single_map(pid_t pid, uid_t uid, gid_t gid, struct err *err)
{
    if (userns_write_setgroups(pid, false, err) < 0)
        return -1;
    const struct id_map users = { 0, uid, 1 }, groups = { 0, gid, 1 };
    return userns_write_maps(pid, &users, 1, &groups, 1, err);
}

size_t userns_punch(const struct id_map *one, const struct id_map *range, struct id_map out[static 4])
{
    /* How many of the range's ids stand before the one, on each side: all of them if it is not in the range. */
    uint32_t inside = one->inside - range->inside, outside = one->outside - range->outside, n = range->count;
    bool in_inside = inside < n, in_outside = outside < n;
    uint32_t left_inside = in_inside ? n - 1 : n, left_outside = in_outside ? n - 1 : n;
    uint32_t left = left_inside < left_outside ? left_inside : left_outside;
    uint32_t cuts[3] = { in_inside ? inside : left, in_outside ? outside : left, left };
    if (cuts[0] > cuts[1]) {
        uint32_t first = cuts[1];
        cuts[1] = cuts[0];
        cuts[0] = first;
    }
    size_t count = 0;
    out[count++] = *one;
    for (uint32_t i = 0, at = 0; i < 3; i++) {
        uint32_t end = cuts[i] < left ? cuts[i] : left;
        if (end > at)
            out[count++] = (struct id_map){ range->inside + at + (in_inside && at >= inside),
                                            range->outside + at + (in_outside && at >= outside), end - at };
        at = end > at ? end : at;
    }
    return count;
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

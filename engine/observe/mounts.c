#include "engine/observe/mounts.h"

#include "engine/base/cleanup.h"
#include "engine/observe/proc.h"

#include <fcntl.h>
#include <string.h>

#define TEXT_LIMIT (16u << 20) /* no table of a lab comes near it */

/* Blanks, newlines and backslashes are written as \ooo. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
            at[3] <= '7') {
            *to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [PROPAGATION…] - TYPE SOURCE SUPER */
static bool parse_line(char *line, struct observe_mount *mount)
{
    unsigned major, minor;
    int used = 0;
    if (sscanf(line, "%d %d %u:%u %n", &mount->id, &mount->parent, &major, &minor, &used) != 4 || !used)
        return false;
    mount->device = (uint64_t)major << 32 | minor;
    char *rest = line + used, *end = strstr(rest, " - ");
    if (!end)
        return false;
    *end = '\0';
    char *behind = end + 3, *root = strsep(&rest, " "), *point = strsep(&rest, " "), *options = strsep(&rest, " ");
    char *type = strsep(&behind, " "), *source = strsep(&behind, " ");
    if (!root || !point || !options || !type || !source)
        return false;
    unescape(root);
    unescape(point);
    unescape(type);
    unescape(source);
    mount->root = root;
    mount->point = point;
    mount->options = options;
    mount->propagation = rest ? rest : "";
    mount->type = type;
    mount->source = source;
    mount->super_options = behind ? behind : "";
    return true;
}

int observe_mounts_parse(char *text, struct observe_mounts *mounts, struct err *err)
{
    size_t lines = 1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    *mounts = (struct observe_mounts){ .list = calloc(lines, sizeof *mounts->list), .text = text };
    if (!mounts->list) {
        observe_mounts_free(mounts);
        return err_set(err, ENOMEM, "read a mount table");
    }
    for (char *line; (line = strsep(&text, "\n"));)
        if (parse_line(line, &mounts->list[mounts->count]))
            mounts->count++;
    return 0;
}

/* The kernel gives a page or so a read, always whole lines. */
static char *read_all(int fd)
{
    size_t held = 0, room = 16384;
    cleanup_free char *text = malloc(room);
    for (ssize_t n; text; held += (size_t)n) {
        if (room - held < 4097) {
            char *more = room < TEXT_LIMIT ? realloc(text, room * 2) : NULL;
            if (!more)
                break;
            text = more;
            room *= 2;
        }
        n = read(fd, text + held, room - held - 1);
        if (n < 0)
            return NULL;
        if (n == 0) {
            text[held] = '\0';
            return take_ptr(&text);
        }
    }
    errno = ENOMEM;
    return NULL;
}

int observe_mounts(pid_t pid, struct observe_mounts *mounts, struct err *err)
{
    *mounts = (struct observe_mounts){ 0 };
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    cleanup_close int fd = openat(dir, "mountinfo", O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : read_all(fd);
    if (!text) { /* a zombie has no mount namespace any more: EINVAL */
        bool gone = errno == ENOENT || errno == EINVAL || errno == ESRCH;
        return err_set(err, gone ? ESRCH : errno, "read `/proc/%d/mountinfo`", pid);
    }
    return observe_mounts_parse(text, mounts, err);
}

void observe_mounts_free(struct observe_mounts *mounts)
{
    free(mounts->list);
    free(mounts->text);
    *mounts = (struct observe_mounts){ 0 };
}

const char *observe_propagation(const struct observe_mount *mount)
{
    return strstr(mount->propagation, "shared:")      ? "shared"
           : strstr(mount->propagation, "master:")    ? "slave"
           : strstr(mount->propagation, "unbindable") ? "unbindable"
                                                      : "private";
}

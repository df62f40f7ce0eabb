#include "engine/layers/overlay_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static int configure(int context, unsigned command, const char *key, const void *value, int aux)
{
    return (int)syscall(SYS_fsconfig, context, command, key, value, aux);
}

/* What the kernel has to say, read from the context: the last "e TEXT" line without its "e overlay: ", or "". */
static void read_log(int context, char *log, size_t size)
{
    char line[512];
    *log = '\0';
    for (ssize_t n; (n = read(context, line, sizeof line - 1)) > 0;) {
        line[n] = '\0';
        line[strcspn(line, "\n")] = '\0';
        const char *text = strchr(line, ':');
        if (line[0] == 'e')
            snprintf(log, size, "%s", text ? text + 1 + (text[1] == ' ') : line);
    }
}

/* Give directory @fd as @key. By fd from Linux 6.13 on, and then mountinfo has its path; before that as a path of /proc. */
static int configure_directory(int context, const char *key, int fd)
{
    char path[32];
    if (configure(context, FSCONFIG_SET_FD, key, NULL, fd) == 0)
        return 0;
    if (errno != EINVAL && errno != EBADF)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return configure(context, FSCONFIG_SET_STRING, key, path, 0);
}

/* Everything but FSCONFIG_CMD_CREATE. Returns NULL, or the option that was refused, with errno set. */
static const char *configure_all(int context, const struct overlay *overlay)
{
    configure(context, FSCONFIG_SET_STRING, "source", "overlay", 0);
    for (size_t i = 0; i < overlay->lower_count; i++)
        if (configure_directory(context, "lowerdir+", overlay->lowers[i]) < 0)
            return "lowerdir+";
    if (overlay->upper >= 0 && configure_directory(context, "upperdir", overlay->upper) < 0)
        return "upperdir";
    if (overlay->upper >= 0 && configure_directory(context, "workdir", overlay->work) < 0)
        return "workdir";
    if (overlay->form == WHITEOUT_USERXATTR && configure(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
        return "userxattr";
    if (overlay->volatile_ && configure(context, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
        return "volatile";
    return NULL;
}

static int check(const struct overlay *overlay, struct err *err)
{
    if (overlay->lower_count == 0)
        return err_say(err, EINVAL, "mount overlay: it needs a lower directory at least");
    if (overlay->lower_count > OVERLAY_LOWERS_MAX)
        return err_say(err, EINVAL, "mount overlay: %zu lower directories, and the kernel takes no more than %d",
                       overlay->lower_count, OVERLAY_LOWERS_MAX);
    if ((overlay->upper < 0) != (overlay->work < 0))
        return err_say(err, EINVAL, "mount overlay: an upper and a work directory go together, and one was given");
    if (overlay->upper < 0 && overlay->lower_count < 2)
        return err_say(err, EINVAL,
                       "mount overlay: without an upper directory it needs two lower ones at least, and has one");
    return 0;
}

int overlay_open(const struct overlay *overlay, struct err *err)
{
    char log[512];
    if (check(overlay, err) < 0)
        return -1;
    cleanup_close int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context < 0 && errno == ENOSYS)
        return err_set(err, ENOSYS, "fsopen overlay");
    if (context < 0)
        return overlay_explain(overlay, "fsopen overlay", errno, "", err);
    const char *refused = configure_all(context, overlay);
    int errnum = errno;
    if (refused) {
        read_log(context, log, sizeof log);
        /* Before 6.5 overlay takes no option this way (EOPNOTSUPP), before 6.7 not this one. */
        if (errnum == ENOSYS || errnum == EOPNOTSUPP || strstr(log, "Unknown parameter 'lowerdir+'"))
            return err_say(err, ENOSYS, "fsconfig overlay: this kernel cannot mount overlays detached (Linux 6.7 can)");
        return overlay_explain(overlay, refused, errnum, log, err);
    }
    if (configure(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        errnum = errno;
        read_log(context, log, sizeof log);
        return overlay_explain(overlay, "mount overlay", errnum, log, err);
    }
    int mounted = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
    if (mounted < 0)
        return err_set(err, errno, "fsmount overlay");
    return mounted;
}

/* "lowerdir=/proc/self/fd/5:/proc/self/fd/6,upperdir=…": what mount(2) takes. A page of it, the NUL included. */
static char *option_string(const struct overlay *overlay)
{
    char *options = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&options, &length);
    if (!out)
        return NULL;
    for (size_t i = 0; i < overlay->lower_count; i++)
        fprintf(out, "%s/proc/self/fd/%d", i ? ":" : "lowerdir=", overlay->lowers[i]);
    if (overlay->upper >= 0)
        fprintf(out, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", overlay->upper, overlay->work);
    if (overlay->form == WHITEOUT_USERXATTR)
        fputs(",userxattr", out);
    if (overlay->volatile_)
        fputs(",volatile", out);
    if (fclose(out) == 0)
        return options;
    free(options);
    return NULL;
}

static int mount_by_string(const struct overlay *overlay, int at, struct err *err)
{
    char target[32];
    cleanup_free char *options = option_string(overlay);
    if (!options)
        return err_set(err, ENOMEM, "mount overlay of %zu lower directories", overlay->lower_count);
    if (strlen(options) >= (size_t)sysconf(_SC_PAGESIZE))
        return err_say(err, E2BIG,
                       "mount overlay of %zu lower directories: before Linux 6.7 all of them must fit a page of "
                       "options, which holds some 200: use fewer layers or a newer kernel",
                       overlay->lower_count);
    snprintf(target, sizeof target, "/proc/self/fd/%d", at);
    if (mount("overlay", target, "overlay", 0, options) < 0)
        return overlay_explain(overlay, "mount overlay", errno, "", err);
    return 0;
}

int overlay_mount(const struct overlay *overlay, int at, struct err *err)
{
    struct err why;
    if (check(overlay, err) < 0)
        return -1;
    cleanup_close int mounted = overlay_open(overlay, &why);
    if (mounted < 0 && why.code != ENOSYS)
        return err_say(err, why.code, "%s", why.message);
    if (mounted >= 0 && sys_move_mount(mounted, at, "") == 0)
        return 0;
    if (mounted >= 0 && errno != ENOSYS)
        return err_set(err, errno, "move_mount overlay");
    return mount_by_string(overlay, at, err);
}

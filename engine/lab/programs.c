/* The programs of ours that a lab has: found beside this program, and copied into the lab. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/isolate/mounts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Where a program of ours lies: in the directory of @beside, or of this program, above it (a test's build directory), or where they are installed. */
static int open_beside(const char *beside, const char *name, struct err *err)
{
    char self[PATH_MAX], path[PATH_MAX + 64];
    const char *slash = beside ? strrchr(beside, '/') : NULL;
    if (beside) {
        snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - beside) + 1 : 0, beside, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_set(err, errno, "open `%s`", path) : fd;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    for (int up = 0; n > 0 && up < 4; up++) {
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (!slash)
            break;
        n = slash - self;
        snprintf(path, sizeof path, "%.*s/%s", (int)n, self, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        snprintf(path, sizeof path, "%.*s/libexec/teachroot/%s", (int)n, self, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    snprintf(path, sizeof path, TEACHROOT_LIBEXECDIR "/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "open `%s`: is teachroot installed whole?", path) : fd;
}

int lab_open_program(const char *tools, enum lab_program program, struct err *err)
{
    static const char *const names[] = {
        [LAB_TOOLS] = "teachroot-tools", [LAB_TRANSFER] = "teachroot-transfer", [LAB_KERNEL] = "teachroot-kernel"
    };
    if (!tools)
        tools = getenv("TEACHROOT_TOOLS");
    if (program != LAB_TOOLS || !tools)
        return open_beside(tools, names[program], err);
    int fd = open(tools, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "open the tools' program `%s`", tools) : fd;
}

/* A private copy: the lab's root may do with it what it likes, and never reaches the host's. */
static int place(int program, int root, const char *path, struct err *err)
{
    cleanup_close int to = open_policy(root, path, OPEN_IN_ROOT_CREATE, err);
    struct stat st;
    if (to < 0)
        return -1;
    if (fstat(program, &st) < 0)
        return err_set(err, errno, "read the program for `%s`", path);
    for (off_t at = 0; at < st.st_size;) {
        ssize_t n = copy_file_range(program, &at, to, NULL, (size_t)(st.st_size - at), 0);
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) {
            char block[65536];
            n = pread(program, block, sizeof block, at);
            if (n > 0 && write(to, block, (size_t)n) != n)
                n = -1;
            at += n > 0 ? n : 0;
        }
        if (n <= 0)
            return err_set(err, n < 0 ? errno : EIO, "copy a program to `%s` of the lab", path);
    }
    return fchmod(to, 0755) < 0 ? err_set(err, errno, "chmod `%s` of the lab", path) : 0;
}

int programs_place(const struct build *build, int root, struct err *err)
{
    if (isolate_mount_in(root, LAB_TOOLS_DIR, "tools", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m", err) < 0 ||
        place(build->tools, root, LAB_TOOLS_DIR "/teachroot-tools", err) < 0)
        return -1;
    return build->transfer < 0 ? 0 : place(build->transfer, root, LAB_TOOLS_DIR "/teachroot-transfer", err);
}

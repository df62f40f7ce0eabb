#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

const struct lab_directory lab_directories[] = {
    { "root", "root", 0700, false }, { "opt", "opt", 0755, false },           { "srv", "srv", 0755, false },
    { "home", "home", 0755, false }, { "docker", &LAB_STORE[1], 0755, true },
};
const size_t lab_directory_count = sizeof lab_directories / sizeof *lab_directories;

/* An image that never has a name: however we end, the file system frees it with its last user. */
static int nameless_file(struct err *err)
{
    int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[] = "/var/tmp/teachroot-disk-XXXXXX";
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "create the lab's disk in `/var/tmp`");
    unlink(path);
    return fd;
}

int disk_start(struct lab_disk *disk, uint64_t bytes, uint32_t owner, struct err *err)
{
    disk->formatter = 0;
    cleanup_close int file = nameless_file(err);
    if (file < 0)
        return -1;
    if (ftruncate(file, (off_t)bytes) < 0)
        return err_set(err, errno, "make a disk of %llu MiB in `/var/tmp`", (unsigned long long)(bytes >> 20));

    char extended[128];
    snprintf(extended, sizeof extended, "lazy_itable_init=1,nodiscard,root_owner=%u:%u", owner, owner);
    /* No journal: the disk never outlives the machine's uptime. */
    const char *const argv[] = { "mke2fs", "-q",           "-F", "-t", "ext4", "-b",     "4096",
                                 "-O",     "^has_journal", "-m", "0",  "-E",   extended, "/proc/self/fd/3",
                                 NULL };
    const char *const env[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL=C", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    posix_spawn_file_actions_adddup2(&actions, file, 3);
    static const char *const programs[] = { "/usr/sbin/mke2fs", "/sbin/mke2fs" };
    int failed = ENOENT;
    for (size_t i = 0; i < 2 && failed == ENOENT; i++)
        failed = posix_spawn(&disk->formatter, programs[i], &actions, NULL, (char *const *)(uintptr_t)argv,
                             (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return err_set(err, failed, "run `mke2fs` (the package e2fsprogs has it)");
    disk->file = take_fd(&file);
    return 0;
}

static int wait_formatter(struct lab_disk *disk, struct err *err)
{
    int status;
    pid_t pid = disk->formatter;
    disk->formatter = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "wait for mke2fs");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(err, EIO, "mke2fs failed on the lab's disk: is there room in `/var/tmp`?");
    return 0;
}

int disk_attach(struct lab_disk *disk, char *device, size_t size, struct err *err)
{
    if (wait_formatter(disk, err) < 0)
        return -1;
    cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return err_set(err, errno, "open `/dev/loop-control` (the kernel module loop)");
    for (int tries = 0; tries < 64; tries++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return err_set(err, errno, "find a free loop device");
        snprintf(device, size, "/dev/loop%d", number);
        cleanup_close int fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return err_set(err, errno, "open `%s`", device);
        struct loop_config config = {
            .fd = (unsigned)disk->file,
            .block_size = 4096,
            .info = { .lo_flags = LO_FLAGS_AUTOCLEAR },
        };
        snprintf((char *)config.info.lo_file_name, sizeof config.info.lo_file_name, "teachroot lab disk");
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            close(disk->file); /* the device holds it now */
            disk->file = -1;
            return take_fd(&fd);
        }
        if (errno != EBUSY) /* somebody else took this device between the two calls */
            return err_set(err, errno, "attach the lab's disk to `%s`", device);
    }
    return err_say(err, EBUSY, "no loop device stays free long enough to take it");
}

void disk_abandon(struct lab_disk *disk)
{
    if (disk->formatter > 0)
        wait_formatter(disk, NULL);
    if (disk->file >= 0)
        close(disk->file);
    disk->file = -1;
}

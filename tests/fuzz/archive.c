/* Any bytes as a compressed archive, unpacked as a layer and as a root filesystem: an answer or an error, never a crash, a leak or a hang, and never anything beside the target. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"
#include "engine/rootfs/copy_tree.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char home[] = "/dev/shm/archive-fuzz-XXXXXX";

static void remove_home(void)
{
    rootfs_remove_tree(AT_FDCWD, home, NULL);
}

static int home_directory(void)
{
    static int fd = -1;
    if (fd < 0) {
        if (!mkdtemp(home))
            abort();
        atexit(remove_home);
        fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return fd;
}

/* The target is the only thing there. */
static void check_home(int at)
{
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = fdopendir(fd);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "target") != 0)
            abort();
}

static void unpack(const uint8_t *data, size_t size, bool plain)
{
    struct err err = { 0 };
    int at = home_directory();
    if (mkdirat(at, "target", 0700) < 0)
        abort();
    int target = openat(at, "target", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct tar_unpack options = { .plain = plain, .squash = true, .max_entries = 100, .max_bytes = 1 << 20 };
    struct source *from = source_decompress(source_memory(data, size, NULL), NULL, NULL);
    if (tar_unpack(from, target, &options, NULL, &err) < 0 && (!err.code || !err.message[0]))
        abort();
    source_close(from);
    close(target);
    check_home(at);
    if (rootfs_remove_tree(at, "target", NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unpack(data, size, false);
    unpack(data, size, true);
    return 0;
}

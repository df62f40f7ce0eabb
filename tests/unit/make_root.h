/** A temporary root filesystem for tests of engine/rootfs, and what is put into it. */
#ifndef TESTS_UNIT_MAKE_ROOT_H
#define TESTS_UNIT_MAKE_ROOT_H

#include "engine/base/open.h"
#include "tests/unit/make_elf.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct test_root {
    char path[64];
    int fd;
};

static inline int root_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

static inline int root_make(void **state)
{
    static struct test_root root;
    snprintf(root.path, sizeof root.path, "/tmp/teachroot-test-XXXXXX");
    if (!mkdtemp(root.path))
        return -1;
    root.fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *state = &root;
    return root.fd < 0 ? -1 : 0;
}

static inline int root_remove(void **state)
{
    struct test_root *root = *state;
    close(root->fd);
    return nftw(root->path, root_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void root_put(struct test_root *root, const char *path, const void *data, size_t size, mode_t mode)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(make_directories_in(root->fd, parent, 0755, NULL), 0);
    int fd = open_policy(root->fd, path, OPEN_IN_ROOT_CREATE, NULL);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline void root_put_elf(struct test_root *root, const char *path, const struct elf_recipe *recipe)
{
    struct elf_image image;
    elf_make(&image, recipe);
    root_put(root, path, image.bytes, image.size, 0755);
}

#endif

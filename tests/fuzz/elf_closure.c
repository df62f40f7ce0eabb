/* Any bytes as a program, as a library and as ld.so.cache: an answer or an error, never a crash, a leak or a hang. */
#include "engine/rootfs/elf_closure.h"
#include "engine/rootfs/elf_file.h"
#include "engine/rootfs/ld_so_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int memory_file(void)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("elf", MFD_CLOEXEC);
    return fd;
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
}

static void use_file(int fd)
{
    struct arena arena = { 0 };
    struct elf_file *file = elf_file_read(fd, true, &arena);
    if (!file)
        abort();
    size_t total = 0;
    for (size_t i = 0; !file->why && i < file->need_count; i++)
        total += strlen(file->needs[i]);
    for (size_t i = 0; !file->why && i < file->version_count; i++)
        total += strlen(file->versions[i].file) + strlen(file->versions[i].version);
    if (total > (size_t)64 << 20)
        abort();
    arena_free(&arena);
}

/* The bytes as a program whose libraries are looked for here, and which may find itself as one. */
static void use_closure(int fd)
{
    char path[64];
    struct closure closure;
    struct err err = { 0 };
    struct elf_resolver_options options = { .library_path = "/proc/self/fd:$ORIGIN", .versions = true };
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct elf_resolver *resolver = elf_resolver_open(AT_FDCWD, &options, &err);
    if (!resolver)
        abort();
    if (elf_resolver_closure(resolver, path, &closure, &err) == 0) {
        for (size_t i = 0; i < closure.count; i++)
            if (!closure.entries[i].name || !closure.entries[i].needed_by)
                abort();
        closure_free(&closure);
    } else if (!err.code || !err.message[0]) {
        abort();
    }
    elf_resolver_close(resolver);
}

static void use_cache(const uint8_t *data, size_t size)
{
    static const char *const levels[] = { "x86-64-v3", NULL };
    const struct ld_so_cache_wish wish = { .flags = 0x0303, .levels = levels, .isa_levels = 7 };
    struct ld_so_cache cache;
    unsigned char *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    memcpy(copy, data, size);
    if (ld_so_cache_parse(copy, size, &cache) < 0)
        return;
    for (size_t i = 0; i < cache.by_name.size; i++) {
        const char *name = cache.by_name.slots[i].key;
        const char *path = name ? ld_so_cache_find(&cache, name, &wish) : NULL;
        if (path && strlen(path) > size)
            abort();
    }
    ld_so_cache_free(&cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memory_file();
    write_all(fd, data, size);
    use_file(fd);
    use_closure(fd);
    use_cache(data, size);
    return 0;
}

/** What one ELF file says about itself, as far as its dynamic loader would look. See elf(5).
 *
 * Private to engine/rootfs. The file is read with pread(2), never mapped (a file cut short under us would be a SIGBUS), and every
 * offset in it is distrusted: a hostile file gives a reason, not a crash. Both classes and both byte orders, whatever ours are.
 */
#ifndef ENGINE_ROOTFS_ELF_FILE_H
#define ENGINE_ROOTFS_ELF_FILE_H

#include "engine/rootfs/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_identity {
    uint8_t elf_class; /* ELFCLASS32, ELFCLASS64 */
    uint8_t data;      /* ELFDATA2LSB, ELFDATA2MSB */
    uint16_t machine;  /* EM_* */
};

/** One version that a file asks of a library: `libc.so.6 (GLIBC_2.34)`. */
struct elf_version {
    const char *file, *version;
    bool weak; /* it does without */
};

struct elf_file {
    dev_t device;
    ino_t inode;
    struct elf_identity identity; /* zero where @why speaks of the header itself */
    uint16_t type;                /* ET_* */
    uint32_t flags;               /* e_flags */
    bool has_dynamic;             /* there is a PT_DYNAMIC */
    bool is_pie;                  /* DF_1_PIE: a program, not a library */
    bool no_default_path;         /* DF_1_NODEFLIB: neither the cache's system libraries nor the default directories */
    const char *interpreter;      /* PT_INTERP, or NULL */
    const char *soname, *rpath, *runpath; /* or NULL; rpath is NULL where there is a runpath, which overrides it */
    const char **needs;                   /* DT_NEEDED, DT_FILTER and DT_AUXILIARY, in their order */
    size_t need_count;
    struct elf_version *versions; /* DT_VERNEED, in its order; only if asked for */
    size_t version_count;
    const char
        *why; /* NULL, or what is wrong with it, in the dynamic loader's own words; the rest is then not to be used */
};

/** Read the regular file @fd. All memory is @arena's. Returns NULL only when memory is out. */
struct elf_file *elf_file_read(int fd, bool with_versions, struct arena *arena);

static inline bool elf_identity_same(const struct elf_identity *a, const struct elf_identity *b)
{
    return a->elf_class == b->elf_class && a->data == b->data && a->machine == b->machine;
}

#endif

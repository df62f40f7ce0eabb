/** What differs from one machine to another in where libraries are found. See ld.so(8).
 *
 * Private to engine/rootfs.
 */
#ifndef ENGINE_ROOTFS_MACHINES_H
#define ENGINE_ROOTFS_MACHINES_H

#include "engine/rootfs/elf_file.h"

struct machine {
    struct elf_identity identity;
    uint32_t flags_mask, flags; /* e_flags that tell ABIs of one machine apart; mask 0: none do */
    const char *tuple;          /* Debian's multiarch directory */
    const char *loader;         /* glibc's dynamic loader; "" where unknown */
    const char *lib;            /* $LIB where there is no multiarch directory */
    const char *platform; /* $PLATFORM, and ARCH of musl's /etc/ld-musl-ARCH.path where that has no name of its own */
    const char *musl;     /* ARCH of /lib/ld-musl-ARCH.so.1 */
    uint32_t cache_flags; /* in ld.so.cache */
    const char *vdso;     /* the library the kernel maps, as ldd names it */
};

/** Never NULL: an unknown machine gets a row that knows only /lib and /usr/lib. */
const struct machine *machine_of(const struct elf_file *file);

/** The glibc-hwcaps names that ld.so would search for @machine on this CPU, best first, NULL-terminated: x86-64 levels on an x86-64 CPU. */
const char *const *machine_levels(const struct machine *machine);
/** Bit n: this CPU has ISA level n of @machine (n 0: the baseline). */
unsigned machine_isa_levels(const struct machine *machine);
/** $PLATFORM as ld.so would say on this CPU. */
const char *machine_platform(const struct machine *machine);

#endif

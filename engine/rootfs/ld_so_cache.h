/** ld.so.cache: ldconfig's list of libraries by soname. Read by bounds-checked offsets; a damaged cache finds less, and harms nothing.
 *
 * Private to engine/rootfs. The format is glibc's "glibc-ld.so.cache" 1.1, alone or behind the older one, of either byte order.
 */
#ifndef ENGINE_ROOTFS_LD_SO_CACHE_H
#define ENGINE_ROOTFS_LD_SO_CACHE_H

#include "engine/rootfs/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ld_so_cache {
    unsigned char *data; /* owned; NULL: no usable cache */
    size_t size;         /* of data */
    size_t start;        /* of the 1.1 part: what string offsets count from */
    size_t entries;      /* offset of the first entry */
    size_t count;
    size_t hwcaps, hwcap_count; /* the table of glibc-hwcaps names, an array of string offsets; 0: none */
    bool swap;
    struct string_map by_name; /* key → 1 + index of its first entry, as a pointer */
};

/** Which entries a program's loader would take. */
struct ld_so_cache_wish {
    uint32_t flags;            /* what ldconfig writes for this ABI, e.g. 0x0303 for x86-64 */
    const char *const *levels; /* glibc-hwcaps names, best first, NULL-terminated */
    unsigned isa_levels;       /* bit n: this CPU has ISA level n */
};

/** Take over the malloc'd @data. Returns 0, or -1 when it is no cache (@data is freed all the same). */
int ld_so_cache_parse(unsigned char *data, size_t size, struct ld_so_cache *cache);
/** Path of library @name, a string inside the cache, or NULL. */
const char *ld_so_cache_find(const struct ld_so_cache *cache, const char *name, const struct ld_so_cache_wish *wish);
void ld_so_cache_free(struct ld_so_cache *cache);

#endif

#include "engine/rootfs/ld_so_cache.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    OLD_HEADER = 16, /* "ld.so-1.7.0", padding, count */
    OLD_ENTRY = 12,
    HEADER = 48,
    ENTRY = 24,
    EXTENSION_MAGIC = (int)0xeaa42174,
    EXTENSION_HWCAPS = 1,
    FLAG_ANY_ELF = 1, /* an entry of no particular ABI */
};
static const char old_magic[] = "ld.so-1.7.0";
static const char magic[] = "glibc-ld.so.cache1.1";

/* Where the bytes of the 64-bit hwcap field of an entry hold something else than the CPU features of old. */
#define HWCAP_NAMED (1u << 30) /* in the upper half: the lower half indexes the glibc-hwcaps table */
#define HWCAP_ISA_LEVEL 0x3ffu /* in the upper half: the ISA level needed */

static uint32_t u32(const struct ld_so_cache *cache, size_t at)
{
    uint32_t v;
    if (at > cache->size || cache->size - at < sizeof v)
        return 0;
    memcpy(&v, cache->data + at, sizeof v);
    return cache->swap ? __builtin_bswap32(v) : v;
}

/* The NUL-terminated string @offset bytes into the 1.1 part. */
static const char *string_at(const struct ld_so_cache *cache, uint32_t offset)
{
    size_t at = cache->start + offset;
    if (at >= cache->size || !memchr(cache->data + at, 0, cache->size - at))
        return NULL;
    return (const char *)cache->data + at;
}

static void find_hwcaps(struct ld_so_cache *cache, uint32_t extensions)
{
    size_t at = cache->start + extensions;
    if (!extensions || u32(cache, at) != (uint32_t)EXTENSION_MAGIC)
        return;
    uint32_t count = u32(cache, at + 4);
    for (uint32_t i = 0; i < count && at + 8 + (size_t)i * 16 < cache->size; i++) {
        size_t section = at + 8 + (size_t)i * 16;
        if (u32(cache, section) != EXTENSION_HWCAPS)
            continue;
        cache->hwcaps = cache->start + u32(cache, section + 8);
        cache->hwcap_count = u32(cache, section + 12) / 4;
    }
}

/* The file's byte order is stated since glibc 2.33; before that it is the writer's, which a sane count tells. */
static bool is_swapped(const unsigned char *header)
{
    enum { UNSET, INVALID, LITTLE, BIG };
    unsigned order = header[28] & 3;
    if (order == LITTLE || order == BIG)
        return (order == LITTLE) != (BYTE_ORDER == LITTLE_ENDIAN);
    uint32_t count;
    memcpy(&count, header + 20, sizeof count);
    return count > __builtin_bswap32(count);
}

int ld_so_cache_parse(unsigned char *data, size_t size, struct ld_so_cache *cache)
{
    *cache = (struct ld_so_cache){ .data = data, .size = size };
    if (size >= OLD_HEADER && memcmp(data, old_magic, sizeof old_magic - 1) == 0) {
        uint32_t count;
        memcpy(&count, data + 12, sizeof count);
        if (count > size / OLD_ENTRY)
            count = __builtin_bswap32(count);
        cache->start = (OLD_HEADER + (size_t)count * OLD_ENTRY + 7) & ~(size_t)7;
    }
    if (cache->start > size || size - cache->start < HEADER ||
        memcmp(data + cache->start, magic, sizeof magic - 1) != 0) {
        ld_so_cache_free(cache);
        return -1;
    }
    cache->swap = is_swapped(data + cache->start);
    cache->entries = cache->start + HEADER;
    cache->count = u32(cache, cache->start + 20);
    if (cache->count > (size - cache->entries) / ENTRY)
        cache->count = (size - cache->entries) / ENTRY;
    find_hwcaps(cache, u32(cache, cache->start + 32));
    for (size_t i = 0; i < cache->count; i++) {
        const char *name = string_at(cache, u32(cache, cache->entries + i * ENTRY + 4));
        if (name && string_map_add(&cache->by_name, name, (void *)(i + 1)) < 0)
            break;
    }
    return 0;
}

/* How good an entry is for @wish: 0 not at all, else the smaller the better. */
static unsigned rank(const struct ld_so_cache *cache, size_t entry, const struct ld_so_cache_wish *wish)
{
    enum { PLAIN = 1000, GENERIC = 2000 };
    uint32_t flags = u32(cache, entry), low, high;
    bool swapped_halves = (BYTE_ORDER == LITTLE_ENDIAN) == cache->swap;
    low = u32(cache, entry + (swapped_halves ? 20 : 16));
    high = u32(cache, entry + (swapped_halves ? 16 : 20));
    if (flags != wish->flags && flags != FLAG_ANY_ELF)
        return 0;
    unsigned base = flags == wish->flags ? 0 : GENERIC;
    if (!low && !high)
        return base + PLAIN;
    if ((high & ~HWCAP_ISA_LEVEL) != HWCAP_NAMED)
        return 0; /* a subdirectory of the old kind (tls, i686 …), which ld.so no longer searches */
    if ((high & HWCAP_ISA_LEVEL) >= 32 || !(wish->isa_levels >> (high & HWCAP_ISA_LEVEL) & 1))
        return 0;
    const char *name = low < cache->hwcap_count ? string_at(cache, u32(cache, cache->hwcaps + (size_t)low * 4)) : NULL;
    for (unsigned i = 0; name && wish->levels[i]; i++)
        if (strcmp(wish->levels[i], name) == 0)
            return base + 1 + i;
    return 0;
}

const char *ld_so_cache_find(const struct ld_so_cache *cache, const char *name, const struct ld_so_cache_wish *wish)
{
    const char *best = NULL;
    unsigned best_rank = 0;
    /* Entries of one name stand together. */
    for (size_t i = (size_t)string_map_get(&cache->by_name, name); i && i <= cache->count; i++) {
        size_t entry = cache->entries + (i - 1) * ENTRY;
        const char *key = string_at(cache, u32(cache, entry + 4));
        if (!key || strcmp(key, name) != 0)
            break;
        unsigned r = rank(cache, entry, wish);
        if (r && (!best_rank || r < best_rank)) {
            const char *path = string_at(cache, u32(cache, entry + 8));
            best = path ? path : best;
            best_rank = path ? r : best_rank;
        }
    }
    return best;
}

void ld_so_cache_free(struct ld_so_cache *cache)
{
    string_map_free(&cache->by_name);
    free(cache->data);
    *cache = (struct ld_so_cache){ 0 };
}

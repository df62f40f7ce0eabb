/** Memory that is freed all at once: for the many small strings that live exactly as long as the thing they describe.
 *
 * Private to engine/rootfs. A zeroed struct is an empty arena. Every function returns NULL (errno ENOMEM) when memory is out.
 */
#ifndef ENGINE_ROOTFS_ARENA_H
#define ENGINE_ROOTFS_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *last;
};

/** Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/** A NUL-terminated copy of the @len bytes at @text. */
char *arena_copy(struct arena *arena, const char *text, size_t len);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

/** A map from strings to pointers, its keys not copied: they must outlive it. A zeroed struct is an empty map. */
struct string_map {
    struct string_slot {
        const char *key;
        size_t hash;
        void *value;
    } * slots;
    size_t size, used;
};

void *string_map_get(const struct string_map *map, const char *key);
/** Keep @value under @key; an existing key keeps the value it has. Returns 0, or -1 when memory is out. */
int string_map_add(struct string_map *map, const char *key, void *value);
/** Empty the map, keeping its memory. */
void string_map_clear(struct string_map *map);
void string_map_free(struct string_map *map);

#endif

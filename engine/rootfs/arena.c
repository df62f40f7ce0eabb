#include "engine/rootfs/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *before;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

enum { BLOCK = 16 * 1024 };

static void *arena_take(struct arena *arena, size_t size, size_t align)
{
    struct arena_block *block = arena->last;
    size_t start = block ? (block->used + align - 1) & ~(align - 1) : 0;
    if (!block || start > block->size || size > block->size - start) {
        size_t room = size > BLOCK ? size : BLOCK;
        if (room > SIZE_MAX - sizeof *block) {
            errno = ENOMEM;
            return NULL;
        }
        block = malloc(sizeof *block + room);
        if (!block)
            return NULL;
        *block = (struct arena_block){ .before = arena->last, .size = room };
        arena->last = block;
        start = 0;
    }
    block->used = start + size;
    return block->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *p = arena_take(arena, size, _Alignof(max_align_t));
    return p ? memset(p, 0, size) : NULL;
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_take(arena, len + 1, 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_take(arena, (size_t)len + 1, 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->last, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    arena->last = NULL;
}

static size_t hash_string(const char *s)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *s; s++)
        hash = (hash ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

static struct string_slot *find_slot(const struct string_map *map, const char *key, size_t hash)
{
    size_t at = hash & (map->size - 1);
    while (map->slots[at].key && (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0))
        at = (at + 1) & (map->size - 1);
    return &map->slots[at];
}

void *string_map_get(const struct string_map *map, const char *key)
{
    return map->size ? find_slot(map, key, hash_string(key))->value : NULL;
}

static int grow(struct string_map *map)
{
    struct string_map bigger = { .size = map->size ? map->size * 2 : 64, .used = map->used };
    bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
    if (!bigger.slots)
        return -1;
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].key)
            *find_slot(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    *map = bigger;
    return 0;
}

int string_map_add(struct string_map *map, const char *key, void *value)
{
    if ((map->used + 1) * 4 > map->size * 3 && grow(map) < 0)
        return -1;
    size_t hash = hash_string(key);
    struct string_slot *slot = find_slot(map, key, hash);
    if (slot->key)
        return 0;
    *slot = (struct string_slot){ .key = key, .hash = hash, .value = value };
    map->used++;
    return 0;
}

void string_map_clear(struct string_map *map)
{
    if (map->used)
        memset(map->slots, 0, map->size * sizeof *map->slots);
    map->used = 0;
}

void string_map_free(struct string_map *map)
{
    free(map->slots);
    *map = (struct string_map){ 0 };
}

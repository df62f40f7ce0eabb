/* Where glibc's dynamic loader looks for a library, in its order: RPATH, LD_LIBRARY_PATH, RUNPATH, ld.so.cache, default directories. */
#include "engine/rootfs/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char cache_path[] = "/etc/ld.so.cache";
enum { MAX_CACHE = 64 << 20 };

/* A directory that is searched, and which glibc-hwcaps subdirectories it has. */
struct directory {
    bool exists;
    unsigned levels; /* bit n: has the n-th of machine_levels() */
};

static const struct directory *look_at_directory(struct walk *walk, const char *path)
{
    struct elf_resolver *r = walk->resolver;
    struct directory *d = string_map_get(&r->directories, path);
    if (d)
        return d;
    char *key = arena_copy(&r->arena, path, strlen(path));
    d = arena_alloc(&r->arena, sizeof *d);
    if (!key || !d || string_map_add(&r->directories, key, d) < 0)
        return NULL;
    d->exists = probe_directory(r, *path ? path : ".");
    char sub[PATH_MAX];
    if (!d->exists || snprintf(sub, sizeof sub, "%sglibc-hwcaps", path) >= (int)sizeof sub || !probe_directory(r, sub))
        return d;
    const char *const *levels = machine_levels(walk->machine);
    for (unsigned i = 0; levels[i]; i++)
        if (snprintf(sub, sizeof sub, "%sglibc-hwcaps/%s", path, levels[i]) < (int)sizeof sub &&
            probe_directory(r, sub))
            d->levels |= 1u << i;
    return d;
}

/* @directory ends in a slash or is empty (the current directory). */
static enum probe search_directory(struct walk *walk, const char *directory, const char *name, struct library *found,
                                   struct err *err)
{
    const struct directory *d = look_at_directory(walk, directory);
    if (!d) {
        err_set(err, ENOMEM, "look into `%s`", directory);
        return PROBE_FAILED;
    }
    if (!d->exists)
        return PROBE_ABSENT;
    char path[PATH_MAX];
    const char *const *levels = machine_levels(walk->machine);
    for (unsigned i = 0; d->levels >> i; i++) {
        if (!(d->levels >> i & 1) ||
            snprintf(path, sizeof path, "%sglibc-hwcaps/%s/%s", directory, levels[i], name) >= (int)sizeof path)
            continue;
        enum probe p = probe_path(walk, path, found, err);
        if (p != PROBE_ABSENT)
            return p;
    }
    if (snprintf(path, sizeof path, "%s%s", directory, name) >= (int)sizeof path)
        return PROBE_ABSENT;
    return probe_path(walk, path, found, err);
}

/* @list: directories between any of @separators, an empty one meaning the current directory; tokens are @object's. */
static enum probe search_list(struct walk *walk, const struct object *object, const char *list, const char *separators,
                              const char *name, struct library *found, struct err *err)
{
    if (!list || !*list)
        return PROBE_ABSENT;
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, separators);
        char directory[PATH_MAX];
        ssize_t n = expand_tokens(walk, object, at, len, directory);
        if (n >= 0 && n < PATH_MAX - 1) {
            while (n > 1 && directory[n - 1] == '/')
                n--;
            if (n > 0 && directory[n - 1] != '/')
                directory[n++] = '/';
            directory[n] = '\0';
            enum probe p = search_directory(walk, directory, name, found, err);
            if (p != PROBE_ABSENT)
                return p;
        }
        at += len;
        if (!*at)
            return PROBE_ABSENT;
    }
}

/* The directories built into glibc: a distribution with multiarch has its tuple's and no lib64, the others have lib64. */
static size_t default_directories(struct walk *walk, char (*directories)[64])
{
    const struct machine *m = walk->machine;
    size_t count = 0;
    bool multiarch = false;
    const char *const parents[] = { "/lib", "/usr/lib" };
    for (int i = 0; i < 2 && *m->tuple; i++) {
        snprintf(directories[count], sizeof *directories, "%s/%s/", parents[i], m->tuple);
        multiarch |= probe_directory(walk->resolver, directories[count++]);
    }
    if (!multiarch && strcmp(m->lib, "lib") != 0)
        for (int i = 0; i < 2; i++)
            snprintf(directories[count++], sizeof *directories, "%s/%s/", i ? "/usr" : "", m->lib);
    for (int i = 0; i < 2; i++)
        snprintf(directories[count++], sizeof *directories, "%s/", parents[i]);
    return count;
}

static bool in_default_directory(struct walk *walk, const char *path)
{
    char directories[8][64];
    size_t count = default_directories(walk, directories);
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash + 1 - path) : 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(directories[i]) == len && memcmp(directories[i], path, len) == 0)
            return true;
    return false;
}

static const char *look_in_cache(struct walk *walk, const char *name)
{
    struct elf_resolver *r = walk->resolver;
    if (!r->cache_tried) {
        r->cache_tried = true;
        size_t size;
        char *data = resolver_read(r, cache_path, MAX_CACHE, &size);
        if (data)
            ld_so_cache_parse((unsigned char *)data, size, &r->cache);
    }
    struct ld_so_cache_wish wish = {
        .flags = walk->machine->cache_flags,
        .levels = machine_levels(walk->machine),
        .isa_levels = machine_isa_levels(walk->machine),
    };
    return ld_so_cache_find(&r->cache, name, &wish);
}

enum probe glibc_search(struct walk *walk, const struct object *loader, const char *name, struct library *found,
                        struct err *err)
{
    enum probe p = PROBE_ABSENT;
    const struct object *program = walk->objects[0];
    /* RPATH is inherited along the chain of who asked for whom; a RUNPATH in the one that asks switches all of that off. */
    if (!loader->file->runpath) {
        for (const struct object *o = loader; o && p == PROBE_ABSENT; o = o->loader)
            p = search_list(walk, o, o->file->rpath, ":", name, found, err);
    }
    if (p == PROBE_ABSENT)
        p = search_list(walk, program, walk->resolver->options.library_path, ":;", name, found, err);
    if (p == PROBE_ABSENT)
        p = search_list(walk, loader, loader->file->runpath, ":", name, found, err);
    if (p == PROBE_ABSENT) {
        const char *cached = look_in_cache(walk, name);
        bool usual = cached && in_default_directory(walk, cached);
        if (cached && !(loader->file->no_default_path && usual))
            p = probe_path(walk, cached, found, err);
        if (p == PROBE_FOUND && !usual)
            walk->config = cache_path;
    }
    if (p == PROBE_ABSENT && !loader->file->no_default_path) {
        char directories[8][64];
        size_t count = default_directories(walk, directories);
        for (size_t i = 0; i < count && p == PROBE_ABSENT; i++)
            p = search_directory(walk, directories[i], name, found, err);
    }
    return p;
}

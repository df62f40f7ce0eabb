/* Where musl's dynamic loader looks for a library: LD_LIBRARY_PATH, the rpath of everyone in the chain of who asked, its path file. */
#include "engine/rootfs/resolver.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char separators[] = ":\n";
static const char usual_path[] = "/lib:/usr/local/lib:/usr/lib";

/* What the loader's path file says. */
struct system_path {
    const char *file, *path;
};

static enum probe search_list(struct walk *walk, const struct object *object, const char *list, const char *name,
                              struct library *found, struct err *err)
{
    for (const char *at = list; at && *at;) {
        at += strspn(at, separators);
        size_t len = strcspn(at, separators);
        char path[PATH_MAX];
        ssize_t n = -1;
        if (object)
            n = expand_tokens(walk, object, at, len, path);
        else if (len && len < sizeof path)
            memcpy(path, at, (size_t)(n = (ssize_t)len));
        if (n > 0 && snprintf(path + n, sizeof path - (size_t)n, "/%s", name) < (int)(sizeof path - (size_t)n)) {
            enum probe p = probe_path(walk, path, found, err);
            if (p != PROBE_ABSENT)
                return p;
        }
        at += len;
    }
    return PROBE_ABSENT;
}

/* musl knows $ORIGIN alone, and ignores an rpath that holds any other token. */
static bool has_foreign_token(const char *rpath)
{
    for (const char *s = rpath; (s = strchr(s, '$')); s++)
        if (strncmp(s, "$ORIGIN", 7) != 0 && strncmp(s, "${ORIGIN}", 9) != 0)
            return true;
    return false;
}

/* PREFIX/etc/ld-musl-ARCH.path of the loader PREFIX/lib/ld-musl-ARCH.so.1; where there is none, three directories. */
static const struct system_path *system_path(struct walk *walk)
{
    struct elf_resolver *r = walk->resolver;
    const char *base = strrchr(walk->interpreter, '/');
    size_t prefix = base ? (size_t)(base - walk->interpreter) : 0;
    while (prefix > 0 && walk->interpreter[prefix - 1] != '/')
        prefix--;
    prefix -= prefix > 0;
    const char *name = base ? base + 1 : walk->interpreter;
    const char *end = strstr(name, ".so");
    char file[PATH_MAX];
    if (snprintf(file, sizeof file, "%.*s/etc/%.*s.path", (int)prefix, walk->interpreter,
                 (int)(end ? (size_t)(end - name) : strlen(name)), name) >= (int)sizeof file)
        return NULL;
    struct system_path *known = string_map_get(&r->musl_paths, file);
    if (known)
        return known;
    size_t size;
    cleanup_free char *text = resolver_read(r, file, 64 * 1024, &size);
    struct system_path *made = arena_alloc(&r->arena, sizeof *made);
    if (!made)
        return NULL;
    made->file = arena_copy(&r->arena, file, strlen(file));
    made->path = text ? arena_copy(&r->arena, text, strlen(text)) : usual_path;
    return made->file && made->path && string_map_add(&r->musl_paths, made->file, made) == 0 ? made : NULL;
}

enum probe musl_search(struct walk *walk, const struct object *loader, const char *name, struct library *found,
                       struct err *err)
{
    enum probe p = search_list(walk, NULL, walk->resolver->options.library_path, name, found, err);
    for (const struct object *o = loader; o && p == PROBE_ABSENT; o = o->loader) {
        const char *rpath = o->file->runpath ? o->file->runpath : o->file->rpath;
        if (rpath && !has_foreign_token(rpath))
            p = search_list(walk, o, rpath, name, found, err);
    }
    if (p != PROBE_ABSENT)
        return p;
    const struct system_path *system = system_path(walk);
    if (!system) {
        err_set(err, ENOMEM, "look for `%s`", name);
        return PROBE_FAILED;
    }
    p = search_list(walk, NULL, system->path, name, found, err);
    if (p == PROBE_FOUND && system->path != usual_path)
        walk->config = system->file;
    return p;
}

#include "engine/rootfs/elf_closure.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/resolver.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_PROBES = 200000 }; /* files one closure may look for: only a hostile one looks for more */

static struct elf_file no_file;

static int open_file(struct elf_resolver *r, const char *path)
{
    /* Nonblocking, so that a FIFO in a library's place cannot hold us. */
    if (r->rootfd == AT_FDCWD)
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return open_policy(r->rootfd, path, OPEN_IN_ROOT_READ, NULL);
}

bool probe_directory(struct elf_resolver *r, const char *path)
{
    struct stat st;
    if (r->rootfd == AT_FDCWD)
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    cleanup_close int fd = open_policy(r->rootfd, path, OPEN_IN_ROOT_PATH, NULL);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

char *resolver_read(struct elf_resolver *r, const char *path, size_t limit, size_t *size)
{
    cleanup_close int fd = open_file(r, path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > limit)
        return NULL;
    cleanup_free char *text = malloc((size_t)st.st_size + 1);
    if (!text)
        return NULL;
    size_t got = 0;
    while (got < (size_t)st.st_size) {
        ssize_t n = read(fd, text + got, (size_t)st.st_size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NULL;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    *size = got;
    return take_ptr(&text);
}

/* The file at @path, looked at once in the resolver's life; &no_file where there is none. NULL: out of memory. */
static struct elf_file *look_at_file(struct elf_resolver *r, const char *path, const char **kept)
{
    char *key = arena_copy(&r->arena, path, strlen(path));
    if (!key)
        return NULL;
    cleanup_close int fd = open_file(r, path);
    struct elf_file *file = fd < 0 ? &no_file : elf_file_read(fd, r->options.versions, &r->arena);
    if (!file || string_map_add(&r->files, key, file) < 0)
        return NULL;
    *kept = key;
    return file;
}

enum probe probe_path(struct walk *walk, const char *path, struct library *found, struct err *err)
{
    struct elf_resolver *r = walk->resolver;
    if (++r->probes > MAX_PROBES) {
        err_say(err, E2BIG, "gave up on `%s`: its libraries would be looked for in more than %d places",
                walk->objects[0]->path, MAX_PROBES);
        return PROBE_FAILED;
    }
    const char *kept = NULL;
    struct elf_file *file = string_map_get(&r->files, path);
    if (!file)
        file = look_at_file(r, path, &kept);
    if (!file) {
        err_set(err, ENOMEM, "look at `%s`", path);
        return PROBE_FAILED;
    }
    if (file == &no_file)
        return PROBE_ABSENT;
    if (file->identity.elf_class && !elf_identity_same(&file->identity, walk->identity))
        return PROBE_ABSENT;
    const char *why = file->why               ? file->why
                      : !file->has_dynamic    ? "object file has no dynamic section"
                      : file->is_pie          ? "cannot dynamically load position-independent executable"
                      : file->type == ET_EXEC ? "cannot dynamically load executable"
                                              : NULL;
    if (why) {
        err_say(err, ELIBBAD, "error while loading shared libraries: %s: %s", path, why);
        return PROBE_BROKEN;
    }
    if (!kept)
        kept = arena_copy(walk->arena, path, strlen(path));
    *found = (struct library){ .path = kept, .file = file };
    return PROBE_FOUND;
}

static const char *lib_token(struct walk *walk)
{
    if (walk->lib)
        return walk->lib;
    const struct machine *m = walk->machine;
    char path[64];
    const char *const parents[] = { "/lib", "/usr/lib" };
    for (int i = 0; i < 2 && *m->tuple; i++) {
        snprintf(path, sizeof path, "%s/%s", parents[i], m->tuple);
        if (probe_directory(walk->resolver, path))
            return walk->lib = arena_format(walk->arena, "lib/%s", m->tuple);
    }
    snprintf(path, sizeof path, "/usr/%s", m->lib);
    return walk->lib = probe_directory(walk->resolver, path) ? m->lib : "lib";
}

ssize_t expand_tokens(struct walk *walk, const struct object *object, const char *text, size_t len, char *buf)
{
    static const struct {
        const char *name;
        size_t len;
    } tokens[] = { { "ORIGIN", 6 }, { "LIB", 3 }, { "PLATFORM", 8 } };
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        const char *value = NULL;
        size_t used = 1;
        if (text[i] == '$') {
            bool braces = i + 1 < len && text[i + 1] == '{';
            const char *word = text + i + 1 + braces;
            size_t left = len - i - 1 - braces;
            for (size_t t = 0; t < sizeof tokens / sizeof *tokens && !value; t++) {
                size_t n = tokens[t].len;
                if (left < n + braces || memcmp(word, tokens[t].name, n) != 0 || (braces && word[n] != '}'))
                    continue;
                value = t == 0 ? object->origin : t == 1 ? lib_token(walk) : machine_platform(walk->machine);
                used = 1 + n + 2 * (size_t)braces;
            }
        }
        size_t n = value ? strlen(value) : 1;
        if (out + n >= PATH_MAX)
            return -1;
        memcpy(buf + out, value ? value : text + i, n);
        out += n;
        i += used;
    }
    buf[out] = '\0';
    return (ssize_t)out;
}

/* $ORIGIN of an object at @path: its directory, symlinks and all. glibc makes it absolute, musl does not. */
static const char *origin_of(struct walk *walk, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (path[0] == '/')
        return arena_copy(walk->arena, path, len ? len : 1);
    if (walk->musl)
        return len ? arena_copy(walk->arena, path, len) : ".";
    char here[PATH_MAX] = "";
    if (walk->resolver->rootfd == AT_FDCWD && (!getcwd(here, sizeof here) || here[0] != '/'))
        here[0] = '\0';
    if (len == 0)
        return arena_format(walk->arena, "%s", *here ? here : "/");
    return arena_format(walk->arena, "%s/%.*s", strcmp(here, "/") == 0 ? "" : here, (int)len, path);
}

static struct object *add_object(struct walk *walk, const struct object *loader, const char *name,
                                 const struct library *library, struct err *err)
{
    if (walk->count == walk->limit) {
        size_t bigger = walk->limit ? walk->limit * 2 : 32;
        struct object **grown = realloc(walk->objects, bigger * sizeof(*grown));
        if (!grown) {
            err_set(err, ENOMEM, "note library `%s`", name);
            return NULL;
        }
        walk->objects = grown;
        walk->limit = bigger;
    }
    struct object *o = arena_alloc(walk->arena, sizeof *o);
    if (o) {
        *o = (struct object){ .file = library->file, .name = name, .path = library->path, .loader = loader };
        o->origin = library->path ? origin_of(walk, library->path) : "";
    }
    if (!o || !o->origin) {
        err_set(err, ENOMEM, "note library `%s`", name);
        return NULL;
    }
    walk->objects[walk->count++] = o;
    return o;
}

/* A name @object answers to from now on. One found nowhere answers to none: glibc looks again for each that asks, and lists it again. */
static int add_name(struct walk *walk, const char *name, struct object *object, struct err *err)
{
    if (name && string_map_add(&walk->names, name, object) < 0)
        return err_set(err, ENOMEM, "note library `%s`", name);
    return 0;
}

/* An object that is the file just found under another name. */
static struct object *same_file(struct walk *walk, const struct elf_file *file)
{
    for (size_t i = 0; i < walk->count; i++) {
        const struct elf_file *known = walk->objects[i]->file;
        if (known && (known == file || (known->device == file->device && known->inode == file->inode)))
            return walk->objects[i];
    }
    return NULL;
}

static int load_found(struct walk *walk, const struct object *loader, const char *name, const struct library *library,
                      struct err *err)
{
    struct object *o = library->file ? same_file(walk, library->file) : NULL;
    if (o)
        return add_name(walk, name, o, err);
    o = add_object(walk, loader, name, library, err);
    if (!o)
        return -1;
    if (!library->file)
        return 0;
    return add_name(walk, name, o, err) < 0 || add_name(walk, library->path, o, err) < 0 ||
                   add_name(walk, library->file->soname, o, err) < 0
               ? -1
               : 0;
}

static int note_interpreter(struct walk *walk, const struct object *loader)
{
    if (!walk->asked_by) {
        walk->asked_by = loader;
        walk->asked_after = walk->count;
    }
    return 0;
}

static int load_glibc(struct walk *walk, const struct object *loader, const char *asked, struct err *err)
{
    const char *name = asked;
    if (strchr(asked, '$')) {
        char expanded[PATH_MAX];
        ssize_t n = expand_tokens(walk, loader, asked, strlen(asked), expanded);
        name = n < 0 ? asked : arena_copy(walk->arena, expanded, (size_t)n);
        if (!name)
            return err_set(err, ENOMEM, "note library `%s`", asked);
    }
    if (*walk->interpreter && (strcmp(name, walk->interpreter) == 0 || strcmp(name, walk->interpreter_name) == 0))
        return note_interpreter(walk, loader);
    if (string_map_get(&walk->names, name))
        return 0;
    struct library found = { 0 };
    enum probe p =
        strchr(name, '/') ? probe_path(walk, name, &found, err) : glibc_search(walk, loader, name, &found, err);
    return p == PROBE_BROKEN || p == PROBE_FAILED ? -1 : load_found(walk, loader, name, &found, err);
}

/* Libraries that are part of musl's loader itself: its number in the list, or -1. Anything from the first dot on may follow. */
static int musl_own_name(const char *name)
{
    static const char *const own[] = { "libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet." };
    for (int i = 0; i < (int)(sizeof own / sizeof *own); i++)
        if (strncmp(name, own[i], strlen(own[i])) == 0)
            return i;
    return -1;
}

static int load_musl(struct walk *walk, const struct object *loader, const char *name, struct err *err)
{
    int own = musl_own_name(name);
    if (own >= 0) {
        if (walk->musl_names >> own & 1)
            return 0;
        walk->musl_names |= 1u << own;
        struct object *o = add_object(walk, loader, name, &(struct library){ .path = walk->interpreter }, err);
        if (o)
            o->alias = true;
        return o ? 0 : -1;
    }
    if (strcmp(name, walk->interpreter) == 0 || string_map_get(&walk->names, name))
        return 0;
    struct library found = { 0 };
    enum probe p =
        strchr(name, '/') ? probe_path(walk, name, &found, err) : musl_search(walk, loader, name, &found, err);
    return p == PROBE_BROKEN || p == PROBE_FAILED ? -1 : load_found(walk, loader, name, &found, err);
}

static bool is_musl_loader(const char *path)
{
    const char *base = strrchr(path, '/');
    return strncmp(base ? base + 1 : path, "ld-musl-", 8) == 0;
}

/* Which loader starts it. A library names none: then glibc's usual one, or musl's if it asks for a libc of musl's naming. */
static int choose_interpreter(struct walk *walk, struct object *program, struct closure *closure, struct err *err)
{
    const struct elf_file *file = program->file;
    const struct machine *m = walk->machine;
    struct library found = { 0 };
    walk->interpreter = file->interpreter;
    for (size_t i = 0; !walk->interpreter && *m->musl && i < file->need_count; i++) {
        if (strcmp(file->needs[i], "libc.so") != 0 && strncmp(file->needs[i], "libc.musl-", 10) != 0)
            continue;
        const char *musl = arena_format(walk->arena, "/lib/ld-musl-%s.so.1", m->musl);
        if (!musl)
            return err_set(err, ENOMEM, "choose a loader");
        if (probe_path(walk, musl, &found, NULL) == PROBE_FOUND)
            walk->interpreter = musl;
    }
    if (!walk->interpreter)
        walk->interpreter = *m->loader && probe_path(walk, m->loader, &found, NULL) == PROBE_FOUND ? m->loader : "";
    else
        probe_path(walk, walk->interpreter, &found, NULL);
    const char *slash = strrchr(walk->interpreter, '/');
    walk->interpreter_name = found.file && found.file->soname ? found.file->soname
                             : slash                          ? slash + 1
                                                              : walk->interpreter;
    walk->musl = closure->musl = is_musl_loader(walk->interpreter);
    closure->vdso = walk->musl ? NULL : m->vdso;
    program->origin = origin_of(walk, program->path);
    return program->origin ? 0 : err_set(err, ENOMEM, "choose a loader");
}

/* LD_PRELOAD and /etc/ld.so.preload come right after the program. One that cannot be found is passed over, as ld.so does. */
static int load_preloads(struct walk *walk, const char *list, const char *separators, struct err *err)
{
    for (const char *at = list; at && *at;) {
        at += strspn(at, separators);
        size_t len = strcspn(at, separators);
        char *name = arena_copy(walk->arena, at, len);
        if (!name)
            return err_set(err, ENOMEM, "note library `%s`", at);
        size_t before = walk->count;
        if (len && load_glibc(walk, walk->objects[0], name, err) < 0) {
            if (!err || err->code != ELIBBAD)
                return -1;
            err_clear(err);
        }
        if (walk->count > before && !walk->objects[walk->count - 1]->file)
            walk->count--;
        at += len;
    }
    return 0;
}

static int load_all(struct walk *walk, bool musl, struct err *err)
{
    struct elf_resolver *r = walk->resolver;
    cleanup_free char *file = NULL;
    if (!musl && load_preloads(walk, r->options.preload, " :", err) < 0)
        return -1;
    size_t size;
    if (!musl && r->options.preload_file && (file = resolver_read(r, "/etc/ld.so.preload", 64 * 1024, &size)) &&
        load_preloads(walk, file, " :\t\n", err) < 0)
        return -1;
    for (size_t i = 0; i < walk->count; i++) {
        const struct object *o = walk->objects[i];
        for (size_t n = 0; o->file && n < o->file->need_count; n++)
            if ((musl ? load_musl : load_glibc)(walk, o, o->file->needs[n], err) < 0)
                return -1;
    }
    return 0;
}

static char *keep(struct walk *walk, const char *text)
{
    return text ? arena_copy(walk->arena, text, strlen(text)) : NULL;
}

static int add_entry(struct walk *walk, struct closure *closure, const char *name, const char *path,
                     const struct object *by, bool interpreter)
{
    struct closure_entry *e = &closure->entries[closure->count++];
    *e = (struct closure_entry){
        .name = keep(walk, name),
        .path = keep(walk, path),
        .needed_by = keep(walk, by->path),
        .interpreter = interpreter,
    };
    return e->name && e->needed_by && (e->path || !path) ? 0 : -1;
}

static int add_interpreter(struct walk *walk, struct closure *closure, bool unlisted)
{
    struct library found = { 0 };
    bool there = probe_path(walk, walk->interpreter, &found, NULL) == PROBE_FOUND;
    const struct object *program = walk->objects[0];
    const struct object *by = program->file->interpreter || !walk->asked_by ? program : walk->asked_by;
    if (add_entry(walk, closure, walk->interpreter, there ? walk->interpreter : NULL, by, true) < 0)
        return -1;
    closure->entries[closure->count - 1].unlisted = unlisted;
    return 0;
}

/* The entries in ldd's order: as loaded, glibc's loader put behind the last library that was found before it was asked for. */
static int list_entries(struct walk *walk, struct closure *closure)
{
    closure->entries = arena_alloc(walk->arena, (walk->count + 1) * sizeof *closure->entries);
    if (!closure->entries)
        return -1;
    const struct object *program = walk->objects[0];
    bool by_kernel = program->file->interpreter != NULL, listed = walk->asked_by || closure->musl;
    size_t place = closure->musl ? 1 : walk->asked_after;
    while (!closure->musl && place > 1 && !walk->objects[place - 1]->file)
        place--;
    bool any = *walk->interpreter && (by_kernel || listed);
    for (size_t i = 1; i <= walk->count; i++) {
        if (any && listed && i == place && add_interpreter(walk, closure, false) < 0)
            return -1;
        if (i == walk->count)
            break;
        const struct object *o = walk->objects[i];
        if (add_entry(walk, closure, o->name, o->path, o->loader, false) < 0)
            return -1;
    }
    return any && !listed ? add_interpreter(walk, closure, true) : 0;
}

static const char *path_of_name(struct walk *walk, const char *name)
{
    const struct object *o = string_map_get(&walk->names, name);
    if (o)
        return o->path;
    return strcmp(name, walk->interpreter_name) == 0 ? walk->interpreter : NULL;
}

static int list_versions(struct walk *walk, struct closure *closure)
{
    size_t total = 0;
    for (size_t i = 0; i < walk->count; i++)
        total += walk->objects[i]->file ? walk->objects[i]->file->version_count : 0;
    closure->versions = arena_alloc(walk->arena, (total + 1) * sizeof *closure->versions);
    if (!closure->versions)
        return -1;
    for (size_t i = 0; i < walk->count; i++) {
        const struct object *o = walk->objects[i];
        for (size_t n = 0; o->file && n < o->file->version_count; n++) {
            const struct elf_version *v = &o->file->versions[n];
            closure->versions[closure->version_count++] = (struct closure_version){
                .needed_by = keep(walk, o->path),
                .file = keep(walk, v->file),
                .version = keep(walk, v->version),
                .path = keep(walk, path_of_name(walk, v->file)),
                .weak = v->weak,
            };
        }
    }
    return 0;
}

/* The program itself. Not through probe_path: it may be of any machine, and a program where libraries may not. */
static struct object *load_program(struct walk *walk, const char *path, struct err *err)
{
    struct elf_resolver *r = walk->resolver;
    cleanup_close int fd = open_file(r, path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        err_set(err, errno, "open `%s`", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        err_say(err, EINVAL, "`%s` is not a regular file", path);
        return NULL;
    }
    struct elf_file *file = elf_file_read(fd, r->options.versions, walk->arena);
    char *kept = keep(walk, path);
    if (!file || !kept) {
        err_set(err, ENOMEM, "read `%s`", path);
        return NULL;
    }
    if (file->why) {
        err_say(err, ENOEXEC, "`%s` is not an ELF program or library: %s", path, file->why);
        return NULL;
    }
    walk->machine = machine_of(file);
    walk->identity = &file->identity;
    struct object *o = add_object(walk, NULL, kept, &(struct library){ .path = kept, .file = file }, err);
    return !o || add_name(walk, kept, o, err) < 0 || add_name(walk, file->soname, o, err) < 0 ? NULL : o;
}

static int fill_closure(struct walk *walk, const char *path, struct closure *closure, struct err *err)
{
    struct object *program = load_program(walk, path, err);
    if (!program || choose_interpreter(walk, program, closure, err) < 0)
        return -1;
    const struct elf_file *file = program->file;
    closure->has_dynamic = file->has_dynamic;
    closure->has_needs = file->need_count > 0;
    closure->is_static = !file->interpreter && !closure->has_needs;
    if (closure->is_static)
        return 0;
    if (load_all(walk, closure->musl, err) < 0)
        return -1;
    closure->config = keep(walk, walk->config);
    if (list_entries(walk, closure) < 0 || (walk->resolver->options.versions && list_versions(walk, closure) < 0))
        return err_set(err, ENOMEM, "list the libraries of `%s`", path);
    return 0;
}

struct elf_resolver *elf_resolver_open(int rootfd, const struct elf_resolver_options *options, struct err *err)
{
    struct elf_resolver *r = calloc(1, sizeof *r);
    if (!r) {
        err_set(err, ENOMEM, "look for libraries");
        return NULL;
    }
    r->rootfd = rootfd;
    if (options)
        r->options = *options;
    return r;
}

int elf_resolver_closure(struct elf_resolver *resolver, const char *path, struct closure *closure, struct err *err)
{
    *closure = (struct closure){ 0 };
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return err_set(err, ENOMEM, "list the libraries of `%s`", path);
    closure->memory = arena;
    struct walk walk = { .resolver = resolver, .arena = arena, .interpreter = "" };
    resolver->probes = 0;
    int result = fill_closure(&walk, path, closure, err);
    string_map_free(&walk.names);
    free(walk.objects);
    if (result < 0)
        closure_free(closure);
    return result;
}

void elf_resolver_close(struct elf_resolver *resolver)
{
    if (!resolver)
        return;
    ld_so_cache_free(&resolver->cache);
    string_map_free(&resolver->files);
    string_map_free(&resolver->directories);
    string_map_free(&resolver->musl_paths);
    arena_free(&resolver->arena);
    free(resolver);
}

int elf_closure(int rootfd, const char *path, struct closure *closure, struct err *err)
{
    *closure = (struct closure){ 0 };
    struct elf_resolver *resolver = elf_resolver_open(rootfd, NULL, err);
    int result = resolver ? elf_resolver_closure(resolver, path, closure, err) : -1;
    elf_resolver_close(resolver);
    return result;
}

void closure_free(struct closure *closure)
{
    if (closure->memory)
        arena_free(closure->memory);
    free(closure->memory);
    *closure = (struct closure){ 0 };
}

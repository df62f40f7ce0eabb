/** What a closure under way knows: shared by the loaders' search rules (glibc_search.c, musl_search.c) and the walk that uses them.
 *
 * Private to engine/rootfs.
 */
#ifndef ENGINE_ROOTFS_RESOLVER_H
#define ENGINE_ROOTFS_RESOLVER_H

#include "engine/rootfs/elf_closure.h"
#include "engine/rootfs/elf_file.h"
#include "engine/rootfs/ld_so_cache.h"
#include "engine/rootfs/machines.h"

#include <limits.h>

struct elf_resolver {
    int rootfd;
    struct elf_resolver_options options;
    struct arena arena;
    struct string_map files;       /* path → struct elf_file, or &no_file */
    struct string_map directories; /* path → struct directory */
    struct string_map musl_paths;  /* path of a path file → struct system_path */
    struct ld_so_cache cache;
    bool cache_tried;
    unsigned probes; /* files looked for in this closure */
};

/* One library of the program's, or the program itself (the first). */
struct object {
    const struct elf_file *file; /* NULL: found nowhere */
    const char *name;            /* as first asked for */
    const char *path;            /* as found */
    const char *origin;          /* $ORIGIN: the directory of path, absolute */
    const struct object *loader; /* who asked first */
    bool alias;                  /* a name musl's loader answers for itself */
};

struct walk {
    struct elf_resolver *resolver;
    struct arena *arena; /* the closure's */
    const struct machine *machine;
    const struct elf_identity *identity;
    struct object **objects; /* in the order loaded */
    size_t count, limit;
    struct string_map names;       /* every name an object answers to → object */
    const char *interpreter;       /* the loader's path, "" if there is none */
    const char *interpreter_name;  /* its soname */
    const struct object *asked_by; /* the first object to ask for the interpreter by name, or NULL */
    size_t asked_after;            /* how many objects were loaded by then */
    unsigned musl_names;           /* bits of the names of its own that musl's loader has been asked for */
    const char *config;            /* as in struct closure */
    const char *lib;               /* $LIB, once known */
};

enum probe {
    PROBE_ABSENT, /* no such file, or one of another machine: look further */
    PROBE_FOUND,
    PROBE_BROKEN, /* the loader would give up here; @err says why */
    PROBE_FAILED, /* we cannot go on; @err says why */
};

/* What a search found. */
struct library {
    const char *path; /* the resolver's */
    const struct elf_file *file;
};

/** Look at @path as the loader would. PROBE_BROKEN and PROBE_FAILED set @err. */
enum probe probe_path(struct walk *walk, const char *path, struct library *found, struct err *err);
bool probe_directory(struct elf_resolver *resolver, const char *path);
/** The whole of a small file as malloc'd bytes and a NUL, or NULL. */
char *resolver_read(struct elf_resolver *resolver, const char *path, size_t limit, size_t *size);

/** Search for library @name, asked for by @loader, by the rules of glibc or of musl. */
enum probe glibc_search(struct walk *walk, const struct object *loader, const char *name, struct library *found,
                        struct err *err);
enum probe musl_search(struct walk *walk, const struct object *loader, const char *name, struct library *found,
                       struct err *err);

/** Put $ORIGIN, $LIB and $PLATFORM into the @len bytes at @text. Returns the length in @buf (size PATH_MAX), -1 if it does not fit. */
ssize_t expand_tokens(struct walk *walk, const struct object *object, const char *text, size_t len, char *buf);

#endif

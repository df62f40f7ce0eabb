/** The dynamic loader's work read from the files themselves: which libraries a program needs, and where they are.
 *
 * Nothing is executed, so a hostile or foreign binary is safe to ask about. Reads PT_INTERP, DT_NEEDED, DT_RPATH and DT_RUNPATH with $ORIGIN, $LIB and
 * $PLATFORM, ld.so.cache, glibc's default paths and glibc-hwcaps subdirectories, and for a musl loader musl's own path file. See ld.so(8), elf(5).
 */
#ifndef ENGINE_ROOTFS_ELF_CLOSURE_H
#define ENGINE_ROOTFS_ELF_CLOSURE_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct closure_entry {
    char *name;      /* the DT_NEEDED string, or the interpreter's path */
    char *path;      /* where it was found, as ldd prints it; NULL: found nowhere */
    char *needed_by; /* path of the first file that asks for it */
    bool interpreter;
    bool unlisted; /* an interpreter that no library asks for: the kernel needs it, ldd does not list it */
};
struct closure_version {
    char *needed_by, *file, *version; /* `needed_by` asks for VERSION of the library FILE */
    char *path;                       /* where that library was found, or NULL */
    bool weak;                        /* it does without */
};
struct closure {
    /* In the order glibc's ldd prints them; a library found nowhere comes once for each file that asks for it. */
    struct closure_entry *entries;
    size_t count;
    struct closure_version *versions; /* in the order of `ldd -v`; only if asked for */
    size_t version_count;
    bool is_static;     /* it has no loader and needs no library: "not a dynamic executable" / "statically linked" */
    bool has_dynamic;   /* there is a PT_DYNAMIC; with is_static: "statically linked" (a static PIE, ld.so itself) */
    bool has_needs;     /* it asks for a library itself */
    bool musl;          /* its loader is musl's */
    const char *config; /* without this file (ld.so.cache, musl's path file) the loader would miss one; or NULL */
    const char *vdso;   /* the kernel's library as glibc's ldd lists it, or NULL where the loader lists none */
    void *memory;       /* what holds all of the above */
};

/** Closure of the program at @path under the root @rootfd (AT_FDCWD: the process's own root). Returns 0, or -1: ENOEXEC not ELF; ENOENT;
 * ELIBBAD a library was found that the loader would refuse, and so the program cannot start. A missing library is not an error
 * here: its entry has no path. */
int elf_closure(int rootfd, const char *path, struct closure *closure, struct err *err);
void closure_free(struct closure *closure);

/** Closures of many programs of one root: files and directories are looked at once, so it sees the root as it was then. */
struct elf_resolver;
struct elf_resolver_options {
    const char *library_path; /* as LD_LIBRARY_PATH, or NULL */
    const char *preload;      /* as LD_PRELOAD, or NULL */
    bool preload_file;        /* honour the root's /etc/ld.so.preload */
    bool versions;            /* fill closure.versions */
};
/** @rootfd stays the caller's and must outlive the resolver; @options may be NULL, and its strings must live as long. */
struct elf_resolver *elf_resolver_open(int rootfd, const struct elf_resolver_options *options, struct err *err);
int elf_resolver_closure(struct elf_resolver *resolver, const char *path, struct closure *closure, struct err *err);
void elf_resolver_close(struct elf_resolver *resolver);

/** Where the shell would find @program, as an absolute path into @path (PATH_MAX bytes). Returns 0, or -1 (ENOENT). */
int rootfs_find_program(const char *program, char *path, struct err *err);

typedef void rootfs_copied_fn(const char *from, const char *to, void *data);

/** Copy @program and everything its dynamic loader would need into the root filesystem @rootfs.
 *
 * @param rootfs  an open directory fd; every path is resolved inside it
 * @param each    called once a file, in the order copied; may be NULL
 * @return number of files copied (0 if all were there), or -1 with @err set:
 *         ENOENT a needed library was found nowhere (the message names it and who needs it); ENOEXEC not ELF
 *
 * See rootfs_copier for the rules.
 */
int rootfs_copy_program(int rootfs, const char *program, rootfs_copied_fn *each, void *data, struct err *err);

enum rootfs_copy_event {
    ROOTFS_COPIED, /* the file @from is now @to */
    ROOTFS_LINKED, /* the symlink @from is now @to; @note is the text both hold */
    ROOTFS_KEPT,   /* @to was there already, the same as @from: not copied */
    ROOTFS_SCRIPT, /* @from is a script; what runs it, @to, is copied too (both are paths on the host) */
    ROOTFS_STALE, /* @to, the loader's own list of libraries, differs from @from and was left alone: it may not list what was copied */
};
typedef void rootfs_event_fn(enum rootfs_copy_event event, const char *from, const char *to, const char *note,
                             void *data);

/** Copying of several programs into one root; each file is looked at once.
 *
 * A file keeps its path, mode and times (and as root its owner). Symlinks on the way are made as they are on the host (`/lib -> usr/lib`,
 * `libz.so.1 -> libz.so.1.2.13`) where the root has nothing of that name; where it has a directory, or a symlink of its own to one, that is
 * used. A file is complete or absent: it is written beside its place and renamed. Nothing is ever written through a symlink that stands
 * where a file belongs: the symlink is replaced. Where a library is found only by the loader's own list (/etc/ld.so.cache), that is copied
 * too. Paths given to the callback are absolute, @to inside the root.
 */
struct rootfs_copier;
struct rootfs_copier *rootfs_copier_open(int rootfs, rootfs_event_fn *each, void *data, struct err *err);
/** Copy @program (without a slash: looked up in PATH), its libraries and loader; of a script, what its #! line names. What can be copied is
 * copied before a missing library is reported. Returns how many files were copied, or -1 as rootfs_copy_program does. */
int rootfs_copier_add(struct rootfs_copier *copier, const char *program, struct err *err);
void rootfs_copier_close(struct rootfs_copier *copier);

#endif

/** The dynamic loader's work read from the files themselves: which libraries a program needs, and where they are.
 *
 * Nothing is executed, so a hostile or foreign binary is safe to ask about. Reads PT_INTERP, DT_NEEDED, DT_RPATH and DT_RUNPATH with $ORIGIN, $LIB and
 * $PLATFORM, ld.so.cache, glibc's default paths, and for a musl loader musl's own path file. See ld.so(8), elf(5).
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
};
struct closure {
    struct closure_entry *entries; /* in the order glibc's ldd prints them */
    size_t count;
    bool
        is_static; /* no PT_INTERP and no PT_DYNAMIC worth the name: "not a dynamic executable" / "statically linked" */
};

/** Closure of the program at @path under the root @rootfd (AT_FDCWD: the process's own root). Returns 0, or -1: ENOEXEC not ELF; ENOENT. A missing library is not an error
 * here: its entry has no path. */
int elf_closure(int rootfd, const char *path, struct closure *closure, struct err *err);
void closure_free(struct closure *closure);

typedef void rootfs_copied_fn(const char *from, const char *to, void *data);

/** Copy @program and everything its dynamic loader would need into the root filesystem @rootfs.
 *
 * @param rootfs  an open directory fd; every path is resolved inside it
 * @param each    called once a file, in the order copied; may be NULL
 * @return number of files copied (0 if all were there), or -1 with @err set:
 *         ENOENT a needed library was found nowhere (the message names it and who needs it); ENOEXEC not ELF
 */
int rootfs_copy_program(int rootfs, const char *program, rootfs_copied_fn *each, void *data, struct err *err);

#endif

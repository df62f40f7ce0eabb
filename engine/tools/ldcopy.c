/* ldcopy: programs, their libraries and their loader into a root filesystem, at the paths they have here. */
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/elf_closure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char ldcopy_usage[] =
    "usage: ldcopy PROGRAM… ROOTFS\n"
    "\n"
    "Copy each PROGRAM (a path, or a name looked up in PATH) into the root filesystem ROOTFS, an existing directory, "
    "together with everything it needs to start there: its libraries, theirs, and its dynamic loader. Each file keeps "
    "its path, mode and times. One line for each:\n"
    "\n"
    "  /bin/ls -> ROOT/bin/ls                            copied\n"
    "  /lib -> ROOT/lib (symlink to usr/lib)             made a symlink, as it is one here\n"
    "  /bin/ls -> ROOT/bin/ls (already there)            the same file was there: not copied\n"
    "  /usr/bin/ldd is a script, run by /bin/bash        the interpreter is copied too\n"
    "\n"
    "Nothing is run to find the libraries (see ldd --help). A static program is copied alone. Where ROOTFS has no /lib "
    "or /bin yet and this machine's is a symlink to usr/lib, it becomes the same symlink there; a directory that "
    "ROOTFS has is used as it is. Symlinks of ROOTFS are followed inside ROOTFS, never out of it. A file is written "
    "beside its place and renamed, so there is never half of one. If a library is found only by way of "
    "/etc/ld.so.cache, that is copied too; data files, plugins and settings of a program are not.\n"
    "\n"
    "Exit status: 0 if every PROGRAM can start in ROOTFS, 1 if something is missing or cannot be copied (what can be "
    "is), 2 on wrong usage.\n";

static void print_event(enum rootfs_copy_event event, const char *from, const char *to, const char *note, void *data)
{
    const char *root = data;
    size_t len = strlen(root);
    while (len > 0 && root[len - 1] == '/')
        len--;
    switch (event) {
    case ROOTFS_COPIED:
        printf("%s -> %.*s%s\n", from, (int)len, root, to);
        break;
    case ROOTFS_LINKED:
        printf("%s -> %.*s%s (symlink to %s)\n", from, (int)len, root, to, note);
        break;
    case ROOTFS_KEPT:
        printf("%s -> %.*s%s (already there)\n", from, (int)len, root, to);
        break;
    case ROOTFS_SCRIPT:
        printf("%s is a script, run by %s\n", from, to);
        break;
    case ROOTFS_STALE:
        printf("%.*s%s is its own, and may not list all libraries: run `ldconfig -r %s`\n", (int)len, root, to, root);
        break;
    }
}

int ldcopy_main(int argc, char **argv)
{
    struct err err;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--") == 0)
        first++;
    else if (argc > 1 && argv[1][0] == '-' && argv[1][1])
        return tool_usage("ldcopy", "there is no option `%s`", argv[1]);
    if (argc - first < 2)
        return tool_usage("ldcopy",
                          argc - first < 1 ? "which program, and into which directory?" : "into which directory?");
    char *root = argv[argc - 1];
    cleanup_close int fd = open_policy(AT_FDCWD, root, OPEN_ROOT_DIRECTORY, &err);
    if (fd < 0 && err.code == ENOENT)
        return tool_error("ldcopy", "there is no directory `%s`: make it first with mkdir", root);
    if (fd < 0)
        return tool_error("ldcopy", "%s", err.message);
    struct rootfs_copier *copier = rootfs_copier_open(fd, print_event, root, &err);
    if (!copier)
        return tool_error("ldcopy", "%s", err.message);
    int status = 0;
    for (int i = first; i < argc - 1; i++) {
        if (rootfs_copier_add(copier, argv[i], &err) < 0) {
            fflush(stdout);
            status = tool_error("ldcopy", "%s", err.message);
        }
    }
    rootfs_copier_close(copier);
    return fflush(stdout) == 0 && !ferror(stdout) ? status : tool_error("ldcopy", "cannot write to standard output");
}

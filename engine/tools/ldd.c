/* ldd: glibc's lines for a program's libraries, found by reading files; nothing is run. */
#include "engine/tools/options.h"
#include "engine/tools/tools.h"

#include "engine/rootfs/elf_closure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char ldd_usage[] =
    "usage: ldd [-v] FILE…\n"
    "\n"
    "List the shared libraries that each FILE (a program or a library) needs, and where its dynamic loader would find "
    "them.\n"
    "\n"
    "  -v, --verbose   also list the symbol versions asked of each library\n"
    "      --help      say this\n"
    "      --version   say the version\n"
    "\n"
    "Nothing is run: the answer is read from the ELF files, the rules of ld.so(8) and /etc/ld.so.cache, so it is safe "
    "to ask about a hostile program, and a program for another machine is answered too. The lines are those of glibc's "
    "ldd, but without the address after each library: that address is random and differs from run to run; what is not "
    "loaded has none. For a program with musl's loader the lines are those of musl's ldd, a missing library being `=> "
    "not found` here too.\n"
    "\n"
    "  NAME => PATH             the file asks for NAME, and PATH is what it gets\n"
    "  NAME => not found        no directory that is searched has it: the program will not start\n"
    "  statically linked        it needs no library\n"
    "  not a dynamic executable it is static, or no ELF file at all\n"
    "\n"
    "-d, -r and -u of glibc's ldd would have to load and link the program; they are refused.\n"
    "\n"
    "Environment: LD_LIBRARY_PATH is searched and LD_PRELOAD listed, as the loader would.\n"
    "Exit status: 0 if every FILE was listed (`not found` included), 1 if one is no dynamic ELF file or cannot be read "
    "or a library of it is damaged (or not found, for musl), 2 on wrong usage.\n";

static void print_versions(const struct closure *closure)
{
    const char *by = NULL;
    if (!closure->version_count)
        return;
    printf("\n\tVersion information:\n");
    for (size_t i = 0; i < closure->version_count; i++) {
        const struct closure_version *v = &closure->versions[i];
        if (!by || strcmp(by, v->needed_by) != 0)
            printf("\t%s:\n", v->needed_by);
        by = v->needed_by;
        printf("\t\t%s (%s) %s=> %s\n", v->file, v->version, v->weak ? "[WEAK] " : "", v->path ? v->path : "not found");
    }
}

static int print_closure(const struct closure *closure)
{
    if (!closure->has_dynamic) {
        fputs("\tnot a dynamic executable\n", stderr);
        return 1;
    }
    if (!closure->has_needs && !closure->musl) {
        puts("\tstatically linked");
        return 0;
    }
    bool missing = false, vdso_due = closure->vdso != NULL;
    for (size_t i = 0; i < closure->count; i++) {
        const struct closure_entry *e = &closure->entries[i];
        /* The kernel's library follows the program, unless the program itself asks for the loader before all else. */
        if (vdso_due && !(i == 0 && e->interpreter && !e->unlisted)) {
            printf("\t%s\n", closure->vdso);
            vdso_due = false;
        }
        if (e->unlisted)
            continue;
        if (!e->path)
            printf("\t%s => not found\n", e->name);
        else if (strcmp(e->name, e->path) == 0)
            printf("\t%s\n", e->path);
        else
            printf("\t%s => %s\n", e->name, e->path);
        missing |= !e->path;
    }
    if (vdso_due)
        printf("\t%s\n", closure->vdso);
    print_versions(closure);
    return missing && closure->musl ? 1 : 0;
}

static int list_file(struct elf_resolver *resolver, const char *file)
{
    char *with_slash = NULL;
    if (!strchr(file, '/') && asprintf(&with_slash, "./%s", file) < 0)
        return tool_error("ldd", "%s: out of memory", file);
    const char *path = with_slash ? with_slash : file;
    struct stat st;
    struct closure closure;
    struct err err;
    int status;
    fflush(stdout); /* so that errors stand where they belong when both go to one place */
    if (stat(path, &st) < 0) {
        status = tool_error("ldd", "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = tool_error("ldd", "%s: not regular file", path);
    } else if (access(path, R_OK) < 0) {
        status = tool_error("ldd", "error: you do not have read permission for `%s'", path);
    } else if (elf_resolver_closure(resolver, path, &closure, &err) == 0) {
        status = print_closure(&closure);
        closure_free(&closure);
    } else if (err.code == ENOEXEC) {
        fputs("\tnot a dynamic executable\n", stderr);
        status = 1;
    } else {
        status = tool_error("ldd", "%s: %s", path, err.message);
    }
    free(with_slash);
    return status;
}

int ldd_main(int argc, char **argv)
{
    struct elf_resolver_options options = {
        .library_path = getenv("LD_LIBRARY_PATH"),
        .preload = getenv("LD_PRELOAD"),
        .preload_file = true,
    };
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--") == 0) {
            i++;
            break;
        }
        if (strcmp(option, "-v") == 0 || strcmp(option, "--verbose") == 0) {
            options.versions = true;
        } else if (strcmp(option, "--help") == 0) {
            tool_text(ldd_usage, stdout);
            return 0;
        } else if (strcmp(option, "--version") == 0) {
            puts("ldd (teachroot) " TEACHROOT_VERSION);
            return 0;
        } else if (strcmp(option, "-d") == 0 || strcmp(option, "-r") == 0 || strcmp(option, "-u") == 0 ||
                   strcmp(option, "--data-relocs") == 0 || strcmp(option, "--function-relocs") == 0 ||
                   strcmp(option, "--unused") == 0) {
            return tool_usage("ldd", "%s would have to load and link the program; this ldd only reads it", option);
        } else {
            return tool_usage("ldd", "unrecognized option `%s'", option);
        }
    }
    if (i == argc)
        return tool_usage("ldd", "missing file arguments");
    struct err err;
    struct elf_resolver *resolver = elf_resolver_open(AT_FDCWD, &options, &err);
    if (!resolver)
        return tool_error("ldd", "%s", err.message);
    bool headings = argc - i > 1;
    int status = 0;
    for (; i < argc; i++) {
        if (headings)
            printf("%s:\n", argv[i]);
        if (list_file(resolver, argv[i]) != 0)
            status = 1;
    }
    elf_resolver_close(resolver);
    return fflush(stdout) == 0 && !ferror(stdout) ? status : tool_error("ldd", "cannot write to standard output");
}

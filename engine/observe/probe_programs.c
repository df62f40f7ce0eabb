/* Programs that lessons run. One that is there may still not work: what can be tried is run. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/base/user.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static enum host_answer is_there(const char *program, char *found, size_t size)
{
    char path[PATH_MAX];
    if (!host_program(program, path, sizeof path))
        return host_say(HOST_NO, found, size, "no program %s", program);
    return host_say(HOST_YES, found, size, "%.200s", path);
}

/* The first line @argv prints, as what was found. */
static enum host_answer first_line(const char *const argv[], char *found, size_t size)
{
    char text[512];
    if (is_there(argv[0], found, size) == HOST_NO)
        return HOST_NO;
    if (host_run(argv, text, sizeof text) != 0)
        return host_say(HOST_NO, found, size, "`%s %s` fails: %.150s", argv[0], argv[1], strtok(text, "\n"));
    return host_say(HOST_YES, found, size, "%.200s", strtok(text, "\n"));
}

static enum host_answer try_strace(char *found, size_t size)
{
    static const char *const filtered[] = { "strace", "-f", "--seccomp-bpf",  "-e", "trace=chdir",
                                            "sh",     "-c", "cd / && (cd /)", NULL };
    static const char *const plain[] = { "strace", "-f", "-e", "trace=chdir", "sh", "-c", "cd /", NULL };
    char text[4096];
    if (is_there("strace", found, size) == HOST_NO)
        return HOST_NO;
    if (host_run(filtered, text, sizeof text) == 0 && strstr(text, "chdir(\"/\")") && !strstr(text, "seccomp-bpf"))
        return host_say(HOST_YES, found, size, "traces a program and its children, with --seccomp-bpf");
    if (host_run(plain, text, sizeof text) == 0 && strstr(text, "chdir(\"/\")"))
        return host_say(HOST_PARTLY, found, size, "traces, but not with --seccomp-bpf: slower");
    return host_say(HOST_NO, found, size, "cannot trace: %.150s", strtok(text, "\n"));
}

enum host_answer probe_strace(char *found, size_t size)
{
    return host_try(try_strace, found, size);
}

/* Does the ELF file ask for a dynamic loader? */
static bool is_static(int fd)
{
    union {
        unsigned char ident[EI_NIDENT];
        Elf64_Ehdr header64;
        Elf32_Ehdr header32;
    } file;
    if (pread(fd, &file, sizeof file, 0) != (ssize_t)sizeof file || memcmp(file.ident, ELFMAG, SELFMAG) != 0)
        return false;
    bool wide = file.ident[EI_CLASS] == ELFCLASS64;
    unsigned count = wide ? file.header64.e_phnum : file.header32.e_phnum;
    for (unsigned i = 0; i < count; i++) {
        uint32_t type; /* the first member of either kind of program header */
        off_t at = wide ? (off_t)(file.header64.e_phoff + i * sizeof(Elf64_Phdr))
                        : (off_t)(file.header32.e_phoff + i * sizeof(Elf32_Phdr));
        if (pread(fd, &type, sizeof type, at) != (ssize_t)sizeof type || type == PT_INTERP)
            return false;
    }
    return true;
}

enum host_answer probe_busybox(char *found, size_t size)
{
    char path[PATH_MAX];
    if (!host_program("busybox", path, sizeof path))
        return host_say(HOST_NO, found, size, "no program busybox");
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return host_fails(found, size, "open `%.200s`", path);
    if (!is_static(fd))
        return host_say(HOST_PARTLY, found, size, "%.150s needs libraries: a root file system of it alone does not run",
                        path);
    return host_say(HOST_YES, found, size, "%.150s, static: it runs alone in a root file system", path);
}

enum host_answer probe_qemu(char *found, size_t size)
{
    struct utsname name;
    char program[96], first[128];
    uname(&name);
    snprintf(program, sizeof program, "qemu-system-%.70s", name.machine);
    if (is_there(program, found, size) == HOST_NO)
        return HOST_NO;
    snprintf(first, sizeof first, "%s", found);
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm >= 0)
        close(kvm);
    return host_say(HOST_YES, found, size, "%s%s", first, kvm >= 0 ? "" : " (without /dev/kvm: slow)");
}

#define IS_THERE(name)                                                                                                 \
    enum host_answer probe_##name(char *found, size_t size)                                                            \
    {                                                                                                                  \
        return is_there(#name, found, size);                                                                           \
    }
IS_THERE(debootstrap)
IS_THERE(ldd)
IS_THERE(cc)
IS_THERE(curl)
IS_THERE(perl)

static enum host_answer try_ip(char *found, size_t size)
{
    static const char *const argv[] = { "ip", "-V", NULL };
    return first_line(argv, found, size);
}

enum host_answer probe_ip(char *found, size_t size)
{
    return host_try(try_ip, found, size);
}

/* A finished tree in the cache needs neither packages nor a network. */
static bool is_kept(char *name, size_t size)
{
    char cache[PATH_MAX], trees[sizeof cache + 8];
    if (user_cache_path(cache, sizeof cache, NULL) < 0)
        return false;
    snprintf(trees, sizeof trees, "%s/trees", cache);
    cleanup_dir DIR *dir = opendir(trees);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.') {
            snprintf(name, size, "%.*s", (int)strcspn(entry->d_name, ","), entry->d_name);
            return true;
        }
    return false;
}

enum host_answer probe_bootstrap(char *found, size_t size)
{
    char name[64];
    enum host_answer ids = probe_subuid(found, size);
    if (ids == HOST_NO || is_there("debootstrap", found, size) == HOST_NO)
        return HOST_NO;
    if (is_kept(name, sizeof name))
        return host_say(HOST_YES, found, size, "one is kept: %s", name);
    return probe_network(found, size);
}

/* Facts about programs: where they are found, and what they need to start. */
#include "repl/tutor/facts.h"
#include "repl/screen/commands.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/similar.h"
#include "engine/rootfs/elf_closure.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ENTRIES_MAX 8000

static const char standard_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool is_program(const struct fact_call *call, const char *path)
{
    struct stat st;
    cleanup_close int fd = fact_open(call, path);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Along @path, as execvp(3) does; the name itself where it has a slash. */
static bool find_along(const struct fact_call *call, const char *path, const char *program, char *file, size_t size)
{
    if (strchr(program, '/')) {
        snprintf(file, size, "%s", program);
        return is_program(call, file);
    }
    for (const char *at = path; *program && *at; at += *at == ':') {
        size_t len = strcspn(at, ":");
        if ((size_t)snprintf(file, size, "%.*s/%s", (int)len, at, program) < size && len && is_program(call, file))
            return true;
        at += len;
    }
    return false;
}

static const char *search_path(const struct fact_call *call)
{
    const char *path = observe_place_variable(call->shell, "PATH", 4);
    return path ? path : standard_path;
}

static bool find_program(const struct fact_call *call, const char *program, char file[VALUE_LENGTH])
{
    return find_along(call, search_path(call), program, file, VALUE_LENGTH);
}

enum fact_answer fact_program(struct fact_call *call)
{
    char file[VALUE_LENGTH];
    return find_program(call, call->arguments[0], file) ? fact_give(call, "file", file) : FACT_NO;
}

enum fact_answer fact_program_elsewhere(struct fact_call *call)
{
    char file[VALUE_LENGTH];
    if (strchr(call->arguments[0], '/'))
        return FACT_NO;
    return find_along(call, standard_path, call->arguments[0], file, sizeof file) ? fact_give(call, "file", file)
                                                                                  : FACT_NO;
}

enum fact_answer fact_program_in_lab(struct fact_call *call)
{
    char path[64], file[VALUE_LENGTH];
    struct observe_place lab = { .cwd = "/" };
    struct fact_call there = *call;
    snprintf(path, sizeof path, "/proc/%d/root", (int)call->lab);
    cleanup_close int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, NULL);
    if (root < 0)
        return FACT_UNKNOWN;
    lab.root = root;
    there.place = &lab;
    return find_program(&there, call->arguments[0], file) ? fact_give(call, "file", file) : FACT_NO;
}

static enum fact_answer near_in(struct fact_call *call, const char *directory)
{
    cleanup_dir DIR *dir = fact_entries(call, directory);
    struct dirent *entry;
    for (unsigned i = 0; dir && i < ENTRIES_MAX && (entry = readdir(dir)); i++)
        if (entry->d_name[0] != '.' && words_similar(call->arguments[0], entry->d_name))
            return fact_give(call, "near", entry->d_name);
    return FACT_NO;
}

/* The directories in their order: what comes first along PATH is what is mostly meant. */
enum fact_answer fact_program_near(struct fact_call *call)
{
    char file[VALUE_LENGTH], directory[PATH_MAX];
    if (strchr(call->arguments[0], '/') || find_program(call, call->arguments[0], file))
        return FACT_NO;
    for (const char *at = search_path(call); *at; at += *at == ':') {
        size_t len = strcspn(at, ":");
        snprintf(directory, sizeof directory, "%.*s", (int)len, at);
        if (len && near_in(call, directory) == FACT_YES)
            return FACT_YES;
        at += len;
    }
    return FACT_NO;
}

/* Of short words many are a letter away from another one. */
enum fact_answer fact_teaching_word(struct fact_call *call)
{
    const char *word = call->arguments[0];
    for (size_t i = 0; i < command_count; i++)
        if (strcasecmp(commands[i].name, word) == 0)
            return fact_give(call, "word", commands[i].name);
    for (size_t i = 0; i < command_count && strlen(word) >= 4; i++)
        if (words_similar(commands[i].name, word))
            return fact_give(call, "word", commands[i].name);
    return FACT_NO;
}

/* The loader that the ELF file @file names, or a script's interpreter. */
static bool interpreter_of(const struct fact_call *call, const char *file, char *interpreter, size_t size)
{
    char head[512], absolute[PATH_MAX];
    ssize_t len = fact_read(call, file, head, sizeof head);
    if (len > 2 && memcmp(head, "#!", 2) == 0) {
        const char *from = head + 2 + strspn(head + 2, " \t");
        snprintf(interpreter, size, "%.*s", (int)strcspn(from, " \t\n"), from);
        return *interpreter;
    }
    struct closure closure;
    if (len < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0 || !fact_path(call, file, absolute) ||
        elf_closure(call->place->root, absolute, &closure, NULL) < 0)
        return false;
    bool found = false;
    for (size_t i = 0; i < closure.count && !found; i++)
        if (closure.entries[i].interpreter) {
            snprintf(interpreter, size, "%s", closure.entries[i].name);
            found = true;
        }
    closure_free(&closure);
    return found;
}

static bool misses_interpreter(struct fact_call *call, char file[VALUE_LENGTH], char interpreter[VALUE_LENGTH])
{
    return find_program(call, call->arguments[0], file) && interpreter_of(call, file, interpreter, VALUE_LENGTH) &&
           !fact_exists(call, interpreter);
}

enum fact_answer fact_interpreter_missing(struct fact_call *call)
{
    char file[VALUE_LENGTH], interpreter[VALUE_LENGTH];
    if (!misses_interpreter(call, file, interpreter))
        return FACT_NO;
    return fact_give(call, "file", file) == FACT_YES ? fact_give(call, "interpreter", interpreter) : FACT_UNKNOWN;
}

/* A file of that name in one of the directories that libraries are in, or one level below. */
static bool find_library(const struct fact_call *call, const char *name, char found[VALUE_LENGTH])
{
    static const char *const directories[] = {
        "/lib64", "/lib", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/bin", ""
    };
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(found, VALUE_LENGTH, "%s/%s", directories[i], name);
        if (fact_exists(call, found))
            return true;
        if (!*directories[i])
            continue;
        cleanup_dir DIR *dir = fact_entries(call, directories[i]);
        struct dirent *entry;
        for (unsigned k = 0; dir && k < ENTRIES_MAX && (entry = readdir(dir)); k++) {
            if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
                continue;
            snprintf(found, VALUE_LENGTH, "%s/%.100s/%.100s", directories[i], entry->d_name, name);
            if (fact_exists(call, found))
                return true;
        }
    }
    return false;
}

enum fact_answer fact_interpreter_elsewhere(struct fact_call *call)
{
    char file[VALUE_LENGTH], interpreter[VALUE_LENGTH], found[VALUE_LENGTH];
    if (!misses_interpreter(call, file, interpreter) || !find_library(call, last_part(interpreter), found))
        return FACT_NO;
    return fact_give(call, "interpreter", interpreter) == FACT_YES ? fact_give(call, "found", found) : FACT_UNKNOWN;
}

enum fact_answer fact_interpreter_dangling(struct fact_call *call)
{
    char file[VALUE_LENGTH], interpreter[VALUE_LENGTH];
    if (!misses_interpreter(call, file, interpreter))
        return FACT_NO;
    struct fact_call of_link = *call;
    snprintf(of_link.arguments[0], sizeof of_link.arguments[0], "%s", interpreter);
    enum fact_answer answer = fact_dangling(&of_link);
    return answer == FACT_YES ? fact_give(call, "interpreter", interpreter) : answer;
}

enum fact_answer fact_library_elsewhere(struct fact_call *call)
{
    char found[VALUE_LENGTH];
    return find_library(call, call->arguments[0], found) ? fact_give(call, "found", found) : FACT_NO;
}

enum fact_answer fact_crlf(struct fact_call *call)
{
    char head[4096], file[VALUE_LENGTH];
    if (is_program(call, call->arguments[0])) /* who reads it (`sh FILE`) does not search for it first */
        snprintf(file, sizeof file, "%s", call->arguments[0]);
    else if (!find_program(call, call->arguments[0], file))
        return FACT_NO;
    return fact_says(fact_read(call, file, head, sizeof head) > 0 && strstr(head, "\r\n"));
}

enum fact_answer fact_no_shebang(struct fact_call *call)
{
    char head[256], file[VALUE_LENGTH];
    ssize_t len = find_program(call, call->arguments[0], file) ? fact_read(call, file, head, sizeof head) : -1;
    bool text = len > 0 && memcmp(head, "#!", 2) != 0 && (ssize_t)strlen(head) == len && head[0] != '\177';
    return text ? fact_give(call, "file", file) : FACT_NO;
}

/* Ours is read from ourselves: the lab's programs are this machine's. */
enum fact_answer fact_other_machine(struct fact_call *call)
{
    unsigned char head[32], own[32];
    char file[VALUE_LENGTH];
    cleanup_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0 || read(self, own, sizeof own) != sizeof own)
        return FACT_UNKNOWN;
    if (!find_program(call, call->arguments[0], file) || fact_read(call, file, (char *)head, sizeof head) < 20 ||
        memcmp(head, ELFMAG, SELFMAG) != 0 || memcmp(head + 18, own + 18, 2) == 0)
        return FACT_NO;
    bool big = head[EI_DATA] == ELFDATA2MSB;
    return fact_give_number(call, "machine", head[18 + big] | head[18 + !big] << 8);
}

enum fact_answer fact_same_name(struct fact_call *call)
{
    return fact_says(strcmp(last_part(call->arguments[0]), call->arguments[1]) == 0);
}

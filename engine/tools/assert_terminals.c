/* Claims about the lab's terminals: what ran in them last, and what their foreground processes see. The session says which those are in the environment. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/observe/observe.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

pid_t terminal_pid(struct claim *claim, const char *name)
{
    char variable[64];
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) || strlen(name) > 16) {
            see(claim, CLAIM_UNKNOWN, "`%s` is no terminal: they are 1, 2 …", name);
            return -1;
        }
    snprintf(variable, sizeof variable, "TEACHROOT_TERMINAL_%s", name);
    const char *value = getenv(variable);
    char *end;
    long pid = value ? strtol(value, &end, 10) : 0;
    if (pid <= 0 || *end) {
        see(claim, CLAIM_UNKNOWN, "terminal %s is not open", name);
        return -1;
    }
    return (pid_t)pid;
}

enum verdict claim_last_exit(struct claim *claim)
{
    const char *wanted = claim->words[0], *status = getenv("TEACHROOT_LAST_STATUS"),
               *command = getenv("TEACHROOT_LAST_COMMAND");
    char *end;
    long number = strtol(wanted, &end, 10);
    bool nonzero = strcmp(wanted, "nonzero") == 0;
    if (!nonzero && (end == wanted || *end || number < 0 || number > 255))
        return see(claim, CLAIM_WRONG, "`%s` is no exit status: a number to 255, or `nonzero`", wanted);
    if (!status || !*status)
        return see(claim, CLAIM_UNKNOWN, "no command has ended in this step yet");
    long last = strtol(status, NULL, 10);
    bool holds = nonzero ? last != 0 : last == number;
    bool known = command && *command;
    return see(claim, holds ? CLAIM_HOLDS : CLAIM_FAILS, "the last command%s%.200s%s ended with status %ld%s%s%s",
               known ? ", `" : "", known ? command : "", known ? "`," : "", last, holds ? "" : "; ",
               holds     ? ""
               : nonzero ? "any other"
                         : wanted,
               holds ? "" : " was wanted");
}

enum verdict claim_last_command(struct claim *claim)
{
    const char *command = getenv("TEACHROOT_LAST_COMMAND");
    if (!command || !*command)
        return see(claim, CLAIM_UNKNOWN, "no command has ended in this step yet");
    return see(claim, fnmatch(claim->words[0], command, 0) == 0 ? CLAIM_HOLDS : CLAIM_FAILS,
               "the last command was `%.200s`", command);
}

enum verdict claim_terminal_root(struct claim *claim)
{
    const char *terminal = claim->words[0], *path = claim->words[1];
    struct observe_root root;
    struct stat st;
    struct err err;
    pid_t pid = terminal_pid(claim, terminal);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    if (observe_root(pid, &root, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "the root directory of terminal %s cannot be read: %s", terminal, err.message);
    if (stat(path, &st) < 0)
        return see_missing(claim, path);
    bool same = root.dev == st.st_dev && root.ino == st.st_ino;
    return see(claim, same ? CLAIM_HOLDS : CLAIM_FAILS, "the root directory of terminal %s is %.512s", terminal,
               same ? path : root.path);
}

/* Compare terminal N's namespace with pid 1's. */
static enum verdict compare_namespace(struct claim *claim, bool wants_difference)
{
    const char *kind = claim->words[0], *terminal = claim->words[1];
    uint64_t lab[NAMESPACE_KINDS], its[NAMESPACE_KINDS];
    struct err err;
    size_t k = namespace_find(kind);
    if (k == NAMESPACE_KINDS)
        return see(claim, CLAIM_WRONG, "there is no kind of namespace `%s`", kind);
    pid_t pid = terminal_pid(claim, terminal);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    if (observe_namespaces(pid, its, &err) < 0 || observe_namespaces(1, lab, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "the namespaces of terminal %s cannot be read: %s", terminal, err.message);
    if (!its[k] || !lab[k])
        return see(claim, CLAIM_UNKNOWN, "the %s namespace of terminal %s cannot be read", namespace_kinds[k].word,
                   terminal);
    bool differs = its[k] != lab[k];
    return see(claim, differs == wants_difference ? CLAIM_HOLDS : CLAIM_FAILS, "terminal %s is in %s %s namespace",
               terminal, differs ? "another" : "the lab's own", namespace_kinds[k].word);
}

enum verdict claim_namespace_differs(struct claim *claim)
{
    return compare_namespace(claim, true);
}

enum verdict claim_namespace_same(struct claim *claim)
{
    return compare_namespace(claim, false);
}

enum verdict claim_hostname(struct claim *claim)
{
    const char *terminal = claim->words[0], *wanted = claim->words[1];
    char path[64], name[HOST_NAME_MAX + 1] = "";
    pid_t pid = terminal_pid(claim, terminal);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
    /* The kernel tells a host name only to those in its namespace; we end right after. */
    cleanup_close int uts = open(path, O_RDONLY | O_CLOEXEC);
    if (uts < 0 || setns(uts, CLONE_NEWUTS) < 0 || gethostname(name, sizeof name - 1) < 0)
        return see(claim, CLAIM_UNKNOWN, "the host name of terminal %s cannot be read: %s", terminal,
                   strerrordesc_np(errno));
    return see(claim, strcmp(name, wanted) == 0 ? CLAIM_HOLDS : CLAIM_FAILS, "the host name in terminal %s is %s",
               terminal, name);
}

/* mountinfo writes blanks and backslashes as \ooo. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && isdigit((unsigned char)from[1]) && isdigit((unsigned char)from[2]) &&
            isdigit((unsigned char)from[3])) {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* The type of what is mounted last on @path in /proc/@who/mountinfo; "" if nothing is. Returns -1 if that cannot be read. */
static int mounted_type(struct claim *claim, const char *who, const char *path, char type[64])
{
    char file[64];
    snprintf(file, sizeof file, "/proc/%s/mountinfo", who);
    cleanup_file FILE *f = fopen(file, "re");
    if (!f) {
        see(claim, CLAIM_UNKNOWN, "%s cannot be read: %s", file, strerrordesc_np(errno));
        return -1;
    }
    cleanup_free char *line = NULL;
    size_t size = 0;
    type[0] = '\0';
    while (getline(&line, &size, f) > 0) {
        char where[PATH_MAX], its[64];
        const char *after = strstr(line, " - ");
        if (!after || sscanf(line, "%*s %*s %*s %*s %4095s", where) != 1 || sscanf(after, " - %63s", its) != 1)
            continue;
        unescape(where);
        if (strcmp(where, path) == 0)
            memcpy(type, its, sizeof its);
    }
    return 0;
}

/* @type and @terminal may be NULL. */
static enum verdict look_for_mount(struct claim *claim, const char *path, const char *type, const char *terminal)
{
    char who[16] = "self", real[PATH_MAX], found[64];
    if (terminal) {
        pid_t pid = terminal_pid(claim, terminal);
        if (pid < 0)
            return CLAIM_UNKNOWN;
        snprintf(who, sizeof who, "%d", pid);
        /* As that process names it; its links we cannot follow from here. */
        snprintf(real, sizeof real, "%s", path);
        for (size_t len = strlen(real); len > 1 && real[len - 1] == '/'; len--)
            real[len - 1] = '\0';
    } else if (!realpath(path, real)) {
        return see_missing(claim, path);
    }
    if (mounted_type(claim, who, real, found) < 0)
        return CLAIM_UNKNOWN;
    const char *in = terminal ? " as terminal " : "", *which = terminal ? terminal : "",
               *sees = terminal ? " sees it" : "";
    if (!*found)
        return see(claim, CLAIM_FAILS, "nothing is mounted on %s%s%s%s", path, in, which, sees);
    return see(claim, !type || strcmp(type, found) == 0 ? CLAIM_HOLDS : CLAIM_FAILS,
               "what is mounted on %s%s%s%s is of type %s", path, in, which, sees, found);
}

enum verdict claim_mount(struct claim *claim)
{
    return look_for_mount(claim, claim->words[0], NULL, NULL);
}

enum verdict claim_mount_type(struct claim *claim)
{
    return look_for_mount(claim, claim->words[0], claim->words[1], NULL);
}

enum verdict claim_mount_of(struct claim *claim)
{
    return look_for_mount(claim, claim->words[0], NULL, claim->words[1]);
}

enum verdict claim_mount_type_of(struct claim *claim)
{
    return look_for_mount(claim, claim->words[0], claim->words[1], claim->words[2]);
}

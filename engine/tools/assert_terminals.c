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

enum verdict claim_terminal_pid(struct claim *claim)
{
    const char *terminal = claim->words[0];
    struct observe_process process;
    struct err err;
    pid_t wanted = claim_pid(claim, claim->words[1]), pid = wanted > 0 ? terminal_pid(claim, terminal) : 0;
    if (wanted <= 0)
        return CLAIM_WRONG;
    if (pid < 0)
        return CLAIM_UNKNOWN;
    if (observe_process(pid, &process, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "the process of terminal %s cannot be read: %s", terminal, err.message);
    pid_t own = process.nspid[process.depth - 1];
    return see(claim, own == wanted ? CLAIM_HOLDS : CLAIM_FAILS,
               "the process of terminal %s is %d in its pid namespace", terminal, own);
}

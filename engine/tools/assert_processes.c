/* Claims about the lab's processes. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/observe/observe.h"

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_MATCHES 256
#define MOST_BELOW 4096

/* Who asks is no answer: the shell that runs the check has the pattern in its own command line. */
static bool asks(pid_t pid, const pid_t *ancestors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ancestors[i] == pid)
            return true;
    return false;
}

static size_t find_ancestors(pid_t *ancestors, size_t max)
{
    size_t count = 0;
    struct observe_process process;
    for (pid_t pid = getpid(); pid > 0 && count < max; pid = process.ppid) {
        ancestors[count++] = pid;
        if (observe_process(pid, &process, NULL) < 0)
            break;
    }
    return count;
}

struct matches {
    struct observe_process list[MOST_MATCHES];
    size_t count;
    char others[400]; /* what runs besides */
};

static void note_other(struct matches *matches, const struct observe_process *process)
{
    size_t len = strlen(matches->others), room = sizeof matches->others - len;
    if (room > 8)
        snprintf(matches->others + len, room, "%s%.40s", len ? ", " : "", process->command);
}

static int find_processes(struct claim *claim, const char *pattern, struct matches *matches)
{
    pid_t ancestors[64];
    size_t ancestor_count = find_ancestors(ancestors, sizeof ancestors / sizeof *ancestors);
    char glob[512];
    snprintf(glob, sizeof glob, "*%s*", pattern);
    cleanup_dir DIR *proc = opendir("/proc");
    if (!proc) {
        see(claim, CLAIM_UNKNOWN, "/proc cannot be read: %s", strerrordesc_np(errno));
        return -1;
    }
    matches->count = 0;
    matches->others[0] = '\0';
    const struct dirent *entry;
    while ((entry = readdir(proc)) && matches->count < MOST_MATCHES) {
        struct observe_process *process = &matches->list[matches->count];
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
        /* A zombie does nothing any more. */
        if (pid <= 0 || asks(pid, ancestors, ancestor_count) || observe_process(pid, process, NULL) < 0 ||
            process->state == 'Z')
            continue;
        if (fnmatch(glob, process->command, 0) == 0)
            matches->count++;
        else if (process->command[0] != '[') /* no kernel threads */
            note_other(matches, process);
    }
    if (matches->count == 0)
        see(claim, CLAIM_FAILS, "no process matches `%s`%s%s", pattern, *matches->others ? "; running are: " : "",
            matches->others);
    return 0;
}

enum verdict claim_process(struct claim *claim)
{
    struct matches matches;
    if (find_processes(claim, claim->words[0], &matches) < 0)
        return CLAIM_UNKNOWN;
    if (matches.count == 0)
        return CLAIM_FAILS;
    return see(claim, CLAIM_HOLDS, "process %d is running: %s", matches.list[0].pid, matches.list[0].command);
}

enum verdict claim_process_gone(struct claim *claim)
{
    enum verdict verdict = claim_process(claim);
    return verdict == CLAIM_HOLDS ? CLAIM_FAILS : verdict == CLAIM_FAILS ? CLAIM_HOLDS : verdict;
}

enum verdict claim_process_root(struct claim *claim)
{
    struct matches matches;
    struct observe_root root = { .path = "" };
    struct stat st;
    const char *path = claim->words[1];
    if (find_processes(claim, claim->words[0], &matches) < 0)
        return CLAIM_UNKNOWN;
    if (matches.count == 0)
        return CLAIM_FAILS;
    if (stat(path, &st) < 0)
        return see_missing(claim, path);
    pid_t seen = 0;
    for (size_t i = 0; i < matches.count; i++) {
        pid_t pid = matches.list[i].pid;
        if (observe_root(pid, &root, NULL) < 0)
            continue;
        seen = pid;
        if (root.dev == st.st_dev && root.ino == st.st_ino)
            return see(claim, CLAIM_HOLDS, "the root directory of process %d is %s", pid, path);
    }
    if (!seen)
        return see(claim, CLAIM_UNKNOWN, "the root directory of process %d cannot be read", matches.list[0].pid);
    return see(claim, CLAIM_FAILS, "the root directory of process %d is %.512s, not %s", seen, root.path, path);
}

enum verdict claim_process_isolated(struct claim *claim)
{
    struct matches matches;
    const char *kind = claim->words[1], *terminal = claim->words[2];
    size_t k = namespace_find(kind);
    if (k == NAMESPACE_KINDS)
        return see(claim, CLAIM_WRONG, "there is no kind of namespace `%s`", kind);
    pid_t other = terminal_pid(claim, terminal);
    uint64_t mine[NAMESPACE_KINDS], its[NAMESPACE_KINDS];
    struct err err;
    if (other < 0)
        return CLAIM_UNKNOWN;
    if (observe_namespaces(other, mine, &err) < 0 || !mine[k])
        return see(claim, CLAIM_UNKNOWN, "the %s namespace of terminal %s cannot be read", namespace_kinds[k].word,
                   terminal);
    if (find_processes(claim, claim->words[0], &matches) < 0)
        return CLAIM_UNKNOWN;
    if (matches.count == 0)
        return CLAIM_FAILS;
    for (size_t i = 0; i < matches.count; i++)
        if (observe_namespaces(matches.list[i].pid, its, NULL) == 0 && its[k] && its[k] != mine[k])
            return see(claim, CLAIM_HOLDS, "process %d has %s, apart from terminal %s", matches.list[i].pid,
                       namespace_kinds[k].gives, terminal);
    return see(claim, CLAIM_FAILS, "process %d is in the same %s namespace as terminal %s", matches.list[0].pid,
               namespace_kinds[k].word, terminal);
}

/* In the terminal's pid namespace or one below it: only such processes have a number there, to be seen and signalled by. */
enum verdict claim_process_visible(struct claim *claim)
{
    struct matches matches;
    pid_t below[MOST_BELOW];
    struct err err;
    const char *terminal = claim->words[1];
    pid_t pid = terminal_pid(claim, terminal);
    if (pid < 0 || find_processes(claim, claim->words[0], &matches) < 0)
        return CLAIM_UNKNOWN;
    if (matches.count == 0)
        return CLAIM_FAILS;
    ssize_t count = observe_processes_below(pid, below, MOST_BELOW, &err);
    if (count < 0)
        return see(claim, CLAIM_UNKNOWN, "what terminal %s sees cannot be told: %s", terminal, err.message);
    for (size_t i = 0; i < matches.count; i++)
        for (ssize_t k = 0; k < count; k++)
            if (below[k] == matches.list[i].pid)
                return see(claim, CLAIM_HOLDS, "process %d (%.200s) is in sight of terminal %s", matches.list[i].pid,
                           matches.list[i].command, terminal);
    return see(claim, CLAIM_FAILS, "process %d (%.200s) has no number in the pid namespace of terminal %s",
               matches.list[0].pid, matches.list[0].command, terminal);
}

pid_t claim_pid(struct claim *claim, const char *word)
{
    char *end;
    long pid = strtol(word, &end, 10);
    if (end != word && !*end && pid > 0 && pid <= INT_MAX)
        return (pid_t)pid;
    see(claim, CLAIM_WRONG, "`%s` is no process number", word);
    return -1;
}

enum verdict claim_process_pid(struct claim *claim)
{
    struct matches matches;
    pid_t wanted = claim_pid(claim, claim->words[1]);
    if (wanted < 0)
        return CLAIM_WRONG;
    if (find_processes(claim, claim->words[0], &matches) < 0)
        return CLAIM_UNKNOWN;
    if (matches.count == 0)
        return CLAIM_FAILS;
    for (size_t i = 0; i < matches.count; i++)
        if (matches.list[i].nspid[matches.list[i].depth - 1] == wanted)
            return see(claim, CLAIM_HOLDS, "process %d (%.200s) is %d in its pid namespace", matches.list[i].pid,
                       matches.list[i].command, wanted);
    const struct observe_process *first = &matches.list[0];
    return see(claim, CLAIM_FAILS, "process %d (%.200s) is %d in its pid namespace, not %d", first->pid, first->command,
               first->nspid[first->depth - 1], wanted);
}

/* Claims about mounts, as the check's own process or a terminal's sees them. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mounted {
    bool there;
    char type[64], propagation[64];
};

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

/* From the optional fields, those before the lone dash: `shared:1 master:2`. A mount may be a slave and shared at once. */
static void read_propagation(const char *line, const char *dash, char *text, size_t size)
{
    static const struct {
        const char *field, *word;
    } known[] = { { " shared:", "shared" }, { " master:", "slave" }, { " unbindable", "unbindable" } };
    text[0] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *at = strstr(line, known[i].field);
        size_t len = strlen(text);
        if (at && at < dash)
            snprintf(text + len, size - len, "%s%s", len ? " and " : "", known[i].word);
    }
    if (!*text)
        snprintf(text, size, "private");
}

/* What is mounted last on @path in /proc/@who/mountinfo. Returns -1 if that cannot be read. */
static int find_mounted(struct claim *claim, const char *who, const char *path, struct mounted *mounted)
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
    *mounted = (struct mounted){ .there = false };
    while (getline(&line, &size, f) > 0) {
        char where[PATH_MAX], type[64];
        const char *after = strstr(line, " - ");
        if (!after || sscanf(line, "%*s %*s %*s %*s %4095s", where) != 1 || sscanf(after, " - %63s", type) != 1)
            continue;
        unescape(where);
        if (strcmp(where, path) != 0)
            continue;
        mounted->there = true;
        memcpy(mounted->type, type, sizeof type);
        read_propagation(line, after, mounted->propagation, sizeof mounted->propagation);
    }
    return 0;
}

/* What is mounted on @path, as @terminal sees it, or as we do if that is NULL. CLAIM_HOLDS: something is. */
static enum verdict look_for_mount(struct claim *claim, const char *path, const char *terminal, struct mounted *mounted)
{
    char who[16] = "self", real[PATH_MAX];
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
    if (find_mounted(claim, who, real, mounted) < 0)
        return CLAIM_UNKNOWN;
    const char *in = terminal ? " as terminal " : "", *which = terminal ? terminal : "",
               *sees = terminal ? " sees it" : "";
    if (!mounted->there)
        return see(claim, CLAIM_FAILS, "nothing is mounted on %s%s%s%s", path, in, which, sees);
    return see(claim, CLAIM_HOLDS, "what is mounted on %s%s%s%s is of type %s", path, in, which, sees, mounted->type);
}

enum verdict claim_mount(struct claim *claim)
{
    struct mounted mounted;
    return look_for_mount(claim, claim->words[0], NULL, &mounted);
}

enum verdict claim_mount_of(struct claim *claim)
{
    struct mounted mounted;
    return look_for_mount(claim, claim->words[0], claim->words[1], &mounted);
}

static enum verdict is_of_type(struct claim *claim, const char *terminal)
{
    struct mounted mounted;
    enum verdict verdict = look_for_mount(claim, claim->words[0], terminal, &mounted);
    return verdict == CLAIM_HOLDS && strcmp(mounted.type, claim->words[1]) != 0 ? CLAIM_FAILS : verdict;
}

enum verdict claim_mount_type(struct claim *claim)
{
    return is_of_type(claim, NULL);
}

enum verdict claim_mount_type_of(struct claim *claim)
{
    return is_of_type(claim, claim->words[2]);
}

static enum verdict is_propagated(struct claim *claim, const char *terminal)
{
    static const char *const words[] = { "shared", "slave", "private", "unbindable" };
    const char *path = claim->words[0], *wanted = claim->words[1];
    struct mounted mounted;
    size_t i = 0;
    while (i < sizeof words / sizeof *words && strcmp(words[i], wanted) != 0)
        i++;
    if (i == sizeof words / sizeof *words)
        return see(claim, CLAIM_WRONG, "`%s` is no propagation: shared, slave, private or unbindable", wanted);
    enum verdict verdict = look_for_mount(claim, path, terminal, &mounted);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    return see(claim, strstr(mounted.propagation, wanted) ? CLAIM_HOLDS : CLAIM_FAILS, "the mount on %s is %s%s%s%s",
               path, mounted.propagation, terminal ? " as terminal " : "", terminal ? terminal : "",
               terminal ? " sees it" : "");
}

enum verdict claim_mount_propagation(struct claim *claim)
{
    return is_propagated(claim, NULL);
}

enum verdict claim_mount_propagation_of(struct claim *claim)
{
    return is_propagated(claim, claim->words[2]);
}

/* Claims about the namespaces of the lab's terminals, and the id maps of their user namespaces. */
#include "engine/tools/assert.h"

#include "engine/observe/observe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAB_INIT 1
#define MOST_RANGES 340 /* as many as the kernel lets a map have */

/* The inode of @pid's namespace @k, "the lab" or "terminal N" being @who. Returns 0 with claim->seen set when it cannot be told. */
static uint64_t inode_of(struct claim *claim, pid_t pid, size_t k, const char *who, const char *which)
{
    uint64_t inodes[NAMESPACE_KINDS];
    struct err err;
    if (observe_namespaces(pid, inodes, &err) < 0) {
        see(claim, CLAIM_UNKNOWN, "the namespaces of %s%s cannot be read: %s", who, which, err.message);
        return 0;
    }
    if (!inodes[k])
        see(claim, CLAIM_UNKNOWN, "the %s namespace of %s%s cannot be read", namespace_kinds[k].word, who, which);
    return inodes[k];
}

/* Terminal words[1]'s namespace beside terminal @other's, or the lab's if that is NULL. */
static enum verdict compare(struct claim *claim, const char *other, bool wants_difference)
{
    const char *kind = claim->words[0], *terminal = claim->words[1];
    size_t k = namespace_find(kind);
    if (k == NAMESPACE_KINDS)
        return see(claim, CLAIM_WRONG, "there is no kind of namespace `%s`", kind);
    pid_t pid = terminal_pid(claim, terminal);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    pid_t beside = other ? terminal_pid(claim, other) : LAB_INIT;
    if (beside < 0)
        return CLAIM_UNKNOWN;
    uint64_t its = inode_of(claim, pid, k, "terminal ", terminal);
    uint64_t others = its ? inode_of(claim, beside, k, other ? "terminal " : "the lab", other ? other : "") : 0;
    if (!others)
        return CLAIM_UNKNOWN;
    bool differs = its != others;
    enum verdict verdict = differs == wants_difference ? CLAIM_HOLDS : CLAIM_FAILS;
    if (!other)
        return see(claim, verdict, "terminal %s is in %s %s namespace", terminal, differs ? "another" : "the lab's own",
                   namespace_kinds[k].word);
    return see(claim, verdict, "terminals %s and %s are in %s %s namespace%s", terminal, other,
               differs ? "different" : "the same", namespace_kinds[k].word, differs ? "s" : "");
}

enum verdict claim_namespace_differs(struct claim *claim)
{
    return compare(claim, NULL, true);
}

enum verdict claim_namespace_same(struct claim *claim)
{
    return compare(claim, NULL, false);
}

enum verdict claim_namespace_differs_from(struct claim *claim)
{
    return compare(claim, claim->words[2], true);
}

enum verdict claim_namespace_same_as(struct claim *claim)
{
    return compare(claim, claim->words[2], false);
}

struct maps {
    struct id_range uid[MOST_RANGES], gid[MOST_RANGES];
    size_t uids, gids;
};

/* Those of the terminal whose name is the claim's first word, with numbers outside as the lab counts them. */
static enum verdict read_maps(struct claim *claim, struct maps *maps)
{
    struct err err;
    pid_t pid = terminal_pid(claim, claim->words[0]);
    if (pid < 0)
        return CLAIM_UNKNOWN;
    if (observe_id_maps(pid, maps->uid, &maps->uids, maps->gid, &maps->gids, MOST_RANGES, &err) < 0)
        return see(claim, CLAIM_UNKNOWN, "the id maps of terminal %s cannot be read: %s", claim->words[0], err.message);
    maps->uids = maps->uids < MOST_RANGES ? maps->uids : MOST_RANGES;
    maps->gids = maps->gids < MOST_RANGES ? maps->gids : MOST_RANGES;
    return CLAIM_HOLDS;
}

static bool number(const char *word, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(word, &end, 10);
    *value = (uint32_t)n;
    return word[0] >= '0' && word[0] <= '9' && !*end && errno == 0 && n <= UINT32_MAX;
}

/* What there is, in the map's own words: `0 1000 1`. */
static void tell_map(struct claim *claim, const char *which, const struct id_range *ranges, size_t count)
{
    char text[512] = "";
    for (size_t i = 0, len = 0; i < count && i < 8; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u %u %u", i ? ", " : "", ranges[i].inside,
                                ranges[i].outside, ranges[i].count);
    if (count)
        see(claim, CLAIM_FAILS, "the %s map of terminal %s is: %s", which, claim->words[0], text);
    else
        see(claim, CLAIM_FAILS, "the %s map of terminal %s is empty: everybody in it is nobody", which,
            claim->words[0]);
}

static enum verdict has_range(struct claim *claim, bool groups)
{
    struct maps maps;
    uint32_t inside, outside, count;
    if (!number(claim->words[1], &inside) || !number(claim->words[2], &outside) || !number(claim->words[3], &count))
        return see(claim, CLAIM_WRONG, "`%s %s %s` is no line of a map: three numbers", claim->words[1],
                   claim->words[2], claim->words[3]);
    if (read_maps(claim, &maps) != CLAIM_HOLDS)
        return CLAIM_UNKNOWN;
    const struct id_range *ranges = groups ? maps.gid : maps.uid;
    size_t ranges_count = groups ? maps.gids : maps.uids;
    tell_map(claim, groups ? "gid" : "uid", ranges, ranges_count);
    for (size_t i = 0; i < ranges_count; i++)
        if (ranges[i].inside == inside && ranges[i].outside == outside && ranges[i].count == count)
            return CLAIM_HOLDS;
    return CLAIM_FAILS;
}

enum verdict claim_uidmap(struct claim *claim)
{
    return has_range(claim, false);
}

enum verdict claim_gidmap(struct claim *claim)
{
    return has_range(claim, true);
}

static enum verdict is_empty(struct claim *claim, bool groups)
{
    struct maps maps;
    if (read_maps(claim, &maps) != CLAIM_HOLDS)
        return CLAIM_UNKNOWN;
    tell_map(claim, groups ? "gid" : "uid", groups ? maps.gid : maps.uid, groups ? maps.gids : maps.uids);
    return (groups ? maps.gids : maps.uids) == 0 ? CLAIM_HOLDS : CLAIM_FAILS;
}

enum verdict claim_uidmap_empty(struct claim *claim)
{
    return is_empty(claim, false);
}

enum verdict claim_gidmap_empty(struct claim *claim)
{
    return is_empty(claim, true);
}

/* Is somebody outside the number 0 inside? Who it is goes to *outside. */
static bool maps_root(const struct id_range *ranges, size_t count, uint32_t *outside)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].inside == 0 && ranges[i].count > 0) {
            *outside = ranges[i].outside;
            return true;
        }
    return false;
}

enum verdict claim_root_mapped(struct claim *claim)
{
    struct maps maps;
    uint32_t uid, gid;
    if (read_maps(claim, &maps) != CLAIM_HOLDS)
        return CLAIM_UNKNOWN;
    if (!maps_root(maps.uid, maps.uids, &uid))
        return see(claim, CLAIM_FAILS, "terminal %s has no root: its uid map gives nobody the number 0",
                   claim->words[0]);
    if (!maps_root(maps.gid, maps.gids, &gid))
        return see(claim, CLAIM_FAILS, "terminal %s has no group of root: its gid map gives none the number 0",
                   claim->words[0]);
    return see(claim, CLAIM_HOLDS, "root of terminal %s is user %u and group %u outside", claim->words[0], uid, gid);
}

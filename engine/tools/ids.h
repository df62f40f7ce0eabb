/** Users and groups as chroot(1) takes them: names or numbers, looked up in the /etc/passwd and /etc/group of the root there is. */
#ifndef ENGINE_TOOLS_IDS_H
#define ENGINE_TOOLS_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct user_spec {
    bool has_uid, has_gid;
    uid_t uid;
    gid_t gid;
};

/** Parse "USER", "USER:GROUP", ":GROUP" or "USER:" (the same as "USER": the login group is the caller's to look up); "+N" is a number and no name. "USER.GROUP" is taken too, with *dotted set. Either half
 * is set where it was found. Returns NULL, or what is wrong: "invalid user", "invalid group", "invalid spec". */
const char *user_spec_parse(const char *text, struct user_spec *spec, bool *dotted);

/** Parse "G1,G2,…" into @groups (at most @max). Each that is neither known nor a number goes to @wrong, if not NULL. Returns how many, -1 if one or more was wrong, -2 if
 * there is none in the list at all. */
ssize_t group_list_parse(const char *text, gid_t *groups, size_t max, void (*wrong)(const char *name));

#endif

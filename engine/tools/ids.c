#include "engine/tools/ids.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number that could be an id, as strtoul(3) reads one: blanks and a sign before it are fine. */
static bool id_number(const char *text, unsigned long *id)
{
    char *end;
    const char *first = text + strspn(text, " \t\n\v\f\r");
    if (*first == '-')
        return false;
    errno = 0;
    *id = strtoul(text, &end, 10);
    return end != text && !*end && errno == 0 && *id < UINT_MAX;
}

static const char *parse_parts(const char *user, const char *group, struct user_spec *spec)
{
    unsigned long id;
    if (user && *user) {
        const struct passwd *pw = *user == '+' ? NULL : getpwnam(user);
        if (pw)
            *spec = (struct user_spec){ .has_uid = true, .uid = pw->pw_uid };
        else if (group && !*group)
            return "invalid spec"; /* the login group of a number is not known */
        else if (id_number(user, &id))
            *spec = (struct user_spec){ .has_uid = true, .uid = (uid_t)id };
        else
            return "invalid user";
    }
    if (group && *group) {
        const struct group *gr = *group == '+' ? NULL : getgrnam(group);
        if (!gr && !id_number(group, &id))
            return "invalid group";
        spec->has_gid = true;
        spec->gid = gr ? gr->gr_gid : (gid_t)id;
    }
    return NULL;
}

static const char *parse_split(const char *text, const char *at, struct user_spec *spec)
{
    char user[256];
    if (!at)
        return parse_parts(text, NULL, spec);
    snprintf(user, sizeof user, "%.*s", (int)(at - text), text);
    return parse_parts(user, at + 1, spec);
}

const char *user_spec_parse(const char *text, struct user_spec *spec, bool *dotted)
{
    *spec = (struct user_spec){ 0 };
    *dotted = false;
    const char *colon = strchr(text, ':');
    const char *wrong = parse_split(text, colon, spec);
    const char *dot = strchr(text, '.');
    if (!wrong || colon || !dot)
        return wrong;
    struct user_spec other = { 0 };
    if (parse_split(text, dot, &other))
        return wrong;
    *spec = other;
    *dotted = true;
    return NULL;
}

ssize_t group_list_parse(const char *text, gid_t *groups, size_t max, void (*wrong)(const char *name))
{
    size_t count = 0;
    bool failed = false;
    while (*text) {
        char name[256];
        unsigned long id;
        size_t len = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, text);
        text += len + (text[len] == ',');
        if (!*name)
            continue;
        const char *first = name + strspn(name, " \t\n\v\f\r");
        const struct group *gr = *first == '+' ? NULL : getgrnam(name);
        if (!gr && !id_number(name, &id)) {
            failed = true;
            if (wrong)
                wrong(name);
        } else if (count < max) {
            groups[count++] = gr ? gr->gr_gid : (gid_t)id;
        }
    }
    return failed ? -1 : count ? (ssize_t)count : -2;
}

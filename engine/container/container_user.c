/* Users as a container names them, by its own passwd and group files. */
#include "engine/container/container_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <limits.h>
#include <string.h>

#define FILE_MOST (1 << 20)

static bool number(const char *text, unsigned *value)
{
    char *end;
    unsigned long long parsed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || parsed > UINT_MAX - 1)
        return false;
    *value = (unsigned)parsed;
    return true;
}

static char *read_in(int root, const char *path)
{
    cleanup_close int fd = root < 0 ? -1 : open_policy(root, path, OPEN_IN_ROOT_READ, NULL);
    char *text = fd < 0 ? NULL : malloc(FILE_MOST);
    size_t length = 0;
    for (ssize_t n; text && length < FILE_MOST - 1; length += (size_t)n)
        if ((n = read(fd, text + length, FILE_MOST - 1 - length)) <= 0)
            break;
    if (text)
        text[length] = '\0';
    return text;
}

/* The next line, parted at its colons into @fields (missing ones are ""). */
static bool next_line(char **rest, char *fields[7])
{
    static char nothing[] = "";
    char *line = strsep(rest, "\n");
    for (size_t i = 0; line && i < 7; i++) {
        char *field = strsep(&line, ":");
        fields[i] = field ? field : nothing;
        if (!line)
            for (i++; i < 7; i++)
                fields[i] = nothing;
    }
    return line || *rest || fields[0] != nothing;
}

/* The line of @file whose name is @name, or whose number is @id if @name is NULL. */
static bool find_line(char *file, const char *name, unsigned id, char *fields[7])
{
    char *rest = file;
    while (rest && *rest) {
        unsigned own;
        next_line(&rest, fields);
        if (name ? strcmp(fields[0], name) == 0 : number(fields[2], &own) && own == id)
            return true;
    }
    return false;
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || !at[length]))
            return true;
    return false;
}

/* Every group that lists @name as a member. */
static void find_groups(char *file, const char *name, struct container_user *user)
{
    char *rest = file, *fields[7];
    while (rest && *rest && user->group_count < sizeof user->groups / sizeof *user->groups) {
        next_line(&rest, fields);
        unsigned group;
        if (has_word(fields[3], name) && number(fields[2], &group) && group != user->gid)
            user->groups[user->group_count++] = group;
    }
}

bool container_user_is_named(const char *text)
{
    unsigned ignored;
    char user[256];
    size_t length = strcspn(text, ":");
    snprintf(user, sizeof user, "%.*s", (int)length, text);
    return *text && !(number(user, &ignored) && text[length] && number(text + length + 1, &ignored));
}

int container_user_find(int root, const char *text, struct container_user *user, struct err *err)
{
    char name[256], *fields[7];
    size_t length = strcspn(text, ":");
    const char *group = text[length] ? text + length + 1 : NULL;
    *user = (struct container_user){ 0 };
    if (length >= sizeof name)
        return err_set(err, ENAMETOOLONG, "user `%.100s…`", text);
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    bool by_number = number(name, &user->uid);
    if (*name) {
        cleanup_free char *passwd = read_in(root, "/etc/passwd");
        bool found = passwd && find_line(passwd, by_number ? NULL : name, user->uid, fields);
        if (!found && !by_number)
            return err_say(err, EINVAL, "unable to find user %s: no matching entries in passwd file", name);
        if (found && (!number(fields[2], &user->uid) || !number(fields[3], &user->gid)))
            return err_say(err, EINVAL, "user %s: the line in /etc/passwd of the image has no numbers", name);
        if (found)
            snprintf(name, sizeof name, "%s", fields[0]);
    }
    cleanup_free char *groups = read_in(root, "/etc/group");
    if (group && *group) {
        if (number(group, &user->gid))
            return 0;
        if (!groups || !find_line(groups, group, 0, fields) || !number(fields[2], &user->gid))
            return err_say(err, EINVAL, "unable to find group %s: no matching entries in group file", group);
    } else if (groups && *name && !number(name, &(unsigned){ 0 })) {
        find_groups(groups, name, user);
    }
    return 0;
}

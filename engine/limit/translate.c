#include "engine/limit/translate.h"

#include "engine/base/cleanup.h"
#include "engine/limit/conversion.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

const struct cgroup_name *cgroup_name_find(const char *name, bool v2)
{
    for (size_t i = 0; i < cgroup_name_count; i++) {
        const char *own = v2 ? cgroup_names[i].v2 : cgroup_names[i].v1;
        if (own && strcmp(own, name) == 0)
            return &cgroup_names[i];
    }
    return NULL;
}

/* The row of a name that the group does not have: of the other version's. NULL with @err: there is none, or nothing corresponds. */
static const struct cgroup_name *foreign(const struct cgroup *group, const char *name, struct err *err)
{
    bool v2 = group->hierarchy->v2;
    const struct cgroup_name *row = cgroup_name_find(name, !v2);
    if (!row) {
        err_say(err, ENOENT, "cgroup `%s/%s` has no file `%s`", group->hierarchy->mount, group->path, name);
        return NULL;
    }
    if (row->conversion)
        return row;
    err_say(err, ENOTSUP, "%s is v%d's name, and v%d has nothing of the kind: %s", name, v2 ? 1 : 2, v2 ? 2 : 1,
            row->why ? row->why : "it has no other name here");
    return NULL;
}

static bool has_file(const struct cgroup *group, const char *name)
{
    return !strchr(name, '/') && faccessat(group->dir, name, F_OK, 0) == 0;
}

static void say(struct cgroup_done *done, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct cgroup_done *done, const char *format, ...)
{
    size_t len = strlen(done->text);
    va_list args;
    va_start(args, format);
    vsnprintf(done->text + len, sizeof done->text - len, format, args);
    va_end(args);
}

static void say_why(struct cgroup_done *done, const struct cgroup_name *row)
{
    if (row->why)
        say(done, " (%s)", row->why);
}

int cgroup_set_named(const struct cgroup *group, const char *name, const char *value, struct cgroup_done *done,
                     struct err *err)
{
    done->text[0] = '\0';
    if (has_file(group, name))
        return cgroup_set(group, name, value, err);
    const struct cgroup_name *row = foreign(group, name, err);
    if (!row)
        return -1;
    bool v2 = group->hierarchy->v2;
    convert_write *write = v2 ? row->conversion->write_v2 : row->conversion->write_v1;
    if (!write)
        return err_say(err, ENOTSUP, "%s is v%d's name; here it is %s, and that can only be read", name, v2 ? 1 : 2,
                       v2 ? row->v2 : row->v1);
    struct assignments to = { .count = 0 };
    if (write(group, row, value, &to, err) < 0)
        return -1;
    say(done, "%s is v%d's name; here it is ", name, v2 ? 1 : 2);
    for (size_t i = 0; i < to.count; i++)
        say(done, "%s%s", i ? " and " : "", to.list[i].file);
    for (size_t i = 0; i < to.count; i++) {
        if (cgroup_set(group, to.list[i].file, to.list[i].value, err) < 0)
            return err_prefix(err, "%s is v%d's name, here %s", name, v2 ? 1 : 2, to.list[i].file);
        say(done, "%s wrote %s to %s/%s%s%s", i ? "," : ":", to.list[i].value, group->hierarchy->mount, group->path,
            *group->path ? "/" : "", to.list[i].file);
    }
    say_why(done, row);
    return 0;
}

ssize_t cgroup_get_named(const struct cgroup *group, const char *name, char *buf, size_t size, struct cgroup_done *done,
                         struct err *err)
{
    done->text[0] = '\0';
    if (has_file(group, name))
        return cgroup_get(group, name, buf, size, err);
    const struct cgroup_name *row = foreign(group, name, err);
    if (!row)
        return -1;
    bool v2 = group->hierarchy->v2;
    convert_read *read = v2 ? row->conversion->read_v2 : row->conversion->read_v1;
    const char *file = v2 ? row->v2 : row->v1;
    if (!read)
        return err_say(err, ENOTSUP, "%s is v%d's name; here it is %s, and that can only be written", name, v2 ? 1 : 2,
                       file);
    if (read(group, row, buf, size, err) < 0)
        return -1;
    say(done, "%s is v%d's name; here it is %s: read from %s/%s%s%s", name, v2 ? 1 : 2, file, group->hierarchy->mount,
        group->path, *group->path ? "/" : "", file);
    say_why(done, row);
    return (ssize_t)strlen(buf);
}

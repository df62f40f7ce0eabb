/* A path looked for in a layer's archive, without unpacking it. */
#include "engine/layers/tar.h"

#include "engine/layers/tar_read.h"

#include <stdio.h>
#include <string.h>

static const char *skip_here(const char *name)
{
    while (*name == '/' || (name[0] == '.' && (name[1] == '/' || !name[1])))
        name++;
    return name;
}

/* Does @name lie at @path, or below it? */
static bool is_at(const char *name, const char *path)
{
    size_t length = strlen(path);
    return strncmp(name, path, length) == 0 && (!name[length] || name[length] == '/');
}

/* Does the whiteout @name hide @path? `a/.wh.b` hides a/b and all below it; `a/.wh..wh..opq` all below a. */
static bool hides(const char *name, const char *path)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    size_t parent = (size_t)(last - name); /* with its slash */
    if (strncmp(last, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) != 0 || strncmp(name, path, parent) != 0)
        return false;
    if (strcmp(last, WHITEOUT_OPAQUE) == 0)
        return path[parent] != '\0';
    const char *hidden = last + strlen(WHITEOUT_PREFIX);
    return is_at(path + parent, hidden);
}

int tar_find(struct source *from, const char *path, enum tar_found *found, struct err *err)
{
    const struct tar_entry *entry;
    char wanted[4096];
    struct tar_reader *reader = tar_reader_new(from, err);
    int more = reader ? 1 : -1;
    *found = TAR_NOT_HERE;
    snprintf(wanted, sizeof wanted, "%s", skip_here(path));
    for (size_t end = strlen(wanted); end > 0 && wanted[end - 1] == '/';)
        wanted[--end] = '\0';
    while (*found != TAR_FOUND && more > 0 && (more = tar_reader_next(reader, &entry, err)) > 0) {
        const char *name = skip_here(entry->name);
        if (hides(name, wanted))
            *found = TAR_HIDDEN;
        else if (is_at(name, wanted))
            *found = TAR_FOUND;
    }
    tar_reader_free(reader);
    return more < 0 ? -1 : 0;
}

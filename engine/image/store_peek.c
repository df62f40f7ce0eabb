/* A glance at a store that nobody vouches for, from where nothing may wait. */
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

json_t *store_peek_json(int root, const char *path, size_t most)
{
    struct stat st;
    cleanup_close int fd = open_policy(root, path, OPEN_IN_ROOT_READ, NULL);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > most)
        return NULL;
    cleanup_free char *text = malloc((size_t)st.st_size + 1);
    ssize_t length = text ? read(fd, text, (size_t)st.st_size) : -1;
    return length < 0 ? NULL : store_parse_json(text, (size_t)length, path, NULL);
}

void store_peek_names(int root, const char *path, void (*each)(const char *name, void *data), void *data)
{
    char index[PATH_MAX];
    size_t i;
    json_t *entry;
    if (snprintf(index, sizeof index, "%s/index.json", path) >= (int)sizeof index)
        return;
    json_t *json = store_peek_json(root, index, STORE_PEEK);
    json_array_foreach(json_object_get(json, "manifests"), i, entry)
    {
        const char *name = index_entry_name(entry);
        if (name)
            each(name, data);
    }
    json_decref(json);
}

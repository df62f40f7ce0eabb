/* Containers found, read and removed: small files only, no image. */
#include "engine/container/container_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/copy_tree.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define RECORD_MOST (1 << 20)

int containers_directory(const struct store *store, bool make, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/containers", store_path(store)) >= (int)sizeof path)
        return err_set(err, ENAMETOOLONG, "open the containers of `%s`", store_path(store));
    /* What set-id files a container has are nobody's business but its own. */
    if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir `%s`", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "open `%s`", path) : fd;
}

static bool is_id(const char *name)
{
    return strlen(name) == CONTAINER_ID - 1 && strspn(name, "0123456789abcdef") == CONTAINER_ID - 1;
}

static DIR *list(int containers, struct err *err)
{
    int again = openat(containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir) {
        err_set(err, errno, "read the containers' directory");
        if (again >= 0)
            close(again);
    }
    return dir;
}

static bool is_left(const char *name)
{
    return strncmp(name, CONTAINER_NEW, strlen(CONTAINER_NEW)) == 0 ||
           strncmp(name, CONTAINER_GONE, strlen(CONTAINER_GONE)) == 0;
}

/* Whatever it is. */
static int take_away(int containers, const char *name, struct err *err)
{
    if (unlinkat(containers, name, 0) == 0 || errno == ENOENT)
        return 0;
    return rootfs_remove_tree(containers, name, err);
}

int containers_lock(int containers, struct err *err)
{
    cleanup_close int lock = openat(containers, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0)
        return err_set(err, errno, "open the containers' lock");
    while (flock(lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "lock the containers");
    cleanup_dir DIR *dir = list(containers, err);
    const struct dirent *entry;
    if (!dir)
        return -1;
    /* Its maker held this lock, and is dead; what cannot be removed is no container all the same. */
    while ((entry = readdir(dir)))
        if (is_left(entry->d_name))
            take_away(containers, entry->d_name, NULL);
    return take_fd(&lock);
}

static const char *string_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

int container_read_record(json_t *json, struct container *container, struct err *err)
{
    struct tm tm = { 0 };
    const json_t *layers = json_object_get(json, "Layers");
    const char *created = string_of(json, "Created");
    container->json = json;
    snprintf(container->name, sizeof container->name, "%s", string_of(json, "Name"));
    snprintf(container->image, sizeof container->image, "%s", string_of(json, "Image"));
    container->state = CONTAINER_CREATED; /* until there is something that starts one */
    if (!*container->name || !json_is_array(layers) || !json_is_object(json_object_get(json, "Config")) ||
        digest_parse(string_of(json, "ImageID"), &container->image_id, NULL) < 0 ||
        !strptime(created, "%Y-%m-%dT%H:%M:%S", &tm))
        return err_say(err, EINVAL,
                       "its " CONTAINER_RECORD " is not one: a name, an image, layers or a time are missing");
    container->created = timegm(&tm);
    return 0;
}

int container_load(int containers, const char *id, struct container *container, struct err *err)
{
    *container = (struct container){ .dir = -1 };
    snprintf(container->id, sizeof container->id, "%s", id);
    container->dir = openat(containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir < 0)
        return err_set(err, errno, "open container `%s`", id);
    json_t *json = store_load_json(container->dir, CONTAINER_RECORD, RECORD_MOST, err);
    int result = json ? container_read_record(json, container, err) : -1;
    if (result < 0)
        err_prefix(err, "container `%.12s`", id);
    if (result < 0 && err && (err->code == ENOENT || err->code == ELOOP || err->code == EFBIG))
        err->code = EINVAL; /* the record's; the container is there */
    return result;
}

void container_close(struct container *container)
{
    json_decref(container->json);
    if (container->dir >= 0)
        close(container->dir);
    container->json = NULL;
    container->dir = -1;
}

int container_find_name(int containers, const char *name, char id[CONTAINER_ID], struct err *err)
{
    cleanup_dir DIR *dir = list(containers, err);
    const struct dirent *entry;
    int found = dir ? 0 : -1;
    while (found == 0 && (entry = readdir(dir))) {
        struct container container;
        if (!is_id(entry->d_name))
            continue;
        if (container_load(containers, entry->d_name, &container, NULL) == 0 && strcmp(container.name, name) == 0) {
            memcpy(id, container.id, CONTAINER_ID);
            found = 1;
        }
        container_close(&container);
    }
    return found;
}

/* By the first digits. 1, 0: none, -1: several. */
static int find_digits(int containers, const char *digits, char id[CONTAINER_ID], struct err *err)
{
    size_t length = strlen(digits);
    cleanup_dir DIR *dir = list(containers, err);
    const struct dirent *entry;
    int found = dir ? 0 : -1;
    while (length > 0 && found >= 0 && (entry = readdir(dir))) {
        if (!is_id(entry->d_name) || strncmp(entry->d_name, digits, length) != 0)
            continue;
        if (found)
            return err_say(err, EINVAL, "several containers' ids begin with `%s`: give more digits", digits);
        memcpy(id, entry->d_name, CONTAINER_ID);
        found = 1;
    }
    return found;
}

int container_open(struct store *store, const char *what, struct container *container, struct err *err)
{
    struct err why = { 0 };
    char id[CONTAINER_ID];
    const char *name = what[0] == '/' ? what + 1 : what;
    *container = (struct container){ .dir = -1 };
    cleanup_close int containers = containers_directory(store, false, &why);
    if (containers < 0 && why.code != ENOENT)
        return err_say(err, why.code, "%s", why.message);
    int found = containers < 0 ? 0 : container_find_name(containers, name, id, err);
    if (found == 0 && containers >= 0)
        found = find_digits(containers, what, id, err);
    if (found < 0)
        return -1;
    if (!found)
        return err_say(err, ENOENT, "No such container: %s", what);
    if (container_load(containers, id, container, err) == 0)
        return 0;
    container_close(container);
    return -1;
}

struct listed {
    struct container container;
    char damage[1024]; /* "": none */
};

static int newest_first(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    /* All are written alike, in UTC and to the nanosecond. */
    int order = strcmp(string_of(y->container.json, "Created"), string_of(x->container.json, "Created"));
    return order ? order : strcmp(x->container.id, y->container.id);
}

int container_each(struct store *store, int (*each)(struct container *container, const char *damage, void *data),
                   void *data, struct err *err)
{
    struct err why = { 0 };
    cleanup_close int containers = containers_directory(store, false, &why);
    if (containers < 0)
        return why.code == ENOENT ? 0 : err_say(err, why.code, "%s", why.message);
    cleanup_dir DIR *dir = list(containers, err);
    const struct dirent *entry;
    struct listed *all = NULL;
    size_t count = 0;
    int result = dir ? 0 : -1;
    while (result == 0 && (entry = readdir(dir))) {
        if (!is_id(entry->d_name))
            continue;
        struct listed *more = realloc(all, (count + 1) * sizeof *all);
        if (!more) {
            result = err_set(err, ENOMEM, "list the containers");
            break;
        }
        all = more;
        all[count].damage[0] = '\0';
        if (container_load(containers, entry->d_name, &all[count].container, &why) < 0) {
            snprintf(all[count].damage, sizeof all[count].damage, "%s", why.message);
            if (faccessat(containers, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) { /* removed meanwhile */
                container_close(&all[count].container);
                continue;
            }
        }
        count++;
    }
    if (count > 0)
        qsort(all, count, sizeof *all, newest_first);
    for (size_t i = 0; i < count; i++) {
        if (result == 0)
            result = each(&all[i].container, all[i].damage[0] ? all[i].damage : NULL, data);
        container_close(&all[i].container);
    }
    free(all);
    return result;
}

int container_remove(struct store *store, struct container *container, struct err *err)
{
    char gone[CONTAINER_ID + 16];
    if (container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED)
        return err_say(err, EBUSY, "container `%s` runs: stop it first, or remove it by force", container->name);
    cleanup_close int containers = containers_directory(store, false, err);
    if (containers < 0)
        return -1;
    cleanup_close int lock = containers_lock(containers, err);
    if (lock < 0)
        return -1;
    snprintf(gone, sizeof gone, CONTAINER_GONE "%s", container->id);
    /* From here on it is no container any more; the rest is rubbish, whoever takes it away. */
    if (renameat(containers, container->id, containers, gone) < 0)
        return errno == ENOENT ? err_say(err, ENOENT, "No such container: %s", container->id)
                               : err_set(err, errno, "rename container `%.12s`", container->id);
    return take_away(containers, gone, err);
}

struct claim {
    const struct digest *layer;
    bool found;
};

static int claims(struct container *container, const char *damage, void *data)
{
    struct claim *claim = data;
    const json_t *layers = json_object_get(container->json, "Layers");
    if (damage && !layers) /* what cannot be told is kept */
        claim->found = true;
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (strcmp(string_of(json_array_get(layers, i), "DiffID"), claim->layer->text) == 0)
            claim->found = true;
    return claim->found;
}

bool container_uses_layer(const struct digest *diff_id, void *store)
{
    struct claim claim = { diff_id, false };
    return container_each(store, claims, &claim, NULL) < 0 || claim.found;
}

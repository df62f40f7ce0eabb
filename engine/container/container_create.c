/* A new container: the image's settings and the caller's become a bundle, made under another name and renamed when whole. */
#include "engine/container/container_internal.h"

#include "engine/base/cleanup.h"
#include "engine/image/reference.h"
#include "engine/rootfs/copy_tree.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int check_name(const char *name, struct err *err)
{
    bool good = isalnum((unsigned char)name[0]) && name[1] && strlen(name) < CONTAINER_NAME;
    for (const char *at = name; *at; at++)
        good &= isalnum((unsigned char)*at) || strchr("_.-", *at);
    return good ? 0
                : err_say(err, EINVAL,
                          "Invalid container name (%.200s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at least 2 and "
                          "at most %d of them",
                          name, CONTAINER_NAME - 1);
}

static int check_hostname(const char *name, struct err *err)
{
    bool good = *name && strlen(name) < 64;
    for (const char *at = name; *at; at++)
        good &= isalnum((unsigned char)*at) || strchr(".-", *at);
    return good ? 0
                : err_say(err, EINVAL, "invalid hostname `%.200s`: letters, digits, dots and dashes, at most 63", name);
}

/* What a container is to be is kept as JSON. */
static int check_encoding(const struct container_spec *spec, struct err *err)
{
    const struct {
        const char *const *words;
        const char *of;
    } lists[] = { { spec->argv, "command" }, { spec->env, "environment" }, { spec->labels, "labels" } };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const char *const *word = lists[i].words; word && *word; word++) {
            json_t *text = json_string(*word);
            if (!text)
                return err_say(err, EINVAL, "a word of the container's %s is not UTF-8", lists[i].of);
            json_decref(text);
        }
    return 0;
}

static int check_spec(const struct container_spec *spec, struct err *err)
{
    const char *name = spec->name && spec->name[0] == '/' ? spec->name + 1 : spec->name;
    if (name && check_name(name, err) < 0)
        return -1;
    if (spec->hostname && check_hostname(spec->hostname, err) < 0)
        return -1;
    if (spec->workdir && spec->workdir[0] != '/')
        return err_say(err, EINVAL, "the working directory '%.200s' is invalid, it needs to be an absolute path",
                       spec->workdir);
    return check_encoding(spec, err);
}

/* KEY=VALUE of @entry replaces an earlier one of the same KEY. */
static void set_variable(json_t *env, const char *entry)
{
    size_t key = strcspn(entry, "=");
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *own = json_string_value(json_array_get(env, i));
        if (own && strncmp(own, entry, key) == 0 && own[key] == '=') {
            json_array_set_new(env, i, json_string(entry));
            return;
        }
    }
    json_array_append_new(env, json_string(entry));
}

static json_t *environment(const json_t *image, const struct container_spec *spec)
{
    json_t *env = json_array(), *entry;
    size_t i;
    json_array_append_new(env, json_string(DEFAULT_PATH));
    json_array_foreach(json_object_get(image, "Env"), i, entry)
    {
        if (json_is_string(entry) && strchr(json_string_value(entry), '='))
            set_variable(env, json_string_value(entry));
    }
    for (i = 0; spec->env && spec->env[i]; i++)
        set_variable(env, spec->env[i]);
    if (spec->tty)
        set_variable(env, "TERM=xterm");
    return env;
}

static json_t *words(const char *const *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; texts && texts[i]; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* An image's list of words; null is none. */
static json_t *image_words(const json_t *image, const char *key)
{
    json_t *list = json_object_get(image, key);
    return json_is_array(list) ? json_incref(list) : json_array();
}

static json_t *labels(const json_t *image, const struct container_spec *spec)
{
    json_t *own = json_object_get(image, "Labels");
    json_t *all = json_is_object(own) ? json_copy(own) : json_object();
    for (size_t i = 0; spec->labels && spec->labels[i]; i++) {
        const char *value = strchr(spec->labels[i], '=');
        char *key = strndup(spec->labels[i], strcspn(spec->labels[i], "="));
        if (key)
            json_object_set_new(all, key, json_string(value ? value + 1 : ""));
        free(key);
    }
    return all;
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

/* docker's "Config" of a container. */
static json_t *make_config(const struct image *image, const struct container_spec *spec, const char *id,
                           struct err *err)
{
    const json_t *own = json_object_get(image->config_json, "config");
    char host[13];
    snprintf(host, sizeof host, "%.12s", id);
    json_t *entrypoint = image_words(own, "Entrypoint"), *command;
    /* Another entrypoint, and what the image says of arguments is not meant for it. */
    if (spec->entrypoint) {
        json_decref(entrypoint);
        entrypoint = *spec->entrypoint ? json_pack("[s]", spec->entrypoint) : json_array();
    }
    command = spec->argv ? words(spec->argv) : spec->entrypoint ? json_array() : image_words(own, "Cmd");
    bool nothing = json_array_size(entrypoint) + json_array_size(command) == 0;
    json_t *config =
        json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:s, s:s, s:o, s:o}", "Hostname",
                  spec->hostname ? spec->hostname : host, "User", spec->user ? spec->user : text_of(own, "User"), "Tty",
                  spec->tty, "OpenStdin", spec->interactive, "Env", environment(own, spec), "Cmd", command, "Image",
                  spec->image, "WorkingDir", spec->workdir ? spec->workdir : text_of(own, "WorkingDir"), "Entrypoint",
                  entrypoint, "Labels", labels(own, spec));
    if (config && !nothing)
        return config;
    json_decref(config);
    if (nothing)
        err_say(err, EINVAL, "no command specified: the image has none, so give one: `docker create IMAGE COMMAND`");
    else
        err_say(err, EINVAL, "the container's settings are not UTF-8");
    return NULL;
}

static json_t *make_record(const struct image *image, const struct container_spec *spec, const char *id,
                           const char *name, struct err *err)
{
    struct timespec now;
    struct tm tm;
    char created[64], when[32];
    json_t *layers = json_array();
    for (size_t i = 0; i < image->layer_count; i++)
        json_array_append_new(layers, json_pack("{s:s, s:s}", "DiffID", image->layers[i].diff_id.text, "Digest",
                                                image->layers[i].digest.text));
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
    snprintf(created, sizeof created, "%s.%09ldZ", when, now.tv_nsec);
    json_t *config = make_config(image, spec, id, err);
    if (!config) {
        json_decref(layers);
        return NULL;
    }
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:o}", "ID", id, "Name", name, "Created",
                               created, "Image", spec->image, "ImageID", image->config.text, "Layers", layers,
                               "AutoRemove", spec->remove, "ReadonlyRootfs", spec->read_only, "Config", config);
    if (!record)
        err_say(err, EINVAL, "the container's name or image is not UTF-8");
    return record;
}

static int write_json(int dir, const char *name, const json_t *json, struct err *err)
{
    cleanup_free char *text = json_dumps(json, JSON_INDENT(2));
    cleanup_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t length = text ? strlen(text) : 0;
    if (!text)
        return err_set(err, ENOMEM, "write `%s`", name);
    for (size_t at = 0; fd >= 0 && at < length;) {
        ssize_t n = write(fd, text + at, length - at);
        if (n < 0 && errno != EINTR)
            return err_set(err, errno, "write `%s`", name);
        at += n > 0 ? (size_t)n : 0;
    }
    return fd < 0 || fsync(fd) < 0 ? err_set(err, errno, "write `%s`", name) : 0;
}

/* What the container writes lies over the layers, its top directory too: so it has the attributes that the layers' has. */
static int make_upper(int dir, int top, struct err *err)
{
    struct stat st = { .st_mode = 0755 };
    if (mkdirat(dir, "upper", 0755) < 0 || mkdirat(dir, "work", 0700) < 0)
        return err_set(err, errno, "mkdir of a container");
    if (top < 0)
        return 0;
    if (fstat(top, &st) < 0 || fchownat(dir, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(dir, "upper", st.st_mode & 07777, 0) < 0 ||
        utimensat(dir, "upper", (struct timespec[2]){ st.st_atim, st.st_mtim }, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(err, errno, "give a container's top directory its attributes");
    return 0;
}

struct lookup {
    const char *text;
    struct container_user user;
};

static int look_up(int root, void *data, struct err *err)
{
    struct lookup *lookup = data;
    return container_user_find(root, lookup->text, &lookup->user, err);
}

static int find_user(struct store *store, const struct container *container, struct container_user *user,
                     struct err *err)
{
    const char *text = text_of(json_object_get(container->json, "Config"), "User");
    if (!container_user_is_named(text))
        return container_user_find(-1, text, user, err);
    struct lookup lookup = { .text = text };
    int result = container_with_root(store, container, true, look_up, &lookup, sizeof lookup, err);
    *user = lookup.user;
    return result;
}

/* All of a container in the directory @container->dir, whose json is set. */
static int fill(struct store *store, const struct container *container, int top, struct err *err)
{
    struct container_user user;
    int dir = container->dir;
    if (mkdirat(dir, "bundle", 0711) < 0 || mkdirat(dir, "bundle/rootfs", 0755) < 0)
        return err_set(err, errno, "mkdir of a container");
    if (make_upper(dir, top, err) < 0 || find_user(store, container, &user, err) < 0)
        return -1;
    json_t *config = container_bundle_config(json_object_get(container->json, "Config"), container->id, &user,
                                             json_is_true(json_object_get(container->json, "ReadonlyRootfs")), err);
    int result = config ? write_json(dir, "bundle/config.json", config, err) : -1;
    json_decref(config);
    if (result == 0)
        result = write_json(dir, CONTAINER_RECORD, container->json, err);
    cleanup_close int bundle = openat(dir, "bundle", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (result == 0 && (bundle < 0 || fsync(bundle) < 0 || fsync(dir) < 0))
        result = err_set(err, errno, "fsync a container");
    return result;
}

static int place(struct store *store, int containers, struct container *container, int top, struct err *err)
{
    char making[CONTAINER_ID + 16];
    snprintf(making, sizeof making, CONTAINER_NEW "%s", container->id);
    if (mkdirat(containers, making, 0711) < 0)
        return err_set(err, errno, "mkdir of a container");
    container->dir = openat(containers, making, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = container->dir < 0 ? err_set(err, errno, "open a container") : fill(store, container, top, err);
    if (result == 0 &&
        (renameat2(containers, making, containers, container->id, RENAME_NOREPLACE) < 0 || fsync(containers) < 0))
        result = err_set(err, errno, "rename container `%.12s`", container->id);
    if (result < 0)
        rootfs_remove_tree(containers, making, NULL);
    return result;
}

static int make_id(char id[CONTAINER_ID], struct err *err)
{
    unsigned char bytes[(CONTAINER_ID - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, errno, "getrandom");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int choose_name(int containers, const char *asked, char name[CONTAINER_NAME], struct err *err)
{
    char id[CONTAINER_ID];
    if (!asked)
        return container_make_name(containers, name, err);
    snprintf(name, CONTAINER_NAME, "%s", asked[0] == '/' ? asked + 1 : asked);
    int found = container_find_name(containers, name, id, err);
    if (found <= 0)
        return found;
    return err_say(err, EEXIST,
                   "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove (or "
                   "rename) that container to be able to reuse that name.",
                   name, id);
}

static int create(struct store *store, const struct container_spec *spec, const struct image *image,
                  struct container *container, struct err *err)
{
    char name[CONTAINER_NAME];
    cleanup_close int top = -1;
    for (size_t i = 0; i < image->layer_count; i++) {
        cleanup_close int layer = store_layer(store, &image->layers[i].diff_id, &image->layers[i].digest, err);
        if (layer < 0)
            return -1;
        if (i + 1 == image->layer_count)
            top = take_fd(&layer);
    }
    cleanup_close int containers = containers_directory(store, true, err);
    if (containers < 0)
        return -1;
    cleanup_close int lock = containers_lock(containers, err);
    if (lock < 0 || make_id(container->id, err) < 0 || choose_name(containers, spec->name, name, err) < 0)
        return -1;
    json_t *record = make_record(image, spec, container->id, name, err);
    if (!record || container_read_record(record, container, err) < 0)
        return -1;
    return place(store, containers, container, top, err);
}

int container_create(struct store *store, const struct container_spec *spec, struct container *container,
                     struct err *err)
{
    struct image image;
    *container = (struct container){ .dir = -1 };
    if (check_spec(spec, err) < 0 || store_hold(store, err) < 0)
        return -1;
    int result = image_open(store, spec->image, &image, err);
    if (result == 0) {
        result = create(store, spec, &image, container, err);
        image_close(&image);
    }
    store_release(store);
    if (result < 0)
        container_close(container);
    return result;
}

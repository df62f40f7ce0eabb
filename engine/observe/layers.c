#include "engine/observe/layers.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *name_at(const struct overlay_stack *stack, size_t layer)
{
    if (!stack->upper)
        return stack->lowers[layer];
    return layer ? stack->lowers[layer - 1] : stack->upper;
}

const char *observe_layers_name(const struct observe_layers *layers, size_t layer)
{
    return name_at(&layers->stack, layer);
}

static int open_named(const struct observe_layers *layers, const char *name, struct err *err)
{
    char path[PATH_MAX];
    if (*name == '/')
        return open_policy(layers->root, name, OPEN_IN_ROOT_DIRECTORY, err);
    if (snprintf(path, sizeof path, "%s/%s", layers->base, name) >= (int)sizeof path)
        return err_set(err, ENAMETOOLONG, "open layer `%s`", name);
    return open_policy(layers->root, path, OPEN_IN_ROOT_DIRECTORY, err);
}

int observe_layers_directory(const struct observe_layers *layers, size_t layer, struct err *err)
{
    return open_named(layers, name_at(&layers->stack, layer), err);
}

int64_t observe_changed(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

int64_t observe_layers_changed(const struct observe_layers *layers)
{
    struct stat st;
    int64_t changed = 0;
    if (!layers->stack.upper)
        return 0;
    cleanup_close int upper = open_named(layers, layers->stack.upper, NULL);
    cleanup_close int work = open_named(layers, layers->stack.work, NULL);
    if (upper >= 0 && fstat(upper, &st) == 0)
        changed = observe_changed(&st);
    /* Made anew by each mount. */
    if (work >= 0 && fstatat(work, "work", &st, AT_SYMLINK_NOFOLLOW) == 0 && observe_changed(&st) > changed)
        changed = observe_changed(&st);
    return changed;
}

/* Are they where relative names begin at layers->base? The topmost two tell: nobody has more than the others. */
static bool are_there(const struct observe_layers *layers)
{
    for (size_t i = 0; i < layers->count && i < 2; i++) {
        cleanup_close int fd = observe_layers_directory(layers, i, NULL);
        if (fd < 0)
            return false;
    }
    return true;
}

/* The directories a relative name may begin at: the mount point's and those above it, then @cwd. */
static bool find_base(struct observe_layers *layers, const char *point, const char *cwd)
{
    snprintf(layers->base, sizeof layers->base, "%s", point);
    for (char *slash; (slash = strrchr(layers->base, '/'));) {
        *slash = '\0';
        if (are_there(layers))
            return true;
    }
    snprintf(layers->base, sizeof layers->base, "%s", cwd);
    return are_there(layers);
}

static int open_root(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/root", pid);
    return open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, NULL);
}

int observe_layers_open(pid_t pid, pid_t elsewhere, const struct observe_mount *mount, struct observe_layers *layers,
                        struct err *err)
{
    char link[32], cwd[PATH_MAX], point[PATH_MAX];
    struct observe_root own;
    *layers = (struct observe_layers){ .root = -1 };
    if (strcmp(mount->type, "overlay") != 0)
        return err_say(err, EINVAL, "what is mounted on `%s` is no overlay but %s", mount->point, mount->type);
    if (overlay_stack_parse(mount->super_options, &layers->stack, err) < 0)
        return -1;
    for (layers->count = layers->stack.upper != NULL; layers->stack.lowers[layers->count - !!layers->stack.upper];)
        layers->count++;
    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    ssize_t length = readlink(link, cwd, sizeof cwd - 1);
    cwd[length < 0 ? 0 : length] = '\0';
    /* The mount point as it is called there: below the directory that is the process's root. */
    bool rooted = elsewhere && observe_root(pid, &own, NULL) == 0 && strcmp(own.path, "/") != 0;
    snprintf(point, sizeof point, "%s%s", rooted ? own.path : "", mount->point);
    const struct {
        pid_t pid;
        const char *point;
    } roots[] = { { pid, mount->point }, { elsewhere, point } };
    for (size_t i = 0; i < sizeof roots / sizeof *roots && roots[i].pid; i++) {
        if (layers->root >= 0)
            close(layers->root);
        layers->root = open_root(roots[i].pid);
        if (layers->root >= 0 && find_base(layers, roots[i].point, cwd))
            return 0;
    }
    err_say(err, ENOENT, "the layers of `%s` are not to be found: there is no directory `%s`", mount->point,
            name_at(&layers->stack, 0));
    observe_layers_close(layers);
    return -1;
}

void observe_layers_close(struct observe_layers *layers)
{
    if (layers->root >= 0)
        close(layers->root);
    layers->root = -1;
    overlay_stack_free(&layers->stack);
}

static enum layer_holds holds_at(int directory, const char *path, enum whiteout_form form)
{
    struct stat st;
    if (fstatat(directory, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return LAYER_NOTHING;
    if (whiteout_is(&st))
        return LAYER_WHITEOUT;
    if (!S_ISDIR(st.st_mode))
        return LAYER_FILE;
    cleanup_close int fd = openat(directory, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && whiteout_is_opaque(fd, form) ? LAYER_OPAQUE : LAYER_DIRECTORY;
}

enum layer_holds observe_layers_holds(const struct observe_layers *layers, size_t layer, const char *path)
{
    cleanup_close int fd = observe_layers_directory(layers, layer, NULL);
    return fd < 0 ? LAYER_NOTHING : holds_at(fd, path + strspn(path, "/"), layers->stack.form);
}

/* A layer whose directory is open, for merged_list. */
struct open_layer {
    int fd; /* -1: it could not be opened */
    enum whiteout_form form;
};

static enum layer_holds open_layer_holds(const void *data, const char *path)
{
    const struct open_layer *layer = data;
    return layer->fd < 0 ? LAYER_NOTHING : holds_at(layer->fd, path, layer->form);
}

static void open_layer_names(const void *data, const char *directory, bool (*each)(const char *name, void *data),
                             void *with)
{
    const struct open_layer *layer = data;
    int fd = layer->fd < 0 ? -1
                           : openat(layer->fd, *directory ? directory : ".",
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (fd >= 0 && !dir)
        close(fd);
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !each(entry->d_name, with))
            return;
}

size_t observe_layers_list(const struct observe_layers *layers, struct layer_entry *list, size_t max, bool *more)
{
    struct open_layer open[LAYERS_SHOWN];
    struct merged_layer merged[LAYERS_SHOWN] = { 0 };
    size_t shown = layers->count < LAYERS_SHOWN ? layers->count : LAYERS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        open[i] = (struct open_layer){ observe_layers_directory(layers, i, NULL), layers->stack.form };
        merged[i] = (struct merged_layer){ open_layer_holds, open_layer_names, &open[i] };
    }
    size_t count = merged_list(merged, shown, layers->stack.upper, list, max, more);
    for (size_t i = 0; i < shown; i++)
        cleanup_closep(&open[i].fd);
    return count;
}

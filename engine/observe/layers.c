#include "engine/observe/layers.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_READ 512 /* directory entries looked at for one list */
#define DEEPEST 4

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

int observe_layers_directory(const struct observe_layers *layers, size_t layer, struct err *err)
{
    const char *name = name_at(&layers->stack, layer);
    char path[PATH_MAX];
    if (*name == '/')
        return open_policy(layers->root, name, OPEN_IN_ROOT_DIRECTORY, err);
    if (snprintf(path, sizeof path, "%s/%s", layers->base, name) >= (int)sizeof path)
        return err_set(err, ENAMETOOLONG, "open layer `%s`", name);
    return open_policy(layers->root, path, OPEN_IN_ROOT_DIRECTORY, err);
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

struct lister {
    const struct observe_layers *layers;
    int directory[LAYERS_SHOWN]; /* of each layer, or -1 */
    size_t shown;                /* layers */
    struct layer_entry *list;
    size_t count, max, read;
    bool more;
};

static bool is_directory(enum layer_holds holds)
{
    return holds == LAYER_DIRECTORY || holds == LAYER_OPAQUE;
}

/* @parent: the entry of the directory it is in; NULL for the layers themselves. From the top down a layer's is seen until something ends that. */
static void judge(const struct lister *lister, const struct layer_entry *parent, const char *path,
                  struct layer_entry *entry)
{
    bool open = true, directory = false;
    for (size_t i = 0; i < lister->shown; i++) {
        enum layer_holds holds =
            lister->directory[i] < 0 ? LAYER_NOTHING : holds_at(lister->directory[i], path, lister->layers->stack.form);
        bool above = !parent || parent->seen[i];
        entry->holds[i] = holds;
        entry->seen[i] =
            open && above && holds != LAYER_NOTHING && holds != LAYER_WHITEOUT && (!directory || is_directory(holds));
        /* A file below a directory of its name ends it as well: directories further down belong to another time. */
        if (above && holds != LAYER_NOTHING && holds != LAYER_DIRECTORY)
            open = false;
        directory |= entry->seen[i] && is_directory(holds);
    }
}

static int rank(const struct lister *lister, const struct layer_entry *entry)
{
    return lister->layers->stack.upper && entry->holds[0] != LAYER_NOTHING ? 0 : 1;
}

/* Put @entry where it belongs, if it is not there yet; the last one makes room. */
static void insert(struct lister *lister, const struct layer_entry *entry)
{
    size_t at = 0;
    for (; at < lister->count; at++) {
        int order = rank(lister, entry) - rank(lister, &lister->list[at]);
        if (order == 0)
            order = strcmp(entry->path, lister->list[at].path);
        if (order == 0)
            return;
        if (order < 0)
            break;
    }
    if (lister->count == lister->max) {
        lister->more = true;
        if (at == lister->count)
            return;
        lister->count--;
    }
    memmove(&lister->list[at + 1], &lister->list[at], (lister->count - at) * sizeof *entry);
    lister->list[at] = *entry;
    lister->count++;
}

static void take_name(struct lister *lister, const struct layer_entry *parent, const char *directory, const char *name)
{
    struct layer_entry entry = { .cut = false };
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s%s", directory, *directory ? "/" : "", name) >= (int)sizeof path)
        return;
    size_t length = strlen(path), skip = length < LAYER_PATH ? 0 : length - (LAYER_PATH - 1);
    while (skip && ((unsigned char)path[skip] & 0xC0) == 0x80)
        skip++;
    entry.cut = skip > 0;
    memcpy(entry.path, path + skip, strlen(path + skip) + 1);
    judge(lister, parent, path, &entry);
    insert(lister, &entry);
}

/* Everything in @directory of all layers shown, each name once. */
static void read_directory(struct lister *lister, const struct layer_entry *parent, const char *directory)
{
    for (size_t i = 0; i < lister->shown; i++) {
        if (lister->directory[i] < 0 || (parent && !is_directory(parent->holds[i])))
            continue;
        int fd = openat(lister->directory[i], *directory ? directory : ".",
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        if (fd >= 0 && !dir)
            close(fd);
        while (dir && (entry = readdir(dir))) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            if (lister->read++ >= NAMES_READ) {
                lister->more = true;
                return;
            }
            take_name(lister, parent, directory, entry->d_name);
        }
    }
}

static bool is_merged(const struct lister *lister, const struct layer_entry *entry)
{
    size_t directories = 0;
    for (size_t i = 0; i < lister->shown; i++)
        directories += is_directory(entry->holds[i]);
    return directories > 1 && !entry->cut;
}

static unsigned depth(const char *path)
{
    unsigned slashes = 0;
    for (; *path; path++)
        slashes += *path == '/';
    return slashes;
}

size_t observe_layers_list(const struct observe_layers *layers, struct layer_entry *list, size_t max, bool *more)
{
    struct lister lister = { .layers = layers, .list = list, .max = max };
    lister.shown = layers->count < LAYERS_SHOWN ? layers->count : LAYERS_SHOWN;
    for (size_t i = 0; i < lister.shown; i++)
        lister.directory[i] = observe_layers_directory(layers, i, NULL);
    read_directory(&lister, NULL, "");
    /* What is in a directory follows it: the list grows behind the place it is read at. */
    for (size_t i = 0; i < lister.count; i++) {
        if (!is_merged(&lister, &lister.list[i]) || depth(lister.list[i].path) >= DEEPEST)
            continue;
        struct lister below = lister;
        struct layer_entry parent = lister.list[i], found[16];
        below.list = found;
        below.max = sizeof found / sizeof *found;
        below.count = 0;
        read_directory(&below, &parent, parent.path);
        size_t room = max - lister.count, fits = below.count < room ? below.count : room;
        memmove(&lister.list[i + 1 + fits], &lister.list[i + 1], (lister.count - i - 1) * sizeof parent);
        memcpy(&lister.list[i + 1], found, fits * sizeof parent);
        lister.count += fits;
        lister.read = below.read;
        lister.more |= below.more || fits < below.count;
    }
    for (size_t i = 0; i < lister.shown; i++)
        if (lister.directory[i] >= 0)
            close(lister.directory[i]);
    *more = lister.more;
    return lister.count;
}

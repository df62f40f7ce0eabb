/* A container's root filesystem: an overlay of its image's layers and what it has written. */
#include "engine/container/container_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/layers/overlay.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct layers {
    int *fds; /* the uppermost first */
    size_t count;
};

static void close_layers(struct layers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        if (layers->fds[i] >= 0)
            close(layers->fds[i]);
    free(layers->fds);
}

static int digest_at(const json_t *layer, const char *key, struct digest *digest, struct err *err)
{
    const char *text = json_string_value(json_object_get(layer, key));
    return digest_parse(text ? text : "", digest, err);
}

/* What the container wrote is a lower too where nothing more may be written; where it has no layer, an empty directory stands for one. */
static int open_layers(struct store *store, const struct container *container, bool read_only, struct layers *layers,
                       struct err *err)
{
    const json_t *list = json_object_get(container->json, "Layers");
    size_t count = json_array_size(list);
    layers->fds = calloc(count + 2, sizeof *layers->fds);
    if (!layers->fds)
        return err_set(err, ENOMEM, "open the layers of `%s`", container->name);
    if (read_only)
        layers->fds[layers->count++] = openat(container->dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (size_t i = count; i-- > 0; layers->count++) {
        struct digest plain, kept;
        const json_t *layer = json_array_get(list, i);
        if (digest_at(layer, "DiffID", &plain, err) < 0 || digest_at(layer, "Digest", &kept, err) < 0)
            return err_prefix(err, "container `%s`", container->name);
        layers->fds[layers->count] = store_layer(store, &plain, &kept, err);
        if (layers->fds[layers->count] < 0)
            return err_prefix(err, "container `%s`", container->name);
    }
    if (count == 0)
        layers->fds[layers->count++] =
            openat(container->dir, "bundle/rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (size_t i = 0; i < layers->count; i++)
        if (layers->fds[i] < 0)
            return err_set(err, errno, "open the layers of `%s`", container->name);
    return 0;
}

/* A detached mount; where the kernel has no such thing and @at is an fd, it is mounted there. -1 with ENOSYS: it has not, and @at is -1. */
static int mount_root(struct store *store, const struct container *container, bool read_only, int at, struct err *err)
{
    struct layers layers = { 0 };
    struct overlay_abilities abilities;
    cleanup_close int upper = read_only ? -1 : openat(container->dir, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int work = read_only ? -1 : openat(container->dir, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int mounted = -1;
    if (!read_only && (upper < 0 || work < 0))
        return err_set(err, errno, "open container `%s`", container->name);
    if (open_layers(store, container, read_only, &layers, err) == 0 &&
        overlay_probe(container->dir, &abilities, err) == 0) {
        struct overlay overlay = {
            .lowers = layers.fds, .lower_count = layers.count, .upper = upper, .work = work, .form = abilities.form
        };
        struct err why = { 0 };
        mounted = overlay_open(&overlay, &why);
        if (mounted < 0 && why.code == ENOSYS && at >= 0 && overlay_mount(&overlay, at, &why) == 0) {
            mounted = openat(container->dir, "bundle/rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (mounted < 0)
                err_set(&why, errno, "open it");
        }
        if (mounted < 0)
            err_say(err, why.code, "mount the root filesystem of container `%s`: %s", container->name, why.message);
    }
    close_layers(&layers);
    return mounted;
}

int container_root(struct store *store, const struct container *container, bool read_only, struct err *err)
{
    cleanup_close int at = openat(container->dir, "bundle/rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return mount_root(store, container, read_only, at, err);
}

/* What comes back from a child, in memory it shares with us. */
struct answer {
    bool whole;
    int result;
    struct err err;
    max_align_t data[]; /* what @work writes */
};

/* Mounted in a mount namespace of its own: what is opened before that belongs to the old one, and cannot be mounted in the new. */
static void __attribute__((noreturn)) child(struct store *store, const struct container *container, bool read_only,
                                            container_work_fn *work, struct answer *answer)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    answer->result = -1;
    /* The working directory goes along. */
    if (fchdir(container->dir) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        err_set(&answer->err, errno, "a mount namespace for the root filesystem of `%s`", container->name);
    } else {
        struct container inside = *container;
        struct store *again = store_open(store_path(store), STORE_READ, NULL, &answer->err);
        inside.dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cleanup_close int root = again ? container_root(again, &inside, read_only, &answer->err) : -1;
        if (root >= 0)
            answer->result = work(root, answer->data, &answer->err);
    }
    answer->whole = true;
    _exit(0);
}

static int in_child(struct store *store, const struct container *container, bool read_only, container_work_fn *work,
                    void *data, size_t size, struct err *err)
{
    int status = 0;
    struct answer *answer =
        mmap(NULL, sizeof *answer + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        return err_set(err, errno, "mmap");
    if (size)
        memcpy(answer->data, data, size);
    pid_t pid = fork();
    if (pid == 0)
        child(store, container, read_only, work, answer);
    int result = pid < 0 ? err_set(err, errno, "fork") : 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (result == 0 && !answer->whole) {
        result = err_say(err, EIO, "who worked in the root filesystem of `%s` was ended%s", container->name,
                         WIFSIGNALED(status) ? " by a signal" : "");
    } else if (result == 0) {
        result = answer->result;
        if (result < 0 && err)
            *err = answer->err;
        if (size)
            memcpy(data, answer->data, size);
    }
    munmap(answer, sizeof *answer + size);
    return result;
}

int container_with_root(struct store *store, const struct container *container, bool read_only, container_work_fn *work,
                        void *data, size_t size, struct err *err)
{
    struct err why = { 0 };
    cleanup_close int root = mount_root(store, container, read_only, -1, &why);
    if (root >= 0)
        return work(root, data, err);
    if (why.code == ENOSYS)
        return in_child(store, container, read_only, work, data, size, err);
    return err_say(err, why.code, "%s", why.message);
}

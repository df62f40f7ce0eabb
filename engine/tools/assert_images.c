/* Claims about images and containers: what `docker images` and `docker ps --all` would show, and what is in an image. */
#include "engine/tools/assert.h"

#include "engine/base/cleanup.h"
#include "engine/container/container.h"
#include "engine/image/image.h"
#include "engine/layers/tar.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Nothing is made by looking: a lab that has no store yet has the one below. @seen is written where there is neither. */
static struct store *open_store(struct claim *claim, enum verdict *verdict)
{
    char path[PATH_MAX], below[PATH_MAX];
    struct err err = { 0 };
    if (store_default_path(path, sizeof path, &err) < 0) {
        *verdict = see(claim, CLAIM_UNKNOWN, "%s", err.message);
        return NULL;
    }
    store_default_below(below, sizeof below);
    struct store *store = store_open(path, STORE_READ, below, &err);
    if (!store && err.code == ENOENT && *below)
        store = store_open(below, STORE_READ, NULL, &err);
    if (!store)
        *verdict = err.code == ENOENT || err.code == EACCES
                       ? see(claim, CLAIM_FAILS, "there is no image and no container yet")
                       : see(claim, CLAIM_UNKNOWN, "%s", err.message);
    return store;
}

static enum verdict with_image(struct claim *claim, enum verdict (*look)(struct claim *claim, struct store *store,
                                                                         const struct image *image))
{
    enum verdict verdict = CLAIM_UNKNOWN;
    struct err err = { 0 };
    struct image image;
    struct store *store = open_store(claim, &verdict);
    if (!store)
        return verdict;
    if (image_open(store, claim->words[0], &image, &err) == 0) {
        verdict = look(claim, store, &image);
        image_close(&image);
    } else {
        verdict = err.code == ENOENT ? see(claim, CLAIM_FAILS, "there is no image %s", claim->words[0])
                                     : see(claim, CLAIM_UNKNOWN, "%s", err.message);
    }
    store_close(store);
    return verdict;
}

static enum verdict look_at_image(struct claim *claim, struct store *store, const struct image *image)
{
    (void)store;
    return see(claim, CLAIM_HOLDS, "there is an image %s, of %zu layer%s", claim->words[0], image->layer_count,
               image->layer_count == 1 ? "" : "s");
}

enum verdict claim_image(struct claim *claim)
{
    return with_image(claim, look_at_image);
}

static enum verdict look_at_layers(struct claim *claim, struct store *store, const struct image *image)
{
    char *end;
    unsigned long wanted = strtoul(claim->words[1], &end, 10);
    (void)store;
    if (*end || end == claim->words[1])
        return see(claim, CLAIM_WRONG, "`%s` is no number of layers", claim->words[1]);
    return see(claim, image->layer_count == wanted ? CLAIM_HOLDS : CLAIM_FAILS, "image %s has %zu layer%s, of %lu",
               claim->words[0], image->layer_count, image->layer_count == 1 ? "" : "s", wanted);
}

enum verdict claim_image_layers(struct claim *claim)
{
    return with_image(claim, look_at_layers);
}

static bool hides_all(int dir)
{
    return whiteout_is_opaque(dir, WHITEOUT_OVERLAY) || whiteout_is_opaque(dir, WHITEOUT_USERXATTR);
}

/* @path in one layer: a name on the way that is a whiteout, or no directory, hides what lower layers have there. Links are not followed. */
static enum tar_found find_in_directory(int layer, const char *path)
{
    cleanup_close int dir = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (path += strspn(path, "/"); dir >= 0; path += strspn(path, "/")) {
        char name[NAME_MAX + 1];
        struct stat st;
        size_t length = strcspn(path, "/");
        if (length == 0)
            return TAR_FOUND;
        if (length > NAME_MAX)
            return TAR_HIDDEN;
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        path += length;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return hides_all(dir) ? TAR_HIDDEN : TAR_NOT_HERE;
        if (whiteout_is(&st))
            return TAR_HIDDEN;
        if (!path[strspn(path, "/")])
            return TAR_FOUND;
        if (!S_ISDIR(st.st_mode))
            return TAR_HIDDEN;
        int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    return TAR_NOT_HERE;
}

/* In the layer as it is kept. Only what is not compressed can be read here. Returns 0 or -1. */
static int find_in_blob(struct store *store, const struct image_layer *layer, const char *path, enum tar_found *found,
                        struct err *err)
{
    char start[6];
    cleanup_close int fd = store_open_blob(store, &layer->digest, err);
    if (fd < 0)
        return -1;
    if (pread(fd, start, sizeof start, 0) == (ssize_t)sizeof start &&
        compression_detect(start, sizeof start) != COMPRESSION_NONE)
        return err_say(err, ENOTSUP, "layer %.19s is compressed, and not unpacked yet: `docker create` unpacks it",
                       layer->digest.text);
    struct source *from = source_fd(fd, err);
    int result = from ? tar_find(from, path, found, err) : -1;
    source_close(from);
    return result;
}

static int find_in_layer(struct store *store, const struct image_layer *layer, const char *path, enum tar_found *found,
                         struct err *err)
{
    char unpacked[PATH_MAX];
    if (store_layer_path(store, &layer->diff_id, unpacked, sizeof unpacked, err) < 0)
        return -1;
    cleanup_close int fd = *unpacked ? open(unpacked, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return find_in_blob(store, layer, path, found, err);
    *found = find_in_directory(fd, path);
    return 0;
}

static enum verdict look_for_file(struct claim *claim, struct store *store, const struct image *image)
{
    const char *name = claim->words[0], *path = claim->words[1];
    for (size_t i = image->layer_count; i-- > 0;) {
        struct err err = { 0 };
        enum tar_found found = TAR_NOT_HERE;
        if (find_in_layer(store, &image->layers[i], path, &found, &err) < 0)
            return see(claim, CLAIM_UNKNOWN, "image %s: %s", name, err.message);
        if (found == TAR_FOUND)
            return see(claim, CLAIM_HOLDS, "image %s has %s, in layer %zu of %zu", name, path, i + 1,
                       image->layer_count);
        if (found == TAR_HIDDEN)
            return see(claim, CLAIM_FAILS, "image %s has no %s: layer %zu of %zu hides it", name, path, i + 1,
                       image->layer_count);
    }
    return see(claim, CLAIM_FAILS, "image %s has no %s", name, path);
}

enum verdict claim_image_has(struct claim *claim)
{
    return with_image(claim, look_for_file);
}

static enum verdict look_for_shared(struct claim *claim, struct store *store, const struct image *image)
{
    const char *name = claim->words[0], *other_name = claim->words[1];
    struct err err = { 0 };
    struct image other;
    size_t shared = 0;
    if (image_open(store, other_name, &other, &err) < 0)
        return err.code == ENOENT ? see(claim, CLAIM_FAILS, "there is no image %s", other_name)
                                  : see(claim, CLAIM_UNKNOWN, "%s", err.message);
    while (shared < image->layer_count && shared < other.layer_count &&
           digest_equal(&image->layers[shared].diff_id, &other.layers[shared].diff_id))
        shared++;
    image_close(&other);
    if (shared == 0)
        return see(claim, CLAIM_FAILS, "images %s and %s have no layer in common: their lowest is another", name,
                   other_name);
    return see(claim, CLAIM_HOLDS, "images %s and %s share their lowest %zu layer%s", name, other_name, shared,
               shared == 1 ? "" : "s");
}

enum verdict claim_image_shares(struct claim *claim)
{
    return with_image(claim, look_for_shared);
}

static enum verdict look_for_same(struct claim *claim, struct store *store, const struct image *image)
{
    struct err err = { 0 };
    struct image other;
    if (image_open(store, claim->words[1], &other, &err) < 0)
        return err.code == ENOENT ? see(claim, CLAIM_FAILS, "there is no image %s", claim->words[1])
                                  : see(claim, CLAIM_UNKNOWN, "%s", err.message);
    bool same = digest_equal(&image->config, &other.config);
    image_close(&other);
    return same ? see(claim, CLAIM_HOLDS, "%s and %s are two names of one image", claim->words[0], claim->words[1])
                : see(claim, CLAIM_FAILS, "%s and %s are two images", claim->words[0], claim->words[1]);
}

enum verdict claim_image_same(struct claim *claim)
{
    return with_image(claim, look_for_same);
}

static const char *const states[] = { "created", "running", "paused", "exited", "dead" };

static enum verdict open_container(struct claim *claim, struct container *container)
{
    enum verdict verdict = CLAIM_UNKNOWN;
    struct err err = { 0 };
    struct store *store = open_store(claim, &verdict);
    if (!store)
        return verdict;
    verdict = CLAIM_HOLDS;
    if (container_open(store, claim->words[0], container, &err) < 0)
        verdict = err.code == ENOENT ? see(claim, CLAIM_FAILS, "there is no container %s", claim->words[0])
                                     : see(claim, CLAIM_UNKNOWN, "%s", err.message);
    store_close(store);
    return verdict;
}

enum verdict claim_container(struct claim *claim)
{
    struct container container = { .dir = -1 };
    enum verdict verdict = open_container(claim, &container);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    see(claim, CLAIM_HOLDS, "there is a container %s, %s", container.name, states[container.state]);
    container_close(&container);
    return CLAIM_HOLDS;
}

enum verdict claim_container_state(struct claim *claim)
{
    struct container container = { .dir = -1 };
    const char *wanted = claim->words[1];
    bool known = false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known |= strcmp(states[i], wanted) == 0;
    if (!known)
        return see(claim, CLAIM_WRONG, "`%s` is no state: they are created, running, paused, exited and dead", wanted);
    enum verdict verdict = open_container(claim, &container);
    if (verdict != CLAIM_HOLDS)
        return verdict;
    verdict = strcmp(states[container.state], wanted) == 0 ? CLAIM_HOLDS : CLAIM_FAILS;
    see(claim, verdict, "container %s is %s", container.name, states[container.state]);
    container_close(&container);
    return verdict;
}

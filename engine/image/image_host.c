/* A closure as an image: programs of this machine with all that their loaders need, and nothing else. */
#include "engine/image/image_internal.h"
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"
#include "engine/rootfs/elf_closure.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int copy_programs(int root, const char *const *programs, size_t count, struct err *err)
{
    struct rootfs_copier *copier = rootfs_copier_open(root, NULL, NULL, err);
    int result = copier ? 0 : -1;
    for (size_t i = 0; i < count && result == 0; i++)
        if (rootfs_copier_add(copier, programs[i], err) < 0)
            result = -1;
    rootfs_copier_close(copier);
    return result;
}

/* The same files give the same bytes, whoever packs them and when: all belong to root and are of the epoch. */
static int pack(struct store *store, const char *const *programs, size_t count, struct image_layer *layer,
                struct err *err)
{
    const struct id_map users[] = { { 0, geteuid(), 1 } }, groups[] = { { 0, getegid(), 1 } };
    struct tar_pack options = { .dense = true, .set_time = true, .time = 0 };
    char name[INGEST_NAME];
    if (geteuid() != 0)
        options.ids = (struct tar_ids){ users, groups, 1, 1 };
    cleanup_close int root = ingest_directory(store, name, err);
    if (root < 0)
        return -1;
    int result = fchmod(root, 0755) < 0 ? err_set(err, errno, "chmod of a root filesystem") : 0;
    if (result == 0)
        result = copy_programs(root, programs, count, err);
    if (result == 0)
        result = layer_pack(store, root, &options, layer, err);
    ingest_remove(store, name);
    return result;
}

static int create(struct store *store, const char *const *programs, size_t count, const char *first,
                  struct image *image, struct err *err)
{
    struct image_layer layer;
    cleanup_free char *by = strdup("teachroot image from-host");
    for (size_t i = 0; by && i < count; i++) {
        char *longer = NULL;
        if (asprintf(&longer, "%s %s", by, programs[i]) < 0)
            longer = NULL;
        free(by);
        by = longer;
    }
    if (!by)
        return err_set(err, ENOMEM, "make an image");
    json_t *config = json_pack("{s:[s], s:[s]}", "Cmd", first, "Env", PATH_ENV);
    if (!config)
        return err_say(err, EILSEQ, "`%s`: an image's command is UTF-8, and this name is not", first);
    const struct image_spec spec = { .layers = &layer, .layer_count = 1, .config = config, .created_by = by };
    int result = pack(store, programs, count, &layer, err);
    if (result == 0)
        result = image_create(store, &spec, image, err);
    json_decref(config);
    return result;
}

int image_from_host(struct store *store, const char *const *programs, size_t count, struct image *image,
                    struct err *err)
{
    char first[PATH_MAX];
    if (count == 0)
        return err_say(err, EINVAL, "an image of this machine's programs: none was named");
    return rootfs_find_program(programs[0], first, err) < 0 || create(store, programs, count, first, image, err) < 0
               ? -1
               : 0;
}

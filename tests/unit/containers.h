/* A store with one image in it, "base", and containers made of it, in a directory of the test's own. */
#ifndef TESTS_UNIT_CONTAINERS_H
#define TESTS_UNIT_CONTAINERS_H

#include "engine/base/cleanup.h"
#include "engine/container/container.h"
#include "engine/rootfs/copy_tree.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];
static struct store *store;
static int containers = -1; /* STORE/containers */

/* The image's one layer: who is who in it, and a top directory of its own mode and time. */
static inline void add_image(struct store *to)
{
    struct archive archive = { 0 };
    struct tar_header top = header_of("./", '5', 0);
    struct image_layer layer;
    struct image image;
    struct err err = { 0 };
    memcpy(top.mode, "0000751", 8);
    archive_header(&archive, top);
    archive_directory(&archive, "etc");
    archive_file(&archive, "etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:7:8::/home:/bin/sh\n");
    archive_file(&archive, "etc/group", "root:x:0:\napp:x:8:\nextra:x:99:app\n");
    archive_end(&archive);
    struct source *from = source_memory(archive.data, archive.size, &err);
    json_t *config = json_pack("{s:[s], s:[ss], s:[ss], s:s}", "Entrypoint", "/enter", "Cmd", "from", "image", "Env",
                               "A=image", "B=2", "WorkingDir", "/work");
    struct image_spec spec = { .layers = &layer, .layer_count = 1, .config = config, .created = 0 };
    if (!from || image_add_layer(to, from, true, &layer, NULL, NULL, &err) < 0 ||
        image_create(to, &spec, &image, &err) < 0 ||
        store_set_name(to, "docker.io/library/base:latest", &image.manifest, image.media, image.manifest_size, &err) <
            0)
        fail_msg("%s", err.message);
    image_close(&image);
    source_close(from);
    json_decref(config);
    free(archive.data);
}

static inline int set_up_containers(void **state)
{
    char path[128];
    strcpy(base, "/tmp/teachroot-test.XXXXXX");
    store = mkdtemp(base) ? store_open(base, STORE_WRITE, NULL, NULL) : NULL;
    if (!store)
        return -1;
    add_image(store);
    snprintf(path, sizeof path, "%s/containers", base);
    mkdir(path, 0700);
    containers = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return containers < 0 ? -1 : 0;
}

static inline int tear_down_containers(void **state)
{
    store_close(store);
    close(containers);
    return rootfs_remove_tree(AT_FDCWD, base, NULL);
}

static inline int create(const char *name, struct container *container, struct err *err)
{
    return container_create(store, &(struct container_spec){ .image = "base", .name = name }, container, err);
}

/* One of that name, and its id. */
static inline const char *made(const char *name)
{
    static char ids[4][CONTAINER_ID];
    static unsigned next;
    char *id = ids[next++ % 4];
    struct container container;
    struct err err = { 0 };
    if (create(name, &container, &err) < 0)
        fail_msg("%s", err.message);
    memcpy(id, container.id, CONTAINER_ID);
    container_close(&container);
    return id;
}

static inline int open_fails(const char *what, struct err *err)
{
    struct container container;
    int result = container_open(store, what, &container, err);
    if (result == 0)
        container_close(&container);
    assert_int_equal(result, -1);
    return err->code;
}

/* Also one that is damaged, by its id. */
static inline void removed(const char *what)
{
    struct container container;
    struct err err = { 0 };
    container_open(store, what, &container, &err);
    if (container_remove(store, &container, &err) < 0)
        fail_msg("%s: %s", what, err.message);
    container_close(&container);
}

struct census {
    unsigned whole, damaged;
    char damage[1024]; /* of the last that is */
};

static inline int count(struct container *container, const char *damage, void *data)
{
    struct census *census = data;
    if (damage) {
        census->damaged++;
        snprintf(census->damage, sizeof census->damage, "%s", damage);
    } else {
        census->whole++;
    }
    return 0;
}

static inline struct census counted(void)
{
    struct census census = { 0 };
    struct err err = { 0 };
    if (container_each(store, count, &census, &err) < 0)
        fail_msg("%s", err.message);
    return census;
}

/* What lies in the containers' directory, but for the lock. */
static inline unsigned entries(void)
{
    unsigned number = 0;
    cleanup_dir DIR *dir = fdopendir(openat(containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const struct dirent *entry; (entry = readdir(dir));)
        number +=
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".lock") != 0;
    return number;
}

static inline int remove_one(struct container *container, const char *damage, void *data)
{
    return container_remove(store, container, NULL);
}

/* For a test's teardown: its containers go, and take all with them. */
static inline int remove_all(void **state)
{
    return container_each(store, remove_one, NULL, NULL) < 0 || entries() > 0 ? -1 : 0;
}

#endif

/* The images of a store as docker lists them: one entry a name. */
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"

#include <string.h>

int64_t docker_created(const struct image *image)
{
    return docker_time(json_string_value(json_object_get(image->config_json, "created")));
}

struct reading {
    struct store *store;
    struct docker_names *names;
};

static int read_name(const struct store_name *from, void *data)
{
    struct reading *reading = data;
    struct docker_names *names = reading->names;
    struct docker_name *more = realloc(names->names, (names->count + 1) * sizeof *more);
    struct err err = { 0 };
    if (!more)
        return -ENOMEM;
    names->names = more;
    struct docker_name *name = &more[names->count];
    *name = (struct docker_name){ .manifest = from->manifest, .below = from->below };
    if (from->name && !(name->name = strdup(from->name)))
        return -ENOMEM;
    names->count++;
    if (image_open_digest(reading->store, &from->manifest, &name->image, &err) < 0)
        snprintf(name->damage, sizeof name->damage, "%.500s", err.message);
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct docker_name *x = a, *y = b;
    int64_t dx = x->damage[0] ? 0 : docker_created(&x->image), dy = y->damage[0] ? 0 : docker_created(&y->image);
    if (dx != dy)
        return dx < dy ? 1 : -1;
    return strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

int docker_names_read(struct store *store, struct docker_names *names, struct err *err)
{
    struct reading reading = { store, names };
    *names = (struct docker_names){ 0 };
    int result = store_names(store, read_name, &reading, err);
    if (result == -ENOMEM)
        result = err_set(err, ENOMEM, "list the images");
    if (result == 0 && names->count > 0)
        qsort(names->names, names->count, sizeof *names->names, newest_first);
    return result;
}

void docker_names_free(struct docker_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!names->names[i].damage[0])
            image_close(&names->names[i].image);
        free(names->names[i].name);
    }
    free(names->names);
}

struct search {
    const struct digest *image;
    char *id;
};

static int is_of(struct container *container, const char *damage, void *data)
{
    const struct search *search = data;
    if (damage || !digest_equal(&container->image_id, search->image))
        return 0;
    memcpy(search->id, container->id, CONTAINER_ID);
    return 1;
}

int docker_user_of(struct store *store, const struct digest *image, char id[CONTAINER_ID], struct err *err)
{
    struct search search = { image, id };
    id[0] = '\0';
    return container_each(store, is_of, &search, err) < 0 ? -1 : 0;
}

int docker_collect(struct store *store, const struct image *images, size_t count, uint64_t *bytes, struct err *err)
{
    struct store_gc gc = { 0 };
    if (store_collect(store, container_uses_layer, store, &gc, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        printf("Deleted: %s\n", images[i].config.text);
        for (size_t layer = images[i].layer_count; layer-- > 0;) {
            bool said = false; /* the same layer twice, or in two of the images */
            for (size_t other = 0; other <= i && !said; other++)
                for (size_t k = other == i ? layer + 1 : 0; k < images[other].layer_count && !said; k++)
                    said = digest_equal(&images[other].layers[k].digest, &images[i].layers[layer].digest);
            if (!said && store_has(store, &images[i].layers[layer].digest, NULL, NULL) == 0)
                printf("Deleted: %s\n", images[i].layers[layer].digest.text);
        }
    }
    *bytes = gc.bytes;
    return 0;
}

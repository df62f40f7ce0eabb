#include "engine/image/look.h"

#include "engine/base/cleanup.h"
#include "engine/image/image.h"
#include "engine/image/reference.h"
#include "engine/layers/tar_names.h"

#include <string.h>

#define OTHERS 64 /* images that are looked at for shared layers */

struct named {
    char name[LOOK_NAME];
    struct image image;
};
struct others {
    struct store *store;
    struct named list[OTHERS];
    size_t count;
    struct digest last; /* what the store's own newest name is; "": it has none */
};

static void show_name(const char *full, const struct digest *id, char name[LOOK_NAME])
{
    struct reference reference;
    char text[700];
    if (full && reference_parse(full, &reference, NULL) == 0)
        reference_familiar(&reference, text, sizeof text);
    else
        snprintf(text, sizeof text, full ? "%.690s" : "%.12s", full ? full : digest_hex(id));
    snprintf(name, LOOK_NAME, "%.*s", LOOK_NAME - 1, text);
}

static int take_other(const struct store_name *name, void *data)
{
    struct others *others = data;
    struct image image;
    if (!name->below)
        others->last = name->manifest;
    if (others->count == OTHERS || image_open_digest(others->store, &name->manifest, &image, NULL) < 0)
        return 0;
    struct named *other = &others->list[others->count++];
    other->image = image;
    show_name(name->name, &image.config, other->name);
    return 0;
}

static void others_free(struct others *others)
{
    for (size_t i = 0; i < others->count; i++)
        image_close(&others->list[i].image);
    free(others);
}

/* --- the layers --- */

static bool has_layer(const struct image *image, const struct digest *digest)
{
    for (size_t i = 0; i < image->layer_count; i++)
        if (digest_equal(&image->layers[i].digest, digest))
            return true;
    return false;
}

/* Images, not names: the second name of one is not counted. */
static bool seen_before(const struct others *others, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (digest_equal(&others->list[i].image.config, &others->list[at].image.config))
            return true;
    return false;
}

static void find_sharers(const struct others *others, const struct image *image, struct look_layer *layer)
{
    for (size_t i = 0; i < others->count; i++) {
        const struct named *other = &others->list[i];
        if (digest_equal(&other->image.config, &image->config) || !has_layer(&other->image, &layer->digest) ||
            seen_before(others, i))
            continue;
        if (layer->sharers++ == 0)
            memcpy(layer->shared, other->name, sizeof layer->shared);
    }
}

static bool makes_layer(const json_t *step)
{
    return !json_is_true(json_object_get(step, "empty_layer"));
}

/* The steps that made a layer, the lowest first, are as many as there are layers, or nothing can be said. */
static const json_t *step_of(const struct image *image, size_t layer)
{
    const json_t *history = json_object_get(image->config_json, "history"), *found = NULL;
    size_t steps = 0;
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *step = json_array_get(history, i);
        if (makes_layer(step) && steps++ == layer)
            found = step;
    }
    return steps == image->layer_count ? found : NULL;
}

static void copy_made(const json_t *step, char made[static 96])
{
    static const char *const before[] = { "/bin/sh -c #(nop) ", "/bin/sh -c " };
    const char *text = json_string_value(json_object_get(step, "created_by"));
    if (!text || !*text)
        text = json_string_value(json_object_get(step, "comment"));
    for (size_t i = 0; text && i < sizeof before / sizeof *before; i++)
        if (strncmp(text, before[i], strlen(before[i])) == 0)
            text += strlen(before[i]);
    size_t length = text ? strlen(text + strspn(text, " ")) : 0;
    if (text)
        text += strspn(text, " ");
    if (length > 95) /* never half a character */
        for (length = 95; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    for (size_t i = 0; i < length; i++)
        made[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    made[length] = '\0';
}

/* --- the files --- */

/* EFBIG: not all of it may be read. */
static int read_layer(struct store *store, const struct image_layer *layer, uint64_t *left, struct tar_names *names,
                      struct err *err)
{
    struct digest kept = { "" }, plain = { "" };
    uint64_t bytes = 0;
    *names = (struct tar_names){ 0 };
    cleanup_close int fd = store_open_blob(store, &layer->digest, err);
    if (fd < 0)
        return -1;
    struct source *from = source_limited(source_fd(fd, err), LOOK_BYTES, false, "it", err);
    from = source_decompress(source_digest(from, &kept, NULL, err), NULL, err);
    from = source_digest(source_limited(from, *left, false, "it", err), &plain, &bytes, err);
    int result = from ? tar_names_read(from, names, err) : -1;
    source_close(from);
    *left -= bytes;
    if (result == 0 && !digest_equal(&kept, &layer->digest))
        return err_say(err, EIO, "its bytes have the digest %.19s…", kept.text);
    if (result == 0 && !digest_equal(&plain, &layer->diff_id))
        return err_say(err, EIO, "it unpacks to %.19s…; its image says %.19s…", plain.text, layer->diff_id.text);
    return result;
}

static void list_files(struct store *store, const struct image *image, struct image_look *look)
{
    struct tar_names *names = calloc(LAYERS_SHOWN, sizeof *names);
    struct merged_layer merged[LAYERS_SHOWN] = { 0 };
    size_t shown = look->count < LAYERS_SHOWN ? look->count : LAYERS_SHOWN, read = 0;
    uint64_t left = LOOK_BYTES;
    bool cut = false;
    for (; names && read < shown; read++) {
        const struct image_layer *layer = &image->layers[image->layer_count - 1 - read];
        struct err err = { 0 };
        int result = cut ? 0 : read_layer(store, layer, &left, &names[read], &err);
        cut |= names[read].more || (result < 0 && err.code == EFBIG);
        merged[read] = tar_names_layer(&names[read]);
        if (result == 0 || err.code == EFBIG)
            continue;
        snprintf(look->damage, sizeof look->damage, "layer %.12s cannot be read: %.200s", digest_hex(&layer->digest),
                 err.message);
        break;
    }
    if (names && !*look->damage)
        look->entry_count = merged_list(merged, shown, false, look->entries, LOOK_ENTRIES, &look->more);
    look->more |= cut;
    for (size_t i = 0; names && i < shown; i++)
        tar_names_free(&names[i]);
    free(names);
}

/* --- all of it --- */

static bool is_known(const struct digest *manifest, const char *const *known)
{
    for (; known && *known; known++)
        if (strcmp(*known, manifest->text) == 0)
            return true;
    return false;
}

static void fill(struct store *store, const struct others *others, const struct others *beside,
                 const struct image *image, const char *const *known, struct image_look *look)
{
    look->manifest = image->manifest;
    look->size = image->size;
    look->count = image->layer_count;
    show_name(NULL, &image->config, look->name);
    /* The name it got last. */
    for (size_t i = 0; i < others->count; i++)
        if (digest_equal(&others->list[i].image.config, &image->config))
            memcpy(look->name, others->list[i].name, sizeof look->name);
    for (size_t i = 0; i < look->count && i < LAYERS_SHOWN; i++) {
        const struct image_layer *layer = &image->layers[image->layer_count - 1 - i];
        struct look_layer *shown = &look->layers[i];
        shown->digest = layer->digest;
        shown->size = layer->size;
        copy_made(step_of(image, image->layer_count - 1 - i), shown->made);
        find_sharers(others, image, shown);
        if (beside)
            find_sharers(beside, image, shown);
    }
    look->known = is_known(&image->manifest, known);
    if (!look->known)
        list_files(store, image, look);
}

static struct others *read_others(struct store *store, struct err *err)
{
    struct others *others = calloc(1, sizeof *others);
    if (!others) {
        err_set(err, ENOMEM, "look at an image");
        return NULL;
    }
    others->store = store;
    if (store_names(store, take_other, others, err) == 0)
        return others;
    others_free(others);
    return NULL;
}

int image_look(struct store *store, struct store *beside, const char *what, const char *const *known,
               struct image_look *look, struct err *err)
{
    struct image image;
    *look = (struct image_look){ .count = 0 };
    struct others *others = read_others(store, err);
    if (!others)
        return -1;
    if (!what && !*others->last.text) {
        others_free(others);
        return err_say(err, ENOENT, "there is no image in `%s`", store_path(store));
    }
    int result = what ? image_open(store, what, &image, err) : image_open_digest(store, &others->last, &image, err);
    if (result == 0) {
        struct others *more = beside ? read_others(beside, NULL) : NULL;
        fill(store, others, more, &image, known, look);
        if (more)
            others_free(more);
        image_close(&image);
    }
    others_free(others);
    return result;
}

/* What was seen of an image, on its way from the process that looked to the one that shows it. */
#include "engine/image/look.h"

#include <errno.h>
#include <string.h>

/* Names are bytes; JSON has characters. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    char copy[256];
    if (json)
        return json;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return json_string(copy);
}

static json_t *layer_json(const struct look_layer *layer)
{
    return json_pack("{s:s, s:I, s:o, s:o, s:i}", "digest", layer->digest.text, "size", (json_int_t)layer->size, "made",
                     text_json(layer->made), "shared", text_json(layer->shared), "sharers", (int)layer->sharers);
}

static json_t *entry_json(const struct layer_entry *entry)
{
    json_t *holds = json_array(), *seen = json_array();
    for (size_t i = 0; i < LAYERS_SHOWN; i++) {
        json_array_append_new(holds, json_integer(entry->holds[i]));
        json_array_append_new(seen, json_boolean(entry->seen[i]));
    }
    return json_pack("{s:o, s:b, s:o, s:o}", "path", text_json(entry->path), "cut", entry->cut, "holds", holds, "seen",
                     seen);
}

json_t *image_look_json(const struct image_look *look)
{
    json_t *layers = json_array(), *entries = json_array();
    for (size_t i = 0; i < look->count && i < LAYERS_SHOWN; i++)
        json_array_append_new(layers, layer_json(&look->layers[i]));
    for (size_t i = 0; i < look->entry_count; i++)
        json_array_append_new(entries, entry_json(&look->entries[i]));
    return json_pack("{s:o, s:o, s:s, s:I, s:I, s:o, s:o, s:b, s:b, s:o}", "name", text_json(look->name), "container",
                     text_json(look->container), "manifest", look->manifest.text, "size", (json_int_t)look->size,
                     "count", (json_int_t)look->count, "layers", layers, "entries", entries, "more", look->more,
                     "known", look->known, "damage", text_json(look->damage));
}

/* A string that is no longer than there is room for; no control character of it goes any further. */
static bool take_text(const json_t *json, const char *name, char *to, size_t size)
{
    const json_t *member = json_object_get(json, name);
    if (!json_is_string(member) || json_string_length(member) >= size)
        return false;
    memcpy(to, json_string_value(member), json_string_length(member) + 1);
    for (unsigned char *at = (unsigned char *)to; *at; at++)
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (at[0] == 0xc2 && at[1] < 0xa0)
            at[0] = at[1] = '?';
    return true;
}

static bool take_number(const json_t *json, const char *name, uint64_t *to)
{
    const json_t *member = json_object_get(json, name);
    *to = (uint64_t)json_integer_value(member);
    return json_is_integer(member) && json_integer_value(member) >= 0;
}

static bool take_flag(const json_t *json, bool *to)
{
    *to = json_is_true(json);
    return json_is_boolean(json);
}

static bool take_layer(const json_t *json, struct look_layer *layer)
{
    const char *digest = json_string_value(json_object_get(json, "digest"));
    uint64_t sharers;
    if (!digest || digest_parse(digest, &layer->digest, NULL) < 0 || !take_number(json, "size", &layer->size) ||
        !take_text(json, "made", layer->made, sizeof layer->made) ||
        !take_text(json, "shared", layer->shared, sizeof layer->shared) || !take_number(json, "sharers", &sharers) ||
        sharers > UINT16_MAX)
        return false;
    layer->sharers = (unsigned)sharers;
    return true;
}

static bool take_entry(const json_t *json, struct layer_entry *entry)
{
    const json_t *holds = json_object_get(json, "holds"), *seen = json_object_get(json, "seen");
    if (!take_text(json, "path", entry->path, sizeof entry->path) || !*entry->path ||
        !take_flag(json_object_get(json, "cut"), &entry->cut))
        return false;
    for (size_t i = 0; i < LAYERS_SHOWN; i++) {
        const json_t *kind = json_array_get(holds, i);
        json_int_t value = json_integer_value(kind);
        if (!json_is_integer(kind) || value < 0 || value >= LAYER_HOLDS ||
            !take_flag(json_array_get(seen, i), &entry->seen[i]))
            return false;
        entry->holds[i] = (enum layer_holds)value;
    }
    return true;
}

static bool take_all(const json_t *json, struct image_look *look)
{
    const json_t *layers = json_object_get(json, "layers"), *entries = json_object_get(json, "entries");
    const char *manifest = json_string_value(json_object_get(json, "manifest"));
    uint64_t count;
    if (!take_text(json, "damage", look->damage, sizeof look->damage) || !manifest ||
        (digest_parse(manifest, &look->manifest, NULL) < 0 && (*manifest || !*look->damage)) ||
        !take_text(json, "name", look->name, sizeof look->name) ||
        !take_text(json, "container", look->container, sizeof look->container) ||
        !take_number(json, "size", &look->size) || !take_number(json, "count", &count) ||
        !take_flag(json_object_get(json, "more"), &look->more) ||
        !take_flag(json_object_get(json, "known"), &look->known))
        return false;
    look->count = (size_t)count;
    look->entry_count = json_array_size(entries);
    if (json_array_size(layers) != (count < LAYERS_SHOWN ? count : LAYERS_SHOWN) || look->entry_count > LOOK_ENTRIES)
        return false;
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (!take_layer(json_array_get(layers, i), &look->layers[i]))
            return false;
    for (size_t i = 0; i < look->entry_count; i++)
        if (!take_entry(json_array_get(entries, i), &look->entries[i]))
            return false;
    return true;
}

int image_look_parse(const json_t *json, struct image_look *look, struct err *err)
{
    *look = (struct image_look){ .count = 0 };
    if (take_all(json, look))
        return 0;
    *look = (struct image_look){ .count = 0 };
    return err_say(err, EINVAL, "what was seen of an image is not as it should be");
}

/* Layers, each file under the layer that holds it; and the lab's cgroups with what they may use and use. */
#include "repl/play/display_internal.h"

#include "engine/base/cleanup.h"
#include "engine/docker/docker.h"
#include "repl/panel/columns.h"

#include <stdlib.h>
#include <string.h>

/* ---- layers ---- */

#define DIGITS 12 /* of a digest, as docker shows it */

struct stacked { /* a mounted overlay, or an image */
    const char *heading;
    size_t count; /* as many layers as there are */
    char name[LAYERS_SHOWN][160];
    const struct layer_entry *entries;
    size_t entry_count;
    bool more;
};

static bool is_directory(enum layer_holds holds)
{
    return holds == LAYER_DIRECTORY || holds == LAYER_OPAQUE;
}

static void put_file(struct display_builder *to, struct display_row *row, size_t column,
                     const struct layer_entry *entry, size_t layer)
{
    enum layer_holds holds = entry->holds[layer];
    const char *cut = entry->cut ? "…" : "", *slash = is_directory(holds) ? "/" : "";
    if (holds == LAYER_NOTHING)
        return;
    if (holds == LAYER_WHITEOUT)
        display_put(to, row, column, DISPLAY_GONE, "-%s%s", cut, entry->path);
    else if (!entry->seen[layer])
        display_put(to, row, column, DISPLAY_HIDDEN, "(%s%s%s)", cut, entry->path, slash);
    else
        display_put(to, row, column, DISPLAY_PLAIN, "%s%s%s%s", cut, entry->path, slash,
                    holds == LAYER_OPAQUE ? "!" : "");
}

static struct display_section *put_stack(struct display_builder *to, const struct stacked *stack)
{
    size_t shown = stack->count < LAYERS_SHOWN ? stack->count : LAYERS_SHOWN;
    const char *names[LAYERS_SHOWN + 1] = { "What is seen" };
    for (size_t i = 0; i < shown; i++)
        names[i + 1] = stack->name[i];
    struct display_section *section = display_add(to, DISPLAY_LAYERS, stack->heading, names, shown + 1);
    for (size_t i = 0; section && i < stack->entry_count; i++) {
        const struct layer_entry *entry = &stack->entries[i];
        struct display_row *row = display_add_row(to, section);
        bool seen = false, directory = false;
        for (size_t k = 0; k < shown; k++) {
            put_file(to, row, k + 1, entry, k);
            seen |= entry->seen[k] && entry->holds[k] != LAYER_WHITEOUT && entry->holds[k] != LAYER_NOTHING;
            directory |= entry->seen[k] && is_directory(entry->holds[k]);
        }
        if (seen)
            display_put(to, row, 0, DISPLAY_STRONG, "%s%s%s", entry->cut ? "…" : "", entry->path, directory ? "/" : "");
    }
    if (section)
        display_say(to, &section->rest,
                    "%s%s-x deleted here, (x) hidden by a layer above, x/! opaque: joins nothing below",
                    stack->more ? "… and more files. " : "",
                    stack->count > LAYERS_SHOWN ? "The layers further down are not looked into. " : "");
    return section;
}

static void put_mount(struct display_builder *to)
{
    const struct state_layers *layers = &to->state->layers;
    struct stacked stack = { .heading = "Layers of a mount",
                             .count = layers->count,
                             .entries = layers->entries,
                             .entry_count = layers->entry_count,
                             .more = layers->more };
    for (size_t i = 0; i < LAYERS_SHOWN && i < layers->count; i++)
        snprintf(stack.name[i], sizeof stack.name[i], "%s: %s", layers->upper && i == 0 ? "upper" : "lower",
                 layers->name[i]);
    struct display_section *section = put_stack(to, &stack);
    size_t lowers = layers->count - layers->upper;
    if (section)
        display_say(to, &section->lead, "%s%s: %zu lower%s", layers->came ? "+ " : "", layers->point, lowers,
                    layers->upper ? ", 1 upper" : ", read-only");
}

/* Where the digests differ from run to run, a layer goes by its place, counted from the lowest. */
static void image_layer_name(const struct display_builder *to, const struct image_look *look, size_t i, char *name,
                             size_t size)
{
    const struct look_layer *layer = &look->layers[i];
    char bytes[32];
    docker_size(layer->size, bytes, sizeof bytes);
    if (to->options->steady)
        snprintf(name, size, "layer %zu", look->count - i);
    else
        snprintf(name, size, "%.*s %s", DIGITS, digest_hex(&layer->digest), bytes);
    size_t at = strlen(name);
    if (layer->sharers && at < size)
        snprintf(name + at, size - at, ", shared with %.64s", layer->shared);
}

static void put_image(struct display_builder *to)
{
    const struct state_image *image = &to->state->image;
    const struct image_look *look = &image->look;
    struct stacked stack = { .heading = "Layers of an image",
                             .count = look->count,
                             .entries = look->entries,
                             .entry_count = look->entry_count,
                             .more = look->more };
    char size[32];
    for (size_t i = 0; i < LAYERS_SHOWN && i < look->count; i++)
        image_layer_name(to, look, i, stack.name[i], sizeof stack.name[i]);
    struct display_section *section = put_stack(to, &stack);
    if (!section)
        return;
    docker_size(look->size, size, sizeof size);
    if (!*look->manifest.text)
        display_say(to, &section->lead, "%s: %s", image->where, look->damage);
    else
        display_say(to, &section->lead, "%s, %s%s: %zu layer%s%s%s%s%s", look->name,
                    image->kind == STATE_IMAGE_NAMED       ? "named last"
                    : image->kind == STATE_IMAGE_CONTAINER ? "of the newest container"
                                                           : "in ",
                    image->kind == STATE_IMAGE_LAYOUT ? image->where : "", look->count, look->count == 1 ? "" : "s",
                    to->options->steady ? "" : ", ", to->options->steady ? "" : size, *look->damage ? "; " : "",
                    look->damage);
}

void display_put_layers(struct display_builder *to)
{
    bool mount = *to->state->layers.point, image = to->state->image.kind != STATE_IMAGE_NONE;
    bool image_first = image && (!mount || to->state->image.changed > to->state->layers.changed);
    if (image_first)
        put_image(to);
    if (mount)
        put_mount(to);
    if (image && !image_first)
        put_image(to);
}

/* ---- cgroups ---- */

/* "12M of 80M": @used changes by itself, @limit does not. */
static void put_use(struct display_builder *to, struct display_row *row, size_t column, const char *used,
                    const char *limit, double share)
{
    if (!row)
        return;
    struct display_cell *cell = &row->cells[column];
    const char *bound = limit ? limit : "no limit";
    display_say(to, &cell->steady, "%s%s", limit ? "at most " : "", bound);
    if (to->options->steady) {
        display_put(to, row, column, limit ? DISPLAY_PLAIN : DISPLAY_FAINT, "%s", cell->steady ? cell->steady : "");
        return;
    }
    bool full = limit && share > 0.9;
    display_put(to, row, column,
                full    ? DISPLAY_ALARM
                : limit ? DISPLAY_PLAIN
                        : DISPLAY_FAINT,
                "%s%s%s%s", used, limit ? " of " : ", ", bound, full ? "!" : "");
    cell->share = limit ? (share > 1 ? 1 : share) : -1;
}

static void put_memory(struct display_builder *to, struct display_row *row, const struct sample_group *group)
{
    char used[16], limit[16];
    if (group->memory == SAMPLE_NONE)
        return;
    column_bytes(group->memory, used, sizeof used);
    bool bounded = group->memory_limit != SAMPLE_NONE;
    if (bounded)
        column_bytes(group->memory_limit, limit, sizeof limit);
    double share = bounded && group->memory_limit ? (double)group->memory / (double)group->memory_limit : 1;
    put_use(to, row, 1, used, bounded ? limit : NULL, share);
}

static void put_tasks(struct display_builder *to, struct display_row *row, const struct sample_group *group)
{
    char used[24], limit[24];
    if (group->pids == SAMPLE_NONE)
        return;
    snprintf(used, sizeof used, "%llu", (unsigned long long)group->pids);
    bool bounded = group->pids_limit != SAMPLE_NONE;
    if (bounded)
        snprintf(limit, sizeof limit, "%llu", (unsigned long long)group->pids_limit);
    double share = bounded && group->pids_limit ? (double)group->pids / (double)group->pids_limit : 1;
    put_use(to, row, 3, used, bounded ? limit : NULL, share);
}

static void put_cpu(struct display_builder *to, struct display_row *row, const struct sample_group *group)
{
    if (group->cpu_limit >= 0)
        display_put(to, row, 2, DISPLAY_PLAIN, "at most %.*f%% of one", group->cpu_limit < 10 ? 1 : 0,
                    (double)group->cpu_limit);
    else if (group->cpu_time != SAMPLE_NONE)
        display_put(to, row, 2, DISPLAY_FAINT, "no limit");
}

/* What happened to it, in the words the panel has. */
static void put_happened(struct display_builder *to, struct display_row *row, const struct sample_group *group)
{
    char text[96] = "";
    size_t at = 0;
    if (group->frozen)
        at += (size_t)snprintf(text + at, sizeof text - at, "FROZEN");
    if (group->oom_kills != SAMPLE_NONE && group->oom_kills)
        at += (size_t)snprintf(text + at, sizeof text - at, "%sOOM killed %llu", at ? ", " : "",
                               (unsigned long long)group->oom_kills);
    if (group->throttled_time != SAMPLE_NONE && group->throttled_time) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%sTHROTTLED", at ? ", " : "");
        if (!to->options->steady)
            snprintf(text + at, sizeof text - at, " %.1fs", (double)group->throttled_time / 1e9);
        display_say(to, &row->cells[4].steady, "%.*s", (int)at, text);
    }
    if (*text)
        display_put(to, row, 4, DISPLAY_ALARM, "%s", text);
}

/* The lab itself always has groups of its own: what tells something is one that was made in it, or that a limit was reached. */
static bool groups_tell(const struct sample_group *root)
{
    for (const struct sample_group *group = root; group; group = sample_group_next(group))
        if ((group->depth && strcmp(group->name, "init") != 0) ||
            (group->oom_kills != SAMPLE_NONE && group->oom_kills) || group->frozen)
            return true;
    return false;
}

void display_put_groups(struct display_builder *to, const struct sample_group *root)
{
    static const char *const names[] = { "Group", "Memory", "CPU", "Tasks", "What happened" };
    enum { MOST = 24 };
    size_t left = 0;
    if (!root || (!to->options->all && !groups_tell(root)))
        return;
    struct display_section *section = display_add(to, DISPLAY_GROUPS, "Control groups", names, 5);
    for (const struct sample_group *group = root; section && group; group = sample_group_next(group)) {
        if (section->row_count >= MOST) {
            left++;
            continue;
        }
        struct display_row *row = display_add_row(to, section);
        if (!row)
            return;
        row->indent = group->depth > 12 ? 12 : group->depth;
        display_put(to, row, 0, DISPLAY_STRONG, "%s", group->depth ? group->name : "the lab");
        put_memory(to, row, group);
        put_cpu(to, row, group);
        put_tasks(to, row, group);
        put_happened(to, row, group);
    }
    if (section && left)
        display_say(to, &section->rest, "… and %zu more", left);
}

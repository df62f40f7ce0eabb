/* The layers of the mount or the image in question: of that which changed last. An overlay's are the newest mount's that can be looked into; which image it is says struct state_image, and the heading
 * says it to the learner. */
#include "repl/screen/state_stack.h"
#include "repl/screen/utf8.h"

#include "engine/docker/docker.h"

#include <stdio.h>
#include <string.h>

/* --- an overlay --- */

static struct stack stack_of_mount(const struct state_layers *layers)
{
    struct stack stack = { .count = layers->count,
                           .mounted = true,
                           .upper = layers->upper,
                           .entries = layers->entries,
                           .entry_count = layers->entry_count,
                           .more = layers->more };
    for (size_t i = 0; i < LAYERS_SHOWN; i++)
        stack.name[i] = layers->name[i];
    return stack;
}

static void put_mount_title(struct flow *flow, const struct state_layers *layers)
{
    size_t lowers = layers->count - layers->upper;
    flow_format(flow, layers->came ? ROLE_DIFFERS : ROLE_STRONG, "%s%s", layers->came ? "+ " : "", layers->point);
    flow_format(flow, ROLE_TEXT, ": %zu lower%s", lowers, layers->upper ? ", 1 upper" : ", read-only");
    flow_break(flow);
}

/* What the upper layer has, on a line: what was changed. */
static void put_mount_line(struct flow *flow, const struct state_layers *layers)
{
    const struct stack stack = stack_of_mount(layers);
    size_t told = 0;
    char text[128], name[40];
    flow_format(flow, layers->came ? ROLE_DIFFERS : ROLE_STRONG, "%s%s:", layers->came ? "+ " : "", layers->point);
    for (size_t i = 0; layers->upper && i < layers->entry_count; i++) {
        if (layers->entries[i].holds[0] == LAYER_NOTHING)
            continue;
        flow_format(flow, ROLE_TEXT, "%s", told++ ? " " : " upper ");
        if (told == 1)
            flow_format(flow, ROLE_TEXT, "%s has ", stack_layer(flow, &stack, 0, name));
        stack_cell(flow, &layers->entries[i], 0, 40, text, sizeof text);
        flow_word(flow, stack_role(&layers->entries[i], 0), text);
    }
    if (!told)
        flow_text(flow, ROLE_TEXT, layers->upper ? " the upper layer is empty, over" : " read-only, of");
    for (size_t i = layers->upper; !told && i < stack_shown(&stack); i++)
        flow_format(flow, ROLE_TEXT, " %s", stack_layer(flow, &stack, i, name));
    flow_break(flow);
}

static void put_mount(struct flow *flow, const struct state_layers *layers, unsigned rows)
{
    const struct stack stack = stack_of_mount(layers);
    if (rows < 3) {
        put_mount_line(flow, layers);
        return;
    }
    put_mount_title(flow, layers);
    stack_put(flow, &stack, rows == ROWS_ALL ? ROWS_ALL : rows - 1);
}

/* --- an image --- */

#define DIGITS 12    /* of a digest, as docker shows it */
#define LEAST_MADE 8 /* cells: with fewer, what made a layer says nothing */

/* @digits holds the names. */
static struct stack stack_of_image(const struct image_look *look, char digits[LAYERS_SHOWN][DIGITS + 1])
{
    struct stack stack = {
        .count = look->count, .entries = look->entries, .entry_count = look->entry_count, .more = look->more
    };
    for (size_t i = 0; i < LAYERS_SHOWN; i++) {
        snprintf(digits[i], DIGITS + 1, "%.*s", DIGITS, digest_hex(&look->layers[i].digest));
        stack.name[i] = digits[i];
    }
    return stack;
}

/* The image, and by which rule it is this one. */
static void put_image_name(struct flow *flow, const struct state_image *image)
{
    flow_word(flow, ROLE_STRONG, image->look.name);
    if (image->kind == STATE_IMAGE_NAMED)
        flow_text(flow, ROLE_TEXT, ", named last");
    else if (image->kind == STATE_IMAGE_CONTAINER)
        flow_format(flow, ROLE_TEXT, ", of the newest container, %s", image->look.container);
    else
        flow_format(flow, ROLE_TEXT, ", in %s", image->where);
    flow_text(flow, ROLE_TEXT, ":");
}

/* "shared with base:latest and 2 more" */
static const char *shared_text(const struct flow *flow, const struct look_layer *layer, char text[LOOK_NAME])
{
    enum { LONGEST = 32 };
    if (layer->sharers == 0)
        return "not shared";
    size_t length = strlen(layer->shared), fits = utf8_fit(layer->shared, length, LONGEST);
    int used = snprintf(text, LOOK_NAME, "shared with %.*s%s", fits < LONGEST * 2 ? (int)fits : LONGEST * 2,
                        layer->shared, fits < length ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
    if (layer->sharers > 1)
        snprintf(text + used, LOOK_NAME - (size_t)used, " and %u more", layer->sharers - 1);
    return text;
}

/* "2cc53b7f1ad0  40.96kB  shared with base:latest  COPY . /": what there is no room for goes from the right. */
static void put_layer(struct flow *flow, const struct look_layer *layer, const char *digits, unsigned sharing)
{
    char size[32], shared[LOOK_NAME], columns[LOOK_NAME + 64], made[sizeof layer->made + 8], name[DIGITS + 3];
    docker_size(layer->size, size, sizeof size);
    const char *text = shared_text(flow, layer, shared);
    unsigned gap = sharing - utf8_width(text, strlen(text));
    snprintf(name, sizeof name, "%.*s  ", DIGITS, digits);
    int begins = snprintf(columns, sizeof columns, "%-8s  ", size);
    snprintf(columns + begins, sizeof columns - (size_t)begins, "%s%*s", text, *layer->made ? (int)gap + 2 : 0, "");
    unsigned used = utf8_width(name, strlen(name)) + utf8_width(columns, strlen(columns));
    unsigned room = flow_width(flow) > used ? flow_width(flow) - used : 0;
    size_t length = strlen(layer->made), fits = utf8_fit(layer->made, length, room);
    bool cut = fits < length, any = !cut || room >= LEAST_MADE;
    snprintf(made, sizeof made, "%.*s%s",
             !any  ? 0
             : cut ? (int)utf8_fit(layer->made, length, room - 1)
                   : (int)fits,
             layer->made, any && cut ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
    const struct span spans[] = { { .text = name, .role = ROLE_HEADING },
                                  { .text = columns, .role = layer->sharers ? ROLE_TEXT : ROLE_DIFFERS },
                                  { .text = made, .role = ROLE_FAINT } };
    flow_spans(flow, spans, sizeof spans / sizeof *spans);
}

static unsigned sharing_width(const struct flow *flow, const struct image_look *look, size_t shown)
{
    unsigned widest = 0;
    char text[LOOK_NAME];
    for (size_t i = 0; i < shown; i++) {
        const char *shared = shared_text(flow, &look->layers[i], text);
        unsigned width = utf8_width(shared, strlen(shared));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void put_damage(struct flow *flow, const struct image_look *look)
{
    flow_quoted(flow, ROLE_DIFFERS, look->damage);
    flow_break(flow);
}

/* The layers among words, the uppermost first. */
static void put_image_line(struct flow *flow, const struct state_image *image, const struct stack *stack)
{
    char size[32], shared[LOOK_NAME], name[40];
    for (size_t i = 0; i < stack_shown(stack); i++) {
        const struct look_layer *layer = &image->look.layers[i];
        docker_size(layer->size, size, sizeof size);
        flow_format(flow, layer->sharers ? ROLE_TEXT : ROLE_DIFFERS, "%s %s %s %s", i ? "," : "",
                    stack_layer(flow, stack, i, name), size, shared_text(flow, layer, shared));
    }
    flow_break(flow);
}

static void put_image(struct flow *flow, const struct state_image *image, unsigned rows)
{
    char digits[LAYERS_SHOWN][DIGITS + 1], size[32];
    const struct image_look *look = &image->look;
    const struct stack stack = stack_of_image(look, digits);
    if (!*look->manifest.text) {
        flow_format(flow, ROLE_STRONG, "%s: ", image->where);
        put_damage(flow, look);
        return;
    }
    put_image_name(flow, image);
    if (rows < 3) {
        put_image_line(flow, image, &stack);
        return;
    }
    docker_size(look->size, size, sizeof size);
    flow_format(flow, ROLE_TEXT, " %zu layer%s, %s", look->count, look->count == 1 ? "" : "s", size);
    flow_break(flow);
    unsigned left = rows == ROWS_ALL ? ROWS_ALL : rows - 1, sharing = sharing_width(flow, look, stack_shown(&stack));
    size_t shown = stack_shown(&stack), lines = shown < left ? shown : left;
    for (size_t i = 0; i < lines; i++)
        put_layer(flow, &look->layers[i], digits[i], sharing);
    left = left == ROWS_ALL ? ROWS_ALL : left - (unsigned)lines;
    if (*look->damage && left)
        put_damage(flow, look);
    else if (left)
        stack_put(flow, &stack, left);
}

/* --- both --- */

void state_put_layers(struct flow *flow, const struct session_state *state, unsigned rows)
{
    bool mount = *state->layers.point, image = state->image.kind != STATE_IMAGE_NONE;
    bool image_first = image && (!mount || state->image.changed > state->layers.changed);
    if (!mount && !image) {
        flow_text(flow, ROLE_SAME, "no overlay that could be looked into, and no image");
        flow_break(flow);
        return;
    }
    if (image_first)
        put_image(flow, &state->image, rows);
    if (mount && (!image_first || rows == ROWS_ALL)) {
        if (image_first)
            flow_blank(flow);
        put_mount(flow, &state->layers, rows);
    }
    if (image && !image_first && rows == ROWS_ALL) {
        flow_blank(flow);
        put_image(flow, &state->image, rows);
    }
}

/* Layers side by side: a column each, the uppermost left, every file under the layers that hold it. Marks, and not only colours, say what is seen of it:
 *
 *     name     this is what the mount shows
 *     (name)   hidden by a layer left of it
 *     -name    a whiteout: the name below it is deleted
 *     name/!   an opaque directory: nothing of that name below it is joined to it
 *
 * Where the columns would be too narrow it is a line for each file.
 */
#include "repl/screen/state_stack.h"
#include "repl/screen/utf8.h"

#include <stdio.h>
#include <string.h>

#define NARROWEST 9 /* cells of a column that can still be read */
#define WIDEST 24
#define SHORT_NAME 16
#define LEAST_COLUMNS                                                                                                  \
    4U /* lines from which on there is room for headings and more than one file; with fewer, files without columns */

static bool is_directory(enum layer_holds holds)
{
    return holds == LAYER_DIRECTORY || holds == LAYER_OPAQUE;
}

enum role stack_role(const struct layer_entry *entry, size_t layer)
{
    if (entry->holds[layer] == LAYER_WHITEOUT || entry->holds[layer] == LAYER_OPAQUE)
        return ROLE_DIFFERS;
    return entry->seen[layer] ? ROLE_TEXT : ROLE_FAINT;
}

/* The mark and the name, at most @cells wide: the name's end gives way. */
void stack_cell(const struct flow *flow, const struct layer_entry *entry, size_t layer, unsigned cells, char *text,
                size_t size)
{
    enum layer_holds holds = entry->holds[layer];
    bool hidden = holds != LAYER_WHITEOUT && !entry->seen[layer];
    const char *before = holds == LAYER_WHITEOUT ? "-" : hidden ? "(" : "";
    const char *slash = is_directory(holds) ? "/" : "", *after = holds == LAYER_OPAQUE ? "!" : "";
    const char *cut = entry->cut ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "", *close = hidden ? ")" : "";
    unsigned marks = (unsigned)(strlen(before) + strlen(slash) + strlen(after) + strlen(close)) + (*cut != '\0');
    unsigned room = cells > marks ? cells - marks : 1;
    size_t length = strlen(entry->path), fits = utf8_fit(entry->path, length, room);
    const char *shortened = "";
    if (fits < length) {
        fits = utf8_fit(entry->path, length, room - 1);
        shortened = theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS);
    }
    snprintf(text, size, "%s%s%.*s%s%s%s%s", before, cut, (int)fits, entry->path, shortened, slash, after, close);
}

size_t stack_shown(const struct stack *stack)
{
    return stack->count < LAYERS_SHOWN ? stack->count : LAYERS_SHOWN;
}

/* The layer's name where it stands among other words: of a digest the first digits. */
const char *stack_layer(const struct flow *flow, const struct stack *stack, size_t layer, char text[40])
{
    const char *name = stack->name[layer];
    size_t length = strlen(name), fits = utf8_fit(name, length, SHORT_NAME);
    if (fits < length)
        fits = utf8_fit(name, length, SHORT_NAME - 1);
    snprintf(text, 40, "%.*s%s", fits < 32 ? (int)fits : 32, name,
             fits < length ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
    return text;
}

/* One line of columns: @text of each layer in its role. */
static void put_columns(struct flow *flow, size_t count, unsigned width, char text[][128], const enum role *role)
{
    struct span spans[LAYERS_SHOWN];
    for (size_t i = 0; i < count; i++) {
        unsigned taken = utf8_width(text[i], strlen(text[i]));
        size_t length = strlen(text[i]);
        for (; i + 1 < count && taken < width && length + 1 < sizeof text[i]; taken++)
            text[i][length++] = ' ';
        text[i][length] = '\0';
        spans[i] = (struct span){ .text = text[i], .role = role[i] };
    }
    flow_spans(flow, spans, count);
}

static unsigned widest(const struct flow *flow, const struct stack *stack, size_t layer)
{
    char text[128];
    unsigned width = utf8_width(stack->name[layer], strlen(stack->name[layer]));
    width = width < 5 ? 5 : width;
    for (size_t i = 0; i < stack->entry_count; i++) {
        if (stack->entries[i].holds[layer] == LAYER_NOTHING)
            continue;
        stack_cell(flow, &stack->entries[i], layer, 100, text, sizeof text);
        unsigned cells = utf8_width(text, strlen(text));
        width = cells > width ? cells : width;
    }
    return width;
}

/* Cells of each column, one blank after it; 0: they do not fit. */
static unsigned column_width(const struct flow *flow, const struct stack *stack)
{
    unsigned wanted = 0, each = flow_width(flow) / (unsigned)stack->count;
    for (size_t i = 0; i < stack_shown(stack); i++) {
        unsigned width = widest(flow, stack, i) + 2;
        wanted = width > wanted ? width : wanted;
    }
    wanted = wanted > WIDEST ? WIDEST : wanted;
    if (stack->count > LAYERS_SHOWN || each < NARROWEST)
        return 0;
    return wanted < each ? wanted : each;
}

static void put_heads(struct flow *flow, const struct stack *stack, unsigned width, bool kinds)
{
    char text[LAYERS_SHOWN][128];
    enum role role[LAYERS_SHOWN];
    for (size_t i = 0; i < stack_shown(stack); i++) {
        const char *name = stack->name[i];
        size_t length = strlen(name), fits = utf8_fit(name, length, width - 1);
        fits = fits < length ? utf8_fit(name, length, width - 2) : fits;
        if (kinds)
            snprintf(text[i], sizeof text[i], "%s", stack->upper && i == 0 ? "upper" : "lower");
        else
            snprintf(text[i], sizeof text[i], "%.*s%s", (int)fits, name,
                     fits < length ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
        role[i] = kinds ? ROLE_FAINT : ROLE_HEADING;
    }
    put_columns(flow, stack_shown(stack), width, text, role);
}

static void put_row(struct flow *flow, const struct stack *stack, const struct layer_entry *entry, unsigned width)
{
    char text[LAYERS_SHOWN][128];
    enum role role[LAYERS_SHOWN];
    for (size_t i = 0; i < stack_shown(stack); i++) {
        text[i][0] = '\0';
        role[i] = stack_role(entry, i);
        if (entry->holds[i] != LAYER_NOTHING)
            stack_cell(flow, entry, i, width - 1, text[i], sizeof text[i]);
    }
    put_columns(flow, stack_shown(stack), width, text, role);
}

/* "big  in layer4, hides layer3": without columns. */
static void put_sentence(struct flow *flow, const struct stack *stack, const struct layer_entry *entry)
{
    const char *const *words = NULL;
    static const char *const of_file[] = { " in ", ", " }, *const of_hidden[] = { "; hidden in ", ", " };
    const char *cut = entry->cut ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "";
    char name[LAYER_PATH + 8], layer[40];
    bool directory = false;
    for (size_t i = 0; i < stack_shown(stack); i++)
        directory |= is_directory(entry->holds[i]);
    snprintf(name, sizeof name, "%s%s%s", cut, entry->path, directory ? "/" : "");
    flow_word(flow, ROLE_STRONG, name);
    for (size_t i = 0; i < stack_shown(stack); i++) {
        enum layer_holds holds = entry->holds[i];
        if (holds == LAYER_NOTHING)
            continue;
        if (holds == LAYER_WHITEOUT) {
            flow_format(flow, ROLE_DIFFERS, " - deleted in %s", stack_layer(flow, stack, i, layer));
            continue;
        }
        const char *const *kind = entry->seen[i] ? of_file : of_hidden;
        flow_format(flow, stack_role(entry, i), "%s%s%s", kind[words == kind], stack_layer(flow, stack, i, layer),
                    holds == LAYER_OPAQUE ? " (opaque)" : "");
        words = kind;
    }
    flow_break(flow);
}

static void put_legend(struct flow *flow)
{
    flow_text(flow, ROLE_FAINT, "-x deleted here, (x) hidden, x/! opaque: joins nothing below");
    flow_break(flow);
}

static void put_rest(struct flow *flow, const struct stack *stack, size_t shown)
{
    size_t rest = stack->entry_count > shown ? stack->entry_count - shown : 0;
    flow_format(flow, ROLE_FAINT, "%s and ", theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS));
    if (rest)
        flow_format(flow, ROLE_FAINT, "%zu ", rest);
    flow_format(flow, ROLE_FAINT, "more%s", stack->more ? ", not all of which was read" : "");
    flow_break(flow);
}

void stack_put(struct flow *flow, const struct stack *stack, unsigned rows)
{
    if (stack->count == 0)
        return;
    unsigned width = column_width(flow, stack);
    bool deep = stack->count > LAYERS_SHOWN, roomy = rows == ROWS_ALL || rows > stack->entry_count + 3U + deep;
    width = roomy || rows >= LEAST_COLUMNS + deep ? width : 0;
    if (width)
        put_heads(flow, stack, width, false);
    if (width && roomy && stack->mounted)
        put_heads(flow, stack, width, true);
    unsigned room = roomy ? LOOK_ENTRIES : rows - (width != 0) - deep;
    bool all = stack->entry_count <= room && !stack->more;
    size_t shown = all || roomy ? stack->entry_count : room > 1 ? room - 1 : 1;
    for (size_t i = 0; i < shown && i < stack->entry_count; i++)
        if (width)
            put_row(flow, stack, &stack->entries[i], width);
        else
            put_sentence(flow, stack, &stack->entries[i]);
    if (!all)
        put_rest(flow, stack, shown);
    if (deep) {
        flow_format(flow, ROLE_FAINT, "the %zu layers further down are not looked into", stack->count - LAYERS_SHOWN);
        flow_break(flow);
    }
    if (roomy)
        put_legend(flow);
}

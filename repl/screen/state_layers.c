/* The layers of an overlay: a column each, the uppermost left, every file under the layers that hold it. Marks, and not only colours, say what is seen of it:
 *
 *     name     this is what the mount shows
 *     (name)   hidden by a layer left of it
 *     -name    a whiteout: the name below it is deleted
 *     name/!   an opaque directory: nothing of that name below it is joined to it
 *
 * Where the columns would be too narrow it is a line for each file.
 */
#include "repl/screen/state_sections.h"
#include "repl/screen/utf8.h"

#include <stdio.h>
#include <string.h>

#define NARROWEST 9 /* cells of a column that can still be read */
#define WIDEST 24
#define SHORT_NAME 16
#define LEAST_COLUMNS                                                                                                  \
    5U /* lines from which on there is room for headings and more than one file; with fewer, files without columns */

static bool is_directory(enum layer_holds holds)
{
    return holds == LAYER_DIRECTORY || holds == LAYER_OPAQUE;
}

static enum role role_of(const struct layer_entry *entry, size_t layer)
{
    if (entry->holds[layer] == LAYER_WHITEOUT || entry->holds[layer] == LAYER_OPAQUE)
        return ROLE_DIFFERS;
    return entry->seen[layer] ? ROLE_TEXT : ROLE_FAINT;
}

/* The mark and the name, at most @cells wide: the name's end gives way. */
static void cell_text(const struct flow *flow, const struct layer_entry *entry, size_t layer, unsigned cells,
                      char *text, size_t size)
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

static size_t shown_layers(const struct state_layers *layers)
{
    return layers->count < LAYERS_SHOWN ? layers->count : LAYERS_SHOWN;
}

/* The layer's name where it stands among other words: of a digest the first digits. */
static const char *short_name(const struct flow *flow, const struct state_layers *layers, size_t layer, char text[40])
{
    const char *name = layers->name[layer];
    size_t length = strlen(name), fits = utf8_fit(name, length, SHORT_NAME);
    if (fits < length)
        fits = utf8_fit(name, length, SHORT_NAME - 1);
    snprintf(text, 40, "%.*s%s", fits < 32 ? (int)fits : 32, name,
             fits < length ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
    return text;
}

static void put_title(struct flow *flow, const struct state_layers *layers)
{
    size_t lowers = layers->count - layers->upper;
    flow_format(flow, layers->came ? ROLE_DIFFERS : ROLE_STRONG, "%s%s", layers->came ? "+ " : "", layers->point);
    flow_format(flow, ROLE_TEXT, ": %zu lower%s", lowers, layers->upper ? ", 1 upper" : ", read-only");
    flow_break(flow);
}

/* What the upper layer has, on a line: what was changed. */
static void put_line(struct flow *flow, const struct state_layers *layers)
{
    size_t told = 0;
    char text[128], name[40];
    flow_format(flow, layers->came ? ROLE_DIFFERS : ROLE_STRONG, "%s%s:", layers->came ? "+ " : "", layers->point);
    for (size_t i = 0; layers->upper && i < layers->entry_count; i++) {
        if (layers->entries[i].holds[0] == LAYER_NOTHING)
            continue;
        flow_format(flow, ROLE_TEXT, "%s", told++ ? " " : " upper ");
        if (told == 1)
            flow_format(flow, ROLE_TEXT, "%s has ", short_name(flow, layers, 0, name));
        cell_text(flow, &layers->entries[i], 0, 40, text, sizeof text);
        flow_word(flow, role_of(&layers->entries[i], 0), text);
    }
    if (!told)
        flow_text(flow, ROLE_TEXT, layers->upper ? " the upper layer is empty, over" : " read-only, of");
    for (size_t i = layers->upper; !told && i < shown_layers(layers); i++)
        flow_format(flow, ROLE_TEXT, " %s", short_name(flow, layers, i, name));
    flow_break(flow);
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

static unsigned widest(const struct flow *flow, const struct state_layers *layers, size_t layer)
{
    char text[128];
    unsigned width = utf8_width(layers->name[layer], strlen(layers->name[layer]));
    width = width < 5 ? 5 : width;
    for (size_t i = 0; i < layers->entry_count; i++) {
        if (layers->entries[i].holds[layer] == LAYER_NOTHING)
            continue;
        cell_text(flow, &layers->entries[i], layer, 100, text, sizeof text);
        unsigned cells = utf8_width(text, strlen(text));
        width = cells > width ? cells : width;
    }
    return width;
}

/* Cells of each column, one blank after it; 0: they do not fit. */
static unsigned column_width(const struct flow *flow, const struct state_layers *layers)
{
    unsigned wanted = 0, each = flow_width(flow) / (unsigned)layers->count;
    for (size_t i = 0; i < shown_layers(layers); i++) {
        unsigned width = widest(flow, layers, i) + 2;
        wanted = width > wanted ? width : wanted;
    }
    wanted = wanted > WIDEST ? WIDEST : wanted;
    if (layers->count > LAYERS_SHOWN || each < NARROWEST)
        return 0;
    return wanted < each ? wanted : each;
}

static void put_heads(struct flow *flow, const struct state_layers *layers, unsigned width, bool kinds)
{
    char text[LAYERS_SHOWN][128];
    enum role role[LAYERS_SHOWN];
    for (size_t i = 0; i < shown_layers(layers); i++) {
        const char *name = layers->name[i];
        size_t length = strlen(name), fits = utf8_fit(name, length, width - 1);
        fits = fits < length ? utf8_fit(name, length, width - 2) : fits;
        if (kinds)
            snprintf(text[i], sizeof text[i], "%s", layers->upper && i == 0 ? "upper" : "lower");
        else
            snprintf(text[i], sizeof text[i], "%.*s%s", (int)fits, name,
                     fits < length ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "");
        role[i] = kinds ? ROLE_FAINT : ROLE_HEADING;
    }
    put_columns(flow, shown_layers(layers), width, text, role);
}

static void put_row(struct flow *flow, const struct state_layers *layers, const struct layer_entry *entry,
                    unsigned width)
{
    char text[LAYERS_SHOWN][128];
    enum role role[LAYERS_SHOWN];
    for (size_t i = 0; i < shown_layers(layers); i++) {
        text[i][0] = '\0';
        role[i] = role_of(entry, i);
        if (entry->holds[i] != LAYER_NOTHING)
            cell_text(flow, entry, i, width - 1, text[i], sizeof text[i]);
    }
    put_columns(flow, shown_layers(layers), width, text, role);
}

/* "big  in layer4, hides layer3": without columns. */
static void put_sentence(struct flow *flow, const struct state_layers *layers, const struct layer_entry *entry)
{
    const char *const *words = NULL;
    static const char *const of_file[] = { " in ", ", " }, *const of_hidden[] = { "; hidden in ", ", " };
    const char *cut = entry->cut ? theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS) : "";
    char name[LAYER_PATH + 8], layer[40];
    bool directory = false;
    for (size_t i = 0; i < shown_layers(layers); i++)
        directory |= is_directory(entry->holds[i]);
    snprintf(name, sizeof name, "%s%s%s", cut, entry->path, directory ? "/" : "");
    flow_word(flow, ROLE_STRONG, name);
    for (size_t i = 0; i < shown_layers(layers); i++) {
        enum layer_holds holds = entry->holds[i];
        if (holds == LAYER_NOTHING)
            continue;
        if (holds == LAYER_WHITEOUT) {
            flow_format(flow, ROLE_DIFFERS, " - deleted in %s", short_name(flow, layers, i, layer));
            continue;
        }
        const char *const *kind = entry->seen[i] ? of_file : of_hidden;
        flow_format(flow, role_of(entry, i), "%s%s%s", kind[words == kind], short_name(flow, layers, i, layer),
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

static void put_rest(struct flow *flow, const struct state_layers *layers, size_t shown)
{
    size_t rest = layers->entry_count > shown ? layers->entry_count - shown : 0;
    flow_format(flow, ROLE_FAINT, "%s and ", theme_glyph(flow_theme(flow), GLYPH_ELLIPSIS));
    if (rest)
        flow_format(flow, ROLE_FAINT, "%zu ", rest);
    flow_format(flow, ROLE_FAINT, "more%s", layers->more ? ", not all of which was read" : "");
    flow_break(flow);
}

void state_put_layers(struct flow *flow, const struct session_state *state, unsigned rows)
{
    const struct state_layers *layers = &state->layers;
    if (!*layers->point) {
        flow_text(flow, ROLE_SAME, "no overlay that could be looked into");
        flow_break(flow);
        return;
    }
    if (rows < 3) {
        put_line(flow, layers);
        return;
    }
    unsigned width = column_width(flow, layers);
    bool deep = layers->count > LAYERS_SHOWN, roomy = rows == ROWS_ALL || rows > layers->entry_count + 4U + deep;
    width = roomy || rows >= LEAST_COLUMNS + deep ? width : 0;
    put_title(flow, layers);
    if (width)
        put_heads(flow, layers, width, false);
    if (width && roomy)
        put_heads(flow, layers, width, true);
    unsigned room = roomy ? STATE_LAYER_NAMES : rows - 1 - (width != 0) - deep;
    bool all = layers->entry_count <= room && !layers->more;
    size_t shown = all || roomy ? layers->entry_count : room > 1 ? room - 1 : 1;
    for (size_t i = 0; i < shown && i < layers->entry_count; i++)
        if (width)
            put_row(flow, layers, &layers->entries[i], width);
        else
            put_sentence(flow, layers, &layers->entries[i]);
    if (!all)
        put_rest(flow, layers, shown);
    if (deep) {
        flow_format(flow, ROLE_FAINT, "the %zu layers further down are not looked into", layers->count - LAYERS_SHOWN);
        flow_break(flow);
    }
    if (roomy)
        put_legend(flow);
}

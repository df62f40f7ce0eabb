#include "repl/screen/state_sections.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool closures_tell(const struct session_state *state)
{
    return state->closure_count > 0;
}

static bool namespaces_tell(const struct session_state *state)
{
    return true;
}

static bool ids_tell(const struct session_state *state)
{
    return state->differs[namespace_find("user")];
}

static bool mounts_tell(const struct session_state *state)
{
    return state->mounts_changed > 0;
}

static bool layers_tell(const struct session_state *state)
{
    return *state->layers.point || state->image.kind != STATE_IMAGE_NONE;
}

static bool processes_tell(const struct session_state *state)
{
    return state->numbers > 1;
}

static bool links_tell(const struct session_state *state)
{
    return state->differs[namespace_find("net")];
}

const struct state_section_view state_sections[STATE_SECTIONS] = {
    [STATE_CLOSURE] = { "Files that programs need", "", state_put_closures, closures_tell, false, false },
    [STATE_NAMESPACES] = { "Namespaces", "", state_put_namespaces, namespaces_tell, false, false },
    [STATE_IDS] = { "User and group ids", "ids    ", state_put_ids, ids_tell, false, false },
    [STATE_MOUNTS] = { "Mounts", "mounts ", state_put_mounts, mounts_tell, true, false },
    [STATE_LAYERS] = { "Layers", "layers ", state_put_layers, layers_tell, true, true },
    [STATE_PROCESSES] = { "Processes", "tree   ", state_put_processes, processes_tell, true, false },
    [STATE_LINKS] = { "Network links", "links  ", state_put_links, links_tell, true, false },
};

static bool is_done(const struct state_missing *closure)
{
    return closure->there && closure->present == closure->needed;
}

static void put_closure(struct flow *flow, const struct state_missing *closure)
{
    const struct theme *theme = flow_theme(flow);
    unsigned missing = closure->needed - closure->present;
    bool done = is_done(closure);
    flow_format(flow, done ? ROLE_PASSED : ROLE_DIFFERS, "%s ", theme_glyph(theme, done ? GLYPH_PASSED : GLYPH_FAILED));
    flow_format(flow, ROLE_STRONG, "%s", closure->program);
    flow_format(flow, ROLE_TEXT, " in %s ", closure->root);
    if (done) {
        flow_format(flow, ROLE_TEXT, "has all of the %u files it needs", closure->needed);
    } else if (!closure->there) {
        flow_format(flow, ROLE_TEXT, "is not there yet; it needs %u more files", closure->needed);
    } else {
        flow_format(flow, ROLE_TEXT, "needs %u files, %u missing:", closure->needed, missing);
        for (size_t i = 0; i < sizeof(closure->missing) / sizeof(closure->missing[0]) && closure->missing[i][0]; i++)
            flow_format(flow, ROLE_DIFFERS, "%s %s", i ? "," : "", closure->missing[i]);
    }
    flow_break(flow);
}

/* Those with something missing first. */
void state_put_closures(struct flow *flow, const struct session_state *state, unsigned rows)
{
    for (int done = 0; done < 2; done++)
        for (unsigned i = 0; i < state->closure_count; i++)
            if (is_done(&state->closures[i]) == done)
                put_closure(flow, &state->closures[i]);
}

void state_put_process(struct flow *flow, const struct session_state *state)
{
    char numbers[96];
    state_numbers(state->number, state->numbers, numbers, sizeof(numbers));
    flow_word(flow, ROLE_STRONG, state->command);
    flow_format(flow, state->numbers > 1 ? ROLE_DIFFERS : ROLE_TEXT, "%s%s", state->numbers > 1 ? ": " : " pid ",
                numbers);
    flow_format(flow, ROLE_FAINT, ", root ");
    flow_format(flow, state->rooted ? ROLE_DIFFERS : ROLE_SAME, "%s %s",
                theme_glyph(flow_theme(flow), state->rooted ? GLYPH_DIFFERS : GLYPH_SAME),
                *state->root ? state->root : "?");
    flow_break(flow);
}

/* One of several things on a line, kept together. */
static void put_item(struct flow *flow, bool *first, enum role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void put_item(struct flow *flow, bool *first, enum role role, const char *format, ...)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%s", *first ? "" : "· ");
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - (size_t)len, format, args);
    va_end(args);
    if (!*first)
        flow_text(flow, role, " ");
    flow_word(flow, role, text);
    *first = false;
}

/* "≠ mnt pid": the isolated kinds, or those that are not. */
static void put_marks(struct flow *flow, const struct session_state *state, bool isolated, bool *first)
{
    char text[96] = "";
    size_t len = 0;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (state->inode[i] && state->differs[i] == isolated)
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", namespace_kinds[i].name);
    if (len)
        put_item(flow, first, isolated ? ROLE_DIFFERS : ROLE_SAME, "%s%s",
                 theme_glyph(flow_theme(flow), isolated ? GLYPH_DIFFERS : GLYPH_SAME), text);
}

static bool any_isolated(const struct session_state *state)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (state->differs[i])
            return true;
    return false;
}

/* What the step is about, if there is something to tell of it: closures, or what it watches. */
static bool put_watched(struct flow *flow, const struct session_state *state, bool isolated)
{
    for (unsigned i = 0; i < state->closure_count; i++)
        if (!is_done(&state->closures[i]) || (i + 1 == state->closure_count && !isolated && !state->rooted)) {
            state_put_closures(flow, state, 1);
            return true;
        }
    for (size_t i = 0; i < STATE_SECTIONS; i++)
        if (state->watched[i] && i != STATE_NAMESPACES && i != STATE_CLOSURE && state_sections[i].telling(state)) {
            state_sections[i].put(flow, state, 1);
            return true;
        }
    return false;
}

void state_put_line(struct flow *flow, const struct session_state *state)
{
    bool first = true;
    if (put_watched(flow, state, any_isolated(state)))
        return;
    put_marks(flow, state, true, &first);
    if (state->children_apart)
        put_item(flow, &first, ROLE_DIFFERS, "%s pid for its children only",
                 theme_glyph(flow_theme(flow), GLYPH_DIFFERS));
    if (state->numbers > 1)
        put_item(flow, &first, ROLE_DIFFERS, "pid %d inside, %d in the lab", state->number[state->numbers - 1],
                 state->number[0]);
    if (state->mount_count && state->mounts[0].change == MOUNT_ADDED)
        put_item(flow, &first, ROLE_DIFFERS, "+ %s", state_nth_mount(state, 0)->point);
    put_item(flow, &first, state->rooted ? ROLE_DIFFERS : ROLE_SAME, "root %s %s",
             theme_glyph(flow_theme(flow), state->rooted ? GLYPH_DIFFERS : GLYPH_SAME), state->root);
    put_marks(flow, state, false, &first);
    flow_break(flow);
}

void state_put_page(struct flow *flow, const struct session_state *state)
{
    if (state->process <= 0) {
        flow_text(flow, ROLE_TEXT, "No process has the terminal.");
        flow_break(flow);
        return;
    }
    flow_format(flow, ROLE_TEXT, "Terminal %u, compared with the lab it is in:", state->terminal);
    flow_break(flow);
    state_put_process(flow, state);
    for (size_t i = 0; i < STATE_SECTIONS; i++) {
        bool absent = (i == STATE_CLOSURE || i == STATE_LAYERS) && !state_sections[i].telling(state);
        if (absent)
            continue;
        flow_blank(flow);
        flow_text(flow, ROLE_HEADING, state_sections[i].heading);
        flow_break(flow);
        state_sections[i].put(flow, state, ROWS_ALL);
        flow_break(flow);
    }
    if (state->table_count) {
        flow_blank(flow);
        flow_format(flow, ROLE_HEADING, "All %zu mounts as they are now", state->mount_total);
        flow_break(flow);
        state_put_mount_table(flow, state, ROWS_ALL);
    }
    if (*state->waits_for) {
        flow_blank(flow);
        flow_text(flow, ROLE_HEADING, "This step waits");
        flow_break(flow);
        flow_quoted(flow, ROLE_TEXT, state->waits_for);
        flow_break(flow);
    }
}

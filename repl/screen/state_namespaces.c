/* The namespaces of the shown process beside the lab's, and who else is in each. */
#include "repl/screen/state_sections.h"

#include <stdio.h>
#include <string.h>

_Static_assert(STATE_MEMBERS <= 64, "a bit for each");

/* Who else is in the process's namespace of @kind: a bit for each of the members. */
static uint64_t others(const struct session_state *state, size_t kind)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < state->member_count && i < STATE_MEMBERS; i++)
        if (state->members[i].pid != state->process && state->members[i].inode[kind] == state->inode[kind])
            bits |= (uint64_t)1 << i;
    return bits;
}

static unsigned count_bits(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

static void put_names(struct flow *flow, const struct session_state *state, uint64_t bits, unsigned most)
{
    unsigned told = 0, all = count_bits(bits);
    for (size_t i = 0; i < state->member_count && told < most; i++) {
        const struct observe_member *member = &state->members[i];
        char name[32];
        if (!(bits >> i & 1))
            continue;
        state_short_name(member->name, name, sizeof(name));
        flow_format(flow, ROLE_TEXT, "%s%s %d", told ? ", " : "", name, member->number[0]);
        told++;
    }
    if (told < all)
        flow_format(flow, ROLE_TEXT, " and %u more", all - told);
}

static void put_who(struct flow *flow, const struct session_state *state, bool isolated, uint64_t bits, unsigned most)
{
    unsigned count = count_bits(bits);
    if (count == 0) {
        flow_text(flow, ROLE_TEXT, "alone in it");
    } else if (!isolated && count + 1 >= state->member_count) {
        flow_format(flow, ROLE_FAINT, "with all %zu of the lab", state->member_total);
    } else {
        flow_text(flow, ROLE_TEXT, "with ");
        put_names(flow, state, bits, most);
    }
}

/* Kinds that are alike in everything told share a line. */
struct group {
    bool isolated;
    uint64_t who;
    bool kinds[NAMESPACE_KINDS];
};

static size_t make_groups(const struct session_state *state, struct group *groups)
{
    size_t count = 0;
    for (int isolated = 1; isolated >= 0; isolated--)
        for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
            if (!state->inode[i] || state->differs[i] != isolated)
                continue;
            uint64_t who = others(state, i);
            size_t g = 0;
            while (g < count && (groups[g].isolated != isolated || groups[g].who != who))
                g++;
            if (g == count)
                groups[count++] = (struct group){ .isolated = isolated, .who = who };
            groups[g].kinds[i] = true;
        }
    return count;
}

static void put_kinds(struct flow *flow, bool isolated, const bool *kinds)
{
    enum role role = isolated ? ROLE_DIFFERS : ROLE_SAME;
    flow_text(flow, role, theme_glyph(flow_theme(flow), isolated ? GLYPH_DIFFERS : GLYPH_SAME));
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (kinds[i])
            flow_format(flow, role, " %s", namespace_kinds[i].name);
}

static void put_unreadable(struct flow *flow, const struct session_state *state)
{
    bool any = false;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (!state->inode[i] && state->lab_inode[i]) {
            flow_format(flow, ROLE_NOTICE, "%s%s", any ? " " : "? ", namespace_kinds[i].name);
            any = true;
        }
    if (any) {
        flow_text(flow, ROLE_TEXT, " may not be read");
        flow_break(flow);
    }
}

/* All isolated kinds in a line, all shared ones in another; both in one where there is but one. */
static void put_two(struct flow *flow, const struct session_state *state, bool one)
{
    for (int isolated = 1; isolated >= 0; isolated--) {
        bool kinds[NAMESPACE_KINDS] = { false }, any = false;
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
            any |= kinds[i] = state->inode[i] && state->differs[i] == isolated;
        if (!any)
            continue;
        put_kinds(flow, isolated, kinds);
        flow_text(flow, ROLE_FAINT, isolated ? " isolated " : " shared ");
        if (!one)
            flow_break(flow);
    }
    flow_break(flow);
}

/* The numbers of both sides: two namespaces are the same if and only if these are. */
static void put_table(struct flow *flow, const struct session_state *state)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char text[128];
        bool differs = state->differs[i];
        enum role role = differs ? ROLE_DIFFERS : ROLE_SAME;
        const char *mark = theme_glyph(flow_theme(flow), differs ? GLYPH_DIFFERS : GLYPH_SAME);
        if (!state->inode[i]) {
            snprintf(text, sizeof(text), "? %-8s", namespace_kinds[i].word);
            flow_push(flow, text, "                      ", ROLE_FAINT);
            flow_text(flow, ROLE_FAINT, state->lab_inode[i] ? "may not be read" : "this kernel has none");
            flow_pop(flow);
            continue;
        }
        snprintf(text, sizeof(text), "%s %-8s %-10llu  ", mark, namespace_kinds[i].word,
                 (unsigned long long)state->inode[i]);
        flow_push(flow, text, "                      ", role);
        if (differs) {
            flow_format(flow, role, "isolated");
            flow_format(flow, ROLE_FAINT, " (the lab's is %llu)", (unsigned long long)state->lab_inode[i]);
            flow_format(flow, ROLE_TEXT, ": %s; ", namespace_kinds[i].gives);
        } else {
            flow_format(flow, role, "shared, the lab's; ");
        }
        put_who(flow, state, differs, others(state, i), 6);
        flow_pop(flow);
    }
}

static void put_children_apart(struct flow *flow, const struct session_state *state)
{
    flow_format(flow, ROLE_DIFFERS, "%s pid for its children only", theme_glyph(flow_theme(flow), GLYPH_DIFFERS));
    flow_text(flow, ROLE_TEXT, ": they are born in another one, itself it stays");
    flow_break(flow);
}

void state_put_namespaces(struct flow *flow, const struct session_state *state, unsigned rows)
{
    struct group groups[NAMESPACE_KINDS];
    if (state->children_apart && rows > 2) {
        put_children_apart(flow, state);
        rows -= rows == ROWS_ALL ? 0 : 1;
    }
    if (rows == ROWS_ALL) {
        put_table(flow, state);
        return;
    }
    size_t count = make_groups(state, groups);
    if (count > rows) {
        put_two(flow, state, rows < 2);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        put_kinds(flow, groups[i].isolated, groups[i].kinds);
        flow_text(flow, ROLE_FAINT, groups[i].isolated ? " isolated: " : " shared: ");
        put_who(flow, state, groups[i].isolated, groups[i].who, 3);
        flow_break(flow);
    }
    put_unreadable(flow, state);
}

static void range(uint32_t first, uint32_t count, char *text, size_t size)
{
    if (count == 1)
        snprintf(text, size, "%u", first);
    else
        snprintf(text, size, "%u–%u", first, first + (count - 1));
}

static void put_range(struct flow *flow, const struct state_range *range_of, bool isolated)
{
    char inside[48], lab[48], outside[48];
    range(range_of->inside, range_of->count, inside, sizeof(inside));
    range(range_of->lab, range_of->count, lab, sizeof(lab));
    range(range_of->outside, range_of->count, outside, sizeof(outside));
    flow_word(flow, isolated ? ROLE_DIFFERS : ROLE_SAME, inside);
    if (isolated && range_of->in_lab)
        flow_format(flow, ROLE_TEXT, " → %s in the lab", lab);
    flow_format(flow, ROLE_TEXT, " → %s on the host", outside);
    flow_format(flow, ROLE_FAINT, " (%u)", range_of->count);
}

/* A row of a drawn range: "inside 0 ├──────│ 65535". */
static void draw_range(struct flow *flow, enum role role, const char *name, uint32_t first, uint32_t count)
{
    const struct theme *theme = flow_theme(flow);
    char text[128];
    int len = snprintf(text, sizeof(text), "  %-6s %10u %s", name, first, theme_glyph(theme, GLYPH_TEE_RIGHT));
    for (int i = 0; i < 12; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", theme_glyph(theme, GLYPH_HORIZONTAL));
    snprintf(text + len, sizeof(text) - (size_t)len, "%s %u", theme_glyph(theme, GLYPH_VERTICAL), first + (count - 1));
    flow_verbatim(flow, role, text, strlen(text));
    flow_break(flow);
}

/* The same ids as they are called at each level, one under the other. */
static void draw_map(struct flow *flow, const struct session_state *state, const struct state_range *range_of)
{
    if (range_of->count == 1)
        return;
    if (state->differs[namespace_find("user")])
        draw_range(flow, ROLE_DIFFERS, "inside", range_of->inside, range_of->count);
    if (range_of->in_lab)
        draw_range(flow, ROLE_TEXT, "lab", range_of->lab, range_of->count);
    draw_range(flow, ROLE_TEXT, "host", range_of->outside, range_of->count);
}

static void put_map(struct flow *flow, const struct session_state *state, const char *name, const struct state_ids *ids,
                    unsigned rows)
{
    bool isolated = state->differs[namespace_find("user")];
    flow_format(flow, ROLE_STRONG, "%s ", name);
    if (ids->total == 0)
        flow_text(flow, ROLE_DIFFERS, "no map: every id is seen as 65534, nobody");
    for (size_t i = 0; i < ids->count && i < rows; i++) {
        if (i) {
            flow_break(flow);
            flow_format(flow, ROLE_TEXT, "and ");
        }
        put_range(flow, &ids->list[i], isolated);
        if (rows == ROWS_ALL && !flow_theme(flow)->plain) {
            flow_break(flow);
            draw_map(flow, state, &ids->list[i]);
        }
    }
    size_t told = ids->count < rows ? ids->count : rows;
    if (told < ids->total)
        flow_format(flow, ROLE_FAINT, " and %zu more", ids->total - told);
    flow_break(flow);
}

void state_put_ids(struct flow *flow, const struct session_state *state, unsigned rows)
{
    if (!state->ids_known) {
        flow_text(flow, ROLE_NOTICE, "the id maps cannot be read");
        flow_break(flow);
    } else if (state->same_ids) {
        put_map(flow, state, "uid, gid", &state->uid, rows);
    } else {
        put_map(flow, state, "uid", &state->uid, rows == ROWS_ALL ? rows : 1);
        if (rows > 1)
            put_map(flow, state, "gid", &state->gid, rows == ROWS_ALL ? rows : 1);
    }
}

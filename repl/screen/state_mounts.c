/* What is mounted that was not when the step began, and the other way round. */
#include "repl/screen/state_sections.h"

#include <stdio.h>
#include <string.h>

static void put_on_it(struct flow *flow, const struct state_mount *mount)
{
    if (mount->below)
        flow_format(flow, ROLE_TEXT, " and %u on it", mount->below);
}

static void put_one(struct flow *flow, const struct state_mount *mount, bool first)
{
    const char *since = first ? " since this step began" : "";
    switch (mount->change) {
    case MOUNT_ADDED:
        flow_format(flow, ROLE_DIFFERS, "+ %s", mount->point);
        flow_format(flow, ROLE_TEXT, " mounted%s", since);
        if (mount->bind)
            flow_format(flow, ROLE_FAINT, " (%s of %s)", mount->type, mount->from);
        else
            flow_format(flow, ROLE_FAINT, " (%s)", mount->type);
        break;
    case MOUNT_REMOVED:
        flow_format(flow, ROLE_DIFFERS, "- %s", mount->point);
        put_on_it(flow, mount);
        flow_format(flow, ROLE_TEXT, " unmounted%s", since);
        break;
    case MOUNT_MOVED:
        flow_format(flow, ROLE_DIFFERS, "> %s", mount->was);
        put_on_it(flow, mount);
        flow_format(flow, ROLE_TEXT, " now at %s", mount->point);
        break;
    case MOUNT_CHANGED:
        flow_format(flow, ROLE_DIFFERS, "~ %s", mount->point);
        put_on_it(flow, mount);
        flow_format(flow, ROLE_TEXT, " now %s", mount->now);
        flow_format(flow, ROLE_FAINT, " (was %s)", mount->was);
        break;
    }
}

/* The newest of those that came goes first: what was done last is what one looks for. */
const struct state_mount *state_nth_mount(const struct session_state *state, size_t n)
{
    size_t added = 0;
    while (added < state->mount_count && state->mounts[added].change == MOUNT_ADDED)
        added++;
    return &state->mounts[n < added ? added - 1 - n : n];
}

void state_put_mount_table(struct flow *flow, const struct session_state *state, unsigned rows)
{
    for (size_t i = 0; i < state->table_count && i < rows; i++) {
        const struct state_mounted *mount = &state->table[i];
        const char first[] = { mount->mark, ' ', '\0' };
        enum role role = mount->mark == ' ' ? ROLE_TEXT : ROLE_DIFFERS;
        flow_push(flow, first, "    ", role);
        flow_word(flow, role, mount->point);
        flow_format(flow, ROLE_FAINT, " %s", mount->type);
        if (strcmp(mount->from, "/") != 0)
            flow_format(flow, ROLE_FAINT, " (its directory %s)", mount->from);
        flow_pop(flow);
    }
    if (state->table_count < state->mount_total) {
        flow_format(flow, ROLE_FAINT, "… and %zu more", state->mount_total - state->table_count);
        flow_break(flow);
    }
}

void state_put_mounts(struct flow *flow, const struct session_state *state, unsigned rows)
{
    size_t shown = 0;
    if (state->mounts_known && state->mounts_changed == 0)
        flow_format(flow, ROLE_SAME, "%s %zu mounts, the same as when this step began",
                    theme_glyph(flow_theme(flow), GLYPH_SAME), state->mount_total);
    else if (!state->mounts_known && state->mount_total)
        flow_format(flow, ROLE_TEXT, "%zu mounts; what they were before is not known", state->mount_total);
    else if (!state->mounts_known)
        flow_text(flow, ROLE_NOTICE, "the mount table cannot be read");
    for (; shown < state->mount_count && shown < rows; shown++) {
        if (shown)
            flow_break(flow);
        put_one(flow, state_nth_mount(state, shown), shown == 0);
    }
    if (state->mounts_known && shown < state->mounts_changed)
        flow_format(flow, ROLE_FAINT, " … %zu more", state->mounts_changed - shown);
    flow_break(flow);
}

/* The links of the shown process's network namespace. */
#include "repl/screen/state_sections.h"

#include <stdio.h>
#include <string.h>

static void put_link(struct flow *flow, const struct session_state *state, const struct observe_link *link)
{
    flow_text(flow, ROLE_STRONG, link->name);
    if (state->links_partly)
        return;
    if (*link->kind && strcmp(link->kind, "loopback") != 0)
        flow_format(flow, ROLE_FAINT, " %s", link->kind);
    flow_format(flow, link->up ? ROLE_SAME : ROLE_DIFFERS, " %s",
                !link->up        ? "down"
                : !link->running ? "up, no signal"
                                 : "up");
    for (size_t i = 0; i < LINK_ADDRESSES && *link->address[i]; i++)
        flow_format(flow, ROLE_TEXT, " %s", link->address[i]);
    if (*link->master)
        flow_format(flow, ROLE_TEXT, " port of %s", link->master);
    if (link->peer_elsewhere)
        flow_text(flow, ROLE_FAINT, " (other end in another namespace)");
}

void state_put_links(struct flow *flow, const struct session_state *state, unsigned rows)
{
    if (state->link_count < 0)
        flow_text(flow, ROLE_NOTICE, "the network links cannot be read");
    if (state->link_count == 0)
        flow_text(flow, ROLE_DIFFERS, "no network links");
    for (ssize_t i = 0; i < state->link_count; i++) {
        if (i && rows < (size_t)state->link_count)
            flow_text(flow, ROLE_FAINT, " · ");
        else if (i)
            flow_break(flow);
        put_link(flow, state, &state->links[i]);
    }
    if (state->links_partly)
        flow_text(flow, ROLE_FAINT, " (only their names may be read)");
    flow_break(flow);
}

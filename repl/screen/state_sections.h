/** The state of the kernel as flowing text, a section each: for the pane, its full-screen page and plain mode alike.
 *
 * Each function puts at most about @rows lines into @flow, the most telling ones first; with ROWS_ALL everything there is. A mark stands before whatever a colour
 * says: ≠ and = for what is and is not isolated, + - > ~ for mounts that came, went, moved and changed.
 */
#ifndef REPL_SCREEN_STATE_SECTIONS_H
#define REPL_SCREEN_STATE_SECTIONS_H

#include "repl/screen/flow.h"
#include "repl/session/state.h"

#include <limits.h>

#define ROWS_ALL UINT_MAX

typedef void state_put_fn(struct flow *flow, const struct session_state *state, unsigned rows);

struct state_section_view {
    const char *heading; /* on the page */
    const char *label;   /* in the pane, before its first line */
    state_put_fn *put;
    /* Has it something to say that is not as in any shell of the lab? */
    bool (*telling)(const struct session_state *state);
    bool right; /* its column where there are two */
    bool whole; /* a picture: where the step watches it, its lines come before a line each of the others */
};
extern const struct state_section_view state_sections[STATE_SECTIONS];

state_put_fn state_put_closures, state_put_namespaces, state_put_ids, state_put_mounts, state_put_layers,
    state_put_processes, state_put_links;
/** All that is mounted now, with the same marks. */
state_put_fn state_put_mount_table;

/** One line: who has the terminal, by which numbers, with which root directory. */
void state_put_process(struct flow *flow, const struct session_state *state);
/** The most telling of all in about one line. */
void state_put_line(struct flow *flow, const struct session_state *state);
/** Everything, under headings. */
void state_put_page(struct flow *flow, const struct session_state *state);

/** "1 inside · 23 in the lab"; "23" where it has no number of its own further inside. */
void state_numbers(const pid_t *number, unsigned count, char *text, size_t size);
/** The @n-th of the changes to the mount table in the order they are told, @n below mount_count. */
const struct state_mount *state_nth_mount(const struct session_state *state, size_t n);
/** The name of the program without its directory and arguments. */
void state_short_name(const char *command, char *name, size_t size);

#endif

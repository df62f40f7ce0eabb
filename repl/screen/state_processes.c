/* The processes of the lab as a tree, each with its number in every pid namespace it is in. */
#include "repl/screen/state_sections.h"
#include "repl/screen/utf8.h"

#include <stdio.h>
#include <string.h>

void state_short_name(const char *command, char *name, size_t size)
{
    size_t len = strcspn(command, " ");
    const char *slash = memrchr(command, '/', len);
    const char *from = slash && slash + 1 < command + len ? slash + 1 : command;
    snprintf(name, size, "%.*s", (int)(command + len - from), from);
}

void state_numbers(const pid_t *number, unsigned count, char *text, size_t size)
{
    if (count < 2) {
        snprintf(text, size, "%d", count ? number[0] : 0);
        return;
    }
    int at = snprintf(text, size, "%d inside", number[count - 1]);
    for (unsigned i = count - 1; i-- > 1 && at > 0 && (size_t)at < size;)
        at += snprintf(text + at, size - (size_t)at, " · %d outside it", number[i]);
    if (at > 0 && (size_t)at < size)
        snprintf(text + at, size - (size_t)at, " · %d in the lab", number[0]);
}

static size_t find(const struct session_state *state, pid_t pid)
{
    size_t i = 0;
    while (i < state->member_count && state->members[i].pid != pid)
        i++;
    return i;
}

static bool is_above(const struct session_state *state, size_t upper, size_t lower)
{
    for (size_t steps = 0; lower < state->member_count && steps < STATE_MEMBERS; steps++) {
        if (lower == upper)
            return true;
        lower = find(state, state->members[lower].ppid);
    }
    return false;
}

/* What goes first where there is no room for all: the shown process, its line up to the shell, what it started, whoever is in a nested pid namespace. */
static unsigned rank(const struct session_state *state, size_t i, size_t shown)
{
    if (i == shown)
        return 0;
    if (is_above(state, i, shown))
        return 1;
    if (is_above(state, shown, i))
        return 2;
    return state->members[i].numbers > 1 ? 3 : state->members[i].number[0] == 1 ? 5 : 4;
}

static size_t choose(const struct session_state *state, size_t room, bool *chosen)
{
    size_t shown = find(state, state->process), count = 0;
    for (unsigned r = 0; r <= 5; r++)
        for (size_t i = state->member_count; i-- > 0 && count < room;)
            if (rank(state, i, shown) == r) {
                chosen[i] = true;
                count++;
            }
    return count;
}

/* The line from the shell down to the shown process, by their numbers in the lab. */
static void put_chain(struct flow *flow, const struct session_state *state)
{
    size_t shown = find(state, state->process);
    bool first = true;
    for (size_t i = 0; i <= shown && shown < state->member_count; i++) {
        const struct observe_member *member = &state->members[i];
        char name[32];
        if (!is_above(state, i, shown))
            continue;
        state_short_name(member->name, name, sizeof(name));
        flow_format(flow, ROLE_TEXT, "%s", first ? "" : " → ");
        flow_format(flow, i == shown ? ROLE_STRONG : ROLE_TEXT, "%s %d", name, member->number[0]);
        if (i == shown && member->numbers > 1)
            flow_format(flow, ROLE_DIFFERS, ", %d inside", member->number[member->numbers - 1]);
        first = false;
    }
    if (first)
        flow_text(flow, ROLE_FAINT, "it is not one of the lab's");
    flow_break(flow);
}

/* On one line of its own: what is cut is the command, never the numbers. */
static void put_member(struct flow *flow, const struct session_state *state, const struct observe_member *member)
{
    const struct theme *theme = flow_theme(flow);
    bool shown = member->pid == state->process;
    char first[64], rest[64], name[sizeof(member->name) + 8], numbers[96];
    const char *ended = member->state == 'Z' ? " ended, not waited for" : member->state == 'T' ? " stopped" : "";
    unsigned indent = member->indent > 12 ? 12 : member->indent;
    snprintf(first, sizeof(first), "%s %*s", shown ? theme_glyph(theme, GLYPH_CURRENT) : " ", (int)indent * 2, "");
    snprintf(numbers, sizeof(numbers), "  ");
    state_numbers(member->number, member->numbers, numbers + 2, sizeof(numbers) - 2);
    snprintf(rest, sizeof(rest), "%*s", (int)indent * 2 + 2, "");
    flow_push(flow, first, rest, shown ? ROLE_STRONG : ROLE_FAINT);
    unsigned width = flow_width(flow), taken = utf8_width(numbers, strlen(numbers)) + (unsigned)strlen(ended);
    size_t len = strlen(member->name), fits = utf8_fit(member->name, len, width > taken + 6 ? width - taken - 1 : 5);
    snprintf(name, sizeof(name), "%.*s%s", (int)fits, member->name,
             fits < len ? theme_glyph(theme, GLYPH_ELLIPSIS) : "");
    flow_word(flow, shown ? ROLE_STRONG : ROLE_TEXT, name);
    flow_word(flow, member->numbers > 1 ? ROLE_DIFFERS : ROLE_SAME, numbers);
    flow_text(flow, ROLE_FAINT, ended);
    flow_pop(flow);
}

void state_put_processes(struct flow *flow, const struct session_state *state, unsigned rows)
{
    bool chosen[STATE_MEMBERS] = { false };
    if (state->member_count == 0) {
        flow_text(flow, ROLE_NOTICE, "the lab's processes cannot be read");
        flow_break(flow);
        return;
    }
    if (rows < 2) {
        put_chain(flow, state);
        return;
    }
    bool all = rows >= state->member_total;
    size_t count = choose(state, all ? state->member_count : rows - 1, chosen);
    for (size_t i = 0; i < state->member_count; i++)
        if (chosen[i])
            put_member(flow, state, &state->members[i]);
    if (count < state->member_total) {
        flow_format(flow, ROLE_FAINT, "  … and %zu more of the lab", state->member_total - count);
        flow_break(flow);
    }
}

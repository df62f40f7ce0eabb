/* From the session's state to a description. What each section says is what the pane of the same name says. */
#include "repl/play/display_internal.h"

#include "engine/base/cleanup.h"
#include "repl/screen/state_sections.h"
#include "repl/screen/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- the builder ---- */

static bool turns_direction(uint32_t character)
{
    return (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

/* As display_say says. */
static char *cleaned(const char *text)
{
    size_t len = strlen(text), at = 0;
    char *clean = malloc(len * 3 + 1);
    while (clean && len) {
        uint32_t character;
        size_t bytes = utf8_decode(text, len, &character);
        bool stays = character >= 0x20 && (character < 0x7f || character > 0x9f) && !turns_direction(character) &&
                     character != 0xfffe && character != 0xffff && (bytes > 1 || (unsigned char)*text < 0x80);
        if (stays)
            memcpy(clean + at, text, bytes);
        else
            memcpy(clean + at, "\xef\xbf\xbd", 3);
        at += stays ? bytes : 3;
        text += bytes;
        len -= bytes;
    }
    if (clean)
        clean[at] = '\0';
    return clean;
}

static void say(struct display_builder *to, char **text, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void say(struct display_builder *to, char **text, const char *format, va_list args)
{
    cleanup_free char *raw = NULL;
    if (vasprintf(&raw, format, args) < 0)
        raw = NULL;
    char *clean = raw ? cleaned(raw) : NULL;
    if (!clean) {
        to->failed = true;
        return;
    }
    free(*text);
    *text = clean;
}

void display_say(struct display_builder *to, char **text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(to, text, format, args);
    va_end(args);
}

void display_put(struct display_builder *to, struct display_row *row, size_t column, enum display_role role,
                 const char *format, ...)
{
    va_list args;
    if (!row)
        return;
    va_start(args, format);
    say(to, &row->cells[column].text, format, args);
    va_end(args);
    row->cells[column].role = role;
}

struct display_section *display_add(struct display_builder *to, enum display_form form, const char *heading,
                                    const char *const *columns, size_t count)
{
    struct display *display = to->display;
    struct display_section *sections =
        reallocarray(display->sections, display->section_count + 1, sizeof *display->sections);
    to->failed |= !sections;
    if (!sections)
        return NULL;
    display->sections = sections;
    struct display_section *section = &sections[display->section_count++];
    *section = (struct display_section){ .form = form };
    section->columns = calloc(count, sizeof *section->columns);
    display_say(to, &section->heading, "%s", heading);
    display_say(to, &section->lead, "%s", "");
    display_say(to, &section->rest, "%s", "");
    for (size_t i = 0; section->columns && i < count; i++)
        if (columns[i])
            display_say(to, &section->columns[section->column_count++], "%s", columns[i]);
    to->failed |= !section->columns;
    return to->failed ? NULL : section;
}

struct display_row *display_add_row(struct display_builder *to, struct display_section *section)
{
    if (!section || to->failed)
        return NULL;
    struct display_row *rows = reallocarray(section->rows, section->row_count + 1, sizeof *rows);
    to->failed |= !rows;
    if (!rows)
        return NULL;
    section->rows = rows;
    struct display_row *row = &rows[section->row_count++];
    *row = (struct display_row){ .cells = calloc(section->column_count, sizeof(struct display_cell)) };
    to->failed |= !row->cells;
    for (size_t c = 0; row->cells && c < section->column_count; c++) {
        row->cells[c].share = -1;
        display_say(to, &row->cells[c].text, "%s", "");
    }
    return to->failed ? NULL : row;
}

/* ---- the sections ---- */

static void put_closures(struct display_builder *to)
{
    const struct session_state *state = to->state;
    static const char *const columns[] = { "Program", "Files" };
    struct display_section *section = display_add(to, DISPLAY_LIST, state_sections[STATE_CLOSURE].heading, columns, 2);
    for (unsigned i = 0; i < state->closure_count; i++) {
        const struct state_missing *closure = &state->closures[i];
        struct display_row *row = display_add_row(to, section);
        char missing[sizeof closure->missing + 32] = "";
        size_t at = 0;
        for (size_t k = 0; k < sizeof(closure->missing) / sizeof(closure->missing[0]) && closure->missing[k][0]; k++)
            at += (size_t)snprintf(missing + at, sizeof missing - at, "%s%s", k ? ", " : "", closure->missing[k]);
        bool done = closure->there && closure->present == closure->needed;
        display_put(to, row, 0, done ? DISPLAY_SHARED : DISPLAY_OWN, "%s %s", done ? "✓" : "✗", closure->program);
        if (done)
            display_put(to, row, 1, DISPLAY_PLAIN, "in %s has all of the %u files it needs", closure->root,
                        closure->needed);
        else if (!closure->there)
            display_put(to, row, 1, DISPLAY_PLAIN, "is not in %s yet; it needs %u more files", closure->root,
                        closure->needed);
        else
            display_put(to, row, 1, DISPLAY_PLAIN, "in %s needs %u files, %u missing: %s", closure->root,
                        closure->needed, closure->needed - closure->present, missing);
    }
}

static bool is_other(const struct session_state *state, const struct observe_member *member, size_t kind)
{
    return member->pid != state->process && member->inode[kind] == state->inode[kind];
}

/* "alone in it", "with bash 2, tail 14 and 3 more" */
static void put_who(struct display_builder *to, struct display_row *row, size_t column, size_t kind)
{
    enum { NAMED = 4 };
    const struct session_state *state = to->state;
    char names[NAMED * 48] = "", more[32] = "";
    size_t count = 0, at = 0;
    for (size_t i = 0; i < state->member_count; i++) {
        const struct observe_member *member = &state->members[i];
        char name[32];
        if (!is_other(state, member, kind) || count++ >= NAMED)
            continue;
        state_short_name(member->name, name, sizeof name);
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", count > 1 ? ", " : "", name);
        if (!to->options->steady)
            at += (size_t)snprintf(names + at, sizeof names - at, " %d", member->number[0]);
    }
    if (count > NAMED)
        snprintf(more, sizeof more, " and %zu more", count - NAMED);
    if (count == 0)
        display_put(to, row, column, DISPLAY_PLAIN, "alone in it");
    else if (!state->differs[kind] && count + 1 >= state->member_count)
        display_put(to, row, column, DISPLAY_FAINT, "with all of the lab");
    else
        display_put(to, row, column, DISPLAY_PLAIN, "with %s%s", names, more);
}

static void put_namespaces(struct display_builder *to)
{
    const struct session_state *state = to->state;
    bool steady = to->options->steady;
    const char *const columns[] = { "Namespace", "Whose", "Who is in it", steady ? NULL : "Number" };
    struct display_section *section =
        display_add(to, DISPLAY_NAMESPACES, state_sections[STATE_NAMESPACES].heading, columns, 4);
    if (section && state->children_apart)
        display_say(to, &section->lead, "≠ pid for its children only: they are born in another one, itself it stays");
    for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++) {
        bool own = state->differs[kind];
        if (!state->inode[kind] && !state->lab_inode[kind])
            continue;
        struct display_row *row = display_add_row(to, section);
        if (!state->inode[kind]) {
            display_put(to, row, 0, DISPLAY_FAINT, "? %s", namespace_kinds[kind].word);
            display_put(to, row, 1, DISPLAY_FAINT, "may not be read");
            continue;
        }
        enum display_role role = own ? DISPLAY_OWN : DISPLAY_SHARED;
        display_put(to, row, 0, role, "%s %s", own ? "≠" : "=", namespace_kinds[kind].word);
        display_put(to, row, 1, role, own ? "its own" : "the lab's");
        put_who(to, row, 2, kind);
        if (!steady)
            display_put(to, row, 3, DISPLAY_FAINT, "%llu", (unsigned long long)state->inode[kind]);
    }
}

static void range_text(uint32_t first, uint32_t count, char text[48])
{
    if (count == 1)
        snprintf(text, 48, "%u", first);
    else
        snprintf(text, 48, "%u–%u", first, first + (count - 1));
}

static void put_map(struct display_builder *to, struct display_section *section, const char *name,
                    const struct state_ids *ids)
{
    bool own = to->state->differs[namespace_find("user")];
    for (size_t i = 0; i < ids->count; i++) {
        const struct state_range *range = &ids->list[i];
        struct display_row *row = display_add_row(to, section);
        char inside[48], lab[48], outside[48];
        range_text(range->inside, range->count, inside);
        range_text(range->lab, range->count, lab);
        range_text(range->outside, range->count, outside);
        display_put(to, row, 0, own ? DISPLAY_OWN : DISPLAY_SHARED, "%s %s", i ? "and" : name, inside);
        if (own && range->in_lab)
            display_put(to, row, 1, DISPLAY_PLAIN, "→ %s in the lab", lab);
        if (!to->options->steady) /* which of the machine's free ids the lab got */
            display_put(to, row, 2, DISPLAY_FAINT, "→ %s on the host", outside);
    }
    if (ids->total == 0)
        display_put(to, display_add_row(to, section), 0, DISPLAY_OWN, "%s: no map: every id is seen as 65534, nobody",
                    name);
}

static void put_ids(struct display_builder *to)
{
    const struct session_state *state = to->state;
    static const char *const columns[] = { "Its own", "In the lab", "On the host" };
    struct display_section *section = display_add(to, DISPLAY_LIST, state_sections[STATE_IDS].heading, columns, 3);
    if (section && !state->ids_known)
        display_say(to, &section->lead, "the id maps cannot be read");
    else if (state->same_ids)
        put_map(to, section, "uid, gid", &state->uid);
    else {
        put_map(to, section, "uid", &state->uid);
        put_map(to, section, "gid", &state->gid);
    }
}

static void put_mount(struct display_builder *to, struct display_section *section, const struct state_mount *mount)
{
    struct display_row *row = display_add_row(to, section);
    char on_it[32] = "";
    if (mount->below)
        snprintf(on_it, sizeof on_it, " and %u on it", mount->below);
    switch (mount->change) {
    case MOUNT_ADDED:
        display_put(to, row, 0, DISPLAY_OWN, "+ %s", mount->point);
        display_put(to, row, 1, DISPLAY_PLAIN, "mounted (%s%s%s)", mount->type, mount->bind ? " of " : "",
                    mount->bind ? mount->from : "");
        break;
    case MOUNT_REMOVED:
        display_put(to, row, 0, DISPLAY_OWN, "- %s%s", mount->point, on_it);
        display_put(to, row, 1, DISPLAY_PLAIN, "unmounted");
        break;
    case MOUNT_MOVED:
        display_put(to, row, 0, DISPLAY_OWN, "> %s%s", mount->was, on_it);
        display_put(to, row, 1, DISPLAY_PLAIN, "now at %s", mount->point);
        break;
    case MOUNT_CHANGED:
        display_put(to, row, 0, DISPLAY_OWN, "~ %s%s", mount->point, on_it);
        display_put(to, row, 1, DISPLAY_PLAIN, "now %s (was %s)", mount->now, mount->was);
        break;
    }
}

static void put_mounts(struct display_builder *to)
{
    const struct session_state *state = to->state;
    static const char *const columns[] = { "Where", "What" };
    struct display_section *section = display_add(to, DISPLAY_LIST, state_sections[STATE_MOUNTS].heading, columns, 2);
    if (!section)
        return;
    if (!state->mounts_known)
        display_say(to, &section->lead, "%zu mounts; what they were before is not known", state->mount_total);
    else if (state->mounts_changed)
        display_say(to, &section->lead, "since this step began:");
    else
        display_say(to, &section->lead, "%zu mounts, the same as when this step began", state->mount_total);
    for (size_t i = 0; i < state->mount_count; i++)
        put_mount(to, section, state_nth_mount(state, i));
    if (state->mounts_known && state->mount_count < state->mounts_changed)
        display_say(to, &section->rest, "… and %zu more", state->mounts_changed - state->mount_count);
}

static void put_processes(struct display_builder *to)
{
    const struct session_state *state = to->state;
    const char *const columns[] = { "Program", to->options->steady ? NULL : "Its numbers", "State" };
    struct display_section *section =
        display_add(to, DISPLAY_TREE, state_sections[STATE_PROCESSES].heading, columns, 3);
    for (size_t i = 0; section && i < state->member_count; i++) {
        const struct observe_member *member = &state->members[i];
        struct display_row *row = display_add_row(to, section);
        char numbers[96];
        if (!row)
            return;
        row->indent = member->indent > 12 ? 12 : member->indent;
        row->shown = member->pid == state->process;
        display_put(to, row, 0, row->shown ? DISPLAY_STRONG : DISPLAY_PLAIN, "%s", member->name);
        state_numbers(member->number, member->numbers, numbers, sizeof numbers);
        if (!to->options->steady)
            display_put(to, row, 1, member->numbers > 1 ? DISPLAY_OWN : DISPLAY_FAINT, "%s", numbers);
        display_put(to, row, section->column_count - 1, DISPLAY_FAINT, "%s",
                    member->state == 'Z'   ? "ended, not waited for"
                    : member->state == 'T' ? "stopped"
                                           : "");
    }
    if (section && state->member_count < state->member_total)
        display_say(to, &section->rest, "… and %zu more of the lab", state->member_total - state->member_count);
}

static void put_links(struct display_builder *to)
{
    const struct session_state *state = to->state;
    static const char *const columns[] = { "Link", "Kind", "State", "Addresses" };
    struct display_section *section = display_add(to, DISPLAY_LIST, state_sections[STATE_LINKS].heading, columns, 4);
    if (section && state->link_count <= 0)
        display_say(to, &section->lead, state->link_count ? "the network links cannot be read" : "no network links");
    if (section && state->links_partly)
        display_say(to, &section->lead, "only their names may be read");
    for (ssize_t i = 0; i < state->link_count; i++) {
        const struct observe_link *link = &state->links[i];
        struct display_row *row = display_add_row(to, section);
        char addresses[LINK_ADDRESSES * sizeof *link->address + 80] = "";
        size_t at = 0;
        display_put(to, row, 0, DISPLAY_STRONG, "%s", link->name);
        if (state->links_partly)
            continue;
        if (strcmp(link->kind, "loopback") != 0)
            display_put(to, row, 1, DISPLAY_FAINT, "%s", link->kind);
        display_put(to, row, 2, link->up ? DISPLAY_SHARED : DISPLAY_OWN, "%s",
                    !link->up        ? "down"
                    : !link->running ? "up, no signal"
                                     : "up");
        for (size_t k = 0; k < LINK_ADDRESSES && *link->address[k]; k++)
            at += (size_t)snprintf(addresses + at, sizeof addresses - at, "%s%s", at ? " " : "", link->address[k]);
        if (*link->master)
            at += (size_t)snprintf(addresses + at, sizeof addresses - at, "%sport of %s", at ? ", " : "", link->master);
        if (link->peer_elsewhere)
            snprintf(addresses + at, sizeof addresses - at, "%sother end in another namespace", at ? ", " : "");
        display_put(to, row, 3, DISPLAY_PLAIN, "%s", addresses);
    }
}

/* ---- all of it ---- */

static void kinds_text(const struct session_state *state, bool own, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++)
        if (state->inode[kind] && state->differs[kind] == own)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", namespace_kinds[kind].name);
}

static void put_summary(struct display_builder *to)
{
    const struct session_state *state = to->state;
    char numbers[96], name[32], own[96], shared[96];
    state_numbers(state->number, state->numbers, numbers, sizeof numbers);
    state_short_name(state->command, name, sizeof name);
    display_say(to, &to->display->title, "Terminal %u: %s", state->terminal, state->process > 0 ? name : "no process");
    if (state->process <= 0) {
        display_say(to, &to->display->summary, "no process has the terminal");
        return;
    }
    kinds_text(state, true, own, sizeof own);
    kinds_text(state, false, shared, sizeof shared);
    display_say(to, &to->display->summary, "%s%s%sroot %s %s; %s%s%s%s%s", to->options->steady ? "" : "pid ",
                to->options->steady ? "" : numbers, to->options->steady ? "" : ", ", state->rooted ? "≠" : "=",
                *state->root ? state->root : "?", *own ? "its own: " : "", own, *own && *shared ? "; " : "",
                *shared ? "the lab's: " : "", shared);
}

/* A container that runs is worth its tree, whoever has the terminal. */
static bool any_nested(const struct session_state *state)
{
    for (size_t i = 0; i < state->member_count; i++)
        if (state->members[i].numbers > 1)
            return true;
    return false;
}

/* With nothing to tell, a section is left out unless everything is asked for, or the step watches it. */
static bool wanted(const struct display_builder *to, enum state_section section)
{
    const struct session_state *state = to->state;
    bool can_be_absent = section == STATE_CLOSURE || section == STATE_LAYERS;
    return state_sections[section].telling(state) || (section == STATE_PROCESSES && any_nested(state)) ||
           (!can_be_absent && (to->options->all || state->watched[section]));
}

/* Those beside it, a line each. */
static void put_others(struct display_builder *to, const struct session_state *states, size_t count)
{
    static const char *const columns[] = { "Terminal", "Its namespaces" };
    struct display_section *section = count ? display_add(to, DISPLAY_LIST, "Other terminals", columns, 2) : NULL;
    for (size_t i = 0; section && i < count; i++) {
        const struct session_state *state = &states[i];
        struct display_row *row = display_add_row(to, section);
        char name[32], own[96];
        state_short_name(state->command, name, sizeof name);
        kinds_text(state, true, own, sizeof own);
        display_put(to, row, 0, DISPLAY_STRONG, "%u: %s", state->terminal, state->process > 0 ? name : "no process");
        if (state->process > 0)
            display_put(to, row, 1, *own ? DISPLAY_OWN : DISPLAY_SHARED, "%s%s%s%s",
                        *own ? "≠ " : "= all are the lab's", own, state->rooted ? ", root ≠ " : "",
                        state->rooted ? state->root : "");
    }
}

struct display *display_make(const struct session_state *states, size_t count, const struct sample_group *groups,
                             const struct display_options *options)
{
    static void (*const put[STATE_SECTIONS])(struct display_builder * to) = {
        [STATE_CLOSURE] = put_closures, [STATE_NAMESPACES] = put_namespaces, [STATE_IDS] = put_ids,
        [STATE_MOUNTS] = put_mounts,    [STATE_LAYERS] = display_put_layers, [STATE_PROCESSES] = put_processes,
        [STATE_LINKS] = put_links,
    };
    struct display_builder to = { .display = calloc(1, sizeof *to.display), .state = states, .options = options };
    if (!to.display)
        return NULL;
    put_summary(&to);
    for (size_t i = 0; i < STATE_SECTIONS && states->process > 0; i++) {
        if (wanted(&to, i))
            put[i](&to);
        if (i == STATE_NAMESPACES)
            put_others(&to, states + 1, count - 1);
    }
    display_put_groups(&to, groups);
    if (!to.failed)
        return to.display;
    display_free(to.display);
    return NULL;
}

/* How far the process is from the lab. */
static unsigned distance(const struct session_state *state)
{
    unsigned far = 0;
    for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++)
        far += state->differs[kind];
    return far * 4 + state->rooted * 2 + state->children_apart;
}

/* All terminals', the one to be told of first. Returns how many. */
static size_t read_terminals(struct session *session, struct session_state *states)
{
    size_t count = 0, first = 0;
    unsigned active = session_active(session);
    for (unsigned i = 1; i <= session_terminals(session); i++) {
        if (!session_terminal(session, i))
            continue;
        session_state_read_of(session, i, &states[count]);
        unsigned far = distance(&states[count]), most = distance(&states[first]);
        if (far > most || (far == most && i == active))
            first = count;
        count++;
    }
    if (count) {
        struct session_state chosen = states[first];
        memmove(states + 1, states, first * sizeof *states);
        states[0] = chosen;
    }
    return count;
}

/* A lab of root's has its group under its name in each hierarchy; an ordinary user's is wherever one was handed over, or nowhere. */
static const struct sample_group *read_groups(struct group_sampler *sampler, struct lab *lab)
{
    const char *handed_over = lab_facts(lab)->cgroup_v2;
    char root[sizeof lab_facts(lab)->cgroup_v2 + 1];
    snprintf(root, sizeof root, "/teachroot/%s", lab_name(lab));
    group_sampler_set_root(sampler, root);
    if (group_sampler_refresh(sampler, NULL) == 0)
        return group_sampler_root(sampler);
    if (!*handed_over)
        return NULL;
    snprintf(root, sizeof root, "/%s", handed_over + (*handed_over == '/'));
    group_sampler_set_root(sampler, root);
    return group_sampler_refresh(sampler, NULL) == 0 ? group_sampler_root(sampler) : NULL;
}

struct display *display_read(struct session *session, const struct display_options *options, struct err *err)
{
    struct lab *lab = session_lab(session);
    if (!lab) {
        err_say(err, ESRCH, "there is no lab whose state could be read");
        return NULL;
    }
    cleanup_free struct session_state *states = calloc(session_terminals(session) + 1, sizeof *states);
    struct group_sampler *sampler = group_sampler_new(0, NULL);
    struct display *display = NULL;
    if (states && read_terminals(session, states) > 0) {
        session_state_settle(session);
        size_t count = read_terminals(session, states);
        display = display_make(states, count, sampler ? read_groups(sampler, lab) : NULL, options);
        if (!display)
            err_set(err, ENOMEM, "describe the state");
    } else {
        err_say(err, states ? ESRCH : ENOMEM, states ? "no terminal is open" : "out of memory");
    }
    group_sampler_free(sampler);
    return display;
}

#include "repl/panel/group_columns.h"
#include "repl/panel/panel_internal.h"

#include "repl/screen/utf8.h"
#include "repl/session/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define F(n) (INPUT_KEY_F1 + (n)-1)

/* The order is that of the line of keys and of help. */
const struct panel_key panel_keys[] = {
    { F(1), 0, PANEL_ACTION_HELP, "F1", "Help", "this page (also h, ?)", false },
    { 'h', 0, PANEL_ACTION_HELP, "h", NULL, NULL, false },
    { '?', 0, PANEL_ACTION_HELP, "?", NULL, NULL, false },
    { F(2), 0, PANEL_ACTION_SETUP, "F2", "Setup", "which columns there are and in which order; how often it refreshes",
      false },
    { 'C', 0, PANEL_ACTION_SETUP, "C", NULL, NULL, false },
    { F(3), 0, PANEL_ACTION_SEARCH, "F3", "Search", "find a command as you type; F3 again goes to the next (also /)",
      true },
    { '/', 0, PANEL_ACTION_SEARCH, "/", NULL, NULL, true },
    { F(4), 0, PANEL_ACTION_FILTER, "F4", "Filter",
      "show only commands that hold what you type; a|b holds either (also \\)", true },
    { '\\', 0, PANEL_ACTION_FILTER, "\\", NULL, NULL, true },
    { F(5), 0, PANEL_ACTION_TREE, "F5", "Tree", "who started whom, and back to the sorted list (also t)", true },
    { 't', 0, PANEL_ACTION_TREE, "t", NULL, NULL, true },
    { F(6), 0, PANEL_ACTION_SORT_MENU, "F6", "SortBy", "choose the column to sort by (also < and >)", true },
    { '<', 0, PANEL_ACTION_SORT_MENU, "<", NULL, NULL, true },
    { '>', 0, PANEL_ACTION_SORT_MENU, ">", NULL, NULL, true },
    { F(7), 0, PANEL_ACTION_NICE_DOWN, "F7", "Nice-", "a higher priority: one off its nice value (also ])", true },
    { ']', 0, PANEL_ACTION_NICE_DOWN, "]", NULL, NULL, true },
    { F(8), 0, PANEL_ACTION_NICE_UP, "F8", "Nice+", "a lower priority: one more (also [)", true },
    { '[', 0, PANEL_ACTION_NICE_UP, "[", NULL, NULL, true },
    { F(9), 0, PANEL_ACTION_KILL, "F9", "Kill",
      "send a signal to the tagged processes, or to the selected one (also k)", true },
    { 'k', 0, PANEL_ACTION_KILL, "k", NULL, NULL, true },
    { F(10), 0, PANEL_ACTION_QUIT, "F10", "Quit", "leave (also q)", false },
    { 'q', 0, PANEL_ACTION_QUIT, "q", NULL, NULL, false },
    { INPUT_KEY_TAB, 0, PANEL_ACTION_VIEW, "Tab", NULL, "processes or cgroups", false },
    { 's', 0, PANEL_ACTION_SCOPE, "s", NULL, "whose processes: this machine's, a lab's, a container's, a cgroup's",
      false },
    { INPUT_KEY_ENTER, 0, PANEL_ACTION_INTO, "Enter", NULL,
      "among cgroups: only this one and its processes; among processes: follow it", false },
    { 'u', 0, PANEL_ACTION_USER, "u", NULL, "only the processes of one user", true },
    { ' ', 0, PANEL_ACTION_MARK, "Space", NULL, "tag a process, or take its tag off", true },
    { 'c', 0, PANEL_ACTION_MARK_CHILDREN, "c", NULL, "tag it with all its children", true },
    { 'U', 0, PANEL_ACTION_UNMARK, "U", NULL, "take all tags off", true },
    { 'F', 0, PANEL_ACTION_FOLLOW, "F", NULL, "keep the selection on this process wherever it moves", true },
    { 'H', 0, PANEL_ACTION_THREADS, "H", NULL, "show threads, or hide them", true },
    { 'K', 0, PANEL_ACTION_KERNEL, "K", NULL, "hide the kernel's threads, or show them", true },
    { 'N', 0, PANEL_ACTION_BY_PID, "N", NULL, "sort by number", true },
    { 'P', 0, PANEL_ACTION_BY_CPU, "P", NULL, "sort by CPU use", true },
    { 'M', 0, PANEL_ACTION_BY_MEMORY, "M", NULL, "sort by memory", true },
    { 'T', 0, PANEL_ACTION_BY_TIME, "T", NULL, "sort by CPU time", true },
    { 'I', 0, PANEL_ACTION_INVERT, "I", NULL, "the other way round", true },
    { '+', 0, PANEL_ACTION_UNFOLD, "+", NULL, "in the tree: show its children", true },
    { '=', 0, PANEL_ACTION_UNFOLD, "=", NULL, NULL, true },
    { '-', 0, PANEL_ACTION_FOLD, "-", NULL, "in the tree: hide its children", true },
    { 'Z', 0, PANEL_ACTION_PAUSE, "Z", NULL, "pause, and go on", false },
    { 'l', INPUT_CTRL, PANEL_ACTION_REDRAW, "Ctrl-L", NULL, "read everything now", false },
    { 'c', INPUT_CTRL, PANEL_ACTION_QUIT, "Ctrl-C", NULL, NULL, false },
    { INPUT_KEY_UP, 0, PANEL_ACTION_UP, "Up", NULL, NULL, false },
    { INPUT_KEY_DOWN, 0, PANEL_ACTION_DOWN, "Down", NULL, NULL, false },
    { INPUT_KEY_PAGE_UP, 0, PANEL_ACTION_PAGE_UP, "PgUp", NULL, NULL, false },
    { INPUT_KEY_PAGE_DOWN, 0, PANEL_ACTION_PAGE_DOWN, "PgDn", NULL, NULL, false },
    { INPUT_KEY_HOME, 0, PANEL_ACTION_HOME, "Home", NULL, NULL, false },
    { INPUT_KEY_END, 0, PANEL_ACTION_END, "End", NULL, NULL, false },
    { INPUT_KEY_LEFT, 0, PANEL_ACTION_LEFT, "Left", NULL, NULL, false },
    { INPUT_KEY_RIGHT, 0, PANEL_ACTION_RIGHT, "Right", NULL, "columns that did not fit", false },
};
const size_t panel_key_count = sizeof panel_keys / sizeof *panel_keys;

/* ---- the line of keys ---- */

/* Calls draw for each key of the line with its place; where @at is not NULL, finds the key there instead. */
static const struct panel_key *key_line(struct panel *panel, const struct rect *rect, const unsigned *at)
{
    unsigned col = 0;
    for (size_t i = 0; i < panel_key_count; i++) {
        const struct panel_key *key = &panel_keys[i];
        if (!key->name || (key->processes && panel->view == VIEW_GROUPS))
            continue;
        unsigned wide = (unsigned)(strlen(key->label) + strlen(key->name));
        if (col + wide > rect->cols)
            break;
        if (at && *at >= col && *at < col + wide)
            return key;
        if (!at) {
            col += draw_text(panel->theme, rect, 0, col, ROLE_STATUS_KEY, key->label);
            col += draw_text(panel->theme, rect, 0, col, ROLE_STATUS, key->name);
        } else {
            col += wide;
        }
        col++;
    }
    const char *others =
        panel->view == VIEW_GROUPS ? " Tab processes  Enter into  s scope" : " Tab cgroups  s scope  u user";
    if (!at && col + strlen(others) < rect->cols)
        draw_text(panel->theme, rect, 0, col, ROLE_FAINT, others);
    return NULL;
}

void draw_keys(struct panel *panel, const struct rect *rect)
{
    panel->keys = *rect;
    draw_clear_row(panel->theme, rect, 0, 0);
    key_line(panel, rect, NULL);
}

/* ---- what the keys do ---- */

static void settings_changed(struct panel *panel)
{
    panel->settings.changed = true;
}

static void sort_by(struct panel *panel, const char *name)
{
    panel->model.reverse = false;
    panel->model.sort = column_find(name);
    panel->model.tree = false;
    settings_changed(panel);
    model_update(&panel->model);
}

static void renice(struct panel *panel, int by)
{
    bool any = model_marked(&panel->model) > 0;
    for (size_t i = 0; i < panel->model.count; i++) {
        const struct sample_process *process = panel->model.rows[i].process;
        struct err err = { 0 };
        bool meant = any ? process->tag & TAG_MARKED : i == panel->model.selected;
        if (meant && sample_renice(process, by, &err) < 0)
            panel_say(panel, "%s", err.message);
    }
}

static void into(struct panel *panel)
{
    if (panel->view == VIEW_PROCESSES) {
        panel->model.follow = !panel->model.follow;
        model_select(&panel->model, panel->model.selected);
        return;
    }
    const struct sample_group *group = panel_group_at(panel, panel->group_selected);
    struct scope scope;
    struct err err = { 0 };
    if (!group)
        return;
    if (scope_cgroup(group->path, &scope, &err) < 0) {
        panel_say(panel, "%s", err.message);
        return;
    }
    /* A lab's group is still the lab's: its users keep their names, and what differs is said against the lab. */
    if (panel->scope.init && panel->scope.group[0]) {
        scope.init = panel->scope.init;
        scope.id_base = panel->scope.id_base;
        scope.id_count = panel->scope.id_count;
    }
    panel_set_scope(panel, &scope);
    panel->view = VIEW_PROCESSES;
}

static void move(struct panel *panel, long rows)
{
    if (panel->view == VIEW_PROCESSES) {
        model_move(&panel->model, rows);
        return;
    }
    long wanted = (long)panel->group_selected + rows, count = (long)panel_group_count(panel);
    wanted = wanted >= count ? count - 1 : wanted;
    panel->group_selected = wanted < 0 ? 0 : (size_t)wanted;
    const struct sample_group *group = panel_group_at(panel, panel->group_selected);
    snprintf(panel->group_path, sizeof panel->group_path, "%s", group ? group->path : "");
}

static void open_entry(struct panel *panel, enum panel_entry entry)
{
    panel->entry = entry;
    panel->not_found = false;
    snprintf(panel->text, sizeof panel->text, "%s", entry == ENTRY_FILTER ? panel->model.filter : "");
    panel->text_len = strlen(panel->text);
}

static void fold(struct panel *panel, bool folded)
{
    struct sample_process *process = model_selected(&panel->model);
    if (process && panel->model.tree) {
        process->tag = (unsigned char)(folded ? process->tag | TAG_FOLDED : process->tag & ~TAG_FOLDED);
        model_update(&panel->model);
    }
}

/* What acts on processes acts on none that is not seen. */
static enum panel_answer press(struct panel *panel, const struct panel_key *key)
{
    if (!key->processes || panel->view == VIEW_PROCESSES)
        return panel_act(panel, key->action);
    panel_say(panel, "%s is for processes: Tab shows them, Enter those of the selected cgroup", key->label);
    return PANEL_DREW;
}

enum panel_answer panel_act(struct panel *panel, enum panel_action action)
{
    struct model *model = &panel->model;
    struct sample_process *selected = model_selected(model);
    long page = panel->list.rows > 1 ? (long)panel->list.rows - 1 : 1;
    switch (action) {
    case PANEL_ACTION_NONE:
        return PANEL_NOTHING;
    case PANEL_ACTION_HELP:
        menu_open(panel, MENU_HELP);
        break;
    case PANEL_ACTION_SETUP:
        menu_open(panel, MENU_SETUP);
        break;
    case PANEL_ACTION_SEARCH:
        open_entry(panel, ENTRY_SEARCH);
        break;
    case PANEL_ACTION_FILTER:
        open_entry(panel, ENTRY_FILTER);
        break;
    case PANEL_ACTION_TREE:
        model->tree = !model->tree;
        settings_changed(panel);
        model_update(model);
        break;
    case PANEL_ACTION_SORT_MENU:
        menu_open(panel, MENU_SORT);
        break;
    case PANEL_ACTION_NICE_DOWN:
        renice(panel, -1);
        return PANEL_REFRESH;
    case PANEL_ACTION_NICE_UP:
        renice(panel, 1);
        return PANEL_REFRESH;
    case PANEL_ACTION_KILL:
        menu_open(panel, MENU_SIGNAL);
        break;
    case PANEL_ACTION_QUIT:
        return PANEL_QUIT;
    case PANEL_ACTION_VIEW:
        panel->view = panel->view == VIEW_GROUPS ? VIEW_PROCESSES : VIEW_GROUPS;
        panel->shift = 0;
        return PANEL_REFRESH;
    case PANEL_ACTION_SCOPE:
        menu_open(panel, MENU_SCOPE);
        break;
    case PANEL_ACTION_INTO:
        into(panel);
        return PANEL_REFRESH;
    case PANEL_ACTION_USER:
        menu_open(panel, MENU_USER);
        break;
    case PANEL_ACTION_MARK:
        if (selected) {
            model_mark(model, selected, false);
            model_move(model, 1);
        }
        break;
    case PANEL_ACTION_MARK_CHILDREN:
        if (selected)
            model_mark(model, selected, true);
        break;
    case PANEL_ACTION_UNMARK:
        model_unmark_all(model);
        break;
    case PANEL_ACTION_FOLLOW:
        model->follow = !model->follow;
        model_select(model, model->selected);
        break;
    case PANEL_ACTION_THREADS:
        panel->threads = !panel->threads;
        sampler_set_threads(panel->sampler, panel->threads);
        settings_changed(panel);
        return PANEL_REFRESH;
    case PANEL_ACTION_KERNEL:
        model->hide_kernel = !model->hide_kernel;
        settings_changed(panel);
        model_update(model);
        break;
    case PANEL_ACTION_BY_PID:
        sort_by(panel, "PID");
        break;
    case PANEL_ACTION_BY_CPU:
        sort_by(panel, "CPU%");
        break;
    case PANEL_ACTION_BY_MEMORY:
        sort_by(panel, "MEM%");
        break;
    case PANEL_ACTION_BY_TIME:
        sort_by(panel, "TIME+");
        break;
    case PANEL_ACTION_INVERT:
        model->reverse = !model->reverse;
        settings_changed(panel);
        model_update(model);
        break;
    case PANEL_ACTION_UNFOLD:
        fold(panel, false);
        break;
    case PANEL_ACTION_FOLD:
        fold(panel, true);
        break;
    case PANEL_ACTION_PAUSE:
        panel->paused = !panel->paused;
        break;
    case PANEL_ACTION_REDRAW:
        return PANEL_REFRESH;
    case PANEL_ACTION_UP:
        move(panel, -1);
        break;
    case PANEL_ACTION_DOWN:
        move(panel, 1);
        break;
    case PANEL_ACTION_PAGE_UP:
        move(panel, -page);
        break;
    case PANEL_ACTION_PAGE_DOWN:
        move(panel, page);
        break;
    case PANEL_ACTION_HOME:
        move(panel, -(1L << 30));
        break;
    case PANEL_ACTION_END:
        move(panel, 1L << 30);
        break;
    case PANEL_ACTION_LEFT:
        panel->shift -= panel->shift > 0;
        break;
    case PANEL_ACTION_RIGHT:
        panel->shift +=
            panel->shift + 3 < (panel->view == VIEW_GROUPS ? group_column_count : panel->settings.column_count);
        break;
    }
    return PANEL_DREW;
}

/* ---- search and filter ---- */

static void entry_changed(struct panel *panel)
{
    if (panel->entry == ENTRY_FILTER) {
        snprintf(panel->model.filter, sizeof panel->model.filter, "%s", panel->text);
        model_update(&panel->model);
        panel->not_found = *panel->text && panel->model.count == 0;
    } else {
        panel->not_found = *panel->text && !model_search(&panel->model, panel->text, false, false);
    }
}

static enum panel_answer entry_input(struct panel *panel, const struct input_event *event)
{
    uint32_t key = event->key;
    if (key == F(3) || (key == INPUT_KEY_DOWN && panel->entry == ENTRY_SEARCH)) {
        model_search(&panel->model, panel->text, true, event->modifiers & INPUT_SHIFT);
    } else if (key == INPUT_KEY_UP && panel->entry == ENTRY_SEARCH) {
        model_search(&panel->model, panel->text, true, true);
    } else if (key == INPUT_KEY_ENTER) {
        if (panel->entry == ENTRY_SEARCH)
            model_select(&panel->model, panel->model.selected);
        panel->entry = ENTRY_NONE;
    } else if (key == INPUT_KEY_ESCAPE || (key == 'c' && event->modifiers == INPUT_CTRL)) {
        panel->text[panel->text_len = 0] = '\0';
        if (panel->entry == ENTRY_FILTER)
            entry_changed(panel);
        panel->entry = ENTRY_NONE;
    } else if (key == INPUT_KEY_BACKSPACE) {
        while (panel->text_len > 0 && ((unsigned char)panel->text[--panel->text_len] & 0xc0) == 0x80)
            ;
        panel->text[panel->text_len] = '\0';
        entry_changed(panel);
    } else if (key >= ' ' && key < INPUT_KEY_NONE && !(event->modifiers & (INPUT_CTRL | INPUT_ALT)) &&
               panel->text_len + 4 < sizeof panel->text) {
        panel->text_len += utf8_encode(key, panel->text + panel->text_len);
        panel->text[panel->text_len] = '\0';
        entry_changed(panel);
    } else if (key == INPUT_KEY_UP || key == INPUT_KEY_DOWN) {
        model_move(&panel->model, key == INPUT_KEY_UP ? -1 : 1);
    } else {
        return PANEL_NOTHING;
    }
    return PANEL_DREW;
}

/* Digits typed soon after each other are a pid. */
static void type_digit(struct panel *panel, unsigned digit)
{
    uint64_t now = loop_now();
    panel->digits = now - panel->digits_at < 1000 && panel->digits < 100000000 ? panel->digits * 10 + digit : digit;
    panel->digits_at = now;
    model_select_pid(&panel->model, (pid_t)panel->digits);
}

/* ---- mouse ---- */

static bool inside(const struct rect *rect, const struct input_event *event)
{
    return event->row >= rect->row && event->row < rect->row + rect->rows && event->col >= rect->col &&
           event->col < rect->col + rect->cols;
}

static enum panel_answer mouse_input(struct panel *panel, const struct input_event *event)
{
    if (!inside(&panel->rect, event))
        return PANEL_NOTHING;
    if (event->button == 4 || event->button == 5) {
        move(panel, event->button == 4 ? -3 : 3);
        return PANEL_DREW;
    }
    if (event->button != 1 || !event->pressed || event->dragged)
        return PANEL_NOTHING;
    if (inside(&panel->header, event) && panel->view == VIEW_PROCESSES) {
        size_t column = column_at(panel, event->col - panel->header.col);
        if (column < column_count) {
            model_sort_by(&panel->model, column);
            settings_changed(panel);
            model_update(&panel->model);
        }
        return PANEL_DREW;
    }
    if (inside(&panel->list, event) && panel->form == PANEL_FULL) {
        size_t row = event->row - panel->list.row;
        if (panel->view == VIEW_PROCESSES)
            model_select(&panel->model, panel->model.top + row);
        else
            move(panel, (long)(panel->group_top + row) - (long)panel->group_selected);
        return PANEL_DREW;
    }
    if (inside(&panel->keys, event)) {
        unsigned col = event->col - panel->keys.col;
        const struct panel_key *key = key_line(panel, &panel->keys, &col);
        return key ? press(panel, key) : PANEL_NOTHING;
    }
    return PANEL_NOTHING;
}

enum panel_answer panel_input(struct panel *panel, const struct input_event *event)
{
    if (panel->menu.kind != MENU_NONE)
        return menu_input(panel, event);
    if (event->kind == INPUT_MOUSE)
        return mouse_input(panel, event);
    if (event->kind != INPUT_KEY)
        return PANEL_NOTHING;
    if (panel->entry != ENTRY_NONE)
        return entry_input(panel, event);
    panel->message_until = 0;
    if (event->key >= '0' && event->key <= '9' && !event->modifiers && panel->view == VIEW_PROCESSES) {
        type_digit(panel, event->key - '0');
        return PANEL_DREW;
    }
    for (size_t i = 0; i < panel_key_count; i++)
        if (panel_keys[i].key == event->key && panel_keys[i].modifiers == event->modifiers)
            return press(panel, &panel_keys[i]);
    return PANEL_NOTHING;
}

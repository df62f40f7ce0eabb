#include "repl/panel/panel_internal.h"

#include "engine/lab/lab.h"
#include "repl/panel/group_columns.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int number;
    const char *name;
} signals[] = {
    { SIGTERM, "SIGTERM  please end" },
    { SIGKILL, "SIGKILL  end at once" },
    { SIGINT, "SIGINT   as Ctrl-C" },
    { SIGHUP, "SIGHUP   terminal gone" },
    { SIGQUIT, "SIGQUIT  end with a core" },
    { SIGSTOP, "SIGSTOP  stop" },
    { SIGCONT, "SIGCONT  go on" },
    { SIGTSTP, "SIGTSTP  as Ctrl-Z" },
    { SIGUSR1, "SIGUSR1" },
    { SIGUSR2, "SIGUSR2" },
    { SIGABRT, "SIGABRT" },
    { SIGALRM, "SIGALRM" },
    { SIGPIPE, "SIGPIPE" },
    { SIGCHLD, "SIGCHLD" },
    { SIGTTIN, "SIGTTIN" },
    { SIGTTOU, "SIGTTOU" },
    { SIGWINCH, "SIGWINCH" },
    { SIGSEGV, "SIGSEGV" },
};

static struct menu_item *add(struct panel *panel, long value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct menu_item *add(struct panel *panel, long value, const char *format, ...)
{
    struct menu *menu = &panel->menu;
    if (menu->count == menu->room) {
        size_t room = menu->room ? menu->room * 2 : 32;
        struct menu_item *larger = realloc(menu->items, room * sizeof *larger);
        if (!larger)
            return NULL;
        menu->items = larger;
        menu->room = room;
    }
    struct menu_item *item = &menu->items[menu->count++];
    *item = (struct menu_item){ .value = value };
    va_list args;
    va_start(args, format);
    vsnprintf(item->text, sizeof item->text, format, args);
    va_end(args);
    return item;
}

static void title(struct panel *panel, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void title(struct panel *panel, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(panel->menu.title, sizeof panel->menu.title, format, args);
    va_end(args);
}

/* ---- what each menu holds ---- */

static void fill_help(struct panel *panel)
{
    title(panel, "Keys and marks: any key goes back");
    for (size_t i = 0; i < panel_key_count; i++)
        if (panel_keys[i].what)
            add(panel, 0, "%-7s %s", panel_keys[i].label, panel_keys[i].what);
    add(panel, 0, "0-9     go to the process with that number");
    add(panel, 0, " ");
    for (size_t i = 0; i < meter_count; i++)
        if (meters[i].legend)
            add(panel, 0, "%s", meters[i].legend);
    add(panel, 0, " ");
    for (size_t i = 0; i < column_count; i++)
        add(panel, 0, "%-7s %s", columns[i].name, columns[i].what);
    add(panel, 0, " ");
    for (size_t i = 0; i < group_column_count; i++)
        add(panel, 0, "%-7s %s", group_columns[i].title, group_columns[i].what);
}

static bool is_shown(const struct panel *panel, size_t column)
{
    for (size_t i = 0; i < panel->settings.column_count; i++)
        if (panel->settings.column[i] == column)
            return true;
    return false;
}

enum { SETUP_DELAY = -1 };

/* The columns shown in their order, then the others. */
static void fill_setup(struct panel *panel)
{
    const struct panel_settings *settings = &panel->settings;
    title(panel, "Space shows, F7 F8 move");
    for (size_t i = 0; i < settings->column_count; i++) {
        struct menu_item *item = add(panel, (long)settings->column[i], "%s", columns[settings->column[i]].name);
        if (item)
            item->ticked = true;
    }
    for (size_t i = 0; i < column_count; i++)
        if (!is_shown(panel, i))
            add(panel, (long)i, "%s", columns[i].name);
    add(panel, SETUP_DELAY, "refresh every %u.%u s  - +", settings->delay_ms / 1000, settings->delay_ms / 100 % 10);
}

static void fill_sort(struct panel *panel)
{
    title(panel, "Sort by");
    for (size_t i = 0; i < panel->settings.column_count; i++) {
        size_t column = panel->settings.column[i];
        add(panel, (long)column, "%s", columns[column].name);
        if (column == panel->model.sort)
            panel->menu.selected = i;
    }
}

static void add_target(struct panel *panel, const struct sample_process *process)
{
    panel->targets[panel->target_count++].process = *process;
}

/* Who is meant is settled when the menu opens: rows may move, and numbers be used again, before a signal is chosen. */
static void fill_signal(struct panel *panel)
{
    struct model *model = &panel->model;
    size_t marked = model_marked(model), all = sampler_count(panel->sampler);
    free(panel->targets);
    panel->targets = calloc(marked ? marked : 1, sizeof *panel->targets);
    panel->target_count = 0;
    if (!panel->targets)
        return;
    if (marked == 0 && model_selected(model))
        add_target(panel, model_selected(model));
    for (size_t i = 0; marked > 0 && i < all; i++)
        if (sampler_process(panel->sampler, i)->tag & TAG_MARKED)
            add_target(panel, sampler_process(panel->sampler, i));
    if (panel->target_count == 1)
        title(panel, "Signal to %d %.16s", panel->targets[0].process.pid, panel->targets[0].process.comm);
    else
        title(panel, "Signal to %zu processes", panel->target_count);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        add(panel, signals[i].number, "%2d %s", signals[i].number, signals[i].name);
}

static int compare_users(const void *a, const void *b)
{
    return strcmp(((const struct menu_item *)a)->text, ((const struct menu_item *)b)->text);
}

static void fill_user(struct panel *panel)
{
    struct menu *menu = &panel->menu;
    title(panel, "Processes of");
    add(panel, -1, "all users");
    for (size_t i = 0; i < sampler_count(panel->sampler); i++) {
        uid_t uid = sampler_process(panel->sampler, i)->uid;
        size_t known = 1;
        while (known < menu->count && menu->items[known].value != (long)uid)
            known++;
        if (known == menu->count && menu->count < 200)
            add(panel, (long)uid, "%s", column_user(&panel->model.facts, uid));
    }
    if (menu->count > 2)
        qsort(menu->items + 1, menu->count - 1, sizeof *menu->items, compare_users);
}

enum {
    SCOPE_ITEM_HOST,
    SCOPE_ITEM_LAB,
    SCOPE_ITEM_GROUP,
    SCOPE_ITEM_CONTAINER
}; /* a container's value is this plus its pid */

static void add_lab(const struct lab_entry *entry, void *data)
{
    if (entry->alive)
        add(data, SCOPE_ITEM_LAB, "lab:%s", entry->name);
}

/* A container is a pid namespace: its first process has number 1 in it. */
static void add_containers(struct panel *panel)
{
    for (size_t i = 0; i < sampler_count(panel->sampler) && panel->menu.count < 200; i++) {
        struct sample_process *process = sampler_process(panel->sampler, i);
        if (process->kernel || process->thread)
            continue;
        sampler_detail(panel->sampler, process, SAMPLE_INNER);
        if (process->depth > 1 && process->inner == 1)
            add(panel, SCOPE_ITEM_CONTAINER + (long)process->pid, "container:%d  %s", process->pid, process->comm);
    }
}

static void fill_scope(struct panel *panel)
{
    title(panel, "Whose processes");
    add(panel, SCOPE_ITEM_HOST, "host  all of this machine");
    lab_list(add_lab, panel, NULL);
    struct sample_process *selected = model_selected(&panel->model);
    if (selected) {
        sampler_detail(panel->sampler, selected, SAMPLE_GROUP);
        if (selected->group && selected->group[0] == '/' && selected->group[1])
            add(panel, SCOPE_ITEM_GROUP, "cgroup:%s", selected->group);
    }
    add_containers(panel);
}

static void (*const fillers[])(struct panel *panel) = {
    [MENU_HELP] = fill_help,     [MENU_SETUP] = fill_setup, [MENU_SORT] = fill_sort,
    [MENU_SIGNAL] = fill_signal, [MENU_USER] = fill_user,   [MENU_SCOPE] = fill_scope,
};

void menu_open(struct panel *panel, enum panel_menu kind)
{
    struct menu *menu = &panel->menu;
    menu->kind = kind;
    menu->count = menu->selected = menu->top = 0;
    menu->typed = 0;
    fillers[kind](panel);
}

void menu_close(struct panel *panel)
{
    panel->menu.kind = MENU_NONE;
}

/* ---- drawing ---- */

void menu_draw(struct panel *panel, const struct rect *rect)
{
    struct menu *menu = &panel->menu;
    char clean[400];
    if (rect->rows < 2)
        return;
    unsigned rows = rect->rows - 1;
    draw_cell(panel, rect, 0, 0, rect->cols, true, ROLE_HEADING, menu->title);
    menu->rect = (struct rect){ rect->row + 1, rect->col, rows, rect->cols };
    if (menu->kind == MENU_HELP) {
        size_t most = menu->count > rows ? menu->count - rows : 0;
        menu->top = menu->selected = menu->selected < most ? menu->selected : most;
    } else {
        if (menu->selected < menu->top)
            menu->top = menu->selected;
        if (menu->selected >= menu->top + rows)
            menu->top = menu->selected - rows + 1;
    }
    for (unsigned i = 0; i < rows; i++) {
        const struct menu_item *item = menu->top + i < menu->count ? &menu->items[menu->top + i] : NULL;
        bool selected = item && menu->kind != MENU_HELP && menu->top + i == menu->selected;
        char text[200] = "";
        if (item && menu->kind == MENU_SETUP && item->value != SETUP_DELAY)
            snprintf(text, sizeof text, "[%c] %s", item->ticked ? 'x' : ' ', item->text);
        else if (item)
            snprintf(text, sizeof text, "%s", item->text);
        panel_clean(panel, text, clean, sizeof clean);
        draw_cell(panel, &menu->rect, i, 0, rect->cols, true, selected ? ROLE_SELECTED : ROLE_TEXT, clean);
    }
}

/* ---- choosing ---- */

static void send_signal(struct panel *panel, int number)
{
    size_t sent = 0;
    struct err err = { 0 };
    for (size_t i = 0; i < panel->target_count; i++)
        sent += sample_kill(&panel->targets[i].process, number, &err) == 0;
    if (err.code)
        panel_say(panel, "%s", err.message);
    else
        panel_say(panel, "signal %d sent to %zu process%s", number, sent, sent == 1 ? "" : "es");
    model_unmark_all(&panel->model);
}

static void choose_scope(struct panel *panel, const struct menu_item *item)
{
    struct scope scope;
    struct err err = { 0 };
    char name[160];
    snprintf(name, sizeof name, "%s", item->text);
    int chosen = 0;
    if (item->value == SCOPE_ITEM_HOST) {
        scope_host(&scope);
    } else if (item->value == SCOPE_ITEM_GROUP) {
        const struct sample_process *selected = model_selected(&panel->model);
        chosen = scope_cgroup(selected && selected->group ? selected->group : "/", &scope, &err);
    } else {
        name[strcspn(name, " ")] = '\0';
        chosen = scope_parse(name, &scope, &err);
    }
    if (chosen < 0)
        panel_say(panel, "%s", err.message);
    else
        panel_set_scope(panel, &scope);
}

static enum panel_answer choose(struct panel *panel)
{
    struct menu *menu = &panel->menu;
    enum panel_menu kind = menu->kind;
    const struct menu_item *item = menu->selected < menu->count ? &menu->items[menu->selected] : NULL;
    menu_close(panel);
    if (!item)
        return PANEL_DREW;
    switch (kind) {
    case MENU_SORT:
        model_sort_by(&panel->model, (size_t)item->value);
        panel->settings.changed = true;
        break;
    case MENU_SIGNAL:
        send_signal(panel, (int)item->value);
        return PANEL_REFRESH;
    case MENU_USER:
        panel->model.by_user = item->value >= 0;
        panel->model.user = (uid_t)item->value;
        break;
    case MENU_SCOPE:
        choose_scope(panel, item);
        return PANEL_REFRESH;
    case MENU_SETUP:
    case MENU_HELP:
    case MENU_NONE:
        break;
    }
    model_update(&panel->model);
    return PANEL_DREW;
}

/* ---- setup ---- */

static void keep_columns(struct panel *panel)
{
    struct panel_settings *settings = &panel->settings;
    settings->column_count = 0;
    for (size_t i = 0; i < panel->menu.count; i++)
        if (panel->menu.items[i].ticked && settings->column_count < PANEL_COLUMNS)
            settings->column[settings->column_count++] = (size_t)panel->menu.items[i].value;
    settings->changed = true;
    panel->shift = 0;
}

static void change_delay(struct panel *panel, int by)
{
    unsigned now = panel->settings.delay_ms;
    panel_set_delay(panel, by < 0 && now <= 500 ? 100 : now + (unsigned)(by * 500));
    size_t selected = panel->menu.selected;
    panel->settings.changed = true;
    menu_open(panel, MENU_SETUP);
    panel->menu.selected = selected;
}

static void swap_items(struct panel *panel, size_t a, size_t b)
{
    struct menu_item *items = panel->menu.items;
    if (items[a].value == SETUP_DELAY || items[b].value == SETUP_DELAY)
        return;
    struct menu_item held = items[a];
    items[a] = items[b];
    items[b] = held;
    panel->menu.selected = b;
    keep_columns(panel);
}

static bool setup_input(struct panel *panel, const struct input_event *event)
{
    struct menu *menu = &panel->menu;
    struct menu_item *item = menu->selected < menu->count ? &menu->items[menu->selected] : NULL;
    if (!item)
        return false;
    if (event->key == ' ' && item->value != SETUP_DELAY) {
        item->ticked = !item->ticked;
        keep_columns(panel);
        if (panel->settings.column_count == 0) { /* a list of nothing helps nobody */
            item->ticked = true;
            keep_columns(panel);
        }
    } else if (event->key == INPUT_KEY_F1 + 6 && menu->selected > 0) {
        swap_items(panel, menu->selected, menu->selected - 1);
    } else if (event->key == INPUT_KEY_F1 + 7 && menu->selected + 1 < menu->count) {
        swap_items(panel, menu->selected, menu->selected + 1);
    } else if (item->value == SETUP_DELAY && (event->key == '+' || event->key == '-')) {
        change_delay(panel, event->key == '+' ? 1 : -1);
    } else {
        return false;
    }
    return true;
}

/* ---- keys and mouse ---- */

static void type_signal(struct panel *panel, unsigned digit)
{
    struct menu *menu = &panel->menu;
    menu->typed = menu->typed < 10 ? menu->typed * 10 + digit : digit;
    for (int tries = 0; tries < 2; tries++, menu->typed = digit)
        for (size_t i = 0; i < menu->count; i++)
            if (menu->items[i].value == (long)menu->typed) {
                menu->selected = i;
                return;
            }
}

static void move(struct menu *menu, long by)
{
    long wanted = (long)menu->selected + by;
    if (wanted >= (long)menu->count)
        wanted = (long)menu->count - 1;
    menu->selected = wanted < 0 ? 0 : (size_t)wanted;
}

static enum panel_answer menu_mouse(struct panel *panel, const struct input_event *event)
{
    struct menu *menu = &panel->menu;
    const struct rect *rect = &menu->rect;
    if (event->button == 4 || event->button == 5) {
        move(menu, event->button == 4 ? -3 : 3);
        return PANEL_DREW;
    }
    if (event->button != 1 || !event->pressed || event->dragged)
        return PANEL_NOTHING;
    bool in = event->row >= rect->row && event->row < rect->row + rect->rows && event->col >= rect->col &&
              event->col < rect->col + rect->cols;
    if (!in || menu->kind == MENU_HELP) {
        menu_close(panel);
        return PANEL_DREW;
    }
    size_t row = menu->top + event->row - rect->row;
    if (row >= menu->count)
        return PANEL_NOTHING;
    bool again = row == menu->selected;
    menu->selected = row;
    if (menu->kind == MENU_SETUP)
        return PANEL_DREW;
    return again ? choose(panel) : PANEL_DREW; /* the first click shows what the second will do */
}

enum panel_answer menu_input(struct panel *panel, const struct input_event *event)
{
    struct menu *menu = &panel->menu;
    long page = menu->rect.rows > 1 ? (long)menu->rect.rows - 1 : 1;
    if (event->kind == INPUT_MOUSE)
        return menu_mouse(panel, event);
    if (event->kind != INPUT_KEY)
        return PANEL_NOTHING;
    if (menu->kind == MENU_SETUP && setup_input(panel, event))
        return PANEL_DREW;
    switch (event->key) {
    case INPUT_KEY_UP:
        move(menu, -1);
        return PANEL_DREW;
    case INPUT_KEY_DOWN:
        move(menu, 1);
        return PANEL_DREW;
    case INPUT_KEY_PAGE_UP:
        move(menu, -page);
        return PANEL_DREW;
    case INPUT_KEY_PAGE_DOWN:
    case ' ':
        move(menu, page);
        return PANEL_DREW;
    case INPUT_KEY_HOME:
        menu->selected = 0;
        return PANEL_DREW;
    case INPUT_KEY_END:
        move(menu, 1L << 20);
        return PANEL_DREW;
    case INPUT_KEY_ENTER:
        return choose(panel);
    case INPUT_KEY_F1 + 8:
        if (menu->kind == MENU_SIGNAL)
            return choose(panel);
        break;
    default:
        if (menu->kind == MENU_SIGNAL && event->key >= '0' && event->key <= '9') {
            type_signal(panel, event->key - '0');
            return PANEL_DREW;
        }
    }
    bool leaves = event->key == INPUT_KEY_ESCAPE || event->key == 'q' || event->key == INPUT_KEY_F1 + 9 ||
                  (event->key == 'c' && event->modifiers == INPUT_CTRL) || menu->kind == MENU_HELP ||
                  (menu->kind == MENU_SETUP && event->key == INPUT_KEY_F1 + 1);
    if (leaves)
        menu_close(panel);
    return PANEL_DREW;
}

#include "repl/panel/panel_internal.h"

#include "engine/observe/observe.h"
#include "repl/session/loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP_FDS 512

struct panel *panel_new(const struct panel_options *options, struct err *err)
{
    struct panel *panel = calloc(1, sizeof *panel);
    if (!panel || !(panel->sampler = sampler_new(options->keep_fds, err))) {
        if (!panel)
            err_set(err, ENOMEM, "panel");
        free(panel);
        return NULL;
    }
    panel->theme = options->theme;
    /* A machine without cgroups still has processes. */
    panel->groups = group_sampler_new(options->keep_fds < GROUP_FDS ? options->keep_fds : GROUP_FDS, NULL);
    if (panel->groups)
        group_sampler_set_processes(panel->groups, panel->sampler);
    model_init(&panel->model, panel->sampler);
    settings_defaults(panel);
    if (options->settings_path) {
        panel->settings_path = strdup(options->settings_path);
        settings_load(panel);
    }
    sampler_set_threads(panel->sampler, panel->threads);
    scope_host(&panel->scope);
    panel_set_scope(panel, &panel->scope);
    return panel;
}

void panel_free(struct panel *panel)
{
    if (!panel)
        return;
    settings_save(panel);
    menu_close(panel);
    free(panel->menu.items);
    free(panel->targets);
    model_free(&panel->model);
    group_sampler_free(panel->groups);
    sampler_free(panel->sampler);
    free(panel->settings_path);
    free(panel);
}

void panel_say(struct panel *panel, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(panel->message, sizeof panel->message, format, args);
    va_end(args);
    panel->message_until = loop_now() + 6000;
}

void panel_set_scope(struct panel *panel, const struct scope *scope)
{
    if (scope != &panel->scope)
        panel->scope = *scope;
    sampler_set_scope(panel->sampler, &panel->scope.sample);
    /* What differs is said against the lab's or the container's own, or ours. */
    if (sampler_set_reference(panel->sampler, panel->scope.init ? panel->scope.init : getpid(), NULL) < 0)
        sampler_set_reference(panel->sampler, getpid(), NULL);
    struct column_facts *facts = &panel->model.facts;
    memcpy(facts->group_prefix, panel->scope.group, sizeof facts->group_prefix);
    facts->id_base = panel->scope.id_base;
    facts->id_count = panel->scope.id_count;
    if (panel->groups)
        group_sampler_set_root(panel->groups, panel->scope.group[0] ? panel->scope.group : NULL);
    panel->model.selected = panel->model.top = 0;
    panel->model.follow = false;
    panel->group_selected = panel->group_top = 0;
}

const struct scope *panel_scope(const struct panel *panel)
{
    return &panel->scope;
}

void panel_show_groups(struct panel *panel, bool groups)
{
    panel->view = groups ? VIEW_GROUPS : VIEW_PROCESSES;
}

void panel_show_tree(struct panel *panel)
{
    panel->model.tree = true;
}

void panel_set_delay(struct panel *panel, unsigned ms)
{
    panel->settings.delay_ms = ms < 100 ? 100 : ms > 60000 ? 60000 : ms;
}

unsigned panel_delay_ms(const struct panel *panel)
{
    return panel->settings.delay_ms;
}

size_t panel_group_count(const struct panel *panel)
{
    return panel->groups ? group_sampler_count(panel->groups) : 0;
}

struct sample_group *panel_group_at(const struct panel *panel, size_t row)
{
    struct sample_group *group = panel->groups ? group_sampler_root(panel->groups) : NULL;
    for (; group && row > 0; row--)
        group = sample_group_next(group);
    return group;
}

/* The selected group stays selected while others come and go above it. */
static void keep_group(struct panel *panel)
{
    size_t row = 0;
    for (struct sample_group *group = panel_group_at(panel, 0); group; group = sample_group_next(group), row++)
        if (strcmp(group->path, panel->group_path) == 0) {
            panel->group_selected = row;
            return;
        }
}

void panel_refresh(struct panel *panel)
{
    struct err err = { 0 };
    if (panel->paused)
        return;
    panel->beat = !panel->beat;
    if (sampler_refresh(panel->sampler, &err) < 0)
        panel_say(panel, "%s", err.message);
    /* The cgroups of the whole machine only while they are looked at; what bounds a scope always. */
    if (panel->groups && (panel->view == VIEW_GROUPS || panel->scope.group[0])) {
        group_sampler_refresh(panel->groups, NULL);
        keep_group(panel);
    }
    model_update(&panel->model);
}

void panel_facts(const struct panel *panel, struct meter_facts *facts)
{
    *facts = (struct meter_facts){ .host = sampler_host(panel->sampler) };
    size_t count = sampler_count(panel->sampler);
    for (size_t i = 0; i < count; i++) {
        const struct sample_process *process = sampler_process(panel->sampler, i);
        facts->running += process->state == 'R';
        if (process->kernel) {
            facts->kernel++;
        } else if (!process->thread) {
            facts->processes++;
            facts->threads += (size_t)process->threads;
        }
    }
    if (panel->groups && panel->scope.group[0])
        facts->scope = group_sampler_root(panel->groups);
}

/* ---- drawing ---- */

static void draw_meter(struct panel *panel, const struct rect *rect, unsigned row, const struct meter_value *value)
{
    if (row >= rect->rows || rect->cols < 12)
        return;
    unsigned label = rect->cols < 30 ? 4 : 5;
    draw_cell(panel, rect, row, 0, label, true, ROLE_STRONG, value->label);
    if (!value->bar) {
        unsigned wide = (unsigned)strlen(value->label) + 1;
        label = wide > label ? wide : label;
        draw_cell(panel, rect, row, 0, label, true, ROLE_STRONG, value->label);
        draw_cell(panel, rect, row, label, rect->cols - label, true, value->role, value->text);
        return;
    }
    char bar[256], one[2] = "";
    signed char part_of[256];
    unsigned cells = rect->cols - label - 2;
    cells = cells < sizeof bar - 1 ? cells : sizeof bar - 1;
    meter_bar(value, cells, bar, part_of);
    draw_text(panel->theme, rect, row, label, ROLE_STRONG, "[");
    for (unsigned i = 0; i < cells; i++) {
        one[0] = bar[i];
        enum role role = part_of[i] >= 0 ? value->parts[part_of[i]].role : value->role;
        draw_text(panel->theme, rect, row, label + 1 + i, role, one);
    }
    draw_text(panel->theme, rect, row, label + 1 + cells, ROLE_STRONG, "]");
}

#define METERS_MAX 64

/* Returns the rows taken. */
static unsigned draw_meters(struct panel *panel, const struct rect *rect, bool narrow)
{
    struct meter_value left[METERS_MAX], right[METERS_MAX];
    struct meter_facts facts;
    panel_facts(panel, &facts);
    if (facts.host->cpus == 0)
        return 0;
    bool two = rect->cols >= 60;
    unsigned room = rect->rows / 3, last = rect->rows / 2;
    facts.narrow = narrow;
    facts.average =
        narrow || facts.host->cpus > (two ? 2 : 1) * (room > 4 ? room - 3 : 1) || facts.host->cpus > METERS_MAX;
    size_t lefts = meters_read(&facts, METER_LEFT, left, METERS_MAX);
    size_t rights = meters_read(&facts, METER_RIGHT, right, METERS_MAX);
    struct rect half = { rect->row, rect->col, last, rect->cols / 2 - 1 };
    struct rect other = { rect->row, rect->col + half.cols + 2, last, rect->cols - half.cols - 2 };
    if (!two) { /* one under the other */
        half.cols = rect->cols;
        other = half;
        other.row += (unsigned)lefts;
        other.rows -= other.rows < lefts ? other.rows : (unsigned)lefts;
    }
    for (size_t i = 0; i < lefts; i++)
        draw_meter(panel, &half, (unsigned)i, &left[i]);
    for (size_t i = 0; i < rights; i++)
        draw_meter(panel, &other, (unsigned)i, &right[i]);
    size_t most = !two ? lefts + rights : lefts > rights ? lefts : rights;
    return most < last ? (unsigned)most : last;
}

/* All there is room for in a line or two: "cgC 4.9%/5%  cgM 79M/80M". */
static void draw_one_line(struct panel *panel, const struct rect *rect)
{
    struct meter_value values[METERS_MAX];
    struct meter_facts facts;
    unsigned col = 1;
    panel_facts(panel, &facts);
    if (facts.host->cpus == 0)
        return;
    facts.narrow = facts.average = true;
    for (enum meter_side side = METER_LEFT; side <= METER_RIGHT; side++) {
        size_t count = meters_read(&facts, side, values, METERS_MAX);
        for (size_t i = 0; i < count; i++) {
            col += draw_text(panel->theme, rect, 0, col, ROLE_STRONG, values[i].label);
            col += draw_text(panel->theme, rect, 0, col + 1, values[i].role, values[i].text) + 3;
        }
    }
}

/* "lab lab1 · processes · sorted by CPU% · filter ssh": what one is looking at, in words. */
static void draw_state(struct panel *panel, const struct rect *rect)
{
    char text[1600], clean[1600];
    const struct model *model = &panel->model;
    const char *dot = theme_glyph(panel->theme, GLYPH_DOT);
    size_t marked = model_marked(model);
    int at = snprintf(text, sizeof text, " %s %s %s", panel->scope.name, dot,
                      panel->view == VIEW_GROUPS ? "cgroups" : "processes");
#define ADD(...)                                                                                                       \
    do {                                                                                                               \
        if (at > 0 && at < (int)sizeof text)                                                                           \
            at += snprintf(text + at, sizeof text - (size_t)at, __VA_ARGS__);                                          \
    } while (0)
    if (panel->paused)
        ADD(" %s PAUSED", dot);
    if (panel->view == VIEW_PROCESSES) {
        if (*model->filter)
            ADD(" %s filter %s", dot, model->filter);
        if (model->by_user)
            ADD(" %s user %s", dot, column_user(&model->facts, model->user));
        if (model->follow)
            ADD(" %s following %d", dot, model->selected_pid);
        if (marked)
            ADD(" %s %zu tagged", dot, marked);
        if (model->hidden)
            ADD(" %s %zu hidden", dot, model->hidden);
        if (panel->some_hidden)
            ADD(" %s NS ?: may not be read", dot);
    }
#undef ADD
    panel_clean(panel, text, clean, sizeof clean);
    draw_cell(panel, rect, 0, 0, rect->cols, true, ROLE_FOCUS, clean);
}

static void draw_entry(struct panel *panel, const struct rect *rect)
{
    unsigned col =
        draw_text(panel->theme, rect, 0, 0, ROLE_STATUS_KEY, panel->entry == ENTRY_SEARCH ? "Search:" : "Filter:");
    col += draw_text(panel->theme, rect, 0, col, ROLE_TEXT, " ");
    col += draw_text(panel->theme, rect, 0, col, panel->not_found ? ROLE_FAILED : ROLE_TEXT, panel->text);
    col += draw_text(panel->theme, rect, 0, col, ROLE_STATUS_KEY, " ");
    const char *words = panel->not_found               ? "  not found"
                        : panel->entry == ENTRY_SEARCH ? "  F3 next  Enter done"
                                                       : "  Enter done  Esc clear";
    col += draw_text(panel->theme, rect, 0, col, ROLE_FAINT, words);
    draw_clear_row(panel->theme, rect, 0, col);
}

static void draw_last_line(struct panel *panel, const struct rect *rect)
{
    if (panel->entry != ENTRY_NONE) {
        draw_entry(panel, rect);
    } else if (loop_now() < panel->message_until) {
        char clean[512];
        panel_clean(panel, panel->message, clean, sizeof clean);
        draw_cell(panel, rect, 0, 0, rect->cols, true, ROLE_NOTICE, clean);
    } else {
        draw_keys(panel, rect);
    }
}

static void draw_too_small(struct panel *panel, const struct rect *rect)
{
    char text[64];
    snprintf(text, sizeof text, "needs 40 x 10, has %u x %u", rect->cols, rect->rows);
    draw_text(panel->theme, rect, 0, 0, ROLE_STRONG, text);
    if (rect->rows > 1)
        draw_text(panel->theme, rect, 1, 0, ROLE_TEXT, "q leaves");
}

void panel_draw(struct panel *panel, const struct rect *rect, enum panel_form form)
{
    panel->rect = *rect;
    panel->form = form;
    panel->list = panel->header = panel->keys = (struct rect){ 0 };
    draw_clear(panel->theme, rect);
    if (form == PANEL_NARROW && rect->rows < 4) {
        draw_one_line(panel, rect);
        return;
    }
    if (form == PANEL_NARROW) {
        unsigned row = draw_meters(panel, rect, true);
        struct rect list = { rect->row + row, rect->col, rect->rows - row, rect->cols };
        if (panel->view == VIEW_GROUPS)
            draw_groups(panel, &list);
        else
            draw_processes(panel, &list, true);
        return;
    }
    if (rect->rows < 10 || rect->cols < 40) {
        draw_too_small(panel, rect);
        return;
    }
    unsigned row = draw_meters(panel, rect, false);
    struct rect state = { rect->row + row, rect->col, 1, rect->cols };
    row++;
    panel->some_hidden = false;
    struct rect list = { rect->row + row, rect->col, rect->rows - row - 1, rect->cols };
    if (panel->menu.kind == MENU_HELP) {
        menu_draw(panel, &list);
    } else {
        if (panel->menu.kind != MENU_NONE && list.cols > 60) {
            struct rect menu = list;
            menu.cols = panel->menu.kind == MENU_SCOPE ? 46 : 30;
            menu_draw(panel, &menu);
            list.col += menu.cols + 1;
            list.cols -= menu.cols + 1;
        }
        if (panel->menu.kind != MENU_NONE && list.cols <= 60 && list.col == rect->col)
            menu_draw(panel, &list);
        else if (panel->view == VIEW_GROUPS)
            draw_groups(panel, &list);
        else
            draw_processes(panel, &list, false);
    }
    draw_state(panel, &state); /* after the list, which knows what could not be read */
    struct rect last = { rect->row + rect->rows - 1, rect->col, 1, rect->cols };
    draw_last_line(panel, &last);
}

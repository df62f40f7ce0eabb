#include "repl/panel/model.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

void model_init(struct model *model, struct sampler *sampler)
{
    *model = (struct model){ .sampler = sampler, .sort = column_find("CPU%") };
}

void model_free(struct model *model)
{
    free(model->rows);
    free(model->order);
    free(model->child);
    free(model->sibling);
    free(model->shown);
}

static int make_room(struct model *model, size_t count)
{
    if (count > model->order_room || !model->order) {
        size_t room = count + count / 4 + 64;
        struct sample_process **order = realloc(model->order, room * sizeof *order);
        if (order)
            model->order = order;
        uint32_t *child = realloc(model->child, room * sizeof *child);
        if (child)
            model->child = child;
        uint32_t *sibling = realloc(model->sibling, (room + 1) * sizeof *sibling);
        if (sibling)
            model->sibling = sibling;
        bool *shown = realloc(model->shown, room * sizeof *shown);
        if (shown)
            model->shown = shown;
        struct model_row *rows = realloc(model->rows, room * sizeof *rows);
        if (rows)
            model->rows = rows;
        if (!order || !child || !sibling || !shown || !rows)
            return -1;
        model->order_room = model->room = room;
    }
    return 0;
}

/* ---- what is shown ---- */

static bool holds(const char *text, const char *word, size_t len)
{
    for (; *text; text++)
        if (strncasecmp(text, word, len) == 0)
            return true;
    return len == 0;
}

/* "ssh|bash": one of the words is in the command. */
static bool passes_filter(const struct model *model, const struct sample_process *process)
{
    const char *text = process->command ? process->command : process->comm;
    for (const char *word = model->filter;; word++) {
        size_t len = strcspn(word, "|");
        if ((len > 0 || !*model->filter) && holds(text, word, len))
            return true;
        word += len;
        if (!*word)
            return false;
    }
}

static bool passes(struct model *model, struct sample_process *process)
{
    if (model->hide_kernel && process->kernel)
        return false;
    if (model->by_user && process->uid != model->user)
        return false;
    if (!*model->filter)
        return true;
    sampler_detail(model->sampler, process, SAMPLE_COMMAND | SAMPLE_ANY_AGE);
    return passes_filter(model, process);
}

/* ---- order ---- */

static int compare(const void *one, const void *other, void *data)
{
    const struct model *model = data;
    const struct sample_process *a = *(struct sample_process *const *)one, *b = *(struct sample_process *const *)other;
    const struct column *column = &columns[model->sort];
    int order = column->compare(&model->facts, a, b);
    if (column->descending)
        order = -order;
    if (model->reverse)
        order = -order;
    return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static void put_row(struct model *model, struct sample_process *process, unsigned depth, bool last, uint64_t lines)
{
    model->rows[model->count++] =
        (struct model_row){ .process = process, .depth = depth, .last = last, .lines = lines };
}

static uint32_t parent_place(const struct model *model, const struct sample_process *process)
{
    const struct sample_process *parent = process->ppid > 0 ? sampler_find(model->sampler, process->ppid) : NULL;
    return parent && parent != process ? parent->place : NONE;
}

/* The children shown that come after @place among its sisters. */
static uint32_t next_shown(const struct model *model, uint32_t place)
{
    while (place != NONE && !model->shown[place])
        place = model->sibling[place];
    return place;
}

/* Rows of the tree below the sisters that begin at @place. Depth is bounded by the number of processes; below DEEP the rows are all at one depth. */
#define DEEP 200
static void put_tree(struct model *model, uint32_t place, unsigned depth, uint64_t lines)
{
    for (place = next_shown(model, place); place != NONE;) {
        uint32_t after = next_shown(model, model->sibling[place]);
        struct sample_process *process = model->order[place];
        bool last = after == NONE;
        size_t row = model->count;
        put_row(model, process, depth, last, lines);
        uint32_t child = next_shown(model, model->child[place]);
        if (process->tag & TAG_FOLDED && child != NONE)
            model->rows[row].folded = true;
        else if (depth < DEEP)
            put_tree(model, child, depth + 1, depth < 64 && !last ? lines | (uint64_t)1 << depth : lines);
        place = after;
    }
}

/* A process is shown with all its ancestors, so that the tree is one. */
static void show_ancestors(struct model *model, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!model->shown[i])
            continue;
        uint32_t parent = parent_place(model, model->order[i]);
        while (parent != NONE && !model->shown[parent]) {
            model->shown[parent] = true;
            parent = parent_place(model, model->order[parent]);
        }
    }
}

static void put_all_as_tree(struct model *model, size_t count)
{
    uint32_t first = NONE;
    memset(model->child, 0xff, count * sizeof *model->child);
    show_ancestors(model, count);
    for (size_t i = count; i-- > 0;) { /* from the last, so that each list is in order */
        uint32_t parent = parent_place(model, model->order[i]);
        uint32_t *head = parent == NONE ? &first : &model->child[parent];
        model->sibling[i] = *head;
        *head = (uint32_t)i;
    }
    put_tree(model, first, 0, 0);
}

static void keep_selection(struct model *model)
{
    if (model->follow)
        for (size_t i = 0; i < model->count; i++)
            if (model->rows[i].process->pid == model->selected_pid &&
                model->rows[i].process->start == model->selected_start) {
                model_select(model, i);
                return;
            }
    model_select(model, model->selected);
}

void model_update(struct model *model)
{
    size_t count = sampler_count(model->sampler);
    model->count = 0;
    model->hidden = 0;
    model->facts.host = sampler_host(model->sampler);
    if (make_room(model, count) < 0)
        return;
    unsigned details = columns[model->sort].details;
    for (size_t i = 0; i < count; i++) {
        model->order[i] = sampler_process(model->sampler, i);
        if (details)
            sampler_detail(model->sampler, model->order[i], details | (details == SAMPLE_SHARED ? 0 : SAMPLE_ANY_AGE));
    }
    qsort_r(model->order, count, sizeof *model->order, compare, model);
    for (size_t i = 0; i < count; i++) {
        model->order[i]->place = (uint32_t)i;
        model->shown[i] = passes(model, model->order[i]);
    }
    if (model->tree) {
        put_all_as_tree(model, count);
    } else {
        for (size_t i = 0; i < count; i++)
            if (model->shown[i])
                put_row(model, model->order[i], 0, false, 0);
    }
    model->hidden = count - model->count;
    keep_selection(model);
}

/* ---- what is chosen ---- */

struct sample_process *model_selected(const struct model *model)
{
    return model->selected < model->count ? model->rows[model->selected].process : NULL;
}

void model_select(struct model *model, size_t row)
{
    model->selected = model->count == 0 ? 0 : row < model->count ? row : model->count - 1;
    const struct sample_process *process = model_selected(model);
    model->selected_pid = process ? process->pid : 0;
    model->selected_start = process ? process->start : 0;
}

void model_move(struct model *model, long rows)
{
    long wanted = (long)model->selected + rows;
    model_select(model, wanted < 0 ? 0 : (size_t)wanted);
}

bool model_select_pid(struct model *model, pid_t pid)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->rows[i].process->pid == pid) {
            model_select(model, i);
            return true;
        }
    return false;
}

bool model_search(struct model *model, const char *text, bool again, bool back)
{
    size_t len = strlen(text);
    for (size_t step = again ? 1 : 0; len > 0 && step < model->count + again; step++) {
        size_t far = step % model->count;
        size_t row = (model->selected + (back ? model->count - far : far)) % model->count;
        struct sample_process *process = model->rows[row].process;
        sampler_detail(model->sampler, process, SAMPLE_COMMAND | SAMPLE_ANY_AGE);
        if (holds(process->command ? process->command : process->comm, text, len)) {
            model_select(model, row);
            return true;
        }
    }
    return false;
}

void model_sort_by(struct model *model, size_t column)
{
    model->reverse = column == model->sort ? !model->reverse : false;
    model->sort = column;
}

/* ---- tags ---- */

void model_mark(struct model *model, struct sample_process *process, bool with_children)
{
    if (!with_children) {
        process->tag ^= TAG_MARKED;
        return;
    }
    process->tag |= TAG_MARKED;
    bool more = true;
    while (more) { /* a generation a round */
        more = false;
        for (size_t i = 0; i < sampler_count(model->sampler); i++) {
            struct sample_process *child = sampler_process(model->sampler, i);
            const struct sample_process *parent = sampler_find(model->sampler, child->ppid);
            if (parent && parent->tag & TAG_MARKED && !(child->tag & TAG_MARKED)) {
                child->tag |= TAG_MARKED;
                more = true;
            }
        }
    }
}

void model_unmark_all(struct model *model)
{
    for (size_t i = 0; i < sampler_count(model->sampler); i++)
        sampler_process(model->sampler, i)->tag &= (unsigned char)~TAG_MARKED;
}

size_t model_marked(const struct model *model)
{
    size_t marked = 0;
    for (size_t i = 0; i < sampler_count(model->sampler); i++)
        marked += sampler_process(model->sampler, i)->tag & TAG_MARKED;
    return marked;
}

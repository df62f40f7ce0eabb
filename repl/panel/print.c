#include "repl/panel/group_columns.h"
#include "repl/panel/panel_internal.h"

#include "repl/screen/utf8.h"

#include <string.h>
#include <time.h>

#define BAR_CELLS 34

static void print_cell(FILE *out, const char *text, unsigned width, bool left, bool last)
{
    unsigned cells = utf8_width(text, strlen(text));
    int blank = cells < width ? (int)(width - cells) : 0;
    if (left)
        fprintf(out, "%s%*s", text, last ? 0 : blank, "");
    else
        fprintf(out, "%*s%s", blank, "", text);
}

static void print_meters(struct panel *panel, FILE *out)
{
    struct meter_value values[64];
    struct meter_facts facts;
    panel_facts(panel, &facts);
    if (facts.host->cpus == 0)
        return;
    facts.average = facts.host->cpus > 32;
    for (enum meter_side side = METER_LEFT; side <= METER_RIGHT; side++) {
        size_t count = meters_read(&facts, side, values, sizeof values / sizeof *values);
        for (size_t i = 0; i < count; i++) {
            char bar[BAR_CELLS + 1];
            signed char part_of[BAR_CELLS];
            if (values[i].bar) {
                meter_bar(&values[i], BAR_CELLS, bar, part_of);
                fprintf(out, "%-6s [%s]\n", values[i].label, bar);
            } else {
                fprintf(out, "%-6s %s\n", values[i].label, values[i].text);
            }
        }
    }
}

static void print_processes(struct panel *panel, FILE *out)
{
    const struct panel_settings *settings = &panel->settings;
    char raw[4200], clean[4200];
    unsigned details = 0;
    for (size_t i = 0; i < settings->column_count; i++)
        details |= columns[settings->column[i]].details;
    bool some_hidden = false;
    for (size_t r = 0; r < panel->model.count; r++) {
        sampler_detail(panel->sampler, panel->model.rows[r].process, details);
        some_hidden |= details & SAMPLE_NAMESPACES && panel->model.rows[r].process->hidden;
    }
    if (some_hidden)
        fputs("NS ?: may not be read: the process has rights that you have not\n", out);
    for (size_t i = 0; i < settings->column_count; i++) {
        const struct column *column = &columns[settings->column[i]];
        if (i > 0 && column->left)
            fputc(' ', out);
        print_cell(out, column->title, column->width, column->left, i + 1 == settings->column_count);
    }
    fputc('\n', out);
    for (size_t r = 0; r < panel->model.count; r++) {
        const struct model_row *row = &panel->model.rows[r];
        for (size_t i = 0; i < settings->column_count; i++) {
            const struct column *column = &columns[settings->column[i]];
            column->format(&panel->model.facts, row->process, raw, sizeof raw);
            panel_clean(panel, raw, clean, sizeof clean);
            if (i > 0 && column->left)
                fputc(' ', out);
            if (!column->width && panel->model.tree)
                fprintf(out, "%*s", (int)(row->depth < 100 ? row->depth : 100) * 2, "");
            print_cell(out, clean, column->width, column->left, i + 1 == settings->column_count);
        }
        fputc('\n', out);
    }
}

static void print_groups(struct panel *panel, FILE *out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct group_facts facts = { .ascii = panel->theme->ascii,
                                 .beat = panel->beat,
                                 .now = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec };
    const struct sample_group *group = panel_group_at(panel, 0);
    unsigned names = 20;
    for (const struct sample_group *one = group; one; one = sample_group_next(one)) {
        unsigned cells = (unsigned)strlen(one->depth ? one->name : one->path) + 2 * one->depth;
        names = cells > names ? cells : names;
    }
    for (size_t i = 0; i < group_column_count; i++) {
        const struct group_column *column = &group_columns[i];
        if (i > 0 && column->left)
            fputc(' ', out);
        print_cell(out, column->title, column->width ? column->width : names, column->left,
                   i + 1 == group_column_count);
    }
    fputc('\n', out);
    for (; group; group = sample_group_next(group)) {
        for (size_t i = 0; i < group_column_count; i++) {
            const struct group_column *column = &group_columns[i];
            char raw[1200], clean[1200];
            facts.width = column->width;
            column->format(&facts, group, raw, sizeof raw);
            panel_clean(panel, raw, clean, sizeof clean);
            if (i > 0 && column->left)
                fputc(' ', out);
            print_cell(out, clean, column->width ? column->width : names, column->left, i + 1 == group_column_count);
        }
        fputc('\n', out);
    }
}

int panel_print(struct panel *panel, FILE *out)
{
    fprintf(out, "%s\n", panel->scope.name);
    print_meters(panel, out);
    fputc('\n', out);
    if (panel->view == VIEW_GROUPS)
        print_groups(panel, out);
    else
        print_processes(panel, out);
    return fflush(out) == 0 ? 0 : -1;
}

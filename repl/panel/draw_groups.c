#include "repl/panel/group_columns.h"
#include "repl/panel/panel_internal.h"

#include <string.h>
#include <time.h>

#define NAME_MIN 14
#define SHOWN_MAX 16

struct shown {
    const struct group_column *column;
    unsigned col, width;
};

/* The columns that fit: in a narrow window those that matter least go, unless the list was shifted sideways to see them. */
static size_t choose_columns(unsigned cols, size_t shift, struct shown shown[SHOWN_MAX])
{
    bool dropped[SHOWN_MAX] = { false };
    unsigned total;
    for (size_t i = 1; i < group_column_count; i++)
        dropped[i] = i <= shift;
    for (;;) {
        size_t least = group_column_count;
        total = 0;
        for (size_t i = 0; i < group_column_count; i++) {
            const struct group_column *column = &group_columns[i];
            if (dropped[i])
                continue;
            total += column->width ? column->width + column->left : NAME_MIN;
            if (column->keep < 9 && !shift && (least == group_column_count || column->keep < group_columns[least].keep))
                least = i;
        }
        if (total <= cols || least == group_column_count)
            break;
        dropped[least] = true;
    }
    /* What is left over goes to the names first, then to the history. */
    unsigned spare = cols > total ? cols - total : 0;
    unsigned names = spare < 26 ? spare : 26 + (spare - 26) / 3;
    unsigned col = 0;
    size_t count = 0;
    for (size_t i = 0; i < group_column_count; i++) {
        const struct group_column *column = &group_columns[i];
        if (dropped[i])
            continue;
        unsigned width = column->width ? column->width : NAME_MIN + names;
        if (strcmp(column->title, "HISTORY") == 0)
            width += spare - names < SAMPLE_HISTORY - 9 ? spare - names : SAMPLE_HISTORY - 9;
        if (column->left && col > 0)
            col++;
        shown[count++] = (struct shown){ column, col, width };
        col += width;
    }
    return count;
}

static void draw_row(struct panel *panel, const struct rect *rect, unsigned at, const struct sample_group *group,
                     const struct shown *shown, size_t count, bool selected)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct group_facts facts = { .ascii = panel->theme->ascii,
                                 .beat = panel->beat,
                                 .now = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec };
    draw_cell(panel, rect, at, 0, rect->cols, true, selected ? ROLE_SELECTED : ROLE_TEXT, "");
    for (size_t i = 0; i < count; i++) {
        char raw[1200], clean[1200];
        facts.width = shown[i].width;
        enum role role = shown[i].column->format(&facts, group, raw, sizeof raw);
        panel_clean(panel, raw, clean, sizeof clean);
        draw_cell(panel, rect, at, shown[i].col, shown[i].width, shown[i].column->left, selected ? ROLE_SELECTED : role,
                  clean);
    }
}

void draw_groups(struct panel *panel, const struct rect *rect)
{
    struct shown shown[SHOWN_MAX];
    if (rect->rows < 2)
        return;
    size_t count = choose_columns(rect->cols, panel->shift, shown);
    draw_cell(panel, rect, 0, 0, rect->cols, true, ROLE_HEADING, "");
    for (size_t i = 0; i < count; i++)
        draw_cell(panel, rect, 0, shown[i].col, shown[i].width, shown[i].column->left, ROLE_HEADING,
                  shown[i].column->title);
    panel->header = (struct rect){ rect->row, rect->col, 1, rect->cols };
    panel->list = (struct rect){ rect->row + 1, rect->col, rect->rows - 1, rect->cols };
    size_t groups = panel_group_count(panel), rows = panel->list.rows;
    if (groups == 0) {
        draw_text(panel->theme, &panel->list, 0, 1, ROLE_FAINT, "There is no cgroup here.");
        return;
    }
    if (panel->group_selected >= groups)
        panel->group_selected = groups - 1;
    if (panel->group_selected < panel->group_top)
        panel->group_top = panel->group_selected;
    if (panel->group_selected >= panel->group_top + rows)
        panel->group_top = panel->group_selected - rows + 1;
    if (groups <= rows)
        panel->group_top = 0;
    const struct sample_group *group = panel_group_at(panel, panel->group_top);
    for (unsigned i = 0; i < rows && group; i++, group = sample_group_next(group))
        draw_row(panel, &panel->list, i, group, shown, count,
                 panel->form == PANEL_FULL && panel->group_top + i == panel->group_selected);
}

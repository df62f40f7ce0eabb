#include "repl/panel/panel_internal.h"

#include "repl/screen/utf8.h"

#include <string.h>

void panel_clean(const struct panel *panel, const char *text, char *out, size_t size)
{
    size_t len = strlen(text), at = 0;
    for (size_t i = 0; i < len && at + 5 < size;) {
        uint32_t character;
        size_t bytes = utf8_decode(text + i, len - i, &character);
        if (character < 0x80) {
            out[at++] = character < ' ' || character == 0x7f ? '?' : (char)character;
        } else if (panel->theme->ascii) {
            const char *plain = theme_ascii(character);
            size_t n = strlen(plain);
            memcpy(out + at, plain, n);
            at += n;
        } else if (utf8_cells(character) == 0 || character == 0xfffd) {
            out[at++] = '?';
        } else {
            memcpy(out + at, text + i, bytes);
            at += bytes;
        }
        i += bytes;
    }
    out[at] = '\0';
}

/* @text in @cells cells, blanks around it. Returns the bytes written; 0: there is no room. */
static size_t fill_cell(char *out, size_t size, unsigned cells, bool left, const char *text)
{
    size_t len = utf8_fit(text, strlen(text), cells);
    if (len + cells + 1 > size) {
        out[0] = '\0';
        return 0;
    }
    unsigned blank = cells - utf8_width(text, len);
    size_t at = 0;
    if (!left)
        for (; at < blank; at++)
            out[at] = ' ';
    memcpy(out + at, text, len);
    at += len;
    if (left) {
        memset(out + at, ' ', blank);
        at += blank;
    }
    out[at] = '\0';
    return at;
}

void draw_cell(const struct panel *panel, const struct rect *rect, unsigned row, unsigned col, unsigned cells,
               bool left, enum role role, const char *text)
{
    char out[2048];
    if (col >= rect->cols || row >= rect->rows)
        return;
    fill_cell(out, sizeof out, cells < rect->cols - col ? cells : rect->cols - col, left, text);
    draw_text(panel->theme, rect, row, col, role, out);
}

/* ---- which columns, and where ---- */

struct shown {
    const struct column *column;
    unsigned col, width;
};
struct layout_of_columns {
    struct shown shown[PANEL_COLUMNS];
    size_t count;
};

#define COMMAND_MIN 20

/* The columns that fit: in a narrow window those that matter least go, unless the list was shifted sideways to see them. */
static void choose_columns(const struct panel *panel, unsigned cols, bool narrow, struct layout_of_columns *layout)
{
    static const char *const narrow_columns[] = { "PID", "CPU%", "RES", "COMMAND" };
    size_t places[PANEL_COLUMNS], count = 0;
    if (narrow) {
        for (size_t i = 0; i < sizeof narrow_columns / sizeof *narrow_columns; i++)
            places[count++] = column_find(narrow_columns[i]);
        if (panel->scope.init) /* the numbers its own ps shows */
            places[0] = column_find("NSPID");
    } else {
        size_t skipped = 0;
        for (size_t i = 0; i < panel->settings.column_count; i++) {
            size_t place = panel->settings.column[i];
            if (columns[place].keep < 9 && skipped < panel->shift)
                skipped++;
            else
                places[count++] = place;
        }
    }
    unsigned minimum = narrow ? 8 : COMMAND_MIN;
    while (narrow || panel->shift == 0) {
        unsigned total = 0;
        size_t least = count;
        for (size_t i = 0; i < count; i++) {
            const struct column *column = &columns[places[i]];
            total += column->width ? column->width + column->left : minimum;
            if (column->keep < 9 && (least == count || column->keep <= columns[places[least]].keep))
                least = i;
        }
        if (total <= cols || least == count)
            break;
        memmove(places + least, places + least + 1, (count - least - 1) * sizeof *places);
        count--;
    }
    unsigned col = 0;
    layout->count = 0;
    for (size_t i = 0; i < count && col < cols; i++) {
        const struct column *column = &columns[places[i]];
        unsigned width = column->width ? column->width : cols - col;
        bool gap = column->left && col > 0; /* between a number and a word */
        if (gap)
            col++;
        if (col + width > cols)
            width = cols > col ? cols - col : 0;
        layout->shown[layout->count++] = (struct shown){ column, col, width };
        col += width;
    }
}

size_t column_at(const struct panel *panel, unsigned col)
{
    struct layout_of_columns layout;
    choose_columns(panel, panel->list.cols, panel->form == PANEL_NARROW, &layout);
    for (size_t i = 0; i < layout.count; i++)
        if (col >= layout.shown[i].col && col < layout.shown[i].col + layout.shown[i].width)
            return (size_t)(layout.shown[i].column - columns);
    return column_count;
}

/* ---- rows ---- */

static void put(char *out, size_t size, size_t *at, const char *text)
{
    size_t len = strlen(text);
    if (*at + len < size) {
        memcpy(out + *at, text, len + 1);
        *at += len;
    }
}

/* "│  ├─ " before a command in the tree. */
static void tree_lines(const struct panel *panel, const struct model_row *row, char *out, size_t size)
{
    const struct theme *theme = panel->theme;
    size_t at = 0;
    out[0] = '\0';
    for (unsigned depth = 1; depth < row->depth && depth < 40; depth++) {
        put(out, size, &at, depth < 64 && row->lines >> depth & 1 ? theme_glyph(theme, GLYPH_VERTICAL) : " ");
        put(out, size, &at, "  ");
    }
    if (row->depth > 0) {
        if (theme->ascii)
            put(out, size, &at, row->last ? "`" : "|");
        else
            put(out, size, &at, row->last ? "└" : "├");
        put(out, size, &at, theme_glyph(theme, GLYPH_HORIZONTAL));
        put(out, size, &at, " ");
    }
    if (row->folded)
        put(out, size, &at, "+ ");
}

static enum role role_of(const struct column *column, const struct sample_process *process)
{
    if (strcmp(column->name, "S") == 0)
        return process->state == 'R'                            ? ROLE_SAME
               : process->state == 'D' || process->state == 'Z' ? ROLE_FAILED
                                                                : ROLE_TEXT;
    if (strcmp(column->name, "NS") == 0)
        return process->differs ? ROLE_DIFFERS : ROLE_FAINT;
    if (strcmp(column->name, "PID") == 0 || strcmp(column->name, "COMMAND") == 0)
        return process->kernel || process->thread ? ROLE_FAINT : ROLE_TEXT;
    return ROLE_TEXT;
}

/* Cells of one row that stand side by side in one role are drawn at once: with thousands of rows each call counts. */
struct run {
    const struct panel *panel;
    const struct rect *rect;
    unsigned row, begin, end; /* columns */
    enum role role;
    char text[4096];
    size_t len;
};

static void run_draw(struct run *run)
{
    if (run->len > 0)
        draw_text(run->panel->theme, run->rect, run->row, run->begin, run->role, run->text);
    run->begin = run->end;
    run->len = 0;
}

static void run_add(struct run *run, unsigned cells, bool left, enum role role, const char *text)
{
    if (role != run->role || run->len + 5 * (size_t)cells + 1 > sizeof run->text)
        run_draw(run);
    run->role = role;
    run->len += fill_cell(run->text + run->len, sizeof run->text - run->len, cells, left, text);
    run->end += cells;
}

static void draw_row(struct panel *panel, const struct rect *rect, unsigned at, const struct model_row *row,
                     const struct layout_of_columns *layout, bool selected)
{
    char raw[4200], clean[4200];
    struct sample_process *process = row->process;
    unsigned details = 0;
    for (size_t i = 0; i < layout->count; i++)
        details |= layout->shown[i].column->details;
    sampler_detail(panel->sampler, process, details | SAMPLE_BY_TURNS);
    panel->some_hidden |= details & SAMPLE_NAMESPACES && process->hidden;
    bool marked = process->tag & TAG_MARKED;
    enum role whole = selected ? ROLE_SELECTED : marked ? ROLE_NOTICE : ROLE_TEXT;
    struct run run = { .panel = panel, .rect = rect, .row = at, .role = whole };
    for (size_t i = 0; i < layout->count; i++) {
        const struct shown *shown = &layout->shown[i];
        size_t used = 0;
        if (shown->col > run.end)
            run_add(&run, shown->col - run.end, true, whole, "");
        raw[0] = '\0';
        if (shown->column->width == 0) {
            if (marked)
                put(raw, sizeof raw, &used, "* ");
            if (panel->model.tree)
                tree_lines(panel, row, raw + used, sizeof raw - used);
            used = strlen(raw);
        }
        shown->column->format(&panel->model.facts, process, raw + used, sizeof raw - used);
        panel_clean(panel, raw, clean, sizeof clean);
        enum role role = selected || marked ? whole : role_of(shown->column, process);
        run_add(&run, shown->width, shown->column->left, role, clean);
    }
    if (rect->cols > run.end)
        run_add(&run, rect->cols - run.end, true, whole, "");
    run_draw(&run);
}

static void draw_titles(struct panel *panel, const struct rect *rect, const struct layout_of_columns *layout)
{
    draw_cell(panel, rect, 0, 0, rect->cols, true, ROLE_HEADING, "");
    for (size_t i = 0; i < layout->count; i++) {
        char title[32];
        const struct shown *shown = &layout->shown[i];
        bool sorted = shown->column == &columns[panel->model.sort];
        bool down = shown->column->descending != panel->model.reverse;
        const char *arrow = !sorted ? "" : theme_glyph(panel->theme, down ? GLYPH_MORE_BELOW : GLYPH_MORE_ABOVE);
        size_t room = strlen(shown->column->title) + 1;
        if (room > shown->width && shown->width > 0)
            arrow = ""; /* emphasis says it */
        snprintf(title, sizeof title, "%s%s", shown->column->title, arrow);
        draw_cell(panel, rect, 0, shown->col, shown->width, shown->column->left, sorted ? ROLE_SELECTED : ROLE_HEADING,
                  title);
    }
}

void draw_processes(struct panel *panel, const struct rect *rect, bool narrow)
{
    struct model *model = &panel->model;
    struct layout_of_columns layout;
    if (rect->rows < 2)
        return;
    choose_columns(panel, rect->cols, narrow, &layout);
    draw_titles(panel, rect, &layout);
    panel->header = (struct rect){ rect->row, rect->col, 1, rect->cols };
    panel->list = (struct rect){ rect->row + 1, rect->col, rect->rows - 1, rect->cols };
    unsigned rows = panel->list.rows;
    if (narrow) {
        model->top = 0;
    } else {
        if (model->selected < model->top)
            model->top = model->selected;
        if (model->selected >= model->top + rows)
            model->top = model->selected - rows + 1;
        if (model->count > rows && model->top > model->count - rows)
            model->top = model->count - rows;
        if (model->count <= rows)
            model->top = 0;
    }
    for (unsigned i = 0; i < rows && model->top + i < model->count; i++)
        draw_row(panel, &panel->list, i, &model->rows[model->top + i], &layout,
                 !narrow && model->top + i == model->selected);
    if (model->count == 0)
        draw_text(panel->theme, &panel->list, 0, 1, ROLE_FAINT,
                  model->hidden ? "No process is shown: F4 filters, u chooses a user." : "There is no process here.");
}

/* The picture. Everything is set in one fixed-pitch font, so that what fits where can be told without asking a font; lengths are whole units of the picture.
 *
 * Colours are attributes for light pages, which a style sheet overrules on dark ones: where style sheets are not read (or stripped, as some pages do), the light ones stay.
 */
#include "repl/play/display_internal.h"

#include "engine/base/cleanup.h"
#include "repl/screen/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 360,
    MARGIN = 12,
    INSIDE = WIDTH - 2 * MARGIN,
    LINE = 17,   /* from one line of text to the next */
    CELL10 = 73, /* tenths of a unit that a cell is wide, at 12 units a letter */
    CHIP = 20,   /* height */
    GAP = 6,
    BAR = 96,
    STEP = 14, /* of a tree, to the right */
};

/* What is painted how, in the light and in the dark. */
enum paint {
    PAINT_PAGE,
    PAINT_BOX,
    PAINT_OWN_BOX,
    PAINT_CHIP,
    PAINT_OWN_CHIP,
    PAINT_EMPTY_CHIP,
    PAINT_GROOVE,
    PAINT_BAR,
    PAINT_FULL_BAR,
    PAINT_LINE,
    PAINT_INK,
    PAINT_FAINT,
    PAINT_OWN,
    PAINTS,
};
static const struct {
    const char *name, *fill, *stroke, *dark_fill, *dark_stroke; /* stroke NULL: none */
} paints[PAINTS] = {
    [PAINT_PAGE] = { "page", "#ffffff", "#d0d7de", "#14171c", "#3d4450" },
    [PAINT_BOX] = { "box", "#f3f5f8", "#8c959f", "#1f242c", "#6b7686" },
    [PAINT_OWN_BOX] = { "ownbox", "#fff6ea", "#b35900", "#2d2212", "#e69a48" },
    [PAINT_CHIP] = { "chip", "#ffffff", "#6e7781", "#2b313b", "#8b96a6" },
    [PAINT_OWN_CHIP] = { "ownchip", "#ffe2bd", "#b35900", "#4a3413", "#e69a48" },
    [PAINT_EMPTY_CHIP] = { "empty", "none", "#8c959f", "none", "#6b7686" },
    [PAINT_GROOVE] = { "groove", "#dfe4ea", NULL, "#343b46", NULL },
    [PAINT_BAR] = { "bar", "#0a63c9", NULL, "#5aa9ff", NULL },
    [PAINT_FULL_BAR] = { "full", "#b35900", NULL, "#f0a050", NULL },
    [PAINT_LINE] = { "line", "none", "#8c959f", "none", "#6b7686" },
    [PAINT_INK] = { "ink", "#1b1f24", NULL, "#e8eaed", NULL },
    [PAINT_FAINT] = { "faint", "#535c66", NULL, "#a3adba", NULL },
    [PAINT_OWN] = { "own", "#7a3d00", NULL, "#ffc27a", NULL },
};

struct pen {
    FILE *out;
    int y; /* what is free below it */
};

static void put_paint(struct pen *pen, enum paint paint)
{
    fprintf(pen->out, " class=\"trd-%s\" fill=\"%s\"", paints[paint].name, paints[paint].fill);
    if (paints[paint].stroke)
        fprintf(pen->out, " stroke=\"%s\"", paints[paint].stroke);
}

static void put_styles(struct pen *pen)
{
    fputs("<style>@media (prefers-color-scheme:dark){", pen->out);
    for (size_t i = 0; i < PAINTS; i++) {
        fprintf(pen->out, ".trd-%s{fill:%s", paints[i].name, paints[i].dark_fill);
        if (paints[i].dark_stroke)
            fprintf(pen->out, ";stroke:%s", paints[i].dark_stroke);
        fputc('}', pen->out);
    }
    fputs("}</style>\n", pen->out);
}

static void put_box(struct pen *pen, enum paint paint, int x, int y, int width, int height, bool dashed)
{
    fprintf(pen->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"%s", x, y, width, height,
            dashed ? " stroke-dasharray=\"3 2\"" : "");
    put_paint(pen, paint);
    fputs("/>\n", pen->out);
}

static int cells_wide(int cells)
{
    return (cells * CELL10 + 9) / 10;
}

static unsigned fitting(int width)
{
    return width > CELL10 / 10 ? (unsigned)(width * 10 / CELL10) : 1;
}

static enum paint ink_of(enum display_role role)
{
    switch (role) {
    case DISPLAY_OWN:
    case DISPLAY_ALARM:
    case DISPLAY_GONE:
        return PAINT_OWN;
    case DISPLAY_FAINT:
    case DISPLAY_HIDDEN:
        return PAINT_FAINT;
    default:
        return PAINT_INK;
    }
}

static bool is_bold(enum display_role role)
{
    return role == DISPLAY_STRONG || role == DISPLAY_OWN || role == DISPLAY_ALARM;
}

/* @len bytes of @text on the line whose foot is at @y. */
static void put_piece(struct pen *pen, int x, int y, enum display_role role, const char *text, size_t len)
{
    cleanup_free char *piece = strndup(text, len);
    fprintf(pen->out, "<text x=\"%d\" y=\"%d\"%s%s", x, y, is_bold(role) ? " font-weight=\"bold\"" : "",
            role == DISPLAY_GONE ? " text-decoration=\"line-through\"" : "");
    put_paint(pen, ink_of(role));
    fputc('>', pen->out);
    display_escaped(pen->out, piece ? piece : "");
    fputs("</text>\n", pen->out);
}

/* On one line: its end gives way. */
static void put_cut(struct pen *pen, int x, int y, enum display_role role, const char *text, int width)
{
    unsigned room = fitting(width);
    if (display_width(text) <= room) {
        put_piece(pen, x, y, role, text, strlen(text));
        return;
    }
    cleanup_free char *cut = NULL;
    if (asprintf(&cut, "%.*s…", (int)display_fit(text, room - 1), text) < 0)
        cut = NULL;
    put_piece(pen, x, y, role, cut ? cut : "", cut ? strlen(cut) : 0);
}

/* As many lines as it takes, the later ones @hang further in; broken at blanks where there are any. */
static void put_wrapped(struct pen *pen, int x, int width, int hang, enum display_role role, const char *text)
{
    bool first = true;
    while (*text) {
        int in = first ? 0 : hang;
        size_t len = strlen(text), fits = display_fit(text, fitting(width - in));
        if (fits == 0)
            fits = utf8_expected((unsigned char)*text);
        if (fits < len) {
            size_t blank = fits;
            while (blank > 0 && text[blank] != ' ')
                blank--;
            fits = blank > 0 ? blank : fits;
        }
        pen->y += LINE;
        put_piece(pen, x + in, pen->y - 4, role, text, fits < len ? fits : len);
        text += fits < len ? fits : len;
        text += strspn(text, " ");
        first = false;
    }
}

/* A heading, cut to one line. */
static void put_large(struct pen *pen, int size, const char *text)
{
    unsigned room = (unsigned)(INSIDE * 120 / (CELL10 * size));
    bool cut = display_width(text) > room;
    cleanup_free char *shown = strndup(text, cut ? display_fit(text, room - 1) : strlen(text));
    fprintf(pen->out, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" font-weight=\"bold\"", MARGIN, pen->y - 4, size);
    put_paint(pen, PAINT_INK);
    fputc('>', pen->out);
    display_escaped(pen->out, shown ? shown : "");
    fputs(cut ? "…</text>\n" : "</text>\n", pen->out);
}

static void put_heading(struct pen *pen, const struct display_section *section)
{
    pen->y += 12;
    fprintf(pen->out, "<path d=\"M%d %dh%d\"", MARGIN, pen->y, INSIDE);
    put_paint(pen, PAINT_LINE);
    fputs(" opacity=\"0.5\"/>\n", pen->out);
    pen->y += 22;
    put_large(pen, 13, section->heading);
}

/* ---- chips: small boxes that flow ---- */

struct chips {
    int left, right; /* between which they flow */
    int x, y;        /* of the next one's corner */
};

static void put_chip(struct pen *pen, struct chips *chips, enum paint paint, enum display_role role, const char *text)
{
    unsigned most = fitting(chips->right - chips->left - 2 * GAP), cells = display_width(text);
    int width = cells_wide((int)(cells < most ? cells : most)) + 2 * GAP;
    if (chips->x > chips->left && chips->x + width > chips->right) {
        chips->x = chips->left;
        chips->y += CHIP + 4;
    }
    put_box(pen, paint, chips->x, chips->y, width, CHIP, paint == PAINT_EMPTY_CHIP);
    put_cut(pen, chips->x + GAP, chips->y + 14, role, text, width - 2 * GAP + 1);
    chips->x += width + 4;
}

/* ---- namespaces ---- */

static bool is_own(const struct display_row *row)
{
    return row->cells[0].role == DISPLAY_OWN;
}

/* "≠ mount uts: alone in it": the kinds of one company share a sentence. */
static void put_company(struct pen *pen, const struct display_section *section, int x, int width)
{
    for (size_t r = 0; r < section->row_count; r++) {
        const struct display_row *row = &section->rows[r];
        bool told = false;
        for (size_t k = 0; k < r; k++)
            told |= is_own(&section->rows[k]) && strcmp(section->rows[k].cells[2].text, row->cells[2].text) == 0;
        if (!is_own(row) || told)
            continue;
        char kinds[128] = "";
        for (size_t k = r; k < section->row_count; k++)
            if (is_own(&section->rows[k]) && strcmp(section->rows[k].cells[2].text, row->cells[2].text) == 0)
                snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%s%s", *kinds ? ", " : "",
                         section->rows[k].cells[0].text + strlen("≠ "));
        cleanup_free char *sentence = NULL;
        if (asprintf(&sentence, "%s: %s", kinds, row->cells[2].text) < 0)
            sentence = NULL;
        if (sentence)
            put_wrapped(pen, x, width, STEP, DISPLAY_PLAIN, sentence);
    }
}

/* The process's box: what is its own, and with whom. */
static void put_own_box(struct pen *pen, const struct display *display, const struct display_section *section)
{
    int top = pen->y, x = MARGIN + 10, width = INSIDE - 20;
    cleanup_free char *inside = NULL;
    size_t size = 0;
    struct pen in = { .out = open_memstream(&inside, &size), .y = top + 4 };
    if (!in.out)
        return;
    const char *who = strchr(display->title, ':');
    bool any = false;
    for (size_t r = 0; r < section->row_count; r++)
        any |= is_own(&section->rows[r]);
    put_wrapped(&in, x + 8, width - 16, 0, DISPLAY_STRONG, who ? who + 2 : display->title);
    put_wrapped(&in, x + 8, width - 16, 0, DISPLAY_PLAIN, any ? "its own namespaces:" : "no namespace of its own");
    struct chips chips = { .left = x + 8, .right = x + width - 8, .x = x + 8, .y = in.y + 4 };
    for (size_t r = 0; r < section->row_count; r++)
        if (is_own(&section->rows[r]))
            put_chip(&in, &chips, PAINT_OWN_CHIP, DISPLAY_OWN, section->rows[r].cells[0].text);
    if (any)
        in.y = chips.y + CHIP + 2;
    put_company(&in, section, x + 8, width - 16);
    if (*section->lead)
        put_wrapped(&in, x + 8, width - 16, STEP, DISPLAY_OWN, section->lead);
    fclose(in.out);
    in.y += 6;
    put_box(pen, any ? PAINT_OWN_BOX : PAINT_CHIP, x, top, width, in.y - top, false);
    fputs(inside ? inside : "", pen->out);
    pen->y = in.y;
}

static void put_namespaces(struct pen *pen, const struct display *display, const struct display_section *section)
{
    int top = pen->y + 4;
    cleanup_free char *inside = NULL;
    size_t size = 0;
    struct pen in = { .out = open_memstream(&inside, &size), .y = top + 4 };
    if (!in.out)
        return;
    put_wrapped(&in, MARGIN + 10, INSIDE - 20, 0, DISPLAY_STRONG, "the lab");
    struct chips chips = { .left = MARGIN + 10, .right = MARGIN + INSIDE - 8, .x = MARGIN + 10, .y = in.y + 4 };
    bool any_own = false;
    for (size_t r = 0; r < section->row_count; r++) {
        const struct display_cell *kind = &section->rows[r].cells[0];
        bool own = is_own(&section->rows[r]);
        any_own |= own;
        put_chip(&in, &chips, own ? PAINT_EMPTY_CHIP : PAINT_CHIP, own ? DISPLAY_FAINT : kind->role,
                 own ? kind->text + strlen("≠ ") : kind->text);
    }
    in.y = chips.y + CHIP + 2;
    put_wrapped(&in, MARGIN + 10, INSIDE - 20, 0, DISPLAY_FAINT,
                any_own ? "= shared with it; dashed: the lab's alone" : "= shared with it");
    in.y += 6;
    put_own_box(&in, display, section);
    fclose(in.out);
    in.y += 10;
    put_box(pen, PAINT_BOX, MARGIN, top, INSIDE, in.y - top, false);
    fputs(inside ? inside : "", pen->out);
    pen->y = in.y;
}

/* ---- trees ---- */

static int tree_x(const struct display_row *row)
{
    return MARGIN + 2 + (int)row->indent * STEP;
}

/* From the row above that it is below: @feet has where each row's first line is. */
static void put_branch(struct pen *pen, const struct display_section *section, size_t r, const int *feet)
{
    size_t parent = r;
    while (parent > 0 && section->rows[parent].indent >= section->rows[r].indent)
        parent--;
    if (section->rows[r].indent == 0 || parent == r)
        return;
    fprintf(pen->out, "<path d=\"M%d %dV%dh%d\"", tree_x(&section->rows[parent]) + 4, feet[parent] + 4, feet[r] - 4,
            STEP - 7);
    put_paint(pen, PAINT_LINE);
    fputs("/>\n", pen->out);
}

static void put_tree(struct pen *pen, const struct display_section *section)
{
    cleanup_free int *feet = calloc(section->row_count + 1, sizeof *feet);
    for (size_t r = 0; feet && r < section->row_count; r++) {
        const struct display_row *row = &section->rows[r];
        int x = tree_x(row), right = MARGIN + INSIDE;
        cleanup_free char *rest = NULL;
        const char *numbers = section->column_count > 2 ? row->cells[1].text : "";
        const char *ended = row->cells[section->column_count - 1].text;
        if (asprintf(&rest, "%s%s%s", numbers, *numbers && *ended ? ", " : "", ended) < 0)
            return;
        int wide = cells_wide((int)display_width(rest)), name = cells_wide((int)display_width(row->cells[0].text) + 1);
        bool beside = x + name + wide <= right;
        feet[r] = pen->y + LINE - 4;
        if (row->shown)
            put_box(pen, PAINT_CHIP, x - 4, pen->y, right - x + 4, (beside || !*rest ? 1 : 2) * LINE + 1, false);
        put_branch(pen, section, r, feet);
        pen->y += LINE;
        put_cut(pen, x, pen->y - 4, row->cells[0].role, row->cells[0].text, right - x);
        if (!beside && *rest)
            pen->y += LINE;
        if (*rest)
            put_cut(pen, beside ? right - wide - 4 : x + STEP, pen->y - 4,
                    section->column_count > 2 ? row->cells[1].role : DISPLAY_FAINT, rest,
                    beside ? wide + 4 : right - x - STEP);
        pen->y += 2;
    }
}

/* "memory ▮▮▮▯▯ 12M of 80M" */
static void put_figure(struct pen *pen, int x, const char *label, const struct display_cell *cell)
{
    cleanup_free char *words = NULL;
    int bar_x = x + cells_wide(7);
    if (cell->share < 0) {
        if (asprintf(&words, "%s %s", label, cell->text) >= 0)
            put_wrapped(pen, x, MARGIN + INSIDE - x, STEP, cell->role, words);
        return;
    }
    pen->y += LINE;
    put_cut(pen, x, pen->y - 4, DISPLAY_FAINT, label, bar_x - x);
    put_box(pen, PAINT_GROOVE, bar_x, pen->y - 13, BAR, 10, false);
    if ((int)(cell->share * BAR) > 0)
        put_box(pen, cell->role == DISPLAY_ALARM ? PAINT_FULL_BAR : PAINT_BAR, bar_x, pen->y - 13,
                (int)(cell->share * BAR), 10, false);
    put_cut(pen, bar_x + BAR + GAP, pen->y - 4, cell->role, cell->text, MARGIN + INSIDE - bar_x - BAR - GAP);
}

static void put_groups(struct pen *pen, const struct display_section *section)
{
    static const char *const labels[] = { "", "memory", "CPU", "tasks" };
    cleanup_free int *feet = calloc(section->row_count + 1, sizeof *feet);
    for (size_t r = 0; feet && r < section->row_count; r++) {
        const struct display_row *row = &section->rows[r];
        int x = tree_x(row);
        feet[r] = pen->y + LINE - 4;
        put_branch(pen, section, r, feet);
        put_wrapped(pen, x, MARGIN + INSIDE - x, STEP, row->cells[0].role, row->cells[0].text);
        for (size_t c = 1; c < 4; c++)
            if (*row->cells[c].text)
                put_figure(pen, x + STEP, labels[c], &row->cells[c]);
        if (*row->cells[4].text)
            put_wrapped(pen, x + STEP, MARGIN + INSIDE - x - STEP, 0, row->cells[4].role, row->cells[4].text);
        pen->y += 5;
    }
}

/* ---- layers ---- */

/* A slab: its name, and a chip for each file in it. */
static void put_slab(struct pen *pen, const struct display_section *section, size_t column, enum paint paint)
{
    enum { MOST = 16 };
    int top = pen->y + 4;
    size_t files = 0;
    char more[40];
    cleanup_free char *inside = NULL;
    size_t size = 0;
    struct pen in = { .out = open_memstream(&inside, &size), .y = top + 3 };
    if (!in.out)
        return;
    put_wrapped(&in, MARGIN + 8, INSIDE - 16, 0, column ? DISPLAY_PLAIN : DISPLAY_STRONG, section->columns[column]);
    struct chips chips = { .left = MARGIN + 8, .right = MARGIN + INSIDE - 8, .x = MARGIN + 8, .y = in.y + 3 };
    for (size_t r = 0; r < section->row_count; r++) {
        const struct display_cell *cell = &section->rows[r].cells[column];
        bool own = cell->role == DISPLAY_GONE, hidden = cell->role == DISPLAY_HIDDEN;
        if (*cell->text && ++files <= MOST)
            put_chip(&in, &chips,
                     own      ? PAINT_OWN_CHIP
                     : hidden ? PAINT_EMPTY_CHIP
                              : PAINT_CHIP,
                     cell->role, cell->text);
    }
    snprintf(more, sizeof more, files ? "and %zu more" : "empty", files > MOST ? files - MOST : 0);
    in.y = files ? chips.y + CHIP : in.y;
    if (files == 0 || files > MOST)
        put_wrapped(&in, MARGIN + 8, INSIDE - 16, 0, DISPLAY_FAINT, more);
    fclose(in.out);
    in.y += 7;
    put_box(pen, paint, MARGIN, top, INSIDE, in.y - top, false);
    fputs(inside ? inside : "", pen->out);
    pen->y = in.y;
}

static void put_layers(struct pen *pen, const struct display_section *section)
{
    for (size_t c = 0; c < section->column_count; c++) {
        bool upper = c == 1 && strncmp(section->columns[c], "upper: ", 7) == 0;
        put_slab(pen, section, c, upper ? PAINT_OWN_BOX : c ? PAINT_BOX : PAINT_PAGE);
    }
}

/* ---- lists ---- */

static void put_list(struct pen *pen, const struct display_section *section)
{
    for (size_t r = 0; r < section->row_count; r++) {
        const struct display_row *row = &section->rows[r];
        cleanup_free char *rest = NULL;
        size_t size = 0;
        FILE *words = open_memstream(&rest, &size);
        if (!words)
            return;
        bool any = false;
        for (size_t c = 1; c < section->column_count; c++)
            if (*row->cells[c].text) {
                fprintf(words, "%s%s", any ? " " : "", row->cells[c].text);
                any = true;
            }
        fclose(words);
        int first = cells_wide((int)display_width(row->cells[0].text) + 1);
        put_wrapped(pen, MARGIN, INSIDE, STEP, row->cells[0].role, row->cells[0].text);
        bool beside = rest && first + cells_wide((int)display_width(rest)) <= INSIDE;
        if (beside)
            pen->y -= LINE;
        put_wrapped(pen, MARGIN + (beside ? first : STEP), INSIDE - (beside ? first : STEP), 0, DISPLAY_PLAIN,
                    rest ? rest : "");
    }
}

/* ---- the whole ---- */

static void put_section(struct pen *pen, const struct display *display, const struct display_section *section)
{
    put_heading(pen, section);
    if (section->form != DISPLAY_NAMESPACES)
        put_wrapped(pen, MARGIN, INSIDE, 0, DISPLAY_PLAIN, section->lead);
    switch (section->form) {
    case DISPLAY_NAMESPACES:
        put_namespaces(pen, display, section);
        break;
    case DISPLAY_TREE:
        put_tree(pen, section);
        break;
    case DISPLAY_GROUPS:
        put_groups(pen, section);
        break;
    case DISPLAY_LAYERS:
        put_layers(pen, section);
        break;
    case DISPLAY_LIST:
        put_list(pen, section);
        break;
    }
    put_wrapped(pen, MARGIN, INSIDE, 0, DISPLAY_FAINT, section->rest);
}

void display_picture(const struct display *display, FILE *out)
{
    cleanup_free char *body = NULL, *words = display_string(display, display_text);
    size_t size = 0;
    struct pen pen = { .out = open_memstream(&body, &size), .y = 8 };
    if (!pen.out)
        return;
    pen.y += 20;
    put_large(&pen, 14, display->title);
    put_wrapped(&pen, MARGIN, INSIDE, 0, DISPLAY_FAINT, display->summary);
    for (size_t i = 0; i < display->section_count; i++)
        put_section(&pen, display, &display->sections[i]);
    fclose(pen.out);
    int height = pen.y + MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
            "style=\"max-width:100%%;height:auto\" font-size=\"12\" "
            "font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace\">\n<title>",
            WIDTH, height, WIDTH, height);
    display_escaped(out, display->title);
    fputs("</title>\n<desc>", out);
    for (char *line = words; line && (line = strchr(line, '\n'));) /* an empty line would end it in Markdown */
        *line = ' ';
    display_escaped(out, words ? words : display->summary);
    fputs("</desc>\n", out);
    struct pen page = { .out = out };
    put_styles(&page);
    fprintf(out, "<rect x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"", WIDTH - 1, height - 1);
    put_paint(&page, PAINT_PAGE);
    fputs("/>\n", out);
    fputs(body ? body : "", out);
    fputs("</svg>\n", out);
}

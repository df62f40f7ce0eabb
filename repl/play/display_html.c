/* Tables: what the page's own style makes of them. */
#include "repl/play/display_internal.h"

#include <string.h>

/* The element that says in a page what the role is, so that it is heard and printed too; the marks in the text say it once more. */
static const struct {
    const char *open, *close;
} elements[] = {
    [DISPLAY_PLAIN] = { "", "" },           [DISPLAY_STRONG] = { "<strong>", "</strong>" },
    [DISPLAY_FAINT] = { "", "" },           [DISPLAY_OWN] = { "<strong>", "</strong>" },
    [DISPLAY_SHARED] = { "", "" },          [DISPLAY_HIDDEN] = { "<em>", "</em>" },
    [DISPLAY_GONE] = { "<del>", "</del>" }, [DISPLAY_ALARM] = { "<strong>", "</strong>" },
};

#define CELL "text-align:left;vertical-align:top;padding:.15em .6em .15em 0"

static void put_cell(const struct display_section *section, const struct display_row *row, size_t column, FILE *out)
{
    const struct display_cell *cell = &row->cells[column];
    bool head = column == 0;
    fprintf(out, "<%s style=\"" CELL, head ? "th scope=\"row\"" : "td");
    if (head)
        fprintf(out, ";font-weight:normal;padding-left:%u.%uem", row->indent * 12 / 10, row->indent * 12 % 10);
    fputs("\">", out);
    fputs(elements[cell->role].open, out);
    display_escaped(out, cell->text);
    if (head && row->shown)
        fputs(" (this one)", out);
    fputs(elements[cell->role].close, out);
    fputs(head ? "</th>" : "</td>", out);
}

static void put_paragraph(const char *text, FILE *out)
{
    if (!*text)
        return;
    fputs("<p style=\"margin:.3em 0\">", out);
    display_escaped(out, text);
    fputs("</p>\n", out);
}

static void put_table(const struct display_section *section, FILE *out)
{
    fputs("<table style=\"border-collapse:collapse;font-size:inherit;margin:.8em 0\">\n"
          "<caption style=\"text-align:left;caption-side:top\"><strong>",
          out);
    display_escaped(out, section->heading);
    fputs(*section->lead ? "</strong> " : "</strong>", out);
    display_escaped(out, section->lead);
    fputs("</caption>\n<thead><tr>", out);
    for (size_t c = 0; c < section->column_count; c++) {
        fputs("<th scope=\"col\" style=\"" CELL ";border-bottom:1px solid\">", out);
        display_escaped(out, section->columns[c]);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t r = 0; r < section->row_count; r++) {
        fputs("<tr>", out);
        for (size_t c = 0; c < section->column_count; c++)
            put_cell(section, &section->rows[r], c, out);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}

void display_tables(const struct display *display, FILE *out)
{
    fputs("<div style=\"overflow-x:auto;max-width:100%;line-height:1.4\">\n<p style=\"margin:.3em 0\"><strong>", out);
    display_escaped(out, display->title);
    fputs("</strong></p>\n", out);
    put_paragraph(display->summary, out);
    for (size_t i = 0; i < display->section_count; i++) {
        const struct display_section *section = &display->sections[i];
        if (section->row_count) {
            put_table(section, out);
        } else {
            fputs("<p style=\"margin:.8em 0 0\"><strong>", out);
            display_escaped(out, section->heading);
            fputs("</strong> ", out);
            display_escaped(out, section->lead);
            fputs("</p>\n", out);
        }
        put_paragraph(section->rest, out);
    }
    fputs("</div>\n", out);
}

void display_figure(const struct display *display, FILE *out)
{
    fputs("<figure style=\"margin:.5em 0\">\n", out);
    display_picture(display, out);
    fputs("<details><summary>The same as tables</summary>\n", out);
    display_tables(display, out);
    fputs("</details>\n</figure>\n", out);
}

/* The description itself: what all three ways of writing it share, and the one in plain text. */
#include "repl/play/display.h"

#include "engine/base/cleanup.h"
#include "repl/play/display_internal.h"
#include "repl/screen/utf8.h"

#include <stdlib.h>
#include <string.h>

static void free_section(struct display_section *section)
{
    for (size_t r = 0; r < section->row_count; r++) {
        for (size_t c = 0; section->rows[r].cells && c < section->column_count; c++) {
            free(section->rows[r].cells[c].text);
            free(section->rows[r].cells[c].steady);
        }
        free(section->rows[r].cells);
    }
    for (size_t c = 0; section->columns && c < section->column_count; c++)
        free(section->columns[c]);
    free(section->rows);
    free(section->columns);
    free(section->heading);
    free(section->lead);
    free(section->steady);
    free(section->rest);
}

void display_free(struct display *display)
{
    if (!display)
        return;
    for (size_t i = 0; i < display->section_count; i++)
        free_section(&display->sections[i]);
    free(display->sections);
    free(display->title);
    free(display->summary);
    free(display->steady);
    free(display);
}

/* ---- the same? ---- */

static bool same_text(const char *one, const char *one_steady, const char *other, const char *other_steady)
{
    return strcmp(one_steady ? one_steady : one, other_steady ? other_steady : other) == 0;
}

static bool same_row(const struct display_row *one, const struct display_row *other, size_t columns)
{
    for (size_t c = 0; c < columns; c++)
        if (!same_text(one->cells[c].text, one->cells[c].steady, other->cells[c].text, other->cells[c].steady) ||
            one->cells[c].role != other->cells[c].role)
            return false;
    return one->indent == other->indent && one->shown == other->shown;
}

static bool same_section(const struct display_section *one, const struct display_section *other)
{
    if (one->form != other->form || strcmp(one->heading, other->heading) != 0 ||
        one->column_count != other->column_count || one->row_count != other->row_count ||
        !same_text(one->lead, one->steady, other->lead, other->steady) || strcmp(one->rest, other->rest) != 0)
        return false;
    for (size_t c = 0; c < one->column_count; c++)
        if (strcmp(one->columns[c], other->columns[c]) != 0)
            return false;
    for (size_t r = 0; r < one->row_count; r++)
        if (!same_row(&one->rows[r], &other->rows[r], one->column_count))
            return false;
    return true;
}

bool display_same(const struct display *one, const struct display *other)
{
    if (!one || !other)
        return one == other;
    if (strcmp(one->title, other->title) != 0 || one->section_count != other->section_count ||
        !same_text(one->summary, one->steady, other->summary, other->steady))
        return false;
    for (size_t i = 0; i < one->section_count; i++)
        if (!same_section(&one->sections[i], &other->sections[i]))
            return false;
    return true;
}

/* ---- text ---- */

static void put_padded(FILE *out, const char *text, unsigned width)
{
    unsigned taken = display_width(text);
    fprintf(out, "%s%*s", text, taken < width ? (int)(width - taken) : 0, "");
}

static bool has_headings(const struct display_section *section)
{
    return section->form != DISPLAY_LIST && section->form != DISPLAY_TREE;
}

/* The column's width; 0 where nothing stands in it. */
static unsigned column_width(const struct display_section *section, size_t column)
{
    unsigned widest = 0;
    for (size_t r = 0; r < section->row_count; r++) {
        const struct display_row *row = &section->rows[r];
        unsigned width = display_width(row->cells[column].text) + (column ? 0 : row->indent * 2);
        widest = width > widest ? width : widest;
    }
    unsigned heading = has_headings(section) ? display_width(section->columns[column]) : 0;
    return widest == 0 && section->form != DISPLAY_LAYERS ? 0 : widest > heading ? widest : heading;
}

static size_t last_filled(const struct display_section *section, const struct display_row *row)
{
    size_t last = section->column_count;
    while (last > 0 && !*row->cells[last - 1].text)
        last--;
    return last;
}

static void text_row(const struct display_section *section, const struct display_row *row, const unsigned *width,
                     bool mark, FILE *out)
{
    size_t last = last_filled(section, row);
    fputs(mark && row->shown ? "> " : "  ", out);
    fprintf(out, "%*s", (int)row->indent * 2, "");
    for (size_t c = 0; c < last; c++) {
        unsigned indent = c ? 0 : row->indent * 2;
        if (width[c] == 0)
            continue;
        put_padded(out, row->cells[c].text, c + 1 == last || section->form == DISPLAY_LIST ? 0 : width[c] - indent);
        if (c + 1 < last)
            fputs(section->form == DISPLAY_LIST ? " " : "  ", out);
    }
    fputc('\n', out);
}

static void text_section(const struct display_section *section, FILE *out)
{
    cleanup_free unsigned *width = calloc(section->column_count + 1, sizeof *width);
    if (!width)
        return;
    for (size_t c = 0; c < section->column_count; c++)
        width[c] = column_width(section, c);
    fprintf(out, "\n%s\n", section->heading);
    if (*section->lead)
        fprintf(out, "  %s\n", section->lead);
    if (has_headings(section) && section->row_count) {
        fputs("  ", out);
        bool first = true;
        for (size_t c = 0; c < section->column_count; c++) {
            if (width[c] == 0)
                continue;
            fputs(first ? "" : "  ", out);
            put_padded(out, section->columns[c], c + 1 == section->column_count ? 0 : width[c]);
            first = false;
        }
        fputc('\n', out);
    }
    for (size_t r = 0; r < section->row_count; r++)
        text_row(section, &section->rows[r], width, section->form == DISPLAY_TREE, out);
    if (*section->rest)
        fprintf(out, "  %s\n", section->rest);
}

void display_text(const struct display *display, FILE *out)
{
    fprintf(out, "%s\n%s\n", display->title, display->summary);
    for (size_t i = 0; i < display->section_count; i++)
        text_section(&display->sections[i], out);
}

/* ---- all of them ---- */

unsigned display_width(const char *text)
{
    return utf8_width(text, strlen(text));
}

size_t display_fit(const char *text, unsigned cells)
{
    return utf8_fit(text, strlen(text), cells);
}

char *display_string(const struct display *display, display_writer *writer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    writer(display, out);
    bool good = !ferror(out);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}

json_t *display_bundle(const struct display *display)
{
    static const struct {
        const char *type;
        display_writer *writer;
    } types[] = { { "text/plain", display_text },
                  { "text/html", display_figure },
                  { "image/svg+xml", display_picture } };
    json_t *bundle = json_object();
    for (size_t i = 0; bundle && i < sizeof types / sizeof *types; i++) {
        cleanup_free char *text = display_string(display, types[i].writer);
        if (!text || json_object_set_new(bundle, types[i].type, json_string(text)) < 0) {
            json_decref(bundle);
            return NULL;
        }
    }
    return bundle;
}

void display_escaped(FILE *out, const char *text)
{
    static const struct {
        char sign;
        const char *name;
    } names[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" } };
    size_t len = strlen(text);
    while (len) {
        uint32_t character;
        size_t bytes = utf8_decode(text, len, &character), n = 0;
        bool allowed =
            (character >= 0x20 || character == '\n' || character == '\t') && character != 0xfffe && character != 0xffff;
        while (n < sizeof names / sizeof *names && names[n].sign != *text)
            n++;
        if (n < sizeof names / sizeof *names)
            fputs(names[n].name, out);
        else if (!allowed || (bytes == 1 && (unsigned char)*text >= 0x80))
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text, 1, bytes, out);
        text += bytes;
        len -= bytes;
    }
}

#include "repl/play/page.h"

#include "repl/session/vtguard.h"

#include <stdlib.h>
#include <string.h>

void page_text(FILE *out, const char *text)
{
    for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
        uint32_t code = (unsigned char)*text;
        n = code < 0x80 ? 1 : vtguard_decode(text, len, &code);
        bool control = (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0);
        if (control || code == 0xfffd)
            fputs("\xef\xbf\xbd", out);
        else if (strchr("&<>\"'", (int)code) && code < 0x80)
            fprintf(out, "&#%u;", code);
        else
            fwrite(text, 1, n, out);
    }
}

void page_picture(FILE *out, const char *svg, const char *what)
{
    fputs("<img src=\"data:image/svg+xml,", out);
    for (; *svg; svg++)
        if ((*svg >= 'a' && *svg <= 'z') || (*svg >= 'A' && *svg <= 'Z') || (*svg >= '0' && *svg <= '9') ||
            strchr(" ;:/.,-()", *svg))
            fputc(*svg, out);
        else
            fprintf(out, "%%%02X", (unsigned char)*svg);
    fputs("\" alt=\"", out);
    page_text(out, what);
    fputs("\">\n", out);
}

static void add_class(char *buf, const char *name)
{
    size_t len = strlen(buf);
    snprintf(buf + len, PAGE_CLASSES - len, "%s%s", len ? " " : "", name);
}

static void add_colour(char *buf, char ground, bool used[256], const uint8_t *colour)
{
    char name[8];
    if (colour) {
        used[*colour] = true;
        snprintf(name, sizeof name, "%c%u", ground, *colour);
    } else { /* reversed: the page's own colours the other way round */
        snprintf(name, sizeof name, "%cd", ground);
    }
    add_class(buf, name);
}

const char *page_classes(struct page *page, const struct canvas_cell *cell, char buf[PAGE_CLASSES])
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = { { PEN_BOLD, "B" },      { PEN_DIM, "D" },    { PEN_ITALIC, "I" },
                  { PEN_UNDERLINE, "U" }, { PEN_STRIKE, "S" }, { PEN_BLINK, "L" } };
    const uint8_t *fg = cell->flags & PEN_FG ? &cell->fg : NULL, *bg = cell->flags & PEN_BG ? &cell->bg : NULL;
    bool reverse = cell->flags & PEN_REVERSE;
    buf[0] = '\0';
    if (reverse) {
        add_colour(buf, 'f', page->fg, bg);
        add_colour(buf, 'g', page->bg, fg);
    } else {
        if (fg)
            add_colour(buf, 'f', page->fg, fg);
        if (bg)
            add_colour(buf, 'g', page->bg, bg);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cell->flags & names[i].flag)
            add_class(buf, names[i].name);
    return buf;
}

static void put_escaped_cells(FILE *out, const struct canvas_cell *cells, unsigned count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (!stream)
        return;
    canvas_put_text(stream, cells, count);
    fclose(stream);
    page_text(out, text);
    free(text);
}

void page_cells(struct page *page, const struct canvas_cell *cells, unsigned count)
{
    char classes[PAGE_CLASSES];
    for (unsigned at = 0, run; at < count; at += run) {
        run = canvas_run(cells + at, count - at);
        page_classes(page, &cells[at], classes);
        if (classes[0])
            fprintf(page->out, "<span class=\"%s\">", classes);
        put_escaped_cells(page->out, cells + at, run);
        if (classes[0])
            fputs("</span>", page->out);
    }
}

/* xterm's cube and greys; the first sixteen are the theme's. */
static unsigned rgb(unsigned colour)
{
    const unsigned parts[] = { (colour - 16) / 36, (colour - 16) / 6 % 6, (colour - 16) % 6 };
    unsigned value = 0;
    if (colour >= 232)
        return (8 + 10 * (colour - 232)) * 0x10101u;
    for (int i = 0; i < 3; i++)
        value = value << 8 | (parts[i] ? 55 + 40 * parts[i] : 0);
    return value;
}

static void put_rules(FILE *out, const bool used[256], const char *selector, const char *property)
{
    for (unsigned i = 0; i < 256; i++) {
        if (!used[i])
            continue;
        if (i < 16)
            fprintf(out, ".%s%u{%s:var(--c%u)}", selector, i, property, i);
        else
            fprintf(out, ".%s%u{%s:#%06x}", selector, i, property, rgb(i));
    }
}

void page_colours(const struct page *page, FILE *out)
{
    put_rules(out, page->fg, "f", "color");
    put_rules(out, page->bg, "g", "background-color");
}

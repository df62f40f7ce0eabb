#include "repl/screen/flow.h"

#include "repl/screen/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIXES 24

struct prefix {
    char *first, *rest;
    enum role role;
    bool begun; /* @first was put before a line */
};

/* Spans that grow at their end; the word being gathered and the line being filled are both one. */
struct run {
    struct span *spans;
    size_t count, room;
    unsigned cells;
};

struct flow {
    const struct theme *theme;
    unsigned width;
    struct line *lines;
    size_t count, room;
    struct prefix prefixes[PREFIXES];
    unsigned depth, overflow; /* pushes beyond PREFIXES are counted only */
    struct run line, word;
    unsigned lead;  /* cells of the open line's prefixes */
    bool open;      /* the line has its prefixes */
    bool space;     /* a blank stands between the line and the word being gathered */
    enum role gap;  /* role of that blank */
    bool has_words; /* something stands after the prefixes */
};

static void run_clear(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        free(run->spans[i].text);
    run->count = 0;
    run->cells = 0;
}

/* Append @len bytes; joined to the last span where the role is the same. */
static void run_add(struct run *run, enum role role, const char *text, size_t len, unsigned cells)
{
    if (len == 0)
        return;
    struct span *last = run->count ? &run->spans[run->count - 1] : NULL;
    if (last && last->role == role) {
        size_t had = strlen(last->text);
        char *longer = realloc(last->text, had + len + 1);
        if (!longer)
            return;
        memcpy(longer + had, text, len);
        longer[had + len] = '\0';
        last->text = longer;
        last->cells += cells;
        run->cells += cells;
        return;
    }
    if (run->count == run->room || !run->spans) {
        size_t room = run->room ? run->room * 2 : 8;
        struct span *more = realloc(run->spans, room * sizeof(*more));
        if (!more)
            return;
        run->spans = more;
        run->room = room;
    }
    char *copy = strndup(text, len);
    if (!copy)
        return;
    run->spans[run->count++] = (struct span){ copy, role, cells };
    run->cells += cells;
}

struct flow *flow_new(const struct theme *theme, unsigned width)
{
    struct flow *flow = calloc(1, sizeof(*flow));
    if (!flow)
        return NULL;
    flow->theme = theme;
    flow->width = width ? width : 1;
    return flow;
}

void flow_free(struct flow *flow)
{
    if (!flow)
        return;
    for (size_t i = 0; i < flow->count; i++) {
        for (size_t j = 0; j < flow->lines[i].count; j++)
            free(flow->lines[i].spans[j].text);
        free(flow->lines[i].spans);
    }
    free(flow->lines);
    run_clear(&flow->line);
    run_clear(&flow->word);
    free(flow->line.spans);
    free(flow->word.spans);
    for (unsigned i = 0; i < flow->depth; i++) {
        free(flow->prefixes[i].first);
        free(flow->prefixes[i].rest);
    }
    free(flow);
}

const struct theme *flow_theme(const struct flow *flow)
{
    return flow->theme;
}

/* Text nested too deeply for a small pane loses its indent, not its place. */
static unsigned prefix_limit(const struct flow *flow)
{
    return flow->width * 2 / 3;
}

static void put_prefix(struct flow *flow, enum role role, const char *text)
{
    unsigned limit = prefix_limit(flow);
    unsigned left = flow->line.cells < limit ? limit - flow->line.cells : 0;
    size_t fit = utf8_fit(text, strlen(text), left);
    run_add(&flow->line, role, text, fit, utf8_width(text, fit));
}

static void open_line(struct flow *flow)
{
    if (flow->open)
        return;
    flow->open = true;
    flow->has_words = false;
    for (unsigned i = 0; i < flow->depth; i++) {
        struct prefix *prefix = &flow->prefixes[i];
        put_prefix(flow, prefix->role, prefix->begun ? prefix->rest : prefix->first);
        prefix->begun = true;
    }
    flow->lead = flow->line.cells;
}

unsigned flow_width(const struct flow *flow)
{
    unsigned cells = 0, limit = prefix_limit(flow);
    for (unsigned i = 0; i < flow->depth; i++)
        cells += utf8_width(flow->prefixes[i].rest, strlen(flow->prefixes[i].rest));
    return flow->width - (cells < limit ? cells : limit);
}

/* Move the open line to the finished ones. */
static void close_line(struct flow *flow, bool filled)
{
    if (flow->count == flow->room) {
        size_t room = flow->room ? flow->room * 2 : 32;
        struct line *more = realloc(flow->lines, room * sizeof(*more));
        if (!more) {
            run_clear(&flow->line);
            flow->open = false;
            return;
        }
        flow->lines = more;
        flow->room = room;
    }
    flow->lines[flow->count++] = (struct line){ flow->line.spans, flow->line.count, flow->line.cells, filled };
    flow->line = (struct run){ 0 };
    flow->open = false;
    flow->space = false;
}

/* Append one character to the line, which has room for it. */
static void put_character(struct flow *flow, enum role role, const char *bytes, size_t len, unsigned cells)
{
    open_line(flow);
    run_add(&flow->line, role, bytes, len, cells);
    flow->has_words = true;
}

/* Cells up to where a path, an option or an address may be cut: after one of these. */
static unsigned stretch(const char *text, size_t len)
{
    unsigned cells = 0;
    for (size_t at = 0; at < len;) {
        uint32_t character;
        size_t n = utf8_decode(text + at, len - at, &character);
        cells += utf8_cells(character);
        at += n;
        if (character < 0x80 && character && strchr("/-_.,:=&?", (int)character))
            break;
    }
    return cells;
}

/* A word too long for any line: cut where the line is full, or before that where it reads well. */
static void put_long(struct flow *flow, enum role role, const char *text)
{
    bool may_cut = false;
    for (size_t at = 0, len = strlen(text); at < len;) {
        uint32_t character;
        size_t n = utf8_decode(text + at, len - at, &character);
        unsigned cells = utf8_cells(character);
        open_line(flow);
        unsigned whole = may_cut ? stretch(text + at, len - at) : cells;
        bool far = flow->line.cells > flow->lead + (flow->width - flow->lead) / 2;
        if (((flow->line.cells + whole > flow->width && far) || flow->line.cells + cells > flow->width) &&
            flow->has_words) {
            close_line(flow, false);
            open_line(flow);
        }
        if (flow->line.cells + cells > flow->width)
            put_character(flow, role, "?", 1, 1);
        else
            put_character(flow, role, text + at, n, cells);
        may_cut = character < 0x80 && strchr("/-_.,:=&?", (int)character);
        at += n;
    }
}

static void flush_word(struct flow *flow)
{
    if (flow->word.count == 0)
        return;
    struct run word = flow->word;
    flow->word = (struct run){ 0 };
    open_line(flow);
    unsigned gap = flow->space && flow->has_words ? 1 : 0;
    if (flow->has_words && flow->line.cells + gap + word.cells > flow->width && gap) {
        close_line(flow, false);
        open_line(flow);
        gap = 0;
    }
    bool fits = flow->line.cells + gap + word.cells <= flow->width;
    if (gap && flow->line.cells < flow->width)
        run_add(&flow->line, flow->gap, " ", 1, 1);
    for (size_t i = 0; i < word.count; i++) {
        if (fits) {
            run_add(&flow->line, word.spans[i].role, word.spans[i].text, strlen(word.spans[i].text),
                    word.spans[i].cells);
            flow->has_words = true;
        } else {
            put_long(flow, word.spans[i].role, word.spans[i].text);
        }
    }
    flow->space = false;
    run_clear(&word);
    free(word.spans);
}

static void add_to_word(struct flow *flow, enum role role, uint32_t character, const char *bytes, size_t len)
{
    if (character < 0x20 || (character >= 0x7f && character < 0xa0))
        return;
    if (flow->theme->ascii && character >= 0x80) {
        const char *ascii = utf8_cells(character) == 0 ? "" : theme_ascii(character);
        run_add(&flow->word, role, ascii, strlen(ascii), (unsigned)strlen(ascii));
        return;
    }
    run_add(&flow->word, role, bytes, len, utf8_cells(character));
}

void flow_text(struct flow *flow, enum role role, const char *text)
{
    for (size_t at = 0, len = strlen(text); at < len;) {
        uint32_t character;
        size_t n = utf8_decode(text + at, len - at, &character);
        if (character == ' ' || character == '\n' || character == '\t') {
            flush_word(flow);
            if (flow->has_words && flow->open) {
                flow->space = true;
                flow->gap = role;
            }
        } else {
            add_to_word(flow, role, character, text + at, n);
        }
        at += n;
    }
}

void flow_format(struct flow *flow, enum role role, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    flow_text(flow, role, text);
}

void flow_quoted(struct flow *flow, enum role role, const char *text)
{
    char part[512];
    for (bool code = false; *text; code = !code) {
        size_t len = strcspn(text, "`");
        size_t keep = len < sizeof(part) - 1 ? len : sizeof(part) - 1;
        memcpy(part, text, keep);
        part[keep] = '\0';
        if (code)
            flow_word(flow, ROLE_CODE, part);
        else
            flow_text(flow, role, part);
        text += text[len] ? len + 1 : len;
    }
}

void flow_word(struct flow *flow, enum role role, const char *text)
{
    for (size_t at = 0, len = strlen(text); at < len;) {
        uint32_t character;
        size_t n = utf8_decode(text + at, len - at, &character);
        add_to_word(flow, role, character, text + at, n);
        at += n;
    }
}

/* The next character of a verbatim line as it is drawn: tabs and what has no glyph become something that has. */
static size_t verbatim_next(const struct flow *flow, const char *text, size_t len, unsigned column, const char **drawn,
                            size_t *drawn_len, unsigned *cells)
{
    static const char blanks[] = "        ";
    uint32_t character;
    size_t n = utf8_decode(text, len, &character);
    *drawn = text;
    *drawn_len = n;
    *cells = utf8_cells(character);
    if (character == '\t') {
        *cells = 8 - column % 8;
        *drawn = blanks;
        *drawn_len = *cells;
    } else if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
        *drawn_len = 0;
        *cells = 0;
    } else if (flow->theme->ascii && character >= 0x80) {
        *drawn = *cells ? theme_ascii(character) : "";
        *drawn_len = strlen(*drawn);
        *cells = (unsigned)*drawn_len;
    }
    return n;
}

/* Bytes of @text that go on a line with @room cells left: all of it, or up to a blank in the second half, or as much as there is room for
 * beside the mark of a cut. */
static size_t verbatim_cut(const struct flow *flow, const char *text, size_t len, unsigned column, unsigned room)
{
    unsigned cells, used = 0;
    size_t full = 0, blank = 0, drawn_len;
    const char *drawn;
    for (size_t at = 0; at < len;) {
        size_t n = verbatim_next(flow, text + at, len - at, column + used, &drawn, &drawn_len, &cells);
        if (used + cells > room)
            return blank ? blank : full;
        used += cells;
        at += n;
        if (used < room) {
            full = at;
            if (text[at - 1] == ' ' && used >= room / 2)
                blank = at;
        }
    }
    return len;
}

void flow_verbatim(struct flow *flow, enum role role, const char *text, size_t len)
{
    flow_break(flow);
    unsigned column = 0;
    size_t at = 0;
    do {
        open_line(flow);
        size_t end = at + verbatim_cut(flow, text + at, len - at, column, flow->width - flow->line.cells);
        bool cut = end < len;
        do { /* at least one character a line, or this would never end */
            const char *drawn;
            size_t drawn_len;
            unsigned cells;
            if (at == len)
                break;
            size_t n = verbatim_next(flow, text + at, len - at, column, &drawn, &drawn_len, &cells);
            if (flow->line.cells + cells <= flow->width)
                run_add(&flow->line, role, drawn, drawn_len, cells);
            else
                run_add(&flow->line, role, "?", 1, 1);
            column += cells;
            at += n;
        } while (at < end);
        const char *mark = theme_glyph(flow->theme, GLYPH_CONTINUES);
        if (cut && flow->line.cells < flow->width)
            run_add(&flow->line, ROLE_FAINT, mark, strlen(mark), 1);
        close_line(flow, false);
    } while (at < len);
}

void flow_right(struct flow *flow, enum role role, const char *text)
{
    flush_word(flow);
    open_line(flow);
    unsigned cells = utf8_width(text, strlen(text));
    if (flow->line.cells + 1 + cells > flow->width)
        return;
    while (flow->line.cells + cells < flow->width)
        run_add(&flow->line, ROLE_TEXT, " ", 1, 1);
    run_add(&flow->line, role, text, strlen(text), cells);
    flow->has_words = true;
}

void flow_rule(struct flow *flow)
{
    flow_break(flow);
    open_line(flow);
    const char *mark = theme_glyph(flow->theme, GLYPH_HORIZONTAL);
    while (flow->line.cells < flow->width)
        run_add(&flow->line, ROLE_FAINT, mark, strlen(mark), 1);
    close_line(flow, true);
}

void flow_break(struct flow *flow)
{
    flush_word(flow);
    if (flow->open)
        close_line(flow, false);
}

void flow_blank(struct flow *flow)
{
    flow_break(flow);
    if (flow->count == 0)
        return;
    const struct line *last = &flow->lines[flow->count - 1];
    if (last->filled && last->cells == 0)
        return;
    close_line(flow, true);
}

void flow_push(struct flow *flow, const char *first, const char *rest, enum role role)
{
    flow_break(flow);
    if (flow->depth == PREFIXES) {
        flow->overflow++;
        return;
    }
    char *begin = strdup(first), *later = strdup(rest);
    if (!begin || !later) {
        free(begin);
        free(later);
        flow->overflow++;
        return;
    }
    flow->prefixes[flow->depth++] = (struct prefix){ begin, later, role, false };
}

void flow_pop(struct flow *flow)
{
    flow_break(flow);
    if (flow->overflow) {
        flow->overflow--;
        return;
    }
    struct prefix *prefix = &flow->prefixes[--flow->depth];
    free(prefix->first);
    free(prefix->rest);
}

void flow_spans(struct flow *flow, const struct span *spans, size_t count)
{
    flow_break(flow);
    open_line(flow);
    for (size_t i = 0; i < count; i++) {
        unsigned left = flow->width - flow->line.cells;
        size_t fit = utf8_fit(spans[i].text, strlen(spans[i].text), left);
        run_add(&flow->line, spans[i].role, spans[i].text, fit, utf8_width(spans[i].text, fit));
    }
    close_line(flow, true);
}

const struct line *flow_lines(struct flow *flow, size_t *count)
{
    flow_break(flow);
    *count = flow->count;
    return flow->lines;
}

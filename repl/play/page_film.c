/* A film as JSON:
 *
 *     {"cols":80, "rows":25, "end":61000, "steps":[[1500,1,"1. Title"], …],
 *      "lines":[[["text","classes"],"text", …], …],                          each row that is ever seen, in runs; the first one is blank
 *      "pictures":[[ms, cursor row or -1, cursor column, row,line, row,line, …], …]}  the rows that have changed, and which line each is now
 */
#include "repl/play/cast_out.h"
#include "repl/play/page.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT (24u << 20) /* of the pictures; further ones are left out */

struct line {
    char *json;
    size_t len;
    uint32_t hash;
};

struct page_film {
    struct page *page;
    unsigned rows, cols;
    struct line *lines;
    size_t line_count, line_room;
    size_t *slots, slot_count; /* hash table of indices + 1 */
    size_t *shown;             /* line of each row */
    FILE *pictures, *steps;
    char *pictures_text, *steps_text;
    size_t pictures_len, steps_len;
    size_t count;
    bool failed;
};

static uint32_t hash_of(const char *text, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static bool grow(struct page_film *film)
{
    size_t room = film->line_room ? 2 * film->line_room : 256;
    struct line *lines = realloc(film->lines, room * sizeof *lines);
    if (!lines)
        return false;
    film->lines = lines;
    size_t *slots = calloc(2 * room, sizeof *slots);
    if (!slots)
        return false;
    free(film->slots);
    film->slots = slots;
    film->slot_count = 2 * room;
    film->line_room = room;
    for (size_t i = 0; i < film->line_count; i++) {
        size_t at = film->lines[i].hash & (film->slot_count - 1);
        while (slots[at])
            at = (at + 1) & (film->slot_count - 1);
        slots[at] = i + 1;
    }
    return true;
}

/* The number of the line that @json (taken over) says. */
static size_t intern(struct page_film *film, char *json, size_t len)
{
    if (film->line_count == film->line_room && !grow(film)) {
        film->failed = true;
        free(json);
        return 0;
    }
    uint32_t hash = hash_of(json, len);
    size_t at = hash & (film->slot_count - 1);
    for (; film->slots[at]; at = (at + 1) & (film->slot_count - 1)) {
        const struct line *line = &film->lines[film->slots[at] - 1];
        if (line->hash == hash && line->len == len && memcmp(line->json, json, len) == 0) {
            free(json);
            return film->slots[at] - 1;
        }
    }
    film->lines[film->line_count] = (struct line){ json, len, hash };
    film->slots[at] = ++film->line_count;
    return film->line_count - 1;
}

static void put_run(struct page_film *film, FILE *out, const struct canvas_cell *cells, unsigned count)
{
    char classes[PAGE_CLASSES], *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (!stream) {
        film->failed = true;
        fputs("\"\"", out);
        return;
    }
    canvas_put_text(stream, cells, count);
    fclose(stream);
    page_classes(film->page, cells, classes);
    if (cells->flags & CELL_WIDE) /* as wide as two others, whatever the font says */
        snprintf(classes + strlen(classes), sizeof classes - strlen(classes), "%sW", classes[0] ? " " : "");
    fputs(classes[0] ? "[" : "", out);
    json_put_string(out, text, len);
    if (classes[0])
        fprintf(out, ",\"%s\"]", classes);
    free(text);
}

/* Cells of one look from @cells on; a wide glyph is by itself. */
static unsigned run_length(const struct canvas_cell *cells, unsigned count)
{
    unsigned run = canvas_run(cells, count);
    if (cells->flags & CELL_WIDE)
        return run < 2 ? run : 2;
    for (unsigned i = 0; i < run; i++)
        if (cells[i].flags & CELL_WIDE)
            return i;
    return run;
}

static size_t line_of(struct page_film *film, const struct canvas_cell *cells)
{
    static const struct canvas_cell blank;
    char *json = NULL;
    size_t len = 0;
    unsigned count = film->cols;
    FILE *out = open_memstream(&json, &len);
    if (!out) {
        film->failed = true;
        return 0;
    }
    while (count && memcmp(&cells[count - 1], &blank, sizeof blank) == 0)
        count--;
    fputc('[', out);
    for (unsigned at = 0, run; at < count; at += run) {
        run = run_length(cells + at, count - at);
        fputs(at ? "," : "", out);
        put_run(film, out, cells + at, run);
    }
    fputc(']', out);
    fclose(out);
    return intern(film, json, len);
}

struct page_film *page_film_new(struct page *page, unsigned rows, unsigned cols)
{
    struct page_film *film = calloc(1, sizeof *film);
    struct canvas_cell *blank = calloc(cols, sizeof *blank);
    if (film) {
        film->page = page;
        film->rows = rows;
        film->cols = cols;
        film->shown = calloc(rows, sizeof *film->shown);
        film->pictures = open_memstream(&film->pictures_text, &film->pictures_len);
        film->steps = open_memstream(&film->steps_text, &film->steps_len);
    }
    if (!film || !blank || !film->shown || !film->pictures || !film->steps) {
        page_film_free(film);
        free(blank);
        return NULL;
    }
    line_of(film, blank);
    free(blank);
    return film;
}

void page_film_free(struct page_film *film)
{
    if (!film)
        return;
    if (film->pictures)
        fclose(film->pictures);
    if (film->steps)
        fclose(film->steps);
    for (size_t i = 0; i < film->line_count; i++)
        free(film->lines[i].json);
    free(film->lines);
    free(film->slots);
    free(film->shown);
    free(film->pictures_text);
    free(film->steps_text);
    free(film);
}

void page_film_picture(struct page_film *film, uint64_t ms, const struct canvas *picture)
{
    if (ftell(film->pictures) > (long)SIZE_LIMIT)
        return;
    fprintf(film->pictures, "%s[%llu,%d,%u", film->count++ ? "," : "", (unsigned long long)ms,
            picture->cursor ? (int)picture->cursor_row : -1, picture->cursor_col);
    for (unsigned row = 0; row < film->rows; row++) {
        size_t line = line_of(film, canvas_row(picture, row));
        if (line != film->shown[row])
            fprintf(film->pictures, ",%u,%zu", row, line);
        film->shown[row] = line;
    }
    fputs("]\n", film->pictures);
}

void page_film_marker(struct page_film *film, uint64_t ms, unsigned step, const char *label)
{
    fprintf(film->steps, "%s[%llu,%u,", ftell(film->steps) > 0 ? "," : "", (unsigned long long)ms, step);
    json_put_string(film->steps, label, strlen(label));
    fputc(']', film->steps);
}

bool page_film_write(struct page_film *film, FILE *out, uint64_t ms)
{
    fflush(film->pictures);
    fflush(film->steps);
    fprintf(out, "{\"cols\":%u,\"rows\":%u,\"end\":%llu,\n\"steps\":[%s],\n\"lines\":[", film->cols, film->rows,
            (unsigned long long)ms, film->steps_text);
    for (size_t i = 0; i < film->line_count; i++)
        fprintf(out, "%s%s\n", i ? "," : "", film->lines[i].json);
    fprintf(out, "],\n\"pictures\":[%s]}", film->pictures_text);
    return !film->failed && !ferror(film->pictures) && !ferror(film->steps);
}

#include "tests/screen/film.h"

#include "tests/screen/svg.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 100
#define PAUSE 4 /* seconds between two rounds */

/* A row as it looked for a while. */
struct scene {
    unsigned row;
    double from, to; /* seconds; to < 0: to the end */
    char *svg;
    struct scene *next;
};

struct film {
    struct scene *first, *last;
    struct scene *now[ROWS_MAX]; /* what each row shows; NULL: nothing yet */
};

struct film *film_new(void)
{
    return calloc(1, sizeof(struct film));
}

static char *row_svg(const struct terminal *terminal, unsigned row)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    svg_row(out, terminal, row);
    fclose(out);
    return text;
}

void film_look(struct film *film, const struct terminal *terminal, double seconds)
{
    for (unsigned row = 0; row < terminal_rows(terminal) && row < ROWS_MAX; row++) {
        char *svg = row_svg(terminal, row);
        struct scene *now = film->now[row];
        if (now && strcmp(now->svg, svg) == 0) {
            free(svg);
            continue;
        }
        struct scene *scene = calloc(1, sizeof *scene);
        *scene = (struct scene){ .row = row, .from = seconds, .to = -1, .svg = svg };
        if (now)
            now->to = seconds;
        film->now[row] = scene;
        if (film->last)
            film->last->next = scene;
        else
            film->first = scene;
        film->last = scene;
    }
}

void film_write(struct film *film, FILE *out, unsigned rows, unsigned cols, double seconds)
{
    svg_begin(out, rows, cols);
    fprintf(out, "<animate id=\"film\" attributeName=\"visibility\" begin=\"0s;film.end\" dur=\"%.2fs\"/>\n",
            seconds + PAUSE);
    for (struct scene *scene = film->first, *next; scene; scene = next) {
        next = scene->next;
        bool last = scene->to < 0 || scene->to >= seconds;
        if (*scene->svg && scene->from < seconds && (last || scene->to - scene->from > 0.01)) {
            fprintf(out, "<g%s>", last ? "" : " visibility=\"hidden\"");
            if (!last)
                fprintf(out,
                        "<set attributeName=\"visibility\" to=\"visible\" begin=\"film.begin+%.2fs\" "
                        "end=\"film.begin+%.2fs\"/>",
                        scene->from, scene->to);
            else if (scene->from > 0)
                fprintf(
                    out,
                    "<set attributeName=\"visibility\" to=\"hidden\" begin=\"film.begin\" end=\"film.begin+%.2fs\"/>",
                    scene->from);
            fprintf(out, "\n%s</g>\n", scene->svg);
        }
        free(scene->svg);
        free(scene);
    }
    svg_end(out);
    free(film);
}

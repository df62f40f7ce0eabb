/** Parts of an HTML page that is whole by itself: text, prose, a terminal's cells, a film. Whatever is put in is escaped; nothing in a lesson's output can become markup.
 *
 * Colours and attributes are classes, so that no element needs a style of its own; which colours are used is kept, and only those get a rule.
 */
#ifndef REPL_PLAY_PAGE_H
#define REPL_PLAY_PAGE_H

#include "repl/play/canvas.h"

#include <stdio.h>

struct cmark_node;

struct page {
    FILE *out;
    bool fg[256], bg[256]; /* colours used */
};

/** @text with what HTML would take for its own escaped; control characters but tab and newline become U+FFFD. */
void page_text(FILE *out, const char *text);
/** A picture that is in the page: @svg as an image of its own, so that nothing in it can reach the page. @what it shows is for who cannot see it. */
void page_picture(FILE *out, const char *svg, const char *what);
/** CommonMark prose: no HTML of its own, no images (their text instead), no links but to http, https, mailto and relative ones. A paragraph that is a table becomes one. */
void page_prose(FILE *out, struct cmark_node *node);
void page_markdown(FILE *out, const char *markdown);
/** The same as words within a line. */
void page_words(FILE *out, const char *markdown);

/** The classes of a cell's look ("f1 B"), or "". Returns @buf. */
#define PAGE_CLASSES 64
const char *page_classes(struct page *page, const struct canvas_cell *cell, char buf[PAGE_CLASSES]);
/** @count cells as text in spans. */
void page_cells(struct page *page, const struct canvas_cell *cells, unsigned count);
/** Rules for the colours that were used. */
void page_colours(const struct page *page, FILE *out);

/* A film for page.js: the rows that are ever seen, each once, and which of them is where from when on. */
struct page_film;
struct page_film *page_film_new(struct page *page, unsigned rows, unsigned cols);
void page_film_free(struct page_film *film);
void page_film_picture(struct page_film *film, uint64_t ms, const struct canvas *picture);
void page_film_marker(struct page_film *film, uint64_t ms, unsigned step, const char *label);
/** As JSON that can stand in a script element. @ms: when it is over. False: memory had run out, and it is not whole. */
bool page_film_write(struct page_film *film, FILE *out, uint64_t ms);

#endif

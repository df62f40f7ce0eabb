/** The kernel's state as something to look at: a text, tables in HTML, and a picture in SVG, all three made from one description.
 *
 * The description is a list of sections, each a table whose cells say by their role what they are; a section's form only says how the picture draws it. So whatever the picture shows stands in the
 * text too, in words: nothing is said by colour alone. All strings are UTF-8 without control characters, and are escaped when they are written. What is written is whole by itself: no script, no font,
 * no file from elsewhere, no ids that could clash where several stand on one page.
 *
 *     struct display *display = display_read(session, &(struct display_options){ 0 }, err);
 *     json_t *bundle = display_bundle(display);      the `data` of a Jupyter display_data message, and of a notebook's output
 *     display_free(display);
 */
#ifndef REPL_PLAY_DISPLAY_H
#define REPL_PLAY_DISPLAY_H

#include "engine/base/err.h"
#include "engine/observe/sample_groups.h"
#include "repl/session/session.h"
#include "repl/session/state.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum display_role { /* of a cell; a mark or a word in its text says the same */
                    DISPLAY_PLAIN,
                    DISPLAY_STRONG, /* what the row is about */
                    DISPLAY_FAINT,
                    DISPLAY_OWN,    /* not as in the lab, or new since the step began */
                    DISPLAY_SHARED, /* as in the lab */
                    DISPLAY_HIDDEN, /* a file under another one: "(name)" */
                    DISPLAY_GONE,   /* a whiteout: "-name" */
                    DISPLAY_ALARM,  /* a limit was reached: "OOM 2", "THROTTLED" */
};

struct display_cell {
    char *text;   /* "": there is nothing in this place */
    char *steady; /* the part of it that does not change by itself, which display_same compares; NULL: all of it */
    enum display_role role;
    double share; /* 0…1: how much of a limit is used; <0: there is none to draw */
};

struct display_row {
    struct display_cell *cells; /* one for each of the section's columns */
    unsigned indent;            /* in a tree: below the row above that has one less */
    bool shown;                 /* it is the process the state is about */
};

enum display_form {                     /* how the picture draws it */
                    DISPLAY_LIST,       /* a row, a sentence */
                    DISPLAY_NAMESPACES, /* the process's box in the lab's; first cells are in the one whose they are */
                    DISPLAY_TREE,       /* first cells indented, the last ones at the right */
                    DISPLAY_GROUPS,     /* a tree with bars */
                    DISPLAY_LAYERS,     /* a slab each column but the first, on one another, holding its files */
};

struct display_section {
    enum display_form form;
    char *heading;
    char *lead;     /* a sentence under it; "": none */
    char *steady;   /* as a cell's */
    char **columns; /* what the cells are; in a layers section the layers' names, the uppermost first */
    size_t column_count;
    struct display_row *rows;
    size_t row_count;
    char *rest; /* what was left out, and what the marks mean; "": nothing to say */
};

struct display {
    char *title;   /* "Terminal 1: bash" */
    char *summary; /* one sentence of it: who has the terminal, what is isolated */
    char *steady;  /* as a cell's, of the summary */
    struct display_section *sections;
    size_t section_count;
};

struct display_options {
    bool all;    /* also what is as in any shell of the lab; else only what has something to tell */
    bool steady; /* leave out what differs from one run to the next: pids, inodes, what is used at this moment */
};

/** Read the state of the terminals' processes and the lab's cgroups now, and describe it: one terminal's wholly, the one that differs most from the lab (the active one where none does more), the others' in
 * a line. Takes some milliseconds a terminal. NULL: ESRCH there is no lab now; ENOMEM. */
struct display *display_read(struct session *session, const struct display_options *options, struct err *err);

/** The description of states that were read before: of the first one wholly, of the others (@count less one) in a line. @groups: the root of the lab's cgroups, or NULL: there are none. NULL: out of
 * memory. */
struct display *display_make(const struct session_state *states, size_t count, const struct sample_group *groups,
                             const struct display_options *options);
void display_free(struct display *display);

/** Do both say the same, but for what changes by itself (memory in use)? Either may be NULL. */
bool display_same(const struct display *one, const struct display *other);

/** The twin in plain text, its columns side by side. Widths are those of a UTF-8 LC_CTYPE, which all of these need. */
void display_text(const struct display *display, FILE *out);
/** A table each section, in a <div>; takes its colours and fonts from the page. */
void display_tables(const struct display *display, FILE *out);
/** One <svg> element, 360 units wide and never wider than its place, with a background of its own, light or dark as the reader prefers. */
void display_picture(const struct display *display, FILE *out);
/** What a page shows: a <figure> of the picture, and the tables folded under it. */
void display_figure(const struct display *display, FILE *out);

/** What one of those writes, to be freed; NULL: out of memory. */
typedef void display_writer(const struct display *display, FILE *out);
char *display_string(const struct display *display, display_writer *writer);

/** A MIME bundle: text/plain, text/html (the figure: Jupyter's programs prefer HTML to SVG) and image/svg+xml. NULL: out of memory. */
json_t *display_bundle(const struct display *display);

/** @text with & < > " ' escaped, as HTML and XML want it; bytes that XML has no room for become U+FFFD. */
void display_escaped(FILE *out, const char *text);

#endif

/** Building a description. Everything takes what failed before for its own failure: memory that ran out is asked about once, at the end. */
#ifndef REPL_PLAY_DISPLAY_INTERNAL_H
#define REPL_PLAY_DISPLAY_INTERNAL_H

#include "repl/play/display.h"

struct display_builder {
    struct display *display;
    const struct session_state *state;
    const struct display_options *options;
    bool failed; /* out of memory */
};

/** @columns: @count of them, NULL ones left out. NULL: out of memory; the rest takes it for a section. */
struct display_section *display_add(struct display_builder *to, enum display_form form, const char *heading,
                                    const char *const *columns, size_t count);
/** Valid until the next one is added. */
struct display_row *display_add_row(struct display_builder *to, struct display_section *section);
/** Fill the @column-th cell of @row. */
void display_put(struct display_builder *to, struct display_row *row, size_t column, enum display_role role,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/** Replace a text of the description's; what is no text for a page (control characters, bytes that are not UTF-8, signs that turn the direction) becomes U+FFFD. */
void display_say(struct display_builder *to, char **text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* display_layers.c */
void display_put_layers(struct display_builder *to);
void display_put_groups(struct display_builder *to, const struct sample_group *root);

/** Cells of @text, and bytes of its longest start that fits @cells. */
unsigned display_width(const char *text);
size_t display_fit(const char *text, unsigned cells);

#endif

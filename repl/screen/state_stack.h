/** Layers side by side, and each file under the layer that holds it: drawn alike of a mounted overlay and of an image. */
#ifndef REPL_SCREEN_STATE_STACK_H
#define REPL_SCREEN_STATE_STACK_H

#include "repl/screen/state_sections.h"

struct stack {
    const char *name[LAYERS_SHOWN]; /* the uppermost first */
    size_t count;                   /* of layers, as many as there are */
    bool mounted, upper;            /* it is an overlay; its layer 0 is written to */
    const struct layer_entry *entries;
    size_t entry_count;
    bool more; /* there are more */
};

/** The files, in at most about @rows lines. */
void stack_put(struct flow *flow, const struct stack *stack, unsigned rows);

/** How many of the layers are shown. */
size_t stack_shown(const struct stack *stack);
/** The layer's name where it stands among other words: of a long one its beginning. Returns @text. */
const char *stack_layer(const struct flow *flow, const struct stack *stack, size_t layer, char text[40]);
/** What a layer has of an entry: its mark and the name, at most @cells wide: the name's end gives way. */
void stack_cell(const struct flow *flow, const struct layer_entry *entry, size_t layer, unsigned cells, char *text,
                size_t size);
/** … and how it is drawn. */
enum role stack_role(const struct layer_entry *entry, size_t layer);

#endif

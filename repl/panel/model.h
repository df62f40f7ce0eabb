/** Which processes are listed, in which order, and which one is chosen: the list without its drawing.
 *
 * Rows are made anew after each refresh of the sampler; what lasts from one to the next is held by number and start time, or as a tag of the process itself.
 */
#ifndef REPL_PANEL_MODEL_H
#define REPL_PANEL_MODEL_H

#include "engine/observe/sample.h"
#include "repl/panel/columns.h"

enum { TAG_MARKED = 1, TAG_FOLDED = 2 }; /* of struct sample_process's tag */

struct model_row {
    struct sample_process *process;
    unsigned depth; /* in the tree */
    bool last;      /* of its parent's children */
    bool folded;    /* its children are not shown */
    uint64_t lines; /* bit d: at depth d a sister of an ancestor is still to come */
};

struct model {
    struct sampler *sampler;
    struct column_facts facts;

    size_t sort; /* a column's place in the table */
    bool reverse, tree;
    bool hide_kernel;
    char filter[64]; /* words of it parted by |: any; "" all */
    bool by_user;
    uid_t user;

    struct model_row *rows;
    size_t count, room;
    size_t hidden; /* in scope, but not among the rows */

    size_t selected, top; /* rows */
    bool follow;          /* the selection stays with its process, not with its row */
    pid_t selected_pid;
    uint64_t selected_start;

    struct sample_process **order;
    uint32_t *child, *sibling;
    bool *shown;
    size_t order_room;
};

void model_init(struct model *model, struct sampler *sampler);
void model_free(struct model *model);

/** Make the rows anew: after a refresh, and after any of the fields above was changed. */
void model_update(struct model *model);

struct sample_process *model_selected(const struct model *model); /* NULL: there are no rows */
void model_select(struct model *model, size_t row);
void model_move(struct model *model, long rows);
/** Choose the row of that process. False if it is not among them. */
bool model_select_pid(struct model *model, pid_t pid);

/** The next row from the selected one on whose command holds @text (ignoring case), round the end; with @again the selected one does not count; @back: upwards.
 * Selects it. False, and nothing selected, if there is none. */
bool model_search(struct model *model, const char *text, bool again, bool back);

void model_sort_by(struct model *model, size_t column); /* the same again: the other way round */

void model_mark(struct model *model, struct sample_process *process, bool with_children);
void model_unmark_all(struct model *model);
size_t model_marked(const struct model *model);

#endif

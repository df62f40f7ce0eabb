/* A README, made into steps: one a block, with what was read before it. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A README: what was read since the last block waits for the block it explains. */
struct readme {
    struct parser *p;
    cmark_node **waiting;
    size_t count;
    char *heading;            /* the last one's text */
    cmark_node *heading_node; /* it, until a step is named by it */
    size_t of_heading;        /* steps it has given its name to */
    struct readme_terminals terminals;
};

static bool holds_block(const struct parser *p, cmark_node *node)
{
    bool holds = false;
    cmark_iter *iter = cmark_iter_new(node);
    cmark_event_type event;
    while (iter && !holds && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *at = cmark_iter_get_node(iter);
        const struct fence *fence = cmark_node_get_type(at) == CMARK_NODE_CODE_BLOCK ? fence_of(p, at) : NULL;
        holds = fence && fence->kind == NODE_KIND_BLOCK;
    }
    cmark_iter_free(iter);
    return holds;
}

/** Is the paragraph a block break (`+++`) or a label (`(name)=`) of MyST, which its readers do not see? */
static bool is_myst_mark(const struct parser *p, cmark_node *node)
{
    int first = cmark_node_get_start_line(node);
    if (first < 1 || (size_t)first > p->line_count || cmark_node_get_end_line(node) != first)
        return false;
    const char *line = p->lines[first - 1];
    size_t len = strlen(line);
    bool mark = strncmp(line, "+++", 3) == 0 && (line[3] == '\0' || line[3] == ' ');
    return mark || (line[0] == '(' && len > 3 && strcspn(line, " )") == len - 2 && strcmp(line + len - 2, ")=") == 0);
}

static void wait_for_block(struct readme *r, cmark_node *node)
{
    cmark_node **slot = ARRAY_ADD(r->p, r->waiting, r->count);
    if (slot)
        *slot = node;
}

/** Hand what waits to @step (NULL: there is none). Before the first block, what stands up to the last heading is the introduction; the heading a step is
 * named by is not repeated in it. */
static void hand_over(struct readme *r, struct step *step)
{
    size_t intro = 0;
    if (step && step->number == 1 && step->block_count == 0)
        for (size_t i = 0; i < r->count; i++)
            if (is_heading(r->waiting[i], 0))
                intro = is_heading(r->waiting[i], 1) ? i + 1 : i;
    for (size_t i = 0; i < r->count; i++)
        if (i < intro || !step || r->waiting[i] != r->heading_node)
            add_prose(r->p, i < intro ? NULL : step, r->waiting[i]);
    r->count = 0;
    r->heading_node = NULL;
}

static char *readme_title(struct readme *r)
{
    char *title = NULL;
    int made;
    r->of_heading++;
    if (!r->heading)
        made = asprintf(&title, "Step %zu", r->p->lesson->step_count + 1);
    else if (r->of_heading == 1)
        made = asprintf(&title, "%s", r->heading);
    else
        made = asprintf(&title, "%s (%zu)", r->heading, r->of_heading);
    return kept(r->p, made < 0 ? NULL : title);
}

/** All that was read since the last block, its sentences in one. */
static char *words_before(const struct readme *r)
{
    struct text words = { 0 };
    for (size_t i = 0; i < r->count; i++) {
        char *of_node =
            cmark_node_get_type(r->waiting[i]) == CMARK_NODE_CODE_BLOCK ? strdup("") : node_text(r->waiting[i]);
        if (of_node)
            text_add_line(&words, of_node);
        words.failed |= !of_node;
        free(of_node);
    }
    return kept(r->p, text_take(&words));
}

static void readme_fence(struct readme *r, const struct fence *fence)
{
    struct parser *p = r->p;
    struct step *step = last_step(p);
    if (fence->kind == NODE_KIND_BLOCK) {
        char *words = words_before(r);
        step = add_step(p, readme_title(r), fence->line);
        if (step && words) {
            hand_over(r, step);
            add_prose(p, step, fence->node);
            add_block(p, step, fence);
        }
        if (step && step->block_count)
            readme_terminal(p, &r->terminals, words, fence);
        free(words);
    } else if ((fence->kind == NODE_KIND_OUTPUT || fence->kind == NODE_KIND_KEYS) && p->block_node) {
        attach_fence(p, step, fence);
        add_prose(p, step, fence->node);
    } else {
        p->block_node = NULL;
        if (fence->kind != NODE_KIND_CODE) /* an `output` of its own is only read */
            cmark_node_set_user_data(fence->node, (void *)(intptr_t)NODE_KIND_CODE);
        wait_for_block(r, fence->node);
    }
}

static void readme_node(struct readme *r, cmark_node *node)
{
    struct parser *p = r->p;
    cmark_node_type type = cmark_node_get_type(node);
    const struct fence *fence = type == CMARK_NODE_CODE_BLOCK ? fence_of(p, node) : NULL;
    if (fence) {
        readme_fence(r, fence);
        return;
    }
    if (type == CMARK_NODE_PARAGRAPH && is_myst_mark(p, node))
        return;
    if (type != CMARK_NODE_LIST && type != CMARK_NODE_ITEM && type != CMARK_NODE_BLOCK_QUOTE)
        p->block_node = NULL;
    if (type == CMARK_NODE_HEADING) {
        free(r->heading);
        r->heading = kept(p, node_text(node));
        r->heading_node = node;
        r->of_heading = 0;
        wait_for_block(r, node);
    } else if (!holds_block(p, node)) {
        p->block_node = NULL;
        wait_for_block(r, node);
    } else { /* nesting was bounded before */
        for (cmark_node *child = cmark_node_first_child(node); child && !p->oom; child = cmark_node_next(child))
            readme_node(r, child);
    }
}

void walk_readme(struct parser *p, cmark_node *document)
{
    struct readme r = { .p = p };
    for (cmark_node *node = cmark_node_first_child(document); node && !p->oom; node = cmark_node_next(node)) {
        cmark_node *last = take_html(p, last_step(p), node);
        if (last)
            node = last;
        else
            readme_node(&r, node);
    }
    r.heading_node = NULL;
    hand_over(&r, last_step(p));
    free(r.waiting);
    free(r.heading);
}

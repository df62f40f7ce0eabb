/* The document's nodes, in order, made into steps. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *node_text(cmark_node *node)
{
    struct text text = { 0 };
    cmark_iter *iter = cmark_iter_new(node);
    cmark_event_type event;
    while (iter && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *at = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(at);
        if (event != CMARK_EVENT_ENTER)
            continue;
        if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE)
            text_add(&text, cmark_node_get_literal(at), strlen(cmark_node_get_literal(at)));
        else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
            text_add(&text, " ", 1);
    }
    text.failed |= !iter;
    cmark_iter_free(iter);
    return text_take(&text);
}

struct step *add_step(struct parser *p, char *title, int line)
{
    struct lesson *lesson = p->lesson;
    struct step *step = ARRAY_ADD(p, lesson->steps, lesson->step_count);
    if (!step) {
        free(title);
        return NULL;
    }
    step->number = (unsigned)lesson->step_count;
    step->title = title;
    step->line = line;
    p->block_node = NULL;
    return step;
}

struct step *last_step(const struct parser *p)
{
    return p->lesson->step_count ? &p->lesson->steps[p->lesson->step_count - 1] : NULL;
}

void add_prose(struct parser *p, struct step *step, cmark_node *node)
{
    cmark_node **slot =
        step ? ARRAY_ADD(p, step->prose, step->prose_count) : ARRAY_ADD(p, p->lesson->intro, p->lesson->intro_count);
    if (slot)
        *slot = node;
}

bool is_heading(cmark_node *node, int level)
{
    return cmark_node_get_type(node) == CMARK_NODE_HEADING &&
           (level == 0 || cmark_node_get_heading_level(node) == level);
}

/** A line `-->` in the prose: what is left of a hidden block that ended before its author thought. */
static void check_paragraph(struct parser *p, cmark_node *node)
{
    int last = cmark_node_get_end_line(node);
    for (int i = cmark_node_get_start_line(node); i >= 1 && i <= last && (size_t)i <= p->line_count; i++)
        if (strcmp(p->lines[i - 1], "-->") == 0)
            soft_mistake(p, i, "`-->` without a comment, expected no other `-->` between `<!--` and it");
}

cmark_node *take_html(struct parser *p, struct step *step, cmark_node *node)
{
    if (cmark_node_get_type(node) != CMARK_NODE_HTML_BLOCK)
        return NULL;
    cmark_node *last = step ? take_hint(p, step, node) : NULL;
    if (last)
        return last;
    return take_comment(p, step, node) ? node : NULL;
}

/** One code block of @step (NULL: before the first). */
static void take_fence(struct parser *p, struct step *step, const struct fence *fence)
{
    if (fence->kind == NODE_KIND_BLOCK && step)
        add_block(p, step, fence);
    else if (fence->kind == NODE_KIND_BLOCK)
        mistake(p, fence->line,
                "a block before the first step, expected it under a `## ` heading (```text shows one that is not run)");
    else if (fence->kind == NODE_KIND_OUTPUT || fence->kind == NODE_KIND_KEYS)
        attach_fence(p, step, fence);
    else
        p->block_node = NULL;
}

/** Every code block in @node, which is shown as a whole. */
static void take_fences(struct parser *p, struct step *step, cmark_node *node)
{
    cmark_iter *iter = cmark_iter_new(node);
    cmark_event_type event;
    while (iter && !p->oom && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *at = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(at);
        const struct fence *fence = type == CMARK_NODE_CODE_BLOCK ? fence_of(p, at) : NULL;
        if (event == CMARK_EVENT_ENTER && fence)
            take_fence(p, step, fence);
        else if (event == CMARK_EVENT_ENTER && (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING ||
                                                type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_THEMATIC_BREAK))
            p->block_node = NULL; /* what follows is no longer directly after the block */
    }
    cmark_iter_free(iter);
}

/** Is @node a hidden block, or what stands after one and belongs to it? Within a list or a quote it is shown with the rest. */
static bool is_hidden(const struct parser *p, const struct step *step, cmark_node *node)
{
    const struct fence *fence = cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK ? fence_of(p, node) : NULL;
    return fence && fence->kind != NODE_KIND_CODE && step && step->block_count > 0 &&
           step->blocks[step->block_count - 1].hidden;
}

void walk_lesson(struct parser *p, cmark_node *document)
{
    struct step *step = NULL;
    for (cmark_node *node = cmark_node_first_child(document); node && !p->oom; node = cmark_node_next(node)) {
        cmark_node *last;
        if (is_heading(node, 2)) {
            step = add_step(p, kept(p, node_text(node)), cmark_node_get_start_line(node));
            if (step && step->title && !*step->title)
                mistake(p, step->line, "a step without a title, expected it after `##`");
        } else if ((last = take_html(p, step, node))) {
            p->block_node = NULL;
            node = last;
        } else {
            if (cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH)
                check_paragraph(p, node);
            take_fences(p, step, node);
            if (!is_hidden(p, step, node))
                add_prose(p, step, node);
        }
    }
}

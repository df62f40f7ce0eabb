#include "repl/screen/markdown.h"

#include "repl/screen/table.h"

#include <cmark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
    struct flow *flow;
    markdown_code_fn *code;
    void *data;
    unsigned list_depth, depth;
    bool tight; /* inside a tight list: no blank lines between its paragraphs */
};

/* Quotes, lists or emphasis in each other: what is deeper is left out. Not every text was read from a lesson, which is held to as many. */
#define DEEPEST 32

static void draw_blocks(struct drawing *drawing, cmark_node *first);

/* A link says where it goes unless its text is that already. */
static bool link_says_itself(cmark_node *link)
{
    cmark_node *text = cmark_node_first_child(link);
    const char *url = cmark_node_get_url(link), *literal = text ? cmark_node_get_literal(text) : NULL;
    if (!url || !*url)
        return true;
    if (!literal || cmark_node_next(text))
        return false;
    return strcmp(url, literal) == 0 || (strncmp(url, "mailto:", 7) == 0 && strcmp(url + 7, literal) == 0);
}

static void draw_nested(struct flow *flow, cmark_node *node, enum role role, unsigned depth)
{
    for (; node && depth < DEEPEST; node = cmark_node_next(node)) {
        switch (cmark_node_get_type(node)) {
        case CMARK_NODE_TEXT:
            flow_text(flow, role, cmark_node_get_literal(node));
            break;
        case CMARK_NODE_SOFTBREAK:
            flow_text(flow, role, " ");
            break;
        case CMARK_NODE_LINEBREAK:
            flow_break(flow);
            break;
        case CMARK_NODE_CODE:
            flow_word(flow, ROLE_CODE, cmark_node_get_literal(node));
            break;
        case CMARK_NODE_EMPH:
            draw_nested(flow, cmark_node_first_child(node), role == ROLE_STRONG ? role : ROLE_EMPHASIS, depth + 1);
            break;
        case CMARK_NODE_STRONG:
            draw_nested(flow, cmark_node_first_child(node), ROLE_STRONG, depth + 1);
            break;
        case CMARK_NODE_LINK:
        case CMARK_NODE_IMAGE:
            draw_nested(flow, cmark_node_first_child(node), ROLE_LINK, depth + 1);
            if (!link_says_itself(node)) {
                flow_text(flow, ROLE_FAINT, " (");
                flow_word(flow, ROLE_FAINT, cmark_node_get_url(node));
                flow_text(flow, ROLE_FAINT, ")");
            }
            break;
        default:
            break;
        }
    }
}

static void draw_inlines(struct flow *flow, cmark_node *node, enum role role)
{
    draw_nested(flow, node, role, 0);
}

void markdown_code_lines(struct flow *flow, const char *text, enum glyph mark, enum role mark_role, enum role role)
{
    char first[16], rest[16];
    snprintf(first, sizeof(first), "%s ", theme_glyph(flow_theme(flow), mark));
    snprintf(rest, sizeof(rest), "%s ", theme_glyph(flow_theme(flow), GLYPH_GUTTER));
    flow_push(flow, first, rest, mark_role);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        flow_verbatim(flow, role, line, len);
        line += len + (line[len] == '\n');
    }
    if (!*text)
        flow_verbatim(flow, role, "", 0);
    flow_pop(flow);
}

static void draw_list(struct drawing *drawing, cmark_node *list)
{
    bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST, outer_tight = drawing->tight;
    int number = cmark_node_get_list_start(list), last = number;
    for (cmark_node *item = cmark_node_first_child(list); item; item = cmark_node_next(item))
        last++;
    int width = ordered ? snprintf(NULL, 0, "%d. ", last - 1) : 2;
    const char *bullet =
        theme_glyph(flow_theme(drawing->flow), drawing->list_depth ? GLYPH_BULLET_INNER : GLYPH_BULLET);

    drawing->list_depth++;
    for (cmark_node *item = cmark_node_first_child(list); item; item = cmark_node_next(item), number++) {
        char first[32], rest[32];
        drawing->tight = cmark_node_get_list_tight(list);
        if (!drawing->tight && cmark_node_previous(item))
            flow_blank(drawing->flow);
        if (ordered)
            snprintf(first, sizeof(first), "%*d. ", width - 2, number);
        else
            snprintf(first, sizeof(first), "%s ", bullet);
        snprintf(rest, sizeof(rest), "%*s", width, "");
        flow_push(drawing->flow, first, rest, ROLE_FAINT);
        draw_blocks(drawing, cmark_node_first_child(item));
        flow_pop(drawing->flow);
    }
    drawing->list_depth--;
    drawing->tight = outer_tight;
}

static void draw_quote(struct drawing *drawing, cmark_node *quote)
{
    char gutter[16];
    snprintf(gutter, sizeof(gutter), "%s ", theme_glyph(flow_theme(drawing->flow), GLYPH_GUTTER));
    flow_push(drawing->flow, gutter, gutter, ROLE_FAINT);
    draw_blocks(drawing, cmark_node_first_child(quote));
    flow_pop(drawing->flow);
}

static void draw_block(struct drawing *drawing, cmark_node *node)
{
    struct flow *flow = drawing->flow;
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_DOCUMENT:
        draw_blocks(drawing, cmark_node_first_child(node));
        break;
    case CMARK_NODE_HEADING:
        draw_inlines(flow, cmark_node_first_child(node),
                     cmark_node_get_heading_level(node) <= 2 ? ROLE_HEADING : ROLE_STRONG);
        flow_break(flow);
        break;
    case CMARK_NODE_PARAGRAPH:
        if (!table_draw(flow, node))
            draw_inlines(flow, cmark_node_first_child(node), ROLE_TEXT);
        flow_break(flow);
        break;
    case CMARK_NODE_CODE_BLOCK:
        if (!drawing->code || !drawing->code(flow, node, drawing->data))
            markdown_code_lines(flow, cmark_node_get_literal(node), GLYPH_GUTTER, ROLE_FAINT, ROLE_CODE);
        break;
    case CMARK_NODE_LIST:
        draw_list(drawing, node);
        break;
    case CMARK_NODE_BLOCK_QUOTE:
        draw_quote(drawing, node);
        break;
    case CMARK_NODE_THEMATIC_BREAK:
        flow_rule(flow);
        break;
    default:
        break;
    }
}

static bool is_shown(cmark_node *node)
{
    return cmark_node_get_type(node) != CMARK_NODE_HTML_BLOCK && cmark_node_get_type(node) != CMARK_NODE_CUSTOM_BLOCK;
}

static void draw_blocks(struct drawing *drawing, cmark_node *first)
{
    bool begun = false;
    if (drawing->depth == DEEPEST)
        return;
    drawing->depth++;
    for (cmark_node *node = first; node; node = cmark_node_next(node)) {
        if (!is_shown(node))
            continue;
        if (begun && !drawing->tight)
            flow_blank(drawing->flow);
        draw_block(drawing, node);
        begun = true;
    }
    drawing->depth--;
}

void markdown_draw(struct flow *flow, struct cmark_node *node, markdown_code_fn *code, void *data)
{
    struct drawing drawing = { .flow = flow, .code = code, .data = data };
    if (!is_shown(node))
        return;
    flow_blank(flow);
    draw_block(&drawing, node);
}

void markdown_draw_text(struct flow *flow, const char *text)
{
    cmark_node *document = cmark_parse_document(text, strlen(text), CMARK_OPT_DEFAULT);
    if (!document)
        return;
    struct drawing drawing = { .flow = flow };
    draw_block(&drawing, document);
    cmark_node_free(document);
}

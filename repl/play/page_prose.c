/* Prose for a page: cmark's HTML of a copy from which whatever a page must not have is taken out. */
#include "repl/play/page.h"

#include <cmark.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 32 /* of a table's row */

/* What was in @node takes its place. */
static void replace_by_children(cmark_node *node)
{
    for (cmark_node *child; (child = cmark_node_first_child(node));) {
        cmark_node_unlink(child);
        cmark_node_insert_before(node, child);
    }
    cmark_node_free(node);
}

/* Has @url another scheme than those that a document's links have? */
static bool is_odd_link(const char *url)
{
    static const char *const schemes[] = { "http:", "https:", "mailto:" };
    if (url[strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-")] != ':')
        return false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return false;
    return true;
}

static bool is_unwanted(cmark_node *node)
{
    cmark_node_type type = cmark_node_get_type(node);
    return type == CMARK_NODE_IMAGE || type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE ||
           (type == CMARK_NODE_LINK && is_odd_link(cmark_node_get_url(node)));
}

static void clean(cmark_node *document)
{
    cmark_iter *iter = cmark_iter_new(document);
    cmark_event_type event;
    while (iter && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        bool has_children = type == CMARK_NODE_IMAGE || type == CMARK_NODE_LINK; /* which are looked at before */
        if ((event == CMARK_EVENT_EXIT || !has_children) && is_unwanted(node))
            replace_by_children(node);
    }
    cmark_iter_free(iter);
}

static char *to_html(const char *markdown)
{
    cmark_node *document = cmark_parse_document(markdown, strlen(markdown), CMARK_OPT_DEFAULT);
    if (!document)
        return NULL;
    clean(document);
    char *html = cmark_render_html(document, CMARK_OPT_DEFAULT);
    cmark_node_free(document);
    return html;
}

/* --- tables ------------------------------------------------------------------------------------------------------------------------ */

/* Cut `| a | b |` at the bars that are not escaped and not in code. Returns how many cells there are; 0: it is no row. */
static size_t cut_row(char *line, char *cells[CELLS])
{
    size_t count = 0;
    bool code = false;
    line += strspn(line, " ");
    if (*line != '|')
        return 0;
    char *from = ++line;
    for (; *line && count < CELLS; line++) {
        code ^= *line == '`';
        if (*line == '\\' && line[1]) {
            line++;
        } else if (*line == '|' && !code) {
            *line = '\0';
            cells[count++] = from;
            from = line + 1;
        }
    }
    if (count < CELLS && from[strspn(from, " ")])
        cells[count++] = from;
    return count;
}

static bool is_rule(const char *line)
{
    return strspn(line, "|-: \\") == strlen(line) && strstr(line, "--");
}

static void put_row(FILE *out, char *line, const char *element)
{
    char *cells[CELLS];
    size_t count = cut_row(line, cells);
    fputs("<tr>", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "<%s>", element);
        page_words(out, cells[i]);
        fprintf(out, "</%s>", element);
    }
    fputs("</tr>\n", out);
}

/* @markdown is changed. False, and nothing put, if it is no table. */
static bool put_table(FILE *out, char *markdown)
{
    char *rest = markdown, *head = strsep(&rest, "\n"), *rule = rest ? strsep(&rest, "\n") : NULL;
    if (head[0] != '|' || !rule || rule[0] != '|' || !is_rule(rule))
        return false;
    fputs("<div class=\"wide\"><table>\n<thead>", out);
    put_row(out, head, "th");
    fputs("</thead>\n<tbody>\n", out);
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            put_row(out, line, "td");
    fputs("</tbody>\n</table></div>\n", out);
    return true;
}

/* --- the doors --------------------------------------------------------------------------------------------------------------------- */

void page_markdown(FILE *out, const char *markdown)
{
    char *html = to_html(markdown);
    fputs(html ? html : "", out);
    free(html);
}

void page_words(FILE *out, const char *markdown)
{
    char *html = to_html(markdown);
    const char *text = html ? html : "";
    size_t len = strlen(text);
    while (len && text[len - 1] == '\n')
        len--;
    /* One paragraph is words; what came out as something else stands as it was written. */
    if (len >= 7 && strncmp(text, "<p>", 3) == 0 && strncmp(text + len - 4, "</p>", 4) == 0 && !strstr(text + 3, "<p>"))
        fwrite(text + 3, 1, len - 7, out);
    else
        page_text(out, markdown);
    free(html);
}

void page_prose(FILE *out, struct cmark_node *node)
{
    char *markdown = cmark_render_commonmark(node, CMARK_OPT_DEFAULT, 0);
    char *copy = markdown && cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH ? strdup(markdown) : NULL;
    if (markdown && (!copy || !put_table(out, copy)))
        page_markdown(out, markdown);
    free(copy);
    free(markdown);
}

/* What is read: lines that are not wrapped, images, and words that nearly mean something. */
#include "repl/lesson/lint_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/similar.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#define SCREEN 80
#define GUTTER 2 /* the mark in front of code */
#define ANSWER 7 /* the number and the box in front of an answer */
#define GAP 2    /* between two columns of a table */
#define MOST_COLUMNS 16

static unsigned char_width(const char *s, size_t length)
{
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    wchar_t c = (unsigned char)s[0] & mask[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    int cells = wcwidth(c);
    return cells < 0 ? 1 : (unsigned)cells;
}

/* Columns that @len bytes take on a terminal. */
static unsigned width_of(const char *s, size_t len)
{
    unsigned width = 0;
    for (size_t i = 0, length; i < len; i += length) {
        length = utf8_length(s + i, len - i);
        if (length == 0)
            length = 1;
        width += s[i] == '\t' ? 8 - width % 8 : length == 1 ? 1 : char_width(s + i, length);
    }
    return width;
}

static void too_long(struct lint *lint, int line, const char *what, unsigned width, unsigned most)
{
    lint_say(lint, RULE_LONG_LINE, line, "%s of %u columns, expected at most %u: a screen may have no more than 80",
             what, width, most);
}

/* --- Code --- */

static bool has_count_or_kind(const char *line, size_t len)
{
    return (len > 0 && line[len - 1] == ')') || (len == 3 && strncmp(line, "...", 3) == 0);
}

static bool is_fenced(const struct lint *lint, cmark_node *node)
{
    int line = cmark_node_get_start_line(node);
    size_t column = (size_t)cmark_node_get_start_column(node);
    if (line < 1 || (size_t)line > lint->line_count || column < 1 || column > strlen(lint->lines[line - 1]))
        return false;
    const char *fence = lint->lines[line - 1] + column - 1;
    return strncmp(fence, "```", 3) == 0 || strncmp(fence, "~~~", 3) == 0;
}

static void check_code(struct lint *lint, cmark_node *node, enum node_kind kind)
{
    int line = cmark_node_get_start_line(node);
    line += is_fenced(lint, node);
    for (const char *at = cmark_node_get_literal(node); *at; line++) {
        size_t len = strcspn(at, "\n");
        unsigned width = width_of(at, len);
        /* A pattern may be longer than what it matches. */
        if (kind == NODE_KIND_OUTPUT && width > SCREEN && !has_count_or_kind(at, len))
            too_long(lint, line, "a line of output", width, SCREEN);
        else if (kind != NODE_KIND_OUTPUT && width > SCREEN - GUTTER)
            too_long(lint, line, "a line of code", width, SCREEN - GUTTER);
        at += len + (at[len] == '\n');
    }
}

static const struct block *block_at(const struct lesson *lesson, const cmark_node *node)
{
    for (size_t i = 0; i < lesson->step_count; i++) {
        const struct block *block = step_node_block(&lesson->steps[i], node);
        if (block)
            return block;
    }
    return NULL;
}

static void check_answers(struct lint *lint, const struct block *block)
{
    for (size_t i = 0; i < block->quiz->count; i++) {
        const char *text = block->quiz->answers[i].text;
        unsigned width = width_of(text, strlen(text)) + ANSWER;
        if (width > SCREEN)
            too_long(lint, lint_answer_line(lint, block, i), "an answer", width - ANSWER, SCREEN - ANSWER);
    }
}

static void check_code_block(struct lint *lint, cmark_node *node)
{
    enum node_kind kind = step_node_kind(node);
    const struct block *block = kind == NODE_KIND_BLOCK ? block_at(lint->lesson, node) : NULL;
    if (block && block->quiz)
        check_answers(lint, block);
    else if (kind != NODE_KIND_KEYS && !(block && block->hidden))
        check_code(lint, node, kind);
}

/* --- Tables --- */

static size_t longest_word(const char *cell, size_t len)
{
    unsigned longest = 0;
    for (size_t i = 0; i < len;) {
        size_t word = 0;
        while (i + word < len && !strchr(" \t", cell[i + word]))
            word++;
        unsigned width = width_of(cell + i, word);
        for (size_t k = 0; k < word; k++)
            width -= strchr("`*", cell[i + k]) && width > 0;
        longest = width > longest ? width : longest;
        i += word + 1;
    }
    return longest;
}

static bool is_delimiter_row(const char *line)
{
    return strchr(line, '-') && line[strspn(line, "|:- \t")] == '\0';
}

/* The screen breaks what is in the cells between words: a table is too wide when the words alone are. */
static void check_table(struct lint *lint, cmark_node *paragraph)
{
    int first = cmark_node_get_start_line(paragraph), last = cmark_node_get_end_line(paragraph);
    size_t widest[MOST_COLUMNS] = { 0 }, columns = 0, total = 0;
    if (first < 1 || (size_t)last > lint->line_count || last <= first)
        return;
    if (lint->lines[first - 1][strspn(lint->lines[first - 1], " ")] != '|' || !is_delimiter_row(lint->lines[first]))
        return;
    for (int i = first; i <= last; i++) {
        const char *at = lint->lines[i - 1] + strspn(lint->lines[i - 1], " ") + 1;
        for (size_t column = 0; i != first + 1 && *at && column < MOST_COLUMNS; column++) {
            size_t len = strcspn(at, "|"), word = longest_word(at, len);
            widest[column] = word > widest[column] ? word : widest[column];
            columns = column + 1 > columns && word ? column + 1 : columns;
            at += len + (at[len] == '|');
        }
    }
    for (size_t i = 0; i < columns; i++)
        total += widest[i] + (i ? GAP : 0);
    if (total > SCREEN)
        too_long(lint, first, "a table whose longest words side by side are", (unsigned)total, SCREEN);
}

/* --- Images and words --- */

static void check_image(struct lint *lint, cmark_node *image)
{
    cleanup_free char *text = lint_kept(lint, node_text(image));
    const char *url = cmark_node_get_url(image);
    if (text && text[strspn(text, " ")] == '\0')
        lint_say(lint, RULE_IMAGE_ALT, lint_line_of(lint, url ? url : "![", lint_line(image), 0),
                 "the image `%s` does not say what it shows, expected it in the brackets: `![in words](…)`",
                 url ? url : "");
}

static void check_html_images(struct lint *lint, cmark_node *node)
{
    const char *html = cmark_node_get_literal(node);
    int line = lint_line(node);
    for (const char *at = html; (at = strcasestr(at, "<img")); at++) {
        size_t len = strcspn(at, ">");
        cleanup_free char *tag = lint_kept(lint, strndup(at, len));
        int below = 0;
        for (const char *c = html; c < at; c++)
            below += *c == '\n';
        if (tag && strchr(" \t\n/", at[4]) && !strcasestr(tag, "alt="))
            lint_say(lint, RULE_IMAGE_ALT, line + below,
                     "an image that does not say what it shows, expected `alt=\"in words\"`");
    }
}

/* A language that is not run, and nearly one that is. Other shells have names like that. */
static void check_language(struct lint *lint, cmark_node *node)
{
    static const char *const meant[] = { "bash", "shell", "console", "quiz", "output", "keys" };
    static const char *const others[] = { "ash", "dash", "csh", "zsh", "ksh", "key" };
    const char *info = cmark_node_get_fence_info(node);
    size_t len = info ? strcspn(info, " \t|{") : 0;
    char language[32], near[64];
    if (step_node_kind(node) != NODE_KIND_CODE || len == 0 || len >= sizeof language)
        return;
    memcpy(language, info, len);
    language[len] = '\0';
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(language, others[i]) == 0)
            return;
    if (*did_you_mean(near, sizeof near, language, meant, sizeof meant / sizeof *meant, sizeof *meant))
        lint_say(lint, RULE_MISSPELT, cmark_node_get_start_line(node), "a block of `%s`, which is only read%s",
                 language, near);
}

/* `<!-- essense: …`, `<!-- Check`: comments to the program, and to anybody else. */
static void check_comment(struct lint *lint, cmark_node *node)
{
    static const char *const keys[] = { "needs", "requires", "essence", "timeout" };
    static const char *const blocks[] = { "setup", "check", "teardown", "notes", "watch" };
    const char *html = cmark_node_get_literal(node);
    html += strspn(html, " ");
    if (strncmp(html, "<!--", 4) != 0)
        return;
    const char *text = html + 4 + strspn(html + 4, " \t");
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    char word[32], near[64];
    bool key = text[len] == ':', block = text[len + strspn(text + len, " \t")] == '\n';
    if (len == 0 || len >= sizeof word || !(key || block))
        return;
    memcpy(word, text, len);
    word[len] = '\0';
    if (*did_you_mean(near, sizeof near, word, key ? keys : blocks,
                      key ? sizeof keys / sizeof *keys : sizeof blocks / sizeof *blocks, sizeof *keys))
        lint_say(lint, RULE_MISSPELT, lint_line(node), "a comment `%s`, which says nothing to the program%s", word,
                 near);
}

void lint_texts(struct lint *lint)
{
    cmark_iter *iter = cmark_iter_new(lint->lesson->document);
    cmark_event_type event;
    while (iter && !lint->oom && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        if (event != CMARK_EVENT_ENTER)
            continue;
        if (type == CMARK_NODE_CODE_BLOCK) {
            check_code_block(lint, node);
            check_language(lint, node);
        } else if (type == CMARK_NODE_PARAGRAPH) {
            check_table(lint, node);
        } else if (type == CMARK_NODE_IMAGE) {
            check_image(lint, node);
        } else if (type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE) {
            check_html_images(lint, node);
            if (!lint->lesson->plain)
                check_comment(lint, node);
        }
    }
    cmark_iter_free(iter);
}

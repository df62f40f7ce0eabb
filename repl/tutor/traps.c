/* The table of traps, read from a Markdown document. */
#include "repl/tutor/trap.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/lesson/curriculum.h"
#include "repl/tutor/facts.h"

#include <cmark.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_FILE (1 << 20)
#define SHORT_PARAGRAPH 260 /* bytes: what is said unasked has to fit beside a lesson */

struct reader {
    struct traps *traps;
    struct lesson_mistakes *mistakes;
    char **lines; /* [0] is line 1 */
    size_t line_count;
    bool failed;
};

static char *lines_between(struct reader *reader, int first, int end)
{
    size_t len = 0;
    for (int i = first; i < end; i++)
        len += strlen(reader->lines[i - 1]) + 1;
    char *text = malloc(len + 1), *at = text;
    if (!text) {
        reader->failed = true;
        return NULL;
    }
    for (int i = first; i < end; i++)
        at += sprintf(at, "%s\n", reader->lines[i - 1]);
    *at = '\0';
    while (at > text && at[-1] == '\n')
        *--at = '\0';
    return text;
}

/* Every name in the text must have been found before: by a pattern, or given by a fact. */
static void check_text(struct reader *reader, const char *text, int line, const struct names *known)
{
    for (const char *at = text; at && *at; at++) {
        line += *at == '\n';
        size_t len = at[0] == '$' ? name_length(at + 1) : 0;
        if (at[0] == '$' && at[1] == '$')
            at++;
        else if (len && !names_find(known, at + 1, len))
            reader->failed |= lesson_mistakes_add(reader->mistakes, line,
                                                  "`$%.*s` is in none of this trap's patterns, nor given by its facts; "
                                                  "a dollar sign of the text is written `$$`",
                                                  (int)len, at + 1) < 0;
    }
}

static void know(struct names *known, const char *name, size_t len)
{
    names_set(known, name, len, "", 0, true);
}

static void know_pattern(struct names *known, const char *pattern)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '$' && name_length(at + 1))
            know(known, at + 1, name_length(at + 1));
    }
}

static void know_words(struct names *known, const char *words)
{
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        know(known, at, len);
        at += len;
    }
}

/* What the names that a condition finds are, and whether those it needs are known. */
static void check_condition(struct reader *reader, const struct trap_condition *condition, struct names *known)
{
    for (size_t i = 0; i < condition->count; i++) {
        const struct trap_alternative *alternative = &condition->alternatives[i];
        if (alternative->root)
            check_text(reader, alternative->root, condition->line, known);
        for (size_t k = 0; alternative->words && alternative->words[k]; k++)
            if (condition->subject == TRAP_FACT)
                check_text(reader, alternative->words[k], condition->line, known);
            else if (!condition->negated)
                know_pattern(known, alternative->words[k]);
        if (alternative->fact && !condition->negated)
            know_words(known, alternative->fact->gives);
    }
}

static void check_names(struct reader *reader, const struct trap *trap, int short_line, int page_line)
{
    struct names *known = calloc(1, sizeof *known);
    if (!known) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < trap->count; i++)
        check_condition(reader, &trap->conditions[i], known);
    check_text(reader, trap->short_text, short_line, known);
    check_text(reader, trap->page, page_line, known);
    free(known);
}

static int line_of(cmark_node *node)
{
    return cmark_node_get_start_line(node);
}

static bool is_heading(cmark_node *node)
{
    return cmark_node_get_type(node) == CMARK_NODE_HEADING && cmark_node_get_heading_level(node) <= 2;
}

static bool is_trap_block(cmark_node *node)
{
    return node && cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK &&
           strcmp(cmark_node_get_fence_info(node), "trap") == 0;
}

static void missing(struct reader *reader, int line, const char *name, const char *what)
{
    reader->failed |= lesson_mistakes_add(reader->mistakes, line, "the trap `%s` has no %s", name, what) < 0;
}

/* Two paragraphs. Returns the node after them, or NULL: something is missing, and was said. */
static cmark_node *read_short(struct reader *reader, struct trap *trap, cmark_node *node)
{
    static const char *const whats[] = { "paragraph that says what happened and why here",
                                         "second paragraph: the way out" };
    cmark_node *first = node;
    for (int i = 0; i < 2; i++) {
        if (!node || cmark_node_get_type(node) != CMARK_NODE_PARAGRAPH) {
            missing(reader, trap->line, trap->name, whats[i]);
            return NULL;
        }
        int begin = line_of(node), end = cmark_node_get_end_line(node) + 1;
        cleanup_free char *text = lines_between(reader, begin, end);
        if (text && strlen(text) > SHORT_PARAGRAPH)
            reader->failed |= lesson_mistakes_add(reader->mistakes, begin,
                                                  "%zu bytes, expected at most %d: it is said in two lines, and the "
                                                  "rest belongs to the page below",
                                                  strlen(text), SHORT_PARAGRAPH) < 0;
        if (i == 1)
            trap->short_text = lines_between(reader, line_of(first), end);
        node = cmark_node_next(node);
    }
    return node;
}

/* One heading and what is below it. Returns the next heading. */
static cmark_node *read_trap(struct reader *reader, cmark_node *heading)
{
    struct trap *grown = realloc(reader->traps->list, (reader->traps->count + 1) * sizeof *grown);
    cmark_node *name = cmark_node_first_child(heading), *node = cmark_node_next(heading), *end = node;
    while (end && !is_heading(end))
        end = cmark_node_next(end);
    if (!grown) {
        reader->failed = true;
        return NULL;
    }
    reader->traps->list = grown;
    struct trap *trap = &grown[reader->traps->count++];
    const char *literal = name && cmark_node_get_type(name) == CMARK_NODE_TEXT ? cmark_node_get_literal(name) : "";
    *trap = (struct trap){ .name = strdup(literal), .line = line_of(heading) };
    if (!trap->name) {
        reader->failed = true;
        return NULL;
    }
    if (!*literal || literal[strspn(literal, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        reader->failed |= lesson_mistakes_add(reader->mistakes, trap->line,
                                              "a trap's name is made of small letters, digits and `-`") < 0;
    for (size_t i = 0; i + 1 < reader->traps->count; i++)
        if (strcmp(grown[i].name, literal) == 0)
            reader->failed |= lesson_mistakes_add(reader->mistakes, trap->line,
                                                  "the trap on line %d is called `%s` too", grown[i].line, literal) < 0;
    if (!is_trap_block(node)) {
        missing(reader, trap->line, trap->name, "block ```trap after its heading");
        return end;
    }
    if (trap_read_conditions(trap, cmark_node_get_literal(node), line_of(node) + 1, reader->mistakes) < 0)
        reader->failed = true;
    cmark_node *first = cmark_node_next(node), *after = read_short(reader, trap, first);
    if (!trap->short_text)
        return end;
    int to = end ? line_of(end) : (int)reader->line_count + 1;
    if (!after || after == end) {
        missing(reader, trap->line, trap->name, "longer page: what stands after the two paragraphs");
        return end;
    }
    trap->page = lines_between(reader, line_of(after), to);
    check_names(reader, trap, line_of(first), line_of(after));
    return end;
}

static void read_document(struct reader *reader, cmark_node *document)
{
    cmark_node *node = cmark_node_first_child(document);
    while (node && !reader->failed)
        if (is_heading(node) && cmark_node_get_heading_level(node) == 2) {
            node = read_trap(reader, node);
        } else {
            if (is_trap_block(node))
                reader->failed |= lesson_mistakes_add(reader->mistakes, line_of(node),
                                                      "a trap without a heading `## NAME` before it") < 0;
            node = cmark_node_next(node);
        }
    if (!reader->failed && reader->traps->count == 0)
        reader->failed |= lesson_mistakes_add(reader->mistakes, 1, "no traps, expected `## NAME` headings") < 0;
}

static bool read_lines(struct reader *reader, char *copy)
{
    for (char *line; (line = strsep(&copy, "\n"));) {
        char **grown = realloc(reader->lines, (reader->line_count + 1) * sizeof *grown);
        if (!grown)
            return false;
        reader->lines = grown;
        grown[reader->line_count++] = line;
    }
    return true;
}

struct traps *traps_parse(const char *path, const char *text, size_t len, struct lesson_mistakes *mistakes,
                          struct err *err)
{
    *mistakes = (struct lesson_mistakes){ 0 };
    struct reader reader = { .traps = calloc(1, sizeof *reader.traps), .mistakes = mistakes };
    cleanup_free char *copy = strndup(text, len);
    reader.failed = !reader.traps || !copy || !read_lines(&reader, copy);
    for (size_t i = 0; !reader.failed && i < reader.line_count; i++)
        if (strchr(reader.lines[i], '\r'))
            reader.failed =
                lesson_mistakes_add(mistakes, (int)i + 1, "a carriage return, expected a newline alone") < 0;
    if (!reader.failed && copy && strlen(text) < len)
        reader.failed = lesson_mistakes_add(mistakes, (int)reader.line_count, "a NUL byte, expected text") < 0;
    cmark_node *document = reader.failed || mistakes->count ? NULL : cmark_parse_document(text, len, CMARK_OPT_DEFAULT);
    if (document) {
        read_document(&reader, document);
        cmark_node_free(document);
    }
    free(reader.lines);
    if (!reader.failed && mistakes->count == 0)
        return reader.traps;
    traps_free(reader.traps);
    if (reader.failed) {
        lesson_mistakes_free(mistakes);
        err_set(err, ENOMEM, "read traps `%s`", path);
    }
    return NULL;
}

struct traps *traps_load(const char *path, struct lesson_mistakes *mistakes, struct err *err)
{
    *mistakes = (struct lesson_mistakes){ 0 };
    cleanup_free char *text = malloc(LONGEST_FILE);
    if (!text) {
        err_set(err, ENOMEM, "read traps `%s`", path);
        return NULL;
    }
    ssize_t len = read_file_at(AT_FDCWD, path, text, LONGEST_FILE, err);
    if (len >= 0)
        return traps_parse(path, text, (size_t)len, mistakes, err);
    err_prefix(err, "read traps");
    return NULL;
}

struct traps *traps_open(struct err *err)
{
    struct lesson_mistakes mistakes;
    cleanup_free char *path = curriculum_file("lessons/traps.md", err);
    struct traps *traps = path ? traps_load(path, &mistakes, err) : NULL;
    if (path && !traps && mistakes.count)
        err_say(err, EINVAL, "%s:%d: %s", path, mistakes.list[0].line, mistakes.list[0].what);
    if (path)
        lesson_mistakes_free(&mistakes);
    return traps;
}

void trap_clear(struct trap *trap)
{
    for (size_t i = 0; i < trap->count; i++) {
        struct trap_condition *condition = &trap->conditions[i];
        for (size_t k = 0; k < condition->count; k++) {
            struct trap_alternative *alternative = &condition->alternatives[k];
            for (size_t w = 0; alternative->words && alternative->words[w]; w++)
                free(alternative->words[w]);
            free(alternative->words);
            free(alternative->name);
            free(alternative->root);
        }
        free(condition->alternatives);
    }
    free(trap->conditions);
    free(trap->name);
    free(trap->short_text);
    free(trap->page);
}

void traps_free(struct traps *traps)
{
    if (!traps)
        return;
    for (size_t i = 0; i < traps->count; i++)
        trap_clear(&traps->list[i]);
    free(traps->list);
    free(traps);
}

size_t traps_count(const struct traps *traps)
{
    return traps->count;
}

const char *traps_name(const struct traps *traps, size_t index)
{
    return traps->list[index].name;
}

/* What a block must print, one pattern a line. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int kind;
} pattern_kinds[] = { { "glob", OUTPUT_GLOB }, { "re", OUTPUT_REGEX }, { "literal", OUTPUT_LITERAL } };
#define PATTERN_KINDS (sizeof pattern_kinds / sizeof *pattern_kinds)

/** Split ` (glob+)` off the end of @line, whose length becomes *len. */
static void read_suffix(const char *line, size_t *len, struct output_pattern *pattern)
{
    const char *open = NULL;
    for (const char *c = line; (c = strstr(c, " (")); c++)
        open = c;
    if (!open)
        return;
    for (size_t i = 0; i < PATTERN_KINDS; i++) {
        size_t name = strlen(pattern_kinds[i].name);
        if (strncmp(open + 2, pattern_kinds[i].name, name) != 0)
            continue;
        const char *end = open + 2 + name;
        char count = *end && strchr("?*+", *end) ? *end : '\0';
        if (strcmp(end + (count != '\0'), ")") != 0)
            continue;
        pattern->kind = pattern_kinds[i].kind;
        pattern->count = count;
        *len = (size_t)(open - line);
        return;
    }
}

static void add_pattern(struct parser *p, struct block *block, const char *line, int number)
{
    struct output_pattern *pattern = ARRAY_ADD(p, block->output, block->output_count);
    if (!pattern)
        return;
    size_t len = strlen(line);
    pattern->line = number;
    pattern->kind = OUTPUT_LITERAL;
    if (strcmp(line, "...") == 0) {
        pattern->kind = OUTPUT_ANY_LINES;
        pattern->count = '*';
    } else {
        read_suffix(line, &len, pattern);
    }
    pattern->text = kept(p, strndup(line, len));
    regex_t regex;
    char why[128];
    if (pattern->kind != OUTPUT_REGEX || !pattern->text)
        return;
    if (regex_compile(&regex, pattern->text, true, 0, why, sizeof why))
        regfree(&regex);
    else
        mistake(p, number, "bad regular expression `%s` (%s), expected an extended one, see regex(7)", pattern->text,
                why);
}

void read_output(struct parser *p, struct block *block, const struct fence *fence)
{
    char *body = kept(p, strdup(cmark_node_get_literal(fence->node)));
    if (!body)
        return;
    block->has_output = true;
    int number = fence->line;
    for (char *line = body, *next; *line && !p->oom; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] == '\n');
        line[len] = '\0';
        add_pattern(p, block, line, ++number);
    }
    free(body);
}

/* The plan of a README: each block read for what it wants, and the sections that become steps. */
#include "repl/adopt/plan.h"

#include "engine/base/cleanup.h"
#include "engine/observe/host.h"

#include <cmark.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What this machine has said of a feature. */
struct answer {
    bool asked;
    char lacks[sizeof((struct adopt_block *)NULL)->lacks]; /* "": it has it */
};

static void ask(const struct host_feature *feature, struct answer *answer)
{
    char found[160] = "", brings[256] = "";
    answer->asked = true;
    if (feature->probe(found, sizeof found) != HOST_NO)
        return;
    host_brings(feature, brings, sizeof brings);
    snprintf(answer->lacks, sizeof answer->lacks, "%s: %s%s%s", feature->name, found[0] ? found : "missing",
             brings[0] ? "; " : "", brings);
}

/* Each feature is tried once, whatever number of blocks need it. */
static void find_lacks(struct answer *answers, struct adopt_block *block)
{
    cleanup_free char *names = strdup(block->requires);
    char *rest = names, *name;
    while (!block->lacks[0] && (name = strsep(&rest, " "))) {
        const struct host_feature *feature = host_feature_find(name);
        struct answer *answer = feature ? &answers[feature - host_features] : NULL;
        if (answer && !answer->asked)
            ask(feature, answer);
        if (answer)
            memcpy(block->lacks, answer->lacks, sizeof block->lacks);
    }
}

/* A value that an info string of a lesson cannot hold. */
static bool is_unspeakable(const char *value)
{
    return value && value[strcspn(value, "\\`&|\"")] != '\0';
}

static void read_block(struct adopt_block *at)
{
    const struct block *block = at->block;
    at->line = block->line;
    at->terminal = block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
    for (size_t i = 0; block->commands && block->commands[i]; i++)
        adopt_read_command(at, block->commands[i]);
    if (block->type == BLOCK_SCRIPT && block->body)
        adopt_read_command(at, block->body);
    at->interrupt = block->interrupt;
    if (block->background)
        at->way = ADOPT_BACKGROUND;
    if (at->program && at->keys && block->type == BLOCK_COMMAND) {
        at->way = ADOPT_KEYS;
    } else if (at->program && strcmp(at->program, "docker -it") != 0) {
        at->way = ADOPT_LEFT_OUT;
        at->left_out = "it waits for what only a user can type";
    }
    if (is_unspeakable(block->path) || is_unspeakable(block->user) ||
        (block->type == BLOCK_FILE && is_unspeakable(block->name))) {
        at->way = ADOPT_LEFT_OUT;
        at->left_out = "its path or user has characters that an info string cannot hold";
    }
}

struct adopt_block *adopt_block_at(const struct adopt_plan *plan, int line)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->blocks[i].line == line)
            return &plan->blocks[i];
    return NULL;
}

static int read_blocks(struct adopt_plan *plan)
{
    const struct lesson *readme = plan->readme;
    size_t count = 0;
    for (size_t i = 0; i < readme->step_count; i++)
        count += readme->steps[i].block_count;
    plan->blocks = calloc(count + 1, sizeof *plan->blocks);
    plan->sections = calloc(count + 1, sizeof *plan->sections);
    if (!plan->blocks || !plan->sections)
        return -1;
    for (size_t i = 0; i < readme->step_count; i++)
        for (size_t j = 0; j < readme->steps[i].block_count; j++) {
            struct adopt_block *at = &plan->blocks[plan->count];
            *at = (struct adopt_block){ .block = &readme->steps[i].blocks[j], .step = (unsigned)i + 1 };
            read_block(at);
            if (at->terminal > plan->terminals)
                plan->terminals = at->terminal;
            plan->count++;
        }
    return 0;
}

static int read_lines(struct adopt_plan *plan, const char *text)
{
    size_t count = 0;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        text += 3;
    for (const char *c = text; *c; c++)
        count += *c == '\n';
    plan->lines = calloc(count + 2, sizeof *plan->lines);
    if (!plan->lines)
        return -1;
    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t kept = len > 0 && text[len - 1] == '\r' ? len - 1 : len;
        plan->lines[plan->line_count] = strndup(text, kept);
        if (!plan->lines[plan->line_count++])
            return -1;
        text += len + (text[len] == '\n');
    }
    return 0;
}

static const char *line_of(const struct adopt_plan *plan, int number)
{
    return number >= 1 && (size_t)number <= plan->line_count ? plan->lines[number - 1] : "";
}

/* Is it the line below a heading that makes it one? */
static bool is_underline(const char *line)
{
    line += strspn(line, " ");
    size_t marks = *line == '=' ? strspn(line, "=") : strspn(line, "-");
    return marks > 0 && line[marks + strspn(line + marks, " \t")] == '\0';
}

int adopt_heading_end(const struct adopt_plan *plan, int line)
{
    const char *text = line_of(plan, line);
    int end = line + 1;
    if (text[strspn(text, " ")] == '#')
        return line;
    while ((size_t)end < plan->line_count && !is_underline(line_of(plan, end)))
        end++;
    return end;
}

char *adopt_heading_text(const struct adopt_plan *plan, int line)
{
    int last = adopt_heading_end(plan, line);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int i = line; i <= last; i++) {
        const char *part = line_of(plan, i);
        if (i == last && last > line)
            break; /* the line below it */
        part += strspn(part, " \t");
        part += last == line ? strspn(part, "#") : 0;
        part += strspn(part, " \t");
        size_t len = strlen(part);
        while (len > 0 && strchr(last == line ? " \t#" : " \t", part[len - 1]))
            len--;
        fprintf(out, "%s%.*s", i > line ? " " : "", (int)len, part);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The first block that opens within the lines of @node and is run, and how many follow it there. */
static size_t blocks_within(const struct adopt_plan *plan, cmark_node *node, size_t *first)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        int line = plan->blocks[i].line;
        if (plan->blocks[i].way == ADOPT_LEFT_OUT || line < cmark_node_get_start_line(node) ||
            line > cmark_node_get_end_line(node))
            continue;
        if (count == 0)
            *first = i;
        count = i - *first + 1;
    }
    return count;
}

static int read_sections(struct adopt_plan *plan)
{
    cmark_node *heading = NULL, *before = NULL;
    struct adopt_section *section = NULL;
    for (cmark_node *node = cmark_node_first_child(plan->readme->document); node; node = cmark_node_next(node)) {
        size_t first = 0, count = blocks_within(plan, node, &first);
        bool titles = cmark_node_get_type(node) == CMARK_NODE_HEADING;
        if (titles) {
            heading = node;
            section = NULL;
        }
        if (count && !section) {
            section = &plan->sections[plan->section_count++];
            section->first = first;
            bool whole = heading && (heading != cmark_node_first_child(plan->readme->document) ||
                                     cmark_node_get_heading_level(heading) > 1);
            section->title = heading ? adopt_heading_text(plan, cmark_node_get_start_line(heading)) : NULL;
            if (!section->title || !*section->title) {
                free(section->title);
                section->title = strdup(plan->readme->title);
            }
            if (!section->title)
                return -1;
            if (whole) {
                section->heading = cmark_node_get_start_line(heading);
                section->heading_end = adopt_heading_end(plan, section->heading);
                section->at = section->heading;
            } else {
                bool led = before && cmark_node_get_type(before) == CMARK_NODE_PARAGRAPH;
                section->at = cmark_node_get_start_line(led ? before : node);
            }
        }
        if (count)
            section->count = first + count - section->first;
        before = node;
    }
    return 0;
}

static bool looks_typed(const char *literal)
{
    return strncmp(literal, "$ ", 2) == 0 || strstr(literal, "\n$ ");
}

static int read_silent(struct adopt_plan *plan)
{
    cmark_iter *iter = cmark_iter_new(plan->readme->document);
    cmark_event_type event;
    int result = iter ? 0 : -1;
    while (result == 0 && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        if (event != CMARK_EVENT_ENTER || cmark_node_get_type(node) != CMARK_NODE_CODE_BLOCK ||
            cmark_node_get_fence_info(node)[0] || step_node_kind(node) != NODE_KIND_CODE ||
            !looks_typed(cmark_node_get_literal(node)))
            continue;
        struct adopt_hint *grown = realloc(plan->silent, (plan->silent_count + 1) * sizeof *grown);
        if (grown) {
            plan->silent = grown;
            plan->silent[plan->silent_count++].line = cmark_node_get_start_line(node);
        }
        result = grown ? 0 : -1;
    }
    cmark_iter_free(iter);
    return result;
}

int adopt_plan_read(struct adopt_plan *plan, const struct lesson *readme, const char *text, struct err *err)
{
    *plan = (struct adopt_plan){ .readme = readme, .terminals = 1 };
    if (read_lines(plan, text) == 0 && read_blocks(plan) == 0 && read_sections(plan) == 0 && read_silent(plan) == 0)
        return 0;
    adopt_plan_free(plan);
    return err_set(err, ENOMEM, "read `%s`", readme->path);
}

void adopt_plan_ask(struct adopt_plan *plan)
{
    cleanup_free struct answer *answers = calloc(host_feature_count, sizeof *answers);
    for (size_t i = 0; answers && i < plan->count; i++) /* what is not known to be missing is tried */
        find_lacks(answers, &plan->blocks[i]);
}

void adopt_plan_free(struct adopt_plan *plan)
{
    for (size_t i = 0; i < plan->line_count; i++)
        free(plan->lines[i]);
    for (size_t i = 0; i < plan->section_count; i++)
        free(plan->sections[i].title);
    free(plan->lines);
    free(plan->blocks);
    free(plan->sections);
    free(plan->silent);
    *plan = (struct adopt_plan){ 0 };
}

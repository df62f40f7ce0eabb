#include "repl/adopt/draft.h"

#include "engine/base/cleanup.h"

#include <cmark.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_TIMEOUT_MS 20000 /* of a lesson that says nothing of it */

struct draft {
    FILE *out;
    const struct adopt_plan *plan;
    const struct adopt_claims *claims;
    enum draft_stage stage;
    const struct adopt_section *section; /* the one being written */
    const struct adopt_block *last;      /* the block that an output fence would belong to */
    bool titled;                         /* its first-level heading is written */
    bool blank;                          /* the line before is empty */
};

static void write_check(struct draft *draft)
{
    size_t which = (size_t)(draft->section - draft->plan->sections);
    const struct adopt_claims *claims = &draft->claims[which];
    const struct adopt_claim *kept[CLAIMS_OF_A_CHECK];
    if (draft->stage == DRAFT_OBSERVE) {
        fprintf(draft->out, "<!-- check\ntrue\n-->\n\n");
        return;
    }
    if (draft->stage == DRAFT_TRY) {
        fprintf(draft->out, "<!-- check\n");
        for (size_t i = 0; i < claims->count; i++)
            fprintf(draft->out, "( %s ) >/dev/null 2>&1 && echo %zu\n", claims->list[i].text, i);
        fprintf(draft->out, "exit 1\n-->\n\n");
        return;
    }
    size_t count = claims_proved(claims, kept, CLAIMS_OF_A_CHECK);
    for (size_t i = 0; i < count; i++)
        fprintf(draft->out, "%s%s%s\n", i == 0 ? "<!-- check\n" : "", kept[i]->text,
                i + 1 < count ? " || exit 1" : "\n-->\n");
}

static void end_section(struct draft *draft)
{
    if (draft->section && !draft->blank)
        fputc('\n', draft->out);
    if (draft->section)
        write_check(draft);
    draft->section = NULL;
    draft->last = NULL;
}

/* What one of its blocks requires, its check does too: without it there is nothing to find. */
static void write_requires(struct draft *draft, const struct adopt_section *section)
{
    char names[512] = "";
    for (size_t i = section->first; i < section->first + section->count; i++) {
        const struct adopt_block *at = &draft->plan->blocks[i];
        cleanup_free char *copy = strdup(at->way == ADOPT_LEFT_OUT ? "" : at->requires);
        char *rest = copy, *name;
        while ((name = strsep(&rest, " "))) {
            char padded[80];
            size_t len = strlen(names);
            snprintf(padded, sizeof padded, " %.70s,", name);
            if (*name && !strstr(names, padded))
                snprintf(names + len, sizeof names - len, "%s", padded);
        }
    }
    if (names[0])
        fprintf(draft->out, "\n<!-- requires:%.*s -->\n", (int)strlen(names) - 1, names);
}

static void begin_section(struct draft *draft, const struct adopt_section *section)
{
    end_section(draft);
    draft->section = section;
    fprintf(draft->out, "## %s\n", section->title);
    write_requires(draft, section);
    if (!section->heading)
        fputc('\n', draft->out);
}

/* `"key":"value"` into the flat object of an info string. */
static void add_key(char *keys, size_t size, const char *key, const char *value)
{
    size_t len = strlen(keys);
    if (value && *value)
        snprintf(keys + len, size - len, "%s\"%s\":\"%s\"", len ? "," : "", key, value);
}

static void keys_of(const struct draft *draft, const struct adopt_block *at, char *keys, size_t size)
{
    static const char *const types[] = { "", "script", "file", "quiz" };
    const struct block *block = at->block;
    char terminal[16] = "";
    bool command = block->type == BLOCK_COMMAND, shell = command || block->type == BLOCK_SCRIPT;
    keys[0] = '\0';
    if (at->terminal > 1)
        snprintf(terminal, sizeof terminal, "%u", at->terminal);
    add_key(keys, size, "type", types[block->type]);
    add_key(keys, size, "name", block->type == BLOCK_FILE ? block->name : NULL);
    add_key(keys, size, "terminal", command ? terminal : NULL);
    add_key(keys, size, "background", command && at->way == ADOPT_BACKGROUND ? "true" : NULL);
    add_key(keys, size, "interrupt", command && at->interrupt ? "true" : NULL);
    add_key(keys, size, "interactive", at->way == ADOPT_KEYS ? "true" : NULL);
    add_key(keys, size, "path", block->type == BLOCK_FILE ? NULL : block->path);
    add_key(keys, size, "user", block->user);
    add_key(keys, size, "timeout", shell ? block->timeout : NULL);
    add_key(keys, size, "exit", !shell ? NULL : draft->stage == DRAFT_OBSERVE ? "any" : at->exit);
}

/* A line of a block, without the `sudo` in front of its commands. */
static void write_body_line(FILE *out, const char *line, bool sudo)
{
    for (const char *at = line; *at;)
        if (sudo && adopt_is_sudo(line, at))
            at += strlen("sudo ");
        else
            fputc(*at++, out);
    fputc('\n', out);
}

/* The bytes before the fence's characters, and how many of those. */
static size_t fence_marks(const char *line, size_t *prefix)
{
    for (const char *at = line; *at; at++) {
        size_t run = strspn(at, "`");
        run = run ? run : strspn(at, "~");
        *prefix = (size_t)(at - line);
        if (run >= 3)
            return run;
    }
    return 0;
}

/* What stands before a line that goes on in the same list item or quote. */
static void write_prefix(FILE *out, const char *line, size_t prefix)
{
    for (size_t i = 0; i < prefix; i++)
        fputc(line[i] == '>' ? '>' : ' ', out);
}

static const char *line_of(const struct draft *draft, int number)
{
    return number >= 1 && (size_t)number <= draft->plan->line_count ? draft->plan->lines[number - 1] : "";
}

static void write_lines(const struct draft *draft, int first, int last)
{
    for (int i = first; i <= last; i++)
        fprintf(draft->out, "%s\n", line_of(draft, i));
}

/* The language alone, of a fence that is only shown: what else stood there was for another tool. One that a lesson would run is `text`. */
static void write_shown(const struct draft *draft, int first, int last, bool ours)
{
    const char *line = line_of(draft, first);
    size_t prefix = 0, marks = fence_marks(line, &prefix);
    const char *info = line + prefix + marks;
    info += strspn(info, " \t");
    if (*info == '{' && strchr(info, '}'))
        info = strchr(info, '}') + 1;
    info += strspn(info, " \t");
    cleanup_free char *language = strndup(info, strcspn(info, " \t|{,"));
    bool runs = ours || !language || lesson_is_shell(language);
    fprintf(draft->out, "%.*s%s\n", (int)(prefix + marks), line, runs ? "text" : language);
    write_lines(draft, first + 1, last);
}

/* Options of a MyST cell, which are no lines of a lesson's block. */
static int option_lines(const struct draft *draft, int first, int last)
{
    int at = first + 1;
    const char *info = strstr(line_of(draft, first), "{code-cell}");
    if (!info)
        return 0;
    if (strcmp(line_of(draft, at), "---") == 0) {
        for (at++; at < last && strcmp(line_of(draft, at), "---") != 0;)
            at++;
        return at - first;
    }
    while (at < last && line_of(draft, at)[0] == ':')
        at++;
    return at - first - 1;
}

static void write_block(struct draft *draft, const struct adopt_block *at, int last)
{
    char keys[1024];
    int first = at->line;
    const char *line = line_of(draft, first);
    size_t prefix = 0, marks = fence_marks(line, &prefix);
    const char *info = line + prefix + marks;
    bool session = strstr(info, "console") || strstr(info, "erminal") || strstr(info, "ession");
    keys_of(draft, at, keys, sizeof keys);
    fprintf(draft->out, "%.*s%s%s%s%s\n", (int)(prefix + marks), line,
            at->block->type == BLOCK_FILE ? "text"
            : session                     ? "console"
                                          : "bash",
            keys[0] ? " |{" : "", keys, keys[0] ? "}" : "");
    for (int i = first + 1 + option_lines(draft, first, last); i <= last; i++)
        write_body_line(draft->out, line_of(draft, i), at->sudo && i < last);
    if (at->way == ADOPT_KEYS) {
        char *copy = strdup(at->keys), *rest = copy, *key;
        write_prefix(draft->out, line, prefix);
        fprintf(draft->out, "```keys\n");
        while (copy && (key = strsep(&rest, "\n")) && *key) {
            write_prefix(draft->out, line, prefix);
            fprintf(draft->out, "%s\n", key);
        }
        free(copy);
        write_prefix(draft->out, line, prefix);
        fprintf(draft->out, "```\n");
    }
}

/* A code block, from line @first to @last of the README. */
static void write_code(struct draft *draft, cmark_node *node, int first, int last)
{
    enum node_kind kind = step_node_kind(node);
    const struct adopt_block *at = kind == NODE_KIND_BLOCK ? adopt_block_at(draft->plan, first) : NULL;
    size_t prefix;
    if (fence_marks(line_of(draft, first), &prefix) == 0) { /* indented */
        write_lines(draft, first, last);
        return;
    }
    if (at && at->way != ADOPT_LEFT_OUT) {
        write_block(draft, at, last);
        draft->last = at;
    } else if (kind == NODE_KIND_OUTPUT && draft->last && !draft->last->prints_else && draft->stage != DRAFT_OBSERVE) {
        write_lines(draft, first, last);
    } else {
        write_shown(draft, first, last, at || kind != NODE_KIND_CODE);
        draft->last = at ? NULL : draft->last;
    }
}

/* The headings and code blocks of the README, by the line they begin on. A heading in a list or a quote starts no step: its lines are written as any other. */
struct element {
    cmark_node *node;
    int first, last;
};

static struct element *read_elements(const struct adopt_plan *plan, size_t *count)
{
    struct element *list = NULL;
    cmark_iter *iter = cmark_iter_new(plan->readme->document);
    cmark_event_type event;
    *count = 0;
    while (iter && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        bool heading = type == CMARK_NODE_HEADING && cmark_node_parent(node) == plan->readme->document;
        if (event != CMARK_EVENT_ENTER || (type != CMARK_NODE_CODE_BLOCK && !heading))
            continue;
        struct element *grown = realloc(list, (*count + 1) * sizeof *grown);
        if (!grown) {
            free(list);
            list = NULL;
            break;
        }
        list = grown;
        int first = cmark_node_get_start_line(node);
        int last = heading ? adopt_heading_end(plan, first) : cmark_node_get_end_line(node);
        list[(*count)++] = (struct element){ node, first, last };
    }
    cmark_iter_free(iter);
    return list;
}

static const struct adopt_section *section_at(const struct adopt_plan *plan, int line)
{
    for (size_t i = 0; i < plan->section_count; i++)
        if (plan->sections[i].at == line)
            return &plan->sections[i];
    return NULL;
}

/* A heading that starts no step: below the level that would. */
static void write_heading(struct draft *draft, const struct element *at)
{
    int level = cmark_node_get_heading_level(at->node);
    bool title = level == 1 && !draft->titled && !draft->section;
    if (level > 2 || title) {
        write_lines(draft, at->first, at->last);
        draft->titled |= title;
        return;
    }
    cleanup_free char *text = adopt_heading_text(draft->plan, at->first);
    fprintf(draft->out, "### %s\n", text ? text : "");
}

/* The front matter's lines, which are of other tools. */
static int front_lines(const struct adopt_plan *plan)
{
    if (plan->line_count == 0 || strcmp(plan->lines[0], "---") != 0)
        return 0;
    for (size_t i = 1; i < plan->line_count; i++)
        if (strcmp(plan->lines[i], "---") == 0 || strcmp(plan->lines[i], "...") == 0)
            return (int)i + 1;
    return 0;
}

static void write_front(struct draft *draft)
{
    const char *title = draft->plan->readme->title;
    const char *quote = strpbrk(title, "#\"") ? strchr(title, '\'') ? "" : "'" : strchr(title, ':') ? "\"" : "";
    fprintf(draft->out, "---\ntitle: %s%s%s\n", quote, title, quote);
    if (draft->plan->readme->timeout_ms != USUAL_TIMEOUT_MS)
        fprintf(draft->out, "timeout: %ums\n", draft->plan->readme->timeout_ms);
    fprintf(draft->out, "---\n");
}

static void write_all(struct draft *draft, const struct element *elements, size_t count)
{
    size_t next = 0;
    write_front(draft);
    for (int line = front_lines(draft->plan) + 1; line <= (int)draft->plan->line_count; line++) {
        const struct adopt_section *section = section_at(draft->plan, line);
        while (next < count && elements[next].first < line)
            next++;
        const struct element *at = next < count && elements[next].first == line ? &elements[next] : NULL;
        if (section)
            begin_section(draft, section);
        if (section && section->heading)
            line = section->heading_end;
        else if (at && cmark_node_get_type(at->node) == CMARK_NODE_HEADING)
            write_heading(draft, at);
        else if (at)
            write_code(draft, at->node, at->first, at->last);
        else
            fprintf(draft->out, "%s\n", line_of(draft, line));
        if (at && !(section && section->heading))
            line = at->last;
        draft->blank = !at && !section && !*line_of(draft, line);
    }
    end_section(draft);
}

char *draft_write(const struct adopt_plan *plan, const struct adopt_claims *claims, enum draft_stage stage)
{
    char *text = NULL;
    size_t size, count;
    struct draft draft = { .plan = plan, .claims = claims, .stage = stage };
    cleanup_free struct element *elements = read_elements(plan, &count);
    draft.out = elements ? open_memstream(&text, &size) : NULL;
    if (!draft.out)
        return NULL;
    write_all(&draft, elements, count);
    if (fclose(draft.out) == 0)
        return text;
    free(text);
    return NULL;
}

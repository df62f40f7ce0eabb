/* Code blocks as their source lines give them: the language, and the keys of the info string.
 *
 * cmark unescapes an info string, and so does every other tool in its own way; here it is read from the raw line.
 */
#include "repl/lesson/parse.h"

#include "engine/base/similar.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PAIRS 32

/* Those that mean something, for who misspells one. */
static const char *const languages[] = { "bash", "sh", "shell", "console", "quiz", "output", "keys" };
#define LANGUAGES (sizeof languages / sizeof *languages)

static void add_pair(struct parser *p, struct fence *fence, char *key, char *value)
{
    struct fence_pair *pair =
        key && value && fence->count < MOST_PAIRS ? ARRAY_ADD(p, fence->pairs, fence->count) : NULL;
    if (!key || !value)
        p->oom = true;
    if (pair) {
        *pair = (struct fence_pair){ key, value };
        return;
    }
    free(key);
    free(value);
}

static void read_json(struct parser *p, struct fence *fence, const char *object)
{
    json_error_t error;
    json_t *root = json_loads(object, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        mistake(p, fence->line,
                "bad JSON in the info string (%s), expected flat JSON as in `bash |{\"terminal\":\"2\"}`", error.text);
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (json_is_string(value))
            add_pair(p, fence, strdup(key), strdup(json_string_value(value)));
        else
            mistake(p, fence->line, "the value of `%s` is not a string, expected it in double quotes", key);
    }
    json_decref(root);
}

/** The next token of `{type: 'command', stream: true}`: quoted, or up to one of @ends. malloc'ed; NULL if there is none. */
static char *relaxed_token(const char **at, const char *ends)
{
    *at += strspn(*at, " \t");
    char quote = **at == '"' || **at == '\'' ? **at : '\0';
    const char *start = *at + (quote != '\0');
    const char *end = start;
    if (quote) {
        end = strchr(start, quote);
        if (!end)
            return NULL;
    } else {
        for (int depth = 0; *end && (depth > 0 || !strchr(ends, *end)); end++)
            depth += (*end == '{') - (*end == '}'); /* Docable has nested values, of keys that are not ours */
    }
    *at = end + (quote != '\0');
    *at += strspn(*at, " \t");
    if (!quote && end == start)
        return NULL;
    return trimmed(start, (size_t)(end - start));
}

static void read_relaxed(struct parser *p, struct fence *fence, const char *object)
{
    const char *at = object + 1;
    at += strspn(at, " \t");
    while (*at && *at != '}') {
        char *key = relaxed_token(&at, ":,} \t");
        char *value = key && *at == ':' ? (at++, relaxed_token(&at, ",}")) : NULL;
        if (!key || !value || (*at != ',' && *at != '}')) {
            free(key);
            free(value);
            break;
        }
        add_pair(p, fence, key, value);
        at += *at == ',';
        at += strspn(at, " \t");
    }
    if (*at != '}' || at[1 + strspn(at + 1, " \t")] != '\0')
        mistake(p, fence->line, "bad object in the info string at `%s`, expected it as in `bash | {type: 'command'}`",
                at);
}

static void read_runme(struct parser *p, struct fence *fence, const char *object)
{
    const char *at = object + 1;
    while (*(at += strspn(at, " \t,")) && *at != '}') {
        char *key = relaxed_token(&at, "=} \t,");
        char *value = key && *at == '=' ? (at++, relaxed_token(&at, "} \t,")) : NULL;
        if (key && value) {
            add_pair(p, fence, key, value);
            continue;
        }
        free(key); /* {.class #id}: for other tools */
        free(value);
        if (!key)
            break;
    }
}

/** What follows the language: `|{"k":"v"}`, `| {k: 'v'}`, `{k=v}`, or words that mean nothing to us. */
static void read_keys_of_info(struct parser *p, struct fence *fence, const char *info)
{
    const char *bar = strchr(info, '|');
    const char *brace = strchr(info, '{');
    if (!brace || (bar && bar > brace)) {
        if (bar && fence->kind != NODE_KIND_CODE)
            soft_mistake(p, fence->line,
                         "nothing after `|` in the info string, expected keys as in `bash |{\"terminal\":\"2\"}`");
        if (!brace)
            return;
    }
    bool strict = brace[1 + strspn(brace + 1, " \t")] == '"' || (bar && brace[1] == '}');
    if (!bar || bar > brace) {
        fence->form = FENCE_RUNME;
        if (strict)
            read_relaxed(p, fence, brace);
        else
            read_runme(p, fence, brace);
        return;
    }
    for (const char *c = bar + 1; *c; c++)
        if (strchr("\\`&|", *c)) {
            mistake(p, fence->line,
                    "`%c` in the info string, which tools read differently, expected it in the block's body", *c);
            return;
        }
    if (bar > info ? !strchr(" \t", bar[-1]) : fence->language[0] != '\0')
        soft_mistake(p, fence->line, "no space before `|`, expected one, so that others still see the language");
    fence->form = strict ? FENCE_JSON : FENCE_RELAXED;
    if (strict)
        read_json(p, fence, brace);
    else
        read_relaxed(p, fence, brace);
}

static const char *pair_value(const struct fence *fence, const char *key)
{
    for (size_t i = 0; i < fence->count; i++)
        if (strcmp(fence->pairs[i].key, key) == 0)
            return fence->pairs[i].value;
    return NULL;
}

static const struct {
    const char *name;
    enum block_type type;
} types[] = {
    { "command", BLOCK_COMMAND }, { "script", BLOCK_SCRIPT }, { "file", BLOCK_FILE }, { "quiz", BLOCK_QUIZ }
};

/* Its author shows it and says that it is not to be run with the rest. */
static bool left_out_by_runme(const struct fence *fence)
{
    static const char *const keys[] = { "excludeFromRunAll", "ignore" };
    for (size_t i = 0; fence->form == FENCE_RUNME && i < sizeof keys / sizeof *keys; i++) {
        const char *value = pair_value(fence, keys[i]);
        if (value && strcmp(value, "true") == 0)
            return true;
    }
    return false;
}

static void decide_kind(struct parser *p, struct fence *fence)
{
    const char *language = fence->language;
    const char *type = fence->form == FENCE_RUNME ? NULL : pair_value(fence, "type");
    fence->kind = NODE_KIND_CODE;
    if (strcmp(language, "output") == 0 || strcmp(language, "keys") == 0) {
        fence->kind = *language == 'o' ? NODE_KIND_OUTPUT : NODE_KIND_KEYS;
        if (fence->count)
            soft_mistake(p, fence->line, "keys on an `%s` block, expected them on the block before it", language);
        return;
    }
    if (type) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (strcmp(type, types[i].name) == 0) {
                bool foreign_quiz = types[i].type == BLOCK_QUIZ && fence->form == FENCE_RELAXED;
                fence->kind = foreign_quiz ? NODE_KIND_CODE : NODE_KIND_BLOCK;
                fence->type = types[i].type;
                return;
            }
        char near[64];
        did_you_mean(near, sizeof near, type, &types[0].name, sizeof types / sizeof *types, sizeof *types);
        if (fence->form == FENCE_JSON)
            mistake(p, fence->line, "unknown type `%s`, expected one of command, script, file, quiz%s", type, near);
        else
            soft_mistake(p, fence->line, "unknown type `%s`, expected one of command, script, file, quiz%s", type,
                         near);
    } else if (strcmp(language, "quiz") == 0) {
        fence->kind = NODE_KIND_BLOCK;
        fence->type = BLOCK_QUIZ;
    } else if (lesson_is_shell(language)) {
        fence->kind = fence->left_out || left_out_by_runme(fence) ? NODE_KIND_CODE : NODE_KIND_BLOCK;
        fence->type = BLOCK_COMMAND;
    } else if (fence->form == FENCE_JSON) {
        char near[64];
        mistake(p, fence->line,
                "keys on a block of `%s`, expected one of bash, sh, shell, console, quiz, or a `type`%s", language,
                did_you_mean(near, sizeof near, language, languages, LANGUAGES, sizeof *languages));
    }
}

/** The fence's characters: how many of them, at *start. 0 when the line has none. */
static size_t fence_run(const char *line, size_t from, const char **start)
{
    size_t len = strlen(line);
    const char *at = from < len ? line + from : line + len;
    at += strspn(at, " \t>");
    *start = at;
    if (*at != '`' && *at != '~')
        return 0;
    size_t run = strspn(at, *at == '`' ? "`" : "~");
    return run >= 3 ? run : 0;
}

static int count_lines(const char *s)
{
    int lines = 0;
    for (; *s; s++)
        lines += *s == '\n';
    return lines;
}

static void read_fence(struct parser *p, cmark_node *node)
{
    int first = cmark_node_get_start_line(node), last = cmark_node_get_end_line(node);
    struct fence *fence = ARRAY_ADD(p, p->fences, p->fence_count);
    if (!fence)
        return;
    *fence = (struct fence){ .node = node, .line = first, .kind = NODE_KIND_CODE };
    cmark_node_set_user_data(node, (void *)(intptr_t)NODE_KIND_CODE);
    if (first < 1 || (size_t)first > p->line_count)
        return;
    const char *open, *close;
    int column = cmark_node_get_start_column(node);
    size_t run = fence_run(p->lines[first - 1], column > 0 ? (size_t)column - 1 : 0, &open);
    int body = count_lines(cmark_node_get_literal(node));
    if (run == 0 || body >= last - first + 1)
        return; /* indented */
    bool closed = last > first && (size_t)last <= p->line_count && fence_run(p->lines[last - 1], 0, &close) >= run &&
                  *close == *open && close[strspn(close, "`~") + strspn(close + strspn(close, "`~"), " \t")] == '\0';
    if (!closed)
        mistake(p, first, "a code block that never ends, expected a line %.*s after it", (int)run, open);
    const char *info = open + run + strspn(open + run, " \t");
    bool cell = strncmp(info, "{code-cell}", 11) == 0;
    fence->language = read_language(p, info, &info);
    fence->info = kept(p, strdup(info));
    if (!fence->language || !fence->info)
        return;
    fence->kind = lesson_is_shell(fence->language) ? NODE_KIND_BLOCK : NODE_KIND_CODE;
    read_keys_of_info(p, fence, info);
    if (cell)
        read_cell_options(fence, cmark_node_get_literal(node));
    decide_kind(p, fence);
    cmark_node_set_user_data(node, (void *)(intptr_t)fence->kind);
}

void read_fences(struct parser *p, cmark_node *document)
{
    cmark_iter *iter = cmark_iter_new(document);
    cmark_event_type event;
    while (iter && !p->oom && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        if (event == CMARK_EVENT_ENTER && cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK)
            read_fence(p, node);
    }
    if (!iter)
        p->oom = true;
    cmark_iter_free(iter);
}

struct fence *fence_of(const struct parser *p, const cmark_node *node)
{
    for (size_t low = 0, high = p->fence_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        struct fence *fence = &p->fences[middle];
        if (fence->node == node)
            return fence;
        int line = cmark_node_get_start_line((cmark_node *)(uintptr_t)node);
        if (fence->line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void fences_free(struct parser *p)
{
    for (size_t i = 0; i < p->fence_count; i++) {
        struct fence *fence = &p->fences[i];
        free(fence->language);
        free(fence->info);
        for (size_t j = 0; j < fence->count; j++) {
            free(fence->pairs[j].key);
            free(fence->pairs[j].value);
        }
        free(fence->pairs);
    }
    free(p->fences);
    p->fences = NULL;
    p->fence_count = 0;
}

enum node_kind step_node_kind(const struct cmark_node *node)
{
    return (enum node_kind)(intptr_t)cmark_node_get_user_data((cmark_node *)(uintptr_t)node);
}

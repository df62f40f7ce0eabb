/* A block of a step: its keys, from a table, and what hangs on it. */
#include "repl/lesson/parse.h"

#include "engine/base/similar.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum value_kind {
    VALUE_TEXT,
    VALUE_FLAG,
    VALUE_REPLAY,
    VALUE_EXIT,
    VALUE_TIMEOUT,
    VALUE_TERMINAL,
    VALUE_LENS,
    VALUE_NAMES,
    VALUE_ELSEWHERE
};

static const char *const expected_values[] = {
    [VALUE_TEXT] = "a text",
    [VALUE_FLAG] = "`true` or `false`",
    [VALUE_REPLAY] = "`skip`",
    [VALUE_EXIT] = "a status (`1`), `!0`, `signal:KILL` or `any`",
    [VALUE_TIMEOUT] = "a number and ms, s, m or h, as in `20s`",
    [VALUE_TERMINAL] = "a number from 1 to 9",
    [VALUE_LENS] = "`off`, or names of syscalls separated by commas",
    [VALUE_NAMES] = "names that `doctor` knows, separated by commas",
    [VALUE_ELSEWHERE] = "",
};

#define FOR(type) (1u << (type))
#define FOR_SHELL (FOR(BLOCK_COMMAND) | FOR(BLOCK_SCRIPT))
#define FOR_ALL (FOR_SHELL | FOR(BLOCK_FILE) | FOR(BLOCK_QUIZ))

static const struct block_key {
    const char *name;
    enum value_kind kind;
    unsigned types;
    size_t offset;
} block_keys[] = {
    { "type", VALUE_ELSEWHERE, FOR_ALL, 0 },
    { "name", VALUE_TEXT, FOR_ALL, offsetof(struct block, name) },
    { "terminal", VALUE_TERMINAL, FOR(BLOCK_COMMAND), offsetof(struct block, terminal) },
    { "background", VALUE_FLAG, FOR(BLOCK_COMMAND), offsetof(struct block, background) },
    { "ready", VALUE_TEXT, FOR(BLOCK_COMMAND), offsetof(struct block, ready) },
    { "interactive", VALUE_FLAG, FOR(BLOCK_COMMAND), offsetof(struct block, interactive) },
    { "interrupt", VALUE_FLAG, FOR(BLOCK_COMMAND), offsetof(struct block, interrupt) },
    { "hidden", VALUE_FLAG, FOR_SHELL | FOR(BLOCK_FILE), offsetof(struct block, hidden) },
    { "replay", VALUE_REPLAY, FOR_SHELL, offsetof(struct block, replay_skip) },
    { "lens", VALUE_LENS, FOR(BLOCK_COMMAND), offsetof(struct block, lens) },
    { "exit", VALUE_EXIT, FOR_SHELL, offsetof(struct block, exit) },
    { "timeout", VALUE_TIMEOUT, FOR_SHELL, offsetof(struct block, timeout) },
    { "requires", VALUE_NAMES, FOR_SHELL | FOR(BLOCK_FILE), offsetof(struct block, requires) },
    { "path", VALUE_TEXT, FOR_SHELL | FOR(BLOCK_FILE), offsetof(struct block, path) },
    { "user", VALUE_TEXT, FOR_SHELL | FOR(BLOCK_FILE), offsetof(struct block, user) },
};
#define BLOCK_KEYS (sizeof block_keys / sizeof *block_keys)

static const char all_keys[] =
    "expected one of type, name, terminal, background, ready, interactive, interrupt, hidden, replay, "
    "lens, exit, timeout, requires, path, user";

static const char *const type_names[] = { "command", "script", "file", "quiz" };

/* Docable's keys that say nothing we could act on: a lab has one machine, one terminal shows all output. */
static const char *const docable_keys[] = { "target",     "stream", "tty",   "privileged", "variables",
                                            "permission", "range",  "shell", "setup" };

/* Runme's names for what we have too; its other keys are for its own interface. */
static const struct {
    const char *name, *ours;
} runme_keys[] = { { "name", "name" }, { "background", "background" }, { "cwd", "path" } };

static const struct block_key *key_find(const char *name)
{
    for (size_t i = 0; i < BLOCK_KEYS; i++)
        if (strcmp(block_keys[i].name, name) == 0)
            return &block_keys[i];
    return NULL;
}

static const char *near_key(char *buf, size_t size, const char *name)
{
    return did_you_mean(buf, size, name, &block_keys[0].name, BLOCK_KEYS, sizeof block_keys[0]);
}

static bool value_good(enum value_kind kind, const char *value)
{
    unsigned ms;
    switch (kind) {
    case VALUE_TEXT:
        return value[strspn(value, " \t")] != '\0';
    case VALUE_FLAG:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    case VALUE_REPLAY:
        return strcmp(value, "skip") == 0;
    case VALUE_EXIT:
        return value_exit(value);
    case VALUE_TIMEOUT:
        return value_timeout(value, &ms);
    case VALUE_TERMINAL:
        return value[0] >= '1' && value[0] <= '9' && value[1] == '\0';
    case VALUE_LENS:
        return value_lens(value);
    case VALUE_NAMES:
        return value_names(value);
    case VALUE_ELSEWHERE:
        return true;
    }
    return false;
}

static void set_key(struct parser *p, struct block *block, const struct block_key *key, const char *value)
{
    if (!(key->types & FOR(block->type))) {
        mistake(p, block->line, "`%s` on a block of type %s, expected it on others", key->name,
                type_names[block->type]);
        return;
    }
    if (!value_good(key->kind, value)) {
        mistake(p, block->line, "bad value `%s` of `%s`, expected %s", value, key->name, expected_values[key->kind]);
        return;
    }
    void *field = (char *)block + key->offset;
    if (key->kind == VALUE_FLAG) {
        *(bool *)field = strcmp(value, "true") == 0;
    } else if (key->kind == VALUE_REPLAY) {
        *(bool *)field = true;
    } else if (key->kind != VALUE_ELSEWHERE) {
        char **text = field;
        free(*text);
        *text = key->kind == VALUE_NAMES || key->kind == VALUE_LENS ? names_list(p, value) : kept(p, strdup(value));
    }
}

static void add_any_lines(struct parser *p, struct block *block)
{
    struct output_pattern *pattern = ARRAY_ADD(p, block->output, block->output_count);
    if (pattern)
        *pattern = (struct output_pattern){ OUTPUT_ANY_LINES, kept(p, strdup("...")), '*', block->line };
}

/** A glob that finds @text anywhere in a line. */
static void add_containing(struct parser *p, struct block *block, const char *text, size_t len)
{
    struct text glob = { 0 };
    text_add(&glob, "*", 1);
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[\\", text[i]))
            text_add(&glob, "\\", 1);
        text_add(&glob, text + i, 1);
    }
    text_add(&glob, "*", 1);
    struct output_pattern *pattern = ARRAY_ADD(p, block->output, block->output_count);
    char *pattern_text = kept(p, text_take(&glob));
    if (pattern)
        *pattern = (struct output_pattern){ OUTPUT_GLOB, pattern_text, '\0', block->line };
    else
        free(pattern_text);
}

/** Docable's failed_when in its simple forms: `exitCode != 0`, `exitCode == 0`, `!stdout.includes('text')`. */
static void set_failed_when(struct parser *p, struct block *block, const char *value)
{
    char *packed = kept(p, strdup(value));
    if (!packed)
        return;
    size_t len = 0;
    bool equal = false;
    for (const char *c = value; *c; c++)
        if (*c != ' ' && *c != '\t')
            packed[len++] = *c;
    packed[len] = '\0';
    const char *status = NULL;
    if (strncmp(packed, "exitCode!=", 10) == 0)
        status = packed + 10 + (packed[10] == '=');
    else if ((equal = strncmp(packed, "exitCode==", 10) == 0))
        status = packed + 10 + (packed[10] == '=');
    static const char includes[] = "!stdout.includes(";
    const char *text = strstr(value, "includes(");
    if (status && status[strspn(status, "0123456789")] == '\0' && value_exit(status)) {
        char exit_value[8];
        snprintf(exit_value, sizeof exit_value, "%s%.4s", equal ? "!" : "", status);
        free(block->exit);
        block->exit = kept(p, strdup(exit_value));
    } else if (strncmp(packed, includes, strlen(includes)) == 0 && text) {
        text += strlen("includes(") + strspn(text + strlen("includes("), " \t\"'");
        size_t text_len = strcspn(text, "\"')");
        block->has_output = true;
        add_any_lines(p, block);
        add_containing(p, block, text, text_len);
        add_any_lines(p, block);
    } else {
        soft_mistake(p, block->line,
                     "`failed_when` is `%s`, expected `exitCode != 0`, `exitCode == 0` or `!stdout.includes('text')`",
                     value);
    }
    free(packed);
}

static bool is_docable(const char *name)
{
    for (size_t i = 0; i < sizeof docable_keys / sizeof *docable_keys; i++)
        if (strcmp(docable_keys[i], name) == 0)
            return true;
    return false;
}

static void set_pair(struct parser *p, struct block *block, const struct fence *fence, const struct fence_pair *pair)
{
    const char *name = pair->key;
    if (fence->form == FENCE_RUNME) {
        for (size_t i = 0; i < sizeof runme_keys / sizeof *runme_keys; i++)
            if (strcmp(runme_keys[i].name, name) == 0) {
                const struct block_key *ours = key_find(runme_keys[i].ours);
                if (ours && value_good(ours->kind, pair->value))
                    set_key(p, block, ours, pair->value);
            }
        return;
    }
    const struct block_key *key = key_find(name);
    char hint[64];
    if (key)
        set_key(p, block, key, pair->value);
    else if (fence->form == FENCE_JSON)
        mistake(p, block->line, "unknown key `%s`, %s%s", name, all_keys, near_key(hint, sizeof hint, name));
    else if (strcmp(name, "failed_when") == 0)
        set_failed_when(p, block, pair->value);
    else if (!is_docable(name))
        soft_mistake(p, block->line, "unknown key `%s`, %s%s", name, all_keys, near_key(hint, sizeof hint, name));
}

static void read_body(struct parser *p, struct block *block, const struct fence *fence)
{
    const char *body = cmark_node_get_literal(fence->node) + fence->body_at;
    int open_line = 0;
    if (block->type != BLOCK_COMMAND) {
        block->body = kept(p, strdup(body));
        return;
    }
    block->body = strip_prompts(p, body, is_session(fence->language));
    if (!block->body)
        return;
    block->commands = cut_commands(p, block->body, &open_line);
    if (block->commands && !block->commands[0])
        soft_mistake(p, block->line, "a block without a command, expected one at least");
    if (open_line)
        soft_mistake(p, !fence->body_at && strcmp(block->body, body) == 0 ? block->line + open_line : block->line,
                     "a command that never ends, expected its closing quote, bracket, keyword or here-document");
}

/* Is there a line @word in @text, so that it would end a here-document there? */
static bool has_line(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, word, length) == 0 && (line[length] == '\n' || !line[length]))
            return true;
    return false;
}

/* Lessons keep to names that need no quoting; another one is quoted all the same. */
static bool is_plain_name(const char *name)
{
    return name[strspn(name, "/._-+0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/** How a learner who has no editor at hand writes the file. A name with a quote in it has no such command. */
static void set_writing(struct parser *p, struct block *block)
{
    char word[64] = "END";
    if (strchr(block->name, '\''))
        return;
    while (has_line(block->body, word) && strlen(word) + 1 < sizeof word)
        strcat(word, "_");
    const char *quote = is_plain_name(block->name) ? "" : "'";
    size_t length = strlen(block->body);
    const char *newline = length && block->body[length - 1] != '\n' ? "\n" : "";
    char *writing;
    if (asprintf(&writing, "cat > %s%s%s <<'%s'\n%s%s%s", quote, block->name, quote, word, block->body, newline, word) <
        0)
        writing = NULL;
    block->writing = kept(p, writing);
}

/** What one key asks of another. */
static void check_block(struct parser *p, struct block *block)
{
    if (block->ready && !block->background)
        mistake(p, block->line, "`ready` without `background`, expected `\"background\":\"true\"` beside it");
    if (block->background && block->interactive)
        mistake(p, block->line, "both `background` and `interactive`, expected one of them");
    if (block->type == BLOCK_FILE && !block->name && block->path) { /* Docable's way */
        block->name = block->path;
        block->path = NULL;
    }
    if (block->type == BLOCK_FILE && !block->name)
        mistake(p, block->line, "a file without `name`, expected the path it is written to");
    else if (block->type == BLOCK_FILE && block->body)
        set_writing(p, block);
}

void add_block(struct parser *p, struct step *step, const struct fence *fence)
{
    struct block *block = ARRAY_ADD(p, step->blocks, step->block_count);
    if (!block)
        return;
    block->type = fence->type;
    block->line = fence->line;
    for (size_t i = 0; i < fence->count && !p->oom; i++)
        set_pair(p, block, fence, &fence->pairs[i]);
    if (!block->terminal)
        block->terminal = kept(p, strdup("1"));
    if (!block->exit)
        block->exit = kept(p, strdup(fence->may_fail ? "any" : "0"));
    read_body(p, block, fence);
    if (block->type == BLOCK_QUIZ)
        read_quiz(p, block, fence);
    check_block(p, block);
    p->block_node = fence->node;
}

void attach_fence(struct parser *p, struct step *step, const struct fence *fence)
{
    struct block *block = step && p->block_node && step->block_count ? &step->blocks[step->block_count - 1] : NULL;
    if (fence->kind == NODE_KIND_OUTPUT) {
        if (!block || block->type == BLOCK_QUIZ || block->type == BLOCK_FILE)
            soft_mistake(p, fence->line,
                         "an `output` block after no command, expected it directly after the block that prints it");
        else if (block->has_output)
            mistake(p, fence->line, "a second output of the block on line %d, expected one", block->line);
        else
            read_output(p, block, fence);
        return;
    }
    if (!block)
        soft_mistake(p, fence->line,
                     "a `keys` block after no command, expected it directly after an interactive block");
    else if (!block->interactive)
        mistake(p, fence->line,
                "keys for the block on line %d, which is not interactive, expected `\"interactive\":\"true\"` there",
                block->line);
    else if (block->key_count)
        mistake(p, fence->line, "a second `keys` of the block on line %d, expected one", block->line);
    else
        read_keys(p, block, fence);
}

void block_clear(struct block *block)
{
    char *const texts[] = { block->name,    block->terminal, block->ready, block->lens, block->exit,
                            block->timeout, block->requires, block->path,  block->user, block->body };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; block->commands && block->commands[i]; i++)
        free(block->commands[i]);
    free(block->commands);
    for (size_t i = 0; i < block->output_count; i++)
        free(block->output[i].text);
    free(block->output);
    for (size_t i = 0; i < block->key_count; i++)
        free(block->keys[i].text);
    free(block->keys);
    free(block->writing);
    quiz_free(block->quiz);
}

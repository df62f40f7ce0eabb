/* The cells of this kernel, and what a client asks of them. */
#include "repl/kernel/kernel_internal.h"

#include <fnmatch.h>
#include <string.h>

#define SESSION 1 /* this kernel's; it knows no others */

void history_add(struct history *history, unsigned line, const char *code)
{
    struct entry *grown = reallocarray(history->list, history->count + 1, sizeof *grown);
    char *copy = strdup(code);
    if (grown)
        history->list = grown;
    if (!grown || !copy) {
        free(copy);
        return;
    }
    history->list[history->count++] = (struct entry){ line, copy };
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->list[i].code);
    free(history->list);
    *history = (struct history){ 0 };
}

struct query {
    const char *kind, *pattern;
    bool output, unique;
    json_int_t n, session, start, stop;
};

static json_int_t number(const json_t *content, const char *name, json_int_t otherwise)
{
    const json_t *value = json_object_get(content, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static bool wanted(const struct query *query, const struct entry *entry)
{
    if (strcmp(query->kind, "range") == 0)
        return (query->session == SESSION || query->session == 0) && entry->line >= query->start &&
               (query->stop < 0 || entry->line < query->stop);
    return strcmp(query->kind, "search") != 0 || fnmatch(query->pattern, entry->code, 0) == 0;
}

static bool comes_again(const struct history *history, size_t index)
{
    for (size_t i = index + 1; i < history->count; i++)
        if (strcmp(history->list[i].code, history->list[index].code) == 0)
            return true;
    return false;
}

void ask_history(struct kernel *kernel)
{
    const json_t *content = kernel->current->content;
    const struct history *history = &kernel->history;
    const char *kind = json_string_value(json_object_get(content, "hist_access_type"));
    const char *pattern = json_string_value(json_object_get(content, "pattern"));
    struct query query = { .kind = kind ? kind : "tail",
                           .pattern = pattern ? pattern : "*",
                           .output = json_is_true(json_object_get(content, "output")),
                           .unique = json_is_true(json_object_get(content, "unique")),
                           .n = number(content, "n", -1),
                           .session = number(content, "session", 0),
                           .start = number(content, "start", 0),
                           .stop = number(content, "stop", -1) };
    bool range = strcmp(query.kind, "range") == 0;
    json_t *found = json_array();
    for (size_t i = history->count; i > 0; i--) { /* the newest ones count; the oldest comes first */
        const struct entry *entry = &history->list[i - 1];
        if (!range && query.n >= 0 && (json_int_t)json_array_size(found) >= query.n)
            break;
        if (!wanted(&query, entry) || (query.unique && comes_again(history, i - 1)))
            continue;
        json_t *code = query.output ? json_pack("[s, n]", entry->code) : json_string(entry->code);
        json_array_insert_new(found, 0, json_pack("[i, i, o]", SESSION, (int)entry->line, code));
    }
    kernel_answer(kernel, "history_reply", json_pack("{s:s, s:o}", "status", "ok", "history", found));
}

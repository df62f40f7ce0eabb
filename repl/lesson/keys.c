/* What is typed into an interactive block: one action a line. */
#include "repl/lesson/parse.h"

#include "engine/base/similar.h"

#include <stdlib.h>
#include <string.h>

static const char *const key_names[] = {
    "Enter", "Tab",   "Escape", "Space", "Backspace", "Delete",   "Insert", "Up",  "Down",
    "Left",  "Right", "Home",   "End",   "PageUp",    "PageDown", "F1",     "F2",  "F3",
    "F4",    "F5",    "F6",     "F7",    "F8",        "F9",       "F10",    "F11", "F12",
};

static const char expected_action[] =
    "expected `Wait /regex/`, `Type \"text\"`, or a key: Enter, Tab, Escape, Up, F1, Ctrl+C …";

static bool is_key(const char *name)
{
    if (strncmp(name, "Ctrl+", 5) == 0)
        return name[5] && !name[6] && ((name[5] >= 'A' && name[5] <= 'Z') || strchr("[\\]^_@", name[5]));
    if (strncmp(name, "Alt+", 4) == 0)
        return name[4] > ' ' && name[4] < 0x7f && !name[5];
    for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
        if (strcmp(name, key_names[i]) == 0)
            return true;
    return false;
}

/** The text between @open quotes that end the line, `\` before a quote or a `\` taken off; NULL if it is not so. */
static char *between(struct parser *p, const char *s, char quote, bool escapes)
{
    size_t len = strlen(s);
    if (len < 3 || s[0] != quote || s[len - 1] != quote)
        return NULL;
    struct text text = { 0 };
    for (const char *c = s + 1; c < s + len - 1; c++) {
        if (*c == '\\' && (c[1] == quote || (escapes && c[1] == '\\'))) {
            c++;
            if (c == s + len - 1) { /* the closing quote itself is escaped */
                free(text.s);
                return NULL;
            }
        } else if (*c == quote && escapes) {
            free(text.s);
            return NULL;
        }
        text_add(&text, c, 1);
    }
    return kept(p, text_take(&text));
}

static void read_action(struct parser *p, struct block *block, const char *line, int number)
{
    struct key_action *action = ARRAY_ADD(p, block->keys, block->key_count);
    if (!action)
        return;
    char near[64];
    action->line = number;
    if (strncmp(line, "Wait ", 5) == 0) {
        regex_t regex;
        char why[128];
        action->kind = KEY_WAIT;
        action->text = between(p, line + 5, '/', false);
        if (!action->text)
            mistake(p, number, "`%s` has no pattern, expected `Wait /regex/`", line);
        else if (regex_compile(&regex, action->text, false, REG_NEWLINE, why, sizeof why))
            regfree(&regex);
        else
            mistake(p, number, "bad regular expression `%s` (%s), expected an extended one, see regex(7)", action->text,
                    why);
    } else if (strncmp(line, "Type ", 5) == 0) {
        action->kind = KEY_TYPE;
        action->text = between(p, line + 5, '"', true);
        if (!action->text)
            mistake(p, number, "`%s` has no text, expected `Type \"text\"`", line);
    } else {
        action->kind = KEY_PRESS;
        action->text = kept(p, strdup(line));
        if (!is_key(line))
            mistake(p, number, "unknown key action `%s`, %s%s", line, expected_action,
                    did_you_mean(near, sizeof near, line, key_names, sizeof key_names / sizeof *key_names,
                                 sizeof *key_names));
    }
}

void read_keys(struct parser *p, struct block *block, const struct fence *fence)
{
    const char *line = cmark_node_get_literal(fence->node);
    for (int number = fence->line + 1; *line && !p->oom; number++) {
        size_t len = strcspn(line, "\n");
        char *action = kept(p, trimmed(line, len));
        if (action && *action)
            read_action(p, block, action, number);
        free(action);
        line += len + (line[len] == '\n');
    }
    if (block->key_count == 0)
        mistake(p, fence->line, "a `keys` block without keys, %s", expected_action);
}
